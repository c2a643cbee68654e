"""Connections behind five methods, whosever pool they come from, and what is done to one that comes back.

Nothing is ever set on a connection but with SET LOCAL, so a pool of our own takes connections back without a reset,
which would be a whole round trip. Only one that ran SQL of the caller's own is reset, fully, its role included.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeAlias

import asyncpg
import attrs
from asyncpg.pool import PoolConnectionProxy

Bare: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Cleaning: TypeAlias = Callable[[Connection], Awaitable[None]]

RELEASE_SECONDS = 5.0
"""How long a connection that comes back may take to be fit for the next call; then it is cut."""
CLOSE_SECONDS = 10.0
"""How long a pool that closes waits for the connections that are lent; then they are cut."""

DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What the driver raises, a timeout among them."""

# DEALLOCATE ALL would take the driver's own statements as well, which it goes on believing in.
_FULL_RESET = """RESET SESSION AUTHORIZATION; RESET ROLE; DISCARD TEMP; DISCARD SEQUENCES; DO $$
DECLARE v_name text;
BEGIN
    FOR v_name IN SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql LOOP
        EXECUTE pg_catalog.format('DEALLOCATE %I', v_name);
    END LOOP;
END $$"""
_under_way: set[asyncio.Task[None]] = set()


@attrs.frozen(kw_only=True)
class PoolFigures:
    """How busy the connections are, for a health report.

    Attributes:
        size: how many there are, those that are being opened among them.
        idle, lent: how many of them nobody uses, and how many somebody does.
        waiting: how many calls wait for one.
        max_size: how many there may be.
    """

    size: int
    idle: int
    lent: int
    waiting: int
    max_size: int


class Connections(Protocol):
    """Lends connections. What is borrowed is given back once, whatever happened."""

    apart: bool
    """Whether nobody but us has a connection while it is lent: a call may leave its last words unanswered."""

    async def acquire(self) -> Connection:
        """Raises PoolTimeout, PoolClosed, RepositoryUnavailableError; RepositoryPermissionError for a wrong login."""

    async def release(self, connection: Connection, *, failed: bool = False, raw: bool = False) -> None:
        """Never raises for the connection's sake: one in doubt is dropped.

        `failed` says that the last call did not end with the server's answer, `raw` that it was SQL of the caller's
        own.
        """

    def expire(self) -> None:
        """Connections made before now are not lent again, and are closed as they come back. Not what the user opened.

        For a server that has become read-only, and for a schema that changed under prepared statements.
        """

    def figures(self) -> PoolFigures:
        """As they are at this moment. Asks no server."""

    async def close(self) -> None:
        """Later calls, and those that wait for a connection, raise PoolClosed. What the user opened stays open.

        Lent ones are waited for, then cut.
        """


def is_alive(connection: Connection) -> bool:
    """Whether it can go on; the driver takes a dead one back from its borrower by itself."""
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False


def cut(connection: Connection) -> None:
    """Ends it at once. An idle one takes its leave of the server even so."""
    if is_alive(connection):
        connection.terminate()


async def settle(connection: Connection) -> None:
    """Waits for a cancelled statement to end, not for long, and ends what the driver leaves open.

    It asks to describe a statement without a Sync, which comes with the execution. A call that ends between the two
    leaves an implicit transaction with its locks, which any simple query closes.
    """
    settled = False
    try:
        await connection.execute("SELECT", timeout=RELEASE_SECONDS)
        settled = True
    except asyncpg.PostgresError:
        settled = True  # an answer all the same: the user's own transaction has failed, or the cancellation came late
    except DRIVER:
        pass
    finally:
        if not settled:
            cut(connection)


async def reset(connection: Connection) -> None:
    """Undoes everything that SQL of the caller's own may have set; a connection that can't be reset is cut."""
    clean = False
    try:
        await connection.reset(timeout=RELEASE_SECONDS)
        await connection.execute(_FULL_RESET, timeout=RELEASE_SECONDS)
        clean = True
    except DRIVER:
        pass
    finally:
        if not clean:
            cut(connection)


async def committed(connection: Connection) -> None:
    """Ends a transaction that has only read, of which nothing depends on the answer: one that fails or is late is cut.

    Cancelled, as by a loop that ends, it cuts it as well.
    """
    over = False
    try:
        await connection.execute("COMMIT", timeout=RELEASE_SECONDS)
        over = True
    except DRIVER:
        pass
    finally:
        if not over:
            cut(connection)


def left_behind(work: Coroutine[Any, Any, None]) -> None:
    """It goes on by itself, and has to end in bounded time and without an error."""
    _ = _kept(work)


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Waits for it, and goes on without the caller if that one is cancelled: cleaning never holds a cancellation up."""
    await asyncio.shield(_kept(work))


def _kept(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    _under_way.add(task)  # the loop itself would forget it
    task.add_done_callback(_under_way.discard)
    return task
