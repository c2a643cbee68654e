"""The same two servers in containers, where an engine answers: elsewhere a skip that says why."""

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from homeport.testing.servers import (
    PostgresServer,
    ServerFailed,
    ServerMissing,
    reload_schema,
    start_postgres,
    start_postgrest,
    token,
)

SECRET = "x" * 40

SETUP = """
create role anon; create role author; create role authenticator login noinherit password 'p@ss';
grant anon, author to authenticator;
create table notes (id int primary key);
insert into notes values (7);
grant select on notes to author;
"""


@pytest.fixture(scope="module")
def contained() -> Iterator[PostgresServer]:
    try:
        server = start_postgres("testcontainers")
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.close()


@pytest.fixture(scope="module")
async def login(contained: PostgresServer) -> str:
    connection = await asyncpg.connect(contained.url())
    await connection.execute(SETUP)
    await connection.close()
    return contained.url(user="authenticator", password="p@ss")


def get(url: str, path: str, bearer: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("GET", path, headers={"Authorization": f"Bearer {bearer}"})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


async def test_postgres_in_a_container_is_tuned_and_says_where_it_comes_from(contained: PostgresServer) -> None:
    connection = await asyncpg.connect(contained.url())
    assert await connection.fetchval("show fsync") == "off"
    await connection.close()
    assert contained.version.startswith("15.")
    assert contained.source == "testcontainers, postgres:15"


async def test_postgrest_in_a_container_answers_and_reloads(contained: PostgresServer, login: str) -> None:
    rest = start_postgrest(login, jwt_secret=SECRET, pool=2, source="testcontainers")
    try:
        assert get(rest.url, "/notes", token(SECRET, "author")) == (200, b'[{"id":7}]')
        connection = await asyncpg.connect(contained.url())
        await connection.execute("create function seven() returns int language sql as 'select 7'")
        await connection.close()
        await reload_schema(rest)
        assert get(rest.url, "/rpc/seven", token(SECRET, "author")) == (200, b"7")
        assert (rest.version, rest.source) == ("12.0.2", "testcontainers, postgrest/postgrest:v12.0.2")
    finally:
        rest.stop()
    with pytest.raises(OSError, match="refused"):
        get(rest.url, "/notes", token(SECRET, "author"))


async def test_a_container_that_cannot_start_shows_its_log(login: str) -> None:
    with pytest.raises(ServerFailed, match="ended while starting") as caught:
        start_postgrest(login, jwt_secret=SECRET, settings={"db-tx-end": "maybe"}, source="testcontainers")
    assert "Invalid transaction termination" in caught.value.log


async def test_postgrest_in_a_container_reaches_no_socket(server: PostgresServer) -> None:
    if urlsplit(server.url()).hostname:
        pytest.skip("this server is not reached by a socket")
    with pytest.raises(ServerMissing, match="cannot reach a database by its socket"):
        start_postgrest(server.url(), jwt_secret=SECRET, source="testcontainers")
