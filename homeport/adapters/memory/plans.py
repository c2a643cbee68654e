"""How a predicate's rows are found: by the hash index that leaves the fewest, then by the rest of the predicate."""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeAlias

import attrs

from homeport.adapters.memory.heap import Heap
from homeport.adapters.memory.indexes import KeyIndex, Lookup, Read, fields, reader, reads
from homeport.adapters.memory.predicates import Filter, Piece, Probe, Writer
from homeport.adapters.memory.shapes import Values
from homeport.adapters.memory.undo import ABSENT
from homeport.kernel.entity import Entity
from homeport.kernel.predicates import AllOf, Comparator, Compare, Exists, OneOf, Operand, Predicate
from homeport.kernel.table import Table

PlanFor = Callable[[Table[Any], Predicate], "Plan"]
Keys: TypeAlias = Callable[[Values], Collection[object]]

NO_FILTER = Filter((), {})


@attrs.frozen(eq=False)
class Path:
    """One way to a predicate's rows: an index, what is looked up in it, and what is left to check.

    `value` is the source of what is looked up: one value, or with `many` each `v` of the values at `slot`.
    """

    lookup: Lookup
    value: str
    slot: int
    many: bool
    rest: Filter

    @property
    def is_key(self) -> bool:
        """Whether it leads to one row at most, by its key."""
        return isinstance(self.lookup, KeyIndex) and not self.many

    def finding(self) -> Keys:
        """The function from values to the keys of the rows."""
        each = f"[k for v in dict.fromkeys(values[{self.slot}]) for k in keys({self.value})]"
        expression = each if self.many else f"keys({self.value})"
        found: Keys = NO_FILTER.compiled("values", expression, keys=self.lookup.keys)
        return found


@attrs.frozen(eq=False)
class Probing:
    """What an `Exists` is compiled to: its values in, a function out that says of a row whether it holds."""

    plan: "Plan"
    made: Callable[[Values], Probe]

    def __call__(self, values: Values) -> Probe:
        return self.made(values)


class Plan:
    """A predicate's shape over one heap, compiled."""

    rows: Callable[[Values], list[Entity]]
    """The rows that are meant, in no promised order; a list of the caller's own."""
    key: Callable[[Values], object]
    """The key of the one row that may be meant; ABSENT if there may be others."""

    def __init__(self, heap: Heap, predicate: Predicate, plan_for: PlanFor) -> None:
        self.heap = heap
        conjuncts = predicate.predicates if isinstance(predicate, AllOf) else (predicate,)
        pieces, writer = written(heap.table, conjuncts, plan_for)
        self.filter = Filter(pieces, writer.names)
        paths = tuple(_paths(heap, conjuncts, pieces, writer))
        by_key = next((each for each in paths if each.is_key), None)
        if by_key is None:
            self.rows, self.key = self._rows, _no_key
            self._paths = tuple((each.finding(), each.rest) for each in paths)
        else:
            self.rows, self.key = _by_key(heap, by_key), NO_FILTER.compiled("values", by_key.value)
            self._paths = ((by_key.finding(), by_key.rest),)
        self.inner = tuple(_inner(pieces, writer.names))
        """The plans of what it looks up in other tables, with the places of their values."""
        places = {slot for slot, _ in self.inner}
        alone = (each for each in pieces if places.isdisjoint(slot for slot, _ in each.loads))
        self.plain = Filter(alone, writer.names) if self.inner else self.filter
        """What it says of its own rows alone."""
        self._conjuncts = conjuncts
        self._plan_for = plan_for

    @cached_property
    def loose(self) -> Filter:
        """The same for rows not judged yet: columns that need a value may have none."""
        pieces, writer = written(_with_nulls(self.heap.table), self._conjuncts, self._plan_for)
        return Filter(pieces, writer.names)

    def count(self, values: Values, limit: int | None) -> int:
        """How many they are, counting no further than `limit`."""
        keys, rest = self._best(values)
        if rest.empty:
            found = len(self.heap.rows if keys is None else keys)
            return found if limit is None else min(limit, found)
        rows = self._at(keys)
        if limit is None:
            return len(rest.select(rows, values))
        return sum(1 for _ in itertools.islice(rest.lazily(rows, values), limit))

    def probes(self, theirs: tuple[Operand, ...], ours: Read) -> Callable[[Values], Probe]:
        """Functions that say of another table's row whether one of these rows agrees with it and is meant.

        With an index each row is looked up; without one the values that are meant are gathered once a statement.
        """
        lookup, read = self.heap.lookup(theirs), reader(reads(self.heap.table, theirs))

        def gathered(values: Values) -> Probe:
            there = {read(row) for row in self.rows(values)} - {ABSENT}
            return lambda row: ours(row) in there

        if lookup is None:
            return gathered
        keys, rows = lookup.keys, self.heap.rows

        def looked_up(values: Values) -> Probe:
            test = self.filter.test(values)
            return lambda row: any(test(rows[key]) for key in keys(ours(row)))

        return looked_up

    def _rows(self, values: Values) -> list[Entity]:
        keys, rest = self._best(values)
        return rest.select(self._at(keys), values)

    def _best(self, values: Values) -> tuple[Collection[object] | None, Filter]:
        """The keys by the path that leaves the fewest, None for all rows, and what is left to check."""
        best, rest, size = None, self.filter, len(self.heap.rows)
        for finding, left in self._paths:
            keys = finding(values)
            if len(keys) < size:
                best, rest, size = keys, left, len(keys)
        return best, rest

    def _at(self, keys: Collection[object] | None) -> Iterable[Entity]:
        rows = self.heap.rows
        return rows.values() if keys is None else map(rows.__getitem__, keys)


def written(table: Table[Any], conjuncts: tuple[Predicate, ...], plan_for: PlanFor) -> tuple[list[Piece], Writer]:
    """The conjuncts as text, and their writer, which has the names that it uses."""
    writer = Writer(table, lambda exists: _probes(table, exists, plan_for))
    return [writer.piece(each) for each in conjuncts], writer


def _with_nulls(table: Table[Any]) -> Table[Any]:
    return attrs.evolve(table, columns=tuple(attrs.evolve(each, nullable=True) for each in table.columns))


def _no_key(_: Values) -> object:
    return ABSENT


def _by_key(heap: Heap, path: Path) -> Callable[[Values], list[Entity]]:
    expression = f"[r] if (r := get({path.value})) is not None and {path.rest.text} else []"
    made: Callable[[Values], list[Entity]] = path.rest.compiled("values", expression, get=heap.rows.get)
    return made


def _paths(heap: Heap, conjuncts: tuple[Predicate, ...], pieces: list[Piece], writer: Writer) -> Iterator[Path]:
    equal: dict[Operand, int] = {}
    for place, conjunct in enumerate(conjuncts):
        match conjunct:
            case Compare(left, Comparator.EQ, _):
                equal.setdefault(left, place)
            case OneOf(operand, members) if members:
                lookup = heap.lookup((operand,))
                if lookup is not None:
                    slot, value = pieces[place].loads[0][0], writer.form(operand).load.format("v")
                    yield Path(lookup, value, slot, True, _rest(pieces, {place}, writer))
    for operands, lookup in heap.lookups(conjuncts):
        places = [equal[each] for each in operands if each in equal]
        if len(places) == len(operands):
            loads = [pieces[place].loads[0] for place in places]
            value = loads[0][1] if len(loads) == 1 else f"({', '.join(text for _, text in loads)})"
            yield Path(lookup, value, loads[0][0], False, _rest(pieces, set(places), writer))


def _rest(pieces: list[Piece], places: set[int], writer: Writer) -> Filter:
    return Filter((piece for place, piece in enumerate(pieces) if place not in places), writer.names)


def _inner(pieces: list[Piece], names: Mapping[str, Any]) -> Iterator[tuple[int, Plan]]:
    for slot in (slot for piece in pieces for slot, _ in piece.loads):
        looked_up = names.get(f"probe{slot}")
        if looked_up is not None:
            yield slot, looked_up.plan


def _probes(table: Table[Any], exists: Exists, plan_for: PlanFor) -> Probing:
    """The function that says of a row whether another table has what is asked, made anew for every statement."""
    plan = plan_for(exists.table, exists.where)
    theirs = fields(*(name for name, _ in exists.on))
    ours = reader(reads(table, fields(*(name for _, name in exists.on))))
    return Probing(plan, plan.probes(theirs, ours))
