"""Budgets: what one person means to spend, what falls due again and again, and what was saved. Knows no storage."""

import datetime as dt
import enum
import uuid
from decimal import Decimal

import attrs

from homeport.kernel.entity import Entity


class Period(enum.StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"


class Frequency(enum.StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    BIWEEKLY = "biweekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"


class SavingsType(enum.StrEnum):
    GAS = "gas"
    CAMPGROUND = "campground"
    ROUTE = "route"
    OTHER = "other"


@attrs.frozen(kw_only=True)
class Budget(Entity):
    """What may be spent on one category in each period. The threshold is the percentage that calls for an alert."""

    id: uuid.UUID
    user_id: uuid.UUID
    name: str | None = None
    category: str
    amount: Decimal
    period: Period = Period.MONTHLY
    start_date: dt.date
    end_date: dt.date | None = None
    alert_threshold: Decimal = Decimal(80)
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class BudgetCategory(Entity):
    """A part of a budget under a name of its own. Its user is the budget's."""

    id: uuid.UUID
    budget_id: uuid.UUID
    user_id: uuid.UUID
    name: str
    budgeted_amount: Decimal = Decimal(0)
    spent_amount: Decimal = Decimal(0)
    color: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class RecurringExpense(Entity):
    """Money that falls due again and again, the next time on `next_due_date`."""

    id: uuid.UUID
    user_id: uuid.UUID
    amount: Decimal
    currency: str = "USD"
    category: str
    description: str | None = None
    frequency: Frequency
    start_date: dt.date
    next_due_date: dt.date
    end_date: dt.date | None = None
    is_active: bool = True
    last_generated_at: dt.datetime | None = None
    budget_id: uuid.UUID | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class SavingsEvent(Entity):
    """Money that was not spent, and against what that is measured."""

    id: uuid.UUID
    user_id: uuid.UUID
    amount_saved: Decimal
    category: str
    event_type: SavingsType
    baseline_cost: Decimal | None = None
    optimized_cost: Decimal | None = None
    description: str | None = None
    saved_date: dt.date
    created_at: dt.datetime
