"""Homeport itself, through the base repository of `expenses`: retries, an observer that counts and INFO logging on."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import attrs

import homeport
from benchmarks.implementations.base import Absent, Implementation, KeysetPage, Position
from benchmarks.place import Place
from benchmarks.rows import Given
from homeport.composition import Homeport
from homeport.domain.expenses import Expense
from homeport.kernel.observe import Observation
from homeport.kernel.predicates import gt
from homeport.middleware.observe import log_calls
from homeport.repositories.collection import Collection
from homeport.repositories.expenses import EXPENSE
from homeport.settings import Pool, Settings
from homeport.testing.servers import token

_SUMS = "SELECT category, sum(amount) AS total FROM public.expenses WHERE user_id = $1 GROUP BY category"


class Tally:
    """An observer as one for metrics is: calls, errors and milliseconds by statement."""

    def __init__(self) -> None:
        self.calls: dict[str, list[float]] = {}

    def __call__(self, observation: Observation) -> None:
        found = self.calls.get(observation.name)
        if found is None:
            found = self.calls[observation.name] = [0, 0, 0.0]
        found[0] += 1
        found[1] += observation.error is not None
        found[2] += observation.milliseconds


class Opened(Implementation):
    """A Homeport. Who inherits says with which settings, and what else `homeport.open` is told."""

    more: ClassVar[dict[str, Any]] = {}
    db: Homeport
    expenses: Collection[Expense, uuid.UUID]

    def settings(self, place: Place) -> Settings:
        raise NotImplementedError

    async def open(self, place: Place) -> None:
        logging.getLogger("homeport").setLevel(logging.INFO)
        observers = (log_calls, Tally())
        self.db = await homeport.open(self.settings(place), contexts=("expenses",), observers=observers, **self.more)
        self.expenses = self.db.collection(EXPENSE)

    async def close(self) -> None:
        await self.db.close()

    async def get(self, id: uuid.UUID) -> Expense | None:
        return await self.expenses.find_by_id(id)

    async def list_of_user(self, user: uuid.UUID, limit: int) -> list[Expense]:
        return await self.expenses.find_many({"user_id": user}, limit=limit)

    async def list_from(self, after: uuid.UUID, limit: int) -> list[Expense]:
        return await self.expenses.find_many(gt("id", after), order_by="id", limit=limit)

    async def insert(self, row: Given) -> Expense:
        return await self.expenses.create(row)

    async def update(self, id: uuid.UUID, amount: Decimal, description: str) -> Expense:
        return await self.expenses.update(id, {"amount": amount, "description": description})

    async def insert_many(self, rows: Sequence[Given]) -> int:
        return await self.expenses.bulk_create(rows)

    async def insert_many_returning(self, rows: Sequence[Given]) -> list[Expense]:
        return await self.expenses.create_many(rows)

    async def upsert_many(self, rows: Sequence[Given]) -> list[Expense]:
        return await self.expenses.upsert_many(rows)

    async def page(self, user: uuid.UUID, size: int, offset: int) -> tuple[Sequence[Expense], int]:
        found = await self.expenses.paginate({"user_id": user}, page=offset // size + 1, page_size=size)
        assert found.total is not None
        return found.items, found.total

    async def position(self, user: uuid.UUID, size: int) -> Position:
        return (await self.expenses.paginate_cursor({"user_id": user}, limit=size)).next_cursor

    async def after(self, user: uuid.UUID, position: Position, size: int) -> KeysetPage:
        found = await self.expenses.paginate_cursor({"user_id": user}, cursor=position, limit=size)
        return found.items, found.next_cursor

    async def get_as_user(self, user: uuid.UUID, id: uuid.UUID) -> Expense | None:
        return await self._mine(user).find_by_id(id)

    async def insert_as_user(self, user: uuid.UUID, row: Given) -> Expense:
        return await self._mine(user).create(row)

    def _mine(self, user: uuid.UUID) -> Collection[Expense, uuid.UUID]:
        """Made anew by each call, as each request of a web application does."""
        return self.db.as_user({"sub": str(user), "role": "authenticated"}).collection(EXPENSE)


class OnPostgres(Opened):
    """Other ways through the same adapter inherit this and say `settings` or `more`."""

    title = "Homeport"

    def settings(self, place: Place) -> Settings:
        return Settings(
            adapter="postgres",
            database_url=place.service.url,
            scoped_database_url=place.scoped.url,
            pool=Pool(size=place.connections, overflow=0),
        )

    async def sum_by_category(self, user: uuid.UUID) -> dict[str, Decimal]:
        """The base repository has no grouping, so it is SQL of the caller's own: the connection is reset afterwards."""
        rows: list[dict[str, Any]] = await self.db.base.execute_query(_SUMS, [user])
        return {row["category"]: row["total"] for row in rows}


class Coalesced(OnPostgres):
    """Concurrent gets become one statement."""

    title = "Homeport, coalescing"
    only = frozenset({"get", "gather", "tasks"})
    more: ClassVar[dict[str, Any]] = {"coalesce": True}


class OnLegacy(Opened):
    title = "Homeport, legacy adapter"
    lacks: ClassVar[Mapping[str, str]] = {"upsert 1k": "it lacks UPSERT_KEEPS_OWNER"}

    def settings(self, place: Place) -> Settings:
        return _over_the_api(Settings(adapter="supabase_legacy", pool=Pool(size=place.connections, overflow=0)), place)


class Routed(OnPostgres):
    """The same calls where flags choose the adapter by each call, and have chosen postgres for all."""

    title = "Homeport, routed"
    only = frozenset({"get", "list 100", "insert", "update"})

    def settings(self, place: Place) -> Settings:
        return attrs.evolve(_over_the_api(super().settings(place), place), flags=True)


def _over_the_api(settings: Settings, place: Place) -> Settings:
    if place.rest is None:
        raise Absent("there is no PostgREST server")
    return attrs.evolve(
        settings,
        rest_url=place.rest,
        supabase_service_role_key=token(place.secret, "service_role"),
        supabase_anon_key=token(place.secret, "anon"),
        supabase_jwt_secret=place.secret,
    )
