"""FastAPI: a Homeport for the life of the application, repositories as dependencies, errors as HTTP answers.

    app = FastAPI(lifespan=lifespan(lambda: homeport.open(), tokens=lambda: BearerTokens.of(settings.load())))
    handle_errors(app)

    Expenses = Annotated[ExpenseRepository, Depends(provide(EXPENSES, get_user_unit))]

What a repository works on is the second argument of `provide`:

- `get_user_db`: calls on behalf of the user whose bearer token the request has, as row policies allow.
- `get_user_unit`: the same in a unit of work, one for the whole request. It is committed before the answer is sent,
  and rolled back if the route raises anything, an HTTPException too.
- `get_db`, `get_unit`: calls of the service, which row policies don't limit.

A request without a good token gets 401 from all that is a user's; none of it ever falls back to the service.
In tests: `app.dependency_overrides[get_db] = lambda: memory`, and `[signed_in] = lambda: identity(claims)`.
"""

import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.responses import JSONResponse
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection, Request

from homeport.bearer import BearerTokens
from homeport.composition import Homeport, Scope, Unit
from homeport.composition.repositories import Repositories
from homeport.kernel.errors import (
    AuthExpired,
    AuthInvalid,
    CheckViolation,
    CrossSchemaValidationError,
    DomainError,
    NotNullViolation,
    OutcomeUnknown,
    PoolTimeout,
    RepositoryConflictError,
    RepositoryConstraintError,
    RepositoryError,
    RepositoryNotFoundError,
    RepositoryPermissionError,
    RepositoryTimeoutError,
    RepositoryUnavailableError,
    RepositoryValidationError,
    Unsupported,
)
from homeport.kernel.identity import Identity, Role
from homeport.ports.context import Context

P = TypeVar("P")
Source = Callable[..., Awaitable[Repositories[Any]] | AsyncIterator[Repositories[Any]]]
_LOG = logging.getLogger("homeport")

STATUS: dict[type[RepositoryError], tuple[int, str]] = {
    RepositoryNotFoundError: (404, "not found"),
    RepositoryPermissionError: (403, "not allowed"),
    AuthExpired: (401, "the token has expired"),
    AuthInvalid: (401, "the token is not valid"),
    RepositoryConstraintError: (409, "in conflict with what is stored"),
    NotNullViolation: (422, "a required value is missing"),
    CheckViolation: (422, "a value is not allowed"),
    CrossSchemaValidationError: (422, "refers to nothing"),
    RepositoryConflictError: (409, "changed by somebody else; try again"),
    DomainError: (409, "refused"),
    RepositoryValidationError: (422, "not valid"),
    RepositoryUnavailableError: (503, "not available; try again"),
    PoolTimeout: (503, "busy; try again"),
    RepositoryTimeoutError: (504, "took too long"),
    OutcomeUnknown: (504, "may or may not have been done"),
    Unsupported: (501, "not supported"),
    RepositoryError: (500, "internal error"),
}
"""What a client is told of each error: the status, and a sentence of ours that holds nothing of the row or the server.
The nearest class of an error decides."""


def lifespan(
    opening: Callable[[], AbstractAsyncContextManager[Homeport]],
    *,
    tokens: Callable[[], BearerTokens] | None = None,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Opens a Homeport before the first request and closes it after the last. What `tokens` makes verifies who asks."""

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[None]:
        async with opening() as db:
            app.state.homeport = db
            app.state.homeport_tokens = None if tokens is None else tokens()
            yield

    return opened


async def get_db(connection: HTTPConnection) -> Homeport:
    """The application's Homeport, whose calls are the service's: what a test overrides."""
    db = getattr(connection.app.state, "homeport", None)
    if not isinstance(db, Homeport):
        raise TypeError("the application has no Homeport: FastAPI(lifespan=homeport.fastapi.lifespan(..))")
    return db


async def get_tokens(connection: HTTPConnection) -> BearerTokens:
    """What the application verifies bearer tokens with."""
    tokens = getattr(connection.app.state, "homeport_tokens", None)
    if not isinstance(tokens, BearerTokens):
        raise TypeError("the application verifies no tokens: homeport.fastapi.lifespan(.., tokens=..)")
    return tokens


class _Bearer(SecurityBase):
    """The token of the header `Authorization: Bearer ..`, of requests and of websockets; documented as such."""

    model = HTTPBearer()
    scheme_name = "Bearer"

    async def __call__(self, connection: HTTPConnection) -> str:
        scheme, _, token = connection.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise AuthInvalid("the request has no bearer token")
        return token.strip()


async def signed_in(
    token: Annotated[str, Security(_Bearer())], tokens: Annotated[BearerTokens, Depends(get_tokens)]
) -> Identity:
    """Who asks, by the request's bearer token: what a test overrides. Raises AuthInvalid or AuthExpired: 401."""
    found = tokens.identity(token)
    if found.role is Role.ANON:
        raise AuthInvalid("the token is nobody's: sign in first")
    return found


async def get_user_db(db: Annotated[Homeport, Depends(get_db)], who: Annotated[Identity, Depends(signed_in)]) -> Scope:
    """The same repositories on behalf of whoever is signed in: row policies decide what they see and do."""
    return db.as_user(who)


async def get_unit(db: Annotated[Homeport, Depends(get_db)]) -> AsyncIterator[Unit]:
    """One unit of work for the request, of the service. Where it is asked for without `provide`, as
    `Depends(get_unit, scope="function")`: else it is committed after the answer was sent.
    """
    async with db.transaction() as unit:
        yield unit


async def get_user_unit(db: Annotated[Scope, Depends(get_user_db)]) -> AsyncIterator[Unit]:
    """One unit of work for the request, on behalf of whoever is signed in; otherwise as `get_unit`."""
    async with db.transaction() as unit:
        yield unit


def provide(context: Context[P], source: Source = get_db) -> Callable[..., Awaitable[P]]:
    """A dependency that gives the context's repository of that source: `get_user_db`, `get_unit` ..."""

    async def dependency(db: Annotated[Repositories[Any], Depends(source, scope="function")]) -> P:
        return db.repository(context)

    return dependency


def handle_errors(app: FastAPI) -> None:
    """Answer every error of a repository by its class, as `{"error": .., "detail": ..}`; log those that are our own."""
    app.add_exception_handler(RepositoryError, _answer)


async def _answer(request: Request, error: Exception) -> JSONResponse:
    status, detail = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    body: dict[str, object] = {"error": type(error).__name__, "detail": detail}
    headers: dict[str, str] = {}
    match error:
        case RepositoryValidationError():
            body |= {"detail": str(error), "field": error.field}
        case RepositoryConstraintError():
            body["columns"] = list(error.columns)
        case AuthExpired() | AuthInvalid():
            headers["WWW-Authenticate"] = "Bearer"
        case RepositoryUnavailableError() | PoolTimeout():
            headers["Retry-After"] = "1"
    if status >= 500:
        _log(request, error)
    return JSONResponse(body, status_code=status, headers=headers)


def _log(request: Request, error: Exception) -> None:
    """The error with its frames, but without its cause: a driver's message may have the row's values in it."""
    route = getattr(request.scope.get("route"), "path", "")  # the pattern, since a path may have ids in it
    frames = "".join(traceback.format_tb(error.__traceback__))
    _LOG.error("%s in %s %s: %s\n%s", type(error).__name__, request.method, route, error, frames)
