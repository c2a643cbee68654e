"""Does the database hold what the Tables declare? They are built beside it, compared, and rolled back.

Definitions are compared as PostgreSQL renders them, for it rewrites what it is given. The connection is the owner's.
"""

from collections.abc import Iterable
from typing import Any

from homeport.adapters.postgres.connections import DRIVER, Connection
from homeport.adapters.postgres.ddl import tables_sql
from homeport.adapters.postgres.ddl_access import SERVICE_ROLE
from homeport.adapters.postgres.ddl_triggers import HOME, row_functions
from homeport.adapters.postgres.function_check import audit_functions, check_operations
from homeport.adapters.postgres.migrate_ledger import meant
from homeport.adapters.postgres.predicate_sql import quoted
from homeport.adapters.postgres.schema_drift import Drift
from homeport.adapters.postgres.schema_read import Thing, read_things, required_columns
from homeport.kernel.catalog import Catalog
from homeport.kernel.operation import Operation

__all__ = ["Drift", "audit_functions", "check_schema"]

_BESIDE = "homeport_check_"
_WIDENING = ("policy", "grant")
_OF_THE_SERVICE = f"{SERVICE_ROLE} "
_REMOVING = [_OF_THE_SERVICE + verb for verb in ("UPDATE", "DELETE", "TRUNCATE")]


async def check_schema(
    connection: Connection, catalog: Catalog, operations: Iterable[Operation[Any, Any]] = ()
) -> list[Drift]:
    """What is missing or different, by table; an empty list for a database that fits.

    More columns, indexes, constraints and triggers than declared are fine. A column more that every insert would have
    to fill is not, nor is a policy, or a grant to anon, authenticated or PUBLIC, or one to the service that lets it
    change rows that are only added.

    Raises:
        RepositoryPermissionError: the connection may not make schemas.
        SchemaMismatch: the platform is not installed.
    """
    try:
        transaction = connection.transaction()
        await transaction.start()
        try:
            drifts = await _compare(connection, catalog)
            return drifts + await check_operations(connection, operations)
        finally:
            await transaction.rollback()
    except DRIVER as error:
        raise meant("schema check", error) from error


async def _compare(connection: Connection, catalog: Catalog) -> list[Drift]:
    real = [(each.schema, each.db_name) for each in catalog.tables]
    beside = [(_BESIDE + schema, name) for schema, name in real]
    await _build(connection, catalog)
    await connection.execute("SET LOCAL search_path = ''")
    expected = _there(await read_things(connection, beside))
    found = await read_things(connection, real)
    required = await required_columns(connection, real)
    kept = {f"{each.schema}.{each.db_name}" for each in catalog.tables if each.append_only}
    return sorted([*_missing(expected, found), *_more(expected, found, required, kept)])


async def _build(connection: Connection, catalog: Catalog) -> None:
    schemas = {HOME, *(each.schema for each in catalog.tables)}
    for each in sorted(schemas):
        await connection.execute(f"CREATE SCHEMA {quoted(_BESIDE + each)}")
    path = [_BESIDE + each for each in sorted(schemas - {HOME})] + ["public"]
    await connection.execute(f"SET LOCAL search_path = {', '.join(map(quoted, path))}")
    home = _BESIDE + HOME
    moved = catalog.moved(lambda schema: _BESIDE + schema)
    for each in (*row_functions(home), *tables_sql(moved.tables, moved, home).up):
        await connection.execute(each)


def _there(things: dict[Thing, str]) -> dict[Thing, str]:
    """As if they had been built in their own place."""
    return {
        Thing(_own(each.table), each.kind, _own(each.name)): text.replace(_BESIDE, "") for each, text in things.items()
    }


def _own(name: str) -> str:
    return name.replace(_BESIDE, "")


def _missing(expected: dict[Thing, str], found: dict[Thing, str]) -> list[Drift]:
    tables = {each.table for each in found}
    equal_indexes = {(each.table, _unnamed(text)) for each, text in found.items() if each.kind == "index"}
    drifts = []
    for thing, text in expected.items():
        if thing.table not in tables:
            if thing.kind == "table":
                drifts.append(_drift(thing, text, None))
        elif found.get(thing) != text and not (
            thing.kind == "index" and " UNIQUE " not in text and (thing.table, _unnamed(text)) in equal_indexes
        ):
            drifts.append(_drift(thing, text, found.get(thing)))
    return drifts


def _more(
    expected: dict[Thing, str], found: dict[Thing, str], required: set[tuple[str, str]], kept: set[str]
) -> list[Drift]:
    """`kept` names the tables whose rows stay as they were added."""
    more = [each for each in found if each not in expected]
    unwanted = [each for each in more if each.kind in _WIDENING and not each.name.startswith(_OF_THE_SERVICE)]
    unwanted += [each for each in more if each.kind == "grant" and each.name in _REMOVING and each.table in kept]
    unwanted += [each for each in more if each.kind == "column" and (each.table, each.name) in required]
    return [_drift(each, None, found[each]) for each in unwanted]


def _unnamed(index: str) -> str:
    """The index's definition whatever it is called."""
    return index.partition(" ON ")[2]


def _drift(thing: Thing, expected: str | None, found: str | None) -> Drift:
    return Drift(thing.kind, thing.table, thing.name, expected, found)
