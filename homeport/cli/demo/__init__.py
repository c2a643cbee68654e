"""The demonstration behind `homeport demo`: one application on every adapter, and whether they answer alike."""

from collections.abc import Sequence

import attrs

from homeport.cli.demo.application import load as load_application
from homeport.cli.demo.host import Host
from homeport.cli.demo.legs import opened
from homeport.cli.demo.measured import Measured, Script, first_difference, load, measure
from homeport.cli.demo.report import Outcome, Screen
from homeport.cli.demo.rows import batches
from homeport.settings import Adapter
from homeport.testing.servers import ServerMissing

__all__ = ["Wanted", "demonstrate"]


@attrs.frozen(kw_only=True)
class Wanted:
    """What to show; `database_url` is a server of the user's own to make databases on."""

    adapters: Sequence[Adapter]
    operations: int
    seed: int
    database_url: str | None = None


async def demonstrate(wanted: Wanted, screen: Screen) -> Outcome:
    """Runs the application on each adapter in turn, and compares. Nothing is left behind, however it ends.

    Raises:
        ServerFailed: a server was found and broke.
        RepositoryError: a database could not be reached, made or filled.
    """
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
    finally:
        host.close()
    found = {each.adapter: first_difference(measured[0], each) for each in measured[1:]}
    return Outcome(
        seed=wanted.seed,
        measured=measured,
        differences={adapter: each for adapter, each in found.items() if each is not None},
        missing=missing,
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
