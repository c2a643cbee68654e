"""Connections that are none, from a source whose doors are opened by hand: nothing happens but what the test does."""

import asyncio
from typing import cast

from homeport.adapters.postgres.connections import Bare, Cleaning, Connection


class FakeConnection:
    """What a pool asks of a connection."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.closed = False
        self.in_transaction = False
        self.cleaned: list[str] = []

    def __repr__(self) -> str:
        return f"<connection {self.number}>"

    def is_closed(self) -> bool:
        return self.closed

    def is_in_transaction(self) -> bool:
        return self.in_transaction

    def terminate(self) -> None:
        self.closed = True

    async def close(self) -> None:
        self.closed = True


class Door:
    """Who comes waits until it is opened, or fails."""

    def __init__(self) -> None:
        self._opened = asyncio.get_running_loop().create_future()

    def open(self) -> None:
        self._opened.set_result(None)

    def fail(self, error: Exception) -> None:
        self._opened.set_exception(error)

    async def pass_through(self) -> None:
        await self._opened


class FakeSource:
    """Numbers its connections from 1. Openings and cleanings pass a door, where there is one."""

    def __init__(self) -> None:
        self.opened: list[FakeConnection] = []
        self.asked = 0
        self.door: Door | None = None
        self.wash: Door | None = None

    async def open(self) -> Bare:
        self.asked += 1
        if self.door is not None:
            await self.door.pass_through()
        self.opened.append(FakeConnection(len(self.opened) + 1))
        return cast("Bare", self.opened[-1])

    def cleaning(self, *, failed: bool, raw: bool) -> Cleaning | None:
        return self._clean

    async def _clean(self, connection: Connection) -> None:
        cast("FakeConnection", connection).cleaned.append("begun")
        if self.wash is not None:
            await self.wash.pass_through()
        cast("FakeConnection", connection).cleaned.append("done")

    def shut(self) -> Door:
        """The door before openings, closed."""
        self.door = Door()
        return self.door
