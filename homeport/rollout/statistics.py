"""Sequential tests of a canary's faults and times, on plain counts that several processes add up.

They may be looked at after every call: how often one looks does not raise the rate of false alarms. Knows no clock, no
flag and no adapter; all it takes from control and canary is that they served the same kind of calls at the same time.

Faults: every fault is a coin, "did it fall on the canary?", which a healthy candidate's share of the traffic answers.
Since only the coin counts, a burst or a daily rhythm that meets both arms says nothing about either. A subject is on
one arm for good, so that all its faults fall there: the first is a coin, and the others are none. Times: at most 5 % of
the canary's may lie beyond a limit drawn from the control's. Evidence is the logarithm of a likelihood ratio
averaged over alternatives (an e-value), so that its alarm is one crossing of a boundary.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import count

import attrs

from homeport.rollout.evidence import FAULTS, PASSING, TIMES, fault_boundary, log_evidence, time_boundary
from homeport.rollout.times import ONE_MILLISECOND, PER_DECADE

SLOW = 0.05
"""The share of times beyond the p95."""

_NONE: Mapping[int, int] = {}
_LEAST_TIMES = 20
"""Fewer times have no p95 of their own."""
_LATER = 1 / 32
"""The part of alpha for what begins late in a step, when many a subject has spoken already."""
_Z = 2.5758293035489004
"""The normal distribution's 99.5 % point."""


@attrs.frozen
class Arm:
    """What one adapter's calls came to: outcomes, those with faults or refusals, and times by bucket.

    The counts hold one outcome a subject and minute.

    Attributes:
        repeats: the faults of subjects that had one before. Faults of one user come in clusters, and independent they
            are not.
    """

    outcomes: int = 0
    faults: int = 0
    refusals: int = 0
    buckets: Mapping[int, int] = _NONE
    repeats: int = 0

    @property
    def witnesses(self) -> int:
        """The faults that are evidence: a subject's first one, and those of nobody in particular."""
        return self.faults - self.repeats

    @property
    def fault_rate(self) -> float:
        return self.faults / self.outcomes if self.outcomes else 0.0

    @property
    def p95(self) -> float | None:
        """In milliseconds; None without times."""
        timed = sum(self.buckets.values())
        return _milliseconds(_place(self.buckets, timed * (1 - SLOW))) if timed else None


@attrs.frozen(kw_only=True)
class Sums:
    """Both arms over one step.

    Attributes:
        before: the control's times from before the step, for a limit until it has its own.
        later: the same step again, without its beginning: from later moments on, the earliest first. There a subject
            may speak that has spoken before.
    """

    control: Arm = Arm()
    canary: Arm = Arm()
    before: Mapping[int, int] = _NONE
    later: "tuple[Sums, ...]" = ()

    @property
    def share(self) -> float:
        """The canary's share of the outcomes; 0 where there are none."""
        both = self.control.outcomes + self.canary.outcomes
        return self.canary.outcomes / both if both else 0.0

    @property
    def fault_ratio(self) -> float | None:
        """How many times the control's rate; infinite where it has no fault; None where neither has one."""
        if not self.control.fault_rate:
            return math.inf if self.canary.faults else None
        return self.canary.fault_rate / self.control.fault_rate

    @property
    def p95_ratio(self) -> float | None:
        control, canary = self.control.p95, self.canary.p95
        return None if control is None or canary is None else canary / control


@attrs.frozen(kw_only=True)
class Limits:
    """What is tolerated, and how sure an alarm has to be. The alphas add up to 1 %: the rate of false rollbacks.

    Attributes:
        fault_ratio, fault_floor: no rollback below this ratio to the control's rate, nor for a smaller rise of it.
        least_witnesses: nor for fewer subjects with a fault on the canary.
        time_ratio: how much slower than the control's p95 a time has to be to count as slow.
        control_times: the least number of the control's times from which a limit is drawn.
        passing_ratio, passing_alpha: a step is passed when a rise of that size is as good as excluded,
        passing_outcomes: or so many outcomes on either arm have shown none at all, or hardly a fault (fault_floor).
        passing_times: the least number of the canary's times.
    """

    fault_alpha: float = 0.009
    time_alpha: float = 0.001
    fault_ratio: float = 1.10
    fault_floor: float = 0.001
    least_witnesses: int = 3
    time_ratio: float = 1.20
    control_times: int = 5_000
    passing_ratio: float = 1.5
    passing_alpha: float = 0.05
    passing_outcomes: int = 5_000
    passing_times: int = 200

    def at(self, step: int, steps: int) -> "Limits":
        """The same for one step, from 0 on, of a plan of so many: the rates of false alarms add up to the whole plan's.

        The first step has four fifths of them, since whatever is wrong with a candidate shows there first, and on the
        least traffic. The others share the rest: there the canary has more of the traffic, and tells sooner.
        """
        part = 1.0 if steps == 1 else 0.8 if step == 0 else 0.2 / (steps - 1)
        return attrs.evolve(self, fault_alpha=self.fault_alpha * part, time_alpha=self.time_alpha * part)


@attrs.frozen(kw_only=True)
class Finding:
    """One test's answer. It alarms where the evidence has reached the boundary; both are natural logarithms."""

    evidence: float
    boundary: float
    failing: bool
    passed: bool


def weigh_faults(sums: Sums, limits: Limits) -> Finding:
    """Whether more subjects have faults on the canary than its share explains. It fails if the rise is worth it, too.

    Told is the one test, of the step or of a later part of it, that is nearest to its boundary or farthest beyond.
    """
    tests = [
        _weighed(part, limits, limits.fault_alpha * spent)
        for part, spent in zip((sums, *sums.later), _spent(), strict=False)
    ]
    found = max(tests, key=lambda test: (test.failing, test.evidence - test.boundary))
    return attrs.evolve(found, passed=not found.failing and _excluded(sums, limits))


def _weighed(sums: Sums, limits: Limits, alpha: float) -> Finding:
    control, canary = sums.control, sums.canary
    evidence = log_evidence(canary.witnesses, control.witnesses, sums.share, FAULTS)
    boundary = fault_boundary(sums.share, alpha)
    telling = canary.witnesses >= limits.least_witnesses and _risen(_witnessed(control), _witnessed(canary), limits)
    return Finding(evidence=evidence, boundary=boundary, failing=telling and evidence >= boundary, passed=False)


def _spent() -> Iterator[float]:
    """The parts of alpha of a step's tests, which add up to 1: nearly all for the one that begins with it."""
    yield 1 - _LATER
    for place in count(1):
        yield _LATER / (place * (place + 1))


def _witnessed(arm: Arm) -> float:
    return arm.witnesses / arm.outcomes if arm.outcomes else 0.0


def _risen(control: float, canary: float, limits: Limits) -> bool:
    return canary > max(control * limits.fault_ratio, control + limits.fault_floor)


def weigh_times(sums: Sums, limits: Limits) -> Finding | None:
    """Whether more than 5 % of the canary's times are beyond the limit; None while the control gives no limit."""
    limit = time_limit(sums, limits)
    if limit is None:
        return None
    timed = sum(sums.canary.buckets.values())
    slow = _beyond(sums.canary.buckets, limit)
    evidence = log_evidence(slow, timed - slow, SLOW, TIMES)
    boundary = time_boundary(limits.time_alpha)
    passed = timed >= limits.passing_times and slow <= SLOW * timed
    return Finding(evidence=evidence, boundary=boundary, failing=evidence >= boundary, passed=passed)


def refusals_shifted(sums: Sums, alpha: float = 0.001) -> bool:
    """Whether refusals of the callers' own doing fall on one arm more than its traffic explains, either way.

    No ground for a rollback: a single client that is refused every minute weighs too much. But none to go on, either.
    """
    more = log_evidence(sums.canary.refusals, sums.control.refusals, sums.share, FAULTS)
    fewer = log_evidence(sums.control.refusals, sums.canary.refusals, 1 - sums.share, FAULTS)
    return max(more, fewer) >= math.log(2 / alpha)


def ratio_bound(sums: Sums, alpha: float = 0.05) -> float:
    """What the ratio of fault rates is below, with that risk over all looks; infinite while nothing is excluded."""
    boundary = -math.log(alpha)
    high = math.log(1000)
    low = -high
    if _evidence_below(sums, math.exp(high)) < boundary:
        return math.inf
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if _evidence_below(sums, math.exp(middle)) >= boundary else (middle, high)
    return math.exp(high)


def slow_limit(sums: Sums, limits: Limits) -> float | None:
    """The limit of the canary's times in milliseconds; None while the control gives none."""
    place = time_limit(sums, limits)
    return None if place is None else _milliseconds(place)


def time_limit(sums: Sums, limits: Limits) -> float | None:
    """The same as a place among the buckets: time_ratio beyond the upper 99.5 % bound of the control's p95.

    The control's times of this step count anew at every look, so that what slows both arms moves the limit too. Until
    they are enough it is the bound of those from before the step, or this step's own p95 if that is later.
    """
    own = sum(sums.control.buckets.values())
    if own >= limits.control_times:
        p95 = _upper_p95(sums.control.buckets, own)
    elif own < _LEAST_TIMES or (earlier := sum(sums.before.values())) < limits.control_times:
        return None
    else:
        p95 = max(_upper_p95(sums.before, earlier), _place(sums.control.buckets, own * (1 - SLOW)))
    return p95 + PER_DECADE * math.log10(limits.time_ratio)


def _excluded(sums: Sums, limits: Limits) -> bool:
    """By all faults, and by those of different subjects: the former come in clusters, the latter run out."""
    control, canary = sums.control, sums.canary
    if _risen(control.fault_rate, canary.fault_rate, limits) or _risen(_witnessed(control), _witnessed(canary), limits):
        return False
    seen_enough = min(control.outcomes, canary.outcomes) >= limits.passing_outcomes
    if seen_enough and canary.fault_rate <= max(control.fault_rate, limits.fault_floor):
        return True
    alone = attrs.evolve(
        sums,
        control=attrs.evolve(control, faults=control.witnesses, repeats=0),
        canary=attrs.evolve(canary, faults=canary.witnesses, repeats=0),
    )
    return all(_evidence_below(each, limits.passing_ratio) >= -math.log(limits.passing_alpha) for each in (sums, alone))


def _evidence_below(sums: Sums, ratio: float) -> float:
    """That the ratio of fault rates is below this one: then the control has more faults than it would leave it."""
    control, canary = sums.control.outcomes, sums.canary.outcomes * ratio
    share = control / (control + canary) if control else 0.0
    return log_evidence(sums.control.faults, sums.canary.faults, share, PASSING)


# -- places among the buckets: on a logarithmic scale, bucket b from b - 1 to b, its times evenly in between


def _upper_p95(buckets: Mapping[int, int], times: int) -> float:
    """The place that the p95 is below with 99.5 % confidence, whatever the distribution."""
    return _place(buckets, upper_rank(times))


def upper_rank(times: int) -> int:
    """The time, counted from the shortest, which exceeds the p95 with 99.5 % confidence; for few, the longest."""
    mean = times * (1 - SLOW)
    return min(math.ceil(mean + _Z * math.sqrt(mean * SLOW)) + 1, times)


def _place(buckets: Mapping[int, int], rank: float) -> float:
    below: float = sum(buckets.values())
    for bucket in sorted(buckets, reverse=True):
        below -= buckets[bucket]
        if below < rank:
            return bucket - 1 + (rank - below) / buckets[bucket]
    return 0.0


def _beyond(buckets: Mapping[int, int], place: float) -> float:
    """How many times are beyond the place; of the bucket that it is in, the part."""
    return math.fsum(count * min(bucket - place, 1.0) for bucket, count in buckets.items() if bucket > place)


def _milliseconds(place: float) -> float:
    return float(10 ** ((place - ONE_MILLISECOND) / PER_DECADE))
