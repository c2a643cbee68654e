"""Hand-written asyncpg: what a careful user writes today on the default pool, and on other ways to a connection."""

import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any

import asyncpg

from benchmarks.implementations import sql
from benchmarks.implementations.base import Implementation, KeysetPage, Position
from benchmarks.place import Place
from benchmarks.rows import GIVEN, Given, Row, sums


class ByHand(Implementation):
    """One statement a call, rows made into a slotted class by position. Who inherits says how to get a connection."""

    fetch: Any
    fetchrow: Any
    fetchval: Any
    copy: Any

    def borrow(self) -> AbstractAsyncContextManager[Any]:
        raise NotImplementedError

    async def get(self, id: uuid.UUID) -> Row | None:
        found = await self.fetchrow(sql.GET, id)
        return None if found is None else Row(*found)

    async def list_of_user(self, user: uuid.UUID, limit: int) -> list[Row]:
        return [Row(*row) for row in await self.fetch(sql.LIST, user, limit)]

    async def list_from(self, after: uuid.UUID, limit: int) -> list[Row]:
        return [Row(*row) for row in await self.fetch(sql.LIST_FROM, after, limit)]

    async def insert(self, row: Given) -> Row:
        return Row(*await self.fetchrow(sql.INSERT, *[row[name] for name in GIVEN]))

    async def update(self, id: uuid.UUID, amount: Decimal, description: str) -> Row:
        return Row(*await self.fetchrow(sql.UPDATE, id, amount, description))

    async def insert_many(self, rows: Sequence[Given]) -> int:
        await self.copy("expenses", columns=GIVEN, records=[tuple(row[name] for name in GIVEN) for row in rows])
        return len(rows)

    async def insert_many_returning(self, rows: Sequence[Given]) -> list[Row]:
        columns = [[row[name] for row in rows] for name in GIVEN]
        return [Row(*row) for row in await self.fetch(sql.INSERT_MANY, *columns)]

    async def upsert_many(self, rows: Sequence[Given]) -> list[Row]:
        columns = [[row[name] for row in rows] for name in GIVEN]
        return [Row(*row) for row in await self.fetch(sql.UPSERT_MANY, *columns)]

    async def page(self, user: uuid.UUID, size: int, offset: int) -> tuple[list[Row], int]:
        async with self.borrow() as connection:
            rows = await connection.fetch(sql.PAGE, user, size, offset)
            total = await connection.fetchval(sql.TOTAL, user)
        return [Row(*row) for row in rows], total

    async def position(self, user: uuid.UUID, size: int) -> Position:
        last = (await self.list_of_user(user, size))[-1]
        return last.date, last.id

    async def after(self, user: uuid.UUID, position: Position, size: int) -> KeysetPage:
        rows = [Row(*row) for row in await self.fetch(sql.AFTER, user, *position, size + 1)]
        shown = rows[:size]
        return shown, (shown[-1].date, shown[-1].id) if len(rows) > size else None

    async def sum_by_category(self, user: uuid.UUID) -> dict[str, Decimal]:
        return sums(await self.fetch(sql.SUMS, user))


class DefaultPool(ByHand):
    """The driver's pool as it comes: it resets a connection that comes back, in a round trip of its own."""

    title = "asyncpg by hand"
    pool: "asyncpg.Pool[asyncpg.Record]"
    scoped_pool: "asyncpg.Pool[asyncpg.Record]"

    async def open(self, place: Place) -> None:
        self.pool = await asyncpg.create_pool(place.service.url, **self._settings(place))
        self.scoped_pool = await asyncpg.create_pool(place.scoped.url, min_size=0, max_size=place.connections)
        self.fetch, self.fetchrow, self.fetchval = self.pool.fetch, self.pool.fetchrow, self.pool.fetchval
        self.copy = self.pool.copy_records_to_table

    def _settings(self, place: Place) -> dict[str, Any]:
        return {"min_size": place.connections, "max_size": place.connections}

    async def close(self) -> None:
        await self.pool.close()
        await self.scoped_pool.close()

    def borrow(self) -> AbstractAsyncContextManager[Any]:
        return self.pool.acquire()

    @asynccontextmanager
    async def as_user(self, user: uuid.UUID) -> AsyncIterator[Any]:
        """As it is usually written: begin, claims, role, the statement, commit, reset."""
        claims = json.dumps({"sub": str(user), "role": "authenticated"})
        async with self.scoped_pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT set_config('request.jwt.claims', $1, true)", claims)
            await connection.execute("SET LOCAL ROLE authenticated")
            yield connection

    async def get_as_user(self, user: uuid.UUID, id: uuid.UUID) -> Row | None:
        async with self.as_user(user) as connection:
            found = await connection.fetchrow(sql.GET, id)
        return None if found is None else Row(*found)

    async def insert_as_user(self, user: uuid.UUID, row: Given) -> Row:
        async with self.as_user(user) as connection:
            return Row(*await connection.fetchrow(sql.INSERT, *[row[name] for name in GIVEN]))


class AgainTheSame(DefaultPool):
    """A second copy, to see the noise."""

    title = "asyncpg by hand, again"


class NoReset(DefaultPool):
    title = "asyncpg, no reset"

    def _settings(self, place: Place) -> dict[str, Any]:
        async def nothing(_: object) -> None: ...

        return {**super()._settings(place), "reset": nothing}


class Held(ByHand):
    """One connection, kept: nothing is lent, and nothing can happen at once."""

    title = "asyncpg, one connection"
    concurrent = False
    connection: "asyncpg.Connection[asyncpg.Record]"

    async def open(self, place: Place) -> None:
        self.connection = await asyncpg.connect(place.service.url)
        self.fetch, self.fetchrow = self.connection.fetch, self.connection.fetchrow
        self.fetchval, self.copy = self.connection.fetchval, self.connection.copy_records_to_table

    async def close(self) -> None:
        await self.connection.close()

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[Any]:
        yield self.connection

    async def get_as_user(self, _: uuid.UUID, id: uuid.UUID) -> Row | None:
        """Not as the user: what the scope's own cost is measured by."""
        return await self.get(id)

    async def insert_as_user(self, _: uuid.UUID, row: Given) -> Row:
        """Not as the user, as above."""
        return await self.insert(row)
