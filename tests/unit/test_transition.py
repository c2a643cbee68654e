"""The transition's rules: the phase, percentages, readiness, and the figures over lists."""

import datetime as dt
import uuid
from decimal import Decimal

import attrs
import pytest

from homeport.domain.transition_launch import (
    IssueCategory,
    IssueSeverity,
    LaunchCategory,
    LaunchWeekProgress,
    LaunchWeekTask,
    ShakedownIssue,
    ShakedownStats,
    ShakedownTrip,
    TripType,
    UserLaunchTask,
    launch_progress,
    launch_status,
    shakedown_stats,
)
from homeport.domain.transition_launch.launch_week import LAUNCH_WEEK
from homeport.domain.transition_plan import (
    AcquisitionStatus,
    EquipmentItem,
    EquipmentStats,
    MilestoneType,
    ModCategory,
    ModStatus,
    Phase,
    Priority,
    ServiceType,
    TaskCategory,
    TransitionProfile,
    TransitionService,
    TransitionTask,
    VehicleMod,
    VehicleModStats,
    equipment_stats,
    percentage,
    phase_at,
    progress,
    readiness,
    vehicle_mod_stats,
)
from homeport.domain.transition_plan.defaults import (
    LEAD_DAYS,
    TASKS,
    default_milestones,
    default_tasks,
    suggested_dates,
)

TODAY = dt.date(2026, 5, 1)
THEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ONE = uuid.UUID(int=1)
OURS = {"id": ONE, "user_id": ONE, "created_at": THEN}
PLANNED = {**OURS, "profile_id": ONE, "updated_at": THEN}


def a_task(**fields: object) -> TransitionTask:
    return TransitionTask(**{**PLANNED, "title": "x", "category": TaskCategory.LIFE, **fields})  # type: ignore[arg-type]


def an_item(**fields: object) -> EquipmentItem:
    return EquipmentItem(**{**PLANNED, "equipment_name": "x", "category": "y", **fields})  # type: ignore[arg-type]


def a_mod(**fields: object) -> VehicleMod:
    return VehicleMod(**{**PLANNED, "name": "x", "category": ModCategory.POWER, **fields})  # type: ignore[arg-type]


def a_trip(**fields: object) -> ShakedownTrip:
    given = {**PLANNED, "name": "x", "duration_days": 2, "trip_type": TripType.WEEKEND, "start_date": TODAY, **fields}
    return ShakedownTrip(**given)  # type: ignore[arg-type]


def an_issue(**fields: object) -> ShakedownIssue:
    given = {
        **PLANNED,
        "trip_id": ONE,
        "category": IssueCategory.WATER,
        "severity": IssueSeverity.MINOR,
        "description": "x",
        **fields,
    }
    return ShakedownIssue(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("days", "phase"),
    [
        (-1, Phase.ON_ROAD),
        (0, Phase.LAUNCHING),
        (7, Phase.LAUNCHING),
        (8, Phase.PREPARING),
        (90, Phase.PREPARING),
        (91, Phase.PLANNING),
    ],
)
def test_the_phase_follows_the_days_to_the_departure(days: int, phase: Phase) -> None:
    assert phase_at(TODAY + dt.timedelta(days=days), TODAY) is phase


def test_without_a_departure_there_is_only_planning() -> None:
    assert phase_at(None, TODAY) is Phase.PLANNING


@pytest.mark.parametrize(
    ("part", "whole", "expected"), [(0, 0, 0), (1, 0, 0), (1, 3, 33), (199, 200, 99), (2, 2, 100), (3, 2, 100)]
)
def test_a_percentage_is_whole_and_100_only_for_all(part: int, whole: int, expected: int) -> None:
    assert percentage(part, whole) == expected


def test_readiness_weighs_tasks_by_their_priority() -> None:
    tasks = [
        a_task(priority=Priority.CRITICAL, is_completed=True),
        a_task(priority=Priority.HIGH),
        a_task(priority=Priority.MEDIUM),
    ]
    assert readiness(tasks) == 50
    assert readiness([]) == 0


def test_progress_has_what_is_overdue_and_what_is_critical() -> None:
    plan = TransitionProfile(**OURS, updated_at=THEN, completion_percentage=0, departure_date=TODAY)  # type: ignore[arg-type]
    late = a_task(suggested_completion_date=TODAY - dt.timedelta(days=1))
    due_today = a_task(suggested_completion_date=TODAY, priority=Priority.CRITICAL)
    done = a_task(is_completed=True, suggested_completion_date=dt.date(2020, 1, 1), priority=Priority.CRITICAL)
    found = progress(plan, [late, due_today, done], TODAY)
    assert (found.phase, found.days_until_departure) == (Phase.LAUNCHING, 0)
    assert (found.overdue, found.critical) == ((late,), (due_today,))
    assert (found.completion_percentage, found.readiness_percentage) == (33, 41)
    assert progress(attrs.evolve(plan, departure_date=None), [], TODAY).days_until_departure is None


def test_default_tasks_are_nineteen_of_every_kind_with_titles_of_their_own() -> None:
    assert len(TASKS) == len({each.title for each in TASKS}) == 19
    assert {each.category for each in TASKS} == set(TaskCategory) - {TaskCategory.CUSTOM}


def test_a_default_task_is_due_before_the_departure_and_never_in_the_past() -> None:
    departure = TODAY + dt.timedelta(days=100)
    assert suggested_dates(departure, 60, TODAY) == (TODAY + dt.timedelta(days=40 - LEAD_DAYS), dt.date(2026, 6, 10))
    assert suggested_dates(departure, 95, TODAY) == (TODAY, TODAY + dt.timedelta(days=5))
    assert suggested_dates(departure, 200, TODAY) == (TODAY, TODAY)


def test_without_a_departure_only_the_beginning_is_a_day() -> None:
    assert [row["milestone_type"] for row in default_milestones(None, TODAY)] == ["planning_start"]  # type: ignore[index]
    assert {row["suggested_completion_date"] for row in default_tasks(None, TODAY)} == {None}  # type: ignore[index]


def test_milestones_that_are_past_already_are_left_out() -> None:
    found = default_milestones(TODAY + dt.timedelta(days=7), TODAY)
    assert [row["milestone_type"] for row in found] == [  # type: ignore[index]
        MilestoneType.PLANNING_START,
        MilestoneType.ONE_WEEK,
        MilestoneType.DEPARTURE,
        MilestoneType.FIRST_NIGHT,
        MilestoneType.ONE_MONTH_ROAD,
    ]


def test_equipment_is_counted_where_it_is_needed() -> None:
    items = [
        an_item(estimated_cost=Decimal("10.00"), actual_cost=Decimal("12.50"), is_purchased=True),
        an_item(estimated_cost=Decimal("5.00"), is_purchased=True, weight_lbs=Decimal("1.50")),
        an_item(estimated_cost=Decimal("7.00"), weight_lbs=Decimal(2)),
        an_item(estimated_cost=Decimal(100), is_needed=False),
        an_item(estimated_cost=Decimal(100), acquisition_status=AcquisitionStatus.NOT_NEEDED),
    ]
    assert equipment_stats(items) == EquipmentStats(
        needed_count=3,
        purchased_count=2,
        purchased_percentage=66,
        estimated_total=Decimal(22),
        spent=Decimal("17.50"),
        still_to_spend=Decimal(7),
        weight_lbs=Decimal("3.50"),
    )


def test_changes_to_the_vehicle_are_counted_by_their_status() -> None:
    mods = [
        a_mod(status=ModStatus.COMPLETE, estimated_cost=Decimal(10), actual_cost=Decimal(11), time_required_hours=9),
        a_mod(status=ModStatus.IN_PROGRESS, estimated_cost=Decimal(20), time_required_hours=2),
        a_mod(estimated_cost=Decimal(30)),
    ]
    assert vehicle_mod_stats(mods) == VehicleModStats(
        planned_count=1,
        in_progress_count=1,
        complete_count=1,
        complete_percentage=33,
        estimated_total=Decimal(60),
        spent=Decimal(11),
        still_to_spend=Decimal(50),
        hours_left=2,
    )


def test_shakedowns_are_summed_up_and_the_latest_rating_counts() -> None:
    trips = [a_trip(), a_trip(confidence_rating=7, distance_miles=Decimal("10.5")), a_trip(confidence_rating=2)]
    issues = [
        an_issue(severity=IssueSeverity.CRITICAL),
        an_issue(severity=IssueSeverity.CRITICAL, is_resolved=True),
        an_issue(),
    ]
    assert shakedown_stats(trips, issues) == ShakedownStats(
        trips_count=3,
        days_total=6,
        miles_total=Decimal("10.5"),
        open_issues_count=2,
        resolved_issues_count=1,
        critical_issues_count=1,
        last_confidence_rating=7,
    )
    assert shakedown_stats([], []).last_confidence_rating is None


def test_the_launch_week_is_counted_with_its_critical_tasks() -> None:
    def task(number: int, *, critical: bool = False) -> LaunchWeekTask:
        return LaunchWeekTask(
            id=uuid.UUID(int=number),
            day_number=0,
            task_name="x",
            description="y",
            is_critical=critical,
            time_estimate_minutes=number,
            order_num=number,
            category=LaunchCategory.SAFETY,
            created_at=THEN,
        )

    def mark(number: int, *, done: bool) -> UserLaunchTask:
        return UserLaunchTask(**OURS, task_id=uuid.UUID(int=number), is_completed=done)  # type: ignore[arg-type]

    tasks = [task(1, critical=True), task(2, critical=True), task(3)]
    marks = {each.task_id: each for each in (mark(1, done=True), mark(2, done=False), mark(9, done=True))}
    status = launch_status(tasks, marks)
    assert [each.is_completed for each in status] == [True, False, False]
    assert launch_progress(status) == LaunchWeekProgress(
        tasks_count=3,
        completed_count=1,
        critical_count=2,
        critical_completed_count=1,
        completion_percentage=33,
        minutes_left=5,
    )
    assert launch_progress([]).completion_percentage == 0


def test_the_shipped_launch_week_has_every_day_and_every_category() -> None:
    assert {row["day_number"] for row in LAUNCH_WEEK} == set(range(-7, 1))
    assert {row["category"] for row in LAUNCH_WEEK} == set(LaunchCategory)
    assert len({row["id"] for row in LAUNCH_WEEK}) == len(LAUNCH_WEEK)
    assert len({(row["day_number"], row["order_num"]) for row in LAUNCH_WEEK}) == len(LAUNCH_WEEK)


def test_accounts_stay_out_of_a_services_printed_form() -> None:
    service = TransitionService(
        **PLANNED,  # type: ignore[arg-type]
        service_type=ServiceType.CANCELLATION,
        service_name="Gas",
        category="utilities",
        account_number="KTO-12",
        old_account_info="KTO-13",
        new_account_info="KTO-14",
    )
    assert "Gas" in repr(service)
    assert "KTO" not in repr(service)
