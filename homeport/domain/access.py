"""Access: sessions, sign-ins, who may administer, and what looked suspicious. Knows tokens only by their hashes."""

import datetime as dt
import enum
import hashlib
import uuid

import attrs

from homeport.kernel.entity import Entity
from homeport.kernel.types import IpAddress


class LoginMethod(enum.StrEnum):
    PASSWORD = "password"  # noqa: S105 - a way to sign in, not a password
    OAUTH = "oauth"
    REFRESH = "refresh"
    MAGIC_LINK = "magic_link"
    SSO = "sso"


class AdminRole(enum.StrEnum):
    """What somebody may do in administration; it has nothing to do with a user's role in the claims."""

    ADMIN = "admin"
    MODERATOR = "moderator"
    USER = "user"


class AdminStatus(enum.StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    SUSPENDED = "suspended"


class Severity(enum.StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@attrs.frozen(kw_only=True)
class UserSession(Entity):
    """One sign-in that lasts until it expires or is revoked. The hashes stay out of its printed form."""

    id: uuid.UUID
    user_id: uuid.UUID
    session_token_hash: str = attrs.field(repr=False)
    refresh_token_hash: str | None = attrs.field(default=None, repr=False)
    jti: str | None = None
    device_info: dict[str, object] | None = None
    ip_address: IpAddress | None = None
    user_agent: str | None = None
    is_active: bool = True
    last_activity_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None = None
    revoke_reason: str | None = None
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class Login(Entity):
    """One attempt to sign in, kept as it was."""

    id: uuid.UUID
    user_id: uuid.UUID
    login_time: dt.datetime
    success: bool = True
    login_method: LoginMethod | None = None
    failure_reason: str | None = None
    ip_address: IpAddress | None = None
    user_agent: str | None = None
    device_info: dict[str, object] | None = None
    location_info: dict[str, object] | None = None


@attrs.frozen(kw_only=True)
class AdminUser(Entity):
    """What one user may do in administration."""

    id: uuid.UUID
    user_id: uuid.UUID
    email: str
    role: AdminRole
    status: AdminStatus = AdminStatus.ACTIVE
    permissions: dict[str, object] = attrs.field(factory=dict)
    region: str | None = None
    last_login: dt.datetime | None = None
    created_by: uuid.UUID | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class SecurityEvent(Entity):
    """Something to be looked at; of no user where the address that was tried belongs to nobody."""

    id: int
    user_id: uuid.UUID | None = None
    email_attempted: str | None = None
    event_type: str
    severity: Severity = Severity.INFO
    ip_address: IpAddress | None = None
    user_agent: str | None = None
    metadata: dict[str, object] | None = None
    resolved: bool = False
    created_at: dt.datetime


def token_hash(token: str) -> str:
    """What is stored in a token's place: its SHA-256. Right for long random tokens, too fast for passwords."""
    return hashlib.sha256(token.encode()).hexdigest()
