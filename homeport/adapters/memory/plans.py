"""How a predicate's rows are found: by the hash index that leaves the fewest, then by the rest of the predicate."""

from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from typing import Any

import attrs

from homeport.adapters.memory.heap import Heap
from homeport.adapters.memory.indexes import KeyIndex, Lookup, Read, fields, reader
from homeport.adapters.memory.predicates import Filter, Piece, Probe, Writer
from homeport.adapters.memory.shapes import Values
from homeport.adapters.memory.undo import ABSENT
from homeport.kernel.entity import Entity
from homeport.kernel.predicates import AllOf, Comparator, Compare, Exists, OneOf, Operand, Predicate
from homeport.kernel.table import Table

PlanFor = Callable[[Table[Any], Predicate], "Plan"]


@attrs.frozen(eq=False)
class Path:
    """One way to a predicate's rows: an index, where its value stands among the values, and what is left to check."""

    lookup: Lookup
    slots: tuple[int, ...]
    many: bool
    rest: Filter

    def keys(self, values: Values) -> Collection[object]:
        if self.many:
            lookup = self.lookup
            return [key for value in dict.fromkeys(values[self.slots[0]]) for key in lookup.keys(value)]
        if len(self.slots) == 1:
            return self.lookup.keys(values[self.slots[0]])
        return self.lookup.keys(tuple([values[slot] for slot in self.slots]))


@attrs.frozen(eq=False)
class Probing:
    """What an `Exists` is compiled to: its values in, a function out that says of a row whether it holds."""

    plan: "Plan"
    made: Callable[[Values], Probe]

    def __call__(self, values: Values) -> Probe:
        return self.made(values)


class Plan:
    """A predicate's shape over one heap, compiled."""

    def __init__(self, heap: Heap, predicate: Predicate, plan_for: PlanFor) -> None:
        self.heap = heap
        conjuncts = predicate.predicates if isinstance(predicate, AllOf) else (predicate,)
        pieces, names = written(heap.table, conjuncts, plan_for)
        self.filter = Filter(pieces, names)
        self._paths = tuple(_paths(heap, conjuncts, pieces, names))
        by_key = next((each for each in self._paths if _is_key(each)), None)
        self._key_slot = None if by_key is None else by_key.slots[0]
        self._key_rest = self.filter if by_key is None else by_key.rest
        others = [[(slot, each) for slot, each in piece.prepares if isinstance(each, Probing)] for piece in pieces]
        self.inner = tuple((slot, each.plan) for looks in others for slot, each in looks)
        """The plans of what it looks up in other tables, with the places of their values."""
        alone = (piece for piece, looks in zip(pieces, others, strict=True) if not looks)
        self.plain = Filter(alone, names) if self.inner else self.filter
        """What it says of its own rows alone."""
        self._conjuncts = conjuncts
        self._plan_for = plan_for

    @cached_property
    def loose(self) -> Filter:
        """The same for rows not judged yet: columns that need a value may have none."""
        return Filter(*written(_with_nulls(self.heap.table), self._conjuncts, self._plan_for))

    def key(self, values: Values) -> object:
        """The key of the one row that may be meant; ABSENT if there may be others."""
        return ABSENT if self._key_slot is None else values[self._key_slot]

    def rows(self, values: Values) -> list[Entity]:
        """The rows that are meant, in no promised order; a list of the caller's own."""
        if self._key_slot is not None:
            row = self.heap.rows.get(values[self._key_slot])
            if row is None:
                return []
            return [row] if self._key_rest.empty else self._key_rest.select((row,), values)
        found, rest = self._found(values)
        return rest.select(found, values)

    def count(self, values: Values, limit: int | None) -> int:
        """How many they are, counting no further than `limit`."""
        found, rest = self._found(values)
        if rest.empty:
            return len(found) if limit is None else min(limit, len(found))
        if limit is None:
            return len(rest.select(found, values))
        matching = rest.lazily(found, values)
        return sum(1 for _, _ in zip(range(limit), matching, strict=False))

    def probes(self, theirs: tuple[Operand, ...], ours: Read) -> Callable[[Values], Probe]:
        """Functions that say of another table's row whether one of these rows agrees with it and is meant.

        With an index each row is looked up; without one the values that are meant are gathered once a statement.
        """
        lookup, read = self.heap.lookup(theirs), reader(theirs)

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

    def _found(self, values: Values) -> tuple[Collection[Entity], Filter]:
        rows = self.heap.rows
        if self._key_slot is not None:
            row = rows.get(values[self._key_slot])
            return () if row is None else (row,), self._key_rest
        best, rest, size = None, self.filter, len(rows)
        for path in self._paths:
            keys = path.keys(values)
            if len(keys) < size:
                best, rest, size = keys, path.rest, len(keys)
        return (rows.values(), rest) if best is None else ([rows[key] for key in best], rest)


def written(
    table: Table[Any], conjuncts: tuple[Predicate, ...], plan_for: PlanFor
) -> tuple[list[Piece], dict[str, Any]]:
    """The conjuncts as text, and the names that it uses."""
    writer = Writer(table, lambda exists: _probes(exists, plan_for))
    return [writer.piece(each) for each in conjuncts], writer.names


def _with_nulls(table: Table[Any]) -> Table[Any]:
    return attrs.evolve(table, columns=tuple(attrs.evolve(each, nullable=True) for each in table.columns))


def _is_key(path: Path) -> bool:
    return isinstance(path.lookup, KeyIndex) and not path.many


def _paths(heap: Heap, conjuncts: tuple[Predicate, ...], pieces: list[Piece], names: dict[str, Any]) -> Iterator[Path]:
    equal: dict[Operand, int] = {}
    for place, conjunct in enumerate(conjuncts):
        match conjunct:
            case Compare(left, Comparator.EQ, _):
                equal.setdefault(left, place)
            case OneOf(operand, members) if members:
                lookup = heap.lookup((operand,))
                if lookup is not None:
                    yield _path(lookup, [place], pieces, names, many=True)
    for operands, lookup in heap.lookups(conjuncts):
        if all(each in equal for each in operands):
            yield _path(lookup, [equal[each] for each in operands], pieces, names, many=False)


def _path(lookup: Lookup, places: list[int], pieces: list[Piece], names: dict[str, Any], *, many: bool) -> Path:
    slots = tuple(pieces[place].slots[0] for place in places)
    rest = Filter((piece for place, piece in enumerate(pieces) if place not in places), names)
    return Path(lookup, slots, many, rest)


def _probes(exists: Exists, plan_for: PlanFor) -> Probing:
    """The function that says of a row whether another table has what is asked, made anew for every statement."""
    plan = plan_for(exists.table, exists.where)
    theirs = fields(*(name for name, _ in exists.on))
    ours = reader(fields(*(name for _, name in exists.on)))
    return Probing(plan, plan.probes(theirs, ours))
