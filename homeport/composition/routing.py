"""What is opened beside the adapters where flags choose them: flags, routers, shadows, counts, and who judges them."""

import asyncio
import contextvars
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Self

import attrs

from homeport.composition.rollout import apart_of, domains, no_units, rollout_tables, sources
from homeport.kernel.observe import Observer
from homeport.ports.context import Context
from homeport.ports.store import Session
from homeport.rollout.control import Control
from homeport.rollout.counts import Counts
from homeport.rollout.judging import POLICIES
from homeport.rollout.live import Flags
from homeport.rollout.one_database import OneDatabase
from homeport.rollout.prometheus import prometheus
from homeport.rollout.router import RoutedStore
from homeport.rollout.routes import log_event
from homeport.rollout.shadow import Shadow
from homeport.settings import Adapter, Settings, Units

Serve = Callable[[Context[Any], Adapter, tuple[Observer, ...]], Session]
"""A context's session on one adapter, told to the observers."""
Close = Callable[[], Awaitable[object]]


@attrs.frozen(eq=False)
class Routing:
    """Every context's router, and what is closed with them, in order."""

    routers: Mapping[Context[Any], Session]
    closing: tuple[Close, ...]
    _flags: Flags
    _units: Units
    _one: OneDatabase
    _counts: Counts

    def no_units(self) -> str | None:
        """Why no unit may begin now; None where one may."""
        return no_units(self._units, self._one.apart, self._flags.current())

    def metrics(self) -> str:
        """What was counted since the start, in Prometheus' text format."""
        return prometheus(self._counts)

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
            ask = partial(apart_of, tables, sessions[Adapter.SUPABASE_LEGACY])
            one, key = OneDatabase(await ask()), _shadow_key(settings)
            counts = Counts(key=key)
            shadows = {each.name: Shadow(each.name, key=key) for each in contexts}
            routers: dict[Context[Any], Session] = {}
            for each in contexts:
                served = {str(adapter): serve(each, adapter, (counts.observer(each.name),)) for adapter in sessions}
                routers[each] = RoutedStore(each.name, flags, served, shadow=shadows[each.name], one=one)
            control = Control(tables, flags, counts, shadows=shadows, policies=POLICIES[settings.rollout_policy])
            control.start()
            settling = asyncio.create_task(one.settle(ask, log_event), context=contextvars.Context())
            stack.pop_all()
        ended: Close = partial(_ended, settling)
        closing = (ended, control.close, flags.close, *(each.close for each in shadows.values()), tables.close)
        return cls(routers, closing, flags, settings.units, one, counts)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _shadow_key(settings: Settings) -> bytes:
    """What the hashes of rows are keyed with: the same in all processes of a deployment, and told by none of them."""
    secret = settings.cursor_key or settings.required("supabase_service_role_key").encode()
    return hashlib.blake2b(secret, person=b"homeport shadow").digest()
