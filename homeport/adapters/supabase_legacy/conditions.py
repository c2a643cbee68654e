"""Bound predicates in PostgREST's grammar: parameters that join by AND, logic trees, and embeds for `exists`.

Negations are driven down to single conditions first. So most filters need no tree, and an unknown, which only a
missing user can make, is the same as false.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias, assert_never

import attrs

from homeport.adapters.supabase_legacy import literals
from homeport.adapters.supabase_legacy.codec import filter_text
from homeport.adapters.supabase_legacy.relations import relation
from homeport.adapters.supabase_legacy.transport import Parameters
from homeport.kernel.binding import fold_ascii
from homeport.kernel.catalog import Catalog
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
    TextMatch,
)
from homeport.kernel.table import Table

_NOT_NORMAL = "the predicate was not brought to its normal form"

Single: TypeAlias = Compare | OneOf | IsNull | Matches | Exists


@attrs.frozen
class Conditions:
    """A filter ready to send.

    Attributes:
        params: join by AND.
        embeds: what has to be selected beside the columns, so that `exists` can be asked.
        tree_columns: the declared columns that stand in a logic tree.
    """

    params: Parameters = attrs.field(repr=False)
    embeds: tuple[str, ...]
    tree_columns: frozenset[str]


@attrs.frozen
class _Condition:
    """One condition on one column or embed, in the grammar of a parameter and in that of a tree."""

    name: str
    operator: str
    operand: str
    quoted: str
    negated: bool

    @property
    def parameter(self) -> str:
        return f"{'not.' if self.negated else ''}{self.operator}.{self.operand}"

    @property
    def branch(self) -> str:
        return f"{self.name}.{'not.' if self.negated else ''}{self.operator}.{self.quoted}"


def normal(predicate: Predicate, user: object, *, negated: bool = False) -> Predicate:
    """The same rows, said with `Not` only around single conditions, flat, and with constants folded.

    `user` stands for the current user; a comparison with None is unknown, negated or not, and so false.
    """
    match predicate:
        case AllOf(predicates) | AnyOf(predicates):
            parts = [normal(each, user, negated=negated) for each in predicates]
            return _all(parts) if isinstance(predicate, AllOf) is not negated else _any(parts)
        case Not(inner):
            return normal(inner, user, negated=not negated)
        case Compare(left, comparator, CurrentUser()):
            if user is None:
                return FALSE
            return _maybe_not(Compare(left, comparator, Literal(user)), negated=negated)
        case Exists(table, on, where):
            inside = normal(where, user)
            if inside == FALSE:
                return TRUE if negated else FALSE
            return _maybe_not(Exists(table, on, inside), negated=negated)
        case Compare() | OneOf() | IsNull() | Matches():
            return _maybe_not(predicate, negated=negated)
        case _:
            assert_never(predicate)


def conditions(predicate: Predicate, table: Table[Any], catalog: Catalog) -> Conditions:
    """The normal predicate's spelling. Raises Unsupported for an `exists` that no foreign key carries."""
    writer = _Writer(catalog)
    embeds = writer.level(predicate, table, "")
    return Conditions(tuple(writer.params), embeds, frozenset(writer.tree_columns))


def conjuncts(predicate: Predicate) -> tuple[Predicate, ...]:
    return predicate.predicates if isinstance(predicate, AllOf) else (predicate,)


def _all(parts: Iterable[Predicate]) -> Predicate:
    flat: list[Predicate] = []
    for each in parts:
        if each == FALSE:
            return FALSE
        flat += conjuncts(each)
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def _any(parts: Iterable[Predicate]) -> Predicate:
    flat: list[Predicate] = []
    for each in parts:
        if each == TRUE:
            return TRUE
        flat += each.predicates if isinstance(each, AnyOf) else (each,)
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def _maybe_not(single: Single, *, negated: bool) -> Predicate:
    return Not(single) if negated else single


class _Writer:
    """Writes one filter. Embeds are numbered through all levels, so that none takes another's name."""

    def __init__(self, catalog: Catalog) -> None:
        self.params: list[tuple[str, str]] = []
        self.tree_columns: set[str] = set()
        self._catalog = catalog
        self._embeds = 0

    def level(self, predicate: Predicate, table: Table[Any], path: str) -> tuple[str, ...]:
        """One table's conditions; `path` leads to it from the outermost, `_e1._e2.`. The embeds it needs."""
        embeds: list[str] = []
        for each in conjuncts(predicate):
            if isinstance(each, AnyOf):
                if not path:
                    self.tree_columns |= set(_columns(each))
                branches = ",".join(self._branch(one, table, path, embeds) for one in each.predicates)
                self.params.append((f"{path}or", f"({branches})"))
            else:
                condition = self._condition(each, table, path, embeds)
                self.params.append((f"{path}{condition.name}", condition.parameter))
        return tuple(embeds)

    def _branch(self, predicate: Predicate, table: Table[Any], path: str, embeds: list[str]) -> str:
        match predicate:
            case AllOf(predicates) | AnyOf(predicates):
                word = "and" if isinstance(predicate, AllOf) else "or"
                return f"{word}({','.join(self._branch(each, table, path, embeds) for each in predicates)})"
            case _:
                return self._condition(predicate, table, path, embeds).branch

    def _condition(self, predicate: Predicate, table: Table[Any], path: str, embeds: list[str]) -> _Condition:
        single, negated = (predicate.predicate, True) if isinstance(predicate, Not) else (predicate, False)
        match single:
            case Compare(left, comparator, right):
                return _compared(table, left, comparator, _literal(left, right), negated=negated)
            case OneOf(operand, values):
                return _one_of(table, operand, values, negated=negated)
            case IsNull(name):
                return _Condition(_column(table, name), "is", "null", "null", negated)
            case Matches(operand, how, text):
                return _matching(table, operand, how, text, negated=negated)
            case Exists():
                return self._exists(single, table, path, embeds, negated=negated)
            case AllOf() | AnyOf() | Not():
                raise AssertionError(_NOT_NORMAL)
            case _:
                assert_never(single)

    def _exists(
        self, predicate: Exists, table: Table[Any], path: str, embeds: list[str], *, negated: bool
    ) -> _Condition:
        self._embeds += 1
        alias = f"_e{self._embeds}"
        inner = self.level(predicate.where, predicate.table, f"{path}{alias}.")
        target = relation(predicate, table, self._catalog)
        embeds.append(f"{alias}:{target}({','.join(inner)})")
        return _Condition(alias, "is", "null", "null", not negated)


_OPERATORS = {
    Comparator.EQ: "eq",
    Comparator.NE: "neq",
    Comparator.LT: "lt",
    Comparator.LE: "lte",
    Comparator.GT: "gt",
    Comparator.GE: "gte",
}


def _column(table: Table[Any], name: str) -> str:
    return literals.name(table.require(name).db_name)


def _literal(left: Operand, right: Right) -> str:
    match right:
        case Literal(value):
            text = filter_text(value)
            return fold_ascii(text) if isinstance(left, Lower) else text
        case CurrentUser():
            raise AssertionError(_NOT_NORMAL)
        case _:
            assert_never(right)


def _compared(table: Table[Any], left: Operand, comparator: Comparator, text: str, *, negated: bool) -> _Condition:
    if isinstance(left, Lower):
        pattern = literals.exactly([text], fold=True)
        return _pattern(table, left.name, pattern, negated=negated is (comparator is Comparator.EQ))
    name = _column(table, left.name)
    return _Condition(name, _OPERATORS[comparator], literals.plain(text), literals.quoted(text), negated)


def _one_of(table: Table[Any], operand: Operand, values: tuple[object, ...], *, negated: bool) -> _Condition:
    texts = [filter_text(each) for each in values]
    if isinstance(operand, Lower):
        return _pattern(table, operand.name, literals.exactly(texts, fold=True), negated=negated)
    spelled = literals.in_list(texts)
    return _Condition(_column(table, operand.name), "in", spelled, spelled, negated)


def _matching(table: Table[Any], operand: Operand, how: TextMatch, text: str, *, negated: bool) -> _Condition:
    spell = literals.containing if how is TextMatch.CONTAINS else literals.starting
    return _pattern(table, operand.name, spell(text, fold=isinstance(operand, Lower)), negated=negated)


def _pattern(table: Table[Any], name: str, pattern: str, *, negated: bool) -> _Condition:
    return _Condition(_column(table, name), "match", literals.plain(pattern), literals.quoted(pattern), negated)


def _columns(predicate: Predicate) -> Iterable[str]:
    """The table's own columns in the predicate."""
    match predicate:
        case AllOf(predicates) | AnyOf(predicates):
            for each in predicates:
                yield from _columns(each)
        case Not(inner):
            yield from _columns(inner)
        case Compare(left):
            yield left.name
        case OneOf(operand) | Matches(operand):
            yield operand.name
        case IsNull(name):
            yield name
        case Exists(on=on):
            yield from (ours for _, ours in on)
        case _:
            assert_never(predicate)
