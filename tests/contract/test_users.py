"""Users: accounts by id and by address, deleted softly, on every adapter."""

import datetime as dt
import uuid
from typing import cast

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.users import User, UserRole
from homeport.kernel.errors import (
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
    UniqueViolation,
)
from homeport.kernel.predicates import contains
from homeport.kernel.query import Deleted
from homeport.repositories.collection import Collection
from homeport.testing import a_post, a_user, an_expense
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)


@pytest.fixture
def users(db: Homeport) -> Collection[User, uuid.UUID]:
    return db.users.users


def on(day: int) -> dt.datetime:
    return dt.datetime(2026, 5, day, tzinfo=dt.UTC)


# -- the base repository


async def test_a_created_user_has_its_defaults_and_can_be_read_back(users: Collection[User, uuid.UUID]) -> None:
    made = await users.create({"email": "ada@example.org"})
    assert made == User(
        id=made.id,
        email="ada@example.org",
        email_verified=False,
        role=UserRole.EMPLOYEE,
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert await users.find_by_id(made.id) == made


async def test_a_user_needs_an_address(users: Collection[User, uuid.UUID]) -> None:
    assert await violated(NotNullViolation, users.create({"first_name": "Ada"})) == (None, ("email",))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "x" * 256),
        ("first_name", "x" * 101),
        ("display_name", "x" * 201),
        ("role", "owner"),
        ("role", 1),
        ("email_verified", "true"),
        ("contact_id", 1 << 63),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_by_name(
    users: Collection[User, uuid.UUID], field: str, value: object
) -> None:
    assert await refused(InvalidValue, users.create({"email": "a@example.org", field: value})) == field


@pytest.mark.parametrize("field", ["created_at", "updated_at", "deleted_at", "password"])
async def test_unknown_and_read_only_fields_are_refused_by_name(users: Collection[User, uuid.UUID], field: str) -> None:
    data = {"email": "a@example.org", field: "2026-05-01T00:00:00Z"}
    assert await refused(InvalidField, users.create(data)) == field


async def test_two_live_users_never_share_an_address_whatever_its_case(users: Collection[User, uuid.UUID]) -> None:
    await users.create({"email": "Ada@Example.org"})
    said = await violated(UniqueViolation, users.create({"email": "aDA@example.ORG"}))
    assert said == ("users_email_key", ("email",))
    other = await users.create({"email": "bob@example.org"})
    said = await violated(UniqueViolation, users.update(other.id, {"email": "ADA@example.org"}))
    assert said == ("users_email_key", ("email",))


async def test_the_address_of_a_deleted_user_can_be_registered_again(users: Collection[User, uuid.UUID]) -> None:
    first = await users.create({"email": "ada@example.org"})
    await users.soft_delete(first.id)
    second = await users.create({"email": "ADA@example.org"})
    assert await violated(UniqueViolation, users.restore(first.id)) == ("users_email_key", ("email",))
    assert await users.find_many() == [second]


async def test_a_softly_deleted_user_exists_for_nobody(users: Collection[User, uuid.UUID]) -> None:
    user = await users.create({"email": "ada@example.org"})
    marked = await users.soft_delete(user.id)
    assert marked == attrs.evolve(user, updated_at=marked.updated_at, deleted_at=marked.deleted_at)
    assert marked.deleted_at is not None
    assert marked.deleted_at >= user.created_at
    assert await users.find_by_id(user.id) is None
    assert await users.find_many() == []
    assert await users.count() == 0
    assert await users.exists({"email": user.email}) is False
    assert await users.delete(user.id) is False
    with pytest.raises(RepositoryNotFoundError):
        await users.update(user.id, {"first_name": "Ada"})
    with pytest.raises(RepositoryNotFoundError):
        await users.soft_delete(user.id)
    assert await users.find_many(deleted=Deleted.ONLY) == [marked]


async def test_a_restored_user_is_back(users: Collection[User, uuid.UUID]) -> None:
    user = await users.create({"email": "ada@example.org"})
    await users.soft_delete(user.id)
    restored = await users.restore(user.id)
    assert restored == attrs.evolve(user, updated_at=restored.updated_at)
    assert await users.find_by_id(user.id) == restored
    with pytest.raises(RepositoryNotFoundError):
        await users.restore(user.id)


async def test_an_update_changes_what_is_given_and_touches_the_user(users: Collection[User, uuid.UUID]) -> None:
    user = await users.create({"email": "ada@example.org", "first_name": "Ada"})
    changed = await users.update(user.id, {"first_name": None, "role": "manager", "email_verified": True})
    assert changed == attrs.evolve(
        user, first_name=None, role=UserRole.MANAGER, email_verified=True, updated_at=changed.updated_at
    )


async def test_the_id_of_a_user_can_not_be_changed(users: Collection[User, uuid.UUID]) -> None:
    user = await users.create({"email": "ada@example.org"})
    assert await refused(InvalidField, users.update(user.id, {"id": ABSENT})) == "id"


async def test_what_a_user_made_outlives_a_soft_deletion_and_goes_with_a_real_one(
    db: Homeport, users: Collection[User, uuid.UUID]
) -> None:
    expense = await an_expense(db)
    post = await a_post(db, user_id=expense.user_id)
    await users.soft_delete(expense.user_id)
    assert await db.expenses.get_expense_by_id(expense.id, expense.user_id) == expense
    await users.restore(expense.user_id)
    assert await users.delete(expense.user_id) is True
    assert await db.expenses.get_expense_by_id(expense.id, expense.user_id) is None
    assert await db.social.get_post_by_id(post.id) is None


# -- find_by_email


@pytest.mark.parametrize("asked", ["ada@example.org", "ADA@EXAMPLE.ORG", "Ada@Example.org"])
async def test_a_user_is_found_by_the_address_in_any_case(db: Homeport, asked: str) -> None:
    user = await a_user(db, email="Ada@example.ORG")
    await a_user(db, email="bob@example.org")
    assert await db.users.find_by_email(asked) == user


@pytest.mark.parametrize(
    "asked", ["", "ada", "a_a@example.org", "%@example.org", "*@example.org", " ada@example.org", "ada@example.org,x"]
)
async def test_only_the_whole_address_finds_a_user(db: Homeport, asked: str) -> None:
    await a_user(db, email="ada@example.org")
    assert await db.users.find_by_email(asked) is None


async def test_only_the_letters_a_to_z_are_the_same_in_both_cases(db: Homeport) -> None:
    user = await a_user(db, email="éva@example.org")
    assert await db.users.find_by_email("éVA@example.org") == user
    assert await db.users.find_by_email("Éva@example.org") is None


async def test_a_deleted_user_is_not_found_by_the_address(db: Homeport, users: Collection[User, uuid.UUID]) -> None:
    gone = await a_user(db, email="ada@example.org")
    await users.soft_delete(gone.id)
    assert await db.users.find_by_email("ada@example.org") is None
    back = await a_user(db, email="ada@example.org")
    assert await db.users.find_by_email("ada@example.org") == back


async def test_an_address_that_is_no_text_is_refused(db: Homeport) -> None:
    assert await refused(InvalidValue, db.users.find_by_email(cast("str", 5))) == "email"


# -- find_active_users


async def test_active_users_are_newest_first_and_then_by_id(db: Homeport) -> None:
    old, new, twin = [await a_user(db, created_at=on(day)) for day in (1, 2, 2)]
    assert await db.users.find_active_users() == [*sorted([new, twin], key=lambda user: user.id), old]


async def test_deleted_users_are_not_active(db: Homeport) -> None:
    live, gone = await a_user(db), await a_user(db, deleted_at=on(1))
    assert await db.users.find_active_users() == [live]
    assert await db.users.find_active_users({"email": gone.email}) == []


async def test_active_users_can_be_filtered_ordered_and_counted_off(db: Homeport) -> None:
    three, one, two = [await a_user(db, email=f"{name}@example.org", role="admin") for name in "cab"]
    await a_user(db, email="d@example.net")
    admins = {"role": ["admin", "manager"], "contact_id": None}
    assert await db.users.find_active_users(admins, order_by="email") == [one, two, three]
    assert await db.users.find_active_users(admins, order_by="-email", limit=1, offset=1) == [two]
    assert await db.users.find_active_users(contains("email", "example.org"), order_by="email", offset=2) == [three]
    assert await db.users.find_active_users(limit=0) == []


async def test_there_are_no_active_users_in_an_empty_house(db: Homeport) -> None:
    assert await db.users.find_active_users() == []
    assert await db.users.find_active_users({"role": []}) == []


async def test_a_filter_on_an_unknown_column_or_an_unknown_role_is_refused(db: Homeport) -> None:
    assert await refused(InvalidField, db.users.find_active_users({"name": "Ada"})) == "name"
    assert await refused(InvalidValue, db.users.find_active_users({"role": "owner"})) == "role"
