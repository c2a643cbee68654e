"""Social: posts, what people say to them, who follows whom, and messages between two. Knows nothing of storage."""

import datetime as dt
import uuid
from decimal import Decimal

import attrs

from homeport.domain.public_profile import PublicProfile
from homeport.kernel.entity import Entity


@attrs.frozen(kw_only=True)
class Post(Entity):
    """Something shown to everybody. The two counts are the database's: live comments, and likes."""

    id: uuid.UUID
    user_id: uuid.UUID
    content: str
    images: tuple[str, ...] | None = None
    location_name: str | None = None
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    tags: tuple[str, ...] | None = None
    likes_count: int = 0
    comments_count: int = 0
    flagged: bool = False
    created_at: dt.datetime
    updated_at: dt.datetime
    deleted_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class Comment(Entity):
    """An answer to a post, or to another comment of the same post."""

    id: uuid.UUID
    post_id: uuid.UUID
    user_id: uuid.UUID
    parent_comment_id: uuid.UUID | None = None
    content: str
    created_at: dt.datetime
    updated_at: dt.datetime
    deleted_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class Like(Entity):
    """That one user likes one post."""

    id: uuid.UUID
    post_id: uuid.UUID
    user_id: uuid.UUID
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class Follow(Entity):
    """That one user follows another."""

    id: uuid.UUID
    follower_id: uuid.UUID
    following_id: uuid.UUID
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class DirectMessage(Entity):
    """What one user wrote to another."""

    id: uuid.UUID
    sender_id: uuid.UUID
    recipient_id: uuid.UUID
    content: str
    is_read: bool = False
    read_at: dt.datetime | None = None
    metadata: dict[str, object] | None = None
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class CommentWithAuthor:
    """A comment and who wrote it; no author where they have no profile."""

    comment: Comment
    author: PublicProfile | None


@attrs.frozen(kw_only=True)
class LikeState(Entity):
    """Whether the user likes the post after a toggle, and how many do."""

    liked: bool
    likes_count: int
