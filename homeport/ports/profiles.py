"""Profiles port: document 000's ProfileRepository."""

from collections.abc import Mapping
from typing import Protocol

from homeport.domain.ids import Id
from homeport.domain.profiles import Profile
from homeport.domain.public_profile import PublicProfile


class ProfileRepository(Protocol):
    """The special table: its key `id` is the user's id, and there is no column `user_id`.

    Every `user_id` here is therefore compared with `id`. Others' profiles are seen as PublicProfile only.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    async def get_profile(self, user_id: Id) -> Profile | None:
        """The profile whose `id` (not user_id) is the user's; None if there is none."""

    async def create_profile(self, user_id: Id, data: Mapping[str, object]) -> Profile:
        """The new profile gets the user's id as its `id`; an `id` or `user_id` in data must be the same one.

        Raises:
            InvalidField: `id` or `user_id` in data is another user's.
            UniqueViolation: the user has a profile, or the email or username (whatever its case) is taken.
            ForeignKeyViolation: no such user.
        """

    async def update_profile(self, user_id: Id, data: Mapping[str, object]) -> Profile:
        """Changes the profile whose `id` (not user_id) is the user's; the id itself can't be changed.

        Raises:
            InvalidField: `id` or `user_id` in data is another user's.
            RepositoryNotFoundError: the user has no profile.
            UniqueViolation: the email or username (whatever its case) is taken.
        """

    async def delete_profile(self, user_id: Id) -> bool:
        """Removes the profile whose `id` (not user_id) is the user's, for good; the user stays. False if none."""

    async def get_profile_by_username(self, username: str) -> PublicProfile | None:
        """The one with exactly this username, A-Z and a-z being the same. Its `id` is the user's id."""

    async def search_profiles(self, query: str, limit: int = 10) -> list[PublicProfile]:
        r"""Who has the text in username, nickname or full name, A-Z and a-z being the same. Each `id` is a user's id.

        First those with a name that starts with it, then the others; each part by username, those without one last,
        then by id. At most `limit`. `%`, `_`, `*` and `\` are plain characters; a blank query finds nobody.
        """
