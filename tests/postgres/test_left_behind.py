"""Users' reads are answered before their transaction is over: what becomes of the COMMIT that nobody waits for."""

import asyncio
import contextlib
import uuid
from typing import Any, cast

import asyncpg
import pytest

from homeport.adapters.postgres import connections
from homeport.adapters.postgres.connections import Bare
from homeport.adapters.postgres.driver_pool import OneConnection
from homeport.adapters.postgres.lean_pool import LeanPool
from homeport.adapters.postgres.ways import Scoped
from homeport.kernel.catalog import Catalog
from homeport.kernel.identity import identity
from homeport.kernel.table import Table
from tests.postgres.fake_source import Door, FakeConnection, FakeSource

NOBODY: Catalog = Catalog.of(cast("list[Table[Any]]", []))
SOMEBODY = identity({"sub": str(uuid.uuid4())})


class Talking(FakeConnection):
    """Says what it was told; its COMMIT passes a door, where there is one."""

    def __init__(self, number: int = 1) -> None:
        super().__init__(number)
        self.said: list[str] = []
        self.door: Door | None = None

    async def execute(self, text: str, *, timeout: float | None = None) -> str:
        self.said.append(text.partition(";")[0])
        if text == "COMMIT" and self.door is not None:
            async with asyncio.timeout(timeout):
                await self.door.pass_through()
        self.in_transaction = text.startswith("BEGIN")
        return text


class Place(FakeSource):
    """One connection, its pool, and the way of a user's calls over it."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = Talking()
        self.pool = LeanPool(self, max_size=1)
        self.way = Scoped(self.pool, NOBODY, SOMEBODY)

    async def open(self) -> Bare:
        self.connection = Talking()
        self.connection.door = self.door
        return cast("Bare", self.connection)

    def shut(self) -> Door:
        """The door before each COMMIT from now on."""
        self.door = self.connection.door = Door()
        return self.door

    async def read(self) -> None:
        async with self.way.borrow(writes=False):
            pass

    @property
    def lent_and_idle(self) -> tuple[int, int]:
        figures = self.pool.figures()
        return figures.lent, figures.idle


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_read_ends_before_its_commit_and_the_slot_after_it() -> None:
    place = Place()
    door = place.shut()
    await place.read()
    await turns()
    assert (place.connection.said, place.lent_and_idle) == (["BEGIN", "COMMIT"], (1, 0))
    after = asyncio.create_task(place.read())
    await turns()
    assert place.pool.figures().waiting == 1
    door.open()
    await after
    await turns()
    assert (place.connection.said, place.lent_and_idle) == (["BEGIN", "COMMIT"] * 2, (0, 1))


@pytest.mark.parametrize("how", [{"writes": True}, {"writes": False, "raw": True}])
async def test_a_write_waits_for_its_commit(how: dict[str, bool]) -> None:
    place = Place()
    door = place.shut()

    async def write() -> None:
        async with place.way.borrow(**how):
            pass

    writing = asyncio.create_task(write())
    await turns()
    assert not writing.done()
    door.open()
    await writing


async def test_a_commit_that_fails_is_the_connections_end_and_nobody_elses(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    door = place.shut()
    await place.read()
    await turns()
    door.fail(asyncpg.ConnectionDoesNotExistError("gone"))
    await turns()
    assert (place.connection.closed, place.lent_and_idle, caplog.records) == (True, (0, 0), [])
    place.door = None
    await place.read()


async def test_a_commit_that_is_never_answered_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "RELEASE_SECONDS", 0.01)
    place = Place()
    place.shut()
    await place.read()
    await place.pool.close()
    assert (place.connection.closed, place.lent_and_idle) == (True, (0, 0))


async def test_who_closes_waits_for_it() -> None:
    place = Place()
    door = place.shut()
    await place.read()
    closing = asyncio.create_task(place.pool.close())
    await turns()
    assert not closing.done()
    door.open()
    await closing


async def test_a_loop_that_ends_before_it_takes_the_connection_along() -> None:
    place = Place()
    place.shut()
    await place.read()
    await turns()
    (left,) = connections._under_way
    left.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await left
    assert (place.connection.closed, place.lent_and_idle) == (True, (0, 0))


@pytest.mark.parametrize("raised", [KeyError, asyncio.CancelledError])
async def test_a_read_that_fails_is_rolled_back_before_it_ends(raised: type[BaseException]) -> None:
    place = Place()
    with pytest.raises(raised):
        async with place.way.borrow(writes=False):
            raise raised
    assert (place.connection.said, place.lent_and_idle[0]) == (["BEGIN", "ROLLBACK"], 0)


async def test_the_callers_own_connection_is_left_as_it_was_found() -> None:
    """Who gave it may use it as soon as a call has ended."""
    mine = Talking()
    async with Scoped(OneConnection(cast("Any", mine)), NOBODY, SOMEBODY).borrow(writes=False):
        pass
    assert (mine.said, mine.in_transaction) == (["BEGIN", "COMMIT"], False)
