"""What every collection promises, on every adapter: the base methods of documents 000, 001, 002 and 004."""

import uuid
from collections.abc import Awaitable

import pytest

from homeport.composition import Homeport
from homeport.kernel.binding import Filters
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    QueryError,
    RepositoryConstraintError,
    RepositoryNotFoundError,
    RepositoryValidationError,
    UniqueViolation,
)
from homeport.kernel.predicates import eq, exists, ge, gt, lower, not_, one_of
from homeport.kernel.query import Deleted, Order
from tests.support.specimens import CRATE, LABEL, SPECIMENS, Crate, Label, StoredSpecimens

ABSENT = uuid.UUID(int=7)


@pytest.fixture
def stored(db: Homeport) -> StoredSpecimens:
    return db.repository(SPECIMENS)


@pytest.fixture
async def crate(stored: StoredSpecimens) -> Crate:
    return await stored.crates.create({"code": "c1"})


@pytest.fixture
async def other(stored: StoredSpecimens) -> Crate:
    return await stored.crates.create({"code": "c2"})


async def labels(stored: StoredSpecimens, crate: Crate, *names: str) -> list[Label]:
    return await stored.labels.create_many([{"crate_id": crate.id, "name": name} for name in names])


async def refused(error: type[RepositoryConstraintError], call: Awaitable[object]) -> tuple[object, ...]:
    """The constraint, table and columns that the error names."""
    with pytest.raises(error) as caught:
        await call
    return caught.value.constraint, caught.value.table, caught.value.columns


# -- create


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
    assert await refused(NotNullViolation, stored.crates.create({"shelf": "s"})) == (None, "crates", ("code",))
    assert await refused(NotNullViolation, stored.crates.create({"code": None})) == (None, "crates", ("code",))


async def test_an_explicit_none_beats_a_default(stored: StoredSpecimens) -> None:
    violated = await refused(NotNullViolation, stored.crates.create({"code": "a", "version": None}))
    assert violated == (None, "crates", ("version",))


async def test_create_many_keeps_the_order_and_mixes_given_columns(stored: StoredSpecimens) -> None:
    made = await stored.crates.create_many([{"code": "b", "version": 5}, {"code": "a", "shelf": "s"}, {"code": "c"}])
    assert [(each.code, each.shelf, each.version) for each in made] == [("b", None, 5), ("a", "s", 1), ("c", None, 1)]
    assert [each.code for each in await stored.crates.find_many()] == ["a", "b", "c"]


async def test_create_many_writes_all_or_nothing(stored: StoredSpecimens, crate: Crate) -> None:
    rows: list[dict[str, object]] = [{"code": "new"}, {"code": crate.code}, {"code": "newer", "version": 3}]
    assert await refused(UniqueViolation, stored.crates.create_many(rows)) == ("crates_code_key", "crates", ("code",))
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


# -- constraints


async def test_uniques_name_themselves(stored: StoredSpecimens, crate: Crate) -> None:
    violated = await refused(UniqueViolation, stored.crates.create({"code": crate.code}))
    assert violated == ("crates_code_key", "crates", ("code",))
    await stored.crates.create({"code": "a", "shelf": "s", "position": 1})
    violated = await refused(UniqueViolation, stored.crates.create({"code": "b", "shelf": "s", "position": 1}))
    assert violated == ("crates_shelf_position_key", "crates", ("shelf", "position"))


async def test_nulls_never_agree_in_a_unique(stored: StoredSpecimens) -> None:
    await stored.crates.create({"code": "a", "shelf": "s"})
    await stored.crates.create({"code": "b", "shelf": "s"})
    assert await stored.crates.count({"shelf": "s"}) == 2


async def test_the_key_is_unique(stored: StoredSpecimens) -> None:
    made = await stored.specimens.create({})
    violated = await refused(UniqueViolation, stored.specimens.create({"id": made.id}))
    assert violated == ("specimens_pkey", "specimens", ("id",))


async def test_a_partial_unique_folds_ascii_and_ignores_deleted_rows(stored: StoredSpecimens, crate: Crate) -> None:
    (first,) = await labels(stored, crate, "Fragile")
    violated = await refused(UniqueViolation, labels(stored, crate, "fRAGILE"))
    assert violated == ("labels_name_crate_id_key", "labels", ("name", "crate_id"))
    await stored.labels.soft_delete(first.id)
    (second,) = await labels(stored, crate, "fragile")
    assert await refused(UniqueViolation, stored.labels.restore(first.id)) == violated
    assert await stored.labels.find_many() == [second]


async def test_folding_is_ascii_only(stored: StoredSpecimens, crate: Crate) -> None:
    made = await labels(stored, crate, "É", "é", "İ", "i", "ẞ", "ß", "Σ", "ς", "σ")
    assert len(made) == 9


async def test_checks_name_themselves(stored: StoredSpecimens, crate: Crate) -> None:
    violated = await refused(CheckViolation, stored.crates.update(crate.id, {"position": -1}))
    assert violated == ("crates_position_check", "crates", ("position",))
    both = stored.labels.create({"crate_id": crate.id, "kept_id": crate.id, "name": "a"})
    assert await refused(CheckViolation, both) == ("labels_crate_id_kept_id_check", "labels", ("crate_id", "kept_id"))


async def test_foreign_keys_name_themselves(stored: StoredSpecimens) -> None:
    violated = await refused(ForeignKeyViolation, stored.labels.create({"crate_id": 999_999, "name": "a"}))
    assert violated == ("labels_crate_id_fkey", "labels", ("crate_id",))


async def test_not_null_goes_before_checks_and_checks_before_uniques(stored: StoredSpecimens, crate: Crate) -> None:
    await refused(NotNullViolation, stored.crates.create({"code": None, "position": -1}))
    await refused(CheckViolation, stored.crates.create({"code": crate.code, "position": -1}))
    await refused(CheckViolation, stored.labels.create({"crate_id": 5, "kept_id": 5, "name": "a"}))


async def test_deleting_a_parent_cascades_and_sets_null(stored: StoredSpecimens, crate: Crate, other: Crate) -> None:
    await stored.labels.create({"crate_id": crate.id, "name": "goes"})
    stays = await stored.labels.create({"crate_id": other.id, "spare_id": crate.id, "name": "stays"})
    assert await stored.crates.delete(crate.id) is True
    (left,) = await stored.labels.find_many()
    assert (left.id, left.spare_id, left.updated_at) == (stays.id, None, stays.updated_at)


async def test_a_restricting_reference_keeps_the_parent(stored: StoredSpecimens, crate: Crate, other: Crate) -> None:
    await stored.labels.create({"crate_id": other.id, "kept_id": crate.id, "name": "holds"})
    violated = await refused(ForeignKeyViolation, stored.crates.delete(crate.id))
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


# -- reading


async def test_find_by_id_answers_none_for_an_absent_row(stored: StoredSpecimens) -> None:
    assert await stored.specimens.find_by_id(ABSENT) is None
    with pytest.raises(RepositoryNotFoundError):
        await stored.specimens.get_or_raise(ABSENT)


@pytest.mark.parametrize("key", ["", "x", "7", str(ABSENT) + "0", 5, None, b"x"])
async def test_a_malformed_uuid_is_a_validation_error_that_names_the_key(stored: StoredSpecimens, key: object) -> None:
    with pytest.raises(RepositoryValidationError) as caught:
        await stored.specimens.find_by_id(key)  # type: ignore[arg-type]
    assert caught.value.field == "id"


async def test_an_identity_may_be_given_as_text(stored: StoredSpecimens, crate: Crate) -> None:
    assert await stored.crates.find_by_id(str(crate.id)) == crate
    for malformed in ("", "1.0", "one", "9" * 30, True):
        with pytest.raises(RepositoryValidationError):
            await stored.crates.find_by_id(malformed)


async def test_find_by_ids_keeps_the_order_asked_and_leaves_out_the_absent(
    stored: StoredSpecimens, crate: Crate, other: Crate
) -> None:
    assert await stored.crates.find_by_ids([other.id, 999, crate.id, other.id]) == [other, crate]
    assert await stored.crates.find_by_ids([]) == []


async def test_lists_of_any_length_are_asked_in_one_call(stored: StoredSpecimens, crate: Crate) -> None:
    keys = [uuid.uuid4() for _ in range(3000)]
    found = await stored.specimens.create({"id": keys[1234]})
    assert await stored.specimens.find_by_ids(keys) == [found]
    assert await stored.specimens.count(one_of("id", keys)) == 1


async def test_filters_join_by_and_and_know_lists_and_none(stored: StoredSpecimens) -> None:
    await stored.crates.create_many(
        [
            {"code": "a", "shelf": "s"},
            {"code": "b"},
            {"code": "c", "shelf": "s", "version": 2},
            {"code": "d", "shelf": "t"},
        ]
    )

    async def codes(filters: dict[str, object]) -> list[str]:
        return [each.code for each in await stored.crates.find_many(filters)]

    assert await codes({"shelf": "s"}) == ["a", "c"]
    assert await codes({"shelf": "s", "version": 2}) == ["c"]
    assert await codes({"shelf": None}) == ["b"]
    assert await codes({"shelf": ["s", None]}) == ["a", "b", "c"]
    assert await codes({"shelf": []}) == []
    assert await codes({}) == ["a", "b", "c", "d"]


async def test_unknown_filter_and_order_columns_are_refused(stored: StoredSpecimens) -> None:
    for call in (
        stored.crates.find_many({"nothing": 1}),
        stored.crates.find_many(order_by="nothing"),
        stored.crates.find_many(order_by="code desc"),
        stored.crates.find_many(order_by=["code", "-code"]),
        stored.specimens.find_many(order_by="facts"),
        stored.specimens.find_many({"facts": {"a": 1}}),
    ):
        with pytest.raises(InvalidField):
            await call


async def test_order_places_nulls_last_in_both_directions_unless_said(stored: StoredSpecimens) -> None:
    await stored.crates.create_many([{"code": "a", "position": 2}, {"code": "b"}, {"code": "c", "position": 1}])

    async def codes(order: str | Order) -> str:
        return "".join(each.code for each in await stored.crates.find_many(order_by=order))

    assert await codes("position") == "cab"
    assert await codes("-position") == "acb"
    assert await codes(Order("position", nulls_first=True)) == "bca"
    assert await codes(Order("position", descending=True, nulls_first=True)) == "bac"


async def test_text_is_ordered_by_code_point(stored: StoredSpecimens) -> None:
    words = [
        "",
        " ",
        "!",
        "A",
        "Z",
        "_",
        "a",
        "aa",
        "b",
        "z",
        "É",
        "é",
        "ß",
        "я",
        "中",
        "\U0001f600",
        "\uffff",
        "a b",
        "a-b",
    ]
    await stored.crates.bulk_create([{"code": word} for word in reversed(words)])
    assert [each.code for each in await stored.crates.find_many(order_by="code")] == sorted(words)
    assert [each.code for each in await stored.crates.find_many(order_by="-code")] == sorted(words, reverse=True)
    above = await stored.crates.find_many(gt("code", "a"), order_by="code")
    assert [each.code for each in above] == sorted(word for word in words if word > "a")


async def test_limit_and_offset_mean_what_they_say(stored: StoredSpecimens) -> None:
    await stored.crates.bulk_create([{"code": code} for code in "abcde"])

    async def codes(limit: int | None, offset: int) -> str:
        return "".join(each.code for each in await stored.crates.find_many(limit=limit, offset=offset))

    assert await codes(0, 0) == ""
    assert await codes(2, 0) == "ab"
    assert await codes(None, 3) == "de"
    assert await codes(2, 4) == "e"
    assert await codes(2, 9) == ""
    for limit, offset in ((-1, 0), (0, -1), (True, 0), (1.0, 0), ("1", 0)):
        with pytest.raises(InvalidValue):
            await codes(limit, offset)  # type: ignore[arg-type]


async def test_find_first_takes_the_first_in_order(stored: StoredSpecimens) -> None:
    assert await stored.crates.find_first({}) is None
    await stored.crates.bulk_create([{"code": "b"}, {"code": "a"}])
    first, last = await stored.crates.find_first({}), await stored.crates.find_first({}, order_by="-code")
    assert first is not None
    assert last is not None
    assert (first.code, last.code) == ("a", "b")


async def test_count_and_exists(stored: StoredSpecimens) -> None:
    assert await stored.crates.count() == 0
    assert await stored.crates.exists() is False
    await stored.crates.bulk_create([{"code": "a"}, {"code": "b", "shelf": "s"}])
    assert await stored.crates.count() == 2
    assert await stored.crates.count({"shelf": "s"}) == 1
    assert await stored.crates.exists({"shelf": "s"}) is True
    assert await stored.crates.exists({"shelf": "t"}) is False


async def test_stream_gives_all_rows_in_order(stored: StoredSpecimens) -> None:
    await stored.crates.bulk_create([{"code": f"{number:04}"} for number in range(1500)])
    seen = [each.code async for each in stored.crates.stream(order_by="-code")]
    assert seen == [f"{number:04}" for number in reversed(range(1500))]


async def test_a_stream_left_early_leaves_nothing_behind(stored: StoredSpecimens) -> None:
    await stored.crates.bulk_create([{"code": f"{number:04}"} for number in range(1200)])
    stream = stored.crates.stream()
    async for each in stream:
        assert each.code == "0000"
        break
    close = getattr(stream, "aclose", None)
    assert close is not None
    await close()
    assert await stored.crates.count() == 1200


async def test_exists_looks_into_another_table(stored: StoredSpecimens, crate: Crate, other: Crate) -> None:
    first, _ = await labels(stored, crate, "a", "b")
    labelled = exists(LABEL, {"crate_id": "id"}, one_of("name", ["a", "z"]))
    assert await stored.crates.find_many(labelled) == [await stored.crates.get_or_raise(crate.id)]
    assert await stored.crates.find_many(not_(labelled)) == [other]
    in_first = exists(CRATE, {"id": "crate_id"}, eq("code", "c1"))
    assert await stored.labels.count(in_first) == 2
    await stored.labels.soft_delete(first.id)
    assert await stored.crates.count(labelled) == 0


async def test_lower_compares_without_ascii_case(stored: StoredSpecimens) -> None:
    await stored.crates.bulk_create([{"code": "Ab"}, {"code": "aB2"}, {"code": "É"}])
    assert await stored.crates.count(eq(lower("code"), "AB")) == 1
    assert await stored.crates.count(one_of(lower("code"), ["ab", "AB2", "é"])) == 2


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
    await refused(UniqueViolation, stored.crates.update_many({"shelf": "s"}, {"code": "same"}))
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


# -- upsert


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
    assert (await refused(UniqueViolation, clash))[0] == "crates_shelf_position_key"
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
    violated = await refused(UniqueViolation, stored.labels.upsert_many(rows))
    assert violated == ("labels_pkey", "labels", ("id",))
    assert [each.name for each in await stored.labels.find_many()] == ["kept"]


async def test_insert_absent_says_whether_it_inserted(stored: StoredSpecimens, crate: Crate) -> None:
    assert await stored.crates.insert_absent({"code": "new"}, target=["code"]) is True
    assert await stored.crates.insert_absent({"code": crate.code, "version": 9}, target=["code"]) is False
    assert await stored.crates.find_by_id(crate.id) == crate


async def test_a_proposed_row_is_judged_before_its_conflict(stored: StoredSpecimens, crate: Crate) -> None:
    bad = stored.crates.upsert({"code": crate.code, "position": -1}, target=["code"])
    assert (await refused(CheckViolation, bad))[0] == "crates_position_check"
    bad = stored.crates.upsert({"code": crate.code, "version": None}, target=["code"])
    assert (await refused(NotNullViolation, bad))[2] == ("version",)


# -- pages by offset


async def test_pages_by_offset_count_on_request(stored: StoredSpecimens) -> None:
    await stored.crates.bulk_create([{"code": code} for code in "abcde"])
    second = await stored.crates.paginate(page=2, page_size=2)
    assert ([each.code for each in second.items], second.page, second.page_size, second.total) == (["c", "d"], 2, 2, 5)
    past = await stored.crates.paginate(page=9, page_size=2, total=False)
    assert (past.items, past.total) == ((), None)
    assert (await stored.crates.paginate({"code": "a"}, page_size=1)).total == 1
    for page, size in ((0, 1), (-1, 1), (1, 0), (1, 1001), (1, True), ("1", 1)):
        with pytest.raises(InvalidValue):
            await stored.crates.paginate(page=page, page_size=size)  # type: ignore[arg-type]


async def test_projections_and_owners_refuse_what_they_lack(stored: StoredSpecimens) -> None:
    with pytest.raises(InvalidField):
        stored.crates.of(ABSENT)
