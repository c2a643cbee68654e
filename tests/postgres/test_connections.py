"""Where connections come from, and that each one borrowed is given back clean."""

import asyncio
import gc
import json
import random
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest

from homeport.adapters.postgres import PoolFigures, PostgresStore, open_postgres
from homeport.kernel.binding import bind
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import (
    LockTimeout,
    OutcomeUnknown,
    PoolClosed,
    PoolTimeout,
    QueryError,
    RepositoryError,
    RepositoryPermissionError,
    RepositoryUnavailableError,
    StatementTimeout,
)
from homeport.kernel.identity import identity
from homeport.kernel.pages import CursorSigner
from homeport.kernel.predicates import eq
from homeport.kernel.query import Insert, Select, Update
from homeport.testing.servers import stains
from tests.postgres.tables import CRATE, FIND, SAMPLE, Sought

Admin: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
ONE = Select("crates.one", CRATE, limit=1)
SLEEP = "select pg_sleep(1.5)"
KINDS = ("lean", "asyncpg")
chosen = {"kind": KINDS[0]}
pytestmark = pytest.mark.usefixtures("clean", "kind_of_pool")


@pytest.fixture(params=KINDS)
def kind_of_pool(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every test runs over either pool."""
    chosen["kind"] = request.param
    yield request.param
    chosen["kind"] = KINDS[0]


async def begun(database: Any, catalog: Catalog, **settings: Any) -> PostgresStore:
    given = {**chosen, **settings}
    return await open_postgres(database, catalog=catalog, cursors=CursorSigner(), operations=[FIND], **given)


@asynccontextmanager
async def opened(database: Any, catalog: Catalog, **settings: Any) -> AsyncIterator[PostgresStore]:
    store = await begun(database, catalog, **settings)
    try:
        yield store
    finally:
        await store.close()


async def works(store: PostgresStore) -> None:
    facts = {"a": [1, {"b": None}]}
    written = await store.insert(Insert("samples.add", SAMPLE, ({"facts": facts, "words": "x"},)))
    assert [each.facts for each in written.rows] == [facts]
    assert (await store.fetch(Select("samples.q", SAMPLE)))[0].facts == facts
    await store.insert(Insert("crates.add", CRATE, ({"code": "a", "weight": 3}, {"code": "b"})))
    assert [each.facts["k"] for each in await store.run(FIND, Sought(least=3, facts={"k": 1}))] == [1]  # type: ignore[index,call-overload]
    assert len([each async for each in store.stream(Select("crates.s", CRATE))]) == 2


# -- where they come from


async def test_nothing_is_asked_before_the_first_call(catalog: Catalog, admin: Admin, url: str) -> None:
    async with opened("postgresql://127.0.0.1:1/none", catalog) as nowhere:
        with pytest.raises(RepositoryUnavailableError):
            await nowhere.fetch(ONE)
    count = "select count(*) from pg_stat_activity where application_name = 'homeport' and state is not null"
    async with opened(url, catalog) as store:
        before = await admin.fetchval(count)
        await store.fetch(ONE)
        assert await admin.fetchval(count) == before + 1


@pytest.mark.parametrize("codec", [False, True])
async def test_the_users_own_pool_works_untouched(catalog: Catalog, url: str, codec: bool) -> None:
    async def init(connection: Admin) -> None:
        if codec:
            await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")

    async with asyncpg.create_pool(url, min_size=1, max_size=2, init=init) as pool:
        async with opened(pool, catalog) as store:
            await works(store)
        with pytest.raises(PoolClosed):
            await store.fetch(ONE)
        value = await pool.fetchval("""select '{"a": 1}'::jsonb""")
        assert value == ({"a": 1} if codec else '{"a": 1}')


async def test_the_users_one_connection_works_one_call_at_a_time(catalog: Catalog, url: str) -> None:
    connection = await asyncpg.connect(url)
    async with opened(connection, catalog) as store:
        await works(store)
        assert len(await asyncio.gather(*(store.fetch(ONE) for _ in range(20)))) == 20
    with pytest.raises(PoolClosed):
        await store.fetch(ONE)
    assert await connection.fetchval("select 1") == 1
    await connection.close()
    async with opened(connection, catalog) as store:
        with pytest.raises(RepositoryUnavailableError):
            await store.fetch(ONE)


async def test_one_connection_that_is_streaming_is_busy(catalog: Catalog, admin: Admin) -> None:
    async with opened(admin, catalog, acquire_timeout=0.05) as store:
        await works(store)
        async for _ in store.stream(Select("crates.s", CRATE)):
            with pytest.raises(PoolTimeout):
                await store.fetch(ONE)
        assert len(await store.fetch(ONE)) == 1


@pytest.mark.parametrize(
    ("database", "settings"),
    [
        (7, {}),
        ("postgresql:///x", {"pooler": "session"}),
        ("postgresql:///x", {"kind": "other"}),
        ("postgresql:///x", {"min_size": 2, "max_size": 1}),
    ],
)
async def test_what_is_no_database_is_refused_at_once(
    catalog: Catalog, database: object, settings: dict[str, object]
) -> None:
    with pytest.raises(QueryError):
        async with opened(database, catalog, **settings):
            pass


async def test_a_url_that_is_none_is_refused_at_the_first_call(catalog: Catalog) -> None:
    async with opened("mysql://root:hunter2@localhost/x", catalog) as store:
        with pytest.raises(QueryError) as caught:
            await store.fetch(ONE)
    assert "hunter2" not in str(caught.value)


async def test_a_wrong_login_is_a_matter_of_permission(catalog: Catalog, url: str) -> None:
    async with opened(url.replace("postgres:", "nobody:", 1).replace("//postgres@", "//nobody@"), catalog) as store:
        with pytest.raises((RepositoryPermissionError, QueryError)):
            await store.fetch(ONE)


@pytest.mark.parametrize("pooler", ["none", "transaction"])
async def test_behind_a_pooler_nothing_is_prepared(catalog: Catalog, url: str, pooler: str) -> None:
    async with opened(url, catalog, pooler=pooler, max_size=1) as store:
        await works(store)
        prepared = await store.execute_query("select name from pg_prepared_statements where not from_sql")
        assert (len(prepared) == 0) is (pooler == "transaction")


async def test_an_undeclared_pooler_is_found_out(catalog: Catalog, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncpg.Connection, "get_server_pid", lambda _: 1)
    async with opened(url, catalog) as store:
        with pytest.raises(QueryError, match="pooler='transaction'"):
            await store.fetch(ONE)
    async with opened(url, catalog, pooler="transaction") as store:
        await store.fetch(ONE)


# -- what is set on them


async def test_the_server_is_told_who_calls_and_how_long_to_try(catalog: Catalog, url: str) -> None:
    async with opened(url, catalog, statement_timeout=0.05) as store:
        settings = await store.execute_query(
            "select name, setting from pg_settings where name = any($1::text[])",
            [["application_name", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]],
        )
        assert {str(each["name"]): each["setting"] for each in settings} == {
            "application_name": "homeport",
            "statement_timeout": "50",
            "lock_timeout": "30000",
            "idle_in_transaction_session_timeout": "300000",
        }
        with pytest.raises(StatementTimeout):
            await store.execute_query(SLEEP)
        await works(store)


async def test_a_lock_that_is_not_had_in_time(catalog: Catalog, url: str, admin: Admin) -> None:
    async with opened(url, catalog, lock_timeout=0.05) as store:
        (crate,) = (await store.insert(Insert("c", CRATE, ({"code": "a"},)))).rows
        update = Update("c", CRATE, bind(eq("id", crate.id), CRATE, catalog), {"note": "x"})
        async with admin.transaction():
            await admin.execute("select from crates for update")
            with pytest.raises(LockTimeout):
                await store.update(update)
        assert (await store.update(update)).count == 1


async def test_raw_sql_leaves_no_trace(catalog: Catalog, url: str, admin: Admin) -> None:
    await admin.execute("drop role if exists somebody; create role somebody")
    async with opened(url, catalog, max_size=1) as store:
        await works(store)
        for query in (
            "set role somebody",
            "set session authorization somebody",
            "set work_mem = '1MB'",
            "create temporary table secrets (x int)",
            "listen news",
            "select pg_advisory_lock(7)",
            "select set_config('request.jwt.claims', '{}', false)",
        ):
            await store.execute_query(query)
            connection = await store._connections.acquire()
            assert await stains(connection) == []  # type: ignore[arg-type]
            await store._connections.release(connection)
        assert len(await store.fetch(ONE)) == 1
    await admin.execute("drop role somebody")


async def test_a_raw_begin_is_rolled_back(catalog: Catalog, url: str) -> None:
    loop = asyncio.get_running_loop()
    told: list[object] = []
    loop.set_exception_handler(lambda _, context: told.append(context["message"]))
    try:
        async with opened(url, catalog, max_size=1) as store:
            await store.execute_query("begin")
            shown = await store.execute_query("select pg_current_xact_id_if_assigned() is null as none, now() = now()")
            assert shown[0]["none"] is True
            connection = await store._connections.acquire()
            assert not connection.is_in_transaction()
            await store._connections.release(connection)
    finally:
        loop.set_exception_handler(None)
    assert told  # asyncpg says so itself


# -- that they come back


async def test_waiting_for_a_connection_ends(catalog: Catalog, url: str) -> None:
    async with opened(url, catalog, max_size=1, acquire_timeout=0.05) as store:
        slow = asyncio.create_task(store.execute_query("select pg_sleep(0.3)"))
        await asyncio.sleep(0.05)
        with pytest.raises(PoolTimeout):
            await store.fetch(ONE)
        await slow
        assert await store.fetch(ONE) == []


async def test_a_users_pool_that_is_full(catalog: Catalog, url: str) -> None:
    async with (
        asyncpg.create_pool(url, min_size=1, max_size=1) as pool,
        opened(pool, catalog, acquire_timeout=0.05) as store,
        pool.acquire(),
    ):
        with pytest.raises(PoolTimeout):
            await store.fetch(ONE)
    with pytest.raises(PoolClosed):
        await store.fetch(ONE)


async def test_a_closed_pool_says_so(catalog: Catalog, url: str) -> None:
    for used in (False, True):
        async with opened(url, catalog) as store:
            if used:
                await store.fetch(ONE)
        await store.close()
        with pytest.raises(PoolClosed):
            await store.fetch(ONE)
        with pytest.raises(PoolClosed):
            async for _ in store.stream(Select("c", CRATE)):
                pass


@pytest.mark.parametrize("kind", ["own", "pool", "one"])
async def test_a_cancelled_call_gives_its_connection_back(catalog: Catalog, url: str, kind: str) -> None:
    pool = await asyncpg.create_pool(url, min_size=1, max_size=1)
    connection = await asyncpg.connect(url)
    database = {"own": url, "pool": pool, "one": connection}[kind]
    async with opened(database, catalog, max_size=1, acquire_timeout=2) as store:
        for pause in (0, 0.001, 0.02, 0.02):
            task = asyncio.create_task(store.execute_query(SLEEP))
            waiting = asyncio.create_task(store.fetch(ONE))
            await asyncio.sleep(pause)
            waiting.cancel()
            task.cancel()
            results = await asyncio.gather(task, waiting, return_exceptions=True)
            assert [type(each) for each in results] == [asyncio.CancelledError] * 2
        assert await store.fetch(ONE) == []
    await pool.close()
    await connection.close()


async def test_a_deadline_of_the_caller_is_the_callers(catalog: Catalog, url: str) -> None:
    async with opened(url, catalog, max_size=1) as store:
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.05):
                await store.execute_query(SLEEP)
        assert not isinstance(caught.value, RepositoryError)
        assert await store.fetch(ONE) == []


@pytest.mark.parametrize(("writes", "wanted"), [(False, RepositoryUnavailableError), (True, OutcomeUnknown)])
async def test_a_killed_backend(
    catalog: Catalog, url: str, admin: Admin, writes: bool, wanted: type[RepositoryError]
) -> None:
    async with opened(url, catalog, max_size=2) as store:
        await store.insert(Insert("c", CRATE, ({"code": "a"},)))
        (crate,) = await store.fetch(ONE)
        async with admin.transaction():
            await admin.execute("lock table crates in access exclusive mode")
            where = bind(eq("id", crate.id), CRATE, catalog)
            call = store.update(Update("c", CRATE, where, {"note": "x"})) if writes else store.fetch(ONE)
            task: asyncio.Future[object] = asyncio.ensure_future(call)
            await asyncio.sleep(0.1)
            await admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = 'homeport' and wait_event_type = 'Lock'"
            )
            with pytest.raises(wanted) as caught:
                await task
        assert caught.value.code in ("57P01", "08003")
        assert len(await store.fetch(ONE)) == 1


async def test_idle_connections_that_were_killed_are_replaced(catalog: Catalog, url: str, admin: Admin) -> None:
    async with opened(url, catalog, max_size=1) as store:
        for _ in range(3):
            await store.fetch(ONE)
            await admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'homeport'"
            )
            await asyncio.sleep(0.05)
        assert await store.fetch(ONE) == []


async def test_a_changed_column_is_read_again(catalog: Catalog, url: str, admin: Admin) -> None:
    async with opened(url, catalog, max_size=1) as store:
        await store.insert(Insert("c", CRATE, ({"code": "a"},)))
        await store.fetch(ONE)
        await admin.execute("alter table crates add column extra int; alter table crates drop column extra")
        assert len(await store.fetch(ONE)) == 1
        await admin.execute("alter table crates alter column weight type bigint")
        assert [each.weight for each in await store.fetch(ONE)] == [1]
        assert (await store.insert(Insert("c", CRATE, ({"code": "b", "weight": 2},)))).count == 1
        await admin.execute("alter table crates alter column weight type integer")


async def test_a_changed_parameter_type_is_noticed_by_new_connections(catalog: Catalog, url: str, admin: Admin) -> None:
    """The driver would go on sending what it once prepared, for ever."""
    await admin.execute("create table renumbered (number int)")
    query = "insert into renumbered values ($1)"
    async with opened(url, catalog, max_size=2) as store:
        pool = store._connections
        lent = [await pool.acquire() for _ in range(2)]
        for each in lent:
            await each.execute(query, 1)
        await pool.release(lent[0])
        await admin.execute("alter table renumbered alter number type text")
        pids = {each.get_server_pid() for each in lent[1:]}
        with pytest.raises(asyncpg.DataError):
            await lent[1].execute(query, "one")
        pool.expire()
        await pool.release(lent[1])
        fresh = [await pool.acquire() for _ in range(2)]
        assert pids.isdisjoint(each.get_server_pid() for each in fresh)
        for each in fresh:
            await each.execute(query, "one")
            await pool.release(each)
        assert pool.figures().size == 2
    await admin.execute("drop table renumbered")


async def test_figures_tell_how_busy_the_connections_are(catalog: Catalog, url: str) -> None:
    async with (
        asyncpg.create_pool(url, min_size=1, max_size=2) as given,
        asyncpg.create_pool(url, min_size=1, max_size=1) as lender,
        lender.acquire() as one,
    ):
        for database, most in ((url, 2), (given, 2), (one, 1)):
            async with opened(database, catalog, max_size=2) as store:
                pool = store._connections
                pool.expire()
                lent = [await pool.acquire() for _ in range(most)]
                waiting = asyncio.create_task(pool.acquire())
                await asyncio.sleep(0.01)
                assert pool.figures() == PoolFigures(size=most, idle=0, lent=most, waiting=1, max_size=most)
                await pool.release(lent.pop())
                lent.append(await waiting)
                for each in lent:
                    await pool.release(each)
                found = pool.figures()
                assert (found.idle, found.lent, found.waiting) == (most, 0, 0)
                pool.expire()
                assert await store.fetch(ONE) == []


async def test_a_storm_of_cancellations_leaves_nothing_on_either_side(catalog: Catalog, url: str, admin: Admin) -> None:
    """The server tells what is left: its sessions are as many as the pool has, and all are idle."""
    rng = random.Random(22)
    calls = (
        "select pg_sleep(0.3)",  # for a cancellation may come before the statement begins, and is lost then
        "select pg_advisory_lock(8)",
        "select 1",
        "set work_mem = '1MB'",
        "create temporary table t (x int)",
    )
    async with opened(url, catalog, max_size=4) as store:
        await asyncio.gather(*(store.execute_query("select pg_sleep(0.02)") for _ in range(4)))
        before = files_open(), connections_known()
        for _ in range(60):
            tasks = [asyncio.create_task(store.execute_query(rng.choice(calls))) for _ in range(5)]
            await asyncio.sleep(rng.uniform(0, 0.01))
            for each in tasks:
                each.cancel()
                if rng.random() < 0.3:
                    await asyncio.sleep(0)
                    each.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(result, list | asyncio.CancelledError), result
        held = await asyncio.gather(*(store._connections.acquire() for _ in range(4)))
        for connection in held:
            assert await stains(connection) == []  # type: ignore[arg-type]
            await store._connections.release(connection)
        found = store._connections.figures()
        assert (found.size, found.idle, found.lent, found.waiting) == (4, 4, 0, 0)
        ours = "select state from pg_stat_activity where application_name = 'homeport' and datname = current_database()"
        assert [each["state"] for each in await admin.fetch(ours)] == ["idle"] * 4
        assert await admin.fetchval("select count(*) from pg_locks where locktype = 'advisory'") == 0
        files, known = before
        assert connections_known() == known
        assert files_open() <= files  # what earlier tests had open may be closed by now


async def test_openings_that_are_cancelled_leave_no_session(catalog: Catalog, url: str, admin: Admin) -> None:
    rng = random.Random(23)
    ours = "select count(*) from pg_stat_activity where application_name = 'homeport' and datname = current_database()"
    for _ in range(20):
        async with opened(url, catalog, max_size=5) as store:
            tasks = [asyncio.create_task(store.fetch(ONE)) for _ in range(5)]
            await asyncio.sleep(rng.uniform(0, 0.01))
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            async with asyncio.timeout(2):
                while await admin.fetchval(ours) != store._connections.figures().size:
                    await asyncio.sleep(0.01)
            assert await store.fetch(ONE) == []


def files_open() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def connections_known() -> int:
    gc.collect()
    return sum(type(each) is asyncpg.Connection for each in gc.get_objects())


async def test_closing_does_not_wait_for_ever(catalog: Catalog, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for pool in ("lean_pool", "driver_pool"):
        monkeypatch.setattr(f"homeport.adapters.postgres.{pool}.CLOSE_SECONDS", 0.05)
    store = await begun(url, catalog)
    slow = asyncio.create_task(store.execute_query("select pg_sleep(0.5)"))
    await asyncio.sleep(0.1)
    await store.close()
    with pytest.raises(OutcomeUnknown):
        await slow
    with pytest.raises(PoolClosed):
        await store.fetch(ONE)


async def test_closing_before_the_first_call_is_closing(catalog: Catalog, url: str) -> None:
    store = await begun(url, catalog)
    await store.close()
    with pytest.raises(PoolClosed):
        await store.fetch(ONE)


async def test_a_users_pool_that_is_not_ready(catalog: Catalog, url: str) -> None:
    pool = asyncpg.create_pool(url, min_size=0)
    async with opened(pool, catalog) as store:
        with pytest.raises(RepositoryUnavailableError):
            await store.fetch(ONE)


async def test_raw_sql_that_kills_its_own_connection(catalog: Catalog, url: str) -> None:
    async with opened(url, catalog, max_size=1) as store:
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                await store.execute_query("select pg_terminate_backend(pg_backend_pid())")
            assert await store.fetch(ONE) == []


async def test_a_reset_that_fails_costs_the_connection_only(
    catalog: Catalog, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homeport.adapters.postgres.connections._FULL_RESET", "no such statement")
    async with opened(url, catalog, max_size=1) as store:
        first = await store.execute_query("select pg_backend_pid() as pid")
        assert await store.execute_query("select pg_backend_pid() as pid") != first


async def test_a_cancellation_that_meets_the_hand_over_is_not_lost(catalog: Catalog, url: str) -> None:
    async with opened(url, catalog, max_size=1) as store:
        for spins in range(12):
            held = await store._connections.acquire()
            waiting = asyncio.create_task(store.fetch(ONE))
            await asyncio.sleep(0)
            giving = asyncio.create_task(store._connections.release(held))
            for _ in range(spins):
                await asyncio.sleep(0)
            stopped = waiting.cancel()
            (result,) = await asyncio.gather(waiting, return_exceptions=True)
            await giving
            assert isinstance(result, asyncio.CancelledError) or not stopped
        assert await store.fetch(ONE) == []


async def test_a_storm_of_calls_shares_few_connections(catalog: Catalog, url: str) -> None:
    async with opened(url, catalog, max_size=3) as store:
        await asyncio.gather(*(store.insert(Insert("c", CRATE, ({"code": f"c{n}"},))) for n in range(100)))
        assert await store.count(Select("c", CRATE)) == 100
        assert store._connections.figures().lent == 0


async def test_a_given_connections_own_transaction_is_never_ended(url: str, catalog: Catalog) -> None:
    """Single calls are part of it; what would begin a transaction of its own is refused before anything is sent."""
    add, count = Insert("crates.add", CRATE, ({"code": "a"},)), Select("crates.count", CRATE)
    given = await asyncpg.connect(url)
    async with opened(given, catalog) as alone, opened(url, catalog) as outside:
        somebody = alone.scoped(identity({"sub": str(uuid.uuid4())}))
        transaction = given.transaction()
        await transaction.start()
        await alone.insert(add)
        with pytest.raises(QueryError, match="has a transaction open"):
            async with alone.transaction():
                raise AssertionError("entered")
        with pytest.raises(QueryError, match="has a transaction open"):
            await somebody.count(count)
        assert given.is_in_transaction()
        assert (await alone.count(count), await outside.count(count)) == (1, 0)
        await transaction.rollback()
        assert await outside.count(count) == 0
        async with alone.transaction() as unit:
            await unit.insert(add)
        assert await outside.count(count) == 1
    await given.close()
