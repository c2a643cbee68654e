"""A script: runs one server as its child, and stops it when standard input closes.

Standard input is a pipe held by the program that wants the server. It closes however that program ends, so no server
outlives it. The child is only ever reached by its own handle. Standard library only.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping

GRACE = 15.0


def main(order: Mapping[str, str], command: list[str]) -> int:
    account = order.get("account")
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        cwd="/",
        user=account,
        group=group_of(account),
        extra_groups=None if account is None else (),
    )
    stop_with = signal.Signals[order["stop_with"]]
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: child.send_signal(stop_with))
    threading.Thread(target=_stop_at_end_of_input, args=(child, stop_with, asked), daemon=True).start()
    code = child.wait()
    # A child that ended unasked leaves its log to the program, which is still there to read it.
    if "removes" in order and asked.is_set():
        shutil.rmtree(order["removes"], ignore_errors=True)
    return 0 if code == 0 else 1


def group_of(account: str | None) -> int | None:
    """The account's own group; none for none, which leaves a process in ours."""
    if account is None:
        return None
    import pwd

    return pwd.getpwnam(account).pw_gid


def _stop_at_end_of_input(child: "subprocess.Popen[bytes]", stop_with: signal.Signals, asked: threading.Event) -> None:
    # Not sys.stdin: its lock, held here, would abort the interpreter at its end.
    while os.read(0, 4096):
        pass
    asked.set()
    child.send_signal(stop_with)
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[2:]))
