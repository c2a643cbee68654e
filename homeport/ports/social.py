"""Social port: document 000's SocialRepository."""

from collections.abc import Mapping
from typing import Protocol

from homeport.domain.ids import Id
from homeport.domain.public_profile import PublicProfile
from homeport.domain.social import Comment, CommentWithAuthor, DirectMessage, Follow, Like, LikeState, Post


class SocialRepository(Protocol):
    """Deleted posts and comments don't exist; neither do the comments and likes of a deleted post.

    Anybody's posts, comments, likes and follows are read; each is changed by its own user only.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
        ForeignKeyViolation: a write for an unknown user.
    """

    async def create_post(self, user_id: Id, data: Mapping[str, object]) -> Post:
        """The counts start at 0 and can't be given."""

    async def get_user_posts(self, user_id: Id) -> list[Post]:
        """Newest first, then id; empty for an unknown user."""

    async def get_post_by_id(self, post_id: Id) -> Post | None:
        """Anybody's; None if it is absent or deleted."""

    async def update_post(self, post_id: Id, user_id: Id, data: Mapping[str, object]) -> Post:
        """Raises RepositoryNotFoundError if it is absent, deleted or another's."""

    async def delete_post(self, post_id: Id, user_id: Id) -> bool:
        """Marks it as deleted; its comments and likes are kept, unseen. False if it is absent, deleted or another's."""

    async def create_comment(self, post_id: Id, user_id: Id, data: Mapping[str, object]) -> Comment:
        """The post's count follows.

        Raises:
            RepositoryNotFoundError: the post is absent or deleted.
            InvalidValue: `parent_comment_id` is no live comment of this post.
        """

    async def get_post_comments(self, post_id: Id) -> list[CommentWithAuthor]:
        """Oldest first, then id; two queries whatever their number. Empty if the post is absent or deleted."""

    async def toggle_like(self, post_id: Id, user_id: Id) -> LikeState:
        """Likes the post, or takes the like back. Calls at the same time are carried out one after the other.

        Raises:
            RepositoryNotFoundError: the post is absent or deleted.
        """

    async def get_post_likes(self, post_id: Id) -> list[Like]:
        """Newest first, then id; empty if the post is absent or deleted."""

    async def follow_user(self, follower_id: Id, following_id: Id) -> Follow:
        """The one there is, where the user follows already.

        Raises:
            CheckViolation: nobody follows themselves.
        """

    async def unfollow_user(self, follower_id: Id, following_id: Id) -> bool:
        """False if the user did not follow."""

    async def get_user_followers(self, user_id: Id) -> list[PublicProfile]:
        """Who follows the user, newest follow first; who has no profile is left out. Two queries."""

    async def get_user_following(self, user_id: Id) -> list[PublicProfile]:
        """Whom the user follows, newest follow first; who has no profile is left out. Two queries."""

    async def send_message(self, sender_id: Id, recipient_id: Id, data: Mapping[str, object]) -> DirectMessage:
        """Raises CheckViolation for a message to oneself."""

    async def get_user_messages(self, user_id: Id, other_user_id: Id) -> list[DirectMessage]:
        """What the two wrote to each other, oldest first, then id; empty if nothing."""
