"""Texts: what is sent for a shape, that values never reach it, and that each shape is compiled once."""

import itertools
import re
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.adapters.postgres.compiler import Compiler
from homeport.adapters.postgres.predicate_sql import predicate_sql
from homeport.adapters.postgres.statements import comment
from homeport.kernel.binding import bind
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import InvalidField, QueryError
from homeport.kernel.predicates import (
    CURRENT_USER,
    FALSE,
    TRUE,
    Predicate,
    all_of,
    any_of,
    contains,
    eq,
    equal,
    exists,
    field,
    ge,
    gt,
    is_null,
    lower,
    lt,
    ne,
    not_,
    one_of,
    starts_with,
)
from homeport.kernel.query import Delete, Deleted, Insert, Moment, OnConflict, Order, Select, Update, UpdateEach
from homeport.kernel.units import Wait
from homeport.repositories.by_key import ByKey
from tests.postgres.tables import CRATE, FIND, FOREIGN, LABEL, SAMPLE, STRANGE, Label, Mood, Sought

CATALOG = Catalog.of([SAMPLE, CRATE, LABEL])
CRATES = '"public"."crates" AS "t"'
KEY, OTHER = uuid.UUID(int=7), uuid.UUID(int=8)
COLUMNS = '"t"."id", "t"."code", "t"."weight", "t"."note", "t"."above_id"'


def select(where: Predicate, *order: Order, limit: int | None = None, offset: int = 0) -> tuple[str, list[Any]]:
    return Compiler().select(Select("crates.q", CRATE, bind(where, CRATE, CATALOG), order, limit, offset))


def test_a_read_by_key() -> None:
    assert select(eq("id", 7)) == (
        f'/* crates.q */ SELECT {COLUMNS} FROM {CRATES} WHERE "t"."id" = $1::bigint',
        [7],
    )


def test_a_page() -> None:
    text, values = select(
        all_of(ge("code", "b"), not_(one_of("weight", [1, 2]))), Order("code"), Order("id", True), limit=0, offset=5
    )
    assert text == (
        f'/* crates.q */ SELECT {COLUMNS} FROM {CRATES} WHERE ("t"."code" COLLATE "C" >= $1::text AND '
        'NOT ("t"."weight" = ANY($2::integer[]))) ORDER BY "t"."code" COLLATE "C", "t"."id" DESC '
        "LIMIT $3::bigint OFFSET $4::bigint"
    )
    assert values == ["b", (1, 2), 0, 5]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (Order("note"), '"t"."note" COLLATE "C"'),
        (Order("note", descending=True), '"t"."note" COLLATE "C" DESC NULLS LAST'),
        (Order("note", nulls_first=True), '"t"."note" COLLATE "C" NULLS FIRST'),
        (Order("note", descending=True, nulls_first=True), '"t"."note" COLLATE "C" DESC'),
        (Order("weight", descending=True), '"t"."weight" DESC'),
        (Order("weight", nulls_first=True), '"t"."weight"'),
    ],
)
def test_nulls_are_placed_only_where_postgres_would_place_them_otherwise(order: Order, said: str) -> None:
    assert select(TRUE, order)[0].endswith(f"ORDER BY {said}")


def test_text_matches_are_escaped_patterns() -> None:
    text, values = select(any_of(contains("code", "50%_\\"), starts_with(lower("code"), "AB"), ne(lower("note"), "Ä")))
    assert text.endswith(
        'WHERE ("t"."code" LIKE $1::text OR lower("t"."code" COLLATE "C") LIKE $2::text '
        'OR lower("t"."note" COLLATE "C") <> $3::text)'
    )
    assert values == ["%50\\%\\_\\\\%", "ab%", "Ä"]


def test_exists_names_each_table_once() -> None:
    heavy = exists(CRATE, {"id": "above_id"}, exists(LABEL, {"crate_id": "id"}, eq("name", "x")))
    text, values = select(all_of(eq("code", "a"), heavy, is_null("note")))
    assert text.endswith(
        'WHERE ("t"."code" = $1::text AND EXISTS (SELECT FROM "public"."crates" AS "x1" WHERE "x1"."id" = '
        '"t"."above_id" AND EXISTS (SELECT FROM "public"."labels" AS "x2" WHERE "x2"."crate_id" = "x1"."id" AND '
        '("x2"."deleted_at" IS NULL AND "x2"."name" = $2::text))) AND "t"."note" IS NULL)'
    )
    assert values == ["a", "x"]


def test_a_count_honours_the_window() -> None:
    query = Select("crates.count", CRATE, bind(gt("weight", 3), CRATE, CATALOG), limit=1)
    assert Compiler().count(query) == (
        (
            f'/* crates.count */ SELECT count(*) FROM (SELECT FROM {CRATES} WHERE "t"."weight" > $1::integer '
            "LIMIT $2::bigint) AS counted"
        ),
        [3, 1],
    )
    assert Compiler().count(Select("c", CRATE)) == (f"/* c */ SELECT count(*) FROM {CRATES}", [])


def test_jsonb_and_native_enums_travel_as_text() -> None:
    row = {"facts": {"a": 1}, "native": Mood.CALM, "native_list": (Mood.CALM,)}
    text, values = Compiler().insert_one(Insert("s", SAMPLE, (row,)))
    assert 'VALUES ($1::text::jsonb, $2::text::sample_mood, $3::text[]::sample_mood[]) RETURNING "t"."id"' in text
    assert '"t"."facts"::text' in text
    assert '"t"."native_list"::text[]' in text
    assert values == ['{"a":1}', Mood.CALM, (Mood.CALM,)]
    where = bind(one_of("native", ["calm"]), SAMPLE, CATALOG)
    assert (
        Compiler().select(Select("s", SAMPLE, where))[0].endswith('WHERE "t"."native" = ANY($1::text[]::sample_mood[])')
    )


def test_an_upsert_leaves_soft_deleted_rows_alone() -> None:
    row = {"id": uuid.UUID(int=1), "crate_id": 1, "name": "a"}
    command = Insert("labels.upsert", LABEL, (row,), OnConflict(("crate_id", "name"), ("name",)), returning=False)
    text, _ = Compiler().insert_one(command)
    assert text == (
        '/* labels.upsert */ INSERT INTO "public"."labels" AS "t" ("id", "crate_id", "name") '
        'VALUES ($1::uuid, $2::bigint, $3::text) ON CONFLICT ("crate_id", "name") DO UPDATE SET '
        '"name" = EXCLUDED."name" WHERE "t"."deleted_at" IS NULL'
    )
    text, _ = Compiler().insert_one(Insert("l", LABEL, (row,), OnConflict(("id",), ()), returning=False))
    assert text.endswith('ON CONFLICT ("id") DO NOTHING')


def test_rows_alike_go_as_one_array_a_column() -> None:
    rows = ({"code": "a", "weight": 1}, {"weight": None, "code": "b"})
    assert Compiler().insert_alike(Insert("c", CRATE, rows, returning=False)) == (
        (
            '/* c */ INSERT INTO "public"."crates" AS "t" ("code", "weight") SELECT u.c1, u.c2 FROM '
            "unnest($1::text[], $2::integer[]) WITH ORDINALITY AS u(c1, c2, n) ORDER BY u.n"
        ),
        [["a", "b"], [1, None]],
    )


def test_rows_unlike_get_the_defaults() -> None:
    rows = ({"code": "a"}, {"id": 5, "code": "b"})
    assert Compiler().insert_unlike(Insert("c", CRATE, rows, returning=False), rows) == (
        (
            '/* c */ INSERT INTO "public"."crates" AS "t" ("code", "id") '
            "VALUES ($1::text, DEFAULT), ($3::text, $2::bigint)"
        ),
        ["a", 5, "b"],
    )


def test_changes() -> None:
    where = bind(eq("id", uuid.UUID(int=1)), LABEL, CATALOG)
    changes = {"deleted_at": Moment.NOW, "name": "x"}
    assert Compiler().update(Update("l", LABEL, where, changes, returning=False)) == (
        '/* l */ UPDATE "public"."labels" AS "t" SET "deleted_at" = now(), "name" = $1::text WHERE "t"."id" = $2::uuid',
        ["x", uuid.UUID(int=1)],
    )
    assert Compiler().delete(Delete("l", LABEL, where)) == (
        '/* l */ DELETE FROM "public"."labels" AS "t" WHERE "t"."id" = $1::uuid',
        [uuid.UUID(int=1)],
    )
    each = UpdateEach("l", LABEL, ((uuid.UUID(int=1), changes),), bind(is_null("deleted_at"), LABEL, CATALOG))
    assert Compiler().update_each(each, each.changes) == (
        (
            '/* l */ UPDATE "public"."labels" AS "t" SET "name" = u.c1, "deleted_at" = now() FROM '
            'unnest($1::uuid[], $2::text[]) AS u(c0, c1) WHERE "t"."id" = u.c0 AND "t"."deleted_at" IS NULL'
        ),
        [[uuid.UUID(int=1)], ["x"]],
    )


def test_an_operation_is_a_call() -> None:
    text, values, _ = Compiler([FIND]).call(FIND, Sought(least=1, facts={"a": None}, tags=("b",)))
    assert text == (
        '/* crates.find_heavy */ SELECT r."code", r."total", r."facts"::text FROM "public"."find_heavy"'
        '("p_least" => $1::integer, "p_facts" => $2::text::jsonb, "p_tags" => $3::text[]) AS r'
    )
    assert values == [1, '{"a":null}', ("b",)]
    with pytest.raises(QueryError, match=r"crates\.strange"):
        Compiler([FIND]).call(STRANGE, Sought(least=1, facts={}))


def test_deployed_names_are_used_and_quoted() -> None:
    catalog = Catalog.of([LABEL, CRATE], FOREIGN)
    table = catalog.table(LABEL)
    text, _ = Compiler().select(Select("labels.q", table, bind(eq("name", "x"), table, catalog)))
    assert text == (
        '/* labels.q */ SELECT "t"."id", "t"."crate_id", "t"."na.me", "t"."deleted_at" '
        'FROM "elsewhere"."odd ""lab""els" AS "t" WHERE "t"."na.me" = $1::text'
    )


def test_current_user_is_asked_once_a_statement() -> None:
    where = bind(eq("id", CURRENT_USER), LABEL, CATALOG)
    text, values = Compiler().select(Select("l", LABEL, where))
    assert text.endswith('WHERE "t"."id" = (SELECT auth.uid())')
    assert values == []
    assert select(eq("code", CURRENT_USER))[0].endswith('"t"."code" = (SELECT auth.uid()::text)')


# -- the program's own constants


def test_constants_of_the_program_stand_in_the_text() -> None:
    where = bind(all_of(one_of("code", ["it's", "b"]), starts_with(lower("note"), "A_")), CRATE, CATALOG)
    assert predicate_sql(where, CRATE) == ("""("code" IN ('it''s', 'b') AND lower("note" COLLATE "C") LIKE 'a\\_%')""")


def test_a_table_inside_exists_refers_to_the_row_outside() -> None:
    where = bind(exists(CRATE, {"id": "above_id"}, gt("weight", 1)), CRATE, CATALOG)
    said = 'EXISTS (SELECT FROM "public"."crates" AS "x1" WHERE "x1"."id" = {}."above_id" AND "x1"."weight" > 1)'
    assert predicate_sql(where, CRATE) == said.format('"crates"')
    assert predicate_sql(where, CRATE, "row") == said.format('"row"')
    assert '"x2"."id" = "x1"."above_id"' in predicate_sql(where, CRATE, "x1")


# -- shapes


def test_a_thousand_values_share_one_text() -> None:
    compiler = Compiler()
    texts = set()
    for n in range(1000):
        where = bind(all_of(eq("id", n), contains("code", f"'; drop {n}")), CRATE, CATALOG)
        texts.add(compiler.select(Select("c", CRATE, where, limit=n, offset=n + 1))[0])
        texts.add(compiler.insert_one(Insert("c", CRATE, ({"code": f"c{n}"},)))[0])
        texts.add(compiler.update(Update("c", CRATE, where, {"note": f"n{n}"}))[0])
        texts.add(compiler.insert_alike(Insert("c", CRATE, ({"code": f"c{n}"},) * (n + 1)))[0])
    assert len(texts) == len(compiler.texts) == 4


def by_key(fixed: Sequence[tuple[str, object]], deleted: Deleted, lock: Wait | None) -> ByKey[Label]:
    return ByKey(LABEL, tuple(equal(field(name), value) for name, value in fixed), deleted, None, lock)


@pytest.mark.parametrize("lock", [None, *Wait])
@pytest.mark.parametrize("deleted", Deleted)
@pytest.mark.parametrize("fixed", [[], [("name", "a")], [("name", "a"), ("id", KEY)], [("id", OTHER)]])
def test_a_get_of_a_known_form_is_sent_as_any_other(
    fixed: list[tuple[str, object]], deleted: Deleted, lock: Wait | None
) -> None:
    gets, compiler = by_key(fixed, deleted, lock), Compiler()
    for key in (KEY, OTHER, KEY):
        known = gets.select(key)
        plain = attrs.evolve(known)
        assert plain == known
        assert plain.form is None
        text, values, _ = compiler.read(known)
        assert (text, list(values)) == Compiler().select(plain)


def test_gets_that_differ_in_more_than_values_have_forms_of_their_own() -> None:
    names: list[list[tuple[str, object]]] = [[], [("name", "a")], [("name", "a"), ("crate_id", 1)]]
    ways = itertools.product(names, Deleted, [None, *Wait])
    forms = [by_key(*way).select(KEY).form for way in ways]
    assert len(set(forms)) == len(forms)
    assert by_key([("name", "another")], Deleted.LIVE, None).select(OTHER).form in forms


def test_the_number_of_kept_texts_is_bounded() -> None:
    compiler = Compiler(max_texts=10)
    for n in range(100):
        compiler.select(Select(f"c.q{n}", CRATE))
    assert len(compiler.texts) == 10
    assert "c.q99" in list(compiler.texts.values())[-1]


LEAVES = st.sampled_from(
    [
        eq("id", 1),
        eq("id", CURRENT_USER),
        eq("code", "x"),
        eq(lower("code"), "x"),
        ne("code", "x"),
        lt("code", "x"),
        lt("note", "x"),
        one_of("code", ["x"]),
        one_of(lower("code"), ["x", "y"]),
        is_null("code"),
        is_null("note"),
        contains("code", "x"),
        contains(lower("code"), "x"),
        TRUE,
        FALSE,
        exists(LABEL, {"crate_id": "id"}),
        exists(LABEL, {"crate_id": "above_id"}),
        exists(LABEL, {"crate_id": "id"}, eq("name", "x")),
    ]
)
PREDICATES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: all_of(*each)),
        st.lists(inner, max_size=3).map(lambda each: any_of(*each)),
        inner.map(not_),
        inner.map(lambda each: exists(CRATE, {"id": "above_id"}, each)),
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(one=PREDICATES, other=PREDICATES)
def test_shapes_are_equal_only_where_texts_are(one: Predicate, other: Predicate) -> None:
    shared = Compiler()
    for predicate in (one, other):
        query = Select("c", CRATE, bind(predicate, CRATE, CATALOG))
        text, values = shared.select(query)
        assert text == Compiler().select(query)[0]
        assert re.findall(r"\$(\d+)", text) == [str(n + 1) for n in range(len(values))]


# -- nothing of a caller's reaches the text


HOSTILE = ['x"; drop table crates; --', "x*/ ; drop", "$1", "'", "\x00", "id, code", ""]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_no_column(name: str) -> None:
    for predicate in (eq(name, 1), is_null(name), contains(name, "x"), exists(LABEL, {"crate_id": name})):
        with pytest.raises(InvalidField):
            bind(predicate, CRATE, CATALOG)
    with pytest.raises(InvalidField):
        Compiler().insert_one(Insert("c", CRATE, ({name: 1},)))
    with pytest.raises(InvalidField):
        Compiler().select(Select("c", CRATE, TRUE, (Order(name),)))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_statement_name_stays_in_its_comment(name: str) -> None:
    assert re.fullmatch(r"/\* [a-z0-9_.]* \*/ ", comment(name))


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_changes_no_text(value: str) -> None:
    plain, _ = select(any_of(eq("code", "x"), contains("note", "x"), one_of("code", ["x"])))
    hostile, _ = (
        select(any_of(eq("code", value), contains("note", value), one_of("code", [value])))
        if ("\x00" not in value)
        else (plain, [])
    )
    assert hostile == plain


# -- as the server sees it


@pytest.mark.parametrize(
    ("where", "order", "index"),
    [
        (TRUE, (Order("code"),), "crates_code_key"),
        (TRUE, (Order("code", descending=True),), "crates_code_key"),
        (gt("code", "b"), (Order("code"),), "crates_code_key"),
        (starts_with("code", "b"), (Order("code"),), "crates_code_key"),
        (eq(lower("code"), "B"), (), "crates_lower"),
        (starts_with(lower("code"), "B"), (), "crates_lower"),
        (TRUE, (Order("id", descending=True),), "crates_pkey"),
    ],
)
async def test_plain_indexes_on_columns_of_ours_serve(
    clean: None, admin: "asyncpg.Connection[asyncpg.Record]", where: Predicate, order: tuple[Order, ...], index: str
) -> None:
    text, values = select(where, *order)
    async with admin.transaction():
        await admin.execute("create index crates_lower on crates (lower(code)); set local enable_seqscan = off")
        await admin.execute("set local enable_bitmapscan = off")
        plan = "\n".join(row[0] for row in await admin.fetch(f"explain {text}", *values))
        await admin.execute("drop index crates_lower")
    assert f"using {index}" in plan or f"on {index}" in plan
    assert "Sort" not in plan
