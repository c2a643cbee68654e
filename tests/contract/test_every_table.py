"""Every shipped table, and every specimen, keeps the promises of a base repository, on every adapter."""

from collections.abc import Mapping
from typing import Any

import pytest

from homeport import Homeport
from homeport.contexts import SHIPPED, load
from homeport.kernel.table import Table
from homeport.repositories.social import FOLLOW, LIKE
from homeport.testing.builders import a_post, a_user, made_up
from homeport.testing.contract import ROWS_NEEDED, check_collection, check_projection
from tests.support.specimens import CRATE, LABEL, SPECIMEN

TABLES = [table for name in SHIPPED for table in load(name).tables]
WRITTEN = [*(table for table in TABLES if table.view_of is None), SPECIMEN, CRATE, LABEL]
VIEWS = [table for table in TABLES if table.view_of is not None]

CHANGES: Mapping[str, Mapping[str, object]] = {
    "users": {"first_name": "Ada"},
    "profiles": {"nickname": "ada", "interests": ["maps"]},
    "expenses": {"amount": "12.50", "tags": ["fuel", "road"]},
    "posts": {"content": "changed"},
    "comments": {"content": "changed"},
    "messages": {"content": "changed"},
    "calendar_events": {"title": "changed"},
    "user_sessions": {"user_agent": "changed"},
    "login_history": {"failure_reason": "changed"},
    "admin_users": {"region": "changed"},
    "security_events": {"user_agent": "changed"},
    "audit_logs": {"user_agent": "changed"},
    "system_config": {"description": "changed"},
    "budgets": {"amount": "12.50", "name": "changed"},
    "budget_categories": {"color": "#fff", "spent_amount": "0.01"},
    "recurring_expenses": {"is_active": False, "description": "changed"},
    "savings_events": {"description": "changed", "baseline_cost": "12.50"},
    "vehicles": {"name": "changed", "specifications": {"axles": 2}},
    "maintenance_records": {"task": "changed", "cost": "12.50"},
    "fuel_logs": {"volume": "12.345", "notes": "changed"},
    "affiliate_products": {"title": "changed", "price": "12.50"},
    "product_clicks": {"referrer": "changed", "ip_address": "10.0.0.1"},
    "product_reports": {"notes": "changed", "status": "reviewed"},
    "pam_interactions": {"intent": "changed", "tool_args": {"a": 1}},
    "pam_memories": {"content_text": "changed", "importance_score": 0.1},
    "pam_context": {"context_type": "changed", "recent_intents": ["a"]},
    "pam_admin_knowledge": {"content": "changed"},
    "user_settings": {"pam_preferences": {"voice": False}},
    "campgrounds": {"name": "changed", "rating": "4.5"},
    "user_credentials": {"failed_attempts": 3},
    "trips": {"title": "changed", "route_data": {"via": ["x"]}},
    "trip_stops": {"name": "changed", "latitude": "-90"},
    "trip_participants": {"status": "accepted"},
    "trip_expenses": {"vendor": "changed", "tags": ["road"]},
    "storage_categories": {"color": "#fff"},
    "storage_locations": {"description": "changed"},
    "storage_items": {"name": "changed", "quantity": 0},
    "transition_profiles": {"motivation": "changed", "concerns": ["money"]},
    "transition_tasks": {"title": "changed", "is_completed": True},
    "transition_timeline": {"milestone_name": "changed"},
    "transition_financial": {"current_amount": "12.50", "category": "changed"},
    "transition_rooms": {"name": "changed"},
    "transition_items": {"name": "changed", "decision": "keep"},
    "transition_services": {"account_number": "changed"},
    "transition_equipment": {"equipment_name": "changed", "weight_lbs": "1.50"},
    "transition_vehicle_mods": {"name": "changed", "dependencies": ["wiring"]},
    "income_streams": {"stream_name": "changed", "actual_monthly": "0.01"},
    "transition_community": {"status": "accepted"},
    "shakedown_trips": {"name": "changed", "distance_miles": "12.50"},
    "shakedown_issues": {"description": "changed", "is_resolved": True},
    "launch_week_tasks": {"task_name": "changed", "is_critical": True},
    "user_launch_tasks": {"notes": "changed"},
    "user_launch_dates": {"first_destination": "changed"},
    "launch_checkins": {"mood": "changed"},
    "specimens": {"words": "changed"},
    "crates": {"shelf": None},
    "labels": {"weight": 12},
}


async def a_change(db: Homeport, table: Table[Any]) -> Mapping[str, object]:
    """What every row of the table may be changed to. Rows of a mere pair are given one new half."""
    if table is LIKE:
        return {"post_id": (await a_post(db)).id}
    if table is FOLLOW:
        return {"following_id": (await a_user(db)).id}
    return CHANGES[table.name]


@pytest.mark.parametrize("table", WRITTEN, ids=lambda table: table.name)
async def test_a_table_keeps_the_promises_of_a_base_repository(db: Homeport, table: Table[Any]) -> None:
    rows = iter([await made_up(db, table) for _ in range(ROWS_NEEDED)])
    await check_collection(db.collection(table), lambda: next(rows), await a_change(db, table))


@pytest.mark.parametrize("table", VIEWS, ids=lambda table: table.name)
async def test_a_projection_is_read_only(db: Homeport, table: Table[Any]) -> None:
    await check_projection(db.collection(table))
