"""Homeport's own tasks of the launch week: the one place of these texts.

Each has an id that its name makes, so that whoever installs them again writes over the same rows, and moves no user's
marks. A task may be worded anew under its name; a new name is a new task.
"""

import uuid
from collections.abc import Mapping

import attrs

from homeport.domain.transition_launch.launch import LaunchCategory

_NAMES = uuid.UUID("6f0f5d5e-6a0b-4d5b-9a43-2f1f4f7c8d10")


@attrs.frozen
class DefaultLaunchTask:
    """A task, so many days before the departure, in its place in that day."""

    name: str
    day_number: int
    order_num: int
    title: str
    description: str
    category: LaunchCategory
    minutes: int
    is_critical: bool = False

    @property
    def row(self) -> Mapping[str, object]:
        """The catalogue's row, by its columns."""
        return {
            "id": uuid.uuid5(_NAMES, self.name),
            "day_number": self.day_number,
            "order_num": self.order_num,
            "task_name": self.title,
            "description": self.description,
            "category": self.category,
            "time_estimate_minutes": self.minutes,
            "is_critical": self.is_critical,
        }


_LEGAL, _MONEY, _VEHICLE = LaunchCategory.LEGAL, LaunchCategory.FINANCIAL, LaunchCategory.VEHICLE
_PERSONAL, _TALK, _SAFETY = LaunchCategory.PERSONAL, LaunchCategory.COMMUNICATION, LaunchCategory.SAFETY

_TASKS = (
    DefaultLaunchTask(
        "papers", -7, 1, "Lay out the papers", "Passports, licences, titles, insurance.", _LEGAL, 60, is_critical=True
    ),
    DefaultLaunchTask(
        "post", -7, 2, "See that the post arrives", "One letter has come to the new address.", _LEGAL, 20
    ),
    DefaultLaunchTask(
        "contracts", -7, 3, "Check what ends", "Power, water, internet, rent: each has a last day.", _MONEY, 45
    ),
    DefaultLaunchTask(
        "tyres", -6, 1, "Check tyres and wheel nuts", "Pressure cold, age, spare.", _VEHICLE, 45, is_critical=True
    ),
    DefaultLaunchTask(
        "fluids", -6, 2, "Check fluids and brakes", "Oil, coolant, brakes, lights.", _VEHICLE, 60, is_critical=True
    ),
    DefaultLaunchTask(
        "systems", -6, 3, "Run every system", "Water, heating, fridge, inverter, for an hour.", _VEHICLE, 90
    ),
    DefaultLaunchTask(
        "alarms",
        -5,
        1,
        "Test the alarms",
        "Smoke, gas, carbon monoxide, each by its button.",
        _SAFETY,
        20,
        is_critical=True,
    ),
    DefaultLaunchTask(
        "first-aid",
        -5,
        2,
        "Complete the first-aid box",
        "And what you take daily, for a month.",
        _SAFETY,
        30,
        is_critical=True,
    ),
    DefaultLaunchTask("extinguisher", -5, 3, "Mount the extinguisher", "Within reach of door and bed.", _SAFETY, 20),
    DefaultLaunchTask(
        "cards", -4, 1, "Try every card", "Pay once with each, and know its PIN.", _MONEY, 30, is_critical=True
    ),
    DefaultLaunchTask("cash", -4, 2, "Put cash aside", "A week's worth, in two places.", _MONEY, 20),
    DefaultLaunchTask("bills", -4, 3, "Automate what is left to pay", "No bill waits for a letter.", _MONEY, 45),
    DefaultLaunchTask(
        "contacts",
        -3,
        1,
        "Share whom to call",
        "Two people know your route and each other.",
        _TALK,
        30,
        is_critical=True,
    ),
    DefaultLaunchTask("backup", -3, 2, "Back up phones and papers", "A copy that stays behind.", _TALK, 60),
    DefaultLaunchTask("maps", -3, 3, "Load maps for the first week", "They work without a network.", _TALK, 30),
    DefaultLaunchTask("loading", -2, 1, "Load by weight", "Heavy things low and between the axles.", _VEHICLE, 180),
    DefaultLaunchTask(
        "scale",
        -2,
        2,
        "Drive over a scale",
        "Each axle below its limit, loaded as you leave.",
        _SAFETY,
        60,
        is_critical=True,
    ),
    DefaultLaunchTask("last-wash", -2, 3, "Do the last laundry", "And empty the freezer.", _PERSONAL, 120),
    DefaultLaunchTask("goodbyes", -1, 1, "Say goodbye", "To people first, to rooms after.", _PERSONAL, 120),
    DefaultLaunchTask("stop", -1, 2, "Book the first night", "Close by, and reached in daylight.", _PERSONAL, 30),
    DefaultLaunchTask(
        "tanks",
        -1,
        3,
        "Fill and empty",
        "Fuel, water and gas full; grey and black empty.",
        _VEHICLE,
        60,
        is_critical=True,
    ),
    DefaultLaunchTask(
        "walk-round",
        0,
        1,
        "Walk round the vehicle",
        "Steps in, roof closed, cables off.",
        _SAFETY,
        15,
        is_critical=True,
    ),
    DefaultLaunchTask("keys", 0, 2, "Hand over the keys", "Meters read, doors locked, a photograph.", _LEGAL, 30),
    DefaultLaunchTask("word", 0, 3, "Send word, and drive", "Somebody knows when you will call.", _TALK, 10),
)

LAUNCH_WEEK: tuple[Mapping[str, object], ...] = tuple(each.row for each in _TASKS)
"""The catalogue's rows, in their order."""
