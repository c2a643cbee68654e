"""Users port: document 001's UserRepository, beside the base repository of the table users."""

from typing import Protocol

from homeport.domain.users import User
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
