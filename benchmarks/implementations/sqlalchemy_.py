"""SQLAlchemy's own parts that its implementations share: the engine, the table and the mapped class."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, Date, DateTime, FetchedValue, Numeric, Text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.place import Place


class Base(DeclarativeBase):
    pass


class Expense(Base):
    """What the database sets comes back with the statement that wrote the row: no second one reads it again."""

    __tablename__ = "expenses"
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - as SQLAlchemy declares it

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID]
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    currency: Mapped[str] = mapped_column(server_default=FetchedValue())
    category: Mapped[str]
    description: Mapped[str | None]
    date: Mapped[dt.date] = mapped_column(Date())
    location: Mapped[str | None]
    vendor: Mapped[str | None]
    receipt_url: Mapped[str | None]
    payment_method: Mapped[str | None]
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    recurring_expense_id: Mapped[uuid.UUID | None]
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    updated_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=FetchedValue(), server_onupdate=FetchedValue()
    )


def engine(place: Place, **settings: Any) -> AsyncEngine:
    """Over asyncpg, with as many connections as the others have."""
    return create_async_engine(
        place.service.url.replace("postgresql://", "postgresql+asyncpg://"),
        pool_size=place.connections,
        max_overflow=0,
        **settings,
    )
