"""Server processes and what they need: an account, a short folder, a free port, an end. Knows no server by name."""

import asyncio
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import attrs

from homeport.testing.servers import supervisor

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
# A socket's path holds 107 characters, and the name of PostgreSQL's takes 17.
LONGEST_FOLDER = 85


@attrs.frozen(kw_only=True)
class Order:
    """What to run. `removes` is a folder that goes when the process has been stopped."""

    command: Sequence[str | Path]
    log: Path
    stop_with: signal.Signals
    account: str | None = None
    environment: Mapping[str, str] | None = None
    removes: Path | None = None


class Process:
    """A running server of ours. It ends with `stop`, or with this program, even if that is killed."""

    def __init__(self, order: Order) -> None:
        self._removes = order.removes
        told = {"stop_with": order.stop_with.name, "account": order.account, "removes": order.removes}
        script = [sys.executable, "-I", "-S", supervisor.__file__]
        with order.log.open("ab") as log:
            self._supervisor = subprocess.Popen(
                [*script, json.dumps({k: str(v) for k, v in told.items() if v is not None}), *order.command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=order.environment,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        return self._supervisor.poll() is None

    def stop(self) -> None:
        """Returns when the server has ended; a second call does nothing."""
        if self._supervisor.stdin is not None:
            self._supervisor.stdin.close()
        try:
            self._supervisor.wait(supervisor.GRACE * 2)
        except subprocess.TimeoutExpired:
            # Not yet waited for, so the group's id is still ours.
            os.killpg(self._supervisor.pid, signal.SIGKILL)
            self._supervisor.wait()
        if self._removes is not None:
            shutil.rmtree(self._removes, ignore_errors=True)


def stopping(stop: Callable[[], None]) -> Callable[[], None]:
    """`stop`, run at most once, at the end of this program at the latest, and never by a forked child."""
    owner = os.getpid()
    done = False

    def close() -> None:
        nonlocal done
        atexit.unregister(close)
        if not done and os.getpid() == owner:
            done = True
            stop()

    atexit.register(close)
    return close


def free_port() -> int:
    """A loopback port that the kernel gives to nobody else for a minute, but that a server may listen on.

    It is left in TIME_WAIT: only a socket with SO_REUSEADDR may bind it, and servers set that.
    """
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.listen(1)
        port: int = listener.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)) as client:
            accepted, _ = listener.accept()
            accepted.close()  # the end that closes first is the one that waits
            client.recv(1)
    return port


def server_account() -> str | None:
    """The account a server has to run as: PostgreSQL refuses to run as root. None means ours will do."""
    if os.geteuid() != 0:
        return None
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def new_folder(account: str | None = None) -> Path:
    """A temporary folder, closed to other users, with a path short enough for a socket."""
    usual = tempfile.gettempdir()
    short = account is None and len(usual) <= LONGEST_FOLDER - len("/homeport-12345678")
    folder = Path(tempfile.mkdtemp(prefix="homeport-", dir=usual if short else "/tmp"))  # noqa: S108  mkdtemp made it
    if account is not None:
        shutil.chown(folder, account)
    return folder


def text_of(log: Path) -> str:
    """What a log holds; empty when it has gone with its server."""
    try:
        return log.read_text(errors="replace")
    except FileNotFoundError:
        return ""


def apart(work: Callable[[], Coroutine[object, object, T]]) -> T:
    """Runs a coroutine to its end on another thread's loop, so that a fixture may ask from inside a running one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()
