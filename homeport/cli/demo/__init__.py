"""The demonstration behind `homeport demo`: one application on every adapter; two domains on the move."""

import logging
import time
from collections.abc import Mapping, Sequence

import attrs

from homeport.cli.demo.application import load as load_application
from homeport.cli.demo.host import Host
from homeport.cli.demo.journey import NEEDS, Journey, Pace, travelled
from homeport.cli.demo.journey_report import Watched
from homeport.cli.demo.legs import opened
from homeport.cli.demo.measured import Measured, Script, first_difference, load, measure
from homeport.cli.demo.report import Outcome, Screen
from homeport.cli.demo.rows import batches
from homeport.settings import Adapter
from homeport.testing.servers import ServerMissing

__all__ = ["Wanted", "demonstrate"]

_SECONDS = 48.0
"""When the canary is to be through: the whole demonstration is to end within a minute."""
_LEAST = 10.0


@attrs.frozen(kw_only=True)
class Wanted:
    """What to show; `database_url` is a server of the user's own to make databases on."""

    adapters: Sequence[Adapter]
    operations: int
    seed: int
    database_url: str | None = None


async def demonstrate(wanted: Wanted, screen: Screen) -> Outcome:
    """Runs the application on each adapter in turn, and compares; then moves two domains from the legacy API.

    Nothing is left behind, however it ends.

    Raises:
        ServerFailed: a server was found and broke.
        RepositoryError: a database could not be reached, made or filled.
    """
    started = time.monotonic()
    script = Script(
        run=load_application(), batches=batches(wanted.seed), seed=wanted.seed, operations=wanted.operations
    )
    measured: list[Measured] = []
    missing: dict[Adapter, str] = {}
    host = Host(wanted.database_url)
    try:
        for adapter in wanted.adapters:
            try:
                measured.append(await _leg(adapter, host, script, screen))
            except ServerMissing as error:
                missing[adapter] = str(error)
        pace = Pace(patience=max(_SECONDS - (time.monotonic() - started), _LEAST))
        journey = _left_out(wanted, missing) or await _moved(host, script, screen, pace)
    finally:
        host.close()
    found = {each.adapter: first_difference(measured[0], each) for each in measured[1:]}
    return Outcome(
        seed=wanted.seed,
        measured=measured,
        differences={adapter: each for adapter, each in found.items() if each is not None},
        missing=missing,
        journey=journey,
        roles_made=host.roles_made,
    )


async def _leg(adapter: Adapter, host: Host, script: Script, screen: Screen) -> Measured:
    screen.line(f"{adapter}: opens")
    async with opened(adapter, host) as leg:
        screen.line(f"{adapter}: {leg.server}")
        with screen.stage(f"{adapter}: loads rows", script.rows) as advance:
            await load(leg, script, advance)
        screen.line(f"{adapter}: {script.rows:,} rows loaded")
        with screen.stage(f"{adapter}: runs the application", script.operations) as advance:
            done = await measure(leg, script, advance)
        screen.line(f"{adapter}: {len(done.operations):,} operations done")
    return done


def _left_out(wanted: Wanted, missing: Mapping[Adapter, str]) -> str | None:
    """Why the second half can't be shown; None where it can."""
    absent = [each for each in NEEDS if each not in wanted.adapters or each in missing]
    return f"it goes from the legacy API to postgres; {', '.join(absent)} did not run" if absent else None


async def _moved(host: Host, script: Script, screen: Screen, pace: Pace) -> Journey | str:
    """What became of it, or why a server could not be had after all."""
    screen.line(f"rollout: {script.users} users, two domains on {Adapter.SUPABASE_LEGACY}")
    log, silent = logging.getLogger("homeport"), logging.NullHandler()
    log.addHandler(silent)  # what is decided is on the screen
    try:
        with Watched(screen.console) as watched:
            return await travelled(host, script.batches, script.seed, watched.show, pace)
    except ServerMissing as error:
        return str(error)
    finally:
        log.removeHandler(silent)
