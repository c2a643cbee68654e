"""Relations in batches: how many queries are asked, and what is answered for what is missing."""

import uuid

import pytest

from homeport.composition import Homeport, in_memory
from homeport.domain.expenses import Expense
from homeport.domain.users import User
from homeport.kernel.errors import InvalidField, InvalidValue
from homeport.kernel.observe import Observation
from homeport.repositories.relations import many_each, one_each
from homeport.testing import a_profile, a_storage_category, a_storage_item, a_storage_location, a_trip, a_user
from tests.support.refusals import refused

ABSENT = uuid.UUID(int=7)


@pytest.fixture
def asked() -> list[Observation]:
    return []


@pytest.fixture
def db(asked: list[Observation]) -> Homeport:
    return in_memory(["users", "profiles", "expenses", "social"], observers=[asked.append])


async def three_users(db: Homeport) -> list[User]:
    return await db.users.users.create_many([{"email": f"{name}@example.org"} for name in "abc"])


async def spend(db: Homeport, user: User, amount: int) -> Expense:
    return await db.expenses.create_expense(user.id, {"amount": amount, "category": "c", "date": f"2026-05-0{amount}"})


async def test_one_query_finds_the_rows_of_many_ids_in_the_order_asked(db: Homeport, asked: list[Observation]) -> None:
    ada, bob, eve = await three_users(db)
    asked.clear()
    found = await one_each(db.users.users, [eve.id, None, str(ada.id), ABSENT, bob.id, eve.id])
    assert list(found.items()) == [(eve.id, eve), (ada.id, ada), (bob.id, bob)]
    assert [call.name for call in asked] == ["users.find_by_ids"]


@pytest.mark.parametrize("ids", [[], [None, None]])
async def test_no_ids_ask_nothing(db: Homeport, asked: list[Observation], ids: list[uuid.UUID | None]) -> None:
    assert await one_each(db.users.users, ids) == {}
    assert await many_each(db.expenses.expenses, "user_id", ids) == {}
    assert asked == []


async def test_one_query_finds_the_lists_of_many_parents_each_in_order(db: Homeport, asked: list[Observation]) -> None:
    ada, bob, eve = await three_users(db)
    one, two, three = await spend(db, ada, 1), await spend(db, bob, 2), await spend(db, ada, 3)
    await spend(db, eve, 4)
    asked.clear()
    found = await many_each(db.expenses.expenses, "user_id", [str(bob.id), ada.id, ABSENT, ada.id, None])
    assert list(found.items()) == [(bob.id, [two]), (ada.id, [three, one]), (ABSENT, [])]
    assert await many_each(db.expenses.expenses, "user_id", [ada.id], order_by="amount") == {ada.id: [one, three]}
    assert len(asked) == 2


async def test_a_malformed_id_or_an_unknown_column_is_refused_before_anything_is_asked(
    db: Homeport, asked: list[Observation]
) -> None:
    assert await refused(InvalidValue, one_each(db.users.users, ["x"])) == "id"
    assert await refused(InvalidValue, many_each(db.expenses.expenses, "user_id", ["x"])) == "user_id"
    assert await refused(InvalidField, many_each(db.expenses.expenses, "payer", [ABSENT])) == "payer"
    assert asked == []


@pytest.mark.parametrize("size", [1, 50])
async def test_comments_and_follows_take_two_queries_however_many_there_are(
    db: Homeport, asked: list[Observation], size: int
) -> None:
    author = await db.users.users.create({"email": "author@example.org"})
    post = await db.social.create_post(author.id, {"content": "x"})
    for number in range(size):
        fan = await db.users.users.create({"email": f"{number}@example.org"})
        await db.profiles.create_profile(fan.id, {})
        await db.social.create_comment(post.id, fan.id, {"content": "x"})
        await db.social.follow_user(fan.id, author.id)
    asked.clear()
    assert len(await db.social.get_post_comments(post.id)) == size
    assert [(call.name, call.rows) for call in asked] == [
        ("comments.get_post_comments", size),
        ("public_profiles.find_by_ids", size),
    ]
    asked.clear()
    assert len(await db.social.get_user_followers(author.id)) == size
    assert [call.name for call in asked] == ["follows.get_user_followers", "public_profiles.find_by_ids"]


async def test_a_post_without_comments_takes_one_query(db: Homeport, asked: list[Observation]) -> None:
    assert await db.social.get_post_comments(ABSENT) == []
    assert [call.name for call in asked] == ["comments.get_post_comments"]


@pytest.mark.parametrize("number", [1, 10, 100])
async def test_the_participants_of_a_trip_are_two_queries_however_many_they_are(
    asked: list[Observation], number: int
) -> None:
    db = in_memory(["trips"], observers=[asked.append])
    trip = await a_trip(db)
    people = [await a_profile(db) for _ in range(number)]
    await db.trips.participants.create_many(
        [{"trip_id": trip.id, "trip_owner_id": trip.user_id, "user_id": each.id} for each in people]
    )
    asked.clear()
    found = await db.trips.get_trip_participants(trip.id)
    assert {each.profile.id for each in found if each.profile is not None} == {each.id for each in people}
    assert [call.name for call in asked] == ["trip_participants.get_trip_participants", "public_profiles.find_by_ids"]


@pytest.mark.parametrize("number", [1, 10, 100])
async def test_items_and_the_names_of_their_places_are_three_queries_however_many_they_are(
    asked: list[Observation], number: int
) -> None:
    db = in_memory(["household_storage"], observers=[asked.append])
    user = await a_user(db)
    for each in range(number):
        category = await a_storage_category(db, user_id=user.id, name=f"kind {each}")
        location = await a_storage_location(db, user_id=user.id, name=f"shelf {each}")
        await a_storage_item(db, user_id=user.id, category_id=category.id, location_id=location.id)
    asked.clear()
    found = await db.household_storage.get_user_storage_items(user.id)
    assert {each.category_name for each in found} == {f"kind {each}" for each in range(number)}
    assert {each.location_name for each in found} == {f"shelf {each}" for each in range(number)}
    assert [call.name for call in asked] == [
        "storage_items.get_user_storage_items",
        "storage_categories.find_by_ids",
        "storage_locations.find_by_ids",
    ]
