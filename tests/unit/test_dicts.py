"""Entities as dicts: Python's values for the old edge, JSON's for the web."""

import datetime as dt
import enum
import ipaddress
import json
import uuid
from decimal import Decimal

import attrs
import pytest

from homeport.domain.public_profile import PublicProfile
from homeport.domain.social import Comment, CommentWithAuthor, LikeState
from homeport.kernel.entity import Entity
from homeport.kernel.types import IpAddress
from homeport.repositories.dicts import duration, to_dict, to_json

KEY = uuid.UUID(int=1)
ADDRESS = ipaddress.ip_address("::1")
NETWORK = ipaddress.ip_interface("10.0.0.1/8")
THEN = dt.datetime(2026, 5, 1, 9, 30, 0, 250_000, tzinfo=dt.UTC)


class Colour(enum.StrEnum):
    RED = "red"


@attrs.frozen(kw_only=True)
class Everything(Entity):
    """One field of every type that a column may have."""

    id: uuid.UUID = KEY
    text: str | None = "é"
    flag: bool = True
    whole: int = 1 << 60
    amount: Decimal = Decimal("0.10")
    ratio: float = 0.5
    day: dt.date = dt.date(2026, 5, 1)
    moment: dt.datetime | None = THEN
    span: dt.timedelta = dt.timedelta(days=1, seconds=2)
    raw: bytes = b"\x00\xff"
    address: IpAddress = ADDRESS
    network: IpAddress | None = NETWORK
    colour: Colour = Colour.RED
    maybe: Colour | None = Colour.RED
    words: tuple[str, ...] | None = ("a", "b")
    keys: tuple[uuid.UUID, ...] = (KEY,)
    document: dict[str, object] = attrs.field(factory=lambda: {"b": [1, {"a": None}]})
    nothing: str | None = None


PYTHON = {
    "id": KEY,
    "text": "é",
    "flag": True,
    "whole": 1 << 60,
    "amount": Decimal("0.10"),
    "ratio": 0.5,
    "day": dt.date(2026, 5, 1),
    "moment": THEN,
    "span": dt.timedelta(days=1, seconds=2),
    "raw": b"\x00\xff",
    "address": ADDRESS,
    "network": NETWORK,
    "colour": Colour.RED,
    "maybe": Colour.RED,
    "words": ["a", "b"],
    "keys": [KEY],
    "document": {"b": [1, {"a": None}]},
    "nothing": None,
}

JSON = {
    **PYTHON,
    "id": "00000000-0000-0000-0000-000000000001",
    "amount": "0.10",
    "day": "2026-05-01",
    "moment": "2026-05-01T09:30:00.250000+00:00",
    "span": "P1DT2S",
    "raw": "AP8=",
    "address": "::1",
    "network": "10.0.0.1/8",
    "colour": "red",
    "maybe": "red",
    "keys": ["00000000-0000-0000-0000-000000000001"],
}


def test_a_dict_has_pythons_values_by_field_name_in_order() -> None:
    made = to_dict(Everything())
    assert made == PYTHON
    assert list(made) == list(PYTHON)
    assert isinstance(made["colour"], Colour)
    assert isinstance(made["maybe"], Colour)


def test_json_has_what_any_encoder_takes() -> None:
    made = to_json(Everything())
    assert made == JSON
    assert json.loads(json.dumps(made)) == made
    assert type(made["colour"]) is type(made["maybe"]) is str


def test_a_dict_shares_nothing_with_its_entity() -> None:
    entity = Everything()
    made = to_dict(entity)
    document = made["document"]
    assert isinstance(document, dict)
    document["b"] = "changed"
    assert entity == Everything()


@pytest.mark.parametrize("author", [None, PublicProfile(id=KEY, username="ada")])
def test_entities_within_become_dicts_too(author: PublicProfile | None) -> None:
    comment = Comment(id=KEY, post_id=KEY, user_id=KEY, content="x", created_at=THEN, updated_at=THEN)
    both = CommentWithAuthor(comment=comment, author=author)
    assert to_dict(both) == {"comment": to_dict(comment), "author": None if author is None else to_dict(author)}
    assert to_json(both) == {"comment": to_json(comment), "author": None if author is None else to_json(author)}


def test_the_result_of_an_operation_is_a_dict_as_document_000_has_it() -> None:
    assert to_dict(LikeState(liked=True, likes_count=3)) == {"liked": True, "likes_count": 3}


@pytest.mark.parametrize(
    ("given", "text"),
    [("1E+3", "1000"), ("1E-7", "0.0000001"), ("-0.50", "-0.50"), ("123456789012345678.90", "123456789012345678.90")],
)
def test_a_decimal_is_text_with_all_its_digits_and_no_exponent(given: str, text: str) -> None:
    assert to_json(Everything(amount=Decimal(given)))["amount"] == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (dt.timedelta(0), "PT0S"),
        (dt.timedelta(days=1), "P1D"),
        (dt.timedelta(seconds=1), "PT1S"),
        (dt.timedelta(hours=25, microseconds=1), "P1DT3600.000001S"),
        (dt.timedelta(milliseconds=2500), "PT2.5S"),
        (dt.timedelta(seconds=-1), "-PT1S"),
        (dt.timedelta(days=-1, microseconds=1), "-PT86399.999999S"),
        (dt.timedelta(days=-2), "-P2D"),
    ],
)
def test_a_duration_is_iso_8601(span: dt.timedelta, text: str) -> None:
    assert duration(span) == text
