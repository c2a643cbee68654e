"""Expenses: one person's spending, on every adapter."""

import datetime as dt
import uuid
from decimal import Decimal

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.expenses import Expense
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
)
from homeport.testing import a_user, an_expense
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)
MAY = [dt.date(2026, 5, day) for day in range(1, 10)]


# -- create_expense


async def test_a_created_expense_has_its_defaults_and_can_be_read_back(db: Homeport) -> None:
    user = await a_user(db)
    made = await db.expenses.create_expense(user.id, {"amount": "12.5", "category": "fuel", "date": "2026-05-01"})
    assert made == Expense(
        id=made.id,
        user_id=user.id,
        amount=Decimal("12.50"),
        currency="USD",
        category="fuel",
        date=MAY[0],
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert await db.expenses.get_expense_by_id(made.id, user.id) == made


async def test_an_expense_keeps_every_field_that_was_given(db: Homeport) -> None:
    user = await a_user(db)
    given = {
        "amount": Decimal("9999999999.99"),
        "currency": "EUR",
        "category": "Fuel, (diesel)",
        "description": "",
        "date": MAY[3],
        "location": "a\nb",
        "vendor": 'O\'Hara "& sons"',
        "receipt_url": "https://example.org/?a=1&b=%20",
        "payment_method": "中文",
        "tags": ("a,b", "", "NULL", "{}", '"', "\\"),
    }
    made = await db.expenses.create_expense(user.id, given)
    assert {name: getattr(made, name) for name in given} == given


async def test_an_expense_without_a_date_is_of_today_in_utc(db: Homeport) -> None:
    user = await a_user(db)
    made = await db.expenses.create_expense(user.id, {"amount": 1, "category": "fuel"})
    assert made.date == made.created_at.date()


@pytest.mark.parametrize(
    ("given", "stored"),
    [(0, "0.00"), ("-0.00", "0.00"), ("0.005", "0.01"), ("2.675", "2.68"), (Decimal("1E+3"), "1000.00"), (7, "7.00")],
)
async def test_an_amount_is_exact_to_the_cent_and_rounded_half_up(db: Homeport, given: object, stored: str) -> None:
    user = await a_user(db)
    made = await db.expenses.create_expense(user.id, {"amount": given, "category": "fuel"})
    assert str(made.amount) == stored
    assert await db.expenses.get_expense_by_id(made.id, user.id) == made


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", 1.5),
        ("amount", True),
        ("amount", "NaN"),
        ("amount", Decimal("Infinity")),
        ("amount", "ten"),
        ("amount", "9999999999.995"),
        ("currency", "EURO"),
        ("category", b"fuel"),
        ("category", 5),
        ("date", "yesterday"),
        ("date", dt.datetime(2026, 5, 1, tzinfo=dt.UTC)),
        ("date", "2026-05-01T00:00:00Z"),
        ("tags", "fuel"),
        ("recurring_expense_id", "5"),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_by_name(db: Homeport, field: str, value: object) -> None:
    user = await a_user(db)
    data = {"amount": 1, "category": "fuel", field: value}
    assert await refused(InvalidValue, db.expenses.create_expense(user.id, data)) == field
    assert await db.expenses.get_user_expenses(user.id) == []


async def test_a_negative_amount_is_refused(db: Homeport) -> None:
    user = await a_user(db)
    negative = db.expenses.create_expense(user.id, {"amount": "-0.01", "category": "fuel"})
    assert await violated(CheckViolation, negative) == ("expenses_amount_check", ("amount",))


@pytest.mark.parametrize("code", ["usd", "US", "", "U D", "US1", "US\n", "ÄÖÜ", "   "])
async def test_a_currency_is_three_capital_letters(db: Homeport, code: str) -> None:
    user = await a_user(db)
    odd = db.expenses.create_expense(user.id, {"amount": 1, "category": "fuel", "currency": code})
    assert await violated(CheckViolation, odd) == ("expenses_currency_check", ("currency",))


@pytest.mark.parametrize("missing", ["amount", "category"])
async def test_an_expense_needs_an_amount_and_a_category(db: Homeport, missing: str) -> None:
    user = await a_user(db)
    data = {"amount": 1, "category": "fuel", missing: None}
    assert await violated(NotNullViolation, db.expenses.create_expense(user.id, data)) == (None, (missing,))
    del data[missing]
    assert await violated(NotNullViolation, db.expenses.create_expense(user.id, data)) == (None, (missing,))


async def test_an_expense_of_an_unknown_user_is_refused(db: Homeport) -> None:
    unknown = db.expenses.create_expense(ABSENT, {"amount": 1, "category": "fuel"})
    assert await violated(ForeignKeyViolation, unknown) == ("expenses_user_id_fkey", ("user_id",))


@pytest.mark.parametrize("field", ["ammount", "created_at", "updated_at", "expense_date", "amount; --"])
async def test_an_unknown_or_read_only_field_is_refused_by_name(db: Homeport, field: str) -> None:
    user = await a_user(db)
    data = {"amount": 1, "category": "fuel", field: "2026-05-01T00:00:00Z"}
    assert await refused(InvalidField, db.expenses.create_expense(user.id, data)) == field


async def test_an_expense_is_created_for_the_user_asked_for_and_nobody_else(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    data = {"amount": 1, "category": "fuel"}
    assert await refused(InvalidField, db.expenses.create_expense(user.id, {**data, "user_id": other.id})) == "user_id"
    assert await refused(InvalidValue, db.expenses.create_expense("me", data)) == "user_id"
    made = await db.expenses.create_expense(str(user.id), {**data, "user_id": str(user.id)})
    assert made.user_id == user.id


# -- get_user_expenses


async def test_expenses_are_by_date_the_latest_first_and_then_by_id(db: Homeport) -> None:
    user = await a_user(db)
    old = await an_expense(db, user_id=user.id, date=MAY[0])
    twins = [await an_expense(db, user_id=user.id, date=MAY[2]) for _ in range(3)]
    new = await an_expense(db, user_id=user.id, date=MAY[3])
    in_order = [new, *sorted(twins, key=lambda expense: expense.id), old]
    assert await db.expenses.get_user_expenses(user.id) == in_order
    assert await db.expenses.get_user_expenses(str(user.id), {}) == in_order


async def test_expenses_can_be_filtered_by_any_column_and_by_their_amount(db: Homeport) -> None:
    user = await a_user(db)
    fuel = await an_expense(db, user_id=user.id, date=MAY[3], amount="10.00", category="fuel", vendor="A")
    food = await an_expense(db, user_id=user.id, date=MAY[2], amount="20.00", category="food", currency="EUR")
    camp = await an_expense(db, user_id=user.id, date=MAY[1], amount="30.00", category="camp", vendor="A")

    async def found(**filters: object) -> list[Expense]:
        return await db.expenses.get_user_expenses(user.id, filters)

    assert await found(vendor="A") == [fuel, camp]
    assert await found(vendor=None) == [food]
    assert await found(category=["fuel", "food"]) == [fuel, food]
    assert await found(category=[]) == []
    assert await found(date="2026-05-03") == [food]
    assert await found(id=str(camp.id)) == [camp]
    assert await found(min_amount="20") == [food, camp]
    assert await found(max_amount=20) == [fuel, food]
    assert await found(min_amount=Decimal("10.00"), max_amount=Decimal("10.00")) == [fuel]
    assert await found(min_amount="10.001") == [food, camp]
    assert await found(min_amount=0) == [fuel, food, camp]
    assert await found(max_amount=0) == []
    assert await found(min_amount=None, max_amount=None) == [fuel, food, camp]
    assert await found(vendor="A", min_amount=11, currency="USD") == [camp]


@pytest.mark.parametrize(
    ("filters", "error", "field"),
    [
        ({"colour": "red"}, InvalidField, "colour"),
        ({"tags": ["a"]}, InvalidField, "tags"),
        ({"min_amount": 1.5}, InvalidValue, "amount"),
        ({"max_amount": "lots"}, InvalidValue, "amount"),
        ({"date": "May"}, InvalidValue, "date"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused_by_name(
    db: Homeport, filters: dict[str, object], error: type[InvalidField | InvalidValue], field: str
) -> None:
    user = await a_user(db)
    assert await refused(error, db.expenses.get_user_expenses(user.id, filters)) == field


async def test_a_filter_never_reaches_the_expenses_of_another(db: Homeport) -> None:
    mine, other = await an_expense(db), await an_expense(db)
    assert await db.expenses.get_user_expenses(mine.user_id) == [mine]
    assert await db.expenses.get_user_expenses(mine.user_id, {"id": other.id}) == []
    assert await db.expenses.get_user_expenses(mine.user_id, {"user_id": other.user_id}) == []


async def test_there_are_no_expenses_of_a_user_without_any_or_an_unknown_one(db: Homeport) -> None:
    user = await a_user(db)
    assert await db.expenses.get_user_expenses(user.id) == []
    assert await db.expenses.get_user_expenses(ABSENT) == []


# -- get_expense_by_id


async def test_an_expense_of_another_is_as_absent(db: Homeport) -> None:
    expense, user = await an_expense(db), await a_user(db)
    assert await db.expenses.get_expense_by_id(expense.id, user.id) is None
    assert await db.expenses.get_expense_by_id(ABSENT, user.id) is None
    assert await db.expenses.get_expense_by_id(str(expense.id), str(expense.user_id)) == expense


async def test_a_malformed_id_is_an_error(db: Homeport) -> None:
    user = await a_user(db)
    assert await refused(InvalidValue, db.expenses.get_expense_by_id("1", user.id)) == "id"
    assert await refused(InvalidValue, db.expenses.update_expense("1", user.id, {"amount": 1})) == "id"
    assert await refused(InvalidValue, db.expenses.delete_expense("1", user.id)) == "id"
    assert await refused(InvalidValue, db.expenses.get_expense_by_id(ABSENT, "me")) == "user_id"


# -- update_expense


async def test_an_update_changes_what_is_given_and_touches_the_expense(db: Homeport) -> None:
    expense = await an_expense(db, vendor="A", tags=["x"])
    changed = await db.expenses.update_expense(
        expense.id, expense.user_id, {"amount": "0.10", "vendor": None, "tags": [], "date": "2026-05-09"}
    )
    assert changed == attrs.evolve(
        expense, amount=Decimal("0.10"), vendor=None, tags=(), date=MAY[8], updated_at=changed.updated_at
    )
    assert changed.updated_at >= expense.updated_at
    assert await db.expenses.get_expense_by_id(expense.id, expense.user_id) == changed


async def test_an_update_of_nothing_changes_nothing(db: Homeport) -> None:
    expense = await an_expense(db)
    assert await db.expenses.update_expense(expense.id, expense.user_id, {}) == expense


@pytest.mark.parametrize("data", [{"vendor": "x"}, {}])
async def test_an_expense_that_is_absent_or_of_another_can_not_be_updated(
    db: Homeport, data: dict[str, object]
) -> None:
    expense, user = await an_expense(db), await a_user(db)
    for id in (expense.id, ABSENT):
        with pytest.raises(RepositoryNotFoundError):
            await db.expenses.update_expense(id, user.id, data)
    assert await db.expenses.get_expense_by_id(expense.id, expense.user_id) == expense


async def test_an_update_that_breaks_a_rule_leaves_the_expense_as_it_was(db: Homeport) -> None:
    expense = await an_expense(db)
    negative = db.expenses.update_expense(expense.id, expense.user_id, {"vendor": "x", "amount": -1})
    assert await violated(CheckViolation, negative) == ("expenses_amount_check", ("amount",))
    assert await db.expenses.get_expense_by_id(expense.id, expense.user_id) == expense


@pytest.mark.parametrize("field", ["id", "user_id", "created_at", "updated_at", "nonsense"])
async def test_an_update_can_not_write_keys_owners_and_the_databases_own_columns(db: Homeport, field: str) -> None:
    expense, other = await an_expense(db), await a_user(db)
    values = {"id": ABSENT, "user_id": other.id}
    change = {field: values.get(field, "2026-05-01T00:00:00Z")}
    assert await refused(InvalidField, db.expenses.update_expense(expense.id, expense.user_id, change)) == field


# -- delete_expense


async def test_a_deleted_expense_is_gone_and_can_not_be_deleted_twice(db: Homeport) -> None:
    expense = await an_expense(db)
    assert await db.expenses.delete_expense(expense.id, expense.user_id) is True
    assert await db.expenses.get_expense_by_id(expense.id, expense.user_id) is None
    assert await db.expenses.delete_expense(expense.id, expense.user_id) is False


async def test_nobody_deletes_the_expense_of_another(db: Homeport) -> None:
    expense, user = await an_expense(db), await a_user(db)
    assert await db.expenses.delete_expense(expense.id, user.id) is False
    assert await db.expenses.get_user_expenses(expense.user_id) == [expense]


# -- get_expenses_by_date_range


async def test_a_range_includes_its_first_and_its_last_day(db: Homeport) -> None:
    user = await a_user(db)
    first, second, third, fourth = [await an_expense(db, user_id=user.id, date=day) for day in MAY[:4]]
    await an_expense(db, date=MAY[1])

    async def between(start: dt.date | str, end: dt.date | str) -> list[Expense]:
        return await db.expenses.get_expenses_by_date_range(user.id, start, end)

    assert await between("2026-05-02", "2026-05-03") == [third, second]
    assert await between(MAY[1], MAY[1]) == [second]
    assert await between(dt.date(1, 1, 2), dt.date(9999, 12, 30)) == [fourth, third, second, first]
    assert await between("2026-05-05", "2027-01-01") == []


async def test_a_range_that_ends_before_it_starts_is_refused(db: Homeport) -> None:
    user = await a_user(db)
    reversed_range = db.expenses.get_expenses_by_date_range(user.id, "2026-05-02", "2026-05-01")
    assert await refused(InvalidValue, reversed_range) == "end_date"


@pytest.mark.parametrize("day", ["", "1 May", "2026-02-30", "2026-05-01T00:00:00", None, 20260501])
async def test_a_day_that_is_no_iso_date_is_refused(db: Homeport, day: dt.date | str) -> None:
    user = await a_user(db)
    with pytest.raises(InvalidValue):
        await db.expenses.get_expenses_by_date_range(user.id, day, MAY[0])
    with pytest.raises(InvalidValue):
        await db.expenses.get_expenses_by_date_range(user.id, MAY[0], day)


# -- get_expenses_by_category


async def test_a_category_is_compared_exactly(db: Homeport) -> None:
    user = await a_user(db)
    late = await an_expense(db, user_id=user.id, category="Fuel", date=MAY[4])
    early = await an_expense(db, user_id=user.id, category="Fuel", date=MAY[1])
    for category in ("fuel", "Fuel ", "Fuels", "F%", "F_el", ""):
        await an_expense(db, user_id=user.id, category=category)
    await an_expense(db, category="Fuel")
    assert await db.expenses.get_expenses_by_category(user.id, "Fuel") == [late, early]
    assert await db.expenses.get_expenses_by_category(user.id, "FUEL") == []
    assert len(await db.expenses.get_expenses_by_category(user.id, "F%")) == 1
    assert len(await db.expenses.get_expenses_by_category(user.id, "")) == 1


async def test_a_category_that_is_no_text_is_refused(db: Homeport) -> None:
    user = await a_user(db)
    assert await refused(InvalidValue, db.expenses.get_expenses_by_category(user.id, "a\x00")) == "category"
