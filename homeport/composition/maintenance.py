"""What an operator does to a database: migrations, logins, and the check that it holds what is declared.

The URL is the owner's of the tables, or a superuser's; the logins that serve requests can't do any of it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from homeport.composition.opening import Contexts
from homeport.contexts import resolve
from homeport.kernel.catalog import NO_OVERRIDES, Catalog
from homeport.kernel.table import Override

if TYPE_CHECKING:
    from homeport.adapters.postgres.connections import Connection


async def migrate_up(database_url: str, contexts: Contexts) -> list[str]:
    """Bring the contexts' tables up to date; which migrations ran, in order."""
    from homeport.adapters.postgres import migrate

    async with _connection(database_url) as connection:
        return [str(each) for each in await migrate.migrate_up(connection, resolve(contexts))]


async def migrate_down(database_url: str, contexts: Contexts) -> list[str]:
    """Take the contexts' tables away, with all that is in them; which migrations were undone, in order."""
    from homeport.adapters.postgres import migrate

    async with _connection(database_url) as connection:
        return [str(each) for each in await migrate.migrate_down(connection, resolve(contexts))]


async def migration_status(database_url: str, contexts: Contexts) -> list[str]:
    """One line a migration: its name, and whether it has run."""
    from homeport.adapters.postgres import migrate

    async with _connection(database_url) as connection:
        return [str(each) for each in await migrate.status(connection, resolve(contexts))]


async def check_schema(
    database_url: str, contexts: Contexts, overrides: Mapping[str, Override] = NO_OVERRIDES
) -> list[str]:
    """One line for each thing in the database that differs from its declaration; empty if nothing does."""
    from homeport.adapters.postgres import schema_check

    catalog = Catalog.of((table for each in resolve(contexts) for table in each.tables), overrides)
    async with _connection(database_url) as connection:
        return [str(each) for each in await schema_check.check(connection, catalog)]


@asynccontextmanager
async def _connection(database_url: str) -> "AsyncIterator[Connection]":
    from homeport.adapters.postgres.connections import OwnPool

    pool = OwnPool(database_url, max_size=1)
    try:
        connection = await pool.acquire()
        try:
            yield connection
        finally:
            await pool.release(connection)
    finally:
        await pool.close()
