"""`TABLE_REPOSITORY_MAP`: where a table's rows are that code names as text, under the documents' and the live names.

Data alone: which context's table a name means, and which repository methods replace the old functions on it.
"""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from homeport.composition.repositories import Repositories
from homeport.kernel.errors import InvalidField, unknown_name
from homeport.repositories.base import served, withheld
from homeport.repositories.collection import Collection
from homeport.settings import SettingsError


@attrs.frozen
class Place:
    """One table, and what to call instead of the old functions: methods of `db.<context>`.

    Attributes:
        rows: the repository's collection of this table; None where it has none, so that rows are only added.
        insert: the method of the port that adds a row; None where the collection's own is the one. So the others.
    """

    context: str
    table: str
    rows: str | None
    insert: str | None = None
    select: str | None = None
    update: str | None = None
    delete: str | None = None

    @property
    def adds_only(self) -> bool:
        """Whether no repository changes or deletes rows of this table."""
        return self.rows is None

    def instead(self, verb: str) -> str:
        """The method's whole name, `db.expenses.create_expense`. Raises LookupError where there is none."""
        named: str | None = getattr(self, verb)
        if named is None and self.rows is None:
            raise LookupError(f"{self.table}: no method to {verb}")
        return f"db.{self.context}.{named or f'{self.rows}.{_OF_COLLECTION[verb]}'}"


_OF_COLLECTION = {"insert": "create", "select": "find_many", "update": "update", "delete": "discard"}

# in the order of document 000's own map
_DOCUMENTED: Final = (
    Place(
        "expenses", "expenses", "expenses", "create_expense", "get_user_expenses", "update_expense", "delete_expense"
    ),
    Place("trips", "trips", "trips", "create_trip", "get_user_trips", "update_trip", "delete_trip"),
    Place("trips", "trip_stops", "stops", "add_trip_stop", "get_trip_stops"),
    Place(
        "trips",
        "trip_participants",
        "participants",
        "add_trip_participant",
        "get_trip_participants",
        "answer_trip_invitation",
        "remove_trip_participant",
    ),
    Place("trips", "trip_expenses", "expenses", "add_trip_expense", "get_trip_expenses"),
    Place(
        "vehicles", "vehicles", "vehicles", "create_vehicle", "get_user_vehicles", "update_vehicle", "delete_vehicle"
    ),
    Place("vehicles", "maintenance_records", "maintenance", "add_maintenance_record", "get_maintenance_records"),
    Place("vehicles", "fuel_logs", "fuel", "add_fuel_log", "get_fuel_logs"),
    Place("profiles", "profiles", "profiles", "create_profile", "get_profile", "update_profile", "delete_profile"),
    Place("social", "posts", "posts", "create_post", "get_user_posts", "update_post", "delete_post"),
    Place("social", "comments", "comments", "create_comment", "get_post_comments"),
    Place("social", "likes", "likes", "toggle_like", "get_post_likes", None, "toggle_like"),
    Place("social", "follows", "follows", "follow_user", "get_user_following", None, "unfollow_user"),
    Place("social", "messages", "messages", "send_message", "get_user_messages"),
    Place("affiliate_shop", "affiliate_products", "products", None, "get_active_products"),
    Place("affiliate_shop", "product_clicks", "clicks", "track_product_click", "get_product_clicks"),
    Place("affiliate_shop", "product_reports", "reports", "report_product"),
    Place("budgets", "budgets", "budgets", "create_budget", "get_user_budgets", "update_budget", "delete_budget"),
    Place("budgets", "budget_categories", "categories", "create_budget_category", "get_budget_categories"),
    Place("budgets", "recurring_expenses", "recurring", "create_recurring_expense", "get_recurring_expenses"),
    Place("calendar", "calendar_events", "events", "create_event", "get_user_events", "update_event", "delete_event"),
    Place(
        "household_storage",
        "storage_items",
        "items",
        "create_storage_item",
        "get_user_storage_items",
        "update_storage_item",
        "delete_storage_item",
    ),
    Place("household_storage", "storage_categories", "categories", "create_storage_category", "get_storage_categories"),
    Place("household_storage", "storage_locations", "locations", "create_storage_location", "get_storage_locations"),
    Place("pam", "pam_interactions", "interactions", "save_interaction", "get_user_interactions"),
    Place("pam", "pam_memories", "memories", "save_memory", "search_memories"),
    Place("pam", "pam_context", "contexts", "save_context", "get_user_context", "save_context"),
    Place("access", "login_history", None, "log_login", "get_login_history"),
    Place("access", "user_sessions", "sessions", "create_session", "get_active_sessions", None, "invalidate_session"),
    Place("access", "admin_users", "admins", None, "get_admin_user"),
)

# what the document left open
_TRANSITION: Final = (
    Place(
        "transition_plan",
        "transition_profiles",
        "profiles",
        "initialize_profile",
        "get_profile",
        "update_profile",
        "archive_profile",
    ),
    Place(
        "transition_plan",
        "transition_tasks",
        "tasks",
        "create_transition_task",
        "get_transition_tasks",
        "update_transition_task",
        "delete_transition_task",
    ),
    Place(
        "transition_plan",
        "transition_timeline",
        "timeline",
        "create_milestone",
        "get_timeline",
        "update_milestone",
        "delete_milestone",
    ),
    Place(
        "transition_plan",
        "transition_financial",
        "financial",
        "create_financial_item",
        "get_financial_items",
        "update_financial_item",
        "delete_financial_item",
    ),
    Place("transition_plan", "transition_rooms", "rooms", "create_room", "get_rooms", "update_room", "delete_room"),
    Place("transition_plan", "transition_items", "items", "create_item", "get_items", "update_item", "delete_item"),
    Place(
        "transition_plan",
        "transition_services",
        "services",
        "create_service",
        "get_services",
        "update_service",
        "delete_service",
    ),
    Place(
        "transition_plan",
        "transition_equipment",
        "equipment",
        "add_equipment_item",
        "get_equipment_list",
        "update_equipment_item",
        "delete_equipment_item",
    ),
    Place(
        "transition_plan",
        "transition_vehicle_mods",
        "mods",
        "create_vehicle_mod",
        "get_vehicle_mods",
        "update_vehicle_mod",
        "delete_vehicle_mod",
    ),
    Place("transition_plan", "income_streams", "income"),
    Place("transition_plan", "transition_community", "community"),
    Place(
        "transition_launch",
        "shakedown_trips",
        "trips",
        "log_shakedown_trip",
        "get_shakedown_trips",
        "update_shakedown_trip",
        "delete_shakedown_trip",
    ),
    Place(
        "transition_launch",
        "shakedown_issues",
        "issues",
        "add_shakedown_issue",
        "get_shakedown_issues",
        "update_shakedown_issue",
        "delete_shakedown_issue",
    ),
    Place("transition_launch", "launch_week_tasks", "launch_week", None, "get_launch_week_tasks"),
    Place(
        "transition_launch",
        "user_launch_tasks",
        "launch_tasks",
        "complete_launch_task",
        "get_launch_week_status",
        "complete_launch_task",
    ),
    Place(
        "transition_launch",
        "user_launch_dates",
        "launch_dates",
        "set_launch_date",
        "get_launch_date",
        "set_launch_date",
    ),
    Place("transition_launch", "launch_checkins", "checkins", "save_checkin", "get_checkins", "save_checkin"),
)

# what the document's tools read and write besides
_OF_TOOLS: Final = (
    Place("users", "users", "users", None, "find_active_users"),
    Place("access", "security_events", "security_events", "log_security_event", "get_security_events"),
    Place("budgets", "savings_events", "savings"),
    Place("pam", "pam_admin_knowledge", "knowledge", "add_knowledge", "search_knowledge"),
    Place("pam", "user_settings", "settings"),
    Place("pam", "campgrounds", "campgrounds"),
)

ALIASES: Final[Mapping[str, str]] = {
    "affiliate_product_clicks": "product_clicks",
    "fuel_log": "fuel_logs",
    "group_trip_participants": "trip_participants",
    "pam_memory": "pam_memories",
    "pam_savings_events": "savings_events",
    "pam_user_context": "pam_context",
    "product_issue_reports": "product_reports",
    "trip_waypoints": "trip_stops",
    "user_follows": "follows",
    "user_login_history": "login_history",
    "user_trips": "trips",
}
"""The names that tables have in the live database, where they differ. Columns are Homeport's under these names too."""

WITHHELD: Final = ("audit_logs", "system_config", "user_credentials")
"""Shipped tables that no code reaches by writing their names, whatever map it brings along."""

_BY_TABLE = {each.table: each for each in (*_DOCUMENTED, *_TRANSITION, *_OF_TOOLS)}

TABLE_REPOSITORY_MAP: Final[Mapping[str, Place]] = {
    **_BY_TABLE,
    **{alias: _BY_TABLE[table] for alias, table in ALIASES.items()},
}
"""Document 000's 30 tables, the transition tables, those that its tools need besides, and the live names of any."""


def place_of(table_name: str, known: Mapping[str, Place] = TABLE_REPOSITORY_MAP) -> Place:
    """Where the table's rows are. Raises InvalidField for a withheld name, or an unknown one with the nearest known."""
    found = known.get(table_name) if isinstance(table_name, str) else None
    if found is None and table_name in WITHHELD:
        raise withheld(table_name)
    if found is None:
        raise InvalidField(unknown_name("table", table_name, known), field="table")
    return found


def collection_of(
    db: Repositories[Any], table_name: str, known: Mapping[str, Place] = TABLE_REPOSITORY_MAP
) -> Collection[Any, Any]:
    """The rows of the table, in an opened Homeport, one of its scopes, or a unit of work.

    An application's own context of the same name takes a shipped one's place.

    Raises:
        InvalidField: an unknown name, the message has the nearest known ones; or a table that is withheld.
        SettingsError: the table's context is not installed.
    """
    place = place_of(table_name, known)
    for context in db.contexts:
        for table in context.tables:
            if context.name == place.context and table.name == place.table:
                return db.collection(served(table))
    installed = ", ".join(each.name for each in db.contexts)
    raise SettingsError(f"{place.table} is in the context {place.context}, which is not installed: {installed}")


__all__ = ["ALIASES", "TABLE_REPOSITORY_MAP", "WITHHELD", "Place", "collection_of", "place_of"]
