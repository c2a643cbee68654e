"""Connections behind three methods: a pool of our own, the user's pool, or the user's one connection.

Nothing is ever set on a connection but with SET LOCAL, so a pool of our own takes connections back without a reset,
which would be a whole round trip. Only one that ran SQL of the caller's own is reset, fully, its role included.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Literal, Protocol, TypeAlias, cast

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from homeport.adapters.postgres.errors import not_reached
from homeport.kernel.errors import PoolClosed, PoolTimeout, QueryError, RepositoryError, RepositoryUnavailableError

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

RELEASE_SECONDS = 5.0
CLOSE_SECONDS = 10.0
LOCK_SECONDS = 30.0
IDLE_IN_TRANSACTION_SECONDS = 300.0  # a stream's reader may take its time between two batches
CACHED_STATEMENTS = 256

_DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_FULL_RESET = "RESET SESSION AUTHORIZATION; RESET ROLE; DISCARD TEMP; DISCARD SEQUENCES"


class Connections(Protocol):
    """Lends connections. What is borrowed is given back once, whatever happened."""

    async def acquire(self) -> Connection:
        """Raises PoolTimeout, PoolClosed, RepositoryUnavailableError; RepositoryPermissionError for a wrong login."""

    async def release(self, connection: Connection, *, failed: bool = False, raw: bool = False) -> None:
        """Never raises for the connection's sake: one in doubt is dropped.

        `failed` says that the last call did not end with the server's answer, `raw` that it was SQL of the caller's
        own.
        """

    async def close(self) -> None:
        """Later calls raise PoolClosed. What the user opened stays open."""


class OwnPool:
    """A pool of our own. It is opened, and the server first asked for anything, at the first call."""

    def __init__(  # noqa: PLR0913 - one keyword per thing that a deployment decides
        self,
        dsn: str,
        *,
        min_size: int = 0,
        max_size: int = 10,
        acquire_timeout: float = 30.0,
        statement_timeout: float | None = None,
        pooler: str = "none",
    ) -> None:
        if pooler not in ("none", "transaction"):
            raise QueryError(f"pooler is 'none' or 'transaction', not {pooler!r}")
        if not 0 <= min_size <= max_size or max_size < 1:
            raise QueryError("a pool has at least one connection, and max_size is not below min_size")
        self._dsn = dsn
        self._sizes = (min_size, max_size)
        self._timeout = acquire_timeout
        self._statement_timeout = statement_timeout
        self._pooled = pooler == "transaction"
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self._lent = 0
        self._known_direct = self._pooled

    async def acquire(self) -> Connection:
        self._lent += 1
        try:
            pool = self._pool or await self._open()
            # while one is free nobody has to wait, and a timer is dear beside a short statement
            free = self._lent <= self._sizes[1]
            connection = await (pool.acquire() if free else _acquired(pool, self._timeout))
            if self._closed:  # it was waited for while the pool closed, and the driver is about to close it
                await _give_back(pool, connection, failed=True)
                raise PoolClosed("the pool is closed")
            return connection
        except BaseException as error:
            self._lent -= 1
            refused = self._refused(error)
            if refused is None:
                raise
            raise refused from error

    def _refused(self, error: BaseException) -> RepositoryError | None:
        if isinstance(error, TimeoutError) and self._lent >= self._sizes[1]:
            return PoolTimeout("no connection became free in time")
        return not_reached(error, closed=self._closed)

    async def release(self, connection: Connection, *, failed: bool = False, raw: bool = False) -> None:
        try:
            if raw and not self._pooled:
                await _reset(connection)
            if self._pool is not None:
                await _give_back(self._pool, connection, failed=failed)
        finally:
            self._lent -= 1

    async def close(self) -> None:
        self._closed = True
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _open(self) -> Pool:
        async with self._opening:
            if self._closed:
                raise PoolClosed("the pool is closed")
            if self._pool is None:
                self._pool = await self._made()
            return self._pool

    def _made(self) -> Pool:
        return asyncpg.create_pool(
            self._dsn,
            min_size=self._sizes[0],
            max_size=self._sizes[1],
            timeout=self._timeout,
            statement_cache_size=0 if self._pooled else CACHED_STATEMENTS,
            server_settings={"application_name": "homeport"} if self._pooled else self._settings(),
            init=self._check_direct,
            reset=_keep,
        )

    def _settings(self) -> dict[str, str]:
        settings = {
            "application_name": "homeport",
            "lock_timeout": _milliseconds(LOCK_SECONDS),
            "idle_in_transaction_session_timeout": _milliseconds(IDLE_IN_TRANSACTION_SECONDS),
        }
        if self._statement_timeout is not None:
            settings["statement_timeout"] = _milliseconds(self._statement_timeout)
        return settings

    async def _check_direct(self, connection: Connection) -> None:
        """Behind a transaction pooler prepared statements get mixed up between clients, rows too. Asked once."""
        if self._known_direct:
            return
        if connection.get_server_pid() != await connection.fetchval("SELECT pg_backend_pid()"):
            raise QueryError("a pooler stands before the database: open it with pooler='transaction'")
        self._known_direct = True


class GivenPool:
    """The user's own pool. It resets its connections in its own way, and stays open."""

    def __init__(self, pool: Pool, *, acquire_timeout: float = 30.0) -> None:
        self._pool = pool
        self._timeout = acquire_timeout
        self._closed = False

    async def acquire(self) -> Connection:
        if self._closed:
            raise PoolClosed("the pool is closed")
        try:
            return await _acquired(self._pool, self._timeout)
        except TimeoutError as error:
            raise PoolTimeout("no connection became free in time") from error
        except Exception as error:
            refused = not_reached(error, closed=self._pool.is_closing())
            if refused is None:
                raise
            raise refused from error

    async def release(self, connection: Connection, *, failed: bool = False, raw: bool = False) -> None:
        await _give_back(self._pool, connection, failed=failed)

    async def close(self) -> None:
        self._closed = True


class OneConnection:
    """The user's own connection, one call at a time, a stream being one call. It stays open and as the user left it."""

    def __init__(self, connection: Connection, *, acquire_timeout: float = 30.0) -> None:
        self._connection = connection
        self._timeout = acquire_timeout
        self._free = asyncio.Lock()
        self._closed = False

    async def acquire(self) -> Connection:
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()
        problem = self._problem()
        if problem is not None:
            self._free.release()
            raise problem
        return self._connection

    def _problem(self) -> RepositoryError | None:
        if self._closed:
            return PoolClosed("the store is closed")
        if self._connection.is_closed():
            return RepositoryUnavailableError("the connection is closed")
        return None

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._free.acquire()
        except TimeoutError as error:
            raise PoolTimeout("the one connection did not become free in time") from error

    async def release(self, connection: Connection, *, failed: bool = False, raw: bool = False) -> None:
        if failed and is_alive(connection):
            await asyncio.shield(self._settled(connection))
        else:
            self._free.release()

    async def _settled(self, connection: Connection) -> None:
        try:
            await _settle(connection)
        finally:
            self._free.release()

    async def close(self) -> None:
        self._closed = True


async def _acquired(pool: Pool, seconds: float) -> Connection:
    """Not by the driver's own timeout: on Python 3.11 that swallows a cancellation which meets the hand-over."""
    async with asyncio.timeout(seconds):
        return await pool.acquire()


def is_alive(connection: Connection) -> bool:
    """Whether it can go on; the driver takes a dead one back from its borrower by itself."""
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False


@contextlib.asynccontextmanager
async def transaction(
    connection: Connection, *, isolation: Literal["repeatable_read"] | None = None, readonly: bool = False
) -> AsyncIterator[None]:
    """The driver's own waits for the answer to its ROLLBACK without end; here a connection that gives none is cut."""
    inner = connection.transaction(isolation=isolation, readonly=readonly)
    await inner.__aenter__()
    try:
        yield
    except BaseException as error:
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await inner.__aexit__(type(error), error, error.__traceback__)
        except _DRIVER:
            if is_alive(connection):
                connection.terminate()
        raise
    await inner.__aexit__(None, None, None)


async def _give_back(pool: Pool, connection: Connection, *, failed: bool) -> None:
    """A failure to give back is not the call's failure: the pool has dropped the connection by then."""
    borrowed = cast("PoolConnectionProxy[asyncpg.Record]", connection)
    if failed:
        await asyncio.shield(_settled(pool, borrowed))
        return
    with contextlib.suppress(*_DRIVER):
        await pool.release(borrowed)


async def _settled(pool: Pool, borrowed: "PoolConnectionProxy[asyncpg.Record]") -> None:
    if is_alive(borrowed):
        await _settle(borrowed)
    with contextlib.suppress(*_DRIVER):
        await pool.release(borrowed, timeout=RELEASE_SECONDS)


async def _settle(connection: Connection) -> None:
    """Waits for a cancelled statement to end, not for long, and ends what the driver leaves open.

    It asks to describe a statement without a Sync, which comes with the execution. A call that ends between the two
    leaves an implicit transaction with its locks, which any simple query closes.
    """
    try:
        await connection.execute("SELECT", timeout=RELEASE_SECONDS)
    except asyncpg.PostgresError:
        pass  # an answer all the same: the user's own transaction has failed, or the cancellation came late
    except _DRIVER:
        if is_alive(connection):
            connection.terminate()


async def _keep(_: Connection) -> None:
    """No reset: nothing was set."""


async def _reset(connection: Connection) -> None:
    """Everything that SQL of the caller's own may have set; a connection that can't be reset is cut."""
    clean = False
    try:
        await connection.reset(timeout=RELEASE_SECONDS)
        await connection.execute(_FULL_RESET, timeout=RELEASE_SECONDS)
        clean = True
    except _DRIVER:
        pass
    finally:
        if not clean and is_alive(connection):
            connection.terminate()


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
