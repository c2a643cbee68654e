"""Upserts and inserts of what is absent, on every adapter."""

import uuid

import pytest

from homeport.kernel.errors import (
    CheckViolation,
    InvalidField,
    NotNullViolation,
    QueryError,
    RepositoryValidationError,
    UniqueViolation,
)
from tests.support.refusals import broken
from tests.support.specimens import Crate, StoredSpecimens, labels

ABSENT = uuid.UUID(int=7)


async def test_upsert_inserts_then_changes_what_is_given(stored: StoredSpecimens) -> None:
    made = await stored.crates.upsert({"code": "a", "shelf": "s", "version": 4}, target=["code"])
    again = await stored.crates.upsert({"code": "a", "shelf": "t"}, target=["code"])
    assert again == Crate(id=made.id, code="a", shelf="t", version=4)


async def test_upsert_goes_by_the_key_unless_told(stored: StoredSpecimens) -> None:
    made = await stored.specimens.upsert({"id": ABSENT, "words": "a"})
    assert (await stored.specimens.upsert({"id": str(ABSENT), "words": "b"})).words == "b"
    assert made.id == ABSENT
    assert await stored.specimens.count() == 1


async def test_upsert_of_the_target_alone_leaves_the_row(stored: StoredSpecimens) -> None:
    made = await stored.crates.create({"code": "a", "version": 7})
    assert await stored.crates.upsert({"code": "a"}, target=["code"]) == made


async def test_upsert_many_keeps_the_order(stored: StoredSpecimens) -> None:
    await stored.crates.create({"code": "b"})
    rows = [{"code": "c", "shelf": "1"}, {"code": "b", "shelf": "2"}, {"code": "a", "shelf": "3"}]
    made = await stored.crates.upsert_many(rows, target=["code"])
    assert [(each.code, each.shelf) for each in made] == [("c", "1"), ("b", "2"), ("a", "3")]
    assert await stored.crates.upsert_many([], target=["code"]) == []


async def test_upsert_refuses_targets_that_no_adapter_can_name(stored: StoredSpecimens) -> None:
    for target in (["shelf"], ["name"], [], ["position", "shelf"], ["code", "shelf"]):
        with pytest.raises(InvalidField):
            await stored.crates.upsert({"code": "a"}, target=target)
    with pytest.raises(InvalidField):
        await stored.crates.upsert({"shelf": "s"}, target=["code"])
    with pytest.raises(RepositoryValidationError):
        await stored.crates.upsert_many([{"code": "a"}, {"code": "b", "shelf": "s"}], target=["code"])


async def test_upsert_meets_other_uniques_and_equal_keys(stored: StoredSpecimens) -> None:
    await stored.crates.create({"code": "a", "shelf": "s", "position": 1})
    clash = stored.crates.upsert({"code": "b", "shelf": "s", "position": 1}, target=["code"])
    assert (await broken(UniqueViolation, clash))[0] == "crates_shelf_position_key"
    with pytest.raises(QueryError):
        await stored.crates.upsert_many([{"code": "x", "version": 1}, {"code": "x", "version": 2}], target=["code"])
    assert await stored.crates.count() == 1


async def test_upsert_on_a_soft_deleted_row_is_a_unique_violation(stored: StoredSpecimens, crate: Crate) -> None:
    gone, kept = await labels(stored, crate, "gone", "kept")
    await stored.labels.soft_delete(gone.id)
    rows = [
        {"id": kept.id, "crate_id": crate.id, "name": "changed"},
        {"id": gone.id, "crate_id": crate.id, "name": "back"},
    ]
    violated = await broken(UniqueViolation, stored.labels.upsert_many(rows))
    assert violated == ("labels_pkey", "labels", ("id",))
    assert [each.name for each in await stored.labels.find_many()] == ["kept"]


async def test_insert_absent_says_whether_it_inserted(stored: StoredSpecimens, crate: Crate) -> None:
    assert await stored.crates.insert_absent({"code": "new"}, target=["code"]) is True
    assert await stored.crates.insert_absent({"code": crate.code, "version": 9}, target=["code"]) is False
    assert await stored.crates.find_by_id(crate.id) == crate


async def test_a_proposed_row_is_judged_before_its_conflict(stored: StoredSpecimens, crate: Crate) -> None:
    bad = stored.crates.upsert({"code": crate.code, "position": -1}, target=["code"])
    assert (await broken(CheckViolation, bad))[0] == "crates_position_check"
    bad = stored.crates.upsert({"code": crate.code, "version": None}, target=["code"])
    assert (await broken(NotNullViolation, bad))[2] == ("version",)
