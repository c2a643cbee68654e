"""Stores and units that tell of every call when it has ended. They pass on everything as it is, errors too."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.frozen import maker
from homeport.kernel.identity import Identity
from homeport.kernel.observe import Observation, Observer
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.pages import CursorSigner
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach, Written
from homeport.kernel.units import DEFAULT_UNIT, UnitOptions, Wait
from homeport.ports.store import Session, Unit

A = TypeVar("A")
T = TypeVar("T")
_LOG = logging.getLogger("homeport")
_observation = maker(Observation)


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


class Watch:
    """Tells observers. One that raises never breaks a call; the first time it does is logged."""

    def __init__(self, adapter: str, observers: Iterable[Observer]) -> None:
        self._adapter = adapter
        self._observers = tuple(observers)
        self._broken: set[int] = set()

    async def told(
        self, call: Callable[[A], Awaitable[T]], argument: A, name: str, table: str, rows: Callable[[T], int]
    ) -> T:
        started = perf_counter()
        try:
            answer = await call(argument)
        except BaseException as error:
            self.tell(name, table, 0, started, error)
            raise
        self.tell(name, table, rows(answer), started)
        return answer

    def tell(self, name: str, table: str, rows: int, started: float, error: BaseException | None = None) -> None:
        milliseconds = (perf_counter() - started) * 1000
        failed = None if error is None else type(error).__name__
        observation = _observation(name, table, self._adapter, rows, milliseconds, failed)
        for observer in self._observers:
            try:
                observer(observation)
            except Exception:  # noqa: BLE001 - whatever it raises, the caller's own work goes on
                self._broke(observer)

    def _broke(self, observer: Observer) -> None:
        if id(observer) not in self._broken:
            self._broken.add(id(observer))
            _LOG.exception("an observer of store calls failed; further failures of it are not logged")


class ObservedCalls:
    """The calls of a session or of a unit, told one by one. A stream is one call, told when it ends or is left."""

    def __init__(self, inner: Session | Unit, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch
        self.adapter: str = inner.adapter
        self.capabilities: Capability = inner.capabilities
        self.catalog: Catalog = inner.catalog
        self.cursors: CursorSigner = inner.cursors

    def fetch(self, query: Select[E], /) -> Coroutine[Any, Any, list[E]]:
        return self._watch.told(self._inner.fetch, query, query.name, query.table.name, len)

    async def stream(self, query: Select[E], /) -> AsyncIterator[E]:
        started, rows = perf_counter(), 0
        inner = self._inner.stream(query)
        try:
            async for row in inner:
                rows += 1
                yield row
        except GeneratorExit:
            await _close(inner)
            self._watch.tell(query.name, query.table.name, rows, started)
            raise
        except BaseException as error:
            self._watch.tell(query.name, query.table.name, 0, started, error)
            raise
        self._watch.tell(query.name, query.table.name, rows, started)

    def count(self, query: Select[Any], /) -> Coroutine[Any, Any, int]:
        return self._watch.told(self._inner.count, query, query.name, query.table.name, _one)

    def insert(self, command: Insert[E], /) -> Coroutine[Any, Any, Written[E]]:
        return self._watch.told(self._inner.insert, command, command.name, command.table.name, _written)

    def update(self, command: Update[E], /) -> Coroutine[Any, Any, Written[E]]:
        return self._watch.told(self._inner.update, command, command.name, command.table.name, _written)

    def update_each(self, command: UpdateEach[E], /) -> Coroutine[Any, Any, Written[E]]:
        return self._watch.told(self._inner.update_each, command, command.name, command.table.name, _written)

    def delete(self, command: Delete[E], /) -> Coroutine[Any, Any, Written[E]]:
        return self._watch.told(self._inner.delete, command, command.name, command.table.name, _written)

    def run(self, operation: Operation[P, R], parameter: P, /) -> Coroutine[Any, Any, R]:
        call = partial(self._inner.run, operation)
        return self._watch.told(call, parameter, operation.name, operation.function, _answered)

    def execute_query(self, query: str, params: Sequence[object] = ()) -> Coroutine[Any, Any, list[dict[str, object]]]:
        return self._watch.told(partial(self._inner.execute_query, query), params, "execute_query", "", len)


class ObservedUnit(ObservedCalls):
    """A unit whose calls are told."""

    def __init__(self, unit: Unit, watch: Watch) -> None:
        super().__init__(unit, watch)
        self._unit = unit

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        return self._unit.savepoint()

    async def lock(self, name: str, wait: Wait, /) -> bool:
        return await self._watch.told(partial(self._unit.lock, name), wait, "unit.lock", "", int)


class ObservedStore(ObservedCalls):
    """A session whose calls are told to observers, one Observation each, and its units' calls, and each unit's end."""

    def __init__(self, session: Session, observers: Iterable[Observer] = (), *, watch: Watch | None = None) -> None:
        """With `watch` they are those of another session of the same adapter."""
        super().__init__(session, Watch(session.adapter, observers) if watch is None else watch)
        self._session = session

    @asynccontextmanager
    async def transaction(self, options: UnitOptions = DEFAULT_UNIT, /) -> AsyncIterator[ObservedUnit]:
        """Told as `unit` when it has ended: by its error if it was rolled back, or never began."""
        started = perf_counter()
        try:
            async with self._session.transaction(options) as unit:
                yield ObservedUnit(unit, self._watch)
        except BaseException as error:
            self._watch.tell("unit", "", 0, started, error)
            raise
        self._watch.tell("unit", "", 0, started)

    def scoped(self, identity: Identity, /) -> "ObservedStore":
        return ObservedStore(self._session.scoped(identity), watch=self._watch)

    async def ping(self) -> None:
        await self._watch.told(lambda session: session.ping(), self._session, "ping", "", _none)

    async def close(self) -> None:
        await self._session.close()


def _one(_: int) -> int:
    return 1


def _none(_: None) -> int:
    return 0


def _written(written: Written[Any]) -> int:
    return written.count


def _answered(answer: object) -> int:
    return len(answer) if isinstance(answer, list) else int(answer is not None)


async def _close(stream: AsyncIterator[Any]) -> None:
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()
