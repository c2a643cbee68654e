"""One stage's rows summed up and put before the policy. Reads only what may have changed since the last time."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs

from homeport.ports.rollout import CountRow, Decision, StageRow
from homeport.rollout.flags import Flag
from homeport.rollout.judge import LiteralRule, Policy, SequentialRule, State, Verdict
from homeport.rollout.parts import Part, begins
from homeport.rollout.plan import from_dict
from homeport.rollout.statistics import Limits, Sums
from homeport.rollout.tally import whole_minute

Policies: TypeAlias = Callable[[int, int], Policy]
"""The policy of a step, from 0 on, of a plan of so many judged ones."""

_EARLIER = dt.timedelta(hours=1)
_CLOSED = dt.timedelta(minutes=5)
"""Rows of minutes before are summed up once. What comes later still is noticed within a minute."""


def sequential(step: int, steps: int) -> Policy:
    """At most 1 % of healthy canaries rolled back, over all steps together."""
    return SequentialRule(limits=Limits().at(step, steps))


def literal(_: int, __: int) -> Policy:
    """The documents' rule to the letter."""
    return LiteralRule()


POLICIES: Mapping[str, Policies] = {"sequential": sequential, "literal": literal}
"""By what the setting `rollout_policy` calls them."""


@attrs.define(eq=False)
class _Summed:
    """What is known of one stage.

    Attributes:
        first: the first minute of the stage; rows of the minutes from there to before `upto` are in `parts`.
        weight: the same that `Decision.weight` says of these rows, as long as none has come late.
        before: the primary's times of the hour before, of earlier stages.
    """

    stage: tuple[str, dt.datetime]
    first: dt.datetime
    upto: dt.datetime
    before: Mapping[int, int]
    parts: list[Part]
    weight: int = 0

    def begin_parts(self, now: dt.datetime) -> None:
        for begin in begins(self.first, now)[len(self.parts) :]:
            self.parts.append(attrs.evolve(self.parts[0], begin=begin))

    def close(self, row: CountRow) -> None:
        self.weight += row.calls + row.outcomes + row.faults + row.refusals
        for part in self.parts:
            part.add(row)

    def with_open(self, rows: list[CountRow]) -> Sums:
        sums = []
        for part in self.parts:
            still_open = part.fresh()
            for row in rows:
                still_open.add(row)
            sums.append(part.with_(still_open))
        return attrs.evolve(sums[0], before=self.before, later=tuple(sums[1:]))


class Judge:
    """Sums a stage's rows and asks the policy; reads only what may have changed since the last time."""

    def __init__(self, policies: Policies = sequential) -> None:
        self._policies = policies
        self._known: dict[str, _Summed] = {}

    async def verdict(self, decision: Decision, stage: StageRow, flag: Flag) -> tuple[Verdict, Sums]:
        sums = await self._summed(decision, stage, flag)
        plan = None if stage.plan is None else from_dict(stage.plan)
        policy = self._policies(0, 1) if plan is None else self._policies(plan.step, plan.judged_steps)
        return policy.judge(sums, State(stage.state)), sums

    async def _summed(self, decision: Decision, stage: StageRow, flag: Flag) -> Sums:
        closed = whole_minute(decision.now - _CLOSED)
        known = self._known.get(stage.domain)
        if known is None or known.stage != (stage.stage, stage.since) or await _late(decision, stage, known, closed):
            known = self._known[stage.domain] = await _begun(decision, stage, flag)
        known.begin_parts(decision.now)
        still_open = []
        for row in await decision.counts(known.upto, stage.domain):
            if row.stage != stage.stage:
                continue
            if row.minute < closed:
                known.close(row)
            else:
                still_open.append(row)
        known.upto = max(known.upto, closed)
        return known.with_open(still_open)


async def _late(decision: Decision, stage: StageRow, known: _Summed, closed: dt.datetime) -> bool:
    """Whether rows have come, or have grown, of minutes that were summed up: a process may have lost the table.

    Asked once a minute. All is summed up anew then, so that whatever came late counts once.
    """
    if closed <= known.upto:
        return False
    return await decision.weight(stage.domain, stage.stage, known.first, known.upto) != known.weight


async def _begun(decision: Decision, stage: StageRow, flag: Flag) -> _Summed:
    start = whole_minute(stage.since)
    before: Counter[int] = Counter()
    for row in await decision.counts(start - _EARLIER, stage.domain):
        if row.stage != stage.stage and row.adapter == flag.primary and row.minute <= start:
            before.update(row.drawn_times)
    # a revision never comes again; the text of a variable or a file may, so there only whole minutes count
    first = start if stage.stage.isdecimal() or start == stage.since else start + dt.timedelta(minutes=1)
    return _Summed((stage.stage, stage.since), first, first, before, [Part(first, flag.primary, flag.candidate)])
