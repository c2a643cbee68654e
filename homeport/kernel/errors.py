"""What can go wrong, by meaning and not by driver. Messages name the thing, never a row's values.

RepositoryError
├── RepositoryNotFoundError          the row to change is not there
├── MultipleRowsError                one row was asked for, several answered
├── RepositoryPermissionError        the database refused the role
│   ├── RowSecurity                  a row policy refused the row
│   ├── AuthExpired                  the bearer token is too old
│   └── AuthInvalid                  the bearer token is not valid
├── RepositoryConstraintError        constraint, table, columns
│   ├── UniqueViolation
│   ├── ForeignKeyViolation
│   ├── NotNullViolation
│   ├── CheckViolation
│   └── ExclusionViolation
├── RepositoryConflictError          somebody else was there first; the whole unit may be tried again
│   ├── SerializationConflict
│   ├── Deadlock
│   └── StaleVersion
├── RepositoryValidationError        the caller's input, refused before anything is written; field
│   ├── InvalidValue
│   ├── InvalidField
│   └── InvalidCursor
├── QueryError                       a mistake in the program or its configuration
│   ├── SchemaMismatch               the database lacks what a Table declares
│   └── QueryTooLarge                the statement does not fit the transport
├── DomainError                      a database function's own refusal; code
├── RepositoryUnavailableError       not reached, not executed: safe to try again
│   └── PoolClosed
├── RepositoryTimeoutError
│   ├── PoolTimeout
│   ├── LockTimeout
│   └── StatementTimeout
├── OutcomeUnknown                   a write was sent and its answer lost: it may have happened
├── Unsupported                      a declared gap of the adapter, refused before anything is written
├── UnitAborted                      an earlier statement of this unit failed; roll back first
└── CrossSchemaValidationError       a reference into another schema points at nothing
"""

from collections.abc import Iterable
from difflib import get_close_matches


class RepositoryError(Exception):
    """Root of all errors a repository raises.

    Attributes:
        code: SQLSTATE or PGRST code of the cause; None where no server was involved.
    """

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class RepositoryNotFoundError(RepositoryError):
    """The row to change does not exist, is soft-deleted, or belongs to somebody else: the three are not told apart."""


class MultipleRowsError(RepositoryError):
    """One row was asked for and several answered."""


class RepositoryPermissionError(RepositoryError):
    """The database refused the role."""


class RowSecurity(RepositoryPermissionError):
    """A row policy refused to write the row."""


class AuthExpired(RepositoryPermissionError):
    """The bearer token is too old; refresh it and try again."""


class AuthInvalid(RepositoryPermissionError):
    """The bearer token's signature, audience or form is wrong."""


class RepositoryConstraintError(RepositoryError):
    """A constraint of the database refused the write; nothing of the statement was written.

    Attributes:
        constraint: the constraint's name as the database has it; None for NOT NULL.
        table: the table that declares the constraint, without its schema; None if unknown.
        columns: its columns in declaration order; empty if unknown.
    """

    def __init__(
        self,
        message: str,
        *,
        constraint: str | None = None,
        table: str | None = None,
        columns: Iterable[str] = (),
        code: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.constraint = constraint
        self.table = table
        self.columns = tuple(columns)


class UniqueViolation(RepositoryConstraintError):
    """A row with the same unique value exists."""


class ForeignKeyViolation(RepositoryConstraintError):
    """The referenced row is missing, or the row is still referenced."""


class NotNullViolation(RepositoryConstraintError):
    """A required column has no value."""


class CheckViolation(RepositoryConstraintError):
    """The row breaks a declared rule."""


class ExclusionViolation(RepositoryConstraintError):
    """The row overlaps another that excludes it."""


class RepositoryConflictError(RepositoryError):
    """Somebody else was there first. Nothing was committed; the whole unit may be tried again."""


class SerializationConflict(RepositoryConflictError):
    """The unit can't be placed in any serial order with those that committed (40001)."""


class Deadlock(RepositoryConflictError):
    """The unit was chosen as the victim of a deadlock (40P01)."""


class StaleVersion(RepositoryConflictError):
    """The row has changed since its version was read."""


class RepositoryValidationError(RepositoryError, ValueError):
    """The caller's input was refused before anything was written.

    Attributes:
        field: the column or parameter that was refused; None if it is no single one.
    """

    def __init__(self, message: str, *, field: str | None = None, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.field = field


class InvalidValue(RepositoryValidationError):
    """The value can't be stored or compared exactly in this column."""


class InvalidField(RepositoryValidationError):
    """No such column, or not one that may be written or ordered by here."""


class InvalidCursor(RepositoryValidationError):
    """The cursor was not issued here, was changed, or belongs to another query."""


class QueryError(RepositoryError):
    """A mistake in the program or its configuration, not in the data."""


class SchemaMismatch(QueryError):
    """The database lacks a table, column or function that is declared."""


class QueryTooLarge(QueryError):
    """The statement does not fit the transport and can't be cut without losing its meaning."""


class DomainError(RepositoryError):
    """A database function's own refusal; `code` is the one it raised (P0001, PT409 ..)."""


class RepositoryUnavailableError(RepositoryError):
    """The server was not reached or did not execute the call; trying again is safe."""


class PoolClosed(RepositoryUnavailableError):
    """The pool is closed."""


class RepositoryTimeoutError(RepositoryError):
    """A deadline passed; nothing was committed."""


class PoolTimeout(RepositoryTimeoutError):
    """No connection became free in time."""


class LockTimeout(RepositoryTimeoutError):
    """A row lock could not be had in time."""


class StatementTimeout(RepositoryTimeoutError):
    """The server cancelled the statement."""


class OutcomeUnknown(RepositoryError):
    """A write was sent and its answer lost: it may or may not have happened. Read back before repeating it."""


class Unsupported(RepositoryError, NotImplementedError):
    """A declared gap of this adapter, refused before anything was written."""


class UnitAborted(RepositoryError):
    """An earlier statement of this unit failed; only a rollback is possible."""


class CrossSchemaValidationError(RepositoryError):
    """A reference into another schema points at nothing."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> str:
    """The sentence for a name that is not known, with the nearest ones that are."""
    names = sorted(known)
    near = get_close_matches(str(name), names, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(names)}"
    return f"no {kind} {str(name)[:80]!r}; {hint}"
