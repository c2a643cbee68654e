"""The map of table names: complete by the document's own list, and right by the installed contexts."""

import inspect
from typing import Any

import pytest

from homeport.composition import in_memory
from homeport.contexts import SHIPPED, load
from homeport.kernel.errors import InvalidField
from homeport.legacy_map import ALIASES, TABLE_REPOSITORY_MAP, WITHHELD, Place, collection_of, place_of
from homeport.repositories.collection import Collection
from homeport.settings import SettingsError
from tests.support.document_000 import PORTS, tables

DOCUMENTED = tables()
B18 = {
    "fuel_log": "fuel_logs",
    "user_follows": "follows",
    "affiliate_product_clicks": "product_clicks",
    "product_issue_reports": "product_reports",
    "user_login_history": "login_history",
    "trip_waypoints": "trip_stops",
    "pam_memory": "pam_memories",
    "pam_user_context": "pam_context",
}
"""The live names that have to be known."""
PLACES = sorted({place.table: place for place in TABLE_REPOSITORY_MAP.values()}.values(), key=lambda each: each.table)


def test_the_documents_list_is_whole() -> None:
    assert len(DOCUMENTED) == 30


@pytest.mark.parametrize("table", DOCUMENTED)
def test_each_table_of_the_document_is_in_its_context(table: str) -> None:
    place = TABLE_REPOSITORY_MAP[table]
    assert (place.context, place.table) == (PORTS[DOCUMENTED[table]], table)


def test_all_tables_of_the_transition_contexts_are_in_it() -> None:
    for name in ("transition_plan", "transition_launch"):
        assert {each.name for each in load(name).tables} == {each.table for each in PLACES if each.context == name}


def test_what_is_withheld_is_what_the_tables_say_and_in_no_map() -> None:
    assert set(WITHHELD) == {each.name for name in SHIPPED for each in load(name).tables if each.withheld}
    assert not set(WITHHELD) & TABLE_REPOSITORY_MAP.keys()


@pytest.mark.parametrize("name", WITHHELD)
def test_a_withheld_table_has_no_place(name: str) -> None:
    with pytest.raises(InvalidField, match=f"^{name} is never reached by its name") as refused:
        collection_of(in_memory(), name)
    assert refused.value.field == "table"


def test_the_live_names_mean_their_tables() -> None:
    assert B18.items() <= ALIASES.items()
    for alias, table in ALIASES.items():
        assert TABLE_REPOSITORY_MAP[alias] is TABLE_REPOSITORY_MAP[table]


@pytest.mark.parametrize("name", TABLE_REPOSITORY_MAP)
def test_a_name_leads_to_the_installed_table(name: str) -> None:
    place = TABLE_REPOSITORY_MAP[name]
    rows = collection_of(in_memory(), name)
    assert rows.table in load(place.context).tables
    assert (rows.table.name, rows.table.view_of) == (place.table, None)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.table)
def test_the_methods_that_replace_the_old_functions_are_there(place: Place) -> None:
    db = in_memory()
    if place.rows is not None:
        rows = getattr(getattr(db, place.context), place.rows)
        assert isinstance(rows, Collection)
        assert rows.table.name == place.table
    for verb in ("insert", "select", *(() if place.adds_only else ("update", "delete"))):
        found: Any = db
        for name in place.instead(verb).split(".")[1:]:
            found = getattr(found, name)
        assert inspect.iscoroutinefunction(found)


def test_an_append_only_table_has_no_method_to_change_it() -> None:
    with pytest.raises(LookupError, match="login_history: no method to delete"):
        place_of("login_history").instead("delete")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("expense", "did you mean expenses"), ("pam_memorie", "pam_memories"), ("", "known: "), (None, "known: ")],
)
def test_an_unknown_table_is_refused_with_the_nearest_names(name: Any, hint: str) -> None:
    with pytest.raises(InvalidField, match=hint) as refused:
        collection_of(in_memory(), name)
    assert refused.value.field == "table"


def test_a_table_whose_context_is_not_installed_is_told_apart_from_an_unknown_one() -> None:
    with pytest.raises(SettingsError, match=r"vehicles is in the context vehicles, which is not installed: users"):
        collection_of(in_memory(["users"]), "vehicles")


async def test_a_unit_of_work_has_the_same_tables() -> None:
    async with in_memory().transaction() as unit:
        assert await collection_of(unit, "fuel_log").find_many() == []
