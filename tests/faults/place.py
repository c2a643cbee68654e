"""One database to break things on, and what a fault test asks of it."""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Iterable
from typing import Any, Self, TypeAlias, TypeVar

import asyncpg
import attrs

from homeport.composition import Homeport, Opening, Unit
from homeport.composition import open as open_homeport
from homeport.contexts import SHIPPED
from homeport.kernel.observe import Observer
from homeport.ports.context import Context
from homeport.settings import Pool, Retry, Settings
from homeport.testing.rig import _SECRET
from homeport.testing.servers import PostgresServer, leaks
from tests.support.specimens import SPECIMENS, Specimen, StoredSpecimens

Admin: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
T = TypeVar("T")

CONTEXTS: tuple[str | Context[Any], ...] = (*SHIPPED, SPECIMENS)
SECRET = _SECRET
SIZE = 3
WHO, AUTHENTICATOR = "homeport_service", "authenticator"
OURS = "datname = current_database() and application_name = 'homeport'"
PIDS = "select pg_backend_pid() as pid, pg_sleep(0.05)::text as slept"


@attrs.frozen(eq=False)
class Place:
    """A migrated database, its superuser's connection, and the way in that Homeport takes."""

    server: PostgresServer
    name: str
    admin: Admin

    def url(self, at: tuple[str, int] | None = None, user: str = WHO) -> str:
        return self.server.url(self.name, user=user, password=SECRET, at=at)

    def open(
        self,
        *,
        at: tuple[str, int] | None = None,
        timeout: float = 10.0,
        statement_timeout: float | None = None,
        lock_timeout: float = 30.0,
        observers: Iterable[Observer] = (),
        size: int = SIZE,
        attempts: int = 1,
    ) -> Opening:
        """Nothing is tried again unless `attempts` says so: what happened is to be seen."""
        settings = Settings(
            adapter="postgres",
            database_url=self.url(at),
            scoped_database_url=self.url(at, AUTHENTICATOR),
            pool=Pool(
                size=size,
                overflow=0,
                timeout=timeout,
                statement_timeout=statement_timeout,
                lock_timeout=lock_timeout,
            ),
            retry=Retry(attempts=attempts),
        )
        return open_homeport(settings, contexts=CONTEXTS, observers=observers)

    async def sessions(self) -> int:
        return int(await self.admin.fetchval(f"select count(*) from pg_stat_activity where {OURS}"))

    async def no_session_left(self) -> bool:
        """Whether all have ended; the server takes a moment to notice."""
        return await within(2, self._until_none())

    async def _until_none(self) -> bool:
        while await self.sessions():
            await asyncio.sleep(0.02)
        return True

    async def kill(self, how: str) -> int:
        """Ends the sessions of ours for which the condition holds; how many."""
        sql = f"select count(pg_terminate_backend(pid)) from pg_stat_activity where {OURS} and {how}"
        return int(await self.admin.fetchval(sql))

    async def kill_one(self, rng: random.Random) -> int:
        pids = [row["pid"] for row in await self.admin.fetch(f"select pid from pg_stat_activity where {OURS}")]
        if not pids:
            return 0
        return int(await self.admin.fetchval("select pg_terminate_backend($1)::int", rng.choice(pids)))

    async def until_waiting(self, number: int = 1) -> None:
        """Until so many sessions of ours wait for a lock."""
        sql = f"select count(*) from pg_stat_activity where {OURS} and wait_event_type = 'Lock'"
        async with asyncio.timeout(5):
            while await self.admin.fetchval(sql) < number:
                await asyncio.sleep(0.01)
                await self.admin.execute("select pg_stat_clear_snapshot()")  # a transaction would go on seeing the same

    async def left(self) -> list[str]:
        """Transactions, statements, advisory locks and row or table locks of ours that nobody ended."""
        held = f"""select count(*) from pg_locks join pg_stat_activity using (pid)
                   where {OURS} and locktype <> 'virtualxid' and state is distinct from 'active'"""
        locks = int(await self.admin.fetchval(held))
        return [*await leaks(self.admin, database=self.name), *([f"{locks} locks"] if locks else [])]


def specimens(db: Homeport | Unit) -> StoredSpecimens:
    return db.repository(SPECIMENS)


def specimen(words: str) -> Specimen:
    """One whose key the client has made."""
    return Specimen(id=uuid.uuid4(), words=words)


async def within(seconds: float, call: Awaitable[T]) -> T:
    async with asyncio.timeout(seconds):
        return await call


def connections(db: Homeport) -> Any:
    store: Any = db.store(SPECIMENS)
    return getattr(store, "_session", store)._connections


async def all_closed(db: Homeport, *, but: int = 0) -> bool:
    """Whether the driver soon sees the end of all connections but so many; the server's farewell comes before it."""
    async with asyncio.timeout(2):
        while connections(db).figures().size > but:
            await asyncio.sleep(0.01)
    return True


async def is_full(db: Homeport) -> bool:
    """Whether all connections of the pool can be had at once, within a second, and none is counted as lent."""
    rows = await within(1, asyncio.gather(*(db.base.execute_query(PIDS) for _ in range(SIZE))))
    return len({each[0]["pid"] for each in rows}) == SIZE and connections(db).figures().lent == 0


async def outcome(call: Awaitable[object]) -> BaseException | None:
    """What it raised, cancellation too; None if it went well."""
    try:
        await call
    except BaseException as error:
        return error
    return None


class Clock:
    """How long the body took."""

    seconds = 0.0

    def __enter__(self) -> Self:
        self._from = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._from
