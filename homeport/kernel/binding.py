"""Binding: a predicate's names checked against its table, its values admitted, its constants folded.

What leaves here is safe to compile: only declared columns, only values their columns can be compared with.
"""

from collections.abc import Collection, Mapping
from typing import Any, TypeGuard, assert_never

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
    all_of,
    comparison,
    conjunction,
    disjunction,
    eq,
    is_false,
    is_null,
    is_true,
    one_of,
)
from homeport.kernel.table import Column, Table
from homeport.kernel.types import ArrayType, JsonType, TextType

Filters = Mapping[str, object] | Predicate | None

_ASCII_FOLD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_EQUALITIES = (Comparator.EQ, Comparator.NE)
_INCOMPARABLE = (JsonType, ArrayType)
_LONGEST_MATCH = 1000


def fold_ascii(text: str) -> str:
    """The text with A-Z turned to a-z and nothing else: what `lower` does under the collation "C"."""
    return text.translate(_ASCII_FOLD)


def from_filters(filters: Filters) -> Predicate:
    """A mapping as equalities joined by AND: a list means one of, None means IS NULL. A predicate stays as it is."""
    if filters is None:
        return TRUE
    if not isinstance(filters, (dict, Mapping)):
        return filters
    return all_of(*[one_of(name, value) if _is_list(value) else eq(name, value) for name, value in filters.items()])


def bind(predicate: Predicate, table: Table[Any], catalog: Catalog) -> Predicate:
    """The predicate over the deployed table, ready to compile.

    Raises:
        InvalidField: a column is not the table's, or can't be compared in this way.
        InvalidValue: a value can't be compared with its column.
    """
    if isinstance(predicate, Compare):
        left, comparator = predicate.left, predicate.comparator
        column = _comparable(table, left, ordered=comparator not in _EQUALITIES)
        return _compared(column, left, comparator, predicate.right)
    if isinstance(predicate, AllOf):
        return conjunction([bind(each, table, catalog) for each in predicate.predicates])
    if isinstance(predicate, OneOf):
        return _member(predicate, table)
    if isinstance(predicate, IsNull):
        table.require(predicate.name)
        return predicate
    if isinstance(predicate, Matches):
        text = _match_text(table, predicate.operand, predicate.text)
        return Matches(predicate.operand, predicate.how, text)
    if isinstance(predicate, AnyOf):
        return disjunction([bind(each, table, catalog) for each in predicate.predicates])
    if isinstance(predicate, Not):
        return _negated(bind(predicate.predicate, table, catalog))
    if isinstance(predicate, Exists):
        return _exists(predicate, table, catalog)
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
    if isinstance(column.type, _INCOMPARABLE):
        raise InvalidField(f"{table.name}.{column.name}: {column.type.sql} can't be compared", field=column.name)
    if isinstance(operand, Lower) and (ordered or not isinstance(column.type, TextType)):
        raise InvalidField(f"{table.name}: lower({column.name}) takes text and equality", field=column.name)
    return column


def _compared(column: Column, left: Operand, comparator: Comparator, right: Right) -> Compare:
    match right:
        case Literal():
            return comparison(left, comparator, _value(column, left, right.value))
        case CurrentUser():
            return Compare(left, comparator, right)
        case _:
            assert_never(right)


def _member(predicate: OneOf, table: Table[Any]) -> Predicate:
    column = _comparable(table, predicate.operand, ordered=False)
    if not predicate.values:
        return FALSE
    return OneOf(predicate.operand, tuple([_value(column, predicate.operand, value) for value in predicate.values]))


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


def _negated(predicate: Predicate) -> Predicate:
    if is_true(predicate):
        return FALSE
    return TRUE if is_false(predicate) else Not(predicate)


def _is_list(value: object) -> TypeGuard[Collection[object]]:
    return isinstance(value, (list, tuple, set, frozenset))
