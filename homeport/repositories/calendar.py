"""Calendar over any store."""

import datetime as dt
import uuid
from collections.abc import Mapping

from homeport.domain.calendar import CalendarEvent
from homeport.domain.ids import Id
from homeport.kernel.errors import InvalidValue
from homeport.kernel.policies import owned
from homeport.kernel.predicates import all_of, ge, le
from homeport.kernel.table import CREATED, ID, OWNER, UPDATED, OnDelete, column, index, not_before, table
from homeport.ports.calendar import CalendarRepository
from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.repositories.migrations import shipped

EVENT = table(
    CalendarEvent,
    "calendar_events",
    owner="user_id",
    columns={
        "id": ID,
        "user_id": OWNER,
        "trip_id": column(references="trips", on_delete=OnDelete.SET_NULL, sharing={"user_id": "user_id"}),
        "vehicle_id": column(references="vehicles", on_delete=OnDelete.SET_NULL, sharing={"user_id": "user_id"}),
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    checks=[not_before("end_date", "start_date")],
    indexes=[index("user_id", "start_date")],
    policies=owned(),
    order=["start_date"],
)


class StoredCalendar:
    """Document 000's CalendarRepository; `events` is its base repository."""

    def __init__(self, store: Store) -> None:
        self.events: Collection[CalendarEvent, uuid.UUID] = Collection(store, EVENT)

    async def create_event(self, user_id: Id, data: Mapping[str, object]) -> CalendarEvent:
        return await self.events.of(user_id).create(data)

    async def get_user_events(
        self, user_id: Id, start_date: dt.datetime | str | None = None, end_date: dt.datetime | str | None = None
    ) -> list[CalendarEvent]:
        start = EVENT.require("start_date").admit(start_date)
        end = EVENT.require("end_date").admit(end_date)
        if isinstance(start, dt.datetime) and isinstance(end, dt.datetime) and end < start:
            raise InvalidValue("end_date: the window ends before it starts", field="end_date")
        after = [] if start is None else [ge("end_date", start)]
        before = [] if end is None else [le("start_date", end)]
        return await self.events.of(user_id).find_many(all_of(*after, *before), name="get_user_events")

    async def get_event_by_id(self, event_id: Id, user_id: Id) -> CalendarEvent | None:
        return await self.events.of(user_id).find_by_id(event_id)

    async def update_event(self, event_id: Id, user_id: Id, data: Mapping[str, object]) -> CalendarEvent:
        return await self.events.of(user_id).update(event_id, data)

    async def delete_event(self, event_id: Id, user_id: Id) -> bool:
        return await self.events.of(user_id).delete(event_id)


CALENDAR: Context[CalendarRepository] = Context(
    "calendar", StoredCalendar, tables=(EVENT,), migrations=shipped("calendar"), requires=("users",)
)
