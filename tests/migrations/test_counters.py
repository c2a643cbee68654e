import asyncio
import random
import uuid

import asyncpg
import pytest

from tests.migrations.conftest import Connect, Connection
from tests.migrations.rows import acting, comment, like, post, user

WRONG = """
SELECT id FROM posts WHERE likes_count <> (SELECT count(*) FROM likes WHERE post_id = posts.id)
    OR comments_count <> (SELECT count(*) FROM comments WHERE post_id = posts.id AND deleted_at IS NULL)
"""


async def counts(connection: Connection, of: uuid.UUID) -> tuple[int, int]:
    return tuple(await connection.fetchrow("SELECT likes_count, comments_count FROM posts WHERE id = $1", of))  # type: ignore[arg-type]


async def test_rows_that_come_go_move_and_are_marked_are_counted(shared: Connection) -> None:
    a, b = await user(shared), await user(shared)
    one, other = await post(shared, a), await post(shared, a)
    liked, said = await like(shared, one, b), await comment(shared, one, b)
    assert await counts(shared, one) == (1, 1)
    await shared.execute("UPDATE likes SET post_id = $1 WHERE id = $2", other, liked)
    assert (await counts(shared, one), await counts(shared, other)) == ((0, 1), (1, 0))
    await shared.execute("UPDATE comments SET deleted_at = now() WHERE id = $1", said)
    assert await counts(shared, one) == (0, 0)
    await shared.execute("UPDATE comments SET post_id = $1 WHERE id = $2", other, said)
    assert await counts(shared, other) == (1, 0)
    await shared.execute("UPDATE comments SET deleted_at = NULL, content = 'y' WHERE id = $1", said)
    assert await counts(shared, other) == (1, 1)
    await shared.execute("DELETE FROM likes")
    await shared.execute("DELETE FROM comments")
    assert await counts(shared, other) == (0, 0)


async def test_many_rows_in_one_statement_are_counted(shared: Connection) -> None:
    a = await user(shared)
    posts = [await post(shared, a) for _ in range(3)]
    await shared.execute("INSERT INTO users (email) SELECT 'u' || n FROM generate_series(1, 50) AS n")
    await shared.execute("INSERT INTO likes (post_id, user_id) SELECT posts.id, users.id FROM posts, users")
    assert [await counts(shared, each) for each in posts] == [(51, 0)] * 3
    await shared.execute("DELETE FROM likes WHERE post_id = $1", posts[0])
    await shared.execute("UPDATE likes SET created_at = now()")
    assert [await counts(shared, each) for each in posts] == [(0, 0), (51, 0), (51, 0)]
    assert (
        await shared.fetchval(
            "INSERT INTO likes (post_id, user_id) SELECT id, user_id FROM posts WHERE false RETURNING id"
        )
        is None
    )


async def test_a_deleted_users_likes_and_comments_are_taken_off(shared: Connection) -> None:
    a, b = await user(shared), await user(shared)
    theirs, own = await post(shared, a), await post(shared, b)
    for each in (theirs, own):
        await like(shared, each, b)
        under = await comment(shared, each, b)
        await comment(shared, each, a, under)  # goes with the comment it answers
        await comment(shared, each, a)
    await shared.execute("DELETE FROM users WHERE id = $1", b)
    assert await counts(shared, theirs) == (0, 1)
    assert await shared.fetch(WRONG) == []


async def test_counting_does_not_touch(migrated: Connection) -> None:
    a = await user(migrated)
    one = await post(migrated, a)
    before = await migrated.fetchval("SELECT updated_at FROM posts WHERE id = $1", one)
    await like(migrated, one, a)
    assert await migrated.fetchval("SELECT updated_at FROM posts WHERE id = $1", one) == before
    await migrated.execute("UPDATE posts SET content = 'y' WHERE id = $1", one)
    assert await migrated.fetchval("SELECT updated_at FROM posts WHERE id = $1", one) > before


async def test_a_foreign_keys_action_does_not_touch(migrated: Connection) -> None:
    crate = await migrated.fetchval("INSERT INTO crates (code) VALUES ('a') RETURNING id")
    spare = await migrated.fetchval("INSERT INTO crates (code) VALUES ('b') RETURNING id")
    insert = "INSERT INTO labels (crate_id, spare_id, name) VALUES ($1, $2, 'x') RETURNING updated_at"
    before = await migrated.fetchval(insert, crate, spare)
    await migrated.execute("DELETE FROM crates WHERE id = $1", spare)
    assert tuple(await migrated.fetchrow("SELECT updated_at, spare_id FROM labels")) == (before, None)  # type: ignore[arg-type]


async def test_a_touched_column_of_another_name_is_set_too(migrated: Connection) -> None:
    await migrated.execute("""
        CREATE TABLE odd (id integer, "changed at" timestamptz, note text);
        CREATE TRIGGER t BEFORE UPDATE ON odd FOR EACH ROW EXECUTE FUNCTION homeport.touch('changed at');
        INSERT INTO odd VALUES (1, NULL, 'a'); UPDATE odd SET note = 'b';
    """)
    row = await migrated.fetchrow('SELECT id, note, "changed at" IS NOT NULL FROM odd')
    assert row is not None
    assert tuple(row) == (1, "b", True)


async def test_a_random_history_leaves_right_counts(migrated: Connection) -> None:
    chance = random.Random(7)
    for _ in range(150):
        await migrated.execute(chance.choice(STEPS))
        assert await migrated.fetch(WRONG) == []
    assert await migrated.fetchval("SELECT sum(likes_count) + sum(comments_count) FROM posts") > 0


SOME = "(SELECT id FROM {0} ORDER BY md5(id::text || clock_timestamp()::text) LIMIT {1})"
STEPS = [
    "INSERT INTO users (email) SELECT gen_random_uuid()::text FROM generate_series(1, 3)",
    f"INSERT INTO posts (user_id, content) SELECT id, 'x' FROM users WHERE id IN {SOME.format('users', 2)}",
    (
        "INSERT INTO likes (post_id, user_id) SELECT p.id, u.id FROM posts p, users u "
        f"WHERE p.id IN {SOME.format('posts', 2)} AND u.id IN {SOME.format('users', 3)} ON CONFLICT DO NOTHING"
    ),
    (
        "INSERT INTO likes (post_id, user_id) SELECT p.id, u.id FROM posts p, users u "
        f"WHERE p.id IN {SOME.format('posts', 2)} AND u.id IN {SOME.format('users', 3)} "
        "ON CONFLICT (post_id, user_id) DO UPDATE SET created_at = now()"
    ),
    (
        "INSERT INTO comments (post_id, user_id, parent_comment_id, content) "
        f"SELECT post_id, user_id, id, 'x' FROM comments WHERE id IN {SOME.format('comments', 2)}"
    ),
    (
        "INSERT INTO comments (post_id, user_id, content) SELECT p.id, u.id, 'x' FROM posts p, users u "
        f"WHERE p.id IN {SOME.format('posts', 2)} AND u.id IN {SOME.format('users', 2)}"
    ),
    f"UPDATE comments SET deleted_at = now() WHERE id IN {SOME.format('comments', 2)}",
    f"UPDATE comments SET deleted_at = NULL WHERE id IN {SOME.format('comments', 2)}",
    f"UPDATE comments SET post_id = {SOME.format('posts', 1)} WHERE id IN {SOME.format('comments', 2)}",
    f"DELETE FROM likes WHERE id IN {SOME.format('likes', 2)}",
    f"DELETE FROM comments WHERE id IN {SOME.format('comments', 1)}",
    f"DELETE FROM posts WHERE id IN {SOME.format('posts', 1)}",
    f"DELETE FROM users WHERE id IN {SOME.format('users', 1)}",
]


async def test_likers_of_the_same_posts_never_wait_for_each_other_in_a_circle(
    migrated: Connection, another: Connect
) -> None:
    a = await user(migrated)
    posts = [await post(migrated, a) for _ in range(6)]
    people = [await user(migrated) for _ in range(8)]

    async def likes(person: uuid.UUID, seed: int) -> None:
        connection = await another()
        chance = random.Random(seed)
        for _ in range(15):
            wanted = chance.sample(posts, 4)
            await connection.execute(
                "INSERT INTO likes (post_id, user_id) SELECT unnest($1::uuid[]), $2 ON CONFLICT DO NOTHING",
                wanted,
                person,
            )
            await connection.execute(
                "DELETE FROM likes WHERE user_id = $2 AND post_id = ANY ($1)", chance.sample(posts, 3), person
            )

    await asyncio.gather(*(likes(person, seed) for seed, person in enumerate(people)))
    assert await migrated.fetch(WRONG) == []


async def test_a_counted_column_is_nobodys_to_write_but_the_services(shared: Connection) -> None:
    a = await user(shared)
    one = await post(shared, a)
    for statement in (
        "UPDATE posts SET likes_count = 9 WHERE id = $1",
        "INSERT INTO posts (user_id, content, likes_count) SELECT user_id, 'x', 9 FROM posts WHERE id = $1",
    ):
        async with acting(shared, "authenticated", a):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await shared.execute(statement, one)
    async with acting(shared, "authenticated", a):
        await shared.execute("UPDATE posts SET content = 'y' WHERE id = $1", one)
        await like(shared, one, a)
        assert await counts(shared, one) == (1, 0)
