"""Users over any store."""

import datetime as dt
import uuid

import attrs

from homeport.domain.ids import Id
from homeport.domain.users import FailedAttempts, User, UserCredentials
from homeport.kernel.binding import Filters
from homeport.kernel.errors import RepositoryNotFoundError
from homeport.kernel.operation import one_row
from homeport.kernel.policies import SERVICE, own_read_and_update
from homeport.kernel.predicates import Predicate, eq, exists, is_null, lower
from homeport.kernel.query import OrderBy
from homeport.kernel.table import CREATED, DELETED, ID, OWNER, UPDATED, OnDelete, at_least, column, index, table, unique
from homeport.kernel.types import IntegerType, TextType
from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.ports.users import AccountRepository
from homeport.repositories.collection import Collection
from homeport.repositories.migrations import shipped

USER = table(
    User,
    "users",
    owner="id",
    soft_delete="deleted_at",
    columns={
        "id": ID,
        "email": column(TextType(255)),
        "first_name": column(TextType(100)),
        "last_name": column(TextType(100)),
        "display_name": column(TextType(200)),
        "contact_id": column(IntegerType(64), references="business.contacts", on_delete=OnDelete.SET_NULL),
        "created_at": CREATED,
        "updated_at": UPDATED,
        "deleted_at": DELETED,
    },
    uniques=[unique(lower("email"), where=is_null("deleted_at"))],
    indexes=[index("created_at"), index("deleted_at"), index("contact_id")],
    # a user who could write the role or the address would choose their own rights
    policies=own_read_and_update("id", columns=("first_name", "last_name", "display_name", "avatar_url")),
    order=["-created_at"],
)


CREDENTIALS = table(
    UserCredentials,
    "user_credentials",
    key="user_id",
    owner="user_id",
    columns={"user_id": OWNER, "created_at": CREATED, "updated_at": UPDATED},
    checks=[at_least("failed_attempts", 0)],
    policies=SERVICE,
    withheld=True,
)


@attrs.frozen(kw_only=True)
class RecordFailedAttempt:
    """Whose password was wrong, how often that is allowed, and until when none is looked at after that."""

    user_id: uuid.UUID
    allowed: int
    locked_until: dt.datetime


RECORD_FAILED_ATTEMPT = one_row("users.record_failed_attempt", RecordFailedAttempt, FailedAttempts, writes=True)
"""Counts one more; no row where there is no such live user, or one without a password."""


class StoredUsers:
    """Both ports over a store; `users` and `credentials` are base repositories."""

    def __init__(self, store: Store) -> None:
        self.users: Collection[User, uuid.UUID] = Collection(store, USER)
        self.credentials: Collection[UserCredentials, uuid.UUID] = Collection(store, CREDENTIALS)
        self._store = store

    # -- users

    async def find_by_email(self, email: str) -> User | None:
        return await self.users.find_first(eq(lower("email"), email), name="find_by_email")

    async def find_active_users(
        self, filters: Filters = None, *, order_by: OrderBy | None = None, limit: int | None = None, offset: int = 0
    ) -> list[User]:
        return await self.users.find_many(
            filters, order_by=order_by, limit=limit, offset=offset, name="find_active_users"
        )

    # -- credentials

    async def set_password_hash(
        self, user_id: Id, password_hash: str, *, now: dt.datetime | str | None = None
    ) -> UserCredentials:
        user = await self.users.of(user_id).get_or_raise(user_id)
        changes = {
            "password_hash": password_hash,
            "password_changed_at": dt.datetime.now(dt.UTC) if now is None else now,
            **_FORGOTTEN,
        }
        return await self.credentials.of(user.id).upsert(changes)

    async def get_credentials(self, user_id: Id) -> UserCredentials | None:
        return await self.credentials.of(user_id).find_first(_OF_LIVE_USER, name="get_credentials")

    async def record_failed_attempt(
        self, user_id: Id, *, allowed: int, locked_until: dt.datetime | str
    ) -> FailedAttempts:
        wanted = RECORD_FAILED_ATTEMPT.parameter(user_id=user_id, allowed=allowed, locked_until=locked_until)
        counted = await self._store.run(RECORD_FAILED_ATTEMPT, wanted)
        if counted is None:
            raise RepositoryNotFoundError("no such row in user_credentials")
        return counted

    async def clear_failed_attempts(self, user_id: Id) -> bool:
        return await self.credentials.of(user_id).update_many(None, _FORGOTTEN) > 0


_OF_LIVE_USER: Predicate = exists(USER, {"id": "user_id"})
_FORGOTTEN = {"failed_attempts": 0, "locked_until": None}

USERS: Context[AccountRepository] = Context(
    "users",
    StoredUsers,
    tables=(USER, CREDENTIALS),
    operations=(RECORD_FAILED_ATTEMPT,),
    migrations=shipped("users"),
    memory_answers="homeport.adapters.memory.users",
)
