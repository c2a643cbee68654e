"""Deadlocks, and what is left by those who give in, are cancelled or sent home: nothing."""

import asyncio
import itertools
import random

import pytest

from homeport.adapters.memory import MemoryStore
from homeport.kernel.errors import Deadlock, ForeignKeyViolation, PoolClosed, SerializationConflict
from homeport.kernel.units import UnitOptions, Wait
from tests.memory.hands import RC, RR, Hand, begun, blocked, change, crate, ended, hold, remove, rename
from tests.support.specimens import Crate, StoredSpecimens


@pytest.mark.parametrize("many", [2, 3, 5])
async def test_of_units_in_a_circle_exactly_one_gives_in(
    store: MemoryStore, stored: StoredSpecimens, many: int
) -> None:
    rows = [await crate(stored, str(number)) for number in range(many)]
    hands = [await begun(store) for _ in rows]
    for one, row in zip(hands, rows, strict=True):
        await change(one, row)

    async def second(one: Hand, row: Crate) -> None:
        try:
            await one.crates.update(row.id, {"version": row.version + 1})
        except Deadlock:
            await one.rollback()
            raise
        await one.commit()

    pairs = zip(hands, [*rows[1:], rows[0]], strict=True)
    outcomes = await asyncio.gather(*(second(*each) for each in pairs), return_exceptions=True)
    assert [each.code for each in outcomes if isinstance(each, Deadlock)] == ["40P01"]
    assert outcomes.count(None) == many - 1
    assert store.engine.check() == []


async def test_two_that_refer_to_a_row_and_both_remove_it_are_a_deadlock(
    store: MemoryStore, stored: StoredSpecimens
) -> None:
    row, _ = await crate(stored, "a"), await crate(stored, "b")
    one, other = await begun(store), await begun(store)
    third = await crate(stored, "c")
    await one.labels.create({"crate_id": third.id, "name": "x", "kept_id": row.id})
    # the count of one crate is one row: the second unit puts its label elsewhere
    await other.labels.create({"crate_id": (await crate(stored, "d")).id, "name": "x", "spare_id": row.id})
    waiting = await blocked(remove(one, row))
    with pytest.raises(Deadlock):
        await remove(other, row)
    await other.rollback()
    with pytest.raises(ForeignKeyViolation):
        await waiting
    await one.rollback()
    assert store.engine.check() == []


# -- cancelled, closed


async def test_a_call_cancelled_while_it_waits_leaves_nothing(store: MemoryStore, stored: StoredSpecimens) -> None:
    row = await crate(stored, "a")
    one, other, third = [await begun(store) for _ in range(3)]
    await change(one, row)
    second = await blocked(rename(other, row))
    behind = await blocked(rename(third, row))
    outside = await blocked(change(stored, row))
    second.cancel()
    outside.cancel()
    assert [type(each) for each in await ended(second, outside)] == [asyncio.CancelledError] * 2
    await one.commit()
    assert (await behind).code == "z"
    await other.rollback()
    await third.commit()
    assert store.engine.check() == []


async def test_whoever_is_cancelled_when_just_called_lets_the_next_one_in(
    store: MemoryStore, stored: StoredSpecimens
) -> None:
    row = await crate(stored, "a")
    one, other, third = [await begun(store) for _ in range(3)]
    await change(one, row)
    second = await blocked(rename(other, row))
    behind = await blocked(rename(third, row))
    await one.commit()
    second.cancel()
    assert (await behind).code == "z"
    assert isinstance((await ended(second))[0], asyncio.CancelledError)
    await other.rollback()
    await third.commit()
    assert store.engine.check() == []


async def test_close_sends_home_who_waits(store: MemoryStore, stored: StoredSpecimens) -> None:
    row = await crate(stored, "a")
    one, other = await begun(store), await begun(store)
    await change(one, row)
    waiting = [
        await blocked(rename(other, row)),
        await blocked(change(stored, row)),
    ]
    await store.close()
    assert [type(each) for each in await ended(*waiting)] == [PoolClosed, PoolClosed]
    assert store.engine.check() == []


async def test_random_waits_and_cancellations_leave_nothing_behind(stored: StoredSpecimens, store: MemoryStore) -> None:
    dice = random.Random(7)
    rows = [await crate(stored, code) for code in "abcd"]
    outcomes: list[str] = []
    names = itertools.count()

    async def one(number: int) -> None:
        try:
            async with store.transaction(UnitOptions(isolation=dice.choice([RC, RR]))) as unit:
                mine = StoredSpecimens(unit)
                for _ in range(3):
                    row = dice.choice(rows)
                    match dice.randrange(4):
                        case 0:
                            await hold(mine, row)
                        case 1:
                            await mine.labels.create({"crate_id": row.id, "name": str(next(names))})
                        case 2:
                            await unit.lock(row.code, Wait.WAIT)
                        case _:
                            await mine.crates.update(row.id, {"version": number})
                    await asyncio.sleep(0)
            outcomes.append("committed")
        except (Deadlock, SerializationConflict) as error:
            outcomes.append(type(error).__name__)

    for _ in range(60):
        tasks = [asyncio.ensure_future(one(number)) for number in range(12)]
        for _ in range(dice.randrange(12)):
            await asyncio.sleep(0)
        for task in tasks:
            if dice.random() < 0.3:
                task.cancel()
        for error in await ended(*tasks):
            assert error is None or isinstance(error, asyncio.CancelledError)
        assert store.engine.check() == []
    assert {"committed", "Deadlock", "SerializationConflict"} == set(outcomes)
    assert not store.engine.journal.undo
