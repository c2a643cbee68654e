"""The driver's connection, with a shorter way to the rows of a statement that it has prepared already.

`Connection.fetch` goes through five coroutines and two closures before it comes to the protocol, a tenth of the
client's time for a row. What they decide (time limits, query loggers, record classes) is not asked for here, so one
look into the driver's own cache of statements takes their place. In all other cases, and where a release of the driver
has no such parts, it is the driver's own way.
"""

from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    _Driver = asyncpg.Connection[asyncpg.Record]
else:
    _Driver = asyncpg.Connection

_PARTS = ("_check_open", "_drop_global_statement_cache", "_protocol", "_query_loggers", "_stmt_cache")


class ShortConnection(_Driver):
    """Behaves as the driver's own: errors, cancellation, and statements that went stale."""

    __slots__ = ()

    async def fetch(self: Any, query: str, *args: Any, **options: Any) -> Any:
        if not options and not self._query_loggers:
            statement = self._stmt_cache.get((query, asyncpg.Record, False))
            if statement is not None:
                self._check_open()
                try:
                    return await self._protocol.bind_execute(statement, args, "", 0, False, None)
                except asyncpg.OutdatedSchemaCacheError:
                    await self.reload_schema_state()
                    raise
                except asyncpg.InvalidCachedStatementError:
                    self._drop_global_statement_cache()
                    if self.is_in_transaction():
                        raise
        return await _Driver.fetch(self, query, *args, **options)


def connection_class() -> "type[_Driver]":
    """The short one, where the driver that is installed has what it stands on."""
    known = all(hasattr(_Driver, each) for each in _PARTS)
    return ShortConnection if known else _Driver
