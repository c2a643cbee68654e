"""Values between Python and PostgREST: JSON in bodies, text in filters, and what is selected so that nothing is lost.

Numerics, floats and jsonb are selected as text, for JSON numbers read by Python lose digits, signs of zero and kinds.
"""

import datetime as dt
import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from operator import itemgetter
from typing import Any, Generic, Never, TypeAlias

import orjson

from homeport.adapters.supabase_legacy import literals
from homeport.adapters.supabase_legacy.intervals import interval_text, parse_interval
from homeport.adapters.supabase_legacy.transport import JsonRow
from homeport.kernel.entity import E, hydrator
from homeport.kernel.errors import OutcomeUnknown, SchemaMismatch
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

_EMBED = re.compile(r"_e\d+")


class RowCodec(Generic[E]):
    """How the columns of one table, or of one operation's result, are selected and read.

    PostgREST takes longer for a list of columns than for all the rest of a call, so a table is asked for by `*`, with
    what needs a cast beside it. The first call names the columns: if one is not there, it fails before it writes. They
    are named for good where `*` is refused, for a column that the role is not granted, or brings columns of others.
    """

    def __init__(self, entity: type[E], columns: Sequence[Column], source: str, *, whole: bool = False) -> None:
        """`whole` is whether `*` may serve once the columns are known to be there."""
        self._entity = entity
        self._columns = columns
        self._source = source
        self._may_be_whole = whole
        self._whole = False

    @property
    def select(self) -> str:
        """What to ask for next; either way the rows are read alike. They may have further keys, of embedded tables."""
        return self._all if self._whole else self._named

    def named(self, selected: str) -> str | None:
        """What says the same with the columns named; None for what names them already."""
        return self._named + selected.removeprefix(self._all) if selected.startswith("*") else None

    def narrow(self) -> None:
        """From now on the columns are named."""
        self._whole = self._may_be_whole = False

    def entities(self, rows: Sequence[JsonRow], *, written: bool = False) -> list[E]:
        """The rows of an answer; `written` is whether its call has changed something.

        Raises:
            SchemaMismatch: a row lacks a column, or holds what the column's type can't say.
            OutcomeUnknown: a row that was written lacks a column, which went after it had been seen.
        """
        try:
            found = self._hydrate(rows)
        except KeyError as error:
            self._whole = False
            lacks = f"{self._source}: an answer lacks column {error.args[0]}"
            if written:
                raise OutcomeUnknown(f"a write was carried out, and its answer could not be read: {lacks}") from error
            raise SchemaMismatch(lacks) from error
        except ValueError as error:  # infinity, or a year that Python does not know
            raise SchemaMismatch(f"{self._unreadable(rows)} holds what its column type can't say") from error
        if not self._whole:
            self._whole = self._may_be_whole
        elif rows and len(rows[0]) > len(self._keys) and not all(map(_EMBED.match, rows[0].keys() - self._keys)):
            self.narrow()
        return found

    @cached_property
    def _casts(self) -> Mapping[str, str]:
        """By column that is cast, the key that its text comes under, so that no uncast value is taken for it."""
        cast = [each.name for each in self._columns if _cast(each.type)]
        taken = {each.db_name for each in self._columns}
        free = [key for key in (f"_t{number}" for number in range(1, 2 * len(taken) + 1)) if key not in taken]
        return dict(zip(cast, free, strict=False))

    @cached_property
    def _named(self) -> str:
        return ",".join(self._asked(each) for each in self._columns)

    @cached_property
    def _all(self) -> str:
        return ",".join(("*", *(self._asked(each) for each in self._columns if each.name in self._casts)))

    def _asked(self, column: Column) -> str:
        name = literals.name(column.db_name)
        return f"{self._casts[column.name]}:{name}{_cast(column.type)}" if column.name in self._casts else name

    @cached_property
    def _keys(self) -> frozenset[str]:
        """All keys of a row that was asked for by `*`."""
        return frozenset((*(each.db_name for each in self._columns), *self._casts.values()))

    @cached_property
    def _read_by(self) -> Mapping[str, Convert]:
        made = {each.name: _reader(f"{self._source}.{each.name}", each) for each in self._columns}
        return {name: read for name, read in made.items() if read is not None}

    @cached_property
    def _hydrate(self) -> Callable[[Sequence[JsonRow]], list[E]]:
        hydrate = hydrator(self._entity, self._read_by)
        keys = [self._casts.get(each.name, each.db_name) for each in self._columns]
        several: Callable[[JsonRow], tuple[Any, ...]] = itemgetter(*keys)
        values = several if len(keys) > 1 else lambda row: (row[keys[0]],)
        return lambda rows: hydrate(list(map(values, rows)))

    def _unreadable(self, rows: Sequence[JsonRow]) -> str:
        """The first column with a value that can't be read; looked for when reading has failed."""
        for each in self._columns:
            read, key = self._read_by.get(each.name), self._casts.get(each.name, each.db_name)
            try:
                _ = read and [read(row[key]) for row in rows]
            except ValueError:
                return f"{self._source}.{each.name}"
        return self._source


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
            return _uuid
        case TimestampType():
            return _moment
        case DateType():
            return dt.date.fromisoformat
        case IntervalType():
            return parse_interval
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


_empty = object.__new__
_set_int = uuid.UUID.__dict__["int"].__set__
_set_safe = uuid.UUID.__dict__["is_safe"].__set__
_NOT_SAID = uuid.SafeUUID.unknown
_UTC = dt.UTC


def _uuid(text: str) -> uuid.UUID:
    """What `UUID(text)` gives, in less than half its time: it is the larger part of reading a list."""
    made = _empty(uuid.UUID)
    _set_int(made, int(text.replace("-", ""), 16))
    _set_safe(made, _NOT_SAID)
    return made


def _moment(text: str) -> dt.datetime:
    """In UTC: the server writes it in the role's time zone."""
    return dt.datetime.fromisoformat(text).astimezone(_UTC)


def _single(text: str) -> float:
    return single(float(text))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _address(text: str) -> Any:
    return ipaddress.ip_interface(text) if "/" in text else ipaddress.ip_address(text)
