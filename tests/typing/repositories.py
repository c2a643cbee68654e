"""What users' checkers see of contexts and repositories. Only checkers run this file. An ignore that is
not needed is an error in both, so each wrong use below is one that both refuse.
"""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

import datetime as dt
import uuid
from typing import Annotated, Any, assert_type

import attrs
from fastapi import Depends

import homeport
from homeport import BaseRepository, Collection, Context, CursorPage, Entity, Homeport, Page, Store
from homeport.domain.calendar import CalendarEvent
from homeport.domain.expenses import Expense
from homeport.domain.users import User
from homeport.fastapi import get_user_unit, provide
from homeport.kernel.table import ID, table
from homeport.ports.calendar import CalendarRepository
from homeport.ports.expenses import ExpenseRepository
from homeport.repositories.calendar import CALENDAR
from homeport.repositories.expenses import EXPENSE, EXPENSES, StoredExpenses
from homeport.repositories.social import StoredSocial
from homeport.testing import an_event, an_expense, build, builder, memory


@attrs.frozen(kw_only=True)
class Booking(Entity):
    id: uuid.UUID
    guest: str


BOOKING = table(Booking, "bookings", columns={"id": ID})


class StoredBookings:
    def __init__(self, store: Store) -> None:
        self.bookings: Collection[Booking, uuid.UUID] = Collection(store, BOOKING)


BOOKINGS: Context[StoredBookings] = Context("bookings", StoredBookings, tables=(BOOKING,))

# -- opening


async def opening() -> None:
    async with homeport.open(contexts=["expenses", BOOKINGS], adapters={"expenses": "memory"}) as db:
        assert_type(db, Homeport)
    assert_type(await homeport.open(contexts=[EXPENSES]), Homeport)
    assert_type(memory(["expenses"]), Homeport)
    await homeport.open(contexts=[EXPENSE])  # type: ignore[list-item]
    await homeport.open(adapter=1)  # type: ignore[arg-type]
    await homeport.open(database=1)  # type: ignore[arg-type]
    await homeport.open(overrides={"expenses": "costs"})  # type: ignore[dict-item]
    await homeport.open("expenses")  # type: ignore[arg-type]


# -- the context's value is the key


def by_value(db: Homeport) -> None:
    assert_type(db.repository(EXPENSES), ExpenseRepository)
    assert_type(db.repository(CALENDAR), CalendarRepository)
    assert_type(db.repository(BOOKINGS), StoredBookings)
    wrong: CalendarRepository = db.repository(EXPENSES)  # type: ignore[assignment]
    print(wrong)
    db.repository("expenses")  # type: ignore[arg-type]
    db.repository(EXPENSE)  # type: ignore[arg-type]
    db.repository(ExpenseRepository)  # type: ignore[arg-type]


def a_class_that_does_not_fit_its_port() -> None:
    wrong: Context[CalendarRepository] = Context("calendar", StoredExpenses)  # type: ignore[arg-type]
    no_store: Context[object] = Context("nothing", int, tables=(BOOKING,))  # type: ignore[arg-type]
    print(wrong, no_store)


# -- by name, for shipped contexts


async def by_name(db: Homeport, user: uuid.UUID) -> None:
    assert_type(db.expenses, StoredExpenses)
    assert_type(db.social, StoredSocial)
    port: ExpenseRepository = db.expenses
    print(port)
    assert_type(await db.expenses.create_expense(user, {"amount": "1"}), Expense)
    assert_type(await db.expenses.get_user_expenses(str(user)), list[Expense])
    assert_type(await db.calendar.get_event_by_id(user, user), CalendarEvent | None)
    assert_type(await db.users.find_by_email("a@example.com"), User | None)
    await db.expenses.create_expense(user)  # type: ignore[call-arg]
    await db.expenses.create_expense(1, {})  # type: ignore[arg-type]
    await db.expenses.create_expences(user, {})  # type: ignore[attr-defined]
    print(db.expences)  # type: ignore[attr-defined]


# -- collections


async def rows(db: Homeport, id: uuid.UUID) -> None:
    expenses = db.expenses.expenses
    assert_type(expenses, Collection[Expense, uuid.UUID])
    assert_type(await expenses.find_by_id(id), Expense | None)
    assert_type(await expenses.find_by_id("text is taken"), Expense | None)
    assert_type(await expenses.get_or_raise(id), Expense)
    assert_type(await expenses.find_many({"category": ["fuel", "food"]}, order_by="-date", limit=3), list[Expense])
    assert_type(await expenses.paginate(page=2), Page[Expense])
    assert_type(await expenses.paginate_cursor(limit=10), CursorPage[Expense])
    assert_type(await expenses.count(homeport.ge("amount", 10)), int)
    async for each in expenses.stream():
        assert_type(each, Expense)
    await expenses.find_by_id(7)  # type: ignore[arg-type]
    await expenses.find_many("category = 'fuel'")  # type: ignore[arg-type]
    await expenses.add(await an_event(db))  # type: ignore[arg-type]
    assert_type(db.collection(EXPENSE), Collection[Expense, Any])
    db.collection("expenses")  # type: ignore[arg-type]


async def frozen_entities(db: Homeport, id: uuid.UUID) -> None:
    expense = await db.expenses.expenses.get_or_raise(id)
    assert_type(expense.date, dt.date)
    expense.date = dt.date(2024, 1, 1)  # type: ignore[misc]
    print(expense.amout)  # type: ignore[attr-defined]
    assert_type(homeport.to_dict(expense), dict[str, object])


async def by_names(db: Homeport) -> None:
    assert_type(db.base, BaseRepository)
    assert_type(await db.base.select("expenses", {"category": "fuel"}, ["id"]), list[dict[str, object]])
    await db.base.select(EXPENSE)  # type: ignore[arg-type]


# -- FastAPI and builders

Expenses = Annotated[ExpenseRepository, Depends(provide(EXPENSES), scope="function")]


async def dependencies(db: Homeport) -> None:
    assert_type(await provide(EXPENSES)(db), ExpenseRepository)
    assert_type(await provide(EXPENSES, get_user_unit)(db), ExpenseRepository)
    provide(EXPENSES, db)  # type: ignore[arg-type]
    provide("expenses")  # type: ignore[arg-type]


async def builders(db: Homeport) -> None:
    assert_type(await an_expense(db, amount=3), Expense)
    assert_type(await build(db, BOOKING, guest="Ada"), Booking)
    assert_type(await builder(BOOKING)(db), Booking)
    await an_expense(amount=3)  # type: ignore[call-arg]
    await build(db, "bookings")  # type: ignore[arg-type]
