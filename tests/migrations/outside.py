"""Contexts made for these tests: trips and vehicles, which the calendar's late foreign keys wait for."""

import uuid
from pathlib import Path
from typing import Any

import attrs

from homeport.adapters.postgres.ddl import context_sql
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import Entity
from homeport.kernel.policies import owned
from homeport.kernel.table import ID, OWNER, Table, table, unique
from homeport.ports.context import Context
from homeport.repositories.users import USER


@attrs.frozen(kw_only=True)
class Trip(Entity):
    id: uuid.UUID
    user_id: uuid.UUID


def owned_context(name: str, folder: Path) -> Context[Any]:
    """A context of one owned table, with a migration generated from it."""
    declared: Table[Any] = table(
        Trip,
        name,
        owner="user_id",
        columns={"id": ID, "user_id": OWNER},
        uniques=[unique("user_id", "id")],
        policies=owned(),
    )
    made: Context[Any] = Context(name, lambda _: None, (declared,), migrations=folder / name, requires=("users",))
    up, down = context_sql(made, Catalog.of([USER, declared])).texts
    write(folder / name, {f"0001_{name}.up": up, f"0001_{name}.down": down})
    return made


def plain_context(name: str, folder: Path, files: dict[str, str], requires: tuple[str, ...] = ()) -> Context[Any]:
    """A context of nothing but these files."""
    write(folder / name, files)
    return Context(name, lambda _: None, migrations=folder / name, requires=requires)


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text)
