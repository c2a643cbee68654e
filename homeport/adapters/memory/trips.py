"""Memory's form of the trips' operations."""

from collections.abc import Mapping

import attrs

from homeport.adapters.memory.step import Answer, Step
from homeport.domain.trips import Reordered, TripStop
from homeport.kernel.predicates import CURRENT_USER, TRUE, all_of, eq, ne
from homeport.repositories.trips import (
    ADD_TRIP_STOP,
    REORDER_TRIP_STOPS,
    STOP,
    TRIP,
    AddTripStop,
    ReorderTripStops,
)


def add_trip_stop(step: Step, wanted: AddTripStop) -> list[TripStop]:
    """Adds it where it is wanted or after the last one; no row where the trip is absent or not the caller's."""
    if not _lockable(step, wanted):
        return []
    row = {each.name: getattr(wanted, each.name) for each in attrs.fields(AddTripStop) if each.name != "user_id"}
    if wanted.stop_order is None:
        there = step.find(STOP, eq("trip_id", wanted.trip_id), "-stop_order")
        row["stop_order"] = there[0].stop_order + 1 if there else 0
    return [step.insert(STOP, row)]


def reorder_trip_stops(step: Step, wanted: ReorderTripStops) -> list[Reordered]:
    """Moves those that change their place behind all others first, so that no two are ever in one place."""
    if not _lockable(step, wanted):
        return []
    there = {each.id: each.stop_order for each in step.find(STOP, eq("trip_id", wanted.trip_id))}
    if sorted(there) != sorted(wanted.stop_ids):
        return [Reordered(complete=False)]
    moved = {id: place for place, id in enumerate(wanted.stop_ids) if there[id] != place}
    behind = max(there.values(), default=0) + 1
    for first in (behind, 0):
        for id, place in moved.items():
            step.update(STOP, eq("id", id), {"stop_order": first + place})
    return [Reordered(complete=True)]


def _lockable(step: Step, wanted: AddTripStop | ReorderTripStops) -> bool:
    """Whether the caller could lock the trip: nobody but its user may change it, and whoever may not can't lock it."""
    named = TRUE if wanted.user_id is None else eq("user_id", wanted.user_id)
    trip = all_of(eq("id", wanted.trip_id), named)
    return bool(step.find(TRIP, trip)) and not step.find(TRIP, all_of(trip, ne("user_id", CURRENT_USER)))


ANSWERS: Mapping[str, Answer] = {ADD_TRIP_STOP.name: add_trip_stop, REORDER_TRIP_STOPS.name: reorder_trip_stops}
