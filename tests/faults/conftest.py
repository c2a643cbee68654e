"""A database of the session's server for the fault tests alone, empty before each, searched for leaks after it.

What breaks a whole server, or needs a standby, has a pair of servers of its own.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from homeport.testing.rig import Rig, selected, without_server
from homeport.testing.servers import Pair, ServerMissing, clean_statement, start_pair
from tests.faults.pairs import clean, migrate
from tests.faults.place import Place


@pytest_asyncio.fixture(scope="session")
async def session_place(rig: Rig) -> Place:
    if "postgres" not in selected():
        pytest.skip("HOMEPORT_TEST_ADAPTERS leaves postgres out")
    try:
        admin = await rig.admin("faults")
        return Place(rig.server(), await admin.fetchval("select current_database()"), admin)
    except ServerMissing as missing:
        without_server(missing)
        raise


@pytest_asyncio.fixture
async def place(session_place: Place) -> AsyncIterator[Place]:
    admin = session_place.admin
    await admin.execute(await clean_statement(admin, ("public",)))
    yield session_place
    assert await session_place.left() == []


@pytest_asyncio.fixture(scope="session")
async def session_pair(rig: Rig) -> AsyncIterator[Pair]:
    if "postgres" not in selected():
        pytest.skip("HOMEPORT_TEST_ADAPTERS leaves postgres out")
    try:
        pair = await asyncio.to_thread(start_pair)
    except ServerMissing as missing:
        rig.report.missing["standby"] = str(missing)
        without_server(missing)
        raise
    try:
        await migrate(pair)
        yield pair
    finally:
        await asyncio.to_thread(pair.close)


@pytest_asyncio.fixture
async def pair(session_pair: Pair) -> Pair:
    """Whether it has a standby is the test's business: `join` makes a new one."""
    await clean(session_pair)
    return session_pair
