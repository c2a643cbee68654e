"""What a person does to a rollout: set and clear flags, start, abort and resume a canary. Each is one decision.

A rolled-back domain takes nothing but `clear`. A domain with a plan under way takes nothing but `abort` and `clear`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

import attrs

from homeport.ports.rollout import Decision, FlagRow, RolloutTables, StageRow
from homeport.rollout.flags import Flag, FlagError, Mode
from homeport.rollout.judge import State
from homeport.rollout.plan import CanaryPlan, PlanError, PlanState, abort, from_dict, resume, to_dict
from homeport.rollout.sources import Domains


@attrs.frozen(kw_only=True)
class Operator:
    """One person at the tables; `by` is who, for the events."""

    table: RolloutTables
    domains: Domains
    by: str

    async def set_flag(self, domain: str, text: str) -> Flag:
        """Every process follows within a second, unless its environment says otherwise.

        Raises:
            FlagError: an unknown domain or mode, listing the known ones; or the domain is held, or follows a plan.
        """
        flag = self.domains.parse(domain, text)
        async with self._deciding() as decision:
            await _free(decision, domain)
            await decision.set_flag(domain, str(flag), by=self.by)
            await decision.drop_stage(domain)
            await self._record(decision, domain, "set", f"flag set to {flag}")
        return flag

    async def clear(self, domain: str) -> bool:
        """Let go of the domain: its flag, its plan, its rollback. Whether there was anything.

        Raises:
            FlagError: an unknown domain.
        """
        self.domains.check(domain)
        async with self._deciding() as decision:
            found = await _stage(decision, domain) is not None
            await decision.drop_stage(domain)
            if await decision.clear_flag(domain) or found:
                await self._record(decision, domain, "cleared", "flag, plan and rollback cleared")
                return True
        return False

    async def start(
        self, domain: str, *, to: str, steps: Sequence[Decimal | int], hold: float, group: str = ""
    ) -> CanaryPlan:
        """A plan at its first step. `hold` is in seconds.

        Raises:
            FlagError: an unknown domain, another adapter than its candidate; or it is held, or follows a plan.
            PlanError: steps that don't rise, or a hold out of range.
        """
        flag = self.domains.parse(domain, Mode.SHADOW.value)
        if to != flag.candidate:
            raise FlagError(f"{domain} goes from {flag.primary} to {flag.candidate}; there is no canary to {to[:40]}")
        async with self._deciding() as decision:
            await _free(decision, domain)
            plan = CanaryPlan.start(domain, to, steps=steps, hold=hold, now=decision.now)
            canary = attrs.evolve(flag, mode=Mode.CANARY, percent=plan.percent, group=group)
            await self._follow(decision, plan, canary)
            said = ", ".join(f"{each} %" for each in plan.steps)
            await self._record(decision, domain, "started", f"{canary}; steps {said}, each {plan.hold:g} s or more")
        return plan

    async def abort(self, domain: str) -> CanaryPlan:
        """All calls back on the primary; the plan keeps its step. Raises PlanError if none runs."""
        return await self._turned(domain, "aborted")

    async def resume(self, domain: str) -> CanaryPlan:
        """On with the aborted step, from its beginning. Raises PlanError if none was aborted."""
        return await self._turned(domain, "resumed")

    async def _turned(self, domain: str, kind: str) -> CanaryPlan:
        self.domains.check(domain)
        async with self._deciding() as decision:
            stage = await _stage(decision, domain)
            if stage is None or stage.plan is None:
                raise PlanError(f"{domain} follows no plan")
            before = from_dict(stage.plan)
            plan = abort(before, f"by {self.by}") if kind == "aborted" else resume(before, decision.now)
            row = await _flag(decision, domain)
            if row is None:
                raise PlanError(f"the flag of {domain} was deleted from under its plan: clear it, and start another")
            canary = attrs.evolve(self.domains.parse(domain, row.flag), percent=plan.percent)
            await self._follow(decision, plan, canary)
            await self._record(decision, domain, kind, f"{row.flag} -> {canary}")
        return plan

    async def _follow(self, decision: Decision, plan: CanaryPlan, flag: Flag) -> None:
        row = await decision.set_flag(plan.domain, str(flag), by=self.by)
        stage = StageRow(
            domain=plan.domain,
            plan=to_dict(plan),
            stage=str(row.revision),
            since=decision.now,
            state=State.WARMING.value,
            judged_at=decision.now,
        )
        await decision.save_stage(stage)

    async def _record(self, decision: Decision, domain: str, kind: str, said: str) -> None:
        await decision.record(domain, kind, said, by=self.by, facts={})

    @asynccontextmanager
    async def _deciding(self) -> AsyncIterator[Decision]:
        async with self.table.deciding(wait=True) as decision:
            if decision is None:
                raise PlanError("somebody else is deciding")
            yield decision


async def _free(decision: Decision, domain: str) -> None:
    row = await _flag(decision, domain)
    if row is not None and row.held:
        raise FlagError(
            f"{domain} was rolled back at {row.changed_at:%Y-%m-%d %H:%M} UTC: find out why, then clear its flag"
        )
    stage = await _stage(decision, domain)
    if stage is not None and stage.plan is not None and from_dict(stage.plan).state is PlanState.RUNNING:
        raise FlagError(f"{domain} follows a plan: abort it, or clear its flag")


async def _flag(decision: Decision, domain: str) -> FlagRow | None:
    return next((each for each in await decision.flags() if each.domain == domain), None)


async def _stage(decision: Decision, domain: str) -> StageRow | None:
    return next((each for each in await decision.stages() if each.domain == domain), None)
