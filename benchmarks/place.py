"""Where it all runs: a database with the data, the servers upon it, kept off the client's CPU, and the ways there."""

import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import asyncpg
import attrs

from benchmarks import data
from benchmarks.delay import Delay
from benchmarks.machine import Pinning
from homeport.composition import create_logins, migrate_up
from homeport.testing.servers import PostgresServer, create_database, drop_database, start_postgres, start_postgrest
from homeport.testing.servers.processes import LOOPBACK, free_port


@attrs.frozen(kw_only=True)
class Address:
    """One login's way to the database. The host is a folder where it is a socket's."""

    host: str
    port: int
    user: str
    password: str = attrs.field(repr=False)
    database: str

    @classmethod
    def of(cls, url: str) -> "Address":
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        return cls(
            host=query["host"][0] if "host" in query else str(parts.hostname),
            port=int(query["port"][0]) if "port" in query else parts.port or 5432,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=parts.path.lstrip("/"),
        )

    @property
    def url(self) -> str:
        who = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        where = urlencode({"host": self.host, "port": self.port})
        return f"postgresql://{who}@/{self.database}?{where}"

    @property
    def is_socket(self) -> bool:
        return self.host.startswith("/")

    @property
    def reached(self) -> str | tuple[str, int]:
        return f"{self.host}/.s.PGSQL.{self.port}" if self.is_socket else (self.host, self.port)


@attrs.frozen(kw_only=True)
class Place:
    """What an implementation is opened with.

    Attributes:
        service, scoped: the service's login, and the one that users' roles are taken on from.
        rest: the root of the PostgREST server; None where there is none.
        connections: how many each pool has.
    """

    service: Address
    scoped: Address
    rest: str | None
    secret: str = attrs.field(repr=False)
    rows: int
    connections: int = 10


@attrs.frozen(kw_only=True)
class Servers:
    """The running servers, and the superuser's way in."""

    postgres: PostgresServer
    admin: str
    place: Place
    versions: dict[str, str]
    _stack: AsyncExitStack

    async def delayed(self, milliseconds: float, pinning: Pinning) -> Place:
        """The same place behind one more round trip of about this length. It lasts as long as the servers."""
        with pinning.servers():
            return _delayed(self.place, milliseconds / 2000, self._stack)


@asynccontextmanager
async def opened(rows: int, pinning: Pinning, *, rest: bool = True) -> AsyncIterator[Servers]:
    """Servers with a database of so many expenses; all of it is gone at the end."""
    async with AsyncExitStack() as stack:
        with pinning.servers():
            server = start_postgres()
            stack.callback(server.close)
            name = f"homeport_bench_{secrets.token_hex(4)}"
            await create_database(server, name)
            stack.push_async_callback(drop_database, server, name)
            secret = secrets.token_urlsafe(32)
            await _filled(server.url(name), rows, secret)
            logins = [server.url(name, user, secret) for user in ("homeport_service", "authenticator")]
            versions = {"PostgreSQL": server.version}
            url = None
            if rest:
                api = start_postgrest(logins[1], jwt_secret=secret, settings={"db-aggregates-enabled": "true"})
                stack.callback(api.stop)
                url, versions["PostgREST"] = api.url, api.version
        service, scoped = map(Address.of, logins)
        place = Place(service=service, scoped=scoped, rest=url, secret=secret, rows=rows)
        yield Servers(postgres=server, admin=server.url(name), place=place, versions=versions, stack=stack)


async def _filled(url: str, rows: int, secret: str) -> None:
    await migrate_up(url, ("expenses",))
    await create_logins(url, authenticator=secret, service=secret)
    connection = await asyncpg.connect(url)
    try:
        await data.load(connection, rows)
    finally:
        await connection.close()


def _delayed(place: Place, seconds: float, stack: AsyncExitStack) -> Place:
    folder = tempfile.mkdtemp(prefix="homeport-", dir="/tmp")
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    port = free_port()
    at: str | tuple[str, int] = f"{folder}/.s.PGSQL.{port}" if place.service.is_socket else (LOOPBACK, port)
    _started(stack, Delay(at, place.service.reached, seconds))
    host = folder if place.service.is_socket else LOOPBACK
    service, scoped = (attrs.evolve(each, host=host, port=port) for each in (place.service, place.scoped))
    rest = place.rest
    if rest is not None:
        parts = urlsplit(rest)
        near = (LOOPBACK, free_port())
        _started(stack, Delay(near, (str(parts.hostname), parts.port or 80), seconds))
        rest = f"http://{near[0]}:{near[1]}"
    return attrs.evolve(place, service=service, scoped=scoped, rest=rest)


def _started(stack: AsyncExitStack, delay: Delay) -> None:
    stack.callback(delay.stop)
