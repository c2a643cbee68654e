"""The store over PostgreSQL: one statement a call, and a transaction only where one statement can't do it."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import attrs

from homeport.adapters.postgres import bulk
from homeport.adapters.postgres.compiler import Bound, Compiler, Hydrate
from homeport.adapters.postgres.connections import Connection, Connections
from homeport.adapters.postgres.predicate_sql import table_name
from homeport.adapters.postgres.statements import comment, staged_in
from homeport.adapters.postgres.units import unit
from homeport.adapters.postgres.ways import (
    RELEASE,
    SAVEPOINT,
    Direct,
    Scoped,
    Way,
    atomic,
    finished,
    refuse_lock,
    snapshot,
    undone,
)
from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.errors import LockTimeout, SchemaMismatch
from homeport.kernel.frozen import maker
from homeport.kernel.identity import Identity
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.predicates import FALSE
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written, alike, never
from homeport.kernel.table import Table
from homeport.kernel.units import DEFAULT_UNIT, UnitOptions, Wait

STREAM_ROWS = 500

_written = maker(Written)

CAPABILITIES = ~Capability(0)

_LOG = logging.getLogger("homeport")
_ONE_LOGIN = (
    "calls of users are made over the one login of the service, which fails open: set scoped_database_url"
    " to the login `authenticator`, which may do nothing by itself"
)


@attrs.define(eq=False)
class Shared:
    """What the stores of all identities and units of one database have in common.

    Attributes:
        scoped: the connections of users' calls: those of a login that may do nothing by itself, where there is one.
        secured: whether row policies apply to the unscoped login, by table: COPY refuses such a table.
        stages: whether that login may make temporary tables; None before it was asked.
    """

    connections: Connections
    scoped: Connections
    catalog: Catalog
    cursors: CursorSigner
    compiler: Compiler
    secured: dict[Table[Any], bool] = attrs.field(factory=dict)
    stages: bool | None = None
    _warned: list[str] = attrs.field(factory=list)

    def warn_of_one_login(self) -> None:
        """Once, where users' calls have no login of their own: a forgotten BEGIN would have this one's rights."""
        if self.scoped is self.connections and not self._warned:
            self._warned.append(_ONE_LOGIN)
            _LOG.warning(_ONE_LOGIN)


class PostgresCalls:
    """The eight calls, each over a connection that its way lends."""

    def __init__(self, shared: Shared, way: Way) -> None:
        self._shared = shared
        self._compiler = shared.compiler
        self._way = way

    @property
    def adapter(self) -> str:
        return "postgres"

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
        if never(query):
            return []
        if query.lock is not None and not self._way.locks:
            raise refuse_lock()
        text, values, hydrate = self._compiler.read(query)
        return _entities(hydrate, await self._way.fetch(text, values))

    async def stream(self, query: Select[E], /) -> AsyncGenerator[E, None]:
        if never(query):
            return
        text, values, hydrate = self._compiler.read(query)
        async with self._way.borrow(writes=False) as connection, snapshot(connection):
            # Not by `cursor`, which names its statement even where a pooler would give the name to others.
            statement = await connection.prepare(text)
            cursor = await statement.cursor(*values)
            while rows := await cursor.fetch(STREAM_ROWS):
                for entity in _entities(hydrate, rows):
                    yield entity

    async def count(self, query: Select[Any], /) -> int:
        if never(query):
            return 0
        text, values = self._compiler.count(query)
        return int((await self._way.fetch(text, values))[0][0])

    # -- writing

    async def insert(self, command: Insert[E], /) -> Written[E]:
        if not command.rows:
            return Written(0)
        if len(command.rows) == 1:
            return await self._insert_one(command)
        if not alike(command.rows):
            pieces = [self._compiler.insert_unlike(command, rows) for rows in bulk.chunks(command.rows)]
            return await self._insert_together(command, pieces)
        if bulk.worth_copying(command) and not await self._secured_by_row(command.table):
            return await self._copy(command)
        if bulk.worth_staging(command) and await self._may_stage():
            return await self._insert_staged(command)
        return await self._insert_together(command, [self._compiler.insert_alike(command)])

    async def _insert_one(self, command: Insert[E]) -> Written[E]:
        text, values = self._compiler.insert_one(command)
        written = await self._written(command, text, values)
        if written.count == 0 and bulk.spares_deleted_rows(command):
            raise bulk.meets_a_deleted_row(command)
        return written

    async def _insert_together(self, command: Insert[E], pieces: Sequence[Bound]) -> Written[E]:
        """The statements of one insert; where a soft-deleted row was in the way, all is undone."""
        guarded = bulk.spares_deleted_rows(command)
        together = guarded or len(pieces) > 1
        count, entities = 0, list[E]()
        async with (
            self._way.borrow(writes=True) as connection,
            atomic(connection) if together else nullcontext(),
        ):
            for text, values in pieces:
                some = await self._write(connection, command.table, text, values, returning=command.returning)
                count += some.count
                entities += some.rows
            if guarded and count < len(command.rows):
                raise bulk.meets_a_deleted_row(command)
        return Written(count, tuple(bulk.in_given_order(command, entities)))

    async def _copy(self, command: Insert[E]) -> Written[E]:
        """COPY carries no comment: the driver writes its text."""
        names, table = tuple(command.rows[0]), command.table
        async with self._way.borrow(writes=True) as connection:
            await connection.copy_records_to_table(
                table.db_name,
                schema_name=table.schema,
                columns=[table.by_name[name].db_name for name in names],
                records=bulk.records(command.rows, names),
            )
        return Written(len(command.rows))

    async def _insert_staged(self, command: Insert[E]) -> Written[E]:
        """COPY can't answer rows; copied first, so many of them still take less time than as arrays."""
        made, text, rows = self._compiler.insert_staged(command)
        table = command.table
        async with self._way.borrow(writes=True) as connection, atomic(connection):
            await connection.execute(made)
            await connection.copy_records_to_table(
                staged_in(table),
                schema_name="pg_temp",
                columns=[table.by_name[name].db_name for name in command.rows[0]],
                records=rows,
            )
            written = await self._write(connection, table, text, (), returning=True)
        return Written(written.count, tuple(bulk.in_given_order(command, list(written.rows))))

    async def _may_stage(self) -> bool:
        """Whether the login may make temporary tables; users' roles are not asked. Asked once."""
        if self._way.as_user:
            return False
        if self._shared.stages is None:
            text = f"{comment('homeport.temporary')}SELECT has_database_privilege(current_database(), 'TEMPORARY')"
            async with self._way.borrow(writes=False) as connection:
                self._shared.stages = bool(await connection.fetchval(text))
        return self._shared.stages

    async def _secured_by_row(self, table: Table[Any]) -> bool:
        """Whether row policies apply: COPY refuses such a table. Asked once a table."""
        if self._way.as_user:
            return True
        found = self._shared.secured.get(table)
        if found is None:
            text = f"{comment(f'{table.name}.row_security')}SELECT row_security_active($1::text)"
            async with self._way.borrow(writes=False) as connection:
                found = self._shared.secured[table] = bool(await connection.fetchval(text, table_name(table)))
        return found

    async def update(self, command: Update[E], /) -> Written[E]:
        if command.where == FALSE:
            return Written(0)
        return await self._written(command, *self._compiler.update(command))

    async def update_each(self, command: UpdateEach[E], /) -> Written[E]:
        if command.where == FALSE or not command.changes:
            return Written(0)
        groups = [self._compiler.update_each(command, group) for group in bulk.by_columns(command)]
        count = 0
        async with (
            self._way.borrow(writes=True) as connection,
            nullcontext() if len(groups) == 1 else atomic(connection),
        ):
            for text, values in groups:
                count += _count(await connection.execute(text, *values))
        return Written(count)

    async def delete(self, command: Delete[E], /) -> Written[E]:
        if command.where == FALSE:
            return Written(0)
        text, values = self._compiler.delete(command)
        async with self._way.borrow(writes=True) as connection:
            return Written(_count(await connection.execute(text, *values)))

    async def _written(self, command: Insert[E] | Update[E], text: str, values: Sequence[Any]) -> Written[E]:
        """What one statement did that is a whole call."""
        if not command.returning:
            async with self._way.borrow(writes=True) as connection:
                return Written(_count(await connection.execute(text, *values)))
        rows = await self._way.fetch(text, values, writes=True)
        return _answered(self._compiler.codec(command.table).hydrate, rows)

    async def _write(
        self, connection: Connection, table: Table[E], text: str, values: Sequence[Any], *, returning: bool
    ) -> Written[E]:
        if not returning:
            return Written(_count(await connection.execute(text, *values)))
        return _answered(self._compiler.codec(table).hydrate, await connection.fetch(text, *values))

    # -- beyond the algebra

    async def run(self, operation: Operation[P, R], parameter: P, /) -> R:
        text, values, hydrate = self._compiler.call(operation, parameter)
        async with self._way.borrow(writes=operation.writes) as connection:
            rows = await connection.fetch(text, *values)
        return operation.answer(_entities(hydrate, rows))

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        """The rows by column name, with the driver's own values. A connection of our own pool is reset afterwards."""
        async with self._way.borrow(writes=True, raw=True) as connection:
            rows = await connection.fetch(f"{comment('execute_query')}{query}", *params)
        return [dict(row) for row in rows]


class PostgresUnit(PostgresCalls):
    """Specified by `homeport.ports.store.Unit`."""

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        async with self._way.borrow(writes=False) as connection:
            await connection.execute(SAVEPOINT)
        try:
            yield
        except BaseException:
            await finished(undone(connection))
            raise
        async with self._way.borrow(writes=False):
            await connection.execute(RELEASE)

    async def lock(self, name: str, wait: Wait, /) -> bool:
        """By a hash of 64 bits: two names that share it share the lock."""
        tries = "" if wait is Wait.WAIT else "try_"
        text = f"{comment('unit.lock')}SELECT pg_{tries}advisory_xact_lock(hashtextextended($1::text, 0))"
        async with self._way.borrow(writes=False) as connection:
            had = await connection.fetchval(text, name)
        if had is False and wait is Wait.NOWAIT:
            raise LockTimeout("the lock of that name is held by somebody else")
        return had is not False


class PostgresStore(PostgresCalls):
    """Specified by `homeport.ports.store.Session`."""

    def __init__(self, shared: Shared, identity: Identity | None = None) -> None:
        self._identity = identity
        self._connections = shared.connections if identity is None else shared.scoped
        of = self._connections, shared.catalog
        super().__init__(shared, Direct(*of) if identity is None else Scoped(*of, identity))

    @asynccontextmanager
    async def transaction(self, options: UnitOptions = DEFAULT_UNIT, /) -> AsyncIterator[PostgresUnit]:
        async with unit(self._connections, self._shared.catalog, options, self._identity) as way:
            yield PostgresUnit(self._shared, way)

    def scoped(self, identity: Identity, /) -> "PostgresStore":
        """Service too is a role that is taken on: the login of scoped calls may do nothing by itself."""
        self._shared.warn_of_one_login()
        return PostgresStore(self._shared, identity)

    async def ping(self) -> None:
        async with self._way.borrow(writes=False) as connection:
            await connection.execute("SELECT")

    async def close(self) -> None:
        """A scoped store closes nothing."""
        if self._identity is not None:
            return
        try:
            await self._shared.connections.close()
        finally:
            await self._shared.scoped.close()


def _entities(hydrate: Hydrate[E], rows: Sequence[Any]) -> list[E]:
    try:
        return hydrate(rows)
    except ValueError as error:
        raise SchemaMismatch("a stored value can't be read as its column's type") from error


def _answered(hydrate: Hydrate[E], rows: Sequence[Any]) -> Written[E]:
    return _written(len(rows), tuple(_entities(hydrate, rows)))


def _count(status: str) -> int:
    """How many rows: the last word of `INSERT 0 3`, `UPDATE 3`, `DELETE 3`."""
    return int(status.rpartition(" ")[2])
