"""Expenses over any store."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import cast

from homeport.domain.expenses import Expense
from homeport.domain.ids import Id
from homeport.kernel.binding import from_filters
from homeport.kernel.errors import InvalidValue
from homeport.kernel.policies import owned
from homeport.kernel.predicates import all_of, eq, ge, le
from homeport.kernel.table import CREATED, ID, OWNER, TODAY, UPDATED, OnDelete, at_least, column, index, table
from homeport.ports.context import Context
from homeport.ports.expenses import ExpenseRepository
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.repositories.migrations import shipped
from homeport.repositories.money import CURRENCY, MONEY, currency_code

EXPENSE = table(
    Expense,
    "expenses",
    owner="user_id",
    columns={
        "id": ID,
        "user_id": OWNER,
        "amount": MONEY,
        "currency": CURRENCY,
        "date": column(default=TODAY),
        "recurring_expense_id": column(
            references="recurring_expenses", on_delete=OnDelete.SET_NULL, sharing={"user_id": "user_id"}
        ),
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    checks=[at_least("amount", 0), currency_code()],
    indexes=[index("user_id", "-date"), index("user_id", "category"), index("recurring_expense_id")],
    policies=owned(),
    order=["-date"],
)


class StoredExpenses:
    """Document 000's ExpenseRepository; `expenses` is its base repository."""

    def __init__(self, store: Store) -> None:
        self.expenses: Collection[Expense, uuid.UUID] = Collection(store, EXPENSE)

    async def create_expense(self, user_id: Id, data: Mapping[str, object]) -> Expense:
        return await self.expenses.of(user_id).create(data)

    async def get_user_expenses(self, user_id: Id, filters: Mapping[str, object] | None = None) -> list[Expense]:
        equal = {} if filters is None else dict(filters)
        least, most = equal.pop("min_amount", None), equal.pop("max_amount", None)
        bounds = [] if least is None else [ge("amount", least)]
        bounds += [] if most is None else [le("amount", most)]
        return await self.expenses.of(user_id).find_many(all_of(from_filters(equal), *bounds), name="get_user_expenses")

    async def get_expense_by_id(self, expense_id: Id, user_id: Id) -> Expense | None:
        return await self.expenses.of(user_id).find_by_id(expense_id)

    async def update_expense(self, expense_id: Id, user_id: Id, data: Mapping[str, object]) -> Expense:
        return await self.expenses.of(user_id).update(expense_id, data)

    async def delete_expense(self, expense_id: Id, user_id: Id) -> bool:
        return await self.expenses.of(user_id).delete(expense_id)

    async def get_expenses_by_date_range(
        self, user_id: Id, start_date: dt.date | str, end_date: dt.date | str
    ) -> list[Expense]:
        day = EXPENSE.require("date")
        first, last = cast("dt.date", day.operand(start_date)), cast("dt.date", day.operand(end_date))
        if last < first:
            raise InvalidValue("end_date: the range ends before it starts", field="end_date")
        return await self.expenses.of(user_id).find_many(
            all_of(ge("date", first), le("date", last)), name="get_expenses_by_date_range"
        )

    async def get_expenses_by_category(self, user_id: Id, category: str) -> list[Expense]:
        return await self.expenses.of(user_id).find_many(eq("category", category), name="get_expenses_by_category")


EXPENSES: Context[ExpenseRepository] = Context(
    "expenses", StoredExpenses, tables=(EXPENSE,), migrations=shipped("expenses"), requires=("users",)
)
