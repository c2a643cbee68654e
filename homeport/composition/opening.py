"""From settings to an opened Homeport: checked before anything is opened, each adapter opened once."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar

import attrs

from homeport.composition.opened import Homeport, Opening, Wiring
from homeport.composition.rollout import MARKER
from homeport.contexts import SHIPPED, resolve
from homeport.kernel.catalog import NO_OVERRIDES, Catalog
from homeport.kernel.errors import Unsupported, unknown_name
from homeport.kernel.identity import Identity
from homeport.kernel.observe import Observer
from homeport.kernel.operation import Operation
from homeport.kernel.pages import CursorSigner
from homeport.kernel.table import Override
from homeport.middleware.coalesce import CoalescedStore
from homeport.middleware.observe import ObservedStore
from homeport.middleware.retry import RetriedStore, Retries, UnitRetry
from homeport.ports.context import Context
from homeport.ports.store import Session
from homeport.settings import Adapter, Settings, SettingsError, Units, Unscoped
from homeport.settings import load as load_settings

if TYPE_CHECKING:
    from homeport.adapters import postgres
    from homeport.adapters.memory import Answer

P = TypeVar("P")
Clock = Callable[[], datetime]
Wrap = Callable[[str, str, Session], Session]
"""What stands in for a context's session on an adapter: it is told both names, and may give the session back."""
_SERVERS = (Adapter.POSTGRES, Adapter.SUPABASE_LEGACY)
_NO_UNITS = (
    "a unit needs all contexts in one database that knows transactions: they are on several adapters. Where postgres"
    " and supabase_legacy are one database, the setting units = 'postgres' runs units on postgres"
)
Contexts = Iterable[str | Context[Any]]
Database: TypeAlias = "postgres.Database | None"


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
        plan = _Plan.of(chosen, given.contexts if contexts is None else contexts, clock, wrap)
        return await plan.open(database, tuple(observers))

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
    plan = _Plan.of(settings, SHIPPED if contexts is None else contexts, clock)
    return plan.fixed({Adapter.MEMORY: plan.memory()}, tuple(observers))


@attrs.frozen(kw_only=True)
class _Plan:
    """What is to be opened, checked before anything is."""

    settings: Settings
    contexts: tuple[Context[Any], ...]
    catalog: Catalog
    cursors: CursorSigner
    clock: Clock | None
    wrap: Wrap | None

    @classmethod
    def of(cls, settings: Settings, wanted: Contexts, clock: Clock | None, wrap: Wrap | None = None) -> "_Plan":
        contexts = resolve(wanted)
        names = {*SHIPPED, *(each.name for each in contexts)}
        for name in settings.adapters:
            if name not in names:
                raise SettingsError(f"an adapter is chosen for it, but there is {unknown_name('context', name, names)}")
        catalog = Catalog.of((table for each in contexts for table in each.tables), settings.tables)
        key = settings.cursor_key
        cursors = CursorSigner() if key is None else CursorSigner(key)
        return cls(settings=settings, contexts=contexts, catalog=catalog, cursors=cursors, clock=clock, wrap=wrap)

    async def open(self, database: Database, observers: tuple[Observer, ...]) -> Homeport:
        """Opens each adapter once; closes those that are open if another fails."""
        async with AsyncExitStack() as stack:
            sessions: dict[Adapter, Session] = {}
            for adapter in self._needed:
                sessions[adapter] = await self._session(adapter, database)
                stack.push_async_callback(sessions[adapter].close)
            if self.settings.flags:
                db = await self._routed(sessions, observers)
            else:
                db = self.fixed(sessions, observers)
            stack.pop_all()
        return db

    def fixed(self, sessions: Mapping[Adapter, Session], observers: tuple[Observer, ...]) -> Homeport:
        """Each context on its adapter: a server's single reads, and whole units, are tried again within one budget."""
        retries = self._retries()
        serving = {each: self._wrapped(each, self.settings.serving(each.name), sessions) for each in self.contexts}
        every = dict.fromkeys((*sessions.values(), *serving.values()))
        patient = {each: self._coalesced(_patient(self._observed(each, observers), retries)) for each in every}
        unit_adapter = self._unit_adapter
        wiring = Wiring(
            sessions={context: patient[session] for context, session in serving.items()},
            catalog=self.catalog,
            units=None if unit_adapter is None else patient[sessions[unit_adapter]],
            retry=UnitRetry(retries),
            opened=tuple(patient[each] for each in sessions.values()),
            no_units=lambda: _NO_UNITS if unit_adapter is None else None,
        )
        return Homeport(wiring, refuse_unscoped=self.settings.unscoped is Unscoped.REFUSE)

    async def _routed(self, sessions: Mapping[Adapter, Session], observers: tuple[Observer, ...]) -> Homeport:
        """Every context behind a router that follows its flag. Imported only here: nothing else needs it."""
        from homeport.composition.routing import Routing

        retries = {adapter: self._retries() for adapter in sessions}

        def served(context: Context[Any], adapter: Adapter, seen: tuple[Observer, ...]) -> Session:
            session = self._wrapped(context, adapter, sessions)
            return self._coalesced(_patient(self._observed(session, (*seen, *observers)), retries[adapter]))

        routing = await Routing.opened(self.settings, self.contexts, sessions, served)
        unit_adapter = self._unit_adapter
        units = None if unit_adapter is None else self._observed(sessions[unit_adapter], observers)
        wiring = Wiring(
            sessions=routing.routers,
            catalog=self.catalog,
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

    @property
    def _serving(self) -> list[Adapter]:
        found = dict.fromkeys(self.settings.serving(each.name) for each in self.contexts)
        return [*found, *(each for each in _SERVERS if self.settings.flags and each not in found)]

    @property
    def _unit_adapter(self) -> Adapter | None:
        """The adapter that units run on: the one that serves all, or postgres where it and legacy are one database."""
        serving = self._serving
        servers = Adapter.MEMORY not in serving
        one_database = self.settings.flags or self.settings.units is Units.POSTGRES  # flags ask, at start
        if servers and Adapter.SUPABASE_LEGACY in serving and one_database:
            return Adapter.POSTGRES
        return serving[0] if len(serving) == 1 else None

    @property
    def _needed(self) -> list[Adapter]:
        every = [*self._serving, *(() if self._unit_adapter is None else (self._unit_adapter,))]
        return list(dict.fromkeys(every))

    async def _session(self, adapter: Adapter, database: Database) -> Session:
        match adapter:
            case Adapter.POSTGRES:
                return await self._postgres(database)
            case Adapter.SUPABASE_LEGACY:
                return await self._legacy()
            case Adapter.MEMORY:
                return self.memory()

    async def _postgres(self, database: Database) -> Session:
        target = self.settings.required("database_url") if database is None else database
        from homeport.adapters.postgres import open_postgres

        pool = self.settings.pool
        return await open_postgres(
            target,
            catalog=self.catalog,
            cursors=self.cursors,
            operations=self._operations(Adapter.POSTGRES),
            scoped_database=self.settings.scoped_database_url,
            max_size=pool.max_size,
            acquire_timeout=pool.timeout,
            host_timeout=pool.host_timeout,
            statement_timeout=pool.statement_timeout,
            lock_timeout=pool.lock_timeout,
            pooler=pool.pooler,
            kind=pool.kind,
        )

    async def _legacy(self) -> Session:
        url, key = self.settings.rest_root, self.settings.required("supabase_service_role_key")
        try:
            from homeport.adapters.supabase_legacy import open_legacy
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("homeport"):
                raise
            missing = f"the adapter supabase_legacy needs {error.name}: pip install 'homeport[supabase]'"
            raise SettingsError(missing) from error
        pool = self.settings.pool
        return await open_legacy(
            url,
            key,
            catalog=self.catalog,
            cursors=self.cursors,
            operations=self._operations(Adapter.SUPABASE_LEGACY),
            timeout=pool.timeout,
            max_in_flight=pool.max_size,
            anon_key=self.settings.supabase_anon_key,
            sign=self._signer(),
        )

    def _signer(self) -> Callable[[Identity], str] | None:
        """What makes tokens for users whose own is not known, where the deployment has the secret for it."""
        if self.settings.supabase_jwt_secret is None:
            return None
        from homeport.bearer import BearerTokens

        return BearerTokens.of(self.settings).sign

    def memory(self) -> Session:
        from homeport.adapters.memory import open_memory

        served = self._served(Adapter.MEMORY)
        return open_memory(
            catalog=self.catalog.only(table for each in served for table in each.tables),
            cursors=self.cursors,
            operations=self._operations(Adapter.MEMORY),
            answers={name: answer for each in served for name, answer in _answers(each).items()},
            clock=self.clock,
        )

    def _observed(self, session: Session, observers: tuple[Observer, ...]) -> Session:
        return ObservedStore(session, observers) if observers else session

    def _coalesced(self, session: Session) -> Session:
        """Outermost, so that a batch is tried again and told as one call."""
        return CoalescedStore(session) if self.settings.coalesce else session

    def _wrapped(self, context: Context[Any], adapter: Adapter, sessions: Mapping[Adapter, Session]) -> Session:
        session = sessions[adapter]
        return session if self.wrap is None else self.wrap(context.name, adapter.value, session)

    def _served(self, adapter: Adapter) -> list[Context[Any]]:
        """The contexts whose rows the adapter may be asked for."""
        if self.settings.flags and adapter in _SERVERS:
            return list(self.contexts)
        return [each for each in self.contexts if self.settings.serving(each.name) is adapter]

    def _operations(self, adapter: Adapter) -> list[Operation[Any, Any]]:
        contexts = self.contexts if adapter is self._unit_adapter else self._served(adapter)
        marker = [MARKER] if self.settings.flags and adapter is Adapter.SUPABASE_LEGACY else []
        return [*marker, *(operation for each in contexts for operation in each.operations)]


def _patient(session: Session, retries: Retries) -> Session:
    """Its single reads are tried again; memory is never out of reach."""
    return session if session.adapter == Adapter.MEMORY else RetriedStore(session, retries)


def _answers(context: Context[Any]) -> "dict[str, Answer]":
    """Memory's form of each operation of the context, and a refusal for each of its GAPS.

    Raises:
        SettingsError: an operation has neither, or there is an answer to none.
    """
    if context.memory_answers is None and not context.operations:
        return {}
    module = importlib.import_module(context.memory_answers) if context.memory_answers is not None else None
    answers: dict[str, Answer] = dict(getattr(module, "ANSWERS", {}))
    for name in getattr(module, "GAPS", ()):
        answers[name] = _refusal(name)
    names = {each.name for each in context.operations}
    if answers.keys() != names:
        where = context.memory_answers or f"the context {context.name}, which names no module of answers"
        wrong = ", ".join(sorted(answers.keys() ^ names))
        raise SettingsError(f"memory's answers and the operations of {context.name} differ in {wrong}: see {where}")
    return answers


def _refusal(name: str) -> "Answer":
    def refuse(_: object, __: object) -> NoReturn:
        raise Unsupported(f"memory does not offer {name}")

    return refuse
