"""A PostgreSQL primary and its standby, cut over by hand. Made from programs here, thrown away at the end."""

import os
import re
import time
from collections.abc import Callable, Sequence
from urllib.parse import quote

import asyncpg

from homeport.testing.servers import clusters, connecting
from homeport.testing.servers.clusters import Cluster
from homeport.testing.servers.errors import ServerFailed, ServerMissing
from homeport.testing.servers.postgres import SOURCE_VARIABLE
from homeport.testing.servers.processes import LOOPBACK, apart, free_port, stopping, text_of

# A commit waits for its standby, so these two are not as careless as other test servers.
SETTINGS = {"synchronous_commit": "on", "max_connections": "100"}
STREAMS = "select count(*) from pg_stat_replication where state = 'streaming'"
IS_WAITED_FOR = "select count(*) from pg_stat_replication where sync_state = 'sync'"


class Pair:
    """Two places, first and second, each with a port of its own for good, so that one URL with both stays right.

    One holds the primary, the other its standby or nothing. All calls block; what a call started that fails is stopped.
    """

    def __init__(self, programs: clusters.Programs) -> None:
        self._programs = programs
        primary = clusters.start(programs, SETTINGS)
        self._held: list[Cluster | None] = [primary, None]
        self._ports = (primary.port, free_port())
        self._leads = 0
        self.close: Callable[[], None] = stopping(self._stop)
        """Stops both; a second call does nothing. Runs at exit by itself."""

    @property
    def ports(self) -> Sequence[tuple[str, int]]:
        """Host and port of the first place, and of the second."""
        return [(LOOPBACK, port) for port in self._ports]

    @property
    def primary(self) -> tuple[str, int]:
        """Host and port of the one that is the primary, or was until it failed."""
        return self.ports[self._leads]

    def url(
        self, database: str, at: Sequence[tuple[str, int]] = (), user: str | None = None, password: str = ""
    ) -> str:
        """The superuser's URL, or another user's, of the primary, or of other hosts in this order."""
        who = clusters.SUPERUSER if user is None else user
        secret = self._any().password if user is None else password
        places = ",".join(f"{host}:{port}" for host, port in at or [self.primary])
        return f"postgresql://{quote(who, safe='')}:{quote(secret, safe='')}@{places}/{quote(database, safe='')}"

    def join(self, *, synchronous: bool = True, through: tuple[str, int] | None = None) -> None:
        """Makes a standby in the place that is not the primary's, and returns when it follows.

        What stands there is stopped first. When synchronous, commits wait from then on until it has them on disk; it
        must not fail then. `through` is the address by which it reaches the primary: a proxy's.
        """
        self._stop_one(1 - self._leads)
        self._ask("alter system reset synchronous_standby_names", "select pg_reload_conf()")
        host, port = through or self.primary
        primary = self._any()
        conninfo = f"host={host} port={port} user={clusters.SUPERUSER} password={primary.password}"
        place = 1 - self._leads
        self._held[place] = clusters.copy(self._programs, primary, conninfo, self._ports[place], SETTINGS)
        try:
            self._wait_for(place)
            self._until(STREAMS)
        except BaseException:
            self._stop_one(place)
            raise
        if synchronous:
            self._ask("alter system set synchronous_standby_names = '*'", "select pg_reload_conf()")
            self._until(IS_WAITED_FOR)

    def fail(self) -> None:
        """The primary ends at once, as in a crash. Its data are gone."""
        self._stop_one(self._leads)

    def promote(self) -> None:
        """The standby becomes the primary; returns when it takes writes. The one before is left as it is."""
        self._leads = 1 - self._leads
        if not self._ask("select pg_promote()"):
            raise ServerFailed("the standby was not promoted", text_of(self._any().log))

    def wait(self) -> None:
        """Until the primary answers. Raises ServerFailed."""
        self._wait_for(self._leads)

    def _any(self) -> Cluster:
        found = self._held[self._leads] or self._held[1 - self._leads]
        if found is None:
            raise ServerFailed("both servers of the pair are down")
        return found

    def _wait_for(self, place: int) -> None:
        cluster = self._held[place]
        assert cluster is not None
        url = self.url("postgres", [self.ports[place]])
        connecting.wait(url, alive=lambda: cluster.process.running, log=lambda: text_of(cluster.log))

    def _until(self, question: str, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not self._ask(question):
            if time.monotonic() > deadline:
                raise ServerFailed(f"the standby did not follow in {seconds:.0f} s", text_of(self._any().log))
            time.sleep(0.02)

    def _ask(self, *statements: str) -> object:
        """The answer of the primary to the last one."""
        return apart(lambda: _ask(self.url("postgres"), statements))

    def _stop_one(self, place: int) -> None:
        held, self._held[place] = self._held[place], None
        if held is not None:
            held.process.stop()

    def _stop(self) -> None:
        self._stop_one(0)
        self._stop_one(1)


async def _ask(url: str, statements: Sequence[str]) -> object:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return [await connection.fetchval(each, timeout=70) for each in statements][-1]
    finally:
        await connection.close()


def start_pair() -> Pair:
    """A pair with its primary, which answers; `join` gives it a standby.

    Made of the wheel's programs, or of Debian's where there is no wheel or HOMEPORT_TEST_POSTGRES says so.

    Raises:
        ServerMissing: if there are neither, or other servers are asked for.
        ServerFailed: if it did not start.
    """
    pair = Pair(_programs(os.environ.get(SOURCE_VARIABLE, "")))
    try:
        pair.wait()
    except BaseException:
        pair.close()
        raise
    return pair


def _programs(wanted: str) -> clusters.Programs:
    if debian := re.fullmatch(r"debian(\d*)", wanted):
        return clusters.debian(debian[1])
    if wanted not in ("", "embedded"):
        raise ServerMissing(
            f"a standby is made from programs on this machine, and {SOURCE_VARIABLE} asks for {wanted!r}",
            f"say embedded or debian in {SOURCE_VARIABLE}",
        )
    try:
        return clusters.embedded()
    except ServerMissing:
        if wanted:
            raise
        return clusters.debian()
