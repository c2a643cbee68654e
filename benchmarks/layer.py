"""What Homeport's own layer costs: calls on a connection that answers at once, beside hand-written ones on its pool.

No server and no socket, so the figures are the layer's CPU alone.
"""

import datetime as dt
import gc
import logging
import random
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from time import perf_counter
from typing import Any

from benchmarks.data import WRITER, Sampler
from benchmarks.harness import lower_quartile
from benchmarks.implementations.homeport_ import Tally
from benchmarks.implementations.lean import Lean
from homeport.adapters.postgres.compiler import Compiler
from homeport.adapters.postgres.lean_pool import LeanPool
from homeport.adapters.postgres.store import PostgresStore, Shared
from homeport.kernel.catalog import Catalog
from homeport.kernel.pages import CursorSigner
from homeport.middleware.observe import ObservedStore, log_calls
from homeport.middleware.retry import RetriedStore, Retries
from homeport.ports.store import Session
from homeport.repositories.collection import Collection
from homeport.repositories.expenses import EXPENSE
from homeport.rollout.flags import Flag
from homeport.rollout.router import RoutedStore

CALLS = 2000
_NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Answering:
    """A connection that has the answer already."""

    def __init__(self) -> None:
        nothing = (None,) * 3
        known = (uuid.uuid4(), WRITER, Decimal("1.00"), "USD", "fuel", "a text", dt.date(2026, 1, 1), None, "vendor")
        self._rows = [(*known, None, "card", *nothing[:2], _NOW, _NOW)]

    async def fetch(self, _: str, *__: Any) -> list[tuple[Any, ...]]:
        return self._rows

    async def fetchrow(self, _: str, *__: Any) -> tuple[Any, ...]:
        return self._rows[0]

    async def execute(self, _: str, *__: Any) -> str:
        return "SELECT 1"

    def is_closed(self) -> bool:
        return False

    def is_in_transaction(self) -> bool:
        return False


class Source:
    """Where a lean pool finds it."""

    async def open(self) -> Any:
        return Answering()

    def cleaning(self, *, failed: bool, raw: bool) -> None:
        return None


async def measured(blocks: int) -> dict[str, float]:
    """Microseconds of each call: `get` by hand is `get, pool`; the layer is what lies between the two."""
    logging.getLogger("homeport").setLevel(logging.INFO)
    by_hand, ours, routed = Lean(), _collection(), _collection(_routed)
    by_hand.pool = LeanPool(Source())
    sampler = Sampler(100_000, random.Random(1))
    new = [sampler.new() for _ in range(CALLS)]
    ids = [sampler.expense() for _ in range(CALLS)]
    changes = {"amount": Decimal("2.50"), "description": "changed"}
    calls: Mapping[str, tuple[Callable[..., Awaitable[object]], Sequence[tuple[Any, ...]]]] = {
        "get, pool": (by_hand.get, [(each,) for each in ids]),
        "get": (ours.find_by_id, [(each,) for each in ids]),
        "get, routed": (routed.find_by_id, [(each,) for each in ids]),
        "insert, pool": (by_hand.insert, [(each,) for each in new]),
        "insert": (ours.create, [(each,) for each in new]),
        "update, pool": (by_hand.update, [(each, Decimal("2.50"), "changed") for each in ids]),
        "update": (ours.update, [(each, changes) for each in ids]),
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(blocks):
        for name, (call, arguments) in calls.items():
            times[name].append(await _each(call, arguments))
    return {name: float(f"{lower_quartile(each) * 1e6:.4g}") for name, each in times.items()}


def _collection(way: Callable[[Session], Session] = lambda session: session) -> Collection[Any, uuid.UUID]:
    """As the composition wires it: observed, then tried again; `way` is what comes before that."""
    catalog, pool = Catalog.of([EXPENSE]), LeanPool(Source())
    shared = Shared(pool, pool, catalog=catalog, cursors=CursorSigner(), compiler=Compiler())
    observed = ObservedStore(PostgresStore(shared), (log_calls, Tally()))
    tried = RetriedStore(observed, Retries(attempts=3, delay=0.1, deadline=10, budget=0.1))
    return Collection(way(tried), EXPENSE)


class Everywhere:
    """The flag of a domain that is on postgres for all."""

    def __init__(self) -> None:
        self._flag = Flag.parse("postgres")

    def of(self, _: str, /) -> Flag:
        return self._flag


def _routed(session: Session) -> Session:
    return RoutedStore("expenses", Everywhere(), {"postgres": session})


async def _each(call: Callable[..., Awaitable[object]], arguments: Sequence[tuple[Any, ...]]) -> float:
    await call(*arguments[0])
    gc.collect()
    gc.disable()
    started = perf_counter()
    for each in arguments:
        await call(*each)
    seconds = perf_counter() - started
    gc.enable()
    return seconds / len(arguments)
