"""Random histories: the books stay right, failures leave nothing, and a mark is a way back to the row."""

import datetime as dt
import random
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.adapters.memory import MemoryStore
from homeport.kernel.binding import bind
from homeport.kernel.errors import QueryError, RepositoryError
from homeport.kernel.predicates import eq, ge, one_of
from homeport.kernel.query import Delete, Insert, OnConflict, Select, Update, UpdateEach
from homeport.kernel.table import Row
from tests.memory.shop import ENTRY, PERSON, opened
from tests.support.specimens import CRATE, LABEL

IDS = [uuid.UUID(int=number) for number in range(1, 9)]


async def state(store: MemoryStore) -> dict[str, dict[object, object]]:
    return {
        each.name: {getattr(row, each.key): row for row in await store.fetch(Select("t", each))}
        for each in store.catalog.tables
    }


def one_crate(dice: random.Random) -> Row:
    return {
        "id": dice.randint(1, 5),
        "code": dice.choice("abcd"),
        "shelf": dice.choice([None, "s"]),
        "position": dice.choice([None, 1, 2, -1]) if dice.random() < 0.3 else None,
    }


def one_label(dice: random.Random) -> Row:
    return {
        "id": dice.choice(IDS),
        "crate_id": dice.randint(1, 5),
        "spare_id": dice.choice([None, None, 1, 2]),
        "kept_id": dice.choice([None, None, None, 3]),
        "above_id": dice.choice([None, *IDS[:4]]),
        "name": dice.choice(["a", "A", "b", "c", "d", "e"]),
        "deleted_at": dice.choice([None, None, dt.datetime(2024, 1, 1, tzinfo=dt.UTC)]),
    }


async def step(store: MemoryStore, dice: random.Random) -> None:
    """One random statement, which may fail."""
    table: Any = dice.choice([CRATE, LABEL, LABEL])
    row = one_crate if table is CRATE else one_label
    keys: list[Any] = [1, 2, 3, 4, 5] if table is CRATE else list(IDS)
    where = bind(one_of("id", dice.sample(keys, dice.randint(1, 3))), table, store.catalog)
    names = (
        ["shelf", "code", "position"] if table is CRATE else ["crate_id", "name", "deleted_at", "above_id", "spare_id"]
    )
    changes = {name: row(dice)[name] for name in dice.sample(names, dice.randint(1, 2))}
    match dice.randint(0, 6):
        case 0 | 1 | 2:
            await store.insert(Insert("t", table, tuple(row(dice) for _ in range(dice.randint(1, 3)))))
        case 3:
            target = ("id",) if table is LABEL else ("code",)
            await store.insert(
                Insert(
                    "t",
                    table,
                    (row(dice), row(dice)),
                    OnConflict(target, tuple(names[1:2]) if table is LABEL else ("shelf",)),
                )
            )
        case 4:
            await store.update(Update("t", table, where, changes))
        case 5:
            await store.update_each(
                UpdateEach("t", table, tuple((key, {names[0]: row(dice)[names[0]]}) for key in dice.sample(keys, 2)))
            )
        case _:
            await store.delete(Delete("t", table, where))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 32))
async def test_a_history_leaves_the_books_right_and_failures_leave_nothing(seed: int) -> None:
    dice, store = random.Random(seed), opened(CRATE, LABEL)
    start = store.mark() if dice.random() < 0.5 else None
    later = None
    for number in range(30):
        before = await state(store)
        try:
            await step(store, dice)
        except RepositoryError:
            assert await state(store) == before
        assert store.engine.check() == []
        if start is not None and number == 15:
            later = store.mark(), await state(store)
    if later is not None:
        store.restore(later[0])
        assert await state(store) == later[1]
        assert store.engine.check() == []
    if start is not None:
        store.restore(start)
        assert await state(store) == {"crates": {}, "labels": {}}
        assert store.engine.check() == []
        assert not any(index.entries for heap in store.engine.heaps for index in heap.uniques)
        assert not any(index.entries for heap in store.engine.heaps for index in heap.indexes)


async def test_a_mark_stays_good_and_later_ones_do_not() -> None:
    store = opened()
    await store.insert(Insert("t", CRATE, ({"code": "a"},)))
    first = store.mark()
    await store.insert(Insert("t", CRATE, ({"code": "b"},)))
    second = store.mark()
    for _ in range(2):
        await store.insert(Insert("t", CRATE, ({"code": "c"},)))
        store.restore(first)
        assert [row.code for row in await store.fetch(Select("t", CRATE))] == ["a"]
    with pytest.raises(QueryError):
        store.restore(second)
    with pytest.raises(QueryError):
        opened().restore(first)
    assert (await store.insert(Insert("t", CRATE, ({"code": "d"},)))).rows[0].id == 5


async def test_nothing_is_remembered_without_a_mark() -> None:
    store = opened()
    await store.insert(Insert("t", CRATE, ({"code": "a"},)))
    with pytest.raises(RepositoryError):
        await store.insert(Insert("t", CRATE, ({"code": "a"},)))
    assert store.engine.journal.undo == []
    store.mark()
    await store.insert(Insert("t", CRATE, ({"code": "b"},)))
    assert store.engine.journal.undo


async def test_no_reader_and_no_writer_reaches_the_stored_jsonb() -> None:
    store = opened()
    given: dict[str, Any] = {"list": [1, {"deep": True}]}
    written: Any = (await store.insert(Insert("t", PERSON, ({"handle": "a", "profile": given},)))).rows[0]
    key = bind(eq("id", written.id), PERSON, store.catalog)
    query: Select[Any] = Select("t", PERSON, key)
    given["list"].append(2)
    written.profile["list"].clear()
    (read,) = await store.fetch(query)
    assert read.profile == {"list": [1, {"deep": True}]}
    read.profile["list"][1]["deep"] = False
    changes: dict[str, Any] = {"settings": {"n": [1]}}
    (changed,) = (await store.update(Update("t", PERSON, key, changes))).rows
    changes["settings"]["n"].append(2)
    changed.settings["n"].append(3)
    async for streamed in store.stream(query):
        assert (streamed.profile, streamed.settings) == ({"list": [1, {"deep": True}]}, {"n": [1]})
        streamed.settings.clear()
    (read,) = await store.fetch(query)
    assert read.settings == {"n": [1]}
    other = (await store.insert(Insert("t", PERSON, ({"handle": "b"},)))).rows[0]
    other.settings["x"] = 1
    assert (await store.insert(Insert("t", PERSON, ({"handle": "c"},)))).rows[0].settings == {}


async def test_rows_without_jsonb_are_the_entities_themselves() -> None:
    store = opened()
    await store.insert(Insert("t", ENTRY, ({}, {})))
    first, again = await store.fetch(Select("t", ENTRY)), await store.fetch(Select("t", ENTRY))
    assert all(one is other for one, other in zip(first, again, strict=True))
    first.clear()
    assert await store.count(Select("t", ENTRY, bind(ge("id", 1), ENTRY, store.catalog))) == 2
