"""The transaction of a test: nothing of it is ever seen outside, and a failed call does not end it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest
import pytest_asyncio

from homeport import Homeport, InvalidValue, RepositoryPermissionError, SchemaMismatch, UniqueViolation, UnitAborted
from homeport.repositories.expenses import EXPENSE
from homeport.repositories.users import USER
from homeport.testing import a_post, a_user, an_expense
from homeport.testing import rolled_back as in_a_transaction
from homeport.testing.rig import Rig

pytest_plugins = ["homeport.testing.plugin"]
Outside: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest_asyncio.fixture
async def migrated_url(rig: Rig, migrated_url: str) -> str:
    """One that no other test has left rows in."""
    return await rig.database("rolled_back")


@pytest.fixture
def homeport_database_url(migrated_url: str) -> str:
    return migrated_url


@pytest_asyncio.fixture
async def outside(migrated_url: str) -> AsyncIterator[Outside]:
    connection = await asyncpg.connect(migrated_url)
    yield connection
    await connection.close()


async def users(outside: Outside) -> int:
    return int(await outside.fetchval("SELECT count(*) FROM public.users"))


async def test_its_rows_are_there_inside_and_nowhere_else(rolled_back: Homeport, outside: Outside) -> None:
    user = await a_user(rolled_back)
    assert await rolled_back.users.find_by_email(user.email) == user
    assert await users(outside) == 0


async def test_the_test_before_left_nothing(rolled_back: Homeport) -> None:
    assert await rolled_back.collection(USER).count() == 0


async def test_a_test_that_fails_is_rolled_back_too(migrated_url: str, outside: Outside) -> None:
    with pytest.raises(AssertionError):
        async with in_a_transaction(migrated_url) as db:
            await a_user(db)
            raise AssertionError
    assert await users(outside) == 0
    busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    busy = f"{busy} AND state LIKE 'idle in transaction%'"
    assert await outside.fetchval(busy) == 0


async def test_a_failed_call_is_undone_alone(rolled_back: Homeport) -> None:
    user = await a_user(rolled_back, email="ada@example.com")
    with pytest.raises(UniqueViolation):
        await rolled_back.collection(USER).create_many([{"email": "b@example.com"}, {"email": user.email}])
    with pytest.raises(SchemaMismatch):
        await rolled_back.base.execute_query("SELECT * FROM nowhere")
    with pytest.raises(InvalidValue):
        await rolled_back.base.execute_query("SELECT 1 / $1::int", [0])
    assert await rolled_back.collection(USER).count() == 1


async def test_operations_and_streams_take_part(rolled_back: Homeport) -> None:
    post = await a_post(rolled_back)
    assert await rolled_back.social.toggle_like(post.id, post.user_id) is not None
    assert [each async for each in rolled_back.collection(USER).stream()] == [
        await rolled_back.collection(USER).find_by_id(post.user_id)
    ]


async def test_it_is_a_users_where_asked_and_goes_back(rolled_back: Homeport) -> None:
    """The role and the claims of one call are gone for the next one, whether it failed or not."""
    expense, stranger = await an_expense(rolled_back), await a_user(rolled_back)
    mine = rolled_back.as_user({"sub": str(expense.user_id)})
    others = rolled_back.as_user({"sub": str(stranger.id)})
    assert await mine.collection(EXPENSE).find_by_id(expense.id) == expense
    assert await others.collection(EXPENSE).find_by_id(expense.id) is None
    with pytest.raises(RepositoryPermissionError):
        await others.expenses.create_expense(expense.user_id, {"amount": "1", "category": "fuel"})
    assert await rolled_back.collection(EXPENSE).count() == 1
    asked = "SELECT current_user <> session_user AS another, current_setting('request.jwt.claims', true) AS claims"
    assert await rolled_back.base.execute_query(asked) == [{"another": False, "claims": ""}]


async def test_many_rows_at_once_may_be_a_users(rolled_back: Homeport) -> None:
    """The adapter sends them by COPY where no row policy stands in the way, and asks for that once a table."""
    user = await a_user(rolled_back)
    rows = [{"user_id": user.id, "amount": "1", "category": "fuel"}] * 250
    assert await rolled_back.collection(EXPENSE).bulk_create(rows) == 250
    mine = rolled_back.as_user({"sub": str(user.id)}).collection(EXPENSE)
    assert await mine.bulk_create(rows) == 250
    assert len(await mine.create_many(rows)) == 250


async def test_a_unit_is_a_savepoint(rolled_back: Homeport) -> None:
    hooks: list[str] = []
    async with rolled_back.transaction() as tx:
        user = await tx.collection(USER).create({"email": "ada@example.com"})
        tx.on_commit(lambda: hooks.append("ran"))
    assert hooks == ["ran"]
    with pytest.raises(UnitAborted):
        async with rolled_back.transaction() as tx:
            await tx.collection(USER).update(user.id, {"first_name": "Ada"})
            with pytest.raises(UniqueViolation):
                await tx.collection(USER).create({"email": user.email})
            await tx.users.find_by_email(user.email)
    assert await rolled_back.users.find_by_email(user.email) == user


async def test_a_users_unit_and_calls_beside_it_keep_their_roles(rolled_back: Homeport) -> None:
    expense, stranger = await an_expense(rolled_back), await a_user(rolled_back)
    async with rolled_back.as_user({"sub": str(stranger.id)}).transaction() as tx:
        assert await tx.collection(EXPENSE).count() == 0
        assert await rolled_back.collection(EXPENSE).count() == 1
        assert await tx.collection(EXPENSE).count() == 0
    assert await rolled_back.collection(EXPENSE).find_by_id(expense.id) == expense


async def test_tasks_take_turns(rolled_back: Homeport) -> None:
    user = await a_user(rolled_back)

    async def unit(fail: bool) -> None:
        async with rolled_back.transaction() as tx:
            await tx.expenses.create_expense(user.id, {"amount": "1", "category": "fuel"})
            await asyncio.sleep(0)
            if fail:
                raise KeyError

    done = await asyncio.gather(*(unit(fail=bool(n % 2)) for n in range(10)), return_exceptions=True)
    assert sum(isinstance(each, KeyError) for each in done) == 5
    assert await rolled_back.collection(EXPENSE).count() == 5


async def test_time_stands_still(rolled_back: Homeport) -> None:
    """A limit that is documented."""
    first = await a_user(rolled_back)
    await asyncio.sleep(0.01)
    assert (await a_user(rolled_back, email=f"{uuid.uuid4()}@example.com")).created_at == first.created_at


async def test_it_gives_a_sign_of_life(rolled_back: Homeport) -> None:
    assert [each.ok for each in await rolled_back.health()] == [True]


async def test_without_a_database_the_test_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    from homeport.testing import plugin

    for name in plugin.DATABASE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    ask = plugin.homeport_database_url.__wrapped__  # type: ignore[attr-defined]
    with pytest.raises(pytest.skip.Exception, match="TEST_DATABASE_URL"):
        ask()
    monkeypatch.setenv("TEST_DATABASE_URL", "postgresql://host/db")
    assert ask() == "postgresql://host/db"
