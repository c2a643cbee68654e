"""Queries and commands as calls: what is sent for what, and what is refused before anything is."""

import datetime as dt
import uuid
from decimal import Decimal

import attrs
import pytest

from homeport.adapters.supabase_legacy.compiler import Compiler
from homeport.adapters.supabase_legacy.splitting import joined, parts
from homeport.adapters.supabase_legacy.transport import Call, Verb
from homeport.kernel.binding import Filters, bind, from_filters
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import Entity
from homeport.kernel.errors import QueryError, RepositoryValidationError, Unsupported
from homeport.kernel.predicates import (
    CURRENT_USER,
    FALSE,
    all_of,
    any_of,
    contains,
    eq,
    exists,
    ge,
    gt,
    is_null,
    lower,
    ne,
    not_,
    one_of,
    starts_with,
)
from homeport.kernel.query import Delete, Insert, Moment, OnConflict, Order, Select, Update
from homeport.kernel.table import ID, OWNER, Override, Row, Table, column, table
from tests.support.specimens import CRATE, LABEL, SPECIMEN, SPECIMENS, Crate, Mood, Specimen

CATALOG = Catalog.of(SPECIMENS.tables)
COMPILER = Compiler(CATALOG)
USER = str(uuid.UUID(int=5))
CRATE_COLUMNS = "id,code,shelf,position,labels_count,version"


def filtered(filters: Filters, of: Table[Entity] = CRATE, user: str | None = None) -> list[tuple[str, str]]:  # type: ignore[assignment]
    """The parameters of the filter alone; an embed shows as part of `select`."""
    compiler = COMPILER.signed_in(user)
    where = compiler.normal(bind(from_filters(filters), of, CATALOG))
    call = compiler.select(Select("t.t", of, where, (Order(of.key),)))
    ignored = (("select", COMPILER.codec(of).select), ("order", of.key))
    return [each for each in call.params if each not in ignored]


def update(filters: Filters, changes: Row, *, returning: bool = True) -> Call:
    where = COMPILER.normal(bind(from_filters(filters), CRATE, CATALOG))
    return COMPILER.update(Update("t.t", CRATE, where, changes, returning))


# -- filters


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (None, []),
        ({}, []),
        ({"code": "a,b"}, [("code", "eq.a,b")]),
        ({"code": 'a",b', "version": 2}, [("code", 'eq.a",b'), ("version", "eq.2")]),
        ({"shelf": None}, [("shelf", "is.null")]),
        ({"code": ["a", 'b"']}, [("code", r'in.("a","b\"")')]),
        ({"code": [""]}, [("code", 'in.("","")')]),
        (all_of(gt("position", 1), ge("position", 2)), [("position", "gt.1"), ("position", "gte.2")]),
        (not_(eq("code", "a")), [("code", "not.eq.a")]),
        (ne("code", "a"), [("code", "neq.a")]),
        (not_(one_of("code", ["a"])), [("code", 'not.in.("a")')]),
        (not_(is_null("shelf")), [("shelf", "not.is.null")]),
        (contains("code", "a*b%"), [("code", r"match.a\*b\%")]),
        (starts_with(lower("code"), "Ab"), [("code", "match.^[aA][bB]")]),
        (eq(lower("code"), "A."), [("code", r"match.^(?:[aA]\.)$")]),
        (ne(lower("code"), "a"), [("code", "not.match.^(?:[aA])$")]),
        (not_(ne(lower("code"), "a")), [("code", "match.^(?:[aA])$")]),
        (any_of(eq("code", 'a"'), is_null("shelf")), [("or", r'(code.eq."a\"",shelf.is.null)')]),
        (
            any_of(eq("code", "a"), all_of(eq("version", 1), any_of(eq("code", "b"), is_null("shelf")))),
            [("or", '(code.eq."a",and(version.eq."1",or(code.eq."b",shelf.is.null)))')],
        ),
        # De Morgan, so that no tree is needed
        (not_(any_of(eq("code", "a"), is_null("shelf"))), [("code", "not.eq.a"), ("shelf", "not.is.null")]),
        (not_(all_of(eq("code", "a"), is_null("shelf"))), [("or", '(code.not.eq."a",shelf.not.is.null)')]),
        (
            all_of(any_of(eq("code", "a"), eq("code", "b")), any_of(is_null("shelf"), eq("version", 1))),
            [("or", '(code.eq."a",code.eq."b")'), ("or", '(shelf.is.null,version.eq."1")')],
        ),
    ],
)
def test_filters_in_postgrests_grammar(filters: Filters, expected: list[tuple[str, str]]) -> None:
    assert filtered(filters) == expected


@pytest.mark.parametrize(
    ("field", "value", "operand"),
    [
        ("flag", True, "true"),
        ("big", 2**60, str(2**60)),
        ("exact", Decimal("1E-30"), "1E-30"),
        ("ratio", 5e-324, "5e-324"),
        ("factor", 0.1, "0.10000000149011612"),
        ("day", dt.date(1, 1, 2), "0001-01-02"),
        ("moment", dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "2024-01-01T00:00:00+00:00"),
        ("span", dt.timedelta(days=-1, microseconds=1), "-1 days +0.000001 seconds"),
        ("raw", b"\x00\xff", "\\x00ff"),
        ("address", "10.0.0.1/8", "10.0.0.1/8"),
        ("mood", Mood.WILD, 'it\'s, "wild" {}'),
        ("other_id", uuid.UUID(int=1), str(uuid.UUID(int=1))),
    ],
)
def test_operands_are_spelled_by_type(field: str, value: object, operand: str) -> None:
    assert filtered(eq(field, value), SPECIMEN) == [(field, f"eq.{operand}")]  # type: ignore[arg-type]


def test_the_current_user_is_the_tokens_and_nobody_is_never_equal() -> None:
    mine = eq("other_id", CURRENT_USER)
    assert filtered(mine, SPECIMEN, USER) == [("other_id", f"eq.{USER}")]  # type: ignore[arg-type]
    assert COMPILER.normal(mine) == FALSE
    assert COMPILER.normal(not_(mine)) == FALSE
    assert COMPILER.normal(any_of(not_(mine), is_null("words"))) == is_null("words")
    assert COMPILER.normal(not_(exists(LABEL, {"crate_id": "id"}, mine))) == all_of(*())


def test_exists_is_an_empty_embed_and_its_conditions_stand_under_its_name() -> None:
    where = exists(LABEL, {"crate_id": "id"}, any_of(eq("name", "a"), exists(LABEL, {"above_id": "id"})))
    assert filtered(all_of(not_(where), eq("code", "c"))) == [
        ("select", f"{CRATE_COLUMNS},_e1:labels!labels_crate_id_fkey(_e2:labels!above_id())"),
        ("_e1.deleted_at", "is.null"),
        ("_e1._e2.deleted_at", "is.null"),
        ("_e1.or", '(name.eq."a",_e2.not.is.null)'),
        ("_e1", "is.null"),
        ("code", "eq.c"),
    ]


@pytest.mark.parametrize(
    ("of", "where", "target"),
    [
        (CRATE, exists(LABEL, {"spare_id": "id"}), "labels!labels_spare_id_fkey"),
        (LABEL, exists(CRATE, {"id": "kept_id"}), "crates!labels_kept_id_fkey"),
        (LABEL, exists(LABEL, {"above_id": "id"}), "labels!above_id"),
        (LABEL, exists(LABEL, {"id": "above_id"}), "above_id"),
    ],
)
def test_the_hint_says_which_foreign_key(of: Table[Entity], where: Filters, target: str) -> None:
    assert f",_e1:{target}()" in dict(filtered(where, of))["select"]


@pytest.mark.parametrize(
    "on", [{"weight": "version"}, {"crate_id": "id", "weight": "version"}, {"crate_id": "version"}]
)
def test_exists_without_a_foreign_key_is_refused_by_name(on: dict[str, str]) -> None:
    with pytest.raises(Unsupported, match="EXISTS_WITHOUT_FOREIGN_KEY"):
        filtered(exists(LABEL, on))


# -- reading


def test_numerics_json_and_floats_are_selected_as_text() -> None:
    selected = COMPILER.codec(SPECIMEN).select.split(",")
    assert {each for each in selected if ":" in each} == {
        *("_t1:price::text", "_t2:exact::text", "_t3:ratio::text", "_t4:factor::text", "_t5:facts::text"),
        "_t6:exact_list::_text",
    }


def test_order_limit_and_offset_are_said_and_where_nulls_stand_if_not_as_usual() -> None:
    order = (Order("shelf", descending=True), Order("position", nulls_first=True), Order("code", nulls_first=True))
    call = COMPILER.select(Select("t.t", CRATE, order=order, limit=0, offset=7))
    assert call.params == (
        ("select", CRATE_COLUMNS),
        ("order", "shelf.desc.nullslast,position.nullsfirst,code"),
        ("limit", "0"),
        ("offset", "7"),
    )
    assert (call.verb, call.target, call.writes) == (Verb.READ, "crates", False)


def test_a_deployments_names_are_used_and_quoted() -> None:
    override = Override(name="Kisten", columns={"code": "odd, name", "shelf": "order", "version": 'a"b'})
    catalog = Catalog.of(SPECIMENS.tables, {"crates": override})
    compiler, crates = Compiler(catalog), catalog.table(CRATE)
    where = compiler.normal(bind(any_of(eq("code", "x"), eq("shelf", "y")), crates, catalog))
    call = compiler.select(Select("t.t", crates, where, (Order("code"),)))
    assert call.target == "Kisten"
    assert call.params == (
        ("select", r'id,"odd, name","order",position,labels_count,"a\"b"'),
        ("or", '("odd, name".eq."x","order".eq."y")'),
        ("order", '"odd, name"'),
    )
    (row,) = compiler.codec(crates).entities(
        [{"id": 1, "odd, name": "c", "order": None, "position": 2, "labels_count": 0, 'a"b': 3, "_e1": []}]
    )
    assert row == Crate(id=1, code="c", position=2, version=3)
    row_of = {"code": "c", "version": 1}
    written = compiler.insert(Insert("t.t", crates, (row_of, row_of), returning=False))
    spelled = {"odd, name": "c", 'a"b': 1}
    assert (written.params, written.body) == ((("columns", r'"odd, name","a\"b"'),), [spelled, spelled])


def test_a_long_list_is_cut_into_queries_that_fit_and_share_no_row() -> None:
    keys = [uuid.UUID(int=number) for number in range(1000)]

    def fits(query: Select[Specimen]) -> bool:
        return len(COMPILER.select(query).query) <= 5400

    where = COMPILER.normal(bind(all_of(one_of("id", [*keys, *keys]), eq("whole", 1)), SPECIMEN, CATALOG))
    pieces = parts(Select("t.t", SPECIMEN, where), fits)
    spelled = [dict(COMPILER.select(each).params) for each in pieces]
    assert all(fits(each) for each in pieces)
    assert {each["whole"] for each in spelled} == {"eq.1"}
    assert sorted(uuid.UUID(key) for each in spelled for key in each["id"][5:-2].split('","')) == keys
    nulls = COMPILER.normal(bind(one_of("other_id", [*keys, None]), SPECIMEN, CATALOG))
    pieces = parts(Select("t.t", SPECIMEN, nulls), fits)
    assert [dict(COMPILER.select(each).params)["other_id"] for each in pieces][-1] == "is.null"
    negated = COMPILER.normal(bind(not_(one_of("id", keys)), SPECIMEN, CATALOG))
    assert len(parts(Select("t.t", SPECIMEN, negated), fits)) == 1


def test_parts_are_joined_in_the_querys_order() -> None:
    rows = [Crate(id=number, code="é" if number % 2 else "z", position=(number % 3) or None) for number in range(9)]
    order = (Order("position", descending=True), Order("code"), Order("id", descending=True))
    whole = joined(Select("t.t", CRATE, order=order), [rows[:4], [], rows[4:]])
    assert [(each.position, each.code, each.id) for each in whole] == [
        *((2, "z", 8), (2, "z", 2), (2, "é", 5), (1, "z", 4), (1, "é", 7), (1, "é", 1)),
        *((None, "z", 6), (None, "z", 0), (None, "é", 3)),
    ]
    assert joined(Select("t.t", CRATE, order=order, limit=3, offset=2), [rows]) == whole[2:5]


# -- writing


def test_rows_of_different_columns_get_defaults_where_they_give_none() -> None:
    call = COMPILER.insert(Insert("t.t", CRATE, ({"code": "a"}, {"code": "b", "shelf": None}, {})))
    assert dict(call.params) == {"columns": "code,shelf", "select": CRATE_COLUMNS}
    assert call.body == [{"code": "a"}, {"code": "b", "shelf": None}, {}]
    assert call.prefer == ("return=representation", "missing=default")


def test_a_single_row_says_its_columns_itself() -> None:
    call = COMPILER.insert(Insert("t.t", CRATE, ({"code": "a", "shelf": None},), returning=False))
    assert (call.params, call.body) == ((), {"code": "a", "shelf": None})


def test_rows_of_no_column_name_none() -> None:
    call = COMPILER.insert(Insert("t.t", CRATE, ({}, {}), returning=False))
    assert (call.params, call.body, call.prefer) == ((), [{}, {}], ("return=minimal", "count=exact"))


def test_bodies_keep_every_digit_and_json_as_it_is() -> None:
    row = {"price": Decimal("1.5000"), "facts": {"a": [None]}, "raw": b"\x01", "exact_list": (Decimal("0.10"),)}
    call = COMPILER.insert(Insert("t.t", SPECIMEN, ({**row, "facts": "null"}, row)))
    assert call.body == [
        {"price": "1.5000", "facts": "null", "raw": "\\x01", "exact_list": ["0.10"]},
        {"price": "1.5000", "facts": {"a": [None]}, "raw": "\\x01", "exact_list": ["0.10"]},
    ]


def test_an_upsert_never_fills_in_defaults() -> None:
    conflict = OnConflict(("code",), ("shelf",))
    call = COMPILER.insert(Insert("t.t", CRATE, ({"code": "a", "shelf": "s"},), conflict))
    assert dict(call.params)["on_conflict"] == "code"
    assert call.prefer == ("return=representation", "resolution=merge-duplicates")
    with pytest.raises(QueryError):
        COMPILER.insert(Insert("t.t", CRATE, ({"code": "a", "shelf": "s"}, {"code": "b"}), conflict))
    leaving = COMPILER.insert(Insert("t.t", CRATE, ({"code": "a"},), OnConflict(("code",), ()), returning=False))
    assert leaving.prefer == ("return=minimal", "count=exact", "resolution=ignore-duplicates")


@attrs.frozen(kw_only=True)
class Owned(Entity):
    id: uuid.UUID
    user_id: uuid.UUID
    text: str


def test_an_upsert_that_could_give_a_row_away_is_refused() -> None:
    owned = table(Owned, "owned", owner="user_id", columns={"id": ID, "user_id": OWNER, "text": column()})
    row: Row = {"id": uuid.uuid4(), "user_id": uuid.uuid4(), "text": "a"}
    compiler = Compiler(Catalog.of([owned]))
    with pytest.raises(Unsupported, match="UPSERT_KEEPS_OWNER"):
        compiler.insert(Insert("t.t", owned, (row,), OnConflict(("id",), ("text",))))
    compiler.insert(Insert("t.t", owned, (row,), OnConflict(("id",), ())))
    compiler.insert(Insert("t.t", owned, (row,), OnConflict(("id", "user_id"), ("text",))))


def test_an_update_answers_its_rows_where_that_is_safe() -> None:
    call = update({"id": 5, "shelf": None, "code": ["a", "b"]}, {"shelf": "s", "position": None})
    assert call.params[:3] == (("id", "eq.5"), ("shelf", "is.null"), ("code", 'in.("a","b")'))
    assert (call.body, call.prefer) == ({"shelf": "s", "position": None}, ("return=representation",))
    tree = any_of(eq("code", "a"), is_null("shelf"))
    assert update(tree, {"version": 2}).params[0][0] == "or"
    assert update(tree, {"shelf": "s"}, returning=False).prefer == ("return=minimal", "count=exact")


@pytest.mark.parametrize("changes", [{"shelf": "s"}, {"code": "b", "version": 1}])
def test_alternatives_over_what_is_changed_are_refused(changes: Row) -> None:
    with pytest.raises(Unsupported, match="RETURNING_ALTERNATIVES"):
        update(any_of(eq("code", "a"), is_null("shelf")), changes)


def test_touched_versioned_and_generated_columns_count_as_changed() -> None:
    early = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    touched = bind(any_of(gt("updated_at", early), is_null("weight")), LABEL, CATALOG)
    raised = bind(any_of(gt("revision", 1), is_null("weight")), LABEL, CATALOG)
    computed = bind(any_of(gt("doubled", 1), is_null("words")), SPECIMEN, CATALOG)
    with pytest.raises(Unsupported):
        COMPILER.update(Update("t.t", LABEL, touched, {"name": "a"}))
    with pytest.raises(Unsupported):
        COMPILER.update(Update("t.t", LABEL, raised, {"name": "a"}))
    with pytest.raises(Unsupported):
        COMPILER.update(Update("t.t", SPECIMEN, computed, {"whole": 1}))
    COMPILER.update(Update("t.t", SPECIMEN, computed, {"tiny": 1}))


def test_the_databases_time_goes_as_now() -> None:
    call = COMPILER.update(Update("t.t", LABEL, bind(eq("name", "a"), LABEL, CATALOG), {"deleted_at": Moment.NOW}))
    assert call.body == {"deleted_at": "now"}


def test_a_delete_is_counted_and_answers_nothing() -> None:
    where = bind(any_of(eq("code", "a"), is_null("shelf")), CRATE, CATALOG)
    call = COMPILER.delete(Delete("t.t", CRATE, where))
    assert call.prefer == ("return=minimal", "count=exact")


def test_writes_refuse_embeds_and_filters_that_say_nothing() -> None:
    labelled = bind(all_of(eq("code", "a"), exists(LABEL, {"crate_id": "id"})), CRATE, CATALOG)
    with pytest.raises(Unsupported, match="EXISTS_IN_WRITES"):
        COMPILER.delete(Delete("t.t", CRATE, labelled))
    with pytest.raises(Unsupported, match="EXISTS_IN_WRITES"):
        COMPILER.update(Update("t.t", CRATE, labelled, {"version": 1}))
    # true of every row only once the current user is known to be nobody
    hidden = COMPILER.normal(not_(exists(LABEL, {"crate_id": "id"}, eq("id", CURRENT_USER))))
    with pytest.raises(RepositoryValidationError):
        attrs.evolve(Delete("t.t", CRATE, labelled), where=hidden)
    with pytest.raises(QueryError):
        update({"id": 1}, {})


def test_nothing_kept_holds_a_value() -> None:
    compiler = Compiler(CATALOG)
    where = bind(eq("code", "s3cret"), CRATE, CATALOG)
    call = compiler.select(Select("t.t", CRATE, where))
    compiler.update(Update("t.t", CRATE, where, {"shelf": "s3cret"}))
    assert "s3cret" not in repr([vars(each) for each in (compiler, *compiler._codecs.values())])
    assert "s3cret" not in repr(call)
