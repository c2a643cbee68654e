"""Names from callers reach no statement: whatever is not a declared column is refused before a store is asked."""

import random
import string
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import pytest

from homeport.composition import Homeport
from homeport.kernel.errors import InvalidField, RepositoryError, RepositoryValidationError
from homeport.kernel.query import Order
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.specimens import CRATE, StoredSpecimens

CORPUS = 5_000
INJECTIONS = [
    *("code; drop table crates", 'code"', "code'--", "code)", "code,version", "code desc", "code asc nulls first"),
    *("crates.code", '"code"', "code::text", "code->>a", "lower(code)", "count(*)", "code/**/", "*", "$1", "code\x00"),
    *("code.asc", "code.desc.nullslast", "code)and(version", "labels(id)", "...code", "code:alias", "(code)", "CODE"),
]


def names(dice: random.Random, count: int) -> Iterator[str]:
    known = list(CRATE.by_name)
    letters = string.printable + "éİ中\u202e\u2028\x00"
    for number in range(count):
        kind = number % 4
        if kind == 0:
            name = dice.choice(known) + dice.choice(INJECTIONS)
        elif kind == 1:
            name = "".join(dice.choices(letters, k=dice.randrange(1, 40)))
        elif kind == 2:
            name = dice.choice(HOSTILE_TEXTS) + dice.choice(known)
        else:
            at = dice.randrange(1, 9)
            name = dice.choice(known)[:at] + dice.choice(letters) + dice.choice(known)
        if name not in CRATE.by_name and name.removeprefix("-") not in CRATE.by_name:
            yield name


async def test_five_thousand_fuzzed_names_are_refused_in_every_place(stored: StoredSpecimens) -> None:
    dice = random.Random(11)
    crates, seen = stored.crates, 0
    for name in [*INJECTIONS, *HOSTILE_TEXTS, *names(dice, CORPUS + 200)]:
        calls: list[Callable[[], Awaitable[object]]] = [
            partial(crates.find_many, {name: 1}),
            partial(crates.find_many, order_by=name),
            partial(crates.find_many, order_by=[Order(name)]),
            partial(crates.create, {"code": "a", name: 1}),
            partial(crates.update_many, {"code": "a"}, {name: 1}),
            partial(crates.upsert, {"code": "a"}, target=[name]),
        ]
        with pytest.raises(InvalidField):
            await calls[seen % 6]()
        seen += 1
    assert seen >= CORPUS
    assert await crates.count() == 0


async def test_order_words_and_places_are_closed(stored: StoredSpecimens) -> None:
    for words in ("code ASC", "code DESC", "+code", "--code", "-", "", "code nulls last", ["code", "desc"]):
        with pytest.raises(InvalidField):
            await stored.crates.find_many(order_by=words)


async def test_two_thousand_fuzzed_values_match_literally(stored: StoredSpecimens) -> None:
    dice = random.Random(5)
    parts = [*HOSTILE_TEXTS, "a", "or", "and", "not", ".eq.", "),(", "crates", "%", "*"]
    values = list(dict.fromkeys("".join(dice.choices(parts, k=dice.randrange(1, 4))) for _ in range(4_000)))[:2_000]
    assert len(values) == 2_000
    await stored.crates.bulk_create([{"code": value} for value in values])
    for start in range(0, len(values), 50):
        some = values[start : start + 50]
        found = await stored.crates.find_many({"code": some}, order_by="code")
        assert [row.code for row in found] == sorted(some)
    for value in values[::10]:
        assert [row.code for row in await stored.crates.find_many({"code": value})] == [value]


async def test_base_repository_names_are_looked_up(db: Homeport) -> None:
    for table in (
        "nothing",
        "users; drop table users",
        "pg_catalog.pg_class",
        "public.users; --",
        "",
        "Users",
        'users"',
    ):
        with pytest.raises(InvalidField):
            await db.base.select(table)
    for call in (
        db.base.select("users", {}, ["id; drop table users"]),
        db.base.update("users", {}, {"first_name": "x"}),
        db.base.delete("users", {}),
        db.base.delete("users", {"nothing": 1}),
    ):
        with pytest.raises((InvalidField, RepositoryValidationError)):
            await call


async def test_an_error_never_shows_a_value(stored: StoredSpecimens) -> None:
    secret = "canary-8f2c"
    await stored.crates.create({"code": secret})
    for call in (
        stored.crates.create({"code": secret}),
        stored.crates.create({"code": secret, "position": -1}),
        stored.crates.create({"code": None, "shelf": secret}),
        stored.crates.update_many({"code": secret}, {"version": secret}),
        stored.specimens.create({"short": secret * 3}),
        stored.specimens.find_by_id(secret),
        stored.labels.create({"crate_id": 10**9, "name": secret}),
    ):
        with pytest.raises(RepositoryError) as caught:
            await call
        assert secret not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
