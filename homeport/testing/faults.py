"""A session on which things go wrong as a test wants it: it is slow, it fails, it hangs, it answers what once was so.

expenses = EXPENSES.build(FaultyStore(db.store(EXPENSES), error=RepositoryUnavailableError, rate=0.2))
"""

import asyncio
import copy
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar, cast

import attrs

from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.identity import Identity
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written
from homeport.kernel.units import DEFAULT_UNIT, UnitOptions, Wait
from homeport.ports.store import Session, Unit

T = TypeVar("T")


@attrs.define(eq=False)
class Faults:
    """What goes wrong; a test may change it at any time.

    Attributes:
        latency: seconds before each call that is struck.
        error: is raised instead of the call: a copy of it, or one of that class.
        rate: the share of calls that are struck, by a generator of its own: the same seed strikes the same calls.
        hang: calls never answer, until they are cancelled.
        stale: reads answer as they did the first time that they were asked just so.
        only: names of statements, `expenses.create`, or kinds of calls, `insert`; None for all. A unit's begin is
            `unit`.
        struck: how many calls have been struck.
    """

    latency: float = 0.0
    error: BaseException | type[BaseException] | None = None
    rate: float = 1.0
    hang: bool = False
    stale: bool = False
    only: str | Collection[str] | None = None
    rng: random.Random = attrs.field(factory=lambda: random.Random(0), repr=False)
    struck: int = 0

    async def strike(self, call: str, statement: str) -> bool:
        """Lets the call have what is planned for it; whether it is struck and goes on all the same."""
        if not self._meant(call, statement) or self.rng.random() >= self.rate:
            return False
        self.struck += 1
        if self.latency > 0:
            await asyncio.sleep(self.latency)
        if self.hang:
            await asyncio.get_running_loop().create_future()
        if self.error is not None:
            raise self.error("a planned fault") if isinstance(self.error, type) else copy.copy(self.error)
        return True

    def _meant(self, call: str, statement: str) -> bool:
        if self.only is None:
            return True
        names = {self.only} if isinstance(self.only, str) else self.only
        return call in names or statement in names


class FaultyCalls:
    """The calls of a session or of a unit, each struck or not before it is carried out."""

    def __init__(self, inner: Session | Unit, faults: Faults, answers: dict[str, object]) -> None:
        self._inner = inner
        self._answers = answers
        self.faults = faults
        self.adapter: str = inner.adapter
        self.capabilities: Capability = inner.capabilities
        self.catalog: Catalog = inner.catalog
        self.cursors: CursorSigner = inner.cursors

    async def fetch(self, query: Select[E], /) -> list[E]:
        return list(await self._read("fetch", query.name, _said(query), lambda: self._inner.fetch(query)))

    async def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        """Struck before its first row; a stale one is read to its end before that."""
        if await self.faults.strike("stream", query.name) and self.faults.stale:
            for row in await self._first(f"stream {_said(query)}", lambda: _listed(self._inner.stream(query))):
                yield row
            return
        rows = self._inner.stream(query)
        try:
            async for row in rows:
                yield row
        finally:
            await rows.aclose()  # type: ignore[attr-defined]  # every store's stream is a generator

    async def count(self, query: Select[Any], /) -> int:
        return await self._read("count", query.name, _said(query), lambda: self._inner.count(query))

    async def insert(self, command: Insert[E], /) -> Written[E]:
        await self.faults.strike("insert", command.name)
        return await self._inner.insert(command)

    async def update(self, command: Update[E], /) -> Written[E]:
        await self.faults.strike("update", command.name)
        return await self._inner.update(command)

    async def update_each(self, command: UpdateEach[E], /) -> Written[E]:
        await self.faults.strike("update_each", command.name)
        return await self._inner.update_each(command)

    async def delete(self, command: Delete[E], /) -> Written[E]:
        await self.faults.strike("delete", command.name)
        return await self._inner.delete(command)

    async def run(self, operation: Operation[P, R], parameter: P, /) -> R:
        if operation.writes:
            await self.faults.strike("run", operation.name)
            return await self._inner.run(operation, parameter)
        said = repr((operation.name, parameter))
        return await self._read("run", operation.name, said, lambda: self._inner.run(operation, parameter))

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        await self.faults.strike("execute_query", "execute_query")
        return await self._inner.execute_query(query, params)

    async def _read(self, call: str, name: str, said: str, ask: Callable[[], Awaitable[T]]) -> T:
        if await self.faults.strike(call, name) and self.faults.stale:
            return await self._first(f"{call} {said}", ask)
        return await ask()

    async def _first(self, said: str, ask: Callable[[], Awaitable[T]]) -> T:
        if said not in self._answers:
            self._answers[said] = await ask()
        return cast("T", self._answers[said])


class FaultyUnit(FaultyCalls):
    """A unit whose calls are struck."""

    def __init__(self, unit: Unit, faults: Faults, answers: dict[str, object]) -> None:
        super().__init__(unit, faults, answers)
        self._unit = unit

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        return self._unit.savepoint()

    async def lock(self, name: str, wait: Wait, /) -> bool:
        await self.faults.strike("lock", name)
        return await self._unit.lock(name, wait)


class FaultyStore(FaultyCalls):
    """A session that is struck as planned, and its scopes and units with it. `faults` may be changed at any time.

    Everything else is the inner session's: it is closed with this one. See `Faults` for what each keyword does.
    """

    def __init__(
        self,
        session: Session,
        *,
        latency: float = 0.0,
        error: BaseException | type[BaseException] | None = None,
        rate: float = 1.0,
        hang: bool = False,
        stale: bool = False,
        only: str | Collection[str] | None = None,
        seed: int = 0,
        faults: Faults | None = None,
    ) -> None:
        """With `faults` they are those of another store, and all else that is said of them is passed over."""
        said = Faults(latency, error, rate, hang, stale, only, random.Random(seed))
        super().__init__(session, said if faults is None else faults, {})
        self._session = session

    @asynccontextmanager
    async def transaction(self, options: UnitOptions = DEFAULT_UNIT, /) -> AsyncIterator[FaultyUnit]:
        await self.faults.strike("unit", "unit")
        async with self._session.transaction(options) as unit:
            yield FaultyUnit(unit, self.faults, self._answers)

    def scoped(self, identity: Identity, /) -> "FaultyStore":
        return FaultyStore(self._session.scoped(identity), faults=self.faults)

    async def ping(self) -> None:
        await self.faults.strike("ping", "ping")
        await self._session.ping()

    async def close(self) -> None:
        await self._session.close()


def _said(query: Select[Any]) -> str:
    return repr((query.name, query.table.full_name, query.where, query.order, query.limit, query.offset))


async def _listed(rows: AsyncIterator[E]) -> list[E]:
    return [row async for row in rows]
