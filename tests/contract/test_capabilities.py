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

Try = Callable[[Homeport], Awaitable[object]]
TRIES: dict[Capability, Try] = {}


def needs(capability: Capability) -> Callable[[Try], Try]:
    def registered(attempt: Try) -> Try:
        TRIES[capability] = attempt
        return attempt

    return registered


def crates(db: Homeport) -> StoredSpecimens:
    return db.repository(SPECIMENS)


@needs(Capability.RAW_SQL)
async def own_sql(db: Homeport) -> object:
    return await db.base.execute_query("select code from crates where version = $1", [1])


@needs(Capability.BULK_UPDATE)
async def different_changes_at_once(db: Homeport) -> object:
    one, other = await crates(db).crates.find_many()
    return await crates(db).crates.bulk_update([(one.id, {"shelf": "x"}), (other.id, {"version": 9})])


@needs(Capability.EXISTS_IN_WRITES)
async def a_write_that_looks_into_another_table(db: Homeport) -> object:
    return await crates(db).crates.update_many(exists(LABEL, {"crate_id": "id"}), {"shelf": "x"})


@needs(Capability.RETURNING_ALTERNATIVES)
async def rows_answered_after_an_alternative_has_changed(db: Homeport) -> object:
    either = any_of(eq("shelf", "s"), eq("version", 5))
    return await crates(db).crates.update_returning(either, {"shelf": "x"})


@needs(Capability.EXISTS_WITHOUT_FOREIGN_KEY)
async def a_look_along_no_foreign_key(db: Homeport) -> object:
    return await crates(db).labels.find_many(exists(CRATE, {"code": "name"}))


@needs(Capability.UPSERT_KEEPS_OWNER)
async def an_upsert_that_could_give_a_row_away(db: Homeport) -> object:
    event = await an_event(db)
    stranger = await a_user(db)
    data = {name: value for name, value in EVENT.values(event).items() if name in ("id", "start_date", "end_date")}
    changed = await db.calendar.events.upsert({**data, "title": "x", "user_id": stranger.id})
    assert changed.user_id == event.user_id
    return changed


@needs(Capability.SNAPSHOT_READS)
async def nothing_to_try(_: Homeport) -> object:
    """A list over several requests is weaker, not refused: what may happen to it is documented."""
    return None


def test_every_capability_is_tried() -> None:
    assert set(TRIES) == set(Capability)


async def state(db: Homeport) -> list[object]:
    return [*await crates(db).crates.find_many(), *await crates(db).labels.find_many()]


@pytest.mark.parametrize("capability", [each for each in Capability if each is not Capability.SNAPSHOT_READS], ids=str)
async def test_a_capability_works_or_refuses_before_writing(db: Homeport, capability: Capability) -> None:
    one, _ = await crates(db).crates.create_many([{"code": "a", "shelf": "s"}, {"code": "b", "version": 5}])
    await crates(db).labels.create({"id": uuid.uuid4(), "crate_id": one.id, "name": "a"})
    before = await state(db)
    store = db.store(SPECIMENS)
    if capability in store.capabilities:
        assert await TRIES[capability](db) is not None
    else:
        with pytest.raises(Unsupported):
            await TRIES[capability](db)
        assert await state(db) == before
