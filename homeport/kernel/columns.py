"""Columns: what one holds, where its value comes from, and how an entity's annotations say it."""

import datetime as dt
import enum
import ipaddress
import json
import string
import types
import typing
import uuid
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

import attrs

from homeport.kernel.errors import InvalidValue, SchemaMismatch
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
    TextType,
    TimestampType,
    UuidType,
)

Row = Mapping[str, object]
T = TypeVar("T")

NOTHING_SHARED: Mapping[str, str] = {}


@attrs.frozen
class Default:
    """What a column gets when nothing is given: as SQL, and as a function of the statement's time for memory."""

    sql: str
    make: Callable[[dt.datetime], object]


NEW_UUID = Default("gen_random_uuid()", lambda _: uuid.uuid4())
NOW = Default("now()", lambda now: now)
TODAY = Default("((now() AT TIME ZONE 'UTC')::date)", lambda now: now.astimezone(dt.UTC).date())


@attrs.frozen
class Rule(Generic[T]):
    """One rule twice: as SQL over `{column}` places and as a Python function of the row. Each is tested on the other.

    A brace that is no place is doubled. A check's function may answer None: unknown, which passes.
    """

    sql: str
    of: Callable[[Row], T]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns in the text, in order of first use."""
        return tuple(dict.fromkeys(name for _, name, _, _ in string.Formatter().parse(self.sql) if name))


class OnDelete(enum.StrEnum):
    """What happens to the referring row when the row it refers to is deleted."""

    CASCADE = "CASCADE"
    SET_NULL = "SET NULL"
    RESTRICT = "RESTRICT"


@attrs.frozen
class Reference:
    """A foreign key of one column to another table's key, `schema.name` or a name in the same schema.

    `sharing` are pairs of our columns and theirs that agree in both rows: what belongs to somebody refers to nothing of
    somebody else's. The other table has a full unique over its columns of them and its key.
    """

    table: str
    on_delete: OnDelete
    column: str = "id"
    sharing: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class Column:
    """One column as declared. `read_only` ones are set by the database, never by a caller's mapping."""

    name: str
    type: ColumnType
    nullable: bool = False
    default: Default | None = None
    generated: Rule[object] | None = None
    identity: bool = False
    touched: bool = False
    read_only: bool = False
    reference: Reference | None = None
    db_name: str = attrs.field(default=attrs.Factory(lambda self: self.name, takes_self=True))

    def admit(self, value: object) -> object:
        """The value as it is stored. Raises InvalidValue, naming the column and never the value."""
        if value is None:
            return None
        try:
            return self.type.admit(value)
        except ValueError as error:
            raise InvalidValue(f"{self.name}: {error}", field=self.name) from None

    def operand(self, value: object) -> object:
        """The value as it is compared: exact, neither rounded nor cut. Raises InvalidValue."""
        try:
            return self.type.operand(value)
        except ValueError as error:
            raise InvalidValue(f"{self.name}: {error}", field=self.name) from None

    @property
    def stored(self) -> bool:
        """Whether a statement may write it at all: the database alone computes a generated column."""
        return self.generated is None


@attrs.frozen(kw_only=True)
class ColumnSpec:
    """What a field's annotation can't say about its column; unset means: as inferred."""

    type: ColumnType | None = None
    default: Default | None = None
    generated: Rule[Any] | None = None
    identity: bool = False
    touched: bool = False
    read_only: bool = False
    reference: Reference | None = None


def column(
    type: ColumnType | None = None,
    *,
    default: Default | None = None,
    generated: Rule[Any] | None = None,
    identity: bool = False,
    touched: bool = False,
    read_only: bool = False,
    references: str | None = None,
    on_delete: OnDelete = OnDelete.RESTRICT,
    sharing: Mapping[str, str] = NOTHING_SHARED,
) -> ColumnSpec:
    """What an entity's annotation can't say. `references` is `schema.table` or a table of the same schema.

    `sharing={our column: theirs}` makes the foreign key one of all these columns: see `Reference`.
    """
    shared = tuple(sharing.items())
    reference = Reference(references, on_delete, sharing=shared) if references is not None else None
    return ColumnSpec(
        type=type,
        default=default,
        generated=generated,
        identity=identity,
        touched=touched,
        read_only=read_only or identity or generated is not None,
        reference=reference,
    )


ID = column(default=NEW_UUID)
IDENTITY = column(IntegerType(64), identity=True)
OWNER = column(references="public.users", on_delete=OnDelete.CASCADE)
USER_OR_NULL = column(references="public.users", on_delete=OnDelete.SET_NULL)
CREATED = column(default=NOW, read_only=True)
UPDATED = column(default=NOW, read_only=True, touched=True)
DELETED = column(read_only=True)


def columns_of(
    cls: type[object], specs: Mapping[str, ColumnSpec] | None = None, counted: frozenset[str] = frozenset()
) -> tuple[Column, ...]:
    """The columns of an attrs class, by its annotations, defaults and specs. Raises SchemaMismatch."""
    specs = specs or {}
    fields = attrs.fields(cast("type[attrs.AttrsInstance]", cls))
    unknown = specs.keys() - {field.name for field in fields}
    if unknown:
        raise SchemaMismatch(f"{cls.__name__} has no field {', '.join(sorted(unknown))}")
    hints = typing.get_type_hints(cls)
    return tuple(
        _column(cls, field, hints[field.name], specs.get(field.name, ColumnSpec()), counted=field.name in counted)
        for field in fields
    )


def _column(
    cls: type[object], field: "attrs.Attribute[Any]", hint: object, spec: ColumnSpec, *, counted: bool
) -> Column:
    kind, nullable = _optional(hint)
    made = spec.type or _infer(kind)
    if made is None:
        raise SchemaMismatch(f"{cls.__name__}.{field.name}: give its column type, {kind} does not say it")
    default = spec.default
    if default is None and field.default is not attrs.NOTHING and field.default is not None:
        default = literal_default(made, _default_value(field))
    return Column(
        name=field.name,
        type=made,
        nullable=nullable,
        default=default,
        generated=spec.generated,
        identity=spec.identity,
        touched=spec.touched,
        read_only=spec.read_only or counted,
        reference=spec.reference,
    )


def _default_value(field: "attrs.Attribute[Any]") -> object:
    default: Any = field.default
    return default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]


def literal_default(kind: ColumnType, value: object) -> Default:
    """A constant default."""
    admitted = kind.admit(value)
    return Default(sql_literal(kind, admitted), lambda _: kind.admit(admitted))


def sql_literal(kind: ColumnType, value: object) -> str:
    """A constant of the program's own as SQL text. Never used for a caller's value."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case tuple():
            inner = ", ".join(sql_literal(kind.of if isinstance(kind, ArrayType) else kind, each) for each in value)
            return f"ARRAY[{inner}]::{kind.sql}"
        case dict() | list():
            return f"{_quoted(json.dumps(value))}::jsonb"
        case str():
            return _quoted(value)
        case _:
            return f"{_quoted(str(value))}::{kind.sql}"


def _quoted(text: str) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _optional(hint: object) -> tuple[object, bool]:
    """The annotation without None, and whether None was in it. Keeps an alias that is itself a union, such as Json."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        options = typing.get_args(hint)
        rest = tuple(each for each in options if each is not type(None))
        if len(rest) < len(options):
            return (rest[0] if len(rest) == 1 else typing.Union[rest]), True  # noqa: UP007 - built at run time
    return hint, False


_INFERRED: Mapping[object, ColumnType] = {
    str: TextType(),
    bool: BooleanType(),
    int: IntegerType(),
    float: DoubleType(),
    dt.date: DateType(),
    dt.datetime: TimestampType(),
    dt.timedelta: IntervalType(),
    uuid.UUID: UuidType(),
    bytes: BytesType(),
    dict: JsonType(),
    list: JsonType(),
    ipaddress.IPv4Address: InetType(),
}


def _infer(kind: object) -> ColumnType | None:
    while hasattr(kind, "__supertype__"):
        kind = kind.__supertype__
    origin = typing.get_origin(kind)
    if origin is tuple:
        element = _infer(typing.get_args(kind)[0])
        return None if element is None or isinstance(element, JsonType | ArrayType) else ArrayType(element)
    if origin in (typing.Union, types.UnionType):
        inferred = {_infer(each) for each in typing.get_args(kind)}
        return InetType() if inferred <= {InetType(), None} and InetType() in inferred else None
    if isinstance(kind, type) and issubclass(kind, enum.StrEnum):
        return ChoiceType(kind)
    return _INFERRED.get(origin or kind)
