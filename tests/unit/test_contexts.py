"""Contexts: found by name, imported only when asked for, completed by what they require."""

import subprocess
import sys

import attrs
import pytest

from homeport.composition import in_memory
from homeport.contexts import SHIPPED, ShippedContexts, load, resolve
from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.repositories.calendar import CALENDAR
from homeport.repositories.users import USERS
from homeport.settings import SettingsError


class Nothing:
    def __init__(self, store: Store) -> None:
        self.store = store


def context(name: str, *requires: str) -> Context[Nothing]:
    return Context(name, Nothing, requires=requires)


@pytest.mark.parametrize("name", SHIPPED)
def test_each_shipped_context_stands_where_the_list_says(name: str) -> None:
    assert load(name).name == name


def test_the_list_and_the_typed_properties_name_the_same_contexts() -> None:
    properties = {name for name, value in vars(ShippedContexts).items() if isinstance(value, property)}
    assert properties == set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_each_property_is_the_repository_of_its_context(name: str) -> None:
    db = in_memory()
    assert getattr(db, name) is db.repository(load(name))


def test_a_context_of_ones_own_is_named_by_its_path() -> None:
    assert load("homeport.repositories.users:USERS") is USERS


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("expense", "did you mean expenses"),
        ("", "known: "),
        ("nowhere.contexts:BOOKINGS", "no module nowhere"),
        ("homeport.repositories.users:BOOKINGS", "has no context BOOKINGS"),
        ("homeport.repositories.users:USER", "has no context USER"),
    ],
)
def test_an_unknown_context_is_named(name: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(name)


def test_what_a_context_requires_is_added_and_comes_first() -> None:
    assert resolve(["calendar"]) == (USERS, CALENDAR)
    assert resolve([CALENDAR, "users", "calendar"]) == (USERS, CALENDAR)


def test_contexts_of_ones_own_mix_with_shipped_ones() -> None:
    guests, bookings = context("guests", "users"), context("bookings", "guests", "calendar")
    assert resolve([bookings, guests]) == (USERS, guests, CALENDAR, bookings)


def test_ones_own_context_stands_in_for_a_shipped_one() -> None:
    users = context("users")
    assert resolve(["calendar", users]) == (users, CALENDAR)


@pytest.mark.parametrize(
    ("contexts", "message"),
    [
        ([], "no contexts"),
        ([context("a", "b")], "a requires the context b"),
        ([context("a", "b"), context("b", "a")], "circle: a > b > a"),
        ([context("a"), context("a")], "two different contexts are called a"),
        (["users", attrs.evolve(USERS)], "two different contexts are called users"),
    ],
)
def test_a_list_that_can_not_be_installed_is_refused(contexts: list[str | Context[Nothing]], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        resolve(contexts)


def test_only_the_contexts_and_adapters_asked_for_are_imported() -> None:
    program = """
import sys
from homeport.composition import in_memory
in_memory(["calendar"])
loaded = " ".join(sys.modules)
for unwanted in ("repositories.social", "repositories.expenses", "adapters.postgres", "adapters.supabase_legacy"):
    assert f"homeport.{unwanted}" not in loaded, unwanted
for unwanted in ("asyncpg", "httpx", "supabase", "fastapi", "typer", "pytest"):
    assert unwanted not in sys.modules, unwanted
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
