"""Rows as callers give them, admitted: one by a function made once for its names, many of the same names by column.

Both are `Column.admit` value by value, but for what is seen to be stored as it is. A column is seen so as a whole.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from operator import is_, itemgetter
from types import NoneType
from typing import Any, TypeAlias, cast

from homeport.kernel.columns import Column
from homeport.kernel.errors import RepositoryError, RepositoryValidationError
from homeport.kernel.types import ColumnType, DateType, IntegerType, NumericType, TextType

Admit: TypeAlias = Callable[[Iterable[object]], dict[str, object]]

MAX_SHAPES = 500
MANY = 8
"""From so many rows on a look at each column costs less than one at each value."""


class Admission:
    """What one table takes of its callers. The number of functions kept is bounded: the oldest goes first."""

    __slots__ = ("_settable", "_shapes")

    def __init__(self, settable: Callable[[object], Column]) -> None:
        """`settable` finds the column that a caller may set by this name, or raises."""
        self._settable = settable
        self._shapes: dict[tuple[object, ...], Admit] = {}

    def row(self, data: Mapping[str, object]) -> dict[str, object]:
        """The values as they are stored, in the order given.

        Raises what is wrong with the first that can't be, RepositoryValidationError for what is no mapping.
        """
        if data.__class__ is not dict and not isinstance(data, Mapping):  # the second is slow
            raise RepositoryValidationError(f"data is a mapping, not {type(data).__name__}", field="data")
        admit = self._shapes.get(tuple(data))
        if admit is not None:
            try:
                return admit(data.values())
            except ValueError:
                pass  # said by name below
        row = {name: self._settable(name).admit(value) for name, value in data.items()}
        self._keep(tuple(row))
        return row

    def rows(self, data: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
        """As `row`, each of them. Raises what is wrong with the first that can't be."""
        given = list(data)
        if len(given) >= MANY and _look_alike(given):
            try:
                return self._by_column(tuple(given[0]), given)
            except (KeyError, ValueError, RepositoryError):
                pass  # they are unlike, or it is said below which is the first that is wrong
        return [self.row(each) for each in given]

    def _by_column(self, names: tuple[str, ...], given: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
        """Raises KeyError if one has another name."""
        kinds = [self._settable(name).type for name in names]
        columns = list(zip(*map(itemgetter(*names), given), strict=True))
        admitted = list(map(_admitted, kinds, columns))
        if all(map(is_, admitted, columns)):
            return list(map(dict, given))
        return [dict(zip(names, values, strict=True)) for values in zip(*admitted, strict=True)]

    def _keep(self, names: tuple[str, ...]) -> None:
        if len(self._shapes) >= MAX_SHAPES:
            del self._shapes[next(iter(self._shapes))]
        self._shapes[names] = _unrolled([self._settable(name) for name in names])


def _unrolled(columns: Sequence[Column]) -> Admit:
    """What is None, or is seen to be stored as it is, costs no call."""
    scope: dict[str, Any] = {}
    values = []
    for number, column in enumerate(columns):
        condition, known = _stays(column.type)
        scope |= {f"{name}{number}": each for name, each in known.items()}
        scope |= {f"n{number}": column.name, f"a{number}": column.type.admit}
        values.append(f"n#: v# if v# is None or {condition} else a#(v#)".replace("#", str(number)))
    places = ", ".join(f"v{number}" for number in range(len(columns)))
    source = f"def admit(values):\n    [{places}] = values\n    return {{{', '.join(values)}}}\n"
    exec(source, scope)  # the text holds numbers only
    return cast("Admit", scope["admit"])


def _stays(kind: ColumnType) -> tuple[str, dict[str, object]]:
    """The condition on which the value `v#` is stored as it is, and what it names; `admit` looks at all others."""
    match kind:
        case TextType(most):
            plain = "v#.__class__ is str and v#.isprintable()"
            return (plain if most is None else f"{plain} and len(v#) <= {most}"), {}
        case IntegerType(bits):
            return f"v#.__class__ is int and {-(1 << (bits - 1))} <= v# < {1 << (bits - 1)}", {}
        case NumericType():
            known = {"c": Decimal, "q": kind.last_place, "l": -kind.bound, "m": kind.bound}
            return "v#.__class__ is c# and v#.same_quantum(q#) and l# < v# < m# and v#", known
        case DateType():
            return "v#.__class__ is c# and l# < v# < m#", {"c": dt.date, "l": dt.date.min, "m": dt.date.max}
        case _:
            return "v#.__class__ is c#", {"c": kind.as_is}


def _look_alike(given: Sequence[Mapping[str, object]]) -> bool:
    """Whether all are plain dicts with as many names, more than the one that `itemgetter` would not put in a tuple."""
    return {*map(type, given)} == {dict} and len({*map(len, given)}) == 1 and len(given[0]) > 1


def _admitted(kind: ColumnType, column: Sequence[object]) -> Sequence[object]:
    """The column itself where it stays as it is."""
    return column if _all_stay(kind, column) else [None if value is None else kind.admit(value) for value in column]


def _all_stay(kind: ColumnType, column: Sequence[Any]) -> bool:
    """Whether every value is None, or meets the condition of `_stays`."""
    classes = {*map(type, column)}
    given = column
    if NoneType in classes:
        classes.discard(NoneType)
        given = [value for value in column if value is not None]
    if not classes:
        return True
    match kind:
        case TextType(most):
            return classes == {str} and _plain("".join(given)) and (most is None or max(map(len, given)) <= most)
        case IntegerType(bits):
            return classes == {int} and -(1 << (bits - 1)) <= min(given) and max(given) < 1 << (bits - 1)
        case NumericType():
            exact = classes == {Decimal} and all(map(kind.last_place.same_quantum, given))
            fits = exact and -kind.bound < min(given) and max(given) < kind.bound
            return fits and (all(given) or not any(map(Decimal.is_signed, given)))  # no negative zero
        case DateType():
            return classes == {dt.date} and dt.date.min < min(given) and max(given) < dt.date.max
        case _:
            return classes == {kind.as_is}


def _plain(text: str) -> bool:
    return (text.isascii() and "\x00" not in text) or text.isprintable()
