"""The second half of `homeport demo`: both domains go where they should, and what is told was recorded."""

import datetime as dt
import io
from collections.abc import AsyncIterator
from functools import partial

import asyncpg
import attrs
import pytest
import pytest_asyncio
from rich.console import Console

from homeport.cli.demo import journey_report
from homeport.cli.demo.host import Host
from homeport.cli.demo.journey import Journey, Pace, travelled
from homeport.cli.demo.journey_report import Watched, told
from homeport.cli.demo.rows import batches
from homeport.ports.rollout import EventRow
from homeport.rollout import judging
from homeport.rollout.overview import Line
from homeport.rollout.statistics import Limits
from homeport.testing.rig import Rig, selected, without_server
from homeport.testing.servers import ServerMissing

AT = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
PACE = Pace(steps=(25, 50, 100), shadow=1.5, hold=0.5, after=0.5, patience=60)


@pytest_asyncio.fixture(loop_scope="session")
async def host(rig: Rig) -> AsyncIterator[Host]:
    """The session's server as one of the user's own, where nothing may be left behind."""
    if len(selected()) < 3:
        pytest.skip("an adapter that it needs is left out of this run")
    try:
        url = rig.server().url()
    except ServerMissing as missing:
        without_server(missing)
        raise
    before = await databases(url)
    made = Host(url)
    yield made
    made.close()
    assert await databases(url) == before


async def databases(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("select datname from pg_database where datname like 'homeport_demo%' order by 1")
    finally:
        await connection.close()
    return [row["datname"] for row in rows]


async def test_one_domain_arrives_and_the_other_goes_back_by_itself(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the judge as it is but for how many of the primary's times it wants, so that a step takes a moment."""
    monkeypatch.setattr(judging, "Limits", partial(Limits, control_times=300, passing_times=20))
    seen: list[tuple[str, ...]] = []

    def show(lines: object) -> None:
        seen.extend((each.domain, each.mode, each.percent) for each in lines if each not in seen)  # type: ignore[attr-defined]

    try:
        journey = await travelled(host, batches(3), 3, show, PACE)
    except ServerMissing as missing:
        without_server(missing)
        raise
    kinds = [(each.domain, each.kind) for each in journey.events]
    assert [kind for domain, kind in kinds if domain == "social"] == ["set", "started", "promoted", "promoted", "done"]
    assert [kind for domain, kind in kinds if domain == "expenses"] == ["set", "started", "broken", "rolled_back"]
    assert {("social", "canary", each) for each in ("25", "50", "100")} <= set(seen)
    last = {each[0]: each[1:] for each in seen}
    assert last == {"social": ("postgres", ""), "expenses": ("supabase_legacy", "")}
    assert (journey.stands, journey.mismatches, journey.errors.get("social", 0)) == ({}, 0, 0)
    assert journey.compared > 0
    assert journey.errors["expenses"] < 0.3 * journey.calls["expenses"]


# -- how it is told


def event(second: int, domain: str, kind: str, said: str = "..") -> EventRow:
    return EventRow(at=AT + dt.timedelta(seconds=second), domain=domain, kind=kind, said=said, by="demo")


ARRIVED = Journey(
    events=[
        event(0, "social", "started"),
        event(0, "expenses", "started"),
        event(5, "social", "promoted", "canary:50 -> canary:100: well"),
        event(9, "social", "done"),
        event(10, "expenses", "broken"),
        event(12, "expenses", "rolled_back"),
    ],
    stands={},
    calls={"social": 1200, "expenses": 90},
    errors={"expenses": 7},
    compared=300,
    mismatches=1,
)


def test_what_is_told_at_the_end_is_what_was_recorded() -> None:
    lines = list(told(ARRIVED))
    assert lines[2] == "12:00:05 social   promoted: canary:50 -> canary:100: well"
    assert lines[-3:] == [
        "in the shadow 300 reads were compared, and 1 differed",
        "social is on postgres, by 2 steps in 9.0 s; of its 1,200 calls 0 failed",
        "expenses went back by itself, 2.0 s after its candidate broke; of its 90 calls 7 failed",
    ]
    assert (ARRIVED.arrived, ARRIVED.went_back) == (True, True)
    assert journey_report.as_json(ARRIVED)["moved"] is True


def test_a_machine_that_is_too_slow_is_no_arrival() -> None:
    slow = attrs.evolve(ARRIVED, events=ARRIVED.events[:1], stands={"social": "warming: so far"})
    *_, social, expenses = told(slow)
    assert social == "social did not get there in the time of a demonstration: warming: so far"
    assert expenses.startswith("expenses did not get there")
    assert (slow.arrived, slow.went_back) == (False, False)


def line(state: str, percent: str = "5", reason: str = "") -> Line:
    return Line(
        domain="social",
        mode="canary",
        percent=percent,
        source="table",
        state=state,
        requests=1,
        errors=None,
        error_ratio=None,
        p95_ratio=None,
        compared=0,
        mismatches=0,
        reason=reason,
        last_event="canary:100: [red]",
    )


def test_away_from_a_terminal_each_change_is_a_line_and_on_one_there_is_a_table() -> None:
    plain, terminal = io.StringIO(), io.StringIO()
    for target in (plain, terminal):
        console = Console(file=target, force_terminal=target is terminal, width=160)
        with Watched(console) as watched:
            for each in (line("warming"), line("warming", reason="x"), line("healthy"), line("warming", "25")):
                watched.show([each])
    assert plain.getvalue().splitlines() == [
        "social: canary 5 % warming",
        "social: canary 5 % healthy",
        "social: canary 25 % warming",
    ]
    assert "mismatches" in terminal.getvalue()
    assert "canary:100: [red]" in terminal.getvalue()
