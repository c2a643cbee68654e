"""What an opened Homeport is: repositories by the context's value, whatever adapters serve them."""

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

from homeport.contexts import ShippedContexts
from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.table import Table
from homeport.middleware.by_table import ByTable
from homeport.ports.context import Context
from homeport.ports.store import Session
from homeport.repositories.base import BaseRepository
from homeport.repositories.collection import Collection
from homeport.settings import SettingsError

P = TypeVar("P")


class Homeport(ShippedContexts):
    """Opened contexts: repositories by the context's value, collections by table. Made by `homeport.open`.

    It is an async context manager that closes on exit.
    """

    def __init__(self, sessions: Mapping[Context[Any], Session], catalog: Catalog) -> None:
        self._opened = tuple(dict.fromkeys(sessions.values()))
        self._tables = {table: session for each, session in sessions.items() for table in each.tables}
        self._stores = {each: self._store(session, catalog) for each, session in sessions.items()}
        self._repositories: dict[Context[Any], Any] = {}
        self.catalog = catalog

    @property
    def contexts(self) -> tuple[Context[Any], ...]:
        """The installed contexts, each after what it requires."""
        return tuple(self._stores)

    def store(self, context: Context[Any], /) -> Session:
        """What the context's repository works on. Raises SettingsError if the context is not installed."""
        found = self._stores.get(context)
        if found is None:
            installed = [each.name for each in self._stores]
            same = " (another context of that name is)" if context.name in installed else ""
            raise SettingsError(f"the context {context.name} is not installed{same}: {', '.join(installed)}")
        return found

    def repository(self, context: Context[P], /) -> P:
        """The context's repository. Raises SettingsError if the context is not installed."""
        found: P | None = self._repositories.get(context)
        if found is None:
            found = context.build(self.store(context))
            self._repositories[context] = found
        return found

    def collection(self, table: Table[E], /) -> Collection[E, Any]:
        """The rows of one installed table. Raises SettingsError if no installed context has it."""
        for context, store in self._stores.items():
            if table in context.tables:
                return Collection(store, table)
        raise SettingsError(f"no installed context has the table {table.name}")

    @property
    def base(self) -> BaseRepository:
        """Tables by name and rows as dicts, over all installed tables; own SQL on an adapter that takes it."""
        stores = self._stores.values()
        takes_sql = [each for each in stores if Capability.RAW_SQL in each.capabilities]
        return BaseRepository(takes_sql[0] if takes_sql else next(iter(stores)))

    async def close(self) -> None:
        """Give back all that was opened, all of it even where one part fails. Closing twice is fine."""
        opened, self._opened = self._opened, ()
        async with AsyncExitStack() as stack:
            for each in opened:
                stack.push_async_callback(each.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _store(self, session: Session, catalog: Catalog) -> Session:
        if len(self._opened) == 1:
            return session
        return ByTable(session, {catalog.table(table): home for table, home in self._tables.items()}, catalog)


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
