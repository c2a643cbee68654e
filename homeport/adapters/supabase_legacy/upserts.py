"""What PostgREST's upsert does not do by itself: spare soft-deleted rows, and give rows back in the given order."""

from collections.abc import Iterator, Sequence
from typing import Any

from homeport.kernel.entity import E
from homeport.kernel.errors import UniqueViolation
from homeport.kernel.predicates import AllOf, AnyOf, Comparator, Compare, Field, IsNull, Literal, Not, OneOf, Predicate
from homeport.kernel.query import Insert, OnConflict, Select
from homeport.kernel.table import Row, Table

_ROWS_AT_ONCE = 20


def deleted_in_the_way(command: Insert[E], conflict: OnConflict) -> Iterator[Select[E]]:
    """Queries for the soft-deleted rows that the new ones would meet; none for a table without soft delete."""
    mark, target = command.table.soft_delete, conflict.target
    given = [values for row in command.rows if None not in (values := _values(row, target))]
    if mark is None or not given:
        return
    if len(target) == 1:  # a list, which reads cut to the length of a URL
        yield _deleted(command, mark, OneOf(Field(target[0]), tuple(value for (value,) in given)))
        return
    for start in range(0, len(given), _ROWS_AT_ONCE):
        some = given[start : start + _ROWS_AT_ONCE]
        yield _deleted(command, mark, AnyOf(tuple(_equal(target, values) for values in some)))


def refuse_deleted(command: Insert[E], conflict: OnConflict, rows: Sequence[E]) -> None:
    """Raises UniqueViolation if one of the rows is soft-deleted."""
    mark = command.table.soft_delete
    if mark is not None and any(getattr(row, mark) is not None for row in rows):
        name = _constraint(command.table, conflict.target)
        raise UniqueViolation(
            f"a soft-deleted row of {command.table.name} is in the way: {name}",
            constraint=name,
            table=command.table.name,
            columns=conflict.target,
            code="23505",
        )


def in_given_order(command: Insert[E], rows: list[E]) -> list[E]:
    """By the key where the given rows have it, else by an upsert's target, else as returned: in the order given."""
    key, conflict = (command.table.key,), command.conflict
    names = key if command.table.key in command.rows[0] or conflict is None else conflict.target
    places = {_values(row, names): place for place, row in enumerate(command.rows)}
    if len(places) < len(command.rows):
        return rows
    return sorted(rows, key=lambda row: places.get(tuple(getattr(row, name) for name in names), len(places)))


def _values(row: Row, names: Sequence[str]) -> tuple[object, ...]:
    return tuple(row.get(name) for name in names)


def _equal(target: Sequence[str], values: Sequence[object]) -> Predicate:
    said = zip(target, values, strict=True)
    return AllOf(tuple(Compare(Field(name), Comparator.EQ, Literal(value)) for name, value in said))


def _deleted(command: Insert[E], mark: str, where: Predicate) -> Select[E]:
    return Select(command.name, command.table, AllOf((Not(IsNull(mark)), where)), limit=1)


def _constraint(table: Table[Any], target: tuple[str, ...]) -> str | None:
    if target == (table.key,):
        return table.primary_key
    return next((each.name for each in table.uniques if each.plain and each.columns == target), None)
