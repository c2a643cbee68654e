"""The shipped contexts, found by name and imported only when asked for; and how a list of contexts is completed."""

import importlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from homeport.kernel.errors import unknown_name
from homeport.ports.context import Context
from homeport.settings import SettingsError

if TYPE_CHECKING:
    from homeport.repositories.access import StoredAccess
    from homeport.repositories.affiliate_shop import StoredShop
    from homeport.repositories.budgets import StoredBudgets
    from homeport.repositories.calendar import StoredCalendar
    from homeport.repositories.expenses import StoredExpenses
    from homeport.repositories.governance import StoredGovernance
    from homeport.repositories.household_storage import StoredHouseholdStorage
    from homeport.repositories.pam import StoredPam
    from homeport.repositories.profiles import StoredProfiles
    from homeport.repositories.social import StoredSocial
    from homeport.repositories.transition_launch import StoredTransitionLaunch
    from homeport.repositories.transition_plan import StoredTransitionPlan
    from homeport.repositories.trips import StoredTrips
    from homeport.repositories.users import StoredUsers
    from homeport.repositories.vehicles import StoredVehicles

P = TypeVar("P")

SHIPPED: Mapping[str, str] = {
    "users": "homeport.repositories.users:USERS",
    "profiles": "homeport.repositories.profiles:PROFILES",
    "expenses": "homeport.repositories.expenses:EXPENSES",
    "social": "homeport.repositories.social:SOCIAL",
    "calendar": "homeport.repositories.calendar:CALENDAR",
    "budgets": "homeport.repositories.budgets:BUDGETS",
    "vehicles": "homeport.repositories.vehicles:VEHICLES",
    "access": "homeport.repositories.access:ACCESS",
    "governance": "homeport.repositories.governance:GOVERNANCE",
    "affiliate_shop": "homeport.repositories.affiliate_shop:AFFILIATE_SHOP",
    "pam": "homeport.repositories.pam:PAM",
    "trips": "homeport.repositories.trips:TRIPS",
    "household_storage": "homeport.repositories.household_storage:HOUSEHOLD_STORAGE",
    "transition_plan": "homeport.repositories.transition_plan:TRANSITION_PLAN",
    "transition_launch": "homeport.repositories.transition_launch:TRANSITION_LAUNCH",
}
"""Where each shipped context's value stands."""


def load(name: str) -> Context[Any]:
    """The context of that name, or the one at `module:NAME`.

    Raises:
        SettingsError: no such context.
    """
    path = name if ":" in name else SHIPPED.get(name)
    if path is None:
        raise SettingsError(unknown_name("context", name, SHIPPED))
    module, _, attribute = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise SettingsError(f"no context at {path}: no module {error.name} is installed or on PYTHONPATH") from error
    if not isinstance(found, Context):
        raise SettingsError(f"no context at {path}: {module} has no context {attribute}")
    return found


def resolve(wanted: Iterable[str | Context[Any]]) -> tuple[Context[Any], ...]:
    """The contexts with all that they require, each once and after what it requires.

    A required context that is not in the list is added where it is a shipped one.

    Raises:
        SettingsError: no context at all, two of one name, one that is unknown or missing, or a circle.
    """
    given = [load(each) if isinstance(each, str) else each for each in wanted]
    if not given:
        raise SettingsError(f"no contexts: name those to install, of {', '.join(sorted(SHIPPED))}, or your own")
    named: dict[str, Context[Any]] = {}
    for each in given:
        if named.setdefault(each.name, each) is not each:
            raise SettingsError(f"two different contexts are called {each.name}")
    ordered: dict[str, Context[Any]] = {}
    for each in named.values():
        _place(each, named, ordered, ())
    return tuple(ordered.values())


def _place(
    context: Context[Any], named: Mapping[str, Context[Any]], ordered: dict[str, Context[Any]], path: tuple[str, ...]
) -> None:
    if context.name in path:
        raise SettingsError(f"contexts require one another in a circle: {' > '.join((*path, context.name))}")
    for name in context.requires:
        if name not in named and name not in SHIPPED:
            raise SettingsError(f"{context.name} requires the context {name}: {unknown_name('context', name, named)}")
        _place(named.get(name) or load(name), named, ordered, (*path, context.name))
    ordered.setdefault(context.name, context)


class ShippedContexts:
    """The shipped contexts' repositories by name, `db.expenses`, with their collections, `db.social.posts`.

    Each fits its port: `repository: ExpenseRepository = db.expenses`.

    Raises everywhere:
        SettingsError: the context is not installed.
    """

    def repository(self, context: Context[P], /) -> P:
        raise NotImplementedError

    @property
    def users(self) -> "StoredUsers":
        return cast("StoredUsers", self.repository(load("users")))

    @property
    def profiles(self) -> "StoredProfiles":
        return cast("StoredProfiles", self.repository(load("profiles")))

    @property
    def expenses(self) -> "StoredExpenses":
        return cast("StoredExpenses", self.repository(load("expenses")))

    @property
    def social(self) -> "StoredSocial":
        return cast("StoredSocial", self.repository(load("social")))

    @property
    def calendar(self) -> "StoredCalendar":
        return cast("StoredCalendar", self.repository(load("calendar")))

    @property
    def budgets(self) -> "StoredBudgets":
        return cast("StoredBudgets", self.repository(load("budgets")))

    @property
    def vehicles(self) -> "StoredVehicles":
        return cast("StoredVehicles", self.repository(load("vehicles")))

    @property
    def access(self) -> "StoredAccess":
        return cast("StoredAccess", self.repository(load("access")))

    @property
    def governance(self) -> "StoredGovernance":
        return cast("StoredGovernance", self.repository(load("governance")))

    @property
    def affiliate_shop(self) -> "StoredShop":
        return cast("StoredShop", self.repository(load("affiliate_shop")))

    @property
    def pam(self) -> "StoredPam":
        return cast("StoredPam", self.repository(load("pam")))

    @property
    def trips(self) -> "StoredTrips":
        return cast("StoredTrips", self.repository(load("trips")))

    @property
    def household_storage(self) -> "StoredHouseholdStorage":
        return cast("StoredHouseholdStorage", self.repository(load("household_storage")))

    @property
    def transition_plan(self) -> "StoredTransitionPlan":
        return cast("StoredTransitionPlan", self.repository(load("transition_plan")))

    @property
    def transition_launch(self) -> "StoredTransitionLaunch":
        return cast("StoredTransitionLaunch", self.repository(load("transition_launch")))
