"""Why a server is not there.

Exception
├── ServerMissing    no server of this kind can be had here
└── ServerFailed     one was found and did not start, or did not answer
"""

LOG_TAIL = 3000


class ServerMissing(Exception):
    """Nothing was started; a test leg that meets this is skipped loudly, or fails in CI.

    Attributes:
        reason: what was looked for, and what was found instead.
        how_to_get_it: what a person can do about it.
    """

    def __init__(self, reason: str, how_to_get_it: str) -> None:
        super().__init__(f"{reason}. To get it: {how_to_get_it}")
        self.reason = reason
        self.how_to_get_it = how_to_get_it


class ServerFailed(Exception):
    """What was started has been stopped again.

    Attributes:
        reason: which server, and what it did.
        log: the end of what it wrote; empty where it wrote nothing.
    """

    def __init__(self, reason: str, log: str = "") -> None:
        self.reason = reason
        self.log = log[-LOG_TAIL:]
        super().__init__(f"{reason}\n{self.log}".rstrip())
