"""Transition plan port: the first half of document 000's TransitionRepository, which leaves its methods open."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from homeport.domain.ids import Id
from homeport.domain.transition_plan import (
    AcquisitionStatus,
    BucketType,
    Decision,
    DownsizingStats,
    EquipmentItem,
    EquipmentStats,
    FinancialItem,
    ModCategory,
    ModStatus,
    Priority,
    ServiceStatus,
    ServiceType,
    TaskCategory,
    TaskStatus,
    TransitionItem,
    TransitionMilestone,
    TransitionProfile,
    TransitionProgress,
    TransitionRoom,
    TransitionService,
    TransitionTask,
    VehicleMod,
    VehicleModStats,
)


class TransitionRepository(Protocol):
    """Every method is about one user's live plan: others' rows, and those under an archived plan, are as absent.

    `create_*` and `add_*` raise RepositoryNotFoundError for a user without a live plan, and so do `update_*` and their
    kin for a row that is absent; `delete_*` answers False. Lists are empty, filters that are None mean all.
    `today` is the caller's day, None the present one in UTC; `now` is an aware time, None the present one.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit, a generated column.
    """

    # -- the profile

    async def initialize_profile(
        self, user_id: Id, departure_date: dt.date | str | None = None, *, today: dt.date | str | None = None
    ) -> TransitionProfile:
        """The plan with the milestones and tasks that every plan starts with, all of it or nothing.

        A live plan is answered as it is, whatever its departure. However many ask at once, one plan is made.
        Without a departure nothing but the beginning has a date; `reschedule` gives dates later.

        Raises:
            ForeignKeyViolation: no such user.
        """

    async def get_or_create_profile(self, user_id: Id, *, today: dt.date | str | None = None) -> TransitionProfile:
        """The live plan, or a new one without a departure, as `initialize_profile` makes it."""

    async def get_profile(self, user_id: Id) -> TransitionProfile | None:
        """The live plan, or None."""

    async def update_profile(
        self, user_id: Id, data: Mapping[str, object], *, today: dt.date | str | None = None
    ) -> TransitionProfile:
        """Its phase follows a departure that is given, unless a phase is given too. No date of a task moves."""

    async def reschedule(
        self, user_id: Id, departure_date: dt.date | str, *, today: dt.date | str | None = None
    ) -> TransitionProfile:
        """Sets the departure, and moves what is open with it, all of it or nothing.

        Tasks that know how many days before the departure they are due move, never into the past; so do the system
        milestones, and those that are missing and not past are added. What is completed stays.
        """

    async def archive_profile(self, user_id: Id) -> bool:
        """Takes the plan out of sight with all that stands under it; False without a live plan.

        The user may start anew, or restore it.
        """

    async def restore_profile(self, user_id: Id) -> TransitionProfile:
        """The plan that was archived last, live again.

        Raises:
            RepositoryNotFoundError: none is archived.
            UniqueViolation: the user has a live plan.
        """

    async def get_transition_progress(
        self, user_id: Id, *, today: dt.date | str | None = None
    ) -> TransitionProgress | None:
        """How the plan stands on that day; None without a live plan."""

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
        today: dt.date | str | None = None,
    ) -> list[TransitionTask]:
        """Open ones first, then by suggested completion with undated ones last, then by title and id.

        A title is asked for whole, whatever its capital letters. Overdue ones are open ones due before `today`.
        """

    async def create_transition_task(self, user_id: Id, data: Mapping[str, object]) -> TransitionTask:
        """Open, of medium priority, and no system task, unless the data says otherwise.

        Raises:
            NotNullViolation: no title or category.
            CheckViolation: a time of completion on an open task, or negative hours.
        """

    async def update_transition_task(
        self, task_id: Id, user_id: Id, data: Mapping[str, object], *, now: dt.datetime | None = None
    ) -> TransitionTask:
        """`is_completed` brings or takes away when, on which day and by whom, as far as those are not given."""

    async def complete_transition_task(
        self, task: Id, user_id: Id, *, notes: str | None = None, now: dt.datetime | None = None
    ) -> TransitionTask:
        """Completes the task with this id, or the open one with this title, whatever its capital letters.

        A task that is completed already is answered as it is. The day of completion is that of `now` in its own zone.

        Raises:
            MultipleRowsError: several open tasks have the title.
        """

    async def delete_transition_task(self, task_id: Id, user_id: Id) -> bool:
        """Removes it for good; the plan's percentage follows."""

    # -- timeline

    async def get_timeline(self, user_id: Id) -> list[TransitionMilestone]:
        """By day, then id."""

    async def create_milestone(self, user_id: Id, data: Mapping[str, object]) -> TransitionMilestone:
        """No system milestone, unless the data says otherwise. Raises NotNullViolation without type, name or date."""

    async def update_milestone(
        self, milestone_id: Id, user_id: Id, data: Mapping[str, object], *, now: dt.datetime | None = None
    ) -> TransitionMilestone:
        """`is_completed` brings or takes away the time of completion, unless that is given."""

    async def delete_milestone(self, milestone_id: Id, user_id: Id) -> bool:
        """Removes it for good."""

    # -- money

    async def create_financial_item(self, user_id: Id, data: Mapping[str, object]) -> FinancialItem:
        """Raises NotNullViolation without bucket, category or estimate, CheckViolation for a negative estimate."""

    async def get_financial_items(
        self, user_id: Id, bucket_type: BucketType | str | None = None
    ) -> list[FinancialItem]:
        """By bucket, category, then id."""

    async def update_financial_item(self, item_id: Id, user_id: Id, data: Mapping[str, object]) -> FinancialItem:
        """Whether it is funded, and how far, follows the amounts and can't be given."""

    async def delete_financial_item(self, item_id: Id, user_id: Id) -> bool:
        """Removes it for good."""

    # -- services to end, to join, or to digitize

    async def create_service(self, user_id: Id, data: Mapping[str, object]) -> TransitionService:
        """Raises NotNullViolation without type, name or category."""

    async def get_services(
        self, user_id: Id, service_type: ServiceType | str | None = None, status: ServiceStatus | str | None = None
    ) -> list[TransitionService]:
        """By name, then id."""

    async def update_service(self, service_id: Id, user_id: Id, data: Mapping[str, object]) -> TransitionService:
        """The service as changed."""

    async def delete_service(self, service_id: Id, user_id: Id) -> bool:
        """Removes it for good."""

    # -- equipment

    async def add_equipment_item(self, user_id: Id, data: Mapping[str, object]) -> EquipmentItem:
        """Raises NotNullViolation without name or category, CheckViolation for a negative cost or weight."""

    async def get_equipment_list(
        self,
        user_id: Id,
        category: str | None = None,
        status: AcquisitionStatus | str | None = None,
        is_purchased: bool | None = None,
    ) -> list[EquipmentItem]:
        """By category, name, then id."""

    async def update_equipment_item(self, item_id: Id, user_id: Id, data: Mapping[str, object]) -> EquipmentItem:
        """The item as changed."""

    async def mark_equipment_purchased(
        self,
        item_id: Id,
        user_id: Id,
        actual_cost: Decimal | int | str | None = None,
        purchase_location: str | None = None,
        *,
        purchased_date: dt.date | str | None = None,
    ) -> EquipmentItem:
        """Purchased on that day, today in UTC if none is given, and acquired. What is None stays as it was."""

    async def delete_equipment_item(self, item_id: Id, user_id: Id) -> bool:
        """Removes it for good."""

    async def get_equipment_stats(self, user_id: Id) -> EquipmentStats:
        """All figures are 0 without equipment."""

    # -- changes to the vehicle

    async def create_vehicle_mod(self, user_id: Id, data: Mapping[str, object]) -> VehicleMod:
        """Raises NotNullViolation without name or category, CheckViolation for a negative cost or time."""

    async def get_vehicle_mods(
        self, user_id: Id, category: ModCategory | str | None = None, status: ModStatus | str | None = None
    ) -> list[VehicleMod]:
        """By name, then id."""

    async def update_vehicle_mod(self, mod_id: Id, user_id: Id, data: Mapping[str, object]) -> VehicleMod:
        """The change as changed."""

    async def delete_vehicle_mod(self, mod_id: Id, user_id: Id) -> bool:
        """Removes it for good."""

    async def get_vehicle_mod_stats(self, user_id: Id) -> VehicleModStats:
        """All figures are 0 without changes."""

    # -- downsizing

    async def create_room(self, user_id: Id, data: Mapping[str, object]) -> TransitionRoom:
        """Empty, and not started unless the data says otherwise. Raises NotNullViolation without a name."""

    async def get_rooms(self, user_id: Id) -> list[TransitionRoom]:
        """By name, then id."""

    async def update_room(self, room_id: Id, user_id: Id, data: Mapping[str, object]) -> TransitionRoom:
        """How many items it has, and how many are decided, follows them and can't be given."""

    async def delete_room(self, room_id: Id, user_id: Id) -> bool:
        """Removes it and its items for good."""

    async def create_item(
        self, room_id: Id, user_id: Id, data: Mapping[str, object], *, now: dt.datetime | None = None
    ) -> TransitionItem:
        """In one of the plan's rooms. A decision brings its time, unless that is given.

        Raises:
            RepositoryNotFoundError: the plan has no such room.
            NotNullViolation: no name.
            CheckViolation: a negative value, or a difficulty outside of 1 to 5.
        """

    async def get_items(
        self, user_id: Id, room_id: Id | None = None, decision: Decision | str | None = None
    ) -> list[TransitionItem]:
        """By name, then id."""

    async def update_item(
        self, item_id: Id, user_id: Id, data: Mapping[str, object], *, now: dt.datetime | None = None
    ) -> TransitionItem:
        """A decision brings or takes away its time, unless that is given.

        Raises:
            RepositoryNotFoundError: the plan has no such item, or no room with the `room_id` that is given.
        """

    async def delete_item(self, item_id: Id, user_id: Id) -> bool:
        """Removes it for good."""

    async def get_downsizing_stats(self, user_id: Id) -> DownsizingStats:
        """All figures are 0, and there are no totals, without rooms."""
