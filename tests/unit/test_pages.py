"""Cursors: signed, bound to one query, and refused in every other form."""

import base64
import datetime as dt
import random
import uuid
from decimal import Decimal

import pytest

from homeport.kernel.errors import InvalidCursor, InvalidField
from homeport.kernel.pages import CursorSigner, Keyset
from homeport.kernel.predicates import eq
from homeport.kernel.query import OrderBy, Select, total_order
from tests.support.specimens import SPECIMEN, Mood, Size, Specimen

SIGNER = CursorSigner(b"k" * 32)
ROW = Specimen(
    id=uuid.UUID(int=3),
    words="a",
    flag=True,
    big=2**60,
    price=Decimal("1.50"),
    ratio=1.5,
    factor=0.5,
    day=dt.date(2024, 1, 2),
    moment=dt.datetime(2024, 1, 2, tzinfo=dt.UTC),
    mood=Mood.WILD,
    size=Size.LARGE,
)


def query(order_by: OrderBy = "-moment", **changes: object) -> Select[Specimen]:
    where = eq("words", "a")
    return Select("specimens.q", SPECIMEN, where, total_order(SPECIMEN, order_by), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "order_by",
    ["words", "flag", "big", "price", "ratio", "factor", "day", "-moment", "id", "mood", "size", "short", "other_id"],
)
def test_every_ordered_type_goes_through_a_cursor(order_by: str) -> None:
    asked = query(order_by)
    assert Keyset(asked, SIGNER).after(Keyset(asked, SIGNER).cursor(ROW)) is not None


@pytest.mark.parametrize("order_by", ["span", "raw", "address"])
def test_what_a_cursor_can_not_carry_is_refused(order_by: str) -> None:
    with pytest.raises(InvalidField):
        Keyset(query(order_by), SIGNER).cursor(ROW)


def test_a_value_too_long_for_a_cursor_is_refused() -> None:
    long = Specimen(id=ROW.id, words="x" * 2000)
    with pytest.raises(InvalidField):
        Keyset(query("words"), SIGNER).cursor(long)


def test_a_cursor_belongs_to_one_query_and_one_key() -> None:
    cursor = Keyset(query(), SIGNER).cursor(ROW)
    other_filter = Select("specimens.q", SPECIMEN, eq("words", "b"), query().order)
    for asked, signer in (
        (query("moment"), SIGNER),
        (other_filter, SIGNER),
        (query(subject=uuid.UUID(int=9)), SIGNER),
        (query(), CursorSigner(b"l" * 32)),
        (query(), CursorSigner()),
    ):
        with pytest.raises(InvalidCursor):
            Keyset(asked, signer).after(cursor)


def test_every_flipped_bit_is_noticed() -> None:
    cursor = Keyset(query(), SIGNER).cursor(ROW)
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for position in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(InvalidCursor):
            Keyset(query(), SIGNER).after(base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("="))


def test_ten_thousand_forged_cursors_are_refused() -> None:
    dice = random.Random(7)
    genuine = Keyset(query(), SIGNER).cursor(ROW)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="
    forged = {"".join(dice.choices(alphabet, k=dice.randrange(120))) for _ in range(8000)}
    forged |= {genuine[: dice.randrange(len(genuine))] for _ in range(1000)}
    forged |= {genuine + "".join(dice.choices(alphabet, k=dice.randrange(1, 9))) for _ in range(2000)}
    forged |= {"", "é", "\x00", genuine + "\n", " " + genuine, genuine + "=", "A" * 1_000_000}
    for cursor in forged:
        with pytest.raises(InvalidCursor):
            Keyset(query(), SIGNER).after(cursor)
    for odd in (None, 5, b"x", genuine.encode()):
        with pytest.raises(InvalidCursor):
            Keyset(query(), SIGNER).after(odd)  # type: ignore[arg-type]


def test_a_signer_does_not_show_its_key() -> None:
    assert "kkk" not in repr(SIGNER)
