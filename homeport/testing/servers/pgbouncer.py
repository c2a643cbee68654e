"""A pgbouncer before a PostgreSQL server, lending its connections for one transaction each."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from homeport.testing.servers.errors import ServerFailed
from homeport.testing.servers.pgbouncer_program import PgbouncerProgram, find_pgbouncer
from homeport.testing.servers.processes import (
    LOOPBACK,
    Order,
    Process,
    free_port,
    new_folder,
    server_account,
    stopping,
    text_of,
)


@attrs.frozen(kw_only=True, eq=False)
class PgbouncerServer:
    """A pooler that accepts connections.

    Attributes:
        port: host and port, for `PostgresServer.url(.., at=port)`.
        version: as the program tells it: "1.18.0".
        source: where it was found, for a person to read.
        log: what it has written so far.
    """

    port: tuple[str, int]
    version: str
    source: str
    log: Callable[[], str] = attrs.field(repr=False)
    _stop: Callable[[], None] = attrs.field(repr=False)

    def stop(self) -> None:
        """Stops it, and drops every connection through it; a second call does nothing. Runs at exit by itself."""
        self._stop()


def start_pgbouncer(
    to: tuple[str, int], users: Mapping[str, str], *, pool: int = 10, settings: Mapping[str, str] | None = None
) -> PgbouncerServer:
    """Starts one before the server on that host and port, and returns when it accepts connections.

    Only these users, by name and password, are let in; they log in to the server with the same. `pool` is the most
    server connections for a pair of user and database. `settings` are further ones by pgbouncer's names, such as
    `pool_mode` or `ignore_startup_parameters`: without that it refuses every startup parameter but its few own.

    Raises:
        ServerMissing: if there is none.
        ServerFailed: if it did not start.
    """
    found = find_pgbouncer()
    account = server_account()
    folder = new_folder(account)
    try:
        usable = _copied(found, folder)
        version = _version(usable)
        port = free_port()
        _configure(folder, account, {"listen_port": str(port), "default_pool_size": str(pool), **(settings or {})}, to)
        _write(folder / "users", account, "".join(f"{_quoted(k)} {_quoted(v)}\n" for k, v in users.items()))
        process = Process(_order(usable, account, folder))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    stop = stopping(process.stop)
    try:
        _wait(port, process, folder / "log")
    except BaseException:
        stop()
        raise
    return PgbouncerServer(
        port=(LOOPBACK, port),
        version=version,
        source=f"the program {found.path}",
        log=lambda: text_of(folder / "log"),
        stop=stop,
    )


def _copied(found: PgbouncerProgram, folder: Path) -> PgbouncerProgram:
    """Where the account can run it: the repository may lie below a folder that is closed to it."""
    place = folder / "program"
    place.mkdir(mode=0o755)
    shutil.copy(found.path, place)
    if found.libraries is not None:
        shutil.copytree(found.libraries, place / "lib")
    return PgbouncerProgram(place / found.path.name, place / "lib")


def _version(program: PgbouncerProgram) -> str:
    done = subprocess.run(
        [program.path, "--version"], env=_environment(program), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ServerFailed("pgbouncer does not run", done.stdout + done.stderr)
    return done.stdout.split()[1]


def _environment(program: PgbouncerProgram) -> dict[str, str]:
    return {**os.environ, "LD_LIBRARY_PATH": str(program.libraries)}


def _configure(folder: Path, account: str | None, settings: Mapping[str, str], to: tuple[str, int]) -> None:
    given = {
        "listen_addr": LOOPBACK,
        "unix_socket_dir": "",
        "pool_mode": "transaction",
        # Plain passwords in the file serve both ways in: its client's proof is checked, and the server's answered.
        "auth_type": "scram-sha-256",
        "auth_file": str(folder / "users"),
        "max_client_conn": "200",
        **settings,
    }
    lines = ["[databases]", f"* = host={to[0]} port={to[1]}", "[pgbouncer]", *(f"{k} = {v}" for k, v in given.items())]
    _write(folder / "pgbouncer.ini", account, "\n".join(lines) + "\n")


def _write(file: Path, account: str | None, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)
    if account is not None:
        shutil.chown(file, account)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _order(program: PgbouncerProgram, account: str | None, folder: Path) -> Order:
    return Order(
        command=[program.path, folder / "pgbouncer.ini"],
        log=folder / "log",
        stop_with=signal.SIGTERM,  # at once; SIGINT would wait for its clients
        account=account,
        environment=_environment(program),
        removes=folder,
    )


def _wait(port: int, process: Process, log: Path, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((LOOPBACK, port), 1).close()
            return
        except OSError:
            pass
        if not process.running:
            raise ServerFailed("pgbouncer ended while starting", text_of(log))
        if time.monotonic() > deadline:
            raise ServerFailed(f"pgbouncer did not accept connections in {seconds:.0f} s", text_of(log))
        time.sleep(0.01)
