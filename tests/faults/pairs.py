"""A primary that may have a standby: what tests that break it write to, and what they remember of it."""

import asyncio
import contextlib
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import attrs

from homeport.composition import Homeport, Opening, Unit, create_logins, migrate_up
from homeport.composition import open as open_homeport
from homeport.kernel.errors import OutcomeUnknown
from homeport.settings import Pool, Settings
from homeport.testing.servers import Pair
from tests.faults.place import CONTEXTS, SECRET, WHO, Admin, outcome, specimens, within
from tests.support.specimens import SPECIMENS, Specimen

DATABASE = "pair"
HOST_SECONDS = 0.5
WRITERS = 8
At = tuple[str, int]


async def migrate(pair: Pair) -> None:
    """Makes the database of these tests, with all contexts and both logins."""
    async with admin(pair, "postgres") as connection:
        await connection.execute(f"create database {DATABASE}")
    await migrate_up(pair.url(DATABASE), CONTEXTS)
    await create_logins(pair.url(DATABASE), authenticator=SECRET, service=SECRET)


async def clean(pair: Pair) -> None:
    """Its tables are empty, and its commits wait for no standby."""
    async with admin(pair) as connection:
        await connection.execute("alter system reset synchronous_standby_names")
        await connection.execute("select pg_reload_conf()")
        await connection.execute("truncate specimens")


def opened(pair: Pair, hosts: list[At] | None = None) -> Opening:
    url = pair.url(DATABASE, hosts or pair.ports, user=WHO, password=SECRET)
    pool = Pool(size=WRITERS, overflow=0, timeout=10, host_timeout=HOST_SECONDS)
    return open_homeport(Settings(adapter="postgres", database_url=url, pool=pool), contexts=CONTEXTS)


@contextlib.asynccontextmanager
async def admin(pair: Pair, database: str = DATABASE) -> AsyncIterator[Admin]:
    """The superuser's connection to the primary."""
    connection = await asyncpg.connect(pair.url(database), timeout=10)
    try:
        yield connection
    finally:
        with contextlib.suppress(asyncpg.PostgresError, OSError):  # the test may have ended the server
            await connection.close()


@attrs.define(eq=False)
class Writers:
    """Half of them write single rows, half units of two; each row's fate is written down as its caller was told."""

    db: Homeport
    acked: dict[uuid.UUID, float] = attrs.field(factory=dict)
    unknown: set[uuid.UUID] = attrs.field(factory=set)
    failed: dict[uuid.UUID, BaseException] = attrs.field(factory=dict)
    _stopped: bool = False
    _tasks: list["asyncio.Task[None]"] = attrs.field(factory=list)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._write(bool(each % 2))) for each in range(WRITERS)]

    async def stop(self) -> None:
        self._stopped = True
        await within(30, asyncio.gather(*self._tasks))

    async def more(self, number: int) -> None:
        """Until so many more are acknowledged."""
        goal = len(self.acked) + number
        async with asyncio.timeout(20):
            while len(self.acked) < goal:
                await asyncio.sleep(0.005)

    async def first_after(self, moment: float) -> float:
        """When the first one after that moment was acknowledged."""
        async with asyncio.timeout(20):
            while not (later := [each for each in self.acked.values() if each > moment]):
                await asyncio.sleep(0.005)
        return min(later)

    async def _write(self, in_units: bool) -> None:
        while not self._stopped:
            pieces = [Specimen(id=uuid.uuid4(), words="written") for _ in range(2 if in_units else 1)]
            error = await outcome(self._unit(pieces) if in_units else specimens(self.db).specimens.add(pieces[0]))
            for each in pieces:
                match error:
                    case None:
                        self.acked[each.id] = time.monotonic()
                    case OutcomeUnknown():
                        self.unknown.add(each.id)
                    case _:
                        self.failed[each.id] = error
            if error is not None:
                await asyncio.sleep(0.02)

    async def _unit(self, pieces: list[Specimen]) -> None:
        async def work(tx: Unit) -> None:
            for each in pieces:
                await tx.repository(SPECIMENS).specimens.add(each)

        await self.db.unit(work)

    async def lost(self, pair: Pair) -> set[uuid.UUID]:
        """Acknowledged, and not there. Prints the figures; what was said to have failed must not be there."""
        async with admin(pair) as connection:
            stored = {each["id"] for each in await connection.fetch("select id from specimens")}
        lost = self.acked.keys() - stored
        times = sorted(self.acked[each] for each in lost)
        span = f" within {(times[-1] - times[0]) * 1000:.0f} ms" if times else ""
        kinds = dict(Counter(f"{type(each).__name__} {getattr(each, 'code', '')}" for each in self.failed.values()))
        print(
            f"\n{len(self.acked)} acknowledged, {len(lost)} of them lost{span}; {len(self.unknown)} unknown, "
            f"{len(self.unknown & stored)} of them stored; {len(self.failed)} failed {kinds}"
        )
        assert self.failed.keys() & stored == set(), "said to have failed, and stored"
        return lost
