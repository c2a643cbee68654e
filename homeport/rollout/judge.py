"""The judge of a canary: from sums to a verdict. Knows no clock, moves nobody, and forgives nothing by itself."""

import enum
import math
from typing import Protocol

import attrs

from homeport.rollout.statistics import (
    Arm,
    Finding,
    Limits,
    Sums,
    refusals_shifted,
    slow_limit,
    weigh_faults,
    weigh_times,
)


class State(enum.StrEnum):
    """Where a canary stands."""

    WARMING = "warming"
    """Too little was seen for all tests. A disaster fails it all the same."""
    HEALTHY = "healthy"
    """Passed: the next step may be taken."""
    INCONCLUSIVE = "inconclusive"
    """Neither failing nor passed: it stays where it is, however long."""
    FAILING = "failing"
    """To be rolled back now."""
    ROLLED_BACK = "rolled_back"
    """It failed before, and stays so until a person clears it."""


@attrs.frozen(kw_only=True)
class Verdict:
    """What the judge says, and why, in one sentence of rates and counts.

    Attributes:
        fault_ratio, p95_ratio: the canary's by the control's as observed; None while there is nothing to compare.
        faults, times: the tests, where the policy makes any.
    """

    state: State
    reason: str
    fault_ratio: float | None = None
    p95_ratio: float | None = None
    faults: Finding | None = None
    times: Finding | None = None


class Policy(Protocol):
    """By what a canary is judged."""

    def judge(self, sums: Sums, last: State = State.WARMING) -> Verdict:
        """The verdict on the sums of the present step. `last` is the state before: a failure is final."""
        ...


@attrs.frozen(kw_only=True)
class SequentialRule:
    """Rolls at most 1 % of healthy canaries back, however often it is asked: see `statistics`.

    Attributes:
        limits: for a step of a plan of several, `Limits().at(step, steps)`.
        warm: how many outcomes on the canary it takes to say more than that it is warming.
    """

    limits: Limits = attrs.field(factory=Limits)
    warm: int = 50

    def judge(self, sums: Sums, last: State = State.WARMING) -> Verdict:
        faults, times = weigh_faults(sums, self.limits), weigh_times(sums, self.limits)
        state, reason = self._judged(sums, last, faults, times)
        return Verdict(
            state=state,
            reason=reason,
            fault_ratio=sums.fault_ratio,
            p95_ratio=sums.p95_ratio,
            faults=faults,
            times=times,
        )

    def _judged(self, sums: Sums, last: State, faults: Finding, times: Finding | None) -> tuple[State, str]:
        if final := _final(last):
            return final
        if faults.failing:
            return State.FAILING, _rates(sums)
        if times is not None and times.failing:
            return State.FAILING, self._slowness(sums)
        if sums.canary.outcomes < self.warm or times is None:
            return State.WARMING, self._so_far(sums)
        if faults.passed and times.passed and not refusals_shifted(sums):
            return State.HEALTHY, _rates(sums)
        return State.INCONCLUSIVE, self._undecided(sums, faults, times)

    def _so_far(self, sums: Sums) -> str:
        times = sum(sums.control.buckets.values())
        return (
            f"so far {sums.canary.outcomes} of {self.warm} outcomes on the candidate, "
            f"{times} of {self.limits.control_times} times on the primary"
        )

    def _undecided(self, sums: Sums, faults: Finding, times: Finding) -> str:
        if not faults.passed:
            return f"a rise of faults is neither shown nor excluded: {_rates(sums)}"
        if not times.passed:
            return f"slower times are neither shown nor excluded: {self._slowness(sums)}"
        return (
            f"the callers' own errors have shifted: {sums.canary.refusals} of {sums.canary.outcomes} outcomes on the "
            f"candidate, {sums.control.refusals} of {sums.control.outcomes} on the primary"
        )

    def _slowness(self, sums: Sums) -> str:
        limit, p95 = slow_limit(sums, self.limits), sums.canary.p95
        if limit is None or p95 is None:
            return "no times on the candidate"
        return f"p95 {p95:.3g} ms on the candidate, at most {limit:.3g} ms by the primary's"


@attrs.frozen(kw_only=True)
class LiteralRule:
    """The documents' rule to the letter: more than 10 % more errors, or a p95 more than 20 % longer.

    It can't tell a change from chance, so it rolls most healthy canaries back sooner or later.
    """

    fault_ratio: float = 1.10
    time_ratio: float = 1.20
    least_outcomes: int = 50

    def judge(self, sums: Sums, last: State = State.WARMING) -> Verdict:
        state, reason = self._judged(sums, last)
        return Verdict(state=state, reason=reason, fault_ratio=sums.fault_ratio, p95_ratio=sums.p95_ratio)

    def _judged(self, sums: Sums, last: State) -> tuple[State, str]:
        if final := _final(last):
            return final
        fewest = min(sums.canary.outcomes, sums.control.outcomes)
        if fewest < self.least_outcomes:
            return State.WARMING, f"so far {fewest} of {self.least_outcomes} outcomes on both adapters"
        if (sums.fault_ratio or 0.0) > self.fault_ratio:
            return State.FAILING, _rates(sums)
        ratio = sums.p95_ratio
        if ratio is not None and ratio > self.time_ratio:
            return State.FAILING, f"p95 {ratio:.2f} times the primary's"
        return State.HEALTHY, _rates(sums)


def _final(last: State) -> tuple[State, str] | None:
    if last in {State.FAILING, State.ROLLED_BACK}:
        return State.ROLLED_BACK, "it failed before; a person has to clear it"
    return None


def _rates(sums: Sums) -> str:
    ratio = sums.fault_ratio
    times = "" if ratio is None or math.isinf(ratio) else f" ({ratio:.2f} times)"
    control, canary = sums.control, sums.canary
    return (
        f"faults in {canary.fault_rate:.2%} of {canary.outcomes} outcomes on the candidate{_again(canary)}, "
        f"{control.fault_rate:.2%} of {control.outcomes} on the primary{_again(control)}{times}"
    )


def _again(arm: Arm) -> str:
    return f" ({arm.repeats} of {arm.faults} again to the same users)" if arm.repeats else ""
