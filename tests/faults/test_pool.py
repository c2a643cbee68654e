"""A pool that is exhausted, and one that is closed under load."""

import asyncio
import uuid
from collections import Counter

import pytest

from homeport.kernel.errors import OutcomeUnknown, PoolClosed, PoolTimeout
from homeport.repositories.collection import Collection
from tests.faults.place import SIZE, Clock, Place, is_full, outcome, specimen, specimens, within
from tests.support.specimens import Specimen

pytestmark = pytest.mark.faults


async def test_waiting_ends_at_the_deadline(place: Place) -> None:
    async with place.open(timeout=0.3) as db:
        await db.base.execute_query("select 1")
        holding = [asyncio.create_task(db.base.execute_query("select pg_sleep(1)")) for _ in range(SIZE)]
        await asyncio.sleep(0.1)
        with Clock() as clock:
            errors = await asyncio.gather(*(outcome(specimens(db).specimens.count()) for _ in range(30)))
        print(f"\n30 calls waited {clock.seconds:.3f} s of 0.3")
        assert {type(each) for each in errors} == {PoolTimeout}
        assert 0.29 <= clock.seconds < 0.6
        await asyncio.gather(*holding)
        assert await is_full(db)


@pytest.mark.parametrize("workers", [2, 20])
async def test_closing_under_load_lets_accepted_calls_finish(place: Place, workers: int) -> None:
    """With more workers than connections, calls are waiting for one as the pool closes."""
    found, acked, refused = Counter[str](), set[str](), set[str]()

    async def load(rows: Collection[Specimen, uuid.UUID], worker: str, stop: asyncio.Event) -> None:
        number = 0
        while not stop.is_set():
            words, number = f"{worker}/{number}", number + 1
            error = await outcome(rows.add(specimen(words)))
            found["finished" if error is None else type(error).__name__] += 1
            (acked if error is None else refused).add(words)
            await asyncio.sleep(0)

    for turn in range(10):
        db = await place.open()
        rows, stop = specimens(db).specimens, asyncio.Event()
        loads = [asyncio.create_task(load(rows, f"{turn}/{each}", stop)) for each in range(workers)]
        await asyncio.sleep(0.05)
        with Clock() as clock:
            await within(5, db.close())
        stop.set()
        await asyncio.gather(*loads)
        assert clock.seconds < 1
        assert type(await outcome(rows.count())) is PoolClosed
        assert await place.no_session_left()
    stored = {each["words"] for each in await place.admin.fetch("select words from specimens")}
    print(f"\n{workers} workers: {dict(found)}")
    assert found.keys() == {"finished", "PoolClosed"}
    assert acked == stored
    assert refused & stored == set()


async def test_closing_ends_what_does_not_end_by_itself(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeport.adapters.postgres.lean_pool.CLOSE_SECONDS", 0.2)
    db = await place.open()
    slow = [asyncio.create_task(outcome(db.base.execute_query("select pg_sleep(1)"))) for _ in range(SIZE)]
    await asyncio.sleep(0.1)
    waiting = asyncio.create_task(outcome(specimens(db).specimens.count()))
    await asyncio.sleep(0)
    with Clock() as clock:
        await db.close()
    assert clock.seconds < 0.5
    assert {type(each) for each in await asyncio.gather(*slow)} == {OutcomeUnknown}
    assert type(await within(1, waiting)) is PoolClosed
    assert await place.no_session_left()
