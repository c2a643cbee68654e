"""Profile, tasks, timeline and company over any store."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import cast

import attrs

from homeport.domain.ids import Id
from homeport.domain.transition_plan import (
    CommunityConnection,
    ConnectionStatus,
    Phase,
    Priority,
    TaskCategory,
    TaskStatus,
    TransitionMilestone,
    TransitionProfile,
    TransitionProgress,
    TransitionTask,
    phase_at,
    progress,
)
from homeport.domain.transition_plan.defaults import LEAD_DAYS, dated_milestones, default_milestones, default_tasks
from homeport.kernel.entity import Entity
from homeport.kernel.errors import InvalidValue, MultipleRowsError, RepositoryNotFoundError
from homeport.kernel.operation import one_row
from homeport.kernel.policies import parties
from homeport.kernel.predicates import CURRENT_USER, Predicate, all_of, eq, lower, lt
from homeport.kernel.query import Deleted
from homeport.kernel.table import (
    CREATED,
    ID,
    OWNER,
    UPDATED,
    USER_OR_NULL,
    Policy,
    Row,
    Verb,
    at_least,
    between,
    check,
    column,
    differ,
    index,
    table,
)
from homeport.kernel.types import ChoiceType, NumericType
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.repositories.moments import Day, day, moment, stamped
from homeport.repositories.transition_plan.profile import OF_PLAN, TRANSITION_PROFILE, UNDER_PLAN, PlanRows


def _completed_if_timed(row: Row) -> bool | None:
    return True if row["completed_at"] is None else cast("bool | None", row["is_completed"])


TRANSITION_TASK = table(
    TransitionTask,
    "transition_tasks",
    owner="user_id",
    columns={**OF_PLAN, "estimated_hours": column(NumericType(5, 2)), "completed_by_user_id": USER_OR_NULL},
    checks=[
        check("completed_at", "{completed_at} IS NULL OR {is_completed}", _completed_if_timed),
        at_least("estimated_hours", 0),
    ],
    indexes=[index("profile_id", "is_completed"), index("category")],
    policies=UNDER_PLAN,
    order=["is_completed", "suggested_completion_date", "title"],
)

MILESTONE = table(
    TransitionMilestone,
    "transition_timeline",
    owner="user_id",
    columns=OF_PLAN,
    checks=[at_least("tasks_associated_count", 0)],
    indexes=[index("profile_id", "milestone_date")],
    policies=UNDER_PLAN,
    order=["milestone_date"],
)

_AS_PARTIES = parties("user_id", "buddy_user_id", marks=("status", "last_contact_date"))

CONNECTION = table(
    CommunityConnection,
    "transition_community",
    owner="user_id",
    columns={"id": ID, "user_id": OWNER, "buddy_user_id": OWNER, "created_at": CREATED, "updated_at": UPDATED},
    checks=[between("match_score", 0, 100), differ("user_id", "buddy_user_id")],
    indexes=[index("user_id"), index("buddy_user_id")],
    # who asks can't say that the other has accepted
    policies=[
        each if each.verb is not Verb.INSERT else Policy(Verb.INSERT, check=all_of(eq("user_id", CURRENT_USER), asked))
        for asked in [eq("status", ConnectionStatus.PENDING)]
        for each in _AS_PARTIES
    ],
    order=["-created_at"],
)


@attrs.frozen(kw_only=True)
class InitializeTransition:
    """Whose plan, and with what it starts: rows of tasks and milestones by their columns."""

    user_id: uuid.UUID
    departure_date: dt.date | None
    phase: Phase
    tasks: list[object]
    milestones: list[object]


@attrs.frozen(kw_only=True)
class InitializedTransition(Entity):
    """The live plan, and whether it was made by this call."""

    profile_id: uuid.UUID
    created: bool


INITIALIZE_TRANSITION = one_row(
    "transition_plan.initialize_transition", InitializeTransition, InitializedTransition, writes=True
)
"""Makes the plan with its tasks and milestones unless there is a live one, which stays as it is."""


@attrs.frozen(kw_only=True)
class RescheduleTransition:
    """Whose plan, its new departure, and the system milestones around that."""

    user_id: uuid.UUID
    departure_date: dt.date
    today: dt.date
    phase: Phase
    lead_days: int
    milestones: list[object]


@attrs.frozen(kw_only=True)
class RescheduledTransition(Entity):
    """The plan that was moved."""

    profile_id: uuid.UUID


RESCHEDULE_TRANSITION = one_row(
    "transition_plan.reschedule_transition", RescheduleTransition, RescheduledTransition, writes=True
)
"""Moves the departure and what is open with it. No row where there is no live plan."""


class StoredPlan:
    """The methods for profile, tasks and timeline. `community` has none besides its base repository's."""

    def __init__(self, store: Store) -> None:
        self.profiles: Collection[TransitionProfile, uuid.UUID] = Collection(store, TRANSITION_PROFILE)
        self.tasks: Collection[TransitionTask, uuid.UUID] = Collection(store, TRANSITION_TASK)
        self.timeline: Collection[TransitionMilestone, uuid.UUID] = Collection(store, MILESTONE)
        self.community: Collection[CommunityConnection, uuid.UUID] = Collection(store, CONNECTION)
        self._tasks, self._timeline = PlanRows(store, TRANSITION_TASK), PlanRows(store, MILESTONE)
        self._store = store

    # -- the profile

    async def initialize_profile(
        self, user_id: Id, departure_date: Day | None = None, *, today: Day | None = None
    ) -> TransitionProfile:
        start = day(today)
        departure = None if departure_date is None else day(departure_date, "departure_date")
        wanted = INITIALIZE_TRANSITION.parameter(
            user_id=user_id,
            departure_date=departure,
            phase=phase_at(departure, start),
            tasks=default_tasks(departure, start),
            milestones=default_milestones(departure, start),
        )
        made = await self._store.run(INITIALIZE_TRANSITION, wanted)
        return await self._plan(user_id, made.profile_id if made is not None else None)

    async def get_or_create_profile(self, user_id: Id, *, today: Day | None = None) -> TransitionProfile:
        return await self.get_profile(user_id) or await self.initialize_profile(user_id, today=today)

    async def get_profile(self, user_id: Id) -> TransitionProfile | None:
        return await self.profiles.of(user_id).find_first(name="get_profile")

    async def update_profile(
        self, user_id: Id, data: Mapping[str, object], *, today: Day | None = None
    ) -> TransitionProfile:
        start, changes = day(today), data
        if isinstance(data, Mapping) and "departure_date" in data and "current_phase" not in data:
            departure = TRANSITION_PROFILE.require("departure_date").admit(data["departure_date"])
            changes = {**data, "current_phase": phase_at(cast("dt.date | None", departure), start)}
        changed = await self.profiles.of(user_id).update_returning(None, changes)
        return changed[0] if changed else await self._plan(user_id, None)

    async def reschedule(self, user_id: Id, departure_date: Day, *, today: Day | None = None) -> TransitionProfile:
        start, departure = day(today), day(departure_date, "departure_date")
        wanted = RESCHEDULE_TRANSITION.parameter(
            user_id=user_id,
            departure_date=departure,
            today=start,
            phase=phase_at(departure, start),
            lead_days=LEAD_DAYS,
            milestones=list(dated_milestones(departure)),
        )
        moved = await self._store.run(RESCHEDULE_TRANSITION, wanted)
        return await self._plan(user_id, moved.profile_id if moved is not None else None)

    async def archive_profile(self, user_id: Id) -> bool:
        return await self.profiles.of(user_id).discard_many(None) > 0

    async def restore_profile(self, user_id: Id) -> TransitionProfile:
        archived = await self.profiles.of(user_id).find_many(
            order_by="-archived_at", limit=1, deleted=Deleted.ONLY, name="restore_profile"
        )
        if not archived:
            return await self._plan(user_id, None)
        return await self.profiles.of(user_id).restore(archived[0].id)

    async def get_transition_progress(self, user_id: Id, *, today: Day | None = None) -> TransitionProgress | None:
        # counted over the one list: it is a plan's worth of rows, the critical and overdue ones are answered as well,
        # and the weights are the domain's own
        start, plan = day(today), await self.get_profile(user_id)
        if plan is None:
            return None
        tasks = await self.tasks.of(plan.user_id).find_many(eq("profile_id", plan.id), name="get_transition_progress")
        return progress(plan, tasks, start)

    async def _plan(self, user_id: Id, profile_id: uuid.UUID | None) -> TransitionProfile:
        """The user's live plan with this id. Raises RepositoryNotFoundError, for None always."""
        if profile_id is None:
            raise RepositoryNotFoundError("no such row in transition_profiles")
        return await self.profiles.of(user_id).get_or_raise(profile_id)

    # -- tasks

    async def get_transition_tasks(
        self,
        user_id: Id,
        category: TaskCategory | str | None = None,
        status: TaskStatus | str | None = None,
        priority: Priority | str | None = None,
        limit: int | None = None,
        *,
        title: str | None = None,
        today: Day | None = None,
    ) -> list[TransitionTask]:
        named = () if title is None else (eq(lower("title"), title),)
        return await self._tasks.find(
            user_id,
            *named,
            *_with_status(status, day(today)),
            name="get_transition_tasks",
            limit=limit,
            category=category,
            priority=priority,
        )

    async def create_transition_task(self, user_id: Id, data: Mapping[str, object]) -> TransitionTask:
        return await self._tasks.create(user_id, data)

    async def update_transition_task(
        self, task_id: Id, user_id: Id, data: Mapping[str, object], *, now: dt.datetime | None = None
    ) -> TransitionTask:
        return await self._tasks.update(task_id, user_id, stamped(data, "is_completed", _done(user_id, now)))

    async def complete_transition_task(
        self, task: Id, user_id: Id, *, notes: str | None = None, now: dt.datetime | None = None
    ) -> TransitionTask:
        changes = {"is_completed": True, **_done(user_id, now), **({} if notes is None else {"notes": notes})}
        id = await self._id_of(task, user_id)
        tasks = await self._tasks.of(user_id)
        # only an open task changes, so that of many who complete it at once the first one's time stays
        changed = await tasks.update_returning(all_of(eq("id", id), eq("is_completed", False)), changes)
        return changed[0] if changed else await tasks.get_or_raise(id)

    async def delete_transition_task(self, task_id: Id, user_id: Id) -> bool:
        return await self._tasks.delete(task_id, user_id)

    async def _id_of(self, task: Id, user_id: Id) -> uuid.UUID:
        """The id that is meant by an id or a title; of completed tasks with a title, the one that comes first.

        Raises:
            RepositoryNotFoundError: no task has the title.
            MultipleRowsError: several open tasks have it.
        """
        if isinstance(task, uuid.UUID):
            return task
        if not isinstance(task, str):
            raise InvalidValue(f"task: expected an id or a title, got {type(task).__name__}", field="task")
        try:
            return uuid.UUID(task)
        except ValueError:
            found = await self.get_transition_tasks(user_id, title=task)
        opened = [each.id for each in found if not each.is_completed]
        if len(opened) > 1:
            raise MultipleRowsError("several open tasks have this title: name one by its id")
        if not found:
            raise RepositoryNotFoundError("no such row in transition_tasks")
        return opened[0] if opened else found[0].id

    # -- timeline

    async def get_timeline(self, user_id: Id) -> list[TransitionMilestone]:
        return await self._timeline.find(user_id, name="get_timeline")

    async def create_milestone(self, user_id: Id, data: Mapping[str, object]) -> TransitionMilestone:
        own = {"is_system_milestone": False, **data} if isinstance(data, Mapping) else data
        return await self._timeline.create(user_id, own)

    async def update_milestone(
        self, milestone_id: Id, user_id: Id, data: Mapping[str, object], *, now: dt.datetime | None = None
    ) -> TransitionMilestone:
        changes = stamped(data, "is_completed", {"completed_at": moment(now)})
        return await self._timeline.update(milestone_id, user_id, changes)

    async def delete_milestone(self, milestone_id: Id, user_id: Id) -> bool:
        return await self._timeline.delete(milestone_id, user_id)


def _done(user_id: Id, now: dt.datetime | None) -> Mapping[str, object]:
    at = moment(now)
    return {"completed_at": at, "actual_completion_date": at.date(), "completed_by_user_id": user_id}


def _with_status(status: TaskStatus | str | None, today: dt.date) -> tuple[Predicate, ...]:
    if status is None:
        return ()
    try:
        wanted = ChoiceType(TaskStatus).operand(status)
    except ValueError as error:
        raise InvalidValue(f"status: {error}", field="status") from None
    match wanted:
        case TaskStatus.COMPLETED:
            return (eq("is_completed", True),)
        case TaskStatus.OVERDUE:
            return (eq("is_completed", False), lt("suggested_completion_date", today))
        case _:
            return (eq("is_completed", False),)
