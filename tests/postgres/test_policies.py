"""PostgreSQL itself under the odd policies that the memory engine is held against."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from homeport.adapters.postgres import PostgresStore, open_postgres
from homeport.adapters.postgres.ddl import script, tables_sql
from homeport.adapters.postgres.migrate import migrate_up
from homeport.kernel.identity import identity
from homeport.kernel.pages import CursorSigner
from homeport.testing.servers import PostgresServer, create_database, drop_database
from tests.support.guarded import CASES, CATALOG, ME, became, fill, state, user

DATABASE = "homeport_postgres_policies"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def guarded(server: PostgresServer) -> AsyncIterator[PostgresStore]:
    await drop_database(server, DATABASE)
    url = await create_database(server, DATABASE)
    connection = await asyncpg.connect(url)
    await migrate_up(connection, [])
    await connection.execute(script(tables_sql(CATALOG.tables, CATALOG).up))
    await connection.close()
    store = await open_postgres(url, catalog=CATALOG, cursors=CursorSigner(), max_size=2)
    yield store
    await store.close()
    await drop_database(server, DATABASE)


@pytest.mark.parametrize("name", CASES)
async def test_a_user_may_what_policies_give(guarded: PostgresStore, name: str) -> None:
    for table in ("leaves", "notes", "drops", "forms", "vaults"):
        await guarded.execute_query(f"DELETE FROM {table}")
    await fill(guarded)
    call, expected = CASES[name]
    before = await state(guarded)
    assert await became(guarded.scoped(user(ME)), call) == expected
    if isinstance(expected, str):
        assert await state(guarded) == before


@pytest.mark.parametrize(
    "name", ["O'Brien \\ \"x\" E'", "é \u2028 日本", "\U0001f600", "\\u0041 \\' %s $1 $$ /* --", "'; RESET ROLE; --"]
)
async def test_claims_arrive_as_they_are(guarded: PostgresStore, name: str) -> None:
    who = identity({"role": "service_role", "name": name})
    asked = "SELECT current_setting('request.jwt.claims') AS claims, current_user::text AS role"
    (found,) = await guarded.scoped(who).execute_query(asked)
    assert found == {"claims": who.claims, "role": "service_role"}
