"""Retries: what is tried again, how often and how long; and that a broken database is not drowned in them."""

import asyncio
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from homeport.kernel import errors
from homeport.kernel.entity import Entity
from homeport.kernel.errors import (
    Deadlock,
    LockTimeout,
    OutcomeUnknown,
    RepositoryError,
    RepositoryUnavailableError,
    SerializationConflict,
    StaleVersion,
    UniqueViolation,
)
from homeport.kernel.identity import ANON
from homeport.kernel.operation import one_row
from homeport.kernel.query import Insert, Select
from homeport.middleware.retry import RetriedStore, Retries, UnitRetry
from homeport.ports.store import Session, Unit
from homeport.repositories.users import USER
from tests.support.flaky import Flaky


@attrs.frozen(kw_only=True)
class Look(Entity):
    id: int


LOST = RepositoryUnavailableError("the connection was lost", code="08006")
QUERY: Select[Any] = Select("users.find_many", USER)
ADD = Insert("users.create", USER, ({"email": "a@example.com"},))
READ = one_row("users.look", Look, Look, writes=False)
WRITE = one_row("users.change", Look, Look, writes=True)


class Time:
    """A clock that only sleeping and working move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def retries(
    time: Time, *, attempts: int = 3, delay: float = 0.1, deadline: float = 10.0, budget: float = 0.1
) -> Retries:
    return Retries(attempts=attempts, delay=delay, deadline=deadline, budget=budget, clock=time, sleep=time.sleep)


@pytest.fixture
def time() -> Time:
    return Time()


def store(time: Time, session: Flaky, **given: Any) -> RetriedStore:
    return RetriedStore(session, retries(time, **given))


# -- single reads


async def test_a_read_that_goes_well_is_asked_once(time: Time) -> None:
    session = Flaky()
    assert await store(time, session).count(QUERY) == 7
    assert (session.calls, time.slept) == (["count"], [])


@pytest.mark.parametrize(
    "failure",
    [
        LOST,
        RepositoryUnavailableError("the schema changed under a prepared statement", code="0A000"),
        RepositoryUnavailableError("too many connections", code="53300"),
        RepositoryUnavailableError("a read-only server", code="25006"),
        SerializationConflict("a standby took the row away", code="40001"),
    ],
)
async def test_a_read_is_tried_again_after_what_proves_that_nothing_was_done(time: Time, failure: Exception) -> None:
    session = Flaky(failure, failure)
    assert await store(time, session).fetch(QUERY) == []
    assert session.calls == ["fetch"] * 3
    assert len(time.slept) == 2


@pytest.mark.parametrize("call", ["fetch", "count", "run"])
async def test_every_single_read_is_tried_again(time: Time, call: str) -> None:
    session = Flaky(LOST)
    retried = store(time, session)
    asked: dict[str, Callable[[], Any]] = {
        "fetch": lambda: retried.fetch(QUERY),
        "count": lambda: retried.count(QUERY),
        "run": lambda: retried.run(READ, Look(id=1)),
    }
    await asked[call]()
    assert session.calls == [call] * 2


@pytest.mark.parametrize("call", ["insert", "update", "update_each", "delete", "run", "execute_query", "ping"])
async def test_a_write_is_never_tried_again(time: Time, call: str) -> None:
    session = Flaky(LOST)
    retried = store(time, session)
    given: dict[str, tuple[Any, ...]] = {"run": (WRITE, Look(id=1)), "execute_query": ("select 1",), "ping": ()}
    with pytest.raises(RepositoryUnavailableError):
        await getattr(retried, call)(*given.get(call, (ADD,)))
    assert session.calls == [call]


FINAL: set[type[RepositoryError]] = {
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type)
    and issubclass(kind, RepositoryError)
    and not issubclass(kind, errors.RepositoryUnavailableError | errors.RepositoryConflictError)
} | {errors.PoolClosed, StaleVersion}


@pytest.mark.parametrize("kind", sorted(FINAL, key=str))
async def test_other_errors_are_raised_at_once(time: Time, kind: type[RepositoryError]) -> None:
    session = Flaky(kind("x"))
    with pytest.raises(kind):
        await store(time, session).fetch(QUERY)
    assert (session.calls, time.slept) == (["fetch"], [])


async def test_errors_that_are_not_ours_are_raised_at_once(time: Time) -> None:
    session = Flaky(OSError("a bug of an adapter"))
    with pytest.raises(OSError, match="a bug"):
        await store(time, session).fetch(QUERY)
    assert session.calls == ["fetch"]


async def test_the_last_error_is_raised_after_the_last_attempt(time: Time) -> None:
    session = Flaky(LOST, LOST, RepositoryUnavailableError("third"), LOST)
    with pytest.raises(RepositoryUnavailableError, match="third"):
        await store(time, session).fetch(QUERY)
    assert session.calls == ["fetch"] * 3


async def test_an_error_of_another_kind_ends_the_retries(time: Time) -> None:
    session = Flaky(LOST, UniqueViolation("x"))
    with pytest.raises(UniqueViolation):
        await store(time, session, attempts=9).fetch(QUERY)
    assert session.calls == ["fetch"] * 2


async def test_waits_are_random_and_grow(time: Time) -> None:
    for _ in range(9):
        await store(time, Flaky(*[LOST] * 5), attempts=6, deadline=100.0).fetch(QUERY)
    waits = [time.slept[start::5] for start in range(5)]
    for doubled, some in enumerate(waits):
        assert len(set(some)) == 9
        assert max(some) <= 0.1 * 2**doubled
    assert max(waits[4]) > 0.1


async def test_nothing_is_tried_again_after_the_deadline(time: Time) -> None:
    session = Flaky(*[LOST] * 1000)
    with pytest.raises(RepositoryUnavailableError):
        await store(time, session, attempts=1000, delay=1.0).fetch(QUERY)
    assert sum(time.slept) <= 10.0


async def test_a_slow_failure_uses_the_deadline_up(time: Time) -> None:
    session = Flaky(LOST)

    class Slow(Flaky):
        def _answer(self, call: str) -> None:
            time.now += 11
            super()._answer(call)

    session = Slow(LOST)
    with pytest.raises(RepositoryUnavailableError):
        await store(time, session).fetch(QUERY)
    assert session.calls == ["fetch"]


@pytest.mark.parametrize("off", [{"attempts": 1}, {"budget": 0.0}])
async def test_retries_are_turned_off(time: Time, off: dict[str, Any]) -> None:
    session = Flaky(LOST)
    with pytest.raises(RepositoryUnavailableError):
        await store(time, session, **off).fetch(QUERY)
    assert session.calls == ["fetch"]


async def test_a_cancelled_call_is_not_tried_again(time: Time) -> None:
    session = Flaky(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await store(time, session).fetch(QUERY)
    assert session.calls == ["fetch"]


async def test_a_call_is_cancelled_between_attempts() -> None:
    session = Flaky(*[LOST] * 9)
    retried = RetriedStore(session, Retries(attempts=9, delay=80_000, deadline=80_000, budget=1))
    task = asyncio.ensure_future(retried.fetch(QUERY))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert session.calls == ["fetch"]


# -- streams


async def test_a_stream_is_tried_again_before_its_first_row(time: Time) -> None:
    session = Flaky(LOST, LOST)
    assert [row async for row in store(time, session).stream(QUERY)] == ["a", "b"]
    assert session.calls == ["stream"] * 3
    assert session.ended == ["stream"] * 3


async def test_an_empty_stream_is_no_failure(time: Time) -> None:
    session = Flaky()
    session.rows = []
    assert [row async for row in store(time, session).stream(QUERY)] == []
    assert session.calls == ["stream"]


async def test_a_stream_that_fails_after_a_row_is_not_tried_again(time: Time) -> None:
    session = Flaky()
    rows = store(time, session).stream(QUERY)
    assert await anext(rows) == "a"
    session.planned = [LOST]
    with pytest.raises(RepositoryUnavailableError):
        await anext(rows)
    assert session.calls == ["stream"]


async def test_a_stream_that_is_left_is_ended_at_once(time: Time) -> None:
    session = Flaky()
    rows = store(time, session).stream(QUERY)
    await anext(rows)
    await rows.aclose()  # type: ignore[attr-defined]
    assert session.ended == ["stream"]


# -- a server that is down


async def test_a_server_down_for_a_minute_makes_no_storm(time: Time) -> None:
    """200 calls a second for 60 s: hardly more requests than calls, and nobody waits past the deadline."""
    session = Flaky()
    retried = store(time, session)
    for _ in range(1000):
        await retried.count(QUERY)
    session.calls.clear()
    calls, longest = 0, 0.0
    while time.now < 60:
        time.now += 1 / 200
        started, session.planned = time.now, [LOST] * 3
        with pytest.raises(RepositoryUnavailableError):
            await retried.count(QUERY)
        calls, longest = calls + 1, max(longest, time.now - started)
        assert len(time.slept) <= 10
    assert calls > 10_000
    assert len(session.calls) <= 1.1 * calls
    assert longest <= 10.0


async def test_one_in_ten_may_be_tried_again_while_others_succeed(time: Time) -> None:
    """With every other call failing the retries are a tenth of the successes, and a few kept from better times."""
    session = Flaky()
    retried = store(time, session)
    good = 0
    for _ in range(1000):
        session.planned = [LOST]
        try:
            await retried.count(QUERY)
            good += 1
        except RepositoryUnavailableError:
            pass
        await retried.count(QUERY)
        good += 1
    assert len(time.slept) <= 10 + 0.1 * good
    assert len(time.slept) >= 0.09 * good


async def test_the_budget_is_shared_by_all_scopes_and_units_of_a_database(time: Time) -> None:
    session = Flaky()
    shared = retries(time)
    both = RetriedStore(session, shared), RetriedStore(session, shared).scoped(ANON)
    for each in [*both, *both] * 10:
        session.planned = [LOST] * 3
        with pytest.raises(RepositoryUnavailableError):
            await each.count(QUERY)
    session.planned = [LOST] * 3
    with pytest.raises(RepositoryUnavailableError):
        await UnitRetry(shared).run(session.transaction, Work(LOST))
    assert len(time.slept) == 10
    assert session.scopes == [ANON]


# -- units


class Work:
    """A unit's body that raises what is planned, in order, and then answers how often it ran."""

    def __init__(self, *planned: BaseException) -> None:
        self.planned = list(planned)
        self.runs = 0

    async def __call__(self, unit: Unit) -> int:
        self.runs += 1
        if self.planned:
            raise self.planned.pop(0)
        return self.runs


@pytest.mark.parametrize(
    "failure", [SerializationConflict("x"), Deadlock("x"), LOST, RepositoryUnavailableError("read only", code="25006")]
)
async def test_a_unit_is_run_again_from_its_start(time: Time, failure: Exception) -> None:
    session = Flaky()
    assert await UnitRetry(retries(time)).run(session.transaction, Work(failure, failure)) == 3
    assert session.calls == ["begin", "begin", "begin", "commit"]
    assert session.ended == ["rollback", "rollback", "commit"]


async def test_a_unit_whose_commit_was_refused_is_run_again(time: Time) -> None:
    session, work = Flaky(SerializationConflict("x")), Work()
    assert await UnitRetry(retries(time)).run(session.transaction, work) == 2
    assert session.calls == ["begin", "commit", "begin", "commit"]


@pytest.mark.parametrize(
    "failure",
    [StaleVersion("x"), OutcomeUnknown("x"), LockTimeout("x"), errors.PoolTimeout("x"), errors.UnitAborted("x")],
)
async def test_a_unit_is_not_run_again_without_proof(time: Time, failure: RepositoryError) -> None:
    session, work = Flaky(), Work(failure)
    with pytest.raises(type(failure)):
        await UnitRetry(retries(time)).run(session.transaction, work)
    assert work.runs == 1


async def test_a_commit_of_unknown_outcome_is_not_run_again(time: Time) -> None:
    session, work = Flaky(OutcomeUnknown("x")), Work()
    with pytest.raises(OutcomeUnknown):
        await UnitRetry(retries(time)).run(session.transaction, work)
    assert work.runs == 1


async def test_lock_timeouts_are_run_again_if_asked(time: Time) -> None:
    session, work = Flaky(), Work(LockTimeout("x"))
    assert await UnitRetry(retries(time)).run(session.transaction, work, lock_timeouts=True) == 2


async def test_a_body_that_is_cancelled_is_not_run_again(time: Time) -> None:
    session, work = Flaky(), Work(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await UnitRetry(retries(time)).run(session.transaction, work)
    assert (work.runs, session.ended) == (1, ["rollback"])


# -- the store itself


async def test_calls_inside_a_unit_are_not_tried_again_alone(time: Time) -> None:
    session = Flaky()
    async with store(time, session).transaction() as unit:
        session.planned = [LOST]
        with pytest.raises(RepositoryUnavailableError):
            await unit.fetch(QUERY)
    assert session.calls == ["begin", "fetch", "commit"]


async def test_it_is_a_session_with_the_inner_ones_properties(time: Time) -> None:
    session = Flaky()
    retried: Session = store(time, session)
    assert (retried.adapter, retried.capabilities) == (session.adapter, session.capabilities)
    assert (retried.catalog, retried.cursors) == (session.catalog, session.cursors)
    await retried.close()
    assert session.calls == ["close"]


async def test_conflicts_are_bounded_by_the_deadline_alone(time: Time) -> None:
    session = Flaky(*[Deadlock("again")] * 12)
    await store(time, session, attempts=2, deadline=100_000.0).fetch(QUERY)
    assert session.calls == ["fetch"] * 13
    with pytest.raises(Deadlock):
        await store(time, Flaky(*[Deadlock("again")] * 60), attempts=2, deadline=5.0).fetch(QUERY)
