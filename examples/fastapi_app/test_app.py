"""The same application on the memory adapter: no server, no mocks, the database's own rules."""

import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from examples.fastapi_app.app import app
from homeport import Homeport
from homeport.bearer import BearerTokens
from homeport.fastapi import get_db, get_tokens
from homeport.kernel.identity import identity
from homeport.testing import a_user, an_expense, memory

TOKENS = BearerTokens("the secret of this test, which opens nothing")


@pytest.fixture
def db() -> Homeport:
    return memory(["expenses"])


@pytest.fixture
async def client(db: Homeport) -> AsyncIterator[httpx.AsyncClient]:
    app.dependency_overrides |= {get_db: lambda: db, get_tokens: lambda: TOKENS}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    app.dependency_overrides.clear()


def signed_in(user: uuid.UUID) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS.sign(identity({'sub': str(user)}))}"}


async def test_an_expense_is_created_and_found(client: httpx.AsyncClient, db: Homeport) -> None:
    user = await a_user(db)
    made = await client.post("/expenses", json={"amount": "12.5", "category": "fuel"}, headers=signed_in(user.id))
    assert (made.status_code, made.json()["amount"]) == (201, "12.50")
    found = await client.get("/expenses", params={"category": "fuel"}, headers=signed_in(user.id))
    assert found.json() == [made.json()]


async def test_all_expenses_are_created_or_none(client: httpx.AsyncClient, db: Homeport) -> None:
    user = await a_user(db)
    good, bad = {"amount": "1", "category": "fuel"}, {"amount": "-1", "category": "fuel"}
    token = signed_in(user.id)
    assert (await client.post("/expenses/import", json=[good, good], headers=token)).json() == 2
    assert (await client.post("/expenses/import", json=[good, bad], headers=token)).status_code == 422
    assert len(await db.expenses.get_user_expenses(user.id)) == 2


async def test_without_a_token_nobody_is_let_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/expenses", params={"category": "fuel"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_anothers_expense_is_as_absent(client: httpx.AsyncClient, db: Homeport) -> None:
    expense, stranger = await an_expense(db), await a_user(db)
    path = f"/expenses/{expense.id}"
    assert (await client.get(path, headers=signed_in(expense.user_id))).status_code == 200
    assert (await client.get(path, headers=signed_in(stranger.id))).status_code == 404
    changed = await client.patch(path, json={"amount": "1"}, headers=signed_in(stranger.id))
    assert (changed.status_code, changed.json()) == (404, {"error": "RepositoryNotFoundError", "detail": "not found"})


async def test_a_wrong_field_is_the_clients_mistake(client: httpx.AsyncClient, db: Homeport) -> None:
    user = await a_user(db)
    answer = await client.post("/expenses", json={"amout": "1"}, headers=signed_in(user.id))
    assert (answer.status_code, answer.json()["field"]) == (422, "amout")


async def test_what_the_database_refuses_names_columns_and_no_values(client: httpx.AsyncClient) -> None:
    nobody = uuid.uuid4()
    answer = await client.post("/expenses", json={"amount": "1", "category": "fuel"}, headers=signed_in(nobody))
    assert (answer.status_code, answer.json()["columns"]) == (409, ["user_id"])
    assert str(nobody) not in answer.text
