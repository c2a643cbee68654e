"""FastAPI: a Homeport for the life of the application, repositories as dependencies, errors as HTTP answers.

    app = FastAPI(lifespan=lifespan(lambda: homeport.open(contexts=["expenses"])))
    handle_errors(app)

    Expenses = Annotated[ExpenseRepository, Depends(provide(EXPENSES), scope="function")]

With `scope="function"` a unit of work is committed before the answer is sent. In tests:
`app.dependency_overrides[get_db] = lambda: memory`.
"""

import logging
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, TypeVar

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from starlette.requests import HTTPConnection, Request

from homeport.composition import Homeport
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
from homeport.ports.context import Context

P = TypeVar("P")
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
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Opens a Homeport before the first request and closes it after the last."""

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[None]:
        async with opening() as db:
            app.state.homeport = db
            yield

    return opened


def get_db(connection: HTTPConnection) -> Homeport:
    """The application's Homeport: what a test overrides."""
    db = getattr(connection.app.state, "homeport", None)
    if not isinstance(db, Homeport):
        raise TypeError("the application has no Homeport: FastAPI(lifespan=homeport.fastapi.lifespan(..))")
    return db


def provide(context: Context[P]) -> Callable[[Homeport], P]:
    """A dependency that gives the context's repository."""

    def dependency(db: Annotated[Homeport, Depends(get_db)]) -> P:
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
