"""The rollout's tables on a server: rows, the one who decides, who is told, who may, and lost connections."""

import asyncio
import datetime as dt
import re
import uuid
from collections.abc import AsyncIterator
from urllib.parse import quote

import asyncpg
import attrs
import pytest
import pytest_asyncio

from homeport.adapters.postgres.function_check import audit_functions
from homeport.adapters.postgres.migrate import migrate_up
from homeport.adapters.postgres.migrate_logins import create_logins
from homeport.adapters.postgres.rollout_store import RolloutStore, open_rollout
from homeport.kernel.errors import LockTimeout, PoolClosed, RepositoryError, SchemaMismatch
from homeport.ports.rollout import CountRow, StageRow
from homeport.testing.servers import PostgresServer, create_database, drop_database

DATABASE = "homeport_rollout_tests"
SECRET = "a secret of these tests"
MINUTE = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
EMPTY = """TRUNCATE homeport.flags, homeport.rollout_plans, homeport.rollout_counts, homeport.rollout_events,
    homeport.marker"""


@pytest_asyncio.fixture(scope="session")
async def owner(server: PostgresServer, url: str) -> AsyncIterator[str]:
    # after `url`, which closes the server when it ends
    await drop_database(server, DATABASE)
    made = await create_database(server, DATABASE)
    connection = await asyncpg.connect(made)
    await migrate_up(connection, ())
    await create_logins(connection, service=SECRET, authenticator=SECRET)
    await connection.close()
    yield made
    await drop_database(server, DATABASE)


@pytest_asyncio.fixture
async def root(owner: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(owner)
    await connection.execute(EMPTY)
    yield connection
    await connection.close()


@pytest.fixture
def service(owner: str) -> str:
    return re.sub("//[^@]*@", f"//homeport_service:{quote(SECRET)}@", owner, count=1)


@pytest_asyncio.fixture
async def tables(service: str, root: object) -> AsyncIterator[RolloutStore]:
    store = open_rollout(service)
    yield store
    await store.close()


@pytest_asyncio.fixture
async def others(service: str, root: object) -> AsyncIterator[RolloutStore]:
    store = open_rollout(service)
    yield store
    await store.close()


async def put(tables: RolloutStore, domain: str, flag: str, *, held: bool = False) -> int:
    async with tables.deciding(wait=True) as decision:
        assert decision is not None
        return (await decision.set_flag(domain, flag, held=held, by="me")).revision


async def heard(tables: RolloutStore) -> None:
    async with asyncio.timeout(2):
        await tables.changed()


async def test_a_flag_is_set_and_cleared_with_another_revision_each_time(tables: RolloutStore) -> None:
    first = await put(tables, "trips", "canary:5")
    second = await put(tables, "trips", "canary:25", held=True)
    await put(tables, "expenses", "shadow")
    rows = await tables.flags()
    assert [(row.domain, row.flag, row.held, row.changed_by) for row in rows] == [
        ("expenses", "shadow", False, "me"),
        ("trips", "canary:25", True, "me"),
    ]
    async with tables.deciding(wait=False) as decision:
        assert decision is not None
        assert await decision.clear_flag("trips")
        assert not await decision.clear_flag("trips")
    assert await put(tables, "trips", "canary:25") > second > first


async def test_a_stage_comes_back_as_it_was_saved(tables: RolloutStore) -> None:
    stage = StageRow(
        domain="trips",
        plan={"steps": ["5", "100"], "hold": 0.5},
        stage="7",
        since=MINUTE,
        state="warming",
        facts={"fault_ratio": None, "outcomes": {"candidate": 3}},
        judged_at=MINUTE,
    )
    async with tables.deciding(wait=True) as decision:
        assert decision is not None
        await decision.save_stage(stage)
        await decision.save_stage(attrs.evolve(stage, state="healthy"))
        now = decision.now
    assert await tables.stages() == [attrs.evolve(stage, state="healthy", judged_at=now)]
    async with tables.deciding(wait=True) as decision:
        assert decision is not None
        await decision.drop_stage("trips")
        assert await decision.stages() == []


async def test_a_decision_that_fails_leaves_nothing(tables: RolloutStore) -> None:
    with pytest.raises(ZeroDivisionError):
        async with tables.deciding(wait=True) as decision:
            assert decision is not None
            await decision.set_flag("trips", "postgres", by="me")
            await decision.record("trips", "set", "..", by="me", facts={})
            raise ZeroDivisionError
    assert (await tables.flags(), await tables.events()) == ([], [])


async def test_one_decides_at_a_time(tables: RolloutStore, others: RolloutStore) -> None:
    async with tables.deciding(wait=False) as decision:
        assert decision is not None
        async with others.deciding(wait=False) as second:
            assert second is None
        waiting = asyncio.create_task(put(others, "trips", "postgres"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
    await waiting


async def test_who_waits_too_long_to_decide_is_told(
    tables: RolloutStore, others: RolloutStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homeport.adapters.postgres.rollout_store.SECONDS", 1.1)
    async with tables.deciding(wait=True):
        with pytest.raises(LockTimeout):
            await put(others, "trips", "postgres")
    await put(others, "trips", "postgres")


async def test_counts_are_written_over_and_read_from_a_minute_on(tables: RolloutStore) -> None:
    row = CountRow(
        minute=MINUTE, domain="trips", adapter="postgres", stage="3", calls=2, errors=1, times={75: 2}, outcomes=1
    )
    row = attrs.evolve(row, faults=1, faulty={4_294_967_295: 1, 0: 2})
    one, two = uuid.uuid4(), uuid.uuid4()
    await tables.write_counts(one, [row])
    await tables.write_counts(one, [attrs.evolve(row, calls=3, times={75: 2, 80: 1}, drawn_times={80: 1})])
    await tables.write_counts(two, [row, attrs.evolve(row, minute=MINUTE - dt.timedelta(minutes=1), domain="expenses")])
    await tables.write_counts(two, [])
    found = await tables.counts(MINUTE)
    assert sorted(each.calls for each in found) == [2, 3]
    assert {80: 1} in [each.drawn_times for each in found]
    assert [each.faulty for each in found] == [row.faulty] * 2
    assert len(await tables.counts(MINUTE - dt.timedelta(hours=1))) == 3
    assert await tables.counts(MINUTE, "expenses") == []
    await tables.forget(MINUTE)
    assert len(await tables.counts(MINUTE - dt.timedelta(hours=1))) == 2


async def test_rows_that_come_late_or_grow_weigh_more(tables: RolloutStore) -> None:
    row = CountRow(
        minute=MINUTE, domain="trips", adapter="postgres", stage="3", calls=5, outcomes=3, faults=2, refusals=1
    )
    process, later = uuid.uuid4(), MINUTE + dt.timedelta(minutes=1)
    others = [{"domain": "expenses"}, {"stage": "4"}, {"minute": later}, {"minute": MINUTE - dt.timedelta(minutes=1)}]

    async def weight() -> int:
        async with tables.deciding(wait=False) as decision:
            assert decision is not None
            return await decision.weight("trips", "3", MINUTE, later)

    assert await weight() == 0
    await tables.write_counts(process, [row, *(attrs.evolve(row, **other) for other in others)])  # type: ignore[arg-type]
    assert await weight() == 11
    await tables.write_counts(process, [row])
    assert await weight() == 11
    await tables.write_counts(process, [attrs.evolve(row, calls=6, faults=3)])
    await tables.write_counts(uuid.uuid4(), [row])
    assert await weight() == 24


async def test_events_come_in_their_order_and_can_be_added_to_only(tables: RolloutStore, service: str) -> None:
    async with tables.deciding(wait=True) as decision:
        assert decision is not None
        for number in range(3):
            await decision.record("trips", "set", str(number), by="me", facts={"number": number})
        await decision.record("expenses", "set", "..", by="me", facts={})
    events = await tables.events("trips")
    assert [(each.said, each.facts) for each in events] == [(str(each), {"number": each}) for each in range(3)]
    assert len(await tables.events()) == 4
    assert await tables.events(since=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)) == []
    connection = await asyncpg.connect(service)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DELETE FROM homeport.rollout_events")
    await connection.close()


async def test_every_change_of_a_flag_is_told_also_one_by_hand(
    tables: RolloutStore, others: RolloutStore, root: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await tables.flags()
    await heard(tables)  # whoever begins to listen looks once
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await tables.changed()
    await put(others, "trips", "postgres")
    await heard(tables)
    await root.execute("UPDATE homeport.flags SET flag = 'shadow', revision = DEFAULT")
    await heard(tables)
    assert [each.flag for each in await tables.flags()] == ["shadow"]


async def test_a_lost_connection_is_told_and_the_next_call_has_another(
    tables: RolloutStore, root: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await put(tables, "trips", "postgres")
    await heard(tables)
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'homeport_service'"
    await root.execute(end)
    await heard(tables)
    assert len(await tables.flags()) == 1
    await put(tables, "trips", "shadow")
    await heard(tables)


async def test_a_cancelled_call_leaves_a_store_that_works(tables: RolloutStore, others: RolloutStore) -> None:
    async with others.deciding(wait=True):
        task = asyncio.create_task(put(tables, "trips", "postgres"))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await tables.flags() == []


async def test_a_server_that_is_away_or_not_migrated_is_an_error_of_ours(url: str) -> None:
    gone = open_rollout("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(RepositoryError):
        await gone.flags()
    bare = open_rollout(url)
    with pytest.raises(SchemaMismatch, match=r"homeport\.flags"):
        await bare.flags()
    await bare.close()
    with pytest.raises(PoolClosed):
        await bare.flags()


async def test_a_mark_is_seen_by_service_role_alone(
    tables: RolloutStore, root: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mark = await tables.mark()
    for role, allowed in (("service_role", True), ("authenticated", False), ("anon", False)):
        async with root.transaction():
            await root.execute(f"SET LOCAL ROLE {role}")
            if allowed:
                ask = "SELECT seen FROM public.homeport_marker($1)"
                assert [await root.fetchval(ask, each) for each in (mark, uuid.uuid4())] == [True, False]
        for statement in ("SELECT public.homeport_marker(NULL)", "SELECT FROM homeport.flags"):
            if not allowed:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    async with root.transaction():
                        await root.execute(f"SET LOCAL ROLE {role}")
                        await root.execute(statement)
    assert await audit_functions(root) == []
