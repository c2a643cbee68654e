"""Locks: who waits for whom, in which order, for how long, and who gives in."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from homeport.adapters.memory import MemoryStore
from homeport.kernel.errors import (
    ForeignKeyViolation,
    LockTimeout,
    QueryError,
    SerializationConflict,
    UniqueViolation,
)
from homeport.kernel.units import Wait
from tests.memory.hands import (
    RR,
    begun,
    blocked,
    change,
    crate,
    ended,
    hold,
    read,
    refer,
    remove,
    rename,
    turns,
)
from tests.memory.shop import opened
from tests.support.specimens import Crate, StoredSpecimens, labels

Call = Callable[[StoredSpecimens, Crate], Awaitable[Any]]


@pytest.mark.parametrize(
    ("held", "wanted", "waits"),
    [
        (change, change, True),
        (change, rename, True),
        (change, remove, True),
        (change, hold, True),
        (change, refer, False),
        (change, read, False),
        (rename, refer, True),
        (remove, refer, True),
        (hold, change, True),
        (hold, refer, True),
        (hold, hold, True),
        (hold, read, False),
        (refer, change, False),
        (refer, rename, True),
        (refer, remove, True),
        (refer, hold, True),
    ],
)
async def test_what_waits_for_what(
    store: MemoryStore, stored: StoredSpecimens, held: Call, wanted: Call, *, waits: bool
) -> None:
    row, _ = await crate(stored, "a"), await crate(stored, "b")
    one, other = await begun(store), await begun(store)
    await held(one, row)
    task = asyncio.ensure_future(wanted(other, row))
    await turns()
    assert task.done() is not waits
    await one.rollback()
    await task
    await other.commit()
    assert store.engine.check() == []


async def test_a_call_outside_units_waits_for_a_unit_and_then_finds_what_it_left(
    store: MemoryStore, stored: StoredSpecimens
) -> None:
    row = await crate(stored, "a")
    one = await begun(store)
    await one.crates.update(row.id, {"version": 5, "shelf": "s"})
    change = await blocked(stored.crates.update_returning({"version": 1}, {"code": "b"}))
    by_shelf = await blocked(stored.crates.update_many({"id": row.id, "shelf": None}, {"code": "b"}))
    assert await stored.crates.find_by_id(row.id) == row
    await one.commit()
    assert await change == []
    assert await by_shelf == 0
    assert store.engine.check() == []


async def test_a_value_that_somebody_may_take_or_free_is_waited_for(
    store: MemoryStore, stored: StoredSpecimens
) -> None:
    first, second = await crate(stored, "a"), await crate(stored, "b")
    one = await begun(store)
    await crate(one, "new")
    await one.crates.delete(first.id)
    await one.crates.update(second.id, {"code": "c"})
    waiting = [
        await blocked(crate(stored, "new")),
        await blocked(crate(stored, "a")),
        await blocked(crate(stored, "b")),
        await blocked(stored.crates.upsert({"code": "new", "version": 7}, target=["code"])),
        await blocked(stored.crates.insert_absent({"code": "a"}, target=["code"])),
    ]
    await one.commit()
    taken, *free, changed, again = await ended(*waiting)
    assert isinstance(taken, UniqueViolation)
    assert taken.constraint == "crates_code_key"
    assert [each.code for each in free] == ["a", "b"]
    assert (changed.code, changed.version) == ("new", 7)
    assert again is False
    assert store.engine.check() == []


async def test_a_row_in_the_way_is_waited_for_if_it_was_written_and_not_if_it_is_locked(
    store: MemoryStore, stored: StoredSpecimens
) -> None:
    """As measured on PostgreSQL 18: the row that was changed may yet be removed."""
    first, second = await crate(stored, "a"), await crate(stored, "b")
    one = await begun(store)
    await change(one, first)
    await hold(one, second)
    waiting = [
        await blocked(crate(stored, "a")),
        await blocked(stored.crates.add(Crate(id=first.id, code="c"))),
        await blocked(stored.crates.insert_absent({"code": "a"}, target=["code"])),
    ]
    assert await stored.crates.insert_absent({"code": "b"}, target=["code"]) is False
    for row in (Crate(id=second.id, code="c"), Crate(id=9, code="b")):
        with pytest.raises(UniqueViolation):
            await stored.crates.add(row)
    await remove(one, first)
    await one.commit()
    assert [getattr(each, "code", each) for each in await ended(*waiting)] == ["a", "c", False]
    assert store.engine.check() == []


async def test_a_value_is_free_again_if_it_was_not_taken(store: MemoryStore, stored: StoredSpecimens) -> None:
    await crate(stored, "a")
    one = await begun(store)
    await crate(one, "new")
    await one.crates.delete_many({"code": "a"})
    new, old = await blocked(crate(stored, "new")), await blocked(crate(stored, "a"))
    await one.rollback()
    assert (await new).code == "new"
    with pytest.raises(UniqueViolation):
        await old


async def test_children_wait_for_their_parent_and_parents_for_their_children(
    store: MemoryStore, stored: StoredSpecimens
) -> None:
    first, second = await crate(stored, "a"), await crate(stored, "b")
    one, other = await begun(store), await begun(store)
    await one.crates.delete(first.id)
    await labels(other, second, "x")
    child = await blocked(labels(stored, first, "y"))
    parent = await blocked(stored.crates.delete(second.id))
    await one.commit()
    await other.commit()
    with pytest.raises(ForeignKeyViolation):
        await child
    assert await parent is True
    assert await stored.labels.count() == 0
    assert store.engine.check() == []


async def test_what_two_units_count_is_added_up(store: MemoryStore, stored: StoredSpecimens) -> None:
    row = await crate(stored, "a")
    one, other = await begun(store), await begun(store)
    await labels(one, row, "x")
    second = await blocked(labels(other, row, "y"))
    third = await blocked(labels(stored, row, "z"))
    await one.commit()
    await second
    assert not third.done()
    await other.commit()
    await third
    assert (await stored.crates.get_or_raise(row.id)).labels_count == 3
    assert store.engine.check() == []


# -- how long, and in which order


async def test_whoever_came_first_is_served_first(store: MemoryStore, stored: StoredSpecimens) -> None:
    row = await crate(stored, "a")
    one = await begun(store)
    await hold(one, row)
    served: list[int] = []

    async def next_one(number: int) -> None:
        async with store.transaction() as unit:
            await hold(StoredSpecimens(unit), row)
            served.append(number)
            await asyncio.sleep(0)

    tasks = []
    for number in range(10):
        tasks.append(await blocked(next_one(number)))
    await one.commit()
    await asyncio.gather(*tasks)
    assert served == list(range(10))


async def test_a_thousand_increments_end_at_a_thousand(store: MemoryStore, stored: StoredSpecimens) -> None:
    row = await crate(stored, "a", version=0)

    async def increment() -> None:
        async with store.transaction() as unit:
            crates = StoredSpecimens(unit).crates
            (read,) = await crates.for_update().find_many({"id": row.id})
            await asyncio.sleep(0)
            await crates.update(row.id, {"version": read.version + 1})

    await asyncio.gather(*(increment() for _ in range(1000)))
    assert (await stored.crates.get_or_raise(row.id)).version == 1000
    assert store.engine.check() == []


async def test_nowait_raises_and_skip_locked_leaves_out(store: MemoryStore, stored: StoredSpecimens) -> None:
    first, *_ = [await crate(stored, code) for code in "abcd"]
    one, other = await begun(store), await begun(store)
    await hold(one, first)
    with pytest.raises(LockTimeout) as caught:
        await other.crates.for_update(Wait.NOWAIT).find_many()
    assert caught.value.code == "55P03"
    skipping = other.crates.for_update(Wait.SKIP_LOCKED)
    assert [each.code for each in await skipping.find_many(order_by="code", limit=2)] == ["b", "c"]
    third = await begun(store)
    assert [each.code for each in await third.crates.for_update(Wait.SKIP_LOCKED).find_many()] == ["d"]
    assert await third.crates.for_update(Wait.SKIP_LOCKED).find_by_id(first.id) is None
    assert len(await one.crates.for_update(Wait.NOWAIT).find_many({"id": first.id})) == 1
    for each in (one, other, third):
        await each.commit()
    assert store.engine.check() == []


async def test_a_lock_is_waited_for_no_longer_than_said() -> None:
    store = opened(lock_timeout=0.02)
    stored = StoredSpecimens(store)
    row = await crate(stored, "a")
    async with store.transaction() as unit:
        one = StoredSpecimens(unit)
        await change(one, row)
        with pytest.raises(LockTimeout) as caught:  # the very task that holds the unit would wait for itself
            await change(stored, row)
        assert caught.value.code == "55P03"
        await rename(one, row)
    assert (await stored.crates.get_or_raise(row.id)).code == "z"
    assert store.engine.check() == []


async def test_rows_are_locked_in_units_alone(store: MemoryStore, stored: StoredSpecimens) -> None:
    for _ in range(2):
        with pytest.raises(QueryError, match="no unit"):
            await stored.crates.for_update().find_many()
        with pytest.raises(QueryError, match="no unit"):
            await stored.crates.for_update().find_many(limit=0)
        await begun(store)


@pytest.mark.parametrize("commits", [True, False])
async def test_with_a_snapshot_the_wait_ends_in_a_conflict_if_the_other_committed(
    store: MemoryStore, stored: StoredSpecimens, *, commits: bool
) -> None:
    row = await crate(stored, "a")
    calls = (change, remove, hold)
    hands = [await begun(store, RR) for _ in calls]
    for each in hands:
        await read(each, row)
    one = await begun(store)
    await change(one, row)
    tasks = [await blocked(call(each, row)) for each, call in zip(hands, calls, strict=True)]
    await (one.commit() if commits else one.rollback())
    for each, task in zip(hands, tasks, strict=True):
        if commits:
            with pytest.raises(SerializationConflict):
                await task
        else:
            await task
        await each.rollback()
    assert store.engine.check() == []


async def test_locks_taken_in_a_savepoint_go_with_it(store: MemoryStore, stored: StoredSpecimens) -> None:
    first, second = await crate(stored, "a"), await crate(stored, "b")
    one, other = await begun(store), await begun(store)
    await one.crates.for_update().find_many({"id": first.id})
    with suppress(LookupError):
        async with one.unit.savepoint():
            await change(one, first)
            await change(one, second)
            await one.unit.lock("mine", Wait.WAIT)
            waiting = await blocked(hold(other, second))
            raise LookupError
    assert len(await waiting) == 1
    assert await other.unit.lock("mine", Wait.NOWAIT)
    assert await other.crates.for_update(Wait.SKIP_LOCKED).find_many({"id": first.id}) == []
    await one.commit()
    await other.commit()
    assert store.engine.check() == []


# -- advisory locks


async def test_an_advisory_lock_is_held_to_the_units_end(store: MemoryStore) -> None:
    one, other = await begun(store), await begun(store, read_only=True)
    assert await one.unit.lock("import", Wait.WAIT)
    assert await one.unit.lock("import", Wait.NOWAIT)
    assert await other.unit.lock("export", Wait.NOWAIT)
    assert await other.unit.lock("import", Wait.SKIP_LOCKED) is False
    with pytest.raises(LockTimeout):
        await other.unit.lock("import", Wait.NOWAIT)
    waiting = await blocked(other.unit.lock("import", Wait.WAIT))
    await one.commit()
    assert await waiting
    await other.rollback()
    assert store.engine.check() == []
