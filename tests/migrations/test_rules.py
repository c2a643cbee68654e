"""Each rule is said twice, as SQL and as a Python function. Here the two are asked the same questions."""

import datetime as dt
import random
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from homeport.adapters.postgres.ddl_columns import column_line, filled
from homeport.adapters.postgres.predicate_sql import quoted
from homeport.contexts import SHIPPED, resolve
from homeport.kernel.table import Column, Rule, Table
from homeport.kernel.types import (
    ArrayType,
    BooleanType,
    ChoiceType,
    ColumnType,
    DateType,
    DoubleType,
    IntegerType,
    NumericType,
    RealType,
    TextType,
    TimestampType,
    UuidType,
)
from tests.migrations.conftest import Connection
from tests.support.specimens import SPECIMENS

TABLES = [table for each in resolve([*SHIPPED, SPECIMENS]) for table in each.tables if table.view_of is None]
RULES: list[tuple[Table[Any], str, Rule[Any]]] = [
    *((table, each.name, each.rule) for table in TABLES for each in table.checks),
    *((table, each.name, each.generated) for table in TABLES for each in table.columns if each.generated is not None),
]
TEXTS = ("", " ", "a", "A", "USD", "usd", "USDX", "US", "US\n", "USD\n", "ÉUR", "0", "ß", "İ", "it's", "%", "_", "€UR")
ROWS = 300


def value(kind: ColumnType, chance: random.Random) -> Any:
    """A few values of each type, so that two columns often agree."""
    match kind:
        case ChoiceType(members, native):
            return str(chance.choice([*members] if native else [*members, *TEXTS]))
        case TextType(max_length):
            return chance.choice([each for each in TEXTS if max_length is None or len(each) <= max_length])
        case IntegerType(bits):
            return chance.choice([-1, 0, 1, 2, 5, 6, 100, 101, -(1 << (bits - 2)), (1 << (bits - 2))])
        case NumericType(precision, scale):
            step = Decimal(1).scaleb(-(scale or 0))
            whole = Decimal(10) ** ((precision or 10) - (scale or 0) - 1)
            return chance.choice([-step, Decimal(0), step, Decimal(1), Decimal(-1), whole, -whole])
        case DoubleType():
            return chance.choice([-1.5, 0.0, 0.1, 1e300])
        case RealType():
            return chance.choice([-1.5, 0.0, 0.5, 1.0, 1.5])
        case BooleanType():
            return chance.random() < 0.5
        case DateType():
            return dt.date(2024, 2, 28) + dt.timedelta(days=chance.randrange(4))
        case TimestampType():
            return dt.datetime(2024, 2, 28, tzinfo=dt.UTC) + dt.timedelta(microseconds=chance.randrange(4))
        case UuidType():
            return uuid.UUID(int=chance.randrange(3))
        case ArrayType(of):
            return tuple(value(of, chance) for _ in range(chance.randrange(4)))
        case _:
            pytest.fail(f"no values of {kind} are made here: add some")


def rows(columns: list[Column], chance: random.Random) -> Iterator[dict[str, Any]]:
    for _ in range(ROWS):
        yield {each.name: None if chance.random() < 0.15 else value(each.type, chance) for each in columns}


@pytest.mark.parametrize(("table", "name", "rule"), [pytest.param(*each, id=each[1]) for each in RULES])
async def test_sql_and_python_give_the_same_answers(
    shared: Connection, table: Table[Any], name: str, rule: Rule[Any]
) -> None:
    columns = [table.require(each) for each in rule.columns]
    lines = ", ".join(column_line(table, each).replace(" NOT NULL", "") for each in columns)
    asked = f"asked_{table.name}"  # of its own, as asyncpg keeps in mind the types of a table's columns by their names
    await shared.execute(f"CREATE TEMPORARY TABLE {asked} (number integer, {lines})")
    given = list(rows(columns, random.Random(name)))
    names = ", ".join(quoted(each.db_name) for each in columns)
    await shared.copy_records_to_table(
        asked,
        columns=["number", *(each.db_name for each in columns)],
        records=[(number, *row.values()) for number, row in enumerate(given)],
    )
    answers = await shared.fetch(f"SELECT {filled(rule, table)} AS answer, {names} FROM {asked} ORDER BY number")
    ours = [rule.of(row) for row in given]
    assert [each["answer"] for each in answers] == ours
    assert len(set(map(repr, ours))) > 1, "the rows are all alike: the rule was not tried"


@pytest.mark.parametrize(
    ("table", "column"),
    [
        pytest.param(table, each, id=f"{table.name}.{each.name}")
        for table in TABLES
        for each in table.columns
        if each.default is not None and "gen_random_uuid" not in each.default.sql and "now()" not in each.default.sql
    ],
)
async def test_sql_and_python_give_the_same_default(shared: Connection, table: Table[Any], column: Column) -> None:
    assert column.default is not None
    same = f"SELECT ({column.default.sql})::{column.type.sql}::text = ($1::text)::{column.type.sql}::text"
    made = column.default.make(dt.datetime.now(dt.UTC))
    assert await shared.fetchval(same, as_text(made))


def as_text(made: object) -> str:
    if isinstance(made, tuple):
        return "{" + ",".join(map(str, made)) + "}"
    return {True: "true", False: "false"}.get(made, str(made)) if isinstance(made, bool) else str(made)
