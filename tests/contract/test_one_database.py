"""Rows written by one adapter are read by the others to the last digit."""

import datetime as dt
import ipaddress
import random
import string
import uuid
from decimal import Decimal

import attrs

from homeport.composition import Homeport, in_memory
from homeport.contexts import SHIPPED
from homeport.kernel.types import Json
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.specimens import SPECIMENS, Mood, Size, Specimen

ROWS = 600


def a_text(dice: random.Random) -> str:
    if dice.random() < 0.5:
        return dice.choice(HOSTILE_TEXTS)
    return "".join(dice.choices(string.printable + "äéßİ中\U0001f600\u2028", k=dice.randrange(30)))


def a_number(dice: random.Random) -> Decimal:
    digits = "".join(dice.choices(string.digits, k=dice.randrange(1, 40)))
    return Decimal(f"{dice.choice(['', '-'])}{digits}.{''.join(dice.choices(string.digits, k=dice.randrange(20)))}")


def a_moment(dice: random.Random) -> dt.datetime:
    second = dice.randrange(-(62 * 10**9), 250 * 10**9)
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=second, microseconds=dice.randrange(10**6))


def a_json(dice: random.Random, depth: int = 3) -> Json:
    kind = dice.randrange(6 if depth else 4)
    if kind == 4:
        return [a_json(dice, depth - 1) for _ in range(dice.randrange(4))]
    if kind == 5:
        return {a_text(dice): a_json(dice, depth - 1) for _ in range(dice.randrange(4))}
    plain: list[Json] = [dice.random() < 0.5, a_text(dice), dice.randrange(-(2**63), 2**63), dice.uniform(-1e12, 1e12)]
    return plain[kind]


def an_address(dice: random.Random) -> object:
    four, six = ipaddress.IPv4Address(dice.randrange(2**32)), ipaddress.IPv6Address(dice.randrange(2**128))
    return dice.choice([four, six, f"{four}/{dice.randrange(33)}", f"{six}/{dice.randrange(129)}"])


def a_row(dice: random.Random) -> dict[str, object]:
    full: dict[str, object] = {
        "words": a_text(dice),
        "short": a_text(dice)[:5],
        "flag": dice.random() < 0.5,
        "tiny": dice.randrange(-(2**15), 2**15),
        "whole": dice.randrange(-(2**31), 2**31),
        "big": dice.randrange(-(2**63), 2**63),
        "price": Decimal(dice.randrange(-(10**20) + 1, 10**20)).scaleb(-4),
        "exact": a_number(dice),
        "ratio": dice.choice([dice.uniform(-1, 1), dice.uniform(-1e300, 1e300), 5e-324, 0.0]),
        "factor": dice.choice([dice.uniform(-1, 1), dice.uniform(-3e38, 3e38), 1e-45, 0.0]),
        "day": dt.date.fromordinal(dice.randrange(2, dt.date.max.toordinal() - 1)),
        "moment": a_moment(dice),
        "span": dt.timedelta(days=dice.randrange(-(10**6), 10**6), microseconds=dice.randrange(-(10**11), 10**11)),
        "other_id": uuid.UUID(int=dice.randrange(2**128)),
        "raw": dice.randbytes(dice.randrange(40)),
        "facts": a_json(dice),
        "address": an_address(dice),
        "mood": dice.choice(list(Mood)),
        "size": dice.choice(list(Size)),
        "words_list": [a_text(dice) for _ in range(dice.randrange(5))],
        "whole_list": [dice.randrange(-(2**31), 2**31) for _ in range(dice.randrange(5))],
        "exact_list": [a_number(dice) for _ in range(dice.randrange(4))],
        "moment_list": [a_moment(dice) for _ in range(dice.randrange(3))],
        "id_list": [uuid.UUID(int=dice.randrange(2**128)) for _ in range(dice.randrange(3))],
        "size_list": [dice.choice(list(Size)) for _ in range(dice.randrange(4))],
    }
    row = {name: None if dice.random() < 0.1 else value for name, value in full.items() if dice.random() < 0.95}
    return {"id": uuid.UUID(int=dice.randrange(2**128)), **row}


def texts(rows: list[Specimen]) -> list[str]:
    """Every value with its type and all its digits: equality alone would let 1.5 pass for 1.50."""
    return [repr(row) for row in rows]


async def test_half_written_by_each_server_adapter_is_read_equal_by_all(
    on_one_database: tuple[Homeport, Homeport],
) -> None:
    dice = random.Random(20241)
    postgres, legacy = (each.repository(SPECIMENS).specimens for each in on_one_database)
    given = [a_row(dice) for _ in range(ROWS)]
    for start in range(0, ROWS, 40):
        await postgres.create_many(given[start : start + 20])
        await legacy.create_many(given[start + 20 : start + 40])
    by_postgres, by_legacy = await postgres.find_many(order_by="id"), await legacy.find_many(order_by="id")
    assert len(by_postgres) == ROWS
    assert by_postgres == by_legacy
    assert texts(by_postgres) == texts(by_legacy)
    memory = in_memory((*SHIPPED, SPECIMENS)).repository(SPECIMENS).specimens
    await memory.add_many(by_postgres)
    imported = await memory.find_many(order_by="id")
    assert imported == by_postgres
    assert texts(imported) == texts(by_postgres)
    first_given = in_memory((*SHIPPED, SPECIMENS)).repository(SPECIMENS).specimens
    assert sorted(await first_given.create_many(given), key=lambda row: row.id) == by_postgres


async def test_a_write_through_one_adapter_is_seen_through_the_other(
    on_one_database: tuple[Homeport, Homeport],
) -> None:
    postgres, legacy = on_one_database
    user = await postgres.users.users.create({"email": "a@example.org"})
    assert await legacy.users.find_by_email("A@EXAMPLE.ORG") == user
    post = await legacy.social.create_post(user.id, {"content": "seen"})
    await postgres.social.toggle_like(post.id, user.id)
    found = await legacy.social.get_post_by_id(post.id)
    assert found is not None
    assert found.likes_count == 1
    state = await legacy.social.toggle_like(post.id, user.id)
    assert (state.liked, state.likes_count) == (False, 0)


async def test_units_run_on_postgres_where_single_calls_are_served_by_legacy(
    on_one_database: tuple[Homeport, Homeport],
) -> None:
    postgres, legacy = on_one_database
    units = postgres._wiring.units
    db = Homeport(attrs.evolve(legacy._wiring, units=units))
    assert {db.store(each).adapter for each in db.contexts} == {"supabase_legacy"}
    async with db.transaction() as tx:
        assert tx.store(SPECIMENS).adapter == "postgres"
        user = await tx.users.users.create({"email": "together@example.org"})
        post = await tx.social.create_post(user.id, {"content": "x"})
        assert (await tx.social.toggle_like(post.id, user.id)).likes_count == 1
        assert await db.users.users.find_by_id(user.id) is None
    assert await db.users.users.find_by_id(user.id) == user
    mine = db.as_user({"sub": str(user.id)})
    async with mine.transaction() as tx:
        assert await tx.users.users.find_many() == [user]
