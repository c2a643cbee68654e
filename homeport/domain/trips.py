"""Trips: a way planned by one person, its stops, who comes along, and what it costs. Knows nothing of storage."""

import datetime as dt
import enum
import uuid
from decimal import Decimal

import attrs

from homeport.domain.public_profile import PublicProfile
from homeport.kernel.entity import Entity


class TripStatus(enum.StrEnum):
    PLANNED = "planned"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class PrivacyLevel(enum.StrEnum):
    PRIVATE = "private"
    FRIENDS = "friends"
    PUBLIC = "public"


class StopType(enum.StrEnum):
    STOP = "stop"
    FUEL = "fuel"
    FOOD = "food"
    LODGING = "lodging"
    ATTRACTION = "attraction"
    REST = "rest"


class ParticipantRole(enum.StrEnum):
    OWNER = "owner"
    MEMBER = "member"
    VIEWER = "viewer"


class ParticipantStatus(enum.StrEnum):
    INVITED = "invited"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class TripExpenseCategory(enum.StrEnum):
    FUEL = "fuel"
    FOOD = "food"
    LODGING = "lodging"
    ATTRACTIONS = "attractions"
    MAINTENANCE = "maintenance"
    OTHER = "other"


@attrs.frozen(kw_only=True)
class Trip(Entity):
    """A way from one place to another, planned or done."""

    id: uuid.UUID
    user_id: uuid.UUID
    title: str | None = None
    origin: str
    destination: str
    start_date: dt.date | None = None
    end_date: dt.date | None = None
    distance_miles: Decimal | None = None
    estimated_cost: Decimal | None = None
    actual_cost: Decimal | None = None
    status: TripStatus = TripStatus.PLANNED
    notes: str | None = None
    route_data: dict[str, object] | None = None
    privacy_level: PrivacyLevel = PrivacyLevel.PRIVATE
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class TripStop(Entity):
    """A place on the way. No two stops of a trip have the same place in its order, which starts at 0."""

    id: uuid.UUID
    trip_id: uuid.UUID
    name: str
    stop_order: int
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    address: str | None = None
    stop_type: StopType = StopType.STOP
    planned_arrival: dt.datetime | None = None
    planned_departure: dt.datetime | None = None
    actual_arrival: dt.datetime | None = None
    actual_departure: dt.datetime | None = None
    visit_minutes: int | None = None
    notes: str | None = None
    rating: int | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class TripParticipant(Entity):
    """Somebody asked to come along. `trip_owner_id` is the trip's user: who asked, and who may take it back."""

    id: uuid.UUID
    trip_id: uuid.UUID
    trip_owner_id: uuid.UUID
    user_id: uuid.UUID
    role: ParticipantRole = ParticipantRole.MEMBER
    status: ParticipantStatus = ParticipantStatus.INVITED
    joined_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class ParticipantWithProfile:
    """A participant and who that is to others; None for somebody without a profile."""

    participant: TripParticipant
    profile: PublicProfile | None


@attrs.frozen(kw_only=True)
class TripExpense(Entity):
    """What was paid on a trip; `user_id` is who paid, None if that is not known any more."""

    id: uuid.UUID
    trip_id: uuid.UUID
    user_id: uuid.UUID | None = None
    amount: Decimal
    currency: str = "USD"
    category: TripExpenseCategory
    description: str | None = None
    vendor: str | None = None
    payment_method: str | None = None
    receipt_url: str | None = None
    expense_date: dt.date
    tags: tuple[str, ...] | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class Reordered(Entity):
    """Whether the stops named were all of the trip's, each once; only then they were put in that order."""

    complete: bool
