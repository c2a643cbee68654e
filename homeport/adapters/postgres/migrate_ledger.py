"""What the database says about itself: which migrations it has, compared with the files that there are."""

import datetime as dt
import enum
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
import attrs

from homeport.adapters.postgres.connections import DRIVER, Connection
from homeport.adapters.postgres.errors import sqlstate, translated
from homeport.adapters.postgres.migrate_files import PLATFORM, Migration, by_dependency, migrations_of, platform
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import QueryError, RepositoryError
from homeport.ports.context import Context

MAKE_LEDGER = """
CREATE SCHEMA IF NOT EXISTS homeport;
CREATE TABLE IF NOT EXISTS homeport.migrations (
    context text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    checksum text COLLATE "C" NOT NULL,
    applied_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT migrations_pkey PRIMARY KEY (context, number)
);
ALTER TABLE homeport.migrations ENABLE ROW LEVEL SECURITY;
"""
RECORD = "INSERT INTO homeport.migrations (context, number, name, checksum) VALUES ($1, $2, $3, $4)"
FORGET = "DELETE FROM homeport.migrations WHERE context = $1 AND number = $2 AND name = $3 AND checksum = $4"


class State(enum.StrEnum):
    APPLIED = "applied"
    PENDING = "pending"
    WAITING = "waiting"
    """Late, and the other context is not installed."""
    CHANGED = "changed"
    """Applied, and its file is another one now."""
    MISSING = "missing"
    """Applied, and its file is gone."""


@attrs.frozen(kw_only=True)
class Status:
    """Where one migration stands. `applied_at` is None for one that is not applied."""

    context: str
    number: int
    name: str
    late: str | None
    state: State
    applied_at: dt.datetime | None


@attrs.frozen(kw_only=True)
class Applied:
    """One row of the ledger."""

    context: str
    number: int
    name: str
    checksum: str
    applied_at: dt.datetime

    @property
    def label(self) -> str:
        return f"{self.context}/{self.number:04}_{self.name}"


Ledger = dict[tuple[str, int], Applied]


async def status(connection: Connection, contexts: Iterable[Context[Any]]) -> list[Status]:
    """Every migration of the platform and the contexts in their order, then applied ones without a file.

    A late one is pending as soon as the other context is installed or among `contexts`.
    """
    wanted = by_dependency(contexts)
    files = files_of(wanted)
    ledger = await read_ledger(connection)
    names = {PLATFORM, *(each.name for each in wanted)}
    installed = names | {name for name, _ in ledger}
    rows = [_status(each, ledger.get((each.context, each.number)), installed) for each in files]
    return rows + [_without_file(each) for each in _gone(files, names, ledger)]


def files_of(contexts: Iterable[Context[Any]]) -> list[Migration]:
    """The platform's migrations and the contexts'."""
    return [*platform(), *(each for context in contexts for each in migrations_of(context))]


async def read_ledger(connection: Connection) -> Ledger:
    """What is applied; nothing for a database that Homeport has not seen."""
    try:
        if await connection.fetchval("SELECT to_regclass('homeport.migrations')") is None:
            return {}
        rows = await connection.fetch(
            "SELECT context, number, name, checksum, applied_at FROM homeport.migrations ORDER BY context, number"
        )
    except DRIVER as error:
        raise meant("homeport.migrations", error) from error
    return {(row["context"], row["number"]): Applied(**row) for row in rows}


def verify(files: Sequence[Migration], names: set[str], ledger: Ledger) -> None:
    """Raises QueryError where what was applied of these contexts is not what the files say."""
    for each in files:
        found = ledger.get((each.context, each.number))
        if found is not None and not _same(each, found):
            raise QueryError(f"{each.label} was changed after it was applied: put it back, and write a new migration")
    for gone in _gone(files, names, ledger):
        raise QueryError(f"{gone.label} is applied, but its file is gone")


def meant(label: str, error: BaseException) -> RepositoryError:
    """The error by its meaning, with the server's sentence unless it is one about values."""
    found = translated(error, Catalog.of(()), sent=False, alive=True)
    if found is None:
        return QueryError(f"{label}: {type(error).__name__}")
    said = str(found)
    if isinstance(error, asyncpg.PostgresError) and not sqlstate(error).startswith("22"):
        said = str(error.args[0]) if error.args else said
    return type(found)(f"{label}: {said}", code=found.code)


def _gone(files: Sequence[Migration], names: set[str], ledger: Ledger) -> list[Applied]:
    there = {(each.context, each.number) for each in files}
    return [each for key, each in ledger.items() if key[0] in names and key not in there]


def _same(migration: Migration, found: Applied) -> bool:
    return (found.checksum, found.name) == (migration.checksum, migration.name)


def _status(migration: Migration, found: Applied | None, installed: set[str]) -> Status:
    if found is not None:
        state = State.APPLIED if _same(migration, found) else State.CHANGED
    else:
        state = State.PENDING if migration.late is None or migration.late in installed else State.WAITING
    return Status(
        context=migration.context,
        number=migration.number,
        name=migration.name,
        late=migration.late,
        state=state,
        applied_at=None if found is None else found.applied_at,
    )


def _without_file(found: Applied) -> Status:
    return Status(
        context=found.context,
        number=found.number,
        name=found.name,
        late=None,
        state=State.MISSING,
        applied_at=found.applied_at,
    )
