"""Who may do what: row policies and grants as SQL. Roles are Supabase's."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from homeport.adapters.postgres.ddl_text import shortened
from homeport.adapters.postgres.predicate_sql import predicate_sql, quoted, table_name
from homeport.kernel.binding import bind
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import SchemaMismatch
from homeport.kernel.predicates import TRUE, Predicate
from homeport.kernel.table import Policy, Table, Verb

SERVICE_ROLE = "service_role"
SIGNED_IN = "authenticated"


def access_statements(table: Table[Any], catalog: Catalog) -> list[str]:
    """Row security, grants, policies; for a view its grants alone.

    Row security is not forced: the owner's migrations and the functions that keep counters pass it.
    """
    name = table_name(table)
    nothing = f"REVOKE ALL ON TABLE {name} FROM PUBLIC, anon, {SIGNED_IN}, {SERVICE_ROLE}"
    if table.view_of is not None:
        return [nothing, f"GRANT SELECT ON TABLE {name} TO {', '.join((*_readers(table), SERVICE_ROLE))}"]
    return [
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        nothing,
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {name} TO {SERVICE_ROLE}",
        *_grants(table),
        *_policies(table, catalog),
    ]


def function_grants(signature: str) -> list[str]:
    """Execution of a native function, `schema.name(types)`: for signed-in users and the service, nobody else."""
    return [
        f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC, anon",
        f"GRANT EXECUTE ON FUNCTION {signature} TO {SIGNED_IN}, {SERVICE_ROLE}",
    ]


def _readers(table: Table[Any]) -> tuple[str, ...]:
    """Raises SchemaMismatch for a projection whose policy is more than that every signed-in user may read all of it."""
    if any(each.verb is not Verb.SELECT or each.using != TRUE for each in table.policies):
        raise SchemaMismatch(f"{table.name}: a projection's rows can't be limited by a policy")
    return (SIGNED_IN,) if table.policies else ()


def _grants(table: Table[Any]) -> list[str]:
    verbs = [_verb(table, verb, columns) for verb, columns in _allowed(table)]
    whole = [verb for verb in verbs if "(" not in verb]
    grants = ([", ".join(whole)] if whole else []) + [verb for verb in verbs if verb not in whole]
    return [f"GRANT {each} ON TABLE {table_name(table)} TO {SIGNED_IN}" for each in grants]


def _allowed(table: Table[Any]) -> Iterator[tuple[Verb, tuple[str, ...]]]:
    """Each verb with its columns, none for all. What the database counts is nobody's to write."""
    counted = {each.column for each in table.counters}
    for verb in Verb:
        policies = [each for each in table.policies if each.verb is verb]
        if not policies:
            continue
        named = {name for each in policies for name in each.columns}
        limited = verb is Verb.UPDATE and all(each.columns for each in policies)
        if limited or (counted and verb in (Verb.INSERT, Verb.UPDATE)):
            names = (each.name for each in table.columns if each.stored and each.name not in counted)
            yield verb, tuple(name for name in names if not limited or name in named)
        else:
            yield verb, ()


def _verb(table: Table[Any], verb: Verb, columns: tuple[str, ...]) -> str:
    names = ", ".join(quoted(table.require(name).db_name) for name in columns)
    return f"{verb.value.upper()} (\n    {names}\n)" if columns else verb.value.upper()


def _policies(table: Table[Any], catalog: Catalog) -> list[str]:
    seen: Counter[Verb] = Counter()
    statements = []
    for each in table.policies:
        seen[each.verb] += 1
        number = "" if seen[each.verb] == 1 else f"_{seen[each.verb]}"
        statements.append(_policy(table, each, shortened(f"{table.name}_{each.verb.value}{number}"), catalog))
    return statements


def _policy(table: Table[Any], policy: Policy, name: str, catalog: Catalog) -> str:
    def condition(predicate: Predicate) -> str:
        return predicate_sql(bind(predicate, table, catalog), table)

    using = "" if policy.using is None else f"\n    USING ({condition(policy.using)})"
    check = "" if policy.check is None else f"\n    WITH CHECK ({condition(policy.check)})"
    verb = policy.verb.value.upper()
    return f"CREATE POLICY {quoted(name)} ON {table_name(table)} FOR {verb} TO {SIGNED_IN}{using}{check}"
