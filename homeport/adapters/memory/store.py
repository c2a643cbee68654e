"""The memory adapter as a store: the port's calls over the engine, one call one step. Holds no rows itself."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import attrs

from homeport.adapters.memory import statements
from homeport.adapters.memory.clock import Clock, SystemClock
from homeport.adapters.memory.engine import Engine
from homeport.adapters.memory.journal import Mark
from homeport.adapters.memory.policies import Access, Policies
from homeport.adapters.memory.step import Answer, Step
from homeport.adapters.memory.unit import Unit
from homeport.adapters.memory.units import Units
from homeport.kernel.capabilities import Capability, require
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.errors import QueryError
from homeport.kernel.identity import Identity, Role
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written, never
from homeport.kernel.units import DEFAULT_UNIT, UnitOptions, Wait

LOCK_TIMEOUT = 30.0
"""Seconds that a call waits for units to end."""

_ALL_BUT_SQL = ~Capability.RAW_SQL
_ADVISORY = "advisory"
T = TypeVar("T")


@attrs.define(eq=False)
class Shared:
    """What the stores of all identities have in common."""

    engine: Engine
    cursors: CursorSigner
    answers: Mapping[str, Answer]
    policies: Policies
    units: Units


class Calls(ABC):
    """The calls of the port. Whoever has them says how one is carried out."""

    def __init__(self, shared: Shared, access: Access | None) -> None:
        """`access` is None for the service."""
        self.engine = shared.engine
        self._shared = shared
        self._units = shared.units
        self._access = access

    @abstractmethod
    async def _run(self, call: Callable[[], T]) -> T:
        """The call in its place and time."""

    @property
    def adapter(self) -> str:
        return "memory"

    @property
    def capabilities(self) -> Capability:
        return _ALL_BUT_SQL

    @property
    def catalog(self) -> Catalog:
        return self.engine.catalog

    @property
    def cursors(self) -> CursorSigner:
        return self._shared.cursors

    async def fetch(self, query: Select[E], /) -> list[E]:
        if query.lock is None and never(query):
            return []
        return await self._run(lambda: statements.select(self.engine, query, self._access))

    async def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        """All rows are found at once: the stream shows one moment, also outside a unit."""
        for row in await self.fetch(query):
            yield row

    async def count(self, query: Select[Any], /) -> int:
        if never(query):
            return 0
        return await self._run(lambda: statements.count(self.engine, query, self._access))

    async def insert(self, command: Insert[E], /) -> Written[E]:
        return await self._run(lambda: statements.insert(self.engine, command, self._access))

    async def update(self, command: Update[E], /) -> Written[E]:
        return await self._run(lambda: statements.update(self.engine, command, self._access))

    async def update_each(self, command: UpdateEach[E], /) -> Written[E]:
        return await self._run(lambda: statements.update_each(self.engine, command, self._access))

    async def delete(self, command: Delete[E], /) -> Written[E]:
        return await self._run(lambda: statements.delete(self.engine, command, self._access))

    async def run(self, operation: Operation[P, R], parameter: P, /) -> R:
        """Raises QueryError for an operation without an answer, and what the answer raises; then nothing is written."""
        return await self._run(lambda: self._answered(operation, parameter))

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        """Always Unsupported: the engine knows no SQL."""
        require(self.capabilities, Capability.RAW_SQL, self.adapter)
        return []

    def _answered(self, operation: Operation[P, R], parameter: P) -> R:
        answer = self._shared.answers.get(operation.name)
        if answer is None:
            raise QueryError(f"operation {operation.name} has no answer in memory")
        if self._access is not None:
            self._access.executing(operation)
        given = {name.removeprefix("p_"): value for name, value in operation.admit(parameter).items()}
        with self.engine.journal.atomic():
            return operation.answer(answer(Step(self.engine, self._access), operation.takes(**given)))


class MemoryUnit(Calls):
    """Specified by `homeport.ports.store.Unit`. Its calls wait for other units' locks, and for nothing else."""

    def __init__(self, shared: Shared, access: Access | None, unit: Unit) -> None:
        super().__init__(shared, access)
        self._unit = unit

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What is done inside is undone alone if the body raises anything, with the locks that it took."""
        point = self._units.savepoint(self._unit)
        try:
            yield
        except BaseException:
            self._units.back(self._unit, point)
            raise

    async def lock(self, name: str, wait: Wait, /) -> bool:
        """Take the lock of that name until the unit ends; False if it was skipped. Raises LockTimeout, Deadlock."""
        return await self._run(lambda: self._unit.hold((_ADVISORY, name), wait))

    async def _run(self, call: Callable[[], T]) -> T:
        return await self._units.step(self._unit, call)


class MemoryStore(Calls):
    """A `Session` whose database lives as long as it does. While no unit is open no call awaits anything.

    A call outside units waits for a unit's locks. Where the task that holds the unit makes that call, it waits for
    itself: after the lock timeout it gets LockTimeout.

    Not safe to share between threads.
    """

    def __init__(self, shared: Shared, access: Access | None = None, *, opener: bool = True) -> None:
        """`access` is None for the service."""
        super().__init__(shared, access)
        self._opener = opener

    def scoped(self, identity: Identity, /) -> "MemoryStore":
        """The same rows as row policies show them to this identity; the service sees all. Closing it closes nothing."""
        access = None if identity.role is Role.SERVICE else Access(identity, self._shared.policies)
        return MemoryStore(self._shared, access, opener=False)

    async def fetch(self, query: Select[E], /) -> list[E]:
        if self._units.quiet and self._access is None:  # the common call: it pays for nothing else
            return self.engine.select(query) if query.lock is not None or not never(query) else []
        return await super().fetch(query)

    async def count(self, query: Select[Any], /) -> int:
        if self._units.quiet and self._access is None:
            return self.engine.count(query)
        return await super().count(query)

    @asynccontextmanager
    async def transaction(self, options: UnitOptions = DEFAULT_UNIT, /) -> AsyncIterator[MemoryUnit]:
        """Begun and committed without awaiting anything.

        Raises:
            PoolClosed: the store is closed, or was before the body ended.
            SerializationConflict: it was rolled back: no serial order with those that committed is left.
        """
        unit = self._units.begin(options)
        try:
            yield MemoryUnit(self._shared, self._access, unit)
        except BaseException:
            self._units.rollback(unit)
            raise
        self._units.commit(unit)

    async def ping(self) -> None:
        """Raises PoolClosed."""
        self._units.require_open()

    async def close(self) -> None:
        """Open units are rolled back, and calls that wait for their locks raise PoolClosed."""
        if self._opener:
            self._units.close()

    def mark(self) -> Mark:
        """This moment, to go back to with `restore`: between tests, for instance. QueryError while units are open."""
        self._units.require_open()
        return self.engine.journal.mark()

    def restore(self, mark: Mark) -> None:
        """Go back to the mark, which stays good; later ones don't. Identities go on counting.

        Raises QueryError for a mark that is not good, and while units are open.
        """
        self._units.require_open()
        self.engine.journal.restore(mark)

    async def _run(self, call: Callable[[], T]) -> T:
        return call() if self._units.quiet else await self._units.outside(call)


def open_memory(  # noqa: PLR0913 - what a deployment may say, each by its name
    *,
    catalog: Catalog,
    cursors: CursorSigner,
    operations: Iterable[Operation[Any, Any]] = (),
    answers: Mapping[str, Answer] | None = None,
    clock: Clock | None = None,
    lock_timeout: float = LOCK_TIMEOUT,
) -> MemoryStore:
    """An empty store of the catalog's tables. `lock_timeout` is in seconds.

    Raises:
        QueryError: an operation has no answer.
        SchemaMismatch: tables that don't fit each other.
    """
    given = answers or {}
    missing = sorted(each.name for each in operations if each.name not in given)
    if missing:
        raise QueryError(f"no answer in memory for {', '.join(missing)}")
    engine = Engine(catalog, clock or SystemClock())
    return MemoryStore(Shared(engine, cursors, dict(given), Policies(catalog), Units(engine, lock_timeout)))
