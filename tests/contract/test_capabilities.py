"""Each declared capability is there, or refused before anything is written; nothing is silently done otherwise."""

import uuid
from collections.abc import Awaitable, Callable

import pytest

from homeport.composition import Homeport
from homeport.kernel.capabilities import Capability
from homeport.kernel.errors import Unsupported
from homeport.kernel.predicates import any_of, eq, exists
from homeport.repositories.calendar import EVENT
from homeport.testing import a_user, an_event
from tests.support.specimens import CRATE, LABEL, SPECIMENS, StoredSpecimens

Try = Callable[[Homeport], Awaitable[None]]
TRIES: dict[Capability, Try] = {}


def needs(capability: Capability) -> Callable[[Try], Try]:
    def registered(attempt: Try) -> Try:
        TRIES[capability] = attempt
        return attempt

    return registered


def crates(db: Homeport) -> StoredSpecimens:
    return db.repository(SPECIMENS)


@needs(Capability.RAW_SQL)
async def own_sql(db: Homeport) -> None:
    assert await db.base.execute_query("select code from crates where version = $1", [1]) == [{"code": "a"}]


@needs(Capability.BULK_UPDATE)
async def different_changes_at_once(db: Homeport) -> None:
    one, other = await crates(db).crates.find_many()
    assert await crates(db).crates.bulk_update([(one.id, {"shelf": "x"}), (other.id, {"version": 9})]) == 2
    changed = [(each.shelf, each.version) for each in await crates(db).crates.find_many()]
    assert changed == [("x", one.version), (other.shelf, 9)]


@needs(Capability.EXISTS_IN_WRITES)
async def a_write_that_looks_into_another_table(db: Homeport) -> None:
    assert await crates(db).crates.update_many(exists(LABEL, {"crate_id": "id"}), {"shelf": "x"}) == 1
    assert [each.code for each in await crates(db).crates.find_many({"shelf": "x"})] == ["a"]


@needs(Capability.RETURNING_ALTERNATIVES)
async def rows_answered_after_an_alternative_has_changed(db: Homeport) -> None:
    either = any_of(eq("shelf", "s"), eq("version", 5))
    changed = await crates(db).crates.update_returning(either, {"shelf": "x"})
    assert sorted((each.code, each.shelf) for each in changed) == [("a", "x"), ("b", "x")]


@needs(Capability.EXISTS_WITHOUT_FOREIGN_KEY)
async def a_look_along_no_foreign_key(db: Homeport) -> None:
    assert [each.name for each in await crates(db).labels.find_many(exists(CRATE, {"code": "name"}))] == ["a"]


@needs(Capability.UPSERT_KEEPS_OWNER)
async def an_upsert_that_could_give_a_row_away(db: Homeport) -> None:
    event = await an_event(db)
    stranger = await a_user(db)
    data = {name: value for name, value in EVENT.values(event).items() if name in ("id", "start_date", "end_date")}
    changed = await db.calendar.events.upsert({**data, "title": "x", "user_id": stranger.id})
    assert (changed.user_id, changed.title) == (event.user_id, "x")


@needs(Capability.TRANSACTIONS)
async def several_calls_together(db: Homeport) -> None:
    async with db.transaction() as tx:
        await tx.repository(SPECIMENS).crates.create({"code": "c"})
    assert await crates(db).crates.count() == 3


@needs(Capability.ROW_LOCKS)
async def a_read_that_locks(db: Homeport) -> None:
    async with db.transaction() as tx:
        assert len(await tx.repository(SPECIMENS).crates.for_update().find_many()) == 2


@needs(Capability.ADVISORY_LOCKS)
async def a_named_lock(db: Homeport) -> None:
    async with db.transaction() as tx:
        assert await tx.lock("a name")


def test_every_capability_is_tried() -> None:
    """But for the one whose lack makes a list weaker and refuses nothing: it has a test of its own below."""
    assert set(TRIES) | {Capability.SNAPSHOT_READS} == set(Capability)


async def state(db: Homeport) -> list[object]:
    return [*await crates(db).crates.find_many(), *await crates(db).labels.find_many()]


@pytest.mark.parametrize("capability", list(TRIES), ids=str)
async def test_a_capability_works_or_refuses_before_writing(db: Homeport, capability: Capability) -> None:
    one, _ = await crates(db).crates.create_many([{"code": "a", "shelf": "s"}, {"code": "b", "version": 5}])
    await crates(db).labels.create({"id": uuid.uuid4(), "crate_id": one.id, "name": "a"})
    before = await state(db)
    store = db.store(SPECIMENS)
    if capability in store.capabilities:
        await TRIES[capability](db)
    else:
        with pytest.raises(Unsupported):
            await TRIES[capability](db)
        assert await state(db) == before


async def test_a_stream_shows_one_moment_or_at_least_every_row_that_stays_once(db: Homeport) -> None:
    rows, capable = crates(db).crates, Capability.SNAPSHOT_READS in db.store(SPECIMENS).capabilities
    await rows.bulk_create([{"code": f"{number:05}"} for number in range(2500)])
    seen: list[str] = []
    async for row in rows.stream(order_by="code"):
        if not seen:
            await rows.create({"code": "99999"})
        seen.append(row.code)
    there = [f"{number:05}" for number in range(2500)]
    assert seen in ([there] if capable else [there, [*there, "99999"]])
