"""The plan itself: a user's profile, its tasks and milestones, and how far along it is. Knows nothing of storage."""

import datetime as dt
import enum
import uuid
from collections.abc import Iterable, Sequence
from decimal import Decimal

import attrs

from homeport.kernel.entity import Entity


class Phase(enum.StrEnum):
    """How near the departure is."""

    PLANNING = "planning"
    PREPARING = "preparing"
    LAUNCHING = "launching"
    ON_ROAD = "on_road"


class TransitionType(enum.StrEnum):
    FULL_TIME = "full_time"
    PART_TIME = "part_time"
    SEASONAL = "seasonal"
    EXPLORING = "exploring"


class Priority(enum.StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class TaskCategory(enum.StrEnum):
    FINANCIAL = "financial"
    VEHICLE = "vehicle"
    LIFE = "life"
    DOWNSIZING = "downsizing"
    EQUIPMENT = "equipment"
    LEGAL = "legal"
    SOCIAL = "social"
    CUSTOM = "custom"


class TaskStatus(enum.StrEnum):
    """What tasks are asked for by: overdue ones are open, and should have been done before today."""

    OPEN = "open"
    OVERDUE = "overdue"
    COMPLETED = "completed"


class MilestoneType(enum.StrEnum):
    PLANNING_START = "planning_start"
    THREE_MONTHS = "three_months"
    ONE_MONTH = "one_month"
    ONE_WEEK = "one_week"
    DEPARTURE = "departure"
    FIRST_NIGHT = "first_night"
    ONE_MONTH_ROAD = "one_month_road"
    CUSTOM = "custom"


@attrs.frozen(kw_only=True)
class TransitionProfile(Entity):
    """One user's plan to leave. A user has at most one that is not archived.

    The counts are of its tasks, and the percentage follows them. The phase is that of the day when it was written.
    """

    id: uuid.UUID
    user_id: uuid.UUID
    departure_date: dt.date | None = None
    current_phase: Phase | None = None
    transition_type: TransitionType = TransitionType.FULL_TIME
    motivation: str | None = None
    concerns: list[object] = attrs.field(factory=list)
    is_enabled: bool = True
    auto_hide_after_departure: bool = True
    hide_days_after_departure: int = 30
    tasks_count: int = 0
    completed_tasks_count: int = 0
    completion_percentage: int
    last_milestone_reached: str | None = None
    archived_at: dt.datetime | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class TransitionTask(Entity):
    """Something to be done before, or after, the departure. System tasks are those that every plan starts with."""

    id: uuid.UUID
    user_id: uuid.UUID
    profile_id: uuid.UUID
    title: str
    description: str | None = None
    category: TaskCategory
    is_system_task: bool = False
    priority: Priority = Priority.MEDIUM
    estimated_hours: Decimal | None = None
    is_completed: bool = False
    completed_at: dt.datetime | None = None
    completed_by_user_id: uuid.UUID | None = None
    suggested_start_date: dt.date | None = None
    suggested_completion_date: dt.date | None = None
    actual_completion_date: dt.date | None = None
    depends_on_task_ids: tuple[uuid.UUID, ...] | None = None
    blocks_task_ids: tuple[uuid.UUID, ...] | None = None
    milestone: str | None = None
    days_before_departure: int | None = None
    notes: str | None = None
    resources: list[object] = attrs.field(factory=list)
    checklist_items: list[object] = attrs.field(factory=list)
    created_at: dt.datetime
    updated_at: dt.datetime

    def is_overdue(self, today: dt.date) -> bool:
        """Whether it is open and should have been done before this day."""
        due = self.suggested_completion_date
        return not self.is_completed and due is not None and due < today


@attrs.frozen(kw_only=True)
class TransitionMilestone(Entity):
    """A day of the plan worth looking forward to."""

    id: uuid.UUID
    user_id: uuid.UUID
    profile_id: uuid.UUID
    milestone_type: MilestoneType
    milestone_name: str
    milestone_date: dt.date
    is_completed: bool = False
    completed_at: dt.datetime | None = None
    description: str | None = None
    celebration_message: str | None = None
    tasks_associated_count: int = 0
    is_system_milestone: bool = True
    custom_icon: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class TransitionProgress:
    """How a plan stands on one day. Readiness counts a task by its priority, completion every task alike.

    `days_until_departure` is below zero once it is past, None without a date. `overdue` and `critical` are open tasks.
    """

    profile: TransitionProfile
    phase: Phase
    days_until_departure: int | None
    completion_percentage: int
    readiness_percentage: int
    overdue: tuple[TransitionTask, ...]
    critical: tuple[TransitionTask, ...]


WEIGHTS = {Priority.LOW: 1, Priority.MEDIUM: 2, Priority.HIGH: 3, Priority.CRITICAL: 5}
"""What a task counts for in the readiness."""


def phase_at(departure: dt.date | None, today: dt.date) -> Phase:
    """The phase on that day; without a departure there is only planning."""
    if departure is None:
        return Phase.PLANNING
    days = (departure - today).days
    if days < 0:
        return Phase.ON_ROAD
    if days <= 7:
        return Phase.LAUNCHING
    return Phase.PREPARING if days <= 90 else Phase.PLANNING


def percentage(part: int, whole: int) -> int:
    """The whole percents of it, from 0 to 100; 0 of nothing. It is 100 only for all of it."""
    if whole <= 0:
        return 0
    return max(0, min(100, part * 100 // whole))


def readiness(tasks: Iterable[TransitionTask]) -> int:
    """The percentage of the tasks' weight that is done; 0 without tasks."""
    weights = [(WEIGHTS[each.priority], each.is_completed) for each in tasks]
    return percentage(sum(weight for weight, done in weights if done), sum(weight for weight, _ in weights))


def progress(profile: TransitionProfile, tasks: Sequence[TransitionTask], today: dt.date) -> TransitionProgress:
    """How the plan with these tasks stands on that day; the tasks stay in their order."""
    departure = profile.departure_date
    return TransitionProgress(
        profile=profile,
        phase=phase_at(departure, today),
        days_until_departure=None if departure is None else (departure - today).days,
        completion_percentage=percentage(sum(each.is_completed for each in tasks), len(tasks)),
        readiness_percentage=readiness(tasks),
        overdue=tuple(each for each in tasks if each.is_overdue(today)),
        critical=tuple(each for each in tasks if each.priority is Priority.CRITICAL and not each.is_completed),
    )
