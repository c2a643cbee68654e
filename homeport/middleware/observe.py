"""A store that tells of every call when it has ended. It passes on everything as it is, errors too."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from time import perf_counter
from typing import Any, TypeVar

from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.observe import Observation, Observer
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written
from homeport.ports.store import Session

T = TypeVar("T")
_LOG = logging.getLogger("homeport")


def log_calls(observation: Observation) -> None:
    """An observer that logs each call in one line: failed ones as WARNING, the others as DEBUG, to `homeport`.

    The record has the same as attributes, for structured logs: `statement`, `table`, `adapter`, `rows`,
    `milliseconds`, `error`.
    """
    level = logging.DEBUG if observation.error is None else logging.WARNING
    if not _LOG.isEnabledFor(level):
        return
    facts = {
        "statement": observation.name,
        "table": observation.table,
        "adapter": observation.adapter,
        "rows": observation.rows,
        "milliseconds": round(observation.milliseconds, 3),
        "error": observation.error,
    }
    _LOG.log(level, " ".join(f"{name}=%s" for name in facts), *facts.values(), extra=facts)


class ObservedStore:
    """A session whose calls are told to observers, one Observation each.

    A stream is one call, told when it ends or is left. An observer that raises never breaks a call; the first time it
    does is logged.
    """

    def __init__(self, session: Session, observers: Iterable[Observer]) -> None:
        self._session = session
        self._observers = tuple(observers)
        self._broken: set[int] = set()
        self.adapter: str = session.adapter
        self.capabilities: Capability = session.capabilities
        self.catalog: Catalog = session.catalog
        self.cursors: CursorSigner = session.cursors

    async def fetch(self, query: Select[E], /) -> list[E]:
        return await self._watched(self._session.fetch(query), query.name, query.table.name, len)

    async def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        started, rows = perf_counter(), 0
        inner = self._session.stream(query)
        try:
            async for row in inner:
                rows += 1
                yield row
        except GeneratorExit:
            await _close(inner)
            self._tell(query.name, query.table.name, rows, started)
            raise
        except BaseException as error:
            self._tell(query.name, query.table.name, 0, started, error)
            raise
        self._tell(query.name, query.table.name, rows, started)

    async def count(self, query: Select[Any], /) -> int:
        return await self._watched(self._session.count(query), query.name, query.table.name, _one)

    async def insert(self, command: Insert[E], /) -> Written[E]:
        return await self._watched(self._session.insert(command), command.name, command.table.name, _written)

    async def update(self, command: Update[E], /) -> Written[E]:
        return await self._watched(self._session.update(command), command.name, command.table.name, _written)

    async def update_each(self, command: UpdateEach[E], /) -> Written[E]:
        return await self._watched(self._session.update_each(command), command.name, command.table.name, _written)

    async def delete(self, command: Delete[E], /) -> Written[E]:
        return await self._watched(self._session.delete(command), command.name, command.table.name, _written)

    async def run(self, operation: Operation[P, R], parameter: P, /) -> R:
        return await self._watched(
            self._session.run(operation, parameter), operation.name, operation.function, _answered
        )

    async def execute_query(self, query: str, params: Sequence[object] = ()) -> list[dict[str, object]]:
        return await self._watched(self._session.execute_query(query, params), "execute_query", "", len)

    async def close(self) -> None:
        await self._session.close()

    async def _watched(self, call: Awaitable[T], name: str, table: str, rows: Callable[[T], int]) -> T:
        started = perf_counter()
        try:
            answer = await call
        except BaseException as error:
            self._tell(name, table, 0, started, error)
            raise
        self._tell(name, table, rows(answer), started)
        return answer

    def _tell(self, name: str, table: str, rows: int, started: float, error: BaseException | None = None) -> None:
        milliseconds = (perf_counter() - started) * 1000
        failed = None if error is None else type(error).__name__
        observation = Observation(name, table, self.adapter, rows, milliseconds, failed)
        for index, observer in enumerate(self._observers):
            try:
                observer(observation)
            except Exception:  # noqa: BLE001 - whatever it raises, the caller's own work goes on
                if index not in self._broken:
                    self._broken.add(index)
                    _LOG.exception("an observer of store calls failed; further failures of it are not logged")


def _one(_: int) -> int:
    return 1


def _written(written: Written[Any]) -> int:
    return written.count


def _answered(answer: object) -> int:
    return len(answer) if isinstance(answer, list) else int(answer is not None)


async def _close(stream: AsyncIterator[Any]) -> None:
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()
