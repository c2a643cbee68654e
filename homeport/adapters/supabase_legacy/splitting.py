"""Reads whose lists of values are too long for one URL: cut into queries that fit, and joined again in the client."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

from homeport.adapters.supabase_legacy.conditions import conjuncts
from homeport.kernel.entity import E
from homeport.kernel.errors import QueryTooLarge
from homeport.kernel.predicates import AllOf, AnyOf, IsNull, OneOf, Predicate
from homeport.kernel.query import Order, Select
from homeport.kernel.table import Column, Table
from homeport.kernel.types import ChoiceType, InetType


def parts(query: Select[E], fits: Callable[[Select[E]], bool]) -> list[Select[E]]:
    """The query, or queries that fit and have its rows between them, none twice.

    One that can't be cut stays as it is: the transport refuses it.
    """
    if fits(query):
        return [query]
    said = conjuncts(query.where)
    at = max(range(len(said)), key=lambda each: len(_values(said[each])), default=0)
    if not said or len(_values(said[at])) < 2:
        return [query]
    return [part for half in _halves(said[at]) for part in parts(_with(query, said, at, half), fits)]


def joined(query: Select[E], found: Iterable[Sequence[E]]) -> list[E]:
    """The rows of the parts, each of which began at offset 0, as the query wants them."""
    rows = sorted_rows([row for each in found for row in each], query.table, query.order)
    return rows[query.offset :] if query.limit is None else rows[query.offset : query.offset + query.limit]


def sorted_rows(rows: list[E], table: Table[E], terms: Sequence[Order]) -> list[E]:
    """In the order of the terms, as the server would have it."""
    for term in reversed(terms):
        rank = _rank(table.require(term.column))
        empty = [row for row in rows if getattr(row, term.column) is None]
        filled = [row for row in rows if getattr(row, term.column) is not None]
        filled.sort(key=lambda row, name=term.column, rank=rank: rank(getattr(row, name)), reverse=term.descending)  # type: ignore[misc]
        rows = empty + filled if term.nulls_first else filled + empty
    return rows


def _rank(column: Column) -> Callable[[Any], Any]:
    match column.type:
        case ChoiceType(members, str()):
            return list(members).index
        case InetType():
            raise QueryTooLarge(f"a list this long can't be ordered by {column.name}: {column.type.sql}")
        case _:
            return lambda value: value


def _values(predicate: Predicate) -> Sequence[object]:
    """What a conjunct lists; NULL counts as a value of its list."""
    match predicate:
        case OneOf(_, values):
            return tuple(dict.fromkeys(values))  # a value in two parts would find its rows twice
        case AnyOf((OneOf(operand, values), IsNull(name))) if operand.name == name:
            return (*values, None)
        case _:
            return ()


def _halves(predicate: Predicate) -> tuple[Predicate, Predicate]:
    match predicate:
        case OneOf(operand):
            unlike = tuple(_values(predicate))
            middle = len(unlike) // 2
            return OneOf(operand, unlike[:middle]), OneOf(operand, unlike[middle:])
        case AnyOf((first, second)):
            return first, second
        case _:
            raise AssertionError("only a list can be cut")


def _with(query: Select[E], said: Sequence[Predicate], at: int, half: Predicate) -> Select[E]:
    return attrs.evolve(query, where=AllOf((*said[:at], half, *said[at + 1 :])))
