"""What ties rows of different tables together: foreign keys with their actions, and counters.

They fire at the end of a statement, in the order in which rows were written, as PostgreSQL's after-triggers do: what
an action writes is queued behind what is there already.
"""

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, TypeAlias, assert_never

import attrs

from homeport.adapters.memory.constraints import missing_reference, still_referenced
from homeport.adapters.memory.heap import Heap
from homeport.adapters.memory.indexes import Lookup, Read, fields, reader
from homeport.adapters.memory.undo import ABSENT
from homeport.kernel.entity import Entity
from homeport.kernel.errors import SchemaMismatch
from homeport.kernel.table import ForeignKey, OnDelete, Row


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


@attrs.frozen(eq=False)
class Ties:
    """All ties of one heap, by the role that it plays in them."""

    up: tuple[Link, ...]
    down: tuple[Link, ...]
    tallies: tuple[Tally, ...]


Event: TypeAlias = tuple[Heap, Entity | None, Entity | None]
"""A row written: the row before, None for a new one, and the row after, None for one removed."""


class Work:
    """The writing of one statement: rows changed at once, ties fired by `settle`. The statement is one moment."""

    def __init__(self, ties: Mapping[Heap, Ties], now: dt.datetime) -> None:
        self.now = now
        self._ties = ties
        self._events: deque[Event] = deque()

    def proposed(self, heap: Heap, given: Row) -> dict[str, Any]:
        """The row to insert, complete and judged. Raises NotNullViolation, CheckViolation."""
        row = heap.rules.new(given, self.now)
        heap.rules.judge(row)
        return row

    def add(self, heap: Heap, row: dict[str, Any]) -> Entity:
        """Insert a proposed row. Raises UniqueViolation."""
        new = heap.made(row)
        heap.insert(new)
        self._events.append((heap, None, new))
        return new

    def change(self, heap: Heap, old: Entity, changes: Row, *, direct: bool = True) -> Entity:
        """Change a row; only a direct change touches it. Raises RepositoryConstraintError, but for foreign keys."""
        row = heap.rules.changed(old, changes, self.now if direct else None)
        heap.rules.judge(row)
        new = heap.made(row)
        heap.replace(old, new)
        self._events.append((heap, old, new))
        return new

    def remove(self, heap: Heap, row: Entity) -> None:
        heap.remove(row)
        self._events.append((heap, row, None))

    def settle(self) -> None:
        """Fire the ties of all that was written, and of what they write. Raises RepositoryConstraintError."""
        while self._events:
            heap, old, new = self._events.popleft()
            ties = self._ties[heap]
            if old is not None:
                for link in ties.down:
                    self._parent_gone(link, old, new)
            for link in ties.up:
                self._child_written(link, old, new)
            for tally in ties.tallies:
                self._count(tally, old, new)

    def _parent_gone(self, link: Link, old: Entity, new: Entity | None) -> None:
        value = link.parent_value(old)
        if new is not None and link.parent_value(new) == value:
            return
        children = [link.child.rows[key] for key in link.children.keys(value)]
        if children and new is not None:
            if not link.parents.keys(value):
                raise still_referenced(link.child.table, link.key)
        elif children:
            self._act(link, children)

    def _act(self, link: Link, children: list[Entity]) -> None:
        match link.key.on_delete:
            case OnDelete.RESTRICT:
                raise still_referenced(link.child.table, link.key)
            case OnDelete.CASCADE:
                for child in children:
                    self.remove(link.child, child)
            case OnDelete.SET_NULL:
                nothing: Row = dict.fromkeys(link.key.columns)
                for child in children:
                    self.change(link.child, child, nothing, direct=False)
            case _:
                assert_never(link.key.on_delete)

    def _child_written(self, link: Link, old: Entity | None, new: Entity | None) -> None:
        """The row is looked up as it is now: what was written may have been removed or changed by another tie."""
        if new is None or (old is not None and link.child_value(old) == link.child_value(new)):
            return
        row = link.child.rows.get(link.child.key(new))
        value = ABSENT if row is None else link.child_value(row)
        if value is not ABSENT and not link.parents.keys(value):
            raise missing_reference(link.child.table, link.key)

    def _count(self, tally: Tally, old: Entity | None, new: Entity | None) -> None:
        before = ABSENT if old is None else tally.value(old)
        after = ABSENT if new is None else tally.value(new)
        if before != after:
            self._adjust(tally, before, -1)
            self._adjust(tally, after, 1)

    def _adjust(self, tally: Tally, value: object, by: int) -> None:
        for key in () if value is ABSENT else tuple(tally.parents.keys(value)):
            parent = tally.parent.rows[key]
            self.change(tally.parent, parent, {tally.column: getattr(parent, tally.column) + by}, direct=False)


def tie(heaps: Iterable[Heap], named: Callable[[str, str], Heap | None]) -> dict[Heap, Ties]:
    """The ties between heaps, found by schema and name. A reference to a table that is absent ties nothing."""
    all_heaps = tuple(heaps)
    links = [link for heap in all_heaps for link in _links(heap, named)]
    tallies = [tally for heap in all_heaps for tally in _tallies(heap, named)]
    return {
        heap: Ties(
            tuple(each for each in links if each.child is heap),
            tuple(each for each in links if each.parent is heap),
            tuple(each for each in tallies if each.child is heap),
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
            yield _tally(parent, child, counter.column, counter.by)


def _link(child: Heap, parent: Heap, key: ForeignKey) -> Link:
    children, parents = child.lookup(fields(*key.columns)), parent.lookup(fields(*key.targets))
    if children is None or parents is None:
        raise SchemaMismatch(f"{key.name}: {parent.table.name} has no unique over ({', '.join(key.targets)})")
    value, target = reader(fields(*key.columns)), reader(fields(*key.targets))
    return Link(key, child, parent, value, target, children, parents)


def _tally(parent: Heap, child: Heap, column: str, by: str) -> Tally:
    read, deleted = reader(fields(by)), _deleted(child)
    targets = next((each.targets for each in child.table.foreign_keys if each.columns == (by,)), (parent.table.key,))
    parents = parent.lookup(fields(*targets))
    if parents is None:
        raise SchemaMismatch(f"{parent.table.name}.{column} counts by {by}, which refers to no unique")
    return Tally(column, parent, child, parents, lambda row: ABSENT if deleted(row) else read(row))


def _deleted(heap: Heap) -> Callable[[Entity], bool]:
    """Whether a row is soft-deleted."""
    if heap.table.soft_delete is None:
        return lambda _: False
    mark = attrgetter(heap.table.soft_delete)
    return lambda row: mark(row) is not None
