"""A store that sends nothing: it keeps the text of each statement, and answers made-up rows so that callers go on.

For the list of all SQL in docs/sql. Values come from the function that it is given; it knows no repository.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import attrs

from homeport.adapters.postgres import bulk
from homeport.adapters.postgres.compiler import Bound, Compiler
from homeport.adapters.postgres.migrate_files import migrations_of, statements
from homeport.adapters.postgres.store import CAPABILITIES
from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.errors import SchemaMismatch, Unsupported
from homeport.kernel.identity import Identity
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Delete, Insert, Moment, Select, Update, UpdateEach, Written, alike, never
from homeport.kernel.table import Column, Row, Table
from homeport.kernel.units import DEFAULT_UNIT, UnitOptions, Wait
from homeport.ports.context import Context

MakeValue = Callable[[Column], object]

MANY_ROWS = 1001
"""What every count answers: more than a batch, so that what goes batch by batch is listed."""


@attrs.frozen
class Statement:
    """One statement's name and its text, as it is sent."""

    name: str
    text: str


class LedgerStore:
    """Specified by `homeport.ports.store.Session` and `Unit`, but for `execute_query`, which has no text of ours."""

    def __init__(
        self, catalog: Catalog, cursors: CursorSigner, operations: Iterable[Operation[Any, Any]], make: MakeValue
    ) -> None:
        self.adapter = "postgres"
        self.capabilities: Capability = CAPABILITIES & ~Capability.RAW_SQL
        self.catalog = catalog
        self.cursors = cursors
        self.statements: list[Statement] = []
        self._compiler = Compiler(operations)
        self._make = make

    async def fetch(self, query: Select[E], /) -> list[E]:
        if never(query):
            return []
        self._keep(query.name, self._compiler.select(query))
        rows = 2 if query.limit is None else min(query.limit, 2)
        return [self._entity(query.table) for _ in range(rows)]

    async def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        for each in await self.fetch(query):
            yield each

    async def count(self, query: Select[Any], /) -> int:
        if never(query):
            return 0
        self._keep(query.name, self._compiler.count(query))
        return MANY_ROWS

    async def insert(self, command: Insert[E], /) -> Written[E]:
        if len(command.rows) == 1:
            self._keep(command.name, self._compiler.insert_one(command))
        elif alike(command.rows):
            self._keep(command.name, self._compiler.insert_alike(command))
        else:
            self._keep(command.name, self._compiler.insert_unlike(command, command.rows))
        return Written(len(command.rows), tuple(self._entity(command.table, row) for row in command.rows))

    async def update(self, command: Update[E], /) -> Written[E]:
        self._keep(command.name, self._compiler.update(command))
        return Written(1, (self._entity(command.table, command.changes),))

    async def update_each(self, command: UpdateEach[E], /) -> Written[E]:
        for group in bulk.by_columns(command):
            self._keep(command.name, self._compiler.update_each(command, group))
        return Written(len(command.changes))

    async def delete(self, command: Delete[E], /) -> Written[E]:
        self._keep(command.name, self._compiler.delete(command))
        return Written(1)

    async def run(self, operation: Operation[P, R], parameter: P, /) -> R:
        text, values, _ = self._compiler.call(operation, parameter)
        self._keep(operation.name, (text, values))
        return operation.answer([operation.gives(**{each.name: self._make(each) for each in operation.results})])

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        raise Unsupported("a ledger lists statements of ours only")

    @asynccontextmanager
    async def transaction(self, _: UnitOptions = DEFAULT_UNIT, /) -> AsyncIterator[Self]:
        yield self

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        yield

    async def lock(self, _: str, __: Wait, /) -> bool:
        return True

    def scoped(self, _: Identity, /) -> Self:
        return self

    async def ping(self) -> None:
        return

    async def close(self) -> None:
        return

    def _keep(self, name: str, bound: Bound) -> None:
        self.statements.append(Statement(name, bound[0]))

    def _entity(self, table: Table[E], given: Mapping[str, object] | Row = {}) -> E:  # noqa: B006 - only read
        known = {name: value for name, value in given.items() if value is not Moment.NOW}
        return table.entity(**{each.name: known.get(each.name, self._make(each)) for each in table.columns})


def functions(context: Context[Any]) -> dict[str, str]:
    """The text that makes each operation's function, by the operation's name, from the context's migrations.

    Raises:
        SchemaMismatch: no migration makes it.
    """
    made = [each for migration in migrations_of(context) for each in statements(migration.up)]
    return {each.name: _function(each, made) for each in context.operations}


def _function(operation: Operation[Any, Any], made: Sequence[str]) -> str:
    name = f"{operation.schema}.{operation.function}("
    found = [each for each in made if "FUNCTION" in each.partition(name)[0].upper() and _makes(each, name)]
    if not found:
        raise SchemaMismatch(f"no migration makes the function {operation.schema}.{operation.function}")
    return found[-1]


def _makes(statement: str, name: str) -> bool:
    head = statement.partition(name)[0].upper().split()
    return name in statement and head[-1:] == ["FUNCTION"] and "CREATE" in head
