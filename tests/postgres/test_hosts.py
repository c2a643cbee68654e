"""URLs with several hosts: dead, silent and read-only ones are passed in time, and what the URL says stays unsaid."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import pytest_asyncio

from homeport.adapters.postgres import open_postgres
from homeport.adapters.postgres.hosts import Hosts, single_host_urls
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import QueryError, RepositoryPermissionError, RepositoryUnavailableError
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Select
from homeport.testing.servers import PostgresServer
from homeport.testing.servers.processes import free_port
from tests.postgres.conftest import DATABASE
from tests.postgres.tables import CRATE

HOST_SECONDS = 0.5


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgresql://u:p@h/db", ["postgresql://u:p@h/db"]),
        ("postgresql:///db?host=/tmp", ["postgresql:///db?host=/tmp"]),
        ("postgresql://u@/db?host=/tmp&port=1", ["postgresql://u@/db?host=/tmp&port=1"]),
        ("postgresql://", ["postgresql://"]),
        ("nonsense", ["nonsense"]),
        ("postgres://u:p%40,@h1,h2:2/db?x=1", ["postgres://u:p%40,@h1/db?x=1", "postgres://u:p%40,@h2:2/db?x=1"]),
        ("postgresql://h1:1,h2:2", ["postgresql://h1:1", "postgresql://h2:2"]),
        ("postgresql://h1:1,h2:2?a=b,c", ["postgresql://h1:1?a=b,c", "postgresql://h2:2?a=b,c"]),
        ("postgresql://u@[::1]:1,[fe80::2]/d", ["postgresql://u@[::1]:1/d", "postgresql://u@[fe80::2]/d"]),
        ("postgresql://%2Ftmp,h/d", ["postgresql://%2Ftmp/d", "postgresql://h/d"]),
        ("postgresql://u@/d?host=/a,/b", ["postgresql://u@/d?host=%2Fa", "postgresql://u@/d?host=%2Fb"]),
        ("postgresql:///d?host=a,b&port=1", ["postgresql:///d?host=a&port=1", "postgresql:///d?host=b&port=1"]),
        ("postgresql:///d?port=1,2&host=a,b&x=y%26", ["postgresql:///d?x=y%26&host=a&port=1", "postgresql:///d?x=y%26&host=b&port=2"]),
    ],
)  # fmt: skip
def test_a_url_is_taken_apart_by_its_hosts(url: str, wanted: list[str]) -> None:
    assert single_host_urls(url) == wanted


@pytest.mark.parametrize(
    "url",
    ["postgresql://a,,b/d", "postgresql://a,/d", "postgresql:///d?host=a,", "postgresql:///d?host=a,b,c&port=1,2"],
)
def test_a_url_with_half_a_list_is_refused(url: str) -> None:
    with pytest.raises(QueryError):
        Hosts(url, timeout=1, host_timeout=1)


# -- servers that are none


@attrs.define(eq=False)
class Stub:
    """Something that listens: it says nothing, or greets like a standby and says nothing more."""

    standby: bool
    asked: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        try:
            while self.standby and (length := struct.unpack("!i", await reader.readexactly(4))[0]):
                body = await reader.readexactly(length - 4)
                writer.write(b"N" if length == 8 else self.greeting() if body[:4] == b"\0\3\0\0" else b"")
            await reader.read()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    def greeting(self) -> bytes:
        told = {"server_version": "18.0", "in_hot_standby": "on", "client_encoding": "UTF8", "integer_datetimes": "on"}
        return b"".join(
            [
                message(b"R", struct.pack("!i", 0)),
                *(message(b"S", f"{name}\0{value}\0".encode()) for name, value in told.items()),
                message(b"K", struct.pack("!ii", 1, 1)),
                message(b"Z", b"I"),
            ]
        )


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


@asynccontextmanager
async def listening(*, standby: bool) -> AsyncIterator[Stub]:
    stub = Stub(standby)
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0)
    stub.port = server.sockets[0].getsockname()[1]
    try:
        yield stub
    finally:
        server.close()
        await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def silent() -> AsyncIterator[Stub]:
    async with listening(standby=False) as stub:
        yield stub


@pytest_asyncio.fixture
async def standby() -> AsyncIterator[Stub]:
    async with listening(standby=True) as stub:
        yield stub


@pytest.fixture
def port(server: PostgresServer, url: str) -> int:
    if server.port is None:
        pytest.skip("the server's port is not known")
    return server.port[1]


def at(server: PostgresServer, *ports: int, **login: str) -> str:
    assert server.port is not None
    one = server.url(DATABASE, at=server.port, **login)
    host, own = server.port
    return one.replace(f"{host}:{own}", ",".join(f"{host if each == own else '127.0.0.1'}:{each}" for each in ports))


async def reached(hosts: Hosts) -> tuple[int, float]:
    """The port that accepted, and after how many seconds."""
    start = time.monotonic()
    connection: Any = await hosts.connect()
    seconds = time.monotonic() - start
    answered = connection._addr[1]
    connection.terminate()
    return answered, seconds


def several(url: str) -> Hosts:
    return Hosts(url, timeout=5, host_timeout=HOST_SECONDS)


async def test_a_dead_host_is_passed(server: PostgresServer, port: int) -> None:
    found, seconds = await reached(several(at(server, free_port(), port)))
    assert found == port
    assert seconds < HOST_SECONDS


async def test_a_host_that_says_nothing_is_passed_once_within_its_deadline(
    server: PostgresServer, port: int, silent: Stub
) -> None:
    hosts = several(at(server, silent.port, port))
    found, seconds = await reached(hosts)
    assert found == port
    assert HOST_SECONDS * 0.9 < seconds < HOST_SECONDS + 1
    for _ in range(3):
        found, seconds = await reached(hosts)
        assert found == port
        assert seconds < HOST_SECONDS
    assert silent.asked == 1


async def test_the_primary_is_wanted_unless_the_url_says_otherwise(
    server: PostgresServer, port: int, standby: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = at(server, standby.port, port)
    mark = "&" if "?" in url else "?"
    for role, wanted in (
        ("", port),
        ("read-write", port),
        ("primary", port),
        ("any", standby.port),
        ("standby", standby.port),
        ("prefer-standby", standby.port),
    ):
        hosts = several(f"{url}{mark}target_session_attrs={role}" if role else url)
        assert (await reached(hosts))[0] == wanted, role
    monkeypatch.setenv("PGTARGETSESSIONATTRS", "any")
    assert (await reached(several(url)))[0] == standby.port


async def test_a_primary_will_do_where_a_standby_is_preferred(server: PostgresServer, port: int, silent: Stub) -> None:
    url = at(server, silent.port, port)
    mark = "&" if "?" in url else "?"
    found, seconds = await reached(several(f"{url}{mark}target_session_attrs=prefer-standby"))
    assert found == port
    assert seconds < HOST_SECONDS * 2, "the silent one was asked once"
    assert silent.asked == 1


async def test_one_host_is_taken_as_it_is(server: PostgresServer, port: int, standby: Stub) -> None:
    assert (await reached(several(at(server, standby.port))))[0] == standby.port


async def test_the_last_good_host_comes_first_and_another_when_it_is_gone(server: PostgresServer, port: int) -> None:
    async with listening(standby=False) as first:
        hosts = several(at(server, first.port, port))
        assert (await reached(hosts))[0] == port
    moved = several(at(server, port, free_port()))
    moved._good = 1
    assert (await reached(moved))[0] == port
    assert moved._good == 0


async def test_hosts_by_option_and_by_socket(server: PostgresServer, url: str) -> None:
    if "host=" not in url:
        pytest.skip("the server is not reached by a socket")
    host = url.partition("host=")[2].partition("&")[0]
    connection = await several(url.replace(f"host={host}", f"host=%2Fnowhere,{host}")).connect()
    assert await connection.fetchval("select current_database()") == DATABASE
    await connection.close()


async def test_where_no_host_is_good_each_reason_is_told_and_no_secret(
    server: PostgresServer, port: int, silent: Stub, standby: Stub
) -> None:
    url = at(server, free_port(), silent.port, standby.port, password="hunter2")
    start = time.monotonic()
    with pytest.raises(RepositoryUnavailableError) as caught:
        await several(url).connect()
    assert time.monotonic() - start < HOST_SECONDS + 1
    assert str(caught.value) == (
        "no host of the database URL is good (1: ConnectionRefusedError, 2: no answer in time, 3: not read-write)"
    )


async def test_a_password_that_is_not_quoted_is_not_told() -> None:
    url = f"postgresql://u:hun@ter2,secret@127.0.0.1:{free_port()}/d"
    with pytest.raises((RepositoryUnavailableError, QueryError)) as caught:
        await several(url).connect()
    assert "ter2" not in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(QueryError) as refused:
        await several("postgresql://u:hun:ter2@127.0.0.1:hunter2/d").connect()
    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__


async def test_a_wrong_login_is_wrong_at_every_host(
    server: PostgresServer, port: int, silent: Stub, catalog: Catalog
) -> None:
    url = at(server, port, silent.port, user="nobody", password="hunter2")
    store = await open_postgres(url, catalog=catalog, cursors=CursorSigner(), host_timeout=HOST_SECONDS)
    with pytest.raises(RepositoryPermissionError) as caught:
        await store.count(Select("c", CRATE))
    assert "hunter2" not in str(caught.value)
    assert silent.asked == 0
    await store.close()


@pytest.mark.parametrize("kind", ["lean", "asyncpg"])
async def test_a_pool_walks_too(server: PostgresServer, port: int, silent: Stub, catalog: Catalog, kind: str) -> None:
    url = at(server, silent.port, port)
    store = await open_postgres(url, catalog=catalog, cursors=CursorSigner(), host_timeout=HOST_SECONDS, kind=kind)
    start = time.monotonic()
    await asyncio.gather(*(store.count(Select("c", CRATE)) for _ in range(5)))
    assert time.monotonic() - start < HOST_SECONDS + 1
    await store.close()


async def test_the_calls_deadline_ends_the_walk(server: PostgresServer, port: int, catalog: Catalog) -> None:
    async with listening(standby=False) as one, listening(standby=False) as two:
        url = at(server, one.port, two.port)
        store = await open_postgres(url, catalog=catalog, cursors=CursorSigner(), acquire_timeout=0.2)
        start = time.monotonic()
        with pytest.raises(RepositoryUnavailableError):
            await store.count(Select("c", CRATE))
        assert time.monotonic() - start < HOST_SECONDS
        await store.close()
