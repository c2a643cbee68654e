"""FastAPI with users: who asks is known by a bearer token, and without one nobody is ever the service."""

import contextlib
import inspect
import time
import uuid
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import jwt
import pytest
from fastapi import Depends, FastAPI, HTTPException

from homeport.bearer import BearerTokens
from homeport.composition import Homeport, Scope, Unit, in_memory
from homeport.composition import open as open_homeport
from homeport.fastapi import (
    get_unit,
    get_user_db,
    get_user_unit,
    handle_errors,
    lifespan,
    provide,
    signed_in,
)
from homeport.kernel.errors import RepositoryError
from homeport.kernel.identity import SERVICE, Identity, identity
from homeport.ports.expenses import ExpenseRepository
from homeport.repositories.expenses import EXPENSE, EXPENSES
from homeport.settings import Settings
from homeport.testing import a_user, an_expense

SECRET = "s" * 64
Service = Annotated[ExpenseRepository, Depends(provide(EXPENSES))]
Mine = Annotated[ExpenseRepository, Depends(provide(EXPENSES, get_user_db))]
Together = Annotated[ExpenseRepository, Depends(provide(EXPENSES, get_user_unit))]
Trusted = Annotated[ExpenseRepository, Depends(provide(EXPENSES, get_unit))]
ROW = {"amount": "5", "category": "fuel"}


async def rows(db: Homeport) -> int:
    return await db.collection(EXPENSE).count()


def application(db: Homeport, tokens: BearerTokens | None) -> FastAPI:
    app = FastAPI()
    app.state.homeport, app.state.homeport_tokens = db, tokens
    handle_errors(app)

    @app.get("/service/{id}")
    async def service(id: uuid.UUID, owner: uuid.UUID, expenses: Service) -> bool:
        return await expenses.get_expense_by_id(id, owner) is not None

    @app.get("/mine/{id}")
    async def mine(id: uuid.UUID, owner: uuid.UUID, expenses: Mine) -> bool:
        """By the row's own owner, so that nothing but a row policy hides it."""
        return await expenses.get_expense_by_id(id, owner) is not None

    @app.get("/me")
    async def me(who: Annotated[Identity, Depends(signed_in)]) -> str:
        return str(who.user)

    @app.post("/two")
    async def two(
        then: str,
        who: Annotated[Identity, Depends(signed_in)],
        first: Together,
        second: Together,
        unit: Annotated[Unit, Depends(get_user_unit, scope="function")],
    ) -> int:
        assert first is second is unit.expenses
        for each in (first, second):
            await each.create_expense(who.user or "", ROW)
        if then == "refuse":
            raise HTTPException(418)
        if then == "break":
            await first.create_expense(who.user or "", {**ROW, "amount": None})
        return await rows(db)

    @app.post("/trusted/{user}")
    async def trusted(user: uuid.UUID, expenses: Trusted) -> None:
        await expenses.create_expense(user, ROW)

    @app.get("/commit-fails")
    async def commit_fails(unit: Annotated[Unit, Depends(get_user_unit, scope="function")]) -> str:
        with contextlib.suppress(RepositoryError):
            await unit.expenses.create_expense(uuid.uuid4(), ROW)
        return "never sent"

    return app


@pytest.fixture
def db() -> Homeport:
    return in_memory(["expenses"])


@pytest.fixture
def app(db: Homeport) -> FastAPI:
    return application(db, BearerTokens(SECRET))


@pytest.fixture
async def ask(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


def bearer(user: object, **given: object) -> dict[str, str]:
    claims = {"sub": str(user), "role": "authenticated", "aud": "authenticated", "exp": time.time() + 60, **given}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET)}"}


async def test_a_user_sees_what_is_ones_own(ask: httpx.AsyncClient, db: Homeport) -> None:
    expense, stranger = await an_expense(db), await a_user(db)
    path = f"/mine/{expense.id}?owner={expense.user_id}"
    assert (await ask.get(path, headers=bearer(expense.user_id))).json() is True
    assert (await ask.get(path, headers=bearer(stranger.id))).json() is False
    assert (await ask.get(f"/service/{expense.id}?owner={expense.user_id}")).json() is True


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no header"),
        pytest.param({"Authorization": ""}, id="empty"),
        pytest.param({"Authorization": "Bearer"}, id="no token"),
        pytest.param({"Authorization": "Bearer  "}, id="blank token"),
        pytest.param({"Authorization": "Basic YTpi"}, id="another scheme"),
        pytest.param({"Authorization": "Bearer junk"}, id="junk"),
        pytest.param({"Authorization": bearer(uuid.uuid4())["Authorization"][7:]}, id="no scheme"),
        pytest.param({"apikey": bearer(uuid.uuid4())["Authorization"][7:]}, id="another header"),
        pytest.param(bearer(uuid.uuid4(), exp=1), id="expired"),
        pytest.param(bearer(uuid.uuid4(), role="anon"), id="anon"),
        pytest.param(bearer(uuid.uuid4(), role="service_role"), id="service"),
    ],
)
@pytest.mark.parametrize("path", ["/mine/{0}?owner={1}", "/me", "/two?then=go"])
async def test_without_a_good_token_nobody_is_the_service(
    ask: httpx.AsyncClient, db: Homeport, path: str, headers: dict[str, str]
) -> None:
    """The documents' accessor of user connections gave out the service's."""
    expense = await an_expense(db)
    method = "POST" if "two" in path else "GET"
    answer = await ask.request(method, path.format(expense.id, expense.user_id), headers=headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["error"] in ("AuthInvalid", "AuthExpired")


async def test_what_gives_a_users_repositories_cannot_be_called_without_one(db: Homeport) -> None:
    """By its types: a verified identity is a parameter without a default, and so is what is made of it."""
    for source in (get_user_db, get_user_unit):
        assert all(each.default is inspect.Parameter.empty for each in inspect.signature(source).parameters.values())
    annotated = inspect.signature(get_user_db).parameters["who"].annotation
    assert annotated.__metadata__[0].dependency is signed_in
    annotated = inspect.signature(get_user_unit).parameters["db"].annotation
    assert annotated.__metadata__[0].dependency is get_user_db
    found = await get_user_db(db, identity({"sub": str(uuid.uuid4())}))
    assert isinstance(found, Scope)
    assert not isinstance(found, Homeport)


async def test_the_service_by_token_is_allowed_on_purpose_only(
    app: FastAPI, ask: httpx.AsyncClient, db: Homeport
) -> None:
    expense = await an_expense(db)
    app.state.homeport_tokens = BearerTokens(SECRET, roles=["service_role"])
    headers = bearer("", role="service_role")
    assert (await ask.get(f"/mine/{expense.id}?owner={expense.user_id}", headers=headers)).json() is True


async def test_an_application_without_tokens_says_so(db: Homeport) -> None:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(application(db, None)), base_url="http://test")
    with pytest.raises(TypeError, match="verifies no tokens"):
        async with client as ask:
            await ask.get("/me", headers=bearer(uuid.uuid4()))


async def test_tokens_are_made_when_the_application_starts(db: Homeport) -> None:
    opening = lifespan(lambda: open_homeport(Settings(adapter="memory"), contexts=["users"]), tokens=lambda: made)
    made = BearerTokens(SECRET)
    app = FastAPI(lifespan=opening)
    async with app.router.lifespan_context(app):
        assert app.state.homeport_tokens is made


async def test_a_test_says_who_asks(app: FastAPI, ask: httpx.AsyncClient, db: Homeport) -> None:
    expense = await an_expense(db)
    app.dependency_overrides[signed_in] = lambda: identity({"sub": str(expense.user_id)})
    assert (await ask.get(f"/mine/{expense.id}?owner={expense.user_id}")).json() is True
    app.dependency_overrides[signed_in] = lambda: SERVICE
    assert (await ask.get("/me")).json() == "None"


async def test_the_documentation_shows_which_routes_want_a_token(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    assert paths["/me"]["get"]["security"] == paths["/mine/{id}"]["get"]["security"] == [{"Bearer": []}]
    assert "security" not in paths["/service/{id}"]["get"]


# -- a unit of work for the request


async def test_a_request_is_one_unit_that_is_committed_before_the_answer(ask: httpx.AsyncClient, db: Homeport) -> None:
    """The route sees its rows uncommitted from outside; whoever gets the answer finds them."""
    user = await a_user(db)
    answer = await ask.post("/two?then=go", headers=bearer(user.id))
    assert (answer.status_code, answer.json()) == (200, 0)
    assert await rows(db) == 2


@pytest.mark.parametrize(("then", "status"), [("refuse", 418), ("break", 422)])
async def test_a_request_that_fails_writes_nothing(
    ask: httpx.AsyncClient, db: Homeport, then: str, status: int
) -> None:
    user = await a_user(db)
    assert (await ask.post(f"/two?then={then}", headers=bearer(user.id))).status_code == status
    assert await rows(db) == 0


async def test_a_unit_that_cannot_be_committed_is_the_answer(ask: httpx.AsyncClient, db: Homeport) -> None:
    user = await a_user(db)
    answer = await ask.get("/commit-fails", headers=bearer(user.id))
    assert (answer.status_code, answer.json()["error"]) == (500, "UnitAborted")


async def test_a_unit_may_be_the_services(ask: httpx.AsyncClient, db: Homeport) -> None:
    user = await a_user(db)
    assert (await ask.post(f"/trusted/{user.id}")).status_code == 200
    assert await rows(db) == 1
