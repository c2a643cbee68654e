"""The legacy store: the port's calls as requests to PostgREST, made by one identity. Every call is one transaction."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import attrs

from homeport.adapters.supabase_legacy.callers import Caller, Keys, subject
from homeport.adapters.supabase_legacy.compiler import ADAPTER, CAPABILITIES, Compiler
from homeport.adapters.supabase_legacy.reading import Reader, RowCap, total_of
from homeport.adapters.supabase_legacy.transport import Call, JsonRow, Reply, Transport
from homeport.adapters.supabase_legacy.upserts import deleted_in_the_way, in_given_order, refuse_deleted
from homeport.kernel.capabilities import Capability, require
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.errors import NotNullViolation, OutcomeUnknown, RepositoryPermissionError, Unsupported
from homeport.kernel.identity import Identity
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.predicates import FALSE
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written
from homeport.kernel.units import DEFAULT_UNIT, UnitOptions
from homeport.ports.store import Unit


@attrs.frozen(eq=False)
class Shared:
    """What the stores of all identities have in common."""

    transport: Transport
    catalog: Catalog
    cursors: CursorSigner
    cap: RowCap
    keys: Keys


class LegacyStore:
    """Specified by `homeport.ports.store.Session`.

    A list over several pages is not one moment: rows that move in its order meanwhile may be seen twice or not at all.
    """

    def __init__(self, shared: Shared, compiler: Compiler, caller: Caller | None = None) -> None:
        """`compiler` knows who is signed in; no `caller` is the opener itself."""
        self._shared = shared
        self._opener = caller is None
        self._caller = shared.keys.opener if caller is None else caller
        self._compiler = compiler
        self._reader = Reader(self._send, compiler, shared.cap, shared.transport.url_bytes)

    @classmethod
    def opened(cls, shared: Shared, compiler: Compiler) -> "LegacyStore":
        """The opener's own store."""
        return cls(shared, compiler.signed_in(subject(shared.keys.own)))

    def scoped(self, identity: Identity, /) -> "LegacyStore":
        """The same tables over the same connections, asked by this identity: the server alone judges its token.

        It sends the identity's token, or one signed for it where the opener was given what signs; anon sends the anon
        key. Closing it closes nothing.

        Raises:
            Unsupported: a user's token is not known, and nothing signs one.
        """
        user = None if identity.user is None else str(identity.user)
        return LegacyStore(self._shared, self._compiler.signed_in(user), self._shared.keys.caller(identity))

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
        _refuse_lock(query)
        return await self._reader.fetch(query)

    async def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        _refuse_lock(query)
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
        if "return=representation" not in call.prefer:
            return Written(total_of(await self._send(call), call))
        rows = await self._reader.answered(call, command.table)
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

    def transaction(self, options: UnitOptions = DEFAULT_UNIT, /) -> AbstractAsyncContextManager[Unit]:
        """Always Unsupported: nothing spans two requests."""
        raise Unsupported(
            f"{ADAPTER} does not offer {Capability.TRANSACTIONS.name}: each call is a transaction by itself"
        )

    async def ping(self) -> None:
        """Asks for no row of some table. That a role may not read it is a sign of life as well."""
        for some in self.catalog.tables[:1]:
            try:
                await self._send(self._compiler.keys(Select("ping", some, limit=0)))
            except RepositoryPermissionError as error:
                if error.code != "42501":
                    raise

    async def close(self) -> None:
        if self._opener:
            await self._shared.transport.aclose()

    async def _send(self, call: Call) -> Reply:
        try:
            return await self._shared.transport.send(call, self._caller.bearer(), api_key=self._caller.api_key)
        except NotNullViolation as error:
            raise _declared(error, self.catalog, call) from None


def _refuse_lock(query: Select[Any]) -> None:
    if query.lock is not None:
        require(CAPABILITIES, Capability.ROW_LOCKS, ADAPTER)


def _declared(error: NotNullViolation, catalog: Catalog, call: Call) -> NotNullViolation:
    """The same under the declared names; the server knows only its own."""
    for table in catalog.tables:
        if table.db_name == error.table and (table.schema == call.schema or table.view_of is None):
            columns = [each.name for each in table.columns if each.db_name in error.columns]
            names = ", ".join(f"{table.name}.{each}" for each in columns)
            return NotNullViolation(f"{names} has no value", table=table.name, columns=columns, code=error.code)
    return error
