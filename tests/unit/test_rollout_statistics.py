"""The sequential tests: their exact rates of false alarms, and what they make of given counts."""

import math
from itertools import islice

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.rollout.evidence import FAULTS, PASSING, TIMES, Prior, fault_boundary, log_evidence, time_boundary
from homeport.rollout.judge import SequentialRule
from homeport.rollout.statistics import (
    SLOW,
    Arm,
    Limits,
    Sums,
    _spent,
    ratio_bound,
    refusals_shifted,
    slow_limit,
    upper_rank,
    weigh_faults,
    weigh_times,
)
from homeport.rollout.times import bucket_of

LIMITS = Limits()
RULE = SequentialRule()
FIRST = SequentialRule(limits=LIMITS.at(0, 3))
"""The first step of a plan of three."""
COUNTS = st.integers(0, 10**9)


def sums(control: tuple[int, int], canary: tuple[int, int]) -> Sums:
    """Outcomes and faults of both arms."""
    return Sums(control=Arm(*control), canary=Arm(*canary))


def times(milliseconds: float, count: int) -> dict[int, int]:
    return {bucket_of(milliseconds): count}


# -- the exact rate of false alarms: a look after every single fault, for ever


def false_alarm(share: float, boundary: float, prior: Prior = FAULTS, most: int = 300) -> float:
    """An upper bound of the probability that a healthy canary ever reaches the boundary.

    Up to `most` coins it is computed for every number of them and of those on the canary; what evidence is left by
    then bounds all that may come after.
    """
    reached = taken = 0.0
    chances, barrier = [1.0], 1
    for faults in range(1, most + 1):
        while (evidence := log_evidence(barrier, faults - barrier, share, prior)) < boundary:
            barrier += 1
        following = [0.0] * min(len(chances) + 1, barrier)
        for there, chance in enumerate(chances):
            if there < len(following):
                following[there] += chance * (1 - share)
            if there + 1 < barrier:
                following[there + 1] += chance * share
            else:
                reached += chance * share
                taken += chance * share * math.exp(evidence)
        chances = following
    return reached + (1 - taken) * math.exp(-boundary)


@pytest.mark.parametrize("alpha", [LIMITS.fault_alpha, *(LIMITS.at(step, 3).fault_alpha for step in (0, 1)), 0.0005])
def test_a_healthy_canary_reaches_the_boundary_with_a_probability_of_at_most_alpha(alpha: float) -> None:
    shares = [0.002 * 1.17**step for step in range(40)]

    rates = {share: false_alarm(share, fault_boundary(share, alpha)) for share in shares if share < 1}

    assert len(rates) > 35
    assert all(rate <= alpha for rate in rates.values()), {s: r for s, r in rates.items() if r > alpha}
    assert max(rates.values()) > 0.9 * alpha, "the boundary gives something away"


@pytest.mark.parametrize("alpha", [0.002, *(LIMITS.at(step, 3).time_alpha for step in (0, 1))])
def test_healthy_times_reach_theirs_with_a_probability_of_at_most_alpha(alpha: float) -> None:
    assert 0.9 * alpha < false_alarm(SLOW, time_boundary(alpha), TIMES, most=1_500) <= alpha


def test_a_canary_that_is_better_than_its_control_reaches_it_less_often_still() -> None:
    # the evidence is a supermartingale: its mean after one more fault is at most what it was
    for share in (0.05, 0.25, 0.5):
        for hits, misses in ((0, 0), (3, 9), (40, 60)):
            before = math.exp(log_evidence(hits, misses, share, FAULTS))
            hit, miss = (
                math.exp(log_evidence(hits + more, misses + 1 - more, share, FAULTS)) / before for more in (1, 0)
            )
            assert share * hit + (1 - share) * miss == pytest.approx(1)
            assert hit > 1 > miss


# -- evidence


@given(COUNTS, COUNTS, st.floats(1e-12, 1), st.sampled_from([FAULTS, TIMES, PASSING]))
def test_evidence_is_a_number_for_any_counts(hits: int, misses: int, share: float, prior: Prior) -> None:
    assert math.isfinite(log_evidence(hits, misses, share, prior))


@pytest.mark.parametrize("prior", [FAULTS, TIMES, PASSING])
def test_the_weights_of_a_prior_are_a_distribution(prior: Prior) -> None:
    assert math.fsum(math.exp(weight) for _, _, weight in prior.points) == pytest.approx(1)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_an_arm_without_traffic_gives_no_evidence(share: float) -> None:
    assert log_evidence(100, 0, share, FAULTS) == 0


def test_evidence_grows_with_what_falls_on_the_canary() -> None:
    evidence = [log_evidence(hits, 100 - hits, 0.1, FAULTS) for hits in range(10, 100, 10)]

    assert evidence == sorted(evidence)
    assert evidence[0] < 0 < evidence[-1]


# -- faults


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_the_alphas_of_a_plans_steps_add_up_to_1_percent_and_the_first_has_most(steps: int) -> None:
    each = [LIMITS.at(step, steps) for step in range(steps)]
    alphas = [limits.fault_alpha + limits.time_alpha for limits in each]

    assert math.fsum(alphas) == pytest.approx(0.01)
    assert all(alphas[0] >= 0.008 > alpha for alpha in alphas[1:])
    assert {limits.fault_ratio for limits in each} == {LIMITS.fault_ratio}


def test_however_many_later_parts_a_step_has_they_share_a_thirty_second_of_its_alpha() -> None:
    spent = list(islice(_spent(), 1_000))

    assert spent[0] == 31 / 32
    assert 0.0312 < math.fsum(spent[1:]) < 1 / 32


def test_a_disaster_fails_after_some_twenty_outcomes() -> None:
    assert weigh_faults(sums((180, 1), (20, 5)), LIMITS).failing


def test_a_user_is_one_witness_however_often_it_fails() -> None:
    def failing(faults: int, repeats: int) -> bool:
        canary = Arm(1_000 + faults, faults, repeats=repeats)
        return weigh_faults(Sums(control=Arm(19_000, 190), canary=canary), LIMITS).failing

    assert failing(40, 0)
    assert not failing(40, 29)
    assert not failing(2_000, 1_989)


def test_a_user_who_fails_on_and_on_holds_a_step_and_passes_none() -> None:
    finding = weigh_faults(Sums(control=Arm(95_000, 950), canary=Arm(5_000, 90, repeats=39)), LIMITS)

    assert (finding.failing, finding.passed) == (False, False)


def test_once_all_have_had_a_fault_their_silence_passes_no_step() -> None:
    # every user on either arm has one behind it: by subjects both look alike
    finding = weigh_faults(
        Sums(control=Arm(9_000, 900, repeats=860), canary=Arm(3_000, 600, repeats=580)), Limits(passing_outcomes=1_000)
    )

    assert (finding.failing, finding.passed) == (False, False)


def test_what_breaks_late_is_seen_in_a_later_part_where_all_may_speak_again() -> None:
    whole = Sums(control=Arm(90_000, 900, repeats=750), canary=Arm(30_500, 800, repeats=750))
    later = sums((1_500, 15), (500, 50))

    assert not weigh_faults(whole, LIMITS).failing
    assert weigh_faults(attrs.evolve(whole, later=(Sums(), later)), LIMITS).failing
    assert not weigh_faults(attrs.evolve(whole, later=(Sums(), sums((1_500, 15), (500, 5)))), LIMITS).failing


def test_two_faults_are_no_ground_for_a_rollback_and_three_may_be() -> None:
    assert not weigh_faults(sums((10_000, 0), (10, 2)), LIMITS).failing
    assert weigh_faults(sums((10_000, 0), (10, 3)), LIMITS).failing


def test_a_rise_that_is_not_worth_it_fails_nobody_however_sure_it_is() -> None:
    by_ratio = weigh_faults(sums((10_000_000, 1_000_000), (10_000_000, 1_090_000)), LIMITS)
    by_floor = weigh_faults(sums((10_000_000, 1_000), (10_000_000, 10_000)), LIMITS)

    assert by_ratio.evidence > by_ratio.boundary
    assert by_floor.evidence > by_floor.boundary
    assert not by_ratio.failing
    assert not by_floor.failing
    assert weigh_faults(sums((10_000_000, 1_000_000), (10_000_000, 1_110_000)), LIMITS).failing


def test_a_canary_with_fewer_faults_never_fails() -> None:
    assert not weigh_faults(sums((10_000, 500), (10_000, 100)), LIMITS).failing


def test_faults_pass_when_a_rise_by_half_is_excluded_or_enough_was_seen() -> None:
    assert not weigh_faults(sums((2_000, 20), (2_000, 20)), LIMITS).passed
    assert weigh_faults(sums((4_900, 490), (4_900, 480)), LIMITS).passed
    assert weigh_faults(sums((95_000, 950), (5_000, 50)), LIMITS).passed
    assert weigh_faults(sums((95_000, 0), (5_000, 0)), LIMITS).passed


def test_where_hardly_anything_fails_a_fault_more_does_not_hold_a_step() -> None:
    assert weigh_faults(sums((95_000, 3), (5_000, 4)), LIMITS).passed
    assert not weigh_faults(sums((95_000, 950), (5_000, 51)), LIMITS).passed


def test_enough_seen_does_not_pass_a_rise() -> None:
    finding = weigh_faults(sums((95_000, 950), (5_000, 62)), LIMITS)

    assert (finding.failing, finding.passed) == (False, False)


def test_nothing_passes_without_a_control() -> None:
    assert not weigh_faults(sums((0, 0), (1_000_000, 10)), LIMITS).passed


def test_the_bound_of_the_ratio_comes_down_to_it() -> None:
    bounds = [ratio_bound(sums((100 * n, n), (100 * n, n))) for n in (1, 10, 100, 1_000, 100_000)]

    assert bounds[0] > 10
    assert bounds == sorted(bounds, reverse=True)
    assert 1.0 < bounds[-1] < 1.05
    assert ratio_bound(sums((10_000, 100), (10_000, 500))) == pytest.approx(7.3, abs=0.5)
    assert ratio_bound(Sums()) == math.inf


def test_a_step_is_passed_by_the_bound_exactly_where_it_falls_below_one_and_a_half() -> None:
    for n in range(100, 400, 20):
        both = sums((10 * n, n), (10 * n, n))
        assert weigh_faults(both, Limits(passing_outcomes=10**9)).passed == (ratio_bound(both) < 1.5)


def test_refusals_of_the_callers_own_doing_are_watched_in_both_directions() -> None:
    def refused(control: int, canary: int) -> bool:
        return refusals_shifted(Sums(control=Arm(9_000, 0, control), canary=Arm(1_000, 0, canary)))

    assert not refused(900, 100)
    assert not refused(900, 120)
    assert refused(900, 300)
    assert refused(900, 20)
    assert not refusals_shifted(Sums())


# -- times


def test_an_upper_rank_is_beyond_the_p95_with_a_confidence_of_99_5_percent() -> None:
    for count in (200, 500, 1_000, 5_000, 20_000):
        rank = upper_rank(count)
        logs = [
            math.lgamma(count + 1) - math.lgamma(below + 1) - math.lgamma(count - below + 1)
            + below * math.log(0.95) + (count - below) * math.log(0.05)
            for below in range(rank)
        ]  # fmt: skip
        assert 0.995 <= math.fsum(map(math.exp, logs)) < (0.997 if count >= 5_000 else 0.9997)


def test_a_limit_is_a_fifth_beyond_the_bound_of_the_controls_p95() -> None:
    limit = slow_limit(Sums(control=Arm(buckets=times(10, 5_000))), LIMITS)

    assert limit == pytest.approx(12, rel=0.05)


def test_there_is_no_limit_before_5000_times_of_the_control() -> None:
    assert slow_limit(Sums(control=Arm(buckets=times(10, 4_999))), LIMITS) is None
    assert weigh_times(Sums(control=Arm(buckets=times(10, 4_999)), canary=Arm(buckets=times(99, 99))), LIMITS) is None


def test_until_then_times_from_before_the_step_give_it_once_the_control_has_any_of_its_own() -> None:
    before = times(10, 5_000)

    assert slow_limit(Sums(before=before), LIMITS) is None
    assert slow_limit(Sums(before=before, control=Arm(buckets=times(10, 100))), LIMITS) == pytest.approx(12, rel=0.05)
    assert slow_limit(Sums(before=before, control=Arm(buckets=times(30, 100))), LIMITS) == pytest.approx(36, rel=0.05)
    assert slow_limit(Sums(before=before, control=Arm(buckets=times(5, 5_000))), LIMITS) == pytest.approx(6, rel=0.05)


def test_times_fail_when_more_than_a_twentieth_is_surely_beyond_the_limit() -> None:
    control = Arm(buckets=times(10, 5_000))

    def finding(slow: int, fast: int) -> tuple[bool, bool]:
        found = weigh_times(Sums(control=control, canary=Arm(buckets={**times(20, slow), **times(10, fast)})), LIMITS)
        assert found is not None
        return found.failing, found.passed

    assert finding(10, 10) == (True, False)
    assert finding(5, 195) == (False, True)
    assert finding(11, 189) == (False, False)
    assert finding(5_000, 95_000) == (False, True)
    assert finding(7_000, 93_000) == (True, False)
    assert finding(0, 100) == (False, False)
