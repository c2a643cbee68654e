"""Profiles: what one person tells about themselves. Knows nothing of storage."""

import datetime as dt
import enum
import uuid

import attrs

from homeport.kernel.entity import Entity


class Units(enum.StrEnum):
    METRIC = "metric"
    IMPERIAL = "imperial"


@attrs.frozen(kw_only=True)
class Profile(Entity):
    """One person's profile. Its `id` is the user's id: there is no `user_id`.

    `role` and `status` are labels of the application and grant nothing here; rights come from `User.role`.
    """

    id: uuid.UUID
    email: str | None = None
    username: str | None = None
    full_name: str | None = None
    nickname: str | None = None
    profile_image_url: str | None = None
    partner_name: str | None = None
    partner_email: str | None = None
    partner_profile_image_url: str | None = None
    vehicle_type: str | None = None
    vehicle_make_model: str | None = None
    fuel_type: str | None = None
    towing: str | None = None
    second_vehicle: str | None = None
    max_driving: str | None = None
    camp_types: str | None = None
    accessibility: str | None = None
    pets: str | None = None
    region: str | None = None
    gender_identity: str | None = None
    gender_identity_custom: str | None = None
    pronouns: str | None = None
    pronouns_custom: str | None = None
    travel_style: tuple[str, ...] | None = None
    interests: tuple[str, ...] | None = None
    content_preferences: dict[str, object] = attrs.field(factory=dict)
    role: str = "user"
    status: str = "active"
    preferred_units: Units = Units.METRIC
    language: str | None = None
    last_active: dt.datetime | None = None
    created_at: dt.datetime
    updated_at: dt.datetime
