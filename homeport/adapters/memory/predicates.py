"""Predicates as Python source: plain two-valued text that holds exactly where SQL's three-valued logic says "true".

A filter only asks "is it true", so NOT is pushed down to the leaves, where "is it false" has a text of its own: both
texts are guarded against NULL, so what is unknown is neither. Values are arguments and never part of the text.
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from types import CodeType
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
class Form:
    """How an operand is read of the row `r`, and a value beside it loaded from the text at `{}`, both as source.

    Python then compares the two as PostgreSQL does: a UUID is its number, which needs no call to be hashed.
    """

    read: str
    load: str = "{}"


@attrs.frozen
class Piece:
    """One conjunct as text over the row `r` and `a0`, `a1`.., and how these are loaded, by slot, from `values`."""

    text: str
    loads: tuple[tuple[int, str], ...]


class Writer:
    """Writes the pieces of one table's predicate, counting slots in the order of `shape_of`."""

    def __init__(self, table: Table[Any], probes: Probes) -> None:
        self.names: dict[str, Any] = {"fold": fold_ascii, "inet": inet_order}
        self._table = table
        self._probes = probes
        self._loads: list[str] = []

    def piece(self, predicate: Predicate) -> Piece:
        first = len(self._loads)
        text = self._text(predicate, wanted=True)
        return Piece(text, tuple(enumerate(self._loads[first:], first)))

    def form(self, operand: Operand, *, ordered: bool = False) -> Form:
        """For a comparison, or one for equality alone."""
        column = self._table.by_name[operand.name]
        read = f"r.{column.name}"
        if isinstance(operand, Lower):
            return Form(f"fold({read})")
        match column.type:
            case UuidType():
                return Form(f"{read}.int", "{}.int")
            case InetType() if ordered:
                return Form(f"inet({read})", "inet({})")
            case ChoiceType(members, native) if ordered and native is not None:
                self.names[f"rank_{column.name}"] = member_ranks(members)
                return Form(f"rank_{column.name}[{read}]", f"rank_{column.name}[{{}}]")
            case _:
                return Form(read)

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
                return f"{'' if wanted else 'not '}a{self._looked_up(predicate)}(r)"
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
        form = self.form(predicate.left, ordered=comparator not in _PYTHON)
        slot = self._slot(form.load, may_lack=isinstance(predicate.right, CurrentUser))
        guards = [f"a{slot} is not None"] if isinstance(predicate.right, CurrentUser) else []
        if self._table.by_name[name].nullable and (comparator is not Comparator.EQ or form.read != f"r.{name}"):
            guards.append(f"r.{name} is not None")
        return _guarded(guards, f"{form.read} {_PYTHON.get(comparator, comparator.value)} a{slot}")

    def _one_of(self, operand: Operand, *, empty: bool, wanted: bool) -> str:
        form = self.form(operand)
        slot = self._slot("frozenset({})" if form.load == "{}" else f"{{{{{form.load.format('v')} for v in {{}}}}}}")
        if empty:
            return str(not wanted)
        guards = self._guards(operand.name) if not wanted or form.read != f"r.{operand.name}" else []
        return _guarded(guards, f"{form.read} {'in' if wanted else 'not in'} a{slot}")

    def _matches(self, operand: Operand, how: TextMatch, *, wanted: bool) -> str:
        read = self.form(operand).read
        slot = self._slot()
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

    def _looked_up(self, predicate: Exists) -> int:
        slot = len(self._loads)
        self.names[f"probe{slot}"] = self._probes(predicate)
        return self._slot(f"probe{slot}({{}})")

    def _slot(self, load: str = "{}", *, may_lack: bool = False) -> int:
        """The next place among the values, and how what stands there is loaded; None stays None."""
        slot = len(self._loads)
        text = load.format(f"values[{slot}]")
        self._loads.append(f"None if values[{slot}] is None else {text}" if may_lack else text)
        return slot


class Select(Protocol):
    def __call__(self, rows: Iterable[Entity], values: Values, /) -> list[Entity]: ...


class Lazily(Protocol):
    def __call__(self, rows: Iterable[Entity], values: Values, /) -> Iterator[Entity]: ...


class Filter:
    """Conjuncts compiled to functions over rows, each at its first use."""

    def __init__(self, pieces: Iterable[Piece], names: dict[str, Any]) -> None:
        given = tuple(each for each in pieces if each.text != "True")
        self.text = " and ".join(each.text for each in given) or "True"
        self.empty = not given
        self._loads = tuple(load for each in given for load in each.loads)
        self._names = names

    def select(self, rows: Iterable[Entity], values: Values) -> list[Entity]:
        return list(rows) if self.empty else self._listing(rows, values)

    def lazily(self, rows: Iterable[Entity], values: Values) -> Iterator[Entity]:
        return iter(rows) if self.empty else self._iteration(rows, values)

    def test(self, values: Values) -> Probe:
        """A function of one row."""
        return self._testing(values)

    def compiled(self, arguments: str, expression: str, **names: object) -> Any:  # noqa: ANN401 - generated text
        """A function of these arguments, `values` among them: an expression over what the filter has loaded."""
        loads = "".join(f"    a{slot} = {load}\n" for slot, load in self._loads)
        scope = {**self._names, **names}
        exec(code(f"def compiled({arguments}):\n{loads}    return {expression}\n"), scope)  # noqa: S102 - as in `code`
        return scope["compiled"]

    @cached_property
    def _listing(self) -> Select:
        made: Select = self.compiled("rows, values", f"[r for r in rows if {self.text}]")
        return made

    @cached_property
    def _iteration(self) -> Lazily:
        made: Lazily = self.compiled("rows, values", f"(r for r in rows if {self.text})")
        return made

    @cached_property
    def _testing(self) -> Callable[[Values], Probe]:
        made: Callable[[Values], Probe] = self.compiled("values", f"lambda r: {self.text}")
        return made


@lru_cache(maxsize=2000)
def code(source: str) -> CodeType:
    """Source text compiled; it holds names of declared columns and places of values, and no value."""
    return compile(source, "<memory>", "exec")


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
