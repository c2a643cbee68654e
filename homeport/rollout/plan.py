"""Canary plans: which percentage, since when, and what a verdict makes of it. They ask no clock and store nothing."""

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

import attrs

from homeport.kernel.errors import QueryError
from homeport.rollout.flags import FlagError, percentage, percentage_of, written
from homeport.rollout.judge import State, Verdict

T = TypeVar("T")


class PlanError(QueryError):
    """The plan can't be made so, or can't take that turn from where it is."""


class PlanState(enum.StrEnum):
    """What has become of a plan."""

    RUNNING = "running"
    ABORTED = "aborted"
    """By a person, who may resume it."""
    ROLLED_BACK = "rolled_back"
    """By the judge. It does not go on; a person looks, clears the flag and starts another."""
    DONE = "done"
    """The last step was passed."""


def _steps(given: Sequence[Decimal | int]) -> tuple[Decimal, ...]:
    steps = tuple(percentage(each) for each in given)
    if not steps or list(steps) != sorted(set(steps)) or steps[0] == 0:
        raise PlanError("the steps of a plan are percentages above 0, each more than the one before")
    return steps


def _hold(_: object, __: object, value: float) -> None:
    if not 0 <= value < 366 * 86_400:
        raise PlanError("a step is held for 0 seconds to a year")


def _aware(_: object, attribute: "attrs.Attribute[dt.datetime]", value: dt.datetime) -> None:
    if value.utcoffset() is None:
        raise PlanError(f"{attribute.name} is a time with its zone")


@attrs.frozen(kw_only=True)
class CanaryPlan:
    """One domain's way to its candidate, step by step.

    Attributes:
        hold: the least number of seconds that a step lasts.
        step: the place of the present step in `steps`.
        since: when the present step began, or began again; sums before it are not of this step.
        reason: why it is in its state, or at its step.
    """

    domain: str
    candidate: str
    steps: tuple[Decimal, ...] = attrs.field(converter=_steps)
    hold: float = attrs.field(validator=_hold)
    started: dt.datetime = attrs.field(validator=_aware)
    since: dt.datetime = attrs.field(validator=_aware)
    step: int = attrs.field(default=0)
    state: PlanState = PlanState.RUNNING
    reason: str = "started"

    @step.validator
    def _known_step(self, _: object, value: int) -> None:
        if not 0 <= value < len(self.steps):
            raise PlanError(f"the plan has steps 0 to {len(self.steps) - 1}")

    @classmethod
    def start(
        cls, domain: str, candidate: str, *, steps: Sequence[Decimal | int], hold: float, now: dt.datetime
    ) -> "CanaryPlan":
        """A plan at its first step. Raises PlanError, FlagError for what is no percentage."""
        return cls(
            domain=domain, candidate=candidate, steps=tuple(map(Decimal, steps)), hold=hold, started=now, since=now
        )

    @property
    def percent(self) -> Decimal:
        """What the flag should say: the step's percentage, and 0 once the plan was aborted or rolled back."""
        return self.steps[self.step] if self.state in {PlanState.RUNNING, PlanState.DONE} else Decimal(0)

    @property
    def judged_steps(self) -> int:
        """How many steps leave the primary something to serve, so that they can be judged; at least 1."""
        return max(sum(percent < 100 for percent in self.steps), 1)

    @property
    def held_until(self) -> dt.datetime:
        """The earliest moment of the next step."""
        return self.since + dt.timedelta(seconds=self.hold)


def advance(plan: CanaryPlan, verdict: Verdict, now: dt.datetime) -> CanaryPlan:
    """What the verdict makes of the plan now; the same plan if it stays as it is.

    It rolls back at once. It takes the next step once the present one was held and is passed, one step at a time. At
    100 % nothing is left to compare with: that step ends with its time, unless it fails.
    """
    if plan.state is not PlanState.RUNNING:
        return plan
    if verdict.state in {State.FAILING, State.ROLLED_BACK}:
        return attrs.evolve(plan, state=PlanState.ROLLED_BACK, reason=verdict.reason)
    if now < plan.held_until:
        return plan
    if plan.steps[plan.step] == 100:
        return attrs.evolve(plan, state=PlanState.DONE, reason="all calls were on the candidate for the time asked for")
    if verdict.state is not State.HEALTHY:
        return plan
    if plan.step + 1 == len(plan.steps):
        return attrs.evolve(plan, state=PlanState.DONE, reason=verdict.reason)
    return attrs.evolve(plan, step=plan.step + 1, since=now, reason=verdict.reason)


def abort(plan: CanaryPlan, reason: str = "aborted by a person") -> CanaryPlan:
    """The plan at 0 %, to be resumed or not. Raises PlanError if it does not run."""
    if plan.state is not PlanState.RUNNING:
        raise PlanError(f"the plan of {plan.domain} is {plan.state}: there is nothing to abort")
    return attrs.evolve(plan, state=PlanState.ABORTED, reason=reason)


def resume(plan: CanaryPlan, now: dt.datetime) -> CanaryPlan:
    """The aborted plan at the step it had, held from its beginning. Raises PlanError if it was not aborted."""
    if plan.state is PlanState.ROLLED_BACK:
        raise PlanError(f"the plan of {plan.domain} was rolled back: clear the flag and start another")
    if plan.state is not PlanState.ABORTED:
        raise PlanError(f"the plan of {plan.domain} is {plan.state}: there is nothing to resume")
    return attrs.evolve(plan, state=PlanState.RUNNING, since=now, reason="resumed")


# -- as stored


def to_dict(plan: CanaryPlan) -> dict[str, object]:
    """The plan in JSON's types."""
    return {
        "domain": plan.domain,
        "candidate": plan.candidate,
        "steps": [written(percent) for percent in plan.steps],
        "hold": plan.hold,
        "started": plan.started.isoformat(),
        "since": plan.since.isoformat(),
        "step": plan.step,
        "state": plan.state.value,
        "reason": plan.reason,
    }


def from_dict(stored: Mapping[str, object]) -> CanaryPlan:
    """The plan that `to_dict` gave. Raises PlanError, which shows nothing of what is stored."""
    names = [field.name for field in attrs.fields(CanaryPlan)]
    if sorted(stored) != sorted(names):
        raise PlanError(f"a stored plan has {', '.join(names)}")
    try:
        return CanaryPlan(
            domain=_as(str, stored["domain"]),
            candidate=_as(str, stored["candidate"]),
            steps=tuple(percentage_of(_as(str, percent)) for percent in _as(list, stored["steps"])),
            hold=_number(stored["hold"]),
            started=dt.datetime.fromisoformat(_as(str, stored["started"])),
            since=dt.datetime.fromisoformat(_as(str, stored["since"])),
            step=_as(int, stored["step"]),
            state=PlanState(_as(str, stored["state"])),
            reason=_as(str, stored["reason"]),
        )
    except (FlagError, TypeError, ValueError):
        raise PlanError("a stored plan holds a value of another kind") from None


def _as(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)
