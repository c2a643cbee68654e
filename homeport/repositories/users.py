"""Users over any store."""

import uuid

from homeport.domain.users import User
from homeport.kernel.binding import Filters
from homeport.kernel.policies import own_read_and_update
from homeport.kernel.predicates import eq, is_null, lower
from homeport.kernel.query import OrderBy
from homeport.kernel.table import CREATED, DELETED, ID, UPDATED, OnDelete, column, index, table, unique
from homeport.kernel.types import IntegerType, TextType
from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.ports.users import UserRepository
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


class StoredUsers:
    """Document 001's UserRepository; `users` is its base repository."""

    def __init__(self, store: Store) -> None:
        self.users: Collection[User, uuid.UUID] = Collection(store, USER)

    async def find_by_email(self, email: str) -> User | None:
        return await self.users.find_first(eq(lower("email"), email), name="find_by_email")

    async def find_active_users(
        self, filters: Filters = None, *, order_by: OrderBy | None = None, limit: int | None = None, offset: int = 0
    ) -> list[User]:
        return await self.users.find_many(
            filters, order_by=order_by, limit=limit, offset=offset, name="find_active_users"
        )


USERS: Context[UserRepository] = Context("users", StoredUsers, tables=(USER,), migrations=shipped("users"))
