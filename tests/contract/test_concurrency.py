"""Toggles, counters and what there is one of hold when hundreds of callers come at once, on every adapter."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Coroutine, Iterable
from typing import Any

from homeport.composition import Homeport
from homeport.domain.access import token_hash
from homeport.domain.social import Post
from homeport.testing import a_session, a_user

CALLERS = {"memory": 1000, "postgres": 1000, "supabase_legacy": 200}


async def people(db: Homeport, number: int) -> list[uuid.UUID]:
    made = await db.users.users.create_many([{"email": f"{each}@example.org"} for each in range(number)])
    return [each.id for each in made]


async def a_post(db: Homeport) -> tuple[Post, uuid.UUID]:
    (author,) = await people(db, 1)
    return await db.social.create_post(author, {"content": "popular"}), author


async def test_one_user_toggling_at_once_ends_where_the_number_says(db: Homeport, adapter: str) -> None:
    number = CALLERS[adapter]
    post, author = await a_post(db)
    states = await asyncio.gather(*(db.social.toggle_like(post.id, author) for _ in range(number)))
    assert sum(state.liked for state in states) == number // 2
    assert {state.likes_count for state in states} == {0, 1}
    assert await db.social.get_post_likes(post.id) == []
    assert (await db.social.posts.get_or_raise(post.id)).likes_count == 0
    assert (await db.social.toggle_like(post.id, author)).liked is True


async def test_many_users_liking_at_once_are_all_counted(db: Homeport, adapter: str) -> None:
    number = CALLERS[adapter]
    post, _ = await a_post(db)
    fans = await db.users.users.create_many([{"email": f"fan{each}@example.org"} for each in range(number)])
    states = await asyncio.gather(*(db.social.toggle_like(post.id, fan.id) for fan in fans))
    assert all(state.liked for state in states)
    assert (await db.social.posts.get_or_raise(post.id)).likes_count == number
    assert len(await db.social.get_post_likes(post.id)) == number
    gone = [fan.id for fan in fans[: number // 2]]
    assert await db.users.users.bulk_delete(gone) == len(gone)
    assert (await db.social.posts.get_or_raise(post.id)).likes_count == number - len(gone)


async def test_comments_written_and_taken_back_at_once_are_counted(db: Homeport, adapter: str) -> None:
    number = CALLERS[adapter]
    post, author = await a_post(db)
    made = await asyncio.gather(
        *(db.social.create_comment(post.id, author, {"content": str(each)}) for each in range(number))
    )
    assert (await db.social.posts.get_or_raise(post.id)).comments_count == number
    taken_back = [each.id for each in made[::2]]
    assert all(await asyncio.gather(*(db.social.comments.discard(each) for each in taken_back)))
    assert (await db.social.posts.get_or_raise(post.id)).comments_count == number - len(taken_back)
    assert len(await db.social.get_post_comments(post.id)) == number - len(taken_back)


async def test_many_users_commenting_at_once_are_all_counted(db: Homeport, adapter: str) -> None:
    number = CALLERS[adapter]
    post, _ = await a_post(db)
    writers = await db.users.users.create_many([{"email": f"writer{each}@example.org"} for each in range(number)])
    await asyncio.gather(*(db.social.create_comment(post.id, each.id, {"content": "me too"}) for each in writers))
    assert (await db.social.posts.get_or_raise(post.id)).comments_count == number
    gone = [each.id for each in writers[: number // 2]]
    assert await db.users.users.bulk_delete(gone) == len(gone)
    assert (await db.social.posts.get_or_raise(post.id)).comments_count == number - len(gone)
    assert len(await db.social.get_post_comments(post.id)) == number - len(gone)


async def test_follows_at_once_make_one_row(db: Homeport, adapter: str) -> None:
    one, other = await people(db, 2)
    number = CALLERS[adapter] // 4
    follows = await asyncio.gather(*(db.social.follow_user(one, other) for _ in range(number)))
    assert len({each.id for each in follows}) == 1
    assert sum(await asyncio.gather(*(db.social.unfollow_user(one, other) for _ in range(number)))) == 1


# -- what there is one of


async def outcomes(calls: Iterable[Coroutine[Any, Any, object]]) -> Counter[str]:
    """How often each came to which answer, True and False being told apart, or to which error."""
    ended = await asyncio.gather(*calls, return_exceptions=True)
    return Counter(str(each) if isinstance(each, bool) else type(each).__name__ for each in ended)


async def test_of_vehicles_made_and_promoted_at_once_one_is_primary(db: Homeport) -> None:
    user, vehicles = await a_user(db), db.vehicles
    there = await vehicles.vehicles.create_many([{"user_id": user.id, "name": str(each)} for each in range(100)])
    promoted = [vehicles.update_vehicle(each.id, user.id, {"is_primary": True}) for each in there]
    made = [vehicles.create_vehicle(user.id, {"name": "new", "is_primary": True}) for _ in range(100)]
    assert await outcomes([*promoted, *made]) == {"Vehicle": 1, "UniqueViolation": 199}
    assert [each.is_primary for each in await vehicles.get_user_vehicles(user.id)][:2] == [True, False]


async def test_a_session_ended_by_many_at_once_is_ended_by_one(db: Homeport) -> None:
    session = await a_session(db)
    reasons = [str(each) for each in range(200)]
    ended = await asyncio.gather(*(db.access.invalidate_session(session.id, reason=each) for each in reasons))
    assert sum(ended) == 1
    assert (await db.access.sessions.get_or_raise(session.id)).revoke_reason == reasons[ended.index(True)]


async def test_a_refresh_hash_presented_by_many_at_once_is_good_for_one(db: Homeport) -> None:
    session = await a_session(db, refresh_token_hash=token_hash("shared"))
    rotations = [
        db.access.rotate_session(
            session.id, {"refresh_token_hash": token_hash(str(each))}, replacing=token_hash("shared")
        )
        for each in range(200)
    ]
    assert await outcomes(rotations) == {"UserSession": 1, "RepositoryNotFoundError": 199}


async def test_of_sessions_with_one_hash_made_at_once_one_is_made(db: Homeport) -> None:
    user = await a_user(db)
    data = {"session_token_hash": token_hash("one"), "expires_at": "2999-01-01T00:00:00Z"}
    made = [db.access.create_session(user.id, data) for _ in range(200)]
    assert await outcomes(made) == {"UserSession": 1, "UniqueViolation": 199}
    assert await db.access.count_active_sessions(user.id) == 1
