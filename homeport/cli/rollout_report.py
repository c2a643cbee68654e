"""One domain's rollout as one static page: shares of errors and times by adapter, and every decision on the time line.

It needs nothing but a browser: figures are SVG in the page, and no script runs.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import attrs

from homeport.cli.rollout_plots import Figure, Scale, Series, drawn
from homeport.ports.rollout import CountRow, EventRow, StageRow
from homeport.rollout.plan import from_dict
from homeport.rollout.tally import plus
from homeport.rollout.times import quantile

_MOST_POINTS = 240
_COLORS = {"postgres": "#2166ac", "supabase_legacy": "#b35806", "memory": "#5e8c31"}
_OTHER = "#666666"
_QUANTILES = (("p50", 0.50, "2 4"), ("p95", 0.95, ""), ("p99", 0.99, "7 4"))
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b;
  background: #ffffff; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
p { margin: .3rem 0; } .said { color: #555555; }
svg { width: 100%; height: auto; display: block; } svg text { font: 11px system-ui, sans-serif; fill: #444444; }
.grid { stroke: #e4e4e4; } .wide { overflow-x: auto; } .wide > * { min-width: 640px; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top;
  padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #dddddd; } td.n { text-align: right; }
.t { white-space: nowrap; }
table.sums th:not(:first-child) { text-align: right; }
.key { display: inline-block; margin-right: 1.4rem; } .key svg { display: inline; width: 34px; height: 10px; }
@media (prefers-color-scheme: dark) { body { color: #e6e6e6; background: #161616; } .said { color: #a8a8a8; }
  svg text { fill: #b8b8b8; } .grid { stroke: #343434; } td, th { border-color: #3a3a3a; }
  polyline, circle, svg line:not(.grid), svg text[style] { filter: brightness(1.6); } }
"""


def page(  # noqa: PLR0913 - what is on the page
    domain: str,
    rows: Sequence[CountRow],
    events: Sequence[EventRow],
    stage: StageRow | None,
    *,
    begin: dt.datetime,
    end: dt.datetime,
) -> str:
    """The page. Without counts it says so, and has the decisions all the same."""
    shown = [each for each in events if begin <= each.at <= end]
    counted = any(each.calls for each in rows)
    parts = [f"<h1>{escape(domain)}</h1>", f"<p class=said>{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC</p>"]
    parts += _standing(stage)
    if counted:
        binned = _binned(rows, begin, end)
        figures = (_errors(binned, begin, end), _times(binned, begin, end))
        parts += [*(drawn(each, shown) for each in figures), _sums(rows)]
    else:
        parts.append("<p>Nothing was counted in this time.</p>")
    parts.append(_decisions(shown))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<title>{escape(domain)}: rollout</title></head><body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _standing(stage: StageRow | None) -> list[str]:
    if stage is None:
        return ["<p>No canary is under way.</p>"]
    lines = []
    if stage.plan is not None:
        plan = from_dict(stage.plan)
        steps = " ".join(f"<b>{each} %</b>" if n == plan.step else f"{each} %" for n, each in enumerate(plan.steps))
        lines.append(f"<p>Plan to {escape(plan.candidate)}: {steps}; {plan.state.value}: {escape(plan.reason)}</p>")
    reason = str(stage.facts.get("reason", ""))
    lines.append(f"<p>State: <b>{escape(stage.state)}</b>{': ' + escape(reason) if reason else ''}</p>")
    return lines


# -- figures


def _errors(rows: Mapping[str, Sequence[CountRow]], begin: dt.datetime, end: dt.datetime) -> Figure:
    series = [
        Series(adapter, _color(adapter), "", [(each.minute, each.errors / each.calls) for each in found])
        for adapter, found in rows.items()
    ]
    most = max(value for each in series for _, value in each.points)
    scale = Scale(begin, end, 0.0, _round_up(max(most, 0.001)), logarithmic=False)
    said = "Share of calls that ended with an error of the adapter's; the callers' own errors are left out."
    return Figure(
        title="Error ratio", said=said, series=series, scale=scale, label=lambda value: f"{100 * value:.3g} %"
    )


def _times(rows: Mapping[str, Sequence[CountRow]], begin: dt.datetime, end: dt.datetime) -> Figure:
    series = [
        Series(
            f"{adapter} {name}",
            _color(adapter),
            dash,
            [(each.minute, quantile(each.times, share) or 0.0) for each in found],
        )
        for adapter, found in rows.items()
        for name, share, dash in _QUANTILES
    ]
    values = [value for each in series for _, value in each.points if value > 0] or [1.0]
    low = 10.0 ** math.floor(math.log10(min(values)))
    high = 10.0 ** max(math.ceil(math.log10(max(values))), math.log10(low) + 1)
    scale = Scale(begin, end, low, high, logarithmic=True)
    said = "In milliseconds, on a logarithmic scale: half, 95 % and 99 % of the calls took no longer."
    return Figure(title="Latency", said=said, series=series, scale=scale, label=lambda value: f"{value:g} ms")


# -- tables


def _sums(rows: Iterable[CountRow]) -> str:
    found: dict[str, CountRow] = {}
    for row in rows:
        found[row.adapter] = plus(found[row.adapter], row) if row.adapter in found else row
    lines = "".join(
        f"<tr><td>{escape(adapter)}</td>" + "".join(f"<td class=n>{text}</td>" for text in _numbers(each)) + "</tr>"
        for adapter, each in sorted(found.items())
    )
    heads = (
        "adapter",
        "calls",
        "errors",
        "callers' own",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "compared",
        "mismatches",
        "races",
    )
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    return f"<h2>Sums</h2><div class=wide><table class=sums><tr>{head}</tr>{lines}</table></div>"


def _numbers(row: CountRow) -> list[str]:
    times = [quantile(row.times, share) for _, share, _ in _QUANTILES]
    shown = ["" if each is None else f"{each:.3g}" for each in times]
    counts = [f"{each:,}" for each in (row.calls, row.errors, row.own_errors)]
    return [*counts, *shown, *(f"{each:,}" for each in (row.compared, row.mismatches, row.races))]


def _decisions(events: Sequence[EventRow]) -> str:
    if not events:
        return "<h2>Decisions</h2><p>None in this time.</p>"
    lines = "".join(
        f"<tr><td class=n>{number}</td><td class=t>{each.at:%Y-%m-%d %H:%M:%S}</td><td>{escape(each.kind)}</td>"
        f"<td>{escape(each.said)}</td><td>{escape(each.by)}</td></tr>"
        for number, each in enumerate(events, 1)
    )
    head = "<tr><th></th><th>UTC</th><th>what</th><th></th><th>by</th></tr>"
    return f"<h2>Decisions</h2><div class=wide><table>{head}{lines}</table></div>"


# -- numbers


def _binned(rows: Iterable[CountRow], begin: dt.datetime, end: dt.datetime) -> dict[str, list[CountRow]]:
    """By adapter, in order of time, as many points as fit the paper, each in the middle of the time that it sums up.

    Rows without a call draw nothing.
    """
    width = dt.timedelta(minutes=max(math.ceil((end - begin) / dt.timedelta(minutes=_MOST_POINTS)), 1))
    found: dict[tuple[str, dt.datetime], CountRow] = {}
    for row in rows:
        if row.calls:
            at = max(begin + ((row.minute - begin) // width) * width, begin)
            key = (row.adapter, min(at + width / 2, end))
            found[key] = plus(found[key], row) if key in found else attrs.evolve(row, minute=key[1])
    binned: dict[str, list[CountRow]] = {}
    for adapter, at in sorted(found):
        binned.setdefault(adapter, []).append(found[adapter, at])
    return binned


def _round_up(value: float) -> float:
    step = 10.0 ** math.floor(math.log10(value))
    return math.ceil(value / step) * step


def _color(adapter: str) -> str:
    return _COLORS.get(adapter, _OTHER)
