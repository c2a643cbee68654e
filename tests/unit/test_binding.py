"""Names are checked, values admitted and constants folded before any adapter sees a predicate."""

import pytest

from homeport.kernel.binding import bind, fold_ascii, from_filters
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import InvalidField, InvalidValue, RepositoryValidationError, SchemaMismatch
from homeport.kernel.predicates import (
    FALSE,
    TRUE,
    AllOf,
    AnyOf,
    IsNull,
    Literal,
    Lower,
    Not,
    OneOf,
    Predicate,
    all_of,
    any_of,
    contains,
    eq,
    exists,
    gt,
    is_null,
    lower,
    ne,
    not_,
    one_of,
    starts_with,
)
from homeport.kernel.query import Delete, Order, Update, total_order
from homeport.kernel.table import Override, column, index, table
from homeport.kernel.types import IntegerType
from homeport.repositories.calendar import EVENT
from tests.support.specimens import CRATE, LABEL, SPECIMEN, Crate

CATALOG = Catalog.of([SPECIMEN, CRATE, LABEL])


def bound(predicate: Predicate) -> Predicate:
    return bind(predicate, CRATE, CATALOG)


def test_none_means_is_null() -> None:
    assert eq("shelf", None) == IsNull("shelf")
    assert ne("shelf", None) == Not(IsNull("shelf"))
    assert one_of("shelf", ["a", None]) == AnyOf((OneOf(eq("shelf", "a").left, ("a",)), IsNull("shelf")))  # type: ignore[union-attr]
    with pytest.raises(InvalidValue):
        gt("shelf", None)


@pytest.mark.parametrize(
    ("predicate", "folded"),
    [
        (all_of(), TRUE),
        (any_of(), FALSE),
        (one_of("code", []), FALSE),
        (not_(one_of("code", [])), TRUE),
        (not_(all_of()), FALSE),
        (all_of(is_null("shelf"), one_of("code", [])), FALSE),
        (any_of(is_null("shelf"), all_of()), TRUE),
        (all_of(all_of(is_null("shelf")), all_of()), IsNull("shelf")),
        (all_of(is_null("shelf"), all_of(is_null("code"))), AllOf((IsNull("shelf"), IsNull("code")))),
    ],
)
def test_constants_are_folded(predicate: Predicate, folded: Predicate) -> None:
    assert bound(predicate) == folded


@pytest.mark.parametrize(
    "predicate",
    [
        eq("nothing", 1),
        eq("code; drop", 1),
        is_null(""),
        eq(lower("version"), 1),
        gt(lower("code"), "a"),
        contains("version", "1"),
        exists(LABEL, {"nothing": "id"}),
        exists(LABEL, {"crate_id": "nothing"}),
        exists(LABEL, {}),
        exists(LABEL, {"crate_id": "id"}, eq("nothing", 1)),
    ],
)
def test_unknown_names_and_uses_are_refused(predicate: Predicate) -> None:
    with pytest.raises(InvalidField):
        bound(predicate)


@pytest.mark.parametrize("predicate", [eq("version", "1"), one_of("version", [1, "x"]), starts_with("code", "a\0")])
def test_values_are_admitted(predicate: Predicate) -> None:
    with pytest.raises(InvalidValue):
        bound(predicate)


def test_literals_beside_lower_are_folded() -> None:
    assert bound(eq(lower("code"), "ÀB")).right == Literal("Àb")  # type: ignore[union-attr]
    assert bound(one_of(lower("code"), ["AB"])) == OneOf(Lower("code"), ("ab",))
    assert fold_ascii("AZaz[É") == "azaz[É"


def test_a_pattern_of_any_length_is_refused() -> None:
    with pytest.raises(InvalidValue):
        bound(contains("code", "a" * 1001))


def test_exists_hides_soft_deleted_rows() -> None:
    made = bound(exists(LABEL, {"crate_id": "id"}))
    assert made.where == IsNull("deleted_at")  # type: ignore[union-attr]


def test_filters_become_equalities() -> None:
    assert from_filters(None) == TRUE
    assert from_filters({"code": "a", "shelf": None}) == AllOf((eq("code", "a"), IsNull("shelf")))


def test_writes_without_a_filter_can_not_be_built() -> None:
    for command in (lambda: Delete("d", CRATE, TRUE), lambda: Update("u", CRATE, TRUE, {"version": 1})):
        with pytest.raises(RepositoryValidationError):
            command()


def test_orders_are_total() -> None:
    assert total_order(CRATE, "-code") == (Order("code", descending=True), Order("id"))
    assert total_order(CRATE, ["id", "code"]) == (Order("id"), Order("code"))
    for bad in ("", "-", "--code", "code asc", "lower(code)", ["code", "code"], 5):
        with pytest.raises(InvalidField):
            total_order(CRATE, bad)  # type: ignore[arg-type]


def test_a_deployment_may_rename_and_retype() -> None:
    override = Override(name="events", schema="app", columns={"user_id": "owner_id"}, types={"id": IntegerType(64)})
    deployed = Catalog.of([EVENT], {"calendar_events": override}).table(EVENT)
    assert (deployed.schema, deployed.db_name, deployed.name) == ("app", "events", "calendar_events")
    assert deployed.require("user_id").db_name == "owner_id"
    assert deployed.key_column.identity
    with pytest.raises(InvalidField):
        EVENT.deployed(Override(columns={"nothing": "x"}))
    with pytest.raises(SchemaMismatch):
        Catalog.of([EVENT], {"calender_events": override})


def test_a_declaration_is_checked_when_it_is_made() -> None:
    with pytest.raises(SchemaMismatch):
        table(Crate, "crates", columns={"nothing": column()})
    with pytest.raises(InvalidField):
        table(Crate, "crates", key="nothing")
    with pytest.raises(SchemaMismatch):
        table(Crate, "c" * 64)
    for term in ("nothing", "-nothing", "lower({nothing})"):
        with pytest.raises(InvalidField):
            table(Crate, "crates", indexes=[index(term)])
    with pytest.raises(SchemaMismatch):
        Catalog.of([CRATE, table(Crate, "crates")])
