"""How a call comes to its connection: alone and committed at once, as a user, or inside a unit. Knows no statement.

This is the only edge where the driver's errors become ours.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Protocol, TypeVar

import asyncpg

from homeport.adapters.postgres.connections import (
    DRIVER,
    RELEASE_SECONDS,
    Connection,
    Connections,
    committed,
    cut,
    is_alive,
    left_behind,
)
from homeport.adapters.postgres.errors import answered, not_reached, translated
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import QueryError, RepositoryError, RepositoryUnavailableError
from homeport.kernel.identity import Identity
from homeport.kernel.units import DEFAULT_UNIT, Isolation, UnitOptions

T = TypeVar("T")

SCHEMA_CHANGED = "0A000"


class Way(Protocol):
    """Lends a connection for one call."""

    locks: bool
    """Whether a row lock outlives the call, so that it makes sense."""
    as_user: bool
    """Whether row policies apply to what is done."""

    def borrow(self, *, writes: bool, raw: bool = False) -> AbstractAsyncContextManager[Connection]:
        """`raw` is SQL of the caller's own. Raises RepositoryError."""

    async def fetch(self, text: str, values: Sequence[Any], *, writes: bool = False) -> list[asyncpg.Record]:
        """The rows that one statement answers. Raises RepositoryError."""
        async with self.borrow(writes=writes) as connection:
            return await connection.fetch(text, *values)


class Direct(Way):
    """Each call by itself, as the login, committed when it ends."""

    locks = False
    as_user = False

    def __init__(self, connections: Connections, catalog: Catalog) -> None:
        self._connections = connections
        self._catalog = catalog

    def borrow(self, *, writes: bool, raw: bool = False) -> "Borrowed":
        return Borrowed(self._connections, self._catalog, writes=writes, raw=raw)

    async def fetch(self, text: str, values: Sequence[Any], *, writes: bool = False) -> list[asyncpg.Record]:
        """What `Borrowed` does, without making one: there is no shorter way to a row."""
        connection = await self._connections.acquire()
        try:
            rows = await connection.fetch(text, *values)
        except BaseException as error:
            await self.borrow(writes=writes).failed(connection, error)
            raise
        await self._connections.release(connection)
        return rows


class Scoped(Way):
    """Each call in a transaction of its own, as one identity: begun and named in one round trip."""

    locks = False
    as_user = True

    def __init__(self, connections: Connections, catalog: Catalog, identity: Identity) -> None:
        self._connections = connections
        self._catalog = catalog
        self._begin = begin(DEFAULT_UNIT, identity)

    def borrow(self, *, writes: bool, raw: bool = False) -> "Begun":
        """What was only read is answered before its transaction is over: the connection stays lent until then."""
        behind = self._connections.apart and not writes and not raw
        return Begun(self._connections, self._catalog, writes=writes, raw=raw, begin=self._begin, behind=behind)


class Borrowed:
    """One connection for one call."""

    __slots__ = ("_catalog", "_connection", "_connections", "_raw", "_writes")

    def __init__(self, connections: Connections, catalog: Catalog, *, writes: bool, raw: bool) -> None:
        self._connections = connections
        self._catalog = catalog
        self._writes = writes
        self._raw = raw

    async def __aenter__(self) -> Connection:
        self._connection = await self._connections.acquire()
        return self._connection

    def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Coroutine[Any, Any, None]:
        if error is None:
            return self._connections.release(self._connection, raw=self._raw)
        return self.failed(self._connection, error)

    async def failed(self, connection: Connection, error: BaseException) -> None:
        """Gives it back after an error. Raises ours for the driver's."""
        alive = is_alive(connection)
        ours = told(error, self._catalog, sent=self._writes, alive=alive, raw=self._raw)
        if not self._raw and is_stale(error):
            self._connections.expire()
        await self._connections.release(connection, failed=not answered(error), raw=self._raw)
        if ours is not None and ours is not error:
            raise ours from error


class Begun(Borrowed):
    """One with a transaction that `begin` opens, committed if the call went well: `behind` it, if that is to be."""

    __slots__ = ("_begin", "_behind")

    def __init__(  # noqa: PLR0913 - what `Borrowed` is told, and two things more
        self, connections: Connections, catalog: Catalog, *, writes: bool, raw: bool, begin: str, behind: bool
    ) -> None:
        super().__init__(connections, catalog, writes=writes, raw=raw)
        self._begin = begin
        self._behind = behind

    async def __aenter__(self) -> Connection:
        connection = await super().__aenter__()
        try:
            await started(connection, self._begin)
        except BaseException as error:
            await self.failed(connection, error)
            raise
        return connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._behind:
            left_behind(self._ended())
            return
        ending = self._connection.execute("COMMIT") if error is None else finished(rolled_back(self._connection))
        try:
            await ending
        except BaseException as later:
            await self.failed(self._connection, later)
            raise
        await super().__aexit__(kind, error, trace)

    async def _ended(self) -> None:
        try:
            await committed(self._connection)
        finally:
            await self._connections.release(self._connection)


def told(error: BaseException, catalog: Catalog, *, sent: bool, alive: bool, raw: bool) -> RepositoryError | None:
    """As `translated`. What a new connection would cure is no answer to the statement: it was not executed.

    But for an answer that could not be read with the types that were known: that statement was.
    """
    executed = isinstance(error, asyncpg.OutdatedSchemaCacheError)
    if not raw and is_stale(error) and not (executed and sent):
        code = error.sqlstate if isinstance(error, asyncpg.ReadOnlySQLTransactionError) else SCHEMA_CHANGED
        return RepositoryUnavailableError("the connection is stale: nothing was done", code=code)
    return translated(error, catalog, sent=sent, alive=alive)


def is_stale(error: BaseException) -> bool:
    """Whether it tells that no connection made before is good: the server may only be read now, or its schema changed.

    A value that the driver refuses was admitted by its column's type, so the statement was prepared for another one.
    """
    stale = (
        asyncpg.ReadOnlySQLTransactionError,
        asyncpg.InvalidCachedStatementError,
        asyncpg.OutdatedSchemaCacheError,
    )
    return isinstance(error, stale) or (isinstance(error, asyncpg.DataError) and not answered(error))


def begin(options: UnitOptions, identity: Identity | None) -> str:
    """The one simple query that opens a transaction. Claims travel as code units, so that there is nothing to quote.

    SET is half as long as `SELECT set_config(..)`, for which the server would plan a query.
    """
    words = ["BEGIN"]
    if options.isolation is not Isolation.READ_COMMITTED:
        words.append(f"ISOLATION LEVEL {options.isolation.value}")
    if options.read_only:
        words.append("READ ONLY")
    if identity is None:
        return " ".join(words)
    claims = identity.claims.encode("utf-16-be").hex("\\", 2).replace("\\", "\\u")
    named = f"SET LOCAL ROLE '{identity.role.value}'; SET LOCAL \"request.jwt.claims\" = E'\\u{claims}'"
    return f"{' '.join(words)}; {named}"


async def started(connection: Connection, text: str) -> None:
    """Begin a transaction. Bounded after a refusal.

    Raises:
        RepositoryUnavailableError: the answer is lost: nothing was done yet.
        QueryError: the connection, a given one, has a transaction open, which our COMMIT would end.
    """
    if connection.is_in_transaction():
        raise QueryError("the connection that was given has a transaction open: units and users' calls begin their own")
    try:
        await connection.execute(text)
    except Exception as error:
        if answered(error):
            await finished(rolled_back(connection))
        else:
            cut(connection)
        refused = None if answered(error) else not_reached(error)
        if refused is None:
            raise
        raise refused from error
    except BaseException:
        await finished(rolled_back(connection))
        raise


async def rolled_back(connection: Connection) -> None:
    """Never raises: a connection that doesn't answer in time is cut."""
    try:
        async with asyncio.timeout(RELEASE_SECONDS):
            await connection.execute("ROLLBACK")
    except DRIVER:
        cut(connection)


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """Its answer, waited for also by a task that is being cancelled; the cancellation goes on afterwards.

    `work` has to end by itself in bounded time.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # noqa: BLE001 - it is the task's own, and told below
            break
    if cancelled is not None:
        task.exception()  # looked at, so that nobody is told that it never was
        raise cancelled
    return task.result()


SAVEPOINT, RELEASE, UNDO = 'SAVEPOINT "homeport"', 'RELEASE SAVEPOINT "homeport"', 'ROLLBACK TO SAVEPOINT "homeport"'
"""One name for all: the innermost is meant, and a released one gives way to the one around it."""


async def undone(connection: Connection) -> None:
    """Roll back to the innermost savepoint. Never raises: a connection that doesn't answer in time is cut."""
    try:
        async with asyncio.timeout(RELEASE_SECONDS):
            await connection.execute(f"{UNDO}; {RELEASE}")
    except DRIVER:
        cut(connection)


@asynccontextmanager
async def atomic(connection: Connection) -> AsyncIterator[None]:
    """Several statements of one call together: a transaction of their own, or a part of the one that is open."""
    inside = connection.is_in_transaction()
    if inside:
        await connection.execute(SAVEPOINT)
    else:
        await started(connection, "BEGIN")
    try:
        yield
    except BaseException:
        await finished(undone(connection) if inside else rolled_back(connection))
        raise
    await connection.execute(RELEASE if inside else "COMMIT")


@asynccontextmanager
async def snapshot(connection: Connection) -> AsyncIterator[None]:
    """Reads of one moment; inside a transaction that is its own business, and leaving early ends nothing of it."""
    if connection.is_in_transaction():
        yield
        return
    await started(connection, _SNAPSHOT)
    try:
        yield
    except BaseException:
        await finished(rolled_back(connection))
        raise
    await connection.execute("COMMIT")


_SNAPSHOT = begin(UnitOptions(isolation=Isolation.REPEATABLE_READ, read_only=True), None)


def refuse_lock() -> QueryError:
    return QueryError("a row lock lasts until the end of a unit: read inside `async with db.transaction()`")
