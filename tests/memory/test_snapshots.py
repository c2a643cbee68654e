"""Units with a snapshot, and what others commit meanwhile: judged against the present, as PostgreSQL 18 was seen to."""

from collections.abc import Awaitable, Callable

import pytest

from homeport.adapters.memory import MemoryStore
from homeport.kernel.errors import ForeignKeyViolation, SerializationConflict, UniqueViolation
from homeport.kernel.units import Isolation
from tests.memory.hands import RR, SER, Hand, begun, codes, crate
from tests.memory.shop import opened
from tests.support.specimens import Crate, StoredSpecimens, labels


@pytest.fixture(params=[RR, SER], ids=lambda level: level.name)
def level(request: pytest.FixtureRequest) -> Isolation:
    """Each level with a snapshot."""
    found: Isolation = request.param
    return found


@pytest.mark.parametrize("change", ["update", "delete"])
async def test_a_row_changed_since_the_snapshot_is_a_conflict(
    store: MemoryStore, stored: StoredSpecimens, level: Isolation, change: str
) -> None:
    first = await crate(stored, "a")
    (label,) = await labels(stored, first, "x")
    calls: list[Callable[[Hand], Awaitable[object]]] = [
        lambda one: one.crates.update(first.id, {"version": 2}),
        lambda one: one.crates.delete(first.id),
        lambda one: one.crates.for_update().find_many(),
        lambda one: one.crates.upsert({"code": "a", "version": 3}, target=["code"]),
        lambda one: one.crates.insert_absent({"code": "a"}, target=["code"]),
        lambda one: one.labels.create({"crate_id": first.id, "name": "y"}),
    ]
    hands = [await begun(store, level) for _ in calls]
    for each in hands:
        assert await each.crates.count() == 1
    if change == "update":
        await stored.crates.update(first.id, {"version": 9})
    else:
        await stored.crates.delete(first.id)
    for each, call in zip(hands, calls, strict=True):
        with pytest.raises(SerializationConflict) as caught:
            await call(each)
        assert caught.value.code == "40001"
        await each.rollback()
    assert await stored.labels.count() == (1 if change == "update" else 0)
    assert label.crate_id == first.id
    assert store.engine.check() == []


async def test_uniques_are_judged_against_the_present(
    store: MemoryStore, stored: StoredSpecimens, level: Isolation
) -> None:
    first = await crate(stored, "a")
    one, other, third = [await begun(store, level) for _ in range(3)]
    for each in (one, other, third):
        assert await each.crates.find_by_id(first.id) == first
    later = await crate(stored, "b")
    with pytest.raises(UniqueViolation) as caught:
        await crate(one, "b")
    assert caught.value.constraint == "crates_code_key"
    with pytest.raises(UniqueViolation) as caught:
        await one.crates.add(Crate(id=later.id, code="c"))
    assert caught.value.constraint == "crates_pkey"
    with pytest.raises(SerializationConflict):
        await other.crates.upsert({"code": "b", "version": 2}, target=["code"])
    with pytest.raises(SerializationConflict):
        await other.crates.insert_absent({"code": "b"}, target=["code"])
    await stored.crates.update(first.id, {"code": "d"})
    with pytest.raises(SerializationConflict):  # PostgreSQL would show this unit two crates with one code
        await crate(third, "a")
    for each in (one, other, third):
        await each.rollback()
    assert await codes(stored) == ["b", "d"]


async def test_a_parent_that_has_gone_or_come_since_the_snapshot(
    store: MemoryStore, stored: StoredSpecimens, level: Isolation
) -> None:
    """As measured on PostgreSQL 18: a parent that has gone is a conflict, one that has come is not seen."""
    gone, renamed, stays = [await crate(stored, code) for code in "abc"]
    hands = [await begun(store, level) for _ in range(4)]
    for each in hands:
        assert await each.labels.count() == 0
    await stored.crates.delete(gone.id)
    come = await crate(stored, "d")
    await stored.crates.update(renamed.id, {"code": "e"})
    await stored.crates.update(stays.id, {"shelf": "s"})
    for hand, parent, error in (
        (hands[0], gone, SerializationConflict),
        (hands[1], come, ForeignKeyViolation),
        (hands[2], renamed, SerializationConflict),
    ):
        with pytest.raises(error):
            await hand.labels.create({"crate_id": parent.id, "name": "x"})
        await hand.rollback()
    # the counter is a change of the parent's row, and that one has changed
    with pytest.raises(SerializationConflict):
        await labels(hands[3], stays, "x")
    await hands[3].rollback()
    assert store.engine.check() == []


async def test_children_that_have_come_or_gone_since_the_snapshot(level: Isolation) -> None:
    store = opened()
    stored = StoredSpecimens(store)
    kept, spare, left = [await crate(stored, code) for code in "abc"]
    home = await crate(stored, "home")
    (leaving,) = await labels(stored, home, "leaving")
    await stored.labels.update(leaving.id, {"kept_id": left.id})
    hands = [await begun(store, level) for _ in range(3)]
    for each in hands:
        assert await each.labels.count() == 1
    await stored.labels.update(leaving.id, {"kept_id": None})
    await stored.labels.create({"crate_id": home.id, "name": "1", "kept_id": kept.id})
    await stored.labels.create({"crate_id": home.id, "name": "2", "spare_id": spare.id})
    with pytest.raises(ForeignKeyViolation) as caught:
        await hands[0].crates.delete(kept.id)
    assert caught.value.constraint == "labels_kept_id_fkey"
    with pytest.raises(SerializationConflict):
        await hands[1].crates.delete(spare.id)
    assert await hands[2].crates.delete(left.id)
    for each in hands[:2]:
        await each.rollback()
    await hands[2].commit()
    assert await codes(stored) == ["a", "b", "home"]
    assert store.engine.check() == []
