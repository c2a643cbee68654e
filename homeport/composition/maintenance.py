"""What an operator does to a database: migrations, logins, and the check that it holds what is declared.

The URL is the owner's of the tables, or a superuser's; the logins that serve requests can't do any of it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from homeport.composition.sessions import Contexts
from homeport.contexts import SHIPPED, load, resolve
from homeport.kernel.catalog import NO_OVERRIDES, Catalog
from homeport.kernel.table import Override

if TYPE_CHECKING:
    from homeport.adapters.postgres.connections import Connection
    from homeport.adapters.postgres.migrate import Status


async def migrate_up(database_url: str, contexts: Contexts) -> list[str]:
    """Bring the tables of the contexts, and of what they require, up to date; which migrations ran, in order.

    Raises:
        RepositoryConflictError: another runner is at work.
        QueryError: a migration failed, or one that ran is not what it was.
    """
    from homeport.adapters.postgres import migrate

    async with _connection(database_url) as connection:
        return [each.label for each in await migrate.migrate_up(connection, resolve(contexts))]


async def migrate_down(database_url: str, contexts: Contexts) -> list[str]:
    """Take away the tables of these contexts alone, with all that is in them; which migrations were undone, in order.

    Raises:
        QueryError: another installed context requires one of them.
    """
    from homeport.adapters.postgres import migrate

    given = {each.name: each for each in (load(each) if isinstance(each, str) else each for each in contexts)}
    known = resolve([*given.values(), *(name for name in SHIPPED if name not in given)])
    async with _connection(database_url) as connection:
        return [each.label for each in await migrate.migrate_down(connection, known, given)]


async def migration_status(database_url: str, contexts: Contexts) -> list[str]:
    """One line a migration, in the order in which they run: its name, its state, and when it ran."""
    from homeport.adapters.postgres import migrate

    async with _connection(database_url) as connection:
        return [_line(each) for each in await migrate.status(connection, resolve(contexts))]


async def create_logins(
    database_url: str, *, authenticator: str | None = None, service: str | None = None
) -> list[str]:
    """Make the logins that serve requests, those whose passwords are given; the names of those that have them now.

    Raises:
        RepositoryPermissionError: the owner may not; the message has the SQL for somebody who may.
    """
    from homeport.adapters.postgres import migrate_logins

    async with _connection(database_url) as connection:
        return await migrate_logins.create_logins(connection, authenticator=authenticator, service=service)


async def check_schema(
    database_url: str, contexts: Contexts, overrides: Mapping[str, Override] = NO_OVERRIDES
) -> list[str]:
    """One line for each thing that differs from its declaration, or function that is open to more than it should be."""
    from homeport.adapters.postgres import schema_check

    installed = resolve(contexts)
    catalog = Catalog.of((table for each in installed for table in each.tables), overrides)
    operations = [operation for each in installed for operation in each.operations]
    async with _connection(database_url) as connection:
        drifts = await schema_check.check_schema(connection, catalog, operations)
        drifts += await schema_check.audit_functions(connection, operations)
        return [str(each) for each in dict.fromkeys(drifts)]


async def execute_sql(database_url: str, statement: str) -> list[dict[str, object]]:
    """The rows of one statement of the owner's, such as CREATE DATABASE. Raises RepositoryError."""
    from homeport.adapters.postgres.errors import translated

    async with _connection(database_url) as connection:
        try:
            return [dict(row) for row in await connection.fetch(statement)]
        except Exception as error:
            ours = translated(error, Catalog.of(()), sent=True, alive=not connection.is_closed())
            if ours is None or ours is error:
                raise
            raise ours from error


def _line(status: "Status") -> str:
    when = "" if status.applied_at is None else f" {status.applied_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{status.context}/{status.number:04}_{status.name} {status.state}{when}"


@asynccontextmanager
async def _connection(database_url: str) -> "AsyncIterator[Connection]":
    from homeport.adapters.postgres.lean_pool import LeanPool
    from homeport.adapters.postgres.startup import Server

    pool = LeanPool(Server(database_url, expects="owner"), max_size=1)
    try:
        connection = await pool.acquire()
        try:
            yield connection
        finally:
            await pool.release(connection)
    finally:
        await pool.close()
