"""The composition: settings in, an opened Homeport out. The only package that knows adapters by name."""

from homeport.composition.maintenance import (
    check_schema,
    create_logins,
    execute_sql,
    migrate_down,
    migrate_up,
    migration_status,
)
from homeport.composition.opened import Health, Homeport, Opening, Scope
from homeport.composition.opening import Wrap, in_memory, open  # noqa: A004 - read as `homeport.open`
from homeport.composition.sessions import Contexts, Database
from homeport.composition.units import Unit

__all__ = [
    "Contexts",
    "Database",
    "Health",
    "Homeport",
    "Opening",
    "Scope",
    "Unit",
    "Wrap",
    "check_schema",
    "create_logins",
    "execute_sql",
    "in_memory",
    "migrate_down",
    "migrate_up",
    "migration_status",
    "open",
]
