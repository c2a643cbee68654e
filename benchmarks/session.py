"""A whole run: servers, implementations, checks, rounds, once more behind a longer way, the memory adapter; results."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter

import asyncpg
import attrs

from benchmarks import harness, implementations, layer, machine, memory, place
from benchmarks.cases import Case
from benchmarks.checks import check
from benchmarks.harness import Effort, Run
from benchmarks.implementations import KNOWN
from benchmarks.machine import Pinning
from benchmarks.place import Place, Servers
from benchmarks.results import Cases, Results, all_found

ROWS = 100_000
TRIPS = 300


@attrs.frozen(kw_only=True)
class Order:
    """What to run.

    Attributes:
        delay: milliseconds of an extra round trip, with which the cases that are not long are measured once more.
        blocks: how often that is measured which needs no server; 0 for not at all.
    """

    kind: str
    names: Sequence[str]
    cases: Sequence[Case]
    effort: Effort
    rows: int = ROWS
    delay: float | None = None
    delay_effort: Effort | None = None
    blocks: int = 9
    tell: Callable[[str], None] = print


async def run(order: Order) -> Results:
    """Raises Different for an implementation that answers something else."""
    pinning = Pinning.of_this_machine()
    about = machine.facts(pinning)
    with_rest = bool({implementations.POSTGREST, implementations.LEGACY} & set(order.names))
    async with place.opened(order.rows, pinning, rest=with_rest) as servers:
        order.tell(f"{order.rows} rows on {', '.join(f'{name} {each}' for name, each in servers.versions.items())}")
        near = await _measured(order, servers, servers.place, order.cases, order.effort)
        far, extra = await _delayed(order, servers, pinning)
    return Results(
        kind=order.kind,
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        rows=order.rows,
        machine=about,
        versions={**machine.versions(), **servers.versions},
        titles=_titles(order.names, near.absent),
        left_out=near.absent,
        cases=near.cases,
        extra=extra,
        delayed=far,
        layer=await layer.measured(order.blocks) if order.blocks else {},
        memory=await memory.measured(order.rows, order.blocks) if order.blocks else {},
    )


@attrs.frozen(kw_only=True)
class _Measured:
    cases: Cases
    absent: dict[str, str]


async def _measured(order: Order, servers: Servers, at: Place, cases: Sequence[Case], effort: Effort) -> _Measured:
    admin = await asyncpg.connect(servers.admin)
    try:
        async with harness.opened(order.names, at) as (opened, absent):
            for name, reason in absent.items():
                order.tell(f"left out: {name}, {reason}")
            run = Run(opened, cases, admin, order.rows, effort, tell=order.tell)
            for case in cases:
                await check(case, opened, admin, order.rows, run.taking)
            order.tell(f"{len(opened)} implementations answer alike in {len(cases)} cases")
            samples = await run.measure()
            for name, implementation in opened.items():
                absent |= {f"{name}: {case}": why for case, why in implementation.lacks.items()}
    finally:
        await admin.close()
    return _Measured(cases=all_found(cases, samples), absent=absent)


async def _delayed(order: Order, servers: Servers, pinning: Pinning) -> tuple[Cases, float | None]:
    if order.delay is None:
        return {}, None
    far = await servers.delayed(order.delay, pinning)
    extra = await _round_trip(far) - await _round_trip(servers.place)
    order.tell(f"once more, with {extra:.2f} ms more a round trip")
    cases = [each for each in order.cases if not each.long]
    effort = order.effort if order.delay_effort is None else order.delay_effort
    return (await _measured(order, servers, far, cases, effort)).cases, round(extra, 3)


async def _round_trip(at: Place) -> float:
    """Milliseconds of the shortest statement, the median of many."""
    connection = await asyncpg.connect(at.service.url)
    try:
        statement = await connection.prepare("SELECT 1")
        times = []
        for _ in range(TRIPS):
            started = perf_counter()
            await statement.fetchval()
            times.append(perf_counter() - started)
    finally:
        await connection.close()
    return sorted(times)[TRIPS // 2] * 1000


def _titles(names: Iterable[str], absent: Iterable[str]) -> dict[str, str]:
    left_out = set(absent)
    return {name: implementations.made(name).title for name in KNOWN if name in set(names) and name not in left_out}
