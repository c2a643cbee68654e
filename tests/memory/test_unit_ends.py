"""The ends of units and of savepoints, units that only read, and what waits for all units to have ended."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from homeport.adapters.memory import MemoryStore
from homeport.kernel.errors import (
    PoolClosed,
    QueryError,
    UniqueViolation,
)
from homeport.kernel.units import Isolation
from tests.memory.hands import Hand, begun, codes, crate
from tests.support.specimens import StoredSpecimens

# -- savepoints


async def test_a_savepoint_takes_back_what_was_done_in_it_alone(
    store: MemoryStore, stored: StoredSpecimens, level: Isolation
) -> None:
    first = await crate(stored, "a")
    one = await begun(store, level)
    await crate(one, "b")
    for interrupted in (False, True):
        with pytest.raises(UniqueViolation):
            async with one.unit.savepoint():
                await one.crates.delete(first.id)
                await crate(one, "c")
                if interrupted:
                    assert await codes(stored) == ["a"]
                await crate(one, "c")
        assert await codes(one) == ["a", "b"]
        if interrupted:
            assert await codes(stored) == ["a"]
        assert await codes(one) == ["a", "b"]
    async with one.unit.savepoint():
        await crate(one, "d")
    await one.commit()
    assert await codes(stored) == ["a", "b", "d"]
    assert store.engine.check() == []


@pytest.mark.parametrize("interrupted", [False, True])
async def test_savepoints_nest(
    store: MemoryStore, stored: StoredSpecimens, level: Isolation, *, interrupted: bool
) -> None:
    async def deeper(one: Hand, depth: int) -> None:
        if depth == 20:
            return
        with suppress(LookupError):
            async with one.unit.savepoint():
                await crate(one, f"{depth:02}")
                if interrupted and depth % 2:
                    assert await codes(stored) == []
                await deeper(one, depth + 1)
                if depth % 5 == 4:
                    raise LookupError

    one = await begun(store, level)
    await deeper(one, 0)
    assert await codes(one) == ["00", "01", "02", "03"]
    await one.commit()
    assert await codes(stored) == ["00", "01", "02", "03"]
    assert store.engine.check() == []


# -- read only, and ends


async def test_a_unit_that_is_read_only_reads_and_nothing_more(
    store: MemoryStore, stored: StoredSpecimens, level: Isolation
) -> None:
    first = await crate(stored, "a")
    one = await begun(store, level, read_only=True)
    assert await codes(one) == ["a"]
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: crate(one, "b"),
        lambda: one.crates.update_many({"code": "nothing"}, {"version": 2}),
        lambda: one.crates.bulk_update([(first.id, {"version": 2})]),
        lambda: one.crates.delete(first.id),
        lambda: one.crates.upsert({"code": "a"}, target=["code"]),
        lambda: one.crates.for_update().find_many(),
    ]
    for call in calls:
        with pytest.raises(QueryError) as caught:
            await call()
        assert caught.value.code == "25006"
    await one.commit()
    assert await codes(stored) == ["a"]


async def test_an_ended_unit_serves_nobody(store: MemoryStore, level: Isolation) -> None:
    one, other = await begun(store, level), await begun(store, level)
    await one.commit()
    await other.rollback()
    for each in (one, other):
        with pytest.raises(QueryError, match="ended"):
            await codes(each)


async def test_marks_wait_for_the_end_of_units(store: MemoryStore, stored: StoredSpecimens, level: Isolation) -> None:
    mark = store.mark()
    one = await begun(store, level)
    await crate(one, "a")
    assert store.engine.check() == ["1 units are open", "2 locks are held"]
    with pytest.raises(QueryError, match="units are open"):
        store.mark()
    with pytest.raises(QueryError, match="units are open"):
        store.restore(mark)
    await one.commit()
    assert await codes(stored) == ["a"]
    store.restore(mark)
    assert await codes(stored) == []
    assert store.engine.check() == []


async def test_a_mark_is_a_way_back_past_units(store: MemoryStore, stored: StoredSpecimens, level: Isolation) -> None:
    await crate(stored, "a")
    mark = store.mark()
    one, other = await begun(store, level), await begun(store, level)
    await crate(one, "b")
    await crate(other, "c")
    await crate(stored, "d")
    await one.commit()
    await other.rollback()
    assert await codes(stored) == ["a", "b", "d"]
    store.restore(mark)
    assert await codes(stored) == ["a"]
    assert store.engine.check() == []


async def test_close_rolls_open_units_back(store: MemoryStore, stored: StoredSpecimens, level: Isolation) -> None:
    await store.ping()
    one = await begun(store, level)
    await crate(one, "a")
    await store.close()
    assert store.engine.check() == []
    assert not store.engine.heaps[1].rows
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: codes(one),
        lambda: codes(stored),
        one.commit,
        store.ping,
        lambda: begun(store, level),
    ]
    for call in calls:
        with pytest.raises(PoolClosed):
            await call()
    await store.close()


async def test_a_unit_alone_stays_where_it_is(store: MemoryStore, stored: StoredSpecimens, level: Isolation) -> None:
    """Its rows are laid on top once, however many steps it makes, and taken away by others' steps alone."""
    one = await begun(store, level)
    visits = []
    for number in range(5):
        await crate(one, str(number))
        visits.append(one.unit._unit.visit)  # type: ignore[attr-defined]  # the memory unit's own
    await codes(stored)
    await codes(one)
    assert [*visits, one.unit._unit.visit] == [1, 1, 1, 1, 1, 2]  # type: ignore[attr-defined]
    await one.commit()
