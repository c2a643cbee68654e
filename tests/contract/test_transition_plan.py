"""The transition plan: profile, tasks and timeline, on every adapter."""

import asyncio
import datetime as dt
import uuid
from decimal import Decimal

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.transition_plan import (
    ConnectionStatus,
    MilestoneType,
    Phase,
    Priority,
    TaskCategory,
    TransitionProfile,
    TransitionTask,
    percentage,
)
from homeport.domain.transition_plan.defaults import MILESTONES, TASKS, suggested_dates
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    MultipleRowsError,
    NotNullViolation,
    RepositoryNotFoundError,
    RepositoryPermissionError,
    RowSecurity,
    UniqueViolation,
)
from homeport.kernel.identity import Identity, identity
from homeport.kernel.predicates import eq, one_of
from homeport.testing import a_transition_profile, a_transition_task, a_user
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)
TODAY = dt.date(2026, 5, 1)
FAR = TODAY + dt.timedelta(days=300)
NOW = dt.datetime(2026, 5, 1, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-8)))
CALLERS = 200


def days(number: int) -> dt.timedelta:
    return dt.timedelta(days=number)


async def a_plan(db: Homeport) -> TransitionProfile:
    """The live plan of a new user, without tasks."""
    return await a_transition_profile(db)


async def the_plan(db: Homeport, user_id: uuid.UUID) -> TransitionProfile:
    found = await db.transition_plan.get_profile(user_id)
    assert found is not None
    return found


async def tasks_of(db: Homeport, plan: TransitionProfile, number: int) -> list[TransitionTask]:
    return await db.transition_plan.tasks.create_many(
        [
            {"user_id": plan.user_id, "profile_id": plan.id, "title": f"task {each:03}", "category": "life"}
            for each in range(number)
        ]
    )


# -- initialize_profile and get_or_create_profile


async def test_a_new_plan_starts_with_its_tasks_and_milestones(db: Homeport) -> None:
    user = await a_user(db)
    plan = await db.transition_plan.initialize_profile(user.id, FAR, today=TODAY)
    assert plan == TransitionProfile(
        id=plan.id,
        user_id=user.id,
        departure_date=FAR,
        current_phase=Phase.PLANNING,
        tasks_count=19,
        completion_percentage=0,
        created_at=plan.created_at,
        updated_at=plan.created_at,
    )
    tasks = {each.title: each for each in await db.transition_plan.get_transition_tasks(user.id)}
    assert set(tasks) == {each.title for each in TASKS}
    for each in TASKS:
        made = tasks[each.title]
        start, done = suggested_dates(FAR, each.days_before, TODAY)
        assert (made.user_id, made.profile_id, made.is_system_task) == (user.id, plan.id, True)
        assert (made.description, made.category, made.priority) == (each.description, each.category, each.priority)
        assert (made.suggested_start_date, made.suggested_completion_date) == (start, done)
        assert (made.milestone, made.days_before_departure) == (each.milestone, each.days_before)
        assert made.estimated_hours == Decimal(each.estimated_hours)
    timeline = await db.transition_plan.get_timeline(user.id)
    assert [each.milestone_date for each in timeline] == sorted(
        [TODAY, *(FAR - days(each.days_before) for each in MILESTONES)]
    )
    assert {each.milestone_type for each in timeline} == set(MilestoneType) - {MilestoneType.CUSTOM}
    assert all(each.is_system_milestone and each.celebration_message for each in timeline)


async def test_a_plan_without_a_departure_has_dates_later(db: Homeport) -> None:
    user = await a_user(db)
    plan = await db.transition_plan.get_or_create_profile(user.id, today=TODAY)
    assert (plan.departure_date, plan.current_phase, plan.tasks_count) == (None, Phase.PLANNING, 19)
    (start,) = await db.transition_plan.get_timeline(user.id)
    assert (start.milestone_type, start.milestone_date) == (MilestoneType.PLANNING_START, TODAY)
    tasks = await db.transition_plan.get_transition_tasks(user.id)
    assert {each.suggested_completion_date for each in tasks} == {None}


async def test_a_live_plan_stays_as_it_is(db: Homeport) -> None:
    user = await a_user(db)
    plan = await db.transition_plan.initialize_profile(user.id, FAR, today=TODAY)
    assert await db.transition_plan.initialize_profile(user.id, "2030-01-01") == plan
    assert await db.transition_plan.get_or_create_profile(user.id) == plan
    assert await db.transition_plan.tasks.count({"profile_id": plan.id}) == 19


async def test_a_plan_needs_a_user_and_days(db: Homeport) -> None:
    unknown = db.transition_plan.initialize_profile(ABSENT)
    assert await violated(ForeignKeyViolation, unknown) == ("transition_profiles_user_id_fkey", ("user_id",))
    unknown = db.transition_plan.get_or_create_profile(ABSENT)
    assert await violated(ForeignKeyViolation, unknown) == ("transition_profiles_user_id_fkey", ("user_id",))
    assert await db.transition_plan.tasks.count() == 0
    user = await a_user(db)
    assert await refused(InvalidValue, db.transition_plan.initialize_profile("me")) == "user_id"
    assert await refused(InvalidValue, db.transition_plan.initialize_profile(user.id, "soon")) == "departure_date"
    assert await refused(InvalidValue, db.transition_plan.initialize_profile(user.id, today="now")) == "today"
    assert await db.transition_plan.get_profile(user.id) is None


async def test_many_who_begin_at_once_make_one_plan(db: Homeport) -> None:
    user = await a_user(db)
    asked = (db.transition_plan.initialize_profile(user.id, FAR) for _ in range(CALLERS // 4))
    assert len({each.id for each in await asyncio.gather(*asked)}) == 1
    assert await db.transition_plan.tasks.count({"user_id": user.id}) == 19
    assert (await the_plan(db, user.id)).tasks_count == 19


# -- get_profile, update_profile, archive_profile, restore_profile


async def test_each_user_sees_the_own_plan_only(db: Homeport) -> None:
    plan, other = await a_plan(db), await a_user(db)
    assert await db.transition_plan.get_profile(str(plan.user_id)) == plan
    assert await db.transition_plan.get_profile(other.id) is None
    with pytest.raises(RepositoryNotFoundError):
        await db.transition_plan.update_profile(other.id, {"motivation": "x"})


async def test_the_phase_follows_a_departure_that_is_given(db: Homeport) -> None:
    plan = await a_plan(db)
    update = db.transition_plan.update_profile
    changed = await update(plan.user_id, {"departure_date": TODAY + days(90), "concerns": ["a", 1]}, today=TODAY)
    assert changed == attrs.evolve(
        plan,
        departure_date=TODAY + days(90),
        concerns=["a", 1],
        current_phase=Phase.PREPARING,
        updated_at=changed.updated_at,
    )
    said = await update(plan.user_id, {"departure_date": TODAY, "current_phase": "on_road"}, today=TODAY)
    assert said.current_phase is Phase.ON_ROAD
    assert (await update(plan.user_id, {"departure_date": None}, today=TODAY)).current_phase is Phase.PLANNING
    assert (await update(plan.user_id, {})).departure_date is None


@pytest.mark.parametrize("field", ["completion_percentage", "tasks_count", "archived_at", "user_id", "phase"])
async def test_counts_owners_and_unknown_fields_of_a_plan_can_not_be_given(db: Homeport, field: str) -> None:
    plan = await a_plan(db)
    value = ABSENT if field == "user_id" else 1
    assert await refused(InvalidField, db.transition_plan.update_profile(plan.user_id, {field: value})) == field


async def test_a_user_has_one_live_plan(db: Homeport) -> None:
    plan = await a_plan(db)
    second = db.transition_plan.profiles.create({"user_id": plan.user_id})
    assert await violated(UniqueViolation, second) == ("transition_profiles_user_id_key", ("user_id",))
    odd = {"motivation": "x", "hide_days_after_departure": -1}
    said = await violated(CheckViolation, db.transition_plan.update_profile(plan.user_id, odd))
    assert said[1] == ("hide_days_after_departure",)
    assert await the_plan(db, plan.user_id) == plan


async def test_an_archived_plan_is_absent_with_all_under_it_and_can_be_restored(db: Homeport) -> None:
    user = await a_user(db)
    plan = await db.transition_plan.initialize_profile(user.id, FAR, today=TODAY)
    task = (await db.transition_plan.get_transition_tasks(user.id))[0]
    assert await db.transition_plan.archive_profile(user.id) is True
    assert await db.transition_plan.archive_profile(user.id) is False
    assert await db.transition_plan.get_profile(user.id) is None
    assert await db.transition_plan.get_transition_progress(user.id) is None
    assert await db.transition_plan.get_transition_tasks(user.id) == []
    assert await db.transition_plan.get_timeline(user.id) == []
    assert await db.transition_plan.delete_transition_task(task.id, user.id) is False
    for call in (
        db.transition_plan.update_transition_task(task.id, user.id, {"title": "x"}),
        db.transition_plan.complete_transition_task(task.id, user.id),
        db.transition_plan.create_transition_task(user.id, {"title": "x", "category": "life"}),
        db.transition_plan.update_profile(user.id, {"motivation": "x"}),
        db.transition_plan.reschedule(user.id, FAR),
    ):
        with pytest.raises(RepositoryNotFoundError):
            await call
    restored = await db.transition_plan.restore_profile(user.id)
    assert restored == attrs.evolve(plan, updated_at=restored.updated_at)
    assert len(await db.transition_plan.get_transition_tasks(user.id)) == 19


async def test_a_user_may_start_anew_and_then_restores_nothing(db: Homeport) -> None:
    user = await a_user(db)
    with pytest.raises(RepositoryNotFoundError):
        await db.transition_plan.restore_profile(user.id)
    first = await db.transition_plan.initialize_profile(user.id)
    await db.transition_plan.archive_profile(user.id)
    second = await db.transition_plan.initialize_profile(user.id, FAR)
    assert second.id != first.id
    assert len(await db.transition_plan.get_transition_tasks(user.id)) == 19
    restoring = db.transition_plan.restore_profile(user.id)
    assert await violated(UniqueViolation, restoring) == ("transition_profiles_user_id_key", ("user_id",))
    await db.transition_plan.archive_profile(user.id)
    assert (await db.transition_plan.restore_profile(user.id)).id == second.id


async def test_a_plan_goes_with_its_user(db: Homeport) -> None:
    plan = await db.transition_plan.initialize_profile((await a_user(db)).id, FAR)
    assert await db.users.users.delete(plan.user_id)
    assert await db.transition_plan.tasks.count() == 0
    assert await db.transition_plan.timeline.count() == 0


# -- reschedule


async def test_a_new_departure_moves_what_is_open(db: Homeport) -> None:
    user = await a_user(db)
    await db.transition_plan.get_or_create_profile(user.id, today=TODAY)
    own = await db.transition_plan.create_transition_task(user.id, {"title": "Own", "category": "custom"})
    done = await db.transition_plan.complete_transition_task("choose the vehicle", user.id)
    moved = await db.transition_plan.reschedule(user.id, TODAY + days(60), today=TODAY)
    assert (moved.departure_date, moved.current_phase) == (TODAY + days(60), Phase.PREPARING)
    for each in await db.transition_plan.get_transition_tasks(user.id):
        before = each.days_before_departure
        if each.id in (own.id, done.id) or before is None:
            assert (each.suggested_start_date, each.suggested_completion_date) == (None, None)
        else:
            dates = suggested_dates(TODAY + days(60), before, TODAY)
            assert (each.suggested_start_date, each.suggested_completion_date) == dates
    timeline = {each.milestone_type: each for each in await db.transition_plan.get_timeline(user.id)}
    assert set(timeline) == set(MilestoneType) - {MilestoneType.CUSTOM, MilestoneType.THREE_MONTHS}
    assert timeline[MilestoneType.PLANNING_START].milestone_date == TODAY


async def test_milestones_that_are_there_move_and_completed_ones_stay(db: Homeport) -> None:
    user = await a_user(db)
    await db.transition_plan.initialize_profile(user.id, FAR, today=TODAY)
    before = {each.milestone_type: each for each in await db.transition_plan.get_timeline(user.id)}
    reached = before[MilestoneType.ONE_MONTH]
    await db.transition_plan.update_milestone(reached.id, user.id, {"is_completed": True})
    own = await db.transition_plan.create_milestone(
        user.id, {"milestone_type": "departure", "milestone_name": "Ours", "milestone_date": TODAY}
    )
    await db.transition_plan.reschedule(user.id, FAR + days(10), today=TODAY)
    after = {each.id: each.milestone_date for each in await db.transition_plan.get_timeline(user.id)}
    still = {before[MilestoneType.PLANNING_START].id: TODAY, reached.id: reached.milestone_date, own.id: TODAY}
    moved = {each.id: each.milestone_date + days(10) for each in before.values() if each.id not in still}
    assert after == still | moved


async def test_a_departure_is_moved_in_the_own_plan_only(db: Homeport) -> None:
    plan, other = await a_plan(db), await a_user(db)
    with pytest.raises(RepositoryNotFoundError):
        await db.transition_plan.reschedule(other.id, FAR)
    assert await the_plan(db, plan.user_id) == plan
    assert await refused(InvalidValue, db.transition_plan.reschedule(plan.user_id, "soon")) == "departure_date"


# -- get_transition_progress


async def test_progress_says_how_the_plan_stands(db: Homeport) -> None:
    plan = await a_plan(db)
    await db.transition_plan.update_profile(plan.user_id, {"departure_date": TODAY + days(5)}, today=TODAY)
    under = {"user_id": plan.user_id, "profile_id": plan.id}
    late = await a_transition_task(db, **under, suggested_completion_date=TODAY - days(1), title="a", priority="low")
    critical = await a_transition_task(db, **under, priority="critical", title="b")
    await a_transition_task(db, **under, priority="critical", title="c", is_completed=True)
    await a_transition_task(db)
    found = await db.transition_plan.get_transition_progress(plan.user_id, today=TODAY)
    assert found is not None
    assert found.profile == await the_plan(db, plan.user_id)
    assert (found.phase, found.days_until_departure) == (Phase.LAUNCHING, 5)
    assert (found.completion_percentage, found.readiness_percentage) == (33, 45)
    assert (found.overdue, found.critical) == ((late,), (critical,))
    assert await db.transition_plan.get_transition_progress(ABSENT) is None


# -- get_transition_tasks


async def test_tasks_are_filtered_ordered_and_limited(db: Homeport) -> None:
    plan = await a_plan(db)
    under = {"user_id": plan.user_id, "profile_id": plan.id}
    done = await a_transition_task(db, **under, title="a", is_completed=True, category="legal")
    undated = await a_transition_task(db, **under, title="b", priority="high")
    later = await a_transition_task(db, **under, title="c", suggested_completion_date=TODAY, category="legal")
    sooner = await a_transition_task(db, **under, title="d", suggested_completion_date=TODAY - days(1))
    await a_transition_task(db)
    ask = db.transition_plan.get_transition_tasks
    assert await ask(plan.user_id) == [sooner, later, undated, done]
    assert await ask(plan.user_id, category="legal") == [later, done]
    assert await ask(plan.user_id, TaskCategory.LEGAL, "open") == [later]
    assert await ask(plan.user_id, status="completed") == [done]
    assert await ask(plan.user_id, status="overdue", today=TODAY) == [sooner]
    assert await ask(plan.user_id, priority=Priority.HIGH) == [undated]
    assert await ask(plan.user_id, limit=2) == [sooner, later]
    assert await ask(plan.user_id, limit=0) == []
    assert await ask((await a_user(db)).id) == []


@pytest.mark.parametrize(("name", "value"), [("category", "fun"), ("status", "done"), ("priority", ""), ("limit", -1)])
async def test_a_filter_takes_what_there_is(db: Homeport, name: str, value: object) -> None:
    plan = await a_plan(db)
    assert await refused(InvalidValue, db.transition_plan.get_transition_tasks(plan.user_id, **{name: value})) == name  # type: ignore[arg-type]


# -- create_, update_ and delete_transition_task


async def test_a_created_task_has_its_defaults_and_moves_the_percentage(db: Homeport) -> None:
    plan = await a_plan(db)
    made = await db.transition_plan.create_transition_task(plan.user_id, {"title": "Pack", "category": "life"})
    assert made == TransitionTask(
        id=made.id,
        user_id=plan.user_id,
        profile_id=plan.id,
        title="Pack",
        category=TaskCategory.LIFE,
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert await the_plan(db, plan.user_id) == attrs.evolve(plan, tasks_count=1)


async def test_a_task_keeps_every_field_that_was_given(db: Homeport) -> None:
    plan = await a_plan(db)
    given = {
        "title": "It's",
        "description": "",
        "category": TaskCategory.CUSTOM,
        "priority": Priority.LOW,
        "estimated_hours": Decimal("1.25"),
        "suggested_start_date": TODAY,
        "depends_on_task_ids": (ABSENT,),
        "blocks_task_ids": (),
        "milestone": "departure",
        "days_before_departure": -3,
        "resources": [{"url": "x"}],
        "checklist_items": ["a", True],
    }
    made = await db.transition_plan.create_transition_task(plan.user_id, given)
    assert {name: getattr(made, name) for name in given} == given


async def test_a_task_needs_a_plan_a_title_and_rules_kept(db: Homeport) -> None:
    plan, other = await a_plan(db), await a_user(db)
    create = db.transition_plan.create_transition_task
    with pytest.raises(RepositoryNotFoundError):
        await create(other.id, {"title": "x", "category": "life"})
    assert await violated(NotNullViolation, create(plan.user_id, {"category": "life"})) == (None, ("title",))
    open_but_timed = create(plan.user_id, {"title": "x", "category": "life", "completed_at": NOW})
    assert await violated(CheckViolation, open_but_timed) == (
        "transition_tasks_completed_at_check",
        ("completed_at", "is_completed"),
    )
    assert await refused(InvalidValue, create(plan.user_id, {"title": "x", "category": "fun"})) == "category"
    assert await refused(InvalidField, create(plan.user_id, {"title": "x", "profile_id": ABSENT})) == "profile_id"
    (task,) = await tasks_of(db, plan, 1)
    negative = db.transition_plan.update_transition_task(task.id, plan.user_id, {"title": "x", "estimated_hours": -1})
    assert (await violated(CheckViolation, negative))[1] == ("estimated_hours",)
    assert await db.transition_plan.get_transition_tasks(plan.user_id) == [task]


async def test_completion_brings_when_on_which_day_and_by_whom_and_takes_them_away(db: Homeport) -> None:
    plan = await a_plan(db)
    (task,) = await tasks_of(db, plan, 1)
    update = db.transition_plan.update_transition_task
    done = await update(task.id, plan.user_id, {"is_completed": True}, now=NOW)
    assert done == attrs.evolve(
        task,
        is_completed=True,
        completed_at=NOW.astimezone(dt.UTC),
        actual_completion_date=TODAY,
        completed_by_user_id=plan.user_id,
        updated_at=done.updated_at,
    )
    assert (await the_plan(db, plan.user_id)).completion_percentage == 100
    dated = await update(task.id, plan.user_id, {"is_completed": True, "actual_completion_date": FAR}, now=NOW)
    assert dated.actual_completion_date == FAR
    opened = await update(task.id, plan.user_id, {"is_completed": False})
    assert opened == attrs.evolve(task, updated_at=opened.updated_at)
    assert (await the_plan(db, plan.user_id)).completion_percentage == 0
    assert (await update(task.id, plan.user_id, {"notes": "x"})).completed_at is None


async def test_another_users_task_is_as_absent(db: Homeport) -> None:
    plan, other = await a_plan(db), await a_plan(db)
    (task,) = await tasks_of(db, plan, 1)
    for call in (
        db.transition_plan.update_transition_task(task.id, other.user_id, {"title": "stolen"}),
        db.transition_plan.complete_transition_task(task.id, other.user_id),
        db.transition_plan.complete_transition_task(task.title, other.user_id),
        db.transition_plan.complete_transition_task(ABSENT, plan.user_id),
    ):
        with pytest.raises(RepositoryNotFoundError):
            await call
    assert await db.transition_plan.delete_transition_task(task.id, other.user_id) is False
    assert await db.transition_plan.get_transition_tasks(plan.user_id) == [task]


async def test_a_deleted_task_moves_the_percentage(db: Homeport) -> None:
    plan = await a_plan(db)
    first, second, _ = await tasks_of(db, plan, 3)
    await db.transition_plan.complete_transition_task(first.id, plan.user_id)
    assert (await the_plan(db, plan.user_id)).completion_percentage == 33
    assert await db.transition_plan.delete_transition_task(second.id, plan.user_id) is True
    assert await db.transition_plan.delete_transition_task(second.id, plan.user_id) is False
    assert (await the_plan(db, plan.user_id)).completion_percentage == 50
    assert await db.transition_plan.delete_transition_task(first.id, plan.user_id) is True
    found = await the_plan(db, plan.user_id)
    assert (found.tasks_count, found.completed_tasks_count, found.completion_percentage) == (1, 0, 0)


async def test_the_percentage_follows_whatever_the_base_repository_does(db: Homeport) -> None:
    plan, other = await a_plan(db), await a_plan(db)
    tasks = db.transition_plan.tasks
    made = await tasks_of(db, plan, 8)
    await tasks.update_many({"id": [each.id for each in made[:5]]}, {"is_completed": True})
    assert (await the_plan(db, plan.user_id)).completion_percentage == 62
    await tasks.update_many(one_of("id", [each.id for each in made[:2]]), {"profile_id": other.id})
    assert (await the_plan(db, plan.user_id)).completion_percentage == 50
    assert (await the_plan(db, other.user_id)).completion_percentage == 100
    await tasks.delete_many(eq("is_completed", False))
    found = await the_plan(db, plan.user_id)
    assert (found.tasks_count, found.completed_tasks_count, found.completion_percentage) == (3, 3, 100)
    assert await tasks.delete_many({"profile_id": plan.id}) == 3
    assert (await the_plan(db, plan.user_id)).completion_percentage == 0


# -- complete_transition_task


async def test_a_task_is_completed_by_its_id(db: Homeport) -> None:
    plan = await a_plan(db)
    first, _ = await tasks_of(db, plan, 2)
    done = await db.transition_plan.complete_transition_task(str(first.id), plan.user_id, notes="at last", now=NOW)
    assert (done.completed_at, done.actual_completion_date, done.notes) == (NOW, TODAY, "at last")
    assert done.completed_by_user_id == plan.user_id
    again = await db.transition_plan.complete_transition_task(first.id, plan.user_id, notes="again")
    assert again == done
    assert (await the_plan(db, plan.user_id)).completion_percentage == 50


async def test_a_task_is_completed_by_its_title_whatever_the_capitals(db: Homeport) -> None:
    plan = await a_plan(db)
    under = {"user_id": plan.user_id, "profile_id": plan.id}
    task = await a_transition_task(db, **under, title="Sell the Piano")
    done = await db.transition_plan.complete_transition_task("sell the piano", plan.user_id)
    assert done.id == task.id
    assert await db.transition_plan.complete_transition_task("SELL THE PIANO", plan.user_id) == done
    again = await a_transition_task(db, **under, title="sell the piano")
    assert (await db.transition_plan.complete_transition_task("Sell the Piano", plan.user_id)).id == again.id
    with pytest.raises(RepositoryNotFoundError):
        await db.transition_plan.complete_transition_task("sell%", plan.user_id)


async def test_a_title_of_several_open_tasks_completes_none(db: Homeport) -> None:
    plan = await a_plan(db)
    for _ in range(2):
        await a_transition_task(db, user_id=plan.user_id, profile_id=plan.id, title="Pack")
    with pytest.raises(MultipleRowsError):
        await db.transition_plan.complete_transition_task("pack", plan.user_id)
    assert (await the_plan(db, plan.user_id)).completed_tasks_count == 0


async def test_a_completion_takes_an_id_or_title_and_an_aware_time(db: Homeport) -> None:
    plan = await a_plan(db)
    (task,) = await tasks_of(db, plan, 1)
    complete = db.transition_plan.complete_transition_task
    assert await refused(InvalidValue, complete(7, plan.user_id)) == "task"  # type: ignore[arg-type]
    assert await refused(InvalidValue, complete(task.id, plan.user_id, now=dt.datetime(2026, 5, 1))) == "now"


async def test_completions_at_once_leave_the_percentage_right(db: Homeport) -> None:
    plan = await a_plan(db)
    tasks = await tasks_of(db, plan, CALLERS + 50)
    completions = [
        db.transition_plan.complete_transition_task(each.id if number % 2 else each.title, plan.user_id)
        for number, each in enumerate(tasks[:CALLERS])
    ]
    again = [db.transition_plan.complete_transition_task(each.id, plan.user_id) for each in tasks[:20]]
    gone = [db.transition_plan.delete_transition_task(each.id, plan.user_id) for each in tasks[CALLERS : CALLERS + 25]]
    await asyncio.gather(*completions, *again, *gone)
    found = await the_plan(db, plan.user_id)
    assert (found.tasks_count, found.completed_tasks_count) == (CALLERS + 25, CALLERS)
    assert found.completion_percentage == percentage(CALLERS, CALLERS + 25)
    assert len(await db.transition_plan.get_transition_tasks(plan.user_id, status="completed")) == CALLERS


# -- timeline


async def test_milestones_are_created_changed_and_removed(db: Homeport) -> None:
    plan, other = await a_plan(db), await a_plan(db)
    given = {"milestone_type": "custom", "milestone_name": "House sold", "milestone_date": TODAY}
    made = await db.transition_plan.create_milestone(plan.user_id, given)
    assert (made.milestone_type, made.is_system_milestone, made.completed_at) == (MilestoneType.CUSTOM, False, None)
    earlier = await db.transition_plan.create_milestone(plan.user_id, {**given, "milestone_date": TODAY - days(1)})
    assert await db.transition_plan.get_timeline(plan.user_id) == [earlier, made]
    assert await db.transition_plan.get_timeline(other.user_id) == []
    done = await db.transition_plan.update_milestone(made.id, plan.user_id, {"is_completed": True}, now=NOW)
    assert (done.is_completed, done.completed_at) == (True, NOW)
    opened = await db.transition_plan.update_milestone(made.id, plan.user_id, {"is_completed": False})
    assert opened == attrs.evolve(made, updated_at=opened.updated_at)
    with pytest.raises(RepositoryNotFoundError):
        await db.transition_plan.update_milestone(made.id, other.user_id, {"milestone_name": "x"})
    assert await db.transition_plan.delete_milestone(made.id, other.user_id) is False
    assert await db.transition_plan.delete_milestone(made.id, plan.user_id) is True
    missing = db.transition_plan.create_milestone(plan.user_id, {"milestone_type": "custom", "milestone_name": "x"})
    assert await violated(NotNullViolation, missing) == (None, ("milestone_date",))
    nameless = db.transition_plan.update_milestone(earlier.id, plan.user_id, {"milestone_name": None})
    assert await violated(NotNullViolation, nameless) == (None, ("milestone_name",))
    with pytest.raises(RepositoryNotFoundError):
        await db.transition_plan.create_milestone((await a_user(db)).id, given)


# -- company


async def test_a_connection_has_two_people_and_a_score_within_a_hundred(db: Homeport) -> None:
    user, buddy = await a_user(db), await a_user(db)
    community = db.transition_plan.community
    made = await community.of(user.id).create({"buddy_user_id": buddy.id, "connection_type": "mentor"})
    assert (made.user_id, made.status, made.shared_interests) == (user.id, ConnectionStatus.PENDING, [])
    looking = await community.of(user.id).create({})
    assert looking.buddy_user_id is None
    alone = community.of(user.id).create({"buddy_user_id": user.id})
    assert (await violated(CheckViolation, alone))[0] == "transition_community_user_id_buddy_user_id_check"
    too_much = community.of(user.id).create({"match_score": 101})
    assert await violated(CheckViolation, too_much) == ("transition_community_match_score_check", ("match_score",))
    assert await db.users.users.delete(buddy.id)
    assert await community.find_many() == [looking]


# -- under the user's own database role


def signed_in(user_id: uuid.UUID) -> Identity:
    return identity({"role": "authenticated", "sub": str(user_id)})


async def test_a_signed_in_user_plans_with_the_own_rights_alone(db: Homeport) -> None:
    user, other = await a_user(db), await a_plan(db)
    mine = db.as_user(signed_in(user.id)).transition_plan
    plan = await mine.initialize_profile(user.id, FAR, today=TODAY)
    assert plan.tasks_count == 19
    done = await mine.complete_transition_task("redirect the post", user.id)
    assert await mine.delete_transition_task((await mine.get_transition_tasks(user.id))[0].id, user.id)
    found = await the_plan(db, user.id)
    assert (found.tasks_count, found.completed_tasks_count, found.completion_percentage) == (18, 1, 5)
    assert (await mine.reschedule(user.id, FAR + days(1), today=TODAY)).departure_date == FAR + days(1)
    room = await mine.create_room(user.id, {"name": "Attic"})
    await mine.create_item(room.id, user.id, {"name": "Piano", "decision": "sell", "estimated_value": 5})
    assert (await mine.get_downsizing_stats(user.id)).decided_percentage == 100
    assert await mine.archive_profile(user.id)
    assert (await mine.restore_profile(user.id)).id == plan.id
    assert (await mine.tasks.get_or_raise(done.id)).completed_by_user_id == user.id
    for call in (
        mine.initialize_profile((await a_user(db)).id),
        mine.profiles.create({"user_id": (await a_user(db)).id}),
        mine.tasks.create({"user_id": user.id, "profile_id": other.id, "title": "x", "category": "life"}),
    ):
        with pytest.raises(RowSecurity):
            await call
    assert await mine.get_profile(other.user_id) is None
    with pytest.raises(RepositoryNotFoundError):
        await mine.reschedule(other.user_id, FAR)
    with pytest.raises(RepositoryPermissionError):
        await db.as_user(None).transition_plan.initialize_profile(user.id)


async def test_who_asks_somebody_along_does_not_answer_for_them(db: Homeport) -> None:
    user, buddy = await a_user(db), await a_user(db)
    asking = db.as_user(signed_in(user.id)).transition_plan.community.of(user.id)
    with pytest.raises(RowSecurity):
        await asking.create({"buddy_user_id": buddy.id, "status": "accepted"})
    asked = await asking.create({"buddy_user_id": buddy.id})
    answering = db.as_user(signed_in(buddy.id)).transition_plan.community
    assert (await answering.update(asked.id, {"status": "accepted"})).status is ConnectionStatus.ACCEPTED
