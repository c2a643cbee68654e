"""The legacy store: the port's calls as requests to PostgREST, made by one identity. Every call is one transaction."""

import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from typing import Any

import attrs
import orjson

from homeport.adapters.supabase_legacy.compiler import ADAPTER, CAPABILITIES, Compiler
from homeport.adapters.supabase_legacy.reading import Reader, RowCap, total_of
from homeport.adapters.supabase_legacy.transport import Call, JsonRow, Reply, Transport
from homeport.adapters.supabase_legacy.upserts import deleted_in_the_way, in_given_order, refuse_deleted
from homeport.kernel.capabilities import Capability, require
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.errors import NotNullViolation, OutcomeUnknown
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.predicates import FALSE
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written


@attrs.frozen(eq=False)
class Shared:
    """What the stores of all identities have in common."""

    transport: Transport
    catalog: Catalog
    cursors: CursorSigner
    cap: RowCap


class LegacyStore:
    """Specified by `homeport.ports.store.Session`; `with_token` gives a store for another identity.

    A list over several pages is not one moment: rows that move in its order meanwhile may be seen twice or not at all.
    """

    def __init__(self, shared: Shared, compiler: Compiler, token: str | None, *, opener: bool = True) -> None:
        self._shared = shared
        self._token = token
        self._opener = opener
        self._compiler = compiler.signed_in(None if token is None else subject(token))
        self._reader = Reader(self._send, self._compiler, shared.cap, shared.transport.url_bytes)

    def with_token(self, token: str | None) -> "LegacyStore":
        """A store whose calls carry this bearer token, over the same connections; None is anon.

        The server alone judges the token. Closing this store closes nothing: its opener does.
        """
        return LegacyStore(self._shared, self._compiler, token, opener=False)

    @property
    def adapter(self) -> str:
        return ADAPTER

    @property
    def capabilities(self) -> Capability:
        return CAPABILITIES

    @property
    def catalog(self) -> Catalog:
        return self._shared.catalog

    @property
    def cursors(self) -> CursorSigner:
        return self._shared.cursors

    # -- reading

    async def fetch(self, query: Select[E], /) -> list[E]:
        """A list of values too long for a URL is asked for in parts, which are put in order here."""
        return await self._reader.fetch(query)

    async def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        async for row in self._reader.stream(query):
            yield row

    async def count(self, query: Select[Any], /) -> int:
        return await self._reader.count(query)

    # -- writing

    async def insert(self, command: Insert[E], /) -> Written[E]:
        """An upsert looks for soft-deleted rows before it writes.

        If one is marked between the two, it is changed and stays deleted; UniqueViolation is raised all the same.
        """
        if not command.rows:
            return Written(0)
        conflict = command.conflict
        merging = conflict is not None and bool(conflict.update) and command.table.soft_delete is not None
        call = self._compiler.insert(attrs.evolve(command, returning=command.returning or merging))
        if conflict is not None and merging:
            for query in deleted_in_the_way(command, conflict):
                refuse_deleted(command, conflict, await self.fetch(query))
        written = await self._written(call, command)
        if conflict is not None and merging:
            refuse_deleted(command, conflict, written.rows)
        if not command.returning:
            return Written(written.count)
        return Written(written.count, tuple(in_given_order(command, list(written.rows))))

    async def update(self, command: Update[E], /) -> Written[E]:
        """Raises Unsupported for `exists` in the filter, and for alternatives that it can't answer the rows of."""
        meant = attrs.evolve(command, where=self._compiler.normal(command.where))
        if meant.where == FALSE:
            return Written(0)
        return await self._written(self._compiler.update(meant), command)

    async def update_each(self, command: UpdateEach[E], /) -> Written[E]:
        """Always Unsupported: PostgREST changes all rows of one request alike."""
        require(CAPABILITIES, Capability.BULK_UPDATE, ADAPTER)
        return Written(0)

    async def delete(self, command: Delete[E], /) -> Written[E]:
        """Raises Unsupported for `exists` in the filter."""
        meant = attrs.evolve(command, where=self._compiler.normal(command.where))
        if meant.where == FALSE:
            return Written(0)
        call = self._compiler.delete(meant)
        return Written(total_of(await self._send(call), call))

    async def _written(self, call: Call, command: Insert[E] | Update[E]) -> Written[E]:
        reply = await self._send(call)
        if "return=representation" not in call.prefer:
            return Written(total_of(reply, call))
        rows = self._compiler.codec(command.table).entities(reply.rows)
        return Written(len(rows), tuple(rows))

    # -- beyond the algebra

    async def run(self, operation: Operation[P, R], parameter: P, /) -> R:
        """An answer of many rows that the row cap cuts is asked for again from there on, by an operation that reads.

        Raises OutcomeUnknown if one that writes was carried out, and its answer cut.
        """
        call, codec = self._compiler.call(operation, parameter)
        rows: list[JsonRow] = []
        more = True
        while more:
            from_there = (*call.params, ("offset", str(len(rows)))) if rows else call.params
            reply = await self._send(attrs.evolve(call, params=from_there))
            rows += reply.rows
            more = operation.many and bool(reply.rows) and len(rows) < total_of(reply, call)
            if more and operation.writes:
                raise OutcomeUnknown(f"{operation.name} was carried out, but its answer was cut by the row cap")
        return operation.answer(codec.entities(rows))

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        """Always Unsupported: PostgREST takes no SQL."""
        require(CAPABILITIES, Capability.RAW_SQL, ADAPTER)
        return []

    async def close(self) -> None:
        if self._opener:
            await self._shared.transport.aclose()

    async def _send(self, call: Call) -> Reply:
        try:
            return await self._shared.transport.send(call, self._token)
        except NotNullViolation as error:
            raise _declared(error, self.catalog, call) from None


def subject(token: str) -> str | None:
    """Who the token says is signed in, unverified; None for nobody, and for a key that is no JWT."""
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        given = claims.get("sub")
    except (IndexError, ValueError, binascii.Error, AttributeError):
        return None
    return given if isinstance(given, str) and given else None


def _declared(error: NotNullViolation, catalog: Catalog, call: Call) -> NotNullViolation:
    """The same under the declared names; the server knows only its own."""
    for table in catalog.tables:
        if table.db_name == error.table and (table.schema == call.schema or table.view_of is None):
            columns = [each.name for each in table.columns if each.db_name in error.columns]
            names = ", ".join(f"{table.name}.{each}" for each in columns)
            return NotNullViolation(f"{names} has no value", table=table.name, columns=columns, code=error.code)
    return error
