"""Two application processes over one database and both servers: a candidate that gets worse is left by itself.

What its own callers meet until then, what nobody else meets, and how long it takes until both processes are back.
"""

import asyncio
import contextlib
import datetime as dt
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_asyncio

import homeport
from homeport.composition import Homeport
from homeport.composition.rollout import domains, rollout_tables
from homeport.ports.rollout import CountRow, EventRow, RolloutTables
from homeport.rollout.flags import FlagError
from homeport.rollout.operators import Operator
from homeport.rollout.statistics import Arm
from homeport.rollout.tally import whole_minute
from homeport.settings import Settings
from homeport.testing import a_user
from homeport.testing.rig import Rig, _had
from tests.faults.canary_process import BROKEN, OTHER, Job

pytestmark = pytest.mark.faults

ROOT = Path(homeport.__file__).parent.parent
USERS = 40
FOLLOWED = 1.0
"""Seconds after a decision in which every process has to have followed it."""


class Process:
    """One application process, and what it answers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, do: str, **given: object) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **given}).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(await self._process.stdout.readline())


@attrs.frozen
class Scene:
    """Two processes with traffic, what sets their flags, and the tables that they share."""

    settings: Settings
    operator: Operator
    tables: RolloutTables
    admin: Any
    processes: tuple[Process, Process]

    async def ask(self, do: str, **given: object) -> list[Any]:
        return list(await asyncio.gather(*(each.ask(do, **given) for each in self.processes)))

    async def command(self, *words: str) -> str:
        """What `homeport` says on standard output, where these processes' settings are."""
        given = {
            "HOMEPORT_DATABASE_URL": self.settings.required("database_url"),
            "HOMEPORT_ADAPTER": "supabase_legacy",
            "HOMEPORT_CONTEXTS": f"{BROKEN},{OTHER}",
        }
        command, pipe = [sys.executable, "-m", "homeport.cli", *words], asyncio.subprocess.PIPE
        environment = {**os.environ, **given}
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=pipe)
        said, _ = await process.communicate()
        assert process.returncode == 0
        return said.decode()

    async def until(self, met: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not await met():
                await asyncio.sleep(0.05)

    async def on_both_adapters(self) -> bool:
        """Whether both processes ask both adapters, now."""
        tallies = await self.ask("tally")
        return all(each["seconds"] - last < 0.5 for each in tallies for last in each["asked"].values())

    async def rolled_back(self) -> EventRow:
        found: list[EventRow] = []

        async def met() -> bool:
            found.extend(each for each in await self.tables.events(BROKEN) if each.kind == "rolled_back")
            return bool(found)

        await self.until(met)
        return found[0]

    async def broken(self, **how: object) -> EventRow:
        """Makes the candidate worse in both, and waits for the decision and for its consequences."""
        await self.ask("break", **how)
        event = await self.rolled_back()
        await asyncio.sleep(FOLLOWED + 0.5)
        return event


@pytest_asyncio.fixture
async def scene(rig: Rig, on_one_database: tuple[Homeport, Homeport]) -> AsyncIterator[Scene]:
    settings = attrs.evolve(await _had(rig.both_settings()), flags=True)
    admin = await rig.admin("shared")
    for table in ("flags", "rollout_plans", "rollout_counts", "rollout_events"):
        await admin.execute(f"delete from homeport.{table}")
    users = [str((await a_user(on_one_database[0])).id) for _ in range(USERS)]
    tables = rollout_tables(settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(tables.close)
        started = [await stack.enter_async_context(running(settings, users, seed)) for seed in (1, 2)]
        operator = Operator(table=tables, domains=domains(settings), by="a test")
        yield Scene(settings, operator, tables, admin, (started[0], started[1]))


@contextlib.asynccontextmanager
async def running(settings: Settings, users: list[str], seed: int) -> AsyncIterator[Process]:
    """A process that is ready and has no traffic yet; ended with the block, by the end of its input."""
    wanted = ("database_url", "scoped_database_url", "rest_url", "supabase_service_role_key")
    job = Job(settings={name: getattr(settings, name) for name in wanted}, users=users, seed=seed)
    command, pipe = [sys.executable, "-m", "tests.faults.canary_process"], asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(attrs.asdict(job)).encode() + b"\n")
        made = Process(process)
        assert await made.answer() == "ready"
        yield made
        process.stdin.close()
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_candidate_that_fails_is_left_by_both_processes_and_nobody_else_meets_anything(scene: Scene) -> None:
    await scene.operator.set_flag(OTHER, "canary:50")
    await scene.operator.start(BROKEN, to="postgres", steps=[50, 100], hold=3600)
    await scene.ask("go")
    await scene.until(scene.on_both_adapters)
    begun = await scene.ask("unit")

    event = await scene.broken(rate=0.2, latency=0.0, failing=True)

    tallies = await scene.ask("tally")
    late = [each["asked"]["postgres"] - event.at.timestamp() for each in tallies]
    print(
        f"\n{event.said}\nthe last call of each on the candidate: {', '.join(f'{each:.3f} s' for each in late)} after"
    )
    assert max(late) < FOLLOWED
    assert all(each["seconds"] - each["asked"]["supabase_legacy"] < 0.5 for each in tallies)
    assert {name for each in tallies for name in each["errors"]} == {f"{BROKEN} RepositoryTimeoutError"}
    assert all(each["calls"][OTHER] > 100 for each in tallies)
    assert {each.domain: (each.flag, each.held) for each in await scene.tables.flags()} == {
        BROKEN: ("supabase_legacy", True),
        OTHER: ("canary:50", False),
    }

    status = {each["domain"]: each for each in json.loads(await scene.command("status", "--json"))}
    assert (status[BROKEN]["state"], status[OTHER]["mode"]) == ("rolled_back", "canary")
    assert f"rolled_back: {event.said}" in status[BROKEN]["last_event"]

    ended = await scene.ask("commit")
    wanted = [uuid.UUID(each) for each in (*begun, *ended)]
    stored = await scene.admin.fetchval("select count(*) from expenses where id = any($1)", wanted)
    assert stored == 2 * len(scene.processes)

    before = [each["errors"] for each in await scene.ask("tally")]
    await asyncio.sleep(0.5)
    assert [each["errors"] for each in await scene.ask("tally")] == before
    for word in ("canary:5", "postgres"):
        with pytest.raises(FlagError, match="was rolled back"):
            await scene.operator.set_flag(BROKEN, word)
    await scene.ask("break", rate=0.0, latency=0.0, failing=False)
    assert await scene.command("flags", "clear", BROKEN) == f"{BROKEN}: cleared\n"
    await scene.operator.set_flag(BROKEN, "canary:50")
    await scene.until(scene.on_both_adapters, FOLLOWED + 1)
    assert [each.kind for each in await scene.tables.events(BROKEN)] == ["started", "rolled_back", "cleared", "set"]


async def test_a_candidate_that_is_twice_as_slow_is_left(scene: Scene) -> None:
    """Its primary's times are those of a short canary, as often as an hour of it would have given them."""
    await scene.operator.set_flag(BROKEN, "canary:10")
    await scene.ask("go")
    times = await an_hour(scene)
    await scene.operator.start(BROKEN, to="postgres", steps=[50, 100], hold=3600)
    await scene.until(scene.on_both_adapters)

    p95 = Arm(buckets=times).p95
    assert p95 is not None
    event = await scene.broken(rate=1.0, latency=2 * p95 / 1000, failing=False)

    tallies = await scene.ask("tally")
    late = [each["asked"]["postgres"] - event.at.timestamp() for each in tallies]
    print(
        f"\n{event.said}\nthe last call of each on the candidate: {', '.join(f'{each:.3f} s' for each in late)} after"
    )
    assert max(late) < FOLLOWED
    assert [each["errors"] for each in tallies] == [{}, {}]
    assert "ms on the candidate" in event.said


async def an_hour(scene: Scene) -> dict[int, int]:
    """The primary's times of a few seconds, and the same again for the minutes before."""
    found: dict[int, int] = {}

    async def met() -> bool:
        found.clear()
        for row in await scene.tables.counts(dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5), BROKEN):
            if row.adapter == "supabase_legacy":
                for bucket, count in row.drawn_times.items():
                    found[bucket] = found.get(bucket, 0) + count
        return sum(found.values()) > 300

    await scene.until(met)
    often = -(-6000 // sum(found.values()))
    earlier = CountRow(
        minute=whole_minute(dt.datetime.now(dt.UTC) - dt.timedelta(minutes=10)),
        domain=BROKEN,
        adapter="supabase_legacy",
        stage="earlier",
        drawn_times={bucket: often * count for bucket, count in found.items()},
    )
    await scene.tables.write_counts(uuid.uuid4(), [earlier])
    return found
