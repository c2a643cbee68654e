"""Rooms and the things in them over any store."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import cast

import attrs

from homeport.domain.ids import Id
from homeport.domain.transition_plan import (
    Decision,
    DecisionTotal,
    DownsizingStats,
    TransitionItem,
    TransitionRoom,
    downsizing_stats,
)
from homeport.kernel.operation import many_rows
from homeport.kernel.policies import also_under
from homeport.kernel.predicates import is_null, not_
from homeport.kernel.table import Counter, OnDelete, at_least, between, column, index, table
from homeport.kernel.types import NumericType
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.repositories.moments import moment, stamped
from homeport.repositories.money import MONEY
from homeport.repositories.transition_plan.profile import OF_PLAN, UNDER_PLAN, PlanRows, percentage_of

TRANSITION_ROOM = table(
    TransitionRoom,
    "transition_rooms",
    owner="user_id",
    columns={**OF_PLAN, "completion_percentage": percentage_of("decided_items", "total_items")},
    checks=[at_least("total_items", 0), at_least("decided_items", 0)],
    counters=[
        Counter("total_items", "public.transition_items", "room_id"),
        Counter("decided_items", "public.transition_items", "room_id", not_(is_null("decision"))),
    ],
    indexes=[index("profile_id", "name")],
    policies=UNDER_PLAN,
    order=["name"],
)

TRANSITION_ITEM = table(
    TransitionItem,
    "transition_items",
    owner="user_id",
    columns={
        **OF_PLAN,
        "room_id": column(references="transition_rooms", on_delete=OnDelete.CASCADE),
        "estimated_value": MONEY,
    },
    checks=[at_least("estimated_value", 0), between("emotional_difficulty", 1, 5)],
    indexes=[index("room_id"), index("profile_id", "decision")],
    policies=also_under(UNDER_PLAN, TRANSITION_ROOM, "room_id"),
    order=["name"],
)


@attrs.frozen(kw_only=True)
class TransitionItemTotals:
    """Whose plan."""

    user_id: uuid.UUID


TRANSITION_ITEM_TOTALS = many_rows(
    "transition_plan.transition_item_totals",
    TransitionItemTotals,
    DecisionTotal,
    writes=False,
    results={"estimated_value": column(NumericType())},
)
"""The live plan's items by decision, in the order of the decisions' names, undecided ones last."""


class StoredDownsizing:
    """The methods for rooms and items."""

    def __init__(self, store: Store) -> None:
        self.rooms: Collection[TransitionRoom, uuid.UUID] = Collection(store, TRANSITION_ROOM)
        self.items: Collection[TransitionItem, uuid.UUID] = Collection(store, TRANSITION_ITEM)
        self._rooms, self._items = PlanRows(store, TRANSITION_ROOM), PlanRows(store, TRANSITION_ITEM)
        self._store = store

    async def create_room(self, user_id: Id, data: Mapping[str, object]) -> TransitionRoom:
        return await self._rooms.create(user_id, data)

    async def get_rooms(self, user_id: Id) -> list[TransitionRoom]:
        return await self._rooms.find(user_id, name="get_rooms")

    async def update_room(self, room_id: Id, user_id: Id, data: Mapping[str, object]) -> TransitionRoom:
        return await self._rooms.update(room_id, user_id, data)

    async def delete_room(self, room_id: Id, user_id: Id) -> bool:
        return await self._rooms.delete(room_id, user_id)

    async def create_item(
        self, room_id: Id, user_id: Id, data: Mapping[str, object], *, now: dt.datetime | None = None
    ) -> TransitionItem:
        room = await (await self._rooms.of(user_id)).get_or_raise(room_id)
        of_room = self.items.of(room.user_id).within("profile_id", room.profile_id).within("room_id", room.id)
        return await of_room.create(_decided(data, now))

    async def get_items(
        self, user_id: Id, room_id: Id | None = None, decision: Decision | str | None = None
    ) -> list[TransitionItem]:
        return await self._items.find(user_id, name="get_items", room_id=room_id, decision=decision)

    async def update_item(
        self, item_id: Id, user_id: Id, data: Mapping[str, object], *, now: dt.datetime | None = None
    ) -> TransitionItem:
        if isinstance(data, Mapping) and "room_id" in data:
            room = cast("uuid.UUID | None", TRANSITION_ITEM.require("room_id").admit(data["room_id"]))
            if room is not None:  # the column refuses None itself
                await (await self._rooms.of(user_id)).get_or_raise(room)
        return await self._items.update(item_id, user_id, _decided(data, now))

    async def delete_item(self, item_id: Id, user_id: Id) -> bool:
        return await self._items.delete(item_id, user_id)

    async def get_downsizing_stats(self, user_id: Id) -> DownsizingStats:
        # a household has thousands of things, and no store call groups: so the database does, by an operation
        wanted = TRANSITION_ITEM_TOTALS.parameter(user_id=user_id)
        rooms = await self._rooms.find(user_id, name="get_downsizing_stats")
        totals = await self._store.run(TRANSITION_ITEM_TOTALS, wanted)
        return downsizing_stats(rooms, totals)


def _decided(data: Mapping[str, object], now: dt.datetime | None) -> Mapping[str, object]:
    return stamped(data, "decision", {"decision_date": moment(now)})
