"""An expense as hand-written code holds it, and the form in which answers of all implementations are compared."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, TypeAlias

import asyncpg

Given: TypeAlias = dict[str, Any]
"""A new row as an application has it: field names and Python values."""


@dataclass(slots=True)
class Row:
    """The columns of `expenses` in their order, mutable: the cheapest class that a careful user would write."""

    id: uuid.UUID
    user_id: uuid.UUID
    amount: Decimal
    currency: str
    category: str
    description: str | None
    date: dt.date
    location: str | None
    vendor: str | None
    receipt_url: str | None
    payment_method: str | None
    tags: list[str] | None
    recurring_expense_id: uuid.UUID | None
    created_at: dt.datetime
    updated_at: dt.datetime


COLUMNS = tuple(each.name for each in fields(Row))
GIVEN = ("id", "user_id", "amount", "category", "description", "date", "vendor", "payment_method")
"""What a new row says itself; the database sets the rest."""
TIMES = ("created_at", "updated_at")


def neutral(answer: object) -> object:
    """An answer without its library: rows become dicts of plain values, numbers are exact, lists stay in order."""
    if answer is None or isinstance(answer, bool | int | str):
        return answer
    if isinstance(answer, Mapping | asyncpg.Record):
        return _of_values(answer) if "user_id" in answer else {key: _exact(value) for key, value in answer.items()}
    if hasattr(answer, "user_id"):
        return _of_values({name: getattr(answer, name) for name in COLUMNS})
    if isinstance(answer, Iterable):
        return [neutral(each) for each in answer]
    raise TypeError(f"an answer of {type(answer).__name__} can't be compared")


def without_times(answer: object) -> object:
    """The same answer without what the clock has set."""
    match answer:
        case dict():
            return {name: value for name, value in answer.items() if name not in TIMES}
        case list():
            return [without_times(each) for each in answer]
        case _:
            return answer


def _of_values(row: Mapping[str, Any] | asyncpg.Record) -> dict[str, object]:
    return {name: _plain(name, row[name]) for name in COLUMNS}


def _plain(name: str, value: Any) -> object:
    if value is None:
        return None
    match name:
        case "id" | "user_id" | "recurring_expense_id":
            return str(value)
        case "amount":
            return _exact(value)
        case "date":
            return value if isinstance(value, str) else value.isoformat()
        case "created_at" | "updated_at":
            moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
            return moment.astimezone(dt.UTC).isoformat()
        case "tags":
            return list(value)
        case _:
            return value


def _exact(value: Any) -> str:
    """To the cent: JSON clients answer floats, which say the same amount."""
    return str(Decimal(repr(value) if isinstance(value, float) else value).quantize(Decimal("0.01")))


def sums(rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """Pairs of category and total as one mapping."""
    return {category: total for category, total in rows}  # noqa: C416 - a driver's row is a pair, but no tuple
