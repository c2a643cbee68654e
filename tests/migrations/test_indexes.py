"""Indexes: every foreign key has one, and no listing method reads a whole table when it need not."""

import inspect
import json
import typing
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import asyncpg
import attrs
import pytest
import pytest_asyncio

from homeport.cli import sqldocs
from homeport.composition.ledger import open_ledger
from homeport.contexts import SHIPPED, load, resolve
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import RepositoryValidationError
from homeport.ports.context import Context
from homeport.testing.servers import PostgresServer, create_database, drop_database
from tests.migrations.conftest import Connection
from tests.migrations.filling import multiply, one_row_each, opened

ROWS = 1000

UNINDEXED: Mapping[str, str] = {
    "calendar_events_trip_id_fkey": "user_id is its first column, and the index on (user_id, start_date) finds those",
    "calendar_events_vehicle_id_fkey": "the same; one user's events are few",
    "pam_context_active_trip_id_fkey": "user_id is its first column, and the table's key: there is one row at most",
}
"""Foreign keys without an index of their own, and why."""

_SEARCH = "a word may stand anywhere in a text, which no btree index finds"
READ_WHOLE: Mapping[str, str] = {
    "access.get_security_events": "filters are the caller's, on any column; the limit ends the read",
    "affiliate_shop.get_active_products": "all active products are what is asked for",
    "affiliate_shop.search_products": _SEARCH,
    "governance.list": "an empty prefix asks for all settings; they are read in their key's order",
    "pam.search_knowledge": _SEARCH,
    "profiles.search_profiles": _SEARCH,
    "transition_launch.get_launch_week_status": "the launch week is one short catalogue, read whole",
    "transition_launch.get_launch_week_tasks": "the same",
}
"""Listing methods that read a table from end to end, and why."""

TELL_PLANS = """
LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on;
SET auto_explain.log_format = json; SET client_min_messages = log; SET enable_seqscan = off; SET jit = off
"""

# A partial index serves a foreign key where it leaves out nothing but rows that refer to nothing.
FOREIGN_KEYS = """
SELECT conname AS name, conrelid::regclass::text AS table,
  ARRAY(
    SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place
  ) AS columns,
  ARRAY(
    SELECT ARRAY(
      SELECT pg_get_indexdef(indexrelid, n, true) FROM generate_series(1, indnkeyatts) AS n
    )::text
    FROM pg_index WHERE indrelid = conrelid AND indisvalid AND (
      indpred IS NULL OR pg_get_expr(indpred, indrelid) ~ '^\\(\\w+ IS NOT NULL\\)$'
    )
  ) AS indexes
FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 2, 1
"""


@pytest.fixture(scope="session")
def shipped() -> Catalog:
    return Catalog.of(table for each in resolve(SHIPPED) for table in each.tables)


@pytest_asyncio.fixture(scope="session")
async def filled(server: PostgresServer, template: str, shipped: Catalog) -> typing.AsyncIterator[Connection]:
    """A database with a thousand rows in every table, whose plans are told."""
    name = "hp_migrations_filled"
    await drop_database(server, name)
    connection = await asyncpg.connect(await create_database(server, name, template=template))
    try:
        async with opened(server, name, resolve(SHIPPED)) as db:
            await one_row_each(db, shipped.tables)
        await multiply(connection, shipped, ROWS)
        await connection.execute(TELL_PLANS)
        yield connection
    finally:
        await connection.close(timeout=5)
        await drop_database(server, name)


async def test_every_foreign_key_has_an_index(shared: Connection) -> None:
    without = []
    for key in await shared.fetch(FOREIGN_KEYS):
        indexes = [each.strip("{}").split(",") for each in key["indexes"]]
        columns = list(key["columns"])
        if not any(set(each[: len(columns)]) == set(columns) or each[0] == columns[-1] for each in indexes):
            without.append(key["name"])
    assert sorted(without) == sorted(UNINDEXED)


async def test_every_table_has_a_thousand_rows(filled: Connection, shipped: Catalog) -> None:
    for table in shipped.tables:
        assert await filled.fetchval(f"SELECT count(*) FROM {table.full_name}") >= ROWS, table


@attrs.frozen
class Listing:
    """One listing method as it is called: the statements that it sends, each with its values."""

    context: str
    method: str
    sent: tuple[tuple[str, list[Any]], ...]

    def __str__(self) -> str:
        return f"{self.context}.{self.method}"


async def listings(context: Context[Any]) -> list[Listing]:
    """What each method that answers a list sends, with the fewest arguments and with all of them."""
    db, ledger = open_ledger([context], sqldocs._made_up)
    kept: list[tuple[str, list[Any]]] = []

    def keep(name: str, bound: tuple[str, list[Any]]) -> None:
        kept.append((bound[0], list(bound[1])))

    ledger._keep = keep  # type: ignore[method-assign]
    found = []
    for name, method in _lists(db.repository(context)):
        for arguments in sqldocs._variants(context, name, method):
            kept.clear()
            for attempt in arguments:
                with suppress(RepositoryValidationError):
                    await method(**attempt)
                    break
            found.append(Listing(context.name, name, tuple(kept)))
    return found


def _lists(repository: object) -> Iterator[tuple[str, Any]]:
    for name, method in inspect.getmembers(repository, inspect.iscoroutinefunction):
        if not name.startswith("_") and typing.get_origin(typing.get_type_hints(method)["return"]) in (list, dict):
            yield name, method


@pytest.mark.parametrize("name", SHIPPED)
async def test_no_listing_method_reads_a_whole_table(filled: Connection, name: str) -> None:
    told: list[str] = []
    filled.add_log_listener(lambda _, message: told.append(message.message))
    whole = set()
    for listing in await listings(load(name)):
        assert listing.sent, f"{listing} sends nothing"
        for text, values in listing.sent:
            told.clear()
            transaction = filled.transaction()
            await transaction.start()
            await filled.fetch(text, *values)
            await transaction.rollback()
            plans = [json.loads(each[each.index("{") :]) for each in told if "plan:" in each]
            assert plans, f"{listing}: no plan was told"
            whole |= {(str(listing), table) for plan in plans for table in _scanned(plan["Plan"])}
    expected = {each for each in READ_WHOLE if each.startswith(f"{name}.")}
    assert {method for method, _ in whole} == expected, whole


def _scanned(plan: Mapping[str, Any], table: str = "") -> Iterator[str]:
    """Tables that are read from end to end, also where it is along an index, for its order or its predicate alone."""
    table = plan.get("Relation Name", table)
    by_index = plan["Node Type"] in ("Index Scan", "Index Only Scan", "Bitmap Index Scan")
    if (plan["Node Type"] == "Seq Scan" or (by_index and "Index Cond" not in plan)) and not table.startswith("pg_"):
        yield table
    for each in plan.get("Plans", ()):
        yield from _scanned(each, table)
