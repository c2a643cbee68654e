"""A pool whose way through is short: an idle connection is lent without a task, a timer or a round trip.

The one used last is lent first. Those who must wait are served in the order in which they came: a connection that comes
back goes straight to the first of them, and so does the place of one that was dropped. So while anybody waits, none is
idle and no place is free, and nobody overtakes.

It knows its connections by identity alone: one that is given back twice is let be, unless somebody else has it by then.
"""

import asyncio
import contextlib
import weakref
from collections import OrderedDict
from time import monotonic
from typing import Protocol

from homeport.adapters.postgres.connections import (
    CLOSE_SECONDS,
    Bare,
    Cleaning,
    Connection,
    PoolFigures,
    cut,
    to_its_end,
)
from homeport.adapters.postgres.errors import not_reached
from homeport.kernel.errors import PoolClosed, PoolTimeout, QueryError

IDLE_SECONDS = 300.0
"""How long a connection may have been idle to be lent again: firewalls forget those that say nothing."""


class Source(Protocol):
    """Where connections come from: `startup.Server`."""

    async def open(self) -> Bare: ...

    def cleaning(self, *, failed: bool, raw: bool) -> Cleaning | None: ...


class LeanPool:
    """Nothing is opened before the first call. `min_size` connections then stay open."""

    apart = True

    def __init__(self, source: Source, *, min_size: int = 0, max_size: int = 10, acquire_timeout: float = 30.0) -> None:
        if not 0 <= min_size <= max_size or max_size < 1:
            raise QueryError("a pool has at least one connection, and max_size is not below min_size")
        self._source = source
        self._min_size = min_size
        self._max_size = max_size
        self._timeout = acquire_timeout
        self._size = 0  # places that are taken, by a connection or by one that is being opened
        self._epoch = 0
        self._idle: list[tuple[Connection, float]] = []  # with the time since when, the latest last
        self._lent: dict[Connection, int] = {}  # with the epoch they are of
        self._returning: set[Connection] = set()
        self._waiting: OrderedDict[asyncio.Future[Connection | None], float] = OrderedDict()  # with its deadline
        self._alarm: asyncio.TimerHandle | None = None  # one for all who wait: the first of them is late first
        self._opening: set[asyncio.Timeout] = set()
        self._filling: set[asyncio.Task[None]] = set()
        self._tidying: asyncio.TimerHandle | None = None
        self._closed = False
        self._empty = asyncio.Event()
        self._empty.set()

    # -- the way through

    async def acquire(self) -> Connection:
        while self._idle:
            connection, since = self._idle.pop()
            if not connection.is_closed() and monotonic() - since < IDLE_SECONDS:
                self._lent[connection] = self._epoch
                return connection
            self._drop(connection)
        if self._closed:
            raise PoolClosed("the pool is closed")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        if self._size < self._max_size:
            self._take_place()
            return await self._opened(deadline)
        waiter: asyncio.Future[Connection | None] = loop.create_future()
        self._waiting[waiter] = deadline
        if self._alarm is None:
            self._alarm = loop.call_at(deadline, _ring, weakref.ref(self))
        try:
            handed = await waiter
        except BaseException:
            self._leave(waiter)
            raise
        return handed if handed is not None else await self._opened_in_place(deadline)

    async def release(self, connection: Connection, *, failed: bool = False, raw: bool = False) -> None:
        epoch = self._lent.pop(connection, None)
        if epoch is None:
            return
        cleaning = self._source.cleaning(failed=failed, raw=raw) if failed or raw else None
        if cleaning is None or connection.is_closed():
            self._take_back(connection, epoch)
        else:
            self._returning.add(connection)
            await to_its_end(self._cleaned(connection, epoch, cleaning))

    async def _cleaned(self, connection: Connection, epoch: int, cleaning: Cleaning) -> None:
        try:
            await cleaning(connection)
        finally:
            self._returning.discard(connection)
            self._take_back(connection, epoch)

    def _take_back(self, connection: Connection, epoch: int) -> None:
        """To the first who waits, else to the idle ones; one that is no good any more, or in a transaction, is cut."""
        old = self._closed or epoch != self._epoch
        if old or connection.is_closed() or connection.is_in_transaction():
            self._drop(connection)
            return
        waiter = self._next_waiter()
        if waiter is not None:
            self._lent[connection] = epoch
            waiter.set_result(connection)
            return
        self._idle.append((connection, monotonic()))
        if self._tidying is None:
            self._tidy_later()

    # -- opening

    async def _opened(self, deadline: float) -> Bare:
        """A new one, in a place that is taken already; the place is given up if there is none."""
        epoch, limit = self._epoch, asyncio.timeout_at(deadline)
        self._opening.add(limit)
        try:
            async with limit:
                connection = await self._source.open()
        except BaseException as error:
            self._give_place()
            refused = self._refused(error)
            if refused is None:
                raise
            raise refused from error
        finally:
            self._opening.discard(limit)
        if self._closed:
            self._drop(connection)
            raise PoolClosed("the pool is closed")
        self._lent[connection] = epoch
        self._fill()
        return connection

    def _refused(self, error: BaseException) -> Exception | None:
        if self._closed and isinstance(error, TimeoutError):
            return PoolClosed("the pool is closed")
        return not_reached(error)

    def _fill(self) -> None:
        while self._size < self._min_size and not self._closed:
            self._take_place()
            task = asyncio.create_task(self._opened_ahead())
            self._filling.add(task)
            task.add_done_callback(self._filling.discard)

    async def _opened_ahead(self) -> None:
        with contextlib.suppress(Exception):  # whoever needs one will find out for themselves
            await self.release(await self._opened(asyncio.get_running_loop().time() + self._timeout))

    # -- waiting

    async def _opened_in_place(self, deadline: float) -> Bare:
        """By one who was handed the place of a connection that is no more."""
        if self._closed:
            self._give_place()
            raise PoolClosed("the pool is closed")
        return await self._opened(deadline)

    def _leave(self, waiter: "asyncio.Future[Connection | None]") -> None:
        """One who was cancelled, or sent away."""
        self._waiting.pop(waiter, None)
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            self._hand_on(waiter.result())

    def _ring(self) -> None:
        """Sends those away whose deadline has come, and waits for the next one's."""
        self._alarm = None
        loop = asyncio.get_running_loop()
        while self._waiting:
            waiter, deadline = next(iter(self._waiting.items()))
            if deadline > loop.time():
                self._alarm = loop.call_at(deadline, _ring, weakref.ref(self))
                return
            self._give_up(waiter)

    def _give_up(self, waiter: "asyncio.Future[Connection | None]") -> None:
        self._waiting.pop(waiter, None)
        if not waiter.done():
            waiter.set_exception(PoolTimeout("no connection became free in time"))

    def _hand_on(self, connection: "Connection | None") -> None:
        """What was handed to one who was cancelled before it could take it."""
        if connection is None:
            self._give_place()
        else:
            self._take_back(connection, self._lent.pop(connection))

    def _next_waiter(self) -> "asyncio.Future[Connection | None] | None":
        while self._waiting:
            waiter, _ = self._waiting.popitem(last=False)
            if not waiter.done():  # a cancelled one has not had the time to leave
                return waiter
        return None

    # -- places

    def _take_place(self) -> None:
        self._size += 1
        self._empty.clear()

    def _give_place(self) -> None:
        """To the first who waits, who opens a connection then."""
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(None)
            return
        self._size -= 1
        if self._size == 0:
            self._empty.set()

    def _drop(self, connection: Connection) -> None:
        cut(connection)
        self._give_place()

    # -- all of them

    def expire(self) -> None:
        self._epoch += 1
        idle, self._idle = self._idle, []
        for connection, _ in idle:
            self._drop(connection)

    def figures(self) -> PoolFigures:
        idle = sum(not connection.is_closed() for connection, _ in self._idle)
        return PoolFigures(
            size=self._size - len(self._idle) + idle,
            idle=idle,
            lent=len(self._lent) + len(self._returning),
            waiting=len(self._waiting),
            max_size=self._max_size,
        )

    async def close(self) -> None:
        idle = self._shut()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(*(each.close() for each in idle), return_exceptions=True)
                await self._empty.wait()
        except TimeoutError:
            pass
        finally:
            for connection in (*idle, *self._lent, *self._returning):
                cut(connection)

    def _shut(self) -> list[Connection]:
        """Sends away all who wait for something; the connections that were idle are left."""
        self._closed = True
        if self._tidying is not None:
            self._tidying.cancel()
        if self._alarm is not None:
            self._alarm.cancel()
        while (waiter := self._next_waiter()) is not None:
            waiter.set_exception(PoolClosed("the pool is closed"))
        for limit in self._opening:
            if not limit.expired():
                limit.reschedule(0)
        idle, self._idle = [each for each, _ in self._idle], []
        for _ in idle:
            self._give_place()
        return idle

    # -- those that nobody needs

    def _tidy_later(self) -> None:
        self._tidying = asyncio.get_running_loop().call_later(IDLE_SECONDS, _tidy, weakref.ref(self))

    def _tidy(self) -> None:
        """Drops those that were idle too long, the earliest of which come first, and makes up the least number."""
        self._tidying = None
        before = monotonic() - IDLE_SECONDS
        while self._idle and self._idle[0][1] <= before:
            self._drop(self._idle.pop(0)[0])
        self._fill()
        if self._idle:
            self._tidy_later()


def _tidy(pool: "weakref.ref[LeanPool]") -> None:
    found = pool()
    if found is not None:
        found._tidy()  # noqa: SLF001 - a pool that nobody has any more is not kept by its timer


def _ring(pool: "weakref.ref[LeanPool]") -> None:
    found = pool()
    if found is not None:
        found._ring()  # noqa: SLF001 - as above
