"""A pgbouncer before the rig's server: who is let in, what it lends, how it ends, and where it comes from."""

import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

import homeport
from homeport.testing.rig import without_server
from homeport.testing.servers import (
    PgbouncerServer,
    PostgresServer,
    ServerFailed,
    ServerMissing,
    install_pgbouncer,
    pgbouncer_program,
    start_pgbouncer,
)

WHO, PASSWORD = "rig bouncer", 'a "b" c'


@pytest.fixture
async def bouncer(
    server: PostgresServer, connection: "asyncpg.Connection[asyncpg.Record]"
) -> "AsyncIterator[PgbouncerServer]":
    if server.port is None:
        pytest.skip("this server has no port")
    try:
        running = start_pgbouncer(server.port, {WHO: PASSWORD}, pool=1)
    except ServerMissing as missing:
        without_server(missing)
        raise
    await connection.execute(f"create role \"{WHO}\" login password '{PASSWORD}'")
    yield running
    running.stop()
    await connection.execute(f'drop role "{WHO}"')


async def through(bouncer: PgbouncerServer, server: PostgresServer, password: str = PASSWORD) -> list[object]:
    """The process that serves each of two clients that are there at once."""
    url = server.url("postgres", user=WHO, password=password, at=bouncer.port)
    first = await asyncpg.connect(url, statement_cache_size=0)
    second = await asyncpg.connect(url, statement_cache_size=0)
    try:
        return [await each.fetchval("select pg_backend_pid()") for each in (first, second)]
    finally:
        await first.close()
        await second.close()


async def test_its_clients_take_turns_on_one_connection(bouncer: PgbouncerServer, server: PostgresServer) -> None:
    first, second = await through(bouncer, server)
    assert first == second
    assert int(bouncer.version.split(".")[1]) >= 18
    assert bouncer.source.endswith("pgbouncer")
    assert PASSWORD not in bouncer.log()


async def test_who_gives_a_wrong_password_is_refused(bouncer: PgbouncerServer, server: PostgresServer) -> None:
    with pytest.raises(asyncpg.PostgresError, match="authentication failed"):
        await through(bouncer, server, "wrong")


async def test_a_stopped_one_is_gone(bouncer: PgbouncerServer, server: PostgresServer) -> None:
    bouncer.stop()
    bouncer.stop()
    with pytest.raises(ConnectionRefusedError):
        await through(bouncer, server)
    assert bouncer.log() == "", "its folder is removed"


async def test_one_that_cannot_start_shows_its_log(bouncer: PgbouncerServer) -> None:
    with pytest.raises(ServerFailed, match="ended while starting") as caught:
        start_pgbouncer(bouncer.port, {}, settings={"pool_mode": "sometimes"})
    assert 'invalid value "sometimes"' in caught.value.log


def test_a_named_program_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEPORT_TEST_PGBOUNCER", "/no/such/program")
    with pytest.raises(ServerMissing, match="HOMEPORT_TEST_PGBOUNCER names /no/such/program"):
        start_pgbouncer(("127.0.0.1", 1), {})


def test_where_there_is_none_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HOMEPORT_TEST_PGBOUNCER", raising=False)
    monkeypatch.setattr(homeport, "__file__", str(tmp_path / "homeport" / "__init__.py"))
    monkeypatch.setattr(pgbouncer_program, "INSTALLED", tmp_path / "none")
    with pytest.raises(ServerMissing) as caught:
        start_pgbouncer(("127.0.0.1", 1), {})
    assert "make pgbouncer" in caught.value.how_to_get_it


APT = f"""#!{sys.executable}
import pathlib, sys
if "--simulate" in sys.argv:
    print("Inst libc6 [2.1] (2.2 Debian)")
    for name in ("libsmall1", "libx-perl", "pgbouncer"):
        print(f"Inst {{name}} (1 Debian)")
else:
    assert sys.argv[1:] == ["download", "libsmall1", "pgbouncer"], sys.argv
    for name in sys.argv[2:]:
        pathlib.Path(name + ".deb").touch()
"""
DPKG = f"""#!{sys.executable}
import pathlib, sys
package, root = map(pathlib.Path, sys.argv[2:])
file = root / ("usr/sbin/pgbouncer" if package.stem == "pgbouncer" else "usr/lib/triplet/libsmall.so.1")
file.parent.mkdir(parents=True)
file.write_text(package.stem)
"""


def test_apt_brings_the_program_and_the_libraries_that_are_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in (("apt-get", APT), ("dpkg-deb", DPKG)):
        (tools / name).write_text(text)
        (tools / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    found = install_pgbouncer(tmp_path / "cache" / "pgbouncer")
    assert found.path.read_text() == "pgbouncer"
    assert found.libraries is not None
    assert [each.name for each in found.libraries.iterdir()] == ["libsmall.so.1"]
    assert list((tmp_path / "cache").iterdir()) == [tmp_path / "cache" / "pgbouncer"]
    (tools / "apt-get").unlink()
    assert install_pgbouncer(tmp_path / "cache" / "pgbouncer") == found


def test_without_apt_it_says_what_else_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerMissing, match="apt-get, which is not installed"):
        install_pgbouncer(tmp_path / "pgbouncer")
