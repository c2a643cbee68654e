"""A session that is planned: its calls fail as they are told, in order, and are noted. It holds no rows."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.identity import Identity
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written
from homeport.kernel.units import DEFAULT_UNIT, UnitOptions, Wait
from homeport.ports.store import Unit
from homeport.repositories.users import USER


class Flaky:
    """A session and a unit at once, whose calls raise what is planned, in order, and then go well."""

    adapter = "postgres"
    capabilities = Capability.TRANSACTIONS
    catalog = Catalog.of([USER])
    cursors = CursorSigner()

    def __init__(self, *planned: BaseException) -> None:
        self.planned = list(planned)
        self.calls: list[str] = []
        self.ended: list[str] = []
        self.scopes: list[Identity] = []
        self.rows = ["a", "b"]

    def _answer(self, call: str) -> None:
        self.calls.append(call)
        if self.planned:
            raise self.planned.pop(0)

    async def fetch(self, query: Select[E], /) -> list[E]:
        self._answer("fetch")
        return []

    async def stream(self, query: Select[Any], /) -> AsyncIterator[Any]:
        try:
            self._answer("stream")
            for row in self.rows:
                yield row
                if self.planned:
                    raise self.planned.pop(0)
        finally:
            self.ended.append("stream")

    async def count(self, query: Select[Any], /) -> int:
        self._answer("count")
        return 7

    async def insert(self, command: Insert[E], /) -> Written[E]:
        self._answer("insert")
        return Written(1)

    async def update(self, command: Update[E], /) -> Written[E]:
        self._answer("update")
        return Written(1)

    async def update_each(self, command: UpdateEach[E], /) -> Written[E]:
        self._answer("update_each")
        return Written(1)

    async def delete(self, command: Delete[E], /) -> Written[E]:
        self._answer("delete")
        return Written(1)

    async def run(self, operation: Operation[P, R], parameter: P, /) -> R:
        self._answer("run")
        return operation.answer([])

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        self._answer("execute_query")
        return []

    @asynccontextmanager
    async def transaction(self, options: UnitOptions = DEFAULT_UNIT, /) -> AsyncIterator[Unit]:
        self.calls.append("begin")
        try:
            yield self
        except BaseException:
            self.ended.append("rollback")
            raise
        self._answer("commit")
        self.ended.append("commit")

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        self.calls.append("savepoint")
        yield

    async def lock(self, name: str, wait: Wait, /) -> bool:
        self._answer("lock")
        return True

    def scoped(self, identity: Identity, /) -> "Flaky":
        self.scopes.append(identity)
        return self

    async def ping(self) -> None:
        self._answer("ping")

    async def close(self) -> None:
        self.calls.append("close")
