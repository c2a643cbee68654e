"""Budgets: what one person means to spend, on every adapter."""

import datetime as dt
import uuid
from decimal import Decimal

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.budgets import (
    Budget,
    BudgetCategory,
    Frequency,
    Period,
    RecurringExpense,
    SavingsEvent,
    SavingsType,
)
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
    UniqueViolation,
)
from homeport.testing import a_budget, a_recurring_expense, a_user, an_expense
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)
MAY = [dt.date(2026, 5, day) for day in range(1, 10)]
FUEL = {"category": "fuel", "amount": "100", "start_date": "2026-05-01"}
RENT = {"amount": 900, "category": "rent", "frequency": "monthly", "start_date": MAY[0], "next_due_date": MAY[0]}


async def a_category(db: Homeport, budget: Budget, name: str) -> BudgetCategory:
    return await db.budgets.create_budget_category(budget.id, {"name": name})


# -- create_budget


async def test_a_created_budget_has_its_defaults_and_can_be_read_back(db: Homeport) -> None:
    user = await a_user(db)
    made = await db.budgets.create_budget(user.id, FUEL)
    assert made == Budget(
        id=made.id,
        user_id=user.id,
        category="fuel",
        amount=Decimal("100.00"),
        period=Period.MONTHLY,
        start_date=MAY[0],
        alert_threshold=Decimal("80.00"),
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert await db.budgets.get_budget_by_id(made.id, user.id) == made


async def test_a_budget_keeps_every_field_that_was_given(db: Homeport) -> None:
    user = await a_user(db)
    given = {
        "name": "Road, (2026)",
        "category": 'O\'Hara "& sons"',
        "amount": Decimal("0.01"),
        "period": Period.YEARLY,
        "start_date": MAY[0],
        "end_date": MAY[0],
        "alert_threshold": Decimal("99.95"),
    }
    made = await db.budgets.create_budget(user.id, given)
    assert {name: getattr(made, name) for name in given} == given


@pytest.mark.parametrize("missing", ["category", "amount", "start_date"])
async def test_a_budget_needs_a_category_an_amount_and_a_start(db: Homeport, missing: str) -> None:
    user = await a_user(db)
    data = {name: value for name, value in FUEL.items() if name != missing}
    assert await violated(NotNullViolation, db.budgets.create_budget(user.id, data)) == (None, (missing,))


@pytest.mark.parametrize("threshold", [0, "0.01", 100, "100.004"])
async def test_an_alert_is_at_a_percentage(db: Homeport, threshold: object) -> None:
    user = await a_user(db)
    made = await db.budgets.create_budget(user.id, {**FUEL, "alert_threshold": threshold})
    assert made.alert_threshold == Decimal(str(threshold)).quantize(Decimal("0.01"))


@pytest.mark.parametrize(
    ("field", "value", "columns"),
    [
        ("amount", "-0.01", ("amount",)),
        ("alert_threshold", "-0.01", ("alert_threshold",)),
        ("alert_threshold", "100.01", ("alert_threshold",)),
        ("end_date", "2026-04-30", ("end_date", "start_date")),
    ],
)
async def test_a_budget_that_breaks_a_rule_is_refused(
    db: Homeport, field: str, value: str, columns: tuple[str, ...]
) -> None:
    user = await a_user(db)
    broken = db.budgets.create_budget(user.id, {**FUEL, field: value})
    assert await violated(CheckViolation, broken) == (f"budgets_{field}_check", columns)
    assert await db.budgets.get_user_budgets(user.id) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("period", "daily"),
        ("period", "Monthly"),
        ("amount", 1.5),
        ("alert_threshold", "1000"),
        ("start_date", "May"),
        ("end_date", 20260501),
        ("category", 5),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_by_name(db: Homeport, field: str, value: object) -> None:
    user = await a_user(db)
    assert await refused(InvalidValue, db.budgets.create_budget(user.id, {**FUEL, field: value})) == field


async def test_a_user_has_one_budget_of_a_category_and_period_from_a_day_on(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    first = await db.budgets.create_budget(user.id, FUEL)
    twin = db.budgets.create_budget(user.id, {**FUEL, "amount": 1, "period": "monthly"})
    constraint = "budgets_user_id_category_period_start_date_key"
    columns = ("user_id", "category", "period", "start_date")
    assert await violated(UniqueViolation, twin) == (constraint, columns)
    for difference in ({"category": "Fuel"}, {"period": "weekly"}, {"start_date": MAY[1]}):
        await db.budgets.create_budget(user.id, {**FUEL, **difference})
    await db.budgets.create_budget(other.id, FUEL)
    later = db.budgets.update_budget(first.id, user.id, {"start_date": MAY[1]})
    assert await violated(UniqueViolation, later) == (constraint, columns)
    assert len(await db.budgets.get_user_budgets(user.id)) == 4


async def test_a_budget_of_an_unknown_user_is_refused(db: Homeport) -> None:
    unknown = db.budgets.create_budget(ABSENT, FUEL)
    assert await violated(ForeignKeyViolation, unknown) == ("budgets_user_id_fkey", ("user_id",))


async def test_a_budget_is_created_for_the_user_asked_for_and_nobody_else(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    assert await refused(InvalidField, db.budgets.create_budget(user.id, {**FUEL, "user_id": other.id})) == "user_id"
    assert await refused(InvalidValue, db.budgets.create_budget("me", FUEL)) == "user_id"
    assert await refused(InvalidField, db.budgets.create_budget(user.id, {**FUEL, "spent": 1})) == "spent"


# -- get_user_budgets


async def test_budgets_are_by_start_the_latest_first_and_then_by_id(db: Homeport) -> None:
    user = await a_user(db)
    old = await a_budget(db, user_id=user.id, start_date=MAY[0])
    twins = [await a_budget(db, user_id=user.id, start_date=MAY[2]) for _ in range(3)]
    new = await a_budget(db, user_id=user.id, start_date=MAY[3])
    await a_budget(db)
    assert await db.budgets.get_user_budgets(str(user.id)) == [new, *sorted(twins, key=lambda one: one.id), old]


async def test_there_are_no_budgets_of_a_user_without_any_or_an_unknown_one(db: Homeport) -> None:
    user = await a_user(db)
    assert await db.budgets.get_user_budgets(user.id) == []
    assert await db.budgets.get_user_budgets(ABSENT) == []


# -- get_budget_by_id


async def test_a_budget_of_another_is_as_absent(db: Homeport) -> None:
    budget, user = await a_budget(db), await a_user(db)
    assert await db.budgets.get_budget_by_id(budget.id, user.id) is None
    assert await db.budgets.get_budget_by_id(ABSENT, user.id) is None
    assert await db.budgets.get_budget_by_id(str(budget.id), str(budget.user_id)) == budget


async def test_a_malformed_id_is_an_error(db: Homeport) -> None:
    user = await a_user(db)
    assert await refused(InvalidValue, db.budgets.get_budget_by_id("1", user.id)) == "id"
    assert await refused(InvalidValue, db.budgets.update_budget("1", user.id, {"amount": 1})) == "id"
    assert await refused(InvalidValue, db.budgets.delete_budget("1", user.id)) == "id"
    assert await refused(InvalidValue, db.budgets.get_user_budgets("me")) == "user_id"
    assert await refused(InvalidValue, db.budgets.create_budget_category("1", {"name": "x"})) == "id"
    assert await refused(InvalidValue, db.budgets.get_budget_categories("1")) == "budget_id"
    assert await refused(InvalidValue, db.budgets.get_budget_categories(ABSENT, user_id="me")) == "user_id"
    assert await refused(InvalidValue, db.budgets.get_recurring_expenses("me")) == "user_id"


# -- update_budget


async def test_an_update_changes_what_is_given_and_touches_the_budget(db: Homeport) -> None:
    budget = await a_budget(db, name="A")
    data = {"amount": "0.10", "name": None, "period": "weekly", "alert_threshold": 0}
    changed = await db.budgets.update_budget(budget.id, budget.user_id, data)
    assert changed == attrs.evolve(
        budget,
        amount=Decimal("0.10"),
        name=None,
        period=Period.WEEKLY,
        alert_threshold=Decimal("0.00"),
        updated_at=changed.updated_at,
    )
    assert changed.updated_at >= budget.updated_at
    assert await db.budgets.get_budget_by_id(budget.id, budget.user_id) == changed


async def test_a_budget_that_is_absent_or_of_another_can_not_be_updated(db: Homeport) -> None:
    budget, user = await a_budget(db), await a_user(db)
    for id in (budget.id, ABSENT):
        with pytest.raises(RepositoryNotFoundError):
            await db.budgets.update_budget(id, user.id, {"name": "x"})
    assert await db.budgets.get_budget_by_id(budget.id, budget.user_id) == budget


async def test_an_update_that_breaks_a_rule_leaves_the_budget_as_it_was(db: Homeport) -> None:
    budget = await a_budget(db, start_date=MAY[3])
    early = db.budgets.update_budget(budget.id, budget.user_id, {"name": "x", "end_date": MAY[2]})
    assert await violated(CheckViolation, early) == ("budgets_end_date_check", ("end_date", "start_date"))
    given_away = db.budgets.update_budget(budget.id, budget.user_id, {"user_id": ABSENT})
    assert await refused(InvalidField, given_away) == "user_id"
    assert await db.budgets.get_budget_by_id(budget.id, budget.user_id) == budget


# -- delete_budget


async def test_a_deleted_budget_takes_its_categories_and_leaves_its_recurring_expenses(db: Homeport) -> None:
    user = await a_user(db)
    budget, other = await a_budget(db, user_id=user.id), await a_budget(db, user_id=user.id)
    await a_category(db, budget, "diesel")
    kept = await a_category(db, other, "diesel")
    rent = await db.budgets.create_recurring_expense(user.id, {**RENT, "budget_id": budget.id})
    assert await db.budgets.delete_budget(budget.id, user.id) is True
    assert await db.budgets.get_budget_by_id(budget.id, user.id) is None
    assert await db.budgets.categories.find_many({"user_id": user.id}) == [kept]
    assert await db.budgets.get_recurring_expenses(user.id) == [attrs.evolve(rent, budget_id=None)]
    assert await db.budgets.delete_budget(budget.id, user.id) is False


async def test_nobody_deletes_the_budget_of_another(db: Homeport) -> None:
    budget, user = await a_budget(db), await a_user(db)
    assert await db.budgets.delete_budget(budget.id, user.id) is False
    assert await db.budgets.get_user_budgets(budget.user_id) == [budget]


# -- create_budget_category


async def test_a_category_belongs_to_the_budgets_user(db: Homeport) -> None:
    budget = await a_budget(db)
    made = await db.budgets.create_budget_category(str(budget.id), {"name": "Diesel"})
    assert made == BudgetCategory(
        id=made.id,
        budget_id=budget.id,
        user_id=budget.user_id,
        name="Diesel",
        budgeted_amount=Decimal("0.00"),
        spent_amount=Decimal("0.00"),
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    data = {"name": "Gas", "budgeted_amount": "12.5", "spent_amount": 3, "color": "#fff", "user_id": budget.user_id}
    full = await db.budgets.create_budget_category(budget.id, data, user_id=str(budget.user_id))
    assert (full.budgeted_amount, full.spent_amount, full.color) == (Decimal("12.50"), Decimal("3.00"), "#fff")
    assert await db.budgets.get_budget_categories(budget.id) == [made, full]


async def test_a_category_can_not_be_given_to_another_user_or_budget(db: Homeport) -> None:
    budget, other = await a_budget(db), await a_budget(db)
    for name, value in (("user_id", other.user_id), ("budget_id", other.id)):
        given = db.budgets.create_budget_category(budget.id, {"name": "x", name: value})
        assert await refused(InvalidField, given) == name


async def test_a_category_needs_a_budget_that_is_there_and_of_the_user_who_is_named(db: Homeport) -> None:
    budget, user = await a_budget(db), await a_user(db)
    with pytest.raises(RepositoryNotFoundError):
        await db.budgets.create_budget_category(ABSENT, {"name": "x"})
    with pytest.raises(RepositoryNotFoundError):
        await db.budgets.create_budget_category(budget.id, {"name": "x"}, user_id=user.id)
    assert await db.budgets.get_budget_categories(budget.id) == []


async def test_a_name_is_once_in_a_budget_whatever_its_capital_letters(db: Homeport) -> None:
    budget, other = await a_budget(db), await a_budget(db)
    await a_category(db, budget, "Diesel")
    await a_category(db, other, "Diesel")
    said = await violated(UniqueViolation, a_category(db, budget, "dIESEL"))
    assert said == ("budget_categories_budget_id_name_key", ("budget_id", "name"))
    unnamed = db.budgets.create_budget_category(budget.id, {"color": "#fff"})
    assert await violated(NotNullViolation, unnamed) == (None, ("name",))


# -- get_budget_categories


async def test_categories_are_by_name_in_the_order_of_code_points(db: Homeport) -> None:
    budget = await a_budget(db)
    names = ["", "10", "9", "Diesel", "a b", "ab", "Ö"]
    made = {name: await a_category(db, budget, name) for name in reversed(names)}
    await a_category(db, await a_budget(db, user_id=budget.user_id), "elsewhere")
    in_order = [made[name] for name in names]
    assert await db.budgets.get_budget_categories(budget.id) == in_order
    assert await db.budgets.get_budget_categories(str(budget.id), user_id=str(budget.user_id)) == in_order


async def test_there_are_no_categories_of_an_absent_budget_or_for_another_user(db: Homeport) -> None:
    budget, user = await a_budget(db), await a_user(db)
    assert await db.budgets.get_budget_categories(budget.id) == []
    await a_category(db, budget, "Diesel")
    assert await db.budgets.get_budget_categories(budget.id, user_id=user.id) == []
    assert await db.budgets.get_budget_categories(ABSENT, user_id=user.id) == []
    assert await db.budgets.get_budget_categories(ABSENT) == []


async def test_a_category_that_another_put_into_a_budget_is_neithers_own(db: Homeport) -> None:
    budget, intruder = await a_budget(db), await a_user(db)
    await db.budgets.categories.create({"budget_id": budget.id, "user_id": intruder.id, "name": "planted"})
    for user_id in (budget.user_id, intruder.id):
        assert await db.budgets.get_budget_categories(budget.id, user_id=user_id) == []


# -- create_recurring_expense


async def test_a_created_recurring_expense_has_its_defaults(db: Homeport) -> None:
    user = await a_user(db)
    made = await db.budgets.create_recurring_expense(user.id, RENT)
    assert made == RecurringExpense(
        id=made.id,
        user_id=user.id,
        amount=Decimal("900.00"),
        currency="USD",
        category="rent",
        frequency=Frequency.MONTHLY,
        start_date=MAY[0],
        next_due_date=MAY[0],
        created_at=made.created_at,
        updated_at=made.created_at,
    )


async def test_a_recurring_expense_keeps_every_field_that_was_given(db: Homeport) -> None:
    budget = await a_budget(db)
    given = {
        "amount": Decimal("0.01"),
        "currency": "EUR",
        "category": "rent",
        "description": "",
        "frequency": Frequency.BIWEEKLY,
        "start_date": MAY[2],
        "next_due_date": MAY[1],
        "end_date": MAY[0],
        "is_active": False,
        "last_generated_at": dt.datetime(2026, 5, 1, 12, 0, 0, 1, tzinfo=dt.UTC),
        "budget_id": budget.id,
    }
    made = await db.budgets.create_recurring_expense(budget.user_id, given)
    assert {name: getattr(made, name) for name in given} == given


@pytest.mark.parametrize(
    ("field", "value"), [("amount", 0), ("amount", "-1"), ("amount", "0.004"), ("currency", "eur")]
)
async def test_a_recurring_expense_that_breaks_a_rule_is_refused(db: Homeport, field: str, value: object) -> None:
    user = await a_user(db)
    broken = db.budgets.create_recurring_expense(user.id, {**RENT, field: value})
    assert await violated(CheckViolation, broken) == (f"recurring_expenses_{field}_check", (field,))


@pytest.mark.parametrize("missing", ["amount", "category", "frequency", "start_date", "next_due_date"])
async def test_a_recurring_expense_needs_its_amount_category_frequency_and_days(db: Homeport, missing: str) -> None:
    user = await a_user(db)
    data = {name: value for name, value in RENT.items() if name != missing}
    assert await violated(NotNullViolation, db.budgets.create_recurring_expense(user.id, data)) == (None, (missing,))


async def test_a_recurring_expense_is_of_a_budget_of_its_own_user(db: Homeport) -> None:
    budget, user = await a_budget(db), await a_user(db)
    for id in (budget.id, ABSENT):
        foreign = db.budgets.create_recurring_expense(user.id, {**RENT, "budget_id": id})
        assert await refused(InvalidValue, foreign) == "budget_id"
    assert await refused(InvalidValue, db.budgets.create_recurring_expense(user.id, {**RENT, "budget_id": "1"})) == "id"
    unknown = db.budgets.create_recurring_expense(ABSENT, RENT)
    assert await violated(ForeignKeyViolation, unknown) == ("recurring_expenses_user_id_fkey", ("user_id",))
    assert await db.budgets.get_recurring_expenses(user.id) == []


# -- get_recurring_expenses


async def test_recurring_expenses_are_the_active_ones_first_and_then_by_the_next_due_date(db: Homeport) -> None:
    user = await a_user(db)

    async def one(due: dt.date, *, active: bool) -> RecurringExpense:
        return await a_recurring_expense(db, user_id=user.id, amount=1, next_due_date=due, is_active=active)

    stopped = [await one(MAY[0], active=False), await one(MAY[4], active=False)]
    late = await one(MAY[3], active=True)
    twins = sorted([await one(MAY[1], active=True) for _ in range(3)], key=lambda each: each.id)
    await a_recurring_expense(db)
    assert await db.budgets.get_recurring_expenses(str(user.id)) == [*twins, late, *stopped]


async def test_there_are_no_recurring_expenses_of_a_user_without_any_or_an_unknown_one(db: Homeport) -> None:
    user = await a_user(db)
    assert await db.budgets.get_recurring_expenses(user.id) == []
    assert await db.budgets.get_recurring_expenses(ABSENT) == []


# -- expenses, and savings


async def test_an_expense_refers_to_a_recurring_one_that_is_there_and_outlives_it(db: Homeport) -> None:
    rent = await a_recurring_expense(db)
    paid = await an_expense(db, user_id=rent.user_id, recurring_expense_id=rent.id)
    unknown = db.expenses.update_expense(paid.id, rent.user_id, {"recurring_expense_id": ABSENT})
    said = await violated(ForeignKeyViolation, unknown)
    assert said == ("expenses_recurring_expense_id_fkey", ("user_id", "recurring_expense_id"))
    assert await db.budgets.recurring.delete(rent.id) is True
    left = await db.expenses.get_expense_by_id(paid.id, rent.user_id)
    assert left == attrs.evolve(paid, recurring_expense_id=None)


async def test_what_was_saved_is_kept_the_latest_day_first(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    data = {"amount_saved": "4.5", "category": "fuel", "event_type": "gas"}
    today = await db.budgets.savings.of(user.id).create(data)
    assert today == SavingsEvent(
        id=today.id,
        user_id=user.id,
        amount_saved=Decimal("4.50"),
        category="fuel",
        event_type=SavingsType.GAS,
        saved_date=today.created_at.date(),
        created_at=today.created_at,
    )
    costs = {"baseline_cost": 10, "optimized_cost": "5.5", "saved_date": "2024-01-01", "event_type": "route"}
    before = await db.budgets.savings.of(user.id).create({**data, **costs})
    await db.budgets.savings.of(other.id).create(data)
    assert await db.budgets.savings.of(user.id).find_many() == [today, before]
    odd = db.budgets.savings.of(user.id).create({**data, "event_type": "food"})
    assert await refused(InvalidValue, odd) == "event_type"


async def test_all_of_a_users_budgets_go_with_the_user(db: Homeport) -> None:
    budget = await a_budget(db)
    await a_category(db, budget, "Diesel")
    await db.budgets.create_recurring_expense(budget.user_id, {**RENT, "budget_id": budget.id})
    await db.users.users.delete(budget.user_id)
    for rows in (db.budgets.budgets, db.budgets.categories, db.budgets.recurring):
        assert not await rows.of(budget.user_id).exists()
