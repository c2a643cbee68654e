"""A script: passes bytes on between clients and one server, each way some time later. It ends when its input closes.

Standard library only; it is started by `Delay`, which knows nothing else of it.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

PIECE = 1 << 18


class Delay:
    """Such a process, running. Addresses are a socket's path, or host and port."""

    def __init__(self, at: str | tuple[str, int], to: str | tuple[str, int], seconds: float) -> None:
        """`seconds` are for one way. Returns when it listens."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, json.dumps([at, to, seconds])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise RuntimeError("the delaying process did not start")

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def main(at: str | Sequence[Any], to: str | Sequence[Any], seconds: float) -> None:
    threading.Thread(target=_end_with_input, daemon=True).start()
    listener = _socket(at)
    if not isinstance(at, str):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(_address(at))
    if isinstance(at, str):
        os.chmod(at, 0o777)  # noqa: PTH101 - no need of pathlib here
    listener.listen(64)
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        server = _socket(to)
        server.connect(_address(to))
        for one, other in ((client, server), (server, client)):
            if not isinstance(to, str):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_pass_on, args=(one, other, seconds), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, seconds: float) -> None:
    try:
        while data := source.recv(PIECE):
            time.sleep(seconds)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for each in (source, target):
            each.close()


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def _socket(address: object) -> socket.socket:
    return socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)


def _address(address: str | Sequence[Any]) -> Any:
    return address if isinstance(address, str) else tuple(address)


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
