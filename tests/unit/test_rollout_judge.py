"""The judge: from sums to a state and a reason."""

import math
import random

import attrs
import pytest

from homeport.rollout.judge import LiteralRule, Policy, SequentialRule, State
from homeport.rollout.statistics import Arm, Sums
from homeport.rollout.times import bucket_of
from tests.support.canaries import DECIDED, Lognormal, Traffic, rollbacks, run

RULE, LITERAL = SequentialRule(), LiteralRule()
POLICIES = [pytest.param(RULE, id="sequential"), pytest.param(LITERAL, id="literal")]


def arm(outcomes: int, faults: int = 0, refusals: int = 0, *, fast: int | None = None, slow: int = 0) -> Arm:
    """An arm whose times are 10 ms, one an outcome unless said otherwise, and some of 30 ms."""
    return Arm(outcomes, faults, refusals, {bucket_of(10): outcomes if fast is None else fast, bucket_of(30): slow})


def judged(control: Arm, canary: Arm, last: State = State.WARMING, policy: Policy = RULE) -> State:
    return policy.judge(Sums(control=control, canary=canary), last).state


@pytest.mark.parametrize(
    ("control", "canary", "state"),
    [
        (Arm(), Arm(), State.WARMING),
        (arm(10_000, 100), arm(49), State.WARMING),
        (arm(4_999, 50), arm(4_999, 50), State.WARMING),
        (arm(5_000, 50), arm(50), State.INCONCLUSIVE),
        (arm(20_000, 200), arm(2_000, 20), State.INCONCLUSIVE),
        (arm(45_000, 450), arm(5_000, 50), State.HEALTHY),
        (arm(45_000), arm(5_000), State.HEALTHY),
        (arm(6_000, 600), arm(4_500, 440), State.HEALTHY),
        (arm(45_000, 450), arm(5_000, 58), State.INCONCLUSIVE),
        (arm(45_000, 450), arm(5_000, 150), State.FAILING),
        (arm(180, 1), arm(20, 5), State.FAILING),
        (arm(45_000, 450), arm(5_000, 50, fast=4_000, slow=1_000), State.FAILING),
        (arm(45_000, 450), arm(5_000, 50, fast=4_740, slow=260), State.INCONCLUSIVE),
        (arm(45_000, 450), arm(5_000, 50, fast=199), State.INCONCLUSIVE),
        (arm(45_000, 450, 4_500), arm(5_000, 50, 1_500), State.INCONCLUSIVE),
        (Arm(), arm(100_000, 10_000), State.WARMING),
    ],
    ids=[
        "nothing seen", "too little on the canary", "too little on the control", "undecided", "still undecided",
        "passed by number", "passed without faults", "passed by the bound", "a small rise", "a sure rise",
        "a disaster before all is warm", "slower", "perhaps slower", "too few times", "the mix of refusals",
        "no control",
    ],
)  # fmt: skip
def test_states(control: Arm, canary: Arm, state: State) -> None:
    assert judged(control, canary) is state


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("last", [State.FAILING, State.ROLLED_BACK])
def test_what_failed_stays_rolled_back_whatever_the_sums_say(policy: Policy, last: State) -> None:
    assert judged(arm(45_000, 450), arm(5_000, 50), last, policy) is State.ROLLED_BACK
    assert judged(arm(45_000, 450), arm(5_000, 500), last, policy) is State.ROLLED_BACK
    assert judged(Arm(), Arm(), last, policy) is State.ROLLED_BACK


@pytest.mark.parametrize("last", [State.WARMING, State.HEALTHY, State.INCONCLUSIVE])
def test_what_was_healthy_may_fail_and_what_was_undecided_may_pass(last: State) -> None:
    assert judged(arm(45_000, 450), arm(5_000, 150), last) is State.FAILING
    assert judged(arm(45_000, 450), arm(5_000, 50), last) is State.HEALTHY


@pytest.mark.parametrize(
    ("control", "canary", "reason"),
    [
        (arm(100), arm(20), "so far 20 of 50 outcomes on the candidate, 100 of 5000 times on the primary"),
        (
            arm(45_000, 450),
            arm(5_000, 150),
            "faults in 3.00% of 5000 outcomes on the candidate, 1.00% of 45000 on the primary (3.00 times)",
        ),
        (
            arm(5_000, 50),
            arm(100, 1),
            (
                "a rise of faults is neither shown nor excluded: faults in 1.00% of 100 outcomes on the candidate, "
                "1.00% of 5000 on the primary (1.00 times)"
            ),
        ),
        (
            arm(45_000, 450),
            attrs.evolve(arm(5_000, 60), repeats=12),
            (
                "a rise of faults is neither shown nor excluded: faults in 1.20% of 5000 outcomes on the candidate "
                "(12 of 60 again to the same users), 1.00% of 45000 on the primary (1.20 times)"
            ),
        ),
        (
            arm(45_000, 450, 4_500),
            arm(5_000, 50, 1_500),
            (
                "the callers' own errors have shifted: 1500 of 5000 outcomes on the candidate, "
                "4500 of 45000 on the primary"
            ),
        ),
    ],
)
def test_the_reason_is_told_in_rates_and_counts(control: Arm, canary: Arm, reason: str) -> None:
    assert RULE.judge(Sums(control=control, canary=canary)).reason == reason


def test_slow_times_are_told_with_their_limit() -> None:
    verdict = RULE.judge(Sums(control=arm(45_000), canary=arm(5_000, fast=4_000, slow=1_000)))

    assert verdict.reason == "p95 29.5 ms on the candidate, at most 11.9 ms by the primary's"
    assert verdict.p95_ratio == pytest.approx(3, rel=0.05)


def test_a_verdict_has_the_ratios_as_observed() -> None:
    verdict = RULE.judge(Sums(control=Arm(1_000, 10), canary=Arm(1_000, 15)))

    assert verdict.fault_ratio == pytest.approx(1.5)
    assert verdict.p95_ratio is None
    assert verdict.times is None
    assert RULE.judge(Sums()).fault_ratio is None
    assert RULE.judge(Sums(control=Arm(10), canary=Arm(10, 1))).fault_ratio == math.inf


@pytest.mark.parametrize(
    ("control", "canary", "state"),
    [
        (arm(49, 1), arm(50, 1), State.WARMING),
        (arm(1_000, 10), arm(1_000, 11), State.HEALTHY),
        (arm(1_000, 10), arm(1_000, 12), State.FAILING),
        (arm(1_000), arm(1_000, 1), State.FAILING),
        (arm(1_000), arm(1_000), State.HEALTHY),
        (arm(1_000), arm(1_000, fast=900, slow=100), State.FAILING),
    ],
)
def test_the_literal_rule_is_the_documents_more_than_10_and_20_percent(control: Arm, canary: Arm, state: State) -> None:
    assert judged(control, canary, policy=LITERAL) is state


def test_the_literal_rule_rolls_healthy_canaries_back_and_the_sequential_one_does_not() -> None:
    healthy = [Traffic(share=share) for share in (0.05, 0.1, 0.5)] * 20

    assert rollbacks(LITERAL, healthy, seed=1) > 40
    assert rollbacks(RULE, healthy, seed=1) <= 2


@pytest.mark.parametrize(
    ("more", "slower", "state"), [(1, 1, State.HEALTHY), (2, 1, State.FAILING), (1, 1.5, State.FAILING)]
)
def test_in_the_end_a_step_is_passed_by_the_healthy_and_not_by_others(more: float, slower: float, state: State) -> None:
    traffic = Traffic(
        share=0.25, more=more, slower=slower, times=Lognormal(), before=5_000, batch=500, requests=200_000
    )
    rng = random.Random(9)

    endings = [run(RULE, traffic, rng, DECIDED).state for _ in range(12)]

    assert endings.count(state) >= 11
