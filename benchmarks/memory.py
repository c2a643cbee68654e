"""The memory adapter alone, without a server: its engine's look-ups, scans and snapshots, and a call through it all.

Nothing waits for anything here, so the figures are the CPU time of this thread: what else runs on the machine is not in
them.
"""

import datetime as dt
import gc
import random
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from time import thread_time
from typing import Any

from benchmarks.data import CATEGORIES, ROWS_OF_A_USER, expense_id, user_id
from benchmarks.harness import lower_quartile
from homeport.adapters.memory import MemoryStore, statements
from homeport.composition import Homeport, in_memory
from homeport.domain.expenses import Expense
from homeport.domain.users import User
from homeport.kernel.catalog import Catalog
from homeport.kernel.predicates import AllOf, eq, ge
from homeport.kernel.query import Select, Update
from homeport.repositories.collection import Collection
from homeport.repositories.expenses import EXPENSE, EXPENSES
from homeport.repositories.users import USER

_MOMENT = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


async def measured(rows: int, blocks: int) -> dict[str, float]:
    """Microseconds of each, the lower quartile of the blocks; `_each` says what a block is."""
    db = await _filled(rows)
    session = db.store(EXPENSES)
    store: Any = getattr(session, "_session", session)  # past what tries calls again or observes them
    assert isinstance(store, MemoryStore)
    found = {**await _of_engine(db, store, rows, blocks), **await _of_repository(db, rows, blocks)}
    return {name: float(f"{seconds * 1e6:.4g}") for name, seconds in found.items()}


async def _filled(rows: int) -> Homeport:
    db = in_memory(("expenses",))
    users = rows // ROWS_OF_A_USER
    people = [
        User(id=user_id(n), email=f"user{n}@example.test", created_at=_MOMENT, updated_at=_MOMENT) for n in range(users)
    ]
    await db.collection(USER).add_many(people)
    await db.collection(EXPENSE).add_many(_expense(n, users) for n in range(rows))
    return db


def _expense(number: int, users: int) -> Expense:
    return Expense(
        id=expense_id(number),
        user_id=user_id(number % users),
        amount=Decimal(number * 7919 % 100_000).scaleb(-2),
        category=CATEGORIES[number % len(CATEGORIES)],
        description=f"expense number {number}",
        date=dt.date(2025, 1, 1) + dt.timedelta(days=number * 31 % 730),
        vendor=f"vendor {number % 50}",
        created_at=_MOMENT,
        updated_at=_MOMENT,
    )


async def _of_engine(db: Homeport, store: MemoryStore, rows: int, blocks: int) -> dict[str, float]:
    """Bound queries, as a repository hands them on: the engine alone, without the port and what is laid over it."""
    expenses, engine = db.collection(EXPENSE), store.engine
    dice = random.Random(1)
    by_key = await _gets(store.catalog, [expense_id(dice.randrange(rows)) for _ in range(500)])
    of_user = [expenses.select({"user_id": user_id(dice.randrange(rows // ROWS_OF_A_USER))}) for _ in range(50)]
    scan = expenses.select(AllOf((eq("category", "fuel"), ge("amount", "990.00"))), order_by=())
    changes = [
        Update("expenses.update", expenses.table, query.where, {"amount": Decimal("1.00")}, True, None)
        for query in by_key
    ]

    def there_and_back(command: Update[Expense]) -> None:
        mark = store.mark()
        statements.update(engine, command)
        store.restore(mark)

    return {
        "look-up": _each(engine.select, by_key, blocks),
        "indexed": _each(engine.select, of_user, blocks),
        "scan": _each(engine.select, [scan], blocks),
        "snapshot": _each(there_and_back, changes, blocks),
    }


class Asked:
    """A store that keeps the queries and finds nothing."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.queries: list[Select[Any]] = []

    async def fetch(self, query: Select[Any], /) -> list[Any]:
        self.queries.append(query)
        return []


async def _gets(catalog: Catalog, ids: list[uuid.UUID]) -> list[Select[Expense]]:
    """The queries of gets by key."""
    asked = Asked(catalog)
    store: Any = asked
    expenses = Collection[Expense, uuid.UUID](store, EXPENSE)
    for each in ids:
        await expenses.find_by_id(each)
    return asked.queries


async def _of_repository(db: Homeport, rows: int, blocks: int) -> dict[str, float]:
    expenses, dice = db.collection(EXPENSE), random.Random(2)
    ids = [expense_id(dice.randrange(rows)) for _ in range(500)]
    return {"find_by_id": await _each_awaited(expenses.find_by_id, ids, blocks)}


def _each(call: Callable[[Any], object], given: list[Any], blocks: int) -> float:
    """Seconds of a call. A block makes all calls twice and times the second round: the first finds the rows where the
    garbage collector has left them, out of the processor's caches.
    """
    times = []
    for _ in range(blocks):
        with _no_garbage():
            for each in given:
                call(each)
            started = thread_time()
            for each in given:
                call(each)
            times.append((thread_time() - started) / len(given))
    return lower_quartile(times)


async def _each_awaited(call: Callable[[Any], Awaitable[object]], given: list[Any], blocks: int) -> float:
    """As `_each`."""
    times = []
    for _ in range(blocks):
        with _no_garbage():
            for each in given:
                await call(each)
            started = thread_time()
            for each in given:
                await call(each)
            times.append((thread_time() - started) / len(given))
    return lower_quartile(times)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """It is collected before, and not in between."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
