"""Settings: what a deployment decides, from environment and TOML, checked before anything is opened.

A keyword of `homeport.open` wins over the environment, the environment over the TOML file, the file over the default.

| attribute                 | environment, the first one set                                      |
|---------------------------|---------------------------------------------------------------------|
| contexts                  | HOMEPORT_CONTEXTS (comma separated)                                 |
| adapter                   | HOMEPORT_ADAPTER (postgres, memory, supabase_legacy)                |
| adapters["expenses"]      | HOMEPORT_EXPENSES                                                   |
| database_url              | HOMEPORT_DATABASE_URL, DATABASE_URL, ASYNC_DATABASE_URL             |
| scoped_database_url       | HOMEPORT_SCOPED_DATABASE_URL                                        |
| supabase_url              | HOMEPORT_SUPABASE_URL, SUPABASE_URL                                 |
| rest_url                  | HOMEPORT_REST_URL                                                   |
| supabase_service_role_key | HOMEPORT_SUPABASE_SERVICE_ROLE_KEY, SUPABASE_SERVICE_ROLE_KEY       |
| supabase_anon_key         | HOMEPORT_SUPABASE_ANON_KEY, SUPABASE_ANON_KEY                       |
| supabase_jwt_secret       | HOMEPORT_SUPABASE_JWT_SECRET, SUPABASE_JWT_SECRET                   |
| jwt_audience              | HOMEPORT_JWT_AUDIENCE                                               |
| cursor_key                | HOMEPORT_CURSOR_KEY                                                 |
| unscoped                  | HOMEPORT_UNSCOPED (allow, refuse)                                   |
| units                     | HOMEPORT_UNITS (auto, refuse, postgres)                             |
| coalesce                  | HOMEPORT_COALESCE (true, false)                                     |
| rollout_policy            | HOMEPORT_ROLLOUT_POLICY (sequential, literal)                       |
| pool.preset               | HOMEPORT_POOL (standard, production, test)                          |
| pool.size                 | HOMEPORT_POOL_SIZE, DB_POOL_SIZE, SUPABASE_POOL_SIZE                |
| pool.overflow             | HOMEPORT_POOL_OVERFLOW, DB_POOL_MAX_OVERFLOW, SUPABASE_MAX_OVERFLOW |
| pool.timeout              | HOMEPORT_POOL_TIMEOUT, SUPABASE_POOL_TIMEOUT (seconds)              |
| pool.statement_timeout    | HOMEPORT_STATEMENT_TIMEOUT (seconds)                                |
| pool.lock_timeout         | HOMEPORT_LOCK_TIMEOUT (seconds)                                     |
| pool.host_timeout         | HOMEPORT_HOST_TIMEOUT (seconds)                                     |
| pool.pooler               | HOMEPORT_POOLER (none, transaction)                                 |
| pool.kind                 | HOMEPORT_POOL_KIND (lean, asyncpg)                                  |
| retry.attempts            | HOMEPORT_RETRY_ATTEMPTS, SUPABASE_MAX_RETRIES                       |
| retry.delay               | HOMEPORT_RETRY_DELAY, SUPABASE_RETRY_DELAY (seconds)                |
| retry.deadline            | HOMEPORT_RETRY_DEADLINE (seconds)                                   |
| retry.budget              | HOMEPORT_RETRY_BUDGET (share of the successful calls)               |
| tables                    | only in TOML: [tables.calendar_events] name, schema, columns, types |

HOMEPORT_CONFIG names the TOML file; its keys are the attributes, with tables [adapters], [pool],
[retry] and [tables.<name>].
An empty variable counts as not set. An unknown name is refused: everywhere in the file, and in the environment where it
begins with HOMEPORT_.
"""

from homeport.settings.errors import SettingsError
from homeport.settings.limits import Pool, Pooler, PoolKind, Retry
from homeport.settings.overrides import column_type
from homeport.settings.sources import load
from homeport.settings.values import Adapter, RolloutPolicy, Settings, Units, Unscoped

__all__ = [
    "Adapter",
    "Pool",
    "PoolKind",
    "Pooler",
    "Retry",
    "RolloutPolicy",
    "Settings",
    "SettingsError",
    "Units",
    "Unscoped",
    "column_type",
    "load",
]
