"""How a demonstration's second half is told: the domains while they move, and at the end what was recorded of them."""

from collections.abc import Iterator, Sequence
from typing import Self

from rich.console import Console
from rich.live import Live

from homeport.cli import rollout_screen
from homeport.cli.demo.journey import Journey
from homeport.cli.demo.traffic import EXPENSES, SOCIAL
from homeport.ports.rollout import EventRow
from homeport.rollout.overview import Line


class Watched:
    """Both domains in a live table on a terminal; elsewhere a line for each change of a flag or of a state."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._last: dict[str, str] = {}

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, lines: Sequence[Line]) -> None:
        if self._live is not None:
            self._live.update(rollout_screen.status_view(lines), refresh=True)
            return
        for each in lines:
            said = " ".join(filter(None, (each.mode, each.percent and f"{each.percent} %", each.state)))
            if self._last.get(each.domain) != said:
                self._last[each.domain] = said
                self._console.print(f"{each.domain}: {said}", markup=False)


def told(journey: Journey) -> Iterator[str]:
    """Every decision as it was recorded, and what they come to."""
    for each in journey.events:
        yield f"{each.at:%H:%M:%S} {each.domain:8} {each.kind}: {each.said}"
    yield f"in the shadow {journey.compared:,} reads were compared, and {journey.mismatches:,} differed"
    yield _of_social(journey)
    yield _of_expenses(journey)


def as_json(journey: Journey) -> dict[str, object]:
    """The same for a program to read."""
    return {
        "moved": journey.arrived,
        "went_back": journey.went_back,
        "events": [
            {"at": each.at.isoformat(), "domain": each.domain, "kind": each.kind, "said": each.said, "by": each.by}
            for each in journey.events
        ],
        "stands": dict(journey.stands),
        "calls": dict(journey.calls),
        "errors": dict(journey.errors),
        "compared": journey.compared,
        "mismatches": journey.mismatches,
    }


def _of_social(journey: Journey) -> str:
    done = journey.of(SOCIAL, "done")
    if done is None:
        return _unfinished(journey, SOCIAL)
    steps = sum((each.domain, each.kind) == (SOCIAL, "promoted") for each in journey.events) + 1
    taken = _seconds(journey.of(SOCIAL, "started"), done)
    return f"{SOCIAL} is on postgres, by {steps} steps in {taken:.1f} s; {_met(journey, SOCIAL)}"


def _of_expenses(journey: Journey) -> str:
    back = journey.of(EXPENSES, "rolled_back")
    if back is None:
        return _unfinished(journey, EXPENSES)
    taken = _seconds(journey.of(EXPENSES, "broken"), back)
    return f"{EXPENSES} went back by itself, {taken:.1f} s after its candidate broke; {_met(journey, EXPENSES)}"


def _met(journey: Journey, domain: str) -> str:
    return f"of its {journey.calls.get(domain, 0):,} calls {journey.errors.get(domain, 0):,} failed"


def _unfinished(journey: Journey, domain: str) -> str:
    stands = journey.stands.get(domain) or "rolled back"
    return f"{domain} did not get there in the time of a demonstration: {stands}"


def _seconds(first: EventRow | None, last: EventRow) -> float:
    return 0.0 if first is None else (last.at - first.at).total_seconds()
