"""What others committed since a snapshot was taken: each such row as it was then and as it is now."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import attrs

from homeport.adapters.memory.heap import Claim, Heap
from homeport.adapters.memory.undo import ABSENT
from homeport.kernel.entity import Entity

Place: TypeAlias = tuple[Heap, object]
"""Where a row stands: its heap and its key."""

Row: TypeAlias = Any
"""An entity, or ABSENT where there is none."""


@attrs.frozen
class Change:
    """A row before and after; ABSENT for none."""

    before: Row
    after: Row


Changes: TypeAlias = Mapping[Place, Change]


class Past:
    """Empty for whoever sees the present."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: dict[Heap, dict[object, Change]] = {}

    def note(self, changes: Changes) -> None:
        """Somebody else has committed these changes."""
        for (heap, key), change in changes.items():
            rows = self.rows.setdefault(heap, {})
            known = rows.get(key)
            rows[key] = change if known is None else Change(known.before, change.after)

    def changed(self, heap: Heap, key: object) -> Change | None:
        """What has happened to the row; None if it is as the snapshot has it."""
        return self.rows.get(heap, _NONE).get(key)

    def claimed(self, heap: Heap, claim: Claim, value: object) -> bool:
        """Whether a row has the value now that did not have it at the snapshot."""
        now = (each.after for each in self.rows.get(heap, _NONE).values())
        return any(row is not ABSENT and claim.value(row) == value for row in now)

    def view(self) -> dict[Place, Row]:
        """The rows as the snapshot has them."""
        return {(heap, key): each.before for heap, rows in self.rows.items() for key, each in rows.items()}


_NONE: Final[Mapping[object, Change]] = {}


def same(row: Entity, other: Entity, heap: Heap) -> bool:
    """Whether two versions of a row agree in all that foreign keys may refer to."""
    return all(claim.value(row) == claim.value(other) for claim in heap.keys)
