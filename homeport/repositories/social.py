"""Social over any store."""

import uuid
from collections.abc import Mapping

import attrs

from homeport.domain.ids import Id
from homeport.domain.public_profile import PublicProfile
from homeport.domain.social import Comment, CommentWithAuthor, DirectMessage, Follow, Like, LikeState, Post
from homeport.kernel.errors import InvalidValue, RepositoryNotFoundError
from homeport.kernel.operation import one_row
from homeport.kernel.policies import parties, shared, shared_live
from homeport.kernel.predicates import Predicate, all_of, any_of, eq, exists, is_null
from homeport.kernel.table import (
    CREATED,
    DELETED,
    ID,
    OWNER,
    UPDATED,
    Counter,
    OnDelete,
    at_least,
    column,
    differ,
    index,
    table,
    unique,
)
from homeport.kernel.types import NumericType
from homeport.ports.context import Context
from homeport.ports.social import SocialRepository
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.repositories.migrations import shipped
from homeport.repositories.profiles import PUBLIC_PROFILE
from homeport.repositories.relations import one_each

POST = table(
    Post,
    "posts",
    owner="user_id",
    soft_delete="deleted_at",
    columns={
        "id": ID,
        "user_id": OWNER,
        "latitude": column(NumericType(9, 6)),
        "longitude": column(NumericType(9, 6)),
        "created_at": CREATED,
        "updated_at": UPDATED,
        "deleted_at": DELETED,
    },
    checks=[at_least("likes_count", 0), at_least("comments_count", 0)],
    counters=[
        Counter("likes_count", "public.likes", "post_id"),
        Counter("comments_count", "public.comments", "post_id"),
    ],
    indexes=[
        index("user_id"),
        index("user_id", "-created_at", where=is_null("deleted_at")),
        index("tags", method="gin"),
    ],
    policies=shared_live(),
    order=["-created_at"],
)

COMMENT = table(
    Comment,
    "comments",
    owner="user_id",
    soft_delete="deleted_at",
    columns={
        "id": ID,
        "post_id": column(references="posts", on_delete=OnDelete.CASCADE),
        "user_id": OWNER,
        "parent_comment_id": column(references="comments", on_delete=OnDelete.CASCADE),
        "created_at": CREATED,
        "updated_at": UPDATED,
        "deleted_at": DELETED,
    },
    indexes=[index("post_id", "created_at"), index("user_id"), index("parent_comment_id")],
    policies=shared_live(),
    order=["created_at"],
)

LIKE = table(
    Like,
    "likes",
    owner="user_id",
    columns={
        "id": ID,
        "post_id": column(references="posts", on_delete=OnDelete.CASCADE),
        "user_id": OWNER,
        "created_at": CREATED,
    },
    uniques=[unique("post_id", "user_id")],
    indexes=[index("user_id")],
    policies=shared(),
    order=["-created_at"],
)

FOLLOW = table(
    Follow,
    "follows",
    owner="follower_id",
    columns={"id": ID, "follower_id": OWNER, "following_id": OWNER, "created_at": CREATED},
    uniques=[unique("follower_id", "following_id")],
    checks=[differ("follower_id", "following_id")],
    indexes=[index("following_id")],
    policies=shared("follower_id"),
    order=["-created_at"],
)

MESSAGE = table(
    DirectMessage,
    "messages",
    owner="sender_id",
    columns={"id": ID, "sender_id": OWNER, "recipient_id": OWNER, "created_at": CREATED},
    checks=[differ("sender_id", "recipient_id")],
    # one index for either direction of a thread, instead of one over least() and greatest() that no query names
    indexes=[index("sender_id", "recipient_id", "created_at"), index("recipient_id", "is_read")],
    policies=parties("sender_id", "recipient_id", marks=("is_read", "read_at")),
    order=["created_at"],
)


@attrs.frozen(kw_only=True)
class ToggleLike:
    """Which user's like of which post."""

    post_id: uuid.UUID
    user_id: uuid.UUID


TOGGLE_LIKE = one_row("social.toggle_like", ToggleLike, LikeState, writes=True)
"""Likes, or takes the like back; the same user's toggles of one post take turns. No row where there is no live post."""


class StoredSocial:
    """Document 000's SocialRepository; each of its tables is a base repository."""

    def __init__(self, store: Store) -> None:
        self.posts: Collection[Post, uuid.UUID] = Collection(store, POST)
        self.comments: Collection[Comment, uuid.UUID] = Collection(store, COMMENT)
        self.likes: Collection[Like, uuid.UUID] = Collection(store, LIKE)
        self.follows: Collection[Follow, uuid.UUID] = Collection(store, FOLLOW)
        self.messages: Collection[DirectMessage, uuid.UUID] = Collection(store, MESSAGE)
        self._people: Collection[PublicProfile, uuid.UUID] = Collection(store, PUBLIC_PROFILE)
        self._store = store

    # -- posts

    async def create_post(self, user_id: Id, data: Mapping[str, object]) -> Post:
        return await self.posts.of(user_id).create(data)

    async def get_user_posts(self, user_id: Id) -> list[Post]:
        return await self.posts.of(user_id).find_many(name="get_user_posts")

    async def get_post_by_id(self, post_id: Id) -> Post | None:
        return await self.posts.find_by_id(post_id)

    async def update_post(self, post_id: Id, user_id: Id, data: Mapping[str, object]) -> Post:
        return await self.posts.of(user_id).update(post_id, data)

    async def delete_post(self, post_id: Id, user_id: Id) -> bool:
        return await self.posts.of(user_id).discard(post_id)

    # -- comments and likes

    async def create_comment(self, post_id: Id, user_id: Id, data: Mapping[str, object]) -> Comment:
        of_post = self.comments.within("post_id", post_id).of(user_id)
        await self.posts.get_or_raise(post_id)
        parent = data.get("parent_comment_id") if isinstance(data, Mapping) else None
        if parent is not None and not await self._comments_of(post_id).exists(eq("id", parent)):
            raise InvalidValue("parent_comment_id: no comment of this post", field="parent_comment_id")
        return await of_post.create(data)

    async def get_post_comments(self, post_id: Id) -> list[CommentWithAuthor]:
        comments = await self._comments_of(post_id).find_many(_of_live_post(), name="get_post_comments")
        authors = await one_each(self._people, (each.user_id for each in comments))
        return [CommentWithAuthor(comment=each, author=authors.get(each.user_id)) for each in comments]

    async def toggle_like(self, post_id: Id, user_id: Id) -> LikeState:
        state = await self._store.run(TOGGLE_LIKE, TOGGLE_LIKE.parameter(post_id=post_id, user_id=user_id))
        if state is None:
            raise RepositoryNotFoundError("no such row in posts")
        return state

    async def get_post_likes(self, post_id: Id) -> list[Like]:
        return await self.likes.within("post_id", post_id).find_many(_of_live_post(), name="get_post_likes")

    # -- follows

    async def follow_user(self, follower_id: Id, following_id: Id) -> Follow:
        return await self.follows.of(follower_id).upsert(
            {"following_id": following_id}, target=("follower_id", "following_id")
        )

    async def unfollow_user(self, follower_id: Id, following_id: Id) -> bool:
        return await self.follows.of(follower_id).delete_many(eq("following_id", following_id)) > 0

    async def get_user_followers(self, user_id: Id) -> list[PublicProfile]:
        user = FOLLOW.require("following_id").operand(user_id)
        follows = await self.follows.within("following_id", user).asked_by(user).find_many(name="get_user_followers")
        return list((await one_each(self._people.asked_by(user), (each.follower_id for each in follows))).values())

    async def get_user_following(self, user_id: Id) -> list[PublicProfile]:
        user = FOLLOW.require("follower_id").operand(user_id)
        follows = await self.follows.of(user).find_many(name="get_user_following")
        return list((await one_each(self._people.asked_by(user), (each.following_id for each in follows))).values())

    # -- messages

    async def send_message(self, sender_id: Id, recipient_id: Id, data: Mapping[str, object]) -> DirectMessage:
        return await self.messages.within("recipient_id", recipient_id).of(sender_id).create(data)

    async def get_user_messages(self, user_id: Id, other_user_id: Id) -> list[DirectMessage]:
        user = MESSAGE.require("sender_id").operand(user_id)
        either_way = any_of(_from_to(user, other_user_id), _from_to(other_user_id, user))
        return await self.messages.asked_by(user).find_many(either_way, name="get_user_messages")

    def _comments_of(self, post_id: Id) -> Collection[Comment, uuid.UUID]:
        return self.comments.within("post_id", post_id)


def _of_live_post() -> Predicate:
    return exists(POST, {"id": "post_id"})


def _from_to(sender: object, recipient: object) -> Predicate:
    return all_of(eq("sender_id", sender), eq("recipient_id", recipient))


SOCIAL: Context[SocialRepository] = Context(
    "social",
    StoredSocial,
    tables=(POST, COMMENT, LIKE, FOLLOW, MESSAGE),
    operations=(TOGGLE_LIKE,),
    migrations=shipped("social"),
    requires=("users", "profiles"),
    memory_answers="homeport.adapters.memory.social",
)
