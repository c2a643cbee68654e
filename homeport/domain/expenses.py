"""Expenses: what one person spent. Knows nothing of budgets or storage."""

import datetime as dt
import uuid
from decimal import Decimal

import attrs

from homeport.kernel.entity import Entity


@attrs.frozen(kw_only=True)
class Expense(Entity):
    """Money spent on one day, exact to the cent, in the currency of its three-letter code."""

    id: uuid.UUID
    user_id: uuid.UUID
    amount: Decimal
    currency: str = "USD"
    category: str
    description: str | None = None
    date: dt.date
    location: str | None = None
    vendor: str | None = None
    receipt_url: str | None = None
    payment_method: str | None = None
    tags: tuple[str, ...] | None = None
    recurring_expense_id: uuid.UUID | None = None
    created_at: dt.datetime
    updated_at: dt.datetime
