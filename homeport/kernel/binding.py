"""Binding: a predicate's names checked against its table, its values admitted, its constants folded.

What leaves here is safe to compile: only declared columns, only values their columns can be compared with.
"""

from collections.abc import Mapping
from typing import Any, assert_never

from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import InvalidField, InvalidValue
from homeport.kernel.predicates import (
    FALSE,
    TRUE,
    AllOf,
    AnyOf,
    Comparator,
    Compare,
    CurrentUser,
    Exists,
    IsNull,
    Literal,
    Lower,
    Matches,
    Not,
    OneOf,
    Operand,
    Predicate,
    Right,
    eq,
    is_null,
    one_of,
)
from homeport.kernel.table import Column, Table
from homeport.kernel.types import ArrayType, JsonType, TextType

Filters = Mapping[str, object] | Predicate | None

_ASCII_FOLD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_EQUALITIES = (Comparator.EQ, Comparator.NE)
_LONGEST_MATCH = 1000


def fold_ascii(text: str) -> str:
    """The text with A-Z turned to a-z and nothing else: what `lower` does under the collation "C"."""
    return text.translate(_ASCII_FOLD)


def from_filters(filters: Filters) -> Predicate:
    """A mapping as equalities joined by AND: a list means one of, None means IS NULL. A predicate stays as it is."""
    if filters is None:
        return TRUE
    if not isinstance(filters, Mapping):
        return filters
    return AllOf(
        tuple(one_of(name, value) if _is_list(value) else eq(name, value) for name, value in filters.items())  # type: ignore[arg-type]
    )


def bind(predicate: Predicate, table: Table[Any], catalog: Catalog) -> Predicate:
    """The predicate over the deployed table, ready to compile.

    Raises:
        InvalidField: a column is not the table's, or can't be compared in this way.
        InvalidValue: a value can't be compared with its column.
    """
    match predicate:
        case Compare(left, comparator, right):
            column = _comparable(table, left, ordered=comparator not in _EQUALITIES)
            return Compare(left, comparator, _right(column, left, right))
        case OneOf(operand, values):
            column = _comparable(table, operand, ordered=False)
            return OneOf(operand, tuple(_value(column, operand, value) for value in values)) if values else FALSE
        case IsNull(name):
            table.require(name)
            return predicate
        case Matches(operand, how, text):
            return Matches(operand, how, _match_text(table, operand, text))
        case AllOf(predicates):
            return _all(tuple(bind(each, table, catalog) for each in predicates))
        case AnyOf(predicates):
            return _any(tuple(bind(each, table, catalog) for each in predicates))
        case Not(inner):
            return _negated(bind(inner, table, catalog))
        case Exists():
            return _exists(predicate, table, catalog)
        case _:
            assert_never(predicate)


def live(table: Table[Any]) -> Predicate:
    """That the row is not soft-deleted; true for a table without soft delete."""
    return TRUE if table.soft_delete is None else is_null(table.soft_delete)


def _exists(predicate: Exists, table: Table[Any], catalog: Catalog) -> Exists:
    other = catalog.table(predicate.table)
    for theirs, ours in predicate.on:
        other.require(theirs)
        table.require(ours)
    if not predicate.on:
        raise InvalidField(f"exists({other.name}) without columns to join on", field="on")
    return Exists(other, predicate.on, bind(AllOf((live(other), predicate.where)), other, catalog))


def _comparable(table: Table[Any], operand: Operand, *, ordered: bool) -> Column:
    column = table.require(operand.name)
    if isinstance(column.type, JsonType | ArrayType):
        raise InvalidField(f"{table.name}.{column.name}: {column.type.sql} can't be compared", field=column.name)
    if isinstance(operand, Lower) and (ordered or not isinstance(column.type, TextType)):
        raise InvalidField(f"{table.name}: lower({column.name}) takes text and equality", field=column.name)
    return column


def _right(column: Column, left: Operand, right: Right) -> Right:
    match right:
        case Literal(value):
            return Literal(_value(column, left, value))
        case CurrentUser():
            return right
        case _:
            assert_never(right)


def _value(column: Column, operand: Operand, value: object) -> object:
    admitted = column.operand(value)
    return fold_ascii(admitted) if isinstance(operand, Lower) and isinstance(admitted, str) else admitted


def _match_text(table: Table[Any], operand: Operand, text: str) -> str:
    column = table.require(operand.name)
    if not isinstance(column.type, TextType):
        raise InvalidField(f"{table.name}.{column.name} is no text", field=column.name)
    if isinstance(text, str) and len(text) > _LONGEST_MATCH:
        raise InvalidValue(f"{column.name}: longer than {_LONGEST_MATCH} characters", field=column.name)
    return str(_value(column, operand, text))


def _all(predicates: tuple[Predicate, ...]) -> Predicate:
    flat: list[Predicate] = []
    for each in predicates:
        if each == FALSE:
            return FALSE
        flat += each.predicates if isinstance(each, AllOf) else (each,)
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def _any(predicates: tuple[Predicate, ...]) -> Predicate:
    flat: list[Predicate] = []
    for each in predicates:
        if each == TRUE:
            return TRUE
        flat += each.predicates if isinstance(each, AnyOf) else (each,)
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def _negated(predicate: Predicate) -> Predicate:
    if predicate == TRUE:
        return FALSE
    return TRUE if predicate == FALSE else Not(predicate)


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple | set | frozenset)
