"""The tables of a rollout over one connection of their own, which also listens for changed flags.

After any failure the connection is dropped, and the next call opens another: whoever asks every second finds the way
back by asking.
"""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

from homeport.adapters.postgres import rollout_sql as sql
from homeport.adapters.postgres.connections import DRIVER, Bare, cut, is_alive
from homeport.adapters.postgres.errors import not_reached
from homeport.adapters.postgres.migrate_ledger import meant
from homeport.adapters.postgres.startup import Server
from homeport.kernel.errors import PoolClosed, RepositoryError, RepositoryTimeoutError, SchemaMismatch
from homeport.ports.rollout import CountRow, EventRow, FlagRow, StageRow

SECONDS = 5.0
"""How long a call may take, the making of a connection included."""

Connect: TypeAlias = Callable[[], Awaitable[Bare]]
_CHANNEL = "homeport_flags"
_KEY = 0x484F4D45464C4147
_WHAT = "the rollout tables"
_EVENTS = 1000


def open_rollout(url: str, *, pooler: str = "none") -> "RolloutStore":
    """The tables at this URL; nothing is asked of the server before the first call.

    Behind a transaction pooler nothing is listened for: changes are found by asking alone.
    """
    server = Server(url, timeout=SECONDS, expects="owner", pooler=pooler)  # what the login may do, the pool warns of
    return RolloutStore(server.open, listens=pooler == "none")


class RolloutStore:
    """Specified by `homeport.ports.rollout.RolloutTables`. Calls take turns on the one connection."""

    def __init__(self, connect: Connect, *, listens: bool = True) -> None:
        self._connect = connect
        self._listens = listens
        self._connection: Bare | None = None
        self._turn = asyncio.Lock()
        self._heard = asyncio.Event()
        self._closed = False

    async def flags(self) -> list[FlagRow]:
        async with self._lent() as connection:
            return sql.flags(await connection.fetch(sql.FLAGS))

    async def stages(self) -> list[StageRow]:
        async with self._lent() as connection:
            return sql.stages(await connection.fetch(sql.STAGES))

    async def changed(self) -> None:
        await self._heard.wait()
        self._heard.clear()

    @asynccontextmanager
    async def deciding(self, *, wait: bool) -> "AsyncIterator[Decision | None]":
        async with self._lent() as connection, connection.transaction():
            if wait:
                await connection.execute(f"SET LOCAL lock_timeout = '{SECONDS - 1:g}s'")
                await connection.execute(sql.LOCK, _KEY)
            elif not await connection.fetchval(sql.TRY_LOCK, _KEY):
                yield None
                return
            yield Decision(connection, await connection.fetchval("SELECT now()"))

    async def write_counts(self, process: uuid.UUID, rows: Iterable[CountRow]) -> None:
        given = [sql.count_values(process, each) for each in rows]
        if given:
            async with self._lent() as connection:
                await connection.executemany(sql.WRITE_COUNTS, given)

    async def counts(self, since: dt.datetime, domain: str | None = None) -> list[CountRow]:
        async with self._lent() as connection:
            return sql.counts(await connection.fetch(sql.COUNTS, since, domain))

    async def events(self, domain: str | None = None, *, since: dt.datetime | None = None) -> list[EventRow]:
        async with self._lent() as connection:
            return sql.events(reversed(await connection.fetch(sql.EVENTS, domain, since, _EVENTS)))

    async def forget(self, before: dt.datetime) -> None:
        async with self._lent() as connection:
            await connection.execute(sql.FORGET_COUNTS, before)
            await connection.execute(sql.FORGET_MARKS)

    async def mark(self) -> uuid.UUID:
        async with self._lent() as connection:
            return uuid.UUID(str(await connection.fetchval(sql.MARK)))

    async def close(self) -> None:
        self._closed = True
        self._heard.set()
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(*DRIVER):
            await connection.close(timeout=SECONDS)
        cut(connection)

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Bare]:
        """The connection, for one who has their turn. It is kept if nothing is under way on it at the end."""
        async with self._turn:
            try:
                async with asyncio.timeout(SECONDS):
                    connection = await self._opened()
                    try:
                        yield connection
                    except (*DRIVER, asyncio.CancelledError):
                        self._drop(connection)
                        raise
                    finally:
                        if not is_alive(connection) or connection.is_in_transaction():
                            self._drop(connection)
            except TimeoutError as error:
                raise RepositoryTimeoutError(f"{_WHAT}: no answer in time") from error
            except DRIVER as error:
                raise _explained(error) from error

    async def _opened(self) -> Bare:
        if self._closed:
            raise PoolClosed(f"{_WHAT} are closed")
        if self._connection is not None and is_alive(self._connection):
            return self._connection
        try:
            connection = await self._connect()
        except DRIVER as error:
            raise (not_reached(error) or error) from error
        self._connection = connection
        if self._listens:
            connection.add_termination_listener(self._lost)
            await connection.add_listener(_CHANNEL, self._told)
        self._heard.set()  # what changed meanwhile, nobody has told
        return connection

    def _told(self, *_: object) -> None:
        self._heard.set()

    def _lost(self, connection: object) -> None:
        if connection is self._connection:
            self._heard.set()

    def _drop(self, connection: Bare) -> None:
        if self._connection is connection:
            self._connection = None
        cut(connection)


def _explained(error: BaseException) -> RepositoryError:
    found = meant(_WHAT, error)
    if isinstance(found, SchemaMismatch):
        return SchemaMismatch(f"{found}; `homeport migrate up` makes them", code=found.code)
    return found


class Decision:
    """Specified by `homeport.ports.rollout.Decision`, in a transaction that holds the lock."""

    def __init__(self, connection: Bare, now: dt.datetime) -> None:
        self._connection = connection
        self.now = now

    async def flags(self) -> list[FlagRow]:
        return sql.flags(await self._connection.fetch(sql.FLAGS))

    async def stages(self) -> list[StageRow]:
        return sql.stages(await self._connection.fetch(sql.STAGES))

    async def counts(self, since: dt.datetime, domain: str | None = None) -> list[CountRow]:
        return sql.counts(await self._connection.fetch(sql.COUNTS, since, domain))

    async def weight(self, domain: str, stage: str, since: dt.datetime, before: dt.datetime) -> int:
        return int(await self._connection.fetchval(sql.WEIGHT, domain, stage, since, before))

    async def set_flag(self, domain: str, flag: str, *, held: bool = False, by: str) -> FlagRow:
        return sql.flags(await self._connection.fetch(sql.SET_FLAG, domain, flag, held, by))[0]

    async def clear_flag(self, domain: str) -> bool:
        return await self._connection.fetchval(sql.CLEAR_FLAG, domain) is not None

    async def save_stage(self, stage: StageRow) -> None:
        await self._connection.execute(sql.SAVE_STAGE, *sql.stage_values(stage))

    async def drop_stage(self, domain: str) -> None:
        await self._connection.execute(sql.DROP_STAGE, domain)

    async def record(self, domain: str, kind: str, said: str, *, by: str, facts: Mapping[str, object]) -> None:
        await self._connection.execute(sql.RECORD, domain, kind, said, by, sql.text(facts))
