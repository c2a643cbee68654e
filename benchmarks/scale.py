"""How cost grows: with the rows of a table, with tasks at once, with connections; and memory while rows stream by."""

import datetime as dt
import gc
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, TypeAlias

import asyncpg
import attrs

from benchmarks import data, harness, machine, place, streaming
from benchmarks.data import Sampler
from benchmarks.harness import Opened, lower_quartile
from benchmarks.implementations import COALESCED, HOMEPORT, LEAN, RAW
from benchmarks.machine import Pinning
from benchmarks.place import Place, Servers
from benchmarks.results import Curve, Scale
from homeport.kernel.pages import Keyset

SIZES = (1_000, 10_000, 100_000)
MILLION = 1_000_000
TASKS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
POOLS = (1, 2, 4, 8, 16, 32)
GETS = 512
"""Of one measurement, shared among the tasks."""
REPEATS = 9
SLICE = 0.015
PAGE = 50

Call: TypeAlias = Callable[[], Awaitable[object]]


async def measured(*, full: bool, tell: Callable[[str], None] = print) -> Scale:
    """Everything; with a million rows if `full`."""
    pinning = Pinning.of_this_machine()
    about = machine.facts(pinning)
    sizes = (*SIZES, MILLION) if full else SIZES
    rows: dict[str, Curve] = {}
    for size in sizes[:-1]:
        tell(f"{size} rows")
        async with place.opened(size, pinning, rest=False) as servers:
            _extend(rows, size, await _calls(servers))
    tell(f"{sizes[-1]} rows, tasks, pools, streams")
    async with place.opened(sizes[-1], pinning, rest=False) as servers:
        _extend(rows, sizes[-1], await _calls(servers))
        at = servers.place
        return Scale(
            date=dt.datetime.now(dt.UTC).date().isoformat(),
            machine=about,
            versions={**machine.versions(), **servers.versions},
            rows=rows,
            tasks=await _tasks(at),
            pools=await _pools(at),
            memory={kind: streaming.measured(at, kind) for kind in streaming.KINDS},
        )


def _extend(curves: dict[str, Curve], x: float, figures: Mapping[str, float]) -> None:
    for name, figure in figures.items():
        curves.setdefault(name, []).append((x, float(f"{figure:.4g}")))


# -- rows


async def _calls(servers: Servers) -> dict[str, float]:
    """Microseconds of single calls, in random order again and again."""
    dice = random.Random(1)
    admin = await asyncpg.connect(servers.admin)
    try:
        async with harness.opened((RAW, HOMEPORT), servers.place) as (opened, _):
            calls = await _to_call(opened, Sampler(servers.place.rows, dice))
            times: dict[str, list[float]] = {name: [] for name in calls}
            for _ in range(REPEATS):
                for name in dice.sample(list(calls), len(calls)):
                    times[name].append(await _of_slice(calls[name]))
                await admin.execute(data.CLEAN)
    finally:
        await admin.close()
    return {name: lower_quartile(each) * 1e6 for name, each in times.items()}


async def _to_call(opened: Opened, sampler: Sampler) -> dict[str, Call]:
    raw: Any = opened[RAW]
    ours: Any = opened[HOMEPORT]
    last_page = sampler.rows // PAGE
    by_offset: Call = lambda: ours.expenses.paginate(page=last_page, page_size=PAGE, order_by="id", total=False)  # noqa: E731
    before_it = (await ours.expenses.paginate(page=last_page - 1, page_size=PAGE, order_by="id", total=False)).items[-1]
    query = ours.expenses.select(None, order_by="id")
    cursor = Keyset(query, ours.db.store(ours.db.contexts[-1]).cursors).cursor(before_it)
    return {
        "get, asyncpg by hand": lambda: raw.get(sampler.expense()),
        "get": lambda: ours.get(sampler.expense()),
        "insert": lambda: ours.insert(sampler.new()),
        "100 rows of a user": lambda: ours.list_of_user(sampler.user(), 100),
        "last page, by offset": by_offset,
        "last page, by cursor": lambda: ours.expenses.paginate_cursor(cursor=cursor, limit=PAGE, order_by="id"),
    }


async def _of_slice(call: Call) -> float:
    """Seconds of a call, of those that fit the slice."""
    times: list[float] = []
    gc.collect()
    gc.disable()
    begun = perf_counter()
    while not times or perf_counter() - begun < SLICE:
        started = perf_counter()
        await call()
        times.append(perf_counter() - started)
    gc.enable()
    return lower_quartile(times)


# -- tasks and connections


async def _tasks(at: Place) -> dict[str, Curve]:
    """Gets a second by the number of tasks, with the pool as it is."""
    async with harness.opened((RAW, LEAN, HOMEPORT, COALESCED), at) as (opened, _):
        return await _rates(opened, at.rows, TASKS)


async def _pools(at: Place) -> dict[str, Curve]:
    """Gets a second of 64 tasks by the number of connections."""
    curves: dict[str, Curve] = {}
    for size in POOLS:
        async with harness.opened((RAW, LEAN, HOMEPORT), attrs.evolve(at, connections=size)) as (opened, _):
            found = await _rates(opened, at.rows, (64,))
        _extend(curves, size, {title: curve[0][1] for title, curve in found.items()})
    return curves


async def _rates(opened: Opened, rows: int, tasks: Sequence[int]) -> dict[str, Curve]:
    dice = random.Random(1)
    sampler = Sampler(rows, dice)
    units = {each: [[(sampler.expense(),) for _ in range(GETS // each)] for _ in range(each)] for each in tasks}
    times: dict[tuple[str, int], list[float]] = {}
    order = [(name, each) for name in opened for each in tasks]
    for _ in range(REPEATS):
        for name, each in dice.sample(order, len(order)):
            call = opened[name].get  # type: ignore[attr-defined]  # each that is opened here has it
            gc.collect()
            started = perf_counter()
            await harness.together(call, units[each])
            times.setdefault((name, each), []).append(perf_counter() - started)
    curves: dict[str, Curve] = {}
    for name, each in order:
        _extend(curves, each, {opened[name].title: GETS / lower_quartile(times[name, each])})
    return curves
