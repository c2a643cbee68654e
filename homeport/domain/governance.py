"""Governance: who did what, and how the application is set. Knows nothing of storage."""

import datetime as dt
import enum
import uuid

import attrs

from homeport.kernel.entity import Entity
from homeport.kernel.types import IpAddress

REDACTED = "[redacted]"
"""What stands in the place of a secret's value."""


class ValueType(enum.StrEnum):
    """What the value of a setting is."""

    STRING = "string"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    JSON = "json"

    def takes(self, value: object) -> bool:
        """Whether the value is of this type. A whole number is a float too, a bool is no number."""
        match self:
            case ValueType.STRING:
                return isinstance(value, str)
            case ValueType.INT:
                return isinstance(value, int) and not isinstance(value, bool)
            case ValueType.FLOAT:
                return isinstance(value, int | float) and not isinstance(value, bool)
            case ValueType.BOOL:
                return isinstance(value, bool)
            case ValueType.JSON:
                return True


@attrs.frozen(kw_only=True)
class AuditLog(Entity):
    """That somebody did something to a thing, and what it was before and after. Nobody in particular has no actor."""

    id: int
    occurred_at: dt.datetime
    actor_user_id: uuid.UUID | None = None
    action: str
    schema_name: str | None = None
    resource_type: str
    resource_id: str | None = None
    old_values: dict[str, object] | None = None
    new_values: dict[str, object] | None = None
    request_id: str | None = None
    ip_address: IpAddress | None = None
    user_agent: str | None = None


@attrs.frozen(kw_only=True)
class SystemConfig(Entity):
    """One setting. Its version goes up by one with every change; its value stays out of the printed form."""

    key: str
    value: object = attrs.field(repr=False)
    value_type: ValueType = ValueType.JSON
    description: str | None = None
    is_secret: bool = False
    version: int = 1
    updated_by: uuid.UUID | None = None
    created_at: dt.datetime
    updated_at: dt.datetime

    def redacted(self) -> "SystemConfig":
        """The same, without the value of a secret."""
        return attrs.evolve(self, value=REDACTED) if self.is_secret else self
