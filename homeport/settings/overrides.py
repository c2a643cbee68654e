"""Names and types of one deployment's tables, as they are written in TOML."""

from collections.abc import Mapping

import attrs

from homeport.kernel.errors import unknown_name
from homeport.kernel.table import Override
from homeport.kernel.types import (
    ArrayType,
    BooleanType,
    BytesType,
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
from homeport.settings.errors import SettingsError, refuse_unknown, table_of, text_of

_PLAIN_TYPES: Mapping[str, ColumnType] = {
    "text": TextType(),
    "boolean": BooleanType(),
    "smallint": IntegerType(16),
    "integer": IntegerType(32),
    "bigint": IntegerType(64),
    "numeric": NumericType(),
    "double precision": DoubleType(),
    "real": RealType(),
    "date": DateType(),
    "timestamptz": TimestampType(),
    "interval": IntervalType(),
    "uuid": UuidType(),
    "bytea": BytesType(),
    "inet": InetType(),
    "jsonb": JsonType(),
}


def overrides_of(value: Mapping[str, object]) -> dict[str, Override]:
    """By declared table name; an Override is taken as it is. Raises SettingsError."""
    return {
        name: each if isinstance(each, Override) else _override(f"tables.{name}", table_of(f"tables.{name}", each))
        for name, each in table_of("tables", value).items()
    }


def column_type(sql: str) -> ColumnType:
    """The column type by its name in PostgreSQL: `bigint`, `varchar(40)`, `numeric(12,2)`, `uuid[]`.

    Raises:
        SettingsError: no such type, or one that Homeport does not handle.
    """
    name = sql.strip().lower()
    if name.endswith("[]"):
        element = column_type(name.removesuffix("[]"))
        if isinstance(element, ArrayType | JsonType):
            raise SettingsError(f"there are no arrays of {element.sql}")
        return ArrayType(element)
    base, _, inside = name.removesuffix(")").partition("(")
    match base, [int(each) for each in inside.split(",") if each.strip().isdecimal()]:
        case "varchar", [length]:
            return TextType(length)
        case "numeric", [precision]:
            return NumericType(precision, 0)
        case "numeric", [precision, scale]:
            return NumericType(precision, scale)
        case _ if name in _PLAIN_TYPES:
            return _PLAIN_TYPES[name]
        case _:
            raise SettingsError(unknown_name("column type", sql, [*_PLAIN_TYPES, "varchar(n)", "numeric(p,s)", "t[]"]))


def _override(where: str, given: Mapping[str, object]) -> Override:
    refuse_unknown(f"setting of [{where}]", given, [each.name for each in attrs.fields(Override)])
    return Override(
        name=_name(where, given, "name"),
        schema=_name(where, given, "schema"),
        columns=_texts(f"{where}.columns", given.get("columns", {})),
        types={name: column_type(sql) for name, sql in _texts(f"{where}.types", given.get("types", {})).items()},
    )


def _name(where: str, given: Mapping[str, object], key: str) -> str | None:
    return text_of(f"{where}.{key}", given[key]) if key in given else None


def _texts(where: str, given: object) -> dict[str, str]:
    return {name: text_of(f"{where}.{name}", value) for name, value in table_of(where, given).items()}
