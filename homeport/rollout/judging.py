"""One stage's rows summed up and put before the policy. Reads only what may have changed since the last time."""

import datetime as dt
from collections.abc import Callable
from typing import TypeAlias

import attrs

from homeport.ports.rollout import CountRow, Decision, StageRow
from homeport.rollout.flags import Flag
from homeport.rollout.judge import LiteralRule, Policy, SequentialRule, State, Verdict
from homeport.rollout.plan import from_dict
from homeport.rollout.statistics import Arm, Limits, Sums
from homeport.rollout.tally import whole_minute

Policies: TypeAlias = Callable[[int], Policy]
"""The policy of a plan of so many judged steps."""

_EARLIER = dt.timedelta(hours=1)
_CLOSED = dt.timedelta(minutes=5)
"""Rows of minutes before are taken as final, and not read again."""


def sequential(steps: int) -> Policy:
    """At most 1 % of healthy canaries rolled back, over all steps together."""
    return SequentialRule(limits=Limits().over(steps))


def literal(_: int) -> Policy:
    """The documents' rule to the letter."""
    return LiteralRule()


@attrs.define
class _Sum:
    """What was summed up of one stage: rows before `upto` are in `base`, and are not read again."""

    stage: tuple[str, dt.datetime]
    upto: dt.datetime
    base: Sums


class Judge:
    """Sums a stage's rows and asks the policy; reads only what may have changed since the last time."""

    def __init__(self, policies: Policies = sequential) -> None:
        self._policies = policies
        self._sums: dict[str, _Sum] = {}

    async def verdict(self, decision: Decision, stage: StageRow, flag: Flag) -> tuple[Verdict, Sums]:
        sums = await self._summed(decision, stage, flag)
        steps = 1 if stage.plan is None else from_dict(stage.plan).judged_steps
        return self._policies(steps).judge(sums, State(stage.state)), sums

    async def _summed(self, decision: Decision, stage: StageRow, flag: Flag) -> Sums:
        known = self._sums.get(stage.domain)
        if known is None or known.stage != (stage.stage, stage.since):
            known = self._sums[stage.domain] = await self._begun(decision, stage, flag)
        closed = whole_minute(decision.now - _CLOSED)
        late = Sums()
        for row in await decision.counts(known.upto, stage.domain):
            if not _belongs(row, stage):
                continue
            if row.minute < closed:
                known.base += _sums_of(row, flag)
            else:
                late += _sums_of(row, flag)
        known.upto = max(known.upto, closed)
        return known.base + late

    async def _begun(self, decision: Decision, stage: StageRow, flag: Flag) -> _Sum:
        """With the primary's times of the hour before, of earlier stages."""
        start = whole_minute(stage.since)
        base = Sums()
        for row in await decision.counts(start - _EARLIER, stage.domain):
            if row.stage != stage.stage and row.adapter == flag.primary and row.minute <= start:
                base += Sums(before=row.drawn_times)
        return _Sum((stage.stage, stage.since), start, base)


def _belongs(row: CountRow, stage: StageRow) -> bool:
    """A revision never comes again; the text of a variable or a file may, so there only whole minutes count."""
    return row.stage == stage.stage and (stage.stage.isdecimal() or row.minute >= stage.since)


def _sums_of(row: CountRow, flag: Flag) -> Sums:
    arm = Arm(row.outcomes, row.faults, row.refusals, row.drawn_times)
    if row.adapter == flag.candidate:
        return Sums(canary=arm)
    return Sums(control=arm) if row.adapter == flag.primary else Sums()
