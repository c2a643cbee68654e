"""From rows to a verdict: what is summed up once, what came late, and who has spoken before."""

import datetime as dt
import uuid

import attrs
import pytest

from homeport.ports.rollout import CountRow, StageRow
from homeport.rollout.flags import Flag
from homeport.rollout.judge import LiteralRule, State, Verdict
from homeport.rollout.judging import POLICIES, Judge, Policies, sequential
from homeport.rollout.parts import begins
from homeport.rollout.statistics import Sums
from homeport.rollout.times import bucket_of
from homeport.settings import RolloutPolicy
from tests.support.rollout_tables import START, Tables

FLAG = Flag.parse("canary:5")
STAGE = StageRow(domain="expenses", plan=None, stage="7", since=START, state="warming", judged_at=START)
FAST = bucket_of(5)


class Step:
    """One stage, whose rows other processes write, before a judge that looks whenever it is asked."""

    def __init__(self, policies: Policies = sequential) -> None:
        self.tables = Tables()
        self.judge = Judge(policies)
        self.process = uuid.uuid4()

    async def write(
        self,
        minute: int,
        *,
        adapter: str = "postgres",
        process: uuid.UUID | None = None,
        stage: str = "7",
        **numbers: object,
    ) -> None:
        row = CountRow(minute=START + dt.timedelta(minutes=minute), domain="expenses", adapter=adapter, stage=stage)
        await self.tables.write_counts(process or self.process, [attrs.evolve(row, **numbers)])  # type: ignore[arg-type]

    async def both(self, minute: int, outcomes: int, faulty: dict[int, int], *, stage: str = "7") -> None:
        """A minute: 19 outcomes on the primary for each on the candidate, and four of its 380 users fail."""
        unlucky = {1_000 + (4 * minute + each) % 380: 1 for each in range(4)}
        await self.write(minute, adapter="supabase_legacy", outcomes=19 * outcomes, faults=4, faulty=unlucky)
        await self.write(minute, outcomes=outcomes, faults=sum(faulty.values()), faulty=faulty)

    async def verdict(self, minute: float, stage: StageRow = STAGE) -> tuple[Verdict, Sums]:
        self.tables.now = START + dt.timedelta(minutes=minute)
        return await self.judge.verdict(self.tables, stage, FLAG)

    async def sums(self, minute: float, stage: StageRow = STAGE) -> Sums:
        return (await self.verdict(minute, stage))[1]


@pytest.fixture
def step() -> Step:
    return Step()


# -- late rows


@pytest.mark.parametrize("known_before", [False, True])
async def test_a_row_that_comes_late_counts_once(step: Step, known_before: bool) -> None:
    late, other = uuid.uuid4(), uuid.uuid4()
    if known_before:  # the process had written what it knew of the minute when the table was lost
        await step.write(1, process=late, calls=2, outcomes=2, faulty={3: 1}, faults=1, drawn_times={FAST: 2})
    for minute in range(1, 40):
        await step.write(minute, process=other, calls=10, outcomes=10, drawn_times={FAST: 10})
        await step.sums(minute)
    for minute in range(1, 30):
        await step.write(minute, process=late, calls=5, outcomes=5, faulty={3: 1}, faults=1, drawn_times={FAST: 5})

    assert (await step.sums(40)).canary.outcomes == 39 * 10 + 29 * 5
    for minute in range(40, 60):
        canary = (await step.sums(minute)).canary
        assert (canary.outcomes, canary.faults, canary.repeats) == (39 * 10 + 29 * 5, 29, 28)
        assert canary.buckets == {FAST: 39 * 10 + 29 * 5}


async def test_a_row_that_comes_late_bit_by_bit_counts_once(step: Step) -> None:
    for minute in range(20):
        await step.write(minute, calls=1, outcomes=1)
        await step.sums(minute)
    for minute in range(20, 30):
        await step.write(2, process=uuid.UUID(int=1), calls=minute, outcomes=minute)
        assert (await step.sums(minute)).canary.outcomes == 20 + minute


async def test_what_is_summed_up_is_not_read_again(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    for minute in range(60):
        await step.write(minute, calls=1, outcomes=1)
    await step.sums(60)
    read: list[dt.datetime] = []
    counts = step.tables.counts

    async def watched(since: dt.datetime, domain: str | None = None) -> list[CountRow]:
        read.append(since)
        return await counts(since, domain)

    monkeypatch.setattr(step.tables, "counts", watched)
    assert (await step.sums(60.5)).canary.outcomes == 60
    assert read == [START + dt.timedelta(minutes=55)]


async def test_another_judge_comes_to_the_same_sums(step: Step) -> None:
    for minute in range(300):
        await step.both(minute, 10, {minute % 50: 1})
        await step.sums(minute + 0.5)

    again = await Judge().verdict(step.tables, STAGE, FLAG)
    assert again == await step.verdict(299.5)
    assert len(again[1].later) == 3


async def test_rows_of_other_stages_are_not_of_this_one(step: Step) -> None:
    await step.write(0, outcomes=5)
    await step.write(0, outcomes=7, stage="6")
    assert (await step.sums(1)).canary.outcomes == 5
    assert (await step.sums(1, attrs.evolve(STAGE, stage="6"))).canary.outcomes == 7


async def test_of_a_variables_canary_only_whole_minutes_count_since_its_text_may_come_again(step: Step) -> None:
    stage = attrs.evolve(STAGE, stage="canary:5", since=START + dt.timedelta(seconds=20))
    for minute in range(3):
        await step.write(minute, outcomes=1, stage="canary:5")
    assert (await step.sums(3, stage)).canary.outcomes == 2
    assert (await step.sums(20, stage)).canary.outcomes == 2
    await step.write(0, outcomes=9, stage="canary:5")
    assert (await step.sums(30, stage)).canary.outcomes == 2


# -- who has spoken


async def test_a_user_who_fails_for_hours_rolls_nobody_back_whatever_process_serves_it_and_whoever_judges(
    step: Step,
) -> None:
    for minute in range(240):
        await step.both(minute, 5, {minute % 20 + 100: 1} if minute % 20 == 0 else {})
        await step.write(minute, process=uuid.UUID(int=minute % 3), outcomes=1, faults=1, faulty={7: 1})
        if minute % 60 == 0:
            step.judge = Judge()  # after a restart
        assert (await step.verdict(minute + 0.9))[0].state is not State.FAILING
    sums = await step.sums(240)
    assert sums.canary.faults > 240
    assert sums.canary.witnesses == 2


async def test_many_users_who_fail_once_roll_it_back(step: Step) -> None:
    for minute in range(20):
        await step.both(minute, 5, {minute: 1})
    assert (await step.verdict(20))[0].state is State.FAILING


async def test_what_breaks_after_hours_is_seen_though_every_user_has_had_a_fault(step: Step) -> None:
    for minute in range(8 * 60):
        await step.both(minute, 20, {minute // 5 % 20: 1} if minute % 5 == 0 else {})
        if minute % 30 == 0:
            assert (await step.verdict(minute))[0].state is not State.FAILING
    verdict, sums = await step.verdict(8 * 60)
    assert (verdict.state is State.FAILING, sums.canary.witnesses, sums.control.witnesses) == (False, 20, 380)
    for minute in range(8 * 60, 8 * 60 + 3):
        await step.both(minute, 20, dict.fromkeys(range(20), 1))
    verdict, sums = await step.verdict(8 * 60 + 3)
    assert (verdict.state is State.FAILING, sums.canary.witnesses) == (True, 20)


def test_later_parts_begin_whenever_the_step_is_twice_as_old() -> None:
    def hours(until: float) -> list[float]:
        return [(each - START) / dt.timedelta(hours=1) for each in begins(START, START + dt.timedelta(hours=until))]

    assert hours(0.9) == [0]
    assert hours(1) == [0, 1]
    assert hours(24 * 14) == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256]


# -- the callers' own errors (they roll nothing back, and hold a step where their mix shifts)


@pytest.mark.parametrize("refused", [0, 20, 100])
async def test_only_the_callers_own_errors_roll_nobody_back(step: Step, refused: int) -> None:
    await step.write(0, adapter="supabase_legacy", outcomes=95_000, refusals=19_000, drawn_times={FAST: 95_000})
    await step.write(0, outcomes=5_000, refusals=50 * refused, drawn_times={FAST: 5_000})
    state = (await step.verdict(1))[0].state
    assert state is (State.HEALTHY if refused == 20 else State.INCONCLUSIVE)


# -- by what is judged


async def test_the_policy_is_the_settings_and_knows_the_step() -> None:
    assert POLICIES.keys() == {each.value for each in RolloutPolicy}
    asked: list[tuple[int, int]] = []

    def policies(place: int, steps: int) -> LiteralRule:
        asked.append((place, steps))
        return LiteralRule()

    plan: dict[str, object] = {
        "domain": "expenses",
        "candidate": "postgres",
        "steps": ["5", "25", "50", "100"],
        "hold": 60.0,
        "started": START.isoformat(),
        "since": START.isoformat(),
        "step": 1,
        "state": "running",
        "reason": "",
    }
    step = Step(policies)
    await step.verdict(1)
    await step.verdict(1, attrs.evolve(STAGE, plan=plan))
    assert asked == [(0, 1), (1, 3)]


async def test_at_100_percent_a_plan_is_asked_for_a_step_beyond_the_judged_ones() -> None:
    last = sequential(3, 3)
    assert last.judge(Sums()).state is State.WARMING


@pytest.mark.parametrize(("name", "state"), [("sequential", State.WARMING), ("literal", State.FAILING)])
async def test_the_literal_rule_rolls_back_where_the_other_waits(name: str, state: State) -> None:
    step = Step(POLICIES[name])
    await step.write(0, adapter="supabase_legacy", outcomes=1_000, faults=10)
    await step.write(0, outcomes=60, faults=1)
    assert (await step.verdict(1))[0].state is state
