"""The tables of the documentation that are made from the code: `python -m tests.docs.generated` writes them.

A table stands between `<!-- begin NAME -->` and `<!-- end NAME -->`.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path

import attrs

from homeport import fastapi
from homeport.adapters.memory.store import MemoryStore
from homeport.adapters.postgres.store import PostgresStore
from homeport.adapters.supabase_legacy import errors as legacy_errors
from homeport.adapters.supabase_legacy.store import LegacyStore
from homeport.cli import schemadocs
from homeport.kernel import capabilities, errors, sqlstate
from homeport.kernel.capabilities import Capability
from homeport.settings import Pool, Settings
from homeport.settings.limits import POOL_VARIABLES, RETRY_VARIABLES
from homeport.settings.values import VARIABLES

DOCS = Path(__file__).parents[2] / "docs"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    texts = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([texts[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *texts[1:]])


def code(text: object) -> str:
    return f"`{text}`"


# -- configuration.md


def settings() -> str:
    made = Settings()
    rows = [
        (code(name), ", ".join(map(code, VARIABLES.get(name, ()))) or _elsewhere(name), _shown(getattr(made, name)))
        for name in (each.name for each in attrs.fields(Settings))
        if name not in ("pool", "retry")
    ]
    for group, variables in (("pool", POOL_VARIABLES), ("retry", RETRY_VARIABLES)):
        for name, names in variables.items():
            default = "standard" if name == "preset" else getattr(getattr(made, group), name)
            rows.append((code(f"{group}.{name}"), ", ".join(map(code, names)), _shown(default)))
    return table(["setting", "environment, the first one set", "default"], rows)


def _elsewhere(name: str) -> str:
    return {"adapters": "`HOMEPORT_<CONTEXT>`, for example `HOMEPORT_EXPENSES`", "tables": "only in the TOML file"}[
        name
    ]


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    return code(value) if value not in ((), {}) else "empty"


def presets() -> str:
    rows = []
    for name in ("standard", "production", "test"):
        pool = Pool.preset(name)
        rows.append((code(name), str(pool.size), str(pool.overflow), str(pool.max_size)))
    return table(["preset", "size", "overflow", "connections at most"], rows)


# -- adapters.md


def gaps() -> str:
    have = {
        "postgres": PostgresStore.capabilities.fget(None),  # type: ignore[attr-defined]
        "memory": MemoryStore.capabilities.fget(None),  # type: ignore[attr-defined]
        "supabase_legacy": LegacyStore.capabilities.fget(None),  # type: ignore[attr-defined]
    }
    rows = [
        (code(each.name), _said()[str(each.name)], *("yes" if each in mine else "no" for mine in have.values()))
        for each in Capability
    ]
    return table(["capability", "what it means", *map(code, have)], rows)


def _said() -> dict[str, str]:
    """The docstring below each member, as its source has it."""
    tree = ast.parse(inspect.getsource(capabilities))
    body = next(each for each in tree.body if isinstance(each, ast.ClassDef)).body
    said: dict[str, str] = {}
    for one, after in pairwise(body):
        if isinstance(one, ast.Assign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            target = one.targets[0]
            assert isinstance(target, ast.Name)
            said[target.id] = str(after.value.value)
    return said


# -- errors.md


def tree() -> str:
    drawn = re.search(r"RepositoryError\n(?:[├└│].*\n)+", str(errors.__doc__))
    assert drawn is not None
    return f"```text\n{drawn[0]}```"


def codes() -> str:
    """Every code that an adapter's table names, with what it means on both; `*` is the rest of a class."""
    classes = {f"{each}*" for each, kind in sqlstate.BY_CLASS.items() if kind is not errors.QueryError}
    listed = {*sqlstate.BY_CODE, *legacy_errors._BY_CODE, *classes, "PGRST*"}
    rows = [(code(each), _on_postgres(each), _on_legacy(each)) for each in sorted(listed, key=_place)]
    return table(["code", "`postgres`", "`supabase_legacy`"], rows)


def _place(listed: str) -> tuple[bool, str]:
    return listed.startswith("PGRST"), listed.replace("*", "~")


def _on_postgres(listed: str) -> str:
    if listed.startswith("PGRST"):
        return ""
    return code(sqlstate.meaning(listed).__name__)


def _on_legacy(listed: str) -> str:
    if listed == "PGRST103":
        return "an empty page"
    if listed == "PGRST*":
        return code(errors.QueryError.__name__)
    return code((legacy_errors._BY_CODE.get(listed) or sqlstate.meaning(listed)).__name__)


def http_statuses() -> str:
    rows = [(code(kind.__name__), str(status), detail) for kind, (status, detail) in fastapi.STATUS.items()]
    return table(["error, or the nearest class above it", "status", "what the client is told"], rows)


TABLES: Mapping[str, tuple[str, Callable[[], str]]] = {
    "settings": ("configuration.md", settings),
    "presets": ("configuration.md", presets),
    "capabilities": ("adapters.md", gaps),
    "tree": ("errors.md", tree),
    "codes": ("errors.md", codes),
    "statuses": ("errors.md", http_statuses),
    "contexts": ("schema.md", schemadocs.overview),
}


def replaced(text: str, name: str, made: str) -> str:
    """The document with the table in its place. Raises LookupError if it has none."""
    pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise LookupError(f"no place for the table {name}")
    return pattern.sub(lambda found: f"{found[1]}{made}\n{found[2]}", text)


def main() -> None:
    for name, (document, make) in TABLES.items():
        path = DOCS / document
        path.write_text(replaced(path.read_text(encoding="utf-8"), name, make()), encoding="utf-8")


if __name__ == "__main__":
    main()
