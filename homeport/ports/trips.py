"""Trips port: document 000's TripRepository."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol

from homeport.domain.ids import Id
from homeport.domain.trips import (
    ParticipantRole,
    ParticipantWithProfile,
    Trip,
    TripExpense,
    TripParticipant,
    TripStop,
)


class TripRepository(Protocol):
    """A trip is its user's; who was asked to come along and accepted reads it too. For all others it is as absent.

    The methods that are asked for a trip and no user see anybody's, unless they are told for whom: `user_id` limits
    what is read to what that user may read, and what is written to that user's own trips. Where `user_id` is the
    participant, `owner_id` says whose the trip has to be.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    # -- trips

    async def create_trip(self, user_id: Id, data: Mapping[str, object]) -> Trip:
        """Planned and private, unless the data says otherwise.

        Raises:
            NotNullViolation: no origin or destination.
            CheckViolation: it ends before it starts.
            ForeignKeyViolation: no such user.
        """

    async def get_user_trips(self, user_id: Id) -> list[Trip]:
        """The user's own, the latest start first, those without a start last, then by id; empty if there are none."""

    async def get_trip_by_id(self, trip_id: Id, user_id: Id) -> Trip | None:
        """One that the user may read; None if it is absent."""

    async def update_trip(self, trip_id: Id, user_id: Id, data: Mapping[str, object]) -> Trip:
        """Raises RepositoryNotFoundError if it is absent or not the user's own; constraint errors as `create_trip`."""

    async def delete_trip(self, trip_id: Id, user_id: Id) -> bool:
        """Removes it for good, with its stops, participants and expenses; False if it is absent or not the user's own.

        Calendar events of the trip stay, and are of no trip.
        """

    # -- stops

    async def add_trip_stop(self, trip_id: Id, data: Mapping[str, object], *, user_id: Id | None = None) -> TripStop:
        """At the given `stop_order`, or after the last stop. Calls for one trip are carried out one after the other.

        Raises:
            RepositoryNotFoundError: the trip is absent, or not of the user who is named.
            NotNullViolation: no name.
            UniqueViolation: the trip has a stop at this place of its order.
            CheckViolation: a place below 0, a latitude, longitude or rating out of range.
        """

    async def get_trip_stops(self, trip_id: Id, *, user_id: Id | None = None) -> list[TripStop]:
        """In their order; empty if the trip is absent, has none, or may not be read by the user who is named."""

    async def reorder_trip_stops(
        self, trip_id: Id, stop_ids: Sequence[Id], *, user_id: Id | None = None
    ) -> list[TripStop]:
        """The stops in the order of the ids, now numbered from 0.

        Raises:
            RepositoryNotFoundError: the trip is absent, or not of the user who is named.
            InvalidValue: the ids are not all of the trip's stops, each once; nothing is changed.
        """

    # -- participants

    async def add_trip_participant(
        self,
        trip_id: Id,
        user_id: Id,
        *,
        role: ParticipantRole | str = ParticipantRole.MEMBER,
        owner_id: Id | None = None,
    ) -> TripParticipant:
        """Asks the user to come along. Somebody who was asked before stays as they are, role and answer.

        Raises:
            RepositoryNotFoundError: the trip is absent or another's, or the participant was removed meanwhile.
            ForeignKeyViolation: no such user.
        """

    async def get_trip_participants(self, trip_id: Id, *, user_id: Id | None = None) -> list[ParticipantWithProfile]:
        """Who joined first comes first, who did not join last, then by id. Two queries, whatever their number.

        With `user_id`: everybody for the trip's user, for a participant themself. Empty if the trip is absent.
        """

    async def answer_trip_invitation(
        self, trip_id: Id, user_id: Id, *, accepts: bool, now: dt.datetime | str | None = None
    ) -> TripParticipant:
        """Whoever accepts has joined, `now` or at the application's time; to answer the same again changes nothing.

        Raises:
            RepositoryNotFoundError: the user is no participant of the trip.
        """

    async def remove_trip_participant(self, trip_id: Id, user_id: Id, *, owner_id: Id | None = None) -> bool:
        """For those who leave, or are not wanted any more; False if there is no such participant."""

    # -- expenses

    async def add_trip_expense(
        self, trip_id: Id, data: Mapping[str, object], *, user_id: Id | None = None
    ) -> TripExpense:
        """Of today, in UTC, unless the data says otherwise. Who paid is the data's `user_id`.

        Raises:
            RepositoryNotFoundError: the trip is absent, or not of the user who is named.
            NotNullViolation: no amount or category.
            CheckViolation: a negative amount, or a currency that is not three capital letters.
            ForeignKeyViolation: an unknown payer.
        """

    async def get_trip_expenses(self, trip_id: Id, *, user_id: Id | None = None) -> list[TripExpense]:
        """By date, then id; empty if the trip is absent, has none, or may not be read by the user who is named."""
