"""Advanced Alchemy's repository over asyncpg: a session and a repository for each call."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from benchmarks.implementations.base import Implementation, KeysetPage, Position
from benchmarks.implementations.sqlalchemy_ import Expense, engine
from benchmarks.place import Place
from benchmarks.rows import Given


class Expenses(SQLAlchemyAsyncRepository[Expense]):
    model_type = Expense


class AdvancedAlchemy(Implementation):
    """As its documents write it: the session's transaction around each call, committed where it wrote."""

    title = "Advanced Alchemy"
    refreshes: ClassVar[bool] = True
    reads_alone: ClassVar[bool] = False
    engine: AsyncEngine
    reading: async_sessionmaker[AsyncSession]
    writing: async_sessionmaker[AsyncSession]

    async def open(self, place: Place) -> None:
        self.engine = engine(place, skip_autocommit_rollback=True)
        alone = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self.writing = async_sessionmaker(self.engine, expire_on_commit=False)
        self.reading = async_sessionmaker(alone, expire_on_commit=False) if self.reads_alone else self.writing

    async def close(self) -> None:
        await self.engine.dispose()

    async def get(self, id: uuid.UUID) -> Any:
        async with self.reading() as session:
            return await Expenses(session=session).get(id)

    async def list_of_user(self, user: uuid.UUID, limit: int) -> Sequence[Any]:
        async with self.reading() as session:
            wanted = select(Expense).limit(limit)
            order = [("date", True), ("id", False)]
            return await Expenses(session=session).get_many(user_id=user, statement=wanted, order_by=order)

    async def list_from(self, after: uuid.UUID, limit: int) -> Sequence[Any]:
        async with self.reading() as session:
            wanted = select(Expense).limit(limit)
            return await Expenses(session=session).get_many(
                Expense.id > after, statement=wanted, order_by=[("id", False)]
            )

    async def insert(self, row: Given) -> Any:
        async with self.writing() as session:
            repository = self._writer(session)
            return await repository.add(Expense(**row))

    async def update(self, id: uuid.UUID, amount: Decimal, description: str) -> Any:
        async with self.writing() as session:
            repository = self._writer(session)
            return await repository.update(Expense(id=id, amount=amount, description=description))

    async def insert_many(self, rows: Sequence[Given]) -> int:
        async with self.writing() as session:
            return len(await self._writer(session).add_many([Expense(**row) for row in rows]))

    async def insert_many_returning(self, rows: Sequence[Given]) -> Sequence[Any]:
        async with self.writing() as session:
            return await self._writer(session).add_many([Expense(**row) for row in rows])

    async def upsert_many(self, rows: Sequence[Given]) -> Sequence[Any]:
        async with self.writing() as session:
            return await self._writer(session).upsert_many([Expense(**row) for row in rows])

    async def page(self, user: uuid.UUID, size: int, offset: int) -> tuple[Sequence[Any], int]:
        async with self.reading() as session:
            wanted = select(Expense).limit(size).offset(offset)
            order = [("date", True), ("id", False)]
            return await Expenses(session=session).get_many_and_count(user_id=user, statement=wanted, order_by=order)

    async def position(self, user: uuid.UUID, size: int) -> Position:
        last = (await self.list_of_user(user, size))[-1]
        return last.date, last.id

    async def after(self, user: uuid.UUID, position: Position, size: int) -> KeysetPage:
        date, id = position
        beyond = or_(Expense.date < date, and_(Expense.date == date, Expense.id > id))
        async with self.reading() as session:
            wanted = select(Expense).limit(size + 1)
            order = [("date", True), ("id", False)]
            rows = await Expenses(session=session).get_many(beyond, user_id=user, statement=wanted, order_by=order)
        shown = rows[:size]
        return shown, (shown[-1].date, shown[-1].id) if len(rows) > size else None

    async def sum_by_category(self, user: uuid.UUID) -> dict[str, Decimal]:
        wanted = (
            select(Expense.category, func.sum(Expense.amount)).where(Expense.user_id == user).group_by(Expense.category)
        )
        async with self.reading() as session:
            return dict(map(tuple, (await session.execute(wanted)).all()))

    def _writer(self, session: AsyncSession) -> Expenses:
        return Expenses(session=session, auto_commit=True, auto_refresh=self.refreshes)


class Tuned(AdvancedAlchemy):
    """Reads in autocommit; no refresh after a write, as RETURNING has brought what the database set."""

    title = "Advanced Alchemy, tuned"
    refreshes = False
    reads_alone = True
