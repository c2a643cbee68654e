"""FastAPI: dependencies, life span, and an HTTP answer for every class of error."""

import logging
from collections.abc import Iterator
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI

from homeport import composition
from homeport.composition import Homeport, in_memory
from homeport.fastapi import STATUS, get_db, handle_errors, lifespan, provide
from homeport.kernel import errors
from homeport.kernel.errors import RepositoryError
from homeport.ports.users import UserRepository
from homeport.repositories.users import USERS
from homeport.settings import Settings, SettingsError

SECRET = "secret@example.com"
Users = Annotated[UserRepository, Depends(provide(USERS), scope="function")]

STATUSES = {
    "RepositoryError": 500,
    "RepositoryNotFoundError": 404,
    "MultipleRowsError": 500,
    "RepositoryPermissionError": 403,
    "RowSecurity": 403,
    "AuthExpired": 401,
    "AuthInvalid": 401,
    "RepositoryConstraintError": 409,
    "UniqueViolation": 409,
    "ForeignKeyViolation": 409,
    "NotNullViolation": 422,
    "CheckViolation": 422,
    "ExclusionViolation": 409,
    "RepositoryConflictError": 409,
    "SerializationConflict": 409,
    "Deadlock": 409,
    "StaleVersion": 409,
    "RepositoryValidationError": 422,
    "InvalidValue": 422,
    "InvalidField": 422,
    "InvalidCursor": 422,
    "QueryError": 500,
    "SchemaMismatch": 500,
    "QueryTooLarge": 500,
    "DomainError": 409,
    "RepositoryUnavailableError": 503,
    "PoolClosed": 503,
    "RepositoryTimeoutError": 504,
    "PoolTimeout": 503,
    "LockTimeout": 504,
    "StatementTimeout": 504,
    "OutcomeUnknown": 504,
    "Unsupported": 501,
    "UnitAborted": 500,
    "CrossSchemaValidationError": 422,
}
CLASSES = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RepositoryError)]


def application(failure: Exception | None = None) -> FastAPI:
    app = FastAPI(lifespan=lifespan(lambda: composition.open(Settings(adapter="memory"), contexts=["users"])))
    handle_errors(app)

    @app.get("/users/{email}")
    async def find(email: str, users: Users) -> bool:
        if failure is not None:
            raise failure
        return await users.find_by_email(email) is not None

    return app


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def answer(failure: Exception) -> httpx.Response:
    app = application(failure)
    app.state.homeport = in_memory(["users"])
    async with client(app) as ask:
        return await ask.get(f"/users/{SECRET}")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, logger="homeport"):
        yield caplog


async def test_a_homeport_is_open_as_long_as_the_application_runs() -> None:
    app = application()
    async with app.router.lifespan_context(app):
        db = app.state.homeport
        assert isinstance(db, Homeport)
        async with client(app) as ask:
            assert (await ask.get("/users/x")).json() is False
    with pytest.raises(errors.PoolClosed):
        await db.users.users.count()


async def test_a_failure_to_open_stops_the_application_at_its_start() -> None:
    app = FastAPI(lifespan=lifespan(lambda: composition.open(Settings(adapter="memory"), contexts=[])))
    with pytest.raises(SettingsError):
        async with app.router.lifespan_context(app):
            pass


async def test_a_test_swaps_in_memory() -> None:
    app, db = application(), in_memory(["users"])
    await db.users.users.create({"email": "a@example.com"})
    app.dependency_overrides[get_db] = lambda: db
    async with client(app) as ask:
        assert (await ask.get("/users/a@example.com")).json() is True


async def test_an_application_without_a_homeport_says_so() -> None:
    with pytest.raises(TypeError, match="the application has no Homeport"):
        async with client(application()) as ask:
            await ask.get("/users/x")


def test_every_class_of_error_has_its_status_in_this_test() -> None:
    assert {kind.__name__ for kind in CLASSES} == set(STATUSES)
    assert RepositoryError in STATUS


@pytest.mark.parametrize("kind", CLASSES)
async def test_every_error_is_answered_by_its_class(kind: type[RepositoryError]) -> None:
    got = await answer(kind("x"))
    assert (got.status_code, got.json()["error"]) == (STATUSES[kind.__name__], kind.__name__)


async def test_validation_says_what_is_wrong_with_which_field() -> None:
    got = await answer(errors.InvalidValue("amount: not a number", field="amount"))
    assert got.json() == {"error": "InvalidValue", "detail": "amount: not a number", "field": "amount"}


async def test_a_constraint_names_columns_alone() -> None:
    got = await answer(errors.UniqueViolation("users_email_key", constraint="users_email_key", columns=["email"]))
    assert got.json() == {"error": "UniqueViolation", "detail": "in conflict with what is stored", "columns": ["email"]}


async def test_headers_tell_a_client_what_to_do() -> None:
    assert (await answer(errors.AuthExpired("x"))).headers["WWW-Authenticate"] == "Bearer"
    assert (await answer(errors.PoolTimeout("x"))).headers["Retry-After"] == "1"
    assert "Retry-After" not in (await answer(errors.OutcomeUnknown("x"))).headers


async def test_our_own_errors_are_logged_with_frames_but_no_values(log: pytest.LogCaptureFixture) -> None:
    failure = errors.QueryError("syntax error in users.find_by_email")
    failure.__cause__ = ValueError(f"Key (email)=({SECRET})")
    got = await answer(failure)
    assert SECRET not in got.text
    (record,) = log.records
    assert record.getMessage().startswith("QueryError in GET /users/{email}: syntax error in users.find_by_email\n")
    assert "in find\n" in record.getMessage()
    assert SECRET not in log.text


async def test_a_clients_own_mistake_is_not_logged(log: pytest.LogCaptureFixture) -> None:
    await answer(errors.RepositoryNotFoundError("x"))
    assert log.records == []
