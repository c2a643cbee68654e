"""Bound predicates as SQL text. Knows no statement: the compiler gives placeholders for values, DDL gives constants.

Collation: ordered comparisons, `lower` and ORDER BY of text say COLLATE "C". On columns that have it (all that Homeport
creates) the planner drops the clause as a no-op, so it costs no index; on a deployment's own tables it keeps code-point
order, as in memory, at the price of their indexes of another collation. Equality and LIKE need no collation.
"""

from typing import Any, Protocol, assert_never

from homeport.kernel.predicates import (
    AllOf,
    AnyOf,
    Comparator,
    Compare,
    CurrentUser,
    Exists,
    Field,
    IsNull,
    Literal,
    Lower,
    Matches,
    Not,
    OneOf,
    Operand,
    Predicate,
    TextMatch,
)
from homeport.kernel.table import Column, Table, sql_literal
from homeport.kernel.types import ChoiceType, ColumnType, TextType, UuidType

_EQUALITIES = (Comparator.EQ, Comparator.NE)


class Places(Protocol):
    """How values appear in the text: as placeholders, or as constants."""

    def one(self, column: Column, value: object, /) -> str:
        """The one value."""

    def any(self, column: Column, values: tuple[object, ...], /) -> str:
        """The comparison with any of the values, operator included."""


def predicate_sql(predicate: Predicate, table: Table[Any], alias: str | None = None) -> str:
    """A bound predicate of the program's own with its values as constants: for policies and partial indexes.

    Without an alias the table's columns stand bare, and inside `exists` under the table's name.
    Never used for a caller's value.
    """
    qualifier = quoted(table.db_name if alias is None else alias)
    return PredicateWriter(_Constants()).write(predicate, table, qualifier, bare=alias is None)


def quoted(name: str) -> str:
    """The name as an identifier, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def table_name(table: Table[Any]) -> str:
    """The deployed table's quoted name with its schema."""
    return f"{quoted(table.schema)}.{quoted(table.db_name)}"


def like_pattern(how: TextMatch, text: str) -> str:
    """The LIKE pattern that means exactly this text; backslash is LIKE's escape in every configuration."""
    plain = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    match how:
        case TextMatch.STARTS_WITH:
            return f"{plain}%"
        case TextMatch.CONTAINS:
            return f"%{plain}%"
        case _:
            assert_never(how)


def ordered_column(column: Column, reference: str) -> str:
    """The column as it is sorted and ranged over: text in code-point order."""
    return f'{reference} COLLATE "C"' if _is_text(column.type) else reference


class PredicateWriter:
    """Writes one predicate; the rows of `exists` get aliases of their own, so that a table can refer to itself."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._aliases = 0

    def write(self, predicate: Predicate, table: Table[Any], qualifier: str, *, bare: bool = False) -> str:
        """`qualifier` is the quoted name of the table's rows in the statement; `bare` columns go without it."""

        def reference(name: str) -> str:
            column = quoted(table.require(name).db_name)
            return column if bare else f"{qualifier}.{column}"

        match predicate:
            case Compare(left, comparator, right):
                return self._compare(table.require(left.name), left, reference(left.name), comparator, right)
            case OneOf(operand, values):
                column = table.require(operand.name)
                return f"{_operand(operand, reference(operand.name))} {self._places.any(column, values)}"
            case IsNull(name):
                return f"{reference(name)} IS NULL"
            case Matches(operand, how, text):
                pattern = self._places.one(table.require(operand.name), like_pattern(how, text))
                return f"{_operand(operand, reference(operand.name))} LIKE {pattern}"
            case AllOf(predicates):
                parts = [self.write(each, table, qualifier, bare=bare) for each in predicates]
                return f"({' AND '.join(parts)})" if parts else "true"
            case AnyOf(predicates):
                parts = [self.write(each, table, qualifier, bare=bare) for each in predicates]
                return f"({' OR '.join(parts)})" if parts else "false"
            case Not(inner):
                return f"NOT ({self.write(inner, table, qualifier, bare=bare)})"
            case Exists():
                return self._exists(predicate, table, qualifier)
            case _:
                assert_never(predicate)

    def _compare(
        self, column: Column, left: Operand, reference: str, comparator: Comparator, right: Literal | CurrentUser
    ) -> str:
        operand = _operand(left, reference)
        if comparator not in _EQUALITIES:
            operand = ordered_column(column, operand)
        match right:
            case Literal(value):
                return f"{operand} {comparator.value} {self._places.one(column, value)}"
            case CurrentUser():
                return f"{operand} {comparator.value} {_current_user(column)}"
            case _:
                assert_never(right)

    def _exists(self, predicate: Exists, table: Table[Any], qualifier: str) -> str:
        inner = self._next_alias(qualifier)
        other = predicate.table
        joined = " AND ".join(
            f"{inner}.{quoted(other.require(theirs).db_name)} = {qualifier}.{quoted(table.require(ours).db_name)}"
            for theirs, ours in predicate.on
        )
        where = self.write(predicate.where, other, inner)
        return f"EXISTS (SELECT FROM {table_name(other)} AS {inner} WHERE {joined} AND {where})"

    def _next_alias(self, outer: str) -> str:
        self._aliases += 1
        alias = quoted(f"x{self._aliases}")
        return alias if alias != outer else self._next_alias(outer)


def _operand(operand: Operand, reference: str) -> str:
    match operand:
        case Field():
            return reference
        case Lower():
            return f'lower({reference} COLLATE "C")'
        case _:
            assert_never(operand)


def _current_user(column: Column) -> str:
    """In a subquery of its own, so that it is asked once a statement and not once a row."""
    return "(SELECT auth.uid())" if isinstance(column.type, UuidType) else "(SELECT auth.uid()::text)"


def _is_text(kind: ColumnType) -> bool:
    return isinstance(kind, TextType) or (isinstance(kind, ChoiceType) and kind.native is None)


class _Constants:
    def one(self, column: Column, value: object, /) -> str:
        return sql_literal(column.type, value)

    def any(self, column: Column, values: tuple[object, ...], /) -> str:
        return "IN (" + ", ".join(sql_literal(column.type, each) for each in values) + ")"
