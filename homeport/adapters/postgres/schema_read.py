"""What PostgreSQL's catalog says of some relations, as comparable texts. Knows no declaration.

Texts are PostgreSQL's own renderings with every name qualified, so that two builds of one thing read alike.
"""

from collections.abc import Iterable, Sequence

import asyncpg
import attrs

from homeport.adapters.postgres.connections import Connection

ROLES = ("public", "anon", "authenticated", "service_role")


@attrs.frozen(order=True)
class Thing:
    """What is compared: `kind` is table, column, constraint, index, trigger, function, policy, grant or type."""

    table: str
    kind: str
    name: str


_OF = "(n.nspname, c.relname) IN (SELECT * FROM unnest($1::text[], $2::text[]))"
_FROM = f"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND {_OF}"

_TABLES = f"""
SELECT n.nspname || '.' || c.relname AS place, 'table' AS kind, '' AS name,
    CASE WHEN c.relkind = 'v' THEN concat_ws(' ', 'view', c.reloptions::text, pg_get_viewdef(c.oid))
        ELSE concat_ws(', ', CASE WHEN c.relkind IN ('r', 'p') THEN 'table' ELSE 'relkind ' || c.relkind::text END,
            CASE WHEN c.relrowsecurity THEN 'row security' ELSE 'no row security' END,
            CASE WHEN c.relforcerowsecurity THEN 'forced' END)
    END AS text
{_FROM}
"""
_COLUMNS = f"""
SELECT n.nspname || '.' || c.relname AS place, 'column' AS kind, a.attname AS name,
    concat_ws(' ', format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || l.collname END,
        CASE WHEN a.attnotnull THEN 'NOT NULL' END,
        CASE WHEN a.attgenerated <> '' THEN 'GENERATED' WHEN a.atthasdef THEN 'DEFAULT' END,
        pg_get_expr(d.adbin, d.adrelid),
        CASE a.attidentity WHEN 'd' THEN 'IDENTITY BY DEFAULT' WHEN 'a' THEN 'IDENTITY ALWAYS' END) AS text
{_FROM}
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
"""
_CONSTRAINTS = f"""
SELECT n.nspname || '.' || c.relname AS place, 'constraint' AS kind, k.conname AS name,
    pg_get_constraintdef(k.oid) AS text
{_FROM}
JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x')
"""
_INDEXES = f"""
SELECT n.nspname || '.' || c.relname AS place, 'index' AS kind, i.relname AS name,
    pg_get_indexdef(i.oid) || CASE WHEN x.indisvalid THEN '' ELSE ' INVALID' END AS text
{_FROM}
JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.conrelid = c.oid)
"""
_TRIGGERS = f"""
SELECT n.nspname || '.' || c.relname AS place, 'trigger' AS kind, g.tgname AS name,
    pg_get_triggerdef(g.oid) || CASE g.tgenabled WHEN 'O' THEN '' ELSE ' enabled ' || g.tgenabled::text END AS text
{_FROM}
JOIN pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal
"""
_FUNCTIONS = f"""
SELECT DISTINCT n.nspname || '.' || c.relname AS place, 'function' AS kind, p.proname AS name,
    pg_get_functiondef(p.oid) || CASE WHEN EXISTS (
        SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) WHERE grantee = 0
    ) THEN 'executed by PUBLIC' ELSE '' END AS text
{_FROM}
JOIN pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal
JOIN pg_proc p ON p.oid = g.tgfoid
"""
_POLICIES = f"""
SELECT n.nspname || '.' || c.relname AS place, 'policy' AS kind, y.polname AS name,
    concat_ws(' ', CASE WHEN y.polpermissive THEN 'permissive' ELSE 'restrictive' END,
        CASE y.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
            ELSE 'ALL' END,
        'to ' || (SELECT string_agg(coalesce(r.rolname, 'public'), ', ' ORDER BY r.rolname)
            FROM unnest(y.polroles) AS o LEFT JOIN pg_roles r ON r.oid = o),
        'USING ' || pg_get_expr(y.polqual, c.oid), 'CHECK ' || pg_get_expr(y.polwithcheck, c.oid)) AS text
{_FROM}
JOIN pg_policy y ON y.polrelid = c.oid
"""
_GRANTS = f"""
SELECT place, 'grant' AS kind, role || ' ' || privilege_type AS name,
    CASE WHEN bool_or(attname IS NULL) THEN 'all columns'
        ELSE string_agg(attname, ', ' ORDER BY attname COLLATE "C") END AS text
FROM (
    SELECT n.nspname || '.' || c.relname AS place, coalesce(r.rolname, 'public') AS role, e.privilege_type, e.attname
    {_FROM}
    CROSS JOIN LATERAL (
        SELECT x.grantee, x.privilege_type, NULL::name AS attname
        FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS x
        UNION ALL
        SELECT x.grantee, x.privilege_type, a.attname
        FROM pg_attribute a CROSS JOIN aclexplode(a.attacl) AS x WHERE a.attrelid = c.oid AND NOT a.attisdropped
    ) AS e
    LEFT JOIN pg_roles r ON r.oid = e.grantee
    WHERE e.grantee = 0 OR r.rolname = ANY ($3::text[])
) AS granted
GROUP BY place, role, privilege_type
"""
_TYPES = f"""
SELECT n.nspname || '.' || c.relname AS place, 'type' AS kind, format_type(t.oid, NULL) AS name,
    (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
        FROM pg_enum e WHERE e.enumtypid = t.oid) AS text
{_FROM}
JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
JOIN pg_type s ON s.oid = a.atttypid
JOIN pg_type t ON t.oid = CASE WHEN s.typelem <> 0 THEN s.typelem ELSE s.oid END AND t.typtype = 'e'
"""

_REQUIRED = f"""
SELECT n.nspname || '.' || c.relname AS place, a.attname AS name
{_FROM}
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND c.relkind <> 'v'
"""


async def read_things(connection: Connection, relations: Sequence[tuple[str, str]]) -> dict[Thing, str]:
    """Everything about these relations, given as schema and name. The search path has to be empty."""
    places = [schema for schema, _ in relations], [name for _, name in relations]
    things: dict[Thing, str] = {}
    for query in (_TABLES, _COLUMNS, _CONSTRAINTS, _INDEXES, _TRIGGERS, _FUNCTIONS, _POLICIES, _TYPES):
        things |= _things(await connection.fetch(query, *places))
    return things | _things(await connection.fetch(_GRANTS, *places, list(ROLES)))


async def required_columns(connection: Connection, relations: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Place and name of each column that an insert has to give a value."""
    rows = await connection.fetch(_REQUIRED, [schema for schema, _ in relations], [name for _, name in relations])
    return {(row["place"], row["name"]) for row in rows}


def _things(rows: Iterable[asyncpg.Record]) -> dict[Thing, str]:
    return {Thing(row["place"], row["kind"], row["name"]): row["text"] or "" for row in rows}
