"""Canary plans: a step at a time, back at once, and the same after a restart."""

import datetime as dt
from decimal import Decimal

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.rollout.flags import FlagError
from homeport.rollout.judge import State, Verdict
from homeport.rollout.plan import CanaryPlan, PlanError, PlanState, abort, advance, from_dict, resume, to_dict

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
STEPS = (5, 25, 50, 100)


def a_plan(*steps: int, hold: float = 7200) -> CanaryPlan:
    return CanaryPlan.start("expenses", "postgres", steps=steps or STEPS, hold=hold, now=NOW)


def says(state: State) -> Verdict:
    return Verdict(state=state, reason=f"it is {state}")


HEALTHY, FAILING = says(State.HEALTHY), says(State.FAILING)


def at_step(step: int) -> CanaryPlan:
    return attrs.evolve(a_plan(), step=step)


def test_a_plan_starts_at_its_first_step() -> None:
    plan = a_plan()

    assert (plan.percent, plan.state, plan.step, plan.since) == (Decimal(5), PlanState.RUNNING, 0, NOW)


def test_a_passed_step_is_followed_by_the_next_once_it_was_held() -> None:
    later = NOW + 2 * HOUR

    plan = advance(a_plan(), HEALTHY, later)

    assert (plan.percent, plan.since, plan.state, plan.reason) == (
        Decimal(25),
        later,
        PlanState.RUNNING,
        "it is healthy",
    )


def test_a_passed_step_is_held_first() -> None:
    plan = a_plan()

    assert advance(plan, HEALTHY, NOW + 2 * HOUR - dt.timedelta(seconds=1)) is plan


@pytest.mark.parametrize("state", [State.WARMING, State.INCONCLUSIVE])
def test_a_step_that_is_not_passed_stays_however_long(state: State) -> None:
    plan = a_plan()

    assert advance(plan, says(state), NOW + 1000 * HOUR) is plan


def test_however_late_it_is_a_plan_goes_one_step_at_a_time() -> None:
    later = NOW + 1000 * HOUR

    plan = advance(a_plan(), HEALTHY, later)

    assert plan.step == 1
    assert advance(plan, HEALTHY, later) is plan


def test_a_clock_that_goes_back_holds_the_step() -> None:
    plan = a_plan(hold=0)

    assert advance(plan, HEALTHY, NOW - HOUR) is plan


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize("state", [State.FAILING, State.ROLLED_BACK])
def test_a_failing_canary_is_rolled_back_at_once_from_every_step(step: int, state: State) -> None:
    plan = advance(at_step(step), says(state), NOW)

    assert (plan.state, plan.percent, plan.reason) == (PlanState.ROLLED_BACK, Decimal(0), f"it is {state}")


def test_a_rolled_back_plan_stays_so() -> None:
    plan = advance(a_plan(), FAILING, NOW)

    assert advance(plan, HEALTHY, NOW + 1000 * HOUR) is plan
    with pytest.raises(PlanError, match="expenses was rolled back: clear the flag"):
        resume(plan, NOW)
    with pytest.raises(PlanError, match="nothing to abort"):
        abort(plan)


def test_at_100_percent_nothing_is_left_to_compare_with_so_the_step_ends_with_its_time() -> None:
    plan = at_step(3)

    assert advance(plan, says(State.WARMING), NOW + HOUR) is plan
    done = advance(plan, says(State.WARMING), NOW + 2 * HOUR)
    assert (done.state, done.percent) == (PlanState.DONE, Decimal(100))
    assert advance(done, FAILING, NOW + 3 * HOUR) is done


def test_a_plan_may_end_below_100_percent_when_that_step_is_passed() -> None:
    plan = a_plan(5)

    assert advance(plan, says(State.INCONCLUSIVE), NOW + 2 * HOUR) is plan
    done = advance(plan, HEALTHY, NOW + 2 * HOUR)
    assert (done.state, done.percent) == (PlanState.DONE, Decimal(5))


def test_an_aborted_plan_is_at_0_until_it_is_resumed_at_its_step_and_held_anew() -> None:
    plan, later = at_step(2), NOW + 5 * HOUR

    aborted = abort(plan)
    resumed = resume(aborted, later)

    assert (aborted.state, aborted.percent) == (PlanState.ABORTED, Decimal(0))
    assert advance(aborted, HEALTHY, later) is aborted
    assert (resumed.state, resumed.percent, resumed.since) == (PlanState.RUNNING, Decimal(50), later)
    assert advance(resumed, HEALTHY, later + HOUR) is resumed
    assert advance(resumed, HEALTHY, later + 2 * HOUR).percent == 100


def test_only_a_running_plan_is_aborted_and_only_an_aborted_one_resumed() -> None:
    with pytest.raises(PlanError, match="expenses is running: there is nothing to resume"):
        resume(a_plan(), NOW)
    with pytest.raises(PlanError, match="expenses is aborted: there is nothing to abort"):
        abort(abort(a_plan()))


@pytest.mark.parametrize(("steps", "judged"), [(STEPS, 3), ((5,), 1), ((100,), 1), ((1, 2, 3, 4), 4)])
def test_the_steps_that_are_judged_leave_the_primary_something_to_serve(steps: tuple[int, ...], judged: int) -> None:
    assert a_plan(*steps).judged_steps == judged


@pytest.mark.parametrize("steps", [(), (0, 5), (5, 5), (25, 5)])
def test_steps_rise_from_above_0(steps: tuple[int, ...]) -> None:
    with pytest.raises(PlanError, match="each more than the one before"):
        CanaryPlan.start("expenses", "postgres", steps=steps, hold=1, now=NOW)


def test_what_is_no_plan_is_refused() -> None:
    with pytest.raises(FlagError, match=r"0 to 100 in steps of 0\.01"):
        a_plan(5, 101)
    with pytest.raises(PlanError, match="a step is held for"):
        a_plan(hold=-1)
    with pytest.raises(PlanError, match="a step is held for"):
        a_plan(hold=float("nan"))
    with pytest.raises(PlanError, match="since is a time with its zone"):
        attrs.evolve(a_plan(), since=NOW.replace(tzinfo=None))
    with pytest.raises(PlanError, match="steps 0 to 3"):
        at_step(4)


@given(
    st.lists(st.decimals(min_value="0.01", max_value=100, places=2), min_size=1, max_size=6, unique=True).map(sorted),
    st.sampled_from(PlanState),
    st.integers(0, 10_000_000),
    st.text(max_size=20),
)
def test_a_plan_comes_back_from_what_is_stored(steps: list[Decimal], state: PlanState, hold: int, reason: str) -> None:
    plan = CanaryPlan.start("expenses", "postgres", steps=steps, hold=hold, now=NOW)
    plan = attrs.evolve(plan, step=len(steps) - 1, state=state, reason=reason, since=NOW + HOUR)

    assert from_dict(orjson.loads(orjson.dumps(to_dict(plan)))) == plan


@pytest.mark.parametrize(
    "change",
    [
        {"steps": "5,25"},
        {"steps": [5]},
        {"steps": ["5", "secret"]},
        {"hold": "secret"},
        {"hold": True},
        {"since": "secret"},
        {"since": "2026-03-01T12:00:00"},
        {"step": 9},
        {"step": "1"},
        {"state": "secret"},
        {"domain": None},
        {"another": 1},
    ],
)
def test_what_is_stored_otherwise_is_refused_without_being_shown(change: dict[str, object]) -> None:
    with pytest.raises(PlanError) as refused:
        from_dict({**to_dict(a_plan()), **change})

    assert "secret" not in str(refused.value)


def test_a_stored_plan_lacks_nothing() -> None:
    stored = to_dict(a_plan())
    del stored["hold"]

    with pytest.raises(PlanError, match="a stored plan has domain, candidate, steps"):
        from_dict(stored)
