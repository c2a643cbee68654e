"""A server that crashes and recovers: every process of it ends at once, and what was not on disk is gone."""

import asyncio
import os
import signal

import asyncpg
import pytest

from homeport.composition import Homeport
from homeport.composition import open as open_homeport
from homeport.kernel.errors import OutcomeUnknown, RepositoryUnavailableError
from homeport.settings import Pool, Settings
from homeport.testing.servers import Pair
from tests.faults.pairs import DATABASE, Writers, admin, opened
from tests.faults.place import CONTEXTS, SECRET, WHO, Clock, outcome, within
from tests.faults.proxy import proxied
from tests.support.specimens import SPECIMENS

pytestmark = pytest.mark.faults

SLOW_TO_COMMIT = """
create or replace function wait() returns trigger language plpgsql as $$
begin perform pg_sleep(30); return null; end $$;
create constraint trigger waits after insert on specimens deferrable initially deferred
    for each row when (new.words = 'slow') execute function wait();
"""
COMMITTING = "select backend_xid::text::bigint from pg_stat_activity where wait_event = 'PgSleep' and state = 'active'"


@pytest.mark.parametrize("times", [10, pytest.param(200, marks=pytest.mark.soak)])
async def test_crashes_under_load_lose_nothing_that_was_acknowledged(pair: Pair, times: int) -> None:
    async with opened(pair, [pair.primary]) as db:
        writers = Writers(db)
        writers.start()
        with Clock() as clock:
            for _ in range(times):
                await writers.more(100)
                await crash(pair)
        await writers.more(100)
        await writers.stop()
    print(f"\n{times} crashes and recoveries in {clock.seconds:.1f} s")
    assert await writers.lost(pair) == set()
    assert {type(each) for each in writers.failed.values()} <= {RepositoryUnavailableError}


async def test_after_a_crash_a_transactions_number_may_be_anothers(pair: Pair) -> None:
    """What the server says of it is then no verdict: the number was given again, and the other one committed."""
    for attempt in range(5):
        async with admin(pair) as connection:
            await connection.execute(SLOW_TO_COMMIT)
        try:
            error, given_again = await committed_into_a_crash(pair, f"attempt {attempt}")
        finally:
            async with admin(pair) as connection:
                await connection.execute("drop trigger waits on specimens")
        async with admin(pair) as connection:
            assert await connection.fetchval("select count(*) from specimens where words = 'slow'") == 0
        assert type(error) in (OutcomeUnknown, RepositoryUnavailableError), "said to be committed, and is not there"
        if given_again:
            return
    pytest.fail("the number was never given again, so nothing was tested")


async def committed_into_a_crash(pair: Pair, words: str) -> tuple[BaseException | None, bool]:
    """What a unit was told whose commit met a crash, and whether its number is that of another unit that committed."""
    async with proxied(pair.primary) as proxy:
        url = pair.url(DATABASE, [proxy.at], user=WHO, password=SECRET)
        settings = Settings(adapter="postgres", database_url=url, pool=Pool(size=2, overflow=0, timeout=10))
        async with open_homeport(settings, contexts=CONTEXTS) as db:
            task = asyncio.create_task(outcome(slow_unit(db)))
            number = await number_of_the_one_that_commits(pair)
            await proxy.stop()  # whoever wants to know of it has to wait
            await crash(pair)
            given_again = False
            async with admin(pair) as connection:
                while (
                    last := int(await connection.fetchval("select pg_snapshot_xmax(pg_current_snapshot())"))
                ) <= number:
                    given_again |= last == number
                    await connection.execute("insert into specimens (id, words) values (gen_random_uuid(), $1)", words)
            await proxy.start()
            return await within(15, task), given_again


async def slow_unit(db: Homeport) -> None:
    async with db.transaction() as tx:
        await tx.repository(SPECIMENS).specimens.create({"words": "slow"})


async def number_of_the_one_that_commits(pair: Pair) -> int:
    async with admin(pair) as connection, asyncio.timeout(5):
        while (found := await connection.fetchval(COMMITTING)) is None:
            await asyncio.sleep(0.01)
        return int(found)


async def crash(pair: Pair) -> None:
    """One of its processes is killed: the server ends all others, and recovers. Returns when it answers again."""
    async with admin(pair) as connection:
        os.kill(await connection.fetchval("select pg_backend_pid()"), signal.SIGKILL)
        await outcome(connection.execute("select pg_sleep(10)"))
    async with asyncio.timeout(20):
        while True:
            try:
                async with admin(pair):
                    return
            except (asyncpg.PostgresError, OSError):
                await asyncio.sleep(0.02)
