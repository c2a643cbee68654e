"""A unit as its caller sees it, the same over every adapter: one task's, over after the first failure, then ended."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.errors import QueryError, UnitAborted
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written
from homeport.kernel.units import Wait
from homeport.ports.store import Unit

T = TypeVar("T")


class GuardedUnit:
    """Specified by `homeport.ports.store.Unit`.

    A call that raises aborts the unit: what it had done by then is unknown to the caller, and PostgreSQL refuses the
    rest anyway. Where a failure is expected, a savepoint around the call takes it back alone.

    Raises everywhere:
        UnitAborted: an earlier call failed.
        QueryError: asked by another task than the one that opened it, or after its end.
    """

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._task = asyncio.current_task()
        self._failed = False
        self._ended = False
        self.adapter: str = unit.adapter
        self.capabilities: Capability = unit.capabilities
        self.catalog: Catalog = unit.catalog
        self.cursors: CursorSigner = unit.cursors

    async def fetch(self, query: Select[E], /) -> list[E]:
        return await self._call(self._unit.fetch, query)

    async def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        self._check()
        rows = self._unit.stream(query)
        try:
            async for row in rows:
                yield row
                self._check()
        except GeneratorExit:
            await rows.aclose()  # type: ignore[attr-defined]  # every store's stream is a generator
            raise
        except BaseException:
            self._failed = True
            raise

    async def count(self, query: Select[Any], /) -> int:
        return await self._call(self._unit.count, query)

    async def insert(self, command: Insert[E], /) -> Written[E]:
        return await self._call(self._unit.insert, command)

    async def update(self, command: Update[E], /) -> Written[E]:
        return await self._call(self._unit.update, command)

    async def update_each(self, command: UpdateEach[E], /) -> Written[E]:
        return await self._call(self._unit.update_each, command)

    async def delete(self, command: Delete[E], /) -> Written[E]:
        return await self._call(self._unit.delete, command)

    async def run(self, operation: Operation[P, R], parameter: P, /) -> R:
        return await self._call(self._unit.run, operation, parameter)

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        return await self._call(self._unit.execute_query, query, params)

    async def lock(self, name: str, wait: Wait, /) -> bool:
        return await self._call(self._unit.lock, name, wait)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What failed inside is taken back with it; then the unit goes on."""
        self._check()
        try:
            async with self._unit.savepoint():
                yield
                self._check()
        except BaseException:
            self._failed = False
            raise

    def end(self) -> None:
        """Say that the body has ended well. Raises UnitAborted if a call had failed, so that nothing is committed."""
        try:
            self._check()
        finally:
            self._ended = True

    def close(self) -> None:
        """Say that it is over, however it ended."""
        self._ended = True

    async def _call(self, call: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        self._check()
        try:
            return await call(*arguments)
        except BaseException:
            self._failed = True
            raise

    def _check(self) -> None:
        if self._ended:
            raise QueryError("the unit has ended: its repositories serve nobody any more")
        if asyncio.current_task() is not self._task:
            raise QueryError("a unit belongs to the task that opened it: gather nothing inside, await one call by one")
        if self._failed:
            raise UnitAborted("an earlier call of this unit failed: only a rollback is possible")
