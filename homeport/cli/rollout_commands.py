"""The commands `homeport flags`, `homeport canary` and `homeport status`: what a person asks and says of a rollout."""

import asyncio
import datetime as dt
import getpass
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, TypeVar

import attrs
import typer
from rich.live import Live

from homeport.cli import given, rollout_report, rollout_screen
from homeport.cli.given import DatabaseUrl, console
from homeport.composition import rollout
from homeport.contexts import resolve
from homeport.ports.rollout import RolloutTables
from homeport.rollout.flags import percentage_of
from homeport.rollout.live import Flags
from homeport.rollout.operators import Operator
from homeport.rollout.overview import Line, overview
from homeport.rollout.plan import PlanError
from homeport.rollout.sources import Domains
from homeport.rollout.tally import utc_now, whole_minute
from homeport.settings import Settings

T = TypeVar("T")
Domain = Annotated[str, typer.Argument(help="The context's name: expenses.")]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SECONDS = 1.0

flags = typer.Typer(no_args_is_help=True, help="Which adapter serves which domain.")
canary = typer.Typer(no_args_is_help=True, help="A domain's way to its candidate, step by step.")


@attrs.frozen
class _Place:
    settings: Settings
    domains: Domains
    table: RolloutTables

    @property
    def operator(self) -> Operator:
        return Operator(table=self.table, domains=self.domains, by=_who())

    async def seen(self) -> Flags:
        """The flags as this shell's environment, the table, the file and the settings have them."""
        sources = rollout.sources(self.domains, table=self.table, file=self.settings.flags_file)
        found = Flags(self.domains, sources, tell=_silent)
        await found.refresh(strict=True)
        return found


@flags.command("list")
def list_flags(database_url: DatabaseUrl = None) -> None:
    """Every domain's flag, who says so, and what is held."""

    async def work(place: _Place) -> None:
        rows = {each.domain: each for each in await place.table.flags()}
        current = (await place.seen()).current()
        console.print(rollout_screen.flags_table(current, rows))

    _run(work, database_url)


@flags.command("set")
def set_flag(
    domain: Domain,
    flag: Annotated[str, typer.Argument(help="postgres, supabase_legacy, memory, canary:5[:GROUP], shadow[:0.1].")],
    database_url: DatabaseUrl = None,
) -> None:
    """Set a domain's flag; every process follows within a second."""

    async def work(place: _Place) -> None:
        done = await place.operator.set_flag(domain, flag)
        _say(f"{domain}: {done}")

    _run(work, database_url)


@flags.command("clear")
def clear_flag(domain: Domain, database_url: DatabaseUrl = None) -> None:
    """Let go of a domain: its flag, its plan, its rollback. File and settings decide then."""

    async def work(place: _Place) -> None:
        _say(f"{domain}: cleared" if await place.operator.clear(domain) else f"{domain}: nothing to clear")

    _run(work, database_url)


@canary.command()
def start(  # noqa: PLR0913, PLR0917 - an option for each thing that a person decides
    domain: Domain,
    to: Annotated[str, typer.Option("--to", help="The candidate.")] = "postgres",
    steps: Annotated[str, typer.Option("--steps", help="Percentages, rising.")] = "5,25,50,100",
    hold: Annotated[str, typer.Option("--hold", help="The least time of a step: 90s, 30m, 2h, 1d.")] = "2h",
    group: Annotated[str, typer.Option("--group", help="A rollout group moves the same users in its domains.")] = "",
    database_url: DatabaseUrl = None,
) -> None:
    """Begin a plan at its first step. It goes on by itself where a step is passed, and back where it fails."""

    async def work(place: _Place) -> None:
        wanted = [percentage_of(each.strip()) for each in steps.split(",")]
        plan = await place.operator.start(domain, to=to, steps=wanted, hold=seconds(hold), group=group)
        _say(f"{domain}: {plan.percent} % to {to}, held until {plan.held_until:%Y-%m-%d %H:%M:%S} UTC or longer")

    _run(work, database_url)


@canary.command()
def abort(domain: Domain, database_url: DatabaseUrl = None) -> None:
    """All calls back on the primary; the plan keeps its step."""

    async def work(place: _Place) -> None:
        plan = await place.operator.abort(domain)
        _say(f"{domain}: aborted at {plan.steps[plan.step]} %")

    _run(work, database_url)


@canary.command()
def resume(domain: Domain, database_url: DatabaseUrl = None) -> None:
    """On with an aborted plan, at the beginning of the step it had."""

    async def work(place: _Place) -> None:
        plan = await place.operator.resume(domain)
        _say(f"{domain}: {plan.percent} %, held until {plan.held_until:%Y-%m-%d %H:%M:%S} UTC or longer")

    _run(work, database_url)


@canary.command("status")
def canary_status(domain: Domain, database_url: DatabaseUrl = None) -> None:
    """Where a domain's plan stands, what was judged last, and its last decisions."""

    async def work(place: _Place) -> None:
        place.domains.check(domain)
        stage = next((each for each in await place.table.stages() if each.domain == domain), None)
        for line in rollout_screen.standing(stage, await place.table.events(domain)):
            _say(line)

    _run(work, database_url)


@canary.command()
def report(
    domain: Domain,
    since: Annotated[str, typer.Option("--since", help="How far back: 30m, 2h, 7d.")] = "24h",
    output: Annotated[Path | None, typer.Option("--output", help="The file; DOMAIN-rollout.html if not given.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write one page with the domain's errors and times by adapter, and every decision."""

    async def work(place: _Place) -> str:
        place.domains.check(domain)
        end = utc_now()
        begin = whole_minute(end - dt.timedelta(seconds=seconds(since)))
        stage = next((each for each in await place.table.stages() if each.domain == domain), None)
        rows = await place.table.counts(begin, domain)
        events = await place.table.events(domain, since=begin)
        begin = max(begin, whole_minute(min([end, *(each.minute for each in rows), *(each.at for each in events)])))
        return rollout_report.page(domain, rows, events, stage, begin=begin, end=end)

    page = _run(work, database_url)
    target = output if output is not None else Path(f"{domain}-rollout.html")
    target.write_text(page, encoding="utf-8")
    _say(str(target))


def status(
    as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Show it once, also on a terminal.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Every domain: flag, state, requests, error ratio, p95 ratio, mismatches, last event. Live on a terminal."""

    async def work(place: _Place) -> None:
        followed = await place.seen()
        try:
            units = await rollout.units_said(place.settings, place.table, followed.current())
            if as_json:
                found = [{**attrs.asdict(each), "units": units} for each in await _lines(place, followed)]
                print(json.dumps(found, indent=2))
            elif once or not console.is_terminal:
                _plain(await _lines(place, followed))
            else:
                await _live(place, followed, units)
        finally:
            await followed.close()

    with suppress(KeyboardInterrupt):
        _run(work, database_url)


async def _live(place: _Place, followed: Flags, units: str) -> None:
    with Live(console=console, auto_refresh=False, screen=False) as live:
        while True:
            live.update(rollout_screen.status_view(await _lines(place, followed), units), refresh=True)
            await asyncio.sleep(_SECONDS)
            await followed.refresh()


async def _lines(place: _Place, followed: Flags) -> list[Line]:
    return await overview(place.table, followed.current(), utc_now())


def _plain(lines: list[Line]) -> None:
    for each in rollout_screen.plain(lines):
        print(each)  # tabulators and all


def seconds(text: str) -> float:
    """The seconds of `90s`, `30m`, `2h`, `1d`. Raises PlanError."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smhd])", text.strip())
    if found is None:
        raise PlanError(f"a time is a number with its unit, 90s, 30m, 2h or 1d, not {text[:20]!r}")
    return float(found[1]) * _UNITS[found[2]]


def _run(work: Callable[[_Place], Awaitable[T]], database_url: str | None) -> T:
    async def main() -> T:
        async with _opened(database_url) as place:
            return await work(place)

    with given.shown_errors():
        return asyncio.run(main())


@asynccontextmanager
async def _opened(database_url: str | None) -> AsyncIterator[_Place]:
    settings = given.settings(database_url, None)
    contexts = resolve(settings.contexts) if settings.contexts else ()
    table = rollout.rollout_tables(settings)
    try:
        yield _Place(settings, rollout.domains(settings, contexts), table)
    finally:
        await table.close()


def _who() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def _silent(_: str, __: str) -> None:
    """What changes is on the screen."""


def _say(line: str) -> None:
    console.print(line, markup=False)
