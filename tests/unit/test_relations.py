"""Relations in batches: how many queries are asked, and what is answered for what is missing."""

import inspect
import typing
import uuid
from typing import Any

import attrs
import pytest

from homeport.composition import Homeport, in_memory
from homeport.contexts import SHIPPED
from homeport.domain.expenses import Expense
from homeport.domain.users import User
from homeport.kernel.entity import Entity
from homeport.kernel.errors import InvalidField, InvalidValue
from homeport.kernel.observe import Observation
from homeport.repositories.relations import many_each, one_each
from homeport.testing import (
    a_profile,
    a_shakedown_issue,
    a_shakedown_trip,
    a_storage_category,
    a_storage_item,
    a_storage_location,
    a_transition_item,
    a_transition_profile,
    a_transition_room,
    a_trip,
    a_user,
    a_user_launch_task,
)
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


@pytest.mark.parametrize("size", [1, 10, 100])
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
    for follow in await db.social.follows.find_many():
        await db.social.follow_user(author.id, follow.follower_id)
    asked.clear()
    assert len(await db.social.get_user_following(author.id)) == size
    assert [call.name for call in asked] == ["follows.get_user_following", "public_profiles.find_by_ids"]


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


@pytest.mark.parametrize("number", [1, 10, 100])
async def test_shakedown_trips_and_their_issues_are_two_queries_however_many_they_are(
    asked: list[Observation], number: int
) -> None:
    db = in_memory(["transition_launch"], observers=[asked.append])
    plan = await a_transition_profile(db)
    for _ in range(number):
        trip = await a_shakedown_trip(db, profile_id=plan.id, user_id=plan.user_id)
        for _ in range(2):
            await a_shakedown_issue(db, trip_id=trip.id, profile_id=plan.id, user_id=plan.user_id)
    asked.clear()
    summary = await db.transition_launch.get_shakedown_summary(plan.user_id)
    assert [len(each.issues) for each in summary.trips] == [2] * number
    assert [call.name for call in asked] == [
        "shakedown_trips.get_shakedown_summary",
        "shakedown_issues.get_shakedown_summary",
    ]


@pytest.mark.parametrize("number", [1, 10, 100])
async def test_the_launch_week_and_its_marks_are_two_queries_however_many_tasks_it_has(
    asked: list[Observation], number: int
) -> None:
    db = in_memory(["transition_launch"], observers=[asked.append])
    user = await a_user(db)
    for _ in range(number):
        await a_user_launch_task(db, user_id=user.id)
    asked.clear()
    found = await db.transition_launch.get_launch_week_status(user.id)
    assert [each.mark is None for each in found] == [False] * number
    assert [call.name for call in asked] == [
        "user_launch_tasks.get_launch_week_status",
        "launch_week_tasks.get_launch_week_status",
    ]


@pytest.mark.parametrize("number", [1, 10, 100])
async def test_settings_are_one_query_however_many_are_asked_for(asked: list[Observation], number: int) -> None:
    db = in_memory(["governance"], observers=[asked.append])
    keys = [f"key {each}" for each in range(number)]
    for key in keys:
        await db.governance.define(key, 1)
    asked.clear()
    assert list(await db.governance.get_many(keys)) == keys
    assert [call.name for call in asked] == ["system_config.find_by_ids"]


@pytest.mark.parametrize("number", [1, 10, 100])
async def test_the_rooms_of_a_plan_are_the_same_queries_however_many_items_they_have(
    asked: list[Observation], number: int
) -> None:
    db = in_memory(["transition_plan"], observers=[asked.append])
    plan = await a_transition_profile(db)
    for _ in range(number):
        room = await a_transition_room(db, profile_id=plan.id, user_id=plan.user_id)
        await a_transition_item(db, room_id=room.id, profile_id=plan.id, user_id=plan.user_id)
    asked.clear()
    assert [each.total_items for each in await db.transition_plan.get_rooms(plan.user_id)] == [1] * number
    await db.transition_plan.get_downsizing_stats(plan.user_id)
    before = [call.name for call in asked]
    await db.transition_plan.get_transition_progress(plan.user_id)
    assert (len(before), len(asked) - len(before)) == (3, 2), [call.name for call in asked]


RELATED = {
    "social.get_post_comments",
    "social.get_user_followers",
    "social.get_user_following",
    "trips.get_trip_participants",
    "household_storage.get_user_storage_items",
    "governance.get_many",
    "transition_launch.get_shakedown_summary",
    "transition_launch.get_launch_week_status",
}
"""The methods that answer rows with what they refer to, or lists of what refers to them; each is counted above."""


def test_every_method_with_relations_is_counted() -> None:
    """A list's elements that hold another entity, or several, are relations."""
    db = in_memory()
    found = set()
    for name in SHIPPED:
        for method, function in inspect.getmembers(getattr(db, name), inspect.iscoroutinefunction):
            if not method.startswith("_") and _holds_entities(typing.get_type_hints(function)["return"]):
                found.add(f"{name}.{method}")
    single = {"transition_plan.get_transition_progress", "transition_plan.get_downsizing_stats"}  # of one plan
    others = {
        "social.get_user_followers",
        "social.get_user_following",
        "governance.get_many",
    }  # answer the others alone
    assert found - single == RELATED - others


def _holds_entities(answer: Any) -> bool:
    kinds = [answer, *typing.get_args(answer)]
    made = [kind for kind in kinds if isinstance(kind, type) and attrs.has(kind) and not issubclass(kind, Entity)]
    return any("Entity" in repr(_within(field.type)) for kind in made for field in attrs.fields(kind))


def _within(kind: Any) -> list[str]:
    """Which of the classes in an annotation are entities."""
    parts: list[Any] = [kind, *(part for each in typing.get_args(kind) for part in (each, *typing.get_args(each)))]
    entities: list[Any] = [each for each in parts if isinstance(each, type) and issubclass(each, Entity)]
    wrapped = [each for each in parts if isinstance(each, type) and attrs.has(each) and each not in entities]
    deeper = [name for each in wrapped for field in attrs.fields(each) for name in _within(field.type)]
    return ["Entity" for _ in entities] + deeper
