"""The transition's launch over any store."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import cast

from homeport.domain.ids import Id
from homeport.domain.transition_launch import (
    CheckinType,
    LaunchCheckin,
    LaunchDate,
    LaunchTaskStatus,
    LaunchWeekProgress,
    LaunchWeekTask,
    ShakedownIssue,
    ShakedownStats,
    ShakedownSummary,
    ShakedownTrip,
    TripWithIssues,
    UserLaunchTask,
    launch_progress,
    launch_status,
    shakedown_stats,
)
from homeport.domain.transition_launch.launch_week import LAUNCH_WEEK
from homeport.domain.transition_plan import TransitionProfile
from homeport.kernel.errors import RepositoryNotFoundError
from homeport.kernel.policies import also_under, catalogue, owned
from homeport.kernel.predicates import Predicate, eq
from homeport.kernel.table import (
    CREATED,
    ID,
    OWNER,
    UPDATED,
    OnDelete,
    Row,
    at_least,
    between,
    check,
    column,
    index,
    more_than,
    not_before,
    table,
    unique,
)
from homeport.kernel.types import NumericType
from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.ports.transition_launch import LaunchRepository
from homeport.repositories.collection import Collection
from homeport.repositories.migrations import shipped
from homeport.repositories.moments import Day, day, moment, stamped
from homeport.repositories.money import MONEY
from homeport.repositories.transition_plan.profile import OF_PLAN, TRANSITION_PROFILE, UNDER_PLAN, PlanRows

SHAKEDOWN_TRIP = table(
    ShakedownTrip,
    "shakedown_trips",
    owner="user_id",
    columns={**OF_PLAN, "distance_miles": column(NumericType(10, 2))},
    checks=[
        more_than("duration_days", 0),
        at_least("distance_miles", 0),
        not_before("end_date", "start_date"),
        between("confidence_rating", 1, 10),
    ],
    indexes=[index("profile_id", "-start_date")],
    policies=UNDER_PLAN,
    order=["-start_date", "-created_at"],
)

SHAKEDOWN_ISSUE = table(
    ShakedownIssue,
    "shakedown_issues",
    owner="user_id",
    columns={
        **OF_PLAN,
        "trip_id": column(references="shakedown_trips", on_delete=OnDelete.CASCADE),
        "estimated_cost": MONEY,
        "actual_cost": MONEY,
    },
    checks=[at_least("estimated_cost", 0), at_least("actual_cost", 0)],
    indexes=[index("profile_id", "is_resolved"), index("trip_id")],
    policies=also_under(UNDER_PLAN, SHAKEDOWN_TRIP, "trip_id"),
    order=["is_resolved", "-created_at"],
)

LAUNCH_WEEK_TASK = table(
    LaunchWeekTask,
    "launch_week_tasks",
    columns={"id": ID, "created_at": CREATED},
    checks=[between("day_number", -7, 0), at_least("time_estimate_minutes", 0)],
    indexes=[index("day_number", "order_num")],
    policies=catalogue(),
    order=["day_number", "order_num"],
)


def _completed_if_timed(row: Row) -> bool | None:
    return True if row["completed_at"] is None else cast("bool | None", row["is_completed"])


USER_LAUNCH_TASK = table(
    UserLaunchTask,
    "user_launch_tasks",
    owner="user_id",
    columns={
        "id": ID,
        "user_id": OWNER,
        "task_id": column(references="launch_week_tasks", on_delete=OnDelete.CASCADE),
        "created_at": CREATED,
    },
    uniques=[unique("user_id", "task_id")],
    checks=[check("completed_at", "{completed_at} IS NULL OR {is_completed}", _completed_if_timed)],
    policies=owned(),
    order=["created_at"],
)

LAUNCH_DATE = table(
    LaunchDate,
    "user_launch_dates",
    owner="user_id",
    columns={"id": ID, "user_id": OWNER, "created_at": CREATED, "updated_at": UPDATED},
    uniques=[unique("user_id")],
    policies=owned(),
    order=["launch_date"],
)

CHECKIN = table(
    LaunchCheckin,
    "launch_checkins",
    owner="user_id",
    columns={"id": ID, "user_id": OWNER, "created_at": CREATED},
    uniques=[unique("user_id", "checkin_type")],
    policies=owned(),
    order=["created_at"],
)


class StoredTransitionLaunch:
    """The second half of document 000's TransitionRepository; each of its tables is a base repository.

    Statistics are counted here over lists, not by the database: a user has few trips, and the launch week is one short
    catalogue. So one rule in the domain serves every adapter.
    """

    def __init__(self, store: Store) -> None:
        self.trips: Collection[ShakedownTrip, uuid.UUID] = Collection(store, SHAKEDOWN_TRIP)
        self.issues: Collection[ShakedownIssue, uuid.UUID] = Collection(store, SHAKEDOWN_ISSUE)
        self.launch_week: Collection[LaunchWeekTask, uuid.UUID] = Collection(store, LAUNCH_WEEK_TASK)
        self.launch_tasks: Collection[UserLaunchTask, uuid.UUID] = Collection(store, USER_LAUNCH_TASK)
        self.launch_dates: Collection[LaunchDate, uuid.UUID] = Collection(store, LAUNCH_DATE)
        self.checkins: Collection[LaunchCheckin, uuid.UUID] = Collection(store, CHECKIN)
        self._profiles: Collection[TransitionProfile, uuid.UUID] = Collection(store, TRANSITION_PROFILE)
        self._trips, self._issues = PlanRows(store, SHAKEDOWN_TRIP), PlanRows(store, SHAKEDOWN_ISSUE)

    # -- shakedown trips

    async def log_shakedown_trip(self, user_id: Id, data: Mapping[str, object]) -> ShakedownTrip:
        return await self._trips.create(user_id, data)

    async def get_shakedown_trips(self, user_id: Id) -> list[ShakedownTrip]:
        return await self._trips.find(user_id, name="get_shakedown_trips")

    async def update_shakedown_trip(self, trip_id: Id, user_id: Id, data: Mapping[str, object]) -> ShakedownTrip:
        return await self._trips.update(trip_id, user_id, data)

    async def delete_shakedown_trip(self, trip_id: Id, user_id: Id) -> bool:
        return await self._trips.delete(trip_id, user_id)

    async def add_shakedown_issue(
        self, user_id: Id, data: Mapping[str, object], trip_id: Id | None = None
    ) -> ShakedownIssue:
        trip = await self._trip(user_id, *(() if trip_id is None else (eq("id", trip_id),)))
        of_trip = self.issues.of(trip.user_id).within("profile_id", trip.profile_id).within("trip_id", trip.id)
        return await of_trip.create(data)

    async def get_shakedown_issues(
        self, user_id: Id, trip_id: Id | None = None, is_resolved: bool | None = None
    ) -> list[ShakedownIssue]:
        return await self._issues.find(user_id, name="get_shakedown_issues", trip_id=trip_id, is_resolved=is_resolved)

    async def update_shakedown_issue(
        self, issue_id: Id, user_id: Id, data: Mapping[str, object], *, today: Day | None = None
    ) -> ShakedownIssue:
        changes = stamped(data, "is_resolved", {"resolved_date": day(today)})
        if isinstance(data, Mapping) and data.get("trip_id") is not None:
            await self._trip(user_id, eq("id", SHAKEDOWN_ISSUE.require("trip_id").admit(data["trip_id"])))
        return await self._issues.update(issue_id, user_id, changes)

    async def delete_shakedown_issue(self, issue_id: Id, user_id: Id) -> bool:
        return await self._issues.delete(issue_id, user_id)

    async def get_shakedown_summary(self, user_id: Id) -> ShakedownSummary:
        trips = await self._trips.find(user_id, name="get_shakedown_summary")
        issues = await self._issues.find(user_id, name="get_shakedown_summary")
        of_trip: dict[uuid.UUID, list[ShakedownIssue]] = {each.id: [] for each in trips}
        for each in issues:
            of_trip.setdefault(each.trip_id, []).append(each)
        one_by_one = tuple(TripWithIssues(trip=each, issues=tuple(of_trip[each.id])) for each in trips)
        return ShakedownSummary(stats=shakedown_stats(trips, issues), trips=one_by_one)

    async def get_shakedown_stats(self, user_id: Id) -> ShakedownStats:
        trips = await self._trips.find(user_id, name="get_shakedown_stats")
        return shakedown_stats(trips, await self._issues.find(user_id, name="get_shakedown_stats"))

    async def _trip(self, user_id: Id, *wanted: Predicate) -> ShakedownTrip:
        """The latest of the trips that are meant. Raises RepositoryNotFoundError."""
        found = await self._trips.find(user_id, *wanted, limit=1, name="latest_trip")
        if not found:
            raise RepositoryNotFoundError("no such row in shakedown_trips")
        return found[0]

    # -- the launch week

    async def install_launch_week(self) -> int:
        return len(await self.launch_week.upsert_many(LAUNCH_WEEK))

    async def get_launch_week_tasks(self, day_number: int | None = None) -> list[LaunchWeekTask]:
        wanted = {} if day_number is None else {"day_number": day_number}
        return await self.launch_week.find_many(wanted, name="get_launch_week_tasks")

    async def get_launch_week_status(self, user_id: Id) -> list[LaunchTaskStatus]:
        marks = await self.launch_tasks.of(user_id).find_many(name="get_launch_week_status")
        user = USER_LAUNCH_TASK.require("user_id").operand(user_id)
        tasks = await self.launch_week.asked_by(user).find_many(name="get_launch_week_status")
        return launch_status(tasks, {each.task_id: each for each in marks})

    async def get_launch_week_progress(self, user_id: Id) -> LaunchWeekProgress:
        return launch_progress(await self.get_launch_week_status(user_id))

    async def complete_launch_task(
        self, task_id: Id, user_id: Id, notes: str | None = None, *, now: dt.datetime | None = None
    ) -> UserLaunchTask:
        mark: dict[str, object] = {"task_id": task_id, "is_completed": True, "completed_at": moment(now)}
        if notes is not None:
            mark["notes"] = notes
        return await self.launch_tasks.of(user_id).upsert(mark, target=("user_id", "task_id"))

    async def reopen_launch_task(self, task_id: Id, user_id: Id) -> UserLaunchTask:
        reopened: Row = {"is_completed": False, "completed_at": None}
        changed = await self.launch_tasks.of(user_id).update_returning({"task_id": task_id}, reopened)
        if not changed:
            raise RepositoryNotFoundError("no such row in user_launch_tasks")
        return changed[0]

    # -- the day itself, and after it

    async def set_launch_date(self, user_id: Id, data: Mapping[str, object]) -> LaunchDate:
        return await self.launch_dates.of(user_id).upsert(data, target=("user_id",))

    async def get_launch_date(self, user_id: Id) -> LaunchDate | None:
        return await self.launch_dates.of(user_id).find_first(name="get_launch_date")

    async def get_days_until_launch(self, user_id: Id, *, today: Day | None = None) -> int | None:
        start, launch = day(today), await self.get_launch_date(user_id)
        if launch is not None:
            return (launch.launch_date - start).days
        plan = await self._profiles.of(user_id).find_first(name="get_days_until_launch")
        return None if plan is None or plan.departure_date is None else (plan.departure_date - start).days

    async def save_checkin(
        self, user_id: Id, checkin_type: CheckinType | str, data: Mapping[str, object]
    ) -> LaunchCheckin:
        row = {**data, "checkin_type": checkin_type} if isinstance(data, Mapping) else data
        return await self.checkins.of(user_id).upsert(row, target=("user_id", "checkin_type"))

    async def get_checkins(self, user_id: Id) -> list[LaunchCheckin]:
        return await self.checkins.of(user_id).find_many(name="get_checkins")


TRANSITION_LAUNCH: Context[LaunchRepository] = Context(
    "transition_launch",
    StoredTransitionLaunch,
    tables=(SHAKEDOWN_TRIP, SHAKEDOWN_ISSUE, LAUNCH_WEEK_TASK, USER_LAUNCH_TASK, LAUNCH_DATE, CHECKIN),
    migrations=shipped("transition_launch"),
    requires=("users", "transition_plan"),
)
