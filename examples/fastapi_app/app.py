"""Expenses over HTTP: routes depend on the port alone. Start it with `uvicorn examples.fastapi_app.app:app`."""

import uuid
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException

import homeport
from homeport.fastapi import handle_errors, lifespan, provide
from homeport.ports.expenses import ExpenseRepository
from homeport.repositories.expenses import EXPENSES

app = FastAPI(lifespan=lifespan(lambda: homeport.open(contexts=["expenses"], observers=[homeport.log_calls])))
handle_errors(app)

Expenses = Annotated[ExpenseRepository, Depends(provide(EXPENSES), scope="function")]
UserId = Annotated[uuid.UUID, Header(alias="X-User-Id")]  # stands for what a signed token would say


@app.post("/expenses", status_code=201)
async def create(user: UserId, data: dict[str, Any], expenses: Expenses) -> dict[str, Any]:
    return homeport.to_json(await expenses.create_expense(user, data))


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
