"""The implementations by name, each imported only when it is asked for: a peer may not be installed."""

import importlib
from collections.abc import Iterable, Mapping

from benchmarks.implementations.base import Absent, Implementation

RAW, AGAIN, HELD, LEAN, HOMEPORT = "raw", "raw-AA", "held", "lean", "homeport"
COALESCED, ROUTED, LEGACY, POSTGREST = "homeport-coalesced", "homeport-routed", "homeport-legacy", "postgrest"
NO_RESET, ALCHEMY, TUNED = "raw-noreset", "advanced-alchemy", "advanced-alchemy-tuned"
NEAR = frozenset({RAW, AGAIN, NO_RESET, HELD, LEAN, HOMEPORT, COALESCED, ROUTED})
"""Those whose differences are small, and are what a run is for."""

_OURS = "benchmarks.implementations.homeport_"
_ASYNCPG = "benchmarks.implementations.asyncpg_"
KNOWN: Mapping[str, tuple[str, str]] = {
    RAW: (_ASYNCPG, "DefaultPool"),
    AGAIN: (_ASYNCPG, "AgainTheSame"),
    NO_RESET: (_ASYNCPG, "NoReset"),
    HELD: (_ASYNCPG, "Held"),
    LEAN: ("benchmarks.implementations.lean", "Lean"),
    HOMEPORT: (_OURS, "OnPostgres"),
    COALESCED: (_OURS, "Coalesced"),
    ROUTED: (_OURS, "Routed"),
    "psycopg": ("benchmarks.implementations.psycopg_", "Psycopg"),
    "sqlalchemy-core": ("benchmarks.implementations.sqlalchemy_core", "Core"),
    "sqlalchemy-orm": ("benchmarks.implementations.sqlalchemy_orm", "Orm"),
    ALCHEMY: ("benchmarks.implementations.advanced_alchemy_", "AdvancedAlchemy"),
    TUNED: ("benchmarks.implementations.advanced_alchemy_", "Tuned"),
    "tortoise": ("benchmarks.implementations.tortoise_", "TortoiseOrm"),
    "piccolo": ("benchmarks.implementations.piccolo_", "Piccolo"),
    POSTGREST: ("benchmarks.implementations.postgrest_", "Postgrest"),
    LEGACY: (_OURS, "OnLegacy"),
}
"""In the order of the tables. A further way through Homeport is one more line here."""


def made(name: str) -> Implementation:
    """Raises Absent if what it needs is not installed."""
    module, kind = KNOWN[name]
    try:
        implementation: Implementation = getattr(importlib.import_module(module), kind)()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in ("benchmarks", "homeport"):
            raise
        raise Absent(f"{error.name} is not installed") from error
    return implementation


def known(names: Iterable[str]) -> list[str]:
    """Those names, in the order of the tables. Raises LookupError for another one."""
    wanted = list(names)
    for name in wanted:
        if name not in KNOWN:
            raise LookupError(f"no implementation is called {name}: {', '.join(KNOWN)}")
    return [name for name in KNOWN if name in wanted]
