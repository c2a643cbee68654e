"""Downsizing: rooms, what stands in them, and what is to become of it. Knows nothing of storage."""

import datetime as dt
import enum
import uuid
from collections.abc import Sequence
from decimal import Decimal

import attrs

from homeport.domain.transition_plan.plan import percentage
from homeport.kernel.entity import Entity


class RoomStatus(enum.StrEnum):
    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class Decision(enum.StrEnum):
    """What becomes of a thing; the parking lot is a decision to decide later."""

    KEEP = "keep"
    SELL = "sell"
    DONATE = "donate"
    STORE = "store"
    TRASH = "trash"
    PARKING_LOT = "parking_lot"


@attrs.frozen(kw_only=True)
class TransitionRoom(Entity):
    """A room to be emptied. The counts are of its items, and the percentage follows them."""

    id: uuid.UUID
    user_id: uuid.UUID
    profile_id: uuid.UUID
    name: str
    room_type: str | None = None
    status: RoomStatus = RoomStatus.NOT_STARTED
    total_items: int = 0
    decided_items: int = 0
    completion_percentage: int
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class TransitionItem(Entity):
    """A thing in a room, and what is to become of it once that is decided."""

    id: uuid.UUID
    user_id: uuid.UUID
    profile_id: uuid.UUID
    room_id: uuid.UUID
    name: str
    description: str | None = None
    category: str | None = None
    decision: Decision | None = None
    decision_date: dt.datetime | None = None
    estimated_value: Decimal | None = None
    emotional_difficulty: int | None = None
    photo_url: str | None = None
    notes: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class DecisionTotal(Entity):
    """How many items have this decision, and their estimated value; None are the undecided ones."""

    decision: Decision | None = None
    items_count: int
    estimated_value: Decimal


@attrs.frozen(kw_only=True)
class DownsizingStats:
    """A plan's rooms and items in figures. `totals` has the decisions that occur, by name, undecided items last."""

    rooms_count: int
    completed_rooms_count: int
    items_count: int
    decided_count: int
    decided_percentage: int
    totals: tuple[DecisionTotal, ...]


def downsizing_stats(rooms: Sequence[TransitionRoom], totals: Sequence[DecisionTotal]) -> DownsizingStats:
    """Of these rooms, and of the items that are counted in the totals."""
    items = sum(each.items_count for each in totals)
    decided = sum(each.items_count for each in totals if each.decision is not None)
    return DownsizingStats(
        rooms_count=len(rooms),
        completed_rooms_count=sum(each.status is RoomStatus.COMPLETED for each in rooms),
        items_count=items,
        decided_count=decided,
        decided_percentage=percentage(decided, items),
        totals=tuple(totals),
    )
