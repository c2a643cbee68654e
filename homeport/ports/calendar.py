"""Calendar port: document 000's CalendarRepository."""

import datetime as dt
from collections.abc import Mapping
from typing import Protocol

from homeport.domain.calendar import CalendarEvent
from homeport.domain.ids import Id


class CalendarRepository(Protocol):
    """Every method sees one user's events only; another's are as absent.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    async def create_event(self, user_id: Id, data: Mapping[str, object]) -> CalendarEvent:
        """Raises CheckViolation if it ends before it starts, ForeignKeyViolation for an unknown user, trip, vehicle."""

    async def get_user_events(
        self, user_id: Id, start_date: dt.datetime | str | None = None, end_date: dt.datetime | str | None = None
    ) -> list[CalendarEvent]:
        """Events that overlap the closed window, by start, then id; a side left out is open.

        Raises:
            InvalidValue: the window ends before it starts, or a moment has no time zone.
        """

    async def get_event_by_id(self, event_id: Id, user_id: Id) -> CalendarEvent | None:
        """None if it is absent or another's."""

    async def update_event(self, event_id: Id, user_id: Id, data: Mapping[str, object]) -> CalendarEvent:
        """Raises RepositoryNotFoundError if it is absent or another's."""

    async def delete_event(self, event_id: Id, user_id: Id) -> bool:
        """False if it is absent or another's."""
