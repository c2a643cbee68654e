"""The transition plan over any store."""

from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.ports.transition_plan import TransitionRepository
from homeport.repositories.migrations import shipped
from homeport.repositories.transition_plan.downsizing import (
    TRANSITION_ITEM,
    TRANSITION_ITEM_TOTALS,
    TRANSITION_ROOM,
    StoredDownsizing,
)
from homeport.repositories.transition_plan.means import (
    EQUIPMENT,
    FINANCIAL_ITEM,
    INCOME_STREAM,
    SERVICE,
    VEHICLE_MOD,
    StoredMeans,
)
from homeport.repositories.transition_plan.plan import (
    CONNECTION,
    INITIALIZE_TRANSITION,
    MILESTONE,
    RESCHEDULE_TRANSITION,
    TRANSITION_TASK,
    StoredPlan,
)
from homeport.repositories.transition_plan.profile import TRANSITION_PROFILE

__all__ = [
    "CONNECTION",
    "EQUIPMENT",
    "FINANCIAL_ITEM",
    "INCOME_STREAM",
    "INITIALIZE_TRANSITION",
    "MILESTONE",
    "RESCHEDULE_TRANSITION",
    "SERVICE",
    "TRANSITION_ITEM",
    "TRANSITION_ITEM_TOTALS",
    "TRANSITION_PLAN",
    "TRANSITION_PROFILE",
    "TRANSITION_ROOM",
    "TRANSITION_TASK",
    "VEHICLE_MOD",
    "StoredTransitionPlan",
]


class StoredTransitionPlan(StoredPlan, StoredMeans, StoredDownsizing):
    """The first half of document 000's TransitionRepository; each of its tables is a base repository."""

    def __init__(self, store: Store) -> None:
        StoredPlan.__init__(self, store)
        StoredMeans.__init__(self, store)
        StoredDownsizing.__init__(self, store)


TRANSITION_PLAN: Context[TransitionRepository] = Context(
    "transition_plan",
    StoredTransitionPlan,
    tables=(
        TRANSITION_PROFILE,
        TRANSITION_TASK,
        MILESTONE,
        FINANCIAL_ITEM,
        TRANSITION_ROOM,
        TRANSITION_ITEM,
        SERVICE,
        EQUIPMENT,
        VEHICLE_MOD,
        INCOME_STREAM,
        CONNECTION,
    ),
    operations=(INITIALIZE_TRANSITION, RESCHEDULE_TRANSITION, TRANSITION_ITEM_TOTALS),
    migrations=shipped("transition_plan"),
    requires=("users",),
    memory_answers="homeport.adapters.memory.transition_plan",
)
