"""Who goes through the same: mentors, buddies, groups. Knows nothing of storage."""

import datetime as dt
import enum
import uuid

import attrs

from homeport.kernel.entity import Entity


class ConnectionType(enum.StrEnum):
    MENTOR = "mentor"
    BUDDY = "buddy"
    MEETUP = "meetup"
    GROUP = "group"


class ConnectionStatus(enum.StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    BLOCKED = "blocked"


@attrs.frozen(kw_only=True)
class CommunityConnection(Entity):
    """One user who asks another to come along, or is still looking for somebody."""

    id: uuid.UUID
    user_id: uuid.UUID
    buddy_user_id: uuid.UUID | None = None
    connection_type: ConnectionType = ConnectionType.BUDDY
    status: ConnectionStatus = ConnectionStatus.PENDING
    match_score: int | None = None
    shared_interests: list[object] = attrs.field(factory=list)
    last_contact_date: dt.date | None = None
    notes: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime
