import uuid

import asyncpg
import pytest

from homeport.adapters.postgres.migrate import migrate_up
from homeport.adapters.postgres.migrate_logins import AUTHENTICATOR, SERVICE, create_logins
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import RepositoryPermissionError
from homeport.testing.servers import PostgresServer
from tests.migrations.conftest import SECRET, Connection
from tests.migrations.rows import acting, post, user

FLAGS = "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = session_user"
OWNED = "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = session_user"
ROW_SECURITY = """
SELECT string_agg(relname, ' ') FROM pg_class
WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('public', 'homeport')
    AND (relforcerowsecurity OR NOT relrowsecurity)
"""


async def login(server: PostgresServer, database: str, name: str) -> Connection:
    return await asyncpg.connect(server.url(database.partition("?")[0].rpartition("/")[2], user=name, password=SECRET))


async def test_row_security_is_on_everywhere_and_forced_nowhere(shared: Connection) -> None:
    assert await shared.fetchval(ROW_SECURITY) is None


async def test_the_service_login_is_the_service_role_and_stays_so(server: PostgresServer, database: str) -> None:
    connection = await login(server, database, SERVICE)
    for reset in ("SELECT 1", "RESET ROLE", "RESET ALL"):
        await connection.execute(reset)
        row = await connection.fetchrow("SELECT current_user::text, session_user::text, auth.role(), auth.uid()")
        assert row is not None
        assert tuple(row) == ("service_role", SERVICE, "service_role", None)
    assert await connection.fetchval(FLAGS) is False
    assert await connection.fetchval(OWNED) == 0
    assert await connection.fetchval("INSERT INTO crates (code) VALUES ('a') RETURNING id") == 1
    for refused in (
        "SET ROLE authenticated",
        "TRUNCATE users",
        "CREATE TABLE public.mine ()",
        "DELETE FROM homeport.migrations",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(refused)
    await connection.execute("SET ROLE none")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("SELECT FROM users")
    await connection.close()


async def test_the_authenticator_may_do_nothing_by_itself(server: PostgresServer, database: str) -> None:
    connection = await login(server, database, AUTHENTICATOR)
    assert await connection.fetchval(FLAGS) is False
    assert await connection.fetchval(OWNED) == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("SELECT FROM users")
    async with acting(connection, "service_role"):
        assert await connection.fetchval("SELECT count(*) FROM users") == 0
    await connection.close()


async def test_anon_is_granted_nothing(shared: Connection, catalog: Catalog) -> None:
    for table in catalog.tables:
        async with acting(shared, "anon"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await shared.execute(f"SELECT FROM {table.name}")


async def test_claims_are_read_and_empty_ones_are_nobody(migrated: Connection) -> None:
    one = uuid.uuid4()
    async with acting(migrated, "authenticated", one):
        row = await migrated.fetchrow("SELECT auth.uid(), auth.role(), auth.jwt() ->> 'sub'")
        assert row is not None
        assert tuple(row) == (one, "authenticated", str(one))
    assert await migrated.fetchval("SELECT current_setting('request.jwt.claims', true)") == ""
    row = await migrated.fetchrow("SELECT auth.uid(), auth.role(), auth.jwt()")
    assert row is not None
    assert tuple(row) == (None, None, None)


async def test_a_user_sees_and_writes_what_the_policies_give(shared: Connection) -> None:
    a, b = await user(shared, "a@x"), await user(shared, "b@x")
    await shared.execute("INSERT INTO profiles (id, username, email) VALUES ($1, 'a', 'a@x'), ($2, 'b', 'b@x')", a, b)
    one = await post(shared, a)
    async with acting(shared, "authenticated", b):
        assert await shared.fetchval("SELECT count(*) FROM users") == 1
        assert await shared.fetchval("SELECT count(*) FROM profiles") == 1
        assert await shared.fetchval("SELECT count(*) FROM public_profiles") == 2
        assert await shared.fetchval("SELECT count(*) FROM posts") == 1
        assert await shared.execute("UPDATE posts SET content = 'mine now' WHERE id = $1", one) == "UPDATE 0"
        assert await shared.execute("DELETE FROM posts WHERE id = $1", one) == "DELETE 0"
    for refused, values in (
        ("UPDATE users SET role = 'admin' WHERE id = $1", (b,)),
        ("INSERT INTO posts (user_id, content) VALUES ($1, 'x')", (a,)),
        ("UPDATE public_profiles SET username = 'x' WHERE id = $1", (b,)),
        ("INSERT INTO messages (sender_id, recipient_id, content) VALUES ($1, $2, 'x')", (a, b)),
    ):
        async with acting(shared, "authenticated", b):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await shared.execute(refused, *values)


async def test_a_recipient_marks_a_message_and_changes_nothing_else(shared: Connection) -> None:
    a, b = await user(shared), await user(shared)
    await shared.execute("INSERT INTO messages (sender_id, recipient_id, content) VALUES ($1, $2, 'x')", a, b)
    async with acting(shared, "authenticated", b):
        assert await shared.execute("UPDATE messages SET is_read = true, read_at = now()") == "UPDATE 1"
    async with acting(shared, "authenticated", b):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await shared.execute("UPDATE messages SET content = 'y'")
    async with acting(shared, "authenticated", a):
        assert await shared.execute("UPDATE messages SET is_read = true") == "UPDATE 0"


@pytest.mark.parametrize(("role", "cap"), [("authenticated", 10), ("service_role", 200000)])
async def test_the_row_cap_probe_gives_what_it_is_asked_for_up_to_its_end(
    shared: Connection, role: str, cap: int
) -> None:
    async with acting(shared, role):
        rows = await shared.fetch("SELECT n FROM homeport_row_cap_probe($1)", cap)
    assert [row["n"] for row in rows] == list(range(1, min(cap, 100000) + 1))


async def test_what_is_there_already_is_not_replaced(empty: Connection) -> None:
    await empty.execute("""
        CREATE SCHEMA auth;
        CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql
            AS 'SELECT ''00000000-0000-0000-0000-000000000001''::uuid';
    """)
    await migrate_up(empty, [])
    assert await empty.fetchval("SELECT auth.uid()") == uuid.UUID(int=1)
    assert await empty.fetchval("SELECT auth.role()") is None


async def test_logins_are_made_once_and_get_the_password_that_is_given(
    server: PostgresServer, database: str, migrated: Connection
) -> None:
    assert await create_logins(migrated, service="it's new", authenticator=SECRET) == [SERVICE, AUTHENTICATOR]
    assert await create_logins(migrated, service=SECRET) == [SERVICE]
    assert await create_logins(migrated) == []
    await (await login(server, database, SERVICE)).close()


async def test_somebody_elses_authenticator_stays_as_it_is(migrated: Connection) -> None:
    async with migrated.transaction():
        await migrated.execute("COMMENT ON ROLE authenticator IS NULL")
        assert await create_logins(migrated, authenticator="another") == []
        await migrated.execute("COMMENT ON ROLE authenticator IS 'made by Homeport'")


async def test_an_owner_who_may_not_make_logins_is_told_what_to_run(
    server: PostgresServer, migrated: Connection
) -> None:
    await migrated.execute("DROP ROLE IF EXISTS hp_plain_owner; CREATE ROLE hp_plain_owner; SET ROLE hp_plain_owner")
    with pytest.raises(RepositoryPermissionError, match="have an administrator run:\nCREATE ROLE homeport_service"):
        await create_logins(migrated, service="x")
    await migrated.execute("RESET ROLE; DROP ROLE hp_plain_owner")


def test_a_password_is_never_part_of_a_message() -> None:
    from homeport.adapters.postgres.migrate_logins import login_sql

    assert "PASSWORD" not in login_sql()
