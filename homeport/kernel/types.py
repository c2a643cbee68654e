"""Column types: what a column holds, its type in PostgreSQL, and which Python values it takes exactly.

A value is admitted here once, before any adapter sees it. So a value that one adapter would round, shift or refuse and
another would not is refused, or normalised, for all three alike. What each type admits:

- text: str without NUL; numbers are never turned into text
- integers: int in range; bool is no integer
- numeric: Decimal, int or numeric text, never float; rounded half away from zero to the column's scale
- real: float or int, rounded to single precision, also where it is compared
- date, timestamptz: date; aware datetime, stored as UTC; ISO text of either. The first and the last day that Python
  knows are refused: the driver takes them for minus and plus infinity
- interval: timedelta
- jsonb: what JSON can say, except null at the top; NaN, NUL and integers over 64 bits are refused
- arrays: lists and tuples without nulls

`as_is` is the class whose values a type admits as they are; None where each value is looked at.
"""

import datetime as dt
import enum
import ipaddress
import math
import struct
import uuid
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cached_property
from typing import ClassVar, TypeAlias

import attrs

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address | ipaddress.IPv4Interface | ipaddress.IPv6Interface

_EXACT = Context(prec=2000)
_INFINITIES = (dt.date.min, dt.date.max)


@attrs.frozen
class TextType:
    """`text`, or `varchar(n)` with `max_length` in characters. Stored in code-point order (COLLATE "C")."""

    as_is: ClassVar[None] = None
    max_length: int | None = None

    @property
    def sql(self) -> str:
        return "text" if self.max_length is None else f"varchar({self.max_length})"

    def admit(self, value: object) -> str:
        text = value if type(value) is str and value.isascii() and "\x00" not in value else self.operand(value)
        if self.max_length is not None and len(text) > self.max_length:
            raise ValueError(f"longer than {self.max_length} characters")
        return text

    def operand(self, value: object) -> str:
        if not isinstance(value, str):
            raise _expected("str", value)
        return _clean_text(value)


@attrs.frozen
class BooleanType:
    as_is: ClassVar[type] = bool
    sql: str = attrs.field(default="boolean", init=False)

    def admit(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise _expected("bool", value)
        return value

    operand = admit


@attrs.frozen
class IntegerType:
    """`smallint`, `integer` or `bigint`, by bits."""

    as_is: ClassVar[None] = None
    bits: int = 32

    @property
    def sql(self) -> str:
        return {16: "smallint", 32: "integer", 64: "bigint"}[self.bits]

    def admit(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _expected("int", value)
        if not -(1 << (self.bits - 1)) <= value < (1 << (self.bits - 1)):
            raise ValueError(f"out of range for {self.sql}")
        return int(value)

    operand = admit


@attrs.frozen
class NumericType:
    """`numeric(precision, scale)`; without them as many digits as given."""

    as_is: ClassVar[None] = None
    precision: int | None = None
    scale: int | None = None

    @property
    def sql(self) -> str:
        return "numeric" if self.precision is None else f"numeric({self.precision},{self.scale or 0})"

    @cached_property
    def last_place(self) -> Decimal:
        """A number with as many digits behind the point as the column has."""
        return Decimal(1).scaleb(-(self.scale or 0))

    @cached_property
    def bound(self) -> Decimal:
        """What its numbers stay below; 0, which none does, where any number is taken."""
        return Decimal(0) if self.precision is None else Decimal(10) ** (self.precision - (self.scale or 0))

    def admit(self, value: object) -> Decimal:
        if type(value) is Decimal and value.same_quantum(self.last_place) and value.copy_abs() < self.bound:
            return value or abs(value)  # it has the column's own digits
        number = self.operand(value)
        if self.precision is None:
            return number
        rounded = number.quantize(self.last_place, rounding=ROUND_HALF_UP, context=_EXACT)
        if rounded.copy_abs() >= self.bound:
            raise ValueError(f"out of range for {self.sql}")
        return rounded or abs(rounded)  # no negative zero

    def operand(self, value: object) -> Decimal:
        number = _decimal(value)
        if not number.is_finite():
            raise ValueError("not a finite number")
        _, digits, exponent = number.as_tuple()
        if len(digits) > 1000 or abs(number.adjusted()) > 1000:
            raise ValueError("more than 1000 digits")
        if isinstance(exponent, int) and exponent > 0:
            number = number.quantize(Decimal(1), context=_EXACT)
        return number or abs(number)


@attrs.frozen
class DoubleType:
    as_is: ClassVar[None] = None
    sql: str = attrs.field(default="double precision", init=False)

    def admit(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _expected("float", value)
        try:
            number = float(value)
        except OverflowError:
            raise ValueError("out of range for double precision") from None
        if not math.isfinite(number):
            raise ValueError("not a finite number")
        return number

    operand = admit


@attrs.frozen
class RealType:
    """`real`, single precision: a value is rounded to it before it is stored or compared, so 0.1 is found as 0.1.

    It is answered as what the four bytes mean, 0.10000000149011612, whatever digits an adapter's server writes.
    """

    as_is: ClassVar[None] = None
    sql: str = attrs.field(default="real", init=False)

    def admit(self, value: object) -> float:
        try:
            return single(DoubleType().admit(value))
        except OverflowError:
            raise ValueError("out of range for real") from None

    operand = admit


@attrs.frozen
class DateType:
    as_is: ClassVar[None] = None
    sql: str = attrs.field(default="date", init=False)

    def admit(self, value: object) -> dt.date:
        if isinstance(value, str):
            value = _iso(dt.date, value)
        if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
            raise _expected("date or ISO date text", value)
        return _bounded(value)

    operand = admit


@attrs.frozen
class TimestampType:
    """`timestamptz`, microseconds, UTC."""

    as_is: ClassVar[None] = None
    sql: str = attrs.field(default="timestamptz", init=False)

    def admit(self, value: object) -> dt.datetime:
        if isinstance(value, str):
            value = _iso(dt.datetime, value)
        if not isinstance(value, dt.datetime):
            raise _expected("datetime or ISO datetime text", value)
        if value.utcoffset() is None:
            raise ValueError("has no time zone: use an aware datetime")
        try:
            moment = value.astimezone(dt.UTC)
        except OverflowError:
            raise ValueError("out of range for timestamptz") from None
        _bounded(moment.date())
        return moment

    operand = admit


@attrs.frozen
class IntervalType:
    """`interval` of days and microseconds; months and years have no length of their own and are not written."""

    as_is: ClassVar[type] = dt.timedelta
    sql: str = attrs.field(default="interval", init=False)

    def admit(self, value: object) -> dt.timedelta:
        if not isinstance(value, dt.timedelta):
            raise _expected("timedelta", value)
        return value

    operand = admit


@attrs.frozen
class UuidType:
    as_is: ClassVar[type] = uuid.UUID
    sql: str = attrs.field(default="uuid", init=False)

    def admit(self, value: object) -> uuid.UUID:
        if isinstance(value, str):
            try:
                return uuid.UUID(value)
            except ValueError:
                raise ValueError("not a UUID") from None
        if not isinstance(value, uuid.UUID):
            raise _expected("UUID or its text", value)
        return value

    operand = admit


@attrs.frozen
class BytesType:
    as_is: ClassVar[type] = bytes
    sql: str = attrs.field(default="bytea", init=False)

    def admit(self, value: object) -> bytes:
        if not isinstance(value, bytes | bytearray | memoryview):
            raise _expected("bytes", value)
        return bytes(value)

    operand = admit


@attrs.frozen
class JsonType:
    """`jsonb`. The admitted value is a copy with keys in jsonb's order: by length, then by bytes."""

    as_is: ClassVar[None] = None
    sql: str = attrs.field(default="jsonb", init=False)

    def admit(self, value: object) -> Json:
        if value is None:
            raise ValueError("JSON null can't be told from NULL on every adapter")
        return _json(value, 64)

    operand = admit


@attrs.frozen
class InetType:
    """`inet`: an address, or an interface where the prefix is not the whole address."""

    as_is: ClassVar[None] = None
    sql: str = attrs.field(default="inet", init=False)

    def admit(self, value: object) -> IpAddress:
        if not isinstance(
            value,
            str | ipaddress.IPv4Address | ipaddress.IPv6Address | ipaddress.IPv4Interface | ipaddress.IPv6Interface,
        ):
            raise _expected("IP address or its text", value)
        if "%" in str(value):
            raise ValueError("an address with a scope id can't be stored")
        try:
            interface = ipaddress.ip_interface(value)
        except ValueError:
            raise ValueError("not an IP address") from None
        return interface.ip if interface.network.prefixlen == interface.max_prefixlen else interface

    operand = admit


@attrs.frozen
class ChoiceType:
    """One member of a StrEnum: text with a check, or PostgreSQL's own enum type where `native` names one.

    Text sorts by the member's text, a native enum by the order of the members.
    """

    members: type[enum.StrEnum]
    native: str | None = None

    @property
    def as_is(self) -> type:
        return self.members

    @property
    def sql(self) -> str:
        return self.native or "text"

    @cached_property
    def _by_text(self) -> Mapping[str, enum.StrEnum]:
        return {each.value: each for each in self.members}

    def admit(self, value: object) -> enum.StrEnum:
        if not isinstance(value, str):
            raise _expected("str", value)
        found = self._by_text.get(value)
        if found is not None:
            return found
        try:
            return self.members(value)
        except ValueError:
            raise ValueError(f"not one of {', '.join(self.members)}") from None

    operand = admit


ScalarType: TypeAlias = (
    TextType
    | BooleanType
    | IntegerType
    | NumericType
    | DoubleType
    | RealType
    | DateType
    | TimestampType
    | IntervalType
    | UuidType
    | BytesType
    | InetType
    | ChoiceType
)


@attrs.frozen
class ArrayType:
    """A one-dimensional array of a scalar type, without nulls; a tuple in the entity."""

    as_is: ClassVar[None] = None
    of: ScalarType

    @property
    def sql(self) -> str:
        return f"{self.of.sql}[]"

    def admit(self, value: object) -> tuple[object, ...]:
        if not isinstance(value, list | tuple):
            raise _expected("list or tuple", value)
        if any(each is None for each in value):
            raise ValueError("has a null element")
        return tuple(self.of.admit(each) for each in value)

    operand = admit


ColumnType: TypeAlias = ScalarType | JsonType | ArrayType


def single(number: float) -> float:
    """The nearest number of single precision. Raises OverflowError."""
    return float(struct.unpack("<f", struct.pack("<f", number))[0])


def _expected(what: str, value: object) -> ValueError:
    return ValueError(f"expected {what}, got {type(value).__name__}")


def _clean_text(text: str) -> str:
    if "\x00" in text:
        raise ValueError("has a NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("has a lone surrogate") from None
    return str(text)


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise _expected("Decimal, int or numeric text", value)
    if isinstance(value, str) and len(value) > 2000:
        raise ValueError("more than 1000 digits")
    try:
        return Decimal(value)
    except InvalidOperation:
        raise ValueError("not a number") from None


def _iso(kind: type[dt.date], text: str) -> dt.date:
    try:
        return kind.fromisoformat(text)
    except ValueError:
        raise ValueError(f"not an ISO {kind.__name__}") from None


def _bounded(day: dt.date) -> dt.date:
    if day in _INFINITIES:
        raise ValueError("the first and last day of the calendar stand for infinity")
    return day


def _json(value: object, depth: int) -> Json:
    if depth == 0:
        raise ValueError("JSON nested deeper than 64 levels")
    match value:
        case None | bool():
            return value
        case str():
            return _clean_text(value)
        case int():
            if not -(1 << 63) <= value < (1 << 63):
                raise ValueError("JSON integer over 64 bits")
            return int(value)
        case float():
            if not math.isfinite(value):
                raise ValueError("JSON has no NaN or infinity")
            return value + 0.0
        case list() | tuple():
            return [_json(each, depth - 1) for each in value]
        case Mapping():
            return _json_object(value, depth)
        case _:
            raise _expected("a JSON value", value)


def _json_object(value: Mapping[object, object], depth: int) -> dict[str, Json]:
    if not all(isinstance(key, str) for key in value):
        raise ValueError("JSON object with a key that is no text")
    members = ((_clean_text(str(key)), each) for key, each in value.items())
    ordered = sorted(members, key=lambda member: (len(member[0].encode()), member[0].encode()))
    return {key: _json(each, depth - 1) for key, each in ordered}
