"""Gets that are asked together answer what they answer alone, on every adapter."""

import asyncio
import uuid
from typing import Any

import pytest

from homeport.composition import Homeport
from homeport.kernel.capabilities import Capability
from homeport.kernel.observe import Observation
from homeport.kernel.query import Deleted
from homeport.middleware.coalesce import MOST, CoalescedStore
from homeport.middleware.observe import ObservedStore
from homeport.repositories.budgets import BUDGETS, RECURRING_EXPENSE
from homeport.repositories.collection import Collection
from homeport.repositories.governance import GOVERNANCE, SYSTEM_CONFIG
from homeport.testing import a_user, build
from homeport.testing.rig import with_units
from tests.support.rights import a_claim
from tests.support.specimens import SPECIMENS, Crate, StoredSpecimens, labels


@pytest.fixture
def seen() -> list[Observation]:
    return []


@pytest.fixture
def store(db: Homeport, seen: list[Observation]) -> CoalescedStore:
    return CoalescedStore(ObservedStore(db.store(SPECIMENS), [seen.append]))


async def together(collection: Collection[Any, Any], ids: list[Any], **how: Any) -> list[Any]:
    return list(await asyncio.gather(*(collection.find_by_id(each, **how) for each in ids)))


async def test_any_number_of_uuids(stored: StoredSpecimens, store: CoalescedStore, seen: list[Observation]) -> None:
    coalesced = StoredSpecimens(store).specimens
    rows = await stored.specimens.create_many([{"whole": each, "facts": {"n": [each]}} for each in range(3 * MOST)])
    ids = [each.id for each in rows] + [uuid.uuid4(), rows[0].id, str(rows[1].id)]
    assert await together(coalesced, ids) == [*rows, None, rows[0], rows[1]]
    assert {each.name for each in seen} == {"specimens.find_by_id"}
    assert sorted(each.rows for each in seen) == [2, MOST, MOST, MOST]


@pytest.mark.row_cap
async def test_more_than_one_page_of_the_servers_rows(stored: StoredSpecimens, store: CoalescedStore) -> None:
    rows = await stored.specimens.create_many([{"whole": each} for each in range(17)])
    assert await together(StoredSpecimens(store).specimens, [each.id for each in rows]) == rows


async def test_identities_and_soft_deleted_rows(
    stored: StoredSpecimens, store: CoalescedStore, crate: Crate, other: Crate, seen: list[Observation]
) -> None:
    coalesced = StoredSpecimens(store)
    assert await together(coalesced.crates, [other.id, 10**12, str(crate.id), crate.id]) == [other, None, crate, crate]
    kept, gone = await labels(stored, crate, "kept", "gone")
    gone = await stored.labels.soft_delete(gone.id)
    ids = [kept.id, gone.id]
    assert await together(coalesced.labels, ids) == [kept, None]
    assert await together(coalesced.labels, ids, deleted=Deleted.ONLY) == [None, gone]
    assert await together(coalesced.labels, ids, deleted=Deleted.ALL) == [kept, gone]
    assert await together(coalesced.labels.within("crate_id", other.id), ids) == [None, None]
    assert len(seen) == 5


async def test_keys_of_hostile_text(db: Homeport) -> None:
    coalesced: Collection[Any, str] = Collection(CoalescedStore(db.store(GOVERNANCE)), SYSTEM_CONFIG)
    keys = ['a,b"', "a)b(", "\\", "%", "null", "é", "a b", " ", "'", "{x}", "*"]
    rows = [await build(db, SYSTEM_CONFIG, key=each, value={"of": each}) for each in keys]
    assert await together(coalesced, [*keys, "absent", *keys]) == [*rows, None, *rows]


async def test_a_row_is_seen_with_what_was_written_before_it_was_asked_for(
    store: CoalescedStore, crate: Crate, other: Crate
) -> None:
    crates = StoredSpecimens(store).crates

    async def shelved(id: int, shelf: str) -> str | None:
        await crates.update(id, {"shelf": shelf})
        return (await crates.get_or_raise(id)).shelf

    calls = [shelved(crate.id, "a"), shelved(other.id, "b"), together(crates, [crate.id, other.id])]
    assert (await asyncio.gather(*calls))[:2] == ["a", "b"]


async def test_each_user_sees_their_own_rows_and_no_statement_has_two_users(
    db: Homeport, seen: list[Observation]
) -> None:
    users = [await a_user(db) for _ in range(2)]
    rows = [await build(db, RECURRING_EXPENSE, user_id=each.id) for each in users]
    ids = [each.id for each in rows]
    scopes = [db.as_user(a_claim(each)).store(BUDGETS) for each in users]
    mine: list[Collection[Any, Any]] = [
        Collection(CoalescedStore(ObservedStore(each, [seen.append])), RECURRING_EXPENSE) for each in scopes
    ]
    assert await asyncio.gather(*(together(each, ids * 2) for each in mine)) == [
        [rows[0], None] * 2,
        [None, rows[1]] * 2,
    ]
    assert [each.rows for each in seen] == [1, 1]


@with_units
async def test_a_unit_reads_for_itself_and_nobody_reads_with_it(
    store: CoalescedStore, crate: Crate, other: Crate, seen: list[Observation]
) -> None:
    assert Capability.TRANSACTIONS in store.capabilities
    outside = StoredSpecimens(store).crates
    async with store.transaction() as unit:
        inside = StoredSpecimens(unit).crates
        changed = await inside.update(crate.id, {"shelf": "new"})
        waiting = [asyncio.create_task(outside.find_by_id(each)) for each in (crate.id, other.id)]
        assert await inside.find_by_id(crate.id) == changed
        assert await asyncio.gather(*waiting) == [crate, other]
    assert sorted((each.name, each.rows) for each in seen) == [
        ("crates.find_by_id", 1),
        ("crates.find_by_id", 2),
        ("crates.update", 1),
        ("unit", 0),
    ]
