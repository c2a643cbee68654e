"""Tables in Markdown, from results."""

from collections.abc import Iterable, Sequence

from benchmarks.goals import GOALS, Goal
from benchmarks.implementations import RAW
from benchmarks.results import Cases, Results

BEYOND = 100
"""A ratio from here on needs no digit after the point."""


def markdown(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    texts = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([texts[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *texts[1:]])


def ratios(results: Results, names: Sequence[str], *, delayed: bool = False, only: Iterable[str] | None = None) -> str:
    """A case a row, an implementation a column: the ratio to the case's base."""
    cases: Cases = results.delayed if delayed else results.cases
    shown = [each for each in (only or cases) if each in cases]
    heads = ["operation", *(results.titles.get(name, name) for name in names)]
    rows = [[cases[case].title, *(number(cases[case].ratio(name)) for name in names)] for case in shown]
    return markdown(heads, rows)


def times(results: Results, names: Sequence[str]) -> str:
    """Microseconds of one call: of this machine and this hour."""
    rows = []
    for found in results.cases.values():
        figures = [found.figures.get(name) for name in names]
        rows.append(
            [found.title, *("" if each is None else f"{each.microseconds / found.calls:.0f}" for each in figures)]
        )
    return markdown(["operation", *(results.titles[name] for name in names)], rows)


def goals(results: Results) -> str:
    """Every goal with the measured figure beside it."""
    heads = ["operation", "compared with", "gate", "goal", "measured", "goal reached"]
    return markdown(heads, [_goal(each, results) for each in GOALS])


def _goal(each: Goal, results: Results) -> list[str]:
    value = each.measure(results)
    reached = "" if value is None or each.goal is None else "yes" if each.reached(value) else "no"
    if value is not None and not each.allowed(value):
        reached = "no, beyond the gate"
    if value is not None and not each.believed(results):
        reached = "too noisy to say"
    limits = [_limit(each, limit) for limit in (each.gate, each.goal)]
    return [each.what, each.to, *limits, "not measured" if value is None else f"{number(value)}{each.unit}", reached]


def _limit(each: Goal, limit: float | None) -> str:
    if limit is None:
        return ""
    return f"{limit:g}x" if each.least else f"{limit:.2f}" if not each.unit else f"{limit:g}{each.unit}"


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= BEYOND else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def noise(results: Results) -> str:
    """Between which ratios the second copy of hand-written asyncpg lay."""
    found = [each.noise for each in results.cases.values() if each.noise is not None]
    return f"{min(found):.2f} to {max(found):.2f}" if found else "not measured"


def names(results: Results) -> list[str]:
    """All that were measured, but the base itself."""
    return [name for name in results.titles if name != RAW]
