"""Simulated canaries: traffic that is drawn, batch by batch, before a policy that looks after each of them.

Draws are exact and seeded. Shared by the tests and by `benchmarks/rollout_simulation.py`.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from statistics import NormalDist

import attrs

from homeport.rollout.judge import Policy, State
from homeport.rollout.statistics import Arm, Sums
from homeport.rollout.times import LAST_BUCKET, bound_of

NEVER = 10**9
"""When a run ended that did not end."""


def binomial(n: int, p: float, rng: random.Random) -> int:
    """How many of n succeed: the gaps between successes are drawn, so that it costs what it finds."""
    if p > 0.5:
        return n - binomial(n, 1 - p, rng)
    if p == 0.5:
        return rng.getrandbits(n).bit_count() if n else 0
    if p <= 0:
        return 0
    rest, found = math.log1p(-p), 0
    at = int(math.log(1 - rng.random()) / rest)
    while at < n:
        found += 1
        at += 1 + int(math.log(1 - rng.random()) / rest)
    return found


@attrs.frozen
class Lognormal:
    """Times in milliseconds. With a sigma of 0.5 the p95 is 2.3 times the median, with 0.7 it is 3.2 times."""

    median: float = 7.3
    sigma: float = 0.5

    def slower(self, factor: float) -> "Lognormal":
        return attrs.evolve(self, median=self.median * factor)

    def draw(self, count: int, rng: random.Random) -> Counter[int]:
        """So many times, by bucket."""
        buckets, cumulated = _cumulated(self)
        return Counter(rng.choices(buckets, cum_weights=cumulated, k=count))


@lru_cache(maxsize=256)
def _cumulated(times: Lognormal) -> tuple[list[int], list[float]]:
    normal = NormalDist(math.log(times.median), times.sigma)
    shares = [normal.cdf(math.log(bound_of(bucket))) for bucket in range(LAST_BUCKET)]
    kept = [bucket for bucket in range(1, LAST_BUCKET) if shares[bucket] > 1e-9 and shares[bucket - 1] < 1 - 1e-9]
    return kept, [shares[bucket] for bucket in kept[:-1]] + [1.0]


@attrs.frozen(kw_only=True)
class Traffic:
    """One canary's traffic.

    Attributes:
        share: of the requests that the canary serves.
        faults: the control's rate; `more` times it is the canary's.
        times: the control's; `slower` times them are the canary's. None draws none.
        weather: what multiplies the faults (first) and the times (second) of both arms, by the part of the run.
        before: how many times of the control are known when the step begins.
        batch: how many requests there are between two looks.
    """

    share: float
    faults: float = 0.01
    more: float = 1.0
    times: Lognormal | None = None
    slower: float = 1.0
    weather: Callable[[float], tuple[float, float]] | None = None
    before: int = 0
    requests: int = 20_000
    batch: int = 100


@attrs.frozen
class Ending:
    """How a run ended: by a rollback, by passing where that was waited for, or not at all."""

    state: State
    requests: int
    on_canary: int


def run(policy: Policy, traffic: Traffic, rng: random.Random, until: frozenset[State]) -> Ending:
    """One canary from its first request until the policy's verdict is one of `until`."""
    control, canary = _Drawn(), _Drawn()
    before = traffic.times.draw(traffic.before, rng) if traffic.times is not None else Counter[int]()
    state = State.WARMING
    for served in range(0, traffic.requests, traffic.batch):
        faults, slower = traffic.weather(served / traffic.requests) if traffic.weather else (1.0, 1.0)
        there = binomial(traffic.batch, traffic.share, rng)
        times = traffic.times.slower(slower) if traffic.times is not None else None
        canary.add(there, min(traffic.faults * traffic.more * faults, 1.0), times and times.slower(traffic.slower), rng)
        control.add(traffic.batch - there, min(traffic.faults * faults, 1.0), times, rng)
        state = policy.judge(Sums(control=control.arm(), canary=canary.arm(), before=before), state).state
        if state in until:
            return Ending(state, served + traffic.batch, canary.outcomes)
    return Ending(state, NEVER, NEVER)


class _Drawn:
    def __init__(self) -> None:
        self.outcomes = self.faults = 0
        self.buckets: Counter[int] = Counter()

    def add(self, outcomes: int, rate: float, times: Lognormal | None, rng: random.Random) -> None:
        self.outcomes += outcomes
        self.faults += binomial(outcomes, rate, rng)
        if times is not None:
            self.buckets.update(times.draw(outcomes, rng))

    def arm(self) -> Arm:
        return Arm(self.outcomes, self.faults, 0, self.buckets)


ROLLED_BACK = frozenset({State.FAILING})
DECIDED = frozenset({State.FAILING, State.HEALTHY})


def rollbacks(policy: Policy, traffics: Iterable[Traffic], seed: int) -> int:
    """How many of these canaries are rolled back."""
    rng = random.Random(seed)
    return sum(run(policy, traffic, rng, ROLLED_BACK).state is State.FAILING for traffic in traffics)


def detection(policy: Policy, traffic: Traffic, runs: int, seed: int, *, on_canary: bool = False) -> tuple[int, int]:
    """After how many requests half and nine tenths of such canaries are rolled back."""
    rng = random.Random(seed)
    endings = [run(policy, traffic, rng, ROLLED_BACK) for _ in range(runs)]
    after = sorted(each.on_canary if on_canary else each.requests for each in endings)
    return after[runs // 2], after[runs * 9 // 10]
