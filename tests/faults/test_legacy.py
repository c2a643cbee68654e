"""PostgREST goes away, freezes, loses answers, or a proxy answers in its place."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from homeport.composition import Homeport, Opening
from homeport.composition import open as open_homeport
from homeport.kernel.errors import (
    OutcomeUnknown,
    PoolTimeout,
    RepositoryError,
    RepositoryTimeoutError,
    RepositoryUnavailableError,
)
from homeport.settings import Pool, Retry, Settings
from homeport.testing.rig import selected, without_server
from homeport.testing.servers import PostgrestServer, ServerMissing, start_postgrest, token
from tests.faults.place import CONTEXTS, SECRET, SIZE, Clock, Place, outcome, specimen, specimens, within
from tests.faults.proxy import Mode, Proxy, proxied
from tests.faults.stub import http, stubbed

pytestmark = pytest.mark.faults

TIMEOUT = 0.4
Start = Callable[[], PostgrestServer]


@pytest.fixture(scope="session")
def start(session_place: Place) -> Iterator[Start]:
    if "supabase_legacy" not in selected():
        pytest.skip("HOMEPORT_TEST_ADAPTERS leaves supabase_legacy out")
    started: list[PostgrestServer] = []

    def one() -> PostgrestServer:
        login = session_place.server.url(session_place.name, user="authenticator", password=SECRET)
        try:
            started.append(start_postgrest(login, jwt_secret=SECRET, max_rows=1000, pool=SIZE))
        except ServerMissing as missing:
            without_server(missing)
            raise
        return started[-1]

    yield one
    for each in started:
        each.stop()


@pytest.fixture(scope="session")
def rest(start: Start) -> PostgrestServer:
    return start()


@pytest_asyncio.fixture
async def proxy(place: Place, rest: PostgrestServer) -> AsyncIterator[Proxy]:
    parts = urlsplit(rest.url)
    async with proxied((parts.hostname or "", parts.port or 0)) as made:
        yield made


def opened(url: str, *, timeout: float = TIMEOUT, size: int = SIZE) -> Opening:
    settings = Settings(
        adapter="supabase_legacy",
        rest_url=url,
        supabase_service_role_key=token(SECRET, "service_role"),
        pool=Pool(size=size, overflow=0, timeout=timeout),
        retry=Retry(attempts=1),
    )
    return open_homeport(settings, contexts=CONTEXTS)


def through(proxy: Proxy) -> Opening:
    return opened("http://{}:{}".format(*proxy.at))


async def still_works(db: Homeport) -> bool:
    """As many calls at once as there may be, within a second."""
    await within(1, asyncio.gather(*(specimens(db).specimens.count() for _ in range(SIZE))))
    return True


async def test_a_server_that_was_stopped_was_sent_nothing(place: Place, start: Start) -> None:
    server = await asyncio.to_thread(start)
    async with opened(server.url) as db:
        rows = specimens(db).specimens
        kept = await rows.add(specimen("kept"))
        await asyncio.to_thread(server.stop)
        for call in (rows.count(), rows.find_many(), rows.add(specimen("down")), rows.delete(kept.id)):
            assert type(await within(1, outcome(call))) is RepositoryUnavailableError
    assert [each["words"] for each in await place.admin.fetch("select words from specimens")] == ["kept"]


async def test_it_works_again_once_the_server_is_back(proxy: Proxy) -> None:
    async with through(proxy) as db:
        rows = specimens(db).specimens
        for number in range(5):
            assert await still_works(db)
            await proxy.stop()
            assert type(await within(1, outcome(rows.add(specimen("down"))))) is RepositoryUnavailableError
            assert type(await within(1, outcome(rows.count()))) is RepositoryUnavailableError
            await proxy.start()
            await rows.add(specimen(str(number)))
        assert await rows.count({"words": "down"}) == 0
        assert await rows.count() == 5


@pytest.mark.parametrize("mode", [Mode.FREEZE, Mode.DEAF])
async def test_a_frozen_network_ends_at_the_deadline(place: Place, proxy: Proxy, mode: Mode) -> None:
    async with through(proxy) as db:
        rows = specimens(db).specimens
        kept = await rows.add(specimen("kept"))
        await rows.find_by_id(kept.id)
        given = specimen("frozen")
        for call, wanted in (
            (rows.find_by_id(kept.id), RepositoryTimeoutError),
            (rows.count(), RepositoryTimeoutError),
            (rows.add(given), OutcomeUnknown),
            (rows.update(kept.id, {"short": "new"}), OutcomeUnknown),
        ):
            proxy.mode = mode
            with Clock() as clock:
                error = await outcome(call)
            assert type(error) is wanted
            assert TIMEOUT - 0.01 < clock.seconds < TIMEOUT + 0.4
        await proxy.stop()  # what the network holds is lost
        applied = mode is Mode.DEAF  # the request came through, the answer did not
        stored = {each["words"]: each["short"] for each in await place.admin.fetch("table specimens")}
        assert stored == ({"kept": "new", "frozen": None} if applied else {"kept": None})
        proxy.mode = Mode.PASS
        await proxy.start()
        assert await still_works(db)


async def test_a_full_pool_on_a_frozen_network(proxy: Proxy) -> None:
    async with through(proxy) as db:
        rows = specimens(db).specimens
        assert await still_works(db)
        proxy.mode = Mode.FREEZE
        errors = await within(2, asyncio.gather(*(outcome(rows.add(specimen("x"))) for _ in range(4 * SIZE))))
        assert {type(each) for each in errors} == {OutcomeUnknown, PoolTimeout}
        assert (
            sum(type(each) is OutcomeUnknown for each in errors) >= SIZE
        )  # one more may get a turn at the last moment
        await proxy.stop()
        proxy.mode = Mode.PASS
        await proxy.start()
        assert await still_works(db)
        assert await rows.count() == 0


async def test_an_answer_that_is_cut_after_the_write_was_applied(proxy: Proxy) -> None:
    async with through(proxy) as db:
        rows = specimens(db).specimens
        for number in range(20):
            given = specimen(f"cut {number}")
            proxy.mode = Mode.CUT
            before = proxy.cuts
            assert type(await within(1, outcome(rows.add(given)))) is OutcomeUnknown
            assert proxy.cuts == before + 1, "sent once"
            assert type(await within(1, outcome(rows.count()))) is RepositoryUnavailableError
            proxy.mode = Mode.PASS
            assert await rows.find_many({"words": given.words}) == [given]
        assert await rows.count() == 20


async def test_cancelled_calls_give_their_turns_back(place: Place, proxy: Proxy) -> None:
    async with through(proxy) as db:
        rows = specimens(db).specimens
        for number in range(100):
            tasks = [
                asyncio.ensure_future(outcome(call))
                for call in (rows.count(), rows.find_many(), rows.bulk_create([{"words": f"{number}"}] * 20))
            ]
            await asyncio.sleep(number / 10_000)
            asked = [each.cancel() for each in tasks]
            for task, cancelled in zip(tasks, asked, strict=True):
                assert isinstance(await task, asyncio.CancelledError) or not cancelled
            if number % 20 == 0:
                assert await still_works(db)
        assert await still_works(db)
    sql = "select count(*) as rows from specimens group by words"
    assert {each["rows"] for each in await place.admin.fetch(sql)} <= {20}


# -- what stands before PostgREST answers


def problem(code: str, status: str) -> bytes:
    body = f'{{"code":"{code}","message":"m","details":null,"hint":null}}'
    return http(body.encode(), status, {"Content-Type": "application/json; charset=utf-8"})


HTML = b"<html><body>we'll be right back</body></html>"
BY_A_PROXY = {
    "html": http(HTML, headers={"Content-Type": "text/html"}),
    "no list": http(b'"ok"'),
    "truncated json": http(b'[{"id":"6b1'),
    "shorter than said": b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[{"id":',
    "nothing": None,
    "garbage": b"\x00\x01\x02\r\n\r\n",
    **{
        f"{status} {name}": http(body, f"{status} Bad")
        for status in (500, 502, 503, 504, 520, 408)
        for name, body in (("empty", b""), ("html", HTML))
    },
    "connection lost": problem("PGRST001", "503 Bad"),
    "server shut down": problem("57P01", "500 Bad"),
}
BY_POSTGREST = {
    "no connection": problem("PGRST000", "503 Bad"),
    "no schema cache": problem("PGRST002", "503 Bad"),
    "no free connection": problem("PGRST003", "504 Bad"),
    "starting up": problem("57P03", "503 Bad"),
    "too many connections": problem("53300", "503 Bad"),
}


@pytest.mark.parametrize("answer", [*BY_A_PROXY, *BY_POSTGREST])
async def test_what_is_no_answer_is_a_class_and_no_write_is_repeated(answer: str) -> None:
    wanted: type[RepositoryError] = OutcomeUnknown if answer in BY_A_PROXY else RepositoryUnavailableError
    async with stubbed() as stub, opened(stub.url) as db:
        stub.answer = {**BY_A_PROXY, **BY_POSTGREST}[answer]
        rows = specimens(db).specimens
        given = specimen("x")
        for verb, call in (
            ("POST", rows.add(given)),
            ("POST", rows.bulk_create([{"words": "a"}, {"words": "b"}])),
            ("PATCH", rows.update(given.id, {"words": "y"})),
            ("DELETE", rows.delete(given.id)),
            ("POST", db.social.toggle_like(given.id, given.id)),
        ):
            stub.requests.clear()
            assert type(await outcome(call)) is wanted, verb
            assert stub.requests == {verb: 1}
        for read in (rows.find_by_id(given.id), rows.exists()):
            stub.requests.clear()
            assert type(await outcome(read)) is RepositoryUnavailableError
            assert stub.requests == {"GET": 1}
