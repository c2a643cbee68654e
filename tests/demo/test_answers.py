"""What counts as the same answer: all but what each database makes for itself."""

import datetime as dt
import uuid
from decimal import Decimal

import attrs
import pytest

from homeport.cli.demo.answers import difference, neutral
from homeport.cli.demo.rows import LATEST
from homeport.domain.calendar import EventType
from homeport.domain.social import Like, Post
from homeport.kernel.errors import CheckViolation, RepositoryNotFoundError, UniqueViolation

ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
LATER = LATEST + dt.timedelta(days=100)
POST = Post(id=ONE, user_id=ONE, content="here", created_at=LATER, updated_at=LATER)
LIKE = Like(id=ONE, post_id=ONE, user_id=ONE, created_at=LATER)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (POST, attrs.evolve(POST, created_at=LATER + dt.timedelta(days=1), updated_at=LATEST)),
        (LIKE, attrs.evolve(LIKE, id=OTHER)),
        ([LIKE], [attrs.evolve(LIKE, id=OTHER)]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (RepositoryNotFoundError("no such row"), RepositoryNotFoundError("in other words")),
        (UniqueViolation("", constraint="a_key", code="23505"), UniqueViolation("", constraint="a_key")),
    ],
)
def test_what_the_database_makes_is_no_difference(one: object, other: object) -> None:
    assert difference(neutral(one), neutral(other)) is None


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        (POST, attrs.evolve(POST, id=OTHER), ".id"),
        (POST, attrs.evolve(POST, created_at=LATEST - dt.timedelta(days=1)), ".created_at"),
        (POST, attrs.evolve(POST, deleted_at=LATER), ".deleted_at"),
        ([POST, LIKE], [LIKE, POST], "[0] (names)"),
        ([POST, attrs.evolve(POST, content="there")], [POST, POST], "[1].content"),
        ([POST], [POST, POST], " (how many)"),
        ([], None, ""),
        (1, True, ""),
        (Decimal(1), 1, ""),
        (EventType.TRIP, "trip", ""),
        ((1,), [1], ""),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ".a.b"),
        (UniqueViolation("", constraint="a_key"), UniqueViolation("", constraint="b_key"), ".constraint"),
        (UniqueViolation("", constraint="a"), CheckViolation("", constraint="a"), ""),
        (RepositoryNotFoundError("no such row"), None, ""),
    ],
)
def test_anything_else_is_one_and_is_found_where_it_is(one: object, other: object, place: str) -> None:
    found = difference(neutral(one), neutral(other))
    assert found is not None
    assert found[0] == place
