"""The transition's launch: shakedown trips, the launch week, the day itself and check-ins, on every adapter."""

import asyncio
import datetime as dt
import uuid
from decimal import Decimal

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.transition_launch import (
    CheckinType,
    LaunchDate,
    LaunchTaskStatus,
    LaunchWeekProgress,
    ShakedownIssue,
    ShakedownStats,
    ShakedownTrip,
    TripType,
    TripWithIssues,
)
from homeport.domain.transition_launch.launch_week import LAUNCH_WEEK
from homeport.domain.transition_plan import TransitionProfile
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
    RepositoryPermissionError,
)
from homeport.kernel.identity import identity
from homeport.kernel.observe import Observation
from homeport.middleware.observe import ObservedStore
from homeport.repositories.transition_launch import TRANSITION_LAUNCH, StoredTransitionLaunch
from homeport.testing import (
    a_launch_week_task,
    a_shakedown_issue,
    a_shakedown_trip,
    a_transition_profile,
    a_user,
)
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)
TODAY = dt.date(2026, 5, 1)
NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
TRIP = {"name": "Lake", "duration_days": 2, "trip_type": "weekend", "start_date": TODAY}
ISSUE = {"category": "water", "severity": "major", "description": "It drips."}
NOTHING = ShakedownStats(
    trips_count=0,
    days_total=0,
    miles_total=Decimal(0),
    open_issues_count=0,
    resolved_issues_count=0,
    critical_issues_count=0,
    last_confidence_rating=None,
)


def days(number: int) -> dt.timedelta:
    return dt.timedelta(days=number)


async def a_plan(db: Homeport) -> TransitionProfile:
    """The live plan of a new user."""
    return await a_transition_profile(db)


async def a_trip(db: Homeport, plan: TransitionProfile, **data: object) -> ShakedownTrip:
    return await db.transition_launch.log_shakedown_trip(plan.user_id, {**TRIP, **data})


# -- shakedown trips


async def test_a_trip_is_logged_under_the_live_plan(db: Homeport) -> None:
    plan = await a_plan(db)
    made = await a_trip(db, plan, distance_miles="120.5", photos=["a.png"])
    assert made == ShakedownTrip(
        id=made.id,
        user_id=plan.user_id,
        profile_id=plan.id,
        name="Lake",
        duration_days=2,
        distance_miles=Decimal("120.50"),
        trip_type=TripType.WEEKEND,
        start_date=TODAY,
        photos=["a.png"],
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    with pytest.raises(RepositoryNotFoundError):
        await db.transition_launch.log_shakedown_trip((await a_user(db)).id, TRIP)


@pytest.mark.parametrize(
    ("field", "value", "columns"),
    [
        ("duration_days", 0, ("duration_days",)),
        ("distance_miles", -1, ("distance_miles",)),
        ("confidence_rating", 11, ("confidence_rating",)),
        ("end_date", TODAY - days(1), ("end_date", "start_date")),
    ],
)
async def test_a_trip_keeps_its_rules(db: Homeport, field: str, value: object, columns: tuple[str, ...]) -> None:
    plan = await a_plan(db)
    assert await violated(CheckViolation, a_trip(db, plan, **{field: value})) == (
        f"shakedown_trips_{field}_check",
        columns,
    )


async def test_a_trip_needs_what_its_columns_need(db: Homeport) -> None:
    plan = await a_plan(db)
    assert await violated(NotNullViolation, a_trip(db, plan, name=None)) == (None, ("name",))
    assert await refused(InvalidValue, a_trip(db, plan, trip_type="year")) == "trip_type"
    assert await refused(InvalidField, a_trip(db, plan, nights=2)) == "nights"


async def test_trips_are_the_users_own_the_latest_first(db: Homeport) -> None:
    plan, other = await a_plan(db), await a_plan(db)
    first = await a_trip(db, plan)
    third, second = await a_trip(db, plan, start_date=TODAY + days(2)), await a_trip(db, plan)
    await a_trip(db, other)
    listed = await db.transition_launch.get_shakedown_trips(plan.user_id)
    assert listed == [third, second, first]
    changed = await db.transition_launch.update_shakedown_trip(first.id, plan.user_id, {"confidence_rating": 9})
    assert changed == attrs.evolve(first, confidence_rating=9, updated_at=changed.updated_at)
    with pytest.raises(RepositoryNotFoundError):
        await db.transition_launch.update_shakedown_trip(first.id, other.user_id, {"name": "stolen"})
    assert await db.transition_launch.delete_shakedown_trip(first.id, other.user_id) is False
    assert await db.transition_launch.delete_shakedown_trip(first.id, plan.user_id) is True
    assert await db.transition_launch.delete_shakedown_trip(first.id, plan.user_id) is False
    await db.transition_plan.archive_profile(plan.user_id)
    assert await db.transition_launch.get_shakedown_trips(plan.user_id) == []


async def test_an_issue_is_of_the_trip_that_is_named_or_of_the_latest(db: Homeport) -> None:
    plan, other = await a_plan(db), await a_plan(db)
    early, late = await a_trip(db, plan), await a_trip(db, plan, start_date=TODAY + days(1))
    add = db.transition_launch.add_shakedown_issue
    made = await add(plan.user_id, ISSUE)
    assert made == ShakedownIssue(
        id=made.id,
        user_id=plan.user_id,
        trip_id=late.id,
        profile_id=plan.id,
        **ISSUE,  # type: ignore[arg-type]  # members of enums by their text
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert (await add(plan.user_id, ISSUE, str(early.id))).trip_id == early.id
    for call in (
        add(other.user_id, ISSUE),
        add(other.user_id, ISSUE, early.id),
        add(plan.user_id, ISSUE, ABSENT),
    ):
        with pytest.raises(RepositoryNotFoundError):
            await call
    assert await violated(NotNullViolation, add(plan.user_id, {})) == (None, ("category",))
    assert (await violated(CheckViolation, add(plan.user_id, {**ISSUE, "actual_cost": -1})))[1] == ("actual_cost",)
    assert await refused(InvalidField, add(plan.user_id, {**ISSUE, "trip_id": early.id})) == "trip_id"


async def test_a_resolved_issue_says_on_which_day(db: Homeport) -> None:
    plan, other = await a_plan(db), await a_plan(db)
    trip, theirs = await a_trip(db, plan), await a_trip(db, other)
    issue = await db.transition_launch.add_shakedown_issue(plan.user_id, ISSUE)
    update = db.transition_launch.update_shakedown_issue
    solved = await update(issue.id, plan.user_id, {"is_resolved": True, "solution_found": "Tape"}, today=TODAY)
    assert (solved.is_resolved, solved.resolved_date, solved.solution_found) == (True, TODAY, "Tape")
    opened = await update(issue.id, plan.user_id, {"is_resolved": False})
    assert (opened.is_resolved, opened.resolved_date) == (False, None)
    assert (await update(issue.id, plan.user_id, {"trip_id": trip.id})).trip_id == trip.id
    for call in (
        update(issue.id, plan.user_id, {"trip_id": theirs.id}),
        update(issue.id, other.user_id, {"notes": "x"}),
    ):
        with pytest.raises(RepositoryNotFoundError):
            await call
    assert await violated(NotNullViolation, update(issue.id, plan.user_id, {"trip_id": None})) == (None, ("trip_id",))
    assert await db.transition_launch.delete_shakedown_issue(issue.id, other.user_id) is False
    assert await db.transition_launch.delete_shakedown_issue(issue.id, plan.user_id) is True


async def test_issues_are_filtered_and_open_ones_come_first(db: Homeport) -> None:
    plan = await a_plan(db)
    first, second = await a_trip(db, plan), await a_trip(db, plan, start_date=TODAY + days(1))
    add, ask = db.transition_launch.add_shakedown_issue, db.transition_launch.get_shakedown_issues
    solved = await add(plan.user_id, {**ISSUE, "is_resolved": True}, first.id)
    old, new = await add(plan.user_id, ISSUE, first.id), await add(plan.user_id, ISSUE, second.id)
    await a_shakedown_issue(db)
    assert await ask(plan.user_id) == [new, old, solved]
    assert await ask(plan.user_id, first.id) == [old, solved]
    assert await ask(plan.user_id, is_resolved=True) == [solved]
    assert await ask(plan.user_id, second.id, is_resolved=True) == []
    assert await ask(ABSENT) == []


async def test_shakedowns_in_figures_and_one_by_one(db: Homeport) -> None:
    plan = await a_plan(db)
    assert await db.transition_launch.get_shakedown_stats(plan.user_id) == NOTHING
    first = await a_trip(db, plan, distance_miles="10.5", confidence_rating=4)
    second = await a_trip(db, plan, start_date=TODAY + days(9), duration_days=7, distance_miles=100)
    add = db.transition_launch.add_shakedown_issue
    critical = await add(plan.user_id, {**ISSUE, "severity": "critical"}, first.id)
    solved = await add(plan.user_id, {**ISSUE, "severity": "critical", "is_resolved": True}, first.id)
    await a_shakedown_trip(db)
    stats = ShakedownStats(
        trips_count=2,
        days_total=9,
        miles_total=Decimal("110.50"),
        open_issues_count=1,
        resolved_issues_count=1,
        critical_issues_count=1,
        last_confidence_rating=4,
    )
    assert await db.transition_launch.get_shakedown_stats(plan.user_id) == stats
    summary = await db.transition_launch.get_shakedown_summary(plan.user_id)
    assert summary.stats == stats
    assert summary.trips == (
        TripWithIssues(trip=second, issues=()),
        TripWithIssues(trip=first, issues=(critical, solved)),
    )
    await db.transition_plan.archive_profile(plan.user_id)
    assert await db.transition_launch.get_shakedown_stats(plan.user_id) == NOTHING


@pytest.mark.parametrize("number", [1, 10, 100])
async def test_a_summary_asks_twice_however_many_trips_there_are(db: Homeport, number: int) -> None:
    plan = await a_plan(db)
    under = {"user_id": plan.user_id, "profile_id": plan.id}
    trips = await db.transition_launch.trips.create_many([{**TRIP, **under} for _ in range(number)])
    await db.transition_launch.issues.create_many([{**ISSUE, **under, "trip_id": each.id} for each in trips])
    calls: list[Observation] = []
    watched = StoredTransitionLaunch(ObservedStore(db.store(TRANSITION_LAUNCH), [calls.append]))
    summary = await watched.get_shakedown_summary(plan.user_id)
    assert [len(each.issues) for each in summary.trips] == [1] * number
    assert [each.name.partition(".")[0] for each in calls] == ["shakedown_trips", "shakedown_issues"]


# -- the launch week


async def test_the_launch_week_is_installed_as_often_as_one_likes(db: Homeport) -> None:
    user = await a_user(db)
    own = await a_launch_week_task(db, day_number=-7, order_num=9, category="personal")
    assert await db.transition_launch.install_launch_week() == len(LAUNCH_WEEK)
    tasks = await db.transition_launch.get_launch_week_tasks()
    assert [(each.day_number, each.order_num) for each in tasks] == sorted(
        (each.day_number, each.order_num) for each in tasks
    )
    first = tasks[0]
    mark = await db.transition_launch.complete_launch_task(first.id, user.id, now=NOW)
    await db.transition_launch.launch_week.update(first.id, {"task_name": "changed"})
    assert await db.transition_launch.install_launch_week() == len(LAUNCH_WEEK)
    assert await db.transition_launch.get_launch_week_tasks() == tasks
    assert own in tasks
    status = await db.transition_launch.get_launch_week_status(user.id)
    assert status[0] == LaunchTaskStatus(task=first, mark=mark)
    departure = await db.transition_launch.get_launch_week_tasks(0)
    assert {each.day_number for each in departure} == {0}
    assert await db.transition_launch.get_launch_week_tasks(-8) == []


async def test_a_launch_task_lies_within_the_week(db: Homeport) -> None:
    for day_number in (-8, 1):
        outside = db.transition_launch.launch_week.create({**LAUNCH_WEEK[0], "day_number": day_number})
        assert await violated(CheckViolation, outside) == ("launch_week_tasks_day_number_check", ("day_number",))


async def test_every_task_is_shown_with_what_the_user_did(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    tasks = [
        await a_launch_week_task(
            db, day_number=day_number, order_num=1, time_estimate_minutes=10, is_critical=day_number > -3
        )
        for day_number in (-7, -2, -1, 0)
    ]
    complete = db.transition_launch.complete_launch_task
    assert await db.transition_launch.get_launch_week_status(user.id) == [
        LaunchTaskStatus(task=each, mark=None) for each in tasks
    ]
    first = await complete(tasks[0].id, user.id, now=NOW)
    second = await complete(tasks[1].id, user.id)
    await complete(tasks[2].id, user.id)
    reopened = await db.transition_launch.reopen_launch_task(tasks[2].id, user.id)
    await complete(tasks[3].id, other.id)
    assert await db.transition_launch.get_launch_week_status(user.id) == [
        LaunchTaskStatus(task=tasks[0], mark=first),
        LaunchTaskStatus(task=tasks[1], mark=second),
        LaunchTaskStatus(task=tasks[2], mark=reopened),
        LaunchTaskStatus(task=tasks[3], mark=None),
    ]
    assert await db.transition_launch.get_launch_week_progress(user.id) == LaunchWeekProgress(
        tasks_count=4,
        completed_count=2,
        critical_count=3,
        critical_completed_count=1,
        completion_percentage=50,
        minutes_left=20,
    )


async def test_the_status_asks_twice_however_many_tasks_there_are(db: Homeport) -> None:
    user = await a_user(db)
    await db.transition_launch.install_launch_week()
    calls: list[Observation] = []
    watched = StoredTransitionLaunch(ObservedStore(db.store(TRANSITION_LAUNCH), [calls.append]))
    assert len(await watched.get_launch_week_status(user.id)) == len(LAUNCH_WEEK)
    assert len(calls) == 2


async def test_a_task_is_completed_again_with_a_later_time_and_keeps_its_notes(db: Homeport) -> None:
    user, task = await a_user(db), await a_launch_week_task(db)
    complete, reopen = db.transition_launch.complete_launch_task, db.transition_launch.reopen_launch_task
    first = await complete(task.id, user.id, "by hand", now=NOW)
    assert (first.is_completed, first.completed_at, first.notes) == (True, NOW, "by hand")
    again = await complete(str(task.id), user.id, now=NOW + days(1))
    assert again == attrs.evolve(first, completed_at=NOW + days(1))
    opened = await reopen(task.id, user.id)
    assert opened == attrs.evolve(first, is_completed=False, completed_at=None)
    with pytest.raises(RepositoryNotFoundError):
        await reopen(task.id, (await a_user(db)).id)
    assert await violated(ForeignKeyViolation, complete(ABSENT, user.id)) == (
        "user_launch_tasks_task_id_fkey",
        ("task_id",),
    )
    assert await refused(InvalidValue, complete("x", user.id)) == "task_id"


async def test_completions_of_one_task_at_once_leave_one_mark(db: Homeport) -> None:
    user, task = await a_user(db), await a_launch_week_task(db)
    marks = await asyncio.gather(
        *(db.transition_launch.complete_launch_task(task.id, user.id, now=NOW) for _ in range(50))
    )
    assert len({each.id for each in marks}) == 1
    assert (await db.transition_launch.get_launch_week_progress(user.id)).completed_count == 1


# -- the day itself, and after it


async def test_the_launch_date_is_one_a_user(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    assert await db.transition_launch.get_launch_date(user.id) is None
    given = {
        "launch_date": TODAY,
        "first_destination": "Skye",
        "emergency_contacts": [{"name": "Ada", "phone": "+49 tel"}],
    }
    made = await db.transition_launch.set_launch_date(user.id, given)
    assert made == LaunchDate(
        id=made.id,
        user_id=user.id,
        launch_date=TODAY,
        first_destination="Skye",
        emergency_contacts=[{"name": "Ada", "phone": "+49 tel"}],
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert "+49 tel" not in repr(made)
    moved = await db.transition_launch.set_launch_date(user.id, {"launch_date": "2026-06-01"})
    assert moved == attrs.evolve(made, launch_date=dt.date(2026, 6, 1), updated_at=moved.updated_at)
    assert await db.transition_launch.get_launch_date(user.id) == moved
    assert await db.transition_launch.get_launch_date(other.id) is None
    missing = db.transition_launch.set_launch_date(other.id, {"first_destination": "Skye"})
    assert await violated(NotNullViolation, missing) == (None, ("launch_date",))
    unknown = db.transition_launch.set_launch_date(ABSENT, {"launch_date": TODAY})
    assert await violated(ForeignKeyViolation, unknown) == ("user_launch_dates_user_id_fkey", ("user_id",))


async def test_days_until_launch_count_from_the_launch_date_or_else_from_the_departure(db: Homeport) -> None:
    plan = await a_plan(db)
    ask = db.transition_launch.get_days_until_launch
    assert await ask(plan.user_id, today=TODAY) is None
    await db.transition_plan.update_profile(plan.user_id, {"departure_date": TODAY + days(3)})
    assert await ask(plan.user_id, today=TODAY) == 3
    await db.transition_launch.set_launch_date(plan.user_id, {"launch_date": TODAY + days(1)})
    assert await ask(plan.user_id, today=TODAY.isoformat()) == 1
    assert await ask(plan.user_id, today=TODAY + days(2)) == -1
    assert await ask((await a_user(db)).id) is None
    assert await refused(InvalidValue, ask(plan.user_id, today="soon")) == "today"


async def test_there_is_one_checkin_of_each_kind(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    save, ask = db.transition_launch.save_checkin, db.transition_launch.get_checkins
    first = await save(user.id, "day_1", {"response": "Fine", "mood": "tired"})
    assert (first.checkin_type, first.response, first.mood) == (CheckinType.DAY_1, "Fine", "tired")
    week = await save(user.id, CheckinType.WEEK_1, {"response": "Good"})
    again = await save(user.id, "day_1", {"response": "Great"})
    assert again == attrs.evolve(first, response="Great")
    assert await ask(user.id) == [again, week]
    assert await ask(other.id) == []
    assert await violated(NotNullViolation, save(user.id, "month_1", {})) == (None, ("response",))
    assert await refused(InvalidValue, save(user.id, "year_1", {"response": "x"})) == "checkin_type"


# -- under the user's own database role


async def test_a_signed_in_user_reads_the_launch_week_and_marks_the_own_tasks(db: Homeport) -> None:
    plan, other = await a_plan(db), await a_plan(db)
    await db.transition_launch.install_launch_week()
    mine = db.as_user(identity({"role": "authenticated", "sub": str(plan.user_id)})).transition_launch
    (first, *_) = await mine.get_launch_week_tasks()
    await mine.complete_launch_task(first.id, plan.user_id)
    await mine.complete_launch_task(first.id, plan.user_id, "again")
    assert (await mine.get_launch_week_progress(plan.user_id)).completed_count == 1
    await mine.log_shakedown_trip(plan.user_id, TRIP)
    await mine.add_shakedown_issue(plan.user_id, ISSUE)
    assert (await mine.get_shakedown_stats(plan.user_id)).open_issues_count == 1
    for call in (mine.complete_launch_task(first.id, other.user_id), mine.install_launch_week()):
        with pytest.raises(RepositoryPermissionError):
            await call
