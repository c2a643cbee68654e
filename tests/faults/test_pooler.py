"""A pooler that lends connections by the transaction: who shares them gets answers of its own, or is refused."""

import asyncio
import datetime as dt
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest

import homeport
from homeport.composition import open as open_homeport
from homeport.kernel.errors import QueryError
from homeport.settings import Pool, Settings
from homeport.testing.rig import Rig, without_server
from homeport.testing.servers import PgbouncerServer, ServerMissing, start_pgbouncer
from tests.faults.place import CONTEXTS, SECRET, WHO, Place, outcome, specimens
from tests.faults.reader_process import EVENTS, KEYS, USERS, Job, Tally, event_of, key_of, user_of, words
from tests.support.specimens import Specimen

pytestmark = pytest.mark.faults

ROOT = Path(homeport.__file__).parent.parent
AUTHENTICATOR = "authenticator"
MARKERS = ("left", "right")
SERVER_CONNECTIONS = 3  # fewer than each process has calls under way
Start = Callable[..., PgbouncerServer]


@pytest.fixture
def start(place: Place, rig: Rig) -> Iterator[Start]:
    """Starts poolers before the tests' server; all are stopped at the end."""
    if place.server.port is None:
        pytest.skip("the server has no port that a pooler could reach")
    at, started = place.server.port, list[PgbouncerServer]()

    def one(**settings: str) -> PgbouncerServer:
        try:
            made = start_pgbouncer(at, {WHO: SECRET, AUTHENTICATOR: SECRET}, pool=SERVER_CONNECTIONS, settings=settings)
        except ServerMissing as missing:
            rig.report.missing["pgbouncer"] = str(missing)
            without_server(missing)
            raise
        rig.report.servers["pgbouncer"] = f"{made.version} ({made.source})"
        started.append(made)
        return made

    yield one
    for each in started:
        each.stop()


@pytest.fixture
def bouncer(start: Start) -> PgbouncerServer:
    return start()


# -- two processes, whose statements would have the same names


@pytest.mark.parametrize(("kind", "reads"), [("services", 10_000), ("scoped", 5_000)])
async def test_two_processes_get_no_answer_but_their_own(
    place: Place, bouncer: PgbouncerServer, kind: str, reads: int
) -> None:
    await stored(place, kind)
    await all_right(place, bouncer, kind, reads)


async def test_two_processes_write_what_they_meant(place: Place, bouncer: PgbouncerServer) -> None:
    await all_right(place, bouncer, "writes", 200)
    assert await place.admin.fetchval("select count(*) from specimens") == 0


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["services", "scoped"])
async def test_two_processes_for_long(place: Place, bouncer: PgbouncerServer, kind: str) -> None:
    await stored(place, kind)
    await all_right(place, bouncer, kind, 50_000)


async def test_the_drivers_own_defaults_show_that_these_reads_would_find_it(
    place: Place, bouncer: PgbouncerServer
) -> None:
    await stored(place, "services")
    tallies = await read_by_two(place, bouncer, "driver", 500)
    show("the driver alone", tallies)
    assert all(each.errors for each in tallies)
    assert sum(each.wrong for each in tallies) > 0


# -- a pooler that nobody has declared


@pytest.mark.parametrize("kind", ["lean", "asyncpg"])
@pytest.mark.parametrize(
    "lets_in", ["", "lock_timeout, statement_timeout, idle_in_transaction_session_timeout, transaction_timeout"]
)
async def test_an_undeclared_pooler_is_refused_at_the_first_call(
    place: Place, start: Start, kind: str, lets_in: str
) -> None:
    """Whether it takes our settings of a session, which it then drops, or refuses them."""
    bouncer = start(**({"ignore_startup_parameters": lets_in} if lets_in else {}))
    pool = Pool(size=2, overflow=0, timeout=5, kind=kind)
    settings = Settings(adapter="postgres", database_url=place.url(bouncer.port), pool=pool)
    async with open_homeport(settings, contexts=CONTEXTS) as db:
        for call in (specimens(db).specimens.count, lambda: specimens(db).specimens.create({"words": "x"})):
            error = await outcome(call())
            assert type(error) is QueryError
            assert "pooler" in str(error)
    assert await place.admin.fetchval("select count(*) from specimens") == 0


@pytest.mark.parametrize("kind", ["lean", "asyncpg"])
async def test_a_declared_pooler_needs_no_settings_of_its_own(
    place: Place, bouncer: PgbouncerServer, kind: str
) -> None:
    pool = Pool(size=2, overflow=0, timeout=5, kind=kind, pooler="transaction")
    settings = Settings(adapter="postgres", database_url=place.url(bouncer.port), pool=pool)
    async with open_homeport(settings, contexts=CONTEXTS) as db:
        await specimens(db).specimens.create({"words": "through"})
        assert await specimens(db).specimens.count({"words": "through"}) == 1
        sql = "select application_name from pg_stat_activity where pid = pg_backend_pid()"
        assert await db.base.execute_query(sql) == [{"application_name": "homeport"}]
    assert "unsupported startup parameter" not in bouncer.log()


# -- what they share


async def stored(place: Place, kind: str) -> None:
    """The rows of both processes."""
    async with place.open() as db:
        for marker in MARKERS:
            if kind == "services":
                await specimens(db).specimens.add_many(
                    Specimen(
                        id=key_of(words(marker, key)), words=words(marker, key), whole=key, short=marker, big=key % 10
                    )
                    for key in range(KEYS)
                )
                continue
            users = [user_of(marker, number) for number in range(USERS)]
            await db.users.users.create_many([{"id": each, "email": f"{each}@example.org"} for each in users])
            day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
            times = {"start_date": day, "end_date": day}
            await db.calendar.events.create_many(
                [
                    {"id": event_of(user, each), "user_id": user, "title": f"{user} {each}", **times}
                    for user in users
                    for each in range(EVENTS)
                ]
            )


async def all_right(place: Place, bouncer: PgbouncerServer, kind: str, reads: int) -> None:
    tallies = await read_by_two(place, bouncer, kind, reads)
    show(kind, tallies)
    assert [(each.right, each.wrong, each.errors) for each in tallies] == [(reads, 0, {})] * 2


async def read_by_two(place: Place, bouncer: PgbouncerServer, kind: str, reads: int) -> list[Tally]:
    """Both begin together, once both are ready."""
    scoped_url = place.server.url(place.name, user=AUTHENTICATOR, password=SECRET, at=bouncer.port)
    jobs = [
        Job(kind=kind, marker=each, reads=reads, url=place.url(bouncer.port), scoped_url=scoped_url) for each in MARKERS
    ]
    async with reader(jobs[0]) as first, reader(jobs[1]) as second:
        for each in (first, second):
            assert each.stdin is not None
            each.stdin.write(b"go\n")
        return list(await asyncio.gather(tally(first), tally(second)))


@asynccontextmanager
async def reader(job: Job) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that is ready to begin, and is ended with the block."""
    command = [sys.executable, "-m", "tests.faults.reader_process"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(attrs.asdict(job)).encode() + b"\n")
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def tally(process: asyncio.subprocess.Process) -> Tally:
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert await process.wait() == 0
    return Tally(**json.loads(line))


def show(kind: str, tallies: list[Tally]) -> None:
    right, wrong = sum(each.right for each in tallies), sum(each.wrong for each in tallies)
    seconds = max(each.seconds for each in tallies)
    print(f"\n{kind}: {right} right, {wrong} wrong in {seconds:.1f} s, errors {[each.errors for each in tallies]}")
