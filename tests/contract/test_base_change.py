"""How collections update, delete, soft-delete and restore, on every adapter."""

import uuid

import pytest

from homeport.kernel.binding import Filters
from homeport.kernel.errors import (
    InvalidField,
    RepositoryNotFoundError,
    RepositoryValidationError,
    UniqueViolation,
)
from homeport.kernel.predicates import not_, one_of
from homeport.kernel.query import Deleted
from tests.support.refusals import broken
from tests.support.specimens import Crate, StoredSpecimens, labels

ABSENT = uuid.UUID(int=7)


# -- changing


async def test_update_answers_the_row_and_moves_its_touched_columns(stored: StoredSpecimens, crate: Crate) -> None:
    (made,) = await labels(stored, crate, "a")
    changed = await stored.labels.update(made.id, {"weight": 3})
    assert (changed.weight, changed.name, changed.created_at) == (3, "a", made.created_at)
    assert changed.updated_at > made.updated_at


async def test_update_of_nothing_raises_and_of_no_field_reads(stored: StoredSpecimens, crate: Crate) -> None:
    assert await stored.crates.update(crate.id, {}) == crate
    for data in ({}, {"code": "x"}):
        with pytest.raises(RepositoryNotFoundError):
            await stored.crates.update(999_999, data)


async def test_a_key_is_never_changed(stored: StoredSpecimens) -> None:
    made = await stored.specimens.create({})
    with pytest.raises(InvalidField):
        await stored.specimens.update(made.id, {"id": ABSENT})


async def test_update_many_counts_and_an_unfiltered_write_is_refused(stored: StoredSpecimens, crate: Crate) -> None:
    await stored.crates.bulk_create([{"code": "a", "shelf": "s"}, {"code": "b", "shelf": "s"}])
    assert await stored.crates.update_many({"shelf": "s"}, {"version": 9}) == 2
    assert await stored.crates.update_many({"shelf": "none"}, {"version": 9}) == 0
    assert await stored.crates.update_many({"shelf": []}, {"version": 9}) == 0
    nothings: tuple[Filters, ...] = (None, {}, not_(one_of("shelf", [])))
    for nothing in nothings:
        with pytest.raises(RepositoryValidationError):
            await stored.crates.update_many(nothing, {"version": 1})
        with pytest.raises(RepositoryValidationError):
            await stored.crates.delete_many(nothing)
    assert await stored.crates.count() == 3


async def test_a_failed_update_many_changes_nothing(stored: StoredSpecimens) -> None:
    await stored.crates.bulk_create([{"code": "a", "shelf": "s"}, {"code": "b", "shelf": "s"}])
    await broken(UniqueViolation, stored.crates.update_many({"shelf": "s"}, {"code": "same"}))
    assert [each.code for each in await stored.crates.find_many()] == ["a", "b"]


async def test_bulk_update_changes_rows_alike(stored: StoredSpecimens, crate: Crate, other: Crate) -> None:
    alike = [(crate.id, {"shelf": "s"}), (other.id, {"shelf": "s"}), (999_999, {"shelf": "s"})]
    assert await stored.crates.bulk_update(alike) == 2
    assert await stored.crates.count({"shelf": "s"}) == 2
    assert await stored.crates.bulk_update([]) == 0


async def test_delete_answers_whether_there_was_a_row(stored: StoredSpecimens, crate: Crate) -> None:
    assert await stored.crates.delete(crate.id) is True
    assert await stored.crates.delete(crate.id) is False
    assert await stored.crates.count() == 0


async def test_delete_many_and_bulk_delete_count(stored: StoredSpecimens) -> None:
    made = await stored.crates.create_many([{"code": code, "shelf": "s"} for code in "abcd"])
    assert await stored.crates.delete_many({"code": ["a", "b", "x"]}) == 2
    assert await stored.crates.bulk_delete([made[0].id, made[2].id]) == 1
    assert await stored.crates.bulk_delete([]) == 0
    assert [each.code for each in await stored.crates.find_many()] == ["d"]


# -- soft delete


async def test_soft_deleted_rows_do_not_exist(stored: StoredSpecimens, crate: Crate) -> None:
    gone, kept = await labels(stored, crate, "gone", "kept")
    marked = await stored.labels.soft_delete(gone.id)
    assert marked.deleted_at is not None
    assert await stored.labels.find_by_id(gone.id) is None
    assert await stored.labels.find_many() == [kept]
    assert await stored.labels.count() == 1
    assert await stored.labels.delete(gone.id) is False
    assert await stored.labels.update_many({"name": "gone"}, {"weight": 1}) == 0
    for call in (stored.labels.update(gone.id, {"weight": 1}), stored.labels.soft_delete(gone.id)):
        with pytest.raises(RepositoryNotFoundError):
            await call
    assert [row.id for row in await stored.labels.find_many(deleted=Deleted.ONLY)] == [gone.id]
    assert await stored.labels.count(deleted=Deleted.ALL) == 2


async def test_restore_brings_a_row_back(stored: StoredSpecimens, crate: Crate) -> None:
    (made,) = await labels(stored, crate, "a")
    await stored.labels.soft_delete(made.id)
    back = await stored.labels.restore(made.id)
    assert (back.id, back.deleted_at) == (made.id, None)
    with pytest.raises(RepositoryNotFoundError):
        await stored.labels.restore(made.id)


async def test_soft_delete_is_refused_where_it_is_not_declared(stored: StoredSpecimens, crate: Crate) -> None:
    for call in (stored.crates.soft_delete, stored.crates.restore):
        with pytest.raises(InvalidField):
            await call(crate.id)


async def test_discard_deletes_in_the_tables_own_way(stored: StoredSpecimens, crate: Crate) -> None:
    (made,) = await labels(stored, crate, "a")
    assert await stored.labels.discard(made.id) is True
    assert await stored.labels.discard(made.id) is False
    assert await stored.labels.count(deleted=Deleted.ONLY) == 1
    assert await stored.crates.discard(crate.id) is True
    assert await stored.crates.count() == 0


async def test_a_foreign_key_may_point_to_a_soft_deleted_row(stored: StoredSpecimens, crate: Crate) -> None:
    (top,) = await labels(stored, crate, "top")
    await stored.labels.soft_delete(top.id)
    below = await stored.labels.create({"crate_id": crate.id, "name": "below", "above_id": top.id})
    assert below.above_id == top.id
