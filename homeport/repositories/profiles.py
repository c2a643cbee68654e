"""Profiles over any store. The table is special: its key `id` is the user's id, and it has no `user_id`."""

import uuid
from collections.abc import Mapping

from homeport.domain.ids import Id
from homeport.domain.profiles import Profile
from homeport.domain.public_profile import PublicProfile
from homeport.kernel.errors import InvalidField, InvalidValue
from homeport.kernel.policies import catalogue, owned
from homeport.kernel.predicates import Predicate, all_of, any_of, contains, eq, is_null, lower, not_, starts_with
from homeport.kernel.query import window
from homeport.kernel.table import CREATED, OWNER, UPDATED, index, table, unique
from homeport.ports.context import Context
from homeport.ports.profiles import ProfileRepository
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.repositories.migrations import shipped

PROFILE = table(
    Profile,
    "profiles",
    owner="id",
    columns={"id": OWNER, "created_at": CREATED, "updated_at": UPDATED},
    uniques=[unique("email"), unique(lower("username"))],
    indexes=[
        index("interests", method="gin"),
        index("lower({nickname})"),
        index("lower({full_name})"),
    ],
    policies=owned("id"),
    order=["username"],
)

PUBLIC_PROFILE = table(
    PublicProfile,
    "public_profiles",
    view_of="public.profiles",
    policies=catalogue(),
    order=["username"],
)

_NAMES = ("username", "nickname", "full_name")


class StoredProfiles:
    """Document 000's ProfileRepository; `profiles` is its base repository, `public_profiles` what others see."""

    def __init__(self, store: Store) -> None:
        self.profiles: Collection[Profile, uuid.UUID] = Collection(store, PROFILE)
        self.public_profiles: Collection[PublicProfile, uuid.UUID] = Collection(store, PUBLIC_PROFILE)

    async def get_profile(self, user_id: Id) -> Profile | None:
        return await self.profiles.of(user_id).find_by_id(user_id)

    async def create_profile(self, user_id: Id, data: Mapping[str, object]) -> Profile:
        return await self.profiles.of(user_id).create(_without_user_id(user_id, data))

    async def update_profile(self, user_id: Id, data: Mapping[str, object]) -> Profile:
        return await self.profiles.of(user_id).update(user_id, _without_user_id(user_id, data))

    async def delete_profile(self, user_id: Id) -> bool:
        return await self.profiles.of(user_id).delete(user_id)

    async def get_profile_by_username(self, username: str) -> PublicProfile | None:
        return await self.public_profiles.find_first(eq(lower("username"), username), name="get_profile_by_username")

    async def search_profiles(self, query: str, limit: int = 10) -> list[PublicProfile]:
        text, most = str(PUBLIC_PROFILE.require("username").operand(query)), window("limit", limit)
        if most is None:
            raise InvalidValue("limit: say how many are wanted at most", field="limit")
        if not text.strip():
            return []
        first = await self.public_profiles.find_many(
            any_of(*(starts_with(lower(name), text) for name in _NAMES)), limit=most, name="search_profiles_prefix"
        )
        within = any_of(*(contains(lower(name), text) for name in _NAMES))
        others = all_of(within, *(_not_at_start(name, text) for name in _NAMES))
        return first + await self.public_profiles.find_many(others, limit=most - len(first), name="search_profiles")


def _not_at_start(name: str, text: str) -> Predicate:
    """NULL does not start with anything; `not_` alone would leave that unknown and lose the row."""
    return any_of(is_null(name), not_(starts_with(lower(name), text)))


def _without_user_id(user_id: Id, data: Mapping[str, object]) -> Mapping[str, object]:
    """The data without the user_id that the table does not have. Raises InvalidField for another user's."""
    if not isinstance(data, Mapping) or "user_id" not in data:
        return data
    key = PROFILE.key_column
    if key.operand(data["user_id"]) != key.operand(user_id):
        raise InvalidField("profiles.user_id differs from the one asked for", field="user_id")
    return {name: value for name, value in data.items() if name != "user_id"}


PROFILES: Context[ProfileRepository] = Context(
    "profiles",
    StoredProfiles,
    tables=(PROFILE, PUBLIC_PROFILE),
    migrations=shipped("profiles"),
    requires=("users",),
)
