"""Repositories by the context's value over whatever stores serve them: of a Homeport, of a user, of a unit."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from homeport.contexts import ShippedContexts
from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.table import Table
from homeport.ports.context import Context
from homeport.ports.store import Session, Unit
from homeport.repositories.base import BaseRepository
from homeport.repositories.collection import Collection
from homeport.settings import SettingsError

P = TypeVar("P")
StoreT = TypeVar("StoreT", bound=Session | Unit)


class Repositories(ShippedContexts, Generic[StoreT]):
    """Each made at first use, and kept."""

    def __init__(self, stores: Mapping[Context[Any], StoreT], catalog: Catalog) -> None:
        self._stores = stores
        self._repositories: dict[Context[Any], Any] = {}
        self.catalog = catalog

    @property
    def contexts(self) -> tuple[Context[Any], ...]:
        """The installed contexts, each after what it requires."""
        return tuple(self._stores)

    def store(self, context: Context[Any], /) -> StoreT:
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
        for context in self._stores:
            if table in context.tables:
                return Collection(self.store(context), table)
        raise SettingsError(f"no installed context has the table {table.name}")

    @property
    def base(self) -> BaseRepository:
        """Tables by name and rows as dicts, over all installed tables; own SQL on an adapter that takes it."""
        stores = [self.store(each) for each in self._stores]
        takes_sql = [each for each in stores if Capability.RAW_SQL in each.capabilities]
        return BaseRepository(takes_sql[0] if takes_sql else stores[0])
