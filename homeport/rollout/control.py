"""The evaluator: counts are written and summed, canaries judged, plans taken on, flags and events written.

Every process has one. At any moment the one that holds the lock decides, for all of them; the others find its decision
in the table. A decision is one transaction: flag, plan and event, or nothing.
"""

import asyncio
import contextlib
import contextvars
import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Mapping

import attrs

from homeport.kernel.errors import RepositoryError
from homeport.ports.rollout import Decision, RolloutTables, StageRow
from homeport.rollout.counts import Counts
from homeport.rollout.flags import Flag, Mode
from homeport.rollout.judge import State, Verdict
from homeport.rollout.judging import Judge, Policies, sequential
from homeport.rollout.live import Current, Flags
from homeport.rollout.plan import CanaryPlan, PlanState, advance, from_dict, to_dict
from homeport.rollout.routes import Tell, log_event
from homeport.rollout.shadow import Shadow
from homeport.rollout.statistics import Sums
from homeport.rollout.tally import Writer, utc_now, whole_minute

BY = "homeport"
"""Who decides, where no person does."""
KEPT = dt.timedelta(days=30)
"""How long counts are kept. Events are kept for good."""

_NO_SHADOWS: Mapping[str, Shadow] = {}
_FORGET_EVERY = 3600.0


class Control:
    """The background work of one process: every second its counts are written, and canaries judged if it may."""

    def __init__(  # noqa: PLR0913 - one keyword for each thing that the composition decides
        self,
        table: RolloutTables,
        flags: Flags,
        counts: Counts,
        *,
        shadows: Mapping[str, Shadow] = _NO_SHADOWS,
        policies: Policies = sequential,
        tell: Tell = log_event,
        seconds: float = 1.0,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self.events: Counter[str] = Counter()
        """How many decisions of each kind this process took, and how often the table was lost."""
        self._table = table
        self._flags = flags
        self._writer = Writer(table, flags, counts, shadows, clock)
        self._judge = Judge(policies)
        self._tell = tell
        self._seconds = seconds
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._broken = False
        self._forgotten = -math.inf
        flags.before_change.append(self._writer.collect)

    def start(self) -> None:
        """In the loop that runs. Starting twice is fine."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    async def close(self) -> None:
        """Writes what was counted last, if the table is there."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        with contextlib.suppress(RepositoryError):
            self._writer.collect()
            await self._writer.write()

    async def once(self) -> None:
        """One turn: count, write, judge. Raises what the table raises."""
        self._writer.collect()
        await self._writer.write()
        said: list[tuple[str, str, str]] = []
        async with self._table.deciding(wait=False) as decision:
            if decision is not None:
                await _Turn(decision, self._flags, self._judge, self._seconds, said).take()
        for domain, kind, text in said:
            self._event(kind, domain, text)
        await self._forget()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.once()
            except Exception as error:  # noqa: BLE001 - a table that is lost comes back; callers never hear of it
                self._lost(error)
            else:
                self._found()

    async def _forget(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._forgotten >= _FORGET_EVERY:
            self._forgotten = now
            await self._table.forget(whole_minute(self._clock()) - KEPT)

    def _lost(self, error: Exception) -> None:
        if not self._broken:
            self._broken = True
            self._event("broken", "rollout", f"counts can't be written or judged, they wait: {error}")

    def _found(self) -> None:
        if self._broken:
            self._broken = False
            self._event("mended", "rollout", "counts are written and judged again")

    def _event(self, kind: str, subject: str, text: str) -> None:
        self.events[kind] += 1
        self._tell(subject, text)


@attrs.frozen(eq=False)
class _Turn:
    """One decision over all domains. What it has decided is told in `said`, to be passed on once it is committed."""

    decision: Decision
    flags: Flags
    judge: Judge
    seconds: float
    said: list[tuple[str, str, str]]

    async def take(self) -> None:
        revisions = {each.domain: str(each.revision) for each in await self.decision.flags()}
        stages = {each.domain: each for each in await self.decision.stages()}
        for domain, current in self.flags.current().items():
            if current.source == "table" and revisions.get(domain) != current.stage:
                continue  # this process has not heard of the last change yet
            await self._domain(domain, current, stages.get(domain))

    async def _domain(self, domain: str, current: Current, stage: StageRow | None) -> None:
        if current.flag.mode is not Mode.CANARY:
            if stage is not None and stage.plan is None and stage.state != State.ROLLED_BACK:
                await self.decision.drop_stage(domain)  # a person has ended it
            return
        if stage is None or stage.stage != current.stage:
            if stage is None or stage.plan is None:
                await self._watch(domain, current)
            return  # else its plan is overruled by the environment, and waits
        if (self.decision.now - stage.judged_at).total_seconds() < 0.8 * self.seconds:
            return
        verdict, sums = await self.judge.verdict(self.decision, stage, current.flag)
        judged = attrs.evolve(stage, state=verdict.state.value, facts=facts_of(verdict, sums))
        if stage.plan is not None:
            await self._planned(judged, current, from_dict(stage.plan), verdict)
        elif verdict.state is State.FAILING:
            await self._roll_back(judged, current, None, verdict.reason)
        else:
            await self.decision.save_stage(judged)

    async def _watch(self, domain: str, current: Current) -> None:
        """A canary that somebody set without a plan: it is judged, and never promoted."""
        now = self.decision.now
        await self.decision.save_stage(
            StageRow(domain=domain, plan=None, stage=current.stage, since=now, state=State.WARMING.value, judged_at=now)
        )

    async def _planned(self, stage: StageRow, current: Current, plan: CanaryPlan, verdict: Verdict) -> None:
        after = advance(plan, verdict, self.decision.now)
        if after.state is PlanState.ROLLED_BACK and plan.state is not PlanState.ROLLED_BACK:
            await self._roll_back(stage, current, after, after.reason)
        elif after is plan:
            await self.decision.save_stage(stage)
        else:
            await self._go_on(stage, current.flag, after)

    async def _go_on(self, stage: StageRow, flag: Flag, plan: CanaryPlan) -> None:
        """The next step, or the end: a domain that is all on its candidate has a flag that says only that."""
        done = plan.state is PlanState.DONE
        new = attrs.evolve(flag, percent=plan.percent)
        text = flag.candidate if done and plan.percent == 100 else str(new)
        row = await self.decision.set_flag(stage.domain, text, by=BY)
        after = attrs.evolve(
            stage,
            plan=to_dict(plan),
            stage=str(row.revision),
            since=self.decision.now,
            state=stage.state if done else State.WARMING.value,
        )
        await self.decision.save_stage(after)
        kind = "done" if done else "promoted"
        await self._record(stage, kind, f"{flag} -> {text}: {plan.reason}")

    async def _roll_back(self, stage: StageRow, current: Current, plan: CanaryPlan | None, reason: str) -> None:
        flag = current.flag
        row = await self.decision.set_flag(stage.domain, flag.primary, held=True, by=BY)
        after = attrs.evolve(
            stage,
            plan=None if plan is None else to_dict(plan),
            stage=str(row.revision),
            since=self.decision.now,
            state=State.ROLLED_BACK.value,
        )
        await self.decision.save_stage(after)
        await self._record(stage, "rolled_back", f"{flag} -> {flag.primary}, until somebody clears it: {reason}")

    async def _record(self, stage: StageRow, kind: str, text: str) -> None:
        await self.decision.record(stage.domain, kind, text, by=BY, facts=stage.facts)
        self.said.append((stage.domain, kind, text))


def facts_of(verdict: Verdict, sums: Sums) -> dict[str, object]:
    """The figures of a judgement in JSON's types: what events keep and `homeport status` shows."""
    facts: dict[str, object] = {
        "reason": verdict.reason,
        "fault_ratio": _finite(verdict.fault_ratio),
        "p95_ratio": _finite(verdict.p95_ratio),
        "outcomes": {"candidate": sums.canary.outcomes, "primary": sums.control.outcomes},
        "faults": {"candidate": sums.canary.faults, "primary": sums.control.faults},
        "refusals": {"candidate": sums.canary.refusals, "primary": sums.control.refusals},
    }
    for name, finding in (("faults_evidence", verdict.faults), ("times_evidence", verdict.times)):
        if finding is not None:
            facts[name] = {"evidence": finding.evidence, "boundary": finding.boundary}
    return facts


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else number
