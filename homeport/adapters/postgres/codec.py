"""Values between Python and asyncpg. No type codec is ever set on a connection, so a user's own pool works untouched:
jsonb and native enums travel as text, and the SQL text casts them.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, Never, TypeAlias

import orjson

from homeport.kernel.entity import E, Inline, hydrator
from homeport.kernel.errors import SchemaMismatch
from homeport.kernel.table import Column
from homeport.kernel.types import (
    ArrayType,
    ChoiceType,
    ColumnType,
    DateType,
    JsonType,
    NumericType,
    TextType,
    TimestampType,
)

Encode: TypeAlias = Callable[[Any], Any]

_NO_DAYS = (dt.date.min, dt.date.max)


class RowCodec(Generic[E]):
    """How the columns of one table, or of one operation's result, are read and written."""

    def __init__(self, entity: type[E], columns: Sequence[Column], source: str) -> None:
        self._entity = entity
        self._columns = columns
        self._source = source

    @cached_property
    def hydrate(self) -> Callable[[Iterable[Any]], list[E]]:
        """Entities from rows that were selected by `read_expression`.

        Raises SchemaMismatch for a stored value that the column type can't say.
        """
        convert = {each.name: _reader(f"{self._source}.{each.name}", each) for each in self._columns}
        return hydrator(self._entity, {name: made for name, made in convert.items() if made is not None})

    @cached_property
    def encoders(self) -> Mapping[str, Encode]:
        """For the columns whose values asyncpg does not take as they are, as a parameter of their own."""
        return {each.name: _json_text for each in self._columns if isinstance(each.type, JsonType)}

    @cached_property
    def element_encoders(self) -> Mapping[str, Encode]:
        """As `encoders`, as one element of an array parameter."""
        arrays = {each.name: _array_text for each in self._columns if isinstance(each.type, ArrayType)}
        return {**self.encoders, **arrays}


def read_expression(column: Column, reference: str) -> str:
    """The column as it is selected."""
    match column.type:
        case JsonType() | ChoiceType(native=str()):
            return f"{reference}::text"
        case ArrayType(ChoiceType(native=str())):
            return f"{reference}::text[]"
        case _:
            return reference


def written(kind: ColumnType, number: int) -> str:
    """The placeholder of one value with the type it is sent as, so that the server has nothing to guess."""
    return _cast(f"${number}::{sent_type(kind)}", kind)


def sent_type(kind: ColumnType) -> str:
    """The type a value is sent as. It has no length and no scale: a cast to those would round what is compared."""
    match kind:
        case TextType() | ChoiceType() | JsonType():
            return "text"
        case NumericType():
            return "numeric"
        case ArrayType(of):
            return f"{sent_type(of)}[]"
        case _:
            return kind.sql


def sent_as_element(kind: ColumnType) -> str:
    """The type of a parameter with one value a row. Arrays go as their text, for arrays of arrays don't unnest."""
    return "text[]" if isinstance(kind, ArrayType) else f"{sent_type(kind)}[]"


def taken_from_element(kind: ColumnType, reference: str) -> str:
    """The column's value from one element of such an array."""
    return _cast(f"{reference}::{sent_type(kind)}" if isinstance(kind, ArrayType) else reference, kind)


def taken_as_sent(kind: ColumnType, reference: str) -> str:
    """The column's value from one of the type that it is sent as."""
    return _cast(reference, kind)


def plain_on_the_wire(kind: ColumnType) -> bool:
    """Whether binary COPY takes the values without a cast."""
    return not isinstance(kind, JsonType | ArrayType) and not (isinstance(kind, ChoiceType) and kind.native)


def _cast(expression: str, kind: ColumnType) -> str:
    match kind:
        case JsonType() | ChoiceType(native=str()) | ArrayType(ChoiceType(native=str())):
            return f"{expression}::{kind.sql}"
        case _:
            return expression


def _json_text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


# -- reading


def _reader(name: str, column: Column) -> Inline | None:
    """What turns asyncpg's value into the entity's; None where it is that already."""
    kind = column.type
    read = _array_reader(_scalar_reader(name, kind.of)) if isinstance(kind, ArrayType) else _scalar_reader(name, kind)
    if read is None or not column.nullable or isinstance(kind, ChoiceType):
        return read
    return Inline(f"None if {{value}} is None else {read.text}", read.names)


def _scalar_reader(name: str, kind: ColumnType) -> Inline | None:
    match kind:
        case ChoiceType(members):
            found = _Members(name, {None: None, **{each.value: each for each in members}})
            return Inline("{found}[{value}]", {"found": found})
        case JsonType():
            return Inline("{loads}({value})", {"loads": orjson.loads})
        case TimestampType():  # asyncpg gives infinity as the only naive moments
            return Inline("{value} if {value}.tzinfo is not None else {refuse}()", {"refuse": _refusal(name)})
        case DateType():
            names = {"no_days": _NO_DAYS, "refuse": _refusal(name)}
            return Inline("{value} if {value} not in {no_days} else {refuse}()", names)
        case _:
            return None


def _array_reader(element: Inline | None) -> Inline:
    if element is None:
        return Inline("tuple({value})")
    return Inline(f"tuple([{element.text.replace('{value}', 'each')} for each in {{value}}])", element.names)


class _Members(dict[Any, Any]):
    """Members by their text; None for NULL."""

    def __init__(self, name: str, members: Mapping[Any, Any]) -> None:
        super().__init__(members)
        self._name = name

    def __missing__(self, _: object) -> Never:
        raise SchemaMismatch(f"{self._name} holds a text that is none of its members")


def _refusal(name: str) -> Callable[[], Never]:
    def refuse() -> Never:
        raise SchemaMismatch(f"{name} holds infinity")

    return refuse


# -- arrays as text


def _array_text(values: Iterable[Any] | None) -> str | None:
    """PostgreSQL's text of a one-dimensional array without nulls."""
    if values is None:
        return None
    quoted = (_element_text(each).replace("\\", "\\\\").replace('"', '\\"') for each in values)
    return "{" + ",".join(f'"{each}"' for each in quoted) + "}"


def _element_text(value: Any) -> str:
    match value:
        case bool():
            return "t" if value else "f"
        case str():
            return value
        case bytes():
            return f"\\x{value.hex()}"
        case float():
            return repr(value)
        case dt.date():
            return value.isoformat()
        case dt.timedelta():
            return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
        case _:
            return str(value)
