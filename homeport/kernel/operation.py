"""Operations: what the query algebra can't say, as one named database function with typed arguments and results."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

import attrs

from homeport.kernel.entity import E
from homeport.kernel.errors import InvalidValue
from homeport.kernel.table import Column, ColumnSpec, columns_of

P = TypeVar("P")
R = TypeVar("R")


@attrs.frozen(eq=False)
class Operation(Generic[P, R]):
    """A named step with a typed parameter and result. Made by `one_row` or `many_rows`.

    The servers answer it with the function of the context's migration: its arguments are the fields of `takes` with
    the prefix `p_`, its result columns the fields of `gives`. Memory answers with a function of its own.

    Attributes:
        name: `context.step`; the function is called like the step.
        writes: whether it changes anything; a read may be asked again after a lost answer.
    """

    name: str
    takes: type[P]
    gives: type[Any]
    many: bool
    writes: bool
    schema: str
    argument_specs: Mapping[str, ColumnSpec]
    result_specs: Mapping[str, ColumnSpec]

    @property
    def function(self) -> str:
        return self.name.rpartition(".")[2]

    @cached_property
    def arguments(self) -> tuple[Column, ...]:
        return columns_of(self.takes, self.argument_specs)

    @cached_property
    def results(self) -> tuple[Column, ...]:
        return columns_of(self.gives, self.result_specs)

    def parameter(self, **given: object) -> P:
        """The parameter of what a caller gave: the text of an id becomes a UUID. Raises InvalidValue by field."""
        made = {each.name: _admitted(each, given.pop(each.name)) for each in self.arguments if each.name in given}
        return self.takes(**made, **given)

    def admit(self, parameter: P) -> dict[str, object]:
        """The parameter's values by argument name. Raises InvalidValue."""
        return {f"p_{each.name}": _admitted(each, getattr(parameter, each.name)) for each in self.arguments}

    def answer(self, rows: list[Any]) -> R:
        """The rows in the form that was promised: the list, or the one row or None."""
        return cast("R", rows if self.many else rows[0] if rows else None)


def _admitted(argument: Column, value: object) -> object:
    """As a column admits it; but no constraint of a table is there to refuse a None."""
    if value is None and not argument.nullable:
        raise InvalidValue(f"{argument.name}: must have a value", field=argument.name)
    return argument.admit(value)


def one_row(
    name: str,
    takes: type[P],
    gives: type[E],
    *,
    writes: bool,
    schema: str = "public",
    arguments: Mapping[str, ColumnSpec] | None = None,
    results: Mapping[str, ColumnSpec] | None = None,
) -> Operation[P, E | None]:
    """An operation that answers one row, or None where the function returns no row."""
    return Operation(name, takes, gives, False, writes, schema, arguments or {}, results or {})


def many_rows(
    name: str,
    takes: type[P],
    gives: type[E],
    *,
    writes: bool,
    schema: str = "public",
    arguments: Mapping[str, ColumnSpec] | None = None,
    results: Mapping[str, ColumnSpec] | None = None,
) -> Operation[P, list[E]]:
    """An operation that answers rows, in the function's order."""
    return Operation(name, takes, gives, True, writes, schema, arguments or {}, results or {})
