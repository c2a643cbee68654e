"""The servers of the rig's own tests: one PostgreSQL for all of them, a database for each."""

import secrets
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from homeport.testing.servers import PostgresServer, create_database, drop_database, start_postgres


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    running = start_postgres()
    yield running
    running.close()


@pytest.fixture
async def database(server: PostgresServer) -> AsyncIterator[str]:
    name = f"rig_{secrets.token_hex(6)}"
    await create_database(server, name)
    yield name
    await drop_database(server, name)


@pytest.fixture
async def connection(server: PostgresServer, database: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    opened = await asyncpg.connect(server.url(database))
    yield opened
    await opened.close()
