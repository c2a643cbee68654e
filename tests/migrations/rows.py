"""A few rows by plain SQL."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast


async def user(connection: Any, email: str | None = None) -> uuid.UUID:
    return cast(
        "uuid.UUID",
        await connection.fetchval(
            "INSERT INTO users (email) VALUES ($1) RETURNING id", email or f"{uuid.uuid4().hex}@example.org"
        ),
    )


async def post(connection: Any, by: uuid.UUID) -> uuid.UUID:
    return cast(
        "uuid.UUID", await connection.fetchval("INSERT INTO posts (user_id, content) VALUES ($1, 'x') RETURNING id", by)
    )


async def comment(connection: Any, on: uuid.UUID, by: uuid.UUID, under: uuid.UUID | None = None) -> uuid.UUID:
    return cast(
        "uuid.UUID",
        await connection.fetchval(
            "INSERT INTO comments (post_id, user_id, parent_comment_id, content) VALUES ($1, $2, $3, 'x') RETURNING id",
            on,
            by,
            under,
        ),
    )


async def like(connection: Any, on: uuid.UUID, by: uuid.UUID) -> uuid.UUID:
    return cast(
        "uuid.UUID",
        await connection.fetchval("INSERT INTO likes (post_id, user_id) VALUES ($1, $2) RETURNING id", on, by),
    )


@asynccontextmanager
async def acting(connection: Any, role: str, user_id: uuid.UUID | None = None) -> AsyncIterator[None]:
    """A transaction in that role with that user's claims, rolled back at its end."""
    claims = {"role": role} if user_id is None else {"role": role, "sub": str(user_id)}
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(
            "SELECT set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", role, json.dumps(claims)
        )
        yield
    finally:
        await transaction.rollback()
