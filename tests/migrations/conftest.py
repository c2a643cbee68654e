"""A server, an empty database, and one with all contexts in it: each test gets its own, gone when it ends."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeAlias

import asyncpg
import pytest
import pytest_asyncio

from homeport.adapters.postgres.migrate import migrate_up
from homeport.adapters.postgres.migrate_logins import create_logins
from homeport.contexts import SHIPPED, resolve
from homeport.kernel.catalog import Catalog
from homeport.kernel.operation import Operation
from homeport.ports.context import Context
from homeport.testing.servers import PostgresServer, ServerMissing, create_database, drop_database, start_postgres
from tests.support.specimens import SPECIMENS

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Connect = Callable[[], Awaitable[Connection]]

TEMPLATE = "hp_migrations_template"
SECRET = "a secret of these tests' logins"


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    try:
        server = start_postgres()
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.close()


@pytest.fixture(scope="session")
def contexts() -> tuple[Context[Any], ...]:
    return resolve([*SHIPPED, SPECIMENS])


@pytest.fixture(scope="session")
def catalog(contexts: tuple[Context[Any], ...]) -> Catalog:
    return Catalog.of(table for each in contexts for table in each.tables)


@pytest.fixture(scope="session")
def operations(contexts: tuple[Context[Any], ...]) -> list[Operation[Any, Any]]:
    return [operation for each in contexts for operation in each.operations]


@pytest_asyncio.fixture(scope="session")
async def template(server: PostgresServer, contexts: tuple[Context[Any], ...]) -> AsyncIterator[str]:
    await drop_database(server, TEMPLATE)
    connection = await asyncpg.connect(await create_database(server, TEMPLATE))
    await migrate_up(connection, contexts)
    await create_logins(connection, authenticator=SECRET, service=SECRET)
    await connection.close()
    yield TEMPLATE
    await drop_database(server, TEMPLATE)


_numbers = itertools.count()


@pytest_asyncio.fixture
async def empty_database(server: PostgresServer) -> AsyncIterator[str]:
    """The URL of a database that Homeport has not seen."""
    name = f"hp_migrations_{next(_numbers)}"
    await drop_database(server, name)
    yield await create_database(server, name)
    await drop_database(server, name)


@pytest_asyncio.fixture
async def database(server: PostgresServer, template: str) -> AsyncIterator[str]:
    """The URL of a database with all contexts."""
    name = f"hp_migrations_{next(_numbers)}"
    await drop_database(server, name)
    yield await create_database(server, name, template=template)
    await drop_database(server, name)


@pytest_asyncio.fixture(scope="session")
async def shared_connection(server: PostgresServer, template: str) -> AsyncIterator[Connection]:
    name = "hp_migrations_shared"
    await drop_database(server, name)
    connection = await asyncpg.connect(await create_database(server, name, template=template))
    yield connection
    await connection.close(timeout=5)
    await drop_database(server, name)


@pytest_asyncio.fixture
async def shared(shared_connection: Connection) -> AsyncIterator[Connection]:
    """A database with all contexts for tests that need no commit: all that is done there is rolled back."""
    transaction = shared_connection.transaction()
    await transaction.start()
    yield shared_connection
    await transaction.rollback()


@pytest_asyncio.fixture
async def empty(empty_database: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(empty_database)
    yield connection
    await connection.close(timeout=5)


@pytest_asyncio.fixture
async def migrated(database: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close(timeout=5)


@pytest_asyncio.fixture
async def another(database: str) -> AsyncIterator[Connect]:
    """More connections to the database of `migrated`."""
    made: list[Connection] = []

    async def connect() -> Connection:
        made.append(await asyncpg.connect(database))
        return made[-1]

    yield connect
    for each in made:
        await each.close(timeout=5)
