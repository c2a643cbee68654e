"""Random steps over the methods of document 000's further repositories; their plain rows come from `tables`."""

import datetime as dt
from collections.abc import Callable
from functools import cache
from typing import Any

from homeport.kernel.table import Table
from homeport.repositories.affiliate_shop import PRODUCT
from homeport.repositories.budgets import BUDGET_CATEGORY, RECURRING_EXPENSE
from homeport.repositories.household_storage import ITEM
from homeport.repositories.pam import CONTEXT, KNOWLEDGE, MEMORY
from homeport.repositories.trips import EXPENSE, STOP, TRIP
from homeport.repositories.vehicles import FUEL_LOG, MAINTENANCE_RECORD, VEHICLE
from tests.differential.draws import UTC, Dice, day, maybe, owned, person, pick, some, uid, without
from tests.differential.methods import method_step
from tests.differential.outcome import Step
from tests.differential.tables import ROWS, TABLES, row, table_step

NOW = dt.datetime(2024, 1, 3, 1, tzinfo=UTC)
QUERIES = ["a", "A b", "b", "", "é", "%", "title 1", "zz"]


def trips_step(dice: Dice) -> Step:
    it, user = owned(dice, "trips", ROWS)
    asking = {} if dice.random() < 0.5 else {"user_id": user}
    as_owner = {} if dice.random() < 0.5 else {"owner_id": user}
    guest = person(dice)
    stop = without(row(dice, STOP), "trip_id") if dice.random() < 0.3 else {"name": "x", "id": some(dice, "trip_stops")}
    stops = [uid("trip_stops", number) for number in dice.sample(range(3), dice.randrange(4))]
    return pick(
        dice,
        [
            (3, Step("trips.create_trip", (user, without(row(dice, TRIP), "user_id")))),
            (2, Step("trips.get_trip_by_id", (it, guest))),
            (1, Step("trips.get_user_trips", (user,))),
            (1, Step("trips.delete_trip", (it, user))),
            (6, Step("trips.add_trip_stop", (it, stop), asking)),
            (2, Step("trips.get_trip_stops", (it,), asking)),
            (3, Step("trips.reorder_trip_stops", (it, stops), asking)),
            (4, Step("trips.add_trip_participant", (it, guest), as_owner)),
            (2, Step("trips.get_trip_participants", (it,), asking)),
            (3, Step("trips.answer_trip_invitation", (it, guest), {"accepts": dice.random() < 0.7, "now": NOW})),
            (1, Step("trips.remove_trip_participant", (it, guest), as_owner)),
            (2, Step("trips.add_trip_expense", (it, without(row(dice, EXPENSE), "trip_id")), asking)),
            (2, Step("trips.get_trip_expenses", (it,), asking)),
        ],
    )


def shop_step(dice: Dice) -> Step:
    product, user = some(dice, "affiliate_products", ROWS), person(dice)
    words = maybe(
        dice,
        {
            "title": lambda: dice.choice(["A b", "b", "É"]),
            "description": lambda: "a long one, b",
            "tags": lambda: ["a", "Zz"],
            "sort_order": lambda: 1,
        },
    )
    category = dice.choice([None, "electronics"])
    return pick(
        dice,
        [
            (5, Step("affiliate_shop.products.create", (row(dice, PRODUCT) | words,))),
            (2, Step("affiliate_shop.products.update", (product, words))),
            (1, Step("affiliate_shop.get_active_products", ({"category": "electronics"},))),
            (5, Step("affiliate_shop.search_products", (dice.choice(QUERIES), category))),
            (3, Step("affiliate_shop.track_product_click", (product, dice.choice([None, user])))),
            (2, Step("affiliate_shop.report_product", (product, user, dice.choice(["broken_link", "it leaks"])))),
            (2, Step("affiliate_shop.get_product_clicks", (product,))),
            (1, Step("affiliate_shop.products.delete", (product,))),
        ],
    )


def pam_step(dice: Dice) -> Step:
    user = person(dice)
    return pick(
        dice,
        [
            (5, Step("pam.save_memory", (user, without(row(dice, MEMORY), "user_id")))),
            (4, Step("pam.search_memories", (user, dice.choice([*QUERIES, "content"])), {"now": NOW})),
            (3, Step("pam.save_context", (user, without(row(dice, CONTEXT), "user_id", "expires_at")))),
            (2, Step("pam.get_user_context", (user,), {"now": NOW})),
            (3, Step("pam.add_knowledge", (user, without(row(dice, KNOWLEDGE), "admin_user_id")))),
            (3, Step("pam.search_knowledge", (dice.choice([*QUERIES, "title"]), dice.choice([None, "a"])))),
            (1, Step("pam.get_user_interactions", (user, dice.choice([0, 2])))),
        ],
    )


def money_step(dice: Dice) -> Step:
    (budget, user), (vehicle, driver) = owned(dice, "budgets", ROWS), owned(dice, "vehicles", ROWS)
    asking = {"user_id": user} if dice.random() < 0.5 else {}
    driving = {"user_id": driver} if dice.random() < 0.5 else {}
    log = {"volume": dice.choice(["10", "0.5"]), "date": day(dice)} | maybe(
        dice,
        {
            "odometer": lambda: dice.choice([100, 300, 500]),
            "price_per_unit": lambda: "1.239",
            "unit": lambda: "l",
            "filled_to_top": lambda: False,
        },
        0.6,
    )
    category = _of_parent(dice, BUDGET_CATEGORY, "budget_id")
    fuel = {"id": some(dice, "fuel_logs"), **log} if dice.random() < 0.8 else without(row(dice, FUEL_LOG), "vehicle_id")
    return pick(
        dice,
        [
            (2, Step("budgets.budgets.create", (row(dice, TABLES["budgets"][0]),))),
            (3, Step("budgets.create_budget_category", (budget, category), asking)),
            (1, Step("budgets.get_budget_categories", (budget,), asking)),
            (2, Step("budgets.create_recurring_expense", (user, without(row(dice, RECURRING_EXPENSE), "user_id")))),
            (1, Step("budgets.get_recurring_expenses", (user,))),
            (1, Step("budgets.delete_budget", (budget, user))),
            (2, Step("vehicles.create_vehicle", (driver, without(row(dice, VEHICLE), "user_id")))),
            (3, Step("vehicles.add_fuel_log", (vehicle, without(fuel, "user_id")), driving)),
            (2, Step("vehicles.get_fuel_logs", (vehicle, dice.choice([None, day(dice)])), driving)),
            (2, Step("vehicles.add_maintenance_record", (vehicle, _of_parent(dice, MAINTENANCE_RECORD, "vehicle_id")))),
            (1, Step("vehicles.get_maintenance_records", (vehicle,), driving)),
        ],
    )


def _of_parent(dice: Dice, table: Table[Any], on: str) -> dict[str, object]:
    return without(row(dice, table), on, "user_id")


def storage_step(dice: Dice) -> Step:
    it, user = owned(dice, "storage_items", ROWS)
    filters = maybe(dice, {"name": lambda: "A", "category": lambda: "a", "location": lambda: None})
    name = dice.choice(["a", "A", "b"])
    return pick(
        dice,
        [
            (4, Step("household_storage.create_storage_item", (user, without(row(dice, ITEM), "user_id")))),
            (4, Step("household_storage.get_user_storage_items", (user, filters))),
            (2, Step("household_storage.create_storage_category", (user, name))),
            (2, Step("household_storage.create_storage_location", (user, name))),
            (1, Step("household_storage.get_storage_categories", (user,))),
            (1, Step("household_storage.delete_storage_item", (it, user))),
        ],
    )


def access_step(dice: Dice) -> Step:
    (session, user), key = owned(dice, "user_sessions", ROWS), dice.choice(["a", "b"])
    return pick(
        dice,
        [
            (2, Step("users.set_password_hash", (user, "x"), {"now": NOW})),
            (3, Step("users.record_failed_attempt", (user,), {"allowed": 2, "locked_until": NOW})),
            (1, Step("users.clear_failed_attempts", (user,))),
            (1, Step("users.get_credentials", (user,))),
            (2, Step("access.get_active_sessions", (user,), {"now": NOW})),
            (2, Step("access.invalidate_session", (session,), {"reason": "x", "now": NOW})),
            (1, Step("access.invalidate_all_for_user", (user,), {"keep": session, "now": NOW})),
            (1, Step("access.cleanup_expired_sessions", (NOW,))),
            (1, Step("access.is_admin", (user,))),
            (2, Step("governance.define", (key, 1), {"value_type": dice.choice(["int", "string"])})),
            (3, Step("governance.set", (key, dice.choice([2, "x"]), dice.choice([1, 2])), {"updated_by": user})),
            (1, Step("governance.get_value", (key, 0))),
        ],
    )


def transition_step(dice: Dice) -> Step:
    (task, user), today = owned(dice, "transition_tasks", ROWS), {"today": day(dice)}
    departure = dice.choice([None, dt.date(2024, 2, 1), dt.date(2024, 12, 24)])
    new = {"id": task, "title": "own", "category": "legal"} | maybe(dice, {"priority": lambda: "high"})
    return pick(
        dice,
        [
            (2, Step("transition_plan.initialize_profile", (user, departure), today)),
            (1, Step("transition_plan.reschedule", (user, dt.date(2024, 3, 1)), today)),
            (1, Step("transition_plan.archive_profile", (user,))),
            (1, Step("transition_plan.restore_profile", (user,))),
            (4, Step("transition_plan.create_transition_task", (user, new))),
            (4, Step("transition_plan.complete_transition_task", (task, user), {"now": NOW})),
            (2, Step("transition_plan.update_transition_task", (task, user, {"is_completed": False}), {"now": NOW})),
            (2, Step("transition_plan.delete_transition_task", (task, user))),
            (2, Step("transition_plan.get_profile", (user,))),
            (1, Step("transition_plan.get_downsizing_stats", (user,))),
            (1, Step("transition_plan.get_equipment_stats", (user,))),
            (1, Step("transition_launch.get_shakedown_stats", (user,))),
            (1, Step("transition_launch.get_launch_week_progress", (user,))),
        ],
    )


Kind = Callable[[Dice], Step]

BY_HAND: dict[str, Kind] = {
    "trips": trips_step,
    "affiliate_shop": shop_step,
    "pam": pam_step,
    "budgets": money_step,
    "vehicles": money_step,
    "household_storage": storage_step,
    "access": access_step,
    "governance": access_step,
    "users": access_step,
    "transition_plan": transition_step,
    "transition_launch": transition_step,
}
"""The steps over the methods of a context; without any its tables alone are drawn from."""


@cache
def context_step(context: str) -> Kind:
    """Steps on one context: its tables' base methods, and its repository's own. The same kind whenever asked for."""
    methods = BY_HAND.get(context)

    def step(dice: Dice) -> Step:
        roll = dice.random()
        if methods is None or roll < 0.4:
            return table_step(dice, context)
        return methods(dice) if roll < 0.7 else method_step(dice, context)

    step.__name__ = f"{context}_step"
    return step
