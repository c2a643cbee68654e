"""Values between Python and PostgREST: JSON in bodies, text in filters, and what is selected so that nothing is lost.

Numerics, floats and jsonb are selected as text, for JSON numbers read by Python lose digits, signs of zero and kinds.
"""

import datetime as dt
import ipaddress
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from operator import itemgetter
from typing import Any, Generic, Never, TypeAlias

import orjson

from homeport.adapters.supabase_legacy import literals
from homeport.adapters.supabase_legacy.intervals import interval_text, parse_interval
from homeport.adapters.supabase_legacy.transport import JsonRow
from homeport.kernel.entity import E, hydrator
from homeport.kernel.errors import SchemaMismatch
from homeport.kernel.query import Moment
from homeport.kernel.table import Column, Row
from homeport.kernel.types import (
    ArrayType,
    BytesType,
    ChoiceType,
    ColumnType,
    DateType,
    DoubleType,
    InetType,
    IntervalType,
    JsonType,
    NumericType,
    RealType,
    TimestampType,
    UuidType,
    single,
)

Convert: TypeAlias = Callable[[Any], Any]


class RowCodec(Generic[E]):
    """How the columns of one table, or of one operation's result, are selected and read."""

    def __init__(self, entity: type[E], columns: Sequence[Column], source: str) -> None:
        self._entity = entity
        self._columns = columns
        self._source = source

    @cached_property
    def select(self) -> str:
        """The columns one by one: a row may have further keys, of embedded tables."""
        return ",".join(f"{literals.name(each.db_name)}{_cast(each.type)}" for each in self._columns)

    def entities(self, rows: Sequence[JsonRow]) -> list[E]:
        """Raises SchemaMismatch for a row that lacks a column, or holds what the column's type can't say."""
        try:
            return self._hydrate([self._values(row) for row in rows])
        except KeyError as error:
            raise SchemaMismatch(f"{self._source}: an answer lacks a column") from error

    @cached_property
    def _values(self) -> Callable[[JsonRow], tuple[Any, ...]]:
        names = [each.db_name for each in self._columns]
        several: Callable[[JsonRow], tuple[Any, ...]] = itemgetter(*names)
        return several if len(names) > 1 else lambda row: (row[names[0]],)

    @cached_property
    def _hydrate(self) -> Callable[[Iterable[Sequence[Any]]], list[E]]:
        convert = {each.name: _reader(f"{self._source}.{each.name}", each) for each in self._columns}
        return hydrator(self._entity, {name: made for name, made in convert.items() if made is not None})


def body(columns: Mapping[str, Column], row: Row) -> JsonRow:
    """A row's or a change's values under the database's names, as JSON has them."""
    return {columns[name].db_name: json_value(columns[name].type, value) for name, value in row.items()}


def json_value(kind: ColumnType, value: Any) -> object:
    """The value as JSON. jsonb goes as it is: text of it would become a JSON string."""
    match value:
        case None | bool() | int() | float():
            return value
        case Moment():
            return "now"  # timestamptz reads it as the transaction's time
        case _ if isinstance(kind, JsonType):
            return value
        case tuple() if isinstance(kind, ArrayType):
            return [json_value(kind.of, each) for each in value]
        case _:
            return _text(value)


def filter_text(value: Any) -> str:
    """The value as a filter's operand, before its grammar's spelling."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value)
        case _:
            return _text(value)


def _text(value: Any) -> str:
    match value:
        case str():
            return str(value)
        case dt.date():
            return value.isoformat()
        case dt.timedelta():
            return interval_text(value)
        case bytes():
            return f"\\x{value.hex()}"
        case _:
            return str(value)


def _cast(kind: ColumnType) -> str:
    match kind:
        case NumericType() | DoubleType() | RealType() | JsonType():
            return "::text"
        case ArrayType(NumericType() | DoubleType() | RealType()):
            return "::_text"  # the internal name: brackets are no part of PostgREST's casts
        case _:
            return ""


# -- reading


def _reader(name: str, column: Column) -> Convert | None:
    """What turns JSON's value into the entity's; None where it is that already."""
    read = _array_reader(name, column.type.of) if isinstance(column.type, ArrayType) else _scalar(name, column.type)
    if read is None or isinstance(column.type, ChoiceType) or not column.nullable:
        return read
    return _unless_null(read)


def _array_reader(name: str, kind: ColumnType) -> Convert:
    element = _scalar(name, kind)
    return tuple if element is None else lambda values: tuple(map(element, values))


def _unless_null(read: Convert) -> Convert:
    return lambda value: None if value is None else read(value)


def _scalar(name: str, kind: ColumnType) -> Convert | None:
    match kind:
        case ChoiceType(members):
            return _Members(name, {None: None, **{each.value: each for each in members}}).__getitem__
        case NumericType():
            return Decimal
        case DoubleType():
            return float
        case RealType():
            return _single  # the text has as few digits as tell it from its neighbours
        case JsonType():
            return orjson.loads
        case UuidType():
            return uuid.UUID
        case TimestampType():
            return _or_mismatch(name, _moment)
        case DateType():
            return _or_mismatch(name, dt.date.fromisoformat)
        case IntervalType():
            return _or_mismatch(name, parse_interval)
        case BytesType():
            return _bytes
        case InetType():
            return _address
        case _:
            return None


class _Members(dict[Any, Any]):
    """Members by their text; None for NULL."""

    def __init__(self, name: str, members: Mapping[Any, Any]) -> None:
        super().__init__(members)
        self._name = name

    def __missing__(self, _: object) -> Never:
        raise SchemaMismatch(f"{self._name} holds a text that is none of its members")


def _or_mismatch(name: str, read: Convert) -> Convert:
    def reading(value: Any) -> Any:
        try:
            return read(value)
        except ValueError as error:  # infinity, or a year that Python does not know
            raise SchemaMismatch(f"{name} holds what its column type can't say") from error

    return reading


def _moment(text: str) -> dt.datetime:
    """In UTC: the server writes it in the role's time zone."""
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def _single(text: str) -> float:
    return single(float(text))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _address(text: str) -> Any:
    return ipaddress.ip_interface(text) if "/" in text else ipaddress.ip_address(text)
