"""Pytest fixtures for an application's tests, for those who say `pytest_plugins = ["homeport.testing.plugin"]`."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from homeport.composition import Contexts, Homeport, in_memory
from homeport.testing.transaction import rolled_back as in_a_transaction

DATABASE_VARIABLES = ("HOMEPORT_TEST_DATABASE_URL", "TEST_DATABASE_URL")


@pytest.fixture
def homeport_contexts() -> Contexts | None:
    """The contexts that the fixtures install: all shipped ones. Override it to name one's own."""
    return None


@pytest.fixture
def homeport_memory(homeport_contexts: Contexts | None) -> Homeport:
    """An empty Homeport on the memory adapter, a new one for each test."""
    return in_memory(homeport_contexts)


@pytest.fixture
def homeport_database_url() -> str:
    """The migrated test database of `rolled_back`, from the environment. Override it to start one of one's own."""
    for name in DATABASE_VARIABLES:
        if os.environ.get(name):
            return os.environ[name]
    pytest.skip(f"no test database: set {' or '.join(DATABASE_VARIABLES)}")


@pytest_asyncio.fixture
async def rolled_back(homeport_database_url: str, homeport_contexts: Contexts | None) -> AsyncIterator[Homeport]:
    """A Homeport on PostgreSQL in a transaction of the test's own; see `homeport.testing.transaction` for its limits.

    The fixture and the test share a connection, so they have to run in the same event loop, as they do by default.
    """
    async with in_a_transaction(homeport_database_url, homeport_contexts) as db:
        yield db
