"""Users ports: document 001's UserRepository, and the passwords' hashes, which only a sign-in service needs."""

import datetime as dt
from typing import Protocol

from homeport.domain.ids import Id
from homeport.domain.users import FailedAttempts, User, UserCredentials
from homeport.kernel.binding import Filters
from homeport.kernel.query import OrderBy


class UserRepository(Protocol):
    """Soft-deleted users don't exist here.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    async def find_by_email(self, email: str) -> User | None:
        """The live user with this address, A-Z and a-z being the same; None if there is none."""

    async def find_active_users(
        self, filters: Filters = None, *, order_by: OrderBy | None = None, limit: int | None = None, offset: int = 0
    ) -> list[User]:
        """Live users, all or those meant, newest first where no order is given, then id; empty if none."""


class CredentialRepository(Protocol):
    """Hashes are stored as given: which algorithm made them is the sign-in service's business.

    A soft-deleted user's hash is not answered and can't be changed, and failures with it are not counted.

    Raises everywhere:
        RepositoryValidationError: a malformed id, a value that does not fit.
    """

    async def set_password_hash(
        self, user_id: Id, password_hash: str, *, now: dt.datetime | str | None = None
    ) -> UserCredentials:
        """The first one or a new one, changed `now` or at the application's time; failures and a lock are forgotten.

        Raises:
            RepositoryNotFoundError: no such user.
        """

    async def get_credentials(self, user_id: Id) -> UserCredentials | None:
        """None if there is no such user, or one without a password."""

    async def record_failed_attempt(
        self, user_id: Id, *, allowed: int, locked_until: dt.datetime | str
    ) -> FailedAttempts:
        """Counts one, and locks from the last `allowed` one on. Attempts at the same time are all counted.

        Raises:
            RepositoryNotFoundError: no such user, or one without a password.
        """

    async def clear_failed_attempts(self, user_id: Id) -> bool:
        """Forgets failures and a lock; False for a user without a password."""


class AccountRepository(UserRepository, CredentialRepository, Protocol):
    """Both at once."""
