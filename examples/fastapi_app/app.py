"""Expenses over HTTP: routes depend on the port alone. Start it with `uvicorn examples.fastapi_app.app:app`."""

import uuid
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException

import homeport
from homeport.bearer import BearerTokens
from homeport.fastapi import get_user_unit, handle_errors, lifespan, provide, signed_in
from homeport.kernel.identity import Identity
from homeport.ports.expenses import ExpenseRepository
from homeport.repositories.expenses import EXPENSES
from homeport.settings import load

app = FastAPI(
    lifespan=lifespan(
        lambda: homeport.open(contexts=["expenses"], observers=[homeport.log_calls]),
        tokens=lambda: BearerTokens.of(load()),
    )
)
handle_errors(app)

Expenses = Annotated[ExpenseRepository, Depends(provide(EXPENSES, get_user_unit))]  # one unit for each request


def user_id(who: Annotated[Identity, Depends(signed_in)]) -> uuid.UUID:
    if who.user is None:
        raise HTTPException(403)  # the service has no expenses
    return who.user


UserId = Annotated[uuid.UUID, Depends(user_id)]


@app.post("/expenses", status_code=201)
async def create(user: UserId, data: dict[str, Any], expenses: Expenses) -> dict[str, Any]:
    return homeport.to_json(await expenses.create_expense(user, data))


@app.post("/expenses/import", status_code=201)
async def create_all(user: UserId, data: list[dict[str, Any]], expenses: Expenses) -> int:
    """All of them, or none."""
    return len([await expenses.create_expense(user, each) for each in data])


@app.get("/expenses")
async def in_category(user: UserId, category: str, expenses: Expenses) -> list[dict[str, Any]]:
    return [homeport.to_json(each) for each in await expenses.get_expenses_by_category(user, category)]


@app.get("/expenses/{id}")
async def one(id: uuid.UUID, user: UserId, expenses: Expenses) -> dict[str, Any]:
    found = await expenses.get_expense_by_id(id, user)
    if found is None:
        raise HTTPException(404)
    return homeport.to_json(found)


@app.patch("/expenses/{id}")
async def change(id: uuid.UUID, user: UserId, data: dict[str, Any], expenses: Expenses) -> dict[str, Any]:
    return homeport.to_json(await expenses.update_expense(id, user, data))
