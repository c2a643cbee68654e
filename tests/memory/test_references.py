"""Foreign keys, their actions at every depth, and counters, which follow live rows through all of them."""

import datetime as dt
import uuid
from typing import Any

import pytest

from homeport.adapters.memory import MemoryStore
from homeport.kernel.binding import bind
from homeport.kernel.errors import CheckViolation, ForeignKeyViolation
from homeport.kernel.predicates import eq, one_of
from homeport.kernel.query import Delete, Insert, Moment, Select, Update
from homeport.kernel.table import Row
from tests.memory.shop import ENTRY, PERSON, Ticking, opened
from tests.support.specimens import CRATE, LABEL


async def crates(store: MemoryStore, *codes: str) -> list[int]:
    return [row.id for row in (await store.insert(Insert("t", CRATE, tuple({"code": code} for code in codes)))).rows]


async def label(store: MemoryStore, name: str, crate: int, **values: object) -> uuid.UUID:
    row: Row = {"crate_id": crate, "name": name, **values}
    return (await store.insert(Insert("t", LABEL, (row,)))).rows[0].id


async def names(store: MemoryStore) -> list[str]:
    assert store.engine.check() == []
    return sorted(row.name for row in await store.fetch(Select("t", LABEL)))


async def counts(store: MemoryStore) -> dict[str, int]:
    assert store.engine.check() == []
    return {row.code: row.labels_count for row in await store.fetch(Select("t", CRATE))}


async def remove(store: MemoryStore, table: Any, *keys: object) -> int:
    where = bind(one_of(table.key, keys), table, store.catalog)
    return (await store.delete(Delete("t", table, where))).count


async def change(store: MemoryStore, table: Any, key: object, **changes: object) -> Any:
    where = bind(eq(table.key, key), table, store.catalog)
    return (await store.update(Update("t", table, where, changes))).rows[0]


async def test_cascades_go_down_several_levels_and_counts_direct_rows_alone() -> None:
    store = opened()
    (crate,) = await crates(store, "a")
    top = await label(store, "top", crate)
    middle = await label(store, "middle", crate, above_id=top)
    await label(store, "bottom", crate, above_id=middle)
    await label(store, "other", crate)
    assert await remove(store, LABEL, top) == 1
    assert await names(store) == ["other"]
    assert await counts(store) == {"a": 1}


async def test_a_circle_goes_as_a_whole() -> None:
    store = opened()
    (crate,) = await crates(store, "a")
    one = await label(store, "one", crate)
    two = await label(store, "two", crate, above_id=one)
    await change(store, LABEL, one, above_id=two)
    itself = await label(store, "itself", crate)
    await change(store, LABEL, itself, above_id=itself)
    assert await remove(store, LABEL, one, itself) == 2
    assert await names(store) == []


async def test_a_row_may_refer_to_one_of_its_own_command() -> None:
    store = opened()
    (crate,) = await crates(store, "a")
    upper, lower = uuid.uuid4(), uuid.uuid4()
    rows: tuple[Row, ...] = (
        {"id": lower, "crate_id": crate, "name": "lower", "above_id": upper},
        {"id": upper, "crate_id": crate, "name": "upper"},
    )
    assert (await store.insert(Insert("t", LABEL, rows))).count == 2
    assert await counts(store) == {"a": 2}


async def test_restrict_refuses_unless_the_referring_row_goes_with_it() -> None:
    store = opened()
    a, b, c = await crates(store, "a", "b", "c")
    await label(store, "kept", a, kept_id=b, spare_id=c)
    with pytest.raises(ForeignKeyViolation) as raised:
        await remove(store, CRATE, c, b)
    assert (raised.value.constraint, raised.value.table) == ("labels_kept_id_fkey", "labels")
    assert await counts(store) == {"a": 1, "b": 0, "c": 0}
    # the cascade from a is queued before the look at b's referring rows
    assert await remove(store, CRATE, a, b) == 2
    assert await names(store) == []


async def test_set_null_changes_the_row_without_touching_it() -> None:
    clock = Ticking()
    store = opened(clock=clock)
    a, b = await crates(store, "a", "b")
    key = await label(store, "x", a, spare_id=b)
    written = clock.now
    clock.forward()
    await remove(store, CRATE, b)
    (row,) = await store.fetch(Select("t", LABEL, bind(eq("id", key), LABEL, store.catalog)))
    assert (row.spare_id, row.updated_at) == (None, written)
    boss = (await store.insert(Insert("t", PERSON, ({"handle": "boss"},)))).rows[0].id
    await store.insert(Insert("t", PERSON, ({"handle": "clerk", "boss_id": boss},)))
    await remove(store, PERSON, boss)
    assert [row.boss_id for row in await store.fetch(Select("t", PERSON))] == [None]


async def test_a_key_that_is_referred_to_can_not_change() -> None:
    store = opened()
    (boss,) = (await store.insert(Insert("t", PERSON, ({"handle": "ann"},)))).rows
    await store.insert(Insert("t", ENTRY, ({"person_handle": "ann"},)))
    with pytest.raises(ForeignKeyViolation) as raised:
        await change(store, PERSON, boss.id, handle="bob")
    assert (raised.value.constraint, raised.value.table) == ("entries_person_handle_fkey", "entries")
    await change(store, PERSON, boss.id, handle="ann", id=uuid.UUID(int=5))
    assert await remove(store, PERSON, uuid.UUID(int=5)) == 1
    assert await store.count(Select("t", ENTRY)) == 0
    assert store.engine.check() == []


async def test_an_update_to_a_missing_parent_is_refused_and_null_is_not() -> None:
    store = opened()
    (a,) = await crates(store, "a")
    key = await label(store, "x", a)
    with pytest.raises(ForeignKeyViolation) as raised:
        await change(store, LABEL, key, spare_id=99)
    assert raised.value.columns == ("spare_id",)
    assert (await change(store, LABEL, key, spare_id=None)).spare_id is None


async def test_a_reference_to_a_table_that_is_not_installed_is_not_enforced() -> None:
    store = opened(LABEL)
    assert (await store.insert(Insert("t", LABEL, ({"crate_id": 99, "name": "x"},)))).count == 1


async def test_counters_count_live_rows_through_every_way_of_writing() -> None:
    clock = Ticking()
    store = opened(clock=clock)
    a, b = await crates(store, "a", "b")
    one = await label(store, "one", a)
    await label(store, "two", a)
    await label(store, "gone", a, deleted_at=clock.now)
    assert await counts(store) == {"a": 2, "b": 0}
    await change(store, LABEL, one, crate_id=b)
    assert await counts(store) == {"a": 1, "b": 1}
    await change(store, LABEL, one, deleted_at=Moment.NOW)
    assert await counts(store) == {"a": 1, "b": 0}
    await change(store, LABEL, one, crate_id=a, deleted_at=None)
    assert await counts(store) == {"a": 2, "b": 0}
    await remove(store, LABEL, one)
    await remove(store, CRATE, b)
    assert await counts(store) == {"a": 1}


async def test_returned_rows_are_as_written_before_the_counters_ran() -> None:
    store = opened()
    (crate,) = (await store.insert(Insert("t", CRATE, ({"code": "a"},)))).rows
    await label(store, "x", crate.id)
    assert crate.labels_count == 0
    assert (await change(store, CRATE, crate.id, version=2)).labels_count == 1


async def test_a_failing_action_takes_the_whole_statement_back() -> None:
    store = opened()
    a, b, c = await crates(store, "a", "b", "c")
    await label(store, "x", a, above_id=None)
    await label(store, "y", b, kept_id=c)
    with pytest.raises(ForeignKeyViolation):
        await remove(store, CRATE, a, c)
    assert await names(store) == ["x", "y"]
    with pytest.raises(CheckViolation):
        await label(store, "z", c, kept_id=c)
    assert await counts(store) == {"a": 1, "b": 1, "c": 0}


async def test_time_stands_still_within_a_statement() -> None:
    moments = iter(dt.datetime(2026, 1, 1, second=second, tzinfo=dt.UTC) for second in range(60))
    store = opened(clock=lambda: next(moments))
    rows = (await store.insert(Insert("t", PERSON, ({"handle": "a"}, {"handle": "b"})))).rows
    assert len({row.created_at for row in rows}) == 1
    later = (await store.insert(Insert("t", PERSON, ({"handle": "c"},)))).rows[0].created_at
    assert later == rows[0].created_at + dt.timedelta(seconds=1)
