"""Access port: document 000's AuthRepository, which is document 001's SessionRepository."""

import datetime as dt
from collections.abc import Mapping
from typing import Protocol, TypeAlias

from homeport.domain.access import AdminUser, Login, SecurityEvent, UserSession
from homeport.domain.ids import Id
from homeport.kernel.types import IpAddress

When: TypeAlias = dt.datetime | str
"""An aware datetime, or its ISO text."""


class AuthRepository(Protocol):
    """A session lives while it is active, not revoked, and not expired. Sessions are listed by activity, newest first.

    Tokens are stored and compared as hashes only: see `token_hash`. `now` is the application's time in UTC where it is
    not given. `user_id`, where it is optional, leaves other users' rows as absent; give it wherever it is known.
    Sign-ins are only added, never changed.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    # -- sessions

    async def create_session(self, user_id: Id, data: Mapping[str, object]) -> UserSession:
        """Needs `session_token_hash` and `expires_at`.

        Raises:
            NotNullViolation: one of them is missing.
            UniqueViolation: a session has this hash, refresh hash or jti.
            CheckViolation: it expires before it begins.
            ForeignKeyViolation: no such user.
        """

    async def get_active_sessions(self, user_id: Id, *, now: When | None = None) -> list[UserSession]:
        """The user's living sessions; those alike in activity by id; empty if none."""

    async def count_active_sessions(self, user_id: Id, *, now: When | None = None) -> int:
        """How many sessions of the user live at the same time."""

    async def find_active_session(self, session_token_hash: str, *, now: When | None = None) -> UserSession | None:
        """The living session with this hash; None if it is absent, over or revoked."""

    async def get_sessions_by_ip(
        self, ip_address: IpAddress | str, *, limit: int = 50, now: When | None = None
    ) -> list[UserSession]:
        """Anybody's living sessions from this address; those alike in activity by id."""

    async def touch_session(self, session_id: Id, *, user_id: Id | None = None, now: When | None = None) -> bool:
        """Notes activity; False if the session does not live."""

    async def rotate_session(
        self,
        session_id: Id,
        data: Mapping[str, object],
        *,
        replacing: str | None = None,
        user_id: Id | None = None,
        now: When | None = None,
    ) -> UserSession:
        """New hashes, jti or expiry for a living session, and activity noted.

        With `replacing`, the refresh hash that was presented, only one of two calls with the same hash succeeds.

        Raises:
            InvalidField: another field is in data.
            RepositoryNotFoundError: the session does not live, or has another refresh hash by now.
            UniqueViolation, NotNullViolation, CheckViolation: as `create_session`.
        """

    async def invalidate_session(
        self, session_id: Id, *, user_id: Id | None = None, reason: str | None = None, now: When | None = None
    ) -> bool:
        """Revokes it, expired or not; True for the one call that did so. What was revoked stays as it was."""

    async def invalidate_all_for_user(
        self, user_id: Id, *, keep: Id | None = None, reason: str | None = None, now: When | None = None
    ) -> int:
        """Revokes the user's sessions, all but the one to keep; how many."""

    async def cleanup_expired_sessions(self, before: When) -> int:
        """Removes sessions that expired before then, revoked or not, for good, about a thousand a statement; how many.

        If it fails on the way, what was removed stays removed, and it can be called again.
        """

    # -- sign-ins

    async def log_login(self, user_id: Id, data: Mapping[str, object]) -> Login:
        """A successful one now, unless the data says otherwise. Raises ForeignKeyViolation for an unknown user."""

    async def get_login_history(self, user_id: Id, limit: int = 50) -> list[Login]:
        """Newest first, then by id; empty if none."""

    async def count_failed_logins(self, user_id: Id, since: When) -> int:
        """The user's failed sign-ins from then on, that moment included."""

    # -- administration

    async def is_admin(self, user_id: Id) -> bool:
        """Whether the user has the role admin and is active."""

    async def get_admin_user(self, user_id: Id) -> AdminUser | None:
        """In any role and status; None if there is none."""

    # -- security events

    async def log_security_event(self, data: Mapping[str, object]) -> SecurityEvent:
        """Unresolved, unless the data says otherwise.

        Raises:
            NotNullViolation: no event_type.
            ForeignKeyViolation: an unknown user; an attempt on an unknown address has `email_attempted` alone.
        """

    async def get_security_events(
        self, filters: Mapping[str, object] | None = None, limit: int = 50
    ) -> list[SecurityEvent]:
        """All, or those equal in the given columns; newest first, of the same moment the later one first."""

    async def resolve_security_event(self, event_id: int | str) -> bool:
        """True for the one call that did so; False if it was resolved or is absent."""


SessionRepository: TypeAlias = AuthRepository
"""Document 001's name for the same port."""
