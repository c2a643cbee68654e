"""Who may do what: row policies and grants as SQL. Roles are Supabase's."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from homeport.adapters.postgres.ddl_text import shortened
from homeport.adapters.postgres.predicate_sql import predicate_sql, quoted, table_name
from homeport.kernel.binding import bind
from homeport.kernel.catalog import Catalog
from homeport.kernel.grants import grants
from homeport.kernel.predicates import Predicate
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
        readers = (SIGNED_IN, SERVICE_ROLE) if grants(table) else (SERVICE_ROLE,)
        return [nothing, f"GRANT SELECT ON TABLE {name} TO {', '.join(readers)}"]
    return [
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        nothing,
        f"GRANT {_listed(table.verbs)} ON TABLE {name} TO {SERVICE_ROLE}",
        *_grants(table),
        *_policies(table, catalog),
    ]


def function_grants(signature: str) -> list[str]:
    """Execution of a native function, `schema.name(types)`: for signed-in users and the service, nobody else."""
    return [
        f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC, anon",
        f"GRANT EXECUTE ON FUNCTION {signature} TO {SIGNED_IN}, {SERVICE_ROLE}",
    ]


def _grants(table: Table[Any]) -> list[str]:
    """Verbs on all columns in one statement, each of the others in its own."""
    given = grants(table)
    whole = _listed(each.verb for each in given if each.columns is None)
    limited = [_on_columns(table, each.verb, each.columns) for each in given if each.columns is not None]
    said = [whole, *limited] if whole else limited
    return [f"GRANT {each} ON TABLE {table_name(table)} TO {SIGNED_IN}" for each in said]


def _listed(verbs: Iterable[Verb]) -> str:
    return ", ".join(each.value.upper() for each in verbs)


def _on_columns(table: Table[Any], verb: Verb, columns: tuple[str, ...]) -> str:
    names = ", ".join(quoted(table.require(name).db_name) for name in columns)
    return f"{verb.value.upper()} (\n    {names}\n)"


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
