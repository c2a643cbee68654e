"""Whose step it is: the locks that its writes need, and what they meet that was committed since its snapshot.

A party is asked before each row is written. Uniques and foreign keys are judged against the present, whatever the
snapshot shows; where the present differs in a row that is meant, that is a SerializationConflict, as in PostgreSQL.
"""

import datetime as dt
from typing import Any, assert_never

from homeport.adapters.memory.constraints import still_referenced, unique_violation
from homeport.adapters.memory.heap import Claim, Heap
from homeport.adapters.memory.locks import Busy, Holder, Locks, Mode, Name
from homeport.adapters.memory.past import Past, Row, same
from homeport.adapters.memory.serial import Notes
from homeport.adapters.memory.ties import Link
from homeport.adapters.memory.undo import ABSENT
from homeport.kernel.entity import Entity
from homeport.kernel.errors import LockTimeout, SerializationConflict
from homeport.kernel.table import Table
from homeport.kernel.units import Wait


class Party(Holder):
    """A call outside units: it has to pass the locks of units, keeps none, and sees the present.

    Raises everywhere:
        Busy: somebody else holds a lock.
        SerializationConflict: the row, or one that it meets, was changed since the snapshot.
    """

    keeps = False
    """Whether it has locks to its end."""

    def __init__(self, locks: Locks) -> None:
        super().__init__()
        self.locks = locks
        self.past = Past()
        self.now: dt.datetime | None = None
        """The time of all its statements; None where each has its own."""
        self.notes: Notes | None = None
        """Where reads are noted, if anybody asks for them."""
        self.proposed: tuple[Heap, Entity] | None = None
        """The last row that was about to be written."""

    def writing(self) -> None:
        """A statement that writes begins. Raises QueryError for a unit that is read only."""

    def want(self, name: Name, mode: Mode) -> None:
        """Have the lock for this step."""
        self.passing(name, mode)

    def passing(self, name: Name, mode: Mode) -> None:
        """Nobody else has the lock; nor has this party after that."""
        if self.locks.blockers(self, name, mode):
            raise Busy(name, mode)

    def adding(self, heap: Heap, new: Entity, target: str | None = None) -> None:
        """A row is inserted; with a `target`, an upsert found no row that agrees in it. Raises UniqueViolation."""
        self.proposed = heap, new
        claims = list(heap.claims(new))
        if target is not None:
            claims.sort(key=lambda each: each[0].name != target)
        for claim, value in claims:
            if self._claimed(heap, claim, value, target):
                return

    def reaching(self, heap: Heap, row: Entity) -> None:
        """A row is to be changed."""
        key = heap.key(row)
        self._unchanged(heap, key)
        self.want((heap, key), Mode.NO_KEY_UPDATE)
        self.want((heap.primary, key), Mode.UPDATE)

    def changing(self, heap: Heap, old: Entity, new: Entity) -> None:
        """A row that was reached is changed to this. Raises UniqueViolation."""
        self.proposed = heap, new
        before, after = dict(heap.claims(old)), dict(heap.claims(new))
        if before == after:
            return
        changed = [each for each in heap.claimants if before.get(each, ABSENT) != after.get(each, ABSENT)]
        if not heap.keys.isdisjoint(changed):
            self.want((heap, heap.key(old)), Mode.UPDATE)
        for claim in changed:
            if claim in before:
                self.want((claim, before[claim]), Mode.UPDATE)
        for claim in changed:
            if claim in after and self._claimed(heap, claim, after[claim], None):
                return

    def removing(self, heap: Heap, row: Entity) -> None:
        """A row is removed."""
        key = heap.key(row)
        self._unchanged(heap, key)
        self.want((heap, key), Mode.UPDATE)
        for name in heap.claims(row):
            self.want(name, Mode.UPDATE)

    def keeping(self, heap: Heap, key: object) -> None:
        """An insert is left out because of this row."""
        self._unchanged(heap, key)
        self.passing((heap.primary, key), Mode.UPDATE)
        if self.notes is not None:
            self.notes.row(heap, key)

    def referring(self, parent: Heap, key: object) -> None:
        """A row that refers to this one is written."""
        since = self.past.changed(parent, key)
        if since is not None and (since.after is ABSENT or not same(since.before, since.after, parent)):
            raise conflict(parent.table)
        self.want((parent, key), Mode.KEY_SHARE)

    def children(self, link: Link, value: object, *, refuses: bool) -> list[Entity]:
        """The rows that refer to a parent's value, which is gone. Raises ForeignKeyViolation if it `refuses` that."""
        rows = [link.child.rows[key] for key in link.children.keys(value)]
        since = self.past.rows.get(link.child)
        if since:
            if any(
                _refers(link, each.after, value) and not _refers(link, each.before, value) for each in since.values()
            ):
                raise still_referenced(link.child.table, link.key) if refuses else conflict(link.child.table)
            changes = [(row, since.get(link.child.key(row))) for row in rows]
            rows = [row for row, change in changes if change is None or _refers(link, change.after, value)]
        if refuses:
            for row in rows:
                self.want((link.child, link.child.key(row)), Mode.KEY_SHARE)
        return rows

    def holding(self, heap: Heap, row: Entity, wait: Wait) -> bool:
        """Lock a row for update; False if it was skipped. Raises LockTimeout."""
        key = heap.key(row)
        self._unchanged(heap, key)
        return self.hold((heap, key), wait)

    def hold(self, name: Name, wait: Wait) -> bool:
        """Lock for update; False if it was skipped. Raises LockTimeout."""
        match wait:
            case Wait.WAIT:
                self.want(name, Mode.UPDATE)
                return True
            case Wait.NOWAIT | Wait.SKIP_LOCKED:
                if not self.locks.blockers(self, name, Mode.UPDATE):
                    self.want(name, Mode.UPDATE)
                    return True
                if wait is Wait.NOWAIT:
                    raise LockTimeout("somebody else holds the lock", code="55P03")
                return False
            case _:
                assert_never(wait)

    def _unchanged(self, heap: Heap, key: object) -> None:
        if self.past.changed(heap, key) is not None:
            raise conflict(heap.table)

    def _claimed(self, heap: Heap, claim: Claim, value: object, target: str | None) -> bool:
        """Whether a row has the value already, now and in the snapshot: then the heap will refuse the new one."""
        self.want((claim, value), Mode.UPDATE)
        holder = next(iter(claim.keys(value)), ABSENT)
        if holder is ABSENT:
            if self.past.claimed(heap, claim, value):
                raise conflict(heap.table) if claim.name == target else unique_violation(heap.table, claim.name)
            return False
        since = self.past.changed(heap, holder)
        if since is not None and (since.after is ABSENT or claim.value(since.after) != value):
            raise conflict(heap.table)  # PostgreSQL would insert it, and show two rows that agree
        self.passing((heap.primary, holder), Mode.UPDATE)
        return True


def _refers(link: Link, row: Row, value: object) -> bool:
    return row is not ABSENT and link.child_value(row) == value


def conflict(table: Table[Any]) -> SerializationConflict:
    return SerializationConflict(f"a row of {table.name} was changed since the unit's snapshot", code="40001")
