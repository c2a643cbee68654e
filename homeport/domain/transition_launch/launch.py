"""The launch: the week that ends with the departure, the day itself, and the first month. Knows nothing of storage."""

import datetime as dt
import enum
import uuid
from collections.abc import Mapping, Sequence

import attrs

from homeport.kernel.entity import Entity


class LaunchCategory(enum.StrEnum):
    LEGAL = "legal"
    FINANCIAL = "financial"
    VEHICLE = "vehicle"
    PERSONAL = "personal"
    COMMUNICATION = "communication"
    SAFETY = "safety"


class CheckinType(enum.StrEnum):
    DAY_1 = "day_1"
    WEEK_1 = "week_1"
    MONTH_1 = "month_1"


@attrs.frozen(kw_only=True)
class LaunchWeekTask(Entity):
    """A task of the week that ends with the departure, day 0; the same for everybody."""

    id: uuid.UUID
    day_number: int
    task_name: str
    description: str
    is_critical: bool = False
    time_estimate_minutes: int
    order_num: int
    category: LaunchCategory
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class UserLaunchTask(Entity):
    """How one user stands with one task of the launch week."""

    id: uuid.UUID
    user_id: uuid.UUID
    task_id: uuid.UUID
    is_completed: bool = False
    completed_at: dt.datetime | None = None
    notes: str | None = None
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class LaunchDate(Entity):
    """When one user leaves, and where to. The contacts stay out of its printed form."""

    id: uuid.UUID
    user_id: uuid.UUID
    launch_date: dt.date
    first_destination: str | None = None
    emergency_contacts: list[object] = attrs.field(factory=list, repr=False)
    celebration_plans: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class LaunchCheckin(Entity):
    """How it is going after a day, a week, a month; one of each."""

    id: uuid.UUID
    user_id: uuid.UUID
    checkin_type: CheckinType
    response: str
    mood: str | None = None
    challenges: str | None = None
    wins: str | None = None
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class LaunchTaskStatus:
    """A task of the launch week, and how the user stands with it; an untouched one has no mark."""

    task: LaunchWeekTask
    mark: UserLaunchTask | None

    @property
    def is_completed(self) -> bool:
        return self.mark is not None and self.mark.is_completed


@attrs.frozen(kw_only=True)
class LaunchWeekProgress:
    """The launch week in figures; `minutes_left` is the estimate for what is open."""

    tasks_count: int
    completed_count: int
    critical_count: int
    critical_completed_count: int
    completion_percentage: int
    minutes_left: int


def launch_status(tasks: Sequence[LaunchWeekTask], marks: Mapping[uuid.UUID, UserLaunchTask]) -> list[LaunchTaskStatus]:
    """Every task, in the order given, with its mark by the task's id."""
    return [LaunchTaskStatus(task=each, mark=marks.get(each.id)) for each in tasks]


def launch_progress(status: Sequence[LaunchTaskStatus]) -> LaunchWeekProgress:
    """Of these tasks; all figures are 0 without any."""
    done = [each for each in status if each.is_completed]
    return LaunchWeekProgress(
        tasks_count=len(status),
        completed_count=len(done),
        critical_count=sum(each.task.is_critical for each in status),
        critical_completed_count=sum(each.task.is_critical for each in done),
        completion_percentage=len(done) * 100 // len(status) if status else 0,
        minutes_left=sum(each.task.time_estimate_minutes for each in status if not each.is_completed),
    )
