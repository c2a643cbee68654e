"""Deadlines of the server, servers that go away and come back, networks that freeze or lose the answer."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import cast
from urllib.parse import unquote, urlsplit

import asyncpg
import pytest
import pytest_asyncio

from homeport.adapters.postgres.connections import CLOSE_SECONDS, RELEASE_SECONDS
from homeport.composition import open as open_homeport
from homeport.kernel.errors import LockTimeout, OutcomeUnknown, RepositoryUnavailableError, StatementTimeout
from homeport.settings import Settings
from homeport.testing.servers import start_postgres
from tests.faults.place import SIZE, Clock, Place, is_full, outcome, specimen, specimens, within
from tests.faults.proxy import Mode, Proxy, proxied
from tests.support.specimens import Specimen

pytestmark = pytest.mark.faults


@pytest_asyncio.fixture
async def proxy(place: Place) -> AsyncIterator[Proxy]:
    if place.server.port is None:
        pytest.skip("the server's port is not known, so no proxy can stand before it")
    async with proxied(place.server.port) as made:
        yield made


# -- the server's own deadlines


async def test_a_statement_timeout_ends_reads_and_writes(place: Place) -> None:
    async with place.open(statement_timeout=0.2) as db:
        rows = specimens(db).specimens
        kept = await rows.add(specimen("old"))
        async with place.admin.transaction():
            await place.admin.execute("lock table specimens in access exclusive mode")
            for call in (rows.count(), rows.update(kept.id, {"words": "new"}), rows.create({"words": "new"})):
                with Clock() as clock:
                    error = await outcome(call)
                assert type(error) is StatementTimeout
                assert 0.19 < clock.seconds < 0.6
        assert await rows.find_many() == [kept]
        assert type(await outcome(db.base.execute_query("select pg_sleep(2)"))) is StatementTimeout
        assert await is_full(db)


async def test_a_lock_timeout_ends_the_wait_for_a_row(place: Place) -> None:
    async with place.open(lock_timeout=0.2) as db:
        rows = specimens(db).specimens
        kept = await rows.add(specimen("old"))
        async with place.admin.transaction():
            await place.admin.execute("select from specimens for update")
            for call in (rows.update(kept.id, {"words": "new"}), rows.delete(kept.id)):
                with Clock() as clock:
                    error = await outcome(call)
                assert type(error) is LockTimeout
                assert 0.19 < clock.seconds < 0.6
        assert await rows.find_many() == [kept]
        assert await is_full(db)


# -- servers that go away


async def test_a_server_that_refuses_connections_was_sent_nothing(place: Place, proxy: Proxy) -> None:
    async with place.open(at=proxy.at) as db:
        rows = specimens(db).specimens
        for turn in range(3):
            await rows.add(specimen(f"up {turn}"))
            assert await is_full(db)
            await proxy.stop()
            for call in (rows.count(), rows.add(specimen("down")), db.base.execute_query("select 1")):
                error = await within(1, outcome(call))
                assert type(error) is RepositoryUnavailableError
            await proxy.start()
        assert await rows.count({"words": "down"}) == 0
        assert await rows.count() == 3
        assert await is_full(db)


async def test_connections_that_break_under_calls(place: Place, proxy: Proxy) -> None:
    async with place.open(at=proxy.at) as db:
        rows = specimens(db).specimens
        kept = await rows.add(specimen("old"))
        async with place.admin.transaction():
            await place.admin.execute("lock table specimens in access exclusive mode")
            read = asyncio.ensure_future(outcome(rows.count()))
            write = asyncio.ensure_future(outcome(rows.update(kept.id, {"words": "new"})))
            await place.until_waiting(2)
            await proxy.stop()
            assert type(await within(2, read)) is RepositoryUnavailableError
            assert type(await within(2, write)) is OutcomeUnknown
            await place.kill("wait_event_type = 'Lock'")  # the server has not noticed that nobody listens
        await proxy.start()
        assert await rows.find_many() == [kept]
        assert await is_full(db)


async def test_a_server_that_was_stopped_and_another_in_its_place() -> None:
    first = start_postgres()
    if first.port is None or first.source == "HOMEPORT_DATABASE_URL":
        pytest.skip("needs servers of its own")
    try:
        async with proxied(first.port) as proxy:
            settings = Settings(adapter="postgres", database_url=first.url(at=proxy.at))
            async with open_homeport(settings, contexts=["users"]) as db:
                assert await db.base.execute_query("select 1 as one") == [{"one": 1}]
                slow = asyncio.ensure_future(outcome(db.base.execute_query("select pg_sleep(30)")))
                await asyncio.sleep(0.1)
                await asyncio.to_thread(first.close)
                assert type(await within(2, slow)) is OutcomeUnknown
                error = await within(2, outcome(db.users.users.count()))
                assert type(error) is RepositoryUnavailableError
                second = await asyncio.to_thread(start_postgres)
                assert second.port is not None
                try:
                    admin = await asyncpg.connect(second.url())
                    password = unquote(urlsplit(first.url()).password or "")
                    await admin.execute(f"alter role postgres password '{password}'")
                    await admin.close()
                    proxy.target = second.port
                    assert await db.base.execute_query("select 2 as two") == [{"two": 2}]
                finally:
                    await db.close()
                    await asyncio.to_thread(second.close)
    finally:
        first.close()


# -- networks that freeze


@pytest.mark.parametrize("kind", ["read", "write", "stream", "bulk", "merge", "raw"])
async def test_a_cancelled_call_on_a_frozen_network_returns_in_time(place: Place, proxy: Proxy, kind: str) -> None:
    async with place.open(at=proxy.at, timeout=1) as db:
        rows = specimens(db).specimens
        await rows.add_many([specimen("x") for _ in range(2000)])
        assert await is_full(db)

        async def stream() -> None:
            seen = 0
            async for _ in cast("AsyncGenerator[Specimen, None]", rows.stream()):
                seen += 1
                if seen == 1:
                    proxy.mode = Mode.FREEZE

        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "read": rows.count,
            "write": lambda: rows.create({"words": "frozen"}),
            "stream": stream,
            "bulk": lambda: specimens(db).crates.bulk_create([{"code": str(each)} for each in range(200)]),
            "merge": lambda: db.users.users.upsert_many([{"id": uuid.uuid4(), "email": "a@example.org"}]),
            "raw": lambda: db.base.execute_query("select 1"),
        }
        proxy.mode = Mode.PASS if kind == "stream" else Mode.FREEZE
        task = asyncio.ensure_future(outcome(calls[kind]()))
        await asyncio.sleep(0.2)
        task.cancel()
        with Clock() as clock:
            error = await within(3 * RELEASE_SECONDS, task)
        print(f"\n{kind}: cancelled, it returned after {clock.seconds:.2f} s")
        assert isinstance(error, asyncio.CancelledError)
        assert clock.seconds < RELEASE_SECONDS + 0.5
        proxy.mode = Mode.PASS
        assert await is_full(db)
        assert await rows.count({"words": "frozen"}) == 0
        assert await specimens(db).crates.count() == 0


async def test_a_frozen_network_at_connecting_ends_at_the_deadline(place: Place, proxy: Proxy) -> None:
    async with place.open(at=proxy.at, timeout=0.5) as db:
        proxy.mode = Mode.FREEZE
        rows = specimens(db).specimens
        with Clock() as clock:
            error = await outcome(rows.add(specimen("frozen")))
        assert type(error) is RepositoryUnavailableError
        assert 0.45 < clock.seconds < 1
        proxy.mode = Mode.PASS
        assert await is_full(db)
        assert await rows.count() == 0


async def test_closing_on_a_frozen_network_returns_in_time(place: Place, proxy: Proxy) -> None:
    db = await place.open(at=proxy.at)
    await is_full(db)
    proxy.mode = Mode.FREEZE
    calls = [asyncio.ensure_future(outcome(specimens(db).specimens.count())) for _ in range(SIZE)]
    await asyncio.sleep(0.1)
    with Clock() as clock:
        await db.close()
    print(f"\nclosing took {clock.seconds:.2f} s")
    assert clock.seconds < CLOSE_SECONDS + 0.5
    errors = await within(1, asyncio.gather(*calls))
    assert {type(each) for each in errors} == {RepositoryUnavailableError}


# -- answers that are lost


async def test_an_answer_that_is_cut_after_the_write_was_applied(place: Place, proxy: Proxy) -> None:
    async with place.open(at=proxy.at) as db:
        rows = specimens(db).specimens
        for number in range(20):
            await rows.add(specimen("whole"))  # so that the statement is prepared, and one round trip does it
            proxy.mode = Mode.CUT
            given = specimen(f"cut {number}")
            assert type(await within(1, outcome(rows.add(given)))) is OutcomeUnknown
            proxy.mode = Mode.PASS
            assert await rows.find_many({"words": given.words}) == [given]
            proxy.mode = Mode.CUT
            assert type(await within(1, outcome(rows.count()))) is RepositoryUnavailableError
            proxy.mode = Mode.PASS
        assert await rows.count() == 40
        assert await is_full(db)
