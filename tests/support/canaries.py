"""Simulated canaries: traffic that is drawn, batch by batch, before a policy that looks after each of them.

Draws are exact and seeded. Shared by the tests and by `benchmarks/rollout_simulation.py`.
"""

import datetime as dt
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from statistics import NormalDist

import attrs

from homeport.ports.rollout import CountRow
from homeport.rollout.judge import Policy, State
from homeport.rollout.parts import Part, begins
from homeport.rollout.statistics import Arm, Sums
from homeport.rollout.times import LAST_BUCKET, bound_of

_START = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
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


@attrs.frozen(kw_only=True)
class Crowd:
    """Users who call minute by minute; each is on the canary or not, for good.

    Attributes:
        share: of the users that the canary serves.
        active: the chance that a user has an outcome in a minute.
        faults: the rate of faults; it is `more` times as high on the canary from the minute `broken` on.
        troubled: users of the canary who have a fault in every minute from 30 on, and how many minutes long.
        misfits: the share of all users who have a fault at every call, whatever adapter serves them.
    """

    users: int
    share: float
    active: float
    minutes: int
    faults: float = 0.01
    more: float = 1.0
    broken: int = 0
    troubled: tuple[int, int] = (0, 0)
    misfits: float = 0.0


def watch(policy: Policy, crowd: Crowd, rng: random.Random, *, told_apart: bool = True) -> int | None:
    """The minute of the rollback, if there is one. Users who are not `told_apart` are witnesses every minute."""
    parts: list[Part] = []
    there = round(crowd.users * crowd.share)
    arms = {"primary": crowd.users - there, "candidate": there}
    misfits = {name: binomial(users, crowd.misfits, rng) for name, users in arms.items()}
    for minute in range(crowd.minutes):
        now = _START + dt.timedelta(minutes=minute)
        for begin in begins(_START, now)[len(parts) :]:
            parts.append(Part(begin, "primary", "candidate"))
        for name, users in arms.items():
            row = _minute(crowd, now, name, users, misfits[name], rng)
            for part in parts:
                part.add(row if told_apart else attrs.evolve(row, faulty={}))
        first, *later = (part.with_(part.fresh()) for part in parts)
        if policy.judge(attrs.evolve(first, later=tuple(later))).state is State.FAILING:
            return minute
    return None


def _minute(  # noqa: PLR0917 - what one arm's minute is drawn from
    crowd: Crowd, now: dt.datetime, name: str, users: int, misfits: int, rng: random.Random
) -> CountRow:
    minute = (now - _START) // dt.timedelta(minutes=1)
    on_canary = name == "candidate"
    outcomes = binomial(users, crowd.active, rng)
    rate = crowd.faults * crowd.more if on_canary and minute >= crowd.broken else crowd.faults
    faulty = dict.fromkeys(rng.sample(range(users), binomial(outcomes, min(rate, 1.0), rng)), 1)
    faulty |= dict.fromkeys((each for each in range(misfits) if rng.random() < crowd.active), 1)
    troubled, long = crowd.troubled
    if on_canary and 30 <= minute < 30 + long:
        outcomes += troubled
        faulty |= dict.fromkeys(range(users, users + troubled), 1)
    return CountRow(
        minute=now, domain="d", adapter=name, stage="1", outcomes=outcomes, faults=len(faulty), faulty=faulty
    )


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
