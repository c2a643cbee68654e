"""Settings: names, precedence, and that nothing unknown or secret passes."""

from pathlib import Path

import pytest

from homeport.kernel.errors import QueryError
from homeport.kernel.table import Override
from homeport.kernel.types import ArrayType, ColumnType, IntegerType, NumericType, TextType, UuidType
from homeport.settings import (
    Adapter,
    Pool,
    Pooler,
    PoolKind,
    Retry,
    RolloutPolicy,
    Settings,
    SettingsError,
    Units,
    Unscoped,
    column_type,
    load,
)

TOML = """
adapter = "supabase_legacy"
contexts = ["expenses", "calendar"]
database_url = "postgresql://file@host/db"

[adapters]
expenses = "postgres"
calendar = "memory"

[pool]
preset = "production"
timeout = 5

[retry]
attempts = 4
budget = 0.2

[tables.calendar_events]
name = "events"
schema = "app"
columns = { user_id = "author_id" }
types = { id = "bigint" }
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "homeport.toml"
    path.write_text(TOML)
    return str(path)


def written(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "homeport.toml"
    path.write_text(text)
    return {"HOMEPORT_CONFIG": str(path)}


def test_nothing_given_is_the_defaults() -> None:
    assert load({}) == Settings()
    assert Settings().adapter is Adapter.POSTGRES
    assert (Settings().pool.size, Settings().pool.overflow, Settings().pool.timeout) == (10, 5, 30.0)


def test_the_rollout_policy_may_stand_in_a_file(tmp_path: Path) -> None:
    assert load(written(tmp_path, 'rollout_policy = "literal"')).rollout_policy is RolloutPolicy.LITERAL
    assert Settings().rollout_policy is RolloutPolicy.SEQUENTIAL
    with pytest.raises(SettingsError, match="known: literal, sequential"):
        load(written(tmp_path, 'rollout_policy = "brave"'))


def test_this_process_is_read_when_no_environment_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEPORT_ADAPTER", "memory")
    assert load().adapter is Adapter.MEMORY


def test_a_file_says_it_all(config: str) -> None:
    found = load({"HOMEPORT_CONFIG": config})
    assert found == Settings(
        adapter="supabase_legacy",
        contexts=("expenses", "calendar"),
        database_url="postgresql://file@host/db",
        adapters={"expenses": "postgres", "calendar": "memory"},
        pool=Pool(size=32, overflow=0, timeout=5),
        retry=Retry(attempts=4, budget=0.2),
        tables={
            "calendar_events": Override(
                name="events", schema="app", columns={"user_id": "author_id"}, types={"id": IntegerType(64)}
            )
        },
    )


def test_the_environment_wins_over_the_file_name_by_name(config: str) -> None:
    found = load(
        {
            "HOMEPORT_CONFIG": config,
            "HOMEPORT_CONTEXTS": "users, social,",
            "HOMEPORT_EXPENSES": "memory",
            "HOMEPORT_POOL_SIZE": "4",
            "DATABASE_URL": "postgresql://environment@host/db",
        }
    )
    assert found.contexts == ("users", "social")
    assert found.adapters == {"expenses": Adapter.MEMORY, "calendar": Adapter.MEMORY}
    assert found.pool == Pool(size=4, overflow=0, timeout=5)
    assert found.database_url == "postgresql://environment@host/db"
    assert found.adapter is Adapter.SUPABASE_LEGACY


def test_our_own_names_win_over_the_documents() -> None:
    both = {"HOMEPORT_DATABASE_URL": "postgresql://ours/db", "DATABASE_URL": "postgresql://theirs/db"}
    assert load(both).database_url == "postgresql://ours/db"
    assert load({**both, "HOMEPORT_DATABASE_URL": " "}).database_url == "postgresql://theirs/db"


def test_the_documents_names_are_read() -> None:
    found = load(
        {
            "ASYNC_DATABASE_URL": "postgresql+asyncpg://user:pw@host/db",
            "SUPABASE_URL": "https://x.supabase.co/",
            "SUPABASE_ANON_KEY": "anon",
            "SUPABASE_SERVICE_ROLE_KEY": "service",
            "SUPABASE_POOL_SIZE": "7",
            "SUPABASE_MAX_OVERFLOW": "2",
            "SUPABASE_POOL_TIMEOUT": "1.5",
            "SUPABASE_MAX_RETRIES": "5",
            "SUPABASE_RETRY_DELAY": "1.0",
            "SUPABASE_JWT_SECRET": "signed",
        }
    )
    assert found.database_url == "postgresql://user:pw@host/db"
    assert (found.supabase_anon_key, found.supabase_service_role_key) == ("anon", "service")
    assert found.rest_root == "https://x.supabase.co/rest/v1"
    assert (found.pool.max_size, found.pool.timeout) == (9, 1.5)
    assert found.retry == Retry(attempts=5, delay=1.0)
    assert found.supabase_jwt_secret == "signed"


def test_a_rest_root_of_ones_own_wins_over_the_project() -> None:
    found = Settings(supabase_url="https://x.supabase.co", rest_url="http://127.0.0.1:3000/")
    assert found.rest_root == "http://127.0.0.1:3000"


def test_users_units_and_timeouts_are_settings() -> None:
    found = load(
        {
            "HOMEPORT_SCOPED_DATABASE_URL": "postgres://authenticator:pw@host/db",
            "HOMEPORT_JWT_AUDIENCE": "mobile",
            "HOMEPORT_UNSCOPED": "refuse",
            "HOMEPORT_UNITS": "postgres",
            "HOMEPORT_ROLLOUT_POLICY": "literal",
            "HOMEPORT_POOL_KIND": "lean",
            "HOMEPORT_LOCK_TIMEOUT": "5",
            "HOMEPORT_HOST_TIMEOUT": "0.5",
            "HOMEPORT_RETRY_DEADLINE": "3",
            "HOMEPORT_RETRY_BUDGET": "0",
        }
    )
    assert found == Settings(
        scoped_database_url="postgresql://authenticator:pw@host/db",
        jwt_audience="mobile",
        unscoped=Unscoped.REFUSE,
        units=Units.POSTGRES,
        rollout_policy=RolloutPolicy.LITERAL,
        pool=Pool(kind=PoolKind.LEAN, lock_timeout=5, host_timeout=0.5),
        retry=Retry(deadline=3, budget=0),
    )


@pytest.mark.parametrize(("preset", "most"), [("standard", 15), ("production", 32), ("test", 1)])
def test_the_documents_pool_sizes_are_presets(preset: str, most: int) -> None:
    assert load({"HOMEPORT_POOL": preset}).pool.max_size == most


def test_a_context_is_served_by_its_own_adapter_or_by_the_one_for_all() -> None:
    found = Settings(adapter="memory", adapters={"expenses": "postgres"})
    assert found.serving("expenses") is Adapter.POSTGRES
    assert found.serving("calendar") is Adapter.MEMORY


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"HOMEPORT_DATABSE_URL": "postgresql://secret"}, "did you mean HOMEPORT_DATABASE_URL"),
        ({"HOMEPORT_EXPENSES": "secret"}, "takes postgres, memory, supabase_legacy"),
        ({"HOMEPORT_ADAPTER": "postgre"}, "did you mean postgres"),
        ({"HOMEPORT_POOL": "large"}, "known: production, standard, test"),
        ({"HOMEPORT_POOL_SIZE": "many"}, "whole number, 1 or more"),
        ({"HOMEPORT_POOL_SIZE": "0"}, "whole number, 1 or more"),
        ({"HOMEPORT_POOL_OVERFLOW": "-1"}, "whole number, 0 or more"),
        ({"HOMEPORT_POOL_TIMEOUT": "nan"}, "number of seconds"),
        ({"HOMEPORT_STATEMENT_TIMEOUT": "0"}, "number of seconds"),
        ({"HOMEPORT_POOLER": "session"}, "known: none, transaction"),
        ({"HOMEPORT_POOL_KIND": "large"}, "known: asyncpg, lean"),
        ({"HOMEPORT_UNSCOPED": "deny"}, "known: allow, refuse"),
        ({"HOMEPORT_UNITS": "legacy"}, "known: auto, postgres, refuse"),
        ({"HOMEPORT_ROLLOUT_POLICY": "brave"}, "known: literal, sequential"),
        ({"HOMEPORT_RETRY_ATTEMPTS": "0"}, "whole number, 1 or more"),
        ({"HOMEPORT_RETRY_BUDGET": "1.5"}, "a number from 0 to 1"),
        ({"HOMEPORT_SCOPED_DATABASE_URL": "secret"}, "begins with postgresql://"),
        ({"HOMEPORT_CURSOR_KEY": "secret"}, "at least 32 characters"),
        ({"DATABASE_URL": "mysql://user:secret@host/db"}, "begins with postgresql://"),
        ({"SUPABASE_URL": "secret"}, "begin with https://"),
        ({"HOMEPORT_CONFIG": "/nowhere/homeport.toml"}, "can't be read"),
    ],
)
def test_what_is_unknown_or_does_not_fit_is_refused_without_its_value(given: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        load(given)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("adaptor = 'memory'", "did you mean adapter"),
        ("[pool]\nsizes = 4", "did you mean size"),
        ("pool = 4", "pool is a table"),
        ("[retry]\nattempt = 4", "did you mean attempts"),
        ("retry = 4", "retry is a table"),
        ("jwt_audience = ' '", "jwt_audience is not empty"),
        ("adapters = 4", "adapters is a table"),
        ("tables = 4", "tables is a table"),
        ("[tables]\nexpenses = 4", "tables.expenses is a table"),
        ("[tables.expenses]\nnam = 'x'", "did you mean name"),
        ("[tables.expenses]\nname = 4", "tables.expenses.name is text"),
        ("[tables.expenses]\ncolumns = { id = 4 }", "tables.expenses.columns.id is text"),
        ("[tables.expenses]\ntypes = { id = 'bigserial' }", "no column type 'bigserial'"),
        ("database_url = 4", "a database URL is text"),
        ("contexts = [4]", "contexts is text"),
        ("a = 1\nkey = secret", r"no valid TOML \(line 2\)"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        load(written(tmp_path, text))
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_variables_of_the_test_rig_are_not_settings() -> None:
    assert load({"HOMEPORT_TEST_ADAPTERS": "memory", "HOMEPORT_POSTGREST_URL": "http://x"}) == Settings()


def test_secrets_are_never_shown() -> None:
    shown = repr(
        Settings(
            database_url="postgresql://user:secret@host/db",
            scoped_database_url="postgresql://user:secret@host/db",
            supabase_jwt_secret="secret",
            supabase_url="https://secret.supabase.co",
            rest_url="http://secret",
            supabase_anon_key="secret",
            supabase_service_role_key="secret",
            cursor_key=b"secret" * 6,
        )
    )
    assert "secret" not in shown


def test_what_is_missing_is_named_with_the_variables_that_set_it() -> None:
    with pytest.raises(SettingsError, match="set HOMEPORT_DATABASE_URL or DATABASE_URL or ASYNC_DATABASE_URL"):
        Settings().required("database_url")
    with pytest.raises(SettingsError, match="SUPABASE_URL"):
        _ = Settings().rest_root
    assert issubclass(SettingsError, QueryError)


def test_pooler_is_one_of_two() -> None:
    assert Pool(pooler="transaction").pooler is Pooler.TRANSACTION


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("bigint", IntegerType(64)),
        ("VARCHAR(40)", TextType(40)),
        ("numeric(12, 2)", NumericType(12, 2)),
        ("numeric(5)", NumericType(5, 0)),
        ("numeric", NumericType()),
        ("uuid[]", ArrayType(UuidType())),
    ],
)
def test_a_column_type_is_named_as_in_postgresql(sql: str, kind: ColumnType) -> None:
    assert column_type(sql) == kind


@pytest.mark.parametrize("sql", ["jsonb[]", "varchar", "money", "int8[][]", ""])
def test_other_column_types_are_refused(sql: str) -> None:
    with pytest.raises(SettingsError):
        column_type(sql)
