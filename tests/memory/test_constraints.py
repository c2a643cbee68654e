"""Every kind of constraint: which error, of which constraint, in which order, and that nothing stays behind."""

import datetime as dt
import uuid
from typing import Any

import pytest

from homeport.adapters.memory import MemoryStore
from homeport.kernel.binding import bind
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    NotNullViolation,
    QueryError,
    RepositoryConstraintError,
    SchemaMismatch,
    UniqueViolation,
)
from homeport.kernel.predicates import eq, one_of
from homeport.kernel.query import Delete, Insert, Moment, OnConflict, Select, Update, UpdateEach
from homeport.kernel.table import Row, Table
from tests.memory.shop import ENTRY, FACE, PERSON, Ticking, opened
from tests.support.specimens import CRATE, LABEL, SPECIMEN, Crate, Label

PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


async def put(store: MemoryStore, table: Table[Any], *rows: Row, conflict: OnConflict | None = None) -> list[Any]:
    return list((await store.insert(Insert("t", table, rows, conflict))).rows)


async def change(store: MemoryStore, table: Table[Any], key: object, **changes: object) -> list[Any]:
    where = bind(eq(table.key, key), table, store.catalog)
    return list((await store.update(Update("t", table, where, changes))).rows)


async def everything(store: MemoryStore) -> dict[str, list[Any]]:
    assert store.engine.check() == []
    return {each.name: await store.fetch(Select("t", each)) for each in store.catalog.tables}


async def refusal(
    store: MemoryStore, *args: Any, **options: Any
) -> tuple[type[Exception], str | None, tuple[str, ...]]:
    """What an insert raises, once it is sure that it left nothing."""
    before = await everything(store)
    with pytest.raises(RepositoryConstraintError) as raised:
        await put(store, *args, **options)
    assert await everything(store) == before
    assert raised.value.table == args[0].name
    return type(raised.value), raised.value.constraint, raised.value.columns


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"low": None, "active": None}, (NotNullViolation, None, ("low",))),
        ({"low": -1, "active": None}, (NotNullViolation, None, ("active",))),
        ({"low": -1, "high": 2000}, (CheckViolation, "entries_high_check", ("high",))),
        ({"low": -1, "high": -1}, (CheckViolation, "entries_low_check", ("low",))),
        ({"low": 5, "high": 5}, (CheckViolation, "entries_low_high_check", ("low", "high"))),
        ({"low": -1, "slot": 1}, (CheckViolation, "entries_low_check", ("low",))),
        ({"id": 50, "slot": 1}, (UniqueViolation, "entries_pkey", ("id",))),
        ({"slot": 1, "person_handle": "nobody"}, (UniqueViolation, "entries_slot_key", ("slot",))),
        ({"person_handle": "nobody"}, (ForeignKeyViolation, "entries_person_handle_fkey", ("person_handle",))),
    ],
)
async def test_the_first_broken_constraint_is_postgresqls(row: Row, expected: object) -> None:
    store = opened()
    await put(store, ENTRY, {"id": 50, "slot": 1})
    assert await refusal(store, ENTRY, row) == expected


async def test_rows_are_judged_one_after_the_other_and_references_last() -> None:
    store = opened()
    good: Row = {"slot": 1}
    assert await refusal(store, ENTRY, good, {"slot": 1}, {"low": None}) == (
        UniqueViolation,
        "entries_slot_key",
        ("slot",),
    )
    assert await refusal(store, ENTRY, {"person_handle": "x"}, {"low": None}) == (NotNullViolation, None, ("low",))


async def test_an_unknown_check_passes_and_a_false_one_does_not() -> None:
    store = opened()
    assert (await put(store, ENTRY, {"high": None}))[0].width is None


async def test_nulls_never_agree_in_a_unique() -> None:
    store = opened()
    await put(
        store,
        CRATE,
        {"code": "a", "shelf": "s"},
        {"code": "b", "shelf": "s"},
        {"code": "c", "shelf": "s", "position": 1},
    )
    wanted = (UniqueViolation, "crates_shelf_position_key", ("shelf", "position"))
    assert await refusal(store, CRATE, {"code": "d", "shelf": "s", "position": 1}) == wanted


async def test_a_partial_unique_sees_only_its_rows() -> None:
    store = opened()
    (first,) = await put(store, ENTRY, {"slot": 1, "active": False})
    await put(store, ENTRY, {"slot": 1, "active": False}, {"slot": 1})
    with pytest.raises(UniqueViolation):
        await change(store, ENTRY, first.id, active=True)
    await store.delete(Delete("t", ENTRY, bind(eq("active", True), ENTRY, store.catalog)))
    assert (await change(store, ENTRY, first.id, active=True))[0].active
    assert store.engine.check() == []


async def test_a_lower_unique_folds_ascii_alone() -> None:
    store = opened()
    (crate,) = await put(store, CRATE, {"code": "a"})
    await put(store, LABEL, {"crate_id": crate.id, "name": "AÉ"}, {"crate_id": crate.id, "name": "aé"})
    wanted = (UniqueViolation, "labels_name_crate_id_key", ("name", "crate_id"))
    assert await refusal(store, LABEL, {"crate_id": crate.id, "name": "aÉ"}) == wanted


async def test_an_identity_counts_on_whatever_happens() -> None:
    store = opened()
    await put(store, CRATE, {"code": "a"}, {"id": 3, "code": "b"})
    with pytest.raises(CheckViolation):
        await put(store, CRATE, {"code": "c", "position": -1})
    with pytest.raises(UniqueViolation) as raised:
        await put(store, CRATE, {"code": "c"})
    assert raised.value.constraint == "crates_pkey"
    assert [row.id for row in await put(store, CRATE, {"code": "c"}, {"code": "d"})] == [4, 5]
    with pytest.raises(NotNullViolation):
        await put(store, CRATE, {"id": None, "code": "e"})


async def test_defaults_fill_what_is_not_given_and_null_stays_null() -> None:
    clock = Ticking()
    store = opened(clock=clock)
    entries = await put(store, ENTRY, {}, {"high": None, "made_on": dt.date(2020, 1, 1)})
    assert [(row.high, row.made_on) for row in entries] == [(10, clock.now.date()), (None, dt.date(2020, 1, 1))]
    people = await put(store, PERSON, {"handle": "a"}, {"handle": "b", "created_at": PAST, "updated_at": PAST})
    assert [(row.created_at, row.updated_at) for row in people] == [(clock.now, clock.now), (PAST, PAST)]
    assert people[0].id != people[1].id


async def test_generated_columns_follow_the_row() -> None:
    store = opened()
    await put(store, PERSON, {"handle": "Zoe"})
    (entry,) = await put(store, ENTRY, {"person_handle": "Zoe", "low": 3})
    assert (entry.initial, entry.width) == ("Z", 7)
    (changed,) = await change(store, ENTRY, entry.id, low=4, person_handle=None)
    assert (changed.initial, changed.width) == (None, 6)
    (specimen,) = await put(store, SPECIMEN, {"whole": 4})
    assert specimen.doubled == 8


async def test_a_direct_update_touches_and_now_is_one_moment() -> None:
    clock = Ticking()
    store = opened(clock=clock)
    (crate,) = await put(store, CRATE, {"code": "a"})
    one, other = await put(store, LABEL, {"crate_id": crate.id, "name": "a"}, {"crate_id": crate.id, "name": "b"})
    later = clock.forward()
    where = bind(one_of("id", [one.id, other.id]), LABEL, store.catalog)
    rows = (await store.update(Update("t", LABEL, where, {"deleted_at": Moment.NOW, "updated_at": PAST}))).rows
    assert {(row.created_at, row.updated_at, row.deleted_at) for row in rows} == {(one.created_at, later, later)}


async def test_a_failed_update_leaves_all_rows_as_they_were() -> None:
    store = opened()
    await put(store, CRATE, {"code": "a", "position": 1}, {"code": "b", "position": 2}, {"code": "c", "position": 3})
    before = await everything(store)
    with pytest.raises(UniqueViolation):
        await store.update(Update("t", CRATE, bind(one_of("id", [1, 2, 3]), CRATE, store.catalog), {"code": "z"}))
    assert await everything(store) == before
    with pytest.raises(CheckViolation):
        await store.update_each(UpdateEach("t", CRATE, ((1, {"code": "z"}), (2, {"position": -1}))))
    assert await everything(store) == before
    counted = await store.update_each(
        UpdateEach("t", CRATE, ((1, {"code": "b2"}), (9, {}), (3, {"shelf": "s", "position": 9})))
    )
    assert counted.count == 2
    assert [(row.code, row.shelf) for row in (await everything(store))["crates"]] == [
        ("b2", None),
        ("b", None),
        ("c", "s"),
    ]


async def test_update_each_leaves_rows_outside_its_filter() -> None:
    store = opened()
    await put(store, CRATE, {"code": "a", "shelf": "s"}, {"code": "b"})
    where = bind(eq("shelf", "s"), CRATE, store.catalog)
    assert (
        await store.update_each(UpdateEach("t", CRATE, ((1, {"version": 2}), (2, {"version": 2})), where))
    ).count == 1
    assert [row.version for row in await store.fetch(Select[Crate]("t", CRATE))] == [2, 1]


class TestOnConflict:
    CODE = OnConflict(("code",), ("shelf", "position"))

    async def test_changes_the_row_that_agrees_and_inserts_the_others(self) -> None:
        store = opened()
        await put(store, CRATE, {"code": "a", "version": 7})
        rows: list[Row] = [{"code": "b", "shelf": "x", "position": 1}, {"code": "a", "shelf": "y", "position": 2}]
        written = await put(store, CRATE, *rows, conflict=self.CODE)
        assert [(row.code, row.shelf, row.version) for row in written] == [("b", "x", 1), ("a", "y", 7)]
        assert [row.id for row in written] == [2, 1]

    async def test_two_rows_that_agree_are_refused_only_where_both_would_write(self) -> None:
        store = opened()
        await put(store, CRATE, {"code": "a"})
        twice: list[Row] = [{"code": "n", "shelf": "x"}, {"code": "n", "shelf": "y"}]
        before = await everything(store)
        with pytest.raises(QueryError):
            await put(store, CRATE, *twice, conflict=OnConflict(("code",), ("shelf",)))
        assert await everything(store) == before
        (kept,) = await put(store, CRATE, *twice, {"code": "a"}, conflict=OnConflict(("code",), ()))
        assert kept.shelf == "x"

    async def test_judges_the_proposed_row_before_the_conflict_and_uses_up_its_number(self) -> None:
        store = opened()
        await put(store, CRATE, {"code": "a"})
        row: Row = {"code": "a", "shelf": None, "position": -1}
        assert (await refusal(store, CRATE, row, conflict=self.CODE))[1] == "crates_position_check"
        assert await put(store, CRATE, {"code": "a"}, conflict=OnConflict(("code",), ())) == []
        assert (await put(store, CRATE, {"code": "b"}))[0].id == 4

    async def test_another_unique_is_still_in_the_way(self) -> None:
        store = opened()
        await put(store, CRATE, {"code": "a", "shelf": "s", "position": 1}, {"code": "b"})
        row: Row = {"code": "b", "shelf": "s", "position": 1}
        assert (await refusal(store, CRATE, row, conflict=self.CODE))[1] == "crates_shelf_position_key"
        row = {"code": "c", "shelf": "s", "position": 1}
        assert (await refusal(store, CRATE, row, conflict=OnConflict(("code",), ())))[1] == "crates_shelf_position_key"

    async def test_null_in_the_target_is_no_conflict(self) -> None:
        store = opened()
        pair = OnConflict(("shelf", "position"), ("version",))
        rows: list[Row] = [{"code": code, "shelf": "s", "position": None, "version": 2} for code in "ab"]
        assert len(await put(store, CRATE, *rows, conflict=pair)) == 2

    async def test_a_soft_deleted_row_in_the_way_is_a_violation_after_all_others(self) -> None:
        store = opened()
        (crate,) = await put(store, CRATE, {"code": "a"})
        key = uuid.UUID(int=1)
        await put(store, LABEL, {"id": key, "crate_id": crate.id, "name": "a", "deleted_at": PAST})
        by_key = OnConflict(("id",), ("name",))
        mine: Row = {"id": key, "crate_id": crate.id, "name": "b"}
        new: Row = {"id": uuid.UUID(int=2), "crate_id": crate.id, "name": "c"}
        assert await refusal(store, LABEL, new, mine, conflict=by_key) == (UniqueViolation, "labels_pkey", ("id",))
        orphan: Row = {"id": uuid.UUID(int=3), "crate_id": 99, "name": "d"}
        assert (await refusal(store, LABEL, mine, orphan, conflict=by_key))[1] == "labels_crate_id_fkey"

    async def test_the_changed_row_is_touched(self) -> None:
        clock = Ticking()
        store = opened(clock=clock)
        (crate,) = await put(store, CRATE, {"code": "a"})
        row: Row = {"id": uuid.UUID(int=1), "crate_id": crate.id, "name": "b"}
        await put(store, LABEL, row)
        later = clock.forward()
        found: list[Label] = await put(store, LABEL, row, conflict=OnConflict(("id",), ("name",)))
        assert found[0].updated_at == later > found[0].created_at


async def test_a_view_is_read_and_never_written() -> None:
    store = opened()
    (person,) = await put(store, PERSON, {"handle": "a", "profile": {"x": [1]}})
    (face,) = await store.fetch(Select("t", FACE, bind(eq("id", person.id), FACE, store.catalog)))
    assert face == FACE.entity(id=person.id, handle="a", profile={"x": [1]})
    with pytest.raises(QueryError):
        await put(store, FACE, {"handle": "b"})


async def test_a_table_that_is_not_installed_is_named() -> None:
    store = opened(CRATE)
    with pytest.raises(SchemaMismatch, match=r"public\.labels"):
        await store.fetch(Select("t", LABEL))
    with pytest.raises(SchemaMismatch, match=r"public\.people"):
        opened(FACE)
