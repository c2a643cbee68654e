"""The operations that are measured: what each is called with, how many calls are under way, what is compared."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import attrs

from benchmarks.data import WRITER, Sampler
from benchmarks.implementations import HELD, RAW
from benchmarks.implementations.base import Implementation

Arguments: TypeAlias = tuple[Any, ...]
PAGE = 50
BEFORE_PAGE = 25
"""How many rows stand before the keyset page: of a user's hundred, there is another page after it."""


@attrs.frozen(kw_only=True)
class Case:
    """One operation.

    Attributes:
        method: what is called of an implementation.
        draw: the arguments of one call.
        tasks, calls: how many tasks call it at once, and how often each does, one call after the other.
        writes: the writer's rows are removed after each block.
        prepare: what is done before with each call's arguments, unmeasured; it answers those of the call.
        base: the implementation that the others are compared with.
        long: too long for a quick run.
    """

    name: str
    title: str
    method: str
    draw: Callable[[Sampler], Arguments]
    tasks: int = 1
    calls: int = 1
    writes: bool = False
    prepare: Callable[[Any, Arguments], Awaitable[Arguments]] | None = None
    base: str = RAW
    long: bool = False

    def takes(self, implementation: Implementation) -> bool:
        """Whether it is measured with this implementation."""
        only = implementation.only
        return (
            hasattr(implementation, self.method)
            and (self.tasks == 1 or implementation.concurrent)
            and (not only or self.name in only)
            and self.name not in implementation.lacks
        )

    def unit(self, sampler: Sampler) -> list[list[Arguments]]:
        """What is measured as one: the arguments of each task's calls."""
        return [[self.draw(sampler) for _ in range(self.calls)] for _ in range(self.tasks)]


async def _half_there(implementation: Any, arguments: Arguments) -> Arguments:
    """Every second row of an upsert is there already, with another amount."""
    await implementation.insert_many([{**row, "amount": Decimal("0.01")} for row in arguments[0][::2]])
    return arguments


async def _at_its_position(implementation: Any, arguments: Arguments) -> Arguments:
    """The arguments of a keyset page: the position of the one before, in the implementation's own form."""
    (user,) = arguments
    return user, await implementation.position(user, BEFORE_PAGE), PAGE


CASES: Sequence[Case] = (
    Case(name="get", title="get by key", method="get", draw=lambda s: (s.expense(),)),
    Case(name="list 100", title="list 100", method="list_of_user", draw=lambda s: (s.user(), 100)),
    Case(name="list 1000", title="list 1000", method="list_from", draw=lambda s: (s.early(), 1000)),
    Case(name="insert", title="insert one, returning", method="insert", draw=lambda s: (s.new(),), writes=True),
    Case(
        name="update",
        title="update one, returning",
        method="update",
        draw=lambda s: (s.expense(), s.amount(), "changed by a benchmark"),
    ),
    Case(name="bulk 1k", title="bulk insert 1k", method="insert_many", draw=lambda s: (s.news(1000),), writes=True),
    Case(
        name="bulk 10k",
        title="bulk insert 10k",
        method="insert_many",
        draw=lambda s: (s.news(10_000),),
        writes=True,
        long=True,
    ),
    Case(
        name="bulk 1k returning",
        title="bulk 1k, returning",
        method="insert_many_returning",
        draw=lambda s: (s.news(1000),),
        writes=True,
    ),
    Case(
        name="bulk 10k returning",
        title="bulk 10k, returning",
        method="insert_many_returning",
        draw=lambda s: (s.news(10_000),),
        writes=True,
        long=True,
    ),
    Case(
        name="upsert 1k",
        title="upsert 1k, returning",
        method="upsert_many",
        draw=lambda s: (s.news(1000),),
        writes=True,
        prepare=_half_there,
    ),
    Case(name="page", title="page of 50 + total", method="page", draw=lambda s: (s.user(), PAGE, PAGE)),
    Case(
        name="keyset", title="keyset page of 50", method="after", draw=lambda s: (s.user(),), prepare=_at_its_position
    ),
    Case(name="gather", title="100 concurrent gets", method="get", draw=lambda s: (s.expense(),), tasks=100),
    Case(name="tasks", title="32 tasks, gets", method="get", draw=lambda s: (s.expense(),), tasks=32, calls=8),
    Case(name="sum", title="sum by category", method="sum_by_category", draw=lambda s: (s.user(),)),
    Case(
        name="read as user",
        title="get as a user",
        method="get_as_user",
        draw=lambda s: s.of_user(),
        base=HELD,
    ),
    Case(
        name="insert as user",
        title="insert as a user",
        method="insert_as_user",
        draw=lambda s: (WRITER, s.new()),
        base=HELD,
        writes=True,
    ),
)


def cases(names: Iterable[str] | None = None, *, long: bool = True) -> list[Case]:
    """Those of these names, or all of them. Raises LookupError for another name."""
    if names is None:
        return [each for each in CASES if long or not each.long]
    wanted = list(names)
    known = {each.name for each in CASES}
    for name in wanted:
        if name not in known:
            raise LookupError(f"no case is called {name}: {', '.join(sorted(known))}")
    return [each for each in CASES if each.name in wanted]
