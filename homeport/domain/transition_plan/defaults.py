"""What every plan starts with: its milestones and its tasks, dated from the day of departure.

The one place of these texts. Rows leave here as JSON, an argument of the operation that writes them on any adapter.
"""

import datetime as dt
from collections.abc import Sequence

import attrs

from homeport.domain.transition_plan.plan import MilestoneType, Priority, TaskCategory

LEAD_DAYS = 14
"""How long before its day of completion a task is best begun."""


@attrs.frozen
class DefaultTask:
    """A task that is best done so many days before the departure."""

    title: str
    description: str
    category: TaskCategory
    priority: Priority
    estimated_hours: int
    days_before: int
    milestone: MilestoneType


@attrs.frozen
class DefaultMilestone:
    """A day so many days before the departure; below zero, after it."""

    type: MilestoneType
    name: str
    days_before: int
    celebration: str


def suggested_dates(departure: dt.date, days_before: int, today: dt.date) -> tuple[dt.date, dt.date]:
    """When a task is best begun and done. No day lies in the past: whoever starts late starts today."""
    done = max(departure - dt.timedelta(days=days_before), today)
    return max(done - dt.timedelta(days=LEAD_DAYS), today), done


def default_tasks(departure: dt.date | None, today: dt.date) -> list[object]:
    """The rows of a new plan's tasks, without dates where there is no departure yet."""
    return [_task(each, departure, today) for each in TASKS]


def default_milestones(departure: dt.date | None, today: dt.date) -> list[object]:
    """The rows of a new plan's milestones: the start today, and what is not past of those around the departure."""
    start = _milestone(MilestoneType.PLANNING_START, PLANNING_START, "You have begun.", today)
    around = [] if departure is None else dated_milestones(departure)
    return [start, *(row for row in around if row["milestone_date"] >= today.isoformat())]


def dated_milestones(departure: dt.date) -> Sequence[dict[str, str]]:
    """The rows of the milestones around the departure, past or not."""
    return [
        _milestone(each.type, each.name, each.celebration, departure - dt.timedelta(days=each.days_before))
        for each in MILESTONES
    ]


def _task(task: DefaultTask, departure: dt.date | None, today: dt.date) -> dict[str, object]:
    start, done = (None, None) if departure is None else suggested_dates(departure, task.days_before, today)
    return {
        "title": task.title,
        "description": task.description,
        "category": task.category.value,
        "priority": task.priority.value,
        "estimated_hours": task.estimated_hours,
        "days_before_departure": task.days_before,
        "milestone": task.milestone.value,
        "suggested_start_date": None if start is None else start.isoformat(),
        "suggested_completion_date": None if done is None else done.isoformat(),
    }


def _milestone(kind: MilestoneType, name: str, celebration: str, day: dt.date) -> dict[str, str]:
    return {
        "milestone_type": kind.value,
        "milestone_name": name,
        "milestone_date": day.isoformat(),
        "celebration_message": celebration,
    }


PLANNING_START = "The plan begins"

MILESTONES = (
    DefaultMilestone(MilestoneType.THREE_MONTHS, "Three months to go", 90, "The road has a date now."),
    DefaultMilestone(MilestoneType.ONE_MONTH, "One month to go", 30, "Most of it lies behind you."),
    DefaultMilestone(MilestoneType.ONE_WEEK, "One week to go", 7, "Breathe. The list is short now."),
    DefaultMilestone(MilestoneType.DEPARTURE, "Departure", 0, "Off you go!"),
    DefaultMilestone(MilestoneType.FIRST_NIGHT, "First night on the road", 0, "Sleep well out there."),
    DefaultMilestone(MilestoneType.ONE_MONTH_ROAD, "One month on the road", -30, "This is home now."),
)

_FINANCIAL, _LEGAL, _VEHICLE = TaskCategory.FINANCIAL, TaskCategory.LEGAL, TaskCategory.VEHICLE
_DOWNSIZING, _EQUIPMENT = TaskCategory.DOWNSIZING, TaskCategory.EQUIPMENT
_LIFE, _SOCIAL = TaskCategory.LIFE, TaskCategory.SOCIAL
_LOW, _MEDIUM, _HIGH, _CRITICAL = Priority.LOW, Priority.MEDIUM, Priority.HIGH, Priority.CRITICAL
_EARLY, _LATE = MilestoneType.THREE_MONTHS, MilestoneType.ONE_MONTH

TASKS = (
    DefaultTask(
        "Write down what a month costs",
        "Today's costs and those on the road, side by side: what ends, what stays, what is new.",
        _FINANCIAL,
        _HIGH,
        4,
        210,
        _EARLY,
    ),
    DefaultTask(
        "Fill the emergency fund",
        "Three months of costs in an account of their own, before anything is bought.",
        _FINANCIAL,
        _CRITICAL,
        3,
        150,
        _EARLY,
    ),
    DefaultTask(
        "Move to banks that need no branch",
        "Accounts and cards that work anywhere, with a second card in another place.",
        _FINANCIAL,
        _MEDIUM,
        3,
        75,
        _LATE,
    ),
    DefaultTask(
        "Find out where income will come from",
        "Work that can travel, agreed in writing, or savings for a known number of months.",
        _LIFE,
        _CRITICAL,
        10,
        180,
        _EARLY,
    ),
    DefaultTask(
        "Choose the vehicle",
        "Sleep a night in the kind that you have in mind before you sign for one.",
        _VEHICLE,
        _CRITICAL,
        20,
        180,
        _EARLY,
    ),
    DefaultTask(
        "Have the vehicle inspected",
        "Brakes, tyres, belts, seals, gas and wiring, by somebody who does not sell it.",
        _VEHICLE,
        _CRITICAL,
        4,
        75,
        _LATE,
    ),
    DefaultTask(
        "Learn the vehicle's systems",
        "Fill and empty the tanks, change a fuse, reset the inverter: each once, at home.",
        _VEHICLE,
        _HIGH,
        8,
        45,
        _LATE,
    ),
    DefaultTask(
        "Make a shakedown trip",
        "A weekend close to home, to find out what is missing and what is too much.",
        _VEHICLE,
        _HIGH,
        48,
        40,
        _LATE,
    ),
    DefaultTask(
        "Choose a legal residence",
        "Where you vote, pay taxes and register the vehicle, with an address for letters.",
        _LEGAL,
        _HIGH,
        6,
        120,
        _EARLY,
    ),
    DefaultTask(
        "Go through all insurance",
        "Vehicle, belongings, liability and health: what holds without a house, and abroad.",
        _LEGAL,
        _CRITICAL,
        5,
        60,
        _LATE,
    ),
    DefaultTask(
        "Collect the papers that matter",
        "Passports, titles, prescriptions, wills; copies apart from the originals.",
        _LEGAL,
        _HIGH,
        4,
        45,
        _LATE,
    ),
    DefaultTask(
        "Redirect the post",
        "A forwarding service, and the new address to everybody who still writes letters.",
        _LEGAL,
        _HIGH,
        2,
        21,
        MilestoneType.ONE_WEEK,
    ),
    DefaultTask(
        "List what is in each room",
        "Room by room, with a decision for each thing or a place in the parking lot.",
        _DOWNSIZING,
        _MEDIUM,
        16,
        150,
        _EARLY,
    ),
    DefaultTask(
        "Scan papers and photographs",
        "What has to be kept but not carried, in two places that don't burn together.",
        _DOWNSIZING,
        _LOW,
        20,
        90,
        _EARLY,
    ),
    DefaultTask(
        "Sell, give away and store",
        "Follow the list until the rooms are empty; what is stored has a date to be looked at.",
        _DOWNSIZING,
        _HIGH,
        30,
        30,
        _LATE,
    ),
    DefaultTask(
        "Equip kitchen, bed and tool box",
        "The few good things that are used every day, weighed before they are loaded.",
        _EQUIPMENT,
        _MEDIUM,
        8,
        45,
        _LATE,
    ),
    DefaultTask(
        "Test the internet on the road",
        "Two networks, where you will really stand, with a day of real work on each.",
        _EQUIPMENT,
        _HIGH,
        6,
        40,
        _LATE,
    ),
    DefaultTask(
        "See doctor, dentist and vet",
        "Check-ups, vaccinations, and prescriptions that can be refilled elsewhere.",
        _LIFE,
        _HIGH,
        5,
        35,
        _LATE,
    ),
    DefaultTask(
        "Tell family, friends and work",
        "When you leave, how you can be reached, and when you come by.",
        _SOCIAL,
        _MEDIUM,
        3,
        90,
        _EARLY,
    ),
)
