"""What ties rows of different tables together: foreign keys with their actions, and counters.

They fire at the end of a statement, in the order in which rows were written, as PostgreSQL's after-triggers do: what
an action writes is queued behind what is there already.
"""

import datetime as dt
from collections import deque
from collections.abc import Mapping
from typing import Any, TypeAlias, assert_never

from homeport.adapters.memory.constraints import missing_reference, still_referenced
from homeport.adapters.memory.heap import Heap
from homeport.adapters.memory.journal import Journal
from homeport.adapters.memory.parties import Party
from homeport.adapters.memory.ties import Link, Tally, Ties
from homeport.adapters.memory.undo import ABSENT
from homeport.kernel.entity import Entity
from homeport.kernel.table import OnDelete, Row

Event: TypeAlias = tuple[Ties, Entity | None, Entity | None]
"""A row written, with the ties that it may concern: the row before, None for a new one, and after, None for none."""


class Work:
    """The writing of one statement: rows changed at once, ties fired by `settle`. The statement is one moment."""

    def __init__(self, ties: Mapping[Heap, Ties], now: dt.datetime, party: Party | None = None) -> None:
        """`party` is whose step it is; None while there is nobody else."""
        self.now = now
        self._ties = ties
        self._party = party
        self._events: deque[Event] = deque()

    def proposed(self, heap: Heap, given: Row) -> dict[str, Any]:
        """The row to insert, complete and judged. Raises NotNullViolation, CheckViolation."""
        row = heap.rules.new(given, self.now)
        heap.rules.judge(row)
        return row

    def add(self, heap: Heap, row: dict[str, Any], target: str | None = None) -> Entity:
        """Insert a proposed row; an upsert says in which `target` it found none that agrees. Raises UniqueViolation."""
        new = heap.made(row)
        if self._party is not None:
            self._party.adding(heap, new, target)
        heap.insert(new)
        self._events.append((self._ties[heap], None, new))
        return new

    def change(self, heap: Heap, old: Entity, changes: Row, *, direct: bool = True) -> Entity:
        """Change a row; only a direct change touches it. Raises RepositoryConstraintError, but for foreign keys."""
        if self._party is not None:
            self._party.reaching(heap, old)
        row = heap.rules.changed(old, changes, self.now if direct else None)
        heap.rules.judge(row)
        new = heap.made(row)
        if self._party is not None:
            self._party.changing(heap, old, new)
        changed = heap.rules.reached(tuple(changes), direct)
        heap.replace(old, new, changed)
        self._events.append((self._ties[heap].over(changed), old, new))
        return new

    def keep(self, heap: Heap, key: object) -> None:
        """Leave a row out because of one that is there."""
        if self._party is not None:
            self._party.keeping(heap, key)

    def remove(self, heap: Heap, row: Entity) -> None:
        if self._party is not None:
            self._party.removing(heap, row)
        heap.remove(row)
        self._events.append((self._ties[heap], row, None))

    def settle(self) -> None:
        """Fire the ties of all that was written, and of what they write. Raises RepositoryConstraintError."""
        while self._events:
            ties, old, new = self._events.popleft()
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
        children = self._children(link, value, refuses=new is not None or link.key.on_delete is OnDelete.RESTRICT)
        if children and new is not None:
            if not link.parents.keys(value):
                raise still_referenced(link.child.table, link.key)
        elif children:
            self._act(link, children)

    def _children(self, link: Link, value: object, *, refuses: bool) -> list[Entity]:
        if self._party is not None:
            return self._party.children(link, value, refuses=refuses)
        return [link.child.rows[key] for key in link.children.keys(value)]

    def _act(self, link: Link, children: list[Entity]) -> None:
        match link.key.on_delete:
            case OnDelete.RESTRICT:
                raise still_referenced(link.child.table, link.key)
            case OnDelete.CASCADE:
                for child in children:
                    self.remove(link.child, child)
            case OnDelete.SET_NULL:
                nothing: Row = {link.key.referring: None}
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
        if value is ABSENT:
            return
        parents = link.parents.keys(value)
        if not parents:
            raise missing_reference(link.child.table, link.key)
        if self._party is not None:
            self._party.referring(link.parent, next(iter(parents)))

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


class Statement:
    """Enters with the work; what it has written is tied and stays, or nothing is left of it.

    A class for the reason that `Atomic` is one.
    """

    __slots__ = ("_journal", "_position", "_work")

    def __init__(self, journal: Journal, work: Work) -> None:
        self._journal = journal
        self._work = work

    def __enter__(self) -> Work:
        self._position = self._journal.enter()
        return self._work

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        failed = True
        try:
            if kind is None:
                self._work.settle()
                failed = False
        finally:
            self._journal.leave(self._position, failed=failed)
