"""What documents 002, 003 and 004 name, under those names: errors for code that catches them, and the unit of work.

The errors are aliases into the one tree of `homeport.kernel.errors`, so `except RecordNotFoundError` catches what
Homeport raises. Where a document's name covers several branches of the tree it is a tuple, good for `except` and
`isinstance`. A name raised by one's own code takes a message alone. The names of document 000 are the tree's own.

`DatabaseError` and `SupabaseError` are the root: stand their `except` last.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, NoReturn

from homeport.composition import Scope, Unit
from homeport.kernel.errors import (
    AuthExpired,
    AuthInvalid,
    CheckViolation,
    CrossSchemaValidationError,
    Deadlock,
    ExclusionViolation,
    ForeignKeyViolation,
    MultipleRowsError,
    NotNullViolation,
    PoolTimeout,
    QueryError,
    RepositoryConstraintError,
    RepositoryError,
    RepositoryNotFoundError,
    RepositoryPermissionError,
    RepositoryUnavailableError,
    RepositoryValidationError,
    SerializationConflict,
    StatementTimeout,
    UniqueViolation,
)

# -- document 002
RecordNotFoundError = RepositoryNotFoundError
DuplicateRecordError = UniqueViolation
DatabaseError = RepositoryError

# -- document 003: the variants of its RepositoryError
NotFound = RepositoryNotFoundError
Database = RepositoryError
Pool: Final = (RepositoryUnavailableError, PoolTimeout)

# -- document 004
SupabaseError = RepositoryError
AuthenticationError: Final = (AuthExpired, AuthInvalid)
AuthorizationError = RepositoryPermissionError
ResourceNotFoundError = RepositoryNotFoundError
ValidationError: Final = (RepositoryValidationError, RepositoryConstraintError)

_BY_CODE: dict[str, type[RepositoryError]] = {
    "23502": NotNullViolation,
    "23503": ForeignKeyViolation,
    "23505": UniqueViolation,
    "23514": CheckViolation,
    "23P01": ExclusionViolation,
    "40001": SerializationConflict,
    "40P01": Deadlock,
    "42501": RepositoryPermissionError,
    "57014": StatementTimeout,
    "PGRST116": RepositoryNotFoundError,
    "PGRST301": AuthInvalid,
    "PGRST302": AuthInvalid,
    "PGRST303": AuthInvalid,
}
_BY_CLASS: dict[str, type[RepositoryError]] = {
    "08": RepositoryUnavailableError,
    "22": RepositoryValidationError,
    "23": RepositoryConstraintError,
    "42": QueryError,
    "53": RepositoryUnavailableError,
    "57": RepositoryUnavailableError,
}


def handle_supabase_error(error: Exception) -> RepositoryError:
    """Document 004's converter: one of Homeport's errors for an error of any client, by its code.

    An error of Homeport's is answered as it is. The message names the code and the kind, and leaves out the client's
    own text, which may have values in it.
    """
    if isinstance(error, RepositoryError):
        return error
    given = getattr(error, "sqlstate", None) or getattr(error, "code", None)
    code = given if isinstance(given, str) else None
    kind = RepositoryError if code is None else _BY_CODE.get(code) or _BY_CLASS.get(code[:2], RepositoryError)
    if kind is AuthInvalid and "expired" in str(error).lower():
        kind = AuthExpired  # one code for both: only the server's text tells them apart
    if kind is RepositoryNotFoundError and "0 rows" not in str(getattr(error, "details", error)):
        kind = MultipleRowsError  # PGRST116 says only that it was not one
    made = kind(f"{type(error).__name__}{'' if code is None else f' {code}'}", code=code)
    made.__cause__ = error
    return made


class UnitOfWork:
    """Document 002's: repositories that share one transaction, each made when it is first asked for.

        async with UnitOfWork(db) as uow:
            await uow.expenses.create_expense(..)

    It is committed when the block ends, and rolled back if that raises anything. What the block is given is the unit of
    `db.transaction()`, whose promises and errors it has. A service may keep one and enter it in several tasks at once:
    each has its own unit.
    """

    def __init__(self, db: Scope) -> None:
        self._db = db
        self._open: dict[asyncio.Task[Any] | None, AbstractAsyncContextManager[Unit]] = {}

    def async_context(self) -> AbstractAsyncContextManager[Unit]:
        """The same as a context manager of its own."""
        return self._db.transaction()

    async def __aenter__(self) -> Unit:
        opening = self._db.transaction()
        unit = await opening.__aenter__()
        self._open[asyncio.current_task()] = opening
        return unit

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._open.pop(asyncio.current_task()).__aexit__(kind, error, trace)

    def __enter__(self) -> NoReturn:
        raise TypeError("a unit of work awaits the database: async with UnitOfWork(db) as uow")

    def __exit__(self, *_: object) -> None:
        """Never reached: `with` looks for it before it enters."""


__all__ = [
    "AuthenticationError",
    "AuthorizationError",
    "CrossSchemaValidationError",
    "Database",
    "DatabaseError",
    "DuplicateRecordError",
    "NotFound",
    "Pool",
    "RecordNotFoundError",
    "RepositoryConstraintError",
    "RepositoryError",
    "RepositoryNotFoundError",
    "RepositoryPermissionError",
    "ResourceNotFoundError",
    "SupabaseError",
    "UnitOfWork",
    "ValidationError",
    "handle_supabase_error",
]
