"""Units in hand: begun, stepped and ended one call at a time, so that a test can interleave them as it likes."""

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, TypeVar

from homeport.kernel.units import Isolation, UnitOptions
from homeport.ports.store import Session, Unit
from tests.support.specimens import Crate, Label, StoredSpecimens

T = TypeVar("T")

RC, RR, SER = Isolation.READ_COMMITTED, Isolation.REPEATABLE_READ, Isolation.SERIALIZABLE
LEVELS = (RC, RR, SER)


class Hand(StoredSpecimens):
    """One open unit of a session, with the specimens' collections."""

    def __init__(self, unit: Unit, context: AbstractAsyncContextManager[Unit]) -> None:
        super().__init__(unit)
        self.unit = unit
        self._context = context

    async def commit(self) -> None:
        await self._context.__aexit__(None, None, None)

    async def rollback(self) -> None:
        error = LookupError("rolled back by a test")
        with suppress(LookupError):
            await self._context.__aexit__(LookupError, error, None)


async def begun(session: Session, isolation: Isolation = RC, *, read_only: bool = False) -> Hand:
    """A unit, open until its commit or rollback."""
    context = session.transaction(UnitOptions(isolation=isolation, read_only=read_only))
    return Hand(await context.__aenter__(), context)


async def turns() -> None:
    """Let everybody else run until they wait for something."""
    for _ in range(10):
        await asyncio.sleep(0)


async def blocked(call: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """The call as a task, which waits for somebody's lock."""
    task = asyncio.ensure_future(call)
    await turns()
    assert not task.done(), f"it did not wait: {task}"
    return task


async def ended(*waiting: Awaitable[Any]) -> list[Any]:
    """What the calls come to: answers, or the errors that they raise."""
    return await asyncio.gather(*waiting, return_exceptions=True)


async def codes(stored: StoredSpecimens) -> list[str]:
    return [each.code for each in await stored.crates.find_many(order_by="code")]


async def crate(stored: StoredSpecimens, code: str, **values: object) -> Crate:
    """A crate of that code."""
    return await stored.crates.create({"code": code, **values})


async def change(one: StoredSpecimens, row: Crate) -> Crate:
    """Change the row, but for its keys."""
    return await one.crates.update(row.id, {"shelf": "s"})


async def rename(one: StoredSpecimens, row: Crate) -> Crate:
    """Change one of its keys."""
    return await one.crates.update(row.id, {"code": "z"})


async def remove(one: StoredSpecimens, row: Crate) -> bool:
    return await one.crates.delete(row.id)


async def hold(one: StoredSpecimens, row: Crate) -> list[Crate]:
    """Lock it for update."""
    return await one.crates.for_update().find_many({"id": row.id})


async def read(one: StoredSpecimens, row: Crate) -> Crate | None:
    return await one.crates.find_by_id(row.id)


async def refer(one: StoredSpecimens, row: Crate) -> Label:
    """A label in the crate after it that has it as its spare: it refers to it, and is not counted there."""
    return await one.labels.create({"crate_id": row.id + 1, "name": "x", "spare_id": row.id})
