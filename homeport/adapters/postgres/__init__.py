"""The adapter over asyncpg: `open_postgres`. Nothing is asked of the server before the first call."""

from collections.abc import Iterable
from functools import partial
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from homeport.adapters.postgres.compiler import Compiler
from homeport.adapters.postgres.connections import Connections, PoolFigures
from homeport.adapters.postgres.driver_pool import DriverPool, GivenPool, OneConnection, Pool
from homeport.adapters.postgres.lean_pool import LeanPool
from homeport.adapters.postgres.startup import Server
from homeport.adapters.postgres.store import PostgresStore, Shared
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import QueryError
from homeport.kernel.operation import Operation
from homeport.kernel.pages import CursorSigner

__all__ = ["Database", "PoolFigures", "PostgresStore", "open_postgres"]

Database: TypeAlias = "str | Pool | asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""A database URL, or the caller's own asyncpg pool or connection."""

_POOLS: dict[str, type[LeanPool] | type[DriverPool]] = {"lean": LeanPool, "asyncpg": DriverPool}


async def open_postgres(  # noqa: PLR0913 - one keyword per thing that a deployment decides
    database: Database,
    *,
    catalog: Catalog,
    cursors: CursorSigner,
    operations: Iterable[Operation[Any, Any]] = (),
    scoped_database: str | None = None,
    min_size: int = 0,
    max_size: int = 10,
    acquire_timeout: float = 30.0,
    host_timeout: float = 2.0,
    statement_timeout: float | None = None,
    lock_timeout: float = 30.0,
    pooler: str = "none",
    kind: str = "lean",
) -> PostgresStore:
    """A store over a database URL, or over the caller's own pool or connection, which stay the caller's.

    A URL may name several hosts; each has `host_timeout` to accept a connection, then the next one is asked, and the
    one that takes writes is wanted unless the URL says otherwise. Without a `statement_timeout` it is a minute. Sizes,
    timeouts and `pooler` are for URLs; timeouts are in seconds. `pooler="transaction"` says that a transaction pooler
    stands before the server: then nothing is prepared, and an administrator sets the server's timeouts for the login
    with ALTER ROLE.

    Args:
        kind: whose pool holds the connections to a URL: "lean" for Homeport's own, "asyncpg" for the driver's.
        scoped_database: the URL of users' calls, whose login may do nothing by itself. Without it they are made over
            `database`, where a transaction takes the user's role.

    Raises:
        QueryError: `database`, `pooler` or `kind` is none of these.
    """
    if kind not in _POOLS:
        raise QueryError(f"a pool is of kind 'lean' or 'asyncpg', not {kind!r}")
    server = partial(
        Server,
        timeout=acquire_timeout,
        host_timeout=host_timeout,
        statement_timeout=statement_timeout,
        lock_timeout=lock_timeout,
        pooler=pooler,
    )
    own = partial(_POOLS[kind], min_size=min_size, max_size=max_size, acquire_timeout=acquire_timeout)
    connections: Connections
    match database:
        case str():
            connections = own(server(database, expects="service"))
        case asyncpg.Pool():
            connections = GivenPool(database, acquire_timeout=acquire_timeout)
        case asyncpg.Connection() | PoolConnectionProxy():
            connections = OneConnection(database, acquire_timeout=acquire_timeout)
        case _:
            raise QueryError(f"a database is a URL, an asyncpg pool or connection, not {type(database).__name__}")
    scoped = connections if scoped_database is None else own(server(scoped_database, expects="scoped"))
    return PostgresStore(Shared(connections, scoped, catalog=catalog, cursors=cursors, compiler=Compiler(operations)))
