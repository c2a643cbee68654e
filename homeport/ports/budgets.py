"""Budgets port: document 000's BudgetRepository."""

from collections.abc import Mapping
from typing import Protocol

from homeport.domain.budgets import Budget, BudgetCategory, RecurringExpense
from homeport.domain.ids import Id


class BudgetRepository(Protocol):
    """Every method sees one user's rows only; another's are as absent.

    The two methods that are asked for a budget and no user see anybody's, unless `user_id` says whose it has to be.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    async def create_budget(self, user_id: Id, data: Mapping[str, object]) -> Budget:
        """Monthly, with an alert at 80 percent, unless the data says otherwise.

        Raises:
            NotNullViolation: no category, amount or start date.
            UniqueViolation: the user has a budget of this category and period from this day on.
            CheckViolation: a negative amount, an end before the start, or a threshold outside of 0 to 100.
            ForeignKeyViolation: no such user.
        """

    async def get_user_budgets(self, user_id: Id) -> list[Budget]:
        """The latest start first, then by id; empty if there are none."""

    async def get_budget_by_id(self, budget_id: Id, user_id: Id) -> Budget | None:
        """None if it is absent or another's."""

    async def update_budget(self, budget_id: Id, user_id: Id, data: Mapping[str, object]) -> Budget:
        """Raises RepositoryNotFoundError if it is absent or another's; constraint errors as `create_budget`."""

    async def delete_budget(self, budget_id: Id, user_id: Id) -> bool:
        """Removes it and its categories for good; False if it is absent or another's.

        Its recurring expenses stay, and belong to no budget.
        """

    async def create_budget_category(
        self, budget_id: Id, data: Mapping[str, object], *, user_id: Id | None = None
    ) -> BudgetCategory:
        """Its user is the budget's, and can't be given another.

        Raises:
            RepositoryNotFoundError: the budget is absent, or not of the user who is named.
            NotNullViolation: no name.
            UniqueViolation: the budget has a category of this name, whatever its capital letters.
        """

    async def get_budget_categories(self, budget_id: Id, *, user_id: Id | None = None) -> list[BudgetCategory]:
        """By name, then id; empty if the budget is absent, has none, or is not of the user who is named."""

    async def create_recurring_expense(self, user_id: Id, data: Mapping[str, object]) -> RecurringExpense:
        """Active, unless the data says otherwise.

        Raises:
            InvalidValue: `budget_id` is no budget of the user.
            NotNullViolation: no amount, category, frequency, start or next due date.
            CheckViolation: an amount of 0 or less, or a currency that is not three capital letters.
            ForeignKeyViolation: no such user.
        """

    async def get_recurring_expenses(self, user_id: Id) -> list[RecurringExpense]:
        """Active ones first, then by the next due date, then by id; empty if there are none."""
