"""Rows as callers give them, admitted by a function that is made once for their names: `Column.admit`, unrolled."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from homeport.kernel.columns import Column
from homeport.kernel.types import ColumnType, IntegerType, TextType

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
        """The values as they are stored, in the order given. Raises what is wrong with the first that can't be."""
        admit = self._shapes.get(tuple(data))
        if admit is not None:
            try:
                return admit(data.values())
            except ValueError:
                pass  # said by name below
        row = {name: self._settable(name).admit(value) for name, value in data.items()}
        self._keep(tuple(row))
        return row

    def _keep(self, names: tuple[str, ...]) -> None:
        if len(self._shapes) >= MAX_SHAPES:
            del self._shapes[next(iter(self._shapes))]
        self._shapes[names] = _unrolled([self._settable(name) for name in names])


def _unrolled(columns: Sequence[Column]) -> Admit:
    """What is None, or is seen to be stored as it is, costs no call."""
    names: dict[str, Any] = {}
    for number, column in enumerate(columns):
        names |= {f"n{number}": column.name, f"a{number}": column.type.admit, f"t{number}": column.type.as_is}
    places = [f"v{number}" for number in range(len(columns))]
    values = ", ".join(
        f"n{number}: v{number} if v{number} is None or {_stays(column.type, number)} else a{number}(v{number})"
        for number, column in enumerate(columns)
    )
    source = f"def admit(values):\n    [{', '.join(places)}] = values\n    return {{{values}}}\n"
    exec(source, names)  # the text holds numbers only
    return cast("Admit", names["admit"])


def _stays(kind: ColumnType, number: int) -> str:
    """The condition on which the value of that number is stored as it is; any other is for `admit` to look at."""
    value = f"v{number}"
    match kind:
        case TextType(most):
            plain = f"{value}.__class__ is str and {value}.isascii() and {value}.isprintable()"
            return plain if most is None else f"{plain} and len({value}) <= {most}"
        case IntegerType(bits):
            return f"{value}.__class__ is int and {-(1 << (bits - 1))} <= {value} < {1 << (bits - 1)}"
        case _:
            return f"{value}.__class__ is t{number}"
