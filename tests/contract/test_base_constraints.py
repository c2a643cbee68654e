"""Constraints, foreign-key actions and counters name themselves and hold, on every adapter."""

from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    NotNullViolation,
    UniqueViolation,
)
from homeport.kernel.query import Deleted
from tests.support.refusals import broken
from tests.support.specimens import Crate, StoredSpecimens, labels

# -- constraints


async def test_uniques_name_themselves(stored: StoredSpecimens, crate: Crate) -> None:
    violated = await broken(UniqueViolation, stored.crates.create({"code": crate.code}))
    assert violated == ("crates_code_key", "crates", ("code",))
    await stored.crates.create({"code": "a", "shelf": "s", "position": 1})
    violated = await broken(UniqueViolation, stored.crates.create({"code": "b", "shelf": "s", "position": 1}))
    assert violated == ("crates_shelf_position_key", "crates", ("shelf", "position"))


async def test_nulls_never_agree_in_a_unique(stored: StoredSpecimens) -> None:
    await stored.crates.create({"code": "a", "shelf": "s"})
    await stored.crates.create({"code": "b", "shelf": "s"})
    assert await stored.crates.count({"shelf": "s"}) == 2


async def test_the_key_is_unique(stored: StoredSpecimens) -> None:
    made = await stored.specimens.create({})
    violated = await broken(UniqueViolation, stored.specimens.create({"id": made.id}))
    assert violated == ("specimens_pkey", "specimens", ("id",))


async def test_a_partial_unique_folds_ascii_and_ignores_deleted_rows(stored: StoredSpecimens, crate: Crate) -> None:
    (first,) = await labels(stored, crate, "Fragile")
    violated = await broken(UniqueViolation, labels(stored, crate, "fRAGILE"))
    assert violated == ("labels_name_crate_id_key", "labels", ("name", "crate_id"))
    await stored.labels.soft_delete(first.id)
    (second,) = await labels(stored, crate, "fragile")
    assert await broken(UniqueViolation, stored.labels.restore(first.id)) == violated
    assert await stored.labels.find_many() == [second]


async def test_folding_is_ascii_only(stored: StoredSpecimens, crate: Crate) -> None:
    made = await labels(stored, crate, "É", "é", "İ", "i", "ẞ", "ß", "Σ", "ς", "σ")
    assert len(made) == 9


async def test_checks_name_themselves(stored: StoredSpecimens, crate: Crate) -> None:
    violated = await broken(CheckViolation, stored.crates.update(crate.id, {"position": -1}))
    assert violated == ("crates_position_check", "crates", ("position",))
    both = stored.labels.create({"crate_id": crate.id, "kept_id": crate.id, "name": "a"})
    assert await broken(CheckViolation, both) == ("labels_crate_id_kept_id_check", "labels", ("crate_id", "kept_id"))


async def test_foreign_keys_name_themselves(stored: StoredSpecimens) -> None:
    violated = await broken(ForeignKeyViolation, stored.labels.create({"crate_id": 999_999, "name": "a"}))
    assert violated == ("labels_crate_id_fkey", "labels", ("crate_id",))


async def test_not_null_goes_before_checks_and_checks_before_uniques(stored: StoredSpecimens, crate: Crate) -> None:
    await broken(NotNullViolation, stored.crates.create({"code": None, "position": -1}))
    await broken(CheckViolation, stored.crates.create({"code": crate.code, "position": -1}))
    await broken(CheckViolation, stored.labels.create({"crate_id": 5, "kept_id": 5, "name": "a"}))


async def test_deleting_a_parent_cascades_and_sets_null(stored: StoredSpecimens, crate: Crate, other: Crate) -> None:
    await stored.labels.create({"crate_id": crate.id, "name": "goes"})
    stays = await stored.labels.create({"crate_id": other.id, "spare_id": crate.id, "name": "stays"})
    assert await stored.crates.delete(crate.id) is True
    (left,) = await stored.labels.find_many()
    assert (left.id, left.spare_id, left.updated_at) == (stays.id, None, stays.updated_at)


async def test_a_restricting_reference_keeps_the_parent(stored: StoredSpecimens, crate: Crate, other: Crate) -> None:
    await stored.labels.create({"crate_id": other.id, "kept_id": crate.id, "name": "holds"})
    violated = await broken(ForeignKeyViolation, stored.crates.delete(crate.id))
    assert violated == ("labels_kept_id_fkey", "labels", ("kept_id",))
    assert await stored.crates.find_by_id(crate.id) == crate


async def test_references_to_the_own_table_cascade_through_levels(stored: StoredSpecimens, crate: Crate) -> None:
    (top,) = await labels(stored, crate, "top")
    middle = await stored.labels.create({"crate_id": crate.id, "name": "middle", "above_id": top.id})
    await stored.labels.create({"crate_id": crate.id, "name": "low", "above_id": middle.id})
    assert await stored.labels.delete(top.id) is True
    assert await stored.labels.count(deleted=Deleted.ALL) == 0
    assert (await stored.crates.get_or_raise(crate.id)).labels_count == 0


# -- counters


async def test_a_counter_follows_live_children(stored: StoredSpecimens, crate: Crate, other: Crate) -> None:
    async def counts() -> tuple[int, int]:
        one, two = await stored.crates.find_by_ids([crate.id, other.id])
        return one.labels_count, two.labels_count

    first, second = await labels(stored, crate, "a", "b")
    assert await counts() == (2, 0)
    await stored.labels.update(first.id, {"crate_id": other.id})
    assert await counts() == (1, 1)
    await stored.labels.soft_delete(second.id)
    assert await counts() == (0, 1)
    await stored.labels.restore(second.id)
    assert await counts() == (1, 1)
    await stored.labels.delete(first.id)
    assert await counts() == (1, 0)
