"""Databases made from templates, cleaned by one statement, searched for leaks."""

import secrets

import asyncpg
import pytest

from homeport.testing.servers import PostgresServer, clean_statement, create_database, drop_database, leaks, stains

TABLES = """
create table parents (id int generated always as identity primary key, name text);
create table children (id int primary key, parent int not null references parents);
create table "odd ""name" (id int primary key);
create table parts (id int) partition by range (id);
create table parts_low partition of parts for values from (0) to (10);
create schema homeport;
create table homeport.ledger (id int);
create table homeport.flags (id int);
create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
create trigger keeps before delete on children for each row execute function refuse();
"""

ROWS = """
insert into parents (name) values ('a');
insert into children select 1, max(id) from parents;
insert into "odd ""name" values (1);
insert into parts values (1);
insert into homeport.ledger values (1);
insert into homeport.flags values (1);
"""

COUNTS = """
select (select count(*) from parents) + (select count(*) from children) + (select count(*) from "odd ""name")
    + (select count(*) from parts) + (select count(*) from homeport.flags) as rest,
    (select count(*) from homeport.ledger) as ledger
"""


async def test_a_database_made_from_a_template_has_its_rows(server: PostgresServer, database: str) -> None:
    origin = await asyncpg.connect(server.url(database))
    await origin.execute("create table t (a int); insert into t values (7)")
    await origin.close()
    name = f"Rig copy {secrets.token_hex(4)}"
    copy = await asyncpg.connect(await create_database(server, name, template=database))
    assert await copy.fetchval("select a from t") == 7
    await drop_database(server, name)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await copy.fetchval("select 1")
    copy.terminate()


async def test_dropping_what_is_not_there_does_nothing(server: PostgresServer) -> None:
    await drop_database(server, f"rig_{secrets.token_hex(6)}")


async def test_one_statement_leaves_no_row_but_the_kept_ones(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.execute(TABLES)
    clean = await clean_statement(connection, ["public", "homeport"], keep={"homeport.ledger"})
    await connection.execute(ROWS)
    await connection.execute(clean)
    assert tuple(await connection.fetchrow(COUNTS) or ()) == (0, 1)


async def test_cleaning_leaves_sequences_and_the_session_as_they_are(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    await connection.execute(TABLES)
    clean = await clean_statement(connection, ["public"])
    for _ in range(2):
        await connection.execute(ROWS)
        await connection.execute(clean)
    await connection.execute("insert into parents (name) values ('a')")
    assert await connection.fetchval("select id from parents") == 3
    assert await connection.fetchval("show session_replication_role") == "origin"


async def test_cleaning_a_database_without_tables_is_a_statement_too(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    await connection.execute(await clean_statement(connection, ["public"]))


async def test_an_idle_session_is_no_leak(
    server: PostgresServer, database: str, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    idle = await asyncpg.connect(server.url(database))
    await idle.fetchval("select 1")
    assert await leaks(connection, database=database) == []
    await idle.close()


async def test_a_transaction_left_open_is_found(
    server: PostgresServer, database: str, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    guilty = await asyncpg.connect(server.url(database), server_settings={"application_name": "guilty"})
    await guilty.execute("begin")
    pid = guilty.get_server_pid()
    expected = [f"session {pid} (guilty) is idle in transaction; last: begin"]
    assert await leaks(connection, database=database, patience=0) == expected
    assert await leaks(connection, application_name="guilty", patience=0) == expected
    assert await leaks(connection, application_name="innocent", patience=0) == []
    await guilty.close()


@pytest.mark.parametrize(
    ("taken", "named"), [("4711", "4711"), ("-1", "-1"), ("1, 2", "(1, 2)"), (str(2**40), str(2**40))]
)
async def test_an_advisory_lock_left_held_is_found(
    server: PostgresServer, database: str, connection: "asyncpg.Connection[asyncpg.Record]", taken: str, named: str
) -> None:
    guilty = await asyncpg.connect(server.url(database), server_settings={"application_name": "guilty"})
    await guilty.execute(f"select pg_advisory_lock({taken})")
    pid = guilty.get_server_pid()
    found = await leaks(connection, database=database, patience=0)
    await guilty.close()
    assert found == [f"session {pid} (guilty) has the advisory lock {named}"]


async def test_a_statement_that_is_about_to_end_is_waited_for(
    server: PostgresServer, database: str, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    import asyncio

    slow = await asyncpg.connect(server.url(database))
    sleeping = asyncio.create_task(slow.execute("select pg_sleep(0.3)"))
    await asyncio.sleep(0.1)
    assert len(await leaks(connection, database=database, patience=0)) == 1
    assert await leaks(connection, database=database, patience=5) == []
    await sleeping
    await slow.close()


async def test_a_fresh_connection_has_no_stains(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.fetchval("select $1::int[]", [1])
    assert await stains(connection) == []


async def test_role_settings_channels_and_temporary_tables_are_stains(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    await connection.execute("set statement_timeout = '7s'; listen news; create temp table scraps (a int)")
    await connection.execute("set role pg_monitor")
    login = await connection.fetchval("select session_user::text")
    expected = ["setting statement_timeout is 7000", "listens on news", "temporary table scraps"]
    assert await stains(connection, role="pg_monitor") == expected
    assert await stains(connection) == [f"role is pg_monitor, not {login}", *expected]
