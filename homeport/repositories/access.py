"""Access over any store. The moment that decides whether a session lives is the application's, unless it is given."""

import datetime as dt
import uuid
from collections.abc import Mapping

from homeport.domain.access import AdminRole, AdminStatus, AdminUser, Login, SecurityEvent, UserSession
from homeport.domain.ids import Id
from homeport.kernel.errors import InvalidField, RepositoryNotFoundError
from homeport.kernel.policies import SERVICE, own_read
from homeport.kernel.predicates import (
    CURRENT_USER,
    TRUE,
    Predicate,
    all_of,
    eq,
    ge,
    gt,
    is_null,
    le,
    lt,
    ne,
)
from homeport.kernel.table import (
    CREATED,
    ID,
    IDENTITY,
    NOW,
    OWNER,
    UPDATED,
    USER_OR_NULL,
    Policy,
    Row,
    Verb,
    check,
    column,
    index,
    table,
    unique,
)
from homeport.kernel.types import IpAddress
from homeport.ports.access import AuthRepository, When
from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.repositories.migrations import shipped

BATCH = 1000
"""About how many rows one statement of a clean-up removes."""

_ROTATED = ("session_token_hash", "refresh_token_hash", "jti", "expires_at")
_MINE = eq("user_id", CURRENT_USER)


def _expires_later(row: Row) -> bool | None:
    begins, ends = row["created_at"], row["expires_at"]
    return ends > begins if isinstance(begins, dt.datetime) and isinstance(ends, dt.datetime) else None


SESSION = table(
    UserSession,
    "user_sessions",
    owner="user_id",
    columns={
        "id": ID,
        "user_id": OWNER,
        "last_activity_at": column(default=NOW),
        "created_at": CREATED,
    },
    uniques=[unique("session_token_hash"), unique("refresh_token_hash"), unique("jti")],
    checks=[check("expires_at", "{expires_at} > {created_at}", _expires_later)],
    indexes=[
        index("user_id"),
        index("user_id", "expires_at", where=eq("is_active", True)),
        index("expires_at"),
        index("ip_address"),
    ],
    # the owner may end a session and nothing else: whatever they write, it is inactive afterwards
    policies=[
        Policy(Verb.SELECT, using=_MINE),
        Policy(
            Verb.UPDATE,
            using=_MINE,
            check=all_of(_MINE, eq("is_active", False)),
            columns=("is_active", "revoked_at", "revoke_reason"),
        ),
    ],
    order=["-last_activity_at"],
)

LOGIN = table(
    Login,
    "login_history",
    owner="user_id",
    columns={"id": ID, "user_id": OWNER, "login_time": column(default=NOW)},
    indexes=[index("user_id", "-login_time")],
    policies=own_read(),
    order=["-login_time"],
    append_only=True,
)

ADMIN = table(
    AdminUser,
    "admin_users",
    owner="user_id",
    columns={"id": ID, "user_id": OWNER, "created_by": USER_OR_NULL, "created_at": CREATED, "updated_at": UPDATED},
    uniques=[unique("user_id"), unique("email")],
    indexes=[index("created_by")],
    policies=SERVICE,
    order=["email"],
)

SECURITY_EVENT = table(
    SecurityEvent,
    "security_events",
    columns={"id": IDENTITY, "user_id": USER_OR_NULL, "created_at": CREATED},
    indexes=[index("event_type", "-created_at"), index("user_id", "-created_at")],
    policies=SERVICE,
    order=["-created_at", "-id"],
)


class StoredAccess:
    """The port over a store. The history of sign-ins has no collection here: it is only added to."""

    def __init__(self, store: Store) -> None:
        self.sessions: Collection[UserSession, uuid.UUID] = Collection(store, SESSION)
        self.admins: Collection[AdminUser, uuid.UUID] = Collection(store, ADMIN)
        self.security_events: Collection[SecurityEvent, int] = Collection(store, SECURITY_EVENT)
        self._logins: Collection[Login, uuid.UUID] = Collection(store, LOGIN)

    # -- sessions

    async def create_session(self, user_id: Id, data: Mapping[str, object]) -> UserSession:
        return await self.sessions.of(user_id).create(data)

    async def get_active_sessions(self, user_id: Id, *, now: When | None = None) -> list[UserSession]:
        return await self.sessions.of(user_id).find_many(_alive(now), name="get_active_sessions")

    async def count_active_sessions(self, user_id: Id, *, now: When | None = None) -> int:
        return await self.sessions.of(user_id).count(_alive(now))

    async def find_active_session(self, session_token_hash: str, *, now: When | None = None) -> UserSession | None:
        this = all_of(eq("session_token_hash", session_token_hash), _alive(now))
        return await self.sessions.find_first(this, name="find_active_session")

    async def get_sessions_by_ip(
        self, ip_address: IpAddress | str, *, limit: int = 50, now: When | None = None
    ) -> list[UserSession]:
        from_there = self.sessions.within("ip_address", ip_address)
        return await from_there.find_many(_alive(now), limit=limit, name="get_sessions_by_ip")

    async def touch_session(self, session_id: Id, *, user_id: Id | None = None, now: When | None = None) -> bool:
        moment = _moment(now)
        this = all_of(eq("id", session_id), _alive(moment))
        return await self._sessions_of(user_id).update_many(this, {"last_activity_at": moment}) > 0

    async def rotate_session(
        self,
        session_id: Id,
        data: Mapping[str, object],
        *,
        replacing: str | None = None,
        user_id: Id | None = None,
        now: When | None = None,
    ) -> UserSession:
        for name in data:
            if name not in _ROTATED:
                raise InvalidField(f"a rotation does not set user_sessions.{name}", field=str(name)[:80])
        moment = _moment(now)
        presented = TRUE if replacing is None else eq("refresh_token_hash", replacing)
        this = all_of(eq("id", session_id), presented, _alive(moment))
        changed = await self._sessions_of(user_id).update_returning(this, {**data, "last_activity_at": moment})
        if not changed:
            raise RepositoryNotFoundError("no such row in user_sessions")
        return changed[0]

    async def invalidate_session(
        self, session_id: Id, *, user_id: Id | None = None, reason: str | None = None, now: When | None = None
    ) -> bool:
        this = all_of(eq("id", session_id), _UNREVOKED)
        return await self._sessions_of(user_id).update_many(this, _revoked(reason, now)) > 0

    async def invalidate_all_for_user(
        self, user_id: Id, *, keep: Id | None = None, reason: str | None = None, now: When | None = None
    ) -> int:
        others = _UNREVOKED if keep is None else all_of(ne("id", keep), _UNREVOKED)
        return await self.sessions.of(user_id).update_many(others, _revoked(reason, now))

    async def cleanup_expired_sessions(self, before: When) -> int:
        expired, removed = lt("expires_at", before), 0
        for _ in range(await self.sessions.count(expired) // BATCH):
            last = await self.sessions.find_many(
                expired, order_by="expires_at", limit=1, offset=BATCH - 1, name="cleanup_expired_sessions"
            )
            if last:
                removed += await self.sessions.delete_many(all_of(expired, le("expires_at", last[0].expires_at)))
        return removed + await self.sessions.delete_many(expired)

    # -- sign-ins

    async def log_login(self, user_id: Id, data: Mapping[str, object]) -> Login:
        return await self._logins.of(user_id).create(data)

    async def get_login_history(self, user_id: Id, limit: int = 50) -> list[Login]:
        return await self._logins.of(user_id).find_many(limit=limit, name="get_login_history")

    async def count_failed_logins(self, user_id: Id, since: When) -> int:
        return await self._logins.of(user_id).count(all_of(eq("success", False), ge("login_time", since)))

    # -- administration

    async def is_admin(self, user_id: Id) -> bool:
        active = all_of(eq("role", AdminRole.ADMIN), eq("status", AdminStatus.ACTIVE))
        return await self.admins.of(user_id).exists(active)

    async def get_admin_user(self, user_id: Id) -> AdminUser | None:
        return await self.admins.of(user_id).find_first(name="get_admin_user")

    # -- security events

    async def log_security_event(self, data: Mapping[str, object]) -> SecurityEvent:
        return await self.security_events.create(data)

    async def get_security_events(
        self, filters: Mapping[str, object] | None = None, limit: int = 50
    ) -> list[SecurityEvent]:
        return await self.security_events.find_many(filters, limit=limit, name="get_security_events")

    async def resolve_security_event(self, event_id: int | str) -> bool:
        key = int(event_id) if isinstance(event_id, str) and event_id.isascii() and event_id.isdigit() else event_id
        unresolved = all_of(eq("id", key), eq("resolved", False))
        return await self.security_events.update_many(unresolved, {"resolved": True}) > 0

    def _sessions_of(self, user_id: Id | None) -> Collection[UserSession, uuid.UUID]:
        return self.sessions if user_id is None else self.sessions.of(user_id)


_UNREVOKED = eq("is_active", True)


def _alive(now: When | None) -> Predicate:
    return all_of(eq("is_active", True), is_null("revoked_at"), gt("expires_at", _moment(now)))


def _revoked(reason: str | None, now: When | None) -> Mapping[str, object]:
    return {"is_active": False, "revoked_at": _moment(now), "revoke_reason": reason}


def _moment(now: When | None) -> When:
    return dt.datetime.now(dt.UTC) if now is None else now


ACCESS: Context[AuthRepository] = Context(
    "access",
    StoredAccess,
    tables=(SESSION, LOGIN, ADMIN, SECURITY_EVENT),
    migrations=shipped("access"),
    requires=("users",),
)
