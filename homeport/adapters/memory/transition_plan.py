"""Memory's form of the transition plan's operations."""

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import cast

from homeport.adapters.memory.step import Answer, Step
from homeport.domain.transition_plan import Decision, DecisionTotal, TransitionItem, TransitionProfile
from homeport.domain.transition_plan.defaults import suggested_dates
from homeport.kernel.predicates import Predicate, all_of, eq, is_null, not_, one_of
from homeport.kernel.table import Row
from homeport.repositories.transition_plan import (
    INITIALIZE_TRANSITION,
    MILESTONE,
    RESCHEDULE_TRANSITION,
    TRANSITION_ITEM,
    TRANSITION_ITEM_TOTALS,
    TRANSITION_PROFILE,
    TRANSITION_TASK,
)
from homeport.repositories.transition_plan.downsizing import TransitionItemTotals
from homeport.repositories.transition_plan.plan import (
    InitializedTransition,
    InitializeTransition,
    RescheduledTransition,
    RescheduleTransition,
)


def initialize_transition(step: Step, wanted: InitializeTransition) -> list[InitializedTransition]:
    """The live plan as it is, or a new one with these tasks and milestones."""
    for plan in step.find(TRANSITION_PROFILE, _live_plan(wanted.user_id)):
        return [InitializedTransition(profile_id=plan.id, created=False)]
    plan = step.insert(
        TRANSITION_PROFILE,
        {"user_id": wanted.user_id, "departure_date": wanted.departure_date, "current_phase": wanted.phase},
    )
    for task in _rows(wanted.tasks):
        step.insert(TRANSITION_TASK, {**_under(plan), "is_system_task": True, **task})
    for milestone in _rows(wanted.milestones):
        step.insert(MILESTONE, {**_under(plan), **milestone})
    return [InitializedTransition(profile_id=plan.id, created=True)]


def reschedule_transition(step: Step, wanted: RescheduleTransition) -> list[RescheduledTransition]:
    """The departure and what is open with it; no row where there is no live plan."""
    changes = {"departure_date": wanted.departure_date, "current_phase": wanted.phase}
    moved = step.update(TRANSITION_PROFILE, _live_plan(wanted.user_id), changes)
    for plan in moved:
        _move_tasks(step, plan, wanted)
        _move_milestones(step, plan, wanted)
    return [RescheduledTransition(profile_id=plan.id) for plan in moved]


def transition_item_totals(step: Step, wanted: TransitionItemTotals) -> list[DecisionTotal]:
    """The live plan's items by decision, in the order of the decisions' names, undecided ones last."""
    plans = [plan.id for plan in step.find(TRANSITION_PROFILE, _live_plan(wanted.user_id))]
    by_decision: dict[Decision | None, list[TransitionItem]] = {}
    for item in step.find(TRANSITION_ITEM, one_of("profile_id", plans), "decision"):
        by_decision.setdefault(item.decision, []).append(item)
    return [
        DecisionTotal(
            decision=decision,
            items_count=len(items),
            estimated_value=sum((each.estimated_value or Decimal(0) for each in items), Decimal(0)),
        )
        for decision, items in by_decision.items()
    ]


def _move_tasks(step: Step, plan: TransitionProfile, wanted: RescheduleTransition) -> None:
    dated = all_of(eq("profile_id", plan.id), eq("is_completed", False), not_(is_null("days_before_departure")))
    for task in step.find(TRANSITION_TASK, dated):
        days = cast("int", task.days_before_departure)
        start, done = suggested_dates(wanted.departure_date, days, wanted.today)
        dates = {"suggested_start_date": start, "suggested_completion_date": done}
        step.update(TRANSITION_TASK, eq("id", task.id), dates)


def _move_milestones(step: Step, plan: TransitionProfile, wanted: RescheduleTransition) -> None:
    for row in _rows(wanted.milestones):
        of_kind = all_of(
            eq("profile_id", plan.id), eq("is_system_milestone", True), eq("milestone_type", row["milestone_type"])
        )
        there = bool(step.find(MILESTONE, of_kind))
        step.update(MILESTONE, all_of(of_kind, eq("is_completed", False)), {"milestone_date": row["milestone_date"]})
        if not there and cast("str", row["milestone_date"]) >= wanted.today.isoformat():
            step.insert(MILESTONE, {**_under(plan), **row})


def _live_plan(user_id: uuid.UUID) -> Predicate:
    return all_of(eq("user_id", user_id), is_null("archived_at"))


def _under(plan: TransitionProfile) -> Row:
    return {"user_id": plan.user_id, "profile_id": plan.id}


def _rows(json: Iterable[object]) -> Iterable[Mapping[str, object]]:
    return cast("Iterable[Mapping[str, object]]", json)


ANSWERS: Mapping[str, Answer] = {
    INITIALIZE_TRANSITION.name: initialize_transition,
    RESCHEDULE_TRANSITION.name: reschedule_transition,
    TRANSITION_ITEM_TOTALS.name: transition_item_totals,
}
