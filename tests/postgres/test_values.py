"""Every column type, written in each of the ways that exist and read back as it was."""

import datetime as dt
import ipaddress
import uuid
from decimal import Decimal

import asyncpg
import attrs
import pytest

from homeport.adapters.postgres import PostgresStore, bulk
from homeport.kernel.binding import bind
from homeport.kernel.errors import SchemaMismatch
from homeport.kernel.predicates import TRUE, Predicate, eq, one_of
from homeport.kernel.query import Insert, Order, Select, Update, UpdateEach
from homeport.kernel.table import Row
from tests.postgres.tables import SAMPLE, Mood, Sample

NOW = dt.datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=dt.UTC)
HOSTILE = ["", " ", "\\", '"', "{}", "NULL", "null", "a,b", "it's", "%_*", "\n", "ä𝄞", "\\x00", "$1", "--", "a\\"]
FULL: Row = {
    "id": uuid.UUID(int=1),
    "words": 'ä\'\\ "$1" /* */ --',
    "short": "äöü𝄞x",
    "flag": False,
    "tiny": -(2**15),
    "whole": 2**31 - 1,
    "big": -(2**63),
    "price": Decimal("-1234567890123456.7891"),
    "exact": Decimal("0.10000000000000000000000000000000000000000000000001"),
    "ratio": 0.1,
    "day": dt.date(1, 1, 2),
    "moment": NOW,
    "span": dt.timedelta(days=-400, seconds=5, microseconds=-7),
    "raw": bytes(range(256)),
    "facts": {"a": [1, 1.5, None, True, {"ä": '"\\'}], "bc": -(2**63)},
    "address": ipaddress.ip_interface("10.0.0.1/8"),
    "mood": Mood.WILD,
    "native": Mood.WILD,
    "words_list": tuple(HOSTILE),
    "flag_list": (True, False),
    "whole_list": (-1, 0, 2**31 - 1),
    "exact_list": (Decimal("1.10"), Decimal("-1E-40"), Decimal(0)),
    "ratio_list": (0.1, -1e300, 5e-324),
    "day_list": (dt.date(1, 1, 2), dt.date(9999, 12, 30)),
    "moment_list": (NOW, dt.datetime(1, 1, 2, tzinfo=dt.UTC)),
    "span_list": (dt.timedelta(days=-1, microseconds=3), dt.timedelta(days=999999)),
    "id_list": (uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)),
    "raw_list": (b"", b'\\"{},\x00'),
    "address_list": (ipaddress.ip_address("::1"), ipaddress.ip_interface("10.0.0.1/8")),
    "native_list": (Mood.WILD, Mood.CALM),
}
EMPTY: Row = dict.fromkeys(FULL, None) | {"id": uuid.UUID(int=2)}
BLANK: Row = {name: () if name.endswith("_list") else value for name, value in EMPTY.items()} | {
    "id": uuid.UUID(int=3),
    "words": "",
    "raw": b"",
    "facts": [],
    "exact": Decimal("1E-1000"),
    "address": ipaddress.ip_address("10.0.0.1"),
}
ROWS = (FULL, EMPTY, BLANK)
WANTED = tuple(Sample(**row) for row in ROWS)  # type: ignore[arg-type]


async def stored(store: PostgresStore, where: Predicate = TRUE) -> tuple[Sample, ...]:
    return tuple(await store.fetch(Select("samples.all", SAMPLE, bind(where, SAMPLE, store.catalog), (Order("id"),))))


def assert_same(got: tuple[Sample, ...], wanted: tuple[Sample, ...] = WANTED) -> None:
    assert got == wanted
    for one, other in zip(got, wanted, strict=True):
        for name, value in SAMPLE.values(other).items():
            found = getattr(one, name)
            assert isinstance(found, type(value)), name
            assert str(found) == str(value), name


async def test_values_come_back_from_single_rows(store: PostgresStore) -> None:
    for row, wanted in zip(ROWS, WANTED, strict=True):
        assert_same((await store.insert(Insert("samples.add", SAMPLE, (row,)))).rows, (wanted,))
    assert_same(await stored(store))


async def test_values_come_back_from_many_rows(store: PostgresStore) -> None:
    assert_same((await store.insert(Insert("samples.add_many", SAMPLE, ROWS))).rows)
    assert_same(await stored(store))


async def test_values_come_back_from_a_temporary_table(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "STAGE_FROM_ROWS", 2)
    assert_same((await store.insert(Insert("samples.add_many", SAMPLE, ROWS))).rows)
    assert_same(await stored(store))


async def test_values_come_back_from_rows_of_different_columns(store: PostgresStore) -> None:
    rows = (FULL, {name: value for name, value in EMPTY.items() if name == "id"}, BLANK)
    assert_same((await store.insert(Insert("samples.add_many", SAMPLE, rows))).rows)


async def test_values_come_back_from_updates(store: PostgresStore) -> None:
    await store.insert(Insert("samples.add_many", SAMPLE, ({"id": FULL["id"]}, {"id": BLANK["id"]}, EMPTY)))
    where = bind(eq("id", FULL["id"]), SAMPLE, store.catalog)
    changes = {name: value for name, value in FULL.items() if name != "id"}
    assert_same((await store.update(Update("samples.update", SAMPLE, where, changes))).rows, WANTED[:1])
    each = UpdateEach("samples.each", SAMPLE, tuple((row["id"], {**row, "words": "x"}) for row in (FULL, BLANK)))
    assert (await store.update_each(each)).count == 2
    assert_same(await stored(store), tuple(attrs.evolve(x, words="x") if x.id.int != 2 else x for x in WANTED))


async def test_values_come_back_from_copy(store: PostgresStore) -> None:
    plain = {name for name in FULL if not name.endswith("_list")} - {"facts", "native", "id"}
    rows = tuple({"id": uuid.UUID(int=n), **{name: FULL[name] for name in plain}} for n in range(300))
    assert (await store.insert(Insert("samples.bulk", SAMPLE, rows, returning=False))).count == 300
    assert_same(await stored(store), tuple(Sample(**row) for row in rows))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [n for n in FULL if not n.endswith("_list") and n != "facts"])
async def test_each_type_can_be_compared(store: PostgresStore, name: str) -> None:
    await store.insert(Insert("samples.add_many", SAMPLE, ROWS))
    assert await stored(store, eq(name, FULL[name])) == WANTED[:1]
    assert await stored(store, one_of(name, [FULL[name]])) == WANTED[:1]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_texts_are_found_as_they_are(store: PostgresStore, text: str) -> None:
    await store.insert(Insert("samples.add", SAMPLE, ({"id": uuid.UUID(int=9), "words": text, "facts": {text: text}},)))
    (found,) = await stored(store, eq("words", text))
    assert (found.words, found.facts) == (text, {text: text})


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("moment", "'infinity'"),
        ("moment", "'-infinity'"),
        ("moment", "'0044-03-15 BC'"),
        ("moment", "'12000-01-01'"),
        ("day", "'infinity'"),
        ("day", "'-infinity'"),
        ("day", "'0044-03-15 BC'"),
        ("mood", "'unheard of'"),
        ("facts", "'1e400'"),
        ("moment_list", "'{infinity}'"),
        ("day_list", "'{infinity}'"),
    ],
)
async def test_a_stored_value_that_python_can_not_say_is_refused(
    store: PostgresStore, admin: "asyncpg.Connection[asyncpg.Record]", column: str, value: str
) -> None:
    await admin.execute(f"insert into samples (id, {column}) values (gen_random_uuid(), {value})")
    with pytest.raises(SchemaMismatch) as caught:
        await stored(store)
    assert "unheard" not in str(caught.value)
    await admin.execute("delete from samples")
    assert await stored(store) == ()


async def test_months_and_years_of_existing_intervals_fold(
    store: PostgresStore, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await admin.execute("insert into samples (id, span) values (gen_random_uuid(), '1 year 2 mons 3 days 04:05:06')")
    assert [each.span for each in await stored(store)] == [dt.timedelta(days=428, hours=4, minutes=5, seconds=6)]
