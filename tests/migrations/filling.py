"""Rows for every table of a migrated database: one each by the builders, and copies of it, as many as are wanted."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import homeport
from homeport import Homeport
from homeport.adapters.postgres.predicate_sql import quoted, table_name
from homeport.kernel.catalog import Catalog
from homeport.kernel.table import Column, Table
from homeport.kernel.types import IntegerType, TextType, UuidType
from homeport.ports.context import Context
from homeport.settings import Settings
from homeport.testing import build
from homeport.testing.servers import PostgresServer
from tests.migrations.conftest import SECRET, Connection


@asynccontextmanager
async def opened(server: PostgresServer, database: str, contexts: Iterable[Context[Any]]) -> AsyncIterator[Homeport]:
    """A Homeport on the database, as a service has it."""
    url = server.url(database, user="homeport_service", password=SECRET)
    settings = Settings(adapter="postgres", database_url=url, cursor_key=b"the cursor key of these tests...")
    async with homeport.open(settings, contexts=list(contexts)) as db:
        yield db


async def one_row_each(db: Homeport, tables: Iterable[Table[Any]]) -> None:
    """One generated row in each of the tables, with the parents that it needs."""
    for table in tables:
        if table.view_of is None:
            await build(db, table)


async def multiply(connection: Connection, catalog: Catalog, rows: int) -> None:
    """Copies of each table's one row. The n-th refer to the n-th of their parents, and differ in all uniques.

    The superuser's connection: no trigger runs and no foreign key is checked meanwhile.
    """
    tables = [each for each in catalog.tables if each.view_of is None]
    await connection.execute("SET session_replication_role = replica")
    for table in tables:
        stored = [each for each in table.columns if each.generated is None]
        names = ", ".join(quoted(each.db_name) for each in stored)
        values = ", ".join(_value(table, each, catalog) for each in stored)
        await connection.execute(
            f"INSERT INTO {table_name(table)} ({names}) SELECT {values} "
            f"FROM (SELECT * FROM {table_name(table)} LIMIT 1) AS one, generate_series(1001, {1000 + rows}) AS n"
        )
    await connection.execute("SET session_replication_role = origin; ANALYZE")


def _value(table: Table[Any], column: Column, catalog: Catalog) -> str:
    parents = [key.table for key in table.foreign_keys if key.referring == column.name and catalog.has(key.table)]
    same = f"one.{quoted(column.db_name)}"
    if parents and parents[0] == table.full_name:
        return "NULL"  # nobody is under itself
    told_apart = column.name == table.key or any(column.name in each.columns for each in table.uniques)
    match column.type:
        case UuidType() if parents:
            return _id(parents[0], _earlier(table, column))
        case UuidType() if column.name == table.key:
            return _id(table.full_name)
        case IntegerType() if parents or column.identity:
            return "n"
        case TextType() if told_apart:
            return f"{same} || n"
        case _:
            return same


def _earlier(table: Table[Any], column: Column) -> int:
    """How many columns before it refer to the same table: two people of one row are different ones."""
    to = {key.referring: key.table for key in table.foreign_keys}
    before = table.columns[: table.columns.index(column)]
    return sum(to.get(each.name) == to[column.name] for each in before)


def _id(table: str, earlier: int = 0) -> str:
    return f"md5('{table} ' || n + {earlier})::uuid"
