"""The two logins that serve: neither owns anything, so that a mistake of ours meets grants and policies."""

import asyncpg

from homeport.adapters.postgres.connections import Connection
from homeport.adapters.postgres.errors import sqlstate
from homeport.kernel.errors import QueryError, RepositoryPermissionError

SERVICE = "homeport_service"
"""Serves unscoped calls as service_role, which it is from the first statement on and after every reset."""

AUTHENTICATOR = "authenticator"
"""Serves scoped calls and PostgREST: by itself it may do nothing at all."""

_MADE_HERE = "made by Homeport"
_MAKE = {
    SERVICE: (
        f"CREATE ROLE {SERVICE} LOGIN NOINHERIT IN ROLE service_role",
        f"ALTER ROLE {SERVICE} SET role = 'service_role'",
        f"""ALTER ROLE {SERVICE} SET request.jwt.claims = '{{"role":"service_role"}}'""",
        f"COMMENT ON ROLE {SERVICE} IS '{_MADE_HERE}'",
    ),
    AUTHENTICATOR: (
        f"CREATE ROLE {AUTHENTICATOR} LOGIN NOINHERIT IN ROLE anon, authenticated, service_role",
        f"COMMENT ON ROLE {AUTHENTICATOR} IS '{_MADE_HERE}'",
    ),
}
_FOUND = "SELECT shobj_description(oid, 'pg_authid') = $2 FROM pg_roles WHERE rolname = $1"


def login_sql() -> str:
    """What an administrator runs where the owner may not make roles; passwords are theirs to set."""
    return "".join(f"{each};\n" for each in (*_MAKE[SERVICE], *_MAKE[AUTHENTICATOR]))


async def create_logins(
    connection: Connection, *, authenticator: str | None = None, service: str | None = None
) -> list[str]:
    """Make the logins whose passwords are given, and answer the names of those that now have this password.

    One that was made here before gets the password given now. One that somebody else made stays as it is: hosted
    Supabase has an authenticator of its own.

    Raises:
        RepositoryPermissionError: this connection may not make roles; the message says what to run instead.
        QueryError: the platform is not installed.
    """
    ready = []
    for name, password in ((SERVICE, service), (AUTHENTICATOR, authenticator)):
        if password is None:
            continue
        made_here = await connection.fetchrow(_FOUND, name, _MADE_HERE)
        if made_here is None or made_here[0]:
            await _make(connection, _MAKE[name] if made_here is None else (), name, password)
            ready.append(name)
    return ready


async def _make(connection: Connection, statements: tuple[str, ...], name: str, password: str) -> None:
    set_password = await connection.fetchval(
        "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", name, password
    )
    try:
        async with connection.transaction():
            for each in statements:
                await connection.execute(each)
            await connection.execute(set_password)
    except asyncpg.PostgresError as error:
        raise _refused(name, error) from error


def _refused(name: str, error: asyncpg.PostgresError) -> RepositoryPermissionError | QueryError:
    code = sqlstate(error)
    if code == "42501":
        said = f"this login may not make {name}; have an administrator run:\n{login_sql()}"
        return RepositoryPermissionError(said, code=code)
    return QueryError(f"{name} could not be made: install the platform first ({code})", code=code)
