"""A line chart over time as SVG text, with the decisions marked on it. Knows lines and numbers, no rollout."""

import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import pairwise

import attrs

from homeport.ports.rollout import EventRow

_WIDTH, _HEIGHT = 960, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 22, 28
_NUMBER = 26
"""So far apart are two numbers over the figure at least."""
_RED, _GREY = "#b2182b", "#777777"
_MIDNIGHT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_STEPS = [
    *(dt.timedelta(minutes=each) for each in (1, 2, 5, 10, 15, 30)),
    *(dt.timedelta(hours=each) for each in (1, 2, 3, 6, 12)),
    *(dt.timedelta(days=each) for each in (1, 2, 7)),
]


@attrs.frozen
class Series:
    name: str
    color: str
    dash: str
    points: Sequence[tuple[dt.datetime, float]]


@attrs.frozen
class Scale:
    """From values to places on the paper."""

    begin: dt.datetime
    end: dt.datetime
    low: float
    high: float
    logarithmic: bool

    def x(self, at: dt.datetime) -> float:
        share = (at - self.begin) / (self.end - self.begin)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        low, high, value = (
            (math.log10(each) for each in (self.low, self.high, max(value, self.low)))
            if self.logarithmic
            else (self.low, self.high, value)
        )
        return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    def marks(self) -> list[float]:
        if not self.logarithmic:
            return [self.low + (self.high - self.low) * part / 4 for part in range(5)]
        first, last = round(math.log10(self.low)), round(math.log10(self.high))
        return [10.0**power for power in range(first, last + 1)]


@attrs.frozen(kw_only=True)
class Figure:
    """`label` writes a value of the scale."""

    title: str
    said: str
    series: Sequence[Series]
    scale: Scale
    label: Callable[[float], str]


def drawn(figure: Figure, events: Sequence[EventRow]) -> str:
    """The figure with its heading and its key; events are numbered as they come."""
    keys = "".join(_key(each) for each in figure.series)
    svg = "".join(_lines(figure, events))
    title, said = escape(figure.title), escape(figure.said)
    return f"<h2>{title}</h2>\n<p class=said>{said}</p>\n<div class=wide>{svg}</div>\n<p>{keys}</p>"


def _lines(figure: Figure, events: Sequence[EventRow]) -> Iterator[str]:
    scale = figure.scale
    yield f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(figure.title)}">'
    for mark in scale.marks():
        y = scale.y(mark)
        yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{figure.label(mark)}</text>'
    yield from _hours(scale)
    yield from (_event(scale.x(each.at), each.kind) for each in events)
    yield from _numbers(scale, events)
    yield from (_path(each, scale) for each in figure.series)
    yield "</svg>"


def _event(x: float, kind: str) -> str:
    places = f'x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"'
    return f'<line {places} stroke="{_RED if kind == "rolled_back" else _GREY}" stroke-dasharray="3 3"/>'


def _numbers(scale: Scale, events: Sequence[EventRow]) -> Iterator[str]:
    """Over the lines; those that would cover one another are one: 3-5."""
    near: list[list[int]] = []
    for number, event in enumerate(events, 1):
        if near and scale.x(event.at) - scale.x(events[near[-1][0] - 1].at) < _NUMBER:
            near[-1].append(number)
        else:
            near.append([number])
    for each in near:
        x = (scale.x(events[each[0] - 1].at) + scale.x(events[each[-1] - 1].at)) / 2
        text = str(each[0]) if len(each) == 1 else f"{each[0]}-{each[-1]}"
        color = _RED if any(events[number - 1].kind == "rolled_back" for number in each) else _GREY
        yield f'<text x="{x:.1f}" y="{_TOP - 6}" text-anchor="middle" style="fill:{color}">{text}</text>'


def _key(series: Series) -> str:
    line = f'x1="0" x2="34" y1="5" y2="5" stroke="{series.color}" stroke-width="2" stroke-dasharray="{series.dash}"'
    return f'<span class=key><svg viewBox="0 0 34 10"><line {line}/></svg> {escape(series.name)}</span>'


def _hours(scale: Scale) -> Iterator[str]:
    """At most eight round times."""
    span = scale.end - scale.begin
    step = next((each for each in _STEPS if span <= 8 * each), span / 8)
    form = "%H:%M" if step < dt.timedelta(days=1) else "%m-%d"
    first = -((_MIDNIGHT - scale.begin) // step)
    for number in range(first, first + 9):
        at = _MIDNIGHT + number * step
        if scale.begin <= at <= scale.end:
            yield f'<text x="{scale.x(at):.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{at:{form}}</text>'


def _path(series: Series, scale: Scale) -> str:
    """A line, with a gap where nothing was called for long; a dot where a part has one point only."""
    color = f'stroke="{series.color}" stroke-width="2" stroke-dasharray="{series.dash}"'
    found = []
    for part in _parts(series.points):
        places = [(f"{scale.x(at):.1f}", f"{scale.y(value):.1f}") for at, value in part]
        found.append(f'<polyline points="{" ".join(f"{x},{y}" for x, y in places)}" fill="none" {color}/>')
        if len(places) == 1:
            found.append(f'<circle cx="{places[0][0]}" cy="{places[0][1]}" r="2.5" fill="{series.color}"/>')
    return "".join(found)


def _parts(points: Sequence[tuple[dt.datetime, float]]) -> list[list[tuple[dt.datetime, float]]]:
    """Cut where two points are more than three times as far apart as the nearest ones."""
    usual = min((later[0] - point[0] for point, later in pairwise(points)), default=dt.timedelta(0))
    parts = [[point] for point in points[:1]]
    for point, later in pairwise(points):
        if later[0] - point[0] > 3 * usual:
            parts.append([])
        parts[-1].append(later)
    return parts
