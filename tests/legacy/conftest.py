"""A real PostgreSQL and two PostgREST: one with a row cap of 5, one as Supabase runs it. Both far from UTC."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import asyncpg
import attrs
import pytest

from homeport.adapters.supabase_legacy import open_legacy
from homeport.adapters.supabase_legacy.store import LegacyStore
from homeport.adapters.supabase_legacy.transport import Transport
from homeport.kernel.catalog import Catalog
from homeport.kernel.pages import CursorSigner
from homeport.testing import servers
from tests.legacy import schema
from tests.support.specimens import SPECIMENS, StoredSpecimens

ROW_CAP = 5
DATABASE = f"hp_legacy_tests_{os.getpid()}"
SECRET = "a-secret-of-at-least-thirty-two-characters"
CATALOG = Catalog.of(SPECIMENS.tables)


@attrs.frozen
class Rig:
    """`url` has the row cap of 5, and takes who has no token for the service; `wide_url` has a cap of 1000."""

    url: str
    wide_url: str
    dsn: str
    service: str


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """Without servers a loud skip; where CI=true, an error."""
    with ExitStack() as stack:
        try:
            opened = _opened(stack)
        except servers.ServerMissing as missing:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(missing))
        yield opened


def _opened(stack: ExitStack) -> Rig:
    postgres = servers.start_postgres()
    stack.callback(postgres.close)
    stack.callback(lambda: asyncio.run(servers.drop_database(postgres, DATABASE)))
    dsn = asyncio.run(_load(postgres))
    login = postgres.url(DATABASE, "hp_legacy_login", "legacy")
    narrow = servers.start_postgrest(login, jwt_secret=SECRET, anon_role="service_role", max_rows=ROW_CAP)
    stack.callback(narrow.stop)
    wide = servers.start_postgrest(login, jwt_secret=SECRET, max_rows=1000)
    stack.callback(wide.stop)
    return Rig(narrow.url, wide.url, dsn, servers.token(SECRET, "service_role"))


@pytest.fixture(scope="session")
async def transport(rig: Rig) -> AsyncIterator[Transport]:
    opened = Transport(rig.url)
    yield opened
    await opened.aclose()


@pytest.fixture(scope="session")
async def owner(rig: Rig) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection, past PostgREST."""
    connection = await asyncpg.connect(rig.dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def emptied(owner: asyncpg.Connection) -> None:
    await owner.execute("truncate specimens, crates, labels")


@pytest.fixture
async def store(rig: Rig, emptied: None) -> AsyncIterator[LegacyStore]:
    """As Supabase would serve it."""
    opened = await open_legacy(rig.wide_url, rig.service, catalog=CATALOG, cursors=CursorSigner())
    yield opened
    await opened.close()


@pytest.fixture
async def narrow(rig: Rig, emptied: None) -> AsyncIterator[LegacyStore]:
    """Where an answer has 5 rows at most."""
    opened = await open_legacy(rig.url, rig.service, catalog=CATALOG, cursors=CursorSigner())
    yield opened
    await opened.close()


@pytest.fixture
def stored(store: LegacyStore) -> StoredSpecimens:
    return StoredSpecimens(store)


async def _load(postgres: servers.PostgresServer) -> str:
    dsn = await servers.create_database(postgres, DATABASE)
    connection = await asyncpg.connect(dsn)
    await connection.execute(schema.ROLES + schema.SAMPLES + schema.GROWING + schema.SPECIMENS)
    await connection.close()
    return dsn
