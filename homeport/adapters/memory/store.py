"""The memory adapter as a store: the port's calls over the engine, one call one step. Holds no rows itself."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from homeport.adapters.memory import statements
from homeport.adapters.memory.clock import Clock, SystemClock
from homeport.adapters.memory.engine import Engine, Mark
from homeport.adapters.memory.unit import Answer, Unit
from homeport.kernel.capabilities import Capability, require
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.errors import PoolClosed, QueryError
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written, never

_ALL_BUT_SQL = ~Capability.RAW_SQL


class MemoryStore:
    """A `Session` whose database lives as long as it does. No call awaits anything, so none can be cancelled halfway.

    Not safe to share between threads.
    """

    def __init__(self, engine: Engine, cursors: CursorSigner, answers: Mapping[str, Answer]) -> None:
        self.engine = engine
        self._cursors = cursors
        self._answers = dict(answers)
        self._closed = False

    @property
    def adapter(self) -> str:
        return "memory"

    @property
    def capabilities(self) -> Capability:
        return _ALL_BUT_SQL

    @property
    def catalog(self) -> Catalog:
        return self.engine.catalog

    @property
    def cursors(self) -> CursorSigner:
        return self._cursors

    async def fetch(self, query: Select[E], /) -> list[E]:
        return [] if never(query) else self._open().select(query)

    async def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        for row in self._open().select(query):
            yield row

    async def count(self, query: Select[Any], /) -> int:
        return self._open().count(query)

    async def insert(self, command: Insert[E], /) -> Written[E]:
        return statements.insert(self._open(), command)

    async def update(self, command: Update[E], /) -> Written[E]:
        return statements.update(self._open(), command)

    async def update_each(self, command: UpdateEach[E], /) -> Written[E]:
        return statements.update_each(self._open(), command)

    async def delete(self, command: Delete[E], /) -> Written[E]:
        return statements.delete(self._open(), command)

    async def run(self, operation: Operation[P, R], parameter: P, /) -> R:
        """Raises QueryError for an operation without an answer, and what the answer raises; then nothing is written."""
        engine, answer = self._open(), self._answers.get(operation.name)
        if answer is None:
            raise QueryError(f"operation {operation.name} has no answer in memory")
        given = {name.removeprefix("p_"): value for name, value in operation.admit(parameter).items()}
        with engine.atomic():
            return operation.answer(answer(Unit(engine), operation.takes(**given)))

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        """Always Unsupported: the engine knows no SQL."""
        require(self.capabilities, Capability.RAW_SQL, self.adapter)
        return []

    async def close(self) -> None:
        self._closed = True

    def mark(self) -> Mark:
        """This moment, to go back to with `restore`: between tests, for instance."""
        return self._open().mark()

    def restore(self, mark: Mark) -> None:
        """Go back to the mark, which stays good; later ones don't. Identities go on counting. Raises QueryError."""
        self._open().restore(mark)

    def _open(self) -> Engine:
        if self._closed:
            raise PoolClosed("the memory store is closed")
        return self.engine


def open_memory(
    *,
    catalog: Catalog,
    cursors: CursorSigner,
    operations: Iterable[Operation[Any, Any]] = (),
    answers: Mapping[str, Answer] | None = None,
    clock: Clock | None = None,
) -> MemoryStore:
    """An empty store of the catalog's tables.

    Raises:
        QueryError: an operation has no answer.
        SchemaMismatch: tables that don't fit each other.
    """
    given = answers or {}
    missing = sorted(each.name for each in operations if each.name not in given)
    if missing:
        raise QueryError(f"no answer in memory for {', '.join(missing)}")
    return MemoryStore(Engine(catalog, clock or SystemClock()), cursors, given)
