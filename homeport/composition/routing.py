"""What is opened beside the adapters where flags choose them: flags, routers, shadows, counts, and who judges them."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Self

import attrs

from homeport.composition.rollout import domains, one_database, rollout_tables, sources
from homeport.kernel.errors import RepositoryError
from homeport.kernel.observe import Observer
from homeport.ports.context import Context
from homeport.ports.rollout import RolloutTables
from homeport.ports.store import Session
from homeport.rollout.control import Control
from homeport.rollout.counts import Counts
from homeport.rollout.live import Flags
from homeport.rollout.router import RoutedStore
from homeport.rollout.shadow import Shadow
from homeport.settings import Adapter, Settings

Serve = Callable[[Adapter, Observer], Session]
"""One adapter's session, told to the observer."""


@attrs.frozen(eq=False)
class Routing:
    """Every context's router, and what is closed with them, in order."""

    routers: Mapping[Context[Any], Session]
    closing: tuple[Callable[[], Awaitable[object]], ...]

    @classmethod
    async def opened(
        cls,
        settings: Settings,
        contexts: tuple[Context[Any], ...],
        sessions: Mapping[Adapter, Session],
        serve: Serve,
    ) -> Self:
        """Reads every source of flags once, and asks whether both server adapters see one database.

        Raises:
            FlagError: the environment or the flags' file names an unknown domain or mode.
            SettingsError: there is no URL of the database that has the rollout's tables.
        """
        async with AsyncExitStack() as stack:
            tables = rollout_tables(settings)
            stack.push_async_callback(tables.close)
            known = domains(settings, contexts)
            flags = Flags(known, sources(known, table=tables, file=settings.flags_file))
            stack.push_async_callback(flags.close)
            await flags.open()
            apart, counts = await _apart(tables, sessions), Counts()
            shadows = {each.name: Shadow(each.name) for each in contexts}
            routers: dict[Context[Any], Session] = {}
            for each in contexts:
                served = {str(adapter): serve(adapter, counts.observer(each.name)) for adapter in sessions}
                routers[each] = RoutedStore(each.name, flags, served, shadow=shadows[each.name], apart=apart)
            control = Control(tables, flags, counts, shadows=shadows)
            control.start()
            stack.pop_all()
        closing = (control.close, flags.close, *(each.close for each in shadows.values()), tables.close)
        return cls(routers, closing)


async def _apart(tables: RolloutTables, sessions: Mapping[Adapter, Session]) -> str | None:
    """Why canary writes would split the truth; None where the legacy API sees the same database."""
    legacy = sessions.get(Adapter.SUPABASE_LEGACY)
    if legacy is None:
        return "the legacy adapter is not open"
    try:
        same = await one_database(tables, legacy)
    except RepositoryError as error:
        return f"whether both adapters are one database could not be asked ({type(error).__name__})"
    return None if same else "the legacy API and the database URL lead to different databases"
