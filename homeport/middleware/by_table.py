"""One session over several: each call goes to the session that has its table. Knows no adapter by name."""

from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.errors import Unsupported
from homeport.kernel.identity import Identity
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written
from homeport.kernel.table import Table
from homeport.kernel.units import DEFAULT_UNIT, UnitOptions
from homeport.ports.store import Session, Unit


class ByTable:
    """A context's own session, `home`, with the other contexts' tables where they are.

    So a repository that reads another context's rows finds them whichever adapter has them. `exists` is answered by
    the session of the outer table: it can't look into another adapter. A call is the session's own coroutine.
    """

    def __init__(self, home: Session, sessions: Mapping[Table[Any], Session], catalog: Catalog) -> None:
        self._home = home
        self._sessions = sessions
        self.capabilities: Capability = home.capabilities
        self.catalog: Catalog = catalog
        self.cursors: CursorSigner = home.cursors

    @property
    def adapter(self) -> str:
        """The context's own, which a flag may change."""
        return self._home.adapter

    def fetch(self, query: Select[E], /) -> Coroutine[Any, Any, list[E]]:
        return self._of(query.table).fetch(query)

    def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        return self._of(query.table).stream(query)

    def count(self, query: Select[Any], /) -> Coroutine[Any, Any, int]:
        return self._of(query.table).count(query)

    def insert(self, command: Insert[E], /) -> Coroutine[Any, Any, Written[E]]:
        return self._of(command.table).insert(command)

    def update(self, command: Update[E], /) -> Coroutine[Any, Any, Written[E]]:
        return self._of(command.table).update(command)

    def update_each(self, command: UpdateEach[E], /) -> Coroutine[Any, Any, Written[E]]:
        return self._of(command.table).update_each(command)

    def delete(self, command: Delete[E], /) -> Coroutine[Any, Any, Written[E]]:
        return self._of(command.table).delete(command)

    def run(self, operation: Operation[P, R], parameter: P, /) -> Coroutine[Any, Any, R]:
        return self._home.run(operation, parameter)

    def execute_query(self, query: str, params: Sequence[object] = ()) -> Coroutine[Any, Any, list[dict[str, object]]]:
        return self._home.execute_query(query, params)

    def transaction(self, options: UnitOptions = DEFAULT_UNIT, /) -> AbstractAsyncContextManager[Unit]:
        """Raises Unsupported: there is no transaction over several adapters. A unit is opened on one of them."""
        raise Unsupported("a unit of work is of one adapter, and these tables are on several")

    def scoped(self, identity: Identity, /) -> "ByTable":
        everywhere = {each: each.scoped(identity) for each in dict.fromkeys((self._home, *self._sessions.values()))}
        sessions = {table: everywhere[each] for table, each in self._sessions.items()}
        return ByTable(everywhere[self._home], sessions, self.catalog)

    async def ping(self) -> None:
        """Every session, one after the other. Raises what the first one that fails raises."""
        for each in dict.fromkeys((self._home, *self._sessions.values())):
            await each.ping()

    async def close(self) -> None:
        """Nothing: the sessions are closed by whoever opened them."""

    def _of(self, table: Table[Any]) -> Session:
        return self._sessions.get(table, self._home)
