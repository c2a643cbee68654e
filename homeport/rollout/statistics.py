"""Sequential tests of a canary's faults and times, on plain counts that several processes add up.

They may be looked at after every call: how often one looks does not raise the rate of false alarms. Knows no clock, no
flag and no adapter; all it takes from control and canary is that they served the same kind of calls at the same time.

Faults: every fault is a coin, "did it fall on the canary?", which a healthy candidate's share of the traffic answers.
Since only the coin counts, a burst or a daily rhythm that meets both arms says nothing about either. Times: at most 5 %
of the canary's may lie beyond a limit drawn from the control's. Evidence is the logarithm of a likelihood ratio
averaged over alternatives (an e-value), so that its alarm is one crossing of a boundary.
"""

import math
from collections import Counter
from collections.abc import Mapping

import attrs

from homeport.rollout.times import ONE_MILLISECOND, PER_DECADE

SLOW = 0.05
"""The share of times beyond the p95."""

_NONE: Mapping[int, int] = {}
_LEAST_TIMES = 20
"""Fewer times have no p95 of their own."""
_Z = 2.5758293035489004
"""The normal distribution's 99.5 % point."""


@attrs.frozen
class Arm:
    """What one adapter's calls came to: outcomes, those with faults or refusals, and times by bucket.

    The counts hold one outcome a subject and minute; faults of one user come in clusters, and independent they are not.
    """

    outcomes: int = 0
    faults: int = 0
    refusals: int = 0
    buckets: Mapping[int, int] = _NONE

    def __add__(self, other: "Arm") -> "Arm":
        return Arm(
            self.outcomes + other.outcomes,
            self.faults + other.faults,
            self.refusals + other.refusals,
            Counter(self.buckets) + Counter(other.buckets),
        )

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
    """Both arms over one step. `before` holds the control's times from before it, for a limit until it has its own."""

    control: Arm = Arm()
    canary: Arm = Arm()
    before: Mapping[int, int] = _NONE

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            control=self.control + other.control,
            canary=self.canary + other.canary,
            before=Counter(self.before) + Counter(other.before),
        )

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
        least_faults: nor for fewer faults on the canary; one unlucky user may have two.
        time_ratio: how much slower than the control's p95 a time has to be to count as slow.
        control_times: the least number of the control's times from which a limit is drawn.
        passing_ratio, passing_alpha: a step is passed when a rise of that size is as good as excluded,
        passing_outcomes: or so many outcomes on either arm have shown none at all, or hardly a fault (fault_floor).
        passing_times: the least number of the canary's times.
    """

    fault_alpha: float = 0.008
    time_alpha: float = 0.002
    fault_ratio: float = 1.10
    fault_floor: float = 0.001
    least_faults: int = 3
    time_ratio: float = 1.20
    control_times: int = 5_000
    passing_ratio: float = 1.5
    passing_alpha: float = 0.05
    passing_outcomes: int = 5_000
    passing_times: int = 200

    def over(self, steps: int) -> "Limits":
        """The same for a plan of so many steps: the rates of false alarms are those of the whole plan."""
        return attrs.evolve(self, fault_alpha=self.fault_alpha / steps, time_alpha=self.time_alpha / steps)


@attrs.frozen(kw_only=True)
class Finding:
    """One test's answer. It alarms where the evidence has reached the boundary; both are natural logarithms."""

    evidence: float
    boundary: float
    failing: bool
    passed: bool


def weigh_faults(sums: Sums, limits: Limits) -> Finding:
    """Whether the canary has more faults than its share. It fails from the boundary on, if the rise is worth it."""
    control, canary = sums.control, sums.canary
    risen = canary.fault_rate > max(control.fault_rate * limits.fault_ratio, control.fault_rate + limits.fault_floor)
    evidence = log_evidence(canary.faults, control.faults, sums.share, FAULTS)
    boundary = fault_boundary(sums.share, limits.fault_alpha)
    return Finding(
        evidence=evidence,
        boundary=boundary,
        failing=risen and canary.faults >= limits.least_faults and evidence >= boundary,
        passed=not risen and _excluded(sums, limits),
    )


def weigh_times(sums: Sums, limits: Limits) -> Finding | None:
    """Whether more than 5 % of the canary's times are beyond the limit; None while the control gives no limit."""
    limit = time_limit(sums, limits)
    if limit is None:
        return None
    timed = sum(sums.canary.buckets.values())
    slow = _beyond(sums.canary.buckets, limit)
    evidence = log_evidence(slow, timed - slow, SLOW, TIMES)
    boundary = -math.log(limits.time_alpha)
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


# -- evidence


@attrs.frozen
class Prior:
    """What is looked for: each point goes a part of the way from the share that is expected to 1, with a weight.

    Attributes:
        points: (part, log(1 - part), log weight), in order.
    """

    points: tuple[tuple[float, float, float], ...]

    @classmethod
    def of(cls, *humps: tuple[float, float, float], size: int = 24) -> "Prior":
        """A mixture of beta densities (weight, a, b) on that many points."""
        parts = [(index + 0.5) / size for index in range(size)]
        weights = [0.0] * size
        for weight, a, b in humps:
            heights = [part ** (a - 1) * (1 - part) ** (b - 1) for part in parts]
            weights = [sum_ + weight * height / sum(heights) for sum_, height in zip(weights, heights, strict=True)]
        return cls(tuple((p, math.log1p(-p), math.log(w)) for p, w in zip(parts, weights, strict=True)))


FAULTS = Prior.of((0.6, 4, 9), (0.4, 5, 2))
"""A third of the way is twice the faults at half the traffic, and five times at 10 %; two thirds is a disaster."""
TIMES = Prior.of((1, 1.5, 9))
PASSING = Prior.of((1, 1, 2))


def log_evidence(hits: float, misses: float, share: float, prior: Prior) -> float:
    """How much likelier the hits are where more than that share is expected, as a logarithm; 0 for nothing seen.

    While at most the share is true, it ever reaches log(1 / alpha) with a probability of at most alpha.
    """
    if not 0 < share < 1 or hits + misses == 0:
        return 0.0
    odds = (1 - share) / share
    terms = [weight + hits * math.log1p(part * odds) + misses * rest for part, rest, weight in prior.points]
    most = max(terms)
    return most + math.log(sum(math.exp(term - most) for term in terms))


def fault_boundary(share: float, alpha: float) -> float:
    """Where the evidence of FAULTS alarms with a probability of at most alpha, for alphas of up to 1 %.

    1 / alpha would be on the safe side of it: the evidence jumps over a boundary rather than meet it, the farther the
    smaller the share. The test of this function computes the exact probabilities.
    """
    return math.log(min(0.68 + 0.7 * share, 1.0) / alpha)


def _excluded(sums: Sums, limits: Limits) -> bool:
    control, canary = sums.control, sums.canary
    if min(control.outcomes, canary.outcomes) >= limits.passing_outcomes and canary.fault_rate <= max(
        control.fault_rate, limits.fault_floor
    ):
        return True
    return _evidence_below(sums, limits.passing_ratio) >= -math.log(limits.passing_alpha)


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
