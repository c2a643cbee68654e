"""Commands and streams on the real server: what is written, in which order, and what is left open."""

import asyncio
import contextlib
import uuid
from decimal import Decimal
from typing import TypeAlias

import asyncpg
import attrs
import pytest
from asyncpg.connection import LoggedQuery

from homeport.adapters.postgres import PostgresStore, bulk, open_postgres
from homeport.kernel.binding import bind
from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    QueryError,
    RepositoryError,
    UniqueViolation,
)
from homeport.kernel.predicates import FALSE, TRUE, Predicate, contains, eq, exists, ge, lower, not_, one_of
from homeport.kernel.query import Delete, Insert, Moment, OnConflict, Order, Select, Update, UpdateEach
from homeport.kernel.table import Row
from tests.postgres.conftest import DATABASE
from tests.postgres.tables import CRATE, FIND, FOREIGN, LABEL, LIGHTEN, STRANGE, Crate, Found, Label, Sought

Admin: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def crates(*codes: str, **more: object) -> tuple[Row, ...]:
    return tuple({"code": code, **more} for code in codes)


async def add(store: PostgresStore, *rows: Row, returning: bool = True) -> tuple[Crate, ...]:
    return (await store.insert(Insert("crates.add", CRATE, rows, returning=returning))).rows


async def found(store: PostgresStore, where: Predicate = TRUE, limit: int | None = None, offset: int = 0) -> list[str]:
    bound = bind(where, CRATE, store.catalog)
    query = Select("crates.q", CRATE, bound, (Order("code"),), limit, offset)
    return [each.code for each in await store.fetch(query)]


# -- reading


async def test_windows_and_counts_agree(store: PostgresStore) -> None:
    await add(store, *crates("a", "b", "c"))
    assert await found(store) == ["a", "b", "c"]
    assert await found(store, limit=2, offset=1) == ["b", "c"]
    assert await found(store, offset=5) == []
    for limit, offset, count in ((None, 0, 3), (2, 0, 2), (2, 2, 1), (0, 0, 0), (None, 1, 2), (1, 9, 0)):
        assert await store.count(Select("crates.n", CRATE, limit=limit, offset=offset)) == count


async def test_texts_are_in_code_point_order_whatever_the_collation(store: PostgresStore, admin: Admin) -> None:
    texts = ["Z", "a", "é", "z", "𝄞", "B", "ä", "_"]
    await add(store, *crates(*texts))
    assert await found(store) == sorted(texts)
    assert await found(store, ge("code", "a")) == sorted(text for text in texts if text >= "a")
    assert await found(store, eq(lower("code"), "Z")) == ["Z", "z"]
    assert await found(store, contains(lower("code"), "B")) == ["B"]


async def test_what_can_have_no_rows_is_not_asked(catalog: Catalog, store: PostgresStore) -> None:
    nowhere = await open_postgres("postgresql://127.0.0.1:1/none", catalog=catalog, cursors=store.cursors)
    for query in (Select("c", CRATE, FALSE), Select("c", CRATE, limit=0)):
        assert await nowhere.fetch(query) == []
        assert await nowhere.count(query) == 0
        assert [each async for each in nowhere.stream(query)] == []
    assert (await nowhere.insert(Insert("c", CRATE, ()))).count == 0
    assert (await nowhere.update(Update("c", CRATE, FALSE, {"note": "x"}))).count == 0
    assert (await nowhere.delete(Delete("c", CRATE, FALSE))).count == 0
    assert (await nowhere.update_each(UpdateEach("c", CRATE, ()))).count == 0


async def test_related_rows_are_found_through_exists(store: PostgresStore) -> None:
    a, b, c = await add(store, *crates("a", "b", "c"))
    await store.update(Update("c", CRATE, bind(eq("id", b.id), CRATE, store.catalog), {"above_id": a.id}))
    await store.insert(Insert("l", LABEL, ({"crate_id": a.id, "name": "x"}, {"crate_id": c.id, "name": "y"})))
    assert await found(store, exists(LABEL, {"crate_id": "id"}, eq("name", "x"))) == ["a"]
    above = exists(CRATE, {"id": "above_id"}, exists(LABEL, {"crate_id": "id"}))
    assert await found(store, above) == ["b"]
    assert await found(store, not_(above)) == ["a", "c"]
    everywhere = bind(exists(LABEL, {"crate_id": "id"}), CRATE, store.catalog)
    assert (await store.update(Update("c", CRATE, everywhere, {"note": "labelled"}, returning=False))).count == 2


# -- inserting


async def test_one_row_without_values_is_all_defaults(store: PostgresStore, admin: Admin) -> None:
    samples = store.catalog.named("samples")
    some: list[tuple[Row, ...]] = [({},), ({}, {}), ({}, {"words": "x"}, {})]
    for rows in some:
        written = await store.insert(Insert("samples.add", samples, rows))
        assert len({each.id for each in written.rows}) == written.count == len(rows)


@pytest.mark.parametrize("rows", [2, 99, 100, 1000])
@pytest.mark.parametrize("returning", [True, False])
async def test_many_rows_keep_their_order(store: PostgresStore, rows: int, returning: bool) -> None:
    given = crates(*(f"{n * 7919 % rows:06}" for n in range(rows)))
    written = await store.insert(Insert("crates.add", CRATE, given, returning=returning))
    assert written.count == rows
    assert [each.code for each in written.rows] == ([row["code"] for row in given] if returning else [])
    stored = await store.fetch(Select("c", CRATE, order=(Order("id"),)))
    assert [each.code for each in stored] == [row["code"] for row in given]
    assert [each.id for each in stored] == list(range(1, rows + 1))


async def test_more_rows_than_a_statement_has_parameters(store: PostgresStore) -> None:
    given = crates(*(f"c{n}" for n in range(33_000)))
    assert (await store.insert(Insert("crates.add", CRATE, given, returning=True))).count == 33_000
    unlike = tuple(
        {**row, "code": f"d{n}"} if n % 2 else {"code": f"d{n}"}
        for n, row in enumerate(crates(*["x"] * 20_000, note="n"))
    )
    written = await store.insert(Insert("crates.add", CRATE, unlike))
    assert [each.code for each in written.rows] == [row["code"] for row in unlike]


async def test_rows_of_different_columns_get_defaults_in_order(store: PostgresStore) -> None:
    rows: tuple[Row, ...] = (
        {"code": "a"},
        {"code": "b", "id": 77, "note": "n"},
        {"weight": 5, "code": "c"},
        {"code": "d"},
    )
    written = await store.insert(Insert("crates.add", CRATE, rows))
    assert [(each.id, each.code, each.weight, each.note) for each in written.rows] == [
        (1, "a", 1, None),
        (77, "b", 1, "n"),
        (2, "c", 5, None),
        (3, "d", 1, None),
    ]


async def test_rows_of_one_command_may_refer_to_each_other(store: PostgresStore) -> None:
    await add(store, {"id": 10, "code": "child", "above_id": 11}, {"id": 11, "code": "parent"})
    assert await found(store) == ["child", "parent"]


@pytest.mark.parametrize("returning", [True, False])
@pytest.mark.parametrize("rows", [3, 200])
async def test_all_rows_or_none(store: PostgresStore, rows: int, returning: bool) -> None:
    given = (*crates(*(f"c{n}" for n in range(rows))), {"code": "c0"})
    with pytest.raises(UniqueViolation):
        await add(store, *given, returning=returning)
    unlike = (*crates(*(f"c{n}" for n in range(rows))), {"code": "x", "weight": -1})
    with pytest.raises(CheckViolation):
        await add(store, *unlike, returning=returning)
    assert await found(store) == []


async def test_unlike_rows_in_several_statements_are_still_one_command(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MAX_PARAMETERS", 3)
    unlike: tuple[Row, ...] = ({"code": "a", "note": "n"}, {"code": "b"}, {"code": "c", "note": "n"}, {"code": "d"})
    assert [each.code for each in await add(store, *unlike)] == ["a", "b", "c", "d"]
    with pytest.raises(UniqueViolation):
        await add(store, {"code": "e", "note": "n"}, {"code": "f"}, {"code": "a", "note": "n"})
    assert await found(store) == ["a", "b", "c", "d"]


async def test_copy_is_used_where_nothing_comes_back(store: PostgresStore, admin: Admin) -> None:
    texts: list[str] = []
    one = await open_postgres(admin, catalog=store.catalog, cursors=store.cursors)

    def listen(logged: LoggedQuery) -> None:
        texts.append(logged.query)

    with admin.query_logger(listen):
        for given in (("a", "b"), (f"c{n}" for n in range(150)), (f"d{n}" for n in range(150))):
            await one.insert(Insert("crates.bulk", CRATE, crates(*given), returning=False))
    assert await store.count(Select("c", CRATE)) == 302
    assert len([text for text in texts if "row_security_active" in text]) == 1
    assert len([text for text in texts if "INSERT" in text.upper()]) == 1


async def test_tables_with_row_policies_are_not_copied_into(store: PostgresStore, admin: Admin, url: str) -> None:
    async with admin.transaction():
        await admin.execute(
            "create role secured; grant all on crates to secured;"
            "grant usage on all sequences in schema public to secured;"
            "alter table crates enable row level security; create policy p on crates using (true);"
            "set local role secured"
        )
        inside = await open_postgres(admin, catalog=store.catalog, cursors=store.cursors)
        many = crates(*(f"c{n}" for n in range(150)))
        assert (await inside.insert(Insert("crates.bulk", CRATE, many, returning=False))).count == 150
        await admin.execute("reset role; alter table crates disable row level security; drop policy p on crates")
        await admin.execute("revoke all on crates from secured; drop owned by secured; drop role secured")


async def test_many_rows_that_come_back_go_by_a_temporary_table(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several times on one connection and in one unit, with other columns each time; all rows or none."""
    monkeypatch.setattr(bulk, "STAGE_FROM_ROWS", 3)
    assert [each.code for each in await add(store, *crates("c", "a", "b"))] == ["c", "a", "b"]
    assert [each.weight for each in await add(store, *crates("f", "d", "e", weight=2))] == [2, 2, 2]
    with pytest.raises(UniqueViolation):
        await add(store, *crates("g", "h", "a", weight=2))
    async with store.transaction() as unit:
        for given in (("i", "j", "k"), ("l", "m", "n")):
            added = await unit.insert(Insert("crates.add", CRATE, crates(*given)))
            assert [each.code for each in added.rows] == list(given)
        with pytest.raises(UniqueViolation):
            async with unit.savepoint():
                await unit.insert(Insert("crates.add", CRATE, crates("o", "p", "a")))
        await unit.insert(Insert("crates.add", CRATE, crates("q", "r", "s")))
    assert await found(store) == list("abcdefijklmnqrs")
    assert await store.execute_query("SELECT relname FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'") == []


async def test_rows_come_back_in_order_however_long_they_are(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short row does not go where a page before has room for it."""
    monkeypatch.setattr(bulk, "STAGE_FROM_ROWS", 3)
    codes = [f"{n}" + "x" * (n * 7919 % 3 * 3000) for n in range(600)]
    added = await add(store, *crates(*codes))
    assert [each.code for each in added] == codes
    assert [each.id for each in added] == sorted(each.id for each in added)


async def test_a_login_without_temporary_tables_has_arrays(
    store: PostgresStore, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "STAGE_FROM_ROWS", 3)
    async with admin.transaction():
        await admin.execute(
            f'create role bare; grant all on crates to bare; revoke temporary on database "{DATABASE}" from public;'
            "grant usage on all sequences in schema public to bare; set local role bare"
        )
        inside = await open_postgres(admin, catalog=store.catalog, cursors=store.cursors)
        assert len(await add(inside, *crates("c", "a", "b"))) == 3
        await admin.execute(
            f'reset role; grant temporary on database "{DATABASE}" to public; drop owned by bare; drop role bare'
        )


def test_rows_are_held_to_the_order_given_where_their_keys_are_known() -> None:
    rows = tuple({"id": n, "code": f"c{n}"} for n in (3, 1, 2))
    command = Insert("crates.add", CRATE, rows)
    wanted = [Crate(id=n, code=f"c{n}") for n in (3, 1, 2)]
    assert bulk.in_given_order(command, sorted(wanted, key=lambda each: each.id)) == wanted
    assert bulk.in_given_order(command, wanted[:0:-1]) == wanted[1:]


# -- conflicts


UPSERT = OnConflict(("code",), ("weight",))


async def test_upserts_insert_and_update(store: PostgresStore) -> None:
    await add(store, {"code": "b", "weight": 1, "note": "kept"})
    rows = ({"code": "b", "weight": 7}, {"code": "a", "weight": 8})
    written = await store.insert(Insert("crates.upsert", CRATE, rows, UPSERT))
    assert [(each.code, each.weight, each.note) for each in written.rows] == [("b", 7, "kept"), ("a", 8, None)]
    one = await store.insert(Insert("crates.upsert", CRATE, ({"code": "b", "weight": 9},), UPSERT, returning=False))
    assert (one.count, one.rows) == (1, ())


async def test_rows_left_alone_are_neither_counted_nor_returned(store: PostgresStore) -> None:
    await add(store, {"code": "b", "weight": 1})
    written = await store.insert(Insert("c", CRATE, crates("a", "b", "c"), OnConflict(("code",), ())))
    assert (written.count, [each.code for each in written.rows]) == (2, ["a", "c"])
    assert (await store.insert(Insert("c", CRATE, crates("a"), OnConflict(("code",), ())))).count == 0


async def test_an_upsert_that_meets_a_soft_deleted_row_writes_nothing(store: PostgresStore) -> None:
    (crate,) = await add(store, {"code": "a"})
    gone, live, new = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    rows = tuple({"id": key, "crate_id": crate.id, "name": name} for key, name in ((gone, "gone"), (live, "live")))
    await store.insert(Insert("l", LABEL, rows))
    await store.update(Update("l", LABEL, bind(eq("id", gone), LABEL, store.catalog), {"deleted_at": Moment.NOW}))
    by_name, by_id = OnConflict(("crate_id", "name"), ("name",)), OnConflict(("id",), ("name",))
    for conflict, constraint, some in (
        (by_name, "labels_crate_id_name_key", [{"crate_id": crate.id, "name": n} for n in ("new", "live", "gone")]),
        (by_id, "labels_pkey", [{"id": i, "crate_id": crate.id, "name": f"{i}"} for i in (new, live, gone)]),
    ):
        for given in (some, some[2:]):
            for returning in (True, False):
                with pytest.raises(UniqueViolation) as caught:
                    await store.insert(Insert("l", LABEL, tuple(given), conflict, returning))
                assert (caught.value.constraint, caught.value.table) == (constraint, "labels")
                assert caught.value.columns == conflict.target
    labels = await store.fetch(Select("l", LABEL, order=(Order("name"),)))
    assert [each.name for each in labels] == ["gone", "live"]


async def test_another_unique_in_the_way_is_a_violation(store: PostgresStore) -> None:
    await add(store, {"id": 50, "code": "b"})
    with pytest.raises(UniqueViolation):
        await store.insert(Insert("c", CRATE, ({"id": 51, "code": "b"},), OnConflict(("id",), ("code",))))


# -- changing


async def test_each_row_gets_its_own_changes_or_none_does(store: PostgresStore) -> None:
    a, b, c = await add(store, *crates("a", "b", "c"))
    changes = ((a.id, {"note": "x"}), (b.id, {"weight": 5, "note": None}), (c.id, {"note": "y"}), (999, {"note": "z"}))
    assert (await store.update_each(UpdateEach("c", CRATE, changes))).count == 3
    stored = {each.code: each for each in await store.fetch(Select("c", CRATE))}
    assert [(stored[code].note, stored[code].weight) for code in "abc"] == [("x", 1), (None, 5), ("y", 1)]
    for broken in (((a.id, {"note": "w"}), (b.id, {"weight": -1})), ((a.id, {"code": "b"}), (b.id, {"note": "w"}))):
        with pytest.raises(RepositoryError):
            await store.update_each(UpdateEach("c", CRATE, broken))
    assert {each.code: each for each in await store.fetch(Select("c", CRATE))} == stored
    where = bind(eq("code", "a"), CRATE, store.catalog)
    assert (await store.update_each(UpdateEach("c", CRATE, changes, where))).count == 1


async def test_updates_and_deletes_count_what_was_meant(store: PostgresStore) -> None:
    await add(store, *crates("a", "b", "c"))
    two = bind(one_of("code", ["a", "b", "nope"]), CRATE, store.catalog)
    written = await store.update(Update("c", CRATE, two, {"weight": 3}))
    assert (written.count, {(each.code, each.weight) for each in written.rows}) == (2, {("a", 3), ("b", 3)})
    assert [(await store.delete(Delete("c", CRATE, two))).count for _ in range(2)] == [2, 0]
    assert await found(store) == ["c"]


# -- streams


async def streamed(store: PostgresStore, rows: int) -> None:
    await add(store, *crates(*(f"{n:05}" for n in range(rows))), returning=False)


@pytest.mark.parametrize("rows", [0, 1, 500, 1201])
async def test_a_stream_gives_all_rows_in_order(store: PostgresStore, rows: int) -> None:
    await streamed(store, rows)
    query = Select("crates.stream", CRATE, order=(Order("code", descending=True),))
    assert [each.code async for each in store.stream(query)] == [f"{n:05}" for n in reversed(range(rows))]


async def test_a_stream_shows_one_moment(store: PostgresStore) -> None:
    await streamed(store, 1200)
    seen = 0
    async for _ in store.stream(Select("crates.stream", CRATE, order=(Order("id"),))):
        if seen == 0:
            await store.delete(Delete("c", CRATE, bind(ge("code", "00600"), CRATE, store.catalog)))
        seen += 1
    assert seen == 1200


@pytest.mark.parametrize("after", [1, 500, 700])
async def test_a_stream_left_early_leaves_nothing_open(store: PostgresStore, admin: Admin, after: int) -> None:
    await streamed(store, 1200)
    async with contextlib.aclosing(store.stream(Select("c", CRATE))) as rows:
        async for _ in rows:
            after -= 1
            if after == 0:
                break
    open_ones = "select count(*) from pg_stat_activity where datname = $1 and state like 'idle in tr%'"
    assert await admin.fetchval(open_ones, DATABASE) == 0
    async for _ in store.stream(Select("c", CRATE)):
        break
    assert await found(store, limit=1) == ["00000"]


async def test_a_cancelled_stream_gives_its_connection_back(store: PostgresStore) -> None:
    await streamed(store, 600)

    async def read() -> None:
        async for _ in store.stream(Select("c", CRATE)):
            await asyncio.sleep(10)

    for _ in range(6):
        task = asyncio.create_task(read())
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(await found(store)) == 600


async def test_no_writing_inside_a_streams_snapshot(store: PostgresStore, admin: Admin) -> None:
    await streamed(store, 3)
    async with admin.transaction():
        inside = await open_postgres(admin, catalog=store.catalog, cursors=store.cursors)
        assert len([each async for each in inside.stream(Select("c", CRATE))]) == 3


# -- operations and raw SQL


async def test_operations_are_called_and_answer_entities(store: PostgresStore) -> None:
    await add(store, *crates("b", "a", weight=2), *crates("c", weight=1))
    wanted = [Found(code=code, total=Decimal("2.10"), facts={"tags": ["x"], "given": 1}) for code in ("a", "b")]
    assert await store.run(FIND, Sought(least=2, facts={"given": 1}, tags=("x",))) == wanted
    assert await store.run(LIGHTEN, Sought(least=9, facts={})) is None
    assert (await store.run(LIGHTEN, Sought(least=1, facts={}))) is not None
    with pytest.raises(QueryError):
        await store.run(STRANGE, Sought(least=1, facts={}))


async def test_raw_sql_answers_dicts(store: PostgresStore) -> None:
    await add(store, {"code": "a"})
    assert await store.execute_query("select code, weight + $1::int as more from crates", [4]) == [
        {"code": "a", "more": 5}
    ]
    assert await store.execute_query("delete from crates") == []


async def test_statements_carry_their_name(store: PostgresStore) -> None:
    shown = await store.execute_query("select query from pg_stat_activity where pid = pg_backend_pid()")
    assert str(shown[0]["query"]).startswith("/* execute_query */ ")


async def test_all_that_is_beyond_the_contract_is_open(store: PostgresStore) -> None:
    assert store.adapter == "postgres"
    assert store.capabilities == ~Capability(0)


async def test_a_deployment_with_other_names(store: PostgresStore) -> None:
    catalog = Catalog.of([CRATE, LABEL], FOREIGN)
    foreign = PostgresStore(attrs.evolve(store._shared, catalog=catalog))
    table = catalog.table(LABEL)
    rows = tuple({"id": uuid.uuid4(), "crate_id": n, "name": f"n{n}"} for n in range(150))
    await foreign.insert(Insert("l", table, rows[:1]))
    await foreign.insert(Insert("l", table, rows[1:], returning=False))
    where = bind(eq("name", "n7"), table, catalog)
    assert await foreign.fetch(Select("l", table, where)) == [Label(**rows[7])]  # type: ignore[arg-type]
    changed = UpdateEach("l", table, ((rows[7]["id"], {"name": "x"}),))
    assert (await foreign.update_each(changed)).count == 1
    upsert = OnConflict(("crate_id", "name"), ("name",))
    assert (await foreign.insert(Insert("l", table, ({**rows[8], "id": uuid.uuid4()},), upsert))).count == 1


async def test_a_missing_parent_is_found_at_the_end_of_the_statement(store: PostgresStore) -> None:
    with pytest.raises(ForeignKeyViolation):
        await store.insert(Insert("l", LABEL, ({"crate_id": 1, "name": "x"},)))
