"""Builders: one row with all it needs, within every rule of its tables."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import attrs
import pytest

from homeport.composition import Contexts, Homeport, in_memory
from homeport.contexts import SHIPPED
from homeport.kernel.entity import Entity
from homeport.kernel.errors import ForeignKeyViolation, InvalidField, InvalidValue, UniqueViolation
from homeport.kernel.table import CREATED, ID, OnDelete, Table, check, column, not_before, table
from homeport.kernel.types import ArrayType, ColumnType, IntegerType, NumericType, TextType
from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.testing import (
    a_comment,
    a_follow,
    a_like,
    a_message,
    a_post,
    a_profile,
    a_storage_category,
    a_storage_item,
    a_trip,
    a_trip_participant,
    a_user,
    an_event,
    an_expense,
    build,
    builder,
    memory,
)
from tests.support.specimens import CRATE, LABEL, SPECIMEN, SPECIMENS

pytest_plugins = ["homeport.testing.plugin"]


@pytest.fixture
def db() -> Homeport:
    return in_memory([*SHIPPED, SPECIMENS])


@pytest.mark.parametrize(
    "make", [a_user, a_profile, an_expense, an_event, a_post, a_comment, a_like, a_follow, a_message]
)
async def test_each_builder_makes_rows_that_differ(db: Homeport, make: Any) -> None:
    first, second = await make(db), await make(db)
    assert first != second


async def test_every_writable_table_of_every_context_has_a_builder(db: Homeport) -> None:
    for context in db.contexts:
        for each in context.tables:
            if each.view_of is None:
                made = await build(db, each)
                assert await db.collection(each).find_by_id(getattr(made, each.key)) == made


async def test_fields_are_as_given(db: Homeport) -> None:
    user = await a_user(db)
    expense = await an_expense(db, user_id=user.id, amount="12.5", date="2024-02-29")
    assert (expense.user_id, expense.amount, expense.date) == (user.id, Decimal("12.50"), dt.date(2024, 2, 29))


async def test_what_the_database_sets_may_be_given(db: Homeport) -> None:
    long_ago = dt.datetime(2001, 2, 3, tzinfo=dt.UTC)
    post = await a_post(db, created_at=long_ago, likes_count=3)
    assert (post.created_at, post.likes_count, post.deleted_at) == (long_ago, 3, None)
    assert (await build(db, CRATE, id=7)).id == 7
    with pytest.raises(InvalidField, match="identity"):
        await build(db, CRATE, labels_count=2)


async def test_a_made_up_value_keeps_to_the_rules_with_what_is_given(db: Homeport) -> None:
    event = await an_event(db, start_date="2050-01-01T00:00:00Z")
    assert event.end_date >= event.start_date


async def test_an_unknown_field_is_refused(db: Homeport) -> None:
    with pytest.raises(InvalidField, match="did you mean amount"):
        await an_expense(db, amout=1)


async def test_given_fields_that_break_a_rule_are_refused_not_changed(db: Homeport) -> None:
    with pytest.raises(InvalidField, match="give values for amount"):
        await an_expense(db, amount=-1)
    with pytest.raises(InvalidValue):
        await an_expense(db, amount="many")
    with pytest.raises(ForeignKeyViolation):
        await an_expense(db, user_id=uuid.UUID(int=1))
    user = await a_user(db)
    with pytest.raises(UniqueViolation):
        await a_user(db, email=user.email)


async def test_parents_are_made_through_foreign_keys_of_every_type(db: Homeport) -> None:
    label = await build(db, LABEL)
    assert await db.collection(CRATE).find_by_id(label.crate_id) is not None
    assert (label.spare_id, label.above_id) == (None, None)


async def test_what_a_row_shares_with_the_one_it_refers_to_is_the_same_in_both(db: Homeport) -> None:
    trip, user = await a_trip(db), await a_user(db)
    assert (await a_trip_participant(db, trip_id=trip.id)).trip_owner_id == trip.user_id
    made = await a_trip_participant(db, trip_owner_id=user.id)
    assert await db.trips.get_trip_by_id(made.trip_id, user.id) is not None
    category = await a_storage_category(db)
    assert (await a_storage_item(db, category_id=category.id)).user_id == category.user_id


async def test_a_parent_whose_context_is_not_installed_is_an_id_alone() -> None:
    made = await build(memory([orphans(ORPHAN)]), ORPHAN)
    assert isinstance(made.parent_id, uuid.UUID)


@attrs.frozen(kw_only=True)
class Orphan(Entity):
    id: uuid.UUID
    parent_id: uuid.UUID


def orphans(orphan: Table[Any]) -> Context[object]:
    return Context("orphans", lambda store: store, tables=(orphan,))


ORPHAN = table(Orphan, "orphans", columns={"id": ID, "parent_id": column(references="parents")})
LOOP = table(
    Orphan, "orphans", columns={"id": ID, "parent_id": column(references="orphans", on_delete=OnDelete.CASCADE)}
)


async def test_a_row_that_needs_another_of_its_own_table_has_to_be_given_it() -> None:
    with pytest.raises(InvalidField, match="own table"):
        await build(memory([orphans(LOOP)]), LOOP)


@attrs.frozen(kw_only=True)
class Odd(Entity):
    """Every column required, and rules of many kinds."""

    id: uuid.UUID
    code: str
    percent: int
    first: dt.date
    last: dt.date
    email: str
    price: Decimal
    tags: tuple[str, ...]
    created_at: dt.datetime


ODD = table(
    Odd,
    "odds",
    columns={"id": ID, "code": column(TextType(3)), "price": column(NumericType(4, 3)), "created_at": CREATED},
    checks=[
        check("code", "{code} ~ '^[A-Z]{{3}}$'", lambda row: str(row["code"]).isalpha() and str(row["code"]).isupper()),
        check("percent", "{percent} > 99", lambda row: row["percent"] > 99),  # type: ignore[operator]
        not_before("last", "first"),
    ],
)


def odds(*tables: Table[Any]) -> Homeport:
    def nothing(store: Store) -> Collection[Odd, uuid.UUID]:
        return Collection(store, ODD)

    return memory([Context("odds", nothing, tables=tables)])


async def test_a_context_of_ones_own_gets_a_builder_for_nothing() -> None:
    an_odd = builder(ODD)
    db = odds(ODD)
    for _ in range(30):
        made = await an_odd(db, first="2999-01-01")
        assert (made.code, made.last) == ("USD", dt.date(2999, 1, 1))
        assert made.percent > 99
        assert "@" in made.email


async def test_a_rule_for_which_nothing_fits_asks_for_a_value() -> None:
    impossible = table(
        Odd,
        "odds",
        columns={"id": ID, "price": column(NumericType(4, 3))},
        checks=[check("code", "{code} = 'x y z'", lambda row: row["code"] == "x y z")],
    )
    with pytest.raises(InvalidField, match="odds_code_check does not hold: give values for code"):
        await build(odds(impossible), impossible)


async def test_every_column_type_has_made_up_values(db: Homeport) -> None:
    required = [attrs.evolve(each, nullable=False) for each in SPECIMEN.columns]
    strict = attrs.evolve(SPECIMEN, columns=tuple(required))
    made = await build(odds(strict), strict)
    assert None not in [getattr(made, each.name) for each in required]


@pytest.mark.parametrize("kind", [IntegerType(16), NumericType(3, 3), TextType(2), ArrayType(TextType(1))])
async def test_made_up_values_fit_small_columns(kind: ColumnType) -> None:
    from homeport.testing.builders import value_of

    for number in (1, 40_000, 10**9):
        kind.admit(value_of(kind, "column", number))


@pytest.fixture
def homeport_contexts() -> Contexts:
    return ["users"]


async def test_the_plugins_fixture_is_an_empty_homeport(homeport_memory: Homeport) -> None:
    assert [each.name for each in homeport_memory.contexts] == ["users"]
    assert await homeport_memory.users.users.count() == 0
