import asyncio
import itertools
from pathlib import Path
from typing import Any

import asyncpg
import attrs
import pytest

from homeport.adapters.postgres.migrate import State, migrate_down, migrate_up, status
from homeport.adapters.postgres.migrate_files import in_transaction, migrations_of, statements
from homeport.adapters.postgres.schema_check import check_schema
from homeport.contexts import load, resolve
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import (
    ForeignKeyViolation,
    InvalidValue,
    LockTimeout,
    QueryError,
    RepositoryConflictError,
    RepositoryUnavailableError,
)
from homeport.ports.context import Context
from tests.migrations.conftest import Connect, Connection
from tests.migrations.outside import owned_context, plain_context, write
from tests.migrations.rows import post, user

TABLES = "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"
LOCKS = """
SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
WHERE locktype = 'advisory' AND datname = current_database()
"""
LATE = "SELECT convalidated FROM pg_constraint WHERE conname = 'calendar_events_trip_id_fkey'"


def labels(migrations: list[Any]) -> list[str]:
    return [each.label for each in migrations]


async def states(connection: Connection, contexts: Any) -> dict[str, State]:
    return {f"{each.context}/{each.number}": each.state for each in await status(connection, contexts)}


async def test_up_runs_the_platform_then_contexts_after_what_they_require(empty: Connection) -> None:
    done = labels(await migrate_up(empty, resolve(["social"])))
    assert done == [
        "platform/0001_roles",
        "platform/0002_auth",
        "platform/0003_homeport",
        "platform/0004_rollout",
        "users/0001_users",
        "users/0003_record_failed_attempt",
        "profiles/0001_profiles",
        "social/0001_social",
        "social/0002_toggle_like",
    ]
    assert await migrate_up(empty, resolve(["social"])) == []


async def test_status_says_what_is_applied_pending_and_waiting(empty: Connection) -> None:
    calendar = resolve(["calendar"])
    assert set((await states(empty, calendar)).values()) == {State.PENDING, State.WAITING}
    await migrate_up(empty, calendar)
    found = await status(empty, calendar)
    assert [(each.state, each.late, each.applied_at is None) for each in found if each.context == "calendar"] == [
        (State.APPLIED, None, False),
        (State.WAITING, "trips", True),
        (State.WAITING, "vehicles", True),
    ]


async def test_up_down_up_gives_the_same_schema(
    empty: Connection, contexts: tuple[Context[Any], ...], catalog: Catalog
) -> None:
    await migrate_up(empty, contexts)
    up = labels(await migrate_down(empty, contexts))
    assert up[-1] == "users/0001_users"
    assert await empty.fetchval(TABLES) is None
    assert await migrate_down(empty, contexts, ["platform"])
    assert await empty.fetchval("SELECT count(*) FROM homeport.migrations") == 0
    await migrate_up(empty, contexts)
    assert await check_schema(empty, catalog) == []


async def test_up_down_up_on_a_filled_database(migrated: Connection, contexts: tuple[Context[Any], ...]) -> None:
    await post(migrated, await user(migrated))
    await migrated.execute("INSERT INTO crates (code) VALUES ('a')")
    assert await migrate_up(migrated, contexts) == []
    await migrate_down(migrated, contexts, ["social"])
    assert await migrated.fetchval("SELECT count(*) FROM users") == 1
    assert labels(await migrate_up(migrated, contexts)) == ["social/0001_social", "social/0002_toggle_like"]
    assert await migrated.fetchval("SELECT count(*) FROM posts") == 0


async def test_down_refuses_what_another_installed_context_requires(
    migrated: Connection, contexts: tuple[Context[Any], ...]
) -> None:
    with pytest.raises(QueryError, match="social is installed and requires profiles"):
        await migrate_down(migrated, contexts, ["profiles"])
    with pytest.raises(QueryError, match="the platform is required"):
        await migrate_down(migrated, contexts, ["platform"])
    with pytest.raises(QueryError, match="no context pictures is known"):
        await migrate_down(migrated, contexts, ["pictures"])
    with pytest.raises(QueryError, match="users/0001_users: cannot drop table users"):
        await migrate_down(migrated, [load("users")])


async def test_a_context_without_what_it_requires_is_refused(empty: Connection) -> None:
    with pytest.raises(QueryError, match="calendar requires the context users"):
        await migrate_up(empty, [load("calendar")])


async def test_late_files_run_once_both_contexts_are_there(empty: Connection, tmp_path: Path) -> None:
    calendar = resolve(["calendar"])
    await migrate_up(empty, calendar)
    trips = owned_context("trips", tmp_path)
    assert labels(await migrate_up(empty, [*calendar, trips])) == [
        "trips/0001_trips",
        "calendar/0002_trip_id.with_trips",
    ]
    assert await empty.fetchval(LATE) is True
    catalog = Catalog.of(table for each in [*calendar, trips] for table in each.tables)
    assert await check_schema(empty, catalog) == []
    assert labels(await migrate_down(empty, [*calendar, trips], ["trips"])) == [
        "calendar/0002_trip_id.with_trips",
        "trips/0001_trips",
    ]
    assert await empty.fetchval(LATE) is None


async def test_a_late_file_stops_at_rows_that_refer_to_nothing_and_goes_on_when_they_are_mended(
    empty: Connection, tmp_path: Path
) -> None:
    calendar = resolve(["calendar"])
    await migrate_up(empty, calendar)
    await empty.execute(
        "INSERT INTO calendar_events (user_id, title, start_date, end_date, trip_id) "
        "VALUES ($1, 'x', now(), now(), gen_random_uuid())",
        await user(empty),
    )
    both = [*calendar, owned_context("trips", tmp_path)]
    with pytest.raises(ForeignKeyViolation, match=r"calendar/0002_trip_id.with_trips: .* violates foreign key"):
        await migrate_up(empty, both)
    assert await empty.fetchval(LATE) is False
    await empty.execute("UPDATE calendar_events SET trip_id = NULL")
    assert labels(await migrate_up(empty, both)) == ["calendar/0002_trip_id.with_trips"]
    assert await empty.fetchval(LATE) is True


async def test_a_changed_file_is_named_and_nothing_runs(empty: Connection, tmp_path: Path) -> None:
    things = plain_context("things", tmp_path, {"0001_a.up": "CREATE TABLE a ();"})
    await migrate_up(empty, [things])
    write(tmp_path / "things", {"0001_a.up": "CREATE TABLE a (b text);", "0002_b.up": "CREATE TABLE b ();"})
    assert (await states(empty, [things]))["things/1"] is State.CHANGED
    for run in (migrate_up, migrate_down):
        with pytest.raises(QueryError, match="things/0001_a was changed after it was applied"):
            await run(empty, [things])
    assert await empty.fetchval(TABLES) == "a"


async def test_an_applied_file_that_is_gone_is_named(empty: Connection, tmp_path: Path) -> None:
    things = plain_context("things", tmp_path, {"0001_a.up": "SELECT 1;", "0002_b.up": "SELECT 2;"})
    await migrate_up(empty, [things])
    (tmp_path / "things" / "0001_a.up.sql").unlink()
    assert (await states(empty, [things]))["things/1"] is State.MISSING
    with pytest.raises(QueryError, match="things/0001_a is applied, but its file is gone"):
        await migrate_up(empty, [things])


async def test_a_file_without_a_way_down_stops_before_anything_is_taken_back(empty: Connection, tmp_path: Path) -> None:
    files = {"0001_a.up": "SELECT 1;", "0002_b.up": "CREATE TABLE b ();", "0002_b.down": "DROP TABLE b;"}
    things = plain_context("things", tmp_path, files)
    await migrate_up(empty, [things])
    with pytest.raises(QueryError, match="things/0001_a has no way down"):
        await migrate_down(empty, [things])
    assert await empty.fetchval(TABLES) == "b"


async def test_a_failing_file_leaves_nothing_of_itself_and_the_next_run_goes_on(
    empty: Connection, tmp_path: Path
) -> None:
    things = plain_context("things", tmp_path, {"0001_a.up": "CREATE TABLE a ();"})
    write(tmp_path / "things", {"0002_b.up": "CREATE TABLE b (); SELECT no_such_column;"})
    with pytest.raises(QueryError, match='things/0002_b: column "no_such_column" does not exist') as refused:
        await migrate_up(empty, [things])
    assert refused.value.code == "42703"
    assert await empty.fetchval(TABLES) == "a"
    write(tmp_path / "things", {"0002_b.up": "CREATE TABLE b ();"})
    assert labels(await migrate_up(empty, [things])) == ["things/0002_b"]


async def test_messages_keep_values_of_rows_to_themselves(empty: Connection, tmp_path: Path) -> None:
    things = plain_context("things", tmp_path, {"0001_a.up": "SELECT 's3cret'::integer;"})
    with pytest.raises(InvalidValue, match="things/0001_a: ") as refused:
        await migrate_up(empty, [things])
    assert "s3cret" not in str(refused.value)


async def test_a_second_runner_is_refused(migrated: Connection, another: Connect, tmp_path: Path) -> None:
    slow = plain_context("slow", tmp_path, {"0001_a.up": "SELECT pg_sleep(1);", "0001_a.down": "SELECT 1;"})
    first = asyncio.create_task(migrate_up(migrated, [slow]))
    second = await another()
    await asyncio.sleep(0.3)
    with pytest.raises(RepositoryConflictError, match="another runner"):
        await migrate_up(second, [slow])
    with pytest.raises(RepositoryConflictError, match="another runner"):
        await migrate_down(second, [slow])
    assert labels(await first) == ["slow/0001_a"]
    assert await migrate_up(second, [slow]) == []


async def test_an_open_transaction_is_refused(empty: Connection) -> None:
    async with empty.transaction():
        with pytest.raises(QueryError, match="end the one that is open"):
            await migrate_up(empty, [])


async def test_a_table_in_use_is_waited_for_no_longer_than_the_lock_timeout(
    migrated: Connection, another: Connect, tmp_path: Path
) -> None:
    things = plain_context("things", tmp_path, {"0001_a.up": "CREATE TABLE a (); ALTER TABLE users ADD extra text;"})
    reader = await another()
    async with reader.transaction():
        await reader.execute("SELECT FROM users")
        with pytest.raises(LockTimeout, match="things/0001_a: canceling statement due to lock timeout"):
            await migrate_up(migrated, [things], lock_timeout=0.2)
    assert await migrated.fetchval("SELECT to_regclass('a')") is None
    assert labels(await migrate_up(migrated, [things], lock_timeout=0.2)) == ["things/0001_a"]
    assert await migrated.fetchval("SHOW lock_timeout") == "0"


async def test_statements_outside_a_transaction_run_one_by_one(migrated: Connection, tmp_path: Path) -> None:
    text = "-- homeport: no transaction\nDROP INDEX IF EXISTS i;\nCREATE INDEX CONCURRENTLY i ON users (avatar_url);"
    things = plain_context("things", tmp_path, {"0001_i.up": text})
    assert labels(await migrate_up(migrated, [things])) == ["things/0001_i"]
    assert await migrated.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass")
    assert await migrated.fetchval("SHOW lock_timeout") == "0"
    assert await migrated.fetchval("SHOW search_path") == '"$user", public'


def killed_after(context: Context[Any], number: int, statement: int, folder: Path) -> Context[Any]:
    """The context with a migration that loses its connection after that statement."""
    files = {}
    for each in migrations_of(context):
        late = "" if each.late is None else f".with_{each.late}"
        text = each.up
        if each.number == number:
            parts = statements(text)
            parts.insert(statement, "SELECT pg_terminate_backend(pg_backend_pid())")
            marker = "" if in_transaction(text) else "-- homeport: no transaction\n"
            text = marker + ";\n".join(parts)
        files[f"{each.number:04}_{each.name}{late}.up"] = text
    write(folder, files)
    return attrs.evolve(context, migrations=folder)


async def test_killed_at_each_statement_the_next_run_completes_it(empty_database: str, tmp_path: Path) -> None:
    users, calendar = load("users"), load("calendar")
    trips, vehicles = owned_context("trips", tmp_path), owned_context("vehicles", tmp_path)
    everything = [users, calendar, trips, vehicles]
    catalog = Catalog.of(table for each in everything for table in each.tables)
    folders = (tmp_path / str(number) for number in itertools.count())
    for migration in migrations_of(calendar):
        for statement in range(len(statements(migration.up)) + 1):
            broken = killed_after(calendar, migration.number, statement, next(folders))
            connection = await asyncpg.connect(empty_database)
            with pytest.raises(RepositoryUnavailableError):
                await migrate_up(connection, [users, broken, trips, vehicles])
            connection = await asyncpg.connect(empty_database)
            await migrate_up(connection, everything)
            assert await check_schema(connection, catalog) == []
            await migrate_down(connection, everything)
            await connection.close()


async def test_a_cancelled_run_gives_the_lock_back(migrated: Connection, tmp_path: Path) -> None:
    slow = plain_context("slow", tmp_path, {"0001_a.up": "SELECT pg_sleep(10);"})
    run = asyncio.create_task(migrate_up(migrated, [slow]))
    await asyncio.sleep(0.2)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await migrated.fetchval(LOCKS) == 0


async def test_postgrest_is_told(migrated: Connection, another: Connect, tmp_path: Path) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await another()
    await listener.add_listener("pgrst", lambda *said: heard.put_nowait(str(said[-1])))
    things = plain_context("things", tmp_path, {"0001_a.up": "SELECT 1;", "0002_b.up": "SELECT 1/0;"})
    with pytest.raises(InvalidValue, match="0002_b"):
        await migrate_up(migrated, [things])
    assert await asyncio.wait_for(heard.get(), 5) == "reload schema"


async def test_an_owner_who_is_no_superuser_migrates_where_the_roles_are_there(
    empty: Connection, template: str, contexts: tuple[Context[Any], ...], catalog: Catalog
) -> None:
    await empty.execute("DROP ROLE IF EXISTS hp_owner; CREATE ROLE hp_owner")
    name = await empty.fetchval("SELECT current_database()")
    await empty.execute(f"ALTER DATABASE {name} OWNER TO hp_owner; SET ROLE hp_owner")
    await migrate_up(empty, contexts)
    assert await check_schema(empty, catalog) == []
    one = await post(empty, await user(empty))
    await empty.execute("INSERT INTO likes (post_id, user_id) SELECT id, user_id FROM posts")
    assert await empty.fetchval("SELECT likes_count FROM posts WHERE id = $1", one) == 1
    await migrate_down(empty, contexts)
    await empty.execute(
        f"RESET ROLE; ALTER DATABASE {name} OWNER TO postgres; DROP OWNED BY hp_owner; DROP ROLE hp_owner"
    )
