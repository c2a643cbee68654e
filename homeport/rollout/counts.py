"""What is counted of every store call: how many, what failed, how long; and the outcomes by which a canary is judged.

Knows names and numbers, never a value. Counts are one process's; `drain` gives what the shared table adds up.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import attrs

from homeport.kernel.observe import Observation, Observer
from homeport.rollout.blame import is_fault
from homeport.rollout.subjects import DRAWN, Draw, hashed
from homeport.rollout.times import bucket_of, quantile

_CANCELLED = asyncio.CancelledError.__name__


@attrs.frozen(kw_only=True)
class CallCounts:
    """The calls of one statement on one adapter. `errors` is by class name, `buckets` by `bucket_of` their times."""

    domain: str
    adapter: str
    statement: str
    calls: int
    milliseconds: float
    errors: Mapping[str, int]
    buckets: Mapping[int, int]

    @property
    def faults(self) -> int:
        return sum(count for error, count in self.errors.items() if is_fault(error))

    def quantile(self, share: float) -> float | None:
        return quantile(self.buckets, share)


@attrs.frozen(kw_only=True)
class ArmCounts:
    """What a canary is judged by: the drawn calls on one adapter, one outcome a subject and window.

    Calls are drawn while the domain is in canary and a bucket decided: not the writes of nobody in particular. A call
    by nobody is an outcome of its own. Streams are no times.

    Attributes:
        outcomes: subjects, once a window, whose calls did not all end by cancellation.
        faults: those of them that met at least one fault.
        refusals: those that met at least one error of their own: the mix should not shift either.
        buckets: times of calls that went well or were cancelled, one a subject, statement and window.
        faulty: faults by a hash of their subject, which tells in the sums of all processes who has spoken before.
            Nobody's have none, nor have those of a subject beyond the first thousand of a window.
    """

    domain: str
    adapter: str
    outcomes: int
    faults: int
    refusals: int
    buckets: Mapping[int, int]
    faulty: Mapping[int, int]


@attrs.frozen
class Drained:
    """What has been counted since the last time; only what was called is in it."""

    calls: tuple[CallCounts, ...]
    arms: tuple[ArmCounts, ...]


@attrs.define(eq=False)
class _Tally:
    calls: int = 0
    milliseconds: float = 0.0
    errors: dict[str, int] = attrs.field(factory=dict)
    buckets: dict[int, int] = attrs.field(factory=dict)

    def add(self, other: "CallCounts | _Tally") -> None:
        self.calls += other.calls
        self.milliseconds += other.milliseconds
        _add(self.errors, other.errors)
        _add(self.buckets, other.buckets)


@attrs.define(eq=False)
class _Arm:
    """`seen` and `timed` are those of the present window, by hash; they and the `named` are bounded."""

    outcomes: int = 0
    faults: int = 0
    refusals: int = 0
    buckets: dict[int, int] = attrs.field(factory=dict)
    faulty: dict[int, int] = attrs.field(factory=dict)
    named: int = 0
    seen: dict[int, Draw] = attrs.field(factory=dict)
    timed: set[int] = attrs.field(factory=set)
    until: float = 0.0

    @property
    def counted(self) -> bool:
        return any((self.outcomes, self.faults, self.refusals, self.buckets))


_Key = tuple[str, str, str]
_Name = TypeVar("_Name", int, str)


class Counts:
    """Counts what its observers are told. `window` is in seconds: errors of one user come in bursts, and count once.

    Subjects are hashed with the `key`, so that nobody finds them by hashing all users; give all processes the same.
    """

    def __init__(
        self,
        *,
        window: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        most_subjects: int = 50_000,
        most_named: int = 1_000,
        key: bytes = b"",
    ) -> None:
        self._window = window
        self._clock = clock
        self._most = most_subjects
        self._most_named = most_named
        self._key = key
        self._fresh: dict[_Key, _Tally] = {}
        self._totals: dict[_Key, _Tally] = {}
        self._returned: dict[_Key, _Tally] = {}
        self._arms: dict[tuple[str, str], _Arm] = {}

    def observer(self, domain: str) -> Observer:
        """What counts the calls of one domain: an observer of each session that its router may choose."""

        def observe(observation: Observation) -> None:
            key = (domain, observation.adapter, observation.name)
            tally = self._fresh.get(key)
            if tally is None:
                tally = self._fresh[key] = _Tally()
            bucket = bucket_of(observation.milliseconds)
            tally.calls += 1
            tally.milliseconds += observation.milliseconds
            tally.buckets[bucket] = tally.buckets.get(bucket, 0) + 1
            error = observation.error
            if error is not None:
                tally.errors[error] = tally.errors.get(error, 0) + 1
            draw = DRAWN.get()
            if draw is not None:
                self._drawn(domain, observation, draw, bucket)

        return observe

    def drain(self) -> Drained:
        """What was counted since the last time, and is not counted again."""
        fresh, self._fresh = self._fresh, {}
        for key, tally in fresh.items():
            self._totals.setdefault(key, _Tally()).add(tally)
        returned, self._returned = self._returned, {}
        for key, tally in fresh.items():
            returned.setdefault(key, _Tally()).add(tally)
        arms = tuple(_taken(*place, arm) for place, arm in self._arms.items() if arm.counted)
        return Drained(tuple(_counted(*each) for each in returned.items()), arms)

    def give_back(self, drained: Drained) -> None:
        """What could not be handed on: the next `drain` has it again."""
        for each in drained.calls:
            self._returned.setdefault((each.domain, each.adapter, each.statement), _Tally()).add(each)
        for counts in drained.arms:
            arm = self._arms.setdefault((counts.domain, counts.adapter), _Arm())
            arm.outcomes += counts.outcomes
            arm.faults += counts.faults
            arm.refusals += counts.refusals
            _add(arm.buckets, counts.buckets)
            _add(arm.faulty, counts.faulty)

    def totals(self) -> tuple[CallCounts, ...]:
        """All since the start, drained or not, in order of domain, adapter and statement."""
        every: dict[_Key, _Tally] = {}
        for some in (self._totals, self._fresh):
            for key, tally in some.items():
                every.setdefault(key, _Tally()).add(tally)
        return tuple(_counted(*each) for each in sorted(every.items()))

    def _drawn(self, domain: str, observation: Observation, draw: Draw, bucket: int) -> None:
        place = (domain, observation.adapter)
        arm = self._arms.get(place)
        if arm is None:
            arm = self._arms[place] = _Arm()
        now = self._clock()
        if now >= arm.until:
            arm.seen.clear()
            arm.timed.clear()
            arm.named = 0
            arm.until = now + self._window
        cancelled = observation.error == _CANCELLED
        if draw.timed and (cancelled or observation.error is None) and self._first(arm, draw, observation.name):
            arm.buckets[bucket] = arm.buckets.get(bucket, 0) + 1
        if not cancelled:
            self._outcome(arm, draw, observation.error)

    def _first(self, arm: _Arm, draw: Draw, statement: str) -> bool:
        """Whether it is this subject's first time with the statement in the window."""
        if draw.who is None:
            return True
        one = hash((draw.who, statement))
        if one in arm.timed or len(arm.timed) >= self._most:
            return False
        arm.timed.add(one)
        return True

    def _outcome(self, arm: _Arm, draw: Draw, error: str | None) -> None:
        """Noted on the draw of the subject's first call in the window; of a call by nobody, on its own."""
        first = draw if draw.who is None else arm.seen.get(draw.who)
        if first is None:
            if len(arm.seen) >= self._most or draw.who is None:
                return
            first = arm.seen[draw.who] = draw
        if not first.told:
            first.told = True
            arm.outcomes += 1
        if error is None:
            return
        if is_fault(error):
            if not first.failed:
                first.failed = True
                self._fault(arm, draw)
        else:
            arm.refusals += not first.refused
            first.refused = True

    def _fault(self, arm: _Arm, draw: Draw) -> None:
        arm.faults += 1
        if draw.subject is not None and arm.named < self._most_named:
            arm.named += 1
            one = hashed(draw.subject, self._key)
            arm.faulty[one] = arm.faulty.get(one, 0) + 1


def _counted(key: _Key, tally: _Tally) -> CallCounts:
    domain, adapter, statement = key
    return CallCounts(
        domain=domain,
        adapter=adapter,
        statement=statement,
        calls=tally.calls,
        milliseconds=tally.milliseconds,
        errors=dict(tally.errors),
        buckets=dict(tally.buckets),
    )


def _taken(domain: str, adapter: str, arm: _Arm) -> ArmCounts:
    """The arm's counts, which start again from nothing; who was seen in the window stays seen."""
    counts = ArmCounts(
        domain=domain,
        adapter=adapter,
        outcomes=arm.outcomes,
        faults=arm.faults,
        refusals=arm.refusals,
        buckets=arm.buckets,
        faulty=arm.faulty,
    )
    arm.outcomes = arm.faults = arm.refusals = 0
    arm.buckets, arm.faulty = {}, {}
    return counts


def _add(counts: dict[_Name, int], more: Mapping[_Name, int]) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count
