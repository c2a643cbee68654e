"""What PostgreSQL itself refuses of tables whose rows are only added, and what it still does to them."""

from pathlib import Path

import asyncpg
import pytest

from homeport.adapters.postgres.schema_check import check_schema
from homeport.contexts import load, resolve
from homeport.kernel.catalog import Catalog
from tests.migrations.conftest import Connection
from tests.migrations.rows import acting, user

CATALOG = Catalog.of(table for each in resolve(["access", "governance"]) for table in each.tables)
ADDED = ("login_history", "audit_logs")
LOGIN = "INSERT INTO login_history (user_id) VALUES ($1) RETURNING id"
ENTRY = "INSERT INTO audit_logs (actor_user_id, action, resource_type) VALUES ($1, 'insert', 'jobs') RETURNING id"


async def drifts(connection: Connection) -> list[str]:
    return [str(each) for each in await check_schema(connection, CATALOG)]


@pytest.mark.parametrize("table", ADDED)
async def test_the_service_adds_and_reads_and_is_refused_the_rest(shared: Connection, table: str) -> None:
    one = await user(shared)
    add = LOGIN if table == "login_history" else ENTRY
    async with acting(shared, "service_role"):
        key = await shared.fetchval(add, one)
        assert await shared.fetchval(f"SELECT id FROM {table}") == key
        for refused in (
            f"UPDATE {table} SET user_agent = 'x'",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"SELECT FROM {table} FOR KEY SHARE",
            add.replace(" RETURNING", " ON CONFLICT (id) DO UPDATE SET user_agent = 'x' RETURNING").replace(
                "$1", "NULL"
            ),
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with shared.transaction():
                    await shared.execute(refused)


async def test_foreign_keys_act_on_them_whoever_deletes_the_user(shared: Connection) -> None:
    one = await user(shared)
    login, entry = await shared.fetchval(LOGIN, one), await shared.fetchval(ENTRY, one)
    async with acting(shared, "service_role"):
        assert await shared.execute("DELETE FROM users WHERE id = $1", one) == "DELETE 1"
        assert await shared.fetchval("SELECT count(*) FROM login_history WHERE id = $1", login) == 0
        kept = "SELECT count(*) FROM audit_logs WHERE id = $1 AND actor_user_id IS NULL"
        assert await shared.fetchval(kept, entry) == 1


async def test_their_owner_may_remove_old_ones(shared: Connection) -> None:
    for statement in (LOGIN, ENTRY):
        await shared.execute(statement.partition(" RETURNING")[0], await user(shared))
    for table in ADDED:
        assert await shared.execute(f"DELETE FROM {table}") == "DELETE 1"


@pytest.mark.parametrize("right", ["UPDATE", "UPDATE (user_agent)", "DELETE", "TRUNCATE"])
@pytest.mark.parametrize("table", ADDED)
async def test_a_right_to_change_them_is_a_drift(shared: Connection, table: str, right: str) -> None:
    await shared.execute(f"GRANT {right} ON {table} TO service_role")
    verb, _, columns = right.partition(" ")
    granted = columns.strip("()") or "all columns"
    assert await drifts(shared) == [f"public.{table}: grant service_role {verb} should not be there: {granted}"]


@pytest.mark.parametrize(("context", "table"), [("access", "login_history"), ("governance", "audit_logs")])
async def test_the_way_down_gives_the_service_its_rights_back(shared: Connection, context: str, table: str) -> None:
    folder = load(context).migrations
    assert isinstance(folder, Path)
    await shared.execute((folder / "0002_append_only.down.sql").read_text())
    async with acting(shared, "service_role"):
        assert await shared.execute(f"UPDATE {table} SET user_agent = 'x'") == "UPDATE 0"
        assert await shared.execute(f"DELETE FROM {table}") == "DELETE 0"
    assert len(await drifts(shared)) == 2
    await shared.execute((folder / "0002_append_only.up.sql").read_text())
    assert await drifts(shared) == []
