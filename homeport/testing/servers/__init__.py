"""Real servers for tests and demonstrations: found or started, none of them faked, all stopped again."""

from homeport.testing.servers.databases import clean_statement, create_database, drop_database, leaks, stains
from homeport.testing.servers.errors import ServerFailed, ServerMissing
from homeport.testing.servers.pairs import Pair, start_pair
from homeport.testing.servers.pgbouncer import PgbouncerServer, start_pgbouncer
from homeport.testing.servers.pgbouncer_program import install_pgbouncer
from homeport.testing.servers.postgres import PostgresServer, start_postgres
from homeport.testing.servers.postgrest import PostgrestServer, reload_schema, start_postgrest
from homeport.testing.servers.postgrest_program import install_postgrest
from homeport.testing.servers.tokens import token

__all__ = [
    "Pair",
    "PgbouncerServer",
    "PostgresServer",
    "PostgrestServer",
    "ServerFailed",
    "ServerMissing",
    "clean_statement",
    "create_database",
    "drop_database",
    "install_pgbouncer",
    "install_postgrest",
    "leaks",
    "reload_schema",
    "stains",
    "start_pair",
    "start_pgbouncer",
    "start_postgres",
    "start_postgrest",
    "token",
]
