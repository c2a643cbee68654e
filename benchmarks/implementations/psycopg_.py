"""psycopg 3 by hand: its pool in autocommit, statements prepared, values in binary."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import args_row
from psycopg_pool import AsyncConnectionPool

from benchmarks.implementations import sql
from benchmarks.implementations.base import Implementation, KeysetPage, Position
from benchmarks.place import Place
from benchmarks.rows import GIVEN, Given, Row

_ROW = args_row(Row)
GET, LIST, LIST_FROM, INSERT, UPDATE, INSERT_MANY, UPSERT_MANY, PAGE, TOTAL, AFTER, SUMS = map(
    sql.named,
    (
        sql.GET,
        sql.LIST,
        sql.LIST_FROM,
        sql.INSERT,
        sql.UPDATE,
        sql.INSERT_MANY,
        sql.UPSERT_MANY,
        sql.PAGE,
        sql.TOTAL,
        sql.AFTER,
        sql.SUMS,
    ),
)
COPY = f"COPY expenses ({sql.NEW}) FROM STDIN (FORMAT BINARY)"
_TYPES = {"id": "uuid", "user_id": "uuid", "amount": "numeric", "date": "date"}
COPY_TYPES = [_TYPES.get(name, "text") for name in GIVEN]


class Psycopg(Implementation):
    title = "psycopg 3"
    pool: AsyncConnectionPool[AsyncConnection[Any]]

    async def open(self, place: Place) -> None:
        address, size = place.service, place.connections
        self.pool = AsyncConnectionPool(
            kwargs={
                "host": address.host,
                "port": address.port,
                "user": address.user,
                "password": address.password,
                "dbname": address.database,
                "autocommit": True,
                "prepare_threshold": 0,
            },
            min_size=size,
            max_size=size,
            open=False,
        )
        await self.pool.open(wait=True)

    async def close(self) -> None:
        await self.pool.close()

    async def get(self, id: uuid.UUID) -> Row | None:
        return await self._one(GET, id)

    async def list_of_user(self, user: uuid.UUID, limit: int) -> list[Row]:
        return await self._all(LIST, user, limit)

    async def list_from(self, after: uuid.UUID, limit: int) -> list[Row]:
        return await self._all(LIST_FROM, after, limit)

    async def insert(self, row: Given) -> Row | None:
        return await self._one(INSERT, *[row[name] for name in GIVEN])

    async def update(self, id: uuid.UUID, amount: Decimal, description: str) -> Row | None:
        return await self._one(UPDATE, id, amount, description)

    async def insert_many(self, rows: Sequence[Given]) -> int:
        async with self.pool.connection() as connection, connection.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.set_types(COPY_TYPES)
            for row in rows:
                await copy.write_row([row[name] for name in GIVEN])
        return len(rows)

    async def insert_many_returning(self, rows: Sequence[Given]) -> list[Row]:
        return await self._all(INSERT_MANY, *[[row[name] for row in rows] for name in GIVEN])

    async def upsert_many(self, rows: Sequence[Given]) -> list[Row]:
        return await self._all(UPSERT_MANY, *[[row[name] for row in rows] for name in GIVEN])

    async def page(self, user: uuid.UUID, size: int, offset: int) -> tuple[list[Row], int]:
        async with self.pool.connection() as connection:
            cursor = connection.cursor(binary=True, row_factory=_ROW)
            await cursor.execute(PAGE, _named(user, size, offset))
            rows = await cursor.fetchall()
            total = await (await connection.execute(TOTAL, _named(user), binary=True)).fetchone()
        assert total is not None
        return rows, total[0]

    async def position(self, user: uuid.UUID, size: int) -> Position:
        last = (await self.list_of_user(user, size))[-1]
        return last.date, last.id

    async def after(self, user: uuid.UUID, position: Position, size: int) -> KeysetPage:
        rows = await self._all(AFTER, user, *position, size + 1)
        shown = rows[:size]
        return shown, (shown[-1].date, shown[-1].id) if len(rows) > size else None

    async def sum_by_category(self, user: uuid.UUID) -> dict[str, Decimal]:
        async with self.pool.connection() as connection:
            return dict(await (await connection.execute(SUMS, _named(user), binary=True)).fetchall())

    async def _one(self, text: str, *values: Any) -> Row | None:
        async with self.pool.connection() as connection:
            cursor = connection.cursor(binary=True, row_factory=_ROW)
            await cursor.execute(text, _named(*values))
            return await cursor.fetchone()

    async def _all(self, text: str, *values: Any) -> list[Row]:
        async with self.pool.connection() as connection:
            cursor = connection.cursor(binary=True, row_factory=_ROW)
            await cursor.execute(text, _named(*values))
            return await cursor.fetchall()


def _named(*values: Any) -> dict[str, Any]:
    return {f"p{number}": value for number, value in enumerate(values, 1)}
