"""Where pgbouncer's program is, and how apt brings it, unpacked and not installed. Knows nothing of running it."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import attrs

import homeport
from homeport.testing.servers.errors import ServerMissing

PACKAGE = "pgbouncer"
PROGRAM_VARIABLE = "HOMEPORT_TEST_PGBOUNCER"
INSTALLED = Path("/usr/sbin/pgbouncer")
HOW_TO_GET_ONE = (
    f"on Debian make pgbouncer, after apt-get update; elsewhere name a program of version 1.18 or later in "
    f"{PROGRAM_VARIABLE}"
)


@attrs.frozen
class PgbouncerProgram:
    """The program, and the folder with those of its libraries that the system lacks."""

    path: Path
    libraries: Path | None = None


def find_pgbouncer() -> PgbouncerProgram:
    """The program named by HOMEPORT_TEST_PGBOUNCER, else the one in the repository's cache, else the system's.

    Raises:
        ServerMissing: if there is none, or the named one is no program.
    """
    named = os.environ.get(PROGRAM_VARIABLE)
    if named:
        if not os.access(named, os.X_OK):
            raise ServerMissing(f"{PROGRAM_VARIABLE} names {named}, which is no program", HOW_TO_GET_ONE)
        return PgbouncerProgram(Path(named))
    ours = _unpacked(Path(homeport.__file__).parent.parent / ".cache" / PACKAGE)
    if os.access(ours.path, os.X_OK):
        return ours
    if os.access(INSTALLED, os.X_OK):
        return PgbouncerProgram(INSTALLED)
    raise ServerMissing(f"{PACKAGE} is neither in the repository's .cache nor installed", HOW_TO_GET_ONE)


def _unpacked(folder: Path) -> PgbouncerProgram:
    return PgbouncerProgram(folder / "pgbouncer", folder / "lib")


def install_pgbouncer(to: str | Path) -> PgbouncerProgram:
    """Has apt fetch Debian's package, and the libraries that are missing here, and takes the program out of them.

    Nothing is installed, and root is not needed. Does nothing if the folder has it already.

    Raises:
        ServerMissing: if apt is not there, or can't fetch it.
    """
    folder = Path(to)
    if _unpacked(folder).path.exists():
        return _unpacked(folder)
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise ServerMissing(f"{PACKAGE} is fetched by {tool}, which is not installed", HOW_TO_GET_ONE)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        _fetch(Path(aside).resolve())
        made = _taken_out(Path(aside))
        shutil.rmtree(folder, ignore_errors=True)
        made.replace(folder)
    return _unpacked(folder)


def _fetch(aside: Path) -> None:
    """The package, and the libraries that apt would install with it; not the administrator's scripts and Perl."""
    plan = _run(["apt-get", "install", "--simulate", "--no-install-recommends", PACKAGE], aside)
    new = re.findall(r"^Inst (\S+) \(", plan, re.MULTILINE)  # an update shows its old version before the bracket
    wanted = {PACKAGE, *(name for name in new if name.startswith("lib") and not name.endswith("-perl"))}
    _run(["apt-get", "download", *sorted(wanted)], aside)
    for package in sorted(aside.glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(package), str(aside / "root")], aside)


def _taken_out(aside: Path) -> Path:
    made = aside / "made"
    libraries = made / "lib"
    libraries.mkdir(parents=True)
    for each in (aside / "root").rglob("lib*.so*"):
        if each.is_file():
            shutil.copy(each, libraries / each.name)
    shutil.copy(aside / "root" / "usr" / "sbin" / "pgbouncer", _unpacked(made).path)
    return made


def _run(command: Sequence[str], folder: Path) -> str:
    kept = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServerMissing(f"{' '.join(command[:2])} could not fetch {PACKAGE}: {done.stderr.strip()}", HOW_TO_GET_ONE)
    return done.stdout
