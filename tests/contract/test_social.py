"""Social: posts, comments, likes, follows and messages, on every adapter."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Awaitable
from decimal import Decimal

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.public_profile import PublicProfile
from homeport.domain.social import Comment, CommentWithAuthor, DirectMessage, Follow, LikeState, Post
from homeport.domain.users import User
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
)
from homeport.testing import a_comment, a_follow, a_like, a_message, a_post, a_profile, a_user
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)


def at(hour: int) -> dt.datetime:
    return dt.datetime(2026, 5, 1, hour, tzinfo=dt.UTC)


async def seen(db: Homeport, post: Post) -> tuple[int, int]:
    """The post's counts as they are now: likes, comments."""
    found = await db.social.get_post_by_id(post.id)
    assert found is not None
    return found.likes_count, found.comments_count


async def a_person(db: Homeport, username: str) -> PublicProfile:
    """Somebody with a profile."""
    profile = await a_profile(db, username=username)
    return PublicProfile(id=profile.id, username=username)


# -- create_post


async def test_a_created_post_has_its_defaults_and_can_be_read_back(db: Homeport) -> None:
    user = await a_user(db)
    made = await db.social.create_post(user.id, {"content": "hello"})
    assert made == Post(
        id=made.id,
        user_id=user.id,
        content="hello",
        likes_count=0,
        comments_count=0,
        flagged=False,
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert await db.social.get_post_by_id(made.id) == made
    assert await db.social.get_post_by_id(str(made.id)) == made


async def test_a_post_keeps_every_field_that_was_given(db: Homeport) -> None:
    user = await a_user(db)
    given = {
        "content": "",
        "images": ("a,b.png", ""),
        "location_name": "Nord'kapp",
        "latitude": Decimal("71.172495"),
        "longitude": Decimal("-25.784000"),
        "tags": ("#a", "{b}"),
        "flagged": True,
    }
    made = await db.social.create_post(user.id, given)
    assert {name: getattr(made, name) for name in given} == given


@pytest.mark.parametrize("field", ["likes_count", "comments_count", "created_at", "deleted_at", "author_id"])
async def test_counts_times_and_unknown_fields_of_a_post_can_not_be_given(db: Homeport, field: str) -> None:
    post = await a_post(db)
    assert await refused(InvalidField, db.social.create_post(post.user_id, {"content": "x", field: 5})) == field
    assert await refused(InvalidField, db.social.update_post(post.id, post.user_id, {field: 5})) == field


async def test_a_post_needs_content_and_a_user(db: Homeport) -> None:
    user = await a_user(db)
    assert await violated(NotNullViolation, db.social.create_post(user.id, {})) == (None, ("content",))
    unknown = db.social.create_post(ABSENT, {"content": "x"})
    assert await violated(ForeignKeyViolation, unknown) == ("posts_user_id_fkey", ("user_id",))
    post = await a_post(db, user_id=user.id)
    emptied = db.social.update_post(post.id, user.id, {"tags": ["a"], "content": None})
    assert await violated(NotNullViolation, emptied) == (None, ("content",))
    assert await db.social.get_post_by_id(post.id) == post
    assert await refused(InvalidValue, db.social.create_post("me", {"content": "x"})) == "user_id"
    assert await refused(InvalidField, db.social.create_post(user.id, {"content": "x", "user_id": ABSENT})) == "user_id"


# -- get_user_posts and get_post_by_id


async def test_posts_are_newest_first_and_then_by_id(db: Homeport) -> None:
    user = await a_user(db)
    posts = [await a_post(db, user_id=user.id, created_at=at(hour)) for hour in (2, 1, 3, 2)]
    await a_post(db)
    in_order = sorted(sorted(posts, key=lambda post: post.id), key=lambda post: post.created_at, reverse=True)
    assert await db.social.get_user_posts(user.id) == in_order


async def test_there_are_no_posts_of_a_user_without_any_or_an_unknown_one(db: Homeport) -> None:
    user = await a_user(db)
    assert await db.social.get_user_posts(user.id) == []
    assert await db.social.get_user_posts(ABSENT) == []
    assert await refused(InvalidValue, db.social.get_user_posts("x")) == "user_id"


async def test_an_absent_post_is_none_and_a_malformed_id_an_error(db: Homeport) -> None:
    assert await db.social.get_post_by_id(ABSENT) is None
    assert await refused(InvalidValue, db.social.get_post_by_id("1")) == "id"


# -- update_post and delete_post


async def test_an_update_changes_what_is_given_and_touches_the_post(db: Homeport) -> None:
    post = await a_post(db)
    changed = await db.social.update_post(post.id, post.user_id, {"content": "new", "tags": ["a"]})
    assert changed == attrs.evolve(post, content="new", tags=("a",), updated_at=changed.updated_at)
    assert await db.social.update_post(post.id, post.user_id, {}) == changed
    assert await db.social.get_post_by_id(post.id) == changed


async def test_a_post_that_is_absent_deleted_or_of_another_can_not_be_updated(db: Homeport) -> None:
    post, gone, other = await a_post(db), await a_post(db), await a_user(db)
    await db.social.delete_post(gone.id, gone.user_id)
    for id, user_id in ((post.id, other.id), (ABSENT, post.user_id), (gone.id, gone.user_id)):
        with pytest.raises(RepositoryNotFoundError):
            await db.social.update_post(id, user_id, {"content": "stolen"})
    assert await db.social.get_post_by_id(post.id) == post


async def test_a_deleted_post_is_seen_nowhere_and_can_not_be_deleted_twice(db: Homeport) -> None:
    comment = await a_comment(db)
    post = await db.social.get_post_by_id(comment.post_id)
    assert post is not None
    await db.social.toggle_like(post.id, comment.user_id)
    assert await db.social.delete_post(post.id, post.user_id) is True
    assert await db.social.get_post_by_id(post.id) is None
    assert await db.social.get_user_posts(post.user_id) == []
    assert await db.social.get_post_comments(post.id) == []
    assert await db.social.get_post_likes(post.id) == []
    assert await db.social.delete_post(post.id, post.user_id) is False


async def test_a_deleted_post_is_kept_and_can_be_restored_with_all_that_hung_on_it(db: Homeport) -> None:
    comment = await a_comment(db)
    post = await db.social.posts.get_or_raise(comment.post_id)
    await db.social.delete_post(post.id, post.user_id)
    restored = await db.social.posts.restore(post.id)
    assert restored == attrs.evolve(post, updated_at=restored.updated_at)
    assert await db.social.get_post_comments(post.id) == [CommentWithAuthor(comment=comment, author=None)]


async def test_nobody_deletes_the_post_of_another(db: Homeport) -> None:
    post, other = await a_post(db), await a_user(db)
    assert await db.social.delete_post(post.id, other.id) is False
    assert await db.social.delete_post(ABSENT, other.id) is False
    assert await db.social.get_post_by_id(post.id) == post
    assert await refused(InvalidValue, db.social.delete_post("1", other.id)) == "id"


# -- create_comment


async def test_a_comment_is_counted_at_its_post_and_does_not_touch_it(db: Homeport) -> None:
    post, user = await a_post(db), await a_user(db)
    made = await db.social.create_comment(post.id, user.id, {"content": "nice"})
    assert made == Comment(
        id=made.id,
        post_id=post.id,
        user_id=user.id,
        content="nice",
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert await db.social.get_post_by_id(post.id) == attrs.evolve(post, comments_count=1)


async def test_only_live_comments_are_counted(db: Homeport) -> None:
    comment = await a_comment(db)
    post = await db.social.posts.get_or_raise(comment.post_id)
    answer = await db.social.create_comment(
        post.id, post.user_id, {"content": "thanks", "parent_comment_id": comment.id}
    )
    assert await seen(db, post) == (0, 2)
    await db.social.comments.discard(answer.id)
    assert await seen(db, post) == (0, 1)
    await db.social.comments.restore(answer.id)
    assert await seen(db, post) == (0, 2)
    await db.social.comments.delete(comment.id)
    assert await seen(db, post) == (0, 0)


async def test_an_absent_or_deleted_post_takes_no_comment(db: Homeport) -> None:
    post, user = await a_post(db), await a_user(db)
    await db.social.delete_post(post.id, post.user_id)
    for id in (post.id, ABSENT):
        with pytest.raises(RepositoryNotFoundError):
            await db.social.create_comment(id, user.id, {"content": "late"})
    assert await db.social.comments.count() == 0


async def test_a_comment_answers_only_a_live_comment_of_the_same_post(db: Homeport) -> None:
    parent, elsewhere, gone = await a_comment(db), await a_comment(db), await a_comment(db)
    await db.social.comments.discard(gone.id)
    post_ids = (parent.post_id, parent.post_id, gone.post_id, parent.post_id)
    for post_id, id in zip(post_ids, (elsewhere.id, ABSENT, gone.id, "x"), strict=True):
        odd = db.social.create_comment(post_id, parent.user_id, {"content": "x", "parent_comment_id": id})
        with pytest.raises(InvalidValue):
            await odd
    made = await db.social.create_comment(
        parent.post_id, parent.user_id, {"content": "x", "parent_comment_id": str(parent.id)}
    )
    assert made.parent_comment_id == parent.id
    top = await db.social.create_comment(parent.post_id, parent.user_id, {"content": "x", "parent_comment_id": None})
    assert top.parent_comment_id is None


async def test_a_comment_needs_content_and_a_user_and_stays_with_its_post(db: Homeport) -> None:
    post, user, other = await a_post(db), await a_user(db), await a_post(db)

    def comment(**data: object) -> Awaitable[Comment]:
        return db.social.create_comment(post.id, user.id, data)

    assert await violated(NotNullViolation, comment()) == (None, ("content",))
    assert await refused(InvalidField, comment(content="x", post_id=other.id)) == "post_id"
    assert await refused(InvalidField, comment(content="x", user_id=other.user_id)) == "user_id"
    assert await refused(InvalidField, comment(content="x", likes=1)) == "likes"
    unknown = db.social.create_comment(post.id, ABSENT, {"content": "x"})
    assert await violated(ForeignKeyViolation, unknown) == ("comments_user_id_fkey", ("user_id",))
    assert await refused(InvalidValue, db.social.create_comment("1", user.id, {"content": "x"})) == "post_id"
    assert await db.social.get_post_comments(post.id) == []


# -- get_post_comments


async def test_comments_are_oldest_first_each_with_its_author(db: Homeport) -> None:
    post, ada, bob = await a_post(db), await a_person(db, "ada"), await a_person(db, "bob")
    nobody = await a_user(db)
    written = [(2, ada.id), (1, bob.id), (3, ada.id), (2, nobody.id)]
    comments = [await a_comment(db, post_id=post.id, user_id=user_id, created_at=at(hour)) for hour, user_id in written]
    await a_comment(db)
    in_order = sorted(comments, key=lambda comment: (comment.created_at, comment.id))
    people = {ada.id: ada, bob.id: bob}
    assert await db.social.get_post_comments(post.id) == [
        CommentWithAuthor(comment=comment, author=people.get(comment.user_id)) for comment in in_order
    ]


async def test_deleted_comments_are_not_shown_and_their_answers_are(db: Homeport) -> None:
    comment = await a_comment(db)
    answer = await db.social.create_comment(
        comment.post_id, comment.user_id, {"content": "x", "parent_comment_id": comment.id}
    )
    await db.social.comments.discard(comment.id)
    assert await db.social.get_post_comments(comment.post_id) == [CommentWithAuthor(comment=answer, author=None)]


async def test_a_post_that_is_absent_or_has_none_shows_no_comments(db: Homeport) -> None:
    post = await a_post(db)
    assert await db.social.get_post_comments(post.id) == []
    assert await db.social.get_post_comments(ABSENT) == []
    assert await refused(InvalidValue, db.social.get_post_comments("1")) == "post_id"


# -- toggle_like and get_post_likes


async def test_a_toggle_likes_and_the_next_one_takes_it_back(db: Homeport) -> None:
    post, ada, bob = await a_post(db), await a_user(db), await a_user(db)
    assert await db.social.toggle_like(post.id, ada.id) == LikeState(liked=True, likes_count=1)
    assert await db.social.toggle_like(str(post.id), str(bob.id)) == LikeState(liked=True, likes_count=2)
    assert await db.social.toggle_like(post.id, ada.id) == LikeState(liked=False, likes_count=1)
    assert await db.social.get_post_by_id(post.id) == attrs.evolve(post, likes_count=1)
    assert [like.user_id for like in await db.social.get_post_likes(post.id)] == [bob.id]


async def test_toggles_at_the_same_time_are_all_carried_out(db: Homeport) -> None:
    post, ada = await a_post(db), await a_user(db)
    states = await asyncio.gather(*(db.social.toggle_like(post.id, ada.id) for _ in range(11)))
    assert sorted(state.liked for state in states) == [False] * 5 + [True] * 6
    assert all(state.likes_count == int(state.liked) for state in states)
    assert await seen(db, post) == (1, 0)
    assert len(await db.social.get_post_likes(post.id)) == 1


async def test_an_absent_or_deleted_post_can_not_be_liked(db: Homeport) -> None:
    post, user = await a_post(db), await a_user(db)
    await db.social.delete_post(post.id, post.user_id)
    for id in (post.id, ABSENT):
        with pytest.raises(RepositoryNotFoundError):
            await db.social.toggle_like(id, user.id)
    assert await db.social.likes.count() == 0


async def test_a_like_of_an_unknown_user_is_refused(db: Homeport) -> None:
    post = await a_post(db)
    unknown = db.social.toggle_like(post.id, ABSENT)
    assert await violated(ForeignKeyViolation, unknown) == ("likes_user_id_fkey", ("user_id",))
    assert await seen(db, post) == (0, 0)


async def test_a_malformed_id_is_refused_by_a_toggle(db: Homeport) -> None:
    post = await a_post(db)
    assert await refused(InvalidValue, db.social.toggle_like("1", post.user_id)) == "post_id"
    assert await refused(InvalidValue, db.social.toggle_like(post.id, "1")) == "user_id"


async def test_likes_are_newest_first_and_then_by_id(db: Homeport) -> None:
    post = await a_post(db)
    likes = [await a_like(db, post_id=post.id, created_at=at(hour)) for hour in (2, 1, 3, 2)]
    in_order = sorted(sorted(likes, key=lambda like: like.id), key=lambda like: like.created_at, reverse=True)
    assert await db.social.get_post_likes(post.id) == in_order
    assert await seen(db, post) == (4, 0)


async def test_a_post_that_is_absent_or_has_none_shows_no_likes(db: Homeport) -> None:
    post = await a_post(db)
    assert await db.social.get_post_likes(post.id) == []
    assert await db.social.get_post_likes(ABSENT) == []
    assert await refused(InvalidValue, db.social.get_post_likes("1")) == "post_id"


async def test_the_likes_and_comments_of_a_user_who_is_removed_are_counted_no_more(db: Homeport) -> None:
    comment = await a_comment(db)
    post = await db.social.posts.get_or_raise(comment.post_id)
    assert post.user_id != comment.user_id
    await db.social.toggle_like(post.id, comment.user_id)
    assert await seen(db, post) == (1, 1)
    await db.users.users.delete(comment.user_id)
    assert await seen(db, post) == (0, 0)


# -- follow_user and unfollow_user


async def test_a_user_follows_another_once_however_often_asked(db: Homeport) -> None:
    ada, bob = await a_user(db), await a_user(db)
    made = await db.social.follow_user(ada.id, str(bob.id))
    assert made == Follow(id=made.id, follower_id=ada.id, following_id=bob.id, created_at=made.created_at)
    assert await db.social.follow_user(str(ada.id), bob.id) == made
    assert await db.social.follows.find_many() == [made]


async def test_a_follow_goes_one_way(db: Homeport) -> None:
    ada, bob = await a_person(db, "ada"), await a_person(db, "bob")
    await db.social.follow_user(ada.id, bob.id)
    assert await db.social.get_user_following(ada.id) == [bob]
    assert await db.social.get_user_following(bob.id) == []
    back = await db.social.follow_user(bob.id, ada.id)
    assert (back.follower_id, back.following_id) == (bob.id, ada.id)


async def test_nobody_follows_themselves(db: Homeport) -> None:
    ada = await a_user(db)
    said = await violated(CheckViolation, db.social.follow_user(ada.id, ada.id))
    assert said == ("follows_follower_id_following_id_check", ("follower_id", "following_id"))


async def test_an_unknown_user_neither_follows_nor_is_followed(db: Homeport) -> None:
    ada = await a_user(db)
    said = await violated(ForeignKeyViolation, db.social.follow_user(ada.id, ABSENT))
    assert said == ("follows_following_id_fkey", ("following_id",))
    said = await violated(ForeignKeyViolation, db.social.follow_user(ABSENT, ada.id))
    assert said == ("follows_follower_id_fkey", ("follower_id",))


async def test_to_unfollow_ends_one_follow_and_only_that(db: Homeport) -> None:
    ada, bob, eve = await a_user(db), await a_user(db), await a_user(db)
    await db.social.follow_user(ada.id, bob.id)
    back = await db.social.follow_user(bob.id, ada.id)
    other = await db.social.follow_user(eve.id, bob.id)
    assert await db.social.unfollow_user(ada.id, bob.id) is True
    assert await db.social.unfollow_user(ada.id, bob.id) is False
    assert await db.social.unfollow_user(ada.id, ABSENT) is False
    assert {follow.id for follow in await db.social.follows.find_many()} == {back.id, other.id}


async def test_a_malformed_id_is_refused_by_follow_and_unfollow(db: Homeport) -> None:
    ada = await a_user(db)
    assert await refused(InvalidValue, db.social.follow_user("1", ada.id)) == "follower_id"
    assert await refused(InvalidValue, db.social.follow_user(ada.id, "1")) == "following_id"
    assert await refused(InvalidValue, db.social.unfollow_user(ada.id, "1")) == "following_id"


# -- get_user_followers and get_user_following


async def test_followers_are_those_of_the_newest_follow_first(db: Homeport) -> None:
    star = await a_person(db, "star")
    fans = [await a_person(db, name) for name in ("b", "c", "a")]
    for hour, fan in enumerate(fans):
        await a_follow(db, follower_id=fan.id, following_id=star.id, created_at=at(hour))
        await a_follow(db, follower_id=star.id, following_id=fan.id, created_at=at(9 - hour))
    await a_follow(db, follower_id=fans[0].id, following_id=fans[1].id, created_at=at(5))
    assert await db.social.get_user_followers(star.id) == fans[::-1]
    assert await db.social.get_user_following(star.id) == fans
    assert await db.social.get_user_followers(fans[1].id) == [star, fans[0]]


async def test_who_has_no_profile_is_left_out(db: Homeport) -> None:
    star, fan, nobody = await a_person(db, "star"), await a_person(db, "fan"), await a_user(db)
    for follower in (fan.id, nobody.id):
        await db.social.follow_user(follower, star.id)
    await db.social.follow_user(star.id, nobody.id)
    assert await db.social.get_user_followers(star.id) == [fan]
    assert await db.social.get_user_following(star.id) == []


async def test_nobody_follows_a_user_without_followers_or_an_unknown_one(db: Homeport) -> None:
    ada = await a_user(db)
    for id in (ada.id, ABSENT):
        assert await db.social.get_user_followers(id) == []
        assert await db.social.get_user_following(id) == []
    assert await refused(InvalidValue, db.social.get_user_followers("1")) == "following_id"
    assert await refused(InvalidValue, db.social.get_user_following("1")) == "follower_id"


# -- send_message and get_user_messages


async def test_a_message_has_its_defaults_and_is_read_by_both(db: Homeport) -> None:
    ada, bob = await a_user(db), await a_user(db)
    made = await db.social.send_message(ada.id, str(bob.id), {"content": "hi"})
    assert made == DirectMessage(
        id=made.id,
        sender_id=ada.id,
        recipient_id=bob.id,
        content="hi",
        is_read=False,
        created_at=made.created_at,
    )
    assert await db.social.get_user_messages(ada.id, bob.id) == [made]
    assert await db.social.get_user_messages(str(bob.id), str(ada.id)) == [made]


async def test_a_message_keeps_its_metadata(db: Homeport) -> None:
    ada, bob = await a_user(db), await a_user(db)
    metadata = {"b": 1, "aa": [None, {"c": 2.5}], "": "x"}
    made = await db.social.send_message(ada.id, bob.id, {"content": "", "metadata": metadata})
    assert made.metadata == metadata


async def test_messages_of_two_are_oldest_first_and_of_those_two_alone(db: Homeport) -> None:
    ada, bob, eve = await a_user(db), await a_user(db), await a_user(db)

    async def message(hour: int, sender: User, recipient: User) -> DirectMessage:
        return await a_message(db, sender_id=sender.id, recipient_id=recipient.id, created_at=at(hour))

    written = [(3, ada, bob), (1, bob, ada), (2, ada, bob), (2, bob, ada)]
    between = [await message(*each) for each in written]
    for each in [(1, ada, eve), (1, eve, bob), (1, eve, ada)]:
        await message(*each)
    in_order = sorted(between, key=lambda message: (message.created_at, message.id))
    assert await db.social.get_user_messages(ada.id, bob.id) == in_order
    assert await db.social.get_user_messages(bob.id, ada.id) == in_order
    assert await db.social.get_user_messages(bob.id, ABSENT) == []
    assert await db.social.get_user_messages(ada.id, ada.id) == []


async def test_nobody_writes_to_themselves_or_to_an_unknown_user(db: Homeport) -> None:
    ada = await a_user(db)
    said = await violated(CheckViolation, db.social.send_message(ada.id, ada.id, {"content": "x"}))
    assert said == ("messages_sender_id_recipient_id_check", ("sender_id", "recipient_id"))
    said = await violated(ForeignKeyViolation, db.social.send_message(ada.id, ABSENT, {"content": "x"}))
    assert said == ("messages_recipient_id_fkey", ("recipient_id",))
    said = await violated(ForeignKeyViolation, db.social.send_message(ABSENT, ada.id, {"content": "x"}))
    assert said == ("messages_sender_id_fkey", ("sender_id",))


async def test_a_message_needs_content_and_keeps_its_sender_and_recipient(db: Homeport) -> None:
    ada, bob, eve = await a_user(db), await a_user(db), await a_user(db)

    def send(**data: object) -> Awaitable[DirectMessage]:
        return db.social.send_message(ada.id, bob.id, data)

    assert await violated(NotNullViolation, send()) == (None, ("content",))
    assert await refused(InvalidField, send(content="x", sender_id=eve.id)) == "sender_id"
    assert await refused(InvalidField, send(content="x", recipient_id=eve.id)) == "recipient_id"
    assert await refused(InvalidField, send(content="x", message="x")) == "message"
    assert await refused(InvalidValue, db.social.send_message("1", bob.id, {"content": "x"})) == "sender_id"
    assert await refused(InvalidValue, db.social.send_message(ada.id, "1", {"content": "x"})) == "recipient_id"
    assert await refused(InvalidValue, db.social.get_user_messages("1", bob.id)) == "sender_id"
    with pytest.raises(InvalidValue):
        await db.social.get_user_messages(ada.id, "1")
    assert await db.social.get_user_messages(ada.id, bob.id) == []
