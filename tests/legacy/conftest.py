"""A real PostgreSQL and two PostgREST: one with a row cap of 5, one as Supabase runs it. Both far from UTC."""

import asyncio
from collections.abc import AsyncIterator, Iterator

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
    try:
        postgres = servers.start_postgres()
    except servers.ServerMissing as missing:
        pytest.skip(str(missing))
    try:
        dsn = asyncio.run(_load(postgres))
        login = postgres.url("hp_legacy_tests", "authenticator", "authenticator")
        narrow = servers.start_postgrest(login, jwt_secret=SECRET, anon_role="service_role", max_rows=ROW_CAP)
        wide = servers.start_postgrest(login, jwt_secret=SECRET, max_rows=1000)
        yield Rig(narrow.url, wide.url, dsn, servers.token(SECRET, "service_role"))
        narrow.stop()
        wide.stop()
    finally:
        postgres.close()


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
    dsn = await servers.create_database(postgres, "hp_legacy_tests")
    connection = await asyncpg.connect(dsn)
    await connection.execute(schema.ROLES + schema.SAMPLES + schema.SPECIMENS)
    await connection.close()
    return dsn
