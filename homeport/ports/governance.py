"""Governance ports: document 001's audit log and system configuration."""

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias

from homeport.domain.governance import AuditLog, SystemConfig, ValueType
from homeport.domain.ids import Id

Settings: TypeAlias = list[SystemConfig]
"""Said outside the class, in which `list` is a method."""


class AuditRepository(Protocol):
    """Entries are only added, never changed. Lists are newest first, of the same moment the later entry first.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    async def record(self, data: Mapping[str, object]) -> AuditLog:
        """Adds an entry, of the database's time.

        Raises:
            NotNullViolation: no action, or no resource_type.
            ForeignKeyViolation: no such actor.
        """

    async def history(self, resource_type: str, resource_id: Id | int, limit: int = 50) -> list[AuditLog]:
        """What was done to one thing; empty if nothing was."""

    async def by_actor(self, user_id: Id, limit: int = 50) -> list[AuditLog]:
        """What one user did; empty if nothing."""


class SystemConfigRepository(Protocol):
    """Settings by key. The value of a secret is answered as REDACTED unless `reveal` asks for it.

    `define` and `set` add an entry to the audit log as well, without the values of secrets. It is a statement of its
    own: in a unit both are written or neither.

    Raises everywhere:
        RepositoryValidationError: a malformed id, a value that does not fit, or is not of the setting's value_type.
    """

    async def get(self, key: str, *, reveal: bool = False) -> SystemConfig | None:
        """None if there is none."""

    async def get_value(self, key: str, default: object = None, *, reveal: bool = False) -> object:
        """The value alone; the default if there is no such setting."""

    async def get_many(self, keys: Iterable[str], *, reveal: bool = False) -> dict[str, SystemConfig]:
        """By key, in the order asked; absent ones are left out."""

    async def define(
        self,
        key: str,
        value: object,
        *,
        value_type: ValueType | str = ValueType.JSON,
        description: str | None = None,
        is_secret: bool = False,
        updated_by: Id | None = None,
    ) -> SystemConfig:
        """A new setting, of version 1.

        Raises:
            UniqueViolation: there is one of this key.
            NotNullViolation: the value is None.
            ForeignKeyViolation: no such user.
        """

    async def set(self, key: str, value: object, version: int, *, updated_by: Id | None = None) -> SystemConfig:
        """A new value in the place of the one of this version; the version goes up by one.

        The entry in the audit log is a second write: in a unit of work both happen or neither.

        Raises:
            RepositoryNotFoundError: there is none.
            StaleVersion: the setting has changed since this version was read.
            NotNullViolation, ForeignKeyViolation: as `define`.
        """

    async def list(self, prefix: str = "", *, reveal: bool = False) -> Settings:
        """All whose key starts with the prefix, by key; empty if none."""


class GovernanceRepository(AuditRepository, SystemConfigRepository, Protocol):
    """Both at once."""
