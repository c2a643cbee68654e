"""PAM, the assistant: what was said to it, what it remembers of somebody, where they stand, and what it knows.

Knows nothing of storage.
"""

import datetime as dt
import enum
import uuid
from decimal import Decimal

import attrs

from homeport.kernel.entity import Entity


class MemoryType(enum.StrEnum):
    WORKING = "working"
    EPISODIC = "episodic"
    SEMANTIC = "semantic"


@attrs.frozen(kw_only=True)
class PamInteraction(Entity):
    """One exchange with the assistant, and how it went."""

    id: uuid.UUID
    user_id: uuid.UUID
    session_id: str | None = None
    user_message: str | None = None
    pam_response: str | None = None
    intent: str | None = None
    tool_name: str | None = None
    tool_args: dict[str, object] | None = None
    success: bool = True
    error: str | None = None
    response_time_ms: int | None = None
    tokens_used: int | None = None
    metadata: dict[str, object] = attrs.field(factory=dict)
    created_at: dt.datetime


@attrs.frozen(kw_only=True)
class PamMemory(Entity):
    """Something that the assistant remembers of one user, until it expires if it ever does.

    The importance, 0 to 1, is of single precision: 0.8 is answered as 0.800000011920929.
    """

    id: uuid.UUID
    user_id: uuid.UUID
    memory_type: MemoryType
    content: dict[str, object]
    content_text: str
    importance_score: float = 0.5
    access_count: int = 0
    last_accessed: dt.datetime | None = None
    context: dict[str, object] = attrs.field(factory=dict)
    source: str = "user_interaction"
    tags: tuple[str, ...] = ()
    expires_at: dt.datetime | None = None
    is_active: bool = True
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class PamContext(Entity):
    """What is going on for one user, until it expires if it ever does. Its key is the user."""

    user_id: uuid.UUID
    context_type: str = "general"
    context_data: dict[str, object] = attrs.field(factory=dict)
    current_location: dict[str, object] | None = None
    active_trip_id: uuid.UUID | None = None
    learned_preferences: dict[str, object] = attrs.field(factory=dict)
    recent_intents: tuple[str, ...] | None = None
    expires_at: dt.datetime | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class AdminKnowledge(Entity):
    """Something that administrators taught the assistant, for everybody. The higher priority counts more."""

    id: uuid.UUID
    admin_user_id: uuid.UUID
    title: str
    content: str
    category: str
    knowledge_type: str
    tags: tuple[str, ...] | None = None
    location_context: str | None = None
    date_context: str | None = None
    priority: int = 0
    is_active: bool = True
    usage_count: int = 0
    last_used_at: dt.datetime | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class UserSettings(Entity):
    """How one user wants things. The key is the user."""

    user_id: uuid.UUID
    notification_preferences: dict[str, object] = attrs.field(factory=dict)
    privacy_preferences: dict[str, object] = attrs.field(factory=dict)
    display_preferences: dict[str, object] = attrs.field(factory=dict)
    regional_preferences: dict[str, object] = attrs.field(factory=dict)
    pam_preferences: dict[str, object] = attrs.field(factory=dict)
    location_preferences: dict[str, object] = attrs.field(factory=dict)
    integration_preferences: dict[str, object] = attrs.field(factory=dict)
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class Campground(Entity):
    """A place to stay for the night."""

    id: uuid.UUID
    name: str
    address: str
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    amenities: tuple[str, ...] | None = None
    hookup_types: tuple[str, ...] | None = None
    is_rv_friendly: bool | None = None
    max_rv_length: Decimal | None = None
    price_per_night: Decimal | None = None
    rating: Decimal | None = None
    created_at: dt.datetime
    updated_at: dt.datetime
