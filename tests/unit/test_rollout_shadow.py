"""Shadow reads: what they find, what they take for noise or a race, and that no caller ever waits for them."""

import asyncio
import contextvars
import datetime as dt
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import attrs
import pytest
import pytest_asyncio

from homeport.domain.expenses import Expense
from homeport.domain.governance import SystemConfig
from homeport.domain.pam import MemoryType, PamMemory
from homeport.kernel.capabilities import Capability
from homeport.kernel.entity import Entity
from homeport.kernel.errors import QueryError, RepositoryUnavailableError
from homeport.kernel.operation import many_rows, one_row
from homeport.kernel.predicates import eq, exists, lower, not_, one_of
from homeport.kernel.query import Delete, Order, Select
from homeport.kernel.table import column
from homeport.kernel.types import NumericType, single
from homeport.kernel.units import DEFAULT_UNIT, Isolation, UnitOptions, Wait
from homeport.ports.store import Unit
from homeport.repositories.expenses import EXPENSE, EXPENSES
from homeport.repositories.governance import SYSTEM_CONFIG
from homeport.repositories.pam import MEMORY
from homeport.repositories.users import USER, USERS
from homeport.rollout.compare import Count, Fetch, Kind, Read, Run
from homeport.rollout.shadow import Mismatch, Shadow, Tally
from homeport.rollout.shapes import shape_of
from homeport.testing import a_user, an_expense, memory
from tests.support.flaky import Flaky

NOW = dt.datetime(2026, 5, 1, 9, tzinfo=dt.UTC)
TOKYO = dt.timezone(dt.timedelta(hours=9))
SECRET = "hunter2"
ORDERED: Select[Any] = Select("expenses.find_many", EXPENSE, order=(Order("created_at"), Order("id")))
UNORDERED: Select[Any] = Select("expenses.find_by_id", EXPENSE)
ROWS = [
    Expense(
        id=uuid.UUID(int=number),
        user_id=uuid.UUID(int=99),
        amount=Decimal("12.50"),
        category="fuel",
        description=SECRET,
        date=NOW.date(),
        tags=("a", "b"),
        created_at=NOW,
        updated_at=NOW,
    )
    for number in range(1, 6)
]


@attrs.frozen(kw_only=True)
class Total(Entity):
    category: str
    amount: Decimal


_MONEY = {"amount": column(NumericType())}
LOOK = one_row("expenses.look", Total, Total, writes=False, results=_MONEY)
TOTALS = many_rows("expenses.totals", Total, Total, writes=False, results=_MONEY)
ASKED = Total(category="fuel", amount=Decimal(1))


class Answering(Flaky):
    """Answers every read with `answer`, or with what that makes when it is awaited."""

    def __init__(self, answer: object = None) -> None:
        super().__init__()
        self.answer = answer
        self.units: list[UnitOptions] = []

    async def _said(self) -> Any:
        return await self.answer() if callable(self.answer) else self.answer

    async def fetch(self, query: Select[Any], /) -> Any:
        self._answer("fetch")
        return await self._said()

    async def count(self, query: Select[Any], /) -> Any:
        self._answer("count")
        return await self._said()

    async def run(self, operation: Any, parameter: Any, /) -> Any:
        self._answer("run")
        return await self._said()

    @asynccontextmanager
    async def transaction(self, options: UnitOptions = DEFAULT_UNIT, /) -> AsyncIterator[Unit]:
        self.units.append(options)
        yield self


@pytest_asyncio.fixture(loop_scope="session")
async def made() -> AsyncIterator[Callable[..., Shadow]]:
    shadows: list[Shadow] = []

    def make(**given: Any) -> Shadow:
        shadows.append(Shadow("expenses", **given))
        return shadows[-1]

    yield make
    for each in shadows:
        await each.close()


Made = Callable[..., Shadow]


async def found(
    made: Made, first: object, second: object, read: Read | None = None, again: object = None
) -> list[tuple[Kind, tuple[str, ...]]]:
    """What is told of these two answers; `again` is the primary's when it is asked a second time."""
    shadow = made()
    shadow.offer(
        Fetch(ORDERED) if read is None else read, first, Answering(first if again is None else again), Answering(second)
    )
    await shadow.settled()
    return [(each.kind, each.fields) for each in shadow.recent]


def changed(row: Any, **changes: object) -> Any:
    return attrs.evolve(row, **changes)


# -- what is found


async def test_equal_answers_are_counted_and_nothing_is_told(made: Made) -> None:
    shadow = made()
    shadow.offer(Fetch(ORDERED), ROWS, Answering(), Answering(list(ROWS)))
    shadow.offer(Count(ORDERED), 5, Answering(), Answering(5))
    shadow.offer(Run(TOTALS, ASKED), [ASKED], Answering(), Answering([ASKED]))
    shadow.offer(Run(LOOK, ASKED), None, Answering(), Answering(None))
    await shadow.settled()
    assert shadow.totals == Tally(offered=4, equal=4)
    assert list(shadow.recent) == []


async def test_a_row_that_is_missing_and_one_too_many(made: Made) -> None:
    assert await found(made, ROWS, ROWS[1:]) == [(Kind.MISSING_ROW, ())]
    assert await found(made, ROWS[1:], ROWS) == [(Kind.EXTRA_ROW, ())]
    assert await found(made, ROWS[:1], ROWS[1:2]) == [(Kind.MISSING_ROW, ()), (Kind.EXTRA_ROW, ())]


async def test_a_doubled_row_is_one_too_many(made: Made) -> None:
    assert await found(made, ROWS, [*ROWS, ROWS[0]]) == [(Kind.EXTRA_ROW, ())]


async def test_another_order_where_one_was_asked_for(made: Made) -> None:
    assert await found(made, ROWS, ROWS[::-1]) == [(Kind.ORDER, ())]
    assert await found(made, ROWS, ROWS[::-1], Fetch(UNORDERED)) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", Decimal("12.51")),
        ("amount", Decimal("12.504")),
        ("description", None),
        ("description", SECRET.upper()),
        ("tags", ("b", "a")),
        ("tags", None),
        ("created_at", NOW + dt.timedelta(microseconds=1)),
        ("created_at", NOW.replace(tzinfo=None)),
        ("created_at", NOW.replace(tzinfo=TOKYO)),
        ("date", dt.date(2026, 5, 2)),
    ],
)
async def test_a_field_that_differs_is_named(made: Made, field: str, value: object) -> None:
    assert await found(made, ROWS, [*ROWS[:-1], changed(ROWS[-1], **{field: value})]) == [(Kind.FIELD, (field,))]


async def test_several_fields_of_one_row_are_told_together(made: Made) -> None:
    other = changed(ROWS[0], amount=Decimal(1), vendor="x")
    assert await found(made, ROWS, [other, *ROWS[1:]]) == [(Kind.FIELD, ("amount", "vendor"))]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", Decimal("12.5")),
        ("amount", Decimal("12.5000")),
        ("created_at", NOW.astimezone(TOKYO)),
        ("tags", ["a", "b"]),
    ],
)
async def test_another_form_of_one_value_is_no_difference(made: Made, field: str, value: object) -> None:
    assert await found(made, ROWS[:1], [changed(ROWS[0], **{field: value})]) == []


def _config(value: object) -> SystemConfig:
    return SystemConfig(key="k", value=value, created_at=NOW, updated_at=NOW)


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        ({"a": 1, "b": [1.5, None]}, {"b": [1.5, None], "a": 1}, True),
        (0.1 + 0.2, 0.3, True),
        (1, 1.0, True),
        (Decimal("1.50"), 1.5, True),
        ({"a": True}, {"a": 1}, False),
        (0, False, False),
        (0.3, 0.3001, False),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        ("1", 1, False),
        ({}, [], False),
    ],
)
async def test_json_is_compared_by_what_it_says(made: Made, first: object, second: object, equal: bool) -> None:
    read = Fetch(Select("system_config.find_many", SYSTEM_CONFIG, order=(Order("key"),)))
    differences = await found(made, [_config(first)], [_config(second)], read)
    assert differences == ([] if equal else [(Kind.FIELD, ("value",))])


async def test_single_precision_is_compared_as_such(made: Made) -> None:
    def row(score: float) -> PamMemory:
        return PamMemory(
            id=uuid.UUID(int=1),
            user_id=uuid.UUID(int=2),
            memory_type=MemoryType(next(iter(MemoryType))),
            content={},
            content_text="",
            importance_score=score,
            created_at=NOW,
            updated_at=NOW,
        )

    read = Fetch(Select("pam_memories.find_many", MEMORY, order=(Order("id"),)))
    assert await found(made, [row(0.8)], [row(single(0.8))], read) == []
    assert await found(made, [row(0.8)], [row(0.8001)], read) == [(Kind.FIELD, ("importance_score",))]


async def test_counts_differ(made: Made) -> None:
    assert await found(made, 5, 6, Count(ORDERED)) == [(Kind.COUNT, ())]


async def test_rows_of_an_operation_without_a_key_are_told_by_all_they_hold(made: Made) -> None:
    fuel, food = Total(category="fuel", amount=Decimal("1.0")), Total(category="food", amount=Decimal(2))
    read = Run(TOTALS, ASKED)
    assert await found(made, [fuel, food], [changed(fuel, amount=Decimal("1.00")), food], read) == []
    assert await found(made, [fuel, food], [food, fuel], read) == [(Kind.ORDER, ())]
    assert await found(made, [fuel, fuel], [fuel], read) == [(Kind.MISSING_ROW, ())]
    assert await found(made, fuel, None, Run(LOOK, ASKED)) == [(Kind.MISSING_ROW, ())]


# -- what is told


async def test_a_mismatch_is_told_by_names_and_hashes_alone(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    told: list[Mismatch] = []
    shadow = made(told=told.append, key=b"one for all")
    candidate = Answering([changed(ROWS[0], description="other", amount=Decimal("77.01")), *ROWS[1:]])
    for _ in range(3):
        shadow.offer(Fetch(ORDERED), ROWS, Answering(ROWS), candidate)
    await shadow.settled()
    (mismatch,) = set(told)
    assert len(told) == 3
    assert attrs.asdict(mismatch) == {
        "domain": "expenses",
        "statement": "expenses.find_many",
        "adapter": "postgres",
        "shape": mismatch.shape,
        "kind": Kind.FIELD,
        "key": mismatch.key,
        "fields": ("amount", "description"),
    }
    for text in (SECRET, "other", "77.01", "12.5", str(ROWS[0].id), "99"):
        assert text not in f"{mismatch} {caplog.text}"
    assert len(caplog.records) == 1  # that kind of mismatch is logged once
    assert caplog.text.isprintable() or "\n" in caplog.text


async def test_hashes_of_rows_agree_where_the_key_is_shared(made: Made) -> None:
    async def key(**given: Any) -> str:
        shadow = made(**given)
        shadow.offer(Fetch(ORDERED), ROWS[:1], Answering(ROWS[:1]), Answering([]))
        await shadow.settled()
        return shadow.recent[0].key

    assert await key(key=b"a") == await key(key=b"a") != await key(key=b"b")
    assert await key() != await key()


async def test_only_the_first_differences_of_one_answer_are_told(made: Made) -> None:
    rows = [changed(ROWS[0], id=uuid.uuid4()) for _ in range(300)]
    assert await found(made, rows, []) == [(Kind.MISSING_ROW, ())] * 10


def test_a_shape_has_no_values_and_is_the_same_for_all_callers() -> None:
    def asked(user: str, *values: str) -> str:
        where = eq("user_id", user) if not values else one_of(lower("category"), values)
        inner = not_(exists(USER, {"id": "user_id"}, eq("email", user)))
        return shape_of(Select("expenses.find_many", EXPENSE, where, limit=3)) + shape_of(
            Select("expenses.find_many", EXPENSE, inner)
        )

    assert asked("a") == asked("b") != asked("a", "x") == asked("b", "x", "y")
    assert SECRET not in asked(SECRET, SECRET)
    assert shape_of(ORDERED) != shape_of(UNORDERED)


# -- races


async def test_a_write_in_between_is_a_race(made: Made) -> None:
    shadow = made()
    newer = [*ROWS[:-1], changed(ROWS[-1], amount=Decimal(99))]
    shadow.offer(Fetch(ORDERED), ROWS, Answering(newer), Answering(newer))
    await shadow.settled()
    assert shadow.totals == Tally(offered=1, races=1)
    assert list(shadow.recent) == []


async def test_the_primary_is_asked_again_only_after_a_mismatch(made: Made) -> None:
    shadow, primary = made(), Answering(ROWS)
    shadow.offer(Fetch(ORDERED), ROWS, primary, Answering(ROWS))
    await shadow.settled()
    assert primary.calls == []
    shadow.offer(Fetch(ORDERED), ROWS, primary, Answering([]))
    await shadow.settled()
    assert (primary.calls, shadow.totals.mismatches) == (["fetch"], 1)


async def test_a_real_concurrent_write_is_a_race_and_a_lost_row_is_found(made: Made) -> None:
    primary = memory(["expenses"])
    user = await a_user(primary)
    expense = await an_expense(primary, user_id=user.id)
    shadow, session = made(), primary.store(EXPENSES)
    rows = await session.fetch(ORDERED)
    await primary.expenses.delete_expense(expense.id, user.id)
    shadow.offer(Fetch(ORDERED), rows, session, session)
    await shadow.settled()
    assert shadow.totals == Tally(offered=1, races=1)
    await an_expense(primary, user_id=user.id)
    shadow.offer(Fetch(ORDERED), await session.fetch(ORDERED), session, memory(["expenses"]).store(EXPENSES))
    await shadow.settled()
    assert [each.kind for each in shadow.recent] == [Kind.MISSING_ROW]


async def test_the_primary_is_compared_with_itself(made: Made) -> None:
    shadow = made(itself=True)
    primary, candidate = Answering([]), Answering([])
    shadow.offer(Fetch(ORDERED), ROWS, primary, candidate)
    await shadow.settled()
    assert (primary.calls, candidate.calls) == (["fetch"] * 2, [])
    assert shadow.totals.races == 1


# -- a candidate in trouble


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def test_a_candidate_that_hangs_costs_callers_nothing(made: Made) -> None:
    shadow = made(workers=2, waiting=5, deadline=0.05)
    candidate = Answering(forever)
    before = time.perf_counter()
    for _ in range(50):
        shadow.offer(Fetch(ORDERED), ROWS, Answering(ROWS), candidate)
    assert time.perf_counter() - before < 0.05
    assert candidate.calls == []  # nothing of it has happened in the caller's time
    await asyncio.sleep(0.01)
    assert candidate.calls == ["fetch"] * 2
    assert (shadow.totals.offered, shadow.totals.dropped) == (50, 45)
    await shadow.settled()
    assert shadow.totals.late == 5
    assert list(shadow.recent) == []


async def test_a_candidate_that_raises_is_told_by_the_class(made: Made) -> None:
    shadow, candidate = made(), Answering(ROWS)
    candidate.planned = [RepositoryUnavailableError(SECRET), ZeroDivisionError(SECRET), asyncio.CancelledError()]
    for _ in range(4):
        shadow.offer(Fetch(ORDERED), ROWS, Answering(ROWS), candidate)
    await shadow.settled()
    assert [(each.kind, each.fields) for each in shadow.recent] == [
        (Kind.ERROR, ("RepositoryUnavailableError",)),
        (Kind.ERROR, ("ZeroDivisionError",)),
    ]
    assert shadow.totals == Tally(offered=4, failed=2, broken=1, equal=1)
    assert SECRET not in str(shadow.recent)


async def test_a_slow_candidate_is_late(made: Made) -> None:
    async def slowly() -> list[Expense]:
        await asyncio.sleep(0.03)
        return ROWS

    shadow = made(deadline=0.01)
    shadow.offer(Fetch(ORDERED), ROWS, Answering(ROWS), Answering(slowly))
    await shadow.settled()
    shadow.deadline = 1
    shadow.offer(Fetch(ORDERED), ROWS, Answering(ROWS), Answering(slowly))
    await shadow.settled()
    assert shadow.totals == Tally(offered=2, late=1, equal=1)


async def test_what_is_broken_in_one_comparison_leaves_the_others(made: Made) -> None:
    def broken(_: Mismatch) -> None:
        raise RuntimeError(SECRET)

    shadow, primary = made(told=broken), Answering(ROWS)
    primary.planned = [RepositoryUnavailableError(SECRET)]
    for second in ([], [], ROWS):
        shadow.offer(Fetch(ORDERED), ROWS, primary, Answering(second))
    await shadow.settled()
    assert shadow.totals == Tally(offered=3, mismatches=1, broken=2, equal=1)


# -- what is asked of the candidate


async def test_the_candidate_is_asked_in_a_transaction_that_can_not_write(made: Made) -> None:
    shadow, candidate = made(), Answering(ROWS)
    shadow.offer(Fetch(ORDERED), ROWS, Answering(ROWS), candidate)
    await shadow.settled()
    assert candidate.units == [UnitOptions(isolation=Isolation.REPEATABLE_READ, read_only=True)]


async def test_what_only_claims_to_read_is_refused_there(made: Made) -> None:
    db = memory(["users"])
    await a_user(db)

    @attrs.frozen
    class Liar:
        statement: str = "users.read"
        comparable: bool = True

        def shape(self) -> str:
            return self.statement

        async def ask(self, store: Any, /) -> object:
            return await store.delete(Delete("users.read", USER, eq("email_verified", False)))

        async def differences(self, first: object, second: object, _: Any, /) -> list[Any]:
            return []

    shadow = made()
    shadow.offer(Liar(), 1, Answering(), db.store(USERS))
    await shadow.settled()
    assert [(each.kind, each.fields) for each in shadow.recent] == [(Kind.ERROR, (QueryError.__name__,))]
    assert await db.users.users.count() == 1


async def test_an_adapter_without_transactions_is_asked_plainly(made: Made) -> None:
    shadow, candidate = made(), Answering(ROWS)
    candidate.capabilities = Capability(0)
    shadow.offer(Fetch(ORDERED), ROWS, Answering(ROWS), candidate)
    await shadow.settled()
    assert (candidate.units, candidate.calls, shadow.totals.equal) == ([], ["fetch"], 1)


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        (Fetch(attrs.evolve(UNORDERED, limit=2)), ROWS[:2]),
        (Fetch(attrs.evolve(UNORDERED, offset=2)), ROWS[2:]),
        (Fetch(attrs.evolve(ORDERED, lock=Wait.WAIT)), ROWS),
        (Fetch(ORDERED), [ROWS[0]] * 1001),
        (Run(one_row("expenses.pay", Total, Total, writes=True), ASKED), None),
    ],
)
async def test_what_can_not_be_compared_is_passed_over(made: Made, read: Read, answer: object) -> None:
    shadow, candidate = made(), Answering(answer)
    shadow.offer(read, answer, Answering(answer), candidate)
    await shadow.settled()
    assert (candidate.calls, shadow.totals) == ([], Tally(offered=1, passed=1))


async def test_a_sample_is_compared(made: Made) -> None:
    shadow = made(rng=random.Random(1), waiting=2000)
    for _ in range(1000):
        shadow.offer(Count(ORDERED), 1, Answering(1), Answering(1), 0.1)
    await shadow.settled()
    assert 70 < shadow.totals.offered < 130
    assert shadow.totals.equal == shadow.totals.offered


# -- its life


async def test_what_was_counted_is_drained_once(made: Made) -> None:
    shadow = made()
    shadow.offer(Count(ORDERED), 1, Answering(1), Answering(1))
    await shadow.settled()
    assert shadow.drain() == Tally(offered=1, equal=1)
    shadow.offer(Count(ORDERED), 1, Answering(1), Answering(2))
    await shadow.settled()
    assert (shadow.drain(), shadow.drain()) == (Tally(offered=1, mismatches=1), Tally())
    assert shadow.totals.offered == 2


async def test_the_workers_know_nothing_of_the_first_caller(made: Made) -> None:
    caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="nobody")
    seen = []

    async def look() -> int:
        seen.append(caller.get())
        return 1

    shadow = made()
    token = caller.set("somebody")
    shadow.offer(Count(ORDERED), 1, Answering(1), Answering(look))
    caller.reset(token)
    await shadow.settled()
    assert seen == ["nobody"]


async def test_a_closed_one_ends_what_is_under_way_and_takes_no_more(made: Made) -> None:
    shadow, candidate = made(), Answering(forever)
    for _ in range(3):
        shadow.offer(Fetch(ORDERED), ROWS, Answering(ROWS), candidate)
    await asyncio.sleep(0.01)
    tasks = asyncio.all_tasks()
    await shadow.close()
    await shadow.close()
    assert len(tasks) == len(asyncio.all_tasks()) + 1
    shadow.offer(Fetch(ORDERED), ROWS, Answering(ROWS), candidate)
    assert shadow.totals.offered == 3


async def test_closing_does_not_wait_for_ever(made: Made) -> None:
    async def stubborn() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                continue

    shadow = made(deadline=0.05)
    shadow.offer(Fetch(ORDERED), ROWS, Answering(ROWS), Answering(stubborn))
    await asyncio.sleep(0.01)
    before = time.perf_counter()
    await shadow.close()
    assert time.perf_counter() - before < 0.15
    await asyncio.sleep(0.25)


def test_it_works_in_another_loop_too() -> None:
    shadow = Shadow("expenses")

    async def once() -> None:
        shadow.offer(Count(ORDERED), 1, Answering(1), Answering(1))
        await shadow.settled()

    asyncio.run(once())
    asyncio.run(once())
    assert shadow.totals.equal == 2


async def test_long_answers_give_the_loop_its_turn(made: Made) -> None:
    rows = [changed(ROWS[0], id=uuid.uuid4()) for _ in range(1000)]
    turns: list[float] = []

    async def ticking() -> None:
        while True:
            turns.append(time.perf_counter())
            await asyncio.sleep(0)

    ticker = asyncio.ensure_future(ticking())
    shadow = made()
    shadow.offer(Fetch(ORDERED), rows, Answering(rows), Answering(list(rows)))
    await shadow.settled()
    ticker.cancel()
    assert (shadow.totals.equal, len(turns) > 10) == (1, True)
