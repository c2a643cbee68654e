"""Random calls of port methods: arguments by the names of parameters, rows by what a table is declared to hold.

Only of methods whose arguments can be made so. The others have steps of their own, in `histories` and `ports`.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from homeport.contexts import load
from homeport.kernel.table import Table
from homeport.legacy_map import TABLE_REPOSITORY_MAP
from tests.differential.draws import PEOPLE, Dice, day, maybe, moment, person, uid, without
from tests.differential.outcome import Step
from tests.differential.tables import ROWS, a_change, a_value, declared, kind_of, row

UNDRAWN: Mapping[str, str] = {
    "access.get_security_events": "the database numbers its rows, and in another order in each world",
    "access.resolve_security_event": "the same",
    "governance.history": "the same",
    "governance.by_actor": "the same",
}
"""Port methods that no history calls, and why."""

TABLES_OF: Mapping[str, str] = {
    "access.rotate_session": "user_sessions",
    "access.session_id": "user_sessions",
    "affiliate_shop.product_id": "affiliate_products",
    "budgets.budget_id": "budgets",
    "governance.record": "audit_logs",
    "transition_launch.task_id": "launch_week_tasks",
    "transition_launch.trip_id": "shakedown_trips",
    "transition_plan.mark_equipment_purchased": "transition_equipment",
    "transition_plan.room_id": "transition_rooms",
    "trips.trip_id": "trips",
    "vehicles.vehicle_id": "vehicles",
}
"""Tables of methods that the map of tables does not know, and of ids of other rows than those of the method's table."""

USERS = ("admin_user_id", "owner_id", "updated_by", "user_id")
ALWAYS = ("now", "purchased_date", "today")
"""Optional parameters without which each world would take a moment of its own."""

VALUES: Mapping[str, Callable[[Dice], object]] = {
    "access.rotate_session.data": lambda dice: maybe(
        dice, {name: lambda: dice.choice(["a", "b"]) for name in ("session_token_hash", "refresh_token_hash", "jti")}
    ),
    "day_number": lambda dice: dice.choice([-1, 0, 5]),
    "ip_address": lambda dice: dice.choice(["10.0.0.1", "::1"]),
    "key": lambda dice: dice.choice(["a", "b"]),
    "keys": lambda dice: ["a", "c", "b"][: dice.randrange(4)],
    "limit": lambda dice: dice.choice([0, 50, -1]),
    "now": moment,
    "prefix": lambda dice: dice.choice(["", "a", "%"]),
    "purchased_date": day,
    "replacing": lambda dice: dice.choice(["a", "b"]),
    "reveal": lambda dice: dice.random() < 0.5,
    "session_token_hash": lambda dice: dice.choice(["a", "b"]),
    "since": moment,
    "status": lambda dice: dice.choice(["open", "completed", "overdue", "pending", "researching", "planned", "odd"]),
    "title": lambda dice: dice.choice(["TITLE 1", "own", "x"]),
    "today": day,
}
"""What a parameter of this name is given, of this method or of any."""


def method_step(dice: Dice, context: str) -> Step:
    """One call of one of the context's methods."""
    name = dice.choice(callable_methods(context))
    number = min(dice.randrange(ROWS), dice.randrange(ROWS))  # the first ones are there from the beginning
    given: dict[str, object] = {}
    for each in parameters(context, name):
        if each.default is each.empty or each.name in ALWAYS or dice.random() < 0.4:
            make = maker(context, name, each.name)
            if make is not None:
                given[each.name] = make(dice, number)
    return Step(f"{context}.{name}", kwargs=given)


@cache
def callable_methods(context: str) -> tuple[str, ...]:
    """Those of whose arguments all that are needed can be made."""
    names = [each for each in methods(context) if f"{context}.{each}" not in UNDRAWN]
    return tuple(
        name
        for name in names
        if all(
            maker(context, name, each.name) is not None
            for each in parameters(context, name)
            if each.default is each.empty or each.name in ALWAYS
        )
    )


@cache
def methods(context: str) -> tuple[str, ...]:
    """All methods of the context's port."""
    found = inspect.getmembers(load(context).build, inspect.iscoroutinefunction)
    return tuple(name for name, _ in found if not name.startswith("_"))


@cache
def parameters(context: str, method: str) -> tuple[inspect.Parameter, ...]:
    return tuple(inspect.signature(getattr(load(context).build, method)).parameters.values())[1:]


@cache
def maker(context: str, method: str, name: str) -> Callable[[Dice, int], object] | None:
    """What makes the argument, of the n-th row and its user; None where it is not known how."""
    value = VALUES.get(f"{context}.{method}.{name}") or VALUES.get(name)
    if value is not None:
        return lambda dice, _: value(dice)
    if name in USERS:
        return lambda dice, number: uid("user", number % PEOPLE) if dice.random() < 0.85 else person(dice)
    table = table_of(context, method)
    if name.endswith("_id"):
        known = TABLES_OF.get(f"{context}.{name}")
        of = table if known is None else declared()[f"public.{known}"]
        return None if of is None else lambda dice, number: uid(kind_of(of), _near(dice, number))
    if table is None:
        return None
    if name == "data":
        bound = [*USERS, "profile_id", *(each.name for each in parameters(context, method))]
        if (context, method) in _upserts():
            bound.append(table.key)
        changes = method.startswith("update_")
        return lambda dice, _: a_change(dice, table) if changes else without(row(dice, table), *bound)
    column = table.by_name.get(name)
    return None if column is None else lambda dice, _: a_value(dice, column, column.type)


def table_of(context: str, method: str) -> Table[Any] | None:
    """The table whose rows the method makes, changes, removes or lists."""
    known = TABLES_OF.get(f"{context}.{method}") or _by_method().get((context, method))
    return None if known is None else declared()[f"public.{known}"]


@cache
def _by_method() -> Mapping[tuple[str, str], str]:
    places = TABLE_REPOSITORY_MAP.values()
    verbs = ("insert", "select", "update", "delete")
    named = ((each, getattr(each, verb)) for each in places for verb in verbs)
    return {(place.context, method): place.table for place, method in named if method is not None}


@cache
def _upserts() -> frozenset[tuple[str, str | None]]:
    """Methods that change the user's row or make it: its key is then the database's."""
    return frozenset(
        (each.context, each.insert) for each in TABLE_REPOSITORY_MAP.values() if each.insert == each.update
    )


def _near(dice: Dice, number: int) -> int:
    return number if dice.random() < 0.85 else dice.randrange(ROWS)
