"""Users: who may sign in, in which role, and what their password is checked by. Knows no sessions and no storage."""

import datetime as dt
import enum
import uuid

import attrs

from homeport.kernel.entity import Entity


class UserRole(enum.StrEnum):
    """What a user may do in the role-based contexts; it travels in the claims of the token."""

    ADMIN = "admin"
    MANAGER = "manager"
    EMPLOYEE = "employee"


@attrs.frozen(kw_only=True)
class User(Entity):
    """One account. Two live accounts never share an email address, whatever its case."""

    id: uuid.UUID
    email: str
    email_verified: bool = False
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    avatar_url: str | None = None
    role: UserRole = UserRole.EMPLOYEE
    contact_id: int | None = None
    created_at: dt.datetime
    updated_at: dt.datetime
    deleted_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class UserCredentials(Entity):
    """What a user's password is checked by, and how often that failed. The hash stays out of its printed form."""

    user_id: uuid.UUID
    password_hash: str = attrs.field(repr=False)
    password_changed_at: dt.datetime | None = None
    failed_attempts: int = 0
    locked_until: dt.datetime | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class FailedAttempts(Entity):
    """How often a user's password was wrong since it was last right or changed, and until when none is looked at."""

    failed_attempts: int
    locked_until: dt.datetime | None
