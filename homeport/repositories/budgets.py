"""Budgets over any store."""

import uuid
from collections.abc import Mapping

from homeport.domain.budgets import Budget, BudgetCategory, RecurringExpense, SavingsEvent
from homeport.domain.ids import Id
from homeport.kernel.errors import InvalidValue
from homeport.kernel.policies import owned, owned_under
from homeport.kernel.predicates import eq, exists, lower
from homeport.kernel.table import (
    CREATED,
    ID,
    OWNER,
    TODAY,
    UPDATED,
    OnDelete,
    at_least,
    between,
    column,
    index,
    more_than,
    not_before,
    table,
    unique,
)
from homeport.kernel.types import NumericType
from homeport.ports.budgets import BudgetRepository
from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.repositories.migrations import shipped
from homeport.repositories.money import CURRENCY, MONEY, currency_code

BUDGET = table(
    Budget,
    "budgets",
    owner="user_id",
    columns={
        "id": ID,
        "user_id": OWNER,
        "amount": MONEY,
        "alert_threshold": column(NumericType(5, 2)),
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    uniques=[unique("user_id", "category", "period", "start_date")],
    checks=[
        at_least("amount", 0),
        not_before("end_date", "start_date"),
        between("alert_threshold", 0, 100),
    ],
    indexes=[index("user_id", "-start_date")],
    policies=owned(),
    order=["-start_date"],
)

BUDGET_CATEGORY = table(
    BudgetCategory,
    "budget_categories",
    owner="user_id",
    columns={
        "id": ID,
        "budget_id": column(references="budgets", on_delete=OnDelete.CASCADE),
        "user_id": OWNER,
        "budgeted_amount": MONEY,
        "spent_amount": MONEY,
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    uniques=[unique("budget_id", lower("name"))],
    indexes=[index("budget_id"), index("user_id")],
    policies=owned_under(BUDGET, "budget_id"),
    order=["name"],
)

RECURRING_EXPENSE = table(
    RecurringExpense,
    "recurring_expenses",
    owner="user_id",
    columns={
        "id": ID,
        "user_id": OWNER,
        "amount": MONEY,
        "currency": CURRENCY,
        "budget_id": column(references="budgets", on_delete=OnDelete.SET_NULL),
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    uniques=[unique("user_id", "id")],  # what rows of the same user refer to
    checks=[more_than("amount", 0), currency_code()],
    indexes=[index("user_id"), index("next_due_date", where=eq("is_active", True)), index("budget_id")],
    policies=owned_under(BUDGET, "budget_id", required=False),
    order=["-is_active", "next_due_date"],
)

SAVINGS_EVENT = table(
    SavingsEvent,
    "savings_events",
    owner="user_id",
    columns={
        "id": ID,
        "user_id": OWNER,
        "amount_saved": MONEY,
        "baseline_cost": MONEY,
        "optimized_cost": MONEY,
        "saved_date": column(default=TODAY),
        "created_at": CREATED,
    },
    indexes=[index("user_id", "-saved_date")],
    policies=owned(),
    order=["-saved_date"],
)


class StoredBudgets:
    """Document 000's BudgetRepository; each of its tables is a base repository. `savings` has no methods besides."""

    def __init__(self, store: Store) -> None:
        self.budgets: Collection[Budget, uuid.UUID] = Collection(store, BUDGET)
        self.categories: Collection[BudgetCategory, uuid.UUID] = Collection(store, BUDGET_CATEGORY)
        self.recurring: Collection[RecurringExpense, uuid.UUID] = Collection(store, RECURRING_EXPENSE)
        self.savings: Collection[SavingsEvent, uuid.UUID] = Collection(store, SAVINGS_EVENT)

    async def create_budget(self, user_id: Id, data: Mapping[str, object]) -> Budget:
        return await self.budgets.of(user_id).create(data)

    async def get_user_budgets(self, user_id: Id) -> list[Budget]:
        return await self.budgets.of(user_id).find_many(name="get_user_budgets")

    async def get_budget_by_id(self, budget_id: Id, user_id: Id) -> Budget | None:
        return await self.budgets.of(user_id).find_by_id(budget_id)

    async def update_budget(self, budget_id: Id, user_id: Id, data: Mapping[str, object]) -> Budget:
        return await self.budgets.of(user_id).update(budget_id, data)

    async def delete_budget(self, budget_id: Id, user_id: Id) -> bool:
        return await self.budgets.of(user_id).delete(budget_id)

    async def create_budget_category(
        self, budget_id: Id, data: Mapping[str, object], *, user_id: Id | None = None
    ) -> BudgetCategory:
        budgets = self.budgets if user_id is None else self.budgets.of(user_id)
        budget = await budgets.get_or_raise(budget_id)
        return await self.categories.within("budget_id", budget.id).of(budget.user_id).create(data)

    async def get_budget_categories(self, budget_id: Id, *, user_id: Id | None = None) -> list[BudgetCategory]:
        categories = self.categories.within("budget_id", budget_id)
        if user_id is None:
            return await categories.find_many(name="get_budget_categories")
        # the category's own user is no proof of whose the budget is, so that is asked as well
        of_theirs = exists(BUDGET, {"id": "budget_id"}, eq("user_id", user_id))
        return await categories.of(user_id).find_many(of_theirs, name="get_budget_categories")

    async def create_recurring_expense(self, user_id: Id, data: Mapping[str, object]) -> RecurringExpense:
        budget_id = data.get("budget_id") if isinstance(data, Mapping) else None
        if budget_id is not None and not await self.budgets.of(user_id).exists(eq("id", budget_id)):
            raise InvalidValue("budget_id: no budget of this user", field="budget_id")
        return await self.recurring.of(user_id).create(data)

    async def get_recurring_expenses(self, user_id: Id) -> list[RecurringExpense]:
        return await self.recurring.of(user_id).find_many(name="get_recurring_expenses")


BUDGETS: Context[BudgetRepository] = Context(
    "budgets",
    StoredBudgets,
    tables=(BUDGET, BUDGET_CATEGORY, RECURRING_EXPENSE, SAVINGS_EVENT),
    migrations=shipped("budgets"),
    requires=("users",),
)
