"""Specifies what an adapter implements: eight calls over inert, bound values, alone or in a unit of work."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.identity import Identity
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written
from homeport.kernel.units import DEFAULT_UNIT, UnitOptions, Wait


class Store(Protocol):
    """One adapter at work. Every call is atomic by itself, and raises only errors of `homeport.kernel.errors`.

    Queries and commands arrive bound: names are declared columns, values are admitted by them. A store compiles and
    carries out; it takes no decision about input.
    """

    @property
    def adapter(self) -> str:
        """Which adapter answers: `postgres`, `memory` or `supabase_legacy`."""

    @property
    def capabilities(self) -> Capability:
        """What it can do beyond the common contract."""

    @property
    def catalog(self) -> Catalog:
        """The tables installed here, under this deployment's names."""

    @property
    def cursors(self) -> CursorSigner:
        """What signs this deployment's page cursors."""

    async def fetch(self, query: Select[E], /) -> list[E]:
        """The rows in the query's order; an empty list for none. There is no hidden cap."""

    def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        """The rows in the query's order, a bounded number of them in memory at a time."""

    async def count(self, query: Select[Any], /) -> int:
        """How many rows `fetch` would answer, the limit and offset included."""

    async def insert(self, command: Insert[E], /) -> Written[E]:
        """Raises RepositoryConstraintError; then no row of the command is there."""

    async def update(self, command: Update[E], /) -> Written[E]:
        """Changes what the filter means; no row is no error. Raises RepositoryConstraintError."""

    async def update_each(self, command: UpdateEach[E], /) -> Written[E]:
        """Counts the rows found; none are returned. Raises Unsupported without the capability BULK_UPDATE."""

    async def delete(self, command: Delete[E], /) -> Written[E]:
        """Counts the rows removed, not the ones removed with them; none are returned."""

    async def run(self, operation: Operation[P, R], parameter: P, /) -> R:
        """Raises QueryError for an operation of a context that is not installed."""


class Unit(Store, Protocol):
    """A store inside a transaction: what its calls write is seen by nobody else before the end.

    After a call that failed only a rollback is possible, to a savepoint or of the whole; `GuardedUnit` sees to that.
    """

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        """As the session's, within the transaction."""

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """What is done inside is undone alone if the body raises anything, and locks taken inside are given back."""

    async def lock(self, name: str, wait: Wait, /) -> bool:
        """Take the lock of that name until the transaction ends; False if it was skipped. Raises LockTimeout."""


class Session(Store, Protocol):
    """A store together with what only its opener may do."""

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        """The caller's own SQL with `$1 ..` for `params`. Raises Unsupported without the capability RAW_SQL."""

    def transaction(self, options: UnitOptions = DEFAULT_UNIT, /) -> AbstractAsyncContextManager[Unit]:
        """Committed when the body ends, rolled back if it raises anything.

        Raises:
            Unsupported: the adapter lacks the capability TRANSACTIONS; nothing was asked of the server.
            RepositoryUnavailableError: it was certainly not committed.
            OutcomeUnknown: the answer to the commit was lost, and it could not be found out.
        """

    def scoped(self, identity: Identity, /) -> "Session":
        """The same tables over the same connections, every call made as this identity. Closing it closes nothing."""

    async def ping(self) -> None:
        """Ask the server for a sign of life. Raises what any call would."""

    async def close(self) -> None:
        """Gives back all that was opened. Later calls raise PoolClosed or RepositoryUnavailableError."""
