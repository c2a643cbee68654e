"""What an opened Homeport is: repositories by the context's value, whatever adapters serve them and for whom."""

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import cached_property
from time import perf_counter
from types import TracebackType
from typing import Any, Self, TypeVar

import attrs

from homeport.composition.repositories import Repositories
from homeport.composition.units import Unit, opened_unit
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import RepositoryError, RepositoryPermissionError, Unsupported
from homeport.kernel.identity import ANON, Identity, identity
from homeport.kernel.units import Isolation, UnitOptions
from homeport.middleware.by_table import ByTable
from homeport.middleware.retry import UnitRetry
from homeport.ports.context import Context
from homeport.ports.store import Session

T = TypeVar("T")


@attrs.frozen
class Health:
    """One adapter's sign of life: how long it took, and the error's class where there was none."""

    adapter: str
    ok: bool
    milliseconds: float
    error: str | None = None


@attrs.frozen(eq=False)
class Wiring:
    """How the contexts are served: what a Homeport and all its scopes have in common.

    Attributes:
        sessions: what answers each context's calls.
        units: the one session on which units run; None where there is none.
        opened: each adapter's session once.
        closing: what else is closed, before the sessions and in this order.
        no_units: why no unit may begin now, which flags may change; None where one may.
        metrics: what is counted, as text; nothing is where no flags choose.
    """

    sessions: Mapping[Context[Any], Session]
    catalog: Catalog
    units: Session | None
    retry: UnitRetry
    opened: tuple[Session, ...]
    closing: tuple[Callable[[], Awaitable[object]], ...] = ()
    no_units: Callable[[], str | None] = lambda: None
    metrics: Callable[[], str] = str

    @cached_property
    def stores(self) -> Mapping[Context[Any], Session]:
        """What each context's repository works on: where several adapters serve, each table's own is found."""
        if len(dict.fromkeys(self.sessions.values())) == 1:
            return self.sessions
        homes = {self.catalog.table(table): home for each, home in self.sessions.items() for table in each.tables}
        return {each: ByTable(session, homes, self.catalog) for each, session in self.sessions.items()}


class Scope(Repositories[Session]):
    """Opened contexts, every call made on behalf of one identity. Made by `as_user` and `as_service`.

    A request has one of its own, so it is made without looking at what it will be asked for.
    """

    def __init__(self, wiring: Wiring, who: Identity | None = None) -> None:
        super().__init__(wiring.stores, wiring.catalog)
        self._wiring = wiring
        self._who = who
        self._scoped: dict[Session, Session] = {}

    def store(self, context: Context[Any], /) -> Session:
        return self._as_who(super().store(context))

    def transaction(
        self,
        *,
        isolation: Isolation = Isolation.READ_COMMITTED,
        read_only: bool = False,
        deadline: float | None = None,
    ) -> AbstractAsyncContextManager[Unit]:
        """A unit of work over all contexts: `async with db.transaction() as tx: await tx.expenses..`.

        It is committed when the block ends, and rolled back if that raises anything. `deadline` is in seconds from
        here to the commit.

        Raises, when entered, inside, or at the end:
            Unsupported: these contexts have no one database that knows transactions.
            QueryError: this task has a unit open already.
            UnitAborted: a call failed before.
            RepositoryTimeoutError: the deadline has passed; nothing was done.
            RepositoryConflictError: somebody else was first; nothing was done. `unit` tries again by itself.
            RepositoryUnavailableError: the server was lost; nothing was done.
            OutcomeUnknown: the server was lost while it committed, and could not be asked what became of it.
        """
        wiring, session = self._wiring, self._units()
        options = UnitOptions(isolation=isolation, read_only=read_only)
        return opened_unit(session, self.contexts, wiring.catalog, options, deadline)

    async def unit(
        self,
        work: Callable[[Unit], Awaitable[T]],
        *,
        isolation: Isolation = Isolation.READ_COMMITTED,
        read_only: bool = False,
        deadline: float | None = None,
        retry_lock_timeouts: bool = False,
    ) -> T:
        """What `work` answers, done in a unit that is tried again from its start where nothing was committed.

        `work` may run several times: it keeps nothing of a run before, and does nothing outside the unit but by
        `on_commit`. The deadline, in seconds, is each run's. Raises as `transaction`, once retries are used up.
        """

        def opening() -> AbstractAsyncContextManager[Unit]:
            return self.transaction(isolation=isolation, read_only=read_only, deadline=deadline)

        return await self._wiring.retry.run(opening, work, lock_timeouts=retry_lock_timeouts)

    def _units(self) -> Session:
        reason = self._wiring.no_units()
        if self._wiring.units is None or reason is not None:
            raise Unsupported(reason or "there is no session for units of work")
        return self._as_who(self._wiring.units)

    def _as_who(self, session: Session) -> Session:
        if self._who is None:
            return session
        found = self._scoped.get(session)
        if found is None:
            found = self._scoped[session] = session.scoped(self._who)
        return found


class Homeport(Scope):
    """Opened contexts: repositories by the context's value, collections by table. Made by `homeport.open`.

    Calls on it are the service's, which row policies don't limit. It is an async context manager that closes on exit.
    """

    def __init__(self, wiring: Wiring, *, refuse_unscoped: bool = False) -> None:
        super().__init__(wiring)
        self._refuses = refuse_unscoped
        self._closed = False

    def as_user(self, who: Identity | Mapping[str, object] | None, /) -> Scope:
        """The same repositories on behalf of a user, by verified claims: row policies decide what they see and do.

        None is anon, who sees what policies give it: usually nothing. The claims are believed: `BearerTokens` makes
        an identity of a token. Raises AuthInvalid for claims that name no user.
        """
        match who:
            case None:
                found = ANON
            case Identity():
                found = who
            case _:
                found = identity(who)
        return Scope(self._wiring, found)

    def as_service(self) -> Scope:
        """The same repositories as the service, said on purpose: also where unscoped calls are refused."""
        return Scope(self._wiring)

    def store(self, context: Context[Any], /) -> Session:
        if self._refuses:
            raise self._refusal()
        return super().store(context)

    def _units(self) -> Session:
        if self._refuses:
            raise self._refusal()
        return super()._units()

    def _refusal(self) -> RepositoryPermissionError:
        return RepositoryPermissionError("calls without a user are refused here: db.as_user(..), or db.as_service()")

    def metrics(self) -> str:
        """This process's calls by domain, adapter and statement in Prometheus' text format; empty without flags."""
        return self._wiring.metrics()

    async def health(self) -> list[Health]:
        """A sign of life of each adapter in use."""
        return [await _health(each) for each in self._wiring.opened]

    async def close(self) -> None:
        """Give back all that was opened, all of it even where one part fails. Closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        async with AsyncExitStack() as stack:
            for each in self._wiring.opened:
                stack.push_async_callback(each.close)
            for close in reversed(self._wiring.closing):
                stack.push_async_callback(close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class Opening:
    """A Homeport about to be opened: `async with homeport.open(..) as db`, or `db = await homeport.open(..)`."""

    def __init__(self, make: Callable[[], Awaitable[Homeport]]) -> None:
        self._make = make
        self._db: Homeport | None = None

    def __await__(self) -> Generator[Any, None, Homeport]:
        return self._make().__await__()

    async def __aenter__(self) -> Homeport:
        self._db = await self._make()
        return self._db

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._db is not None:
            await self._db.close()


async def _health(session: Session) -> Health:
    started = perf_counter()
    failed: str | None = None
    try:
        await session.ping()
    except RepositoryError as error:
        failed = type(error).__name__
    return Health(session.adapter, failed is None, (perf_counter() - started) * 1000, failed)
