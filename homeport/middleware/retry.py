"""Retries of single reads and of whole units, only after errors that prove that nothing was done.

A broken database is not drowned in retries: all calls of one share a budget that only successful calls fill.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeVar

import attrs
import tenacity

from homeport.kernel.entity import E
from homeport.kernel.errors import (
    LockTimeout,
    PoolClosed,
    RepositoryConflictError,
    RepositoryError,
    RepositoryUnavailableError,
    StaleVersion,
)
from homeport.kernel.identity import Identity
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.query import Select
from homeport.middleware.passing import PassingStore
from homeport.ports.store import Session

A = TypeVar("A")
T = TypeVar("T")
UnitT = TypeVar("UnitT")

MOST_TOKENS = 10.0


def nothing_done(error: BaseException) -> bool:
    """Whether the error proves that nothing was committed, and another attempt may fare better."""
    match error:
        case PoolClosed() | StaleVersion():
            return False
        case RepositoryUnavailableError() | RepositoryConflictError():
            return True
        case _:
            return False


def nothing_done_or_locked(error: BaseException) -> bool:
    """The same, and a lock that could not be had in time."""
    return isinstance(error, LockTimeout) or nothing_done(error)


@attrs.define(kw_only=True, eq=False)
class Retries:
    """How often and how long one database is asked again: `attempts`, the first one counted, within `deadline` seconds.

    Waits are random, up to `delay` seconds before the second attempt, up to twice as long before each further one.
    Each call that goes well earns `budget` of a retry; without any, errors are raised at once. A budget of 0 turns
    retries off, and so does a single attempt. Conflicts between units are no sign of a database in trouble: the
    deadline alone bounds them.
    """

    attempts: int
    delay: float
    deadline: float
    budget: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _tokens: float = attrs.field(init=False)

    @_tokens.default
    def _most(self) -> float:
        return MOST_TOKENS if self.budget > 0 else 0.0

    async def call(
        self,
        attempt: Callable[[A], Awaitable[T]],
        argument: A,
        again: Callable[[BaseException], bool] = nothing_done,
    ) -> T:
        """What the first attempt answers that goes well. Raises the last one's error."""
        started = self.clock()
        try:
            answer = await attempt(argument)
        except RepositoryError as error:
            if self._tokens < 1 or not again(error):
                raise
            answer = await self._again(partial(attempt, argument), again, error, started)
        if self._tokens < MOST_TOKENS:
            self._tokens += self.budget
        return answer

    async def _again(
        self,
        attempt: Callable[[], Awaitable[T]],
        again: Callable[[BaseException], bool],
        first: RepositoryError,
        started: float,
    ) -> T:
        """From the first failure on it is tenacity's business, which is told it as its own first attempt."""
        failed = [first]

        async def attempted() -> T:
            if failed:
                raise failed.pop()
            return await attempt()

        def spent(state: tenacity.RetryCallState) -> bool:
            late = self.clock() - started + state.upcoming_sleep > self.deadline
            if late or self.attempts == 1 or _conflict(state):
                return late or self.attempts == 1
            if state.attempt_number >= self.attempts or self._tokens < 1:
                return True
            self._tokens -= 1
            return False

        retrying = tenacity.AsyncRetrying(
            stop=spent,
            wait=tenacity.wait_random_exponential(multiplier=self.delay, max=self.deadline),
            retry=tenacity.retry_if_exception(again),
            sleep=self.sleep,
            reraise=True,
        )
        return await retrying(attempted)


def _conflict(state: tenacity.RetryCallState) -> bool:
    return state.outcome is not None and isinstance(state.outcome.exception(), RepositoryConflictError)


class RetriedStore(PassingStore):
    """A session whose single reads are tried again: fetch, count, operations that only read, streams before a row.

    Writes are passed on as they are: the answer to one may be lost and not the write. So are the calls of a unit, which
    can only be repeated as a whole, SQL of the caller's own, and a ping, which asks how the database is now.
    """

    def __init__(self, session: Session, retries: Retries) -> None:
        super().__init__(session)
        self._retries = retries

    def fetch(self, query: Select[E], /) -> Coroutine[Any, Any, list[E]]:
        return self._retries.call(self._session.fetch, query)

    async def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        first, rows = await self._retries.call(lambda asked: _begun(self._session.stream(asked)), query)
        try:
            for row in first:
                yield row
            async for row in rows:
                yield row
        finally:
            close = getattr(rows, "aclose", None)
            if close is not None:
                await close()

    def count(self, query: Select[Any], /) -> Coroutine[Any, Any, int]:
        return self._retries.call(self._session.count, query)

    def run(self, operation: Operation[P, R], parameter: P, /) -> Coroutine[Any, Any, R]:
        if operation.writes:
            return self._session.run(operation, parameter)
        return self._retries.call(partial(self._session.run, operation), parameter)

    def scoped(self, identity: Identity, /) -> "RetriedStore":
        return RetriedStore(self._session.scoped(identity), self._retries)


class UnitRetry:
    """Runs a unit, and the whole of it again where the error proves that nothing was committed."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries

    async def run(
        self,
        opening: Callable[[], AbstractAsyncContextManager[UnitT]],
        work: Callable[[UnitT], Awaitable[T]],
        *,
        lock_timeouts: bool = False,
    ) -> T:
        """What `work` answers, once its unit is committed. `lock_timeouts`: a lock not had in time is tried again too.

        Never tried again: OutcomeUnknown, StaleVersion, deadlines, cancellation, and errors that are not Homeport's.
        """

        async def attempt(opening: Callable[[], AbstractAsyncContextManager[UnitT]]) -> T:
            async with opening() as unit:
                return await work(unit)

        return await self._retries.call(attempt, opening, nothing_done_or_locked if lock_timeouts else nothing_done)


async def _begun(rows: AsyncIterator[E]) -> tuple[list[E], AsyncIterator[E]]:
    """The stream with its first row taken; none for one that ended."""
    try:
        return [await anext(rows)], rows
    except StopAsyncIteration:
        return [], rows
