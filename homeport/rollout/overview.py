"""What `homeport status` shows: one line a domain, from the flags, the stages, the last minutes' counts and events."""

import datetime as dt
from collections.abc import Iterable, Mapping

import attrs

from homeport.ports.rollout import CountRow, EventRow, RolloutTables, StageRow
from homeport.rollout.flags import Mode, written
from homeport.rollout.live import Current
from homeport.rollout.plan import PlanState, from_dict
from homeport.rollout.tally import total, whole_minute

WINDOW = dt.timedelta(minutes=10)
"""Of which time requests, errors and mismatches are shown."""


@attrs.frozen(kw_only=True)
class Line:
    """One domain.

    Attributes:
        mode, percent, source: the flag, and who says so.
        state: where its canary stands, or its plan where that has ended; empty where there is neither.
        requests, errors: of the last minutes, on whatever adapter; errors are a share of the requests.
        error_ratio, p95_ratio: the candidate's by the primary's, over the present step; None while nothing is known.
        compared, mismatches: shadow reads of the last minutes.
    """

    domain: str
    mode: str
    percent: str
    source: str
    state: str
    requests: int
    errors: float | None
    error_ratio: float | None
    p95_ratio: float | None
    compared: int
    mismatches: int
    reason: str
    last_event: str


async def overview(table: RolloutTables, current: Mapping[str, Current], now: dt.datetime) -> list[Line]:
    """In order of domain."""
    rows = await table.counts(whole_minute(now - WINDOW))
    stages = {each.domain: each for each in await table.stages()}
    last = {each.domain: each for each in await table.events()}
    return [_line(domain, current[domain], stages.get(domain), rows, last.get(domain)) for domain in sorted(current)]


def _line(
    domain: str, current: Current, stage: StageRow | None, rows: Iterable[CountRow], event: EventRow | None
) -> Line:
    found = total(each for each in rows if each.domain == domain)
    facts = {} if stage is None or current.flag.mode is not Mode.CANARY else stage.facts
    return Line(
        domain=domain,
        mode=current.flag.mode.value,
        percent=written(current.flag.percent) if current.flag.mode is Mode.CANARY else "",
        source=current.source,
        state=_state(current, stage),
        requests=0 if found is None else found.calls,
        errors=found.errors / found.calls if found is not None and found.calls else None,
        error_ratio=_number(facts.get("fault_ratio")),
        p95_ratio=_number(facts.get("p95_ratio")),
        compared=0 if found is None else found.compared,
        mismatches=0 if found is None else found.mismatches,
        reason=str(facts.get("reason", "")),
        last_event="" if event is None else f"{event.at:%m-%d %H:%M:%S} {event.kind}: {event.said}",
    )


def _state(current: Current, stage: StageRow | None) -> str:
    if current.held:
        return "rolled_back"
    if stage is None:
        return ""
    plan = None if stage.plan is None else from_dict(stage.plan)
    if plan is not None and plan.state is not PlanState.RUNNING:
        return plan.state.value
    if stage.stage != current.stage:
        return "overruled" if plan is not None else ""
    return stage.state


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
