"""The server ends sessions while calls are under way: what is said of each call is true of its rows."""

import asyncio
import random
from collections import Counter

import pytest

from homeport.kernel.errors import OutcomeUnknown, RepositoryUnavailableError
from tests.faults.place import Place, all_closed, is_full, outcome, specimen, specimens
from tests.faults.verdicts import Verdicts

pytestmark = pytest.mark.faults

WAITING = "wait_event_type = 'Lock'"
SLEEPING = "query like '%pg_sleep(30)%'"
KILLS = 300
WORKERS = 8


async def test_a_read_is_safe_to_try_again(place: Place) -> None:
    async with place.open() as db:
        rows = specimens(db).specimens
        kept = await rows.add(specimen("kept"))
        for read in (lambda: rows.find_by_id(kept.id), rows.find_many, rows.count):
            async with place.admin.transaction():
                await place.admin.execute("lock table specimens in access exclusive mode")
                task = asyncio.ensure_future(outcome(read()))
                await place.until_waiting()
                assert await place.kill(WAITING) == 1
                error = await task
            assert type(error) is RepositoryUnavailableError
            assert await rows.find_by_id(kept.id) == kept
        assert await is_full(db)


async def test_a_stream_ends_with_an_error_and_never_early(place: Place) -> None:
    async with place.open() as db:
        rows = specimens(db).specimens
        await rows.add_many([specimen("x") for _ in range(2000)])
        seen = 0

        async def read() -> None:
            nonlocal seen
            async for _ in rows.stream():
                seen += 1
                if seen == 1:
                    assert await place.kill("state = 'idle in transaction'") == 1

        assert type(await outcome(read())) is RepositoryUnavailableError
        assert 0 < seen < 2000
        assert await rows.count() == 2000
        assert await is_full(db)


async def test_a_write_that_waits_leaves_its_outcome_open(place: Place) -> None:
    async with place.open() as db:
        rows = specimens(db).specimens
        kept = await rows.add(specimen("old"))
        for write in (
            lambda: rows.update(kept.id, {"words": "new"}),
            lambda: rows.delete(kept.id),
            lambda: rows.bulk_update([(kept.id, {"words": "new"}), (specimen("").id, {"whole": 1})]),
            lambda: db.base.execute_query("update specimens set words = 'new' where id = $1", [kept.id]),
        ):
            async with place.admin.transaction():
                await place.admin.execute("select from specimens for update")
                task = asyncio.ensure_future(outcome(write()))
                await place.until_waiting()
                assert await place.kill(WAITING) == 1
                error = await task
            assert type(error) is OutcomeUnknown
            assert await rows.find_by_id(kept.id) == kept
        assert await is_full(db)


async def test_sql_of_the_callers_own_counts_as_a_write(place: Place) -> None:
    async with place.open() as db:
        task = asyncio.ensure_future(outcome(db.base.execute_query("select pg_sleep(30)")))
        async with asyncio.timeout(5):
            while not await place.kill(SLEEPING):
                await asyncio.sleep(0.01)
        assert type(await task) is OutcomeUnknown
        assert await is_full(db)


async def test_sessions_that_ended_while_idle_cost_no_call_once_their_end_was_seen(place: Place) -> None:
    """A call that comes before that may fail; a write's outcome is then called open, though nothing was sent."""
    found = Counter[str]()
    async with place.open() as db:
        rows = specimens(db).specimens
        for number in range(20):
            assert await is_full(db)
            assert await place.kill("true") == 3
            assert await place.no_session_left()
            if number % 2:
                assert await all_closed(db)
                await rows.add(specimen("later"))
            else:
                error = await outcome(rows.add(specimen("at once")))
                found[type(error).__name__] += 1
                assert await all_closed(db, but=int(error is None))  # one that went well has a new connection
        assert await rows.count({"words": "later"}) == 10
        assert await rows.count({"words": "at once"}) == found["NoneType"]
    print(f"\nat once: {dict(found)}")
    assert found.keys() <= {"NoneType", "RepositoryUnavailableError", "OutcomeUnknown"}


async def test_hundreds_at_random_under_load_lose_and_double_nothing(place: Place) -> None:
    rng, verdicts = random.Random(20), Verdicts()
    kills, stop = 0, asyncio.Event()

    async with place.open() as db:
        rows = specimens(db).specimens

        async def write(words: str) -> None:
            await rows.add(specimen(words))

        loads = [asyncio.create_task(verdicts.load(each, stop, write)) for each in range(WORKERS)]
        async with asyncio.timeout(60):
            while kills < KILLS and not any(each.done() for each in loads):
                kills += await place.kill_one(rng)
                await asyncio.sleep(rng.uniform(0, 0.02))
        stop.set()
        await asyncio.gather(*loads)
        assert await is_full(db)
    stored = Counter(each["words"] for each in await place.admin.fetch("select words from specimens"))
    print(f"\n{kills} sessions ended: {verdicts}; of the unknown {len(verdicts.unknown & stored.keys())} are stored")
    assert kills >= KILLS
    verdicts.hold(stored, rows=1)
    assert len(verdicts.unknown) <= kills
