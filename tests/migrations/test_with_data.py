"""Each context's migrations up, down and up again on a database with a row in every table; alone, and all together."""

from typing import Any

import pytest

from homeport.adapters.postgres.migrate import migrate_down, migrate_up
from homeport.adapters.postgres.migrate_files import migrations_of
from homeport.adapters.postgres.migrate_logins import create_logins
from homeport.adapters.postgres.schema_check import check_schema
from homeport.contexts import SHIPPED, load, resolve
from homeport.kernel.catalog import Catalog
from homeport.kernel.table import Table
from homeport.ports.context import Context
from homeport.testing.servers import PostgresServer
from tests.migrations.conftest import SECRET, Connection
from tests.migrations.filling import one_row_each, opened


def catalog_of(contexts: tuple[Context[Any], ...]) -> Catalog:
    return Catalog.of(table for each in contexts for table in each.tables)


async def rows(connection: Connection, tables: tuple[Table[Any], ...]) -> dict[str, int]:
    return {each.name: await connection.fetchval(f"SELECT count(*) FROM {each.full_name}") for each in tables}


async def filled(empty: Connection, server: PostgresServer, installed: tuple[Context[Any], ...]) -> None:
    """All that the contexts have, with a row in each table."""
    await migrate_up(empty, installed)
    await create_logins(empty, authenticator=SECRET, service=SECRET)
    async with opened(server, await empty.fetchval("SELECT current_database()"), installed) as db:
        await one_row_each(db, catalog_of(installed).tables)


@pytest.mark.parametrize("name", SHIPPED)
async def test_a_context_alone_goes_down_with_its_rows_and_comes_up_again(
    empty: Connection, server: PostgresServer, name: str
) -> None:
    context, installed = load(name), resolve([name])
    required = tuple(table for each in installed if each is not context for table in each.tables)
    await filled(empty, server, installed)
    assert 0 not in (await rows(empty, catalog_of(installed).tables)).values()
    before = await rows(empty, required)
    files = [each.label for each in migrations_of(context) if each.late is None or each.late in context.requires]
    down = [each.label for each in await migrate_down(empty, installed, [name])]
    assert down == files[::-1]
    assert await rows(empty, required) == before
    assert [each.label for each in await migrate_up(empty, installed)] == files
    assert set((await rows(empty, context.tables)).values()) == {0}
    assert await check_schema(empty, catalog_of(installed)) == []


async def test_all_contexts_together_go_down_with_their_rows_and_come_up_again(
    empty: Connection, server: PostgresServer
) -> None:
    installed = resolve(SHIPPED)
    catalog = catalog_of(installed)
    await filled(empty, server, installed)
    assert 0 not in (await rows(empty, catalog.tables)).values()
    down = await migrate_down(empty, installed)
    assert await migrate_up(empty, installed) == down[::-1]
    assert set((await rows(empty, catalog.tables)).values()) == {0}
    assert await check_schema(empty, catalog) == []
