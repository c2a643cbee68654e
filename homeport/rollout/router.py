"""One domain's calls, each on the adapter that the domain's flag and the call's subject choose. Knows no adapter.

Which adapter served is seen by the observers of the sessions; `subjects.DRAWN` tells them how it came to it.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import reduce
from operator import and_
from typing import Any, TypeVar

import attrs

from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.errors import Unsupported
from homeport.kernel.identity import Identity
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written
from homeport.kernel.units import DEFAULT_UNIT, UnitOptions
from homeport.ports.store import Session, Unit
from homeport.rollout.compare import Count, Fetch, Run
from homeport.rollout.one_database import OneDatabase
from homeport.rollout.routes import Flags, Routes, Tell, Way, log_event
from homeport.rollout.shadow import Shadow
from homeport.rollout.subjects import DRAWN, Draw, named_in

T = TypeVar("T")
_OF_UNITS = Capability.TRANSACTIONS | Capability.ROW_LOCKS | Capability.ADVISORY_LOCKS


@attrs.define(eq=False)
class RoutedStore:
    """Specified by `homeport.ports.store.Session`.

    Each call is decided by the flag as it is then; a stream stays where it began. Until the candidate has 100 %, the
    writes of nobody in particular are the primary's, and so is SQL of one's own.

    Attributes:
        sessions: by adapter; all that flags may name.
        units: where units run, whatever the flag says; None refuses them.
        subject: for whom calls are made that don't say it themselves.
        one: whether the adapters are of one database; while they are apart, canary writes stay on the primary.
        tell: is told the domain and what could not be followed, once.
        capabilities: what all sessions can do; of units, what `units` can.

    Raises:
        FlagError: the flag needs an adapter that is not among the sessions.
    """

    domain: str
    flags: Flags = attrs.field(repr=False)
    sessions: Mapping[str, Session] = attrs.field(repr=False)
    units: Session | None = attrs.field(default=None, kw_only=True, repr=False)
    subject: object = attrs.field(default=None, kw_only=True, repr=False)
    shadow: Shadow | None = attrs.field(default=None, kw_only=True, repr=False)
    one: OneDatabase = attrs.field(factory=OneDatabase, kw_only=True)
    tell: Tell = attrs.field(default=log_event, kw_only=True, repr=False)
    rng: random.Random = attrs.field(factory=random.Random, kw_only=True, repr=False)
    _way: Way | None = attrs.field(default=None, init=False, repr=False)
    _routes: Routes = attrs.field(kw_only=True, repr=False)
    capabilities: Capability = attrs.field(kw_only=True, repr=False)
    catalog: Catalog = attrs.field(kw_only=True, repr=False)
    cursors: CursorSigner = attrs.field(kw_only=True, repr=False)

    @_routes.default
    def _first_routes(self) -> Routes:
        routes = Routes(self.domain, frozenset(self.sessions), self.shadow, self.one, self.tell, self.rng)
        routes.way(self.flags.of(self.domain), self.sessions)
        return routes

    @capabilities.default
    def _shared_capabilities(self) -> Capability:
        of_units = Capability(0) if self.units is None else self.units.capabilities & _OF_UNITS
        return reduce(and_, (each.capabilities for each in self.sessions.values())) & ~_OF_UNITS | of_units

    @catalog.default
    def _first_catalog(self) -> Catalog:
        return self._now().home.catalog

    @cursors.default
    def _first_cursors(self) -> CursorSigner:
        return self._now().home.cursors

    @property
    def adapter(self) -> str:
        """The one that serves the writes of nobody in particular now."""
        return self._now().home.adapter

    async def fetch(self, query: Select[E], /) -> list[E]:
        way = self._now()
        if way.sole is None:
            return await self._drawn(way, query.subject, False, lambda session: session.fetch(query))
        rows = await way.sole.fetch(query)
        if way.watch is not None:
            way.watch.offer(Fetch(query), rows, way.sole, way.candidate, way.followed.sample)
        return rows

    def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        """Not repeated in the shadow: it may have no end."""
        way = self._now()
        if way.sole is not None:
            return way.sole.stream(query)
        session, draw = self._draw(way, query.subject, False)
        rows = session.stream(query)
        return rows if draw is None else _drawn_steps(rows, draw)

    async def count(self, query: Select[Any], /) -> int:
        way = self._now()
        if way.sole is None:
            return await self._drawn(way, query.subject, False, lambda session: session.count(query))
        count = await way.sole.count(query)
        if way.watch is not None:
            way.watch.offer(Count(query), count, way.sole, way.candidate, way.followed.sample)
        return count

    async def insert(self, command: Insert[E], /) -> Written[E]:
        way = self._now()
        if way.sole is not None:
            return await way.sole.insert(command)
        return await self._drawn(way, command.subject, True, lambda session: session.insert(command))

    async def update(self, command: Update[E], /) -> Written[E]:
        way = self._now()
        if way.sole is not None:
            return await way.sole.update(command)
        return await self._drawn(way, command.subject, True, lambda session: session.update(command))

    async def update_each(self, command: UpdateEach[E], /) -> Written[E]:
        way = self._now()
        if way.sole is not None:
            return await way.sole.update_each(command)
        return await self._drawn(way, command.subject, True, lambda session: session.update_each(command))

    async def delete(self, command: Delete[E], /) -> Written[E]:
        way = self._now()
        if way.sole is not None:
            return await way.sole.delete(command)
        return await self._drawn(way, command.subject, True, lambda session: session.delete(command))

    async def run(self, operation: Operation[P, R], parameter: P, /) -> R:
        """The subject is the user whom the parameter names as acting, if it names one."""
        way = self._now()
        if way.sole is None:
            subject = named_in(operation, parameter)
            return await self._drawn(way, subject, operation.writes, lambda session: session.run(operation, parameter))
        answer = await way.sole.run(operation, parameter)
        if way.watch is not None and not operation.writes:
            way.watch.offer(Run(operation, parameter), answer, way.sole, way.candidate, way.followed.sample)
        return answer

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        return await self._now().home.execute_query(query, params)

    def transaction(self, options: UnitOptions = DEFAULT_UNIT, /) -> AbstractAsyncContextManager[Unit]:
        """On the one adapter that was chosen for units, for all of the unit. Raises Unsupported if none was."""
        if self.units is None:
            raise Unsupported(f"{self.domain}: no adapter is chosen here for units of work")
        return self.units.transaction(options)

    def scoped(self, identity: Identity, /) -> "RoutedStore":
        """Calls that name no subject are the identity's user's. A session is scoped when it is first used, once."""
        units = None if self.units is None else self.units.scoped(identity)
        return attrs.evolve(self, sessions=_Scoped(self.sessions, identity), units=units, subject=identity.user)

    async def ping(self) -> None:
        """Each session that callers may meet now, one after the other. Raises what the first one that fails raises."""
        way = self._now()
        for each in dict.fromkeys((way.primary, way.candidate)) if way.sole is None else (way.sole,):
            await each.ping()

    async def close(self) -> None:
        """Nothing: sessions and shadow are closed by whoever opened them."""

    def _now(self) -> Way:
        flag, way = self.flags.of(self.domain), self._way
        if way is None or way.flag is not flag or way.apart is not self.one.apart:
            way = self._way = self._routes.way(flag, self.sessions)
        return way

    def _draw(self, way: Way, subject: object, writes: bool) -> tuple[Session, Draw | None]:
        asked_by = self.subject if subject is None else subject
        return way.draw(asked_by, writes, self.rng)

    async def _drawn(self, way: Way, subject: object, writes: bool, call: Callable[[Session], Awaitable[T]]) -> T:
        session, draw = self._draw(way, subject, writes)
        if draw is None:
            return await call(session)
        token = DRAWN.set(draw)
        try:
            return await call(session)
        finally:
            DRAWN.reset(token)


class _Scoped(Mapping[str, Session]):
    """The sessions on behalf of one identity, each made at first use."""

    def __init__(self, sessions: Mapping[str, Session], identity: Identity) -> None:
        self._sessions = sessions
        self._identity = identity
        self._made: dict[str, Session] = {}

    def __getitem__(self, adapter: str) -> Session:
        made = self._made.get(adapter)
        if made is None:
            made = self._made[adapter] = self._sessions[adapter].scoped(self._identity)
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._sessions)

    def __len__(self) -> int:
        return len(self._sessions)


async def _drawn_steps(rows: AsyncIterator[E], draw: Draw) -> AsyncIterator[E]:
    """The stream, drawn only while it works: between two rows it is the reader's turn, and the reader's time."""
    draw.timed = False
    try:
        while True:
            token = DRAWN.set(draw)
            try:
                row = await anext(rows)
            except StopAsyncIteration:
                return
            finally:
                DRAWN.reset(token)
            yield row
    finally:
        await rows.aclose()  # type: ignore[attr-defined]  # every store's stream is a generator
