"""Invoices: what one user asks to be paid for. Knows nothing of storage."""

import datetime as dt
import enum
import uuid
from decimal import Decimal

import attrs

from homeport import Entity


class Status(enum.StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    PAID = "paid"


class NotSent(ValueError):
    """Only an invoice that was sent can be paid."""


@attrs.frozen(kw_only=True)
class Invoice(Entity):
    """One invoice under its user's own number. A paid one says when, and no other does."""

    id: uuid.UUID
    user_id: uuid.UUID
    number: str
    issued_on: dt.date
    due_on: dt.date
    total: Decimal
    currency: str = "USD"
    status: Status = Status.DRAFT
    paid_at: dt.datetime | None = None
    created_at: dt.datetime
    updated_at: dt.datetime
    deleted_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class InvoiceLine(Entity):
    """One thing that is paid for, at its place on the invoice."""

    id: uuid.UUID
    invoice_id: uuid.UUID
    position: int
    description: str
    amount: Decimal


@attrs.frozen(kw_only=True)
class InvoiceWithLines:
    """An invoice and its lines, by position."""

    invoice: Invoice
    lines: tuple[InvoiceLine, ...]


@attrs.frozen(kw_only=True)
class Payment(Entity):
    """How an attempt to pay ended. `newly_paid` is true for the one attempt that did it."""

    status: Status
    paid_at: dt.datetime | None
    newly_paid: bool
