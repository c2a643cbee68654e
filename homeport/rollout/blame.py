"""Whose error it is: an adapter's, which counts against it, or the caller's own."""

import asyncio
from collections.abc import Mapping

from homeport.kernel import errors

CALLERS_OWN: Mapping[type[BaseException], str] = {
    errors.RepositoryNotFoundError: "the row is not there, whoever is asked",
    errors.MultipleRowsError: "the data has more rows than the caller believes",
    errors.RowSecurity: "a policy of the database has judged the caller's row",
    errors.AuthExpired: "the caller's token",
    errors.AuthInvalid: "the caller's token",
    errors.RepositoryConstraintError: "a rule of the database has judged the caller's row",
    errors.UniqueViolation: "the same",
    errors.ForeignKeyViolation: "the same",
    errors.NotNullViolation: "the same",
    errors.CheckViolation: "the same",
    errors.ExclusionViolation: "the same",
    errors.RepositoryConflictError: "callers met one another",
    errors.SerializationConflict: "the same",
    errors.Deadlock: "the same",
    errors.StaleVersion: "the same",
    errors.LockTimeout: "the same: another caller kept the lock",
    errors.RepositoryValidationError: "the caller's input",
    errors.InvalidValue: "the same",
    errors.InvalidField: "the same",
    errors.InvalidCursor: "the same",
    errors.CrossSchemaValidationError: "the same: it refers to nothing",
    errors.DomainError: "a function's own refusal of what was asked",
    errors.Unsupported: "a declared gap, refused before anything is sent",
    errors.UnitAborted: "an earlier error, which was counted",
    errors.PoolClosed: "the process is about to end",
    asyncio.CancelledError: "the caller went away; how long it had waited is counted as a time",
}
"""Errors that say nothing about an adapter, with the reason. All others are faults, also those that nobody knows."""

FAULTS: Mapping[type[BaseException], str] = {
    errors.RepositoryError: "one that an adapter could not name",
    errors.RepositoryPermissionError: "the adapter's login lacks a grant",
    errors.QueryError: "the server did not take the statement",
    errors.SchemaMismatch: "the adapter's database lacks what is declared",
    errors.QueryTooLarge: "a limit of the adapter's transport",
    errors.RepositoryUnavailableError: "not reached, or not executed",
    errors.RepositoryTimeoutError: "no answer in time",
    errors.PoolTimeout: "no connection in time",
    errors.StatementTimeout: "no answer in time",
    errors.OutcomeUnknown: "the answer to a write was lost",
}
"""The errors of the tree that count against an adapter, with the reason."""

_OWN = frozenset(kind.__name__ for kind in CALLERS_OWN)


def is_fault(error: str) -> bool:
    """Whether an error of that class name counts against the adapter that raised it."""
    return error not in _OWN
