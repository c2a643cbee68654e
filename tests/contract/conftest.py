"""What the tests on the specimens start from, and company for every get where gets are coalesced."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from homeport.composition import Homeport
from homeport.kernel.query import Select
from homeport.middleware.coalesce import CoalescedStore, get_of
from homeport.testing.rig import coalesced
from tests.support.specimens import SPECIMENS, Crate, StoredSpecimens


@pytest.fixture
def stored(db: Homeport) -> StoredSpecimens:
    return db.repository(SPECIMENS)


@pytest.fixture
async def crate(stored: StoredSpecimens) -> Crate:
    return await stored.crates.create({"code": "c1"})


@pytest.fixture
async def other(stored: StoredSpecimens) -> Crate:
    return await stored.crates.create({"code": "c2"})


@pytest.fixture(autouse=True, scope="session")
def no_get_alone() -> Iterator[None]:
    """With HOMEPORT_TEST_COALESCE every get is asked twice at once, so that the tests meet the statement for many."""
    alone = CoalescedStore.fetch

    async def twice(store: CoalescedStore, query: Select[Any], /) -> list[Any]:
        if get_of(query) is None:
            return await alone(store, query)
        first, second = await asyncio.gather(alone(store, query), alone(store, query))
        assert first == second
        return first

    with pytest.MonkeyPatch.context() as patch:
        if coalesced():
            patch.setattr(CoalescedStore, "fetch", twice)
        yield
