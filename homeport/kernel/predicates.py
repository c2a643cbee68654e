"""The predicate algebra: inert values that say which rows are meant. Every adapter compiles the same union.

Predicates are built with column names and plain Python values, and bound to a table before they reach an adapter:
`bind` in `binding.py` checks the names and admits the values. Logic is SQL's, three-valued: a comparison with NULL is
unknown, and an unknown row is not meant, negated or not. `None` given to `eq`, `ne` or `one_of` means IS NULL.
"""

import enum
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from homeport.kernel.errors import InvalidValue
from homeport.kernel.frozen import maker

if TYPE_CHECKING:
    from homeport.kernel.table import Table


@attrs.frozen(weakref_slot=False)
class Field:
    """The value of a column."""

    name: str


@attrs.frozen(weakref_slot=False)
class Lower:
    """The value of a text column with A-Z folded to a-z, and nothing else folded. Literals beside it fold as well."""

    name: str


@attrs.frozen(weakref_slot=False)
class CurrentUser:
    """The id of the signed-in user; NULL for anybody else."""


@attrs.frozen(weakref_slot=False)
class Literal:
    """A value of the caller's; never part of a statement's text."""

    value: object


Operand: TypeAlias = Field | Lower
Right: TypeAlias = Literal | CurrentUser


class Comparator(enum.StrEnum):
    __hash__ = str.__hash__  # Enum's own is Python's, and every query's shape is looked up by it

    EQ = "="
    NE = "<>"
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


class TextMatch(enum.Enum):
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"


@attrs.frozen(weakref_slot=False)
class Compare:
    """left comparator right; unknown where either is NULL."""

    left: Operand
    comparator: Comparator
    right: Right


@attrs.frozen(weakref_slot=False)
class OneOf:
    """operand in values; false for no values, unknown where the operand is NULL. The values are never None."""

    operand: Operand
    values: tuple[object, ...]


@attrs.frozen(weakref_slot=False)
class IsNull:
    name: str


@attrs.frozen(weakref_slot=False)
class Matches:
    r"""The text lies in the operand, anywhere or at its start. The text is literal: it has no wildcards."""

    operand: Operand
    how: TextMatch
    text: str


@attrs.frozen(weakref_slot=False)
class AllOf:
    """Each of them; true for none."""

    predicates: "tuple[Predicate, ...]"


@attrs.frozen(weakref_slot=False)
class AnyOf:
    """At least one of them; false for none."""

    predicates: "tuple[Predicate, ...]"


@attrs.frozen(weakref_slot=False)
class Not:
    predicate: "Predicate"


@attrs.frozen(weakref_slot=False)
class Exists:
    """A row of another table for which `on` (its column: this table's column) and `where` hold.

    Soft-deleted rows of the other table don't exist.
    """

    table: "Table[Any]"
    on: tuple[tuple[str, str], ...]
    where: "Predicate"


Predicate: TypeAlias = Compare | OneOf | IsNull | Matches | AllOf | AnyOf | Not | Exists

TRUE = AllOf(())
FALSE = AnyOf(())
CURRENT_USER = CurrentUser()

_EQ = Comparator.EQ
_literal = maker(Literal)
_comparison = maker(Compare)
_all = maker(AllOf)
_any = maker(AnyOf)


def lower(column: str) -> Lower:
    """The column's text with A-Z folded; usable with eq, ne, one_of, contains and starts_with."""
    return Lower(column)


def eq(left: str | Operand, right: object) -> Predicate:
    """Equal; `eq(x, None)` is `is_null(x)`."""
    return IsNull(_operand(left).name) if right is None else _compare(left, Comparator.EQ, right)


def ne(left: str | Operand, right: object) -> Predicate:
    """Not equal; rows with NULL are not meant, as in SQL. `ne(x, None)` is `not_(is_null(x))`."""
    return Not(IsNull(_operand(left).name)) if right is None else _compare(left, Comparator.NE, right)


def lt(left: str | Operand, right: object) -> Predicate:
    return _compare(left, Comparator.LT, right)


def le(left: str | Operand, right: object) -> Predicate:
    return _compare(left, Comparator.LE, right)


def gt(left: str | Operand, right: object) -> Predicate:
    return _compare(left, Comparator.GT, right)


def ge(left: str | Operand, right: object) -> Predicate:
    return _compare(left, Comparator.GE, right)


def one_of(operand: str | Operand, values: Iterable[object]) -> Predicate:
    """One of the values; no values mean no rows, a None among them means that NULL is one of them."""
    given = tuple(values)
    member = OneOf(_operand(operand), tuple(value for value in given if value is not None))
    return member if len(member.values) == len(given) else AnyOf((member, IsNull(member.operand.name)))


def is_null(name: str) -> IsNull:
    return IsNull(name)


def contains(operand: str | Operand, text: str) -> Matches:
    r"""The text lies somewhere in the operand; `%`, `_`, `*` and `\` in it are plain characters."""
    return Matches(_operand(operand), TextMatch.CONTAINS, text)


def starts_with(operand: str | Operand, text: str) -> Matches:
    r"""The operand starts with the text; `%`, `_`, `*` and `\` in it are plain characters."""
    return Matches(_operand(operand), TextMatch.STARTS_WITH, text)


def comparison(left: Operand, comparator: Comparator, value: object) -> Compare:
    """The comparison with a value that is admitted already, and not None."""
    return _comparison(left, comparator, _literal(value))


def equal(left: Operand, value: object) -> Compare:
    """`comparison` for equality."""
    return _comparison(left, _EQ, _literal(value))


def all_of(*predicates: Predicate) -> Predicate:
    return predicates[0] if len(predicates) == 1 else _all(predicates)


def any_of(*predicates: Predicate) -> Predicate:
    return predicates[0] if len(predicates) == 1 else _any(predicates)


def not_(predicate: Predicate) -> Not:
    return Not(predicate)


def conjuncts(predicate: Predicate) -> tuple[Predicate, ...]:
    """The parts that all have to hold."""
    return predicate.predicates if isinstance(predicate, AllOf) else (predicate,)


def is_true(predicate: Predicate) -> bool:
    """Whether it is `TRUE`."""
    return isinstance(predicate, AllOf) and not predicate.predicates


def is_false(predicate: Predicate) -> bool:
    """Whether it is `FALSE`."""
    return isinstance(predicate, AnyOf) and not predicate.predicates


def conjunction(predicates: Iterable[Predicate]) -> Predicate:
    """All of them, without a part that is itself a conjunction or that can't be otherwise."""
    flat: list[Predicate] = []
    for each in predicates:
        if isinstance(each, AllOf):
            flat += each.predicates
        elif is_false(each):
            return FALSE
        else:
            flat.append(each)
    return flat[0] if len(flat) == 1 else _all(tuple(flat))


def disjunction(predicates: Iterable[Predicate]) -> Predicate:
    """At least one of them, without a part that is itself a disjunction or that can't be otherwise."""
    flat: list[Predicate] = []
    for each in predicates:
        if isinstance(each, AnyOf):
            flat += each.predicates
        elif is_true(each):
            return TRUE
        else:
            flat.append(each)
    return flat[0] if len(flat) == 1 else _any(tuple(flat))


def exists(table: "Table[Any]", on: Mapping[str, str], where: Predicate = TRUE) -> Exists:
    """A live row of `table` for which its columns equal ours (`on={its column: our column}`) and `where` holds."""
    return Exists(table, tuple(on.items()), where)


@lru_cache(maxsize=2000)
def field(name: str) -> Field:
    """The value of a column, made once for each name."""
    return Field(name)


def _operand(given: str | Operand) -> Operand:
    return field(given) if isinstance(given, str) else given


def _compare(left: str | Operand, comparator: Comparator, right: object) -> Compare:
    operand = _operand(left)
    if right is None:
        raise InvalidValue(f"{operand.name}: nothing compares with None by {comparator}", field=operand.name)
    return _comparison(operand, comparator, right if isinstance(right, CurrentUser) else _literal(right))
