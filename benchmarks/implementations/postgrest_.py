"""The official PostgREST client, bare: the dicts of its JSON, with numbers as floats and times as text."""

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import httpx
from postgrest import AsyncPostgrestClient
from postgrest.types import CountMethod, ReturnMethod

from benchmarks.implementations.base import Absent, Implementation, KeysetPage, Position
from benchmarks.place import Place
from benchmarks.rows import Given
from homeport.testing.servers import token


class Postgrest(Implementation):
    title = "PostgREST client"
    http: httpx.AsyncClient
    client: AsyncPostgrestClient
    users: dict[uuid.UUID, str]

    async def open(self, place: Place) -> None:
        if place.rest is None:
            raise Absent("there is no PostgREST server")
        self.url, self.secret = place.rest, place.secret
        self.http = httpx.AsyncClient(base_url=place.rest, http2=True, timeout=30)
        self.client = self._as(token(place.secret, "service_role"))
        self.users = {}

    async def close(self) -> None:
        await self.http.aclose()

    async def get(self, id: uuid.UUID) -> Any:
        return (await self._expenses.select("*").eq("id", id).execute()).data[0]

    async def list_of_user(self, user: uuid.UUID, limit: int) -> Sequence[Any]:
        return (await _ordered(self._expenses.select("*").eq("user_id", user)).limit(limit).execute()).data

    async def list_from(self, after: uuid.UUID, limit: int) -> Sequence[Any]:
        return (await self._expenses.select("*").gt("id", after).order("id").limit(limit).execute()).data

    async def insert(self, row: Given) -> Any:
        return (await self._expenses.insert(_json(row)).execute()).data[0]

    async def update(self, id: uuid.UUID, amount: Decimal, description: str) -> Any:
        changes: Any = {"amount": str(amount), "description": description}
        return (await self._expenses.update(changes).eq("id", id).execute()).data[0]

    async def insert_many(self, rows: Sequence[Given]) -> int:
        given = [_json(row) for row in rows]
        await self._expenses.insert(given, returning=ReturnMethod.minimal).execute()
        return len(rows)

    async def insert_many_returning(self, rows: Sequence[Given]) -> Sequence[Any]:
        return (await self._expenses.insert([_json(row) for row in rows]).execute()).data

    async def upsert_many(self, rows: Sequence[Given]) -> Sequence[Any]:
        return (await self._expenses.upsert([_json(row) for row in rows], on_conflict="id").execute()).data

    async def page(self, user: uuid.UUID, size: int, offset: int) -> tuple[Sequence[Any], Any]:
        mine = _ordered(self._expenses.select("*", count=CountMethod.exact).eq("user_id", user))
        found = await mine.range(offset, offset + size - 1).execute()
        return found.data, found.count

    async def position(self, user: uuid.UUID, size: int) -> Position:
        last = (await self.list_of_user(user, size))[-1]
        return last["date"], last["id"]

    async def after(self, user: uuid.UUID, position: Position, size: int) -> KeysetPage:
        date, id = position
        beyond = self._expenses.select("*").eq("user_id", user).or_(f"date.lt.{date},and(date.eq.{date},id.gt.{id})")
        rows = (await _ordered(beyond).limit(size + 1).execute()).data
        shown = rows[:size]
        return shown, (shown[-1]["date"], shown[-1]["id"]) if len(rows) > size else None

    async def sum_by_category(self, user: uuid.UUID) -> dict[str, Any]:
        rows = (await self._expenses.select("category,total:amount.sum()").eq("user_id", user).execute()).data
        return {row["category"]: row["total"] for row in rows}

    async def get_as_user(self, user: uuid.UUID, id: uuid.UUID) -> Any:
        return (await self._mine(user).select("*").eq("id", id).execute()).data[0]

    async def insert_as_user(self, user: uuid.UUID, row: Given) -> Any:
        return (await self._mine(user).insert(_json(row)).execute()).data[0]

    @property
    def _expenses(self) -> Any:
        return self.client.from_("expenses")

    def _mine(self, user: uuid.UUID) -> Any:
        """With the user's own token, which an application has with the request."""
        if user not in self.users:
            self.users[user] = token(self.secret, "authenticated", str(user))
        return self._as(self.users[user]).from_("expenses")

    def _as(self, bearer: str) -> AsyncPostgrestClient:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Authorization": f"Bearer {bearer}",
        }
        return AsyncPostgrestClient(self.url, headers=headers, http_client=self.http)


def _ordered(query: Any) -> Any:
    return query.order("date", desc=True).order("id")


def _json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if value is None else str(value) for name, value in row.items()}
