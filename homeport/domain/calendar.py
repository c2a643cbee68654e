"""Calendar: what happens when, for one person."""

import datetime as dt
import enum
import uuid

import attrs

from homeport.kernel.entity import Entity


class EventType(enum.StrEnum):
    PERSONAL = "personal"
    TRIP = "trip"
    MAINTENANCE = "maintenance"
    MEETING = "meeting"
    REMINDER = "reminder"
    BIRTHDAY = "birthday"
    HOLIDAY = "holiday"


@attrs.frozen(kw_only=True)
class CalendarEvent(Entity):
    """One entry of a calendar. Its start_date and end_date are moments, although the documents call them dates."""

    id: uuid.UUID
    user_id: uuid.UUID
    title: str
    description: str | None = None
    start_date: dt.datetime
    end_date: dt.datetime
    all_day: bool = False
    event_type: EventType = EventType.PERSONAL
    location_name: str | None = None
    reminder_minutes: tuple[int, ...] | None = (15,)
    color: str = "#3b82f6"
    is_private: bool = True
    trip_id: uuid.UUID | None = None
    vehicle_id: uuid.UUID | None = None
    created_at: dt.datetime
    updated_at: dt.datetime
