"""The memory engine under cancelled calls: rows, indexes and counters go on agreeing."""

import asyncio
import random
from collections import Counter
from contextlib import aclosing, suppress
from typing import Any

import pytest

from homeport.composition import in_memory
from homeport.kernel.errors import UniqueViolation
from homeport.testing.rig import selected
from tests.faults.place import CONTEXTS, specimens
from tests.support.specimens import SPECIMENS

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif("memory" not in selected(), reason="HOMEPORT_TEST_ADAPTERS leaves memory out"),
]

ROUNDS = 60
AT_ONCE = 20


async def test_cancelled_calls_leave_the_engine_consistent() -> None:
    rng = random.Random(22)
    ended = Counter[str]()
    db = in_memory(CONTEXTS)
    stored = specimens(db)
    engine: Any = db.store(SPECIMENS).engine  # type: ignore[attr-defined]  # the memory store's own
    crates = await stored.crates.create_many([{"code": str(each)} for each in range(10)])
    await stored.crates.create({"code": "same"})

    async def one(tag: str) -> None:
        crate = rng.choice(crates)
        for step in range(4):
            await asyncio.sleep(0)
            label = await stored.labels.create({"crate_id": crate.id, "name": f"{tag}-{step}"})
            await asyncio.sleep(0)
            await stored.labels.update(label.id, {"crate_id": rng.choice(crates).id})
            if step % 2:
                await stored.labels.soft_delete(label.id)
            await stored.crates.bulk_create([{"code": f"{tag}-{step}-{each}"} for each in range(5)])
            with suppress(UniqueViolation):
                await stored.crates.bulk_create([{"code": f"{tag}-{step}-never"}, {"code": "same"}])
            async with aclosing(stored.labels.stream()) as rows:  # type: ignore[type-var]
                async for _ in rows:
                    await asyncio.sleep(0)
                    break

    for turn in range(ROUNDS):
        tasks = [asyncio.ensure_future(one(f"{turn}-{each}")) for each in range(AT_ONCE)]
        for _ in range(rng.randrange(15)):
            await asyncio.sleep(0)
        for task in tasks:
            if rng.random() < 0.7:
                task.cancel()
        for error in await asyncio.gather(*tasks, return_exceptions=True):
            assert error is None or isinstance(error, asyncio.CancelledError)
            ended[type(error).__name__] += 1
        assert engine.check() == []
    written = Counter(each.code.rpartition("-")[0] for each in await stored.crates.find_many() if "-" in each.code)
    print(f"\n{dict(ended)}; {len(written)} bulks of {set(written.values())} rows")
    assert set(written.values()) == {5}
    assert ended["CancelledError"] > 400
    await db.close()
