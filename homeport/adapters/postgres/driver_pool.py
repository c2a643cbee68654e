"""Connections out of what asyncpg offers: a pool of the driver's, the user's own pool, or the user's one connection."""

import asyncio
import contextlib
from typing import TypeAlias, cast

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from homeport.adapters.postgres.connections import (
    CLOSE_SECONDS,
    DRIVER,
    RELEASE_SECONDS,
    Bare,
    Cleaning,
    Connection,
    PoolFigures,
    is_alive,
    settle,
    to_its_end,
)
from homeport.adapters.postgres.errors import not_reached
from homeport.adapters.postgres.startup import Server
from homeport.kernel.errors import PoolClosed, PoolTimeout, QueryError, RepositoryError, RepositoryUnavailableError

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


class DriverPool:
    """A pool of the driver's. It is opened, and the server first asked for anything, at the first call."""

    apart = True

    def __init__(self, server: Server, *, min_size: int = 0, max_size: int = 10, acquire_timeout: float = 30.0) -> None:
        if not 0 <= min_size <= max_size or max_size < 1:
            raise QueryError("a pool has at least one connection, and max_size is not below min_size")
        self._server = server
        self._sizes = (min_size, max_size)
        self._timeout = acquire_timeout
        self._pool: Pool | None = None
        self._making = asyncio.Lock()
        self._closed = False
        self._lent = 0

    async def acquire(self) -> Connection:
        self._lent += 1
        try:
            pool = self._pool or await self._made()
            # while one is free nobody has to wait, and a timer is dear beside a short statement
            free = self._lent <= self._sizes[1]
            connection = await (pool.acquire() if free else _acquired(pool, self._timeout))
            if self._closed:  # it was waited for while the pool closed, and the driver is about to close it
                await _give_back(pool, connection, settle)
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
            if self._pool is not None:
                await _give_back(self._pool, connection, self._server.cleaning(failed=failed, raw=raw))
        finally:
            self._lent -= 1

    def expire(self) -> None:
        if self._pool is not None:
            with contextlib.suppress(StopIteration):  # to its end at once: it waits for nothing
                self._pool.expire_connections().send(None)

    def figures(self) -> PoolFigures:
        lent = min(self._lent, self._sizes[1])
        size = 0 if self._pool is None else self._pool.get_size()
        return PoolFigures(
            size=size, idle=max(0, size - lent), lent=lent, waiting=self._lent - lent, max_size=self._sizes[1]
        )

    async def close(self) -> None:
        self._closed = True
        if self._pool is not None:
            await _closed(self._pool)

    async def _made(self) -> Pool:
        async with self._making:
            if self._closed:
                raise PoolClosed("the pool is closed")
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    min_size=self._sizes[0], max_size=self._sizes[1], connect=self._open, reset=_keep
                )
            return self._pool

    async def _open(self, *_: object, **__: object) -> Bare:
        return await self._server.open()


class GivenPool:
    """The user's own pool. It resets its connections in its own way, and stays open."""

    apart = True

    def __init__(self, pool: Pool, *, acquire_timeout: float = 30.0) -> None:
        self._pool = pool
        self._timeout = acquire_timeout
        self._waiting = 0
        self._closed = False

    async def acquire(self) -> Connection:
        if self._closed:
            raise PoolClosed("the pool is closed")
        self._waiting += 1
        try:
            return await _acquired(self._pool, self._timeout)
        except TimeoutError as error:
            raise PoolTimeout("no connection became free in time") from error
        except Exception as error:
            refused = not_reached(error, closed=self._pool.is_closing())
            if refused is None:
                raise
            raise refused from error
        finally:
            self._waiting -= 1

    async def release(self, connection: Connection, *, failed: bool = False, raw: bool = False) -> None:
        await _give_back(self._pool, connection, settle if failed else None)

    def expire(self) -> None:
        """Nothing: they are the user's."""

    def figures(self) -> PoolFigures:
        """Of the whole pool, whoever else uses it; waiting are calls of ours only."""
        size, idle = self._pool.get_size(), self._pool.get_idle_size()
        return PoolFigures(
            size=size, idle=idle, lent=size - idle, waiting=self._waiting, max_size=self._pool.get_max_size()
        )

    async def close(self) -> None:
        self._closed = True


class OneConnection:
    """The user's own connection, one call at a time, a stream being one call. It stays open and as the user left it."""

    apart = False

    def __init__(self, connection: Connection, *, acquire_timeout: float = 30.0) -> None:
        self._connection = connection
        self._timeout = acquire_timeout
        self._free = asyncio.Lock()
        self._waiting = 0
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
        if not is_alive(self._connection):
            return RepositoryUnavailableError("the connection is closed")
        return None

    async def _wait(self) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(self._timeout):
                await self._free.acquire()
        except TimeoutError as error:
            raise PoolTimeout("the one connection did not become free in time") from error
        finally:
            self._waiting -= 1

    async def release(self, connection: Connection, *, failed: bool = False, raw: bool = False) -> None:
        if failed and is_alive(connection):
            await to_its_end(self._settled(connection))
        else:
            self._free.release()

    async def _settled(self, connection: Connection) -> None:
        try:
            await settle(connection)
        finally:
            self._free.release()

    def expire(self) -> None:
        """Nothing: it is the user's."""

    def figures(self) -> PoolFigures:
        size, lent = int(is_alive(self._connection)), int(self._free.locked())
        return PoolFigures(size=size, idle=max(0, size - lent), lent=lent, waiting=self._waiting, max_size=1)

    async def close(self) -> None:
        self._closed = True


async def _acquired(pool: Pool, seconds: float) -> Connection:
    """Not by the driver's own timeout: on Python 3.11 that swallows a cancellation which meets the hand-over."""
    async with asyncio.timeout(seconds):
        return await pool.acquire()


async def _give_back(pool: Pool, connection: Connection, cleaning: Cleaning | None) -> None:
    """A failure to give back is not the call's failure: the pool has dropped the connection by then."""
    borrowed = cast("PoolConnectionProxy[asyncpg.Record]", connection)
    if cleaning is not None:
        await to_its_end(_cleaned(pool, borrowed, cleaning))
        return
    with contextlib.suppress(*DRIVER):
        await pool.release(borrowed)


async def _cleaned(pool: Pool, borrowed: "PoolConnectionProxy[asyncpg.Record]", cleaning: Cleaning) -> None:
    try:
        if is_alive(borrowed):
            await cleaning(borrowed)
    finally:
        with contextlib.suppress(*DRIVER):
            await pool.release(borrowed, timeout=RELEASE_SECONDS)


async def _closed(pool: Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def _keep(_: Connection) -> None:
    """No reset: nothing was set."""
