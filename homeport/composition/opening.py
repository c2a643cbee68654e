"""From settings to an opened Homeport."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import attrs

from homeport.composition.opened import Homeport, Opening, Wiring
from homeport.composition.sessions import Clock, Contexts, Database, Sessions
from homeport.contexts import SHIPPED
from homeport.kernel.catalog import NO_OVERRIDES
from homeport.kernel.observe import Observer
from homeport.kernel.table import Override
from homeport.middleware.coalesce import CoalescedStore
from homeport.middleware.observe import ObservedStore
from homeport.middleware.retry import RetriedStore, Retries, UnitRetry
from homeport.ports.context import Context
from homeport.ports.store import Session
from homeport.settings import Adapter, Settings, Unscoped
from homeport.settings import load as load_settings

Wrap = Callable[[str, str, Session], Session]
"""What stands in for a context's session on an adapter: it is told both names, and may give the session back."""
_NO_UNITS = (
    "a unit needs all contexts in one database that knows transactions: they are on several adapters. Where postgres"
    " and supabase_legacy are one database, the setting units = 'postgres' runs units on postgres"
)


def open(  # noqa: A001, PLR0913 - read as `homeport.open`; one keyword for each thing that a deployment decides
    settings: Settings | None = None,
    *,
    contexts: Contexts | None = None,
    adapter: str | None = None,
    adapters: Mapping[str, str] | None = None,
    database: Database = None,
    overrides: Mapping[str, Override] = NO_OVERRIDES,
    observers: Iterable[Observer] = (),
    clock: Clock | None = None,
    coalesce: bool | None = None,
    wrap: Wrap | None = None,
) -> Opening:
    """Open the contexts on their adapters. Keywords win over `settings`; without settings, the environment's are read.

    Only the adapters in use are imported and opened. All tables of all contexts make one catalog; where contexts are on
    different adapters, memory knows its own tables alone and does not enforce foreign keys into the others.

    Args:
        contexts: names of shipped ones, `module:NAME`, or values. What they require is added.
        adapter: serves what `adapters`, by context name, does not say.
        database: a URL, or a pool or connection of one's own, which is not closed.
        overrides: by declared table name, beside those of the settings.
        observers: each is told of every store call.
        clock: the memory adapter's time.
        coalesce: whether concurrent gets of one moment are asked for in one statement.
        wrap: puts something between a context and its adapter, a `FaultyStore` for a drill; units are left alone.

    Raises:
        SettingsError: when opened: a name is unknown, something needed is missing, or memory lacks an answer.
        RepositoryUnavailableError: when opened: a server is not reached.
    """

    async def make() -> Homeport:
        given = settings if settings is not None else load_settings()
        chosen = attrs.evolve(
            given,
            adapter=given.adapter if adapter is None else adapter,
            coalesce=given.coalesce if coalesce is None else coalesce,
            adapters={**given.adapters, **(adapters or {})},
            tables={**given.tables, **overrides},
        )
        wanted = Sessions.of(chosen, given.contexts if contexts is None else contexts, clock)
        return await _Plan(wanted, tuple(observers), wrap).open(database)

    return Opening(make)


def in_memory(
    contexts: Contexts | None = None,
    *,
    clock: Clock | None = None,
    overrides: Mapping[str, Override] = NO_OVERRIDES,
    observers: Iterable[Observer] = (),
) -> Homeport:
    """A Homeport on the memory adapter, at once: no settings are read, no I/O is done. None: all shipped contexts."""
    settings = Settings(adapter=Adapter.MEMORY, tables=overrides)
    wanted = Sessions.of(settings, SHIPPED if contexts is None else contexts, clock)
    return _Plan(wanted, tuple(observers)).fixed({Adapter.MEMORY: wanted.memory()})


@attrs.frozen
class _Plan:
    """How the sessions become a Homeport: observed, tried again, coalesced, and behind routers where flags choose."""

    wanted: Sessions
    observers: tuple[Observer, ...]
    wrap: Wrap | None = None

    @property
    def settings(self) -> Settings:
        return self.wanted.settings

    async def open(self, database: Database) -> Homeport:
        """Opens each adapter once; closes those that are open if another fails."""
        async with AsyncExitStack() as stack:
            sessions: dict[Adapter, Session] = {}
            for adapter in self.wanted.needed:
                sessions[adapter] = await self.wanted.opened(adapter, database)
                stack.push_async_callback(sessions[adapter].close)
            db = await self._routed(sessions) if self.settings.flags else self.fixed(sessions)
            stack.pop_all()
        return db

    def fixed(self, sessions: Mapping[Adapter, Session]) -> Homeport:
        """Each context on its adapter: a server's single reads, and whole units, are tried again within one budget."""
        retries, contexts = self._retries(), self.wanted.contexts
        serving = {each: self._wrapped(each, self.settings.serving(each.name), sessions) for each in contexts}
        every = dict.fromkeys((*sessions.values(), *serving.values()))
        patient = {each: self._coalesced(_patient(self._observed(each), retries)) for each in every}
        unit_adapter = self.wanted.unit_adapter
        wiring = Wiring(
            sessions={context: patient[session] for context, session in serving.items()},
            catalog=self.wanted.catalog,
            units=None if unit_adapter is None else patient[sessions[unit_adapter]],
            retry=UnitRetry(retries),
            opened=tuple(patient[each] for each in sessions.values()),
            no_units=lambda: _NO_UNITS if unit_adapter is None else None,
        )
        return Homeport(wiring, refuse_unscoped=self.settings.unscoped is Unscoped.REFUSE)

    async def _routed(self, sessions: Mapping[Adapter, Session]) -> Homeport:
        """Every context behind a router that follows its flag. Imported only here: nothing else needs it."""
        from homeport.composition.routing import Routing

        retries = {adapter: self._retries() for adapter in sessions}

        def served(context: Context[Any], adapter: Adapter, counting: tuple[Observer, ...]) -> Session:
            session = self._wrapped(context, adapter, sessions)
            return self._coalesced(_patient(self._observed(session, *counting), retries[adapter]))

        routing = await Routing.opened(self.settings, self.wanted.contexts, sessions, served)
        unit_adapter = self.wanted.unit_adapter
        units = None if unit_adapter is None else self._observed(sessions[unit_adapter])
        wiring = Wiring(
            sessions=routing.routers,
            catalog=self.wanted.catalog,
            units=None if units is None else _patient(units, retries[Adapter.POSTGRES]),
            retry=UnitRetry(self._retries()),
            opened=tuple(sessions.values()),
            closing=routing.closing,
            no_units=lambda: _NO_UNITS if units is None else routing.no_units(),
            metrics=routing.metrics,
        )
        return Homeport(wiring, refuse_unscoped=self.settings.unscoped is Unscoped.REFUSE)

    def _retries(self) -> Retries:
        given = self.settings.retry
        return Retries(attempts=given.attempts, delay=given.delay, deadline=given.deadline, budget=given.budget)

    def _observed(self, session: Session, *counting: Observer) -> Session:
        observers = (*counting, *self.observers)
        return ObservedStore(session, observers) if observers else session

    def _coalesced(self, session: Session) -> Session:
        """Outermost, so that a batch is tried again and told as one call."""
        return CoalescedStore(session) if self.settings.coalesce else session

    def _wrapped(self, context: Context[Any], adapter: Adapter, sessions: Mapping[Adapter, Session]) -> Session:
        session = sessions[adapter]
        return session if self.wrap is None else self.wrap(context.name, adapter.value, session)


def _patient(session: Session, retries: Retries) -> Session:
    """Its single reads are tried again; memory is never out of reach."""
    return session if session.adapter == Adapter.MEMORY else RetriedStore(session, retries)
