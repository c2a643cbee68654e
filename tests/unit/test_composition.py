"""The composition: one value in, an opened Homeport out, and every mistake named before anything is opened."""

import datetime as dt
import sys
import types
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import attrs
import pytest

import homeport
from homeport.adapters import postgres, supabase_legacy
from homeport.composition import Homeport, in_memory
from homeport.composition import open as open_homeport
from homeport.kernel.entity import Entity
from homeport.kernel.errors import (
    ForeignKeyViolation,
    InvalidField,
    PoolClosed,
    RepositoryPermissionError,
    RepositoryUnavailableError,
    SchemaMismatch,
    Unsupported,
)
from homeport.kernel.observe import Observation
from homeport.kernel.operation import one_row
from homeport.kernel.table import ID, Override, column, table
from homeport.kernel.types import TextType
from homeport.ports.calendar import CalendarRepository
from homeport.ports.context import Context
from homeport.ports.store import Session, Store
from homeport.repositories.calendar import CALENDAR, EVENT
from homeport.repositories.collection import Collection
from homeport.repositories.social import SOCIAL
from homeport.repositories.users import USER, USERS
from homeport.settings import Retry, Settings, SettingsError
from homeport.testing import FaultyStore

MEMORY = Settings(adapter="memory")
NOON = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)


@attrs.frozen(kw_only=True)
class Booking(Entity):
    id: uuid.UUID
    guest: str
    user_id: uuid.UUID | None = None


BOOKING = table(Booking, "bookings", columns={"id": ID, "user_id": column(references="users")})


@attrs.frozen(kw_only=True)
class Guest:
    name: str


RENAME = one_row("bookings.rename", Guest, Booking, writes=True)


class StoredBookings:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.bookings: Collection[Booking, uuid.UUID] = Collection(store, BOOKING)
        self.users: Collection[Any, uuid.UUID] = Collection(store, USER)

    async def rename(self, name: str) -> Booking | None:
        return await self.store.run(RENAME, Guest(name=name))


BOOKINGS: Context[StoredBookings] = Context("bookings", StoredBookings, tables=(BOOKING,), requires=("users",))


def with_answers(answers: Mapping[str, object] | None, gaps: tuple[str, ...] = ()) -> Context[StoredBookings]:
    """The context with an operation, and memory's answers in a module made here."""
    if answers is None:
        return attrs.evolve(BOOKINGS, operations=(RENAME,))
    module = types.ModuleType("made_answers")
    module.ANSWERS = answers  # type: ignore[attr-defined]
    module.GAPS = gaps  # type: ignore[attr-defined]
    sys.modules["made_answers"] = module
    return attrs.evolve(BOOKINGS, operations=(RENAME,), memory_answers="made_answers")


class Recorded:
    """How an adapter was opened."""

    def __init__(self, store: Session) -> None:
        self.store = store
        self.calls: list[tuple[tuple[object, ...], dict[str, Any]]] = []

    async def __call__(self, *places: object, **names: Any) -> Session:
        self.calls.append((places, names))
        return self.store


@pytest.fixture
async def mixed(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Homeport]:
    """Users on what stands in for PostgreSQL, calendar and bookings in memory."""
    monkeypatch.setattr(postgres, "open_postgres", Recorded(in_memory(["users"]).store(USERS)))
    settings = attrs.evolve(MEMORY, adapters={"users": "postgres"}, database_url="postgresql://host/db")
    async with open_homeport(settings, contexts=["calendar", BOOKINGS]) as db:
        yield db


# -- opening


async def test_an_opened_homeport_answers_by_context_and_by_name() -> None:
    async with open_homeport(MEMORY, contexts=["calendar"]) as db:
        calendar: CalendarRepository = db.repository(CALENDAR)
        assert calendar is db.calendar
        user = await db.users.users.create({"email": "a@example.com"})
        assert await calendar.get_user_events(user.id) == []


async def test_it_can_be_awaited_and_closed_by_hand() -> None:
    db = await homeport.open(MEMORY, contexts=["users"])
    await db.close()
    await db.close()
    with pytest.raises((PoolClosed, RepositoryUnavailableError)):
        await db.users.users.count()


async def test_without_settings_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEPORT_ADAPTER", "memory")
    monkeypatch.setenv("HOMEPORT_CONTEXTS", "users")
    async with homeport.open() as db:
        assert [each.name for each in db.contexts] == ["users"]


async def test_keywords_win_over_settings() -> None:
    settings = Settings(adapter="postgres", adapters={"calendar": "supabase_legacy"}, contexts="social")
    async with open_homeport(
        settings, contexts=["calendar"], adapter="memory", adapters={"calendar": "memory"}, clock=lambda: NOON
    ) as db:
        assert db.contexts == (USERS, CALENDAR)
        assert (await db.users.users.create({"email": "a@example.com"})).created_at == NOON


async def test_a_context_of_ones_own_is_installed_beside_the_shipped_ones() -> None:
    db = in_memory([BOOKINGS, "calendar"])
    made = await db.repository(BOOKINGS).bookings.create({"guest": "Ada"})
    assert await db.collection(BOOKING).find_many() == [made]
    assert await db.base.select_one("bookings", {"guest": "Ada"}, ["guest"]) == {"guest": "Ada"}


async def test_in_memory_installs_all_shipped_contexts_unless_told_which() -> None:
    assert {each.name for each in in_memory().contexts} == set(homeport.contexts.SHIPPED)
    assert in_memory(["users"]).contexts == (USERS,)


async def test_observers_are_told_of_every_adapters_calls() -> None:
    seen: list[Observation] = []
    async with open_homeport(MEMORY, contexts=["users"], observers=[seen.append]) as db:
        await db.users.users.count()
    await in_memory(["users"], observers=[seen.append]).users.users.count()
    assert [each.name for each in seen] == ["users.count", "users.count"]


async def test_a_drill_is_told_the_context_and_the_adapter_and_units_and_observers_stay() -> None:
    seen: list[Observation] = []

    def drill(context: str, adapter: str, session: Session) -> Session:
        return FaultyStore(session, error=RepositoryUnavailableError) if (context, adapter) == wanted else session

    wanted = ("users", "memory")
    settings = Settings(adapter="memory")
    async with open_homeport(settings, contexts=["users", "expenses"], wrap=drill, observers=[seen.append]) as db:
        with pytest.raises(RepositoryUnavailableError):
            await db.users.users.count()
        assert await db.expenses.expenses.count() == 0
        async with db.transaction() as tx:
            assert await tx.users.users.count() == 0
        assert [(each.name, each.error) for each in seen] == [
            ("users.count", "RepositoryUnavailableError"),
            ("expenses.count", None),
            ("users.count", None),
            ("unit", None),
        ]
        assert [(each.adapter, each.ok) for each in await db.health()] == [("memory", True)]


async def test_names_in_the_database_may_differ() -> None:
    overrides = {"bookings": Override(name="reservations", types={"guest": TextType(3)})}
    db = in_memory([BOOKINGS], overrides=overrides)
    assert db.catalog.named("bookings").db_name == "reservations"
    with pytest.raises(homeport.InvalidValue):
        await db.collection(BOOKING).create({"guest": "Ada Lovelace"})


# -- what is refused


async def refused(message: str, settings: Settings = MEMORY, **keywords: Any) -> None:
    with pytest.raises(SettingsError, match=message):
        await open_homeport(settings, **keywords)


async def test_no_contexts_at_all_are_refused() -> None:
    await refused("no contexts: name those to install")


async def test_an_adapter_for_a_context_that_does_not_exist_is_refused() -> None:
    await refused("did you mean calendar", contexts=["users"], adapters={"calender": "memory"})


async def test_an_adapter_may_be_chosen_for_a_shipped_context_that_is_not_installed() -> None:
    async with open_homeport(MEMORY, contexts=["users"], adapters={"social": "postgres"}):
        pass


async def test_an_unknown_adapter_is_refused() -> None:
    await refused("no adapter 'memroy'; did you mean memory", contexts=["users"], adapter="memroy")
    await refused("no adapter for users 'memroy'", contexts=["users"], adapters={"users": "memroy"})


async def test_what_an_adapter_needs_is_named_before_anything_is_opened() -> None:
    await refused("HOMEPORT_DATABASE_URL", Settings(), contexts=["users"])
    legacy = Settings(adapter="supabase_legacy")
    await refused("SUPABASE_URL", legacy, contexts=["users"])
    await refused("SERVICE_ROLE_KEY", attrs.evolve(legacy, rest_url="http://127.0.0.1:1"), contexts=["users"])


async def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "homeport.adapters.supabase_legacy":
                raise ModuleNotFoundError("No module named 'supabase'", name="supabase")

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "homeport.adapters.supabase_legacy", raising=False)
    settings = Settings(adapter="supabase_legacy", rest_url="http://127.0.0.1:1", supabase_service_role_key="key")
    await refused(r"needs supabase: pip install 'homeport\[supabase\]'", settings, contexts=["users"])


async def test_an_override_of_a_table_that_is_not_installed_is_refused() -> None:
    with pytest.raises(SchemaMismatch, match="no table"):
        await open_homeport(MEMORY, contexts=["users"], overrides={"posts": Override(name="x")})


def test_a_context_that_is_not_installed_has_no_repository() -> None:
    db = in_memory(["users"])
    with pytest.raises(SettingsError, match="the context social is not installed: users"):
        db.repository(SOCIAL)
    with pytest.raises(SettingsError, match="not installed"):
        _ = db.social
    with pytest.raises(SettingsError, match="another context of that name is"):
        db.repository(attrs.evolve(USERS))
    with pytest.raises(SettingsError, match="no installed context has the table calendar_events"):
        db.collection(EVENT)


# -- memory's answers


async def test_memory_runs_the_answer_of_an_operation() -> None:
    named = Booking(id=uuid.UUID(int=1), guest="Ada")
    db = in_memory([context := with_answers({RENAME.name: lambda _, guest: [attrs.evolve(named, guest=guest.name)]})])
    renamed = await db.repository(context).rename("Grace")
    assert renamed is not None
    assert renamed.guest == "Grace"


async def test_a_declared_gap_is_refused_when_it_is_asked_for() -> None:
    db = in_memory([context := with_answers({}, gaps=(RENAME.name,))])
    with pytest.raises(Unsupported, match=r"memory does not offer bookings\.rename"):
        await db.repository(context).rename("Ada")


@pytest.mark.parametrize("answers", [None, {}])
def test_an_operation_without_an_answer_stops_the_start(answers: Mapping[str, object] | None) -> None:
    with pytest.raises(SettingsError, match=r"differ in bookings\.rename"):
        in_memory([with_answers(answers)])


def test_an_answer_to_no_operation_stops_the_start() -> None:
    with pytest.raises(SettingsError, match=r"differ in bookings\.renam"):
        in_memory([with_answers({RENAME.name: print, "bookings.renam": print})])


# -- several adapters at once


async def test_each_adapter_is_opened_once_with_what_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    server, legacy = Recorded(in_memory().store(USERS)), Recorded(in_memory().store(USERS))
    monkeypatch.setattr(postgres, "open_postgres", server)
    monkeypatch.setattr(supabase_legacy, "open_legacy", legacy)
    settings = Settings(
        adapters={"social": "supabase_legacy", "profiles": "memory"},
        database_url="postgresql://host/db",
        supabase_url="https://x.supabase.co",
        supabase_service_role_key="key",
        pool=homeport.Pool(size=3, overflow=1, timeout=2, statement_timeout=9, pooler="transaction"),
        cursor_key=b"k" * 32,
    )
    async with open_homeport(settings, contexts=["calendar", "social", "profiles"]) as db:
        ((url,), opened), ((root, key), asked) = server.calls[0], legacy.calls[0]
        assert opened["catalog"] is asked["catalog"] is db.catalog
    assert (len(server.calls), len(legacy.calls)) == (1, 1)
    assert (url, root, key) == ("postgresql://host/db", "https://x.supabase.co/rest/v1", "key")
    assert opened["operations"] == list(USERS.operations)
    assert asked["operations"] == list(SOCIAL.operations)
    assert opened["cursors"] is asked["cursors"]
    assert opened["cursors"].key == b"k" * 32
    sizes = {name: opened[name] for name in ("max_size", "acquire_timeout", "statement_timeout", "pooler")}
    assert sizes == {"max_size": 4, "acquire_timeout": 2, "statement_timeout": 9, "pooler": "transaction"}
    assert (asked["max_in_flight"], asked["timeout"]) == (4, 2)


async def test_a_connection_of_ones_own_needs_no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    server, mine = Recorded(in_memory(["users"]).store(USERS)), object()
    monkeypatch.setattr(postgres, "open_postgres", server)
    await open_homeport(Settings(), contexts=["users"], database=mine)  # type: ignore[arg-type]
    assert server.calls[0][0] == (mine,)


async def test_when_one_adapter_fails_to_open_the_others_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = in_memory(["users"])
    monkeypatch.setattr(postgres, "open_postgres", Recorded(opened.store(USERS)))
    await refused(
        "SERVICE_ROLE_KEY",
        Settings(database_url="postgresql://host/db", rest_url="http://127.0.0.1:1"),
        contexts=["calendar"],
        adapters={"calendar": "supabase_legacy"},
    )
    with pytest.raises(PoolClosed):
        await opened.users.users.count()


async def test_closing_goes_on_where_one_part_fails(mixed: Homeport, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise RepositoryUnavailableError("gone")

    monkeypatch.setattr(mixed._wiring.opened[-1], "close", fail)
    with pytest.raises(RepositoryUnavailableError, match="gone"):
        await mixed.close()
    with pytest.raises(PoolClosed):
        await mixed.users.users.count()


async def test_another_contexts_rows_are_found_where_they_are(mixed: Homeport) -> None:
    user = await mixed.users.users.create({"email": "a@example.com"})
    assert await mixed.repository(BOOKINGS).users.find_by_id(user.id) == user
    assert await mixed.base.select_one("users", None, ["id"]) == {"id": user.id}
    assert [each async for each in mixed.repository(BOOKINGS).users.stream()] == [user]
    assert await mixed.repository(BOOKINGS).users.delete(user.id)
    assert await mixed.users.users.count() == 0


async def test_memory_does_not_enforce_references_into_another_adapter(mixed: Homeport) -> None:
    made = await mixed.collection(BOOKING).create({"guest": "Ada", "user_id": uuid.UUID(int=1)})
    assert made.user_id == uuid.UUID(int=1)
    with pytest.raises(ForeignKeyViolation):
        await in_memory([BOOKINGS]).collection(BOOKING).create({"guest": "Ada", "user_id": uuid.UUID(int=1)})


async def test_all_calls_go_to_the_session_that_has_the_table(mixed: Homeport) -> None:
    users = mixed.repository(BOOKINGS).users
    first, second = await users.create_many([{"email": "a@example.com"}, {"email": "b@example.com"}])
    await users.update(first.id, {"first_name": "Ada"})
    await users.bulk_update([(first.id, {"first_name": "A"}), (second.id, {"first_name": "B"})])
    assert [each.first_name for each in await mixed.users.users.find_by_ids([first.id, second.id])] == ["A", "B"]
    assert await users.bulk_delete([first.id, second.id]) == 2
    with pytest.raises(Unsupported):
        await mixed.base.execute_query("select 1")


def test_one_repository_works_over_any_store_without_composition() -> None:
    from homeport.repositories.calendar import StoredCalendar

    db = in_memory(["calendar"])
    assert isinstance(StoredCalendar(db.store(CALENDAR)), StoredCalendar)


def test_the_public_names_are_all_there() -> None:
    assert len(set(homeport.__all__)) == len(homeport.__all__)
    for name in homeport.__all__:
        assert hasattr(homeport, name)


def test_every_error_is_a_public_name() -> None:
    from homeport.kernel import errors

    classes = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert classes <= set(homeport.__all__)


def test_a_collection_refuses_an_unknown_column() -> None:
    with pytest.raises(InvalidField):
        in_memory(["users"]).collection(USER).select({"nmae": "x"})


ON_LEGACY = Settings(
    adapter="supabase_legacy",
    rest_url="http://127.0.0.1:1",
    supabase_service_role_key="key",
    database_url="postgresql://127.0.0.1:1/db",
    retry=Retry(attempts=1),
)


async def test_units_over_legacy_are_refused_at_entry_unless_both_are_one_database() -> None:
    async with open_homeport(ON_LEGACY, contexts=["users"]) as db:
        with pytest.raises(Unsupported):
            async with db.transaction():
                raise AssertionError("entered")
    async with open_homeport(attrs.evolve(ON_LEGACY, units="postgres"), contexts=["users"]) as db:
        assert db.store(USERS).adapter == "supabase_legacy"
        with pytest.raises(RepositoryUnavailableError):
            async with db.transaction():
                raise AssertionError("entered")


async def test_contexts_on_memory_and_a_server_have_no_common_unit(mixed: Homeport) -> None:
    with pytest.raises(Unsupported, match="one database"):
        mixed.transaction()


async def test_unscoped_calls_are_refused_where_the_deployment_says_so() -> None:
    async with open_homeport(Settings(adapter="memory", unscoped="refuse"), contexts=["users"]) as db:
        for ask in (lambda: db.users, lambda: db.repository(USERS), lambda: db.base, db.transaction):
            with pytest.raises(RepositoryPermissionError):
                ask()
        made = await db.as_service().users.users.create({"email": "a@example.com"})
        assert await db.as_user({"sub": str(made.id)}).users.users.find_many() == [made]
        async with db.as_service().transaction() as tx:
            assert await tx.users.users.count() == 1


async def test_health_is_a_sign_of_life_of_each_adapter() -> None:
    async with open_homeport(Settings(adapter="memory"), contexts=["users"]) as db:
        found = await db.health()
        assert [(each.adapter, each.ok, each.error) for each in found] == [("memory", True, None)]
    dead = Settings(adapter="postgres", database_url="postgresql://127.0.0.1:1/db")
    async with open_homeport(dead, contexts=["users"]) as db:
        found = await db.health()
        assert [(each.adapter, each.ok, each.error) for each in found] == [
            ("postgres", False, "RepositoryUnavailableError")
        ]
