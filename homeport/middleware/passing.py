"""A session that passes every call on: what stands before one changes the calls that it is about, and no other.

They are plain functions, so the caller awaits the session's own coroutine and pays for none in between.
"""

from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written
from homeport.kernel.units import DEFAULT_UNIT, UnitOptions
from homeport.ports.store import Session, Unit


class PassingStore:
    """Specified by `homeport.ports.store.Session`, but for `scoped`, which each kind has to say for itself: passed on,
    it would give scopes before which nothing stands.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.adapter: str = session.adapter
        self.capabilities: Capability = session.capabilities
        self.catalog: Catalog = session.catalog
        self.cursors: CursorSigner = session.cursors

    def fetch(self, query: Select[E], /) -> Coroutine[Any, Any, list[E]]:
        return self._session.fetch(query)

    def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        return self._session.stream(query)

    def count(self, query: Select[Any], /) -> Coroutine[Any, Any, int]:
        return self._session.count(query)

    def insert(self, command: Insert[E], /) -> Coroutine[Any, Any, Written[E]]:
        return self._session.insert(command)

    def update(self, command: Update[E], /) -> Coroutine[Any, Any, Written[E]]:
        return self._session.update(command)

    def update_each(self, command: UpdateEach[E], /) -> Coroutine[Any, Any, Written[E]]:
        return self._session.update_each(command)

    def delete(self, command: Delete[E], /) -> Coroutine[Any, Any, Written[E]]:
        return self._session.delete(command)

    def run(self, operation: Operation[P, R], parameter: P, /) -> Coroutine[Any, Any, R]:
        return self._session.run(operation, parameter)

    def execute_query(self, query: str, params: Sequence[object] = ()) -> Coroutine[Any, Any, list[dict[str, object]]]:
        return self._session.execute_query(query, params)

    def transaction(self, options: UnitOptions = DEFAULT_UNIT, /) -> AbstractAsyncContextManager[Unit]:
        return self._session.transaction(options)

    def ping(self) -> Coroutine[Any, Any, None]:
        return self._session.ping()

    def close(self) -> Coroutine[Any, Any, None]:
        return self._session.close()
