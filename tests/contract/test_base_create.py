"""How collections create rows, on every adapter: one, many, whole entities; defaults, identities, what is refused."""

import uuid

import pytest

from homeport.kernel.errors import (
    InvalidField,
    NotNullViolation,
    UniqueViolation,
)
from homeport.kernel.predicates import ge
from homeport.kernel.query import Deleted
from tests.support.refusals import broken
from tests.support.specimens import LABEL, Crate, Label, StoredSpecimens, labels


async def test_create_answers_the_row_as_stored_with_its_defaults(stored: StoredSpecimens) -> None:
    made = await stored.crates.create({"code": "x"})
    assert made == Crate(id=made.id, code="x", labels_count=0, version=1)
    assert await stored.crates.find_by_id(made.id) == made


async def test_a_given_uuid_key_is_kept_and_a_missing_one_is_made(stored: StoredSpecimens) -> None:
    key = uuid.uuid4()
    assert (await stored.specimens.create({"id": key})).id == key
    assert (await stored.specimens.create({})).id != key


async def test_timestamps_are_the_databases_and_aware(stored: StoredSpecimens, crate: Crate) -> None:
    (made,) = await labels(stored, crate, "a")
    assert made.created_at == made.updated_at
    assert made.created_at.utcoffset() is not None


@pytest.mark.parametrize("field", ["created_at", "updated_at", "deleted_at"])
async def test_columns_the_database_sets_are_refused_by_name(stored: StoredSpecimens, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        await stored.labels.create({"crate_id": 1, "name": "a", field: None})
    assert caught.value.field == field


@pytest.mark.parametrize("field", ["id", "labels_count", "doubled", "nothing", "code; drop table crates", ""])
async def test_identity_counters_and_unknown_columns_are_refused(stored: StoredSpecimens, field: str) -> None:
    with pytest.raises(InvalidField):
        await stored.crates.create({"code": "a", field: 1})
    assert await stored.crates.count() == 0


async def test_generated_columns_are_computed_and_never_written(stored: StoredSpecimens) -> None:
    with pytest.raises(InvalidField):
        await stored.specimens.create({"doubled": 2})
    made = await stored.specimens.create({"whole": 21})
    assert made.doubled == 42
    assert (await stored.specimens.update(made.id, {"whole": -1})).doubled == -2
    assert (await stored.specimens.update(made.id, {"whole": None})).doubled is None


async def test_a_missing_required_column_is_a_not_null_violation(stored: StoredSpecimens) -> None:
    assert await broken(NotNullViolation, stored.crates.create({"shelf": "s"})) == (None, "crates", ("code",))
    assert await broken(NotNullViolation, stored.crates.create({"code": None})) == (None, "crates", ("code",))


async def test_an_explicit_none_beats_a_default(stored: StoredSpecimens) -> None:
    violated = await broken(NotNullViolation, stored.crates.create({"code": "a", "version": None}))
    assert violated == (None, "crates", ("version",))


async def test_create_many_keeps_the_order_and_mixes_given_columns(stored: StoredSpecimens) -> None:
    made = await stored.crates.create_many([{"code": "b", "version": 5}, {"code": "a", "shelf": "s"}, {"code": "c"}])
    assert [(each.code, each.shelf, each.version) for each in made] == [("b", None, 5), ("a", "s", 1), ("c", None, 1)]
    assert [each.code for each in await stored.crates.find_many()] == ["a", "b", "c"]


async def test_create_many_writes_all_or_nothing(stored: StoredSpecimens, crate: Crate) -> None:
    rows: list[dict[str, object]] = [{"code": "new"}, {"code": crate.code}, {"code": "newer", "version": 3}]
    assert await broken(UniqueViolation, stored.crates.create_many(rows)) == ("crates_code_key", "crates", ("code",))
    assert await stored.crates.find_many() == [crate]


async def test_create_many_of_nothing_is_nothing(stored: StoredSpecimens) -> None:
    assert await stored.crates.create_many([]) == []
    assert await stored.crates.bulk_create([]) == 0


@pytest.mark.parametrize("size", [1, 1000])
async def test_bulk_create_counts(stored: StoredSpecimens, size: int) -> None:
    assert await stored.crates.bulk_create([{"code": f"{number:05}"} for number in range(size)]) == size
    assert await stored.crates.count() == size


async def test_more_rows_than_a_statement_has_parameters_go_in_at_once(stored: StoredSpecimens) -> None:
    size = 32_769
    assert await stored.crates.bulk_create([{"code": f"{number:05}"} for number in range(size)]) == size
    assert await stored.crates.count(ge("code", "32768")) == 1


async def test_add_writes_every_column_as_given(stored: StoredSpecimens, crate: Crate) -> None:
    (made,) = await labels(stored, crate, "a")
    gone = await stored.labels.soft_delete(made.id)
    await stored.labels.restore(made.id)
    await stored.labels.delete(made.id)
    copy = Label(**{**LABEL.values(gone), "id": uuid.uuid4()})  # type: ignore[arg-type]
    assert await stored.labels.add(copy) == copy
    assert await stored.labels.find_many(deleted=Deleted.ALL) == [copy]


async def test_add_keeps_an_identity_and_does_not_move_the_sequence(stored: StoredSpecimens, crate: Crate) -> None:
    added = await stored.crates.add(Crate(id=crate.id + 1000, code="far"))
    assert added.id == crate.id + 1000
    assert (await stored.crates.create({"code": "next"})).id == crate.id + 1


async def test_identities_are_not_given_back(stored: StoredSpecimens, crate: Crate) -> None:
    with pytest.raises(UniqueViolation):
        await stored.crates.create({"code": crate.code})
    assert (await stored.crates.create({"code": "next"})).id == crate.id + 2
