"""An operation's parameter is admitted by its fields; what is drafted of it is a function's head."""

import datetime as dt
import uuid

import attrs
import pytest

from homeport.composition.drafting import draft_migrations
from homeport.kernel.entity import Entity
from homeport.kernel.errors import InvalidValue
from homeport.kernel.operation import many_rows, one_row
from homeport.ports.context import Context

USER = uuid.UUID(int=5)


@attrs.frozen(kw_only=True)
class Wanted:
    user_id: uuid.UUID
    before: dt.date
    limit: int = 10


@attrs.frozen(kw_only=True)
class Found(Entity):
    name: str
    years: int | None


FIND = many_rows("shop.find_old", Wanted, Found, writes=False)
SELL = one_row("shop.sell_old", Wanted, Found, writes=True)


def test_a_parameter_is_made_of_what_a_caller_gave() -> None:
    made = FIND.parameter(user_id=str(USER).upper(), before="2026-05-01")
    assert made == Wanted(user_id=USER, before=dt.date(2026, 5, 1), limit=10)


@pytest.mark.parametrize(("field", "value"), [("user_id", "me"), ("before", "soon"), ("limit", None), ("limit", "3")])
def test_a_value_that_does_not_fit_is_refused_under_the_parameters_own_name(field: str, value: object) -> None:
    with pytest.raises(InvalidValue) as caught:
        FIND.parameter(**{"user_id": USER, "before": "2026-05-01", field: value})
    assert caught.value.field == field


@pytest.mark.parametrize("given", [{"user_id": USER}, {"user_id": USER, "before": "2026-05-01", "after": 1}])
def test_a_missing_or_an_unknown_field_is_the_programs_own_fault(given: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=r"before|after"):
        FIND.parameter(**given)


def test_the_draft_has_the_functions_head_and_drops_it_again() -> None:
    draft = draft_migrations(Context("shop", lambda _: None, operations=(FIND, SELL), requires=("users",)))
    arguments = "(p_user_id uuid, p_before date, p_limit integer)"
    heads = [line for line in draft["0001_shop.up.sql"].splitlines() if "CREATE" in line or "LANGUAGE" in line]
    assert heads == [
        f"-- CREATE FUNCTION public.find_old{arguments}",
        "-- LANGUAGE sql STABLE SECURITY INVOKER SET search_path = '' AS $$ .. $$;",
        f"-- CREATE FUNCTION public.sell_old{arguments}",
        "-- LANGUAGE plpgsql SECURITY INVOKER SET search_path = '' AS $$ .. $$;",
    ]
    assert draft["0001_shop.down.sql"] == (
        "DROP FUNCTION public.find_old(uuid, date, integer);\nDROP FUNCTION public.sell_old(uuid, date, integer);\n"
    )
