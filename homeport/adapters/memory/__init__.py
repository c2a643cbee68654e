"""An in-memory engine with a database's semantics: constraints, atomic statements, SQL's logic and order."""

from homeport.adapters.memory.journal import Mark
from homeport.adapters.memory.step import Answer, Step
from homeport.adapters.memory.store import MemoryStore, open_memory

__all__ = ["Answer", "Mark", "MemoryStore", "Step", "open_memory"]
