"""The shorter way through the driver does in each case what the driver's own does: every test asks both."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from homeport.adapters.postgres import driver
from homeport.adapters.postgres.driver import ShortConnection, connection_class
from homeport.adapters.postgres.startup import Server

Connection = asyncpg.Connection
TABLE = "create temp table short_rows (id int primary key, name text); insert into short_rows values (1, 'a'), (2, 'b')"
ASKED = "select id, name from short_rows where id >= $1 order by id"


@pytest_asyncio.fixture(params=[asyncpg.Connection, ShortConnection], ids=["the driver's", "the short one"])
async def connection(request: pytest.FixtureRequest, url: str) -> AsyncIterator[Connection]:
    made = await asyncpg.connect(url, connection_class=request.param)
    await made.execute(TABLE)
    await made.fetch(ASKED, 1)  # from now on it is known
    yield made
    await made.close()


async def test_the_installed_driver_has_what_it_stands_on_and_the_pool_opens_such(url: str) -> None:
    assert connection_class() is ShortConnection
    opened = await Server(url).open()
    assert type(opened) is ShortConnection
    await opened.close()


async def test_a_driver_without_these_parts_goes_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_PARTS", ("_protocol", "_no_such_part"))
    assert connection_class() is asyncpg.Connection


async def test_the_way_is_taken_by_a_known_statement_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own, long = asyncpg.Connection.fetch, list[str]()

    async def counted(self: Any, query: str, *args: Any, **options: Any) -> Any:
        long.append(query)
        return await own(self, query, *args, **options)

    monkeypatch.setattr(asyncpg.Connection, "fetch", counted)
    made = await asyncpg.connect(url, connection_class=ShortConnection)
    for _ in range(3):
        await made.fetch("select 1")
    assert long == ["select 1"]
    await made.fetch("select 1", timeout=5)
    made.add_query_logger(lambda _: None)
    await made.fetch("select 1")
    assert long == ["select 1"] * 3
    await made.close()


async def test_rows(connection: Connection) -> None:
    assert [tuple(each) for each in await connection.fetch(ASKED, 1)] == [(1, "a"), (2, "b")]
    assert [dict(each) for each in await connection.fetch(ASKED, 2)] == [{"id": 2, "name": "b"}]
    assert await connection.fetch(ASKED, 3) == []


async def test_errors_and_that_it_goes_on(connection: Connection) -> None:
    text = "insert into short_rows values ($1, $2) returning id"
    assert (await connection.fetch(text, 3, "c"))[0]["id"] == 3
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.fetch(text, 3, "c")
    with pytest.raises(asyncpg.DataError):
        await connection.fetch(text, "no number", "c")
    with pytest.raises(asyncpg.InterfaceError, match="expects 2 arguments"):
        await connection.fetch(text, 4)
    assert (await connection.fetch(text, 4, "d"))[0]["id"] == 4


async def test_one_that_is_busy_or_closed(connection: Connection) -> None:
    slow = asyncio.ensure_future(connection.fetch("select pg_sleep(0.2)"))
    await asyncio.sleep(0.05)
    with pytest.raises(asyncpg.InterfaceError, match="in progress"):
        await connection.fetch(ASKED, 1)
    await slow
    await connection.close()
    with pytest.raises(asyncpg.InterfaceError, match="connection is closed"):
        await connection.fetch(ASKED, 1)


async def test_a_cancelled_call(connection: Connection) -> None:
    await connection.fetch("select pg_sleep($1::float8)", 0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await connection.fetch("select pg_sleep($1::float8)", 30)
    assert len(await connection.fetch(ASKED, 1)) == 2


async def test_a_table_that_changed_under_a_prepared_statement(connection: Connection) -> None:
    every = "select * from short_rows where id >= $1 order by id"
    await connection.fetch(every, 1)
    await connection.execute("alter table short_rows add column more int default 7")
    assert [tuple(each) for each in await connection.fetch(every, 2)] == [(2, "b", 7)]
    await connection.execute("begin; alter table short_rows drop column more")
    with pytest.raises(asyncpg.InvalidCachedStatementError):
        await connection.fetch(every, 2)
    await connection.execute("rollback")
    assert [tuple(each) for each in await connection.fetch(every, 2)] == [(2, "b", 7)]


async def test_a_type_that_changed_under_a_prepared_statement(connection: Connection) -> None:
    await connection.execute("create type pg_temp.short_pair as (a int, b int)")
    text = "select row(1, 2)::pg_temp.short_pair"
    assert tuple((await connection.fetch(text))[0][0]) == (1, 2)
    await connection.execute("alter type pg_temp.short_pair add attribute c int")
    with pytest.raises(asyncpg.OutdatedSchemaCacheError):
        await connection.fetch("select row(1, 2, 3)::pg_temp.short_pair")
    assert tuple((await connection.fetch("select row(1, 2, 3)::pg_temp.short_pair"))[0][0]) == (1, 2, 3)
