"""The rollout's tables and flags, put together from the settings; and whether two adapters are one database."""

import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from homeport.contexts import SHIPPED
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import Entity
from homeport.kernel.errors import RepositoryError
from homeport.kernel.operation import one_row
from homeport.kernel.pages import CursorSigner
from homeport.ports.context import Context
from homeport.ports.rollout import RolloutTables
from homeport.ports.store import Session
from homeport.rollout.flags import Mode
from homeport.rollout.live import Current
from homeport.rollout.one_database import Apart
from homeport.rollout.sources import Domains, EnvironmentSource, FileSource, Source, TableSource
from homeport.settings import Settings, Units


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


async def apart_of(table: RolloutTables, session: Session) -> Apart | None:
    """None where the session sees a mark that was made in the table's database a moment ago.

    A copy of the database has the old marks and not this one.
    """
    try:
        found = await session.run(MARKER, _Wanted(await table.mark()))
    except RepositoryError as error:
        return Apart(f"whether both adapters are one database could not be asked ({type(error).__name__})")
    if found is not None and found.seen:
        return None
    return Apart("the legacy API and the database URL lead to different databases", seen=True)


def no_units(units: Units, apart: Apart | None, current: Mapping[str, Current]) -> str | None:
    """Why no unit may begin now; None where it may: over contexts on postgres, or where all is one database."""
    if all(each.flag.mode is Mode.POSTGRES for each in current.values()):
        return None
    if units is Units.REFUSE:
        return "a unit over contexts on the legacy adapter is refused here, by the setting units = 'refuse'"
    if apart is None or (units is Units.POSTGRES and not apart.seen):
        return None
    return f"a unit runs on postgres, and some of its contexts are elsewhere: {apart.reason}"


async def units_said(settings: Settings, table: RolloutTables, current: Mapping[str, Current]) -> str:
    """Where units of work run, as a process with these settings finds out when it starts; for a person."""
    if settings.supabase_service_role_key is None:
        apart: Apart | None = Apart("there is no legacy key here to ask with")
    else:
        from homeport.adapters.supabase_legacy import open_legacy

        legacy = await open_legacy(
            settings.rest_root,
            settings.supabase_service_role_key,
            catalog=Catalog.of(()),
            cursors=CursorSigner(),
            operations=[MARKER],
        )
        try:
            apart = await apart_of(table, legacy)
        finally:
            await legacy.close()
    reason = no_units(settings.units, apart, current)
    return "units of work run on postgres" if reason is None else f"no units of work: {reason}"
