"""Rows of callers are admitted by a function of their shape, which does what each column does."""

import datetime as dt
import enum
import uuid
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from homeport.kernel import admission
from homeport.kernel.entity import Entity
from homeport.kernel.errors import InvalidField, InvalidValue, RepositoryValidationError
from homeport.kernel.table import CREATED, ID, Table, column, table
from homeport.kernel.types import (
    BooleanType,
    BytesType,
    ChoiceType,
    ColumnType,
    IntegerType,
    IntervalType,
    NumericType,
    TextType,
    UuidType,
)


class Kind(enum.StrEnum):
    ONE = "one"
    TWO = "two"


@attrs.frozen(kw_only=True)
class Thing(Entity):
    id: uuid.UUID
    name: str
    kind: Kind
    price: Decimal
    day: dt.date
    created_at: dt.datetime


def things() -> Table[Thing]:
    """Declared anew, so that no shape is known."""
    columns = {"id": ID, "name": column(TextType(5)), "price": column(NumericType(6, 2)), "created_at": CREATED}
    return table(Thing, "things", columns=columns)


GOOD = {"name": "a", "kind": "one", "price": "1.005", "day": "2026-01-01", "id": str(uuid.UUID(int=1))}


def test_a_known_shape_is_admitted_as_an_unknown_one() -> None:
    taken = things().admission
    first, second = taken.row(GOOD), taken.row(GOOD)
    assert (
        first
        == second
        == {
            "name": "a",
            "kind": Kind.ONE,
            "price": Decimal("1.01"),
            "day": dt.date(2026, 1, 1),
            "id": uuid.UUID(int=1),
        }
    )
    assert [list(row) for row in (first, second)] == [list(GOOD)] * 2
    assert taken.row(dict.fromkeys(GOOD)) == dict.fromkeys(GOOD)
    assert taken.row(second) == second


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"name": 1, "kind": "three"}, "name"),
        ({"kind": "three", "name": 1}, "kind"),
        ({"name": "longer than five", "unknown": 1}, "name"),
        ({"unknown": 1, "name": 1}, "unknown"),
        ({"price": 10**9, "created_at": 1}, "price"),
        ({"created_at": 1, "price": 10**9}, "created_at"),
    ],
)
def test_the_first_that_is_wrong_is_named(wrong: dict[str, object], named: str, known: bool) -> None:
    taken = things().admission
    if known and wrong.keys() <= GOOD.keys():
        taken.row({name: GOOD[name] for name in wrong})
    with pytest.raises((InvalidField, InvalidValue)) as caught:
        taken.row(wrong)
    assert caught.value.field == named


def test_a_refused_shape_is_not_kept_and_a_kept_one_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_SHAPES", 2)
    taken = things().admission
    with pytest.raises(InvalidField):
        taken.row({"unknown": 1})
    for names in (("name",), ("kind",), ("name", "kind"), ()):
        taken.row({name: GOOD[name] for name in names})
    assert list(taken._shapes) == [("name", "kind"), ()]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (BooleanType(), True),
        (UuidType(), uuid.UUID(int=1)),
        (IntervalType(), dt.timedelta(days=400, microseconds=1)),
        (BytesType(), b"\x00\xff"),
        (ChoiceType(Kind), Kind.TWO),
    ],
)
def test_what_is_stored_as_it_is_is_admitted_as_it_is(kind: ColumnType, value: object) -> None:
    assert type(value) is kind.as_is
    assert kind.admit(value) is value


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("9999.99", "9999.99"),
        ("-9999.99", "-9999.99"),
        ("-0.00", "0.00"),
        ("0.00", "0.00"),
        ("1.5", "1.50"),
        ("1E+1", "10.00"),
        ("9999.994", "9999.99"),
    ],
)
def test_numbers_have_the_columns_own_digits(given: str, stored: str) -> None:
    assert str(NumericType(6, 2).admit(Decimal(given))) == stored


@pytest.mark.parametrize("given", ["10000.00", "-10000.00", "9999.995", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_numbers_beyond_the_column_are_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"out of range|not a finite"):
        NumericType(6, 2).admit(Decimal(given))


# -- many rows, by column


@attrs.frozen(kw_only=True)
class Many(Entity):
    id: uuid.UUID
    name: str
    kind: Kind | None
    price: Decimal | None
    small: int | None
    day: dt.date | None
    at: dt.datetime | None
    tags: tuple[str, ...] | None


MANY = table(
    Many,
    "many",
    columns={
        "id": ID,
        "name": column(TextType(5)),
        "price": column(NumericType(6, 2)),
        "small": column(IntegerType(16)),
    },
)
PLAIN: dict[str, tuple[object, ...]] = {
    "name": ("abc", ""),
    "kind": (Kind.ONE, Kind.TWO),
    "price": (Decimal("1.25"), Decimal("9999.99")),
    "small": (1, -(1 << 15), (1 << 15) - 1),
    "day": (dt.date(2026, 1, 1), dt.date(1, 1, 2)),
    "at": (dt.datetime(2026, 1, 1, tzinfo=dt.UTC),),
    "tags": (("a", "b"), ()),
}
NUMBERS = ("0.00", "-0.00", "-1.25", "1.5", "NaN", "sNaN", "Infinity", "10000.00", "-10000.00")
ODD: dict[str, tuple[object, ...]] = {
    "name": ("too long", "é€", "\x00", "\ud800", "\x01", 1, Kind.ONE, None),
    "kind": ("one", "three", None, 1),
    "price": (
        "1.005",
        3,
        True,
        None,
        *map(Decimal, ("-0.00", "1.5", "NaN", "sNaN", "Infinity", "10000.00", "-10000.00")),
    ),
    "small": (1 << 15, -(1 << 15) - 1, True, 1.0, "1", None),
    "day": (dt.date.min, dt.date.max, "2026-01-01", dt.datetime(2026, 1, 1, tzinfo=dt.UTC), None),
    "at": ("2026-01-01T00:00:00Z", dt.datetime(2026, 1, 1), 0, None),
    "tags": (["a"], "a", [None], ["\x00"], None),
}
UNLIKE: tuple[Any, ...] = ({}, {"name": "a"}, {"unknown": 1}, {"id": 1, "name": "a"}, "a", 1, None, [("name", "a")])


def plain_rows(names: Iterable[str]) -> list[Any]:
    """Values that stay as they are, each column's in turn."""
    return [{name: PLAIN[name][number % len(PLAIN[name])] for name in names} for number in range(admission.MANY)]


def outcome(admit: Callable[[], Iterable[dict[str, object]]]) -> object:
    """The rows with their types and digits, or the error and the field it names."""
    try:
        return repr([sorted(row.items()) for row in admit()])
    except (InvalidField, InvalidValue, RepositoryValidationError) as error:
        return type(error), str(error), error.field


def as_one_after_the_other(rows: list[Any]) -> bool:
    taken = MANY.admission
    return outcome(lambda: taken.rows(rows)) == outcome(lambda: [taken.row(each) for each in rows])


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, odd in ODD.items() for value in odd])
def test_many_rows_are_admitted_as_one_after_the_other(name: str, value: object) -> None:
    for names in ((name, "name"), tuple(PLAIN)):
        for place in (0, 5):
            rows = plain_rows(names)
            rows[place][name] = value
            assert as_one_after_the_other(rows)


@pytest.mark.parametrize("other", UNLIKE)
def test_rows_that_are_unlike_are_admitted_one_after_the_other(other: object) -> None:
    for names in (("name",), ("name", "kind"), tuple(PLAIN)):
        assert as_one_after_the_other(plain_rows(names))
        for place in (0, 5):
            rows = plain_rows(names)
            rows[place] = other
            assert as_one_after_the_other(rows)


def test_many_rows_are_copies_in_the_order_given() -> None:
    given = [{"name": str(number), "small": number} for number in range(admission.MANY)]
    given[3] = {"small": 3, "name": "3"}
    taken = MANY.admission.rows(iter(given))
    assert taken == given
    assert all(made is not row for made, row in zip(taken, given, strict=True))
    with pytest.raises(InvalidValue, match="name: ") as caught:
        MANY.admission.rows([*given, {"name": "too long", "small": 1 << 20}, {"name": "a", "small": 1 << 20}])
    assert caught.value.field == "name"
