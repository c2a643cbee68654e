"""What a demonstration shows: a bar or plain lines meanwhile, tables and one sentence at the end, or JSON."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import attrs
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from homeport.cli.demo import journey_report
from homeport.cli.demo.journey import Journey
from homeport.cli.demo.measured import Advance, Difference, Measured
from homeport.settings import Adapter

ALL_EQUAL = "all answers equal"
_LONGEST = 600


@attrs.frozen(kw_only=True)
class Outcome:
    """A whole demonstration.

    Attributes:
        measured: the legs that ran. All are compared with the first.
        differences: the first one of each leg that has any.
        missing: the legs that can't be had here, with the reason and how to get them.
        journey: what became of the rollout, or why there was none.
        roles_made: roles that are new on the user's own server, and stay.
    """

    seed: int
    measured: Sequence[Measured]
    differences: dict[Adapter, Difference]
    missing: dict[Adapter, str]
    journey: Journey | str
    roles_made: Sequence[str] = ()

    @property
    def verdict(self) -> str:
        """The last line."""
        if self.differences:
            return f"answers differ: {', '.join(self.differences)}"
        if self.missing:
            ran = " and ".join(each.adapter for each in self.measured)
            return f"answers equal on {ran}; did not run: {', '.join(self.missing)}" if self.compared else self._alone
        return ALL_EQUAL if self.compared else self._alone

    @property
    def compared(self) -> bool:
        return len(self.measured) > 1

    @property
    def _alone(self) -> str:
        return "nothing was compared: " + ("no adapter ran" if not self.measured else "only one adapter ran")

    def verdict_of(self, measured: Measured) -> str:
        """The leg's answers in a word or two."""
        if measured.adapter in self.differences:
            return f"differ from operation {self.differences[measured.adapter].number} on"
        return "reference" if measured is self.measured[0] else "equal"


class Screen:
    """A person's view of the run: a bar that moves on a terminal, and a line for each thing done anywhere."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def line(self, text: str, style: str = "") -> None:
        self.console.print(text, style=style, markup=False)

    @contextmanager
    def stage(self, text: str, total: int) -> Iterator[Advance]:
        """Something with steps, and how to tell of them."""
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as bar:
            task = bar.add_task(text, total=total)
            yield lambda steps: bar.advance(task, steps)

    def show(self, outcome: Outcome) -> None:
        """The tables, what differs, what is missing, the rollout, and the verdict on the answers as the last line."""
        if outcome.measured:
            self.console.print(_by_adapter(outcome, self._box))
            self.console.print(_by_kind(outcome.measured, self._box))
            self.line("Times of this machine with whatever else it does: no benchmark.", "dim")
        for adapter, found in outcome.differences.items():
            self._difference(outcome.measured[0].adapter, adapter, found)
        for adapter, reason in outcome.missing.items():
            self.line(f"{adapter} did not run: {reason}", "yellow")
        if outcome.roles_made:
            made = ", ".join(outcome.roles_made)
            self.line(f"New roles on your server, which stay, as roles belong to all its databases: {made}", "yellow")
        self._journey(outcome.journey)
        good = outcome.compared and not outcome.differences
        self.line(outcome.verdict, "bold green" if good else "bold red" if outcome.differences else "bold yellow")

    def _journey(self, journey: Journey | str) -> None:
        if isinstance(journey, str):
            self.line(f"the rollout was left out: {journey}", "yellow")
            return
        self.line("The rollout, as it was recorded:", "bold")
        for each in journey_report.told(journey):
            self.line(each)

    def _difference(self, reference: Adapter, adapter: Adapter, found: Difference) -> None:
        where = f" at {found.place}" if found.place else ""
        self.line(f"{adapter} differs in operation {found.number}, {found.name} ({found.kind}){where}:", "red")
        self.line(f"  {reference:16} {_short(found.expected)}")
        self.line(f"  {adapter:16} {_short(found.answered)}")

    @property
    def _box(self) -> box.Box | None:
        return box.SIMPLE_HEAD if self.console.is_terminal else None


def as_json(outcome: Outcome) -> dict[str, object]:
    """The same for a program to read."""
    return {
        "verdict": outcome.verdict,
        "equal": outcome.compared and not outcome.differences,
        "seed": outcome.seed,
        "adapters": [_leg(outcome, each) for each in outcome.measured],
        "missing": dict(outcome.missing),
        "rollout": _rollout(outcome.journey),
        "roles_made": list(outcome.roles_made),
    }


def _rollout(journey: Journey | str) -> dict[str, object]:
    return {"left_out": journey} if isinstance(journey, str) else journey_report.as_json(journey)


def _leg(outcome: Outcome, measured: Measured) -> dict[str, object]:
    found = outcome.differences.get(measured.adapter)
    kinds = {kind: sum(each.kind == kind for each in measured.operations) for kind in measured.kinds()}
    return {
        "adapter": measured.adapter,
        "server": measured.server,
        "rows": measured.rows,
        "operations": len(measured.operations),
        "kinds": {kind: {"operations": count, **_times(measured, kind)} for kind, count in kinds.items()},
        **_times(measured),
        "difference": None if found is None else {name: _plain(each) for name, each in attrs.asdict(found).items()},
    }


def _plain(value: object) -> object:
    return value if isinstance(value, str | int) else _short(value)


def _times(measured: Measured, kind: str | None = None) -> dict[str, float]:
    return {f"p{share:.0%}"[:-1] + "_ms": round(measured.milliseconds(share, kind), 3) for share in (0.5, 0.95)}


def _by_adapter(outcome: Outcome, lines: box.Box | None) -> Table:
    table = Table(box=lines, pad_edge=False)
    table.add_column("adapter")
    for name in ("rows", "operations", "p50 ms", "p95 ms"):
        table.add_column(name, justify="right")
    table.add_column("answers")
    for each in outcome.measured:
        figures = f"{each.rows:,}", f"{len(each.operations):,}", *(_ms(each, share) for share in (0.5, 0.95))
        table.add_row(each.adapter, *figures, outcome.verdict_of(each))
    return table


def _by_kind(measured: Sequence[Measured], lines: box.Box | None) -> Table:
    table = Table(box=lines, pad_edge=False)
    table.add_column("p50 / p95 ms")
    table.add_column("share", justify="right")
    for each in measured:
        table.add_column(each.adapter, justify="right")
    first = measured[0]
    for kind in first.kinds():
        share = sum(each.kind == kind for each in first.operations) / len(first.operations)
        times = (f"{_ms(each, 0.5, kind)} / {_ms(each, 0.95, kind)}" for each in measured)
        table.add_row(kind, f"{share:.0%}", *times)
    return table


def _ms(measured: Measured, share: float, kind: str | None = None) -> str:
    return f"{measured.milliseconds(share, kind):.2f}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}.. ({len(text)} characters)"
