"""A database of the session's server for the fault tests alone, empty before each, searched for leaks after it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from homeport.testing.rig import Rig, selected, without_server
from homeport.testing.servers import ServerMissing, clean_statement
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
