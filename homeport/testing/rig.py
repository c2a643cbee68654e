"""A pytest plugin: one test, every adapter, real servers. For Homeport's own suite and for contexts made outside it.

In a conftest: `pytest_plugins = ["homeport.testing.rig"]`, and a session fixture `homeport_contexts` with the contexts
to install. A test that takes `db` then runs once on each adapter, on clean tables, and is followed by a leak check on
the server's side. `on_one_database` gives PostgreSQL and the legacy API over one database; `migrated_url` is a migrated
database's URL; `Rig.deployed` has the tables under other names and types.

HOMEPORT_TEST_ADAPTERS limits the adapters; HOMEPORT_TEST_COALESCE=true opens them with `coalesce`. A leg whose server
is missing fails where CI=true, and is a skip with its reason elsewhere.
"""

import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import attrs
import pytest
import pytest_asyncio

from homeport.composition import Homeport, Opening, Wrap, create_logins, migrate_up
from homeport.composition import open as open_homeport
from homeport.composition.drafting import draft_migrations
from homeport.contexts import resolve
from homeport.kernel.catalog import NO_OVERRIDES
from homeport.kernel.table import Override
from homeport.ports.context import Context
from homeport.ports.store import Session
from homeport.settings import Settings
from homeport.testing.report import ADAPTER, ADAPTERS, NAME, Report, report_of
from homeport.testing.servers import (
    PostgresServer,
    ServerMissing,
    clean_statement,
    create_database,
    drop_database,
    leaks,
    start_postgres,
    start_postgrest,
    token,
)

ROW_CAP = 1000
SMALL_ROW_CAP = 5
TIME_ZONE = "Asia/Tokyo"
_SECRET = "a secret of the test rig alone, long enough"  # noqa: S105 - signs and opens nothing but test servers
_CURSOR_KEY = b"the cursor key of the test rig!!"
T = TypeVar("T")

Contexts = Sequence[str | Context[Any]]
Overrides = Mapping[str, Override]


@attrs.frozen(kw_only=True, eq=False)
class Leg:
    """One adapter, opened: its Homeport, and how its tables are emptied and looked after.

    `again` opens a second Homeport on the same tables, with nothing compiled yet; whoever asks for it closes it.
    """

    db: Homeport
    clean: Callable[[], Awaitable[None]]
    leaks: Callable[[], Awaitable[list[str]]]
    again: Callable[[], Opening]


@attrs.define(eq=False)
class Rig:
    """The servers and databases of a session, each started when the first test asks for it."""

    contexts: Contexts
    report: Report
    _run: str = attrs.field(factory=lambda: uuid.uuid4().hex[:8])
    _legs: dict[tuple[str, bool], Leg] = attrs.field(factory=dict)
    _missing: dict[tuple[str, bool], ServerMissing] = attrs.field(factory=dict)
    _closing: list[Callable[[], Awaitable[object]]] = attrs.field(factory=list)
    _server: PostgresServer | None = None
    _databases: dict[str, str] = attrs.field(factory=dict)
    _settings: dict[str, Settings] = attrs.field(factory=dict)
    _admins: dict[str, "asyncpg.Connection[asyncpg.Record]"] = attrs.field(factory=dict)

    async def leg(self, adapter: str, *, capped: bool = False) -> Leg:
        """The adapter's leg. Raises ServerMissing, each time again, where its server can't be had."""
        key = (adapter, capped and adapter == "supabase_legacy")
        return await self._kept(key, adapter, lambda: self._open(adapter, capped=key[1]))

    async def shared(self) -> tuple[Homeport, Homeport]:
        """PostgreSQL and the legacy API over one database, which is emptied first."""
        if "shared" not in self._databases:
            await self.database("shared")
        postgres = await self._cached("shared postgres", self._postgres, "shared")
        legacy = await self._cached("shared legacy", self._legacy, "shared")
        await postgres.clean()
        return postgres.db, legacy.db

    async def both_settings(self) -> Settings:
        """Settings that know both servers over the one database of `shared`, single calls on the legacy API."""
        await self.shared()
        service, authenticator = self._logins("shared")
        legacy = self._settings["shared legacy"]
        return attrs.evolve(legacy, database_url=service, scoped_database_url=authenticator)

    async def deployed(self, adapter: str, name: str, overrides: Overrides) -> Leg:
        """The adapter's leg where tables have other names and types, in a database of its own; `name` stands for it.

        The contexts of these tables are made anew, without the functions of their operations. No foreign key of
        another context may refer to them. Raises ServerMissing.
        """
        database = f"{name}_{adapter}"
        return await self._kept((database, False), adapter, lambda: self._deployed(adapter, database, overrides))

    async def database(self, name: str) -> str:
        """The superuser's URL of a migrated database of this session."""
        if name not in self._databases:
            server = self.server()
            full = f"hp_{name}_{self._run}"
            if name == "template":
                await create_database(server, full)
                await self._migrate(server.url(full))
            else:
                await self.database("template")
                await create_database(server, full, template=f"hp_template_{self._run}")
            self._databases[name] = full
        return self.server().url(self._databases[name])

    def server(self) -> PostgresServer:
        """The PostgreSQL server of the session. Raises ServerMissing."""
        if self._server is None:
            self._server = start_postgres()
            self.report.servers["PostgreSQL"] = f"{self._server.version} ({self._server.source})"
        return self._server

    async def admin(self, name: str) -> "asyncpg.Connection[asyncpg.Record]":
        """The superuser's connection to a database of this session, one for all who ask."""
        if name not in self._admins:
            self._admins[name] = await asyncpg.connect(await self.database(name))
        return self._admins[name]

    async def close(self) -> None:
        """Closes what was opened, drops the databases, stops the servers."""
        for close in reversed(self._closing):
            await close()
        for admin in self._admins.values():
            await admin.close()
        if self._server is not None:
            for name in self._databases.values():
                await drop_database(self._server, name)
            self._server.close()

    async def _kept(self, key: tuple[str, bool], adapter: str, make: Callable[[], Awaitable[Leg]]) -> Leg:
        if key in self._missing:
            raise self._missing[key]
        if key not in self._legs:
            try:
                self._legs[key] = await make()
            except ServerMissing as missing:
                self._missing[key] = missing
                self.report.missing[adapter] = str(missing)
                raise
        return self._legs[key]

    async def _open(self, adapter: str, *, capped: bool) -> Leg:
        match adapter:
            case "memory":
                return await self._memory()
            case "postgres":
                return await self._postgres("postgres")
            case _:
                return await self._legacy("legacy", max_rows=SMALL_ROW_CAP if capped else ROW_CAP)

    async def _cached(self, key: str, make: Callable[[str], Awaitable[Leg]], database: str) -> Leg:
        if (key, False) not in self._legs:
            self._legs[key, False] = await make(database)
        return self._legs[key, False]

    async def _deployed(self, adapter: str, database: str, overrides: Overrides) -> Leg:
        if adapter == "memory":
            return await self._memory(overrides)
        await self.database(database)
        admin = await self.admin(database)
        installed = resolve(self.contexts)
        late = tuple(f".with_{each.name}.up.sql" for each in installed)
        for context in installed:
            mine = {each.name: overrides[each.name] for each in context.tables if each.name in overrides}
            if mine:
                first = f"0001_{context.name}"
                await admin.execute(draft_migrations(context)[f"{first}.down.sql"])
                for name, text in draft_migrations(context, mine).items():
                    if name == f"{first}.up.sql" or name.endswith(late):
                        await admin.execute(text)
        return await (self._postgres if adapter == "postgres" else self._legacy)(database, overrides=overrides)

    async def _memory(self, overrides: Overrides = NO_OVERRIDES) -> Leg:
        opened: list[Any] = []

        def seen(_: str, __: str, session: Session) -> Session:
            opened.append(session)
            return session

        again = self._opening(Settings(adapter="memory"), overrides)
        db = await self._opening(Settings(adapter="memory"), overrides, seen)()
        store = opened[0]  # the memory store itself, whatever stands before it
        mark = store.mark()

        async def clean() -> None:
            store.restore(mark)

        async def nothing() -> list[str]:
            return list(store.engine.check())  # indexes and counters agree with the rows

        self._closing.append(db.close)
        return Leg(db=db, clean=clean, leaks=nothing, again=again)

    async def _postgres(self, database: str, *, overrides: Overrides = NO_OVERRIDES) -> Leg:
        await self.database(database)
        service, authenticator = self._logins(database)
        settings = Settings(
            adapter="postgres", database_url=service, scoped_database_url=authenticator, cursor_key=_CURSOR_KEY
        )
        return await self._served(database, self._opening(settings, overrides))

    async def _legacy(self, database: str, *, max_rows: int = ROW_CAP, overrides: Overrides = NO_OVERRIDES) -> Leg:
        await self.database(database)
        admin = await self.admin(database)
        await admin.execute(
            f"alter role authenticator in database {self._databases[database]} set timezone = '{TIME_ZONE}'"
        )
        login = self.server().url(self._databases[database], user="authenticator", password=_SECRET)
        rest = start_postgrest(login, jwt_secret=_SECRET, max_rows=max_rows)
        self.report.servers["PostgREST"] = f"{rest.version} ({rest.source})"

        async def stop() -> None:
            rest.stop()

        self._closing.append(stop)
        settings = Settings(
            adapter="supabase_legacy",
            rest_url=rest.url,
            supabase_service_role_key=token(_SECRET, "service_role"),
            supabase_anon_key=token(_SECRET, "anon"),
            supabase_jwt_secret=_SECRET,
            cursor_key=_CURSOR_KEY,
        )
        self._settings[f"{database} legacy"] = settings
        return await self._served(database, self._opening(settings, overrides))

    def _logins(self, database: str) -> tuple[str, str]:
        """The URLs of the two logins that serve: the service's, and that of users' calls."""
        server, name = self.server(), self._databases[database]
        return (
            server.url(name, user="homeport_service", password=_SECRET),
            server.url(name, user="authenticator", password=_SECRET),
        )

    def _opening(self, settings: Settings, overrides: Overrides, wrap: Wrap | None = None) -> Callable[[], Opening]:
        return lambda: open_homeport(
            settings, contexts=self.contexts, overrides=overrides, coalesce=coalesced(), wrap=wrap
        )

    async def _served(self, database: str, again: Callable[[], Opening]) -> Leg:
        db = await again()
        self._closing.append(db.close)
        admin = await self.admin(database)
        statement = await clean_statement(admin, ("public",))

        async def clean() -> None:
            await admin.execute(statement)

        async def left() -> list[str]:
            return await leaks(admin, database=self._databases[database])

        return Leg(db=db, clean=clean, leaks=left, again=again)

    async def _migrate(self, url: str) -> None:
        await migrate_up(url, self.contexts)
        await create_logins(url, authenticator=_SECRET, service=_SECRET)


def selected() -> tuple[str, ...]:
    """The adapters that this run is to test, all unless HOMEPORT_TEST_ADAPTERS says which."""
    given = os.environ.get("HOMEPORT_TEST_ADAPTERS", "")
    names = tuple(name.strip() for name in given.split(",") if name.strip()) or ADAPTERS
    unknown = set(names) - set(ADAPTERS)
    if unknown:
        raise pytest.UsageError(f"HOMEPORT_TEST_ADAPTERS: {', '.join(unknown)}: known are {', '.join(ADAPTERS)}")
    return names


def coalesced() -> bool:
    """Whether the adapters are opened with `coalesce`."""
    return os.environ.get("HOMEPORT_TEST_COALESCE", "") in ("true", "1")


def without_server(missing: ServerMissing) -> None:
    """Fails in CI, skips elsewhere: a leg that could not run is never silent. How to get it stands in the summary."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"in CI no leg may be missing: {missing.reason}", pytrace=False)
    pytest.skip("its server is missing: the summary says why, and how to get it")


@pytest.fixture(scope="session")
def homeport_contexts() -> Contexts:
    """The contexts to install; a conftest overrides it."""
    return ("users",)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rig(homeport_contexts: Contexts, request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    """The session's servers and databases."""
    made = Rig(homeport_contexts, report_of(request.config))
    yield made
    await made.close()


@pytest.fixture(params=selected())
def adapter(request: pytest.FixtureRequest) -> str:
    """The adapter that the test runs on."""
    name: str = request.param
    request.node.user_properties.append((ADAPTER, name))
    return name


with_units = pytest.mark.parametrize(
    "adapter", [each for each in selected() if each != "supabase_legacy"], indirect=True
)
"""For tests of units of work: the adapters that have the capability TRANSACTIONS. The other's refusal is a test too."""


@asynccontextmanager
async def clean(wanted: Awaitable[Leg]) -> AsyncIterator[Homeport]:
    """The leg's Homeport over clean tables; nothing may be left open behind the test."""
    leg = await _had(wanted)
    await leg.clean()
    yield leg.db
    assert await leg.leaks() == []


async def _had(wanted: Awaitable[T]) -> T:
    """What is wanted; where its server is missing the test fails in CI, and is skipped elsewhere."""
    try:
        return await wanted
    except ServerMissing as missing:
        without_server(missing)
        raise


@pytest_asyncio.fixture(loop_scope="session")
async def db(adapter: str, rig: Rig, request: pytest.FixtureRequest) -> AsyncIterator[Homeport]:
    """An opened Homeport over clean tables on each adapter in turn."""
    capped = request.node.get_closest_marker("row_cap") is not None
    async with clean(rig.leg(adapter, capped=capped)) as opened:
        assert {opened.store(context).adapter for context in opened.contexts} == {adapter}
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def on_one_database(rig: Rig) -> tuple[Homeport, Homeport]:
    """PostgreSQL and the legacy API over one clean database; skips where the run leaves both out."""
    if set(selected()) == {"memory"}:
        pytest.skip("HOMEPORT_TEST_ADAPTERS leaves both servers out")
    return await _had(rig.shared())


@pytest_asyncio.fixture(loop_scope="session")
async def migrated_url(rig: Rig) -> str:
    """The superuser's URL of a migrated database; skips where PostgreSQL is left out of the run."""
    if "postgres" not in selected():
        pytest.skip("HOMEPORT_TEST_ADAPTERS leaves PostgreSQL out")
    return await _had(rig.database("postgres"))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Report(), NAME)
    config.addinivalue_line("markers", f"row_cap: the legacy leg talks to a PostgREST whose row cap is {SMALL_ROW_CAP}")
