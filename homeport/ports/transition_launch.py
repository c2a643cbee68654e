"""Transition launch port: the second half of document 000's TransitionRepository, which leaves its methods open."""

import datetime as dt
from collections.abc import Mapping
from typing import Protocol

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
    UserLaunchTask,
)


class LaunchRepository(Protocol):
    """Every method sees one user's rows only; another's are as absent. The launch week's tasks are everybody's.

    Trips and issues stand under the user's live transition plan, and are as absent under an archived one.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    # -- shakedown trips

    async def log_shakedown_trip(self, user_id: Id, data: Mapping[str, object]) -> ShakedownTrip:
        """Adds a trip to the user's plan.

        Raises:
            RepositoryNotFoundError: the user has no live plan.
            NotNullViolation: no name, duration, type or start.
            CheckViolation: no day long, a negative distance, an end before the start, a confidence outside of 1 to 10.
        """

    async def get_shakedown_trips(self, user_id: Id) -> list[ShakedownTrip]:
        """The latest start first, then the latest logged, then by id; empty if there are none."""

    async def update_shakedown_trip(self, trip_id: Id, user_id: Id, data: Mapping[str, object]) -> ShakedownTrip:
        """Raises RepositoryNotFoundError, and constraint errors as `log_shakedown_trip`."""

    async def delete_shakedown_trip(self, trip_id: Id, user_id: Id) -> bool:
        """Removes it and its issues for good; False if it is absent."""

    async def add_shakedown_issue(
        self, user_id: Id, data: Mapping[str, object], trip_id: Id | None = None
    ) -> ShakedownIssue:
        """Of this trip, or of the first in the order of `get_shakedown_trips`.

        Raises:
            RepositoryNotFoundError: no such trip, or none at all.
            NotNullViolation: no category, severity or description.
            CheckViolation: a negative cost.
        """

    async def get_shakedown_issues(
        self, user_id: Id, trip_id: Id | None = None, is_resolved: bool | None = None
    ) -> list[ShakedownIssue]:
        """Open ones first, then the latest, then by id; empty if there are none. What is None asks nothing."""

    async def update_shakedown_issue(
        self, issue_id: Id, user_id: Id, data: Mapping[str, object], *, today: dt.date | str | None = None
    ) -> ShakedownIssue:
        """`is_resolved` brings or takes away the day of resolution, today in UTC if none is given.

        Raises:
            RepositoryNotFoundError: no such issue, or no trip with the `trip_id` that is given.
        """

    async def delete_shakedown_issue(self, issue_id: Id, user_id: Id) -> bool:
        """Removes it for good; False if it is absent."""

    async def get_shakedown_summary(self, user_id: Id) -> ShakedownSummary:
        """The figures, and every trip with its issues, both in the order of their lists."""

    async def get_shakedown_stats(self, user_id: Id) -> ShakedownStats:
        """The figures alone; 0, and no confidence, without trips."""

    # -- the launch week

    async def install_launch_week(self) -> int:
        """Writes Homeport's own tasks of the launch week, and says how many: for a service, when it is set up.

        Again, it puts their texts back to those of this version; tasks of one's own, and what users did, stay.
        """

    async def get_launch_week_tasks(self, day_number: int | None = None) -> list[LaunchWeekTask]:
        """By day and place in it, then id; empty before any were installed."""

    async def get_launch_week_status(self, user_id: Id) -> list[LaunchTaskStatus]:
        """Every task, in the order of `get_launch_week_tasks`, with what the user did about it."""

    async def get_launch_week_progress(self, user_id: Id) -> LaunchWeekProgress:
        """The same in figures."""

    async def complete_launch_task(
        self, task_id: Id, user_id: Id, notes: str | None = None, *, now: dt.datetime | None = None
    ) -> UserLaunchTask:
        """Marks the task as done, at `now`, an aware time, or at the present. Again, the later time stands.

        Notes that are None stay as they were.

        Raises:
            ForeignKeyViolation: no such task or user.
        """

    async def reopen_launch_task(self, task_id: Id, user_id: Id) -> UserLaunchTask:
        """Takes the mark back and keeps the notes. Raises RepositoryNotFoundError for a task that has no mark."""

    # -- the day itself, and after it

    async def set_launch_date(self, user_id: Id, data: Mapping[str, object]) -> LaunchDate:
        """Sets the date, or another one, and what goes with it. What else is not given stays as it was.

        Raises:
            NotNullViolation: no launch date.
            ForeignKeyViolation: no such user.
        """

    async def get_launch_date(self, user_id: Id) -> LaunchDate | None:
        """None if none is set."""

    async def get_days_until_launch(self, user_id: Id, *, today: dt.date | str | None = None) -> int | None:
        """From `today`, the present day in UTC if none is given; below zero once it is past.

        The launch date counts, and where none is set the departure of the live plan; None without either.
        """

    async def save_checkin(
        self, user_id: Id, checkin_type: CheckinType | str, data: Mapping[str, object]
    ) -> LaunchCheckin:
        """Writes the user's one check-in of this kind, or changes it. What else is not given stays as it was.

        Raises:
            NotNullViolation: no response.
            ForeignKeyViolation: no such user.
        """

    async def get_checkins(self, user_id: Id) -> list[LaunchCheckin]:
        """The oldest first, then by id; empty if there are none."""
