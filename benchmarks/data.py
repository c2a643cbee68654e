"""The data: expenses of users, a hundred each, the same on every machine; and the arguments of calls upon them."""

import datetime as dt
import hashlib
import random
import uuid
from decimal import Decimal

import asyncpg
import attrs

from benchmarks.rows import Given

ROWS_OF_A_USER = 100
CATEGORIES = ("fuel", "food", "camping", "repairs", "insurance", "tolls", "health", "other")
WRITER = uuid.UUID(hashlib.md5(b"writer").hexdigest())
"""Whose rows are written by the benchmarks, and removed again."""

_USERS = """
INSERT INTO public.users (id, email)
SELECT md5('user ' || n)::uuid, 'user' || n || '@example.test' FROM generate_series(0, $1::int - 1) AS n
UNION ALL SELECT md5('writer')::uuid, 'writer@example.test'
"""
_EXPENSES = """
INSERT INTO public.expenses (id, user_id, amount, category, description, date, location, vendor, payment_method, tags,
    created_at, updated_at)
SELECT md5('expense ' || n)::uuid, md5('user ' || n % $1::int)::uuid, (n::bigint * 7919 % 100000)::numeric / 100,
    ($2::text[])[n % 8 + 1], 'expense number ' || n, date '2025-01-01' + (n::bigint * 31 % 730)::int,
    CASE WHEN n % 4 = 0 THEN 'site ' || n % 90 END, 'vendor ' || n % 50, (ARRAY['card', 'cash'])[n % 2 + 1],
    CASE WHEN n % 3 = 0 THEN ARRAY['trip', 'tag ' || n % 7] END,
    timestamptz '2025-01-01 00:00:00+00' + n % 100000 * interval '1 minute',
    timestamptz '2025-06-01 00:00:00+00' + n % 100000 * interval '1 minute'
FROM generate_series(0, $1::int * 100 - 1) AS n
"""
_TIDY = "ALTER TABLE public.expenses SET (autovacuum_enabled = off); VACUUM ANALYZE public.expenses, public.users"
CLEAN = "DELETE FROM public.expenses WHERE user_id = md5('writer')::uuid"


def expense_id(number: int) -> uuid.UUID:
    return uuid.UUID(hashlib.md5(f"expense {number}".encode()).hexdigest())


def user_id(number: int) -> uuid.UUID:
    return uuid.UUID(hashlib.md5(f"user {number}".encode()).hexdigest())


async def load(connection: "asyncpg.Connection[asyncpg.Record]", rows: int) -> None:
    """Fills the empty tables. Nothing but the benchmarks cleans up after them: autovacuum would work in between."""
    users = rows // ROWS_OF_A_USER
    await connection.execute(_USERS, users)
    await connection.execute(_EXPENSES, users, list(CATEGORIES))
    for statement in _TIDY.split(";"):
        await connection.execute(statement)


@attrs.define
class Sampler:
    """Draws the arguments of calls; the same seed draws the same."""

    rows: int
    dice: random.Random

    @property
    def users(self) -> int:
        return self.rows // ROWS_OF_A_USER

    def expense(self) -> uuid.UUID:
        return expense_id(self.dice.randrange(self.rows))

    def user(self) -> uuid.UUID:
        return user_id(self.dice.randrange(self.users))

    def of_user(self) -> tuple[uuid.UUID, uuid.UUID]:
        """A user and one of the user's expenses."""
        number = self.dice.randrange(self.rows)
        return user_id(number % self.users), expense_id(number)

    def early(self) -> uuid.UUID:
        """An id after which come at least 1000 others, in the first half of all."""
        return uuid.UUID(int=self.dice.getrandbits(127))

    def new(self) -> Given:
        return {
            "id": self._new_id(),
            "user_id": WRITER,
            "amount": self.amount(),
            "category": self.dice.choice(CATEGORIES),
            "description": "written by a benchmark",
            "date": dt.date(2026, 1, 1) + dt.timedelta(days=self.dice.randrange(300)),
            "vendor": f"vendor {self.dice.randrange(50)}",
            "payment_method": "card",
        }

    def news(self, count: int) -> list[Given]:
        return [self.new() for _ in range(count)]

    def amount(self) -> Decimal:
        return Decimal(self.dice.randrange(1, 100_000)).scaleb(-2)

    def _new_id(self) -> uuid.UUID:
        return uuid.UUID(int=self.dice.getrandbits(128), version=4)
