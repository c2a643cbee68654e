"""The part of a profile that every signed-in user may see. Shared by all contexts that show people, like ids."""

import uuid

import attrs

from homeport.kernel.entity import Entity


@attrs.frozen(kw_only=True)
class PublicProfile(Entity):
    """Who somebody is to others; `id` is the user's id."""

    id: uuid.UUID
    username: str | None = None
    nickname: str | None = None
    full_name: str | None = None
    profile_image_url: str | None = None
