"""Users: who may sign in, and in which role. Knows nothing of passwords, sessions or storage."""

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
