"""Trips over any store."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeVar, cast

import attrs

from homeport.domain.ids import Id
from homeport.domain.public_profile import PublicProfile
from homeport.domain.trips import (
    ParticipantRole,
    ParticipantStatus,
    ParticipantWithProfile,
    Reordered,
    StopType,
    Trip,
    TripExpense,
    TripParticipant,
    TripStop,
)
from homeport.kernel.entity import Entity
from homeport.kernel.errors import InvalidValue, RepositoryNotFoundError
from homeport.kernel.operation import one_row
from homeport.kernel.policies import owned, shared_parent
from homeport.kernel.predicates import CURRENT_USER, TRUE, Predicate, all_of, any_of, eq, exists, ne
from homeport.kernel.table import (
    CREATED,
    ID,
    OWNER,
    TODAY,
    UPDATED,
    USER_OR_NULL,
    OnDelete,
    Policy,
    Verb,
    at_least,
    between,
    column,
    index,
    not_before,
    table,
    unique,
)
from homeport.kernel.types import NumericType
from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.ports.trips import TripRepository
from homeport.repositories.collection import Collection
from homeport.repositories.incoming import Incoming
from homeport.repositories.migrations import shipped
from homeport.repositories.money import CURRENCY, MONEY, currency_code
from homeport.repositories.profiles import PUBLIC_PROFILE
from homeport.repositories.relations import one_each

C = TypeVar("C", bound=Entity)

_DEGREES = column(NumericType(9, 6))
_OF_TRIP = column(references="trips", on_delete=OnDelete.CASCADE)
_OF_MINE = eq("trip_owner_id", CURRENT_USER)
_ME_OR_OF_MINE = any_of(eq("user_id", CURRENT_USER), _OF_MINE)

# The rows know whose trip it is, and the foreign key vouches for that: so their policies need no look at the trips,
# whose own policy has to look at them. The role comes with the invitation; afterwards only the answer is changed.
PARTICIPANT = table(
    TripParticipant,
    "trip_participants",
    owner="user_id",
    columns={
        "id": ID,
        "trip_id": column(references="trips", on_delete=OnDelete.CASCADE, sharing={"trip_owner_id": "user_id"}),
        "user_id": OWNER,
    },
    uniques=[unique("trip_id", "user_id")],
    indexes=[index("user_id"), index("trip_owner_id")],
    policies=[
        Policy(Verb.SELECT, using=_ME_OR_OF_MINE),
        Policy(Verb.INSERT, check=_OF_MINE),
        Policy(Verb.UPDATE, using=_ME_OR_OF_MINE, check=_ME_OR_OF_MINE, columns=("status", "joined_at")),
        Policy(Verb.DELETE, using=_ME_OR_OF_MINE),
    ],
    order=["joined_at"],
)


def _read_by(user: object) -> Predicate:
    """That the trip is this user's, or one that they accepted to join."""
    accepted = all_of(eq("user_id", user), eq("status", ParticipantStatus.ACCEPTED))
    return any_of(eq("user_id", user), exists(PARTICIPANT, {"trip_owner_id": "user_id", "trip_id": "id"}, accepted))


TRIP = table(
    Trip,
    "trips",
    owner="user_id",
    columns={
        "id": ID,
        "user_id": OWNER,
        "distance_miles": column(NumericType(10, 2)),
        "estimated_cost": MONEY,
        "actual_cost": MONEY,
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    uniques=[unique("user_id", "id")],
    checks=[not_before("end_date", "start_date")],
    indexes=[index("user_id", "-start_date"), index("status")],
    policies=[Policy(Verb.SELECT, using=_read_by(CURRENT_USER)), *(p for p in owned() if p.verb is not Verb.SELECT)],
    order=["-start_date"],
)

STOP = table(
    TripStop,
    "trip_stops",
    columns={
        "id": ID,
        "trip_id": _OF_TRIP,
        "latitude": _DEGREES,
        "longitude": _DEGREES,
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    # not deferrable, which would be no target of an upsert: REORDER_TRIP_STOPS numbers them anew without a clash
    uniques=[unique("trip_id", "stop_order")],
    checks=[
        at_least("stop_order", 0),
        between("latitude", -90, 90),
        between("longitude", -180, 180),
        between("rating", 1, 5),
    ],
    policies=shared_parent(TRIP, "trip_id"),
    order=["stop_order"],
)

EXPENSE = table(
    TripExpense,
    "trip_expenses",
    columns={
        "id": ID,
        "trip_id": _OF_TRIP,
        "user_id": USER_OR_NULL,
        "amount": MONEY,
        "currency": CURRENCY,
        "expense_date": column(default=TODAY),
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    checks=[at_least("amount", 0), currency_code()],
    indexes=[index("trip_id", "expense_date"), index("user_id")],
    policies=shared_parent(TRIP, "trip_id"),
    order=["expense_date"],
)


@attrs.frozen(kw_only=True)
class AddTripStop:
    """A new stop of a trip, of this user's trip if one is named. Without `stop_order` it comes after the last one."""

    trip_id: uuid.UUID
    user_id: uuid.UUID | None
    id: uuid.UUID
    name: str | None = None
    stop_order: int | None = None
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    address: str | None = None
    stop_type: StopType | None = StopType.STOP
    planned_arrival: dt.datetime | None = None
    planned_departure: dt.datetime | None = None
    actual_arrival: dt.datetime | None = None
    actual_departure: dt.datetime | None = None
    visit_minutes: int | None = None
    notes: str | None = None
    rating: int | None = None


@attrs.frozen(kw_only=True)
class ReorderTripStops:
    """The stops of a trip, of this user's trip if one is named, in the order that they are to have."""

    trip_id: uuid.UUID
    user_id: uuid.UUID | None
    stop_ids: tuple[uuid.UUID, ...]


_PLACE = {"latitude": _DEGREES, "longitude": _DEGREES}

ADD_TRIP_STOP = one_row("trips.add_trip_stop", AddTripStop, TripStop, writes=True, arguments=_PLACE, results=_PLACE)
"""Adds a stop under a lock of its trip; no row where there is no such trip, or it is not the caller's to change."""

REORDER_TRIP_STOPS = one_row("trips.reorder_trip_stops", ReorderTripStops, Reordered, writes=True)
"""Numbers the stops anew under a lock of their trip; no row as above."""


class StoredTrips:
    """Document 000's TripRepository; each of its tables is a base repository."""

    def __init__(self, store: Store) -> None:
        self.trips: Collection[Trip, uuid.UUID] = Collection(store, TRIP)
        self.stops: Collection[TripStop, uuid.UUID] = Collection(store, STOP)
        self.participants: Collection[TripParticipant, uuid.UUID] = Collection(store, PARTICIPANT)
        self.expenses: Collection[TripExpense, uuid.UUID] = Collection(store, EXPENSE)
        self._people: Collection[PublicProfile, uuid.UUID] = Collection(store, PUBLIC_PROFILE)
        self._store = store

    # -- trips

    async def create_trip(self, user_id: Id, data: Mapping[str, object]) -> Trip:
        return await self.trips.of(user_id).create(data)

    async def get_user_trips(self, user_id: Id) -> list[Trip]:
        return await self.trips.of(user_id).find_many(name="get_user_trips")

    async def get_trip_by_id(self, trip_id: Id, user_id: Id) -> Trip | None:
        user = TRIP.require("user_id").operand(user_id)
        this = all_of(eq("id", trip_id), _read_by(user))
        return await self.trips.asked_by(user).find_first(this, name="get_trip_by_id")

    async def update_trip(self, trip_id: Id, user_id: Id, data: Mapping[str, object]) -> Trip:
        return await self.trips.of(user_id).update(trip_id, data)

    async def delete_trip(self, trip_id: Id, user_id: Id) -> bool:
        return await self.trips.of(user_id).delete(trip_id)

    # -- stops

    async def add_trip_stop(self, trip_id: Id, data: Mapping[str, object], *, user_id: Id | None = None) -> TripStop:
        row = Incoming(self.stops.table, {"trip_id": STOP.require("trip_id").operand(trip_id)}).new(data)
        added = await self._store.run(ADD_TRIP_STOP, ADD_TRIP_STOP.parameter(user_id=user_id, **row))
        if added is None:
            raise RepositoryNotFoundError("no such row in trips")
        return added

    async def get_trip_stops(self, trip_id: Id, *, user_id: Id | None = None) -> list[TripStop]:
        return await self._listed(self.stops, trip_id, user_id, "get_trip_stops")

    async def reorder_trip_stops(
        self, trip_id: Id, stop_ids: Sequence[Id], *, user_id: Id | None = None
    ) -> list[TripStop]:
        wanted = REORDER_TRIP_STOPS.parameter(user_id=user_id, trip_id=trip_id, stop_ids=stop_ids)
        reordered = await self._store.run(REORDER_TRIP_STOPS, wanted)
        if reordered is None:
            raise RepositoryNotFoundError("no such row in trips")
        if not reordered.complete:
            raise InvalidValue("stop_ids: not all stops of the trip, each once", field="stop_ids")
        return await self.get_trip_stops(trip_id, user_id=user_id)

    # -- participants

    async def add_trip_participant(
        self,
        trip_id: Id,
        user_id: Id,
        *,
        role: ParticipantRole | str = ParticipantRole.MEMBER,
        owner_id: Id | None = None,
    ) -> TripParticipant:
        trip = await self._writable(trip_id, owner_id)
        asked = {"trip_id": trip.id, "trip_owner_id": trip.user_id, "user_id": user_id, "role": role}
        await self.participants.asked_by(trip.user_id).insert_absent(asked, target=("trip_id", "user_id"))
        found = await self._participant(trip_id, user_id).find_first(name="add_trip_participant")
        if found is None:
            raise RepositoryNotFoundError("no such row in trip_participants")
        return found

    async def get_trip_participants(self, trip_id: Id, *, user_id: Id | None = None) -> list[ParticipantWithProfile]:
        user = _user(user_id)
        shown = TRUE if user is None else any_of(eq("trip_owner_id", user), eq("user_id", user))
        of_trip = self.participants.within("trip_id", trip_id).asked_by(user)
        found = await of_trip.find_many(shown, name="get_trip_participants")
        people = await one_each(self._people.asked_by(user), (each.user_id for each in found))
        return [ParticipantWithProfile(participant=each, profile=people.get(each.user_id)) for each in found]

    async def answer_trip_invitation(
        self, trip_id: Id, user_id: Id, *, accepts: bool, now: dt.datetime | str | None = None
    ) -> TripParticipant:
        participant = self._participant(trip_id, user_id)
        answer = ParticipantStatus.ACCEPTED if accepts else ParticipantStatus.DECLINED
        joined = (dt.datetime.now(dt.UTC) if now is None else now) if accepts else None
        changed = await participant.update_returning(ne("status", answer), {"status": answer, "joined_at": joined})
        found = changed[0] if changed else await participant.find_first(name="answer_trip_invitation")
        if found is None:
            raise RepositoryNotFoundError("no such row in trip_participants")
        return found

    async def remove_trip_participant(self, trip_id: Id, user_id: Id, *, owner_id: Id | None = None) -> bool:
        participant = self._participant(trip_id, user_id)
        of_owner = participant if owner_id is None else participant.within("trip_owner_id", owner_id)
        return await of_owner.delete_many(None) > 0

    # -- expenses

    async def add_trip_expense(
        self, trip_id: Id, data: Mapping[str, object], *, user_id: Id | None = None
    ) -> TripExpense:
        trip = await self._writable(trip_id, user_id)
        return await self.expenses.within("trip_id", trip.id).asked_by(trip.user_id).create(data)

    async def get_trip_expenses(self, trip_id: Id, *, user_id: Id | None = None) -> list[TripExpense]:
        return await self._listed(self.expenses, trip_id, user_id, "get_trip_expenses")

    async def _writable(self, trip_id: Id, user_id: Id | None) -> Trip:
        """The trip, of this user if one is named. Raises RepositoryNotFoundError."""
        return await (self.trips if user_id is None else self.trips.of(user_id)).get_or_raise(trip_id)

    async def _listed(self, rows: Collection[C, uuid.UUID], trip_id: Id, user_id: Id | None, name: str) -> list[C]:
        """The trip's rows, if the user who is named may read the trip."""
        user = _user(user_id)
        readable = TRUE if user is None else exists(TRIP, {"id": "trip_id"}, _read_by(user))
        return await rows.within("trip_id", trip_id).asked_by(user).find_many(readable, name=name)

    def _participant(self, trip_id: Id, user_id: Id) -> Collection[TripParticipant, uuid.UUID]:
        return self.participants.within("trip_id", trip_id).of(user_id)


def _user(given: Id | None) -> uuid.UUID | None:
    return cast("uuid.UUID | None", TRIP.require("user_id").admit(given))


TRIPS: Context[TripRepository] = Context(
    "trips",
    StoredTrips,
    tables=(TRIP, PARTICIPANT, STOP, EXPENSE),
    operations=(ADD_TRIP_STOP, REORDER_TRIP_STOPS),
    migrations=shipped("trips"),
    requires=("users", "profiles"),
    memory_answers="homeport.adapters.memory.trips",
)
