"""How a connection of our own is opened: what the server is told at once, and what is asked of it once a pool."""

import logging
from typing import Literal, TypeAlias

import asyncpg

from homeport.adapters.postgres.connections import Bare, Cleaning, cut, reset, settle
from homeport.adapters.postgres.driver import connection_class
from homeport.adapters.postgres.hosts import Hosts
from homeport.kernel.errors import QueryError

Expected: TypeAlias = Literal["service", "scoped", "owner"]
"""What the login is for: calls of nobody in particular, calls of users, migrations."""

STATEMENT_SECONDS = 60.0
"""A repository's call takes milliseconds, a bulk of many thousand rows a second or two: what runs for a minute has
gone wrong, and keeps a connection from others. It is below what a forgotten transaction gets.
"""
LOCK_SECONDS = 30.0
IDLE_IN_TRANSACTION_SECONDS = 300.0
"""A stream's reader may take its time between two batches."""
TRANSACTION_SECONDS = 3600.0
"""The longest stream. An open transaction holds back the clean-up of all tables."""

_CACHED_STATEMENTS = 256
_POOLER = "a pooler stands before the database: open it with pooler='transaction'"
_log = logging.getLogger("homeport")


class Server:
    """Where a pool's connections come from.

    Behind a transaction pooler nothing is prepared, and no timeout is set: such a pooler refuses or mixes up what is
    set for a session. There an administrator sets them for the login, which the pooler can't lose:
    `ALTER ROLE homeport_service SET statement_timeout = '60s'`, and in the same way `lock_timeout`,
    `idle_in_transaction_session_timeout` and, from PostgreSQL 17 on, `transaction_timeout`.

    A server older than that refuses `transaction_timeout`, and writes so to its log; it is told once a pool.

    Args:
        url: may name several hosts.
        timeout: seconds for a connection to be made; where there are several hosts, each has `host_timeout` of them.
        statement_timeout: seconds; None for a minute. An owner's statements take as long as they take.
        expects: what the login is for. One that may do more than that is warned of.
    """

    def __init__(  # noqa: PLR0913 - one keyword per thing that a deployment decides
        self,
        url: str,
        *,
        timeout: float = 30.0,
        host_timeout: float = 2.0,
        statement_timeout: float | None = None,
        lock_timeout: float = LOCK_SECONDS,
        pooler: str = "none",
        expects: Expected = "service",
    ) -> None:
        if pooler not in ("none", "transaction"):
            raise QueryError(f"pooler is 'none' or 'transaction', not {pooler!r}")
        self._hosts = Hosts(url, timeout=timeout, host_timeout=host_timeout)
        self._pooled = pooler == "transaction"
        self._expects = expects
        self._checked = False
        self._timeout = timeout
        self._settings = {"application_name": "homeport"}
        if not self._pooled:
            self._settings |= _timeouts(expects, statement_timeout, lock_timeout)

    async def open(self) -> Bare:
        """A connection, ready.

        Raises:
            QueryError: the URL is none, or an undeclared pooler stands before the server.
            RepositoryUnavailableError: no host of several is good. Else what the driver raises.
        """
        connection = await self._connected()
        try:
            if not self._checked:
                await self._check(connection)
        except BaseException:
            cut(connection)
            raise
        return connection

    def cleaning(self, *, failed: bool, raw: bool) -> Cleaning | None:
        """What makes a connection that comes back fit for the next call, if anything is to be done."""
        if raw and not self._pooled:
            return reset
        return settle if failed else None

    async def _connected(self) -> Bare:
        told = dict(self._settings)
        try:
            return await self._connect(told)
        except asyncpg.UndefinedObjectError:
            if told.pop("transaction_timeout", None) is None:
                raise
            self._settings = told
            return await self._connect(told)
        except asyncpg.ProtocolViolationError as error:
            if self._pooled:
                raise
            raise QueryError(_POOLER, code=error.sqlstate) from error  # pgbouncer's way to refuse our timeouts

    async def _connect(self, settings: dict[str, str]) -> Bare:
        cached = 0 if self._pooled else _CACHED_STATEMENTS
        return await self._hosts.connect(
            statement_cache_size=cached, server_settings=settings, connection_class=connection_class()
        )

    async def _check(self, connection: Bare) -> None:
        """Behind a transaction pooler prepared statements get mixed up between clients, rows too; so one is looked for.

        It is one simple query, so it takes one round trip and prepares nothing. The driver tells no more of its answer
        than how many rows there were, so the findings are added up to that number.
        """
        pid = None if self._pooled else connection.get_server_pid()
        answer = await connection.execute(_question(self._expects, pid), timeout=self._timeout)
        found = int(answer.rpartition(" ")[2])
        if found & _POOLED:
            raise QueryError(_POOLER)
        if not self._checked:
            self._checked = True
            _warn(self._expects, found)


_POOLED, _EXEMPT, _OWNS, _HAS_RIGHTS = 1, 2, 4, 8
_FINDINGS = {
    _EXEMPT: "EXISTS (SELECT FROM login WHERE rolsuper OR rolbypassrls AND rolname = session_user)",
    _OWNS: """EXISTS (SELECT FROM login, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
            AND pg_has_role(login.oid, c.relowner, 'USAGE'))""",
    _HAS_RIGHTS: """EXISTS (SELECT FROM login, pg_roles r
        WHERE r.rolname IN ('anon', 'authenticated', 'service_role') AND pg_has_role(login.oid, r.oid, 'USAGE'))""",
}
_ASKED: dict[Expected, tuple[int, ...]] = {
    "service": (_EXEMPT, _OWNS),
    "scoped": (_EXEMPT, _OWNS, _HAS_RIGHTS),
    "owner": (),
}
_SAID = {
    _EXEMPT: "is a superuser or passes row policies",
    _OWNS: "owns tables, whose row policies don't bind it",
    _HAS_RIGHTS: "has a role's rights by itself, so that a users' call without its BEGIN would have them too",
}


def _question(expects: Expected, pid: int | None) -> str:
    """The role may be another than the login from the start: that of homeport_service is service_role."""
    asked = {_POOLED: "false" if pid is None else f"pg_backend_pid() <> {pid}"}
    asked |= {each: _FINDINGS[each] for each in _ASKED[expects]}
    total = " + ".join(f"CASE WHEN {condition} THEN {each} ELSE 0 END" for each, condition in asked.items())
    return f"""/* homeport.startup */
WITH login AS (SELECT oid, rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname IN (session_user, current_user))
SELECT FROM generate_series(1, {total})"""


def _warn(expects: Expected, found: int) -> None:
    said = next((text for each, text in _SAID.items() if found & each), None)
    if said is not None:
        _log.warning(
            "the database login for %s calls %s. `homeport migrate logins` makes one that is not; its SQL: "
            "homeport.adapters.postgres.migrate_logins.login_sql()",
            "unscoped" if expects == "service" else "users'",
            said,
        )


def _timeouts(expects: Expected, statement: float | None, lock: float) -> dict[str, str]:
    seconds = {
        "statement_timeout": STATEMENT_SECONDS if statement is None else statement,
        "lock_timeout": lock,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_SECONDS,
        "transaction_timeout": TRANSACTION_SECONDS,
    }
    if expects == "owner":
        seconds["statement_timeout"] = 0
        del seconds["transaction_timeout"]
    return {name: str(round(each * 1000)) for name, each in seconds.items()}
