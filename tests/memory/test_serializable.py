"""SERIALIZABLE: what is in no serial order is ended, and what is in one is left alone as far as reads tell it apart.

The ten anomalies of the hermitage catalogue are in the contract suite, which runs them here too.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from homeport.adapters.memory import MemoryStore
from homeport.kernel.errors import SerializationConflict, UniqueViolation
from homeport.kernel.predicates import all_of, eq, exists, ge, lt, not_, one_of
from homeport.kernel.units import Isolation
from homeport.testing import memory
from tests.memory.hands import LEVELS, RR, SER, Hand, begun, crate, ended
from tests.support.history_checker import circles, faults
from tests.support.list_append import InManyRows, InOneRow, Lists, play
from tests.support.specimens import LABEL, SPECIMENS, Crate, StoredSpecimens, labels


async def outcomes(one: Hand, other: Hand, *steps: Callable[[], Awaitable[Any]]) -> list[type[Exception] | None]:
    """Do the steps, then commit both: what became of the two commits, where no step failed."""
    for step in steps:
        await step()
    return [None if each is None else type(each) for each in await ended(one.commit(), other.commit())]


OK = [None, None]
CONFLICT = [None, SerializationConflict]


# -- write skew, by all that can be read


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
@pytest.mark.parametrize(
    "look",
    [
        lambda one: one.crates.find_many({"shelf": "s"}),
        lambda one: one.crates.find_many(ge("position", 1)),
        lambda one: one.crates.find_many(),
        lambda one: one.crates.count({"shelf": "s"}),
        lambda one: one.crates.exists({"shelf": "s", "position": [3, 4]}),
        lambda one: one.crates.find_many({"code": ["new a", "new b"]}),
        lambda one: one.crates.find_many({"id": [1, 2, 3, 4, 5, 6]}),
        lambda one: one.crates.update_many({"position": [3, 4]}, {"version": 2}),
        lambda one: one.crates.delete_many({"position": [3, 4]}),
    ],
)
async def test_rows_that_come_where_both_have_looked(
    store: MemoryStore, stored: StoredSpecimens, look: Callable[[StoredSpecimens], Awaitable[Any]], level: Isolation
) -> None:
    await crate(stored, "a", shelf="s", position=1)
    one, other = await begun(store, level), await begun(store, level)
    assert await outcomes(
        one,
        other,
        lambda: look(one),
        lambda: look(other),
        lambda: crate(one, "new a", shelf="s", position=3),
        lambda: crate(other, "new b", shelf="s", position=4),
    ) == (CONFLICT if level is SER else OK)
    assert store.engine.check() == []


@pytest.mark.parametrize("level", [RR, SER], ids=lambda level: level.name)
async def test_two_that_each_take_the_other_for_granted(
    store: MemoryStore, stored: StoredSpecimens, level: Isolation
) -> None:
    first, second = await crate(stored, "a"), await crate(stored, "b")
    one, other = await begun(store, level), await begun(store, level)
    assert await outcomes(
        one,
        other,
        lambda: one.crates.find_by_id(second.id),
        lambda: other.crates.find_by_id(first.id),
        lambda: one.crates.update(first.id, {"shelf": "s"}),
        lambda: other.crates.update(second.id, {"shelf": "s"}),
    ) == (CONFLICT if level is SER else OK)


async def test_what_exists_reads_counts_as_read(store: MemoryStore, stored: StoredSpecimens) -> None:
    first, second = await crate(stored, "a"), await crate(stored, "b")
    empty = not_(exists(LABEL, {"crate_id": "id"}, ge("weight", 5)))
    one, other = await begun(store, SER), await begun(store, SER)
    assert await outcomes(
        one,
        other,
        lambda: one.crates.find_many(all_of(eq("code", "a"), empty)),
        lambda: other.crates.find_many(all_of(eq("code", "b"), empty)),
        lambda: one.labels.create({"crate_id": second.id, "name": "x", "weight": 6}),
        lambda: other.labels.create({"crate_id": first.id, "name": "y", "weight": 6}),
    ) == [None, SerializationConflict]


async def test_a_pivot_between_a_reader_and_one_that_has_committed(store: MemoryStore, stored: StoredSpecimens) -> None:
    """The report anomaly: a reader sees the new batch closed and not what still goes into the old one."""
    batch, receipt = await crate(stored, "batch", version=1), await crate(stored, "receipt", version=0)
    pivot, closing, report = [await begun(store, SER) for _ in range(3)]
    await pivot.crates.find_by_id(batch.id)
    await closing.crates.update(batch.id, {"version": 2})
    await closing.commit()
    assert (await report.crates.get_or_raise(batch.id)).version == 2
    assert (await report.crates.get_or_raise(receipt.id)).version == 0
    await report.commit()
    with pytest.raises(SerializationConflict):
        await pivot.crates.update(receipt.id, {"version": 1})
    await pivot.rollback()
    assert store.engine.check() == []


async def test_who_reads_past_a_pivot_that_has_committed_is_ended_itself(
    store: MemoryStore, stored: StoredSpecimens
) -> None:
    batch, receipt, other = [await crate(stored, code) for code in ("batch", "receipt", "other")]
    report, pivot, closing = [await begun(store, SER) for _ in range(3)]
    await report.crates.find_by_id(other.id)
    await pivot.crates.find_by_id(batch.id)
    await closing.crates.update(batch.id, {"version": 2})
    await closing.commit()
    await pivot.crates.update(receipt.id, {"version": 1})
    await pivot.commit()
    with pytest.raises(SerializationConflict):
        await report.crates.find_by_id(receipt.id)
        await report.crates.update(other.id, {"version": 2})
    await report.rollback()


async def test_a_reader_that_began_before_all_of_them_is_left_alone(
    store: MemoryStore, stored: StoredSpecimens
) -> None:
    batch, receipt = await crate(stored, "batch"), await crate(stored, "receipt")
    report = await begun(store, SER, read_only=True)
    assert await report.crates.count() == 2
    pivot, closing = await begun(store, SER), await begun(store, SER)
    await pivot.crates.find_by_id(batch.id)
    await closing.crates.update(batch.id, {"version": 2})
    await closing.commit()
    await pivot.crates.update(receipt.id, {"version": 1})
    await pivot.commit()
    assert [each.version for each in await report.crates.find_many()] == [1, 1]
    await report.commit()


async def test_both_saw_room_for_a_value_and_the_second_is_told_to_try_again(
    store: MemoryStore, stored: StoredSpecimens
) -> None:
    """As PostgreSQL does. Where only the loser had looked, it is the plain violation."""
    for look, error in ((True, SerializationConflict), (False, UniqueViolation)):
        code = f"new {look}"
        one, other = await begun(store, SER), await begun(store, SER)
        assert await one.crates.find_first({"code": code}) is None
        if look:
            assert await other.crates.find_first({"code": code}) is None
        await crate(other, code)
        await other.commit()
        with pytest.raises(error):
            await crate(one, code)
        await one.rollback()


async def test_what_an_upsert_leaves_out_it_has_read(store: MemoryStore, stored: StoredSpecimens) -> None:
    first, second = await crate(stored, "a"), await crate(stored, "b")
    one, other = await begun(store, SER), await begun(store, SER)
    assert await outcomes(
        one,
        other,
        lambda: one.crates.insert_absent({"code": "a"}, target=["code"]),
        lambda: other.crates.insert_absent({"code": "b"}, target=["code"]),
        lambda: one.crates.update(second.id, {"version": 2}),
        lambda: other.crates.update(first.id, {"version": 2}),
    ) == [None, SerializationConflict]


async def test_a_read_that_failed_or_was_taken_back_counts_all_the_same(
    store: MemoryStore, stored: StoredSpecimens
) -> None:
    first, second = await crate(stored, "a"), await crate(stored, "b")
    one, other = await begun(store, SER), await begun(store, SER)
    with pytest.raises(LookupError):
        async with one.unit.savepoint():
            await one.crates.find_by_id(second.id)
            raise LookupError
    assert await outcomes(
        one,
        other,
        lambda: other.crates.find_by_id(first.id),
        lambda: one.crates.update(first.id, {"version": 2}),
        lambda: other.crates.update(second.id, {"version": 2}),
    ) == [None, SerializationConflict]


# -- what is told apart


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (lambda row: eq("id", row.id), lambda row: eq("id", row.id)),
        (lambda row: eq("code", row.code), lambda row: eq("code", row.code)),
        (lambda row: one_of("id", [row.id]), lambda row: one_of("id", [row.id, row.id + 9])),
        (lambda _: lt("position", 5), lambda _: ge("position", 5)),
        (
            lambda row: all_of(eq("id", row.id), exists(LABEL, {"crate_id": "id"}, eq("name", "one"))),
            lambda row: all_of(eq("id", row.id), exists(LABEL, {"crate_id": "id"}, eq("name", "other"))),
        ),
    ],
)
async def test_units_on_different_rows_of_one_table_do_not_meet(
    store: MemoryStore, stored: StoredSpecimens, mine: Any, theirs: Any
) -> None:
    first = await crate(stored, "a", position=1, shelf="s")
    second = await crate(stored, "b", position=9, shelf="s")
    one, other = await begun(store, SER), await begun(store, SER)

    async def work(hand: Hand, row: Crate, where: Any, name: str) -> None:
        await hand.crates.find_many(where)
        await hand.crates.update(row.id, {"version": 2})
        (label,) = await labels(hand, row, name)
        await hand.labels.update(label.id, {"weight": 1})
        await hand.crates.find_many(where)

    assert (
        await outcomes(
            one,
            other,
            lambda: work(one, first, mine(first), "one"),
            lambda: work(other, second, theirs(second), "other"),
        )
        == OK
    )
    assert store.engine.check() == []


async def test_one_after_the_other_is_no_conflict_and_leaves_nothing(
    store: MemoryStore, stored: StoredSpecimens
) -> None:
    await crate(stored, "a", version=0)
    for number in range(5):
        one = await begun(store, SER)
        (row,) = await one.crates.find_many()
        await one.crates.update(row.id, {"version": number})
        await one.commit()
    assert store._units._conflicts._units == []


async def test_committed_units_are_remembered_no_longer_than_others_overlap_them(
    store: MemoryStore, stored: StoredSpecimens
) -> None:
    row = await crate(stored, "a", version=0)
    hands: list[Hand] = []
    for number in range(30):
        hands.append(await begun(store, SER))
        await hands[-1].crates.find_by_id(row.id)
        if number >= 3:
            await hands.pop(0).commit()
        assert len(store._units._conflicts._units) <= 7
    for each in hands:
        await each.rollback()
    assert store._units._conflicts._units == []


# -- random histories


@pytest.mark.parametrize("lists", [InOneRow(), InManyRows()], ids=lambda lists: type(lists).__name__)
@pytest.mark.parametrize(("names", "workers"), [(2, 3), (3, 8), (6, 8), (40, 12)])
async def test_random_histories_have_no_circle(lists: Lists, names: int, workers: int) -> None:
    session = memory([SPECIMENS]).store(SPECIMENS)
    played = await play(session, lists, SER, commits=650, seed=names, names=names, workers=workers)
    assert len(played.history) >= 650
    assert faults(played.history, played.final) == []
    assert circles(played.history, played.final) == []


@pytest.mark.parametrize("lists", [InOneRow(), InManyRows()], ids=lambda lists: type(lists).__name__)
async def test_the_checker_finds_circles_where_they_are_allowed(lists: Lists) -> None:
    played = await play(memory([SPECIMENS]).store(SPECIMENS), lists, RR, commits=400, seed=1)
    assert faults(played.history, played.final) == []
    assert circles(played.history, played.final)
