"""What a connection of our own is told and asked when it is opened."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from homeport.adapters.postgres import open_postgres
from homeport.adapters.postgres.hosts import Hosts
from homeport.adapters.postgres.lean_pool import LeanPool
from homeport.adapters.postgres.startup import Expected, Server
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import QueryError, RepositoryPermissionError, RepositoryUnavailableError
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Select
from homeport.testing.servers import PostgresServer, ServerMissing, start_pgbouncer, start_postgres
from tests.postgres.conftest import DATABASE
from tests.postgres.tables import CRATE

Admin = asyncpg.Connection
Login = Callable[..., Coroutine[Any, Any, str]]
TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_timeout")
SHOWN = "select name, setting from pg_settings where name = any($1::text[])"
PASSWORD = "of the startup tests"


@pytest.fixture
async def login(server: PostgresServer, url: str, admin: Admin) -> AsyncIterator[Login]:
    """Makes a login with these attributes and grants, for one test; gives its URL."""
    made = list[str]()

    async def make(attributes: str = "", *then: str, at: tuple[str, int] | None = None) -> str:
        name = f"homeport_startup_{len(made)}"
        made.append(name)
        await admin.execute(f"create role {name} login password '{PASSWORD}' {attributes}")
        for each in then:
            await admin.execute(each.format(name))
        return server.url(DATABASE, user=name, password=PASSWORD, at=at)

    yield make
    for name in made:
        await admin.execute(f"drop owned by {name}; drop role {name}")


@asynccontextmanager
async def connected(server: Server) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await server.open()
    try:
        yield connection
    finally:
        await connection.close()


async def timeouts(server: Server) -> dict[str, str]:
    async with connected(server) as connection:
        return {row["name"]: row["setting"] for row in await connection.fetch(SHOWN, TIMEOUTS)}


def trips(connection: Any) -> int:
    """Simple queries and executions so far."""
    return int(connection._protocol.queries_count)


# -- what the server is told


async def test_every_timeout_is_set(url: str) -> None:
    found = await timeouts(Server(url))
    assert found == {
        "statement_timeout": "60000",
        "lock_timeout": "30000",
        "idle_in_transaction_session_timeout": "300000",
        "transaction_timeout": "3600000",
    } or (len(found) == 3 and found["statement_timeout"] == "60000")  # the server is older than 17
    chosen = await timeouts(Server(url, statement_timeout=0.5, lock_timeout=0.25))
    assert (chosen["statement_timeout"], chosen["lock_timeout"]) == ("500", "250")


async def test_an_owners_statements_take_as_long_as_they_take(login: Login) -> None:
    url = await login("", "alter role {} set statement_timeout = '1s'")
    found = await timeouts(Server(url, expects="owner"))
    assert found["statement_timeout"] == found.get("transaction_timeout", "0") == "0"
    assert found["lock_timeout"] == "30000"


async def test_behind_a_pooler_the_login_has_the_timeouts_that_it_was_given(login: Login) -> None:
    url = await login("", "alter role {} set statement_timeout = '7s'")
    found = await timeouts(Server(url, pooler="transaction"))
    assert (found["statement_timeout"], found["lock_timeout"]) == ("7000", "0")


async def test_a_server_that_knows_no_transaction_timeout_is_told_none() -> None:
    try:
        old = start_postgres("debian15")
    except ServerMissing as missing:
        pytest.skip(str(missing))
    try:
        server = Server(old.url())
        both = await asyncio.gather(server.open(), server.open())
        for each in both:
            await each.close()
        assert await timeouts(server) == {
            "statement_timeout": "60000",
            "lock_timeout": "30000",
            "idle_in_transaction_session_timeout": "300000",
        }
    finally:
        old.close()


async def test_a_setting_that_no_server_knows_is_the_urls_mistake(url: str, catalog: Catalog) -> None:
    mark = "&" if "?" in url else "?"
    store = await open_postgres(f"{url}{mark}nonsense=1", catalog=catalog, cursors=CursorSigner())
    with pytest.raises(QueryError):
        await store.count(Select("c", CRATE))
    await store.close()


# -- what is asked, once


async def test_all_is_asked_in_one_round_trip_of_the_first_connection(url: str) -> None:
    server = Server(url)
    async with connected(server) as first, connected(server) as second:
        assert (trips(first), trips(second)) == (1, 0)
        asked = "select count(*) from pg_prepared_statements where statement like $1"
        assert await first.fetchval(asked, "%homeport.startup%") == 0


@pytest.mark.parametrize(
    ("expects", "attributes", "then", "said"),
    [
        ("service", "superuser", (), "is a superuser or passes row policies"),
        ("service", "bypassrls", (), "is a superuser or passes row policies"),
        ("service", "", ("create table startup_owned (); alter table startup_owned owner to {}",), "owns tables"),
        ("service", "noinherit in role service_role", ("alter role {} set role = 'service_role'",), None),
        ("service", "in role service_role", (), None),
        ("scoped", "noinherit in role service_role", (), None),
        ("scoped", "superuser", (), "is a superuser or passes row policies"),
        ("scoped", "in role service_role", (), "rights by itself"),
        ("scoped", "noinherit in role service_role", ("alter role {} set role = 'service_role'",), "rights by itself"),
        ("owner", "superuser", (), None),
    ],
)
async def test_a_login_that_may_more_than_it_should_is_warned_of_once(
    login: Login,
    admin: Admin,
    caplog: pytest.LogCaptureFixture,
    *,
    expects: Expected,
    attributes: str,
    then: tuple[str, ...],
    said: str | None,
) -> None:
    await admin.execute(
        "do $$ begin create role service_role nologin noinherit bypassrls; exception when duplicate_object then end $$"
    )
    server = Server(await login(attributes, *then), expects=expects)
    with caplog.at_level(logging.WARNING, logger="homeport"):
        for each in await asyncio.gather(server.open(), server.open()):
            await each.close()
        async with connected(server):
            pass
    told = [each.getMessage() for each in caplog.records if each.name == "homeport"]
    assert len(told) == (said is not None)
    if said is not None:
        assert said in told[0]
        assert "login_sql()" in told[0]
        assert len(told[0]) < 300


async def test_an_undeclared_pooler_is_refused_and_a_declared_one_is_not(
    server: PostgresServer, login: Login, admin: Admin, catalog: Catalog
) -> None:
    if server.port is None:
        pytest.skip("the server's port is not known")
    user = await login("", "grant select on crates to {}")
    name = user.partition("://")[2].partition(":")[0]
    for settings in ({}, {"ignore_startup_parameters": ",".join(TIMEOUTS)}):
        try:
            bouncer = start_pgbouncer(server.port, {name: PASSWORD}, settings=settings)
        except ServerMissing as missing:
            pytest.skip(str(missing))
        url = server.url(DATABASE, user=name, password=PASSWORD, at=bouncer.port)
        store = await open_postgres(url, catalog=catalog, cursors=CursorSigner())
        for _ in range(2):
            with pytest.raises(QueryError, match="pooler='transaction'"):
                await store.count(Select("c", CRATE))
        await store.close()
        declared = await open_postgres(url, catalog=catalog, cursors=CursorSigner(), pooler="transaction")
        counted = await declared.count(Select("c", CRATE))
        await declared.close()
        assert counted == await admin.fetchval("select count(*) from crates")
        bouncer.stop()


# -- what goes wrong


async def test_a_server_that_is_full_may_be_asked_again(login: Login) -> None:
    pool = LeanPool(Server(await login("connection limit 1")), max_size=2)
    first = await pool.acquire()
    with pytest.raises(RepositoryUnavailableError) as caught:
        await pool.acquire()
    assert caught.value.code == "53300"
    await pool.release(first)
    assert await pool.acquire() is first
    await pool.release(first)
    await pool.close()


async def test_a_login_that_is_refused_is_a_matter_of_permission(login: Login) -> None:
    pool = LeanPool(Server(await login("valid until '2001-01-01' connection limit 0")))
    for _ in range(2):
        with pytest.raises((RepositoryPermissionError, RepositoryUnavailableError)):
            await pool.acquire()
        assert pool.figures().size == 0
    await pool.close()


async def test_a_connection_whose_check_fails_is_not_kept(
    url: str, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = list[Any]()
    connect = Hosts.connect

    async def kept(hosts: Hosts, **options: Any) -> Any:
        opened.append(await connect(hosts, **options))
        return opened[-1]

    monkeypatch.setattr(Hosts, "connect", kept)
    monkeypatch.setattr("homeport.adapters.postgres.startup._question", lambda *_: "select pg_sleep(0.4)")
    server = Server(url, timeout=0.1)
    with pytest.raises(TimeoutError):
        await server.open()
    task = asyncio.create_task(server.open())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [each.is_closed() for each in opened] == [True] * 2
    await asyncio.sleep(0.4)  # the server notices at its end
