"""What other people's tests import: a Homeport in memory, and builders that make rows with all that they need.

    async def test_the_total_of_a_trip() -> None:
        db = memory(["expenses"])
        expense = await an_expense(db, amount="12.50")

`homeport.testing.plugin` has it as a pytest fixture.
"""

from homeport.composition import in_memory as memory
from homeport.testing.builders import (
    Builder,
    a_budget,
    a_budget_category,
    a_comment,
    a_follow,
    a_fuel_log,
    a_like,
    a_maintenance_record,
    a_message,
    a_post,
    a_profile,
    a_recurring_expense,
    a_security_event,
    a_session,
    a_user,
    a_vehicle,
    an_admin,
    an_event,
    an_expense,
    build,
    builder,
    made_up,
)
from homeport.testing.contract import check_collection, check_projection

__all__ = [
    "Builder",
    "a_budget",
    "a_budget_category",
    "a_comment",
    "a_follow",
    "a_fuel_log",
    "a_like",
    "a_maintenance_record",
    "a_message",
    "a_post",
    "a_profile",
    "a_recurring_expense",
    "a_security_event",
    "a_session",
    "a_user",
    "a_vehicle",
    "an_admin",
    "an_event",
    "an_expense",
    "build",
    "builder",
    "check_collection",
    "check_projection",
    "made_up",
    "memory",
]
