"""One server and one database for these tests, with tables of their own; emptied before each test."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from homeport.adapters.postgres import PostgresStore, open_postgres
from homeport.kernel.catalog import Catalog
from homeport.kernel.pages import CursorSigner
from homeport.testing.servers import (
    PostgresServer,
    ServerMissing,
    create_database,
    drop_database,
    leaks,
    start_postgres,
)
from tests.postgres.tables import CRATE, EMPTY, FIND, LABEL, LIGHTEN, SAMPLE, SCHEMA

DATABASE = "homeport_postgres_tests"


@pytest.fixture(scope="session")
def server() -> PostgresServer:
    try:
        return start_postgres()
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest_asyncio.fixture(scope="session")
async def url(server: PostgresServer) -> AsyncIterator[str]:
    await drop_database(server, DATABASE)
    made = await create_database(server, DATABASE)
    connection = await asyncpg.connect(made)
    await connection.execute(SCHEMA)
    await connection.close()
    yield made
    await drop_database(server, DATABASE)
    server.close()


@pytest_asyncio.fixture(scope="session")
async def admin(url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def clean(admin: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[None]:
    """Empty tables before, nothing left open behind."""
    await admin.execute(EMPTY)
    yield
    assert await leaks(admin, database=DATABASE) == []


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.of([SAMPLE, CRATE, LABEL])


@pytest_asyncio.fixture(scope="session")
async def session_store(url: str, catalog: Catalog) -> AsyncIterator[PostgresStore]:
    store = await open_postgres(url, catalog=catalog, cursors=CursorSigner(), operations=[FIND, LIGHTEN], max_size=4)
    yield store
    await store.close()


@pytest.fixture
def store(session_store: PostgresStore, clean: None) -> PostgresStore:
    return session_store
