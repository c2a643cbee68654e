"""Shakedown trips: short ones that are to show what does not work yet. Knows nothing of storage."""

import datetime as dt
import enum
import uuid
from collections.abc import Sequence
from decimal import Decimal

import attrs

from homeport.kernel.entity import Entity


class TripType(enum.StrEnum):
    WEEKEND = "weekend"
    WEEK = "week"
    EXTENDED = "extended"


class IssueCategory(enum.StrEnum):
    POWER = "power"
    WATER = "water"
    COMFORT = "comfort"
    STORAGE = "storage"
    DRIVING = "driving"


class IssueSeverity(enum.StrEnum):
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


@attrs.frozen(kw_only=True)
class ShakedownTrip(Entity):
    """A short trip that is to show what does not work yet."""

    id: uuid.UUID
    user_id: uuid.UUID
    profile_id: uuid.UUID
    name: str
    duration_days: int
    distance_miles: Decimal | None = None
    trip_type: TripType
    start_date: dt.date
    end_date: dt.date | None = None
    confidence_rating: int | None = None
    lessons_learned: str | None = None
    photos: list[object] = attrs.field(factory=list)
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class ShakedownIssue(Entity):
    """Something that did not work on a trip. Its user and profile are the trip's."""

    id: uuid.UUID
    user_id: uuid.UUID
    trip_id: uuid.UUID
    profile_id: uuid.UUID
    category: IssueCategory
    severity: IssueSeverity
    description: str
    solution_found: str | None = None
    is_resolved: bool = False
    parts_needed: str | None = None
    estimated_cost: Decimal | None = None
    actual_cost: Decimal | None = None
    resolved_date: dt.date | None = None
    notes: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class ShakedownStats:
    """The trips in figures. Critical issues are open ones; the confidence is that of the latest trip that has one."""

    trips_count: int
    days_total: int
    miles_total: Decimal
    open_issues_count: int
    resolved_issues_count: int
    critical_issues_count: int
    last_confidence_rating: int | None


@attrs.frozen(kw_only=True)
class TripWithIssues:
    """A trip and its issues."""

    trip: ShakedownTrip
    issues: tuple[ShakedownIssue, ...]


@attrs.frozen(kw_only=True)
class ShakedownSummary:
    """The trips in figures, and one by one."""

    stats: ShakedownStats
    trips: tuple[TripWithIssues, ...]


def shakedown_stats(trips: Sequence[ShakedownTrip], issues: Sequence[ShakedownIssue]) -> ShakedownStats:
    """Of these trips, the latest first, and of these issues."""
    opened = [each for each in issues if not each.is_resolved]
    rated = (each.confidence_rating for each in trips if each.confidence_rating is not None)
    return ShakedownStats(
        trips_count=len(trips),
        days_total=sum(each.duration_days for each in trips),
        miles_total=sum((each.distance_miles for each in trips if each.distance_miles is not None), Decimal(0)),
        open_issues_count=len(opened),
        resolved_issues_count=len(issues) - len(opened),
        critical_issues_count=sum(each.severity is IssueSeverity.CRITICAL for each in opened),
        last_confidence_rating=next(rated, None),
    )
