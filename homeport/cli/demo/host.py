"""The PostgreSQL server of a demonstration: one started for it, or the user's own. Each leg gets its own database."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from homeport.composition import create_logins, execute_sql, migrate_up
from homeport.contexts import SHIPPED
from homeport.kernel.errors import RepositoryPermissionError
from homeport.testing.servers import PostgresServer, ServerMissing, start_postgres

CONTEXTS = tuple(SHIPPED)
_SOURCES = ("embedded", "debian", "testcontainers")
_ROLES = "select rolname::text as name from pg_roles order by 1"
_VERSION = "select split_part(current_setting('server_version'), ' ', 1) as version"


@attrs.frozen(kw_only=True)
class Database:
    """A migrated, empty database, and the URLs of the two logins that serve it."""

    service: str = attrs.field(repr=False)
    authenticator: str = attrs.field(repr=False)


class Host:
    """Knows the server, and takes away what it made there.

    On the user's own server both logins are the user's: ours may be in use there, and a password of theirs is not to
    be changed. `roles_made` are those that a migration found absent; roles belong to the whole server, so they stay.
    """

    def __init__(self, own: str | None = None) -> None:
        self._own = own
        self._server: PostgresServer | None = None
        self.roles_made: list[str] = []

    async def start(self) -> str:
        """Which server it is, for a person. Raises ServerMissing, ServerFailed, RepositoryUnavailableError."""
        if self._server is None:
            self._server = _started() if self._own is None else await _given(self._own)
        return f"PostgreSQL {self._server.version}, {self._server.source}"

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """A new database of an unguessable name, dropped at the end, whoever is still in it."""
        await self.start()
        assert self._server is not None  # noqa: S101 - for the type checker: it was started on the line above
        name = f"homeport_demo_{secrets.token_hex(6)}"
        before = await self._roles()
        try:
            # Text sorts as "C" everywhere here, so the server's own locale and templates don't matter.
            await execute_sql(
                self._server.url(), f"create database {name} template template0 encoding 'UTF8' locale 'C'"
            )
            await migrate_up(self._server.url(name), CONTEXTS)
            yield await self._logins(self._server, name)
        finally:
            await execute_sql(self._server.url(), f"drop database if exists {name} with (force)")
            if self._own is not None:
                self.roles_made += [each for each in await self._roles() if each not in before]

    async def require_service_role(self) -> None:
        """Raises ServerMissing where the user's login can't be PostgREST's; one on a server of ours always can."""
        if self._own is None:
            return
        try:
            await execute_sql(self._own, "set role service_role")
        except RepositoryPermissionError as error:
            reason = "PostgREST needs a login that may act as service_role, which that of --database-url may not"
            raise ServerMissing(reason, "give a superuser's URL, or grant service_role to that login") from error

    def close(self) -> None:
        """Stops the server that was started here."""
        if self._server is not None:
            self._server.close()

    async def _logins(self, server: PostgresServer, name: str) -> Database:
        if self._own is not None:
            return Database(service=server.url(name), authenticator=server.url(name))
        password = secrets.token_urlsafe(16)
        await create_logins(server.url(name), authenticator=password, service=password)
        return Database(
            service=server.url(name, "homeport_service", password, at=server.port),
            # over TCP, as a PostgREST in a container does not see the socket
            authenticator=server.url(name, "authenticator", password, at=server.port),
        )

    async def _roles(self) -> set[str]:
        if self._own is None:
            return set()
        return {str(row["name"]) for row in await execute_sql(self._own, _ROLES)}


def _started() -> PostgresServer:
    """A server of our own, whatever the environment says of others: nobody's database is touched unasked."""
    reasons, hint = [], ""
    for source in _SOURCES:
        try:
            return start_postgres(source)
        except ServerMissing as missing:
            reasons.append(missing.reason)
            hint = hint or missing.how_to_get_it
    raise ServerMissing("no PostgreSQL server: " + "; ".join(reasons), f"{hint}, or give --database-url")


async def _given(url: str) -> PostgresServer:
    version = str((await execute_sql(url, _VERSION))[0]["version"])
    return PostgresServer(version=version, source="at --database-url", port=None, base=url, stop=lambda: None)
