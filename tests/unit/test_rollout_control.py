"""The evaluator: what is written, who decides, what becomes of plans and canaries, and what survives a restart."""

import asyncio
import datetime as dt
import random
import uuid
from collections.abc import Sequence

import attrs
import pytest

from homeport.kernel.observe import Observation
from homeport.ports.rollout import CountRow
from homeport.rollout.control import Control
from homeport.rollout.counts import Counts
from homeport.rollout.flags import FlagError
from homeport.rollout.judging import literal
from homeport.rollout.live import Flags
from homeport.rollout.operators import Operator
from homeport.rollout.plan import PlanState, from_dict
from homeport.rollout.shadow import Shadow
from homeport.rollout.sources import Domains, EnvironmentSource, Source, TableSource
from homeport.rollout.tally import MOST_ROWS, Writer, plus, total
from homeport.rollout.times import bucket_of
from tests.support.rollout_tables import START, Tables

DOMAINS = Domains.of({"expenses": "supabase_legacy", "trips": "supabase_legacy"})
FAST, SLOW = bucket_of(5), bucket_of(20)


class Process:
    """One process over shared tables: its flags and its control, taken turn by turn."""

    def __init__(self, tables: Tables, *, environment: dict[str, str] | None = None, **given: object) -> None:
        self.tables = tables
        self.told: list[tuple[str, str]] = []
        sources: list[Source] = [EnvironmentSource(DOMAINS, environment or {}), TableSource(tables, DOMAINS)]
        self.flags = Flags(DOMAINS, sources, tell=lambda *said: self.told.append(said))
        self.counts = Counts()
        tell, clock = (lambda *said: self.told.append(said)), (lambda: tables.now)
        self.control = Control(tables, self.flags, self.counts, tell=tell, clock=clock, **given)  # type: ignore[arg-type]

    async def turn(self, seconds: float = 1.0) -> None:
        self.tables.tick(seconds)
        await self.flags.refresh()
        await self.control.once()

    def flag(self, domain: str = "expenses") -> str:
        return str(self.flags.current()[domain].flag)


@pytest.fixture
def tables() -> Tables:
    return Tables()


def operator(tables: Tables) -> Operator:
    return Operator(table=tables, domains=DOMAINS, by="me@host")


async def started(tables: Tables, *, hold: float = 0.0, steps: Sequence[int] = (5, 50, 100)) -> None:
    await operator(tables).start("expenses", to="postgres", steps=steps, hold=hold)


async def seen(
    tables: Tables, *, outcomes: int, faults: int = 0, times: int = FAST, share: float = 0.05, stage: str | None = None
) -> None:
    """Counts of other processes, as they stand in the table: healthy on the primary, these on the candidate."""
    at = tables.now.replace(second=0, microsecond=0)
    name = stage if stage is not None else str(tables.rows["expenses"].revision)
    many = round(outcomes / share * (1 - share))
    good = CountRow(
        minute=at,
        domain="expenses",
        adapter="supabase_legacy",
        stage=name,
        outcomes=many,
        faults=many // 100,
        drawn_times={FAST: many},
    )
    other = attrs.evolve(good, adapter="postgres", outcomes=outcomes, faults=faults, drawn_times={times: outcomes})
    await tables.write_counts(uuid.uuid4(), [good, other])


def kinds(tables: Tables) -> list[str]:
    return [each.kind for each in tables.told]


async def test_a_step_that_is_held_and_passed_is_followed_by_the_next_to_the_end(tables: Tables) -> None:
    await started(tables, hold=60)
    process = Process(tables)
    await process.turn()
    await seen(tables, outcomes=6000, faults=60)
    await process.turn(30)
    assert (process.flag(), tables.staged["expenses"].state) == ("canary:5", "healthy")
    await process.turn(30)
    await process.turn()
    assert (process.flag(), tables.staged["expenses"].state) == ("canary:50", "warming")
    await seen(tables, outcomes=6000, faults=60, share=0.5)
    await process.turn(61)
    await process.turn(61)
    await process.turn(1)
    assert process.flag() == "postgres"
    assert kinds(tables) == ["started", "promoted", "promoted", "done"]
    plan = from_dict(tables.staged["expenses"].plan or {})
    assert (plan.state, tables.rows["expenses"].held) == (PlanState.DONE, False)
    assert tables.told[1].facts["outcomes"] == {"candidate": 6000, "primary": 114_000}


async def test_an_inconclusive_step_stays_however_long(tables: Tables) -> None:
    await started(tables)
    process = Process(tables)
    await seen(tables, outcomes=300, faults=3)
    for _ in range(3):
        await process.turn(3600)
    assert (process.flag(), tables.staged["expenses"].state) == ("canary:5", "inconclusive")
    assert kinds(tables) == ["started"]


@pytest.mark.parametrize(("faults", "times"), [(40, FAST), (4, SLOW)])
async def test_a_failing_canary_is_rolled_back_and_stays_so_until_it_is_cleared(
    tables: Tables, faults: int, times: int
) -> None:
    await started(tables)
    process, other = Process(tables), Process(tables)
    await process.turn()
    await seen(tables, outcomes=400, faults=faults, times=times)
    await process.turn()
    await other.turn()
    assert (process.flag(), other.flag()) == ("canary:5", "supabase_legacy")  # the first looks again in its next turn
    for each in (process, other, process):
        await each.turn()
    assert kinds(tables) == ["started", "rolled_back"]
    assert (tables.told[-1].by, process.control.events["rolled_back"]) == ("homeport", 1)
    assert process.flags.current()["expenses"].held
    assert from_dict(tables.staged["expenses"].plan or {}).state is PlanState.ROLLED_BACK
    with pytest.raises(FlagError, match="rolled back"):
        await started(tables)
    await operator(tables).clear("expenses")
    await started(tables)
    await process.turn()
    assert process.flag() == "canary:5"


async def test_a_canary_without_a_plan_is_judged_and_never_promoted(tables: Tables) -> None:
    await operator(tables).set_flag("expenses", "canary:5")
    process = Process(tables)
    await process.turn()
    await seen(tables, outcomes=6000, faults=60)
    await process.turn()
    assert (process.flag(), tables.staged["expenses"].state) == ("canary:5", "healthy")
    await seen(tables, outcomes=6000, faults=600)
    await process.turn()
    await process.turn()
    assert (process.flag(), kinds(tables)) == ("supabase_legacy", ["set", "rolled_back"])


async def test_a_canary_of_the_environment_is_rolled_back_too_and_may_begin_again_once_cleared(tables: Tables) -> None:
    process = Process(tables, environment={"HOMEPORT_EXPENSES": "canary:5"})
    await process.turn()
    await process.turn(60)
    await seen(tables, outcomes=400, faults=40, stage="environment:canary:5")
    await process.turn()
    await process.turn()
    assert process.flag() == "supabase_legacy"
    await operator(tables).clear("expenses")
    for _ in range(3):
        await process.turn(0.9)
    assert (process.flag(), kinds(tables)) == ("canary:5", ["rolled_back", "cleared"])


async def test_counts_of_another_step_are_not_this_ones(tables: Tables) -> None:
    await started(tables)
    await seen(tables, outcomes=400, faults=40)
    await operator(tables).abort("expenses")
    await operator(tables).resume("expenses")
    process = Process(tables)
    await process.turn()
    await process.turn()
    assert (process.flag(), tables.staged["expenses"].state) == ("canary:5", "warming")


async def test_an_aborted_plan_waits_at_zero_and_a_new_process_goes_on_with_it(tables: Tables) -> None:
    await started(tables, steps=(5, 50))
    process = Process(tables)
    await process.turn()
    await seen(tables, outcomes=6000, faults=60)
    await process.turn()
    await process.turn()
    assert process.flag() == "canary:50"
    await operator(tables).abort("expenses")
    await process.turn()
    assert process.flag() == "canary:0"
    restarted = Process(tables)
    await operator(tables).resume("expenses")
    await restarted.turn()
    assert restarted.flag() == "canary:50"
    await seen(tables, outcomes=6000, faults=60, share=0.5)
    await restarted.turn()
    await restarted.turn()
    assert kinds(tables) == ["started", "promoted", "aborted", "resumed", "done"]
    assert restarted.flag() == "canary:50"


async def test_what_was_summed_up_once_is_kept_and_counted_once(tables: Tables) -> None:
    await started(tables, hold=1e6)
    process = Process(tables)
    for _ in range(8):
        await seen(tables, outcomes=100)
        await process.turn(120)
    late = Process(tables)
    await late.turn()
    outcomes = tables.staged["expenses"].facts["outcomes"]
    await process.turn()
    assert outcomes == tables.staged["expenses"].facts["outcomes"] == {"candidate": 800, "primary": 15_200}


async def test_the_literal_rule_rolls_back_what_chance_explains(tables: Tables) -> None:
    await started(tables)
    process = Process(tables, policies=literal)
    await seen(tables, outcomes=400, faults=5)
    await process.turn()
    await process.turn()
    assert process.flag() == "supabase_legacy"


async def test_only_the_one_that_may_decides_and_not_on_a_flag_that_it_has_not_heard_of(tables: Tables) -> None:
    await started(tables)
    process = Process(tables)
    await process.turn()
    await seen(tables, outcomes=400, faults=40)
    tables.tick(1)
    async with tables.deciding(wait=True):
        await process.control.once()
    tables.put("expenses", "shadow")
    await process.control.once()
    assert kinds(tables) == ["started"]


async def test_a_canary_that_a_person_ends_by_hand_leaves_nothing_behind(tables: Tables) -> None:
    await operator(tables).set_flag("expenses", "canary:5")
    process = Process(tables)
    await process.turn()
    tables.put("expenses", "shadow")
    await process.turn()
    assert tables.staged == {}


async def test_counts_are_written_by_stage_and_again_whole_where_the_table_was_lost(tables: Tables) -> None:
    tables.put("expenses", "canary:5")
    process = Process(tables)
    await process.flags.refresh()
    observe = process.counts.observer("expenses")
    observe(Observation("expenses.get", "expenses", "postgres", 1, 5.0, None))
    await process.control.once()
    tables.down = True
    observe(Observation("expenses.get", "expenses", "postgres", 0, 5.0, "StatementTimeout"))
    observe(Observation("expenses.get", "expenses", "postgres", 0, 5.0, "UniqueViolation"))
    for _ in range(2):
        with pytest.raises(Exception, match="not reached"):
            await process.control.once()
    tables.down = False
    await process.control.once()
    found = total(tables.counted.values())
    assert found is not None
    assert (found.calls, found.errors, found.own_errors, found.times) == (3, 1, 1, {FAST: 3})
    assert {each.stage for each in tables.counted.values()} == {"1"}
    tables.put("expenses", "canary:25")
    observe(Observation("expenses.get", "expenses", "postgres", 1, 5.0, None))
    await process.flags.refresh()  # what was counted before it changed is the old stage's
    observe(Observation("expenses.get", "expenses", "postgres", 1, 5.0, None))
    await process.control.close()
    assert sorted((each.stage, each.calls) for each in tables.counted.values()) == [("1", 4), ("2", 1)]


async def test_counts_that_can_never_be_written_are_bounded(tables: Tables) -> None:
    now = START
    flags, counts = Flags(DOMAINS), Counts()
    writer = Writer(tables, flags, counts, {}, clock=lambda: now)
    observe = counts.observer("expenses")
    for _ in range(MOST_ROWS + 5):
        now += dt.timedelta(minutes=1)
        observe(Observation("expenses.get", "expenses", "postgres", 1, 5.0, None))
        writer.collect()
    assert writer.given_up == 5
    await writer.write()
    assert len(tables.counted) == MOST_ROWS


async def test_shadow_reads_are_counted(tables: Tables) -> None:
    shadow = Shadow("expenses")
    process = Process(tables, shadows={"expenses": shadow})
    shadow.totals.offered, shadow.totals.equal, shadow.totals.mismatches, shadow.totals.failed = 10, 5, 2, 1
    await process.turn()
    found = total(tables.counted.values())
    assert found is not None
    assert (found.adapter, found.compared, found.mismatches, found.races) == ("postgres", 8, 3, 0)


async def test_in_the_background_a_lost_table_is_told_once_and_found_again(tables: Tables) -> None:
    process = Process(tables, seconds=0.01)
    process.control.start()
    process.control.start()
    tables.down = True
    await asyncio.sleep(0.1)
    tables.down = False
    async with asyncio.timeout(2):
        while not process.control.events["mended"]:
            await asyncio.sleep(0.01)
    await process.control.close()
    assert dict(process.control.events) == {"broken": 1, "mended": 1}


def test_rows_add_up_in_any_order() -> None:
    rng = random.Random(7)
    names = [each.name for each in attrs.fields(CountRow)][4:]
    empty = CountRow(minute=START, domain="d", adapter="a", stage="s")
    rows = []
    for _ in range(5):
        mapped = ("times", "drawn_times", "faulty")
        values = {name: rng.randrange(9) for name in names if name not in mapped}
        maps = {name: {rng.randrange(3): rng.randrange(9)} for name in mapped}
        rows.append(attrs.evolve(empty, **values, **maps))  # type: ignore[arg-type]
    one = total(rows)
    rng.shuffle(rows)
    assert total(rows) == one
    assert one is not None
    assert plus(one, empty) == one
    assert sum(each.calls for each in rows) == one.calls
    assert total([]) is None
