"""What asyncpg and PostgreSQL raise, as Homeport's errors: one table by SQLSTATE. Messages never hold a row's values.

The server's own text is kept only where it can hold nothing but names (SchemaMismatch), or is a function's own words
(DomainError).
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import asyncpg

from homeport.kernel.catalog import Catalog
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
    PoolClosed,
    QueryError,
    QueryTooLarge,
    RepositoryConflictError,
    RepositoryConstraintError,
    RepositoryError,
    RepositoryPermissionError,
    RepositoryTimeoutError,
    RepositoryUnavailableError,
    RowSecurity,
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
    "42P01": SchemaMismatch,
    "44000": CheckViolation,
    "54000": InvalidValue,  # a value too long for its index
    "55P03": LockTimeout,
    "57014": StatementTimeout,
    "P0001": DomainError,
}

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
    **dict.fromkeys(
        (
            *(
                "00",
                "01",
                "02",
                "03",
                "09",
                "0A",
                "0B",
                "0F",
                "0L",
                "0P",
                "0Z",
                "10",
                "20",
                "21",
                "24",
                "25",
                "26",
                "27",
            ),
            *("2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "42", "44", "55", "F0", "HV", "XX"),
        ),
        QueryError,
    ),
}
"""PostgreSQL's own classes. A code of any other class is a function's own: a DomainError."""

_LOST = ("08", "57P")
_NAMES_ONLY = ("42P01", "42703", "42704", "42883", "3F000")


def translated(error: BaseException, catalog: Catalog, *, sent: bool, alive: bool) -> RepositoryError | None:
    """The error by its meaning; None for one that is no answer of the driver or the server.

    `sent` says that a write may have reached the server: if its answer is lost, so is its outcome. `alive` says that
    the connection goes on: then the driver has refused the call itself.
    """
    match error:
        case RepositoryError():
            return error
        case asyncpg.InvalidCachedStatementError() | asyncpg.OutdatedSchemaCacheError():
            return RepositoryUnavailableError("the database's schema changed under a prepared statement", code="0A000")
        case asyncpg.PostgresError():
            return _answered(error, catalog, sent=sent)
        case TimeoutError() if not sent:
            return StatementTimeout("the statement took too long")
        case asyncpg.InterfaceError() if alive and not any(map(_is_loss, _causes(error))):
            return QueryError("the driver refused the call: the parameters don't fit the statement")
        case asyncpg.InterfaceError() | asyncpg.InternalClientError() | OSError():
            return _lost(error, sent=sent)
        case ValueError() | OverflowError():
            return SchemaMismatch("a stored value is out of its type's range in Python")
        case _:
            return None


def not_reached(error: BaseException, *, closed: bool = False) -> RepositoryError | None:
    """As `translated`, for an error before anything was sent: while connecting, or waiting for a connection."""
    match error:
        case asyncpg.PostgresError():
            code = sqlstate(error)
            return _meaning(error, code)(f"the server refused the connection ({_condition(error, code)})", code=code)
        case asyncpg.InterfaceError() if closed:
            return PoolClosed("the pool is closed")
        case asyncpg.ClientConfigurationError() | asyncpg.UnsupportedClientFeatureError():
            return QueryError("the database URL or its options are not understood")
        case asyncpg.InterfaceError() | asyncpg.InternalClientError() | OSError():
            return RepositoryUnavailableError(f"the server was not reached ({type(error).__name__})")
        case _:
            return None


def sqlstate(error: asyncpg.PostgresError) -> str:
    """The code that was raised; XX000 where the driver knows none."""
    return str(getattr(error, "sqlstate", None) or "XX000")


def _answered(error: asyncpg.PostgresError, catalog: Catalog, *, sent: bool) -> RepositoryError:
    code = sqlstate(error)
    meaning = _meaning(error, code)
    if issubclass(meaning, RepositoryConstraintError):
        return _constraint(error, code, meaning, catalog)
    if sent and code.startswith(_LOST):
        return _lost(error, sent=True, code=code)
    if meaning is DomainError or code in _NAMES_ONLY:
        return meaning(str(error.args[0]) if error.args else "", code=code)
    return meaning(f"{_SAID.get(meaning, 'the database refused the statement')} ({_condition(error, code)})", code=code)


def _meaning(error: asyncpg.PostgresError, code: str) -> Meaning:
    if code == "42501" and _by_row_policy(error):
        return RowSecurity
    if code == "22023" and _text(error, "server_source_function") == "check_role":
        return RepositoryPermissionError
    return BY_CODE.get(code) or BY_CLASS.get(code[:2], DomainError)


def _by_row_policy(error: asyncpg.PostgresError) -> bool:
    """By the server's function, which no language setting translates; its text only where that is not told."""
    return _text(error, "server_source_function") == "ExecWithCheckOptions" or "row-level security" in str(error.args)


def _constraint(
    error: asyncpg.PostgresError, code: str, meaning: type[RepositoryConstraintError], catalog: Catalog
) -> RepositoryError:
    name = None if meaning is NotNullViolation else _text(error, "constraint_name") or _hinted(error, catalog)
    table, columns = catalog.constraint(name)
    place, column = _declared(error, catalog)
    if not columns and column is not None:
        columns = (column,)
    said = f"{_SAID.get(meaning, 'a constraint was broken')}: {name or f'{place}.{column}'}"
    return meaning(said, constraint=name, table=table or place, columns=columns, code=code)


def _hinted(error: asyncpg.PostgresError, catalog: Catalog) -> str | None:
    """A constraint that a function of ours has broken on purpose: its name stands in the hint."""
    hint = _text(error, "hint")
    return hint if catalog.constraint(hint)[1] else None


def _declared(error: asyncpg.PostgresError, catalog: Catalog) -> tuple[str | None, str | None]:
    """The table and column that the server names, as they are declared."""
    schema, place, column = (_text(error, name) for name in ("schema_name", "table_name", "column_name"))
    for table in catalog.tables:
        if table.db_name == place and table.schema == schema:
            return table.name, next((each.name for each in table.columns if each.db_name == column), column)
    return place, column


def _is_loss(error: BaseException) -> bool:
    return isinstance(error, OSError) or (
        isinstance(error, asyncpg.PostgresError) and sqlstate(error).startswith(_LOST)
    )


def _lost(error: BaseException, *, sent: bool, code: str | None = None) -> RepositoryError:
    code = code or next((sqlstate(each) for each in _causes(error) if isinstance(each, asyncpg.PostgresError)), None)
    if sent:
        return OutcomeUnknown("the connection was lost after a write was sent", code=code)
    return RepositoryUnavailableError(f"the connection was lost ({type(error).__name__})", code=code)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and those behind it: the outer one often is about the cleaning up only."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _condition(error: asyncpg.PostgresError, code: str) -> str:
    return f"{code} {type(error).__name__.removesuffix('Error')}"


def _text(error: asyncpg.PostgresError, field: str) -> str | None:
    found = getattr(error, field, None)
    return found if isinstance(found, str) else None


_SAID: Mapping[Meaning, str] = {
    UniqueViolation: "a row with the same value exists",
    ForeignKeyViolation: "the referenced row is missing, or the row is still referenced",
    NotNullViolation: "a required value is missing",
    CheckViolation: "the row breaks a check",
    ExclusionViolation: "the row overlaps another",
    RowSecurity: "a row policy refused the row",
    RepositoryPermissionError: "the database refused the role",
    InvalidValue: "the database refused a value",
    SerializationConflict: "the unit can't be placed in a serial order",
    Deadlock: "the unit was chosen as a deadlock's victim",
    LockTimeout: "a lock could not be had in time",
    StatementTimeout: "the server cancelled the statement",
    UnitAborted: "an earlier statement of this unit failed: roll back",
    RepositoryUnavailableError: "the server could not carry out the statement",
}
