"""Reads in pages that no row cap cuts, each going on after the last row of the one before.

PostgREST answers at most `db-max-rows` rows, and an answer that was cut looks like any other. So the cap is asked for
once; where nobody tells it, only an empty page is the end.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import attrs

from homeport.adapters.supabase_legacy.compiler import Compiler
from homeport.adapters.supabase_legacy.conditions import conjuncts
from homeport.adapters.supabase_legacy.splitting import joined, parts
from homeport.adapters.supabase_legacy.transport import Call, Reply
from homeport.kernel.entity import E
from homeport.kernel.errors import (
    OutcomeUnknown,
    QueryError,
    RepositoryPermissionError,
    RepositoryUnavailableError,
    RowSecurity,
)
from homeport.kernel.pages import after
from homeport.kernel.predicates import FALSE, AllOf, Comparator, Compare, Field, Predicate
from homeport.kernel.query import Order, Select, never
from homeport.kernel.table import Table

Send: TypeAlias = Callable[[Call], Awaitable[Reply]]

ROWS_OF_A_STREAM = 1000
_ROWS_WITHOUT_CAP = 20_000  # as many as the cap was probed with
_ROWS_OF_UNKNOWN_CAP = 1000
_ROOM_TO_GO_ON = 0.9  # of the URL; the rest is left for the place where the next page begins


@attrs.frozen
class Cap:
    """How many rows to ask for at once, and whether a shorter answer is certainly the last."""

    rows: int
    known: bool


class RowCap:
    """The server's cap, learnt at the first need and kept. `ask` gives it, None where there is none.

    Where the server does not tell, the cap stays unknown. One that is lowered under a running process cuts its lists.
    """

    def __init__(self, ask: Callable[[], Awaitable[int | None]]) -> None:
        self._ask = ask
        self._learnt: Cap | None = None
        self._learning = asyncio.Lock()

    async def learnt(self) -> Cap:
        if self._learnt is not None:
            return self._learnt
        async with self._learning:
            if self._learnt is None:
                self._learnt = await self._learn()
            return self._learnt

    async def _learn(self) -> Cap:
        try:
            rows = await self._ask()
        except (QueryError, RepositoryPermissionError):  # the platform's migration did not run here
            return Cap(_ROWS_OF_UNKNOWN_CAP, known=False)
        return Cap(_ROWS_WITHOUT_CAP if rows is None else rows, known=True)


class Reader:
    """One identity's reads."""

    def __init__(self, send: Send, compiler: Compiler, cap: RowCap, url_bytes: int) -> None:
        self._send = send
        self._compiler = compiler
        self._cap = cap
        self._longest = int(url_bytes * _ROOM_TO_GO_ON)

    async def fetch(self, query: Select[E]) -> list[E]:
        asked = self._complete(query)
        if never(asked):
            return []
        whole = self._compiler.select(asked)
        pieces = [asked] if self._fits(whole) else self._parts(asked)
        if len(pieces) == 1:
            return await self._rows(asked, whole)
        furthest = None if asked.limit is None else asked.offset + asked.limit
        return joined(asked, [await self._rows(attrs.evolve(each, limit=furthest, offset=0)) for each in pieces])

    async def stream(self, query: Select[E]) -> AsyncIterator[E]:
        asked = self._complete(query)
        if never(asked):
            return
        if len(self._parts(asked)) > 1:  # the parts have to be put in order as a whole
            for row in await self.fetch(query):
                yield row
            return
        async for page in self._pages(asked, ROWS_OF_A_STREAM):
            for row in page:
                yield row

    async def count(self, query: Select[Any]) -> int:
        asked = self._complete(query)
        if never(asked):
            return 0
        pieces = self._parts(asked)
        if (asked.limit, asked.offset) == (1, 0):
            return int(await self._any(pieces))
        calls = [self._compiler.count(each) for each in pieces]
        total = sum([total_of(await self._send(call), call) for call in calls])
        left = max(0, total - asked.offset)
        return left if asked.limit is None else min(left, asked.limit)

    async def answered(self, call: Call, table: Table[E]) -> list[E]:
        """The rows of a call that selects the table's columns.

        Where `*` is refused nothing was done: the call is sent again with the columns named, in case that one of the
        others is not granted.
        """
        codec = self._compiler.codec(table)
        try:
            reply = await self._send(call)
        except RepositoryPermissionError as error:
            named = self._compiler.named(call, table)
            if named is None or error.code != "42501" or isinstance(error, RowSecurity):
                raise
            reply = await self._send(named)
            codec.narrow()
        return codec.entities(reply.rows, written=call.writes)

    async def _any(self, pieces: list[Select[Any]]) -> bool:
        for each in pieces:
            if (await self._send(self._compiler.keys(each))).rows:
                return True
        return False

    async def _rows(self, query: Select[E], call: Call | None = None) -> list[E]:
        pages = [page async for page in self._pages(query, _ROWS_WITHOUT_CAP, call)]
        return pages[0] if len(pages) == 1 else [row for page in pages for row in page]

    async def _pages(self, query: Select[E], most: int, whole: Call | None = None) -> AsyncIterator[list[E]]:
        """`whole` is the query's own call, which serves where one page may be all of it."""
        cap = Cap(1, known=True) if query.limit == 1 else await self._cap.learnt()
        page, seen = query, 0
        while page.where != FALSE:
            wanted = min(cap.rows, most, *(() if query.limit is None else (query.limit - seen,)))
            if page is not query or page.limit != wanted or whole is None:
                whole = self._compiler.select(attrs.evolve(page, limit=wanted))
            rows = await self.answered(whole, query.table)
            if rows:
                yield rows
            seen += len(rows)
            if not rows or seen == query.limit or (cap.known and len(rows) < wanted):
                return
            page = self._following(query, rows[-1], seen)

    def _following(self, query: Select[E], last: E, seen: int) -> Select[E]:
        """What comes after the row, whatever has happened to those before it."""
        position = [getattr(last, term.column) for term in query.order]
        further = AllOf((query.where, after(query.table, query.order, position)))
        page = attrs.evolve(query, where=self._compiler.normal(further), offset=0)
        if self._fits(self._compiler.select(page), room=1 / _ROOM_TO_GO_ON):
            return page
        # Ordering values too long for a URL leave only the count of rows seen to go by
        return attrs.evolve(query, offset=query.offset + seen)

    def _complete(self, query: Select[E]) -> Select[E]:
        """With the predicate in its normal form, in a total order, and limited to one row where a key is asked for."""
        table = query.table
        where = self._compiler.normal(query.where)
        ordered = any(term.column == table.key for term in query.order)
        alone = any(_is_key(each, table.key) for each in conjuncts(where))
        return attrs.evolve(
            query,
            where=where,
            order=() if alone else query.order if ordered else (*query.order, Order(table.key)),
            limit=1 if alone and query.limit != 0 else query.limit,
        )

    def _parts(self, query: Select[E]) -> list[Select[E]]:
        return parts(query, lambda each: self._fits(self._compiler.select(each)))

    def _fits(self, call: Call, *, room: float = 1.0) -> bool:
        return len(call.query) <= self._longest * room


def total_of(reply: Reply, call: Call) -> int:
    """The count that was asked for. Raises if something on the way has dropped it; OutcomeUnknown after a write."""
    if reply.total is None:
        lost = OutcomeUnknown if call.writes else RepositoryUnavailableError
        raise lost(f"{call.target}: the answer has no count, though one was asked for")
    return reply.total


def _is_key(predicate: Predicate, key: str) -> bool:
    return isinstance(predicate, Compare) and predicate.left == Field(key) and predicate.comparator is Comparator.EQ
