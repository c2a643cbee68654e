"""Values as PostgREST writes them, read back; and what no column type can say."""

import copy
import datetime as dt
import ipaddress
import math
import pickle
import uuid
from decimal import Decimal

import pytest

from homeport.adapters.supabase_legacy.codec import RowCodec
from homeport.kernel.errors import SchemaMismatch
from tests.support.specimens import SPECIMEN, Mood, Size, Specimen

CODEC = RowCodec(SPECIMEN.entity, SPECIMEN.columns, SPECIMEN.name)
KEY = "00000000-0000-0000-0000-000000000007"


TEXTS = {"price": "_t1", "exact": "_t2", "ratio": "_t3", "factor": "_t4", "facts": "_t5", "exact_list": "_t6"}
"""The keys under which what is cast to text comes."""


def read(**given: object) -> Specimen:
    keys = {each.name: TEXTS.get(each.name, each.name) for each in SPECIMEN.columns}
    row = dict.fromkeys(keys.values()) | {"id": KEY, "_e1": [{}]} | {keys[name]: value for name, value in given.items()}
    (entity,) = CODEC.entities([row])
    return entity


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        ("exact", "1.5000", Decimal("1.5000")),
        ("ratio", "5e-324", 5e-324),
        ("factor", "0.1", 0.10000000149011612),
        ("moment", "2024-01-01T09:00:00.1+09:00", dt.datetime(2024, 1, 1, 0, 0, 0, 100000, tzinfo=dt.UTC)),
        ("moment", "1883-11-18T21:22:57+09:18:59", dt.datetime(1883, 11, 18, 12, 3, 58, tzinfo=dt.UTC)),
        ("day", "0001-01-02", dt.date(1, 1, 2)),
        ("span", "-1 days +00:00:00.5", dt.timedelta(days=-1, milliseconds=500)),
        ("raw", "\\x00ff", b"\x00\xff"),
        ("raw", "\\x", b""),
        ("facts", '"null"', "null"),
        ("facts", '{"a": [1, 2.5]}', {"a": [1, 2.5]}),
        ("address", "10.0.0.1", ipaddress.ip_address("10.0.0.1")),
        ("address", "10.0.0.1/8", ipaddress.ip_interface("10.0.0.1/8")),
        ("mood", Mood.WILD.value, Mood.WILD),
        ("words_list", ["NULL", ""], ("NULL", "")),
        ("exact_list", ["1.10"], (Decimal("1.10"),)),
        ("size_list", ["large"], (Size.LARGE,)),
        ("big", 2**63 - 1, 2**63 - 1),
        ("words", None, None),
    ],
)
def test_values_are_read(field: str, given: object, expected: object) -> None:
    found = getattr(read(**{field: given}), field)
    assert (type(found), found) == (type(expected), expected)


def test_a_negative_zero_keeps_its_sign() -> None:
    found = read(ratio="-0").ratio
    assert found is not None
    assert math.copysign(1, found) == -1


@pytest.mark.parametrize(
    ("field", "given"),
    [("moment", "infinity"), ("moment", "0044-03-15T00:00:00+00:00 BC"), ("day", "-infinity"), ("day", "10000-01-01"),
     ("mood", "angry"), ("size_list", ["tiny"]), ("span", "P1D")],
)  # fmt: skip
def test_what_a_type_cannot_say_is_a_mismatch_that_names_the_column(field: str, given: object) -> None:
    with pytest.raises(SchemaMismatch, match=f"specimens.{field}") as caught:
        read(**{field: given})
    assert str(given) not in str(caught.value)


def test_a_row_that_lacks_a_column_is_a_mismatch() -> None:
    with pytest.raises(SchemaMismatch, match="specimens"):
        CODEC.entities([{"id": KEY}])


def test_a_key_is_an_ordinary_uuid() -> None:
    found, usual = read().id, uuid.UUID(KEY)
    assert (type(found), found, hash(found), found.is_safe) == (uuid.UUID, usual, hash(usual), usual.is_safe)
    assert pickle.loads(pickle.dumps(found)) == copy.deepcopy(found) == usual
