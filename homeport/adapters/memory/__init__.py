"""An in-memory engine with a database's semantics: constraints, atomic statements, SQL's logic and order."""

from homeport.adapters.memory.engine import Mark
from homeport.adapters.memory.store import MemoryStore, open_memory
from homeport.adapters.memory.unit import Answer, Unit

__all__ = ["Answer", "Mark", "MemoryStore", "Unit", "open_memory"]
