"""The composition: settings in, an opened Homeport out. The only package that knows adapters by name."""

from homeport.composition.maintenance import check_schema, create_logins, migrate_down, migrate_up, migration_status
from homeport.composition.opened import Homeport, Opening
from homeport.composition.opening import Contexts, Database, in_memory, open  # noqa: A004 - read as `homeport.open`

__all__ = [
    "Contexts",
    "Database",
    "Homeport",
    "Opening",
    "check_schema",
    "create_logins",
    "in_memory",
    "migrate_down",
    "migrate_up",
    "migration_status",
    "open",
]
