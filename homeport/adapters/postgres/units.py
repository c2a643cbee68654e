"""A unit of work over one connection: begun, committed with a known outcome, or rolled back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import attrs

from homeport.adapters.postgres.connections import DRIVER, Connection, Connections, cut, is_alive
from homeport.adapters.postgres.errors import answered, translated
from homeport.adapters.postgres.ways import Way, begin, finished, is_stale, rolled_back, started, told
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import (
    OutcomeUnknown,
    QueryError,
    RepositoryError,
    RepositoryUnavailableError,
    UnitAborted,
)
from homeport.kernel.identity import Identity
from homeport.kernel.units import UnitOptions

COMMIT_SECONDS = 30.0
"""How long the server may take to commit: a synchronous standby may be slow."""
RESOLVE_SECONDS = 10.0

# The number is read before the commit, with the run of the server that gave it: after a promotion, and after a crash
# from which the same server recovers, it may be given again. Of a recovery only the reset of the statistics tells.
_RUN = """CASE WHEN NOT pg_is_in_recovery() THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || ' '
    || extract(epoch FROM pg_stat_get_bgwriter_stat_reset_time()) END AS run"""
_NUMBER = f"SELECT pg_current_xact_id_if_assigned()::text AS number, {_RUN}"
_STATUS = f"SELECT pg_xact_status($1::text::xid8), {_RUN}"


@attrs.frozen
class Number:
    """A transaction's, by which the server remembers how it ended."""

    number: str
    run: str | None


class InUnit(Way):
    """The way of a unit's calls: its one connection. Until the commit is sent, nothing has been done for certain."""

    locks = True

    def __init__(
        self, connections: Connections, connection: Connection, catalog: Catalog, *, as_user: bool, read_only: bool
    ) -> None:
        self.connection = connection
        self.as_user = as_user
        self._read_only = read_only
        self.raw = False
        self._connections = connections
        self._catalog = catalog
        self._wrote = False

    @asynccontextmanager
    async def borrow(self, *, writes: bool, raw: bool = False) -> AsyncIterator[Connection]:
        self._wrote |= writes
        self.raw |= raw
        try:
            yield self.connection
        except BaseException as error:
            asked_for = self._read_only and isinstance(error, asyncpg.ReadOnlySQLTransactionError)
            if not raw and not asked_for and is_stale(error):
                self._connections.expire()
            alive = is_alive(self.connection)
            ours = told(error, self._catalog, sent=False, alive=alive, raw=raw or asked_for)
            if ours is not None and ours is not error:
                raise ours from error
            raise
        if raw and not self.connection.is_in_transaction():
            raise QueryError("SQL of the caller's own ended the transaction of its unit")

    async def commit(self) -> None:
        """Bounded. Raises UnitAborted for a transaction that has failed, and what `Session.transaction` says."""
        number = await self._number() if self._wrote else None
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                ended = await self.connection.execute("COMMIT")
        except Exception as error:
            if answered(error):
                raise translated(error, self._catalog, sent=False, alive=True) or error from error
            cut(self.connection)
            await resolve(self._connections, number, error)
            return
        if ended != "COMMIT":
            raise UnitAborted("an earlier statement of this unit failed: it was rolled back")

    async def _number(self) -> Number | None:
        """None where nothing was written after all. Raises RepositoryUnavailableError if it does not come in time."""
        try:
            async with asyncio.timeout(COMMIT_SECONDS), self.borrow(writes=False) as connection:
                row = await connection.fetchrow(_NUMBER)
        except TimeoutError as error:
            cut(self.connection)
            raise RepositoryUnavailableError("the server did not answer before the commit was sent") from error
        if row is None or row["number"] is None:
            return None
        return Number(row["number"], row["run"])


@asynccontextmanager
async def unit(
    connections: Connections, catalog: Catalog, options: UnitOptions, identity: Identity | None
) -> AsyncIterator[InUnit]:
    """One transaction on one connection. Giving it back is bounded and outlives a cancellation."""
    connection = await connections.acquire()
    inside = InUnit(connections, connection, catalog, as_user=identity is not None, read_only=options.read_only)
    ours = not connection.is_in_transaction()
    try:
        async with inside.borrow(writes=False):
            await started(connection, begin(options, identity))
        try:
            yield inside
        except BaseException:
            await finished(rolled_back(connection))
            raise
        await finished(inside.commit())
    finally:
        over = not (ours and is_alive(connection) and connection.is_in_transaction())
        if not over:
            cut(connection)
        await finished(connections.release(connection, failed=not over, raw=inside.raw))


async def resolve(connections: Connections, number: Number | None, cause: BaseException) -> None:
    """Find out how a transaction ended whose commit was not answered; returns if it was committed.

    Raises:
        RepositoryUnavailableError: it was not committed.
        OutcomeUnknown: no server could be asked in time, or the one that answers is not the one that knows.
    """
    if number is None:
        raise RepositoryUnavailableError("the connection was lost at the end of a unit that wrote nothing") from cause
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            status = await _asked(connections, number)
    except TimeoutError:
        status = None
    match status:
        case "committed":
            return
        case "aborted":
            raise RepositoryUnavailableError("the connection was lost, and the unit was not committed") from cause
        case _:
            raise OutcomeUnknown(
                "the answer to a commit was lost, and no server could tell what became of it"
            ) from cause


async def _asked(connections: Connections, number: Number) -> str | None:
    """committed, aborted, or None where the server that answers can't know. Asks until a server answers."""
    while True:
        try:
            connection = await connections.acquire()
        except RepositoryError:
            await asyncio.sleep(0.1)
            continue
        failed = True
        try:
            row = await connection.fetchrow(_STATUS, number.number)
            failed = False
        except asyncpg.PostgresError as error:
            failed = not answered(error)
            if not failed:
                return None  # it does not know the number
            row = None
        except DRIVER:
            row = None
        finally:
            await connections.release(connection, failed=failed)
        if row is not None and (row["run"] != number.run or row[0] is None):
            return None
        if row is not None and row[0] != "in progress":
            return str(row[0])
        await asyncio.sleep(0.05)
