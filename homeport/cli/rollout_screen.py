"""A rollout on a terminal: tables for a person, lines for a pipe."""

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from homeport.ports.rollout import EventRow, FlagRow, StageRow
from homeport.rollout.live import Current
from homeport.rollout.overview import Line
from homeport.rollout.plan import from_dict

_STATES = {
    "healthy": "green",
    "done": "green",
    "warming": "cyan",
    "inconclusive": "yellow",
    "aborted": "yellow",
    "overruled": "yellow",
    "failing": "bold red",
    "rolled_back": "bold red",
}
_HEADS = (
    "domain",
    "mode",
    "percent",
    "state",
    "requests",
    "errors",
    "error ratio",
    "p95 ratio",
    "mismatches",
    "last event",
)
_LAST_EVENTS = 10


def status_table(lines: Sequence[Line]) -> Table:
    table = Table(*_HEADS, title="requests, errors and mismatches of the last ten minutes", title_justify="left")
    for each in lines:
        cells = [Text(cell) for cell in _cells(each)]
        cells[3].stylize(_STATES.get(each.state, ""))
        table.add_row(*cells)
    return table


def plain(lines: Sequence[Line]) -> Iterator[str]:
    """Columns by tabulators, the heads first."""
    yield "\t".join(_HEADS)
    for each in lines:
        yield "\t".join(_cells(each))


def flags_table(current: Mapping[str, Current], rows: Mapping[str, FlagRow]) -> Table:
    table = Table("domain", "flag", "from", "in the table", "changed")
    for domain in sorted(current):
        row = rows.get(domain)
        stored = "" if row is None else f"{row.flag}{' (rolled back: clear it)' if row.held else ''}"
        changed = "" if row is None else f"{row.changed_at:%Y-%m-%d %H:%M:%S} {row.changed_by}"
        cells = (domain, str(current[domain].flag), current[domain].source, stored, changed)
        table.add_row(*(Text(each) for each in cells))
    return table


def standing(stage: StageRow | None, events: Sequence[EventRow]) -> Iterator[str]:
    """Where a domain stands: its plan, its state with the reason, its last decisions."""
    if stage is None:
        yield "no canary"
    else:
        if stage.plan is not None:
            plan = from_dict(stage.plan)
            steps = " ".join(f"[{each}]" if n == plan.step else str(each) for n, each in enumerate(plan.steps))
            yield f"plan: {plan.state.value}, steps {steps} % to {plan.candidate}: {plan.reason}"
            yield f"held until {plan.held_until:%Y-%m-%d %H:%M:%S} UTC or longer"
        yield f"state: {stage.state} since {stage.since:%Y-%m-%d %H:%M:%S} UTC"
        for name, value in stage.facts.items():
            yield f"  {name}: {_written(value)}"
    for each in events[-_LAST_EVENTS:]:
        yield f"{each.at:%Y-%m-%d %H:%M:%S} {each.kind} by {each.by}: {each.said}"


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.domain,
        line.mode,
        line.percent,
        line.state,
        str(line.requests),
        "" if line.errors is None else f"{line.errors:.2%}",
        _ratio(line.error_ratio),
        _ratio(line.p95_ratio),
        f"{line.mismatches}/{line.compared}" if line.compared else "",
        line.last_event,
    )


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _written(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_written(each)}" for name, each in value.items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)
