"""A unit of work as applications see it: the repositories, bound to one transaction."""

import asyncio
import contextvars
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs

from homeport.composition.repositories import Repositories
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import QueryError, RepositoryTimeoutError
from homeport.kernel.units import UnitOptions, Wait
from homeport.middleware.units import GuardedUnit
from homeport.ports import store as ports
from homeport.ports.context import Context
from homeport.ports.store import Session

Hook = Callable[[], Awaitable[object] | object]
_LOG = logging.getLogger("homeport")


@attrs.frozen(eq=False)
class _Open:
    """The units that a task has open, by the catalog of their Homeport, which all its scopes share."""

    task: asyncio.Task[Any] | None
    catalogs: tuple[Catalog, ...]


_NONE = _Open(None, ())
_OPEN: contextvars.ContextVar[_Open] = contextvars.ContextVar("homeport_open_units", default=_NONE)


class Unit(Repositories[ports.Unit]):
    """The same repositories and collections, all in one transaction: `tx.expenses`, `tx.social.posts`.

    It is committed when its block ends and rolled back if that raises anything. A call that fails aborts it, unless it
    stands in a savepoint. It belongs to the task that opened it, and serves nobody after its end.
    """

    def __init__(self, contexts: tuple[Context[Any], ...], unit: GuardedUnit, catalog: Catalog) -> None:
        super().__init__(dict.fromkeys(contexts, unit), catalog)
        self._unit = unit
        self._hooks: list[Hook] = []

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator["Unit"]:
        """What is done inside is undone alone if the body raises anything; the error goes on, the unit may too."""
        before = len(self._hooks)
        try:
            async with self._unit.savepoint():
                yield self
        except BaseException:
            del self._hooks[before:]
            raise

    async def lock(self, name: str, wait: Wait = Wait.WAIT) -> bool:
        """Hold the lock of that name, an application's own, until the unit ends; False if it was skipped.

        Raises:
            Unsupported: the adapter lacks ADVISORY_LOCKS.
            LockTimeout: somebody else holds it.
            Deadlock: two units wait for each other.
        """
        return await self._unit.lock(name, wait)

    def on_commit(self, hook: Hook) -> None:
        """Call it, and await what it answers, once the unit is committed; never if it is rolled back.

        Hooks run in order. One that raises is logged, and undoes nothing: the commit has happened.
        """
        self._hooks.append(hook)

    async def committed(self) -> None:
        """Run the hooks: whoever commits the unit does it."""
        for hook in self._hooks:
            try:
                answer = hook()
                if inspect.isawaitable(answer):
                    await answer
            except Exception:  # noqa: BLE001 - whatever it raises, the unit is committed
                _LOG.exception("a hook of a committed unit failed")


@asynccontextmanager
async def opened_unit(
    session: Session,
    contexts: tuple[Context[Any], ...],
    catalog: Catalog,
    options: UnitOptions,
    deadline: float | None,
) -> AsyncIterator[Unit]:
    """One unit from its begin to its hooks. The deadline, in seconds, ends before the commit does."""
    task, before = asyncio.current_task(), _OPEN.get()
    mine = before.catalogs if before.task is task else ()  # a task inherits the variables of the one that made it
    if any(each is catalog for each in mine):
        raise QueryError("this task has a unit open: use it, or a savepoint in it; it can't become another user's")
    limit = asyncio.timeout(deadline)
    token = _OPEN.set(_Open(task, (*mine, catalog)))
    try:
        async with limit, session.transaction(options) as raw:
            guarded = GuardedUnit(raw)
            unit = Unit(contexts, guarded, catalog)
            try:
                yield unit
            except BaseException:
                guarded.close()
                raise
            guarded.end()
            limit.reschedule(None)
    except TimeoutError as error:
        if limit.expired():
            raise RepositoryTimeoutError("the unit's deadline has passed: it was rolled back") from error
        raise
    finally:
        _OPEN.reset(token)
    await unit.committed()
