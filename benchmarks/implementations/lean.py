"""Hand-written asyncpg over Homeport's own pool alone: what the layer above it is measured by."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.implementations.asyncpg_ import ByHand
from benchmarks.place import Place
from homeport.adapters.postgres.lean_pool import LeanPool
from homeport.adapters.postgres.startup import Server


class Lean(ByHand):
    title = "asyncpg, Homeport's pool"
    pool: LeanPool

    async def open(self, place: Place) -> None:
        self.pool = LeanPool(Server(place.service.url, expects="service"), max_size=place.connections)

    async def close(self) -> None:
        await self.pool.close()

    async def fetch(self, text: str, *values: Any) -> Any:
        connection = await self.pool.acquire()
        try:
            return await connection.fetch(text, *values)
        finally:
            await self.pool.release(connection)

    async def fetchrow(self, text: str, *values: Any) -> Any:
        connection = await self.pool.acquire()
        try:
            return await connection.fetchrow(text, *values)
        finally:
            await self.pool.release(connection)

    async def copy(self, table: str, **given: Any) -> Any:
        async with self.borrow() as connection:
            return await connection.copy_records_to_table(table, **given)

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[Any]:
        connection = await self.pool.acquire()
        try:
            yield connection
        finally:
            await self.pool.release(connection)
