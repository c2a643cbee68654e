"""The adapter over asyncpg: `open_postgres`. Nothing is asked of the server before the first call."""

from collections.abc import Iterable
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from homeport.adapters.postgres.compiler import Compiler
from homeport.adapters.postgres.connections import Connections, GivenPool, OneConnection, OwnPool, Pool
from homeport.adapters.postgres.store import PostgresStore
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import QueryError
from homeport.kernel.operation import Operation
from homeport.kernel.pages import CursorSigner

__all__ = ["Database", "PostgresStore", "open_postgres"]

Database: TypeAlias = "str | Pool | asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""A database URL, or the caller's own asyncpg pool or connection."""


async def open_postgres(  # noqa: PLR0913 - one keyword per thing that a deployment decides
    database: Database,
    *,
    catalog: Catalog,
    cursors: CursorSigner,
    operations: Iterable[Operation[Any, Any]] = (),
    min_size: int = 0,
    max_size: int = 10,
    acquire_timeout: float = 30.0,
    statement_timeout: float | None = None,
    pooler: str = "none",
) -> PostgresStore:
    """A store over a database URL, or over the caller's own pool or connection, which stay the caller's.

    The sizes, `statement_timeout` and `pooler` are for a URL; timeouts are in seconds. `pooler="transaction"` says that
    a transaction pooler stands before the server: then nothing is prepared, and no server-side timeouts are set.

    Raises:
        QueryError: `database` or `pooler` is none of these.
    """
    connections: Connections
    match database:
        case str():
            connections = OwnPool(
                database,
                min_size=min_size,
                max_size=max_size,
                acquire_timeout=acquire_timeout,
                statement_timeout=statement_timeout,
                pooler=pooler,
            )
        case asyncpg.Pool():
            connections = GivenPool(database, acquire_timeout=acquire_timeout)
        case asyncpg.Connection() | PoolConnectionProxy():
            connections = OneConnection(database, acquire_timeout=acquire_timeout)
        case _:
            raise QueryError(f"a database is a URL, an asyncpg pool or connection, not {type(database).__name__}")
    return PostgresStore(connections, catalog=catalog, cursors=cursors, compiler=Compiler(operations))
