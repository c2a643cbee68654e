import asyncio
import uuid

import asyncpg
import pytest

from tests.migrations.conftest import Connection
from tests.migrations.rows import acting, post, user

TOGGLE = "SELECT liked, likes_count FROM toggle_like($1, $2)"


async def toggled(connection: Connection, of: uuid.UUID, by: uuid.UUID) -> tuple[bool, int] | None:
    row = await connection.fetchrow(TOGGLE, of, by)
    return None if row is None else (row["liked"], row["likes_count"])


async def test_it_likes_and_takes_the_like_back(shared: Connection) -> None:
    a, b = await user(shared), await user(shared)
    one = await post(shared, a)
    assert [await toggled(shared, one, each) for each in (a, b, a, a)] == [
        (True, 1),
        (True, 2),
        (False, 1),
        (True, 2),
    ]


async def test_no_row_comes_back_where_there_is_no_live_post(shared: Connection) -> None:
    a = await user(shared)
    one = await post(shared, a)
    assert await toggled(shared, uuid.uuid4(), a) is None
    await shared.execute("UPDATE posts SET deleted_at = now()")
    assert await toggled(shared, one, a) is None
    assert await shared.fetchval("SELECT count(*) FROM likes") == 0


async def test_an_unknown_user_is_refused_by_the_foreign_key(migrated: Connection) -> None:
    one = await post(migrated, await user(migrated))
    with pytest.raises(asyncpg.ForeignKeyViolationError) as refused:
        await toggled(migrated, one, uuid.uuid4())
    assert refused.value.constraint_name == "likes_user_id_fkey"


async def test_a_signed_in_user_likes_as_itself_and_as_nobody_else(shared: Connection) -> None:
    a, b = await user(shared), await user(shared)
    one = await post(shared, a)
    async with acting(shared, "authenticated", b):
        assert [await toggled(shared, one, b) for _ in range(2)] == [(True, 1), (False, 0)]
    async with acting(shared, "authenticated", b):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await toggled(shared, one, a)
    await toggled(shared, one, a)
    async with acting(shared, "authenticated", b):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UniqueViolationError)):
            await toggled(shared, one, a)
    async with acting(shared, "service_role"):
        assert await toggled(shared, one, a) == (False, 0)


async def test_nobody_in_particular_may_not_execute_it(shared: Connection) -> None:
    async with acting(shared, "anon"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await toggled(shared, uuid.uuid4(), uuid.uuid4())


async def test_200_calls_at_once_lose_no_toggle(migrated: Connection, database: str) -> None:
    a = await user(migrated)
    one = await post(migrated, a)
    async with asyncpg.create_pool(database, min_size=8, max_size=8) as pool:
        answers = await asyncio.gather(*(pool.fetch(TOGGLE, one, a) for _ in range(200)))
    assert sum(row["liked"] for (row,) in answers) == 100
    assert await migrated.fetchval("SELECT likes_count FROM posts") == 0
    assert await migrated.fetchval("SELECT count(*) FROM likes") == 0


async def test_200_users_at_once_see_200_counts(migrated: Connection, database: str) -> None:
    one = await post(migrated, await user(migrated))
    insert = "INSERT INTO users (email) SELECT 'u' || n FROM generate_series(1, 200) AS n RETURNING id"
    people = [row["id"] for row in await migrated.fetch(insert)]
    async with asyncpg.create_pool(database, min_size=8, max_size=8) as pool:
        answers = await asyncio.gather(*(pool.fetch(TOGGLE, one, each) for each in people))
    assert all(row["liked"] for (row,) in answers)
    assert sorted(row["likes_count"] for (row,) in answers) == list(range(1, 201))
    assert await migrated.fetchval("SELECT likes_count FROM posts") == 200
