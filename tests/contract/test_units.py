"""Units of work: together or not at all, seen by nobody before the end, over after the first failure."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import pytest

from homeport.composition import Homeport, Unit, in_memory
from homeport.kernel.errors import (
    LockTimeout,
    QueryError,
    RepositoryTimeoutError,
    SerializationConflict,
    UniqueViolation,
    UnitAborted,
)
from homeport.kernel.units import Isolation, Wait
from homeport.testing.rig import with_units
from tests.support.specimens import SPECIMENS, Crate, StoredSpecimens

pytestmark = with_units


def crates(db: Homeport | Unit) -> StoredSpecimens:
    return db.repository(SPECIMENS)


async def codes(db: Homeport | Unit) -> list[str]:
    return [each.code for each in await crates(db).crates.find_many(order_by="code")]


async def put(db: Homeport | Unit, code: str) -> Crate:
    return await crates(db).crates.create({"code": code})


async def test_a_unit_is_committed_when_its_block_ends(db: Homeport) -> None:
    async with db.transaction() as tx:
        await put(tx, "a")
        await put(tx, "b")
        assert await codes(tx) == ["a", "b"]
        assert await codes(db) == []
    assert await codes(db) == ["a", "b"]


@pytest.mark.parametrize("error", [ValueError("mine"), asyncio.CancelledError(), TimeoutError("mine"), OSError("mine")])
async def test_a_unit_is_rolled_back_if_its_block_raises_and_the_error_is_the_callers_own(
    db: Homeport, error: BaseException
) -> None:
    with pytest.raises(type(error)) as caught:
        async with db.transaction() as tx:
            await put(tx, "a")
            raise error
    assert caught.value is error
    assert await codes(db) == []


async def test_a_failed_call_aborts_the_unit(db: Homeport) -> None:
    await put(db, "a")
    with pytest.raises(UnitAborted):
        async with db.transaction() as tx:
            await put(tx, "b")
            with pytest.raises(UniqueViolation):
                await put(tx, "a")
            with pytest.raises(UnitAborted):
                await codes(tx)
    assert await codes(db) == ["a"]


async def test_a_savepoint_takes_a_failure_back_alone(db: Homeport) -> None:
    await put(db, "a")
    async with db.transaction() as tx:
        await put(tx, "b")
        with pytest.raises(UniqueViolation):
            async with tx.savepoint():
                await put(tx, "c")
                await put(tx, "a")
        async with tx.savepoint():
            await put(tx, "d")
    assert await codes(db) == ["a", "b", "d"]


async def test_savepoints_nest_twenty_deep(db: Homeport) -> None:
    async def deeper(tx: Unit, level: int) -> None:
        if level == 20:
            return
        try:
            async with tx.savepoint():
                await put(tx, f"{level:02}")
                await deeper(tx, level + 1)
                if level % 3 == 2:
                    raise LookupError
        except LookupError:
            pass

    async with db.transaction() as tx:
        await deeper(tx, 0)
    assert await codes(db) == ["00", "01"]


async def test_a_savepoint_that_ends_aborted_is_taken_back(db: Homeport) -> None:
    await put(db, "a")
    async with db.transaction() as tx:
        with pytest.raises(UnitAborted):
            async with tx.savepoint():
                await put(tx, "b")
                with pytest.raises(UniqueViolation):
                    await put(tx, "a")
        await put(tx, "c")
    assert await codes(db) == ["a", "c"]


async def test_an_ended_unit_serves_nobody(db: Homeport) -> None:
    async with db.transaction() as tx:
        await put(tx, "a")
    with pytest.raises(QueryError, match="ended"):
        await codes(tx)


async def test_a_unit_belongs_to_its_task(db: Homeport) -> None:
    with pytest.raises(QueryError, match="task"):
        async with db.transaction() as tx:
            await asyncio.gather(put(tx, "a"), put(tx, "b"))
    assert await codes(db) == []


async def test_a_task_has_one_unit_at_a_time(db: Homeport) -> None:
    async with db.transaction() as tx:
        await put(tx, "a")
        for other in (db, db.as_user({"sub": str(uuid.uuid4())}), db.as_user(None), db.as_service()):
            with pytest.raises(QueryError, match="has a unit open"):
                async with other.transaction():
                    pass
    assert await codes(db) == ["a"]


async def test_a_unit_of_another_homeport_may_stand_inside(db: Homeport) -> None:
    async with in_memory(["users"]) as other, db.transaction() as tx, other.transaction() as theirs:
        await put(tx, "a")
        await theirs.users.users.create({"email": "a@example.org"})
        with pytest.raises(QueryError, match="has a unit open"):
            async with db.transaction():
                pass
    assert await codes(db) == ["a"]


async def test_two_tasks_have_their_own(db: Homeport) -> None:
    async def one(code: str) -> None:
        async with db.transaction() as tx:
            await put(tx, code)
            await asyncio.sleep(0.01)
            await put(tx, f"{code}2")

    await asyncio.gather(*(one(code) for code in "abcde"))
    assert len(await codes(db)) == 10


async def test_a_read_only_unit_refuses_writes(db: Homeport) -> None:
    with pytest.raises(QueryError) as caught:
        async with db.transaction(read_only=True) as tx:
            assert await codes(tx) == []
            await put(tx, "a")
    assert caught.value.code == "25006"
    assert await codes(db) == []


async def test_repeatable_reads_are_of_one_moment(db: Homeport) -> None:
    await put(db, "a")
    async with db.transaction(isolation=Isolation.REPEATABLE_READ, read_only=True) as tx:
        assert await codes(tx) == ["a"]
        await put(db, "b")
        assert await codes(tx) == ["a"]
        assert await crates(tx).crates.count() == 1
        assert [each.code async for each in crates(tx).crates.stream()] == ["a"]
    assert await codes(db) == ["a", "b"]


async def test_committed_rows_are_read_at_read_committed(db: Homeport) -> None:
    async with db.transaction() as tx:
        assert await codes(tx) == []
        await put(db, "a")
        assert await codes(tx) == ["a"]


async def test_the_first_updater_wins_over_a_snapshot(db: Homeport) -> None:
    row = await put(db, "a")
    with pytest.raises(SerializationConflict) as caught:
        async with db.transaction(isolation=Isolation.REPEATABLE_READ) as tx:
            await codes(tx)
            await crates(db).crates.update(row.id, {"shelf": "first"})
            await crates(tx).crates.update(row.id, {"shelf": "second"})
    assert caught.value.code == "40001"
    assert [each.shelf for each in await crates(db).crates.find_many()] == ["first"]


async def test_a_unit_is_run_again_until_it_fits(db: Homeport) -> None:
    row = await put(db, "a")
    runs: list[int] = []

    async def work(tx: Unit) -> str:
        found = await crates(tx).crates.get_or_raise(row.id)
        runs.append(found.version)
        if len(runs) == 1:
            await crates(db).crates.update(row.id, {"version": 7})
        return (await crates(tx).crates.update(row.id, {"shelf": f"after {found.version}"})).shelf or ""

    assert await db.unit(work, isolation=Isolation.REPEATABLE_READ) == "after 7"
    assert len(runs) == 2


async def test_hooks_run_after_the_commit_in_order_and_only_then(
    db: Homeport, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[object] = []

    async def look() -> None:
        said.append(await codes(db))

    def broken() -> None:
        raise LookupError("a hook of its own")

    async with db.transaction() as tx:
        tx.on_commit(look)
        tx.on_commit(broken)
        tx.on_commit(lambda: said.append("last"))
        await put(tx, "a")
        with pytest.raises(LookupError):
            async with tx.savepoint():
                tx.on_commit(lambda: said.append("never"))
                raise LookupError
        assert said == []
    assert said == [["a"], "last"]
    assert "a hook of a committed unit failed" in caplog.text
    with pytest.raises(LookupError):
        async with db.transaction() as tx:
            tx.on_commit(lambda: said.append("never"))
            raise LookupError
    assert said == [["a"], "last"]


async def test_a_deadline_ends_the_unit_wherever_it_is(db: Homeport) -> None:
    with pytest.raises(RepositoryTimeoutError, match="deadline"):
        async with db.transaction(deadline=0.05) as tx:
            await put(tx, "a")
            await asyncio.sleep(5)
    assert await codes(db) == []


async def test_a_locked_row_is_waited_for(db: Homeport) -> None:
    row = await put(db, "a")

    async def raised() -> None:
        async with db.transaction() as tx:
            found = await crates(tx).crates.for_update().get_or_raise(row.id)
            await asyncio.sleep(0)
            await crates(tx).crates.update(row.id, {"version": found.version + 1})

    await asyncio.gather(*(raised() for _ in range(40)))
    assert (await crates(db).crates.get_or_raise(row.id)).version == row.version + 40


Locked = Callable[[Unit], Awaitable[object]]


async def while_locked(db: Homeport, ids: list[int], attempt: Locked) -> object:
    """What the attempt answers, in a unit of its own, while another holds the rows."""
    held, done = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with db.transaction() as tx:
            for each in ids:
                await crates(tx).crates.for_update().get_or_raise(each)
            held.set()
            await done.wait()

    holding = asyncio.create_task(hold())
    await held.wait()
    try:
        async with db.transaction() as tx:
            return await attempt(tx)
    finally:
        done.set()
        await holding


async def test_locked_rows_are_refused_or_left_out(db: Homeport) -> None:
    one, _ = await put(db, "a"), await put(db, "b")

    async def skip(tx: Unit) -> object:
        free = crates(tx).crates.for_update(Wait.SKIP_LOCKED)
        return [each.code for each in await free.find_many(order_by="code")]

    async def at_once(tx: Unit) -> object:
        return await crates(tx).crates.for_update(Wait.NOWAIT).find_by_id(one.id)

    assert await while_locked(db, [one.id], skip) == ["b"]
    with pytest.raises(LockTimeout):
        await while_locked(db, [one.id], at_once)


async def test_a_row_lock_outside_a_unit_is_refused(db: Homeport) -> None:
    row = await put(db, "a")
    with pytest.raises(QueryError, match="unit"):
        await crates(db).crates.for_update().find_by_id(row.id)


async def test_a_named_lock_is_one_units_at_a_time(db: Homeport) -> None:
    held, done = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with db.transaction() as tx:
            assert await tx.lock("month's end")
            held.set()
            await done.wait()

    holding = asyncio.create_task(hold())
    await held.wait()
    async with db.transaction() as tx:
        assert not await tx.lock("month's end", Wait.SKIP_LOCKED)
        assert await tx.lock("another", Wait.NOWAIT)
        async with tx.savepoint():
            assert await tx.lock("another", Wait.NOWAIT)
    with pytest.raises(LockTimeout):
        async with db.transaction() as tx:
            await tx.lock("month's end", Wait.NOWAIT)
    done.set()
    await holding
    async with db.transaction() as tx:
        assert await tx.lock("month's end", Wait.NOWAIT)


async def test_streams_and_bulk_writes_are_part_of_a_unit(db: Homeport) -> None:
    with pytest.raises(LookupError):
        async with db.transaction() as tx:
            assert await crates(tx).crates.bulk_create([{"code": f"{n:04}"} for n in range(1200)]) == 1200
            assert len([each async for each in crates(tx).crates.stream()]) == 1200
            await crates(tx).crates.bulk_update([(1, {"shelf": "x"}), (2, {"version": 3})])
            raise LookupError
    assert await codes(db) == []


async def test_a_stream_left_early_ends_no_unit(db: Homeport) -> None:
    async with db.transaction() as tx:
        await crates(tx).crates.bulk_create([{"code": f"{n:04}"} for n in range(900)])
        async for row in crates(tx).crates.stream(order_by="code"):
            await put(tx, f"x{row.code}")
            if row.code == "0003":
                break
        assert await crates(tx).crates.count() == 904
    assert await crates(db).crates.count() == 904
