"""Our own pool, step by step: who gets which connection, and what becomes of those that nobody gets. No server."""

import asyncio
import gc
import weakref
from typing import Any, cast

import pytest

from homeport.adapters.postgres import lean_pool
from homeport.adapters.postgres.connections import PoolFigures
from homeport.adapters.postgres.lean_pool import LeanPool
from homeport.kernel.errors import PoolClosed, PoolTimeout, QueryError, RepositoryUnavailableError
from tests.postgres.fake_source import Door, FakeConnection, FakeSource


class Pool:
    """A pool of fakes, whose connections are told by their numbers."""

    def __init__(self, max_size: int = 1, *, min_size: int = 0, timeout: float = 5.0) -> None:
        self.source = FakeSource()
        self.pool = LeanPool(self.source, min_size=min_size, max_size=max_size, acquire_timeout=timeout)

    async def take(self) -> FakeConnection:
        return cast("FakeConnection", await self.pool.acquire())

    async def give(self, connection: FakeConnection, **how: bool) -> None:
        await self.pool.release(cast("Any", connection), **how)

    async def queue(self, number: int = 1) -> "list[asyncio.Task[FakeConnection]]":
        """So many who wait, in this order."""
        tasks = [asyncio.create_task(self.take()) for _ in range(number)]
        await turn()
        return tasks

    def let_the_firsts_deadline_pass(self) -> None:
        first = next(iter(self.pool._waiting))
        self.pool._waiting[first] = 0.0
        self.pool._ring()

    @property
    def state(self) -> tuple[int, int, int, int]:
        found = self.pool.figures()
        return found.size, found.idle, found.lent, found.waiting


async def turn(times: int = 1) -> None:
    """Everybody who can go on, goes on."""
    for _ in range(times):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("least", "most"), [(0, 0), (2, 1), (-1, 1)])
async def test_sizes_that_are_none_are_refused(least: int, most: int) -> None:
    with pytest.raises(QueryError):
        LeanPool(FakeSource(), min_size=least, max_size=most)


# -- who gets which


async def test_nothing_is_opened_before_the_first_call_and_no_more_than_needed_after_it() -> None:
    fakes = Pool(3)
    await turn()
    assert fakes.source.asked == 0
    for _ in range(5):
        await fakes.give(await fakes.take())
    assert fakes.source.asked == 1
    assert fakes.pool.figures() == PoolFigures(size=1, idle=1, lent=0, waiting=0, max_size=3)


async def test_the_one_used_last_is_lent_first() -> None:
    fakes = Pool(3)
    first, second, third = [await fakes.take() for _ in range(3)]
    for each in (second, third, first):
        await fakes.give(each)
    assert [await fakes.take() for _ in range(3)] == [first, third, second]


async def test_an_idle_one_is_lent_and_taken_back_without_waiting_for_the_loop() -> None:
    fakes = Pool()
    connection = await fakes.take()
    for call in (fakes.give(connection), fakes.take(), fakes.give(connection)):
        with pytest.raises(StopIteration):
            call.send(None)
    assert fakes.state == (1, 1, 0, 0)


async def test_who_waits_is_served_in_the_order_of_coming() -> None:
    fakes = Pool(2)
    lent = [await fakes.take() for _ in range(2)]
    served = list[int]()

    async def call(number: int) -> None:
        connection = await fakes.take()
        served.append(number)
        await turn(number % 3)
        await fakes.give(connection)

    calls = [asyncio.create_task(call(each)) for each in range(50)]
    await turn()
    assert fakes.state == (2, 0, 2, 50)
    for each in lent:
        await fakes.give(each)
    late = asyncio.create_task(call(50))  # a connection came back, but it is somebody else's
    await asyncio.gather(*calls, late)
    assert served == list(range(51))
    assert fakes.state == (2, 2, 0, 0)


async def test_waiting_ends_at_the_deadline_and_leaves_no_trace() -> None:
    fakes = Pool(timeout=0.02)
    connection = await fakes.take()
    with pytest.raises(PoolTimeout):
        await fakes.take()  # in the same task: it would wait for itself
    assert fakes.state == (1, 0, 1, 0)
    await fakes.give(connection)
    assert fakes.state == (1, 1, 0, 0)


async def test_each_who_waits_has_a_deadline_of_their_own() -> None:
    fakes = Pool()
    await fakes.take()
    first, second = await fakes.queue(2)
    for late, early in ((first, second), (second, None)):
        fakes.let_the_firsts_deadline_pass()
        with pytest.raises(PoolTimeout):
            await late
        assert fakes.state == (1, 0, 1, int(early is not None))
        assert fakes.pool._alarm is None or fakes.pool._alarm.when() in fakes.pool._waiting.values()


async def test_a_deadline_is_kept_when_those_before_have_left() -> None:
    fakes = Pool(timeout=0.03)
    connection = await fakes.take()
    served, cancelled, last = await fakes.queue(3)
    await fakes.give(connection)
    cancelled.cancel()
    assert await served is connection
    with pytest.raises(PoolTimeout):
        await last
    assert fakes.state == (1, 0, 1, 0)


async def test_who_comes_later_has_their_whole_time() -> None:
    fakes = Pool()
    connection = await fakes.take()
    (first,) = await fakes.queue()
    await fakes.give(connection)
    assert await first is connection
    (late,) = await fakes.queue()
    fakes.pool._ring()  # at the deadline of the first, who is gone
    await turn()
    assert not late.done()
    assert fakes.pool._alarm is not None
    assert [fakes.pool._alarm.when()] == list(fakes.pool._waiting.values())
    await fakes.give(connection)
    assert await late is connection


async def test_those_who_wait_share_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = Pool()
    connection = await fakes.take()
    loop, timers = asyncio.get_running_loop(), list[object]()
    call_at = loop.call_at

    def counted(when: float, callback: Any, *arguments: Any, **more: Any) -> asyncio.TimerHandle:
        timers.append(callback)
        return call_at(when, callback, *arguments, **more)

    monkeypatch.setattr(loop, "call_at", counted)
    waiting = await fakes.queue(100)
    for each in waiting:
        await fakes.give(connection)
        assert await each is connection
    assert timers == [lean_pool._ring]


# -- cancellations


async def test_who_is_cancelled_while_waiting_leaves_the_queue_as_it_was() -> None:
    fakes = Pool()
    connection = await fakes.take()
    first, second, third = await fakes.queue(3)
    second.cancel()
    await turn()
    assert fakes.state == (1, 0, 1, 2)
    await fakes.give(connection)
    assert await first is connection
    await fakes.give(connection)
    assert await third is connection
    assert second.cancelled()


async def test_who_is_cancelled_but_has_not_left_yet_is_passed_over() -> None:
    fakes = Pool()
    connection = await fakes.take()
    first, second = await fakes.queue(2)
    first.cancel()
    await fakes.give(connection)  # before the first one has run again
    assert await second is connection
    assert first.cancelled()


async def test_who_is_cancelled_after_the_hand_over_hands_it_on() -> None:
    fakes = Pool()
    connection = await fakes.take()
    first, second = await fakes.queue(2)
    await fakes.give(connection)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second is connection
    third = (await fakes.queue())[0]
    await fakes.give(connection)
    third.cancel()
    await turn()
    assert third.cancelled()
    assert fakes.state == (1, 1, 0, 0)


async def test_who_is_cancelled_after_a_place_was_handed_over_hands_it_on() -> None:
    fakes = Pool()
    connection = await fakes.take()
    first, second = await fakes.queue(2)
    connection.closed = True
    await fakes.give(connection)
    first.cancel()
    assert await second is not connection
    assert first.cancelled()
    assert fakes.state == (1, 0, 1, 0)


async def test_a_deadline_and_a_cancellation_together_are_a_cancellation() -> None:
    fakes = Pool()
    await fakes.take()
    (waiting,) = await fakes.queue()
    fakes.pool._give_up(next(iter(fakes.pool._waiting)))
    assert waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert fakes.state == (1, 0, 1, 0)


@pytest.mark.parametrize("seed", range(3))
async def test_a_storm_of_cancellations_loses_no_place(seed: int) -> None:
    """Every step of every call may be its last: opening, waiting, having, cleaning."""
    fakes = Pool(3)

    async def call(number: int) -> None:
        connection = await fakes.take()
        assert not connection.in_transaction
        connection.in_transaction = True
        failed = True
        try:
            await turn(number % 4)
            failed = number % 5 == 0
        finally:
            connection.in_transaction = False
            if number % 7 == 0:
                connection.closed = True
            await fakes.give(connection, failed=failed)

    calls = list[asyncio.Task[None]]()
    for number in range(300):
        calls.append(asyncio.create_task(call(number)))
        if number % 3:
            calls[(number * 7 + seed) % len(calls)].cancel()
        if number % 2:
            await turn()
    await asyncio.gather(*calls, return_exceptions=True)
    await turn(5)
    assert any(each.cancelled() for each in calls)
    size, idle, lent, waiting = fakes.state
    assert (size, lent, waiting) == (idle, 0, 0)
    assert not any(each.closed for each in [await fakes.take() for _ in range(3)])


# -- opening


async def test_a_failure_to_open_is_one_calls_failure_and_the_next_may_try() -> None:
    fakes = Pool()
    door = fakes.source.shut()
    first, second = await fakes.queue(2)
    assert fakes.state == (1, 0, 0, 1)
    fakes.source.door = None
    door.fail(ConnectionRefusedError())
    with pytest.raises(RepositoryUnavailableError):
        await first
    assert (await second).number == 1
    assert fakes.state == (1, 0, 1, 0)


async def test_who_is_cancelled_while_opening_leaves_the_place_to_the_next() -> None:
    fakes = Pool()
    fakes.source.shut()
    first, second = await fakes.queue(2)
    fakes.source.door = None
    first.cancel()
    assert (await second).number == 1
    assert first.cancelled()
    third = Pool()
    third.source.shut()
    (alone,) = await third.queue()
    alone.cancel()
    await turn()
    assert third.state == (0, 0, 0, 0)


async def test_opening_ends_at_the_deadline_the_waiting_counted() -> None:
    fakes = Pool(timeout=0.4)
    connection = await fakes.take()
    (waiting,) = await fakes.queue()
    await asyncio.sleep(0.2)
    fakes.source.shut()
    connection.closed = True
    start = asyncio.get_running_loop().time()
    await fakes.give(connection)
    with pytest.raises(RepositoryUnavailableError):
        await waiting
    assert asyncio.get_running_loop().time() - start < 0.35
    assert fakes.state == (0, 0, 0, 0)


async def test_what_the_source_did_not_foresee_is_told_as_it_is() -> None:
    fakes = Pool()
    fakes.source.shut().fail(LookupError())
    with pytest.raises(LookupError):
        await fakes.take()
    assert fakes.state == (0, 0, 0, 0)


async def test_the_least_number_is_opened_with_the_first_and_made_up_again() -> None:
    fakes = Pool(4, min_size=3)
    connection = await fakes.take()
    await turn(2)
    assert fakes.state == (3, 2, 1, 0)
    fakes.pool.expire()
    await fakes.give(connection)
    assert fakes.state == (0, 0, 0, 0)
    await fakes.take()
    await turn(2)
    assert fakes.state == (3, 2, 1, 0)


async def test_the_least_number_that_can_not_be_opened_is_nobodys_failure() -> None:
    fakes = Pool(4, min_size=3)
    door = fakes.source.shut()
    (first,) = await fakes.queue()
    fakes.source.shut().fail(ConnectionRefusedError())
    door.open()
    await first
    await turn(3)
    assert fakes.state == (1, 0, 1, 0)


# -- those that nobody gets


async def test_one_that_died_while_idle_is_replaced_silently() -> None:
    fakes = Pool(2)
    first, second = await fakes.take(), await fakes.take()
    for each in (first, second):
        await fakes.give(each)
        each.closed = True
    assert fakes.state == (0, 0, 0, 0)
    assert (await fakes.take()).number == 3
    assert fakes.state == (1, 0, 1, 0)


async def test_one_that_comes_back_dead_leaves_its_place_to_who_waits() -> None:
    fakes = Pool()
    connection = await fakes.take()
    (waiting,) = await fakes.queue()
    connection.closed = True
    await fakes.give(connection, failed=True)
    assert (await waiting).number == 2
    assert connection.cleaned == []


async def test_one_that_comes_back_in_a_transaction_is_cut() -> None:
    fakes = Pool()
    connection = await fakes.take()
    connection.in_transaction = True
    await fakes.give(connection)
    assert connection.closed
    assert fakes.state == (0, 0, 0, 0)


async def test_one_that_was_idle_for_long_is_not_lent(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = Pool()
    connection = await fakes.take()
    await fakes.give(connection)
    monkeypatch.setattr(lean_pool, "IDLE_SECONDS", 0)
    assert (await fakes.take()).number == 2
    assert connection.closed


async def test_idle_ones_are_closed_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lean_pool, "IDLE_SECONDS", 0.01)
    fakes = Pool(3)
    lent = [await fakes.take() for _ in range(3)]
    for each in lent[1:]:
        await fakes.give(each)
    async with asyncio.timeout(2):
        while not all(each.closed for each in lent[1:]):
            await asyncio.sleep(0.01)
    assert fakes.state == (1, 0, 1, 0)


async def test_the_least_number_is_made_up_when_idle_ones_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = Pool(3, min_size=1)
    first = await fakes.take()
    await fakes.give(first)
    with monkeypatch.context() as patch:
        patch.setattr(lean_pool, "IDLE_SECONDS", 0)
        fakes.pool._tidy()
    await turn(2)
    assert first.closed
    assert fakes.state == (1, 1, 0, 0)


async def test_a_pool_that_is_forgotten_is_not_kept_by_its_timers() -> None:
    fakes = Pool()
    connection = await fakes.take()
    (waiting,) = await fakes.queue()
    await fakes.give(connection)
    await fakes.give(await waiting)
    del waiting
    found = weakref.ref(fakes.pool)
    del fakes
    gc.collect()
    assert found() is None


async def test_one_given_back_twice_or_to_the_wrong_pool_is_let_be() -> None:
    fakes, others = Pool(2), Pool()
    connection = await fakes.take()
    await others.give(connection)
    for _ in range(3):
        await fakes.give(connection, failed=True)
    assert connection.cleaned == ["begun", "done"]
    assert fakes.state == (1, 1, 0, 0)
    assert others.state == (0, 0, 0, 0)
    assert [await fakes.take() for _ in range(2)] == fakes.source.opened


# -- cleaning


async def test_one_that_has_to_be_cleaned_is_lent_when_it_is_clean() -> None:
    fakes = Pool()
    connection = await fakes.take()
    fakes.source.wash = Door()
    giving = asyncio.create_task(fakes.give(connection, failed=True))
    (waiting,) = await fakes.queue()
    await turn(3)
    assert not waiting.done()
    assert fakes.state == (1, 0, 1, 1)
    await fakes.give(connection)  # twice, while it is being cleaned
    assert not waiting.done()
    fakes.source.wash.open()
    assert await waiting is connection
    assert connection.cleaned == ["begun", "done"]
    await giving


async def test_who_is_cancelled_while_giving_back_leaves_at_once_and_the_cleaning_goes_on() -> None:
    fakes = Pool()
    connection = await fakes.take()
    fakes.source.wash = Door()
    giving = asyncio.create_task(fakes.give(connection, raw=True))
    await turn(2)
    giving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await giving
    gc.collect()
    assert fakes.state == (1, 0, 1, 0)
    fakes.source.wash.open()
    await turn(2)
    assert fakes.state == (1, 1, 0, 0)


# -- expiry


async def test_expired_ones_are_not_lent_again() -> None:
    fakes = Pool(3)
    idle, lent = await fakes.take(), await fakes.take()
    await fakes.give(idle)
    door = fakes.source.shut()
    (opening,) = [asyncio.create_task(fakes.take())]
    await turn()
    assert opening.done(), "the idle one"
    (opening,) = await fakes.queue()
    await fakes.give(idle)
    fakes.pool.expire()
    assert idle.closed
    assert not lent.closed
    door.open()
    begun_before = await opening
    for each in (lent, begun_before):
        await fakes.give(each)
        assert each.closed
    fakes.source.door = None
    fresh = await fakes.take()
    await fakes.give(fresh)
    assert await fakes.take() is fresh


async def test_an_expired_one_leaves_its_place_to_who_waits() -> None:
    fakes = Pool()
    connection = await fakes.take()
    (waiting,) = await fakes.queue()
    fakes.pool.expire()
    await fakes.give(connection)
    assert (await waiting).number == 2


# -- closing


async def test_closing_sends_away_who_waits_and_lets_finish_who_has_one() -> None:
    fakes = Pool(2)
    lent, idle = await fakes.take(), await fakes.take()
    waiting = await fakes.queue(3)
    await fakes.give(idle)
    assert await waiting[0] is idle
    closing = asyncio.create_task(fakes.pool.close())
    await turn(2)
    assert [type(each.exception()) for each in waiting[1:]] == [PoolClosed, PoolClosed]
    with pytest.raises(PoolClosed):
        await fakes.take()
    await fakes.give(lent)
    await turn(2)
    assert not closing.done()
    assert not idle.closed
    await fakes.give(idle, failed=True)
    await closing
    assert [lent.closed, idle.closed] == [True, True]
    assert fakes.state == (0, 0, 0, 0)
    await fakes.pool.close()


async def test_closing_closes_the_idle_ones() -> None:
    fakes = Pool(3)
    for each in [await fakes.take() for _ in range(3)]:
        await fakes.give(each)
    await fakes.pool.close()
    assert all(each.closed for each in fakes.source.opened)
    assert fakes.state == (0, 0, 0, 0)


async def test_closing_ends_what_is_being_opened() -> None:
    fakes = Pool(2, min_size=2)
    await fakes.pool.close()
    fakes = Pool(2)
    fakes.source.shut()
    opening = await fakes.queue(3)
    await fakes.pool.close()
    results = await asyncio.gather(*opening, return_exceptions=True)
    assert [type(each) for each in results] == [PoolClosed] * 3
    assert fakes.state == (0, 0, 0, 0)


async def test_one_that_was_opened_as_the_pool_closed_is_cut() -> None:
    fakes = Pool()
    door = fakes.source.shut()
    (opening,) = await fakes.queue()
    door.open()
    await fakes.pool.close()
    results = await asyncio.gather(opening, return_exceptions=True)
    assert len(fakes.source.opened) == 1
    assert all(each.closed for each in fakes.source.opened)
    assert [type(each) for each in results] == [PoolClosed]
    assert fakes.state == (0, 0, 0, 0)


async def test_a_place_that_was_handed_over_as_the_pool_closed_is_given_up() -> None:
    fakes = Pool()
    connection = await fakes.take()
    (waiting,) = await fakes.queue()
    connection.closed = True
    await fakes.give(connection)
    await fakes.pool.close()
    with pytest.raises(PoolClosed):
        await waiting
    assert fakes.source.asked == 1
    assert fakes.state == (0, 0, 0, 0)


async def test_closing_cuts_what_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lean_pool, "CLOSE_SECONDS", 0.02)
    fakes = Pool(2)
    lent, returning = await fakes.take(), await fakes.take()
    fakes.source.wash = Door()
    giving = asyncio.create_task(fakes.give(returning, failed=True))
    await fakes.pool.close()
    assert [lent.closed, returning.closed] == [True, True]
    fakes.source.wash.open()
    await giving
    await fakes.give(lent)
    assert fakes.state == (0, 0, 0, 0)


async def test_closing_that_is_cancelled_cuts_at_once() -> None:
    fakes = Pool()
    lent = await fakes.take()
    closing = asyncio.create_task(fakes.pool.close())
    await turn()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert lent.closed
