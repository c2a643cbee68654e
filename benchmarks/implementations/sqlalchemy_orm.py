"""SQLAlchemy's ORM over asyncpg: a session for each call, objects that stay usable after it; many rows go in by its
bulk statements. Reads are in autocommit, writes are units of work.
"""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from benchmarks.implementations.base import Implementation, KeysetPage, Position
from benchmarks.implementations.sqlalchemy_ import Expense, engine
from benchmarks.place import Place
from benchmarks.rows import GIVEN, Given

_ORDER = (Expense.date.desc(), Expense.id)
_NEW = insert(Expense)
_UPSERT = _NEW.on_conflict_do_update(
    index_elements=[Expense.id],
    set_={name: _NEW.excluded[name] for name in GIVEN if name not in ("id", "user_id")},
).returning(Expense)


class Orm(Implementation):
    title = "SQLAlchemy ORM"
    engine: AsyncEngine
    reading: async_sessionmaker[AsyncSession]
    writing: async_sessionmaker[AsyncSession]

    async def open(self, place: Place) -> None:
        self.engine = engine(place, skip_autocommit_rollback=True)
        alone = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self.reading = async_sessionmaker(alone, expire_on_commit=False)
        self.writing = async_sessionmaker(self.engine, expire_on_commit=False)

    async def close(self) -> None:
        await self.engine.dispose()

    async def get(self, id: uuid.UUID) -> Any:
        async with self.reading() as session:
            return await session.get(Expense, id)

    async def list_of_user(self, user: uuid.UUID, limit: int) -> Sequence[Any]:
        return await self._all(select(Expense).where(Expense.user_id == user).order_by(*_ORDER).limit(limit))

    async def list_from(self, after: uuid.UUID, limit: int) -> Sequence[Any]:
        return await self._all(select(Expense).where(Expense.id > after).order_by(Expense.id).limit(limit))

    async def insert(self, row: Given) -> Any:
        async with self.writing() as session:
            made = Expense(**row)
            session.add(made)
            await session.commit()
            return made

    async def update(self, id: uuid.UUID, amount: Decimal, description: str) -> Any:
        async with self.writing() as session:
            found = await session.get_one(Expense, id)
            found.amount, found.description = amount, description
            await session.commit()
            return found

    async def insert_many(self, rows: Sequence[Given]) -> int:
        async with self.writing.begin() as session:
            await session.execute(insert(Expense), rows)
        return len(rows)

    async def insert_many_returning(self, rows: Sequence[Given]) -> Sequence[Any]:
        async with self.writing.begin() as session:
            return (await session.scalars(insert(Expense).returning(Expense), rows)).all()

    async def upsert_many(self, rows: Sequence[Given]) -> Sequence[Any]:
        async with self.writing.begin() as session:
            return (await session.scalars(_UPSERT, rows, execution_options={"populate_existing": True})).all()

    async def page(self, user: uuid.UUID, size: int, offset: int) -> tuple[Sequence[Any], Any]:
        mine = Expense.user_id == user
        async with self.reading() as session:
            wanted = select(Expense).where(mine).order_by(*_ORDER).limit(size).offset(offset)
            rows = (await session.scalars(wanted)).all()
            return rows, await session.scalar(select(func.count()).select_from(Expense).where(mine))

    async def position(self, user: uuid.UUID, size: int) -> Position:
        last = (await self.list_of_user(user, size))[-1]
        return last.date, last.id

    async def after(self, user: uuid.UUID, position: Position, size: int) -> KeysetPage:
        date, id = position
        beyond = or_(Expense.date < date, and_(Expense.date == date, Expense.id > id))
        wanted = select(Expense).where(Expense.user_id == user, beyond).order_by(*_ORDER).limit(size + 1)
        rows = await self._all(wanted)
        shown = rows[:size]
        return shown, (shown[-1].date, shown[-1].id) if len(rows) > size else None

    async def sum_by_category(self, user: uuid.UUID) -> dict[str, Decimal]:
        wanted = (
            select(Expense.category, func.sum(Expense.amount)).where(Expense.user_id == user).group_by(Expense.category)
        )
        async with self.reading() as session:
            return dict(map(tuple, (await session.execute(wanted)).all()))

    async def _all(self, statement: Any) -> Sequence[Any]:
        async with self.reading() as session:
            return (await session.scalars(statement)).all()
