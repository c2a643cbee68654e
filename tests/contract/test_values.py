"""Every column type keeps its values to the last digit, on every adapter, at its limits and with hostile text."""

import datetime as dt
import ipaddress
import uuid
from decimal import Decimal

import pytest

from homeport.kernel.errors import InvalidField, InvalidValue
from homeport.kernel.predicates import contains, eq, ge, gt, le, lower, lt, ne, not_, one_of, starts_with
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.specimens import Mood, Size, Specimen, StoredSpecimens

UTC = dt.UTC


LIMITS: list[tuple[str, object]] = [
    ("words", ""),
    ("words", " edge blanks "),
    ("words", "x" * 100_000),
    ("short", "äöüß中"),
    ("flag", True),
    ("flag", False),
    ("tiny", -(2**15)),
    ("tiny", 2**15 - 1),
    ("whole", -(2**31)),
    ("whole", 2**31 - 1),
    ("whole", 0),
    ("big", -(2**63)),
    ("big", 2**63 - 1),
    ("big", 2**53 + 1),
    ("price", Decimal("9999999999999999.9999")),
    ("price", Decimal("-0.0001")),
    ("price", Decimal(0)),
    ("exact", Decimal("12345678901234567890123456789.1234567890123456789")),
    ("exact", Decimal("1.5000")),
    ("exact", Decimal("1E-30")),
    ("ratio", 0.1),
    ("ratio", 1.7976931348623157e308),
    ("ratio", 5e-324),
    ("ratio", -2.5),
    ("factor", -2.5),
    ("factor", 0.10000000149011612),
    ("factor", 3.4028234663852886e38),
    ("factor", 1.401298464324817e-45),
    ("day", dt.date(1, 1, 2)),
    ("day", dt.date(9999, 12, 30)),
    ("day", dt.date(2024, 2, 29)),
    ("moment", dt.datetime(1, 1, 2, tzinfo=UTC)),
    ("moment", dt.datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC)),
    ("moment", dt.datetime(2024, 3, 31, 2, 30, 0, 100000, tzinfo=UTC)),
    ("moment", dt.datetime(1883, 11, 18, 12, 3, 58, 1, tzinfo=UTC)),
    ("span", dt.timedelta()),
    ("span", dt.timedelta(days=-1, microseconds=1)),
    ("span", dt.timedelta(days=400, hours=25, microseconds=-7)),
    ("span", dt.timedelta(microseconds=-1)),
    ("other_id", uuid.UUID(int=0)),
    ("other_id", uuid.UUID(int=2**128 - 1)),
    ("raw", b""),
    ("raw", bytes(range(256))),
    ("facts", {}),
    ("facts", []),
    ("facts", "text"),
    ("facts", 0),
    ("facts", False),
    ("facts", {"": "", "a": [1, 2.5, None, {"b": "ü\"'\\\n"}], "long key": 2**62}),
    ("facts", [[], [[]], {"x": {}}]),
    ("facts", "null"),
    ("facts", '{"a": 1}'),
    ("address", ipaddress.ip_address("10.0.0.1")),
    ("address", ipaddress.ip_interface("10.0.0.1/8")),
    ("address", ipaddress.ip_address("2001:db8::1")),
    ("address", ipaddress.ip_interface("2001:db8::1/64")),
    ("mood", Mood.WILD),
    ("size", Size.LARGE),
    ("words_list", ()),
    ("words_list", ("", "NULL", "null", "a,b", '"', "\\", "{}", " ", "ü", "a\nb")),
    ("whole_list", (-(2**31), 0, 2**31 - 1)),
    ("exact_list", (Decimal("1.10"), Decimal("-12345678901234567890.5"))),
    ("moment_list", (dt.datetime(2024, 1, 1, tzinfo=UTC), dt.datetime(1999, 12, 31, 23, 59, 59, 1, tzinfo=UTC))),
    ("id_list", (uuid.UUID(int=1), uuid.UUID(int=2))),
    ("size_list", (Size.LARGE, Size.SMALL, Size.LARGE)),
]


@pytest.mark.parametrize(("field", "value"), LIMITS, ids=[f"{field}-{at}" for at, (field, _) in enumerate(LIMITS)])
async def test_a_value_comes_back_as_it_was_given(stored: StoredSpecimens, field: str, value: object) -> None:
    made = await stored.specimens.create({field: value})
    found = await stored.specimens.get_or_raise(made.id)
    for seen in (getattr(made, field), getattr(found, field)):
        assert seen == value
        assert str(seen) == str(value if field != "price" else Decimal(str(value)).quantize(Decimal("0.0001")))
    assert (await stored.specimens.update(made.id, {field: None})) == Specimen(id=made.id)
    assert getattr(await stored.specimens.update(made.id, {field: value}), field) == value


async def test_types_are_the_entitys_own(stored: StoredSpecimens) -> None:
    given = Specimen(
        id=uuid.uuid4(), price=Decimal(1), moment=dt.datetime(2024, 1, 1, tzinfo=UTC), mood=Mood.CALM, size=Size.SMALL,
        words_list=("a",), size_list=(Size.LARGE,), raw=b"x", facts={"a": 1}, address=ipaddress.ip_address("::1"),
        span=dt.timedelta(1), day=dt.date(2024, 1, 1),
    )  # fmt: skip
    found = await stored.specimens.add(given)
    for name in ("price", "moment", "mood", "size", "words_list", "raw", "facts", "address", "span", "day"):
        assert type(getattr(found, name)) is type(getattr(given, name)), name
    assert isinstance(found.id, uuid.UUID)
    assert found.size_list is not None
    assert type(found.size_list[0]) is Size
    assert found.moment is not None
    assert found.moment.utcoffset() == dt.timedelta()


async def test_numeric_is_rounded_to_its_scale_before_it_is_stored(stored: StoredSpecimens) -> None:
    made = await stored.specimens.create({"price": "0.00005"})
    assert str(made.price) == "0.0001"
    assert await stored.specimens.count(eq("price", "0.0001")) == 1
    assert await stored.specimens.count(eq("price", "0.00005")) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [("price", 0.1), ("moment", dt.datetime(2024, 1, 1)), ("words", "a\x00"), ("short", "abcdef"), ("mood", "angry"),
     ("whole", 2**31), ("facts", {"a": float("nan")}), ("words_list", [None]), ("address", "nowhere"), ("flag", 1)],
)  # fmt: skip
async def test_what_does_not_fit_is_refused_and_nothing_is_written(
    stored: StoredSpecimens, field: str, value: object
) -> None:
    with pytest.raises(InvalidValue) as caught:
        await stored.specimens.create_many([{"whole": 1}, {field: value}])
    assert caught.value.field == field
    assert await stored.specimens.count() == 0


async def test_json_given_or_answered_is_never_shared(stored: StoredSpecimens) -> None:
    given = {"list": [1]}
    made = await stored.specimens.create({"facts": given})
    given["list"].append(2)
    assert isinstance(made.facts, dict)
    made.facts["more"] = True
    found = await stored.specimens.get_or_raise(made.id)
    assert found.facts == {"list": [1]}
    assert isinstance(found.facts, dict)
    found.facts.clear()
    assert (await stored.specimens.get_or_raise(made.id)).facts == {"list": [1]}


async def test_json_keys_come_in_jsonbs_order(stored: StoredSpecimens) -> None:
    made = await stored.specimens.create({"facts": {"bb": 1, "a": 2, "ä": 3, "B": {"z": 1, "y": 2}}})
    assert isinstance(made.facts, dict)
    assert list(made.facts) == ["B", "a", "bb", "ä"]
    assert list(made.facts["B"]) == ["y", "z"]  # type: ignore[arg-type]


COMPARABLE: list[tuple[str, list[object]]] = [
    ("words", ["", "A", "a", "aa", "é"]),
    ("flag", [False, True]),
    ("tiny", [-5, 0, 7]),
    ("big", [-(2**60), 0, 2**53 + 1]),
    ("price", [Decimal("-1.5"), Decimal(0), Decimal("99.0001")]),
    ("exact", [Decimal("-12345678901234567890.1"), Decimal("0.5"), Decimal("12345678901234567890.2")]),
    ("ratio", [-1.5, 0.1, 1e300]),
    ("factor", [-1.5, 0.10000000149011612, 1.0000000150474662e30]),
    ("day", [dt.date(1, 1, 2), dt.date(2024, 1, 1), dt.date(9999, 12, 30)]),
    ("moment", [dt.datetime(1000, 1, 1, tzinfo=UTC), dt.datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC)]),
    ("span", [dt.timedelta(days=-2), dt.timedelta(microseconds=5), dt.timedelta(days=90)]),
    ("other_id", [uuid.UUID(int=1), uuid.UUID(int=2**127), uuid.UUID(int=2**128 - 1)]),
    ("mood", [Mood.CALM, Mood.WILD]),
    ("size", [Size.SMALL, Size.MEDIUM, Size.LARGE]),
]


@pytest.mark.parametrize(("field", "values"), COMPARABLE, ids=[field for field, _ in COMPARABLE])
async def test_every_ordered_type_compares_and_sorts(stored: StoredSpecimens, field: str, values: list[object]) -> None:
    await stored.specimens.create_many([{field: value} for value in [*reversed(values), None]])

    async def seen(*where: object) -> list[object]:
        return [getattr(row, field) for row in await stored.specimens.find_many(where[0], order_by=field)]  # type: ignore[arg-type]

    middle = values[len(values) // 2]
    at = values.index(middle)
    assert await seen(None) == [*values, None]
    assert await seen(eq(field, middle)) == [middle]
    assert await seen(ne(field, middle)) == [value for value in values if value != middle]
    assert await seen(lt(field, middle)) == values[:at]
    assert await seen(le(field, middle)) == values[: at + 1]
    assert await seen(gt(field, middle)) == values[at + 1 :]
    assert await seen(ge(field, middle)) == values[at:]
    assert await seen(one_of(field, [values[0], middle, None])) == [*dict.fromkeys([values[0], middle]), None]
    assert await seen(not_(gt(field, middle))) == values[: at + 1]
    assert await seen(not_(one_of(field, [middle]))) == [value for value in values if value != middle]


async def test_hostile_texts_match_literally(stored: StoredSpecimens) -> None:
    rows = [{"words": text} for text in HOSTILE_TEXTS]
    made = await stored.specimens.create_many(rows)
    assert [each.words for each in made] == HOSTILE_TEXTS
    for text in HOSTILE_TEXTS:
        found = await stored.specimens.find_many(eq("words", text))
        assert [each.words for each in found] == [text], text
    everything = await stored.specimens.find_many(one_of("words", HOSTILE_TEXTS), order_by="words")
    assert [each.words for each in everything] == sorted(HOSTILE_TEXTS)
    assert await stored.specimens.count(not_(one_of("words", HOSTILE_TEXTS))) == 0


async def test_hostile_patterns_match_literally(stored: StoredSpecimens) -> None:
    await stored.specimens.create_many([{"words": f"<{text}>"} for text in HOSTILE_TEXTS])
    for text in HOSTILE_TEXTS:
        inside = sorted(f"<{each}>" for each in HOSTILE_TEXTS if text in f"<{each}>")
        found = await stored.specimens.find_many(contains("words", text), order_by="words")
        assert [each.words for each in found] == inside, text
        start = f"<{text}"
        assert await stored.specimens.count(starts_with("words", start)) == sum(
            f"<{each}>".startswith(start) for each in HOSTILE_TEXTS
        ), text


async def test_patterns_fold_ascii_only_where_asked(stored: StoredSpecimens) -> None:
    await stored.specimens.create_many([{"words": text} for text in ("Straße", "STRASSE", "ÉCOLE", "école", "100%")])

    async def seen(where: object) -> list[object]:
        return [row.words for row in await stored.specimens.find_many(where, order_by="words")]  # type: ignore[arg-type]

    assert await seen(contains("words", "tra")) == ["Straße"]
    assert await seen(contains(lower("words"), "TRA")) == ["STRASSE", "Straße"]
    assert await seen(starts_with(lower("words"), "É")) == ["ÉCOLE"]
    assert await seen(contains(lower("words"), "COLE")) == ["ÉCOLE", "école"]
    assert await seen(contains("words", "%")) == ["100%"]
    assert await seen(contains("words", "")) == ["100%", "STRASSE", "Straße", "ÉCOLE", "école"]


async def test_unordered_and_incomparable_columns_refuse(stored: StoredSpecimens) -> None:
    for where in (eq("facts", {}), eq("words_list", ["a"]), contains("whole", "1"), gt(lower("words"), "a")):
        with pytest.raises(InvalidField):
            await stored.specimens.find_many(where)
