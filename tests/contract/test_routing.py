"""Contexts whose adapter flags choose while the process runs, over one database with both servers before it."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import pytest_asyncio

from homeport.composition import Homeport, Opening, Wrap
from homeport.composition import open as open_homeport
from homeport.composition.rollout import domains, rollout_tables, units_said
from homeport.kernel.errors import QueryError, RepositoryTimeoutError, Unsupported
from homeport.kernel.observe import Observation
from homeport.kernel.predicates import eq
from homeport.kernel.query import Delete, Select
from homeport.ports.store import Session, Store
from homeport.repositories.users import USER, USERS
from homeport.rollout.buckets import chosen
from homeport.rollout.compare import Count, Kind
from homeport.rollout.flags import Flag, FlagError
from homeport.rollout.live import Flags
from homeport.rollout.operators import Operator
from homeport.rollout.shadow import Mismatch, Shadow
from homeport.settings import Settings
from homeport.testing import FaultyStore, a_post, a_user
from homeport.testing.rig import Rig, _had

CONTEXTS = ("users", "profiles", "expenses", "social")


@attrs.define
class Place:
    """A Homeport with flags, what sets them, and who answered."""

    settings: Settings
    operator: Operator
    answered: Counter[tuple[str, str]] = attrs.field(factory=Counter)

    def observe(self, seen: Observation) -> None:
        self.answered[seen.adapter, seen.name] += 1

    async def on(self, domain: str, flag: str, db: Homeport) -> None:
        """Set it, and wait until this process follows: within a second."""
        await self.operator.set_flag(domain, flag)
        async with asyncio.timeout(1):
            while str(self.flags(db, domain)) != flag:
                await asyncio.sleep(0.01)

    def flags(self, db: Homeport, domain: str) -> Flag:
        router = next(session for each, session in db._wiring.sessions.items() if each.name == domain)
        flag: Flag = router.flags.of(domain)  # type: ignore[attr-defined]
        return flag


@pytest_asyncio.fixture(loop_scope="session")
async def place(rig: Rig, on_one_database: tuple[Homeport, Homeport]) -> AsyncIterator[Place]:
    settings = attrs.evolve(await _had(rig.both_settings()), flags=True)
    admin = await rig.admin("shared")
    await admin.execute("delete from homeport.flags; delete from homeport.rollout_plans")
    tables = rollout_tables(settings)
    yield Place(settings, Operator(table=tables, domains=domains(settings), by="a test"))
    await tables.close()


def opened(place: Place, wrap: Wrap | None = None, **changes: object) -> Opening:
    settings = attrs.evolve(place.settings, **changes)  # type: ignore[arg-type]
    return open_homeport(settings, contexts=CONTEXTS, observers=[place.observe], wrap=wrap)


async def test_a_flag_moves_a_domain_while_the_process_runs(place: Place) -> None:
    async with opened(place) as db:
        user = await db.users.users.create({"email": "a@example.org"})
        assert place.answered == {("supabase_legacy", "users.create"): 1}
        await place.on("users", "postgres", db)
        assert await db.users.users.find_by_id(user.id) == user
        assert place.answered["postgres", "users.find_by_id"] == 1
        await place.on("users", "supabase_legacy", db)
        assert await db.users.users.find_by_id(user.id) == user
        assert place.answered["supabase_legacy", "users.find_by_id"] == 1


async def test_metrics_are_there_by_domain_adapter_and_statement(place: Place) -> None:
    async with opened(place) as db:
        await a_user(db)
        said = db.metrics()
    labels = 'domain="users",adapter="supabase_legacy",statement="users.create"'
    assert f"homeport_call_seconds_count{{{labels}}} 1" in said.splitlines()
    assert f'homeport_call_quantile_seconds{{{labels},quantile="0.95"}}' in said


async def test_a_canarys_writes_are_read_back_on_either_adapter(place: Place) -> None:
    row = {"amount": "1", "category": "fuel", "date": "2026-05-01"}
    async with opened(place) as db:
        people = [await a_user(db) for _ in range(30)]
        await place.on("expenses", "canary:50", db)
        place.answered.clear()
        made = {each.id: await db.expenses.create_expense(each.id, row) for each in people}
        servers = {adapter for (adapter, name), _ in place.answered.items() if name == "expenses.create"}
        assert servers == {"postgres", "supabase_legacy"}
        for flag in ("postgres", "supabase_legacy"):
            await place.on("expenses", flag, db)
            assert [await db.expenses.get_user_expenses(each.id) for each in people] == [
                [made[each.id]] for each in people
            ]


async def test_users_stay_users_and_units_are_on_postgres_where_one_database_was_seen(place: Place) -> None:
    async with opened(place) as db:
        user, other = await a_user(db), await a_user(db)
        for flag in ("supabase_legacy", "canary:50", "postgres"):
            await place.on("users", flag, db)
            assert await db.as_user({"sub": str(user.id)}).users.users.find_many() == [user]
            async with db.transaction() as tx:
                assert tx.store(db.contexts[0]).adapter == "postgres"
                assert await tx.users.users.count() == 2
            assert await db.users.users.find_by_id(other.id) == other
        assert place.answered["postgres", "users.count"] == 3


async def test_status_says_where_units_run_and_why_not(place: Place) -> None:
    current = Flags(domains(place.settings)).current()
    away = {"rest_url": "http://127.0.0.1:1"}
    said = [
        await units_said(attrs.evolve(place.settings, **changes), place.operator.table, current)
        for changes in (
            {},
            {"units": "postgres", **away},
            away,
            {"units": "refuse"},
            {"supabase_service_role_key": None},
        )
    ]
    assert said[:2] == ["units of work run on postgres"] * 2
    assert [each.partition(": ")[0] for each in said[2:]] == ["no units of work"] * 3
    assert "could not be asked (RepositoryUnavailableError)" in said[2]


async def test_units_over_a_domain_on_legacy_are_refused_where_the_deployment_says_so(place: Place) -> None:
    async with opened(place, units="refuse") as db:
        with pytest.raises(Unsupported, match="units = 'refuse'"):
            db.transaction()
        for domain in CONTEXTS:
            await place.on(domain, "postgres", db)
        async with db.transaction() as tx:
            assert await tx.users.users.count() == 0


async def test_an_operation_is_on_the_adapter_of_the_user_whom_it_names(place: Place) -> None:
    async with opened(place) as db:
        post = await a_post(db)
        people = [await a_user(db) for _ in range(12)]
        await place.on("social", "canary:50", db)
        flag = Flag.parse("canary:50", "social")
        for each in people:
            place.answered.clear()
            assert (await db.social.toggle_like(post.id, each.id)).liked
            wanted = "postgres" if chosen(flag, each.id, True, random.Random(1)) else "supabase_legacy"
            assert place.answered[wanted, "social.toggle_like"] == 1
        assert {str(each.id) for each in people} == {str(each.user_id) for each in await db.social.likes.find_many()}


async def test_a_shadow_compares_and_nobody_waits_for_it(place: Place) -> None:
    async with opened(place) as db:
        users = [await a_user(db) for _ in range(3)]
        await place.on("users", "shadow", db)
        for each in users:
            assert await db.users.users.find_by_id(each.id) == each
        router = next(session for each, session in db._wiring.sessions.items() if each.name == "users")
        shadow = router.shadow  # type: ignore[attr-defined]
        async with asyncio.timeout(3):
            while shadow.totals.equal < 3:
                await asyncio.sleep(0.02)
        assert (shadow.totals.mismatches, shadow.totals.dropped, shadow.totals.failed) == (0, 0, 0)


async def test_the_candidate_can_not_write_in_the_shadow(on_one_database: tuple[Homeport, Homeport]) -> None:
    postgres, _ = on_one_database
    await a_user(postgres)
    session, told = postgres.store(USERS), list[Mismatch]()
    shadow, refused = Shadow("users", told=told.append), list[QueryError]()

    @attrs.frozen
    class Liar(Count):
        """Says that it reads."""

        async def ask(self, store: Store, /) -> object:
            try:
                return await store.delete(Delete("users.delete", USER, eq("role", "admin")))
            except QueryError as error:
                refused.append(error)
                raise

    shadow.offer(Liar(Select("users.count", USER)), 0, session, session)
    await shadow.settled()
    await shadow.close()
    assert ([each.code for each in refused], shadow.totals.failed) == (["25006"], 1)
    assert [(each.kind, each.fields) for each in told] == [(Kind.ERROR, ("QueryError",))]
    assert await postgres.users.users.count() == 1


async def test_hashes_of_rows_in_the_shadow_agree_between_processes_and_need_the_deployments_secret(
    place: Place,
) -> None:
    keys = []
    for secret in (b"a" * 32, b"a" * 32, b"b" * 32, None):
        async with opened(place, cursor_key=secret) as db:
            keys.append({router.shadow.key for router in db._wiring.sessions.values()})  # type: ignore[attr-defined]
    assert all(len(each) == 1 for each in keys)
    assert keys[0] == keys[1]
    assert len({each for some in keys for each in some}) == 3


async def test_a_drill_stands_between_one_domain_and_one_adapter(place: Place) -> None:
    asked: set[tuple[str, str]] = set()

    def drill(domain: str, adapter: str, session: Session) -> Session:
        asked.add((domain, adapter))
        if (domain, adapter) == ("users", "postgres"):
            return FaultyStore(session, error=RepositoryTimeoutError)
        return session

    async with opened(place, drill) as db:
        assert asked == {(domain, adapter) for domain in CONTEXTS for adapter in ("postgres", "supabase_legacy")}
        user = await a_user(db)
        for domain in ("users", "expenses"):
            await place.on(domain, "postgres", db)
        with pytest.raises(RepositoryTimeoutError):
            await db.users.users.find_by_id(user.id)
        assert await db.expenses.get_user_expenses(user.id) == []
        async with db.transaction() as tx:
            assert await tx.users.users.find_by_id(user.id) == user


async def test_a_lost_table_of_flags_and_a_half_written_file_move_nobody_and_no_caller_hears_of_it(
    place: Place, rig: Rig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    admin, file = await rig.admin("shared"), tmp_path / "flags.toml"
    file.write_text('[flags]\nexpenses = "postgres"\n')
    async with opened(place, flags_file=file) as db:
        user = await a_user(db)
        await place.on("users", "postgres", db)
        place.answered.clear()
        await admin.execute("alter table homeport.flags rename to lost")
        try:
            file.write_text("[fla")
            async with asyncio.timeout(10):
                while not ("table: can't be read" in caplog.text and "file: can't be read" in caplog.text):
                    assert await db.users.users.find_by_id(user.id) == user
                    assert await db.expenses.get_user_expenses(user.id) == []
                    await asyncio.sleep(0.02)
        finally:
            await admin.execute("alter table homeport.lost rename to flags")
        assert {adapter for adapter, _ in place.answered} == {"postgres"}
        file.write_text('[flags]\nexpenses = "shadow"\n')
        async with asyncio.timeout(10):
            while "table: can be read again" not in caplog.text or str(place.flags(db, "expenses")) != "shadow":
                await asyncio.sleep(0.02)
        await place.on("users", "supabase_legacy", db)


async def test_different_databases_keep_a_canarys_writes_on_the_primary_and_refuse_units(
    place: Place, rig: Rig
) -> None:
    elsewhere = rig.server().url(rig._databases["shared"], user="homeport_service", password="x")
    await rig.database("another")
    name = rig._databases["another"]
    url = (place.settings.database_url or elsewhere).replace(rig._databases["shared"], name)
    for units in ("auto", "postgres"):
        async with opened(place, database_url=url, units=units) as db:
            for each in db.contexts:
                apart = db._wiring.sessions[each].one.apart  # type: ignore[attr-defined]
                assert "different databases" in apart.reason
            with pytest.raises(Unsupported, match="lead to different databases"):
                db.transaction()


async def test_an_unknown_mode_in_the_environment_is_refused_at_start(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEPORT_USERS", "somewhere")
    with pytest.raises(FlagError, match="canary"):
        async with opened(place):
            raise AssertionError("opened")
    monkeypatch.setenv("HOMEPORT_USERS", "postgres")
    async with opened(place) as db:
        assert await db.users.users.find_by_id(uuid.uuid4()) is None
        assert place.answered["postgres", "users.find_by_id"] == 1
