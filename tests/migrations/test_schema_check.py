from typing import Any

import pytest

from homeport.adapters.postgres.schema_check import audit_functions, check_schema
from homeport.contexts import resolve
from homeport.kernel.catalog import Catalog
from homeport.kernel.operation import Operation
from tests.migrations.conftest import Connection
from tests.support.specimens import SPECIMENS

# What is done to a good database, and what the check has to say about it.
PLANTED = [
    ("ALTER TABLE calendar_events DROP COLUMN color", "public.calendar_events: column color is missing"),
    ("ALTER TABLE calendar_events ALTER title TYPE varchar(10)", "column title should be: text COLLATE C NOT NULL"),
    ('ALTER TABLE calendar_events ALTER title TYPE text COLLATE "default"', "column title should be"),
    ("ALTER TABLE calendar_events ALTER title DROP NOT NULL", "column title should be"),
    ("ALTER TABLE calendar_events ALTER location_name SET NOT NULL", "column location_name should be"),
    ("ALTER TABLE calendar_events ALTER color SET DEFAULT 'red'", "column color should be"),
    ("ALTER TABLE calendar_events ALTER id DROP DEFAULT", "column id should be"),
    ("ALTER TABLE crates ALTER id DROP IDENTITY", "public.crates: column id should be"),
    ("ALTER TABLE specimens ALTER doubled DROP EXPRESSION", "public.specimens: column doubled should be"),
    ("ALTER TABLE calendar_events ADD extra integer NOT NULL", "column extra should not be there"),
    ("ALTER TABLE crates DROP CONSTRAINT crates_code_key", "constraint crates_code_key is missing"),
    ("ALTER TABLE crates RENAME CONSTRAINT crates_code_key TO other", "constraint crates_code_key is missing"),
    (
        (
            "ALTER TABLE crates DROP CONSTRAINT crates_position_check;"
            "ALTER TABLE crates ADD CONSTRAINT crates_position_check CHECK (position >= -1)"
        ),
        'constraint crates_position_check should be: CHECK (("position" >= 0)); it is',
    ),
    (
        (
            "ALTER TABLE likes DROP CONSTRAINT likes_post_id_fkey;"
            "ALTER TABLE likes ADD CONSTRAINT likes_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts"
        ),
        "constraint likes_post_id_fkey should be",
    ),
    ("DROP INDEX calendar_events_user_id_start_date_idx", "index calendar_events_user_id_start_date_idx is missing"),
    (
        "DROP INDEX users_email_key; CREATE UNIQUE INDEX users_email_key ON users (email)",
        "index users_email_key should",
    ),
    (
        "ALTER TYPE specimen_size ADD VALUE 'huge'",
        "type public.specimen_size should be: 'small', 'medium', 'large'; it is",
    ),
    ("DROP POLICY posts_update ON posts", "public.posts: policy posts_update is missing"),
    ("ALTER POLICY posts_update ON posts USING (true)", "policy posts_update should be"),
    ("ALTER POLICY posts_update ON posts TO anon", "policy posts_update should be"),
    ("CREATE POLICY everybody ON posts USING (true)", "policy everybody should not be there"),
    ("ALTER TABLE posts DISABLE ROW LEVEL SECURITY", "public.posts: table should be: table, row security; it is"),
    ("ALTER TABLE posts FORCE ROW LEVEL SECURITY", "public.posts: table should be"),
    ("REVOKE DELETE ON posts FROM authenticated", "grant authenticated DELETE is missing"),
    ("REVOKE UPDATE ON posts FROM service_role", "grant service_role UPDATE is missing"),
    ("GRANT UPDATE ON messages TO authenticated", "grant authenticated UPDATE should be: is_read, read_at; it is"),
    ("GRANT SELECT ON posts TO anon", "grant anon SELECT should not be there"),
    ("GRANT SELECT ON posts TO PUBLIC", "grant public SELECT should not be there"),
    ("DROP TRIGGER posts_touch_updated_at ON posts", "trigger posts_touch_updated_at is missing"),
    ("ALTER TABLE posts DISABLE TRIGGER posts_touch_updated_at", "trigger posts_touch_updated_at should be"),
    ("DROP FUNCTION homeport.posts_likes_count() CASCADE", "public.likes: function posts_likes_count is missing"),
    (
        (
            "CREATE OR REPLACE FUNCTION homeport.posts_likes_count() RETURNS trigger LANGUAGE plpgsql "
            "SECURITY DEFINER SET search_path = '' AS 'BEGIN RETURN NULL; END'"
        ),
        "public.likes: function posts_likes_count should be",
    ),
    ("ALTER FUNCTION homeport.posts_likes_count() SECURITY INVOKER", "function posts_likes_count should be"),
    (
        (
            "CREATE OR REPLACE VIEW public_profiles AS "
            "SELECT id, username, nickname, email AS full_name, profile_image_url FROM profiles"
        ),
        "public.public_profiles: table should be: view",
    ),
    ("ALTER VIEW public_profiles SET (security_invoker = true)", "public.public_profiles: table should be"),
    ("DROP TABLE labels", "public.labels: table is missing"),
    ("DROP FUNCTION toggle_like(uuid, uuid)", "public.toggle_like: function is missing"),
    ("ALTER FUNCTION toggle_like(uuid, uuid) SECURITY DEFINER", "public.toggle_like: function should be"),
    ("ALTER FUNCTION toggle_like(uuid, uuid) RESET ALL", "public.toggle_like: function should be"),
    ("REVOKE ALL ON FUNCTION toggle_like(uuid, uuid) FROM authenticated", "public.toggle_like: function should be"),
    ("GRANT EXECUTE ON FUNCTION toggle_like(uuid, uuid) TO anon", "public.toggle_like: function should be"),
    (
        (
            "DROP FUNCTION toggle_like(uuid, uuid); CREATE FUNCTION toggle_like(p_user_id uuid, p_post_id uuid) "
            "RETURNS TABLE (liked boolean, likes_count bigint) LANGUAGE sql AS 'SELECT true, 1::bigint'"
        ),
        "public.toggle_like: function should be",
    ),
]
ADDITIONS = """
ALTER TABLE calendar_events ADD extra text, ADD other integer NOT NULL DEFAULT 1;
CREATE INDEX extra_idx ON calendar_events (extra);
ALTER TABLE calendar_events ADD CONSTRAINT extra_check CHECK (length(extra) < 10);
ALTER INDEX calendar_events_user_id_start_date_idx RENAME TO another_name;
CREATE TABLE somebody_elses (id integer);
GRANT TRUNCATE ON calendar_events TO service_role;
"""


async def test_the_committed_migrations_give_what_the_tables_declare(
    shared: Connection, catalog: Catalog, operations: list[Operation[Any, Any]]
) -> None:
    assert await check_schema(shared, catalog, operations) == []
    assert await audit_functions(shared, operations, schemas=("homeport", "public")) == []


async def test_additions_are_fine(shared: Connection, catalog: Catalog) -> None:
    await shared.execute(ADDITIONS)
    assert await check_schema(shared, catalog) == []


async def test_the_check_leaves_nothing_behind(migrated: Connection, catalog: Catalog) -> None:
    await check_schema(migrated, catalog)
    assert await migrated.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'homeport_check%'") == 0
    assert await migrated.fetchval("SHOW search_path") == '"$user", public'


async def test_every_planted_drift_is_found(shared: Connection) -> None:
    """Asked of the contexts alone that something is planted in: the check builds all tables that it is asked of."""
    planted_in = resolve(["calendar", "social", SPECIMENS])
    catalog = Catalog.of(table for each in planted_in for table in each.tables)
    operations = [operation for each in planted_in for operation in each.operations]
    for change, said in PLANTED:
        transaction = shared.transaction()
        await transaction.start()
        await shared.execute(change)
        found = [str(each) for each in await check_schema(shared, catalog, operations)]
        await transaction.rollback()
        assert any(said in each for each in found), (change, found)
        assert all("\n" not in each for each in found)


async def test_each_drift_is_told_once(shared: Connection, catalog: Catalog) -> None:
    await shared.execute("ALTER TABLE calendar_events ALTER title DROP NOT NULL")
    (drift,) = await check_schema(shared, catalog)
    assert (drift.kind, drift.table, drift.name) == ("column", "public.calendar_events", "title")
    assert (drift.expected, drift.found) == ("text COLLATE C NOT NULL", "text COLLATE C")


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (
            (
                "CREATE FUNCTION homeport.loose() RETURNS integer LANGUAGE sql AS 'SELECT 1';"
                "REVOKE ALL ON FUNCTION homeport.loose() FROM PUBLIC"
            ),
            "homeport.loose: function loose() should be: SET search_path = ''; it is: the caller's search_path",
        ),
        (
            "CREATE FUNCTION homeport.open() RETURNS integer LANGUAGE sql SET search_path = '' AS 'SELECT 1'",
            "homeport.open: function open() should be: no EXECUTE for public; it is: public may execute it",
        ),
        ("GRANT EXECUTE ON FUNCTION toggle_like(uuid, uuid) TO anon", "no EXECUTE for anon"),
        ("GRANT EXECUTE ON FUNCTION homeport_row_cap_probe(integer) TO anon", "no EXECUTE for anon"),
        ("ALTER FUNCTION toggle_like(uuid, uuid) SECURITY DEFINER", "should be: SECURITY INVOKER"),
        ("ALTER FUNCTION toggle_like(uuid, uuid) RESET search_path", "should be: SET search_path = ''"),
    ],
)
async def test_a_function_that_is_open_to_strangers_is_found(
    shared: Connection, operations: list[Operation[Any, Any]], planted: str, said: str
) -> None:
    await shared.execute(planted)
    (found,) = [str(each) for each in await audit_functions(shared, operations)]
    assert said in found


async def test_the_applications_own_functions_are_not_judged(
    shared: Connection, operations: list[Operation[Any, Any]]
) -> None:
    await shared.execute("CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    assert await audit_functions(shared, operations) == []
