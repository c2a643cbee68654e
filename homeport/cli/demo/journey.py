"""The second half of a demonstration: two domains on their way from the legacy API to postgres, under traffic.

One arrives, by steps that the judge lets it take. The other's candidate is made slow and faulty on the way, and it goes
back by itself. What is told of it in the end is what was recorded.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import attrs

from homeport.cli.demo.host import Database, Host
from homeport.cli.demo.rows import Batch
from homeport.cli.demo.traffic import EXPENSES, SOCIAL, Visitors
from homeport.composition import open as open_homeport
from homeport.composition import rollout
from homeport.kernel.errors import RepositoryUnavailableError
from homeport.ports.rollout import CountRow, EventRow, RolloutTables
from homeport.ports.store import Session
from homeport.rollout.live import Flags
from homeport.rollout.operators import Operator
from homeport.rollout.overview import WINDOW, Line, overview
from homeport.rollout.tally import total, utc_now
from homeport.settings import Adapter, Settings
from homeport.testing.faults import Faults, FaultyStore
from homeport.testing.servers import start_postgrest, token

NEEDS = (Adapter.POSTGRES, Adapter.SUPABASE_LEGACY)
BY = "homeport demo"
_CONTEXTS = ("users", "profiles", SOCIAL, EXPENSES)
_FLAKY = 0.03
_DONE = ("done", "rolled_back")
_LOOK = 0.5

Show = Callable[[Sequence[Line]], None]
"""Is shown both domains again and again."""


@attrs.frozen(kw_only=True)
class Pace:
    """How long things last, in seconds; `patience` is for a plan, which may stand still on a slow machine."""

    steps: Sequence[int] = (5, 25, 50, 100)
    shadow: float = 2.0
    hold: float = 2.0
    patience: float = 40.0
    after: float = 1.5


@attrs.frozen(kw_only=True)
class Journey:
    """What was recorded of it.

    Attributes:
        events: every decision, in order of time.
        stands: why a domain stood where it did when time was over, by domain; only of plans that did not end.
        calls, errors: the visitors' calls by domain, and how many of them ended with an error.
        compared, mismatches: shadow reads, and those that differed.
    """

    events: Sequence[EventRow]
    stands: Mapping[str, str]
    calls: Mapping[str, int]
    errors: Mapping[str, int]
    compared: int
    mismatches: int

    def of(self, domain: str, kind: str) -> EventRow | None:
        """The last event of that kind."""
        return next((each for each in reversed(self.events) if (each.domain, each.kind) == (domain, kind)), None)

    @property
    def arrived(self) -> bool:
        return self.of(SOCIAL, "done") is not None

    @property
    def went_back(self) -> bool:
        return self.of(EXPENSES, "rolled_back") is not None


async def travelled(host: Host, rows: Sequence[Batch], seed: int, show: Show, pace: Pace) -> Journey:
    """The whole way, on a database of its own. Raises ServerMissing where a server can't be had."""
    async with AsyncExitStack() as stack:
        settings = await stack.enter_async_context(_servers(host, rows))
        broken = _Candidate()
        db = await stack.enter_async_context(open_homeport(settings, contexts=_CONTEXTS, wrap=broken.wrap))
        tables = rollout.rollout_tables(settings)
        stack.push_async_callback(tables.close)
        known = rollout.domains(settings, db.contexts)
        flags = Flags(known, rollout.sources(known, table=tables, environment={}), tell=_silent)
        stack.push_async_callback(flags.close)
        way = _Way(tables, flags, Operator(table=tables, domains=known, by=BY), show, pace)
        return await way.gone(Visitors(db, rows, seed), broken)


class _Candidate:
    """What is wrong with the sessions: the legacy API drops a few reads, as such APIs do; the candidate, when told."""

    def __init__(self) -> None:
        self._slow, self._faulty = Faults(), Faults()

    def wrap(self, domain: str, adapter: str, session: Session) -> Session:
        match domain, adapter:
            case "social", Adapter.SUPABASE_LEGACY:
                return FaultyStore(session, error=RepositoryUnavailableError, rate=_FLAKY, only=("fetch", "count"))
            case "expenses", Adapter.POSTGRES:
                return FaultyStore(FaultyStore(session, faults=self._slow), faults=self._faulty)
        return session

    def breaks(self) -> str:
        self._slow.latency = 0.05
        self._faulty.rate, self._faulty.error = 0.3, RepositoryUnavailableError
        return "each call on postgres takes 50 ms more, and three in ten fail"


@attrs.frozen(eq=False)
class _Way:
    tables: RolloutTables
    flags: Flags
    operator: Operator
    show: Show
    pace: Pace

    async def gone(self, visitors: Visitors, candidate: _Candidate) -> Journey:
        async with visitors.coming():
            for domain in (SOCIAL, EXPENSES):
                await self.operator.set_flag(domain, "shadow:0.5")
            await self._watched(self.pace.shadow)
            await self.operator.start(SOCIAL, to=Adapter.POSTGRES, steps=self.pace.steps, hold=self.pace.hold)
            await self.operator.start(EXPENSES, to=Adapter.POSTGRES, steps=(50, 100), hold=3600)
            await self._watched(self.pace.patience, lambda: self._ended(SOCIAL))
            visitors.money = 0.5
            await self._told(EXPENSES, "broken", candidate.breaks())
            await self._watched(self.pace.patience, lambda: self._ended(EXPENSES))
            await self._watched(self.pace.after)
        return await self._recorded(visitors)

    async def _watched(self, seconds: float, until: Callable[[], Awaitable[bool]] | None = None) -> None:
        """Shows both domains for so long at most."""
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        while clock() < end and not (until is not None and await until()):
            await self.flags.refresh()
            self.show(await self._lines())
            await asyncio.sleep(_LOOK)

    async def _lines(self) -> list[Line]:
        shown = {name: each for name, each in self.flags.current().items() if name in (SOCIAL, EXPENSES)}
        return await overview(self.tables, shown, utc_now())

    async def _ended(self, domain: str) -> bool:
        return any(each.kind in _DONE for each in await self.tables.events(domain))

    async def _told(self, domain: str, kind: str, said: str) -> None:
        async with self.tables.deciding(wait=True) as decision:
            if decision is not None:
                await decision.record(domain, kind, said, by=BY, facts={})

    async def _recorded(self, visitors: Visitors) -> Journey:
        events = await self.tables.events()
        ended = {each.domain for each in events if each.kind in _DONE}
        counted = total(await self.tables.counts(utc_now() - WINDOW)) or CountRow(
            minute=utc_now(), domain="", adapter="", stage=""
        )
        return Journey(
            events=events,
            stands={
                each.domain: f"{each.state}: {each.facts.get('reason', '')}"
                for each in await self.tables.stages()
                if each.domain not in ended
            },
            calls=dict(visitors.calls),
            errors=dict(visitors.errors),
            compared=counted.compared,
            mismatches=counted.mismatches,
        )


@asynccontextmanager
async def _servers(host: Host, rows: Sequence[Batch]) -> AsyncIterator[Settings]:
    """Both servers before one database that has the rows, and the settings that know them."""
    secret = secrets.token_urlsafe(32)
    async with host.database() as database:
        await host.require_service_role()
        await _filled(database, rows)
        rest = start_postgrest(database.authenticator, jwt_secret=secret)
        try:
            yield Settings(
                adapter=Adapter.SUPABASE_LEGACY,
                flags=True,
                database_url=database.service,
                rest_url=rest.url,
                supabase_service_role_key=token(secret, "service_role"),
            )
        finally:
            rest.stop()


async def _filled(database: Database, rows: Sequence[Batch]) -> None:
    settings = Settings(adapter=Adapter.POSTGRES, database_url=database.service)
    async with open_homeport(settings, contexts=_CONTEXTS) as db:
        tables = {table for each in db.contexts for table in each.tables}
        for table, some in rows:
            if table in tables:
                await db.collection(table).add_many(some)


def _silent(_: str, __: str) -> None:
    """What changes is on the screen."""
