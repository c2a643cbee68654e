"""What the documents say of performance, made from the committed results: tables between markers, and plots."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import results, svg, tables
from benchmarks.implementations import HELD, HOMEPORT, LEAN, LEGACY, POSTGREST, RAW, TUNED
from benchmarks.results import Results, Scale

ROOT = Path(__file__).parents[1]
PLOTS = ROOT / "docs" / "plots"
PEERS = ("psycopg", "sqlalchemy-core", "sqlalchemy-orm", TUNED, "tortoise", "piccolo", POSTGREST)
SHOWN = ("get", "list 100", "insert", "update", "bulk 1k", "upsert 1k", "page", "keyset", "gather", "tasks")
_AS_USER = ("read as user", "insert as user")


def documents(found: Results, scale: Scale | None) -> dict[Path, dict[str, str]]:
    """The text of each marked place, by document."""
    performance = {
        "run": about(found),
        "goals": tables.goals(found),
        "ratios": tables.ratios(found, _drawn(found), only=[each for each in found.cases if each not in _AS_USER]),
        "as user": tables.ratios(found, _with(found, _AS_USER[0]), only=_AS_USER),
        "delayed": _delayed(found),
        "times": tables.times(found, [name for name in (RAW, HELD, LEAN, HOMEPORT) if name in found.titles]),
        "growth": growth(scale),
    }
    readme = {"performance": "\n\n".join([tables.ratios(found, _of_readme(found), only=_quiet(found)), short(found)])}
    return {ROOT / "docs" / "performance.md": performance, ROOT / "README.md": readme}


def about(found: Results) -> str:
    """The run in a few lines: what else is to be known of the figures."""
    facts, versions = found.machine, found.versions
    pinned = "client and servers on different CPUs" if facts["pinned"] else "nothing pinned to a CPU"
    rounds = sorted(each.rounds for each in found.cases.values())
    lines = [
        f"- {found.date}, a {found.kind} run over {found.rows:,} rows, {rounds[0]} to {rounds[-1]} rounds a case",
        f"- {facts['cpus']} CPUs ({facts['processor']}), {facts['system']}, {pinned}",
        f"- load of the machine before the run: {facts['load before']}",
        "- " + ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"- the second copy of hand-written asyncpg, which should be 1: {tables.noise(found)}",
        *(f"- left out: {name}: {reason}" for name, reason in found.left_out.items()),
    ]
    return "\n".join(lines)


def short(found: Results) -> str:
    """Which run, and what it could not say."""
    noisy = [found.cases[each].title for each in SHOWN if each in found.cases and not found.cases[each].quiet]
    low, high = results.QUIET
    said = f"{found.date}, a {found.kind} run. A second copy of the hand-written code lay within {low} and {high}."
    return said if not noisy else f"{said} Where it did not, nothing is shown: {', '.join(noisy)}."


def growth(scale: Scale | None) -> str:
    if scale is None:
        return "Not measured yet: `make bench-scale`."
    sizes = sorted({x for curve in scale.rows.values() for x, _ in curve})
    heads = ["microseconds, by rows", *(f"{size:,.0f}" for size in sizes)]
    rows = [[name, *(f"{dict(curve).get(size, 0):.0f}" for size in sizes)] for name, curve in scale.rows.items()]
    grown = {name: max((mib for _, mib in curve), default=0) for name, curve in scale.memory.items()}
    read = max((x for curve in scale.memory.values() for x, _ in curve), default=0)
    said = ", ".join(f"`{name}` {mib:.0f} MiB" for name, mib in grown.items())
    return f"{tables.markdown(heads, rows)}\n\nA process that reads all {read:,.0f} rows grows by: {said}."


def plots(found: Results, scale: Scale | None) -> dict[Path, str]:
    """Each plot's text by its file."""
    drawn = {PLOTS / "ratios.svg": ratios(found)}
    if scale is None:
        return drawn
    curves: Mapping[str, tuple[str, Mapping[str, results.Curve], str, str, bool, bool]] = {
        "rows.svg": ("A call, by the rows of the table", scale.rows, "rows", "microseconds", True, True),
        "tasks.svg": ("Gets a second, by tasks at once", scale.tasks, "tasks, 10 connections", "gets / s", True, False),
        "pools.svg": ("Gets a second, by connections", scale.pools, "connections, 64 tasks", "gets / s", True, False),
        "memory.svg": ("Memory while rows are read", scale.memory, "rows", "MiB more", False, False),
    }
    for name, (title, each, x, y, log_x, log_y) in curves.items():
        if any(each.values()):
            drawn[PLOTS / name] = svg.lines(title, each, x=x, y=y, log_x=log_x, log_y=log_y)
    return drawn


def ratios(found: Results) -> str:
    names = [name for name in (HOMEPORT, LEAN, *PEERS) if name in found.titles]
    rows: dict[str, Sequence[svg.Dot]] = {}
    for case in (found.cases[each] for each in _quiet(found)):
        rows[case.title] = [
            svg.Dot(found.titles[name], figure.ratio)
            for name in names
            if (figure := case.figures.get(name)) is not None
        ]
    return svg.dots("Time of a call, ratio to hand-written asyncpg; left is faster", rows, base="asyncpg by hand")


def _delayed(found: Results) -> str:
    if found.extra is None:
        return "Not measured in this run."
    names = [name for name in _drawn(found) if any(name in case.figures for case in found.delayed.values())]
    table = tables.ratios(found, names, delayed=True, only=[each for each in found.delayed if each not in _AS_USER])
    return f"{found.extra:.2f} ms more a round trip, as measured:\n\n{table}"


def _drawn(found: Results) -> list[str]:
    return [name for name in found.titles if name not in (RAW, HELD, LEGACY)]


def _quiet(found: Results) -> list[str]:
    """The cases that are shown, but those in which the machine was too noisy."""
    return [each for each in SHOWN if each in found.cases and found.cases[each].quiet]


def _of_readme(found: Results) -> list[str]:
    return [name for name in (HOMEPORT, *PEERS) if name in found.titles]


def _with(found: Results, case: str) -> list[str]:
    return [name for name in found.titles if case in found.cases and name in found.cases[case].figures]


# -- writing


def replaced(text: str, name: str, made: str) -> str:
    """The document with the text in its place. Raises LookupError if it has none."""
    pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise LookupError(f"no place for {name}")
    return pattern.sub(lambda found: f"{found[1]}{made}\n{found[2]}", text)


def current() -> dict[Path, str]:
    """What every generated file should hold."""
    found = results.read()
    scale = results.read_scale() if results.SCALE.exists() else None
    made = plots(found, scale)
    for path, places in documents(found, scale).items():
        text = path.read_text(encoding="utf-8")
        for name, each in places.items():
            text = replaced(text, name, each)
        made[path] = text
    return made


def write_all() -> None:
    for path, text in current().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
