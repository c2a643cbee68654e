"""Units of work: what they see, what they leave, and that nobody pays or suffers for them."""

import asyncio
import uuid
from typing import Any

import pytest

from homeport.adapters.memory import MemoryStore
from homeport.kernel.errors import (
    CheckViolation,
    UniqueViolation,
)
from homeport.kernel.query import Insert, Select
from homeport.kernel.units import Isolation, UnitOptions
from tests.memory.hands import RC, begun, codes, crate
from tests.memory.shop import PERSON, Ticking, opened
from tests.support.specimens import Crate, StoredSpecimens, labels

# -- together or not at all


async def test_others_see_a_unit_once_it_is_committed(
    store: MemoryStore, stored: StoredSpecimens, level: Isolation
) -> None:
    first = await crate(stored, "a")
    one = await begun(store, level)
    await crate(one, "b")
    await one.crates.update(first.id, {"code": "c"})
    other = await begun(store, RC)
    assert await codes(one) == ["b", "c"]
    assert await codes(other) == await codes(stored) == ["a"]
    assert await stored.crates.count({"code": "a"}) == 1
    await one.commit()
    assert await codes(other) == await codes(stored) == ["b", "c"]
    await other.commit()
    assert store.engine.check() == []


async def test_a_unit_rolled_back_was_never_there(
    store: MemoryStore, stored: StoredSpecimens, level: Isolation
) -> None:
    first = await crate(stored, "a")
    (label,) = await labels(stored, first, "x")
    one = await begun(store, level)
    await crate(one, "b")
    await one.crates.delete(first.id)
    assert await one.labels.find_by_id(label.id) is None
    await one.rollback()
    assert await codes(stored) == ["a"]
    assert await stored.labels.find_by_id(label.id) == label
    assert store.engine.check() == []
    assert store.engine.journal.undo == []


async def test_a_body_that_raises_is_rolled_back_and_its_error_goes_on(store: MemoryStore, level: Isolation) -> None:
    error = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError) as caught:
        async with store.transaction(UnitOptions(isolation=level)) as unit:
            await crate(StoredSpecimens(unit), "a")
            raise error
    assert caught.value is error
    assert await codes(StoredSpecimens(store)) == []


async def test_a_call_that_fails_leaves_nothing_of_itself(
    store: MemoryStore, stored: StoredSpecimens, level: Isolation
) -> None:
    await crate(stored, "a")
    one = await begun(store, level)
    await crate(one, "b")
    with pytest.raises(UniqueViolation) as caught:
        await one.crates.create_many([{"code": "c"}, {"code": "a"}])
    assert caught.value.constraint == "crates_code_key"
    with pytest.raises(CheckViolation):
        await crate(one, "d", position=-1)
    assert await codes(one) == ["a", "b"]
    await one.commit()
    assert await codes(stored) == ["a", "b"]


async def test_a_snapshot_shows_one_moment(store: MemoryStore, stored: StoredSpecimens, level: Isolation) -> None:
    first, second = await crate(stored, "a"), await crate(stored, "b")
    await labels(stored, first, "x")
    one = await begun(store, level)
    await crate(stored, "before")
    assert await codes(one) == ["a", "b", "before"]  # the snapshot is the first call's
    await stored.crates.delete(first.id)
    await stored.crates.update(second.id, {"code": "a"})
    await crate(stored, "b")
    other = await begun(store, RC)
    await other.crates.delete_many({"code": "before"})
    await other.commit()
    if level is RC:
        assert await codes(one) == ["a", "b"]
        assert await one.labels.count() == 0
    else:
        assert await codes(one) == ["a", "b", "before"]
        assert (await one.labels.find_many())[0].crate_id == first.id
        assert await one.crates.find_by_id(first.id) == await one.crates.find_first({"code": "a"})
        assert await one.crates.count({"code": "b"}) == 1
    assert await codes(stored) == ["a", "b"]
    await one.commit()
    assert store.engine.check() == []
    assert store.engine.journal.undo == []


async def test_a_stream_in_a_unit_shows_one_moment(
    store: MemoryStore, stored: StoredSpecimens, level: Isolation
) -> None:
    await stored.crates.create_many([{"code": code} for code in "abc"])
    one = await begun(store, level)
    seen = []
    async for row in one.crates.stream(order_by="code"):
        seen.append(row.code)
        await crate(one, f"{row.code}+")
        await crate(stored, f"{row.code}-")
    assert seen == ["a", "b", "c"]
    await one.commit()
    assert await stored.crates.count() == 9


async def test_all_statements_of_a_unit_have_its_time(level: Isolation) -> None:
    clock = Ticking()
    store = opened(clock=clock)
    begin = clock.now
    async with store.transaction(UnitOptions(isolation=level)) as unit:
        one, outside = StoredSpecimens(unit), StoredSpecimens(store)
        clock.forward()
        parent = await crate(one, "a")
        (label,) = await labels(one, parent, "x")
        assert label.created_at == begin
        clock.forward()
        assert (await one.labels.soft_delete(label.id)).deleted_at == begin
        (other,) = await labels(outside, await crate(outside, "b"), "y")
        assert other.created_at == clock.now


# -- put back on top of what others commit


async def test_values_may_go_from_row_to_row(store: MemoryStore, stored: StoredSpecimens, level: Isolation) -> None:
    first, second = await crate(stored, "a"), await crate(stored, "b")
    one = await begun(store, level)
    await one.crates.update(first.id, {"code": "free"})
    await one.crates.update(second.id, {"code": "a"})
    assert await codes(stored) == ["a", "b"]
    await one.crates.update(first.id, {"code": "b"})
    await crate(stored, "c")
    assert (await one.crates.find_first({"code": "a"}) or first).id == second.id
    await one.commit()
    rows = await stored.crates.find_many(order_by="id")
    assert [(each.id, each.code) for each in rows][:2] == [(first.id, "b"), (second.id, "a")]
    assert store.engine.check() == []


async def test_a_row_may_go_and_come_again(store: MemoryStore, stored: StoredSpecimens, level: Isolation) -> None:
    first = await crate(stored, "a")
    one = await begun(store, level)
    await one.crates.delete(first.id)
    await crate(stored, "b")
    await one.crates.add(Crate(id=first.id, code="b2"))
    assert await codes(stored) == ["a", "b"]
    await one.crates.delete(first.id)
    await one.crates.add(Crate(id=first.id, code="a", version=9))
    await one.commit()
    assert (await stored.crates.find_by_id(first.id) or first).version == 9
    assert store.engine.check() == []


async def test_indexes_stay_right_whatever_others_commit_in_between(
    store: MemoryStore, stored: StoredSpecimens, level: Isolation
) -> None:
    first, second = await crate(stored, "a"), await crate(stored, "b")
    mine = await labels(stored, first, "1", "2")
    theirs = await labels(stored, first, "3", "4")
    one = await begun(store, level)
    await one.labels.update(mine[0].id, {"weight": 1})
    await stored.labels.update(theirs[0].id, {"weight": 2, "spare_id": second.id})
    await one.labels.update(mine[1].id, {"spare_id": second.id})
    await stored.labels.update(theirs[1].id, {"spare_id": second.id})
    assert await one.labels.count({"spare_id": second.id}) == (3 if level is RC else 1)
    await one.commit()
    assert await stored.labels.count({"spare_id": second.id}) == 3
    assert store.engine.check() == []


async def test_counters_follow_both_units(store: MemoryStore, stored: StoredSpecimens, level: Isolation) -> None:
    first, second = await crate(stored, "a"), await crate(stored, "b")
    one, other = await begun(store, level), await begun(store, level)
    await labels(one, first, "x", "y")
    await labels(other, second, "z")
    assert (await one.crates.find_by_id(first.id) or first).labels_count == 2
    assert (await stored.crates.find_by_id(first.id) or first).labels_count == 0
    await one.commit()
    await other.commit()
    assert [each.labels_count for each in await stored.crates.find_many(order_by="code")] == [2, 1]
    assert store.engine.check() == []


async def test_operations_of_a_unit_are_part_of_it(level: Isolation) -> None:
    from tests.memory.test_store import PACK, Pack, pack

    store = opened(operations=(PACK,), answers={PACK.name: pack})
    one = await begun(store, level)
    assert (await one.unit.run(PACK, Pack(code="a", person_id=uuid.uuid4()))) is not None
    assert await codes(one) == ["a"]
    assert await codes(StoredSpecimens(store)) == []
    with pytest.raises(UniqueViolation):
        await one.unit.run(PACK, Pack(code="twice", person_id=uuid.uuid4()))
    await one.commit()
    assert await codes(StoredSpecimens(store)) == ["a"]


async def test_jsonb_of_a_unit_is_nobody_elses(store: MemoryStore, level: Isolation) -> None:
    one = await begun(store, level)
    given: dict[str, Any] = {"list": [1]}
    made = (await one.unit.insert(Insert("t", PERSON, ({"handle": "a", "profile": given},)))).rows[0]
    given["list"].append(2)
    made.profile["list"].append(3)  # type: ignore[index,union-attr,call-overload]
    await one.commit()
    assert (await store.fetch(Select("t", PERSON)))[0].profile == {"list": [1]}
