"""A PostgREST server on one database, as Supabase runs it: the npm package's program, or one in a container."""

import asyncio
import http.client
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

import asyncpg
import attrs

from homeport.testing.servers import connecting, containers
from homeport.testing.servers.errors import ServerFailed, ServerMissing
from homeport.testing.servers.postgrest_program import HOW_TO_GET_ONE, find_program
from homeport.testing.servers.processes import (
    LOOPBACK,
    Order,
    Process,
    free_port,
    new_folder,
    stopping,
    text_of,
)

IMAGE = "postgrest/postgrest:v12.0.2"
IMAGE_PORTS = (3000, 3001)
SOURCE_VARIABLE = "HOMEPORT_TEST_POSTGREST"
RELOADED = "Schema cache loaded"


@attrs.frozen(kw_only=True, eq=False)
class PostgrestServer:
    """A server that is ready: its schema cache is loaded.

    Attributes:
        version: as the server tells it: "12.0.2".
        source: where it was found, for a person to read.
        log: what it has written so far.
    """

    url: str
    version: str
    source: str
    database_url: str = attrs.field(repr=False)
    log: Callable[[], str] = attrs.field(repr=False)
    _stop: Callable[[], None] = attrs.field(repr=False)

    def stop(self) -> None:
        """Stops what was started here; a second call does nothing. Runs at exit by itself."""
        self._stop()


@attrs.frozen(kw_only=True)
class Running:
    """A started server that may not be ready yet."""

    source: str
    api: tuple[str, int]
    admin: tuple[str, int]
    alive: Callable[[], bool]
    log: Callable[[], str]
    stop: Callable[[], None]


def start_postgrest(
    database_url: str,
    *,
    jwt_secret: str,
    schemas: Sequence[str] = ("public",),
    anon_role: str = "anon",
    max_rows: int | None = None,
    pool: int = 10,
    settings: Mapping[str, str] | None = None,
    source: str | None = None,
) -> PostgrestServer:
    """Starts one on the database of that URL, its authenticator's, and returns when it is ready.

    `settings` are further ones by PostgREST's names, such as `db-aggregates-enabled`. Settings of roles are honoured.
    The source is `program` or `testcontainers`; when neither it nor HOMEPORT_TEST_POSTGREST says so, the first of the
    two that is there. Above `max_rows` an answer is cut without a sign.

    Raises:
        ServerMissing: if there is none.
        ServerFailed: if the database does not answer (PostgREST would hang), or it did not get ready.
    """
    _require_answer(database_url)
    given = {
        "db-schemas": ",".join(schemas),
        "db-anon-role": anon_role,
        "db-pool": str(pool),
        "db-config": "true",
        "jwt-secret": jwt_secret,
        **({} if max_rows is None else {"db-max-rows": str(max_rows)}),
        **(settings or {}),
    }
    running = _start(source or os.environ.get(SOURCE_VARIABLE), database_url, given)
    try:
        version = _wait(running)
    except BaseException:
        running.stop()
        raise
    return PostgrestServer(
        url="http://{}:{}".format(*running.api),
        version=version,
        source=running.source,
        database_url=database_url,
        log=running.log,
        stop=running.stop,
    )


async def reload_schema(server: PostgrestServer, *, seconds: float = 10.0) -> None:
    """Has the schema cache loaded anew, and returns when it is: about 150 ms.

    Raises:
        ServerFailed: if it is not in that time.
    """
    before = server.log().count(RELOADED)
    connection = await asyncpg.connect(server.database_url)
    try:
        async with asyncio.timeout(seconds):
            await connection.execute("notify pgrst, 'reload schema'")
            while server.log().count(RELOADED) <= before:  # noqa: ASYNC110  another process writes the log
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise ServerFailed(f"PostgREST did not reload its schema in {seconds:.0f} s", server.log()) from None
    finally:
        await connection.close()


def _require_answer(database_url: str) -> None:
    try:
        connecting.ask(database_url)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
        raise ServerFailed(f"PostgREST was not started, as its database does not answer: {exc}") from exc


def _start(source: str | None, database_url: str, settings: Mapping[str, str]) -> Running:
    known = {"program": _by_program, "testcontainers": _in_container}
    if source is not None:
        if source not in known:
            raise ServerMissing(f"{source!r} is no source of PostgREST", f"say one of {', '.join(known)}")
        return known[source](database_url, settings)
    reasons = []
    for start in known.values():
        try:
            return start(database_url, settings)
        except ServerMissing as exc:
            reasons.append(exc.reason)
    raise ServerMissing("no PostgREST: " + "; ".join(reasons), HOW_TO_GET_ONE)


def _by_program(database_url: str, settings: Mapping[str, str]) -> Running:
    program = find_program()
    folder = new_folder()
    log = folder / "log"
    api, admin = free_port(), free_port()
    environment = _environment(database_url, settings, LOOPBACK, (api, admin))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PGRST_", "PG"))}
    process = Process(
        Order(
            command=[program],
            log=log,
            stop_with=signal.SIGTERM,
            environment={**kept, **environment},
            removes=folder,
        )
    )
    return Running(
        source=f"the program {program}",
        api=(LOOPBACK, api),
        admin=(LOOPBACK, admin),
        alive=lambda: process.running,
        log=lambda: text_of(log),
        stop=stopping(process.stop),
    )


def _in_container(database_url: str, settings: Mapping[str, str]) -> Running:
    """On Linux on the host's own network, as servers of ours listen on loopback only; elsewhere behind mapped ports."""
    if not urlsplit(database_url).hostname:
        raise ServerMissing(
            "PostgREST in a container cannot reach a database by its socket", "give a URL with a host and a port"
        )
    on_host = sys.platform == "linux"
    inside = (free_port(), free_port()) if on_host else IMAGE_PORTS
    reachable = database_url if on_host else _seen_from_inside(database_url)
    container = containers.start(
        containers.Box(
            image=IMAGE,
            environment=_environment(reachable, settings, LOOPBACK if on_host else "!4", inside),
            ports=() if on_host else inside,
            on_host_network=on_host,
        )
    )
    stop = stopping(container.stop)
    try:
        api, admin = ((LOOPBACK, p) if on_host else (container.host, container.port(p)) for p in inside)
    except BaseException:
        stop()
        raise
    return Running(
        source=f"testcontainers, {IMAGE}",
        api=api,
        admin=admin,
        alive=lambda: container.running,
        log=container.log,
        stop=stop,
    )


def _seen_from_inside(database_url: str) -> str:
    parts = urlsplit(database_url)
    if parts.hostname not in (LOOPBACK, "localhost"):
        return database_url
    who, at, _ = parts.netloc.rpartition("@")
    place = containers.HOST_SEEN_FROM_INSIDE + (f":{parts.port}" if parts.port else "")
    return parts._replace(netloc=f"{who}{at}{place}").geturl()


def _environment(database_url: str, settings: Mapping[str, str], host: str, ports: tuple[int, int]) -> dict[str, str]:
    """PostgREST's settings as it reads them from its environment, where no other user can read the secret."""
    given = {
        **settings,
        "db-uri": database_url,
        "server-host": host,
        "server-port": str(ports[0]),
        "admin-server-port": str(ports[1]),
    }
    return {"PGRST_" + name.upper().replace("-", "_"): value for name, value in given.items()}


def _wait(running: Running, seconds: float = 30.0) -> str:
    """The version of the server, once its admin port says that it is ready."""
    deadline = time.monotonic() + seconds
    while True:
        version = _version_if_ready(running.admin)
        if version is not None:
            return version
        if not running.alive():
            raise ServerFailed("PostgREST ended while starting", running.log())
        if time.monotonic() > deadline:
            raise ServerFailed(f"PostgREST was not ready in {seconds:.0f} s", running.log())
        time.sleep(0.01)


def _version_if_ready(admin: tuple[str, int]) -> str | None:
    connection = http.client.HTTPConnection(*admin, timeout=5)
    try:
        connection.request("GET", "/ready")
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        return None
    return (answer.getheader("Server") or "").rpartition("/")[2]
