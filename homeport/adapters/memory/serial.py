"""Serializability: who read what somebody else, at the same time, wrote. Knows neither locks nor how steps are run.

An edge leads from a reader to the writer of what it did not see. In every circle of units there is a pivot with an edge
in and an edge out, where the one that its edge leads to committed first: of those, one is ended. That ends some that
are in no circle. Cahill's rule, with the two refinements that PostgreSQL has.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from homeport.adapters.memory.heap import Heap
from homeport.adapters.memory.past import Changes, Place
from homeport.adapters.memory.plans import Plan
from homeport.adapters.memory.predicates import Probe
from homeport.adapters.memory.shapes import Values
from homeport.adapters.memory.undo import ABSENT


@attrs.frozen
class Read:
    """What was asked of one heap: the row of a key, or all rows of which the probe holds."""

    heap: Heap
    key: object
    probe: Probe | None


class Notes:
    """What one step reads."""

    def __init__(self) -> None:
        self.reads: list[Read] = []

    def rows(self, plan: Plan, values: Values) -> None:
        """The rows of a plan, and what it looks up in others."""
        key = plan.key(values)
        self.reads.append(Read(plan.heap, key, None if key is not ABSENT else plan.plain.test(values)))
        self.inside(plan, values)

    def inside(self, plan: Plan, values: Values) -> None:
        """What a plan looks up in other tables."""
        for slot, inner in plan.inner:
            self.rows(inner, values[slot])

    def row(self, heap: Heap, key: object) -> None:
        """One row."""
        self.reads.append(Read(heap, key, None))


class Serial:
    """One serializable unit, as long as others that ran at the same time are there.

    `begin` and `end` are moments of one clock; `end` is None while the unit runs.
    """

    def __init__(self, begin: int, *, read_only: bool) -> None:
        self.begin = begin
        self.end: int | None = None
        self.doomed = False
        self.clean = True
        """It has written nothing yet."""
        self.writes: dict[Place, list[Any]] = {}
        self.readers: set[Serial] = set()
        self.writers: set[Serial] = set()
        self._read_only = read_only
        self._keys: dict[Heap, set[object]] = {}
        self._probes: dict[Heap, list[Probe]] = {}

    @property
    def harmless(self) -> bool:
        """It writes nothing, for certain."""
        return self._read_only or (self.end is not None and self.clean)

    def note(self, read: Read) -> None:
        if read.probe is None:
            self._keys.setdefault(read.heap, set()).add(read.key)
        else:
            self._probes.setdefault(read.heap, []).append(read.probe)

    def met(self, heap: Heap, key: object, versions: Iterable[Any]) -> bool:
        """Whether a read of this unit would have a different answer if one of these versions were not there."""
        if key in self._keys.get(heap, ()):
            return True
        probes = self._probes.get(heap)
        return probes is not None and any(probe(row) for row in versions if row is not ABSENT for probe in probes)

    def wrote(self, read: Read) -> bool:
        """Whether it has written what was read."""
        if read.probe is None:
            return (read.heap, read.key) in self.writes
        rows = (row for (heap, _), rows in self.writes.items() if heap is read.heap for row in rows)
        return any(read.probe(row) for row in rows if row is not ABSENT)

    def forget(self) -> None:
        """No unit that ran at the same time is left."""
        for kept in (self.readers, self.writers, self.writes, self._keys, self._probes):
            kept.clear()


class Conflicts:
    """The serializable units that run, and those that have committed since the oldest of them began."""

    def __init__(self) -> None:
        self._now = 0
        self._units: list[Serial] = []

    def begin(self, *, read_only: bool) -> Serial:
        """A unit takes its snapshot."""
        made = Serial(self._tick(), read_only=read_only)
        self._units.append(made)
        return made

    def read(self, me: Serial, notes: Notes) -> None:
        """A step has read."""
        for each in notes.reads:
            me.note(each)
        for other in self._beside(me):
            if other not in me.writers and any(other.wrote(each) for each in notes.reads):
                self._edge(me, other)

    def wrote(self, me: Serial, changes: Changes) -> None:
        """A step has written, or would have."""
        me.clean = me.clean and not changes
        for place, change in changes.items():
            me.writes.setdefault(place, [change.before]).append(change.after)
        self.meant(me, changes)

    def meant(self, me: Serial, changes: Changes) -> None:
        """A step would have written."""
        for other in self._beside(me):
            if other not in me.readers and any(
                other.met(heap, key, (change.before, change.after)) for (heap, key), change in changes.items()
            ):
                self._edge(other, me)

    def commit(self, me: Serial) -> None:
        """A unit that is not doomed ends well."""
        me.end = self._tick()
        for pivot in tuple(me.readers):
            self._judge(pivot)
        self._prune()

    def drop(self, me: Serial) -> None:
        """A unit is rolled back: as if it had never been."""
        for other in me.readers:
            other.writers.discard(me)
        for other in me.writers:
            other.readers.discard(me)
        self._units.remove(me)
        self._prune()

    def _tick(self) -> int:
        self._now += 1
        return self._now

    def _beside(self, me: Serial) -> Iterator[Serial]:
        """Those that run and may commit, or committed after its snapshot."""
        alive = (each for each in self._units if each is not me and not each.doomed)
        return (each for each in alive if each.end is None or each.end > me.begin)

    def _edge(self, reader: Serial, writer: Serial) -> None:
        reader.writers.add(writer)
        writer.readers.add(reader)
        self._judge(reader)
        self._judge(writer)

    def _judge(self, pivot: Serial) -> None:
        """Where it stands in what may be a circle, it is ended, or who reads past it if it has committed."""
        threatened = list(_firsts(pivot))
        if threatened and pivot.end is None:
            pivot.doomed = True
        else:
            for first in threatened:
                first.doomed = first.end is None

    def _prune(self) -> None:
        oldest = min((each.begin for each in self._units if each.end is None), default=self._now)
        gone = [each for each in self._units if each.end is not None and each.end <= oldest]
        if gone:
            self._units = [each for each in self._units if each.end is None or each.end > oldest]
        for each in gone:
            each.forget()


def _firsts(pivot: Serial) -> Iterator[Serial]:
    """Who reads past a pivot that itself read past one that committed before both of them."""
    for last in pivot.writers:
        if last.end is None or (pivot.end is not None and pivot.end < last.end):
            continue
        for first in pivot.readers:
            if first.doomed or (first.end is not None and first.end < last.end):
                continue
            if first.harmless and last.end > first.begin:
                continue
            yield first
