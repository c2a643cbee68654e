"""The store's own business: order, windows, streams, operations, capabilities, closing, and the clock."""

import datetime as dt
import ipaddress
import itertools
import uuid
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.adapters.memory import Step
from homeport.adapters.memory.clock import SystemClock
from homeport.kernel.binding import bind
from homeport.kernel.capabilities import Capability
from homeport.kernel.entity import Entity
from homeport.kernel.errors import InvalidField, InvalidValue, PoolClosed, QueryError, UniqueViolation, Unsupported
from homeport.kernel.operation import one_row
from homeport.kernel.predicates import FALSE, eq, is_null
from homeport.kernel.query import Insert, Moment, Order, Select, total_order
from homeport.kernel.table import Row
from tests.memory.shop import ENTRY, PERSON, Ticking, opened
from tests.support.specimens import CRATE, LABEL, SPECIMEN, Size

NAMES = ("words", "whole", "size", "flag")
SORTED_ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, "a", "B", "é", "\U0001f600", "\uffee"]),
        st.sampled_from([None, -1, 0, 1]),
        st.sampled_from([None, *Size]),
        st.sampled_from([None, True, False]),
    ),
    max_size=8,
)
TERMS = st.lists(
    st.builds(Order, st.sampled_from(NAMES), st.booleans(), st.booleans()),
    max_size=3,
    unique_by=lambda term: term.column,
)


def precedes(one: Any, other: Any, terms: tuple[Order, ...]) -> bool:
    """Whether the one row stands before the other, term by term as SQL says."""
    for term in terms:
        left, right = getattr(one, term.column), getattr(other, term.column)
        if left is None or right is None:
            if left is right:
                continue
            return (left is None) is term.nulls_first
        if isinstance(left, Size):
            left, right = list(Size).index(left), list(Size).index(right)
        left, right = (left.encode(), right.encode()) if isinstance(left, str) else (left, right)
        if left != right:
            return bool(left > right) if term.descending else bool(left < right)
    raise AssertionError("the order is total")


@settings(max_examples=150, deadline=None)
@given(rows=SORTED_ROWS, terms=TERMS, limit=st.sampled_from([None, 0, 1, 3]), offset=st.sampled_from([0, 1, 9]))
async def test_order_places_nulls_and_mixes_directions(
    rows: list[tuple[Any, ...]], terms: list[Order], limit: int | None, offset: int
) -> None:
    store = opened(SPECIMEN)
    await store.insert(Insert("t", SPECIMEN, tuple(dict(zip(NAMES, row, strict=True)) for row in rows)))
    order = total_order(SPECIMEN, terms)
    query = Select("t", SPECIMEN, order=order)
    found = await store.fetch(query)
    assert len(found) == len(rows)
    assert all(precedes(one, other, order) for one, other in itertools.pairwise(found))
    window = attrs.evolve(query, limit=limit, offset=offset)
    expected = found[offset:][:limit]
    assert await store.fetch(window) == expected
    assert await store.count(window) == len(expected)


async def test_inet_sorts_by_family_network_prefix_and_address() -> None:
    store = opened(SPECIMEN)
    texts = ["10.0.0.0/8", "10.0.0.0/16", "10.0.0.5/16", "10.0.0.0/24", "10.0.0.1", "11.0.0.0/8", "::1/64", "::2"]
    addresses = [SPECIMEN.require("address").admit(text) for text in texts]
    await store.insert(Insert("t", SPECIMEN, tuple({"address": each} for each in reversed(addresses))))
    found = await store.fetch(Select("t", SPECIMEN, order=(Order("address"),)))
    assert [row.address for row in found] == addresses
    assert found[4].address == ipaddress.ip_address("10.0.0.1")


async def test_a_stream_shows_one_moment() -> None:
    store = opened()
    await store.insert(Insert("t", CRATE, tuple({"code": code} for code in "abc")))
    seen = []
    async for row in store.stream(Select("t", CRATE, order=(Order("code"),))):
        seen.append(row.code)
        await store.insert(Insert("t", CRATE, ({"code": f"{row.code}+"},)))
    assert seen == ["a", "b", "c"]


async def test_nothing_is_asked_where_nothing_can_be_found() -> None:
    store = opened()
    await store.insert(Insert("t", CRATE, ({"code": "a"},)))
    assert await store.fetch(Select("t", CRATE, FALSE)) == []
    assert await store.fetch(Select("t", CRATE, limit=0)) == []
    assert await store.count(Select("t", CRATE, limit=0)) == 0
    assert await store.count(Select("t", CRATE, offset=5)) == 0


@attrs.frozen(kw_only=True)
class Pack:
    code: str
    person_id: uuid.UUID


@attrs.frozen(kw_only=True)
class Packed(Entity):
    labels: int


PACK = one_row("shop.pack", Pack, Packed, writes=True)


def pack(step: Step, wanted: Pack) -> list[Packed]:
    assert isinstance(wanted.person_id, uuid.UUID)
    crate = step.insert(CRATE, {"code": wanted.code})
    with_label = step.insert(LABEL, {"crate_id": crate.id, "name": "x", "created_at": step.now})
    assert with_label.created_at == with_label.updated_at == step.now
    (changed,) = step.update(LABEL, eq("id", with_label.id), {"deleted_at": Moment.NOW, "weight": 1})
    assert changed.deleted_at == step.now
    step.insert(LABEL, {"crate_id": crate.id, "name": "y"})
    assert [row.name for row in step.find(LABEL, eq("crate_id", crate.id), order="-name")] == ["y", "x"]
    assert step.delete(LABEL, is_null("weight")) == 1
    if wanted.code == "twice":
        step.insert(CRATE, {"code": wanted.code})
    return [] if wanted.code == "none" else [Packed(labels=step.find(CRATE, eq("id", crate.id))[0].labels_count)]


async def test_an_operation_is_one_step_and_leaves_nothing_when_it_fails() -> None:
    store = opened(operations=(PACK,), answers={PACK.name: pack})
    someone = uuid.uuid4()
    assert await store.run(PACK, Pack(code="a", person_id=someone)) == Packed(labels=0)
    assert await store.run(PACK, Pack(code="none", person_id=str(someone))) is None  # type: ignore[arg-type]
    assert await store.count(Select("t", CRATE)) == 2
    with pytest.raises(UniqueViolation):
        await store.run(PACK, Pack(code="twice", person_id=someone))
    assert await store.count(Select("t", CRATE)) == 2
    assert store.engine.check() == []
    with pytest.raises(InvalidValue):
        await store.run(PACK, Pack(code="b", person_id="no uuid"))  # type: ignore[arg-type]


async def test_an_operation_without_an_answer_is_refused() -> None:
    with pytest.raises(QueryError, match=r"shop\.pack"):
        opened(operations=(PACK,))
    with pytest.raises(QueryError, match=r"shop\.pack"):
        await opened().run(PACK, Pack(code="a", person_id=uuid.uuid4()))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda step: step.insert(CRATE, {"cod": "a"}),
        lambda step: step.insert(ENTRY, {"width": 1}),
        lambda step: step.update(CRATE, eq("id", 1), {"nothing": 1}),
        lambda step: step.find(CRATE, eq("nothing", 1)),
    ],
)
async def test_a_step_knows_its_columns(wrong: Callable[[Step], object]) -> None:
    def answer(step: Step, _: Pack) -> list[Packed]:
        wrong(step)
        return []

    with pytest.raises(InvalidField):
        await opened(answers={PACK.name: answer}).run(PACK, Pack(code="a", person_id=uuid.uuid4()))


async def test_raw_sql_is_the_only_closed_capability() -> None:
    store = opened()
    assert store.adapter == "memory"
    assert store.capabilities == ~Capability.RAW_SQL
    with pytest.raises(Unsupported):
        await store.execute_query("select 1")


async def test_after_close_every_call_says_so() -> None:
    store = opened(answers={PACK.name: pack})
    await store.close()
    await store.close()
    row: Row = {"code": "a"}
    calls: list[Callable[[], Any]] = [
        lambda: store.fetch(Select("t", CRATE)),
        lambda: store.count(Select("t", CRATE)),
        lambda: store.insert(Insert("t", CRATE, (row,))),
        lambda: store.run(PACK, Pack(code="a", person_id=uuid.uuid4())),
        lambda: anext(store.stream(Select("t", CRATE))),
    ]
    for call in calls:
        with pytest.raises(PoolClosed):
            await call()
    with pytest.raises(PoolClosed):
        store.mark()


def test_the_system_clock_only_goes_forward() -> None:
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    readings = iter([start, start, start - dt.timedelta(hours=1), start + dt.timedelta(seconds=1)])
    clock = SystemClock(lambda: next(readings))
    tick = dt.timedelta(microseconds=1)
    assert [clock() for _ in range(4)] == [start, start + tick, start + 2 * tick, start + dt.timedelta(seconds=1)]
    assert SystemClock()().utcoffset() == dt.timedelta(0)


async def test_an_injected_clock_is_taken_as_it_is_but_for_its_zone() -> None:
    clock = Ticking()
    store = opened(clock=clock)
    rows = [(await store.insert(Insert("t", PERSON, ({"handle": name},)))).rows[0] for name in "ab"]
    assert rows[0].created_at == rows[1].created_at == clock.now
    clock.now = clock.now.astimezone(dt.timezone(dt.timedelta(hours=9)))
    later = (await store.insert(Insert("t", PERSON, ({"handle": "c"},)))).rows[0]
    assert later.created_at.tzinfo is dt.UTC
    clock.now = dt.datetime(2026, 1, 1)
    with pytest.raises(QueryError):
        await store.insert(Insert("t", PERSON, ({"handle": "d"},)))


async def test_a_shape_is_compiled_once_and_values_stay_apart() -> None:
    store = opened()
    await store.insert(Insert("t", CRATE, ({"code": "a", "shelf": "x"}, {"code": "b", "shelf": "y"})))
    found = [
        [row.code for row in await store.fetch(Select("t", CRATE, bind(eq("shelf", shelf), CRATE, store.catalog)))]
        for shelf in "xyz"
    ]
    assert found == [["a"], ["b"], []]
