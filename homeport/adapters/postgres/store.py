"""The store over PostgreSQL: one statement a call, and a transaction only where one statement can't do it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from types import TracebackType
from typing import Any

from homeport.adapters.postgres import bulk
from homeport.adapters.postgres.compiler import Bound, Compiler, Hydrate
from homeport.adapters.postgres.connections import Connection, Connections, is_alive, transaction
from homeport.adapters.postgres.errors import answered, translated
from homeport.adapters.postgres.predicate_sql import table_name
from homeport.adapters.postgres.statements import comment
from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.errors import SchemaMismatch
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.predicates import FALSE
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written, never
from homeport.kernel.table import Table

STREAM_ROWS = 500

CAPABILITIES = ~Capability(0)


class PostgresStore:
    """Specified by `homeport.ports.store.Session`."""

    def __init__(
        self, connections: Connections, *, catalog: Catalog, cursors: CursorSigner, compiler: Compiler
    ) -> None:
        self._connections = connections
        self._catalog = catalog
        self._cursors = cursors
        self._compiler = compiler
        self._row_security: dict[Table[Any], bool] = {}

    @property
    def adapter(self) -> str:
        return "postgres"

    @property
    def capabilities(self) -> Capability:
        return CAPABILITIES

    @property
    def catalog(self) -> Catalog:
        return self._catalog

    @property
    def cursors(self) -> CursorSigner:
        return self._cursors

    # -- reading

    async def fetch(self, query: Select[E], /) -> list[E]:
        if never(query):
            return []
        text, values = self._compiler.select(query)
        async with self._borrowed(writes=False) as connection:
            rows = await connection.fetch(text, *values)
        return _entities(self._compiler.codec(query.table).hydrate, rows)

    async def stream(self, query: Select[E], /) -> AsyncGenerator[E, None]:
        if never(query):
            return
        text, values = self._compiler.select(query)
        hydrate = self._compiler.codec(query.table).hydrate
        async with self._borrowed(writes=False) as connection, _snapshot(connection):
            cursor = await connection.cursor(text, *values)
            while rows := await cursor.fetch(STREAM_ROWS):
                for entity in _entities(hydrate, rows):
                    yield entity

    async def count(self, query: Select[Any], /) -> int:
        if never(query):
            return 0
        text, values = self._compiler.count(query)
        async with self._borrowed(writes=False) as connection:
            return int(await connection.fetchval(text, *values))

    # -- writing

    async def insert(self, command: Insert[E], /) -> Written[E]:
        if not command.rows:
            return Written(0)
        if len(command.rows) == 1:
            return await self._insert_one(command)
        if not bulk.alike(command.rows):
            pieces = [self._compiler.insert_unlike(command, rows) for rows in bulk.chunks(command.rows)]
            return await self._insert_together(command, pieces)
        if bulk.worth_copying(command) and not await self._secured_by_row(command.table):
            return await self._copy(command)
        return await self._insert_together(command, [self._compiler.insert_alike(command)])

    async def _insert_one(self, command: Insert[E]) -> Written[E]:
        text, values = self._compiler.insert_one(command)
        async with self._borrowed(writes=True) as connection:
            written = await self._write(connection, command.table, text, values, returning=command.returning)
        if written.count == 0 and bulk.spares_deleted_rows(command):
            raise bulk.meets_a_deleted_row(command)
        return written

    async def _insert_together(self, command: Insert[E], pieces: Sequence[Bound]) -> Written[E]:
        """The statements of one insert; where a soft-deleted row was in the way, all is undone."""
        guarded = bulk.spares_deleted_rows(command)
        together = guarded or len(pieces) > 1
        count, entities = 0, list[E]()
        async with (
            self._borrowed(writes=True) as connection,
            transaction(connection) if together else nullcontext(),
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
        names = tuple(command.rows[0])
        records = (tuple(map(row.__getitem__, names)) for row in command.rows)
        table = command.table
        async with self._borrowed(writes=True) as connection:
            await connection.copy_records_to_table(
                table.db_name,
                schema_name=table.schema,
                columns=[table.by_name[name].db_name for name in names],
                records=records,
            )
        return Written(len(command.rows))

    async def _secured_by_row(self, table: Table[Any]) -> bool:
        """Whether row policies apply to this login: COPY refuses such a table. Asked once a table."""
        found = self._row_security.get(table)
        if found is None:
            text = f"{comment(f'{table.name}.row_security')}SELECT row_security_active($1::text)"
            async with self._borrowed(writes=False) as connection:
                found = self._row_security[table] = bool(await connection.fetchval(text, table_name(table)))
        return found

    async def update(self, command: Update[E], /) -> Written[E]:
        if command.where == FALSE:
            return Written(0)
        text, values = self._compiler.update(command)
        async with self._borrowed(writes=True) as connection:
            return await self._write(connection, command.table, text, values, returning=command.returning)

    async def update_each(self, command: UpdateEach[E], /) -> Written[E]:
        if command.where == FALSE or not command.changes:
            return Written(0)
        groups = [self._compiler.update_each(command, group) for group in bulk.by_columns(command)]
        count = 0
        async with (
            self._borrowed(writes=True) as connection,
            nullcontext() if len(groups) == 1 else transaction(connection),
        ):
            for text, values in groups:
                count += _count(await connection.execute(text, *values))
        return Written(count)

    async def delete(self, command: Delete[E], /) -> Written[E]:
        if command.where == FALSE:
            return Written(0)
        text, values = self._compiler.delete(command)
        async with self._borrowed(writes=True) as connection:
            return Written(_count(await connection.execute(text, *values)))

    async def _write(
        self, connection: Connection, table: Table[E], text: str, values: Sequence[Any], *, returning: bool
    ) -> Written[E]:
        if not returning:
            return Written(_count(await connection.execute(text, *values)))
        rows = _entities(self._compiler.codec(table).hydrate, await connection.fetch(text, *values))
        return Written(len(rows), tuple(rows))

    # -- beyond the algebra

    async def run(self, operation: Operation[P, R], parameter: P, /) -> R:
        text, values, hydrate = self._compiler.call(operation, parameter)
        async with self._borrowed(writes=operation.writes) as connection:
            rows = await connection.fetch(text, *values)
        return operation.answer(_entities(hydrate, rows))

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        """The rows by column name, with the driver's own values. A connection of our own pool is reset afterwards."""
        async with self._borrowed(writes=True, raw=True) as connection:
            rows = await connection.fetch(f"{comment('execute_query')}{query}", *params)
        return [dict(row) for row in rows]

    async def close(self) -> None:
        await self._connections.close()

    def _borrowed(self, *, writes: bool, raw: bool = False) -> "_Borrowed":
        return _Borrowed(self._connections, self._catalog, writes=writes, raw=raw)


class _Borrowed:
    """One connection for one call: the only edge where the driver's errors become ours."""

    __slots__ = ("_catalog", "_connection", "_connections", "_raw", "_writes")

    def __init__(self, connections: Connections, catalog: Catalog, *, writes: bool, raw: bool) -> None:
        self._connections = connections
        self._catalog = catalog
        self._writes = writes
        self._raw = raw

    async def __aenter__(self) -> Connection:
        self._connection = await self._connections.acquire()
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self._connections.release(self._connection, raw=self._raw)
            return
        alive = is_alive(self._connection)
        await self._connections.release(self._connection, failed=not answered(error), raw=self._raw)
        ours = translated(error, self._catalog, sent=self._writes, alive=alive)
        if ours is not None and ours is not error:
            raise ours from error


def _snapshot(connection: Connection) -> AbstractAsyncContextManager[object]:
    """A transaction that sees one moment; inside a unit the unit's own."""
    if connection.is_in_transaction():
        return nullcontext()
    return transaction(connection, isolation="repeatable_read", readonly=True)


def _entities(hydrate: Hydrate[E], rows: Sequence[Any]) -> list[E]:
    try:
        return hydrate(rows)
    except ValueError as error:
        raise SchemaMismatch("a stored value can't be read as its column's type") from error


def _count(status: str) -> int:
    """How many rows: the last word of `INSERT 0 3`, `UPDATE 3`, `DELETE 3`."""
    return int(status.rpartition(" ")[2])
