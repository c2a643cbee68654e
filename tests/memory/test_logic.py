"""Compiled predicates against a naive reading of SQL's three-valued logic, over random rows and random predicates."""

import datetime as dt
import ipaddress
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, assert_never

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.adapters.memory import MemoryStore
from homeport.adapters.memory.predicates import inet_order
from homeport.kernel.binding import bind, fold_ascii
from homeport.kernel.predicates import (
    CURRENT_USER,
    AllOf,
    AnyOf,
    Comparator,
    Compare,
    CurrentUser,
    Exists,
    Field,
    IsNull,
    Literal,
    Lower,
    Matches,
    Not,
    OneOf,
    Operand,
    Predicate,
    TextMatch,
    exists,
    lower,
)
from homeport.kernel.query import Insert, Select
from homeport.kernel.types import IpAddress
from tests.memory.shop import opened
from tests.support.specimens import CRATE, LABEL, SPECIMEN, Size

USERS = [uuid.UUID(int=number) for number in (1, 2, 1 << 120)]
VALUES: dict[str, list[Any]] = {
    "words": ["", "a", "A", "aB", "ab%", "É", "é", "Ⅷ", "\U0001f600", "\uffee"],
    "flag": [True, False],
    "whole": [-1, 0, 1, 2],
    "price": [Decimal("0.0000"), Decimal("1.5000"), Decimal("-2.0000")],
    "ratio": [0.0, -0.0, 1.5],
    "day": [dt.date(2024, 2, 29), dt.date(2025, 1, 1)],
    "moment": [dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC)],
    "other_id": USERS,
    "address": [ipaddress.ip_address("10.0.0.1"), ipaddress.ip_interface("10.0.0.1/8"), ipaddress.ip_address("::1")],
    "size": list(Size),
    "raw": [b"", b"\x00", b"\xff"],
}
ROWS = st.lists(
    st.fixed_dictionaries({name: st.one_of(st.none(), st.sampled_from(each)) for name, each in VALUES.items()}),
    max_size=6,
)
Truth = bool | None


def operands(name: str, *, ordered: bool) -> st.SearchStrategy[Operand]:
    return st.sampled_from([Field(name), Lower(name)] if name == "words" and not ordered else [Field(name)])


@st.composite
def comparisons(draw: st.DrawFn) -> Predicate:
    name = draw(st.sampled_from(sorted(VALUES)))
    comparator = draw(st.sampled_from(list(Comparator)))
    left = draw(operands(name, ordered=comparator not in (Comparator.EQ, Comparator.NE)))
    mine = name == "other_id" and draw(st.booleans())
    return Compare(left, comparator, CURRENT_USER if mine else Literal(draw(st.sampled_from(VALUES[name]))))


@st.composite
def memberships(draw: st.DrawFn) -> Predicate:
    name = draw(st.sampled_from(sorted(VALUES)))
    members = draw(st.lists(st.sampled_from(VALUES[name]), max_size=3))
    return OneOf(draw(operands(name, ordered=False)), tuple(members))


LEAVES: st.SearchStrategy[Predicate] = st.one_of(
    comparisons(),
    memberships(),
    st.sampled_from(sorted(VALUES)).map(IsNull),
    st.builds(
        Matches,
        st.sampled_from([Field("words"), lower("words")]),
        st.sampled_from(list(TextMatch)),
        st.sampled_from(["", "a", "B", "%", "é"]),
    ),
    st.sampled_from([AllOf(()), AnyOf(())]),
)
PREDICATES: st.SearchStrategy[Predicate] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: AllOf(tuple(each))),
        st.lists(inner, max_size=3).map(lambda each: AnyOf(tuple(each))),
        inner.map(Not),
    ),
    max_leaves=8,
)


def truth(predicate: Predicate, row: dict[str, Any], user: object) -> Truth:
    """SQL's answer: True, False or None for unknown."""
    match predicate:
        case Compare(left, comparator, right):
            return compared(
                read(left, row), comparator, user if isinstance(right, CurrentUser) else folded(left, right.value)
            )
        case OneOf(operand, members):
            return either([compared(read(operand, row), Comparator.EQ, folded(operand, each)) for each in members])
        case IsNull(name):
            return row[name] is None
        case Matches(operand, how, text):
            value, part = read(operand, row), folded(operand, text)
            if value is None:
                return None
            return part in value if how is TextMatch.CONTAINS else value[: len(part)] == part
        case AllOf(predicates):
            return negated(either([negated(truth(each, row, user)) for each in predicates]))
        case AnyOf(predicates):
            return either([truth(each, row, user) for each in predicates])
        case Not(inner):
            return negated(truth(inner, row, user))
        case Exists():
            raise NotImplementedError
        case _:
            assert_never(predicate)


def read(operand: Operand, row: dict[str, Any]) -> Any:
    value = row[operand.name]
    return fold_ascii(value) if isinstance(operand, Lower) and value is not None else value


def folded(operand: Operand, value: Any) -> Any:
    return fold_ascii(value) if isinstance(operand, Lower) else value


def compared(left: Any, comparator: Comparator, right: Any) -> Truth:
    if left is None or right is None:
        return None
    one, other = rank(left), rank(right)
    match comparator:
        case Comparator.EQ:
            return bool(one == other)
        case Comparator.NE:
            return bool(one != other)
        case Comparator.LT:
            return bool(one < other)
        case Comparator.LE:
            return bool(one <= other)
        case Comparator.GT:
            return bool(one > other)
        case Comparator.GE:
            return bool(one >= other)
        case _:
            assert_never(comparator)


def rank(value: Any) -> Any:
    if isinstance(value, Size):
        return list(Size).index(value)
    if isinstance(value, IpAddress):
        return inet_order(value)
    return value.encode() if isinstance(value, str) else value


def either(truths: Sequence[Truth]) -> Truth:
    if True in truths:
        return True
    return None if None in truths else False


def negated(given: Truth) -> Truth:
    return None if given is None else not given


async def filled(rows: list[dict[str, Any]]) -> MemoryStore:
    store = opened(SPECIMEN)
    await store.insert(
        Insert("t", SPECIMEN, tuple({"id": uuid.UUID(int=place), **row} for place, row in enumerate(rows)))
    )
    return store


@settings(max_examples=300, deadline=None)
@given(rows=ROWS, predicate=PREDICATES, user=st.sampled_from([None, *USERS]))
async def test_a_row_is_found_exactly_where_sql_says_true(
    rows: list[dict[str, Any]], predicate: Predicate, user: object
) -> None:
    store = await filled(rows)
    bound = bind(predicate, SPECIMEN, store.catalog)
    expected = {uuid.UUID(int=place) for place, row in enumerate(rows) if truth(predicate, row, user) is True}
    query = Select("t", SPECIMEN, bound)
    assert {row.id for row in store.engine.select(query, user)} == expected
    assert store.engine.count(query, user) == len(expected)
    assert store.engine.count(Select("t", SPECIMEN, bound, limit=1), user) == min(1, len(expected))


CHILDREN = st.lists(
    st.fixed_dictionaries(
        {
            "crate_id": st.sampled_from([1, 2]),
            "spare_id": st.sampled_from([None, 1, 2]),
            "name": st.sampled_from(["a", "b", "c"]),
            "weight": st.sampled_from([None, 1, 2, 3]),
            "deleted_at": st.sampled_from([None, dt.datetime(2024, 1, 1, tzinfo=dt.UTC)]),
        }
    ),
    max_size=5,
    unique_by=lambda row: (row["name"], row["crate_id"]),
)


@settings(max_examples=150, deadline=None)
@given(
    children=CHILDREN,
    on=st.sampled_from(
        [{"crate_id": "id"}, {"spare_id": "id"}, {"weight": "position"}, {"crate_id": "id", "weight": "position"}]
    ),
    least=st.sampled_from([1, 2, 3]),
    wanted=st.booleans(),
)
async def test_exists_finds_live_children_that_agree(
    children: list[dict[str, Any]], on: dict[str, str], least: int, wanted: bool
) -> None:
    store = opened(CRATE, LABEL)
    crates: list[dict[str, Any]] = [{"id": 1, "code": "a", "position": 1}, {"id": 2, "code": "b", "position": None}]
    await store.insert(Insert("t", CRATE, tuple(crates)))
    await store.insert(Insert("t", LABEL, tuple(children)))
    asked = exists(LABEL, on, Compare(Field("weight"), Comparator.GE, Literal(least)))
    predicate = bind(asked if wanted else Not(asked), CRATE, store.catalog)

    def has_child(crate: dict[str, Any]) -> bool:
        return any(
            child["deleted_at"] is None
            and child["weight"] is not None
            and child["weight"] >= least
            and all(crate[ours] is not None and child[theirs] == crate[ours] for theirs, ours in on.items())
            for child in children
        )

    found = await store.fetch(Select("t", CRATE, predicate))
    assert {row.id for row in found} == {crate["id"] for crate in crates if has_child(crate) is wanted}


@pytest.mark.parametrize(
    "predicate", [AllOf((OneOf(Field("id"), ()), IsNull("words"))), Not(Not(OneOf(Field("words"), ())))]
)
async def test_one_of_nothing_is_false_and_not_unknown(predicate: Predicate) -> None:
    store = await filled([{"words": None}])
    assert await store.fetch(Select("t", SPECIMEN, predicate)) == []
    assert len(await store.fetch(Select("t", SPECIMEN, Not(predicate)))) == 1


async def test_indexes_answer_as_a_scan_does() -> None:
    store = opened(CRATE)
    await store.insert(
        Insert(
            "t",
            CRATE,
            tuple({"code": str(number), "shelf": "abc"[number % 3], "position": number} for number in range(30)),
        )
    )
    both = AllOf(
        (Compare(Field("shelf"), Comparator.EQ, Literal("a")), Compare(Field("position"), Comparator.EQ, Literal(3)))
    )
    assert [row.code for row in await store.fetch(Select("t", CRATE, both))] == ["3"]
    keys = OneOf(Field("id"), (4, 4, 999, 7))
    assert sorted(row.id for row in await store.fetch(Select("t", CRATE, keys))) == [4, 7]
    narrow = AllOf((keys, OneOf(Field("code"), ("3",))))
    assert [row.id for row in await store.fetch(Select("t", CRATE, narrow))] == [4]
