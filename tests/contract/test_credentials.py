"""Credentials: what passwords are checked by, and how often that failed, on every adapter."""

import asyncio
import datetime as dt
import uuid

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.users import FailedAttempts, UserCredentials
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
    RepositoryPermissionError,
)
from homeport.testing import a_user, some_credentials
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)
CALLERS = 200
NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 5, 1, 13, tzinfo=dt.UTC)


async def test_a_hash_is_kept_and_read_back(db: Homeport) -> None:
    user = await a_user(db)
    assert await db.users.get_credentials(user.id) is None
    made = await db.users.set_password_hash(str(user.id), "scrypt$1", now=NOON)
    assert made == UserCredentials(
        user_id=user.id,
        password_hash="scrypt$1",
        password_changed_at=NOON,
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert await db.users.get_credentials(str(user.id)) == made


async def test_a_new_hash_takes_the_place_of_the_old_one_and_ends_a_lock(db: Homeport) -> None:
    old = await some_credentials(db, failed_attempts=5, locked_until=LATER)
    other = await some_credentials(db)
    new = await db.users.set_password_hash(old.user_id, "scrypt$2", now=NOON.isoformat())
    assert new == attrs.evolve(
        old,
        password_hash="scrypt$2",
        password_changed_at=NOON,
        failed_attempts=0,
        locked_until=None,
        updated_at=new.updated_at,
    )
    assert new.updated_at > old.updated_at
    assert await db.users.get_credentials(other.user_id) == other


async def test_a_hash_is_changed_at_the_applications_time_unless_another_is_given(db: Homeport) -> None:
    user, before = await a_user(db), dt.datetime.now(dt.UTC)
    made = await db.users.set_password_hash(user.id, "scrypt$1")
    assert made.password_changed_at is not None
    assert before <= made.password_changed_at <= dt.datetime.now(dt.UTC)


async def test_an_absent_or_deleted_user_has_no_credentials(db: Homeport) -> None:
    gone, bare = await some_credentials(db), await a_user(db)
    await db.users.users.soft_delete(gone.user_id)
    for id in (gone.user_id, ABSENT):
        assert await db.users.get_credentials(id) is None
        with pytest.raises(RepositoryNotFoundError):
            await db.users.set_password_hash(id, "x")
    for id in (gone.user_id, ABSENT, bare.id):
        with pytest.raises(RepositoryNotFoundError):
            await db.users.record_failed_attempt(id, allowed=1, locked_until=LATER)
    assert await db.users.clear_failed_attempts(bare.id) is False
    assert await db.users.credentials.find_many() == [gone]
    await db.users.users.restore(gone.user_id)
    assert await db.users.get_credentials(gone.user_id) == gone


async def test_failed_attempts_are_counted_and_lock_from_the_last_allowed_one_on(db: Homeport) -> None:
    made, other = await some_credentials(db), await some_credentials(db)

    async def fail() -> FailedAttempts:
        return await db.users.record_failed_attempt(str(made.user_id), allowed=2, locked_until=LATER.isoformat())

    assert await fail() == FailedAttempts(failed_attempts=1, locked_until=None)
    assert await fail() == FailedAttempts(failed_attempts=2, locked_until=LATER)
    assert await fail() == FailedAttempts(failed_attempts=3, locked_until=LATER)
    assert await db.users.clear_failed_attempts(str(made.user_id)) is True
    assert await fail() == FailedAttempts(failed_attempts=1, locked_until=None)
    assert await db.users.get_credentials(other.user_id) == other


async def test_attempts_at_once_are_all_counted(db: Homeport) -> None:
    made = await some_credentials(db)
    counted = await asyncio.gather(
        *(db.users.record_failed_attempt(made.user_id, allowed=5, locked_until=LATER) for _ in range(CALLERS))
    )
    assert sorted(each.failed_attempts for each in counted) == list(range(1, CALLERS + 1))
    assert sum(each.locked_until is None for each in counted) == 4
    assert (await db.users.credentials.get_or_raise(made.user_id)).failed_attempts == CALLERS


async def test_what_does_not_fit_is_refused(db: Homeport) -> None:
    user = await a_user(db)
    assert await refused(InvalidValue, db.users.get_credentials("1")) == "user_id"
    assert await refused(InvalidValue, db.users.set_password_hash("1", "x")) == "id"
    assert await refused(InvalidValue, db.users.set_password_hash(user.id, 5)) == "password_hash"  # type: ignore[arg-type]
    failed = db.users.record_failed_attempt(user.id, allowed=1, locked_until="soon")
    assert await refused(InvalidValue, failed) == "locked_until"
    nothing = db.users.set_password_hash(user.id, None)  # type: ignore[arg-type]
    assert await violated(NotNullViolation, nothing) == (None, ("password_hash",))
    strange = db.users.credentials.create({"user_id": ABSENT, "password_hash": "x"})
    assert await violated(ForeignKeyViolation, strange) == ("user_credentials_user_id_fkey", ("user_id",))
    negative = db.users.credentials.create({"user_id": user.id, "password_hash": "x", "failed_attempts": -1})
    assert await violated(CheckViolation, negative) == (
        "user_credentials_failed_attempts_check",
        ("failed_attempts",),
    )


async def test_a_hash_is_not_part_of_the_printed_form(db: Homeport) -> None:
    made = await some_credentials(db, password_hash="scrypt$secret")
    assert "secret" not in repr(made)


async def test_a_signed_in_user_sees_no_hash_not_even_their_own(db: Homeport) -> None:
    made = await some_credentials(db)
    mine = db.as_user({"sub": str(made.user_id)}).users
    for refusal in (
        mine.get_credentials(made.user_id),
        mine.clear_failed_attempts(made.user_id),
        mine.record_failed_attempt(made.user_id, allowed=1, locked_until=LATER),
        mine.set_password_hash(made.user_id, "x"),
    ):
        with pytest.raises(RepositoryPermissionError):
            await refusal
    assert await db.users.get_credentials(made.user_id) == made
