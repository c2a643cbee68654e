"""Every method that document 000 names is there, under its name and its parameters' names, on port and repository."""

import importlib
import inspect
import types
import typing
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from homeport import Homeport
from homeport.repositories.base import BaseRepository
from tests.support.document_000 import PORTS, Documented, methods

METHODS = methods()
BASE = [each for each in METHODS if each.port == "BaseRepository"]
DOMAIN = [each for each in METHODS if each.port != "BaseRepository"]


def test_the_list_is_the_documents() -> None:
    counted = Counter(each.port for each in METHODS)
    assert set(counted) == set(PORTS)
    assert counted["BaseRepository"] == 6
    transition = counted["TransitionRepository"] + counted["LaunchRepository"]
    assert sum(counted.values()) - 6 - transition == 89
    assert transition == 49
    assert len(set(map(str, METHODS))) == len(METHODS)


def check(method: Callable[..., Any], documented: Documented) -> None:
    """It is async; the document's parameters come first, by name and in order; what it leaves out is the same here."""
    assert inspect.iscoroutinefunction(method)
    given = [each for each in inspect.signature(method).parameters.values() if each.name != "self"]
    first, others = given[: len(documented.parameters)], given[len(documented.parameters) :]
    assert [each.name for each in first] == list(documented.parameters)
    assert all(each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for each in first)
    assert {each.name: each.default for each in first if each.default is not each.empty} == defaults(documented)
    assert all(each.default is not inspect.Parameter.empty for each in others)
    assert shape(typing.get_type_hints(method)["return"]) == documented.answer


def defaults(documented: Documented) -> dict[str, object]:
    """The base methods' filters may be left out too, and then mean all rows."""
    filters = {"filters"} & set(documented.parameters) if documented.name in ("select", "select_one") else set()
    return {**documented.defaults, **dict.fromkeys(filters)}


def shape(answer: Any) -> str:
    """The document's word for a type: entities are its dicts."""
    origin, parts = typing.get_origin(answer), typing.get_args(answer)
    if origin in (types.UnionType, typing.Union):
        (some,) = (each for each in parts if each is not types.NoneType)
        return f"{shape(some)} | None"
    if origin is list:
        return f"list[{shape(parts[0])}]"
    return answer.__name__ if answer in (bool, int) else "dict"


@pytest.mark.parametrize("documented", DOMAIN, ids=str)
def test_a_port_has_the_method(documented: Documented) -> None:
    ports = importlib.import_module(f"homeport.ports.{documented.context}")
    check(getattr(getattr(ports, documented.port), documented.name), documented)


@pytest.mark.parametrize("documented", BASE, ids=str)
def test_the_base_repository_has_the_method(documented: Documented) -> None:
    check(getattr(BaseRepository, documented.name), documented)


async def test_the_repositories_of_every_adapter_have_the_methods(db: Homeport) -> None:
    for documented in METHODS:
        check(getattr(getattr(db, documented.context), documented.name), documented)
