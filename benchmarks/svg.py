"""Two kinds of plots as SVG text: dots in rows, and curves. They are read on light and on dark pages."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import attrs

COLOURS = (
    "#2f81f7", "#d29922", "#3fb950", "#a371f7", "#f85149", "#00a3a3", "#db61a2", "#8b949e", "#84cc16", "#5a7fff",
)  # fmt: skip
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#57606a}.title{font-size:14px;font-weight:600}"
    "line,path{stroke-width:1}.grid{stroke:#8b949e;stroke-opacity:.25}.base{stroke:#8b949e;stroke-width:1.5}"
    "@media(prefers-color-scheme:dark){text{fill:#adbac7}}"
)


@attrs.frozen
class Axis:
    """From values to places on the paper, by their logarithms if `log`."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def at(self, value: float) -> float:
        one, low, high = (math.log(each) if self.log else each for each in (value, self.low, self.high))
        return round(self.start + (one - low) / (high - low) * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        if not self.log:
            step = 10 ** math.floor(math.log10(self.high / 2))
            step *= next(each for each in (1, 2, 2.5, 5, 10) if self.high / (step * each) <= 6)
            return [step * number for number in range(int(self.high / step) + 1)]
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        many = last - first <= 3
        ticks = [factor * 10**power for power in range(first, last + 1) for factor in ((1, 2, 5) if many else (1,))]
        return [each for each in ticks if self.low * 0.999 <= each <= self.high * 1.001]


@attrs.frozen
class Dot:
    """A value of one series in a row."""

    series: str
    value: float


def dots(title: str, rows: Mapping[str, Sequence[Dot]], *, base: str) -> str:
    """One row a name; values on a logarithmic scale, 1 being `base`."""
    series = list(dict.fromkeys(dot.series for row in rows.values() for dot in row))
    every = [dot for row in rows.values() for dot in row]
    left, top, height = 170, 74 + 18 * math.ceil(len(series) / 4), 26
    bottom = top + height * len(rows)
    axis = Axis(min(dot.value for dot in every) * 0.85, max(dot.value for dot in every) * 1.15, left, 860, log=True)
    parts = [_text(16, 24, title, kind="title"), *_legend(series, 16, 48)]
    for tick in axis.ticks():
        kind = "base" if tick == 1 else "grid"
        parts.append(_line(axis.at(tick), top - 6, axis.at(tick), bottom, kind))
        parts.append(_text(axis.at(tick), bottom + 16, f"{tick:g}", anchor="middle"))
    parts.append(_text(axis.at(1), top - 12, base, anchor="middle"))
    for number, (name, row) in enumerate(rows.items()):
        middle = top + height * number + height / 2
        parts.append(_text(left - 12, middle + 4, name, anchor="end"))
        for dot in row:
            colour = _colour(series, dot.series)
            said = f"<title>{escape(dot.series)}: {dot.value:.2f}</title>"
            parts.append(f'<circle cx="{axis.at(dot.value)}" cy="{middle}" r="4.5" fill="{colour}">{said}</circle>')
    return _paper(880, bottom + 30, parts)


def lines(
    title: str, curves: Mapping[str, Sequence[tuple[float, float]]], *, x: str, y: str, log_x: bool, log_y: bool
) -> str:
    """Curves through points, with both axes named."""
    drawn = {name: curve for name, curve in curves.items() if curve}
    points = [point for curve in drawn.values() for point in curve]
    top, bottom, left, right = 80 + 18 * math.ceil(len(drawn) / 4), 380, 70, 860
    across = Axis(min(p[0] for p in points), max(p[0] for p in points), left, right, log=log_x)
    lowest, highest = min(p[1] for p in points), max(p[1] for p in points)
    up = Axis(lowest * 0.8 if log_y else 0, highest * 1.2, bottom, top, log=log_y)
    parts = [_text(16, 24, title, kind="title"), *_legend(list(drawn), 16, 48)]
    parts += [_text(left, top - 10, y), _text(right, bottom + 36, x, anchor="end")]
    for tick in up.ticks():
        parts.append(_line(left, up.at(tick), right, up.at(tick), "grid"))
        parts.append(_text(left - 8, up.at(tick) + 4, _short(tick), anchor="end"))
    for tick in sorted({p[0] for p in points} if log_x else across.ticks()):
        parts.append(_text(across.at(tick), bottom + 18, _short(tick), anchor="middle"))
    for name, curve in drawn.items():
        colour = _colour(list(drawn), name)
        places = [(across.at(each), up.at(value)) for each, value in curve]
        path = "M" + "L".join(f"{one} {two}" for one, two in places)
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" style="stroke-width:2"/>')
        parts += [f'<circle cx="{one}" cy="{two}" r="3" fill="{colour}"/>' for one, two in places]
    return _paper(880, bottom + 50, parts)


def _legend(series: Sequence[str], left: float, top: float) -> list[str]:
    parts = []
    for number, name in enumerate(series):
        x, y = left + number % 4 * 215, top + number // 4 * 18
        parts.append(f'<circle cx="{x + 5}" cy="{y - 4}" r="4.5" fill="{_colour(series, name)}"/>')
        parts.append(_text(x + 15, y, name))
    return parts


def _colour(series: Sequence[str], name: str) -> str:
    return COLOURS[series.index(name) % len(COLOURS)]


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" class="{kind}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" class="{kind}"/>'


def _short(value: float) -> str:
    for size, name in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{name}"
    return f"{value:g}"


def _paper(width: float, height: float, parts: Iterable[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>"]) + "\n"
