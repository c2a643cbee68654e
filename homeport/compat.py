"""The errors under the names that documents 002, 003 and 004 give them, for code that catches those.

They are aliases into the one tree of `homeport.kernel.errors`, so `except RecordNotFoundError` catches what Homeport
raises. Where a document's name covers several branches of the tree it is a tuple, good for `except` and `isinstance`.
A name raised by one's own code takes a message alone. The names of document 000 are the tree's own.

`DatabaseError` and `SupabaseError` are the root: stand their `except` last.
"""

from typing import Final

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
    "ValidationError",
    "handle_supabase_error",
]
