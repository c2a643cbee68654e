"""Which values a column takes, and which it refuses by name and reason but never by value."""

import datetime as dt
import ipaddress
import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.kernel.errors import InvalidValue
from homeport.kernel.table import Column
from homeport.kernel.types import (
    ArrayType,
    BooleanType,
    BytesType,
    ChoiceType,
    ColumnType,
    DateType,
    DoubleType,
    InetType,
    IntegerType,
    IntervalType,
    JsonType,
    NumericType,
    RealType,
    TextType,
    TimestampType,
    UuidType,
)
from tests.support.specimens import Size

UTC = dt.UTC
TOKYO = dt.timezone(dt.timedelta(hours=9))
KEY = uuid.UUID(int=5)


@pytest.mark.parametrize(
    ("kind", "given_value", "stored"),
    [
        (TextType(), "", ""),
        (TextType(3), "äöü", "äöü"),
        (BooleanType(), False, False),
        (IntegerType(16), -32768, -32768),
        (IntegerType(), 2**31 - 1, 2**31 - 1),
        (IntegerType(64), -(2**63), -(2**63)),
        (NumericType(12, 2), "1.005", Decimal("1.01")),
        (NumericType(12, 2), Decimal("-1.005"), Decimal("-1.01")),
        (NumericType(12, 2), 3, Decimal("3.00")),
        (NumericType(12, 2), Decimal("-0.001"), Decimal("0.00")),
        (NumericType(), "1E+3", Decimal(1000)),
        (NumericType(), "1.50", Decimal("1.50")),
        (DoubleType(), 1, 1.0),
        (RealType(), 0.1, 0.10000000149011612),
        (RealType(), 16_777_217, 16_777_216.0),
        (RealType(), 1e-46, 0.0),
        (DateType(), "2024-02-29", dt.date(2024, 2, 29)),
        (TimestampType(), "2024-01-01T00:00:00Z", dt.datetime(2024, 1, 1, tzinfo=UTC)),
        (TimestampType(), dt.datetime(2024, 1, 1, 9, tzinfo=TOKYO), dt.datetime(2024, 1, 1, tzinfo=UTC)),
        (IntervalType(), dt.timedelta(days=-1, microseconds=1), dt.timedelta(days=-1, microseconds=1)),
        (UuidType(), str(KEY).upper(), KEY),
        (BytesType(), bytearray(b"\x00\xff"), b"\x00\xff"),
        (InetType(), "10.0.0.1", ipaddress.ip_address("10.0.0.1")),
        (InetType(), "10.0.0.1/32", ipaddress.ip_address("10.0.0.1")),
        (InetType(), "10.0.0.1/8", ipaddress.ip_interface("10.0.0.1/8")),
        (InetType(), "::1", ipaddress.ip_address("::1")),
        (ChoiceType(Size), "large", Size.LARGE),
        (ArrayType(IntegerType()), [1, 2], (1, 2)),
        (ArrayType(TextType()), (), ()),
        (JsonType(), {"bb": (1, None), "a": {"x": -0.0}}, {"a": {"x": 0.0}, "bb": [1, None]}),
        (JsonType(), False, False),
    ],
)
def test_a_value_is_stored_exactly(kind: ColumnType, given_value: object, stored: object) -> None:
    admitted = kind.admit(given_value)
    assert admitted == stored
    assert type(admitted) is type(stored)
    assert str(admitted) == str(stored)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (TextType(), 1),
        (TextType(), b"a"),
        (TextType(), "a\x00b"),
        (TextType(), "\ud800"),
        (TextType(2), "abc"),
        (TextType(2), "a  "),
        (BooleanType(), 1),
        (BooleanType(), "yes"),
        (IntegerType(16), 32768),
        (IntegerType(), True),
        (IntegerType(), 1.0),
        (IntegerType(), "1"),
        (IntegerType(64), 2**63),
        (NumericType(12, 2), 1.5),
        (NumericType(12, 2), True),
        (NumericType(12, 2), "9999999999.995"),
        (NumericType(12, 2), "NaN"),
        (NumericType(), Decimal("Infinity")),
        (NumericType(), "1e2000"),
        (NumericType(), "1" * 5000),
        (NumericType(), "one"),
        (DoubleType(), float("nan")),
        (DoubleType(), 10**400),
        (DoubleType(), "1.0"),
        (RealType(), float("inf")),
        (RealType(), 3.5e38),
        (RealType(), True),
        (RealType(), "1.0"),
        (DateType(), dt.datetime(2024, 1, 1, tzinfo=UTC)),
        (DateType(), "2024-02-30"),
        (DateType(), dt.date.max),
        (TimestampType(), dt.datetime(2024, 1, 1)),
        (TimestampType(), "2024-01-01T00:00:00"),
        (TimestampType(), dt.date(2024, 1, 1)),
        (TimestampType(), dt.datetime.max.replace(tzinfo=UTC)),
        (TimestampType(), dt.datetime.min.replace(tzinfo=TOKYO)),
        (IntervalType(), 3600),
        (UuidType(), "5"),
        (UuidType(), 5),
        (BytesType(), "text"),
        (InetType(), "10.0.0.256"),
        (InetType(), 5),
        (InetType(), "fe80::1%eth0"),
        (ChoiceType(Size), "LARGE"),
        (ChoiceType(Size), 1),
        (ArrayType(TextType()), "abc"),
        (ArrayType(TextType()), [None]),
        (ArrayType(IntegerType()), [[1]]),
        (JsonType(), {1: "a"}),
        (JsonType(), [float("nan")]),
        (JsonType(), {"a": "\x00"}),
        (JsonType(), 2**63),
        (JsonType(), dt.date(2024, 1, 1)),
        (JsonType(), {"a": b"x"}),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_column(kind: ColumnType, value: object) -> None:
    with pytest.raises(InvalidValue) as caught:
        Column(name="c", type=kind).admit(value)
    assert caught.value.field == "c"
    assert str(caught.value).startswith("c: ")


def test_nesting_is_bounded() -> None:
    deep: object = 1
    for _ in range(70):
        deep = [deep]
    with pytest.raises(ValueError, match="nested"):
        JsonType().admit(deep)


def test_a_comparison_is_neither_rounded_nor_cut() -> None:
    assert NumericType(12, 2).operand("1.005") == Decimal("1.005")
    assert TextType(2).operand("abc") == "abc"


def test_single_precision_is_compared_as_it_is_stored() -> None:
    assert RealType().operand(0.1) == RealType().admit(0.1) != 0.1


def test_json_null_is_no_value_but_none_is_null_everywhere() -> None:
    assert Column(name="c", type=JsonType(), nullable=True).admit(None) is None
    with pytest.raises(ValueError, match="null"):
        JsonType().admit(None)


def test_json_is_copied() -> None:
    inner = ["a"]
    admitted = JsonType().admit({"k": inner})
    inner.append("b")
    assert admitted == {"k": ["a"]}


@given(st.text())
def test_an_error_never_shows_the_value(text: str) -> None:
    secret = f"canary-{text}-canary"
    for kind in (IntegerType(), UuidType(), DateType(), TimestampType(), InetType(), ChoiceType(Size), NumericType()):
        with pytest.raises(InvalidValue) as caught:
            Column(name="c", type=kind).admit(secret)
        assert "canary" not in str(caught.value)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9))
def test_numeric_rounds_half_away_from_zero_to_its_scale(number: Decimal) -> None:
    stored = NumericType(12, 2).admit(number)
    assert stored.as_tuple().exponent == -2
    assert abs(stored - number) <= Decimal("0.005")
