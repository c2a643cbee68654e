"""Units of work while connections break: what is said of each unit is true of its rows."""

import asyncio
import random
import uuid
from collections import Counter
from functools import partial

import asyncpg
import pytest

from homeport.composition import Homeport, Unit
from homeport.kernel.errors import (
    OutcomeUnknown,
    RepositoryPermissionError,
    RepositoryUnavailableError,
)
from tests.faults.place import AUTHENTICATOR, Place, is_full, outcome, specimen, specimens, within
from tests.faults.proxy import Mode, proxied
from tests.faults.verdicts import Verdicts

pytestmark = pytest.mark.faults

WORKERS = 8


async def writes(tx: Unit, words: str) -> None:
    """Two rows of these words."""
    for _ in range(2):
        await specimens(tx).specimens.add(specimen(words))


async def stored(place: Place) -> Counter[str]:
    return Counter(each["words"] for each in await place.admin.fetch("select words from specimens"))


@pytest.mark.parametrize("cuts", [200, pytest.param(2000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("mode", [Mode.CUT_COMMIT, Mode.STOP_COMMIT], ids=["the reply", "the commit itself"])
async def test_a_commit_whose_reply_is_cut_gets_a_true_verdict(place: Place, mode: Mode, cuts: int) -> None:
    assert place.server.port is not None
    said = Counter[str]()
    async with proxied(place.server.port) as proxy, place.open(at=proxy.at) as db:
        verdicts = dict[str, str]()
        number = 0
        while proxy.cuts < cuts:
            number += 1
            words = f"u{number}"
            task = asyncio.create_task(outcome(db.unit(partial(writes, words=words))))
            proxy.mode = mode
            before = proxy.cuts
            async with asyncio.timeout(15):
                while proxy.cuts == before and not task.done():
                    await asyncio.sleep(0)
            proxy.mode = Mode.PASS
            error = await task
            verdicts[words] = type(error).__name__
            said[verdicts[words]] += 1
        assert await is_full(db)
    there = await stored(place)
    print(f"\n{proxy.cuts} cut at {mode.name}: {dict(said)}")
    assert set(there.values()) <= {2}, "half a unit"
    wrong = [words for words, verdict in verdicts.items() if (verdict == "NoneType") != (there[words] == 2)]
    assert wrong == [], "said to be committed and was not, or the other way round"
    assert said.keys() <= {"NoneType", "RepositoryUnavailableError"}
    assert said["RepositoryUnavailableError" if mode is Mode.STOP_COMMIT else "NoneType"] >= cuts


@pytest.mark.parametrize("kills", [1000, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_sessions_ended_at_random_lose_and_double_no_unit(place: Place, kills: int) -> None:
    rng, verdicts = random.Random(33), Verdicts()
    ended, stop = 0, asyncio.Event()

    async with place.open(attempts=3) as db:

        async def write(words: str) -> None:
            await db.unit(lambda tx: writes(tx, words))

        loads = [asyncio.create_task(verdicts.load(each, stop, write)) for each in range(WORKERS)]
        async with asyncio.timeout(kills / 10):
            while ended < kills and not any(each.done() for each in loads):
                ended += await place.kill_one(rng)
                await asyncio.sleep(rng.uniform(0, 0.006))
        stop.set()
        await asyncio.gather(*loads)
        assert await is_full(db)
    print(f"\n{ended} sessions ended: {verdicts}")
    assert ended >= kills
    verdicts.hold(await stored(place), rows=2)
    assert len(verdicts.unknown) <= kills / 100


async def test_a_frozen_server_keeps_nobody_beyond_the_bounds(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit that rolls back, one that commits and one that is cancelled; each bound made short for the test."""
    for name in (
        "units.COMMIT_SECONDS",
        "units.RESOLVE_SECONDS",
        "ways.RELEASE_SECONDS",
        "connections.RELEASE_SECONDS",
    ):
        monkeypatch.setattr(f"homeport.adapters.postgres.{name}", 0.3)
    assert place.server.port is not None
    async with proxied(place.server.port) as proxy, place.open(at=proxy.at, timeout=2) as db:

        async def frozen(body: str) -> BaseException | None:
            opened, go = asyncio.Event(), asyncio.Event()

            async def work() -> None:
                async with db.transaction() as tx:
                    await specimens(tx).specimens.add(specimen(body))
                    opened.set()
                    await go.wait()
                    if body == "raises":
                        raise LookupError

            task = asyncio.create_task(work())
            await opened.wait()
            proxy.mode = Mode.FREEZE
            go.set()
            if body == "cancelled":
                task.cancel()
            error = await within(4, outcome(task))
            proxy.mode = Mode.PASS
            return error

        assert type(await frozen("raises")) is LookupError
        assert type(await frozen("cancelled")) is asyncio.CancelledError
        assert type(await frozen("commits")) in (OutcomeUnknown, RepositoryUnavailableError)
        assert await is_full(db)
    assert (await stored(place)).keys() <= {"commits"}


# -- users on one connection


def claims(user: uuid.UUID) -> dict[str, object]:
    return {"sub": str(user), "role": "authenticated"}


async def two_users(db: Homeport) -> dict[uuid.UUID, set[uuid.UUID]]:
    """Two users with twenty expenses each, by user."""
    people = await db.users.users.create_many([{"email": f"{each}@example.org"} for each in "ab"])
    row: dict[str, object] = {"amount": "1", "category": "fuel", "date": "2026-05-01"}
    return {each.id: {(await db.expenses.create_expense(each.id, row)).id for _ in range(20)} for each in people}


@pytest.mark.parametrize("operations", [5000, pytest.param(100_000, marks=pytest.mark.soak)])
async def test_two_users_on_one_connection_never_meet(place: Place, operations: int) -> None:
    """Reads, units, failures and cancellations of both, interleaved; the service in between."""
    rng = random.Random(35)
    done, foreign, kinds = 0, list[str](), Counter[str]()
    async with place.open(size=1) as db:
        owned = await two_users(db)
        users = list(owned)

        async def reads(user: uuid.UUID) -> set[uuid.UUID]:
            return {each.id for each in await db.as_user(claims(user)).expenses.expenses.find_many()}

        async def in_a_unit(user: uuid.UUID) -> set[uuid.UUID]:
            async with db.as_user(claims(user)).transaction() as tx:
                found = {each.id for each in await tx.expenses.expenses.find_many()}
                if rng.random() < 0.3:
                    raise LookupError
                return found

        async def fails(user: uuid.UUID) -> set[uuid.UUID]:
            other = next(each for each in users if each != user)
            await db.as_user(claims(user)).expenses.expenses.create(
                {"user_id": other, "amount": "1", "category": "fuel", "date": "2026-05-01"}
            )
            raise AssertionError("written for somebody else")

        async def nobody(_: uuid.UUID) -> set[uuid.UUID]:
            return {each.id for each in await db.as_user(None).expenses.expenses.find_many()}

        async def service(_: uuid.UUID) -> set[uuid.UUID]:
            assert await db.expenses.expenses.count() == 40
            return set()

        async def one() -> None:
            nonlocal done
            user, kind = rng.choice(users), rng.choice([reads, reads, in_a_unit, fails, nobody, service])
            task = asyncio.create_task(kind(user))
            if rng.random() < 0.2:
                await asyncio.sleep(rng.uniform(0, 0.002))
                task.cancel()
            done += 1
            try:
                found = await task
            except (LookupError, RepositoryPermissionError, asyncio.CancelledError) as error:
                kinds[type(error).__name__] += 1
                return
            kinds[kind.__name__] += 1
            if not found <= owned[user] or (kind in (reads, in_a_unit) and found != owned[user]):
                foreign.append(f"{kind.__name__}: {len(found)} rows")

        async def worker() -> None:
            while done < operations:
                await one()

        await asyncio.gather(*(worker() for _ in range(4)))
    print(f"\n{done} operations of two users on one connection: {dict(kinds)}")
    assert foreign == []


DIRT = (
    "set statement_timeout = 12345",
    "set local lock_timeout = 12345",
    "create temp table mine (n int) on commit preserve rows",
    "prepare mine as select 1",
    "declare mine cursor with hold for select 1",
    "listen news",
    "select pg_advisory_lock(1)",
    "select set_config('request.jwt.claims', '{\"sub\":\"mine\"}', false)",
)
"""What SQL of the caller's own may leave behind on a session, not only on its transaction."""

LEFT = """select current_user::text as role, session_user::text as login,
    coalesce(current_setting('request.jwt.claims', true), '') as claims,
    current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
    (select count(*) from pg_cursors) as cursors, (select count(*) from pg_listening_channels()) as channels,
    (select count(*) from pg_prepared_statements where from_sql) as prepared, to_regclass('mine')::text as temporary,
    (select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory') as locks"""


@pytest.mark.parametrize("ends", ["commits", "raises", "is cancelled", "is one call"])
async def test_nothing_of_the_user_before_is_visible_to_the_next(place: Place, ends: str) -> None:
    """Role, claims, settings, temporary tables, prepared statements, cursors, locks, listeners: after every way out."""
    async with place.open(size=1) as db:
        owned = await two_users(db)
        me, nobody = db.as_user(claims(next(iter(owned)))), db.as_user(None)
        clean = (await nobody.base.execute_query(LEFT))[0]
        made = asyncio.Event()

        async def dirty() -> None:
            async with me.transaction() as tx:
                await tx.lock("mine")
                for each in DIRT:
                    await tx.base.execute_query(each)
                assert (await tx.base.execute_query(LEFT))[0] != clean
                made.set()
                if ends == "raises":
                    raise LookupError
                if ends == "is cancelled":
                    await tx.base.execute_query("select pg_sleep(5)")

        if ends == "is one call":
            for each in DIRT:
                await outcome(me.base.execute_query(each))
        else:
            task = asyncio.create_task(dirty())
            if ends == "is cancelled":
                await made.wait()
                task.cancel()
            expected = {"raises": LookupError, "is cancelled": asyncio.CancelledError}.get(ends, type(None))
            assert type(await outcome(task)) is expected
            assert made.is_set()
        assert (await nobody.base.execute_query(LEFT))[0] == clean
        assert await me.expenses.expenses.count() == 20


async def test_a_scoped_connection_without_its_begin_fails_closed(place: Place) -> None:
    """As the login of users' calls itself nothing may be done: what a forgotten BEGIN would run as."""
    connection = await asyncpg.connect(place.url(user=AUTHENTICATOR))
    try:
        for table in ("users", "expenses", "specimens"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"select * from {table}")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"delete from {table}")
    finally:
        await connection.close()
