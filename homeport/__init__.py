"""Homeport: typed repositories over PostgreSQL, memory and the legacy Supabase API.

    async with homeport.open(contexts=["expenses"]) as db:
        await db.expenses.create_expense(user_id, {"amount": "12.50", "category": "fuel"})

What declares an application's own context stands in `homeport.kernel.table` and `homeport.kernel.types`; what tests
need in `homeport.testing`; the documents' other names of the errors in `homeport.compat`.
"""

from homeport.composition import Health, Homeport, Opening, Scope, Unit, open  # noqa: A004 - read as `homeport.open`
from homeport.kernel.binding import Filters
from homeport.kernel.capabilities import Capability
from homeport.kernel.entity import Entity
from homeport.kernel.errors import (
    AuthExpired,
    AuthInvalid,
    CheckViolation,
    CrossSchemaValidationError,
    Deadlock,
    DomainError,
    ExclusionViolation,
    ForeignKeyViolation,
    InvalidCursor,
    InvalidField,
    InvalidValue,
    LockTimeout,
    MultipleRowsError,
    NotNullViolation,
    OutcomeUnknown,
    PoolClosed,
    PoolTimeout,
    QueryError,
    QueryTooLarge,
    RepositoryConflictError,
    RepositoryConstraintError,
    RepositoryError,
    RepositoryNotFoundError,
    RepositoryPermissionError,
    RepositoryTimeoutError,
    RepositoryUnavailableError,
    RepositoryValidationError,
    RowSecurity,
    SchemaMismatch,
    SerializationConflict,
    StaleVersion,
    StatementTimeout,
    UniqueViolation,
    UnitAborted,
    Unsupported,
)
from homeport.kernel.identity import Identity, Role, identity
from homeport.kernel.observe import Observation, Observer
from homeport.kernel.pages import CursorPage, Page
from homeport.kernel.predicates import (
    Predicate,
    all_of,
    any_of,
    contains,
    eq,
    exists,
    ge,
    gt,
    is_null,
    le,
    lower,
    lt,
    ne,
    not_,
    one_of,
    starts_with,
)
from homeport.kernel.query import Deleted, Order
from homeport.kernel.table import Override
from homeport.kernel.units import Isolation, Wait
from homeport.middleware.observe import log_calls
from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.repositories.base import BaseRepository
from homeport.repositories.collection import Collection
from homeport.repositories.dicts import to_dict, to_json
from homeport.settings import Adapter, Pool, Pooler, Retry, Settings, SettingsError

__version__ = "0.1.0"

__all__ = [
    "Adapter",
    "AuthExpired",
    "AuthInvalid",
    "BaseRepository",
    "Capability",
    "CheckViolation",
    "Collection",
    "Context",
    "CrossSchemaValidationError",
    "CursorPage",
    "Deadlock",
    "Deleted",
    "DomainError",
    "Entity",
    "ExclusionViolation",
    "Filters",
    "ForeignKeyViolation",
    "Health",
    "Homeport",
    "Identity",
    "InvalidCursor",
    "InvalidField",
    "InvalidValue",
    "Isolation",
    "LockTimeout",
    "MultipleRowsError",
    "NotNullViolation",
    "Observation",
    "Observer",
    "Opening",
    "Order",
    "OutcomeUnknown",
    "Override",
    "Page",
    "Pool",
    "PoolClosed",
    "PoolTimeout",
    "Pooler",
    "Predicate",
    "QueryError",
    "QueryTooLarge",
    "RepositoryConflictError",
    "RepositoryConstraintError",
    "RepositoryError",
    "RepositoryNotFoundError",
    "RepositoryPermissionError",
    "RepositoryTimeoutError",
    "RepositoryUnavailableError",
    "RepositoryValidationError",
    "Retry",
    "Role",
    "RowSecurity",
    "SchemaMismatch",
    "Scope",
    "SerializationConflict",
    "Settings",
    "SettingsError",
    "StaleVersion",
    "StatementTimeout",
    "Store",
    "UniqueViolation",
    "Unit",
    "UnitAborted",
    "Unsupported",
    "Wait",
    "all_of",
    "any_of",
    "contains",
    "eq",
    "exists",
    "ge",
    "gt",
    "identity",
    "is_null",
    "le",
    "log_calls",
    "lower",
    "lt",
    "ne",
    "not_",
    "one_of",
    "open",
    "starts_with",
    "to_dict",
    "to_json",
]
