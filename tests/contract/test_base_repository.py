"""Document 000's six methods by table name, on every adapter."""

import uuid
from decimal import Decimal
from typing import cast

import pytest

from homeport.composition import Homeport
from homeport.kernel.errors import (
    CheckViolation,
    InvalidField,
    InvalidValue,
    RepositoryNotFoundError,
    RepositoryValidationError,
    UniqueViolation,
)
from homeport.kernel.predicates import ge
from homeport.legacy_map import WITHHELD
from homeport.repositories.dicts import to_dict
from homeport.testing import a_post, a_profile, a_user, an_expense
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)
NOWHERE = ["expense", "", "public.expense", "business.expenses", "pg_catalog.pg_class", "expenses; drop table users"]


# -- insert


async def test_an_inserted_row_is_a_dict_of_every_column(db: Homeport) -> None:
    user = await a_user(db)
    row = await db.base.insert(
        "expenses", {"user_id": str(user.id), "amount": "1.5", "category": "fuel", "tags": ["a"]}
    )
    assert (row["user_id"], row["amount"], row["currency"], row["tags"]) == (user.id, Decimal("1.50"), "USD", ["a"])
    stored = await db.expenses.get_expense_by_id(cast("uuid.UUID", row["id"]), user.id)
    assert stored is not None
    assert to_dict(stored) == row


async def test_a_row_that_breaks_a_constraint_is_not_inserted(db: Homeport) -> None:
    user = await a_user(db)
    taken = db.base.insert("users", {"email": user.email.upper()})
    assert await violated(UniqueViolation, taken) == ("users_email_key", ("email",))
    assert await db.base.select("users", {}) == [to_dict(user)]


@pytest.mark.parametrize("table", NOWHERE)
async def test_an_unknown_table_is_refused_by_every_method(db: Homeport, table: str) -> None:
    for call in (
        db.base.insert(table, {"amount": 1}),
        db.base.select(table, {}),
        db.base.select_one(table, {}),
        db.base.update(table, {"id": ABSENT}, {"amount": 1}),
        db.base.delete(table, {"id": ABSENT}),
    ):
        assert await refused(InvalidField, call) == "table"


async def test_the_nearest_tables_are_named(db: Homeport) -> None:
    with pytest.raises(InvalidField, match="did you mean expenses"):
        await db.base.select("expense", {})


@pytest.mark.parametrize("table", WITHHELD)
async def test_a_withheld_table_is_refused_by_every_method(db: Homeport, table: str) -> None:
    await db.users.set_password_hash((await a_user(db)).id, "x" * 40)
    for base in (db.base, db.as_service().base):
        for name in (table, f"public.{table}"):
            for call in (
                base.insert(name, {}),
                base.select(name),
                base.select_one(name, None, ["password_hash"]),
                base.update(name, {"failed_attempts": 0}, {"failed_attempts": 1}),
                base.delete(name, {"failed_attempts": 0}),
            ):
                with pytest.raises(InvalidField, match=f"^{table} is never reached by its name"):
                    await call
    assert await db.users.credentials.count({"failed_attempts": 0}) == 1


# -- select and select_one


async def test_rows_are_in_the_tables_own_order(db: Homeport) -> None:
    user = await a_user(db)
    old, new = [await an_expense(db, user_id=user.id, date=day) for day in ("2026-05-01", "2026-05-02")]
    assert await db.base.select("expenses", {"user_id": user.id}) == [to_dict(new), to_dict(old)]
    assert await db.base.select("public.expenses", None) == [to_dict(new), to_dict(old)]
    assert await db.base.select_one("expenses", {"user_id": user.id}) == to_dict(new)


async def test_only_the_columns_asked_for_are_answered_in_their_order(db: Homeport) -> None:
    expense = await an_expense(db, amount="2.00", vendor="A")
    rows = await db.base.select("expenses", {"id": str(expense.id)}, ["vendor", "amount"])
    assert [list(row.items()) for row in rows] == [[("vendor", "A"), ("amount", Decimal("2.00"))]]
    assert await db.base.select_one("expenses", {"vendor": "A"}, columns=["id"]) == {"id": expense.id}
    assert await db.base.select_one("expenses", {"vendor": "A"}, columns=[]) == {}


async def test_filters_are_equalities_lists_nulls_or_a_predicate(db: Homeport) -> None:
    user = await a_user(db)
    one, two = [await an_expense(db, user_id=user.id, amount=amount, category="c") for amount in (1, 2)]
    by_id = sorted([one, two], key=lambda expense: expense.id)
    assert await db.base.select("expenses", {"amount": [1, 2, 3], "vendor": None}) == [to_dict(each) for each in by_id]
    assert await db.base.select("expenses", ge("amount", 2)) == [to_dict(two)]
    assert await db.base.select("expenses", {"amount": []}) == []
    assert await db.base.select_one("expenses", {"amount": 3}) is None


@pytest.mark.parametrize("column", ["amounts", "", "amount desc", 'amount", "id'])
async def test_an_unknown_column_is_refused_wherever_it_is_named(db: Homeport, column: str) -> None:
    for call in (
        db.base.insert("expenses", {column: 1}),
        db.base.select("expenses", {column: 1}),
        db.base.select("expenses", {}, [column]),
        db.base.select_one("expenses", {}, ["id", column]),
        db.base.update("expenses", {column: 1}, {"amount": 1}),
        db.base.update("expenses", {"id": ABSENT}, {column: 1}),
        db.base.delete("expenses", {column: 1}),
    ):
        assert await refused(InvalidField, call) == column


async def test_a_malformed_value_is_refused_in_filters_and_in_data(db: Homeport) -> None:
    assert await refused(InvalidValue, db.base.select("expenses", {"id": "1"})) == "id"
    assert await refused(InvalidValue, db.base.insert("expenses", {"amount": 0.1})) == "amount"
    assert await refused(RepositoryValidationError, db.base.select("expenses", {}, "amount")) == "columns"


# -- update


async def test_an_update_answers_every_changed_row_by_its_key(db: Homeport) -> None:
    user = await a_user(db)
    made = [await an_expense(db, user_id=user.id, category="old") for _ in range(3)]
    other = await an_expense(db, category="older")
    rows = await db.base.update("expenses", {"category": "old"}, {"category": "new"})
    assert [row["id"] for row in rows] == sorted(expense.id for expense in made)
    assert {row["category"] for row in rows} == {"new"}
    assert await db.expenses.get_user_expenses(other.user_id) == [other]


async def test_an_update_of_no_row_is_an_empty_list(db: Homeport) -> None:
    assert await db.base.update("expenses", {"id": ABSENT}, {"amount": 1}) == []


async def test_an_update_to_nothing_new_answers_the_rows_as_they_are(db: Homeport) -> None:
    expense = await an_expense(db)
    assert await db.base.update("expenses", {"id": expense.id}, {}) == [to_dict(expense)]


async def test_an_update_that_breaks_a_constraint_changes_no_row(db: Homeport) -> None:
    expense = await an_expense(db)
    negative = db.base.update("expenses", {"id": expense.id}, {"vendor": "x", "amount": -1})
    assert await violated(CheckViolation, negative) == ("expenses_amount_check", ("amount",))
    assert await db.base.select("expenses", {}) == [to_dict(expense)]


@pytest.mark.parametrize("filters", [None, {}])
async def test_an_update_or_delete_of_everything_is_refused(db: Homeport, filters: dict[str, object] | None) -> None:
    expense, post = await an_expense(db), await a_post(db)
    for call in (
        db.base.update("expenses", filters, {"amount": 1}),
        db.base.delete("expenses", filters),
        db.base.update("posts", filters, {"content": "x"}),
        db.base.delete("posts", filters),
    ):
        with pytest.raises(RepositoryValidationError):
            await call
    assert await db.base.select("expenses", {}) == [to_dict(expense)]
    assert await db.base.select("posts", {}) == [to_dict(post)]


# -- delete


async def test_a_delete_counts_the_rows_that_are_gone(db: Homeport) -> None:
    user = await a_user(db)
    for _ in range(2):
        await an_expense(db, user_id=user.id)
    kept = await an_expense(db)
    assert await db.base.delete("expenses", {"user_id": user.id}) == 2
    assert await db.base.delete("expenses", {"user_id": user.id}) == 0
    assert await db.base.select("expenses", {}) == [to_dict(kept)]


async def test_a_delete_only_marks_the_rows_of_a_table_with_soft_delete(db: Homeport) -> None:
    post = await a_post(db)
    assert await db.base.delete("posts", {"id": post.id}) == 1
    assert await db.base.select("posts", {}) == []
    assert await db.base.update("posts", {"id": post.id}, {"content": "x"}) == []
    assert await db.base.delete("posts", {"id": post.id}) == 0
    assert (await db.social.posts.restore(post.id)).content == post.content
    with pytest.raises(RepositoryNotFoundError):
        await db.social.posts.restore(post.id)


# -- projections


async def test_a_projection_is_read_like_a_table_and_never_written(db: Homeport) -> None:
    ada = await a_profile(db, username="ada")
    assert await db.base.select("public_profiles", {"username": "ada"}, ["id"]) == [{"id": ada.id}]
    for call in (
        db.base.insert("public_profiles", {"username": "x"}),
        db.base.update("public_profiles", {"id": ada.id}, {"username": "x"}),
        db.base.delete("public_profiles", {"id": ada.id}),
    ):
        with pytest.raises(InvalidField):
            await call
    assert await db.base.select_one("profiles", {"id": ada.id}, ["username"]) == {"username": "ada"}
