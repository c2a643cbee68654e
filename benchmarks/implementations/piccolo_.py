"""Piccolo over asyncpg, in a pool. Times are the database's: Piccolo can't leave a column out, so it sends its own."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from piccolo.columns import UUID, Array, Date, Numeric, Text, Timestamptz, Varchar
from piccolo.engine.postgres import PostgresEngine
from piccolo.query.functions import Sum
from piccolo.table import Table

from benchmarks.implementations.base import Implementation, KeysetPage, Position
from benchmarks.place import Place
from benchmarks.rows import GIVEN, Given

_MOST_ROWS = 2000
"""Of one statement: PostgreSQL takes 32767 values, and Piccolo sends every column."""


class Expense(Table, tablename="expenses"):  # type: ignore[call-arg]  # where Piccolo is not installed
    id = UUID(primary_key=True)
    user_id = UUID()
    amount = Numeric(digits=(12, 2))
    currency = Varchar(length=3, default="USD")
    category = Text()
    description = Text(null=True, default=None)
    date = Date()
    location = Text(null=True, default=None)
    vendor = Text(null=True, default=None)
    receipt_url = Text(null=True, default=None)
    payment_method = Text(null=True, default=None)
    tags = Array(base_column=Text(), null=True, default=None)
    recurring_expense_id = UUID(null=True, default=None)
    created_at = Timestamptz()
    updated_at = Timestamptz()


_ALL = Expense.all_columns()
_CHANGED = [getattr(Expense, name) for name in GIVEN if name not in ("id", "user_id")]


class Piccolo(Implementation):
    title = "Piccolo"
    engine: PostgresEngine

    async def open(self, place: Place) -> None:
        address = place.service
        self.engine = PostgresEngine(
            config={
                "host": address.host,
                "port": address.port,
                "user": address.user,
                "password": address.password,
                "database": address.database,
            }
        )
        Expense._meta._db = self.engine
        await self.engine.start_connection_pool(min_size=place.connections, max_size=place.connections)

    async def close(self) -> None:
        await self.engine.close_connection_pool()

    async def get(self, id: uuid.UUID) -> Any:
        return await Expense.objects().get(Expense.id == id)

    async def list_of_user(self, user: uuid.UUID, limit: int) -> Sequence[Any]:
        return await _ordered(Expense.objects().where(Expense.user_id == user)).limit(limit)

    async def list_from(self, after: uuid.UUID, limit: int) -> Sequence[Any]:
        return await Expense.objects().where(Expense.id > after).order_by(Expense.id).limit(limit)

    async def insert(self, row: Given) -> Any:
        return (await Expense.insert(Expense(**row)).returning(*_ALL))[0]

    async def update(self, id: uuid.UUID, amount: Decimal, description: str) -> Any:
        changes: Any = {Expense.amount: amount, Expense.description: description}
        return (await Expense.update(changes).where(Expense.id == id).returning(*_ALL))[0]

    async def insert_many(self, rows: Sequence[Given]) -> int:
        async with self.engine.transaction():
            for some in _pieces(rows):
                await Expense.insert(*[Expense(**row) for row in some])
        return len(rows)

    async def insert_many_returning(self, rows: Sequence[Given]) -> Sequence[Any]:
        written: list[Any] = []
        async with self.engine.transaction():
            for some in _pieces(rows):
                written += await Expense.insert(*[Expense(**row) for row in some]).returning(*_ALL)
        return written

    async def upsert_many(self, rows: Sequence[Given]) -> Sequence[Any]:
        made = [Expense(**row) for row in rows]
        added = Expense.insert(*made).on_conflict(target=Expense.id, action="DO UPDATE", values=_CHANGED)
        return await added.returning(*_ALL)

    async def page(self, user: uuid.UUID, size: int, offset: int) -> tuple[Sequence[Any], int]:
        mine = Expense.user_id == user
        rows = await _ordered(Expense.objects().where(mine)).limit(size).offset(offset)
        return rows, await Expense.count().where(mine)

    async def position(self, user: uuid.UUID, size: int) -> Position:
        last = (await self.list_of_user(user, size))[-1]
        return last.date, last.id

    async def after(self, user: uuid.UUID, position: Position, size: int) -> KeysetPage:
        date, id = position
        beyond = (Expense.date < date) | ((Expense.date == date) & (Expense.id > id))
        rows = await _ordered(Expense.objects().where(Expense.user_id == user, beyond)).limit(size + 1)
        shown = rows[:size]
        return shown, (shown[-1].date, shown[-1].id) if len(rows) > size else None

    async def sum_by_category(self, user: uuid.UUID) -> dict[str, Decimal]:
        found = Expense.select(Expense.category, Sum(Expense.amount, alias="total"))
        rows = await found.where(Expense.user_id == user).group_by(Expense.category)
        return {row["category"]: row["total"] for row in rows}


def _ordered(query: Any) -> Any:
    return query.order_by(Expense.date, ascending=False).order_by(Expense.id)


def _pieces(rows: Sequence[Given]) -> list[Sequence[Given]]:
    return [rows[start : start + _MOST_ROWS] for start in range(0, len(rows), _MOST_ROWS)]
