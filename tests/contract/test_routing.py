"""Contexts whose adapter flags choose while the process runs, over one database with both servers before it."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator

import attrs
import pytest
import pytest_asyncio

from homeport.composition import Homeport, Opening
from homeport.composition import open as open_homeport
from homeport.composition.rollout import domains, rollout_tables
from homeport.kernel.errors import Unsupported
from homeport.kernel.observe import Observation
from homeport.rollout.flags import FlagError
from homeport.rollout.operators import Operator
from homeport.settings import Settings
from homeport.testing import a_user
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
        routers = [each for each in db.contexts if each.name == domain]
        async with asyncio.timeout(1):
            while str(db._wiring.sessions[routers[0]].flags.of(domain)) != flag:  # type: ignore[attr-defined]
                await asyncio.sleep(0.01)


@pytest_asyncio.fixture(loop_scope="session")
async def place(rig: Rig, on_one_database: tuple[Homeport, Homeport]) -> AsyncIterator[Place]:
    settings = attrs.evolve(await _had(rig.both_settings()), flags=True)
    admin = await rig.admin("shared")
    await admin.execute("delete from homeport.flags; delete from homeport.rollout_plans")
    tables = rollout_tables(settings)
    yield Place(settings, Operator(table=tables, domains=domains(settings), by="a test"))
    await tables.close()


def opened(place: Place, **changes: object) -> Opening:
    settings = attrs.evolve(place.settings, **changes)  # type: ignore[arg-type]
    return open_homeport(settings, contexts=CONTEXTS, observers=[place.observe])


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


async def test_users_stay_users_and_units_stay_on_one_adapter_behind_the_router(place: Place) -> None:
    async with opened(place, units="postgres") as db:
        user, other = await a_user(db), await a_user(db)
        for flag in ("supabase_legacy", "canary:50", "postgres"):
            await place.on("users", flag, db)
            assert await db.as_user({"sub": str(user.id)}).users.users.find_many() == [user]
            async with db.transaction() as tx:
                assert tx.store(db.contexts[0]).adapter == "postgres"
                assert await tx.users.users.count() == 2
            assert await db.users.users.find_by_id(other.id) == other
    async with opened(place) as db:
        with pytest.raises(Unsupported):
            async with db.transaction():
                raise AssertionError("entered")


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


async def test_different_databases_keep_a_canarys_writes_on_the_primary(place: Place, rig: Rig) -> None:
    elsewhere = rig.server().url(rig._databases["shared"], user="homeport_service", password="x")
    await rig.database("another")
    name = rig._databases["another"]
    url = (place.settings.database_url or elsewhere).replace(rig._databases["shared"], name)
    async with opened(place, database_url=url) as db:
        for each in db.contexts:
            assert "different databases" in (db._wiring.sessions[each].apart or "")  # type: ignore[attr-defined]


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
