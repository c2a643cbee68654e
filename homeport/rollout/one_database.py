"""Whether the adapters are of one database, as far as this process knows."""

import asyncio
from collections.abc import Awaitable, Callable

import attrs

ASKED_AGAIN = 5.0
"""Seconds until it is asked once more where nobody answered."""


@attrs.frozen
class Apart:
    """Why canary writes would split the truth. It was `seen` that the databases differ, or it could not be asked."""

    reason: str
    seen: bool = False


@attrs.define(eq=False)
class OneDatabase:
    """What was found out; `apart` is None where it is one. Everybody who holds it learns a later answer."""

    apart: Apart | None = None

    async def settle(
        self,
        ask: Callable[[], Awaitable[Apart | None]],
        tell: Callable[[str, str], None],
        *,
        seconds: float = ASKED_AGAIN,
    ) -> None:
        """Asks again until there is an answer, which is told."""
        if self.apart is None or self.apart.seen:
            return
        while self.apart is not None and not self.apart.seen:
            await asyncio.sleep(seconds)
            self.apart = await ask()
        tell("rollout", "both adapters are one database" if self.apart is None else self.apart.reason)
