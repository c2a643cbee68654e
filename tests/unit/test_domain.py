"""The first contexts' entities and tables: what is required, what a user may write, what a rule says."""

from typing import Any, cast

import attrs
import pytest

from homeport.domain.calendar import EventType
from homeport.domain.profiles import Units
from homeport.domain.users import UserRole
from homeport.kernel.entity import Entity
from homeport.kernel.policies import owned
from homeport.kernel.table import Row, Table, Verb
from homeport.repositories.calendar import EVENT
from homeport.repositories.expenses import EXPENSE
from homeport.repositories.money import currency_code
from homeport.repositories.profiles import PROFILE, PUBLIC_PROFILE
from homeport.repositories.social import COMMENT, FOLLOW, LIKE, MESSAGE, POST, TOGGLE_LIKE
from homeport.repositories.users import USER

TABLES: list[Table[Any]] = [USER, PROFILE, PUBLIC_PROFILE, EXPENSE, POST, COMMENT, LIKE, FOLLOW, MESSAGE, EVENT]


@pytest.mark.parametrize("table", TABLES, ids=repr)
def test_an_entity_is_frozen_takes_keywords_only_and_has_a_default_wherever_it_may_be_null(table: Table[Any]) -> None:
    assert issubclass(table.entity, Entity)
    fields = {field.name: field for field in attrs.fields(cast("type[attrs.AttrsInstance]", table.entity))}
    assert all(field.kw_only for field in fields.values())
    assert {name for name, field in fields.items() if field.default is None} == {
        each.name for each in table.columns if each.nullable and each.default is None
    }
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast("Any", table.entity.__new__(table.entity)).id = 1


@pytest.mark.parametrize(
    ("table", "required"),
    [
        (USER, {"email"}),
        (PROFILE, {"id"}),
        (EXPENSE, {"user_id", "amount", "category"}),
        (POST, {"user_id", "content"}),
        (COMMENT, {"post_id", "user_id", "content"}),
        (LIKE, {"post_id", "user_id"}),
        (FOLLOW, {"follower_id", "following_id"}),
        (MESSAGE, {"sender_id", "recipient_id", "content"}),
        (EVENT, {"user_id", "title", "start_date", "end_date"}),
    ],
    ids=lambda each: repr(each) if isinstance(each, Table) else " ".join(sorted(each)),
)
def test_these_and_no_others_have_to_be_given(table: Table[Any], required: set[str]) -> None:
    assert {each.name for each in table.columns if not each.nullable and each.default is None} == required


@pytest.mark.parametrize(
    ("table", "owner"),
    [(USER, "id"), (PROFILE, "id"), (EXPENSE, "user_id"), (POST, "user_id"), (FOLLOW, "follower_id")],
    ids=repr,
)
def test_a_table_names_the_column_of_its_owner(table: Table[Any], owner: str) -> None:
    assert table.owner == owner


def test_the_values_of_the_enumerations_are_those_of_the_documents() -> None:
    assert [*UserRole] == ["admin", "manager", "employee"]
    assert [*Units] == ["metric", "imperial"]
    assert [*EventType] == ["personal", "trip", "maintenance", "meeting", "reminder", "birthday", "holiday"]


def test_a_user_may_not_write_what_decides_about_rights() -> None:
    (update,) = (each for each in USER.policies if each.verb is Verb.UPDATE)
    assert set(update.columns) == {"first_name", "last_name", "display_name", "avatar_url"}
    assert {each.verb for each in USER.policies} == {Verb.SELECT, Verb.UPDATE}


def test_the_special_table_is_owned_by_its_key() -> None:
    assert PROFILE.policies == owned("id")
    assert "user_id" not in PROFILE.by_name


def test_a_public_profile_shows_columns_of_the_profile_and_nothing_else() -> None:
    assert PUBLIC_PROFILE.view_of == PROFILE.full_name
    for shown in PUBLIC_PROFILE.columns:
        of_profile = PROFILE.by_name[shown.name]
        assert (shown.type, shown.nullable) == (of_profile.type, of_profile.nullable)


@pytest.mark.parametrize(
    ("code", "holds"),
    [("USD", True), (None, None), ("usd", False), ("US", False), ("USDX", False), ("US\n", False), ("ÀÉÎ", False)],
)
def test_a_currency_is_three_capital_letters(code: str | None, holds: bool | None) -> None:
    row: Row = {"currency": code}
    assert currency_code().rule.of(row) is holds


def test_the_rule_of_a_currency_reads_as_sql() -> None:
    rule = currency_code("code").rule
    assert rule.columns == ("code",)
    assert rule.sql.format(code='"code"') == "\"code\" ~ '^[A-Z]{3}$'"


def test_a_toggle_is_a_function_of_two_ids_and_answers_a_state() -> None:
    assert TOGGLE_LIKE.function == "toggle_like"
    assert [(each.name, each.type.sql) for each in TOGGLE_LIKE.arguments] == [("post_id", "uuid"), ("user_id", "uuid")]
    assert [(each.name, each.type.sql) for each in TOGGLE_LIKE.results] == [
        ("liked", "boolean"),
        ("likes_count", "integer"),
    ]
