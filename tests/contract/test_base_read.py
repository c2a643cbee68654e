"""How collections find, order, count, stream and page by offset, on every adapter."""

import uuid

import pytest

from homeport.kernel.errors import (
    InvalidField,
    InvalidValue,
    RepositoryNotFoundError,
    RepositoryValidationError,
)
from homeport.kernel.predicates import eq, exists, gt, lower, not_, one_of
from homeport.kernel.query import Order
from tests.support.specimens import CRATE, LABEL, Crate, StoredSpecimens, labels

ABSENT = uuid.UUID(int=7)


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
