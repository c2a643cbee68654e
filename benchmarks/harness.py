"""One interleaved run: rounds over all cases, in each the implementations in random order, each timed for a moment."""

import asyncio
import gc
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic, perf_counter, process_time
from typing import Any, TypeAlias

import asyncpg
import attrs

from benchmarks import data, implementations
from benchmarks.cases import Arguments, Case
from benchmarks.data import Sampler
from benchmarks.implementations.base import Absent, Implementation
from benchmarks.place import Place

Opened: TypeAlias = Mapping[str, Implementation]
Admin: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Unit: TypeAlias = list[list[Arguments]]

FEW = 5
"""Where a block has more units, one before them is not counted."""


@attrs.frozen(kw_only=True)
class Effort:
    """How long is measured.

    Attributes:
        slice: the seconds that one block of calls is to take; a call that takes longer is a block alone.
        seconds: for all cases together, each its share; the round under way is finished.
        turns: how often all cases have their turn within them.
        least: how many rounds a case has, whatever the time.
        others: in every how many rounds those take part that are not asyncpg or Homeport: they are slow, and their
            figures need fewer digits.
    """

    slice: float
    seconds: float
    turns: int = 2
    least: int = 3
    others: int = 1


@attrs.frozen
class Sample:
    """One block: in which round, the seconds of a unit, those of our own CPU; of each the lower quartile.

    What else runs on the machine lengthens many units, and shortens none.
    """

    round: int
    wall: float
    cpu: float


Samples: TypeAlias = dict[str, dict[str, list[Sample]]]
"""By case, then by implementation: a sample a round."""


@asynccontextmanager
async def opened(names: Iterable[str], place: Place) -> AsyncIterator[tuple[Opened, dict[str, str]]]:
    """The implementations, and why others are not there."""
    found: dict[str, Implementation] = {}
    absent: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        for name in names:
            try:
                implementation = implementations.made(name)
                await implementation.open(place)
            except Absent as reason:
                absent[name] = str(reason)
                continue
            stack.push_async_callback(implementation.close)
            found[name] = implementation
        yield found, absent


@attrs.define
class Run:
    """One run over one place."""

    opened: Opened
    cases: Sequence[Case]
    admin: Admin
    rows: int
    effort: Effort
    seed: int = 1
    tell: Callable[[str], None] = print
    samples: Samples = attrs.field(factory=dict)
    _units: dict[tuple[str, str], int] = attrs.field(factory=dict)
    _done: Counter[str] = attrs.field(factory=Counter)

    async def measure(self) -> Samples:
        """All cases in turn, each for its share of the time, and all over again: no minute belongs to one case."""
        dice = random.Random(self.seed)
        gc.collect()
        gc.freeze()  # what is loaded by now stays, and is not looked through before each block
        try:
            await self._warm(dice)
            started = monotonic()
            for turn in range(1, self.effort.turns + 1):
                for case in self.cases:
                    await self._rounds(case, turn, dice)
        finally:
            gc.unfreeze()
        self.tell(f"measured for {monotonic() - started:.0f} s")
        return self.samples

    async def _rounds(self, case: Case, turn: int, dice: random.Random) -> None:
        """One turn of a case: rounds for its share of the seconds, and as many at least as it should have by now."""
        effort, started = self.effort, monotonic()
        share = effort.seconds / effort.turns / len(self.cases)
        while self._done[case.name] < effort.least * turn / effort.turns or monotonic() - started < share:
            await self._round(case, self._done[case.name], dice)
            self._done[case.name] += 1
        await self.admin.execute("VACUUM public.expenses")

    def taking(self, case: Case) -> list[str]:
        return [name for name, each in self.opened.items() if case.takes(each)]

    async def _warm(self, dice: random.Random) -> None:
        """Every statement prepared, and how many units fit a block."""
        for case in self.cases:
            for name in self.taking(case):
                once = await self._block(case, name, 1, dice.random())
                if once.wall < 4 * self.effort.slice:
                    once = await self._block(case, name, 2, dice.random())
                self._units[case.name, name] = max(1, min(300, round(self.effort.slice / once.wall)))

    async def _round(self, case: Case, number: int, dice: random.Random) -> None:
        everybody = number % self.effort.others == 0
        names = [each for each in self.taking(case) if everybody or each in implementations.NEAR]
        dice.shuffle(names)
        seed = dice.random()  # the same calls for all
        for name in names:
            timed = await self._block(case, name, self._units[case.name, name], seed)
            sample = attrs.evolve(timed, round=number)
            self.samples.setdefault(case.name, {}).setdefault(name, []).append(sample)

    async def _block(self, case: Case, name: str, units: int, seed: float) -> Sample:
        implementation = self.opened[name]
        call = getattr(implementation, case.method)
        sampler = Sampler(self.rows, random.Random(seed))
        ahead = 1 if units > FEW else 0
        drawn = [await _prepared(case, implementation, case.unit(sampler)) for _ in range(units + ahead)]
        gc.collect()
        gc.disable()
        try:
            if ahead:
                await _timed(call, drawn[:ahead])  # brings its code back into the processor's caches
            sample = await _timed(call, drawn[ahead:])
        finally:
            gc.enable()
            if case.writes:
                await self.admin.execute(data.CLEAN)
        return sample


async def _prepared(case: Case, implementation: Implementation, unit: Unit) -> Unit:
    if case.prepare is None:
        return unit
    return [[await case.prepare(implementation, each) for each in task] for task in unit]


async def _timed(call: Callable[..., Any], units: Sequence[Unit]) -> Sample:
    alone = len(units[0]) == 1 and len(units[0][0]) == 1
    times, cpus = [], []
    for unit in units:
        cpu, started = process_time(), perf_counter()
        if alone:
            await call(*unit[0][0])
        else:
            await together(call, unit)
        times.append(perf_counter() - started)
        cpus.append(process_time() - cpu)
    return Sample(0, lower_quartile(times), lower_quartile(cpus))


def lower_quartile(values: Sequence[float]) -> float:
    """The least of up to four values, and so on: a value that was measured, not one between two."""
    return sorted(values)[(len(values) - 1) // 4]


async def together(call: Callable[..., Any], unit: Unit) -> None:
    """The tasks of a unit, all at once: a call each, or several one after the other."""
    if len(unit[0]) == 1:
        await asyncio.gather(*[call(*task[0]) for task in unit])
    else:
        await asyncio.gather(*[_one_after_the_other(call, task) for task in unit])


async def _one_after_the_other(call: Callable[..., Any], calls: Sequence[Arguments]) -> None:
    for arguments in calls:
        await call(*arguments)
