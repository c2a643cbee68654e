"""The rollout's tables and flags, put together from the settings; and whether two adapters are one database."""

import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from homeport.contexts import SHIPPED
from homeport.kernel.entity import Entity
from homeport.kernel.operation import one_row
from homeport.ports.context import Context
from homeport.ports.rollout import RolloutTables
from homeport.ports.store import Session
from homeport.rollout.sources import Domains, EnvironmentSource, FileSource, Source, TableSource
from homeport.settings import Settings


@attrs.frozen
class _Wanted:
    wanted: uuid.UUID


@attrs.frozen
class _Seen(Entity):
    seen: bool


MARKER = one_row("homeport.homeport_marker", _Wanted, _Seen, writes=False)
"""Asks an adapter for a mark; one of the operations that the legacy adapter is opened with."""


def rollout_tables(settings: Settings) -> RolloutTables:
    """The tables in the database of the settings; nothing is asked of it yet. Raises SettingsError without a URL."""
    from homeport.adapters.postgres.rollout_store import open_rollout

    return open_rollout(settings.required("database_url"), pooler=settings.pool.pooler)


def domains(settings: Settings, contexts: Iterable[Context[Any]] = ()) -> Domains:
    """The contexts as domains; all shipped ones where none are given. The shipped ones are known in any case."""
    names = [each.name for each in contexts] or list(SHIPPED)
    return Domains.of({name: settings.serving(name).value for name in names}, SHIPPED)


def sources(
    known: Domains,
    *,
    table: RolloutTables | None,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[Source, ...]:
    """In order of precedence: the environment, the table, the file."""
    first = EnvironmentSource(known) if environment is None else EnvironmentSource(known, environment)
    found: list[Source] = [first]
    if table is not None:
        found.append(TableSource(table, known))
    if file is not None:
        found.append(FileSource(file, known))
    return tuple(found)


async def one_database(table: RolloutTables, session: Session) -> bool:
    """Whether the session sees a mark that was made in the table's database a moment ago.

    A copy of the database has the old marks and not this one. Raises what either side raises.
    """
    seen = await session.run(MARKER, _Wanted(await table.mark()))
    return seen is not None and seen.seen
