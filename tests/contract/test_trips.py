"""Trips: planned by one person, with stops, people who come along, and expenses, on every adapter."""

import asyncio
import datetime as dt
import random
import uuid
from collections.abc import Mapping
from decimal import Decimal

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.public_profile import PublicProfile
from homeport.domain.trips import (
    ParticipantRole,
    ParticipantStatus,
    ParticipantWithProfile,
    PrivacyLevel,
    StopType,
    Trip,
    TripExpense,
    TripExpenseCategory,
    TripParticipant,
    TripStatus,
    TripStop,
)
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
    UniqueViolation,
)
from homeport.testing import (
    a_profile,
    a_trip,
    a_trip_expense,
    a_trip_participant,
    a_trip_stop,
    a_user,
    an_event,
)
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)
CALLERS = 200
MAY = [dt.date(2026, 5, day) for day in range(1, 10)]
NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
WAY = {"origin": "Oban", "destination": "Skye"}
DIESEL: Mapping[str, object] = {"amount": "80", "category": "fuel"}


async def stops(db: Homeport, trip: Trip, *names: str) -> list[TripStop]:
    return [await db.trips.add_trip_stop(trip.id, {"name": name}) for name in names]


async def somebody_on(db: Homeport, trip: Trip, *, accepts: bool | None = True) -> uuid.UUID:
    """A participant who accepted, declined, or has not answered yet."""
    user = await a_user(db)
    await db.trips.add_trip_participant(trip.id, user.id)
    if accepts is not None:
        await db.trips.answer_trip_invitation(trip.id, user.id, accepts=accepts)
    return user.id


# -- create_trip


async def test_a_created_trip_has_its_defaults_and_can_be_read_back(db: Homeport) -> None:
    user = await a_user(db)
    made = await db.trips.create_trip(user.id, WAY)
    assert made == Trip(
        id=made.id,
        user_id=user.id,
        origin="Oban",
        destination="Skye",
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert (made.status, made.privacy_level) == (TripStatus.PLANNED, PrivacyLevel.PRIVATE)
    assert await db.trips.get_trip_by_id(made.id, user.id) == made


async def test_a_trip_keeps_every_field_that_was_given(db: Homeport) -> None:
    user = await a_user(db)
    given = {
        **WAY,
        "title": 'O\'Hara "& sons"',
        "start_date": MAY[0],
        "end_date": MAY[0],
        "distance_miles": Decimal("99999999.99"),
        "estimated_cost": Decimal("0.01"),
        "actual_cost": Decimal("-1.00"),
        "status": TripStatus.ACTIVE,
        "notes": "",
        "route_data": {"legs": [{"to": "Mallaig", "miles": 40.5}], "via": None},
        "privacy_level": PrivacyLevel.PUBLIC,
    }
    made = await db.trips.create_trip(str(user.id), given)
    assert {name: getattr(made, name) for name in given} == given


async def test_a_trip_that_breaks_a_rule_is_refused(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    backwards = db.trips.create_trip(user.id, {**WAY, "start_date": MAY[1], "end_date": MAY[0]})
    assert await violated(CheckViolation, backwards) == ("trips_end_date_check", ("end_date", "start_date"))
    for name in WAY:
        data = {**WAY, name: None}
        assert await violated(NotNullViolation, db.trips.create_trip(user.id, data)) == (None, (name,))
    unknown = db.trips.create_trip(ABSENT, WAY)
    assert await violated(ForeignKeyViolation, unknown) == ("trips_user_id_fkey", ("user_id",))
    assert await refused(InvalidField, db.trips.create_trip(user.id, {**WAY, "user_id": other.id})) == "user_id"
    assert await refused(InvalidValue, db.trips.create_trip(user.id, {**WAY, "status": "done"})) == "status"
    assert await refused(InvalidValue, db.trips.create_trip("me", WAY)) == "user_id"
    assert await db.trips.get_user_trips(user.id) == []


# -- get_user_trips, get_trip_by_id


async def test_trips_are_the_latest_start_first_and_those_without_one_last(db: Homeport) -> None:
    user = await a_user(db)
    someday = await a_trip(db, user_id=user.id)
    old = await a_trip(db, user_id=user.id, start_date=MAY[0])
    twins = sorted([await a_trip(db, user_id=user.id, start_date=MAY[2]) for _ in range(3)], key=lambda one: one.id)
    theirs = await a_trip(db, start_date=MAY[1])
    await db.trips.add_trip_participant(theirs.id, user.id)
    await db.trips.answer_trip_invitation(theirs.id, user.id, accepts=True)
    assert await db.trips.get_user_trips(str(user.id)) == [*twins, old, someday]
    assert await db.trips.get_user_trips(ABSENT) == []


async def test_a_trip_is_read_by_its_user_and_by_who_accepted_to_join(db: Homeport) -> None:
    trip, another = await a_trip(db), await a_trip(db)
    joined = await somebody_on(db, trip)
    others = [await somebody_on(db, trip, accepts=answer) for answer in (None, False)]
    for reader in (trip.user_id, joined):
        assert await db.trips.get_trip_by_id(str(trip.id), str(reader)) == trip
    for stranger in (*others, another.user_id, ABSENT):
        assert await db.trips.get_trip_by_id(trip.id, stranger) is None
    assert await db.trips.get_trip_by_id(another.id, joined) is None
    assert await db.trips.get_trip_by_id(ABSENT, joined) is None


async def test_only_its_user_changes_a_trip(db: Homeport) -> None:
    trip = await a_trip(db)
    joined = await somebody_on(db, trip)
    for id, user in ((trip.id, joined), (ABSENT, trip.user_id)):
        assert await db.trips.delete_trip(id, user) is False
        with pytest.raises(RepositoryNotFoundError):
            await db.trips.update_trip(id, user, {"title": "x"})
    assert await db.trips.get_trip_by_id(trip.id, trip.user_id) == trip


async def test_a_malformed_id_is_an_error(db: Homeport) -> None:
    trip = await a_trip(db)
    assert await refused(InvalidValue, db.trips.get_trip_by_id("1", trip.user_id)) == "id"
    assert await refused(InvalidValue, db.trips.get_trip_by_id(trip.id, "me")) == "user_id"
    assert await refused(InvalidValue, db.trips.add_trip_stop("1", {"name": "x"})) == "trip_id"
    assert await refused(InvalidValue, db.trips.add_trip_stop(trip.id, {"name": "x"}, user_id="me")) == "user_id"
    assert await refused(InvalidValue, db.trips.get_trip_stops("1")) == "trip_id"
    assert await refused(InvalidValue, db.trips.reorder_trip_stops(trip.id, ["1"])) == "stop_ids"
    assert await refused(InvalidValue, db.trips.add_trip_participant(trip.id, "me")) == "user_id"
    assert await refused(InvalidValue, db.trips.get_trip_participants(trip.id, user_id="me")) == "user_id"
    assert await refused(InvalidValue, db.trips.get_trip_expenses(trip.id, user_id="me")) == "user_id"


# -- update_trip, delete_trip


async def test_an_update_changes_what_is_given(db: Homeport) -> None:
    trip = await a_trip(db, start_date=MAY[1], title="x")
    changed = await db.trips.update_trip(trip.id, trip.user_id, {"title": None, "status": "completed"})
    assert changed == attrs.evolve(trip, title=None, status=TripStatus.COMPLETED, updated_at=changed.updated_at)
    backwards = db.trips.update_trip(trip.id, trip.user_id, {"end_date": MAY[0]})
    assert await violated(CheckViolation, backwards) == ("trips_end_date_check", ("end_date", "start_date"))
    assert await db.trips.get_trip_by_id(trip.id, trip.user_id) == changed


async def test_a_deleted_trip_takes_all_of_its_own_and_leaves_the_calendar(db: Homeport) -> None:
    trip = await a_trip(db)
    event = await an_event(db, user_id=trip.user_id, trip_id=trip.id)
    unknown = db.calendar.update_event(event.id, trip.user_id, {"trip_id": ABSENT})
    assert await violated(ForeignKeyViolation, unknown) == ("calendar_events_trip_id_fkey", ("user_id", "trip_id"))
    await stops(db, trip, "a")
    await somebody_on(db, trip)
    await db.trips.add_trip_expense(trip.id, DIESEL)
    assert await db.trips.delete_trip(trip.id, trip.user_id) is True
    assert await db.trips.delete_trip(trip.id, trip.user_id) is False
    assert [await each.count() for each in (db.trips.stops, db.trips.participants, db.trips.expenses)] == [0, 0, 0]
    left = await db.calendar.get_event_by_id(event.id, trip.user_id)
    assert left == attrs.evolve(event, trip_id=None)


# -- add_trip_stop, get_trip_stops


async def test_a_stop_has_its_defaults_and_comes_after_the_last_one(db: Homeport) -> None:
    trip = await a_trip(db)
    first = await db.trips.add_trip_stop(str(trip.id), {"name": "Mallaig"}, user_id=str(trip.user_id))
    assert first == TripStop(
        id=first.id,
        trip_id=trip.id,
        name="Mallaig",
        stop_order=0,
        created_at=first.created_at,
        updated_at=first.created_at,
    )
    far = await db.trips.add_trip_stop(trip.id, {"name": "Armadale", "stop_order": 10})
    last = await db.trips.add_trip_stop(trip.id, {"name": "Sligachan", "stop_order": None})
    between = await db.trips.add_trip_stop(trip.id, {"name": "Arisaig", "stop_order": 1})
    await stops(db, await a_trip(db), "elsewhere")
    assert (far.stop_order, last.stop_order, between.stop_order) == (10, 11, 1)
    assert await db.trips.get_trip_stops(str(trip.id)) == [first, between, far, last]


async def test_a_stop_keeps_every_field_that_was_given(db: Homeport) -> None:
    trip = await a_trip(db)
    given = {
        "id": uuid.uuid4(),
        "name": 'O\'Hara "& sons"',
        "stop_order": 0,
        "latitude": Decimal("-90.000000"),
        "longitude": Decimal("179.999999"),
        "address": "",
        "stop_type": StopType.LODGING,
        "planned_arrival": NOON,
        "planned_departure": NOON + dt.timedelta(microseconds=1),
        "actual_arrival": NOON,
        "actual_departure": NOON,
        "visit_minutes": 0,
        "notes": "a\nb",
        "rating": 5,
    }
    made = await db.trips.add_trip_stop(trip.id, given)
    assert {name: getattr(made, name) for name in given} == given
    assert await db.trips.get_trip_stops(trip.id) == [made]


async def test_a_stop_that_breaks_a_rule_is_refused(db: Homeport) -> None:
    trip, other = await a_trip(db), await a_trip(db)
    (first,) = await stops(db, trip, "a")

    async def add(**data: object) -> TripStop:
        return await db.trips.add_trip_stop(trip.id, {"name": "x", **data})

    taken = await violated(UniqueViolation, add(stop_order=0))
    assert taken == ("trip_stops_trip_id_stop_order_key", ("trip_id", "stop_order"))
    assert await violated(UniqueViolation, add(id=first.id)) == ("trip_stops_pkey", ("id",))
    far: Mapping[str, object] = {"stop_order": -1, "latitude": 91, "longitude": "-180.000001", "rating": 6}
    for name, value in far.items():
        assert await violated(CheckViolation, add(**{name: value})) == (f"trip_stops_{name}_check", (name,))
    for name in ("name", "stop_type"):
        assert await violated(NotNullViolation, add(**{name: None})) == (None, (name,))
    assert await violated(NotNullViolation, db.trips.add_trip_stop(trip.id, {})) == (None, ("name",))
    not_given: Mapping[str, object] = {"trip_id": other.id, "colour": "red", "created_at": NOON}
    for name, value in not_given.items():
        assert await refused(InvalidField, add(**{name: value})) == name
    odd: Mapping[str, object] = {"stop_type": "ferry", "stop_order": "1", "latitude": 1.5}
    for name, value in odd.items():
        assert await refused(InvalidValue, add(**{name: value})) == name
    assert await db.trips.get_trip_stops(trip.id) == [first]


async def test_there_is_no_place_after_the_last_number(db: Homeport) -> None:
    trip = await a_trip(db)
    await db.trips.add_trip_stop(trip.id, {"name": "far", "stop_order": (1 << 31) - 1})
    with pytest.raises(InvalidValue):
        await db.trips.add_trip_stop(trip.id, {"name": "too far"})
    assert len(await db.trips.get_trip_stops(trip.id)) == 1


async def test_stops_at_once_are_numbered_without_a_gap(db: Homeport) -> None:
    trip = await a_trip(db)
    added = await asyncio.gather(*(db.trips.add_trip_stop(trip.id, {"name": str(each)}) for each in range(CALLERS)))
    assert sorted(each.stop_order for each in added) == list(range(CALLERS))
    listed = await db.trips.get_trip_stops(trip.id)
    assert listed == sorted(added, key=lambda stop: stop.stop_order)


# -- reorder_trip_stops


async def test_stops_are_put_in_the_order_of_the_ids(db: Homeport) -> None:
    trip = await a_trip(db)
    a, b, c, d = await stops(db, trip, *"abcd")
    await db.trips.stops.delete(c.id)
    (elsewhere,) = await stops(db, await a_trip(db), "e")
    again = await db.trips.reorder_trip_stops(str(trip.id), [str(d.id), b.id, a.id], user_id=str(trip.user_id))
    assert again == [
        attrs.evolve(d, stop_order=0, updated_at=again[0].updated_at),
        b,
        attrs.evolve(a, stop_order=2, updated_at=again[2].updated_at),
    ]
    assert again[0].updated_at > d.updated_at
    assert await db.trips.get_trip_stops(trip.id) == again
    assert await db.trips.get_trip_stops(elsewhere.trip_id) == [elsewhere]
    assert await db.trips.reorder_trip_stops(trip.id, [each.id for each in again]) == again


async def test_any_order_can_be_had_from_any_other(db: Homeport) -> None:
    trip, chance = await a_trip(db), random.Random(7)
    numbers = chance.sample(range(20), 6)
    ids = [(await a_trip_stop(db, trip_id=trip.id, stop_order=number)).id for number in numbers]
    for _ in range(8):
        chance.shuffle(ids)
        listed = await db.trips.reorder_trip_stops(trip.id, ids)
        assert [(each.id, each.stop_order) for each in listed] == [(id, place) for place, id in enumerate(ids)]


async def test_only_all_stops_each_once_are_put_in_order(db: Homeport) -> None:
    trip = await a_trip(db)
    a, b = await stops(db, trip, *"ab")
    (other,) = await stops(db, await a_trip(db), "c")
    for wrong in ([b.id], [], [b.id, a.id, a.id], [b.id, b.id], [b.id, a.id, other.id], [b.id, ABSENT]):
        assert await refused(InvalidValue, db.trips.reorder_trip_stops(trip.id, wrong)) == "stop_ids"
    assert await db.trips.get_trip_stops(trip.id) == [a, b]
    empty = await a_trip(db)
    assert await db.trips.reorder_trip_stops(empty.id, []) == []


async def test_orders_at_once_are_made_one_after_the_other(db: Homeport) -> None:
    trip = await a_trip(db)
    ids = [each.id for each in await stops(db, trip, *"abcde")]
    orders = [ids[turn:] + ids[:turn] for turn in range(5)] * 4
    await asyncio.gather(*(db.trips.reorder_trip_stops(trip.id, order) for order in orders))
    listed = await db.trips.get_trip_stops(trip.id)
    assert [each.stop_order for each in listed] == list(range(5))
    assert [each.id for each in listed] in orders


# -- who may see and change what is under a trip


async def test_what_is_under_a_trip_is_read_by_its_user_and_by_who_accepted(db: Homeport) -> None:
    trip, another = await a_trip(db), await a_trip(db)
    (stop,) = await stops(db, trip, "a")
    expense = await db.trips.add_trip_expense(trip.id, DIESEL)
    joined, waiting = await somebody_on(db, trip), await somebody_on(db, trip, accepts=None)
    for reader in (None, trip.user_id, str(joined)):
        assert await db.trips.get_trip_stops(trip.id, user_id=reader) == [stop]
        assert await db.trips.get_trip_expenses(trip.id, user_id=reader) == [expense]
    for id, stranger in ((trip.id, waiting), (trip.id, another.user_id), (ABSENT, joined), (another.id, joined)):
        assert await db.trips.get_trip_stops(id, user_id=stranger) == []
        assert await db.trips.get_trip_expenses(id, user_id=stranger) == []


async def test_what_is_under_a_trip_is_written_by_its_user_alone(db: Homeport) -> None:
    trip, user = await a_trip(db), await a_user(db)
    joined = await somebody_on(db, trip)
    for id, named in ((ABSENT, None), (ABSENT, user.id), (trip.id, user.id), (trip.id, joined)):
        with pytest.raises(RepositoryNotFoundError):
            await db.trips.add_trip_stop(id, {"name": "x"}, user_id=named)
        with pytest.raises(RepositoryNotFoundError):
            await db.trips.reorder_trip_stops(id, [], user_id=named)
        with pytest.raises(RepositoryNotFoundError):
            await db.trips.add_trip_participant(id, user.id, owner_id=named)
        with pytest.raises(RepositoryNotFoundError):
            await db.trips.add_trip_expense(id, DIESEL, user_id=named)
    assert await db.trips.get_trip_stops(trip.id) == []
    assert await db.trips.get_trip_expenses(trip.id) == []
    assert len(await db.trips.get_trip_participants(trip.id)) == 1


# -- participants


async def test_somebody_is_asked_once_however_often(db: Homeport) -> None:
    trip, user = await a_trip(db), await a_user(db)
    asked = await db.trips.add_trip_participant(str(trip.id), str(user.id), role="viewer", owner_id=trip.user_id)
    assert asked == TripParticipant(
        id=asked.id,
        trip_id=trip.id,
        trip_owner_id=trip.user_id,
        user_id=user.id,
        role=ParticipantRole.VIEWER,
        status=ParticipantStatus.INVITED,
    )
    answered = await db.trips.answer_trip_invitation(trip.id, user.id, accepts=True, now=NOON)
    assert answered == attrs.evolve(asked, status=ParticipantStatus.ACCEPTED, joined_at=NOON)
    assert await db.trips.add_trip_participant(trip.id, user.id) == answered
    assert await db.trips.participants.find_many() == [answered]


async def test_a_participant_who_can_not_be_is_refused(db: Homeport) -> None:
    trip, user = await a_trip(db), await a_user(db)
    unknown = db.trips.add_trip_participant(trip.id, ABSENT)
    assert await violated(ForeignKeyViolation, unknown) == ("trip_participants_user_id_fkey", ("user_id",))
    assert await refused(InvalidValue, db.trips.add_trip_participant(trip.id, user.id, role="driver")) == "role"
    lied = {"trip_id": trip.id, "trip_owner_id": user.id, "user_id": user.id}
    said = ("trip_participants_trip_id_fkey", ("trip_owner_id", "trip_id"))
    assert await violated(ForeignKeyViolation, db.trips.participants.create(lied)) == said
    twin = await db.trips.add_trip_participant(trip.id, user.id)
    again = db.trips.participants.create({**lied, "trip_owner_id": trip.user_id})
    assert await violated(UniqueViolation, again) == ("trip_participants_trip_id_user_id_key", ("trip_id", "user_id"))
    assert await db.trips.participants.find_many() == [twin]


async def test_many_askings_at_once_make_one_participant(db: Homeport) -> None:
    trip, user = await a_trip(db), await a_user(db)
    asked = await asyncio.gather(*(db.trips.add_trip_participant(trip.id, user.id) for _ in range(CALLERS)))
    assert len({each.id for each in asked}) == 1
    assert await db.trips.participants.find_many() == [asked[0]]


async def test_participants_are_by_joining_with_who_they_are(db: Homeport) -> None:
    trip = await a_trip(db)
    ada = await a_profile(db, username="ada", full_name="Ada")
    bob, eve = await a_user(db), await a_profile(db, username="eve")
    waiting, late, early = [await a_trip_participant(db, trip_id=trip.id, user_id=each.id) for each in (bob, eve, ada)]
    await a_trip_participant(db, user_id=ada.id)
    late = await db.trips.answer_trip_invitation(trip.id, eve.id, accepts=True, now="2026-05-01T12:00:01Z")
    early = await db.trips.answer_trip_invitation(trip.id, ada.id, accepts=True, now=NOON)
    everybody = [
        ParticipantWithProfile(
            participant=early, profile=PublicProfile(id=ada.id, username="ada", full_name="Ada", nickname=None)
        ),
        ParticipantWithProfile(participant=late, profile=PublicProfile(id=eve.id, username="eve")),
        ParticipantWithProfile(participant=waiting, profile=None),
    ]
    assert await db.trips.get_trip_participants(str(trip.id)) == everybody
    assert await db.trips.get_trip_participants(trip.id, user_id=str(trip.user_id)) == everybody
    assert await db.trips.get_trip_participants(trip.id, user_id=eve.id) == everybody[1:2]
    for id, named in ((ABSENT, None), (trip.id, ABSENT), (ABSENT, trip.user_id)):
        assert await db.trips.get_trip_participants(id, user_id=named) == []


async def test_an_invitation_is_answered_one_way_or_the_other(db: Homeport) -> None:
    trip = await a_trip(db)
    user = await somebody_on(db, trip, accepts=None)
    answer = db.trips.answer_trip_invitation
    joined = await answer(trip.id, user, accepts=True)
    assert joined.status is ParticipantStatus.ACCEPTED
    assert joined.joined_at is not None
    assert await answer(str(trip.id), str(user), accepts=True, now=NOON) == joined
    left = await answer(trip.id, user, accepts=False)
    assert left == attrs.evolve(joined, status=ParticipantStatus.DECLINED, joined_at=None)
    assert await answer(trip.id, user, accepts=False) == left
    back = await answer(trip.id, user, accepts=True, now=NOON)
    assert back == attrs.evolve(joined, joined_at=NOON)
    for id, other in ((trip.id, ABSENT), (ABSENT, user)):
        for accepts in (True, False):
            with pytest.raises(RepositoryNotFoundError):
                await answer(id, other, accepts=accepts)
    naive = answer(trip.id, user, accepts=True, now=dt.datetime(2026, 5, 1))
    assert await refused(InvalidValue, naive) == "joined_at"


async def test_a_participant_is_removed_from_one_trip(db: Homeport) -> None:
    trip, another = await a_trip(db), await a_trip(db)
    user = await somebody_on(db, trip)
    stays = await db.trips.add_trip_participant(another.id, user)
    assert await db.trips.remove_trip_participant(trip.id, user, owner_id=another.user_id) is False
    assert await db.trips.remove_trip_participant(str(trip.id), str(user), owner_id=str(trip.user_id)) is True
    assert await db.trips.remove_trip_participant(trip.id, user) is False
    assert await db.trips.participants.find_many() == [stays]
    assert await db.trips.get_trip_by_id(trip.id, user) is None
    assert await db.trips.remove_trip_participant(another.id, user) is True


# -- expenses


async def test_an_expense_has_its_defaults_and_keeps_what_is_given(db: Homeport) -> None:
    trip, payer = await a_trip(db), await a_user(db)
    made = await db.trips.add_trip_expense(trip.id, DIESEL, user_id=trip.user_id)
    assert made == TripExpense(
        id=made.id,
        trip_id=trip.id,
        amount=Decimal("80.00"),
        category=TripExpenseCategory.FUEL,
        expense_date=made.expense_date,
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert made.expense_date == made.created_at.date()
    given = {
        "user_id": payer.id,
        "amount": Decimal("0.00"),
        "currency": "GBP",
        "category": TripExpenseCategory.LODGING,
        "description": "",
        "vendor": 'O\'Hara "& sons"',
        "payment_method": "card",
        "receipt_url": "https://example.com/1",
        "expense_date": MAY[0],
        "tags": ("a,b", ""),
    }
    full = await db.trips.add_trip_expense(str(trip.id), given)
    assert {name: getattr(full, name) for name in given} == given
    await db.users.users.delete(payer.id)
    assert await db.trips.get_trip_expenses(trip.id) == [attrs.evolve(full, user_id=None), made]


async def test_expenses_are_by_date_and_then_by_id(db: Homeport) -> None:
    trip = await a_trip(db)
    last = await a_trip_expense(db, trip_id=trip.id, expense_date=MAY[2])
    twins = [await a_trip_expense(db, trip_id=trip.id, expense_date=MAY[1]) for _ in range(3)]
    await a_trip_expense(db)
    assert await db.trips.get_trip_expenses(trip.id) == [*sorted(twins, key=lambda one: one.id), last]
    assert await db.trips.get_trip_expenses(ABSENT) == []


async def test_an_expense_that_breaks_a_rule_is_refused(db: Homeport) -> None:
    trip, other = await a_trip(db), await a_trip(db)

    async def add(**data: object) -> TripExpense:
        return await db.trips.add_trip_expense(trip.id, {**DIESEL, **data})

    for name, value in (("amount", "-0.01"), ("currency", "usd")):
        assert await violated(CheckViolation, add(**{name: value})) == (f"trip_expenses_{name}_check", (name,))
    for name in ("amount", "category"):
        assert await violated(NotNullViolation, add(**{name: None})) == (None, (name,))
    unknown = await violated(ForeignKeyViolation, add(user_id=ABSENT))
    assert unknown == ("trip_expenses_user_id_fkey", ("user_id",))
    assert await refused(InvalidField, add(trip_id=other.id)) == "trip_id"
    assert await refused(InvalidValue, add(category="beer")) == "category"
    assert await db.trips.get_trip_expenses(trip.id) == []


# -- as a signed-in user


async def test_row_policies_show_a_trip_to_its_user_and_to_who_accepted(db: Homeport) -> None:
    trip, another = await a_trip(db), await a_trip(db)
    (stop,) = await stops(db, trip, "a")
    joined, waiting = await somebody_on(db, trip), await somebody_on(db, trip, accepts=None)
    for user, sees, of in (
        (trip.user_id, True, 2),
        (joined, True, 1),
        (waiting, False, 1),
        (another.user_id, False, 0),
    ):
        mine = db.as_user({"sub": str(user)}).trips
        assert (await mine.trips.find_by_id(trip.id) is not None) is sees
        assert await mine.get_trip_stops(trip.id) == ([stop] if sees else [])
        assert len(await mine.get_trip_participants(trip.id)) == of


async def test_row_policies_let_the_trips_user_alone_write_under_it(db: Homeport) -> None:
    trip, guest = await a_trip(db), await a_user(db)
    owner = db.as_user({"sub": str(trip.user_id)}).trips
    one, two = [await owner.add_trip_stop(trip.id, {"name": name}) for name in "ab"]
    assert [each.name for each in await owner.reorder_trip_stops(trip.id, [two.id, one.id])] == ["b", "a"]
    asked = await owner.add_trip_participant(trip.id, guest.id)
    assert await owner.add_trip_participant(trip.id, guest.id) == asked
    theirs = db.as_user({"sub": str(guest.id)}).trips
    assert (await theirs.answer_trip_invitation(trip.id, guest.id, accepts=True)).status == "accepted"
    for refusal in (
        theirs.add_trip_stop(trip.id, {"name": "c"}),
        theirs.reorder_trip_stops(trip.id, [one.id, two.id]),
        theirs.update_trip(trip.id, trip.user_id, {"title": "mine"}),
    ):
        with pytest.raises(RepositoryNotFoundError):
            await refusal
    assert [each.name for each in await theirs.get_trip_stops(trip.id)] == ["b", "a"]
    assert await theirs.remove_trip_participant(trip.id, guest.id) is True
    assert await theirs.get_trip_stops(trip.id) == []
