"""Waiting for a PostgreSQL server to answer. Polls the server itself, never a clock."""

import asyncio
from collections.abc import Callable

import asyncpg
import attrs

from homeport.testing.servers.errors import ServerFailed
from homeport.testing.servers.processes import apart

# What a server says, or its port does, while it is on its way.
NOT_YET = (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError, asyncpg.ConnectionFailureError)

QUESTION = "select current_setting('server_version') as version, current_setting('is_superuser') = 'on' as superuser"


@attrs.frozen
class Answer:
    version: str
    superuser: bool


def ask(url: str) -> Answer:
    """One try. The driver's own error says why there was no answer."""
    return apart(lambda: _ask(url))


def wait(url: str, *, alive: Callable[[], bool], log: Callable[[], str], seconds: float = 60.0) -> Answer:
    """Asks until there is an answer.

    Raises:
        ServerFailed: if the server ended, or the time did.
    """
    try:
        return apart(lambda: _ask_until(url, alive, seconds))
    except TimeoutError:
        raise ServerFailed(f"PostgreSQL did not answer in {seconds:.0f} s", log()) from None
    except ChildProcessError:
        raise ServerFailed("PostgreSQL ended while starting", log()) from None


async def _ask_until(url: str, alive: Callable[[], bool], seconds: float) -> Answer:
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await _ask(url)
            except NOT_YET:
                if not alive():
                    raise ChildProcessError from None
                await asyncio.sleep(0.01)


async def _ask(url: str) -> Answer:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        row = await connection.fetchrow(QUESTION)
    finally:
        await connection.close()
    assert row is not None
    # Debian adds itself: "15.14 (Debian 15.14-0+deb12u1)"
    return Answer(row["version"].split()[0], row["superuser"])
