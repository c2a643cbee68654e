"""The first migration of a context, drafted from its declared tables: to be read, completed and committed."""

from collections.abc import Mapping
from typing import Any

from homeport.contexts import SHIPPED, load, resolve
from homeport.kernel.catalog import NO_OVERRIDES, Catalog
from homeport.kernel.operation import Operation
from homeport.kernel.table import Override
from homeport.ports.context import Context


def draft_migrations(context: Context[Any], overrides: Mapping[str, Override] = NO_OVERRIDES) -> dict[str, str]:
    """The files by name: the tables, then a late one for each foreign key into a context that is not required.

    The function of an operation is not drafted; a comment says what it has to look like. It is dropped before the
    tables are. With overrides, the tables are drafted under one deployment's names and types.

    Raises:
        SettingsError: a context that it requires is not a shipped one.
    """
    from homeport.adapters.postgres.ddl import context_sql, late_sql
    from homeport.adapters.postgres.ddl_access import function_grants

    catalog = Catalog.of((table for each in resolve([context]) for table in each.tables), overrides)
    up, down = context_sql(context, catalog).texts
    up += "".join(_wanted(each, function_grants(_signature(each))) for each in context.operations)
    down = "".join(f"DROP FUNCTION {_signature(each)};\n" for each in context.operations) + down
    files = {f"0001_{context.name}.up.sql": up, f"0001_{context.name}.down.sql": down}
    number = 1
    for table in context.tables:
        for key in table.foreign_keys:
            other = None if catalog.has(key.table) else _owner(key.table)
            if other is not None:
                number += 1
                stem = f"{number:04}_{key.referring}.with_{other}"
                files[f"{stem}.up.sql"], files[f"{stem}.down.sql"] = late_sql(context, catalog)[key.name].texts
    return files


def _owner(table: str) -> str | None:
    """The shipped context that has the table; None if there is none."""
    return next((name for name in SHIPPED if any(each.full_name == table for each in load(name).tables)), None)


def _wanted(operation: Operation[Any, Any], grants: list[str]) -> str:
    arguments = ", ".join(f"p_{each.name} {each.type.sql}" for each in operation.arguments)
    results = ", ".join(f"{each.name} {each.type.sql}" for each in operation.results)
    language = "plpgsql" if operation.writes else "sql STABLE"
    return (
        f"\n-- To be written, for the operation {operation.name}:\n"
        f"-- CREATE FUNCTION {operation.schema}.{operation.function}({arguments})\n"
        f"-- RETURNS TABLE ({results})\n"
        f"-- LANGUAGE {language} SECURITY INVOKER SET search_path = '' AS $$ .. $$;\n"
    ) + "".join(f"-- {each};\n" for each in grants)


def _signature(operation: Operation[Any, Any]) -> str:
    return f"{operation.schema}.{operation.function}({', '.join(each.type.sql for each in operation.arguments)})"
