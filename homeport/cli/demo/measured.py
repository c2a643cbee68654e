"""One leg's run: rows loaded, operations timed, answers kept; and two such runs compared."""

import math
from collections.abc import Callable, Sequence

import attrs

from homeport.cli.demo.answers import difference, neutral
from homeport.cli.demo.application import Run
from homeport.cli.demo.legs import Leg
from homeport.cli.demo.rows import Batch
from homeport.repositories.users import USER
from homeport.settings import Adapter

Advance = Callable[[int], None]


@attrs.frozen(kw_only=True)
class Script:
    """What every leg does: the rows that it begins with, and the application's operations."""

    run: Run
    batches: Sequence[Batch]
    seed: int
    operations: int

    @property
    def rows(self) -> int:
        return sum(len(rows) for _, rows in self.batches)

    @property
    def users(self) -> int:
        return sum(len(rows) for table, rows in self.batches if table is USER)


@attrs.frozen
class Done:
    """One operation that was carried out."""

    kind: str
    name: str
    answer: object
    seconds: float


@attrs.frozen(kw_only=True)
class Measured:
    """One adapter's run. Its times are of this machine and this minute."""

    adapter: Adapter
    server: str
    rows: int
    operations: Sequence[Done]

    def milliseconds(self, share: float, kind: str | None = None) -> float:
        """So many milliseconds or less took this share of the operations, of one kind or all."""
        times = sorted(each.seconds for each in self.operations if kind in (None, each.kind))
        return 1000 * times[math.ceil(share * len(times)) - 1] if times else math.nan

    def kinds(self) -> list[str]:
        """The kinds of operations, the most frequent first."""
        counted = [each.kind for each in self.operations]
        return sorted(set(counted), key=lambda kind: (-counted.count(kind), kind))


@attrs.frozen(kw_only=True)
class Difference:
    """The first operation that two adapters answered differently, and where in the answer."""

    number: int
    kind: str
    name: str
    place: str
    expected: object
    answered: object


async def load(leg: Leg, script: Script, advance: Advance) -> None:
    """Puts the rows in, a table at a time."""
    for table, rows in script.batches:
        advance(await leg.db.collection(table).add_many(rows))


async def measure(leg: Leg, script: Script, advance: Advance) -> Measured:
    """Runs the application to its end. An operation's error is its answer."""
    done = []
    async for each in script.run(leg.db, seed=script.seed, operations=script.operations):
        done.append(Done(each.kind, each.name, neutral(each.value), each.seconds))
        advance(1)
    return Measured(adapter=leg.adapter, server=leg.server, rows=script.rows, operations=done)


def first_difference(reference: Measured, other: Measured) -> Difference | None:
    """None if both asked the same and were answered the same, in order."""
    for number, (one, two) in enumerate(zip(reference.operations, other.operations, strict=False), start=1):
        found = difference([one.name, one.answer], [two.name, two.answer])
        if found is not None:
            place, expected, answered = found
            return Difference(
                number=number,
                kind=one.kind,
                name=one.name,
                place=place.removeprefix("[1]").lstrip("."),
                expected=expected,
                answered=answered,
            )
    if len(reference.operations) != len(other.operations):
        counts = len(reference.operations), len(other.operations)
        return Difference(
            number=min(counts) + 1, kind="", name="", place="operations", expected=counts[0], answered=counts[1]
        )
    return None
