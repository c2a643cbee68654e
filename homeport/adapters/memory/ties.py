"""What ties heaps to each other, as declared: foreign keys and counters, with all that is looked up by them."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from operator import attrgetter

import attrs

from homeport.adapters.memory.constraints import MOST_CHANGES, Changed
from homeport.adapters.memory.heap import Heap
from homeport.adapters.memory.indexes import Lookup, Read, fields, reader, reads
from homeport.adapters.memory.undo import ABSENT
from homeport.kernel.entity import Entity
from homeport.kernel.errors import SchemaMismatch
from homeport.kernel.table import Counter, ForeignKey


@attrs.frozen(eq=False)
class Link:
    """A foreign key between two heaps. Reads and look-ups of both sides take the same kind of value."""

    key: ForeignKey
    child: Heap
    parent: Heap
    child_value: Read
    parent_value: Read
    children: Lookup
    parents: Lookup


@attrs.frozen(eq=False)
class Tally:
    """A counter: a parent's column that holds how many live rows of a child refer to it."""

    column: str
    parent: Heap
    child: Heap
    parents: Lookup
    value: Read
    reads: frozenset[str] | None
    """The child's columns that it depends on; None for who knows which."""


class Ties:
    """All ties of one heap, by the role that it plays in them."""

    def __init__(self, up: Iterable[Link], down: Iterable[Link], tallies: Iterable[Tally]) -> None:
        self.up = tuple(up)
        self.down = tuple(down)
        self.tallies = tuple(tallies)
        self.over = lru_cache(MOST_CHANGES)(self._concerned)

    def _concerned(self, changed: Changed) -> "Ties":
        """Those that a change of these columns may concern."""
        return Ties(
            (each for each in self.up if not changed.isdisjoint(each.key.columns)),
            (each for each in self.down if not changed.isdisjoint(each.key.targets)),
            (each for each in self.tallies if each.reads is None or not changed.isdisjoint(each.reads)),
        )


def tie(heaps: Iterable[Heap], named: Callable[[str, str], Heap | None]) -> dict[Heap, Ties]:
    """The ties between heaps, found by schema and name. A reference to a table that is absent ties nothing."""
    all_heaps = tuple(heaps)
    links = [link for heap in all_heaps for link in _links(heap, named)]
    tallies = [tally for heap in all_heaps for tally in _tallies(heap, named)]
    return {
        heap: Ties(
            (each for each in links if each.child is heap),
            (each for each in links if each.parent is heap),
            (each for each in tallies if each.child is heap),
        )
        for heap in all_heaps
    }


def _links(child: Heap, named: Callable[[str, str], Heap | None]) -> Iterator[Link]:
    for key in child.table.foreign_keys:
        parent = named(child.table.schema, key.table)
        if parent is not None:
            yield _link(child, parent, key)


def _tallies(parent: Heap, named: Callable[[str, str], Heap | None]) -> Iterator[Tally]:
    for counter in parent.table.counters:
        child = named(parent.table.schema, counter.table)
        if child is not None:
            yield _tally(parent, child, counter)


def _link(child: Heap, parent: Heap, key: ForeignKey) -> Link:
    children, parents = child.lookup(fields(*key.columns)), parent.lookup(fields(*key.targets))
    if children is None or parents is None:
        raise SchemaMismatch(f"{key.name}: {parent.table.name} has no unique over ({', '.join(key.targets)})")
    value = reader(reads(child.table, fields(*key.columns)))
    target = reader(reads(parent.table, fields(*key.targets)))
    return Link(key, child, parent, value, target, children, parents)


def _tally(parent: Heap, child: Heap, counter: Counter) -> Tally:
    by = counter.by
    targets = next((each.targets for each in child.table.foreign_keys if each.columns == (by,)), (parent.table.key,))
    parents = parent.lookup(fields(*targets))
    if parents is None:
        raise SchemaMismatch(f"{parent.table.name}.{counter.column} counts by {by}, which refers to no unique")
    known = counter.where is None
    columns = frozenset(each for each in (by, child.table.soft_delete) if each is not None) if known else None
    return Tally(counter.column, parent, child, parents, _counted(child, counter), columns)


def _counted(child: Heap, counter: Counter) -> Read:
    """What a row is counted under; ABSENT for one that is not counted."""
    read, deleted = reader(reads(child.table, fields(counter.by))), _deleted(child)
    if counter.where is None:
        return lambda row: ABSENT if deleted(row) else read(row)
    meant = child.covers(counter.where)
    return lambda row: read(row) if meant(row) and not deleted(row) else ABSENT


def _deleted(heap: Heap) -> Callable[[Entity], bool]:
    """Whether a row is soft-deleted."""
    if heap.table.soft_delete is None:
        return lambda _: False
    mark = attrgetter(heap.table.soft_delete)
    return lambda row: mark(row) is not None
