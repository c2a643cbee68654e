"""Rows as callers give them, admitted by a function that is made once for their names: `Column.admit`, unrolled."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias, cast

from homeport.kernel.columns import Column
from homeport.kernel.errors import RepositoryValidationError
from homeport.kernel.types import ColumnType, DateType, IntegerType, NumericType, TextType

Admit: TypeAlias = Callable[[Iterable[object]], dict[str, object]]

MAX_SHAPES = 500


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

    def rows(self, data: Iterable[Mapping[str, object]]) -> Iterator[dict[str, object]]:
        """As `row`, one after the other: those that are alike look for their function once."""
        shape: tuple[object, ...] | None = None
        admit: Admit | None = None
        for each in data:
            if each.__class__ is dict:
                names = tuple(each)
                if names != shape:
                    shape, admit = names, self._shapes.get(names)
                if admit is not None:
                    try:
                        row = admit(each.values())
                    except ValueError:
                        row = self.row(each)  # says what is wrong
                    yield row
                    continue
            shape = None
            yield self.row(each)

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
            plain = "v#.__class__ is str and v#.isascii() and v#.isprintable()"
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
