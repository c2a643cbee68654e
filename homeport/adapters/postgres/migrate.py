"""Runs migrations up and down: one runner at a time, each file in its own transaction, all of it in a ledger.

It takes the owner's connection, straight to the server and not through a pooler, with no transaction open.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from homeport.adapters.postgres.connections import DRIVER, Connection
from homeport.adapters.postgres.migrate_files import (
    PLATFORM,
    Migration,
    by_dependency,
    in_transaction,
    says_nothing,
    statements,
)
from homeport.adapters.postgres.migrate_ledger import (
    FORGET,
    MAKE_LEDGER,
    RECORD,
    Ledger,
    State,
    Status,
    files_of,
    meant,
    read_ledger,
    status,
    verify,
)
from homeport.kernel.errors import QueryError, RepositoryConflictError
from homeport.ports.context import Context

__all__ = ["LOCK_SECONDS", "Migration", "State", "Status", "migrate_down", "migrate_up", "status"]

LOCK_SECONDS = 5.0
"""How long a statement waits for a table that others use, before it gives up and lets them go on."""

_LOCK = 0x484F4D45504F5254


async def migrate_up(
    connection: Connection, contexts: Iterable[Context[Any]], *, lock_timeout: float = LOCK_SECONDS
) -> list[Migration]:
    """Apply what is not applied: the platform, the contexts after those that they require, then late files.

    What was applied is answered in order. After an error, earlier files stay applied, and the next run goes on there.

    Raises:
        RepositoryConflictError: another runner is at work in this database.
        QueryError: an applied file was changed or is gone, a required context is missing, or a statement failed.
        LockTimeout: a table was in use for too long; nothing of that file is applied.
    """
    wanted = by_dependency(contexts)
    files = files_of(wanted)
    async with _runner(connection):
        await _make_ledger(connection)
        ledger = await read_ledger(connection)
        installed = {PLATFORM, *(each.name for each in wanted), *(context for context, _ in ledger)}
        _check_required(wanted, installed)
        verify(files, {PLATFORM, *(each.name for each in wanted)}, ledger)
        due = [each for each in files if (each.context, each.number) not in ledger]
        due = [each for each in due if each.late is None] + [each for each in due if each.late in installed]
        async with _announced(connection) as done:
            for each in due:
                await _apply(connection, each, each.up, RECORD, lock_timeout)
                done.append(each)
        return done


async def migrate_down(
    connection: Connection,
    contexts: Iterable[Context[Any]],
    names: Iterable[str] | None = None,
    *,
    lock_timeout: float = LOCK_SECONDS,
) -> list[Migration]:
    """Take back what is applied of the named contexts, all of `contexts` by default, in reverse order.

    `contexts` are all that the deployment knows: the others among them are looked at for what they require, and their
    late files that wait for a named one are taken back too. The platform goes only when it is named; roles, `auth` and
    the ledger stay.

    Raises:
        RepositoryConflictError: another runner is at work in this database.
        QueryError: another installed context requires one of them, a file has no way down, was changed or is gone, or
            a statement failed.
        LockTimeout: as `migrate_up`.
    """
    known = by_dependency(contexts)
    going = {each.name for each in known} if names is None else set(names)
    async with _runner(connection):
        ledger = await read_ledger(connection)
        _check_going(going, known, ledger)
        applied = [each for each in files_of(known) if (each.context, each.number) in ledger]
        verify([each for each in applied if each.context in going], going, ledger)
        due = [each for each in applied if each.late is None and each.context in going]
        due += [each for each in applied if each.late is not None and going & {each.late, each.context}]
        for each in due:
            _way_down(each)
        async with _announced(connection) as done:
            for each in reversed(due):
                await _apply(connection, each, _way_down(each), FORGET, lock_timeout)
                done.append(each)
        return done


def _check_required(contexts: Sequence[Context[Any]], there: set[str]) -> None:
    for context in contexts:
        for name in context.requires:
            if name not in there:
                raise QueryError(f"{context.name} requires the context {name}, which is neither given nor installed")


def _check_going(going: set[str], known: Sequence[Context[Any]], ledger: Ledger) -> None:
    unknown = going - {PLATFORM, *(each.name for each in known)}
    if unknown:
        raise QueryError(f"no context {', '.join(sorted(unknown))} is known here")
    installed = {context for context, _ in ledger}
    for each in known:
        needed = [name for name in each.requires if name in going]
        if needed and each.name in installed - going:
            raise QueryError(f"{each.name} is installed and requires {', '.join(needed)}: take it back first")
    rest = installed - going - {PLATFORM}
    if PLATFORM in going and rest:
        raise QueryError(f"the platform is required by what is installed: {', '.join(sorted(rest))}")


def _way_down(migration: Migration) -> str:
    if migration.down is None:
        raise QueryError(f"{migration.label} has no way down")
    return migration.down


@asynccontextmanager
async def _runner(connection: Connection) -> AsyncIterator[None]:
    """The only runner in this database, until the end or until its connection is lost."""
    if connection.is_in_transaction():
        raise QueryError("migrations run in transactions of their own: end the one that is open")
    try:
        alone = await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK)
    except DRIVER as error:
        raise meant("migrations", error) from error
    if not alone:
        raise RepositoryConflictError("another runner is migrating this database")
    try:
        yield
    finally:
        with suppress(*DRIVER):  # a lost connection has given the lock back
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


@asynccontextmanager
async def _announced(connection: Connection) -> AsyncIterator[list[Migration]]:
    """What was done, however far it came, is told to PostgREST, which keeps a copy of the schema."""
    done: list[Migration] = []
    try:
        yield done
    finally:
        if done:
            with suppress(*DRIVER):
                await connection.execute("NOTIFY pgrst, 'reload schema'")


async def _make_ledger(connection: Connection) -> None:
    try:
        if await connection.fetchval("SELECT to_regclass('homeport.migrations')") is None:
            await connection.execute(MAKE_LEDGER)
    except DRIVER as error:
        raise meant("homeport.migrations", error) from error


async def _apply(connection: Connection, migration: Migration, text: str, entry: str, lock_timeout: float) -> None:
    key = (migration.context, migration.number, migration.name, migration.checksum)
    limits = (f"lock_timeout = {round(lock_timeout * 1000)}", "statement_timeout = 0", "search_path = public")
    try:
        if in_transaction(text):
            async with connection.transaction():
                await connection.execute("; ".join(f"SET LOCAL {each}" for each in limits))
                if not says_nothing(text):  # the driver can't take an answer to nothing
                    await connection.execute(text)
                await connection.execute(entry, *key)
        else:
            async with _limited(connection, limits):
                for each in statements(text):
                    await connection.execute(each)
            await connection.execute(entry, *key)
    except DRIVER as error:
        raise meant(migration.label, error) from error


@asynccontextmanager
async def _limited(connection: Connection, limits: Sequence[str]) -> AsyncIterator[None]:
    """For statements outside a transaction, where SET LOCAL says nothing."""
    await connection.execute("; ".join(f"SET {each}" for each in limits))
    try:
        yield
    finally:
        with suppress(*DRIVER):
            await connection.execute("; ".join(f"RESET {each.split(' ')[0]}" for each in limits))
