"""Native functions: are the operations' there as declared, and is none of ours open to strangers?"""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg

from homeport.adapters.postgres.connections import DRIVER, Connection
from homeport.adapters.postgres.migrate_ledger import meant
from homeport.adapters.postgres.schema_drift import Drift
from homeport.kernel.operation import Operation

PROBE, MARKER = "public.homeport_row_cap_probe", "public.homeport_marker"

_FUNCTIONS = """
SELECT n.nspname || '.' || p.proname AS place,
    p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name,
    p.prosecdef AS definer, p.prorettype = 'trigger'::regtype AS is_trigger,
    coalesce(EXISTS (SELECT FROM unnest(p.proconfig) AS s WHERE s LIKE 'search\\_path=%'), false) AS fixed_path,
    p.proargnames AS names, p.proargmodes::text[] AS modes,
    ARRAY(SELECT format_type(t, NULL) FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]))
        WITH ORDINALITY AS o(t, i) ORDER BY i) AS types,
    ARRAY(SELECT DISTINCT coalesce(r.rolname, 'public')
        FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS x LEFT JOIN pg_roles r ON r.oid = x.grantee
        WHERE x.grantee = 0 OR r.rolname IN ('anon', 'authenticated', 'service_role')
        ORDER BY 1) AS executors
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE (n.nspname || '.' || p.proname = ANY ($1::text[]) OR n.nspname = ANY ($2::text[]))
    AND p.prokind IN ('f', 'p')
    AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1, 2
"""
_TYPE = "SELECT coalesce(format_type(to_regtype($1), NULL), $1)"


async def check_operations(connection: Connection, operations: Iterable[Operation[Any, Any]]) -> list[Drift]:
    """Operations whose function is missing, or has other arguments, results, rights or settings."""
    drifts = []
    for each in operations:
        place = f"{each.schema}.{each.function}"
        expected = await _declared(connection, each)
        found = [_described(row) for row in await connection.fetch(_FUNCTIONS, [place], [])]
        if expected not in found:
            drifts.append(Drift("function", place, "", expected, "; ".join(found) or None))
    return drifts


async def audit_functions(
    connection: Connection, operations: Iterable[Operation[Any, Any]] = (), *, schemas: Sequence[str] = ("homeport",)
) -> list[Drift]:
    """Functions of ours with a search path that the caller chooses, or that PUBLIC or anon may execute.

    Ours are those in schema homeport, those of the operations, and the row cap probe; `schemas` may name more to look
    through. SECURITY DEFINER is for trigger functions alone.
    """
    ours = [PROBE, MARKER, *(f"{each.schema}.{each.function}" for each in operations)]
    try:
        rows = await connection.fetch(_FUNCTIONS, ours, list(schemas))
    except DRIVER as error:
        raise meant("audit of functions", error) from error
    return [
        Drift("function", row["place"], row["name"], expected, found)
        for row in rows
        for expected, found in _faults(row)
    ]


def _faults(row: asyncpg.Record) -> list[tuple[str, str]]:
    faults = []
    if not row["fixed_path"]:
        faults.append(("SET search_path = ''", "the caller's search_path"))
    strangers = (role for role in ("public", "anon") if role in row["executors"])
    faults += [(f"no EXECUTE for {role}", f"{role} may execute it") for role in strangers]
    if row["definer"] and not row["is_trigger"]:
        faults.append(("SECURITY INVOKER", "SECURITY DEFINER"))
    return faults


async def _declared(connection: Connection, operation: Operation[Any, Any]) -> str:
    arguments = [f"p_{each.name} {await _type(connection, each.type.sql)}" for each in operation.arguments]
    results = [f"{each.name} {await _type(connection, each.type.sql)}" for each in operation.results]
    return _text(arguments, results, "security invoker", "search_path fixed", ("authenticated", "service_role"))


async def _type(connection: Connection, name: str) -> str:
    return str(await connection.fetchval(_TYPE, name))


def _described(row: asyncpg.Record) -> str:
    types = row["types"]
    names = row["names"] or [""] * len(types)
    modes = row["modes"] or ["i"] * len(types)
    every = [(mode, f"{name} {kind}") for mode, name, kind in zip(modes, names, types, strict=True)]
    return _text(
        [text for mode, text in every if mode in "ibv"],
        [text for mode, text in every if mode in "otb"],
        "security definer" if row["definer"] else "security invoker",
        "search_path fixed" if row["fixed_path"] else "search_path of the caller",
        row["executors"],
    )


def _text(arguments: Sequence[str], results: Sequence[str], security: str, path: str, executors: Sequence[str]) -> str:
    return (
        f"({', '.join(arguments)}) returns ({', '.join(results)}), {security}, {path},"
        f" executed by {', '.join(executors) or 'nobody'}"
    )
