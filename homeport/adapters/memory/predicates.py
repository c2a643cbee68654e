"""Predicates as Python source: plain two-valued text that holds exactly where SQL's three-valued logic says "true".

A filter only asks "is it true", so NOT is pushed down to the leaves, where "is it false" has a text of its own: both
texts are guarded against NULL, so what is unknown is neither. Values are arguments and never part of the text.
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, Protocol, TypeAlias, assert_never

import attrs

from homeport.adapters.memory.shapes import Values
from homeport.kernel.binding import fold_ascii
from homeport.kernel.entity import Entity
from homeport.kernel.predicates import (
    AllOf,
    AnyOf,
    Comparator,
    Compare,
    CurrentUser,
    Exists,
    IsNull,
    Lower,
    Matches,
    Not,
    OneOf,
    Operand,
    Predicate,
    TextMatch,
)
from homeport.kernel.table import Column, Table
from homeport.kernel.types import ChoiceType, InetType, IpAddress, UuidType

Prepare: TypeAlias = Callable[[Any], Any]
Probe: TypeAlias = Callable[[Entity], bool]
Probes: TypeAlias = Callable[[Exists], Callable[[Values], Probe]]
"""What compiles an `Exists`: its values in, a function out that says whether a row has what it asks for."""

_OPPOSITE = {
    Comparator.EQ: Comparator.NE,
    Comparator.NE: Comparator.EQ,
    Comparator.LT: Comparator.GE,
    Comparator.GE: Comparator.LT,
    Comparator.GT: Comparator.LE,
    Comparator.LE: Comparator.GT,
}
_PYTHON = {Comparator.EQ: "==", Comparator.NE: "!="}


@attrs.frozen
class Piece:
    """One conjunct as text over the row `r`, the slots it reads as `a0`, `a1`.., and how their values are prepared."""

    text: str
    slots: tuple[int, ...]
    prepares: tuple[tuple[int, Prepare], ...]


class Writer:
    """Writes the pieces of one table's predicate, counting slots in the order of `shape_of`."""

    def __init__(self, table: Table[Any], probes: Probes) -> None:
        self.names: dict[str, Any] = {"fold": fold_ascii, "inet": inet_order}
        self._table = table
        self._probes = probes
        self._next = 0
        self._prepares: list[tuple[int, Prepare]] = []

    def piece(self, predicate: Predicate) -> Piece:
        first, self._prepares = self._next, []
        text = self._text(predicate, wanted=True)
        return Piece(text, tuple(range(first, self._next)), tuple(self._prepares))

    def _text(self, predicate: Predicate, *, wanted: bool) -> str:
        match predicate:
            case Compare():
                return self._compare(predicate, wanted=wanted)
            case OneOf(operand, members):
                return self._one_of(operand, empty=not members, wanted=wanted)
            case IsNull(name):
                return f"r.{name} is {'' if wanted else 'not '}None"
            case Matches(operand, how, _):
                return self._matches(operand, how, wanted=wanted)
            case AllOf(predicates):
                return self._joined(predicates, wanted=wanted, every=wanted)
            case AnyOf(predicates):
                return self._joined(predicates, wanted=wanted, every=not wanted)
            case Not(inner):
                return self._text(inner, wanted=not wanted)
            case Exists():
                return f"{'' if wanted else 'not '}a{self._slot(self._probes(predicate))}(r)"
            case _:
                assert_never(predicate)

    def _joined(self, predicates: tuple[Predicate, ...], *, wanted: bool, every: bool) -> str:
        texts = [self._text(each, wanted=wanted) for each in predicates]
        if not texts:
            return str(every)
        return texts[0] if len(texts) == 1 else f"({(' and ' if every else ' or ').join(texts)})"

    def _compare(self, predicate: Compare, *, wanted: bool) -> str:
        name, comparator = predicate.left.name, predicate.comparator
        comparator = comparator if wanted else _OPPOSITE[comparator]
        read, prepare = self._form(predicate.left, ordered=comparator not in _PYTHON)
        slot = self._slot(prepare)
        guards = [f"a{slot} is not None"] if isinstance(predicate.right, CurrentUser) else []
        if self._table.by_name[name].nullable and (comparator is not Comparator.EQ or read != f"r.{name}"):
            guards.append(f"r.{name} is not None")
        return _guarded(guards, f"{read} {_PYTHON.get(comparator, comparator.value)} a{slot}")

    def _one_of(self, operand: Operand, *, empty: bool, wanted: bool) -> str:
        read, prepare = self._form(operand, ordered=False)
        slot = self._slot(frozenset if prepare is None else lambda members: {prepare(each) for each in members})
        if empty:
            return str(not wanted)
        guards = self._guards(operand.name) if not wanted or read != f"r.{operand.name}" else []
        return _guarded(guards, f"{read} {'in' if wanted else 'not in'} a{slot}")

    def _matches(self, operand: Operand, how: TextMatch, *, wanted: bool) -> str:
        read, _ = self._form(operand, ordered=False)
        slot = self._slot(None)
        match how:
            case TextMatch.CONTAINS:
                test = f"a{slot} {'in' if wanted else 'not in'} {read}"
            case TextMatch.STARTS_WITH:
                test = f"{'' if wanted else 'not '}{read}.startswith(a{slot})"
            case _:
                assert_never(how)
        return _guarded(self._guards(operand.name), test)

    def _guards(self, name: str) -> list[str]:
        return [f"r.{name} is not None"] if self._table.by_name[name].nullable else []

    def _form(self, operand: Operand, *, ordered: bool) -> tuple[str, Prepare | None]:
        """How the operand is read so that Python compares it as PostgreSQL does, and the same for a value beside it."""
        column = self._table.by_name[operand.name]
        read = f"r.{column.name}"
        if isinstance(operand, Lower):
            return f"fold({read})", None
        match column.type:
            case UuidType():
                return f"{read}.int", lambda value: None if value is None else value.int
            case InetType() if ordered:
                return f"inet({read})", inet_order
            case ChoiceType(members, native) if ordered and native is not None:
                ranks = member_ranks(members)
                self.names[f"rank_{column.name}"] = ranks
                return f"rank_{column.name}[{read}]", ranks.__getitem__
            case _:
                return read, None

    def _slot(self, prepare: Prepare | None) -> int:
        slot = self._next
        self._next += 1
        if prepare is not None:
            self._prepares.append((slot, prepare))
        return slot


class Select(Protocol):
    def __call__(self, rows: Iterable[Entity], values: Values, /) -> list[Entity]: ...


class Lazily(Protocol):
    def __call__(self, rows: Iterable[Entity], values: Values, /) -> Iterator[Entity]: ...


class Filter:
    """Conjuncts compiled to functions over rows, each at its first use."""

    def __init__(self, pieces: Iterable[Piece], names: dict[str, Any]) -> None:
        given = tuple(each for each in pieces if each.text != "True")
        self._text = " and ".join(each.text for each in given)
        self._slots = tuple(slot for each in given for slot in each.slots)
        self._prepares = tuple(prepare for each in given for prepare in each.prepares)
        self._names = names
        self.empty = not given

    def select(self, rows: Iterable[Entity], values: Values) -> list[Entity]:
        return list(rows) if self.empty else self._listing(rows, self._prepared(values))

    def lazily(self, rows: Iterable[Entity], values: Values) -> Iterator[Entity]:
        return iter(rows) if self.empty else self._iteration(rows, self._prepared(values))

    def test(self, values: Values) -> Probe:
        """A function of one row."""
        if self.empty:
            return lambda _: True
        made: Probe = self._testing(self._prepared(values))
        return made

    def _prepared(self, values: Values) -> Values:
        if not self._prepares:
            return values
        prepared = list(values)
        for slot, prepare in self._prepares:
            prepared[slot] = prepare(values[slot])
        return prepared

    @cached_property
    def _listing(self) -> Select:
        made: Select = self._compiled(f"[r for r in rows if {self._text}]")
        return made

    @cached_property
    def _iteration(self) -> Lazily:
        made: Lazily = self._compiled(f"(r for r in rows if {self._text})")
        return made

    @cached_property
    def _testing(self) -> Callable[[Values], Probe]:
        made: Callable[[Values], Probe] = self._compiled(f"lambda r: {self._text}", rows="")
        return made

    def _compiled(self, expression: str, rows: str = "rows, ") -> Any:  # noqa: ANN401 - a function of generated text
        body = "".join(f"    a{slot} = values[{slot}]\n" for slot in self._slots)
        names = dict(self._names)
        source = f"def compiled({rows}values):\n{body}    return {expression}\n"
        exec(source, names)  # noqa: S102 - the text holds names of declared columns and no value
        return names["compiled"]


def _guarded(guards: list[str], test: str) -> str:
    return f"({' and '.join([*guards, test])})" if guards else test


def member_ranks(members: Iterable[str]) -> dict[str, int]:
    """The places of a native enum's members, by which PostgreSQL orders them."""
    return {member: rank for rank, member in enumerate(members)}


def inet_order(address: IpAddress) -> tuple[int, int, int, int]:
    """PostgreSQL's order of inet: the family, the network's bits, the length of the prefix, then the whole address."""
    interface = ipaddress.ip_interface(address)
    network = interface.network
    return (interface.version, int(network.network_address), network.prefixlen, int(interface.ip))


def orderable(column: Column) -> Callable[[Any], Any] | None:
    """What turns the column's value into one that Python sorts as PostgreSQL does; None where it already is."""
    match column.type:
        case InetType():
            return inet_order
        case ChoiceType(members, native) if native is not None:
            return member_ranks(members).__getitem__
        case _:
            return None
