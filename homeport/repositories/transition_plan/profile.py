"""The profile's table, and what the tables under it share. Knows none of them."""

import uuid
from collections.abc import Mapping
from typing import Generic

from homeport.domain.ids import Id
from homeport.domain.transition_plan import TransitionProfile, percentage
from homeport.kernel.entity import E
from homeport.kernel.errors import RepositoryNotFoundError
from homeport.kernel.policies import owned, owned_under
from homeport.kernel.predicates import Predicate, all_of, eq, exists, is_null
from homeport.kernel.query import OrderBy
from homeport.kernel.table import (
    CREATED,
    DELETED,
    ID,
    OWNER,
    UPDATED,
    ColumnSpec,
    Counter,
    OnDelete,
    Row,
    Rule,
    Table,
    at_least,
    column,
    index,
    table,
    unique,
)
from homeport.ports.store import Store
from homeport.repositories.collection import Collection


def percentage_of(part: str, whole: str) -> ColumnSpec:
    """A column that the database computes from two counts, as `percentage` does."""

    def of(row: Row) -> int | None:
        some, every = row[part], row[whole]
        if isinstance(every, int) and every <= 0:
            return 0
        if isinstance(some, int) and isinstance(every, int):
            return percentage(some, every)
        return 0 if isinstance(some, int) and some <= 0 else None

    sql = (
        f"CASE WHEN {{{whole}}} <= 0 THEN 0 WHEN {{{part}}} >= {{{whole}}} THEN 100 WHEN {{{part}}} <= 0 THEN 0"
        f" ELSE ({{{part}}}::bigint * 100 / {{{whole}}})::integer END"
    )
    return column(generated=Rule(sql, of))


TRANSITION_PROFILE = table(
    TransitionProfile,
    "transition_profiles",
    owner="user_id",
    soft_delete="archived_at",
    columns={
        "id": ID,
        "user_id": OWNER,
        "completion_percentage": percentage_of("completed_tasks_count", "tasks_count"),
        "archived_at": DELETED,
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    # not over archived plans as well, which would keep a user from ever starting anew
    uniques=[unique("user_id", where=is_null("archived_at"))],
    checks=[
        at_least("hide_days_after_departure", 0),
        at_least("tasks_count", 0),
        at_least("completed_tasks_count", 0),
    ],
    # the percentage is right after whatever happens to a task, a cascade too: nothing but the database counts
    counters=[
        Counter("tasks_count", "public.transition_tasks", "profile_id"),
        Counter("completed_tasks_count", "public.transition_tasks", "profile_id", eq("is_completed", True)),
    ],
    indexes=[index("departure_date", where=eq("is_enabled", True))],
    policies=owned(),
    order=["-created_at"],
)

OF_PLAN: Mapping[str, ColumnSpec] = {
    "id": ID,
    "user_id": OWNER,
    "profile_id": column(references="transition_profiles", on_delete=OnDelete.CASCADE),
    "created_at": CREATED,
    "updated_at": UPDATED,
}
"""The columns that every table under a plan has."""

UNDER_PLAN = owned_under(TRANSITION_PROFILE, "profile_id")
"""Their policies."""


class PlanRows(Generic[E]):
    """One table's rows of the users' live plans; what stands under an archived plan is as absent.

    A write asks for the plan first, since a filter across tables is not for every adapter's writes; a list does not.

    Raises everywhere:
        InvalidField, InvalidValue: as a collection does.
    """

    def __init__(self, store: Store, table: Table[E]) -> None:
        self._rows: Collection[E, uuid.UUID] = Collection(store, table)
        self._profiles: Collection[TransitionProfile, uuid.UUID] = Collection(store, TRANSITION_PROFILE)

    async def of(self, user_id: Id) -> Collection[E, uuid.UUID]:
        """The rows of the user's live plan: others are as absent, new ones stand under it.

        Raises:
            RepositoryNotFoundError: the user has no live plan.
        """
        plan = await self._profiles.of(user_id).find_first(name="live_plan")
        if plan is None:
            raise RepositoryNotFoundError("no such row in transition_profiles")
        return self._rows.of(plan.user_id).within("profile_id", plan.id)

    async def create(self, user_id: Id, data: Row) -> E:
        """Raises RepositoryNotFoundError, RepositoryConstraintError."""
        return await (await self.of(user_id)).create(data)

    async def update(self, id: Id, user_id: Id, data: Row) -> E:
        """Raises RepositoryNotFoundError, RepositoryConstraintError."""
        return await (await self.of(user_id)).update(id, data)

    async def delete(self, id: Id, user_id: Id) -> bool:
        """Removes the row for good; False if it, or the plan, is absent."""
        try:
            rows = await self.of(user_id)
        except RepositoryNotFoundError:
            return False
        return await rows.delete(id)

    async def find(
        self,
        user_id: Id,
        *wanted: Predicate,
        name: str,
        order_by: OrderBy | None = None,
        limit: int | None = None,
        **equal: object,
    ) -> list[E]:
        """The rows for which all of it holds, in the table's order unless another is given.

        A value of `equal` that is None asks nothing.
        """
        plan = exists(TRANSITION_PROFILE, {"id": "profile_id"}, eq("user_id", user_id))
        said = [eq(column, value) for column, value in equal.items() if value is not None]
        rows = self._rows.of(user_id)
        return await rows.find_many(all_of(plan, *said, *wanted), order_by=order_by, limit=limit, name=name)
