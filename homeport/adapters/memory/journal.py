"""What was written, and how to undo it: statements, marks, and one unit's rows on top of what is committed.

One undo list holds it all, the committed part first, so everything is taken back in the order in which it was put.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from homeport.adapters.memory.heap import Heap
from homeport.adapters.memory.past import Change, Place
from homeport.adapters.memory.undo import ABSENT, Undo, rewind
from homeport.kernel.errors import QueryError


@attrs.frozen(eq=False)
class Mark:
    """A moment to go back to."""

    position: int


class Journal:
    """Of all heaps of an engine. It remembers while there is a mark, a statement, or a unit."""

    def __init__(self) -> None:
        self.undo: Undo = []
        self.units = 0
        """How many are open: steps of theirs are undone later, if at all."""
        self.guest: object = None
        """Whose rows lie on top of what is committed."""
        self._base = 0
        self._depth = 0
        self._marks: list[Mark] = []
        self._heaps: dict[int, Heap] = {}

    def about(self, heaps: Iterable[Heap]) -> None:
        """These are the heaps."""
        self._heaps = {id(each.rows): each for each in heaps}

    def atomic(self) -> "Atomic":
        """All that is written inside, or nothing. Only identities' numbers are not given back."""
        return Atomic(self)

    def enter(self) -> int:
        """Something begins that happens whole or not at all."""
        self._depth += 1
        return len(self.undo)

    def leave(self, position: int, *, failed: bool) -> None:
        """It has ended."""
        self._depth -= 1
        if failed:
            rewind(self.undo, position)
        if not self._depth and not self._marks and not self.units:
            self.undo.clear()

    def mark(self) -> Mark:
        """This moment, for `restore`. Raises QueryError while units are open."""
        self._require_quiet()
        if not self._marks or self._marks[-1].position < len(self.undo):
            self._marks.append(Mark(len(self.undo)))
        return self._marks[-1]

    def restore(self, mark: Mark) -> None:
        """Go back to the mark, which stays good; later ones don't.

        Raises QueryError for a mark that is not good, and while units are open.
        """
        self._require_quiet()
        if mark not in self._marks:
            raise QueryError("this mark is not of this engine, or lies after one that was restored")
        rewind(self.undo, mark.position)
        del self._marks[self._marks.index(mark) + 1 :]

    # -- what units see

    @property
    def position(self) -> int:
        """This moment, good for as long as the same guest is there."""
        return len(self.undo)

    def back_to(self, position: int) -> None:
        """Undo what was written since."""
        rewind(self.undo, position)

    def written(self, position: int) -> dict[Place, Change]:
        """The rows that were written since, each as it was then and as it is now."""
        found: dict[Place, Change] = {}
        for target, key, before in self.undo[position:]:
            heap = self._heaps.get(id(target))
            if heap is not None and (heap, key) not in found:
                found[heap, key] = Change(before, target.get(key, ABSENT))
        return found

    def lay(self, guest: object, rows: Mapping[Place, Any]) -> None:
        """Put somebody's rows in the place of what is committed, until `lift`; ABSENT takes one away.

        All are taken away before the first is put, so that values can go from row to row.
        """
        self.lift()
        self.guest, self._base = guest, len(self.undo)
        for heap, key in rows:
            there = heap.rows.get(key)
            if there is not None:
                heap.remove(there)
        for (heap, _), row in rows.items():
            if row is not ABSENT:
                heap.insert(row)

    def lift(self) -> None:
        """Show what is committed."""
        if self.guest is not None:
            rewind(self.undo, self._base)
            self.guest = None

    def keep(self) -> None:
        """What is shown is committed."""
        self.guest = None
        if not self._marks:
            self.undo.clear()

    def _require_quiet(self) -> None:
        if self.units:
            raise QueryError("units are open: they have to end before a mark is made or restored")


class Atomic:
    """Made by `Journal.atomic`. A class, as every write pays for it: a generator would take thrice as long."""

    __slots__ = ("_journal", "_position")

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __enter__(self) -> None:
        self._position = self._journal.enter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._journal.leave(self._position, failed=kind is not None)
