"""A rollout on a terminal: tables for a person, lines for a pipe."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group
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
_NAMES = ("domain", "mode", "state")
_NUMBERS = _HEADS[4:-1]
_LAST_EVENTS = 10


def status_view(lines: Sequence[Line], said: str = "") -> Group:
    """The table, each domain's last event in a line, and what is said of all; as wide as the narrowest terminals."""
    below = [*(f"{each.domain}: {each.last_event}" for each in lines if each.last_event), said]
    return Group(status_table(lines), *(Text(each, no_wrap=True, overflow="ellipsis") for each in below if each))


def status_table(lines: Sequence[Line]) -> Table:
    """Mode and percentage in one column, the last event in none."""
    title = "requests, errors and mismatches of the last ten minutes"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in _NAMES:
        table.add_column(name, no_wrap=True)
    for name in _NUMBERS:
        table.add_column(name.replace(" ", "\n"), justify="right")
    for each in lines:
        domain, mode, percent, state, *numbers, _ = _cells(each)
        flag = f"{mode} {percent} %" if percent else mode
        table.add_row(Text(domain), Text(flag), Text(state, _STATES.get(state, "")), *map(Text, numbers))
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
