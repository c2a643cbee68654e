"""SQLAlchemy Core over asyncpg, in autocommit: one statement a call needs no BEGIN and no ROLLBACK around it."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.implementations.base import Implementation, KeysetPage, Position
from benchmarks.implementations.sqlalchemy_ import Expense, engine
from benchmarks.place import Place
from benchmarks.rows import GIVEN, Given

TABLE: Table = Expense.__table__  # type: ignore[assignment]  # declared as FromClause
C = TABLE.c
_ORDER = (C.date.desc(), C.id)
_NEW = insert(TABLE)
_UPSERT = _NEW.on_conflict_do_update(
    index_elements=[C.id],
    set_={name: _NEW.excluded[name] for name in GIVEN if name not in ("id", "user_id")},
).returning(TABLE)


class Core(Implementation):
    title = "SQLAlchemy Core"
    engine: AsyncEngine

    async def open(self, place: Place) -> None:
        self.engine = engine(place, isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True)

    async def close(self) -> None:
        await self.engine.dispose()

    async def get(self, id: uuid.UUID) -> Any:
        return await self._one(select(TABLE).where(C.id == id))

    async def list_of_user(self, user: uuid.UUID, limit: int) -> Sequence[Any]:
        return await self._all(select(TABLE).where(C.user_id == user).order_by(*_ORDER).limit(limit))

    async def list_from(self, after: uuid.UUID, limit: int) -> Sequence[Any]:
        return await self._all(select(TABLE).where(C.id > after).order_by(C.id).limit(limit))

    async def insert(self, row: Given) -> Any:
        return await self._one(insert(TABLE).values(row).returning(TABLE))

    async def update(self, id: uuid.UUID, amount: Decimal, description: str) -> Any:
        changes = update(TABLE).where(C.id == id).values(amount=amount, description=description)
        return await self._one(changes.returning(TABLE))

    async def insert_many(self, rows: Sequence[Given]) -> int:
        async with self.engine.connect() as connection:
            await connection.execute(insert(TABLE), rows)
        return len(rows)

    async def insert_many_returning(self, rows: Sequence[Given]) -> Sequence[Any]:
        async with self.engine.connect() as connection:
            return (await connection.execute(insert(TABLE).returning(TABLE), rows)).all()

    async def upsert_many(self, rows: Sequence[Given]) -> Sequence[Any]:
        async with self.engine.connect() as connection:
            return (await connection.execute(_UPSERT, rows)).all()

    async def page(self, user: uuid.UUID, size: int, offset: int) -> tuple[Sequence[Any], Any]:
        mine = select(TABLE).where(C.user_id == user)
        async with self.engine.connect() as connection:
            rows = (await connection.execute(mine.order_by(*_ORDER).limit(size).offset(offset))).all()
            total = select(func.count()).select_from(TABLE).where(C.user_id == user)
            return rows, (await connection.execute(total)).scalar_one()

    async def position(self, user: uuid.UUID, size: int) -> Position:
        last = (await self.list_of_user(user, size))[-1]
        return last.date, last.id

    async def after(self, user: uuid.UUID, position: Position, size: int) -> KeysetPage:
        date, id = position
        beyond = or_(C.date < date, and_(C.date == date, C.id > id))
        wanted = select(TABLE).where(C.user_id == user, beyond).order_by(*_ORDER).limit(size + 1)
        rows = await self._all(wanted)
        shown = rows[:size]
        return shown, (shown[-1].date, shown[-1].id) if len(rows) > size else None

    async def sum_by_category(self, user: uuid.UUID) -> dict[str, Decimal]:
        wanted = select(C.category, func.sum(C.amount)).where(C.user_id == user).group_by(C.category)
        return dict(map(tuple, await self._all(wanted)))

    async def _one(self, statement: Any) -> Any:
        async with self.engine.connect() as connection:
            return (await connection.execute(statement)).first()

    async def _all(self, statement: Any) -> Sequence[Any]:
        async with self.engine.connect() as connection:
            return (await connection.execute(statement)).all()
