"""What PostgreSQL's error codes mean, whichever way they came: one table for every adapter over a server."""

from collections.abc import Mapping
from typing import TypeAlias

from homeport.kernel.errors import (
    CheckViolation,
    Deadlock,
    DomainError,
    ExclusionViolation,
    ForeignKeyViolation,
    InvalidValue,
    LockTimeout,
    NotNullViolation,
    OutcomeUnknown,
    QueryError,
    QueryTooLarge,
    RepositoryConflictError,
    RepositoryConstraintError,
    RepositoryError,
    RepositoryPermissionError,
    RepositoryTimeoutError,
    RepositoryUnavailableError,
    SchemaMismatch,
    SerializationConflict,
    StatementTimeout,
    UniqueViolation,
    UnitAborted,
)

Meaning: TypeAlias = type[RepositoryError]

BY_CODE: Mapping[str, Meaning] = {
    "0L000": RepositoryPermissionError,
    "0LP01": RepositoryPermissionError,
    "0P000": RepositoryPermissionError,
    "23001": ForeignKeyViolation,  # what ON DELETE RESTRICT raises from PostgreSQL 18 on
    "23502": NotNullViolation,
    "23503": ForeignKeyViolation,
    "23505": UniqueViolation,
    "23514": CheckViolation,
    "23P01": ExclusionViolation,
    "25P02": UnitAborted,
    "25P03": RepositoryTimeoutError,
    "25P04": RepositoryTimeoutError,
    "3F000": SchemaMismatch,
    "40001": SerializationConflict,
    "40002": RepositoryConstraintError,
    "40003": OutcomeUnknown,
    "40P01": Deadlock,
    "42501": RepositoryPermissionError,
    "42703": SchemaMismatch,
    "42704": SchemaMismatch,
    "42804": InvalidValue,
    "428C9": InvalidValue,
    "42883": SchemaMismatch,
    "42P01": SchemaMismatch,
    "44000": CheckViolation,
    "54000": InvalidValue,  # a value too long for its index
    "55P03": LockTimeout,
    "57014": StatementTimeout,
    "P0001": DomainError,
}

_MISTAKES = (
    *("00", "01", "02", "03", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21", "24", "25", "26", "27"),
    *("2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "42", "44", "55", "F0", "HV", "XX"),
)

BY_CLASS: Mapping[str, Meaning] = {
    "08": RepositoryUnavailableError,
    "22": InvalidValue,
    "23": RepositoryConstraintError,
    "28": RepositoryPermissionError,
    "40": RepositoryConflictError,
    "53": RepositoryUnavailableError,
    "54": QueryTooLarge,
    "57": RepositoryUnavailableError,
    "58": RepositoryUnavailableError,
    "72": RepositoryConflictError,
    "P0": DomainError,
    **dict.fromkeys(_MISTAKES, QueryError),
}
"""PostgreSQL's own classes. A code of any other class is a function's own: a DomainError."""

_LOST = ("08", "57P")
_AT_THE_DOOR = ("57P03",)


def meaning(code: str) -> Meaning:
    """The class of a five-letter code."""
    return BY_CODE.get(code) or BY_CLASS.get(code[:2], DomainError)


def lost(code: str) -> bool:
    """Whether the code tells of a connection that broke, so that a write sent over it may have happened."""
    return code.startswith(_LOST) and code not in _AT_THE_DOOR
