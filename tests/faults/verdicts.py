"""What was said of calls under faults, held against what is stored in the end."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import attrs

from homeport.kernel.errors import OutcomeUnknown, RepositoryError, RepositoryUnavailableError


@attrs.define
class Verdicts:
    """By the words that each call writes: acknowledged, left open, or failed for certain."""

    acked: set[str] = attrs.field(factory=set)
    unknown: set[str] = attrs.field(factory=set)
    failed: dict[str, RepositoryError] = attrs.field(factory=dict)

    async def load(self, worker: int, stop: asyncio.Event, write: Callable[[str], Awaitable[object]]) -> None:
        """One call after the other, each with words of its own, until it is told to stop."""
        number = 0
        while not stop.is_set():
            words, number = f"{worker}/{number}", number + 1
            try:
                await write(words)
            except OutcomeUnknown:
                self.unknown.add(words)
            except RepositoryError as error:
                self.failed[words] = error
            else:
                self.acked.add(words)

    def hold(self, stored: Counter[str], *, rows: int) -> None:
        """Every verdict is true of what is stored; a call that wrote has so many rows, neither fewer nor more."""
        assert self.acked - stored.keys() == set(), "acknowledged, and lost"
        assert set(stored.values()) <= {rows}, "half done, or done twice"
        assert self.failed.keys() & stored.keys() == set(), "said to have failed, and stored"
        assert {type(each) for each in self.failed.values()} <= {RepositoryUnavailableError}

    def __str__(self) -> str:
        kinds = dict(Counter(type(each).__name__ for each in self.failed.values()))
        return f"{len(self.acked)} acknowledged, {len(self.unknown)} unknown, {len(self.failed)} failed {kinds}"
