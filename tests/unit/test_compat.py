"""The documents' error names catch what Homeport raises."""

from collections.abc import Callable

import pytest

from homeport import compat
from homeport.composition import in_memory
from homeport.kernel import errors
from homeport.testing import a_user

DOCUMENT_000 = ("RepositoryError", "RepositoryNotFoundError", "RepositoryPermissionError", "RepositoryConstraintError")
DOCUMENT_002 = ("RepositoryError", "RecordNotFoundError", "DuplicateRecordError", "DatabaseError")
DOCUMENT_003 = ("RepositoryError", "Database", "Pool", "NotFound")
DOCUMENT_004 = (
    "SupabaseError",
    "AuthenticationError",
    "AuthorizationError",
    "ResourceNotFoundError",
    "ValidationError",
    "DatabaseError",
    "CrossSchemaValidationError",
    "handle_supabase_error",
)


@pytest.mark.parametrize("name", sorted({*DOCUMENT_000, *DOCUMENT_002, *DOCUMENT_003, *DOCUMENT_004}))
def test_every_documents_name_is_there(name: str) -> None:
    assert name in compat.__all__
    assert hasattr(compat, name)


def test_the_list_of_names_is_complete() -> None:
    assert {*DOCUMENT_000, *DOCUMENT_002, *DOCUMENT_003, *DOCUMENT_004} == set(compat.__all__)


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        (errors.RepositoryNotFoundError, compat.RecordNotFoundError),
        (errors.RepositoryNotFoundError, compat.ResourceNotFoundError),
        (errors.RepositoryNotFoundError, compat.NotFound),
        (errors.UniqueViolation, compat.DuplicateRecordError),
        (errors.UniqueViolation, compat.ValidationError),
        (errors.InvalidField, compat.ValidationError),
        (errors.PoolTimeout, compat.Pool),
        (errors.PoolClosed, compat.Pool),
        (errors.AuthExpired, compat.AuthenticationError),
        (errors.RowSecurity, compat.AuthorizationError),
        (errors.StatementTimeout, compat.DatabaseError),
        (errors.QueryError, compat.SupabaseError),
        (errors.CrossSchemaValidationError, compat.CrossSchemaValidationError),
    ],
)
def test_what_is_raised_is_caught_by_the_documents_name(
    raised: Callable[[str], Exception], caught: type[Exception] | tuple[type[Exception], ...]
) -> None:
    with pytest.raises(caught):
        raise raised("x")


async def test_code_that_catches_the_documents_names_needs_no_change() -> None:
    db = in_memory(["users"])
    user = await a_user(db)
    with pytest.raises(compat.DuplicateRecordError):
        await db.users.users.create({"email": user.email})


class ClientError(Exception):
    def __init__(self, code: str | None, message: str = "secret", details: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.details = details


class DriverError(Exception):
    sqlstate = "23505"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (ClientError("23505"), errors.UniqueViolation),
        (ClientError("23503"), errors.ForeignKeyViolation),
        (ClientError("23999"), errors.RepositoryConstraintError),
        (ClientError("42501"), errors.RepositoryPermissionError),
        (ClientError("42P01"), errors.QueryError),
        (ClientError("40001"), errors.SerializationConflict),
        (ClientError("57014"), errors.StatementTimeout),
        (ClientError("08006"), errors.RepositoryUnavailableError),
        (ClientError("PGRST301", "JWT expired"), errors.AuthExpired),
        (ClientError("PGRST301", "JWSError"), errors.AuthInvalid),
        (ClientError("PGRST116", details="The result contains 0 rows"), errors.RepositoryNotFoundError),
        (ClientError("PGRST116", details="Results contain 3 rows"), errors.MultipleRowsError),
        (ClientError(None), errors.RepositoryError),
        (DriverError("secret"), errors.UniqueViolation),
        (ValueError("violates constraint, not found, jwt"), errors.RepositoryError),
    ],
)
def test_a_clients_error_is_converted_by_its_code_not_by_its_text(
    given: Exception, kind: type[errors.RepositoryError]
) -> None:
    made = compat.handle_supabase_error(given)
    assert type(made) is kind
    assert made.__cause__ is given
    assert "secret" not in str(made)


def test_an_error_of_ours_is_answered_as_it_is() -> None:
    ours = errors.Deadlock("x")
    assert compat.handle_supabase_error(ours) is ours
