"""Governance over any store."""

from collections.abc import Iterable, Mapping
from typing import cast

from homeport.domain.governance import AuditLog, SystemConfig, ValueType
from homeport.domain.ids import Id
from homeport.kernel.errors import InvalidValue
from homeport.kernel.policies import SERVICE, catalogue
from homeport.kernel.predicates import eq, starts_with
from homeport.kernel.table import CREATED, IDENTITY, UPDATED, USER_OR_NULL, at_least, column, index, table
from homeport.kernel.types import JsonType
from homeport.ports.context import Context
from homeport.ports.governance import GovernanceRepository, Settings
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.repositories.migrations import shipped
from homeport.repositories.relations import one_each

AUDIT_LOG = table(
    AuditLog,
    "audit_logs",
    columns={
        "id": IDENTITY,
        "occurred_at": CREATED,
        "actor_user_id": USER_OR_NULL,
    },
    indexes=[
        index("resource_type", "resource_id", "-occurred_at"),
        index("actor_user_id", "-occurred_at"),
        index("occurred_at", method="brin"),
    ],
    policies=SERVICE,
    order=["-occurred_at", "-id"],
    withheld=True,
    append_only=True,
)

SYSTEM_CONFIG = table(
    SystemConfig,
    "system_config",
    key="key",
    version="version",
    columns={"value": column(JsonType()), "updated_by": USER_OR_NULL, "created_at": CREATED, "updated_at": UPDATED},
    checks=[at_least("version", 1)],
    indexes=[index("updated_by")],
    policies=catalogue(eq("is_secret", False)),
    order=["key"],
    withheld=True,
)


class StoredGovernance:
    """Both ports over a store. The audit log has no collection here: it is only added to."""

    def __init__(self, store: Store) -> None:
        self.settings: Collection[SystemConfig, str] = Collection(store, SYSTEM_CONFIG)
        self._entries: Collection[AuditLog, int] = Collection(store, AUDIT_LOG)

    # -- audit log

    async def record(self, data: Mapping[str, object]) -> AuditLog:
        return await self._entries.create(data)

    async def history(self, resource_type: str, resource_id: Id | int, limit: int = 50) -> list[AuditLog]:
        of_one = self._entries.within("resource_type", resource_type).within("resource_id", str(resource_id))
        return await of_one.find_many(limit=limit, name="history")

    async def by_actor(self, user_id: Id, limit: int = 50) -> list[AuditLog]:
        return await self._entries.within("actor_user_id", user_id).find_many(limit=limit, name="by_actor")

    # -- system configuration

    async def get(self, key: str, *, reveal: bool = False) -> SystemConfig | None:
        found = await self.settings.find_by_id(key)
        return None if found is None else _shown(found, reveal=reveal)

    async def get_value(self, key: str, default: object = None, *, reveal: bool = False) -> object:
        found = await self.get(key, reveal=reveal)
        return default if found is None else found.value

    async def get_many(self, keys: Iterable[str], *, reveal: bool = False) -> dict[str, SystemConfig]:
        found = await one_each(self.settings, keys)
        return {key: _shown(each, reveal=reveal) for key, each in found.items()}

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
        _check_type(cast("ValueType", SYSTEM_CONFIG.require("value_type").operand(value_type)), value)
        made = await self.settings.create(
            {
                "key": key,
                "value": value,
                "value_type": value_type,
                "description": description,
                "is_secret": is_secret,
                "updated_by": updated_by,
            }
        )
        return await self._changed("insert", None, made)

    async def set(self, key: str, value: object, version: int, *, updated_by: Id | None = None) -> SystemConfig:
        before = await self.settings.get_or_raise(key)
        _check_type(before.value_type, value)
        changed = await self.settings.update(key, {"value": value, "updated_by": updated_by}, version=version)
        return await self._changed("update", before, changed)

    async def list(self, prefix: str = "", *, reveal: bool = False) -> Settings:
        found = await self.settings.find_many(starts_with("key", prefix), name="list")
        return [_shown(each, reveal=reveal) for each in found]

    async def _changed(self, action: str, before: SystemConfig | None, after: SystemConfig) -> SystemConfig:
        """Adds what has changed to the audit log, and answers the setting as it may be shown."""
        shown = after.redacted()
        await self.record(
            {
                "actor_user_id": after.updated_by,
                "action": action,
                "schema_name": SYSTEM_CONFIG.schema,
                "resource_type": SYSTEM_CONFIG.name,
                "resource_id": after.key,
                "old_values": None if before is None else _audited(before),
                "new_values": _audited(after),
            }
        )
        return shown


def _audited(setting: SystemConfig) -> dict[str, object]:
    return {"value": setting.redacted().value, "version": setting.version}


def _shown(setting: SystemConfig, *, reveal: bool) -> SystemConfig:
    return setting if reveal else setting.redacted()


def _check_type(kind: ValueType, value: object) -> None:
    """None is left to the column, which takes none."""
    if value is not None and not kind.takes(value):
        raise InvalidValue(f"value: this setting takes {kind}, not {type(value).__name__}", field="value")


GOVERNANCE: Context[GovernanceRepository] = Context(
    "governance",
    StoredGovernance,
    tables=(AUDIT_LOG, SYSTEM_CONFIG),
    migrations=shipped("governance"),
    requires=("users",),
)
