"""A Homeport on PostgreSQL whose writes nobody ever sees: all of a test in one transaction, rolled back at its end.

Document 003's SmartPool. A transaction is not a database of one's own, so some things are not as they will be:

- `now()` is the same moment during the whole test, and with it every `created_at` and `updated_at`.
- Constraints that are deferred to the commit are never judged.
- There is one connection. Calls of several tasks wait for each other. A unit of work is a savepoint: READ COMMITTED
  whatever is asked for, its locks held until the end of the test, and a read-only one is not refused writes.
- A stream reads all its rows before it gives the first one.

Where that matters, test on the memory adapter, or on tables that are emptied.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs

from homeport.composition import Contexts, Homeport
from homeport.composition import open as open_homeport
from homeport.composition.opened import Wiring
from homeport.contexts import SHIPPED
from homeport.kernel.entity import E
from homeport.kernel.identity import Identity
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written
from homeport.kernel.units import DEFAULT_UNIT, UnitOptions
from homeport.middleware.retry import Retries, UnitRetry
from homeport.ports.store import Unit
from homeport.settings import Pool, Settings

_OWN_ROLE = "SELECT current_setting('role') AS role"
_BECOME = "SELECT set_config('role', $1, true), set_config('request.jwt.claims', $2, true)"
PIECE = 50
_ONCE = Retries(attempts=1, delay=0.1, deadline=0.1, budget=0)


class _TestIsOver(Exception):
    """Ends the transaction the way that an error does."""


@asynccontextmanager
async def rolled_back(database_url: str, contexts: Contexts | None = None) -> AsyncIterator[Homeport]:
    """The contexts, all shipped ones for None, on a migrated database in a transaction that is never committed.

    A call that fails is undone alone, and the test goes on. `as_user` needs a login that may take on the roles of
    users, as a migration's does.

    Raises:
        RepositoryUnavailableError: the server is not reached.
    """
    settings = Settings(database_url=database_url, pool=Pool.preset("test"))
    async with open_homeport(settings, contexts=SHIPPED if contexts is None else contexts) as db:
        session = db.store(db.contexts[0])
        with suppress(_TestIsOver):
            async with session.transaction() as unit:
                own = await unit.execute_query(_OWN_ROLE)
                alone = RolledBack(_Connection(unit, role=str(own[0]["role"])))
                sessions = dict.fromkeys(db.contexts, alone)
                retry = UnitRetry(_ONCE)
                yield Homeport(Wiring(sessions, db.catalog, units=alone, retry=retry, opened=(alone,)))
                raise _TestIsOver


@attrs.define(eq=False)
class _Connection:
    """The one connection, lent to one task at a time. `who` is whose role it has at the moment, None for its own."""

    unit: Unit
    role: str
    who: Identity | None = None
    _free: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    _holder: asyncio.Task[Any] | None = None

    @asynccontextmanager
    async def lent(self, identity: Identity | None) -> AsyncIterator[Unit]:
        """As this identity, in a savepoint of its own. Who has it may ask again: for a call inside a unit of work."""
        async with self._turn(), self.unit.savepoint():
            before = self.who
            try:
                await self._become(identity)
                yield self.unit
                await self._become(before)
            finally:
                self.who = before  # an error takes the server's settings back with the savepoint

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        task = asyncio.current_task()
        if self._holder is task:
            yield
            return
        async with self._free:
            self._holder = task
            try:
                yield
            finally:
                self._holder = None

    async def _become(self, identity: Identity | None) -> None:
        if identity == self.who:
            return
        role, claims = (self.role, "") if identity is None else (identity.role.value, identity.claims)
        await self.unit.execute_query(_BECOME, [role, claims])
        self.who = identity


class RolledBack:
    """A session inside a transaction that is open already: each call, and each unit of work, is a savepoint."""

    def __init__(self, connection: _Connection, identity: Identity | None = None) -> None:
        unit = connection.unit
        self._connection = connection
        self._identity = identity
        self.adapter, self.capabilities = unit.adapter, unit.capabilities
        self.catalog, self.cursors = unit.catalog, unit.cursors

    async def fetch(self, query: Select[E], /) -> list[E]:
        async with self.transaction() as unit:
            return await unit.fetch(query)

    async def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        for row in await self.fetch(query):
            yield row

    async def count(self, query: Select[Any], /) -> int:
        async with self.transaction() as unit:
            return await unit.count(query)

    async def insert(self, command: Insert[E], /) -> Written[E]:
        """A user's many rows go in pieces too small for COPY, which row policies refuse."""
        async with self.transaction() as unit:
            if self._identity is None or command.returning:
                return await unit.insert(command)
            starts = range(0, len(command.rows), PIECE)
            pieces = [attrs.evolve(command, rows=command.rows[start : start + PIECE]) for start in starts]
            return Written(sum([(await unit.insert(each)).count for each in pieces]))

    async def update(self, command: Update[E], /) -> Written[E]:
        async with self.transaction() as unit:
            return await unit.update(command)

    async def update_each(self, command: UpdateEach[E], /) -> Written[E]:
        async with self.transaction() as unit:
            return await unit.update_each(command)

    async def delete(self, command: Delete[E], /) -> Written[E]:
        async with self.transaction() as unit:
            return await unit.delete(command)

    async def run(self, operation: Operation[P, R], parameter: P, /) -> R:
        async with self.transaction() as unit:
            return await unit.run(operation, parameter)

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        async with self.transaction() as unit:
            return await unit.execute_query(query, params)

    @asynccontextmanager
    async def transaction(self, options: UnitOptions = DEFAULT_UNIT, /) -> AsyncIterator[Unit]:
        """A savepoint; see the module's limits."""
        async with self._connection.lent(self._identity) as unit:
            yield unit

    def scoped(self, identity: Identity, /) -> "RolledBack":
        return RolledBack(self._connection, identity)

    async def ping(self) -> None:
        await self.execute_query("SELECT 1")

    async def close(self) -> None:
        """Nothing: whoever opened the transaction ends it."""
