"""What one row has to be: defaults, generated columns, NOT NULL, checks, in PostgreSQL's order. Sees no other row."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeAlias

from homeport.kernel.entity import Entity
from homeport.kernel.errors import CheckViolation, ForeignKeyViolation, NotNullViolation, UniqueViolation
from homeport.kernel.query import Moment
from homeport.kernel.table import Check, Column, ForeignKey, Row, Table
from homeport.kernel.types import ChoiceType, Json, JsonType

Fill = Callable[[dt.datetime], object]
Changed: TypeAlias = frozenset[str]
"""All columns that a change of a row may change."""

MOST_CHANGES = 1000
"""Of so many sets of columns it is kept what a change of them concerns."""


class RowRules:
    """Makes rows of one table as dicts in column order, and judges them."""

    def __init__(self, table: Table[Any]) -> None:
        self._table = table
        self._numbers = itertools.count(1)
        self._fills = tuple((each.name, _fill(each, self._numbers)) for each in table.columns)
        self._json = frozenset(each.name for each in table.columns if isinstance(each.type, JsonType))
        self._touched = tuple(each.name for each in table.columns if each.touched)
        self._version = None if table.version is None else table.require(table.version)
        self._generated = tuple(each for each in table.columns if each.generated is not None)
        self._required = tuple(each.name for each in table.columns if not each.nullable and each.stored)
        self._required_generated = tuple(each.name for each in self._generated if not each.nullable)
        self._checks = tuple(
            sorted((each for each in table.checks if not _kept_by_type(table, each)), key=lambda each: each.name)
        )
        self.reached = lru_cache(MOST_CHANGES)(self._reached)
        self._values = attrgetter(*(each.name for each in table.columns))
        self._names = tuple(each.name for each in table.columns)

    def new(self, given: Row, now: dt.datetime) -> dict[str, Any]:
        """The row to insert: what is given, and defaults for the rest. An identity's number is used up here."""
        stored = self.admitted(given, now)
        return {name: stored[name] if name in stored else fill(now) for name, fill in self._fills}

    def changed(self, old: Entity, changes: Row, touched: dt.datetime | None) -> dict[str, Any]:
        """The row after the changes. One that is changed directly, at the time `touched`, has its columns of that time
        and its version kept up to date.
        """
        values = self._values(old)
        row = dict(zip(self._names, values if len(self._names) > 1 else (values,), strict=True))
        row.update(changes)
        if touched is not None:
            for name in self._touched:
                row[name] = touched
            if self._version is not None:
                row[self._version.name] = self._version.admit(getattr(old, self._version.name) + 1)
        return row

    def _reached(self, names: tuple[str, ...], direct: bool) -> Changed:
        """All columns that `changed` and `judge` may change where these are given."""
        also = (*self._touched, *(() if self._version is None else (self._version.name,))) if direct else ()
        return frozenset((*names, *also, *(each.name for each in self._generated)))

    def admitted(self, given: Row, now: dt.datetime) -> dict[str, Any]:
        """The values as they are kept: the database's time put in, jsonb cut off from the caller's own objects."""
        row: dict[str, Any] = {name: now if value is Moment.NOW else value for name, value in given.items()}
        for name in self._json:
            if name in row:
                row[name] = copied(row[name])
        return row

    def judge(self, row: dict[str, Any]) -> None:
        """Compute the generated columns. Raises NotNullViolation in column order, then CheckViolation in name order."""
        for name in self._required:
            if row[name] is None:
                raise null_violation(self._table, name)
        for column in self._generated:
            if column.generated is not None:
                row[column.name] = column.admit(column.generated.of(row))
        for name in self._required_generated:
            if row[name] is None:
                raise null_violation(self._table, name)
        for check in self._checks:
            if check.rule.of(row) is False:
                raise check_violation(self._table, check)


def copied(value: Json) -> Json:
    """A jsonb value that shares nothing with the given one."""
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    return [copied(each) for each in value] if isinstance(value, list) else value


def null_violation(table: Table[Any], column: str) -> NotNullViolation:
    return NotNullViolation(f"{table.name}.{column} must have a value", table=table.name, columns=(column,))


def check_violation(table: Table[Any], broken: Check) -> CheckViolation:
    return CheckViolation(
        f"a row of {table.name} breaks {broken.name}", constraint=broken.name, table=table.name, columns=broken.columns
    )


def unique_violation(table: Table[Any], name: str) -> UniqueViolation:
    columns = table.constraints[name]
    return UniqueViolation(
        f"{table.name} already has a row with the same {', '.join(columns)} ({name})",
        constraint=name,
        table=table.name,
        columns=columns,
    )


def missing_reference(table: Table[Any], broken: ForeignKey) -> ForeignKeyViolation:
    return _reference(table, broken, f"{table.name}.{', '.join(broken.columns)} refers to no row of {broken.table}")


def still_referenced(table: Table[Any], broken: ForeignKey) -> ForeignKeyViolation:
    return _reference(table, broken, f"a row of {broken.table} is still referred to by {table.name}")


def _reference(table: Table[Any], broken: ForeignKey, what: str) -> ForeignKeyViolation:
    message = f"{what} ({broken.name})"
    return ForeignKeyViolation(message, constraint=broken.name, table=table.name, columns=broken.columns)


def _fill(column: Column, numbers: Iterator[int]) -> Fill:
    if column.identity:
        return lambda _: next(numbers)
    default = column.default
    return (lambda now: column.admit(default.make(now))) if default is not None else (lambda _: None)


def _kept_by_type(table: Table[Any], given: Check) -> bool:
    """Whether it is the check of a StrEnum column: values of the type can't break it."""
    if len(given.columns) != 1 or given.name != f"{table.name}_{given.columns[0]}_check":
        return False
    column = table.by_name[given.columns[0]]
    return isinstance(column.type, ChoiceType) and column.type.native is None and column.stored
