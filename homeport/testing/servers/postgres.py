"""A PostgreSQL server for tests and demonstrations: yours, the wheel's, Debian's, or one in a container."""

import os
import re
import secrets
from collections.abc import Callable
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import asyncpg
import attrs

from homeport.testing.servers import clusters, connecting, containers
from homeport.testing.servers.errors import ServerFailed, ServerMissing
from homeport.testing.servers.processes import LOOPBACK, stopping, text_of

URL_VARIABLE = "HOMEPORT_DATABASE_URL"
SOURCE_VARIABLE = "HOMEPORT_TEST_POSTGRES"
HOW_TO_GET_ONE = (
    f"pip install 'homeport[embedded]', or name a superuser of your own server in {URL_VARIABLE}, "
    "or apt-get install postgresql-15, or start Docker"
)
IMAGE = "postgres:15"
IMAGE_PORT = 5432


@attrs.frozen(kw_only=True, eq=False)
class PostgresServer:
    """A server that answers, and a superuser's way in.

    Attributes:
        version: as the server tells it, without the packager's words: "18.6".
        source: where it was found, for a person to read.
        port: host and port over TCP; None where only your own URL knows the way.
    """

    version: str
    source: str
    port: tuple[str, int] | None
    _base: str = attrs.field(repr=False)
    _stop: Callable[[], None] = attrs.field(repr=False)

    def url(
        self,
        database: str | None = None,
        user: str | None = None,
        password: str | None = None,
        *,
        at: tuple[str, int] | None = None,
    ) -> str:
        """The superuser's URL, or another user's; of the maintenance database, or another.

        `at` leads over TCP to that host and port: `server.port`, or a proxy's. Without it a server of ours is reached
        by its socket, where it believes every user; over TCP it wants the password.
        """
        base = urlsplit(self._base)
        who, _, place = base.netloc.rpartition("@")
        if user is not None:
            who = quote(user, safe="") + ("" if password is None else ":" + quote(password, safe=""))
        path = base.path if database is None else "/" + quote(database, safe="")
        query = base.query
        if at is not None:
            place = f"{at[0]}:{at[1]}"
            query = urlencode([(k, v) for k, v in parse_qsl(query) if k not in ("host", "port")])
        return f"postgresql://{who}@{place}{path}" + (f"?{query}" if query else "")

    def close(self) -> None:
        """Stops what was started here, and nothing else; a second call does nothing. Runs at exit by itself."""
        self._stop()


def start_postgres(source: str | None = None) -> PostgresServer:
    """Finds or starts a server, and returns when it answers.

    The source is `url`, `embedded`, `debian` (the newest), `debian15`, `testcontainers` or, when neither it nor
    HOMEPORT_TEST_POSTGRES says so, the first of those that is there.

    Raises:
        ServerMissing: if there is none, or not the one asked for.
        ServerFailed: if one was found and did not start.
    """
    wanted = source or os.environ.get(SOURCE_VARIABLE)
    return _starter(wanted)() if wanted else _first_there()


def _first_there() -> PostgresServer:
    if os.environ.get(URL_VARIABLE):
        return _yours()
    reasons = []
    for name in ("embedded", "debian", "testcontainers"):
        try:
            return _starter(name)()
        except ServerMissing as exc:
            reasons.append(exc.reason)
    raise ServerMissing("no PostgreSQL server: " + "; ".join(reasons), HOW_TO_GET_ONE)


def _starter(name: str) -> Callable[[], PostgresServer]:
    if debian := re.fullmatch(r"debian(\d*)", name):
        return lambda: _of_programs(clusters.debian(debian[1]))
    known: dict[str, Callable[[], PostgresServer]] = {
        "url": _yours,
        "embedded": lambda: _of_programs(clusters.embedded()),
        "testcontainers": _in_container,
    }
    if name not in known:
        raise ServerMissing(
            f"{SOURCE_VARIABLE} or the caller asks for {name!r}, which is no source of PostgreSQL",
            f"say one of {', '.join([*known, 'debian', 'debian15'])}",
        )
    return known[name]


def _yours() -> PostgresServer:
    """The server of HOMEPORT_DATABASE_URL. A wrong one is an error: tests must not quietly run elsewhere."""
    url = os.environ.get(URL_VARIABLE)
    if not url:
        raise ServerMissing(f"{URL_VARIABLE} is not set", "set it to a superuser's URL on a server made for tests")
    try:
        answer = connecting.ask(url)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
        raise ServerMissing(f"{URL_VARIABLE} leads to no server: {exc}", "start it, or correct the URL") from exc
    if not answer.superuser:
        raise ServerMissing(
            f"the user of {URL_VARIABLE} is no superuser, so it can neither make roles nor clean tables",
            "name a superuser on a server made for tests",
        )
    place = urlsplit(url)
    port = (place.hostname, place.port or IMAGE_PORT) if place.hostname and "," not in place.netloc else None
    return PostgresServer(
        version=answer.version, source=URL_VARIABLE, port=port, base=_complete(url), stop=lambda: None
    )


def _complete(url: str) -> str:
    """With a path, so that a URL without a database keeps meaning the one named like the user."""
    parts = urlsplit(url)
    return parts._replace(path=parts.path if parts.path.strip("/") else f"/{parts.username or 'postgres'}").geturl()


def _of_programs(programs: clusters.Programs) -> PostgresServer:
    cluster = clusters.start(programs)
    stop = stopping(cluster.process.stop)
    who = f"{clusters.SUPERUSER}:{cluster.password}"
    base = f"postgresql://{who}@/postgres?" + urlencode({"host": str(cluster.folder), "port": cluster.port})
    try:
        answer = connecting.wait(base, alive=lambda: cluster.process.running, log=lambda: text_of(cluster.log))
    except BaseException:
        stop()
        raise
    return PostgresServer(
        version=answer.version, source=programs.source, port=(LOOPBACK, cluster.port), base=base, stop=stop
    )


def _in_container() -> PostgresServer:
    password = secrets.token_urlsafe(16)
    settings = {name: value for name, value in clusters.SETTINGS.items() if name != "listen_addresses"}
    box = containers.Box(
        image=IMAGE,
        environment={"POSTGRES_USER": clusters.SUPERUSER, "POSTGRES_PASSWORD": password, "POSTGRES_DB": "postgres"},
        ports=[IMAGE_PORT],
        command=["postgres", *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))],
    )
    container = containers.start(box)
    stop = stopping(container.stop)
    try:
        port = (container.host, container.port(IMAGE_PORT))
        base = f"postgresql://{clusters.SUPERUSER}:{password}@{port[0]}:{port[1]}/postgres"
        answer = connecting.wait(base, alive=lambda: container.running, log=container.log)
    except TimeoutError as exc:
        stop()
        raise ServerFailed(f"{IMAGE} did not start in its container: {exc}") from exc
    except BaseException:
        stop()
        raise
    return PostgresServer(version=answer.version, source=f"testcontainers, {IMAGE}", port=port, base=base, stop=stop)
