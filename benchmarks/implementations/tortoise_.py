"""Tortoise ORM over asyncpg. It sets defaults and times itself; many rows go in without an answer, so they are read."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tortoise import Tortoise, fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.expressions import Q
from tortoise.functions import Sum
from tortoise.models import Model

from benchmarks.implementations.base import Implementation, KeysetPage, Position
from benchmarks.place import Place
from benchmarks.rows import GIVEN, Given

_CHANGED = [name for name in GIVEN if name not in ("id", "user_id")]


class Expense(Model):
    id = fields.UUIDField(primary_key=True)
    user_id = fields.UUIDField()
    amount = fields.DecimalField(max_digits=12, decimal_places=2)
    currency = fields.CharField(max_length=3, default="USD")
    category = fields.TextField()
    description = fields.TextField(null=True)
    date = fields.DateField()
    location = fields.TextField(null=True)
    vendor = fields.TextField(null=True)
    receipt_url = fields.TextField(null=True)
    payment_method = fields.TextField(null=True)
    tags = ArrayField(element_type="text", null=True)
    recurring_expense_id = fields.UUIDField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "expenses"


class TortoiseOrm(Implementation):
    title = "Tortoise ORM"

    async def open(self, place: Place) -> None:
        address = place.service
        credentials = {
            "host": address.host,
            "port": address.port,
            "user": address.user,
            "password": address.password,
            "database": address.database,
            "minsize": place.connections,
            "maxsize": place.connections,
        }
        await Tortoise.init(
            config={
                "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials}},
                "apps": {"models": {"models": [__name__], "default_connection": "default"}},
                "use_tz": True,
            }
        )

    async def close(self) -> None:
        await Tortoise.close_connections()

    async def get(self, id: uuid.UUID) -> Any:
        return await Expense.get(id=id)

    async def list_of_user(self, user: uuid.UUID, limit: int) -> Sequence[Any]:
        return await Expense.filter(user_id=user).order_by("-date", "id").limit(limit)

    async def list_from(self, after: uuid.UUID, limit: int) -> Sequence[Any]:
        return await Expense.filter(id__gt=after).order_by("id").limit(limit)

    async def insert(self, row: Given) -> Any:
        return await Expense.create(**row)

    async def update(self, id: uuid.UUID, amount: Decimal, description: str) -> Any:
        found = await Expense.get(id=id)
        found.amount, found.description = amount, description
        await found.save(update_fields=["amount", "description", "updated_at"])
        return found

    async def insert_many(self, rows: Sequence[Given]) -> int:
        await Expense.bulk_create([Expense(**row) for row in rows])
        return len(rows)

    async def insert_many_returning(self, rows: Sequence[Given]) -> Sequence[Any]:
        """As many as it was given, with the defaults that it knows: all but the database's own times are right."""
        made = [Expense(**row) for row in rows]
        await Expense.bulk_create(made)
        return made

    async def upsert_many(self, rows: Sequence[Given]) -> Sequence[Any]:
        made = [Expense(**row) for row in rows]
        await Expense.bulk_create(made, on_conflict=["id"], update_fields=_CHANGED)
        return made

    async def page(self, user: uuid.UUID, size: int, offset: int) -> tuple[Sequence[Any], int]:
        mine = Expense.filter(user_id=user)
        rows = await mine.order_by("-date", "id").limit(size).offset(offset)
        return rows, await mine.count()

    async def position(self, user: uuid.UUID, size: int) -> Position:
        last = (await self.list_of_user(user, size))[-1]
        return last.date, last.id

    async def after(self, user: uuid.UUID, position: Position, size: int) -> KeysetPage:
        date, id = position
        beyond = Q(Q(date__lt=date), Q(date=date, id__gt=id), join_type="OR")
        rows = await Expense.filter(beyond, user_id=user).order_by("-date", "id").limit(size + 1)
        shown = rows[:size]
        return shown, (shown[-1].date, shown[-1].id) if len(rows) > size else None

    async def sum_by_category(self, user: uuid.UUID) -> dict[str, Decimal]:
        found = Expense.filter(user_id=user).annotate(total=Sum("amount")).group_by("category")
        return dict(await found.values_list("category", "total"))
