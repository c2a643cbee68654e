"""What asyncpg and PostgreSQL raise, as Homeport's errors, by SQLSTATE. Messages never hold a row's values.

The server's own text is kept only where it can hold nothing but names (SchemaMismatch), or is a function's own words
(DomainError).
"""

from collections.abc import Iterator, Mapping

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
    RepositoryConstraintError,
    RepositoryError,
    RepositoryPermissionError,
    RepositoryUnavailableError,
    RowSecurity,
    SchemaMismatch,
    SerializationConflict,
    StatementTimeout,
    UniqueViolation,
    UnitAborted,
)
from homeport.kernel.sqlstate import Meaning, lost, meaning

_NAMES_ONLY = ("42P01", "42703", "42704", "42883", "3F000")


def translated(error: BaseException, catalog: Catalog, *, sent: bool, alive: bool) -> RepositoryError | None:
    """The error by its meaning; None for one that is no answer of the driver or the server.

    `sent` says that a write may have reached the server: if its answer is lost, so is its outcome. `alive` says that
    the connection goes on: then the driver has refused the call itself.
    """
    match error:
        case RepositoryError():
            return error
        case asyncpg.OutdatedSchemaCacheError() if sent:
            return OutcomeUnknown("a write was carried out, and its answer could not be read: the schema had changed")
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


def answered(error: BaseException) -> bool:
    """Whether it is the server's own answer, after which nothing is under way: the driver raises its classes too."""
    return isinstance(error, asyncpg.PostgresError) and _text(error, "severity") is not None


def sqlstate(error: asyncpg.PostgresError) -> str:
    """The code that was raised; XX000 where the driver knows none."""
    return str(getattr(error, "sqlstate", None) or "XX000")


def _answered(error: asyncpg.PostgresError, catalog: Catalog, *, sent: bool) -> RepositoryError:
    code = sqlstate(error)
    kind = _meaning(error, code)
    if issubclass(kind, RepositoryConstraintError):
        return _constraint(error, code, kind, catalog)
    if sent and lost(code):
        return _lost(error, sent=True, code=code)
    if kind is DomainError or code in _NAMES_ONLY:
        return kind(str(error.args[0]) if error.args else "", code=code)
    return kind(f"{_SAID.get(kind, 'the database refused the statement')} ({_condition(error, code)})", code=code)


def _meaning(error: asyncpg.PostgresError, code: str) -> Meaning:
    if code == "42501" and _by_row_policy(error):
        return RowSecurity
    if code == "22023" and _text(error, "server_source_function") == "check_role":
        return RepositoryPermissionError
    return meaning(code)


def _by_row_policy(error: asyncpg.PostgresError) -> bool:
    """By the server's function, which no language setting translates; its text only where that is not told."""
    return _text(error, "server_source_function") == "ExecWithCheckOptions" or "row-level security" in str(error.args)


def _constraint(
    error: asyncpg.PostgresError, code: str, kind: type[RepositoryConstraintError], catalog: Catalog
) -> RepositoryError:
    name = None if kind is NotNullViolation else _text(error, "constraint_name") or _hinted(error, catalog)
    table, columns = catalog.constraint(name)
    place, column = _declared(error, catalog)
    if not columns and column is not None:
        columns = (column,)
    said = f"{_SAID.get(kind, 'a constraint was broken')}: {name or f'{place}.{column}'}"
    return kind(said, constraint=name, table=table or place, columns=columns, code=code)


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
    return isinstance(error, OSError) or (isinstance(error, asyncpg.PostgresError) and lost(sqlstate(error)))


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
