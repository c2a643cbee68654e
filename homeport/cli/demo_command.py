"""The command `homeport demo`: its options, its exit status. What it shows is imported when it runs."""

import asyncio
import contextlib
import json
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from homeport.cli import given
from homeport.settings import Adapter, Settings

if TYPE_CHECKING:
    from homeport.cli.demo import Wanted
    from homeport.cli.demo.report import Outcome, Screen

Operations = Annotated[int, typer.Option(min=1, help="How many, on each adapter.")]
Seed = Annotated[int, typer.Option(help="What rows and operations are made from.")]
Adapters = Annotated[list[Adapter] | None, typer.Option("--adapter", help="Only this one; may be repeated.")]
OwnServer = Annotated[
    str | None,
    typer.Option(
        "--database-url", help="A superuser's, of a server of your own: databases are made on it, and dropped."
    ),
]
_ORDER = (Adapter.MEMORY, Adapter.POSTGRES, Adapter.SUPABASE_LEGACY)

AsJson = Annotated[bool, typer.Option("--json", help="The outcome as JSON, for a program.")]


def demo(
    operations: Operations = 3000,
    seed: Seed = 7,
    adapter: Adapters = None,
    database_url: OwnServer = None,
    as_json: AsJson = False,
) -> None:
    """Run one application on each adapter, and compare the answers; then move two domains under traffic.

    The first half has the operations of a real backend. In the second, one domain goes from the legacy API to postgres
    by the steps of a canary, and another one goes back by itself as its candidate breaks.

    Servers are started for it and stopped again. Exits with 1 where answers differ, or where an adapter that was
    asked for by name can't be had.
    """
    from homeport.cli.demo import Wanted, report

    with given.shown_errors():
        own = Settings(database_url=database_url).database_url
        wanted = Wanted(
            adapters=[each for each in _ORDER if adapter is None or each in adapter],
            operations=operations,
            seed=seed,
            database_url=own,
        )
        screen = report.Screen(given.errors if as_json else given.console)
        outcome = _run(wanted, screen)
    if as_json:
        print(json.dumps(report.as_json(outcome), indent=2, ensure_ascii=False))
    else:
        screen.show(outcome)
    if outcome.differences or (outcome.missing and adapter is not None):
        raise typer.Exit(1)


def _run(wanted: "Wanted", screen: "Screen") -> "Outcome":
    """The demonstration; ended by SIGTERM as tidily as by Ctrl-C."""
    from homeport.cli.demo import demonstrate
    from homeport.testing.servers import ServerFailed

    async def main() -> "Outcome":
        task = asyncio.ensure_future(demonstrate(wanted, screen))
        with contextlib.suppress(NotImplementedError):  # Windows has no such handler
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None
    except ServerFailed as error:
        given.errors.print(str(error), markup=False)
        raise typer.Exit(1) from error
