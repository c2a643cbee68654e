"""Expenses port: document 000's ExpenseRepository."""

import datetime as dt
from collections.abc import Mapping
from typing import Protocol

from homeport.domain.expenses import Expense
from homeport.domain.ids import Id


class ExpenseRepository(Protocol):
    """Every method sees one user's expenses only; another's are as absent.

    Lists are ordered by date, latest first, then id; empty if there are none. Categories are compared exactly,
    capital letters included.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    async def create_expense(self, user_id: Id, data: Mapping[str, object]) -> Expense:
        """Without a date it is today's, in UTC.

        Raises:
            NotNullViolation: no amount, or no category.
            CheckViolation: a negative amount, or a currency that is not three capital letters.
            ForeignKeyViolation: an unknown user or recurring expense.
        """

    async def get_user_expenses(self, user_id: Id, filters: Mapping[str, object] | None = None) -> list[Expense]:
        """All of the user's, or those equal in the given columns; `min_amount` and `max_amount` are inclusive."""

    async def get_expense_by_id(self, expense_id: Id, user_id: Id) -> Expense | None:
        """None if it is absent or another's."""

    async def update_expense(self, expense_id: Id, user_id: Id, data: Mapping[str, object]) -> Expense:
        """Raises RepositoryNotFoundError if it is absent or another's; constraint errors as `create_expense`."""

    async def delete_expense(self, expense_id: Id, user_id: Id) -> bool:
        """Removes it for good; False if it is absent or another's."""

    async def get_expenses_by_date_range(
        self, user_id: Id, start_date: dt.date | str, end_date: dt.date | str
    ) -> list[Expense]:
        """From the first day to the last, both included.

        Raises:
            InvalidValue: no ISO date, or the range ends before it starts.
        """

    async def get_expenses_by_category(self, user_id: Id, category: str) -> list[Expense]:
        """Of exactly this category."""
