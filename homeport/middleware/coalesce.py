"""Concurrent gets become one statement: `key = ANY (..)` instead of one round trip each. Off unless it is opened.

A get waits until the loop has given everybody else a turn. Who asks by then for a row of the same table by its key, and
the rest alike, is asked for together with it. A get that stays alone is made as it is, by its own task.
"""

import asyncio
import contextvars
import copy
from collections.abc import Hashable
from typing import Any, Generic, TypeAlias

from homeport.kernel.entity import E
from homeport.kernel.errors import RepositoryError
from homeport.kernel.identity import Identity
from homeport.kernel.predicates import Comparator, Compare, Field, Literal, OneOf, Predicate, all_of, conjuncts, field
from homeport.kernel.query import Order, Select
from homeport.kernel.types import JsonType
from homeport.middleware.passing import PassingStore
from homeport.ports.store import Session

MOST = 50
"""How many gets one statement answers: while its rows are read, the server looks for those of the next one."""

Group: TypeAlias = tuple[Hashable, ...]
"""What gets have in common that are asked together: all but the key."""
Waiter: TypeAlias = asyncio.Future[list[E] | None]
"""One caller's: the row in a list, an empty list for none, or None where nobody else has asked."""


def get_of(query: Select[Any]) -> tuple[Group, object] | None:
    """A get's group, and the key it asks for; None for any other query."""
    if query.form is not None and query.form.by_key:
        return (query.form, *query.values[:-1]), query.values[-1]
    if query.order or query.limit is not None or query.offset or query.lock is not None:
        return None
    found = _apart(query)
    return None if found is None else ((query.name, query.table, found[0]), found[1])


def _apart(query: Select[Any]) -> tuple[tuple[Predicate, ...], object] | None:
    """The key that is asked for, apart from all other conditions."""
    parts, key = conjuncts(query.where), query.table.key
    for place, each in enumerate(parts):
        if (
            isinstance(each, Compare)
            and each.comparator is Comparator.EQ
            and isinstance(each.left, Field)
            and each.left.name == key
            and isinstance(each.right, Literal)
        ):
            return parts[:place] + parts[place + 1 :], each.right.value
    return None


class Batch(Generic[E]):
    """Gets that are asked together, of callers in one context of one loop."""

    def __init__(self, first: Select[E], loop: asyncio.AbstractEventLoop, context: contextvars.Context) -> None:
        self._first = first
        self._loop = loop
        self._context = context
        self._asked: list[tuple[object, Waiter[E]]] = []
        self._staying = 0
        self._task: asyncio.Task[None] | None = None

    def takes(self, context: contextvars.Context) -> bool:
        """Whether there is room, and a caller's context is that of all: an observer may read a request's id from it."""
        if len(self._asked) >= MOST or not self._loop.is_running():
            return False
        try:
            return self._context == context
        except Exception:  # noqa: BLE001 - a value of the caller's that can't be compared is not known to be the same
            return False

    def join(self, key: object) -> Waiter[E]:
        waiter: Waiter[E] = self._loop.create_future()
        self._asked.append((key, waiter))
        self._staying += 1
        return waiter

    def leave(self, waiter: Waiter[E]) -> None:
        """A caller was cancelled. It leaves alone; the last one takes the statement with it."""
        if waiter.done() and not waiter.cancelled():
            waiter.exception()  # looked at, so that nobody is told that it never was
        self._staying -= 1
        if self._staying == 0 and self._task is not None:
            self._task.cancel()

    def send(self, session: Session) -> "asyncio.Task[None] | None":
        """Asks for all of them; a caller that is alone is told so."""
        if self._staying > 1:
            self._task = self._loop.create_task(self._carried_out(session), context=self._context)
        else:
            for waiter in self._waiting():
                waiter.set_result(None)
        return self._task

    async def _carried_out(self, session: Session) -> None:
        keys = tuple(dict.fromkeys(key for key, _ in self._asked))
        try:
            rows = await session.fetch(self._query(keys))
        except asyncio.CancelledError:
            for waiter in self._waiting():
                waiter.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - every caller is told, none is left to wait
            for waiter in self._waiting():
                waiter.set_exception(_own(error))
        else:
            self._answer(rows, twice=len(keys) < len(self._asked))

    def _query(self, keys: tuple[object, ...]) -> Select[E]:
        """On behalf of nobody in particular."""
        name, table, found = self._first.name, self._first.table, _apart(self._first)
        rest = () if found is None else found[0]
        return Select(name, table, all_of(*rest, OneOf(field(table.key), keys)), (Order(table.key),))

    def _answer(self, rows: list[E], *, twice: bool) -> None:
        """Where a row may be asked for twice, its jsonb, which is not frozen, is nobody else's."""
        table = self._first.table
        found = {getattr(row, table.key): row for row in rows}
        copied = twice and any(isinstance(each.type, JsonType) for each in table.columns)
        for key, waiter in self._asked:
            if not waiter.done():
                row = found.get(key)
                waiter.set_result([] if row is None else [copy.deepcopy(row) if copied else row])

    def _waiting(self) -> list[Waiter[E]]:
        return [waiter for _, waiter in self._asked if not waiter.done()]


class CoalescedStore(PassingStore):
    """A session whose concurrent gets are asked together.

    Only those of this session, hence of one identity, and of callers whose context variables are equal: two requests
    that carry an id each share nothing. Units are the session's own: no batch ever is part of a transaction.

    Everybody gets a list of their own. Callers who asked for the same row may share the entity, which is frozen. An
    error reaches all callers of its batch, each as an instance of its own.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._open: dict[Group, Batch[Any]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def fetch(self, query: Select[E], /) -> list[E]:
        get = get_of(query)
        if get is None:
            return await self._session.fetch(query)
        group, key = get
        batch: Batch[E] = self._gathering(group, query)
        waiter = batch.join(key)
        try:
            answer = await waiter
        except asyncio.CancelledError:
            batch.leave(waiter)
            raise
        return await self._session.fetch(query) if answer is None else answer

    def _gathering(self, group: Group, query: Select[E]) -> Batch[E]:
        """The batch that the group's gets join until the loop's next turn."""
        context = contextvars.copy_context()
        batch = self._open.get(group)
        if batch is None or not batch.takes(context):
            loop = asyncio.get_running_loop()
            batch = self._open[group] = Batch(query, loop, context)
            loop.call_soon(self._send, group, batch, context=context)
        return batch

    def _send(self, group: Group, batch: Batch[Any]) -> None:
        if self._open.get(group) is batch:
            del self._open[group]
        task = batch.send(self._session)
        if task is not None:
            self._under_way.add(task)  # the loop itself would forget it
            task.add_done_callback(self._under_way.discard)

    def scoped(self, identity: Identity, /) -> "CoalescedStore":
        return CoalescedStore(self._session.scoped(identity))


def _own(error: Exception) -> Exception:
    """The error for one caller more: a traceback grows with every raise, so nobody shares one."""
    if not isinstance(error, RepositoryError):
        return error
    own = copy.copy(error)
    own.__cause__, own.__context__ = error.__cause__, error.__context__
    own.__suppress_context__ = error.__suppress_context__
    return own.with_traceback(error.__traceback__)
