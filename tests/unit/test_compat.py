"""The documents' error names catch what Homeport raises, and their unit of work is one."""

import asyncio
from collections.abc import Callable

import pytest

from homeport import compat
from homeport.composition import in_memory
from homeport.kernel import errors
from homeport.testing import a_user, an_expense

DOCUMENT_000 = ("RepositoryError", "RepositoryNotFoundError", "RepositoryPermissionError", "RepositoryConstraintError")
DOCUMENT_002 = ("RepositoryError", "RecordNotFoundError", "DuplicateRecordError", "DatabaseError", "UnitOfWork")
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


# -- document 002's unit of work


async def test_a_unit_of_work_is_committed_when_its_block_ends() -> None:
    db = in_memory(["expenses"])
    async with compat.UnitOfWork(db) as uow:
        user = await uow.users.users.create({"email": "a@example.com"})
        await uow.expenses.create_expense(user.id, {"amount": 1, "category": "fuel"})
        assert uow.expenses is uow.expenses
        assert await db.users.users.count() == 0
    assert len(await db.expenses.get_user_expenses(user.id)) == 1


async def test_a_unit_of_work_is_rolled_back_by_whatever_its_block_raises() -> None:
    db = in_memory(["users"])
    with pytest.raises(KeyError):
        async with compat.UnitOfWork(db).async_context() as uow:
            await uow.users.users.create({"email": "a@example.com"})
            raise KeyError
    assert await db.users.users.count() == 0


async def test_a_service_may_keep_one_for_all_its_tasks() -> None:
    db = in_memory(["users"])
    uow = compat.UnitOfWork(db)
    inside = asyncio.Barrier(3)

    async def create(email: str, failure: Exception | None = None) -> None:
        async with uow as unit:
            await unit.users.users.create({"email": email})
            await inside.wait()
            if failure is not None:
                raise failure

    made = await asyncio.gather(
        create("a@example.com"), create("b@example.com", KeyError()), create("c@example.com"), return_exceptions=True
    )
    assert [type(each) for each in made] == [type(None), KeyError, type(None)]
    found = await db.users.users.find_many(order_by="email")
    assert [each.email for each in found] == ["a@example.com", "c@example.com"]


async def test_a_unit_of_work_may_be_a_users() -> None:
    db = in_memory(["expenses"])
    stranger, expense = await a_user(db), await an_expense(db)
    async with compat.UnitOfWork(db.as_user({"sub": str(stranger.id)})) as uow:
        assert await uow.expenses.get_expense_by_id(expense.id, expense.user_id) is None


def test_a_unit_of_work_is_not_entered_without_async() -> None:
    with pytest.raises(TypeError, match="async with"), compat.UnitOfWork(in_memory(["users"])):
        pass
