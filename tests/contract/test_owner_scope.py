"""A collection of one owner: others' rows are as absent, and no row changes hands."""

import uuid

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.calendar import CalendarEvent
from homeport.domain.users import User
from homeport.kernel.errors import InvalidField, InvalidValue, RepositoryNotFoundError, RepositoryValidationError
from homeport.testing import a_user, an_event


@pytest.fixture
async def mine(db: Homeport) -> User:
    return await a_user(db)


@pytest.fixture
async def theirs(db: Homeport) -> CalendarEvent:
    return await an_event(db)


async def test_anothers_row_is_as_absent_for_every_base_method(db: Homeport, mine: User, theirs: CalendarEvent) -> None:
    events = db.calendar.events.of(mine.id)
    absent = uuid.uuid4()
    for key in (theirs.id, absent):
        assert await events.find_by_id(key) is None
        assert await events.find_by_ids([key]) == []
        assert await events.delete(key) is False
        assert await events.discard(key) is False
        assert await events.bulk_delete([key]) == 0
        assert await events.bulk_update([(key, {"title": "x"})]) == 0
        assert await events.exists({"id": key}) is False
        assert await events.update_many({"id": key}, {"title": "x"}) == 0
        for call in (events.get_or_raise(key), events.update(key, {"title": "x"}), events.update(key, {})):
            with pytest.raises(RepositoryNotFoundError) as caught:
                await call
            assert str(caught.value) == "no such row in calendar_events"
    assert await events.find_many() == []
    assert await events.count() == 0
    assert (await events.paginate()).total == 0
    assert (await events.paginate_cursor()).items == ()
    assert [row async for row in events.stream()] == []
    assert await db.calendar.events.find_many() == [theirs]


async def test_filters_can_not_leave_the_owner(db: Homeport, mine: User, theirs: CalendarEvent) -> None:
    events = db.calendar.events.of(mine.id)
    assert await events.find_many({"user_id": theirs.user_id}) == []
    assert await events.delete_many({"user_id": theirs.user_id}) == 0
    assert await events.update_many({"user_id": [mine.id, theirs.user_id]}, {"title": "x"}) == 0


async def test_all_of_ones_own_rows_may_be_meant_at_once(db: Homeport, mine: User, theirs: CalendarEvent) -> None:
    await an_event(db, user_id=mine.id)
    await an_event(db, user_id=mine.id)
    events = db.calendar.events.of(mine.id)
    assert await events.update_many({}, {"title": "x"}) == 2
    assert await events.delete_many(None) == 2
    assert await db.calendar.events.find_many() == [theirs]


async def test_no_row_is_given_to_another_owner(db: Homeport, mine: User, theirs: CalendarEvent) -> None:
    events = db.calendar.events.of(mine.id)
    own = await an_event(db, user_id=mine.id)
    data = {"title": "t", "start_date": own.start_date, "end_date": own.end_date}
    for call in (
        events.create({**data, "user_id": theirs.user_id}),
        events.update(own.id, {"user_id": theirs.user_id}),
        events.update_many({"id": own.id}, {"user_id": theirs.user_id}),
        events.add(attrs.evolve(theirs, id=uuid.uuid4())),
        db.calendar.events.update(own.id, {"user_id": theirs.user_id}),
    ):
        with pytest.raises(InvalidField) as caught:
            await call
        assert caught.value.field == "user_id"
    assert await events.find_many() == [own]


async def test_an_upsert_within_one_owner_needs_the_owner_in_its_target(db: Homeport, mine: User) -> None:
    with pytest.raises(InvalidField) as caught:
        await db.calendar.events.of(mine.id).upsert({"id": uuid.uuid4(), "title": "t"})
    assert caught.value.field == "target"


async def test_an_equal_owner_may_be_said_again(db: Homeport, mine: User) -> None:
    own = await an_event(db, user_id=mine.id)
    events = db.calendar.events.of(str(mine.id))
    assert (await events.update(own.id, {"user_id": str(mine.id), "title": "x"})).title == "x"


async def test_what_is_no_owner_and_no_entity_is_refused(db: Homeport, mine: User) -> None:
    for owner in (None, "", "x", 5):
        with pytest.raises(InvalidValue):
            db.calendar.events.of(owner)
    with pytest.raises(RepositoryValidationError):
        await db.calendar.events.add(mine)  # type: ignore[arg-type]
    with pytest.raises(RepositoryValidationError):
        await db.calendar.events.create([("title", "t")])  # type: ignore[arg-type]
