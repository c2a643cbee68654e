"""ORDER BY as stable sorts, from the last term to the first, with NULLs put where the term says."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeAlias

from homeport.adapters.memory.predicates import orderable
from homeport.kernel.entity import Entity
from homeport.kernel.query import Order
from homeport.kernel.table import Column, Table
from homeport.kernel.types import UuidType

Sorter: TypeAlias = Callable[[list[Entity]], list[Entity]]


def sorter(table: Table[Any], order: tuple[Order, ...]) -> Sorter:
    """A function that sorts a list, which it may change, in the order."""
    passes = [_pass(table.by_name[term.column], term) for term in reversed(order)]

    def sort(rows: list[Entity]) -> list[Entity]:
        for each in passes:
            rows = each(rows)
        return rows

    return sort


def _pass(column: Column, term: Order) -> Sorter:
    key, backwards = _key(column), term.descending

    def plain(rows: list[Entity]) -> list[Entity]:
        rows.sort(key=key, reverse=backwards)
        return rows

    if not column.nullable:
        return plain
    read = attrgetter(column.name)

    def with_nulls(rows: list[Entity]) -> list[Entity]:
        nulls = [row for row in rows if read(row) is None]
        if not nulls:
            return plain(rows)
        known = plain([row for row in rows if read(row) is not None])
        return nulls + known if term.nulls_first else known + nulls

    return with_nulls


def _key(column: Column) -> Callable[[Entity], Any]:
    if isinstance(column.type, UuidType):
        return attrgetter(f"{column.name}.int")
    convert, read = orderable(column), attrgetter(column.name)
    return read if convert is None else lambda row: convert(read(row))
