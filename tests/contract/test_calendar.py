"""Calendar: one person's events, on every adapter."""

import datetime as dt
import uuid

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.calendar import CalendarEvent, EventType
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
)
from homeport.testing import a_user, an_event
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)


def at(hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 5, 1, hour, minute, tzinfo=dt.UTC)


# -- create_event


async def test_a_created_event_has_its_defaults_and_can_be_read_back(db: Homeport) -> None:
    user = await a_user(db)
    made = await db.calendar.create_event(user.id, {"title": "Dentist", "start_date": at(9), "end_date": at(10)})
    assert made == CalendarEvent(
        id=made.id,
        user_id=user.id,
        title="Dentist",
        start_date=at(9),
        end_date=at(10),
        all_day=False,
        event_type=EventType.PERSONAL,
        reminder_minutes=(15,),
        color="#3b82f6",
        is_private=True,
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert await db.calendar.get_event_by_id(made.id, user.id) == made


async def test_an_event_keeps_every_field_that_was_given(db: Homeport) -> None:
    user = await a_user(db)
    given = {
        "title": "Fête, 中文 'n' \"quotes\"",
        "description": "",
        "start_date": at(9),
        "end_date": at(9),
        "all_day": True,
        "event_type": EventType.BIRTHDAY,
        "location_name": "a\nb",
        "reminder_minutes": (60, 15, 0),
        "color": "red",
        "is_private": False,
    }
    made = await db.calendar.create_event(user.id, given)
    assert {name: getattr(made, name) for name in given} == given


async def test_ids_and_moments_may_be_given_as_text(db: Homeport) -> None:
    user = await a_user(db)
    data = {"title": "t", "start_date": "2026-05-01T11:00:00+02:00", "end_date": "2026-05-01T10:00:00Z"}
    made = await db.calendar.create_event(str(user.id), data)
    assert (made.start_date, made.end_date) == (at(9), at(10))
    assert await db.calendar.get_event_by_id(str(made.id), str(user.id).upper()) == made


async def test_an_event_may_have_no_reminders_at_all(db: Homeport) -> None:
    assert (await an_event(db, reminder_minutes=None)).reminder_minutes is None
    assert (await an_event(db, reminder_minutes=[])).reminder_minutes == ()


async def test_an_event_that_ends_before_it_starts_is_refused(db: Homeport) -> None:
    user = await a_user(db)
    data = {"title": "t", "start_date": at(10), "end_date": at(9, 59)}
    said = await violated(CheckViolation, db.calendar.create_event(user.id, data))
    assert said == ("calendar_events_end_date_check", ("end_date", "start_date"))
    assert await db.calendar.get_user_events(user.id) == []


@pytest.mark.parametrize("missing", ["title", "start_date", "end_date"])
async def test_an_event_needs_a_title_a_start_and_an_end(db: Homeport, missing: str) -> None:
    user = await a_user(db)
    data = {"title": "t", "start_date": at(9), "end_date": at(10)}
    del data[missing]
    assert await violated(NotNullViolation, db.calendar.create_event(user.id, data)) == (None, (missing,))


async def test_an_event_for_an_unknown_user_is_refused(db: Homeport) -> None:
    data = {"title": "t", "start_date": at(9), "end_date": at(10)}
    said = await violated(ForeignKeyViolation, db.calendar.create_event(ABSENT, data))
    assert said == ("calendar_events_user_id_fkey", ("user_id",))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 5),
        ("title", "a\x00b"),
        ("start_date", dt.datetime(2026, 5, 1, 9)),
        ("end_date", "tomorrow"),
        ("all_day", "yes"),
        ("event_type", "party"),
        ("reminder_minutes", [15, None]),
        ("reminder_minutes", ["15"]),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_by_name(db: Homeport, field: str, value: object) -> None:
    user = await a_user(db)
    data = {"title": "t", "start_date": at(9), "end_date": at(10), field: value}
    assert await refused(InvalidValue, db.calendar.create_event(user.id, data)) == field


@pytest.mark.parametrize("field", ["titel", "created_at", "updated_at", "", "title; drop table calendar_events"])
async def test_an_unknown_or_read_only_field_is_refused_by_name(db: Homeport, field: str) -> None:
    user = await a_user(db)
    data = {"title": "t", "start_date": at(9), "end_date": at(10), field: at(9)}
    assert await refused(InvalidField, db.calendar.create_event(user.id, data)) == field


async def test_an_event_is_created_for_the_user_asked_for_and_nobody_else(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    data = {"title": "t", "start_date": at(9), "end_date": at(10)}
    assert await refused(InvalidField, db.calendar.create_event(user.id, {**data, "user_id": other.id})) == "user_id"
    made = await db.calendar.create_event(user.id, {**data, "user_id": str(user.id)})
    assert made.user_id == user.id


async def test_a_malformed_user_id_is_refused_before_anything_is_asked(db: Homeport) -> None:
    assert await refused(InvalidValue, db.calendar.create_event("me", {"title": "t"})) == "user_id"
    assert await refused(InvalidValue, db.calendar.get_user_events("me")) == "user_id"


# -- get_user_events


async def test_events_are_in_order_of_their_start_and_then_their_id(db: Homeport) -> None:
    user = await a_user(db)
    late = await an_event(db, user_id=user.id, start_date=at(12), end_date=at(13))
    twins = [await an_event(db, user_id=user.id, start_date=at(9), end_date=at(10)) for _ in range(3)]
    early = await an_event(db, user_id=user.id, start_date=at(8), end_date=at(20))
    in_order = [early, *sorted(twins, key=lambda event: event.id), late]
    assert await db.calendar.get_user_events(user.id) == in_order


@pytest.mark.parametrize(
    ("start", "end", "seen"),
    [
        (None, None, True),
        (at(11), None, True),
        (at(12), None, True),
        (at(12, 1), None, False),
        (None, at(9), True),
        (None, at(8, 59), False),
        (at(10), at(11), True),
        (at(8), at(20), True),
        (at(12), at(12), True),
        (at(9), at(9), True),
        (at(6), at(8), False),
        (at(13), at(14), False),
        ("2026-05-01T14:00:00+02:00", "2026-05-01T12:30:00Z", True),
    ],
)
async def test_the_window_is_closed_and_takes_what_overlaps_it(
    db: Homeport, start: dt.datetime | str | None, end: dt.datetime | str | None, seen: bool
) -> None:
    event = await an_event(db, start_date=at(9), end_date=at(12))
    found = await db.calendar.get_user_events(event.user_id, start, end)
    assert found == ([event] if seen else [])


async def test_nobody_sees_the_events_of_another(db: Homeport) -> None:
    mine, other = await an_event(db), await an_event(db)
    assert await db.calendar.get_user_events(mine.user_id) == [mine]
    assert await db.calendar.get_event_by_id(other.id, mine.user_id) is None


async def test_there_are_no_events_for_a_user_without_any_or_an_unknown_one(db: Homeport) -> None:
    user = await a_user(db)
    assert await db.calendar.get_user_events(user.id) == []
    assert await db.calendar.get_user_events(ABSENT) == []


async def test_a_window_that_ends_before_it_starts_is_refused(db: Homeport) -> None:
    user = await a_user(db)
    assert await refused(InvalidValue, db.calendar.get_user_events(user.id, at(10), at(9))) == "end_date"


async def test_a_window_without_a_time_zone_is_refused(db: Homeport) -> None:
    user = await a_user(db)
    naive = dt.datetime(2026, 5, 1)
    assert await refused(InvalidValue, db.calendar.get_user_events(user.id, naive)) == "start_date"
    assert await refused(InvalidValue, db.calendar.get_user_events(user.id, None, "2026-05-01T00:00:00")) == "end_date"


# -- get_event_by_id


async def test_an_absent_event_is_none_and_a_malformed_id_an_error(db: Homeport) -> None:
    user = await a_user(db)
    assert await db.calendar.get_event_by_id(ABSENT, user.id) is None
    assert await refused(InvalidValue, db.calendar.get_event_by_id("1", user.id)) == "id"


# -- update_event


async def test_an_update_changes_what_is_given_and_touches_the_event(db: Homeport) -> None:
    event = await an_event(db, description="old")
    changed = await db.calendar.update_event(event.id, event.user_id, {"title": "New", "description": None})
    assert changed == attrs.evolve(event, title="New", description=None, updated_at=changed.updated_at)
    assert changed.updated_at >= event.updated_at
    assert await db.calendar.get_event_by_id(event.id, event.user_id) == changed


async def test_an_update_of_nothing_changes_nothing(db: Homeport) -> None:
    event = await an_event(db)
    assert await db.calendar.update_event(event.id, event.user_id, {}) == event


@pytest.mark.parametrize("data", [{"title": "x"}, {}])
async def test_an_event_that_is_absent_or_of_another_can_not_be_updated(db: Homeport, data: dict[str, object]) -> None:
    event, user = await an_event(db), await a_user(db)
    for id in (event.id, ABSENT):
        with pytest.raises(RepositoryNotFoundError):
            await db.calendar.update_event(id, user.id, data)
    assert await db.calendar.get_event_by_id(event.id, event.user_id) == event


async def test_an_update_that_breaks_a_rule_leaves_the_event_as_it_was(db: Homeport) -> None:
    event = await an_event(db, start_date=at(9), end_date=at(10))
    before_start = db.calendar.update_event(event.id, event.user_id, {"title": "x", "end_date": at(8)})
    assert await violated(CheckViolation, before_start) == (
        "calendar_events_end_date_check",
        ("end_date", "start_date"),
    )
    untitled = db.calendar.update_event(event.id, event.user_id, {"title": None})
    assert await violated(NotNullViolation, untitled) == (None, ("title",))
    assert await db.calendar.get_event_by_id(event.id, event.user_id) == event


@pytest.mark.parametrize("field", ["id", "user_id", "created_at", "updated_at", "nonsense"])
async def test_an_update_can_not_write_keys_owners_and_the_databases_own_columns(db: Homeport, field: str) -> None:
    event, other = await an_event(db), await a_user(db)
    values = {"id": ABSENT, "user_id": other.id}
    change = {field: values.get(field, at(9))}
    assert await refused(InvalidField, db.calendar.update_event(event.id, event.user_id, change)) == field


# -- delete_event


async def test_a_deleted_event_is_gone_and_can_not_be_deleted_twice(db: Homeport) -> None:
    event = await an_event(db)
    assert await db.calendar.delete_event(event.id, event.user_id) is True
    assert await db.calendar.get_event_by_id(event.id, event.user_id) is None
    assert await db.calendar.delete_event(event.id, event.user_id) is False


async def test_nobody_deletes_the_event_of_another(db: Homeport) -> None:
    event, user = await an_event(db), await a_user(db)
    assert await db.calendar.delete_event(event.id, user.id) is False
    assert await db.calendar.get_event_by_id(event.id, event.user_id) == event


async def test_a_malformed_event_id_is_refused_by_update_and_delete(db: Homeport) -> None:
    user = await a_user(db)
    assert await refused(InvalidValue, db.calendar.update_event("x", user.id, {"title": "t"})) == "id"
    assert await refused(InvalidValue, db.calendar.delete_event("", user.id)) == "id"
