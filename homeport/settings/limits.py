"""How many and how long: the pool's sizes and timeouts, and what bounds retries. Each value checks itself."""

import enum
import math
from collections.abc import Mapping

import attrs

from homeport.kernel.errors import unknown_name
from homeport.settings.errors import SettingsError, member_of

POOL_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "preset": ("HOMEPORT_POOL",),
    "size": ("HOMEPORT_POOL_SIZE", "DB_POOL_SIZE", "SUPABASE_POOL_SIZE"),
    "overflow": ("HOMEPORT_POOL_OVERFLOW", "DB_POOL_MAX_OVERFLOW", "SUPABASE_MAX_OVERFLOW"),
    "timeout": ("HOMEPORT_POOL_TIMEOUT", "SUPABASE_POOL_TIMEOUT"),
    "statement_timeout": ("HOMEPORT_STATEMENT_TIMEOUT",),
    "lock_timeout": ("HOMEPORT_LOCK_TIMEOUT",),
    "host_timeout": ("HOMEPORT_HOST_TIMEOUT",),
    "pooler": ("HOMEPORT_POOLER",),
    "kind": ("HOMEPORT_POOL_KIND",),
}
RETRY_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "attempts": ("HOMEPORT_RETRY_ATTEMPTS", "SUPABASE_MAX_RETRIES"),
    "delay": ("HOMEPORT_RETRY_DELAY", "SUPABASE_RETRY_DELAY"),
    "deadline": ("HOMEPORT_RETRY_DEADLINE",),
    "budget": ("HOMEPORT_RETRY_BUDGET",),
}
"""The environment's names of each attribute, the one that wins first."""


class Pooler(enum.StrEnum):
    """What stands between us and the server: nothing, or a pooler that lends a connection for one transaction."""

    NONE = "none"
    TRANSACTION = "transaction"


class PoolKind(enum.StrEnum):
    """Whose pool holds the connections: Homeport's own, or the driver's."""

    LEAN = "lean"
    ASYNCPG = "asyncpg"


def _pooler(value: object) -> Pooler:
    return member_of(Pooler, "pooler", value)


def _kind(value: object) -> PoolKind:
    return member_of(PoolKind, "kind of pool", value)


def _size(value: int | str) -> int:
    return _whole("pool.size", 1, value)


def _overflow(value: int | str) -> int:
    return _whole("pool.overflow", 0, value)


def _attempts(value: int | str) -> int:
    return _whole("retry.attempts", 1, value)


def _whole(name: str, least: int, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).strip().isdecimal():
        raise SettingsError(f"{name} is a whole number, {least} or more")
    if int(value) < least:
        raise SettingsError(f"{name} is a whole number, {least} or more")
    return int(value)


def _seconds(value: float | str) -> float:
    seconds = _number(value)
    if not 0 < seconds < 86_400:
        raise SettingsError("a timeout is a number of seconds, more than 0 and less than a day")
    return seconds


def _share(value: float | str) -> float:
    share = _number(value)
    if not 0 <= share <= 1:
        raise SettingsError("retry.budget is a number from 0 to 1")
    return share


def _number(value: float | str) -> float:
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan


@attrs.frozen(kw_only=True)
class Pool:
    """How many connections, or requests in flight, and how long to wait.

    Attributes:
        size, overflow: together the most there are at once; the documents count them apart.
        timeout: seconds to wait for a free connection, or for an answer of the legacy API.
        statement_timeout: seconds after which the server gives a statement up; None for a minute.
        lock_timeout: seconds to wait for a row that somebody else has locked.
        host_timeout: seconds for each host of the URL to accept a connection, before the next one is asked.
    """

    size: int = attrs.field(default=10, converter=_size)
    overflow: int = attrs.field(default=5, converter=_overflow)
    timeout: float = attrs.field(default=30.0, converter=_seconds)
    statement_timeout: float | None = attrs.field(default=None, converter=attrs.converters.optional(_seconds))
    lock_timeout: float = attrs.field(default=30.0, converter=_seconds)
    host_timeout: float = attrs.field(default=2.0, converter=_seconds)
    pooler: Pooler = attrs.field(default=Pooler.NONE, converter=_pooler)
    kind: PoolKind = attrs.field(default=PoolKind.LEAN, converter=_kind)

    @property
    def max_size(self) -> int:
        return self.size + self.overflow

    @classmethod
    def preset(cls, name: object) -> "Pool":
        """One of the documents' sizes: standard (10 + 5), production (32), test (1). Raises SettingsError."""
        found = _PRESETS.get(name) if isinstance(name, str) else None
        if found is None:
            raise SettingsError(unknown_name("pool preset", name, _PRESETS))
        return found


_PRESETS = {"standard": Pool(), "production": Pool(size=32, overflow=0), "test": Pool(size=1, overflow=0)}


@attrs.frozen(kw_only=True)
class Retry:
    """What bounds the retries of single reads and of whole units.

    Attributes:
        attempts: the first one counts; 1 turns retries off.
        delay: seconds that the first wait is at most; each further wait may be twice as long.
        deadline: seconds from the start after which nothing is tried again.
        budget: how many retries a database is asked for each call that went well, lest a broken one drown in them.
    """

    attempts: int = attrs.field(default=3, converter=_attempts)
    delay: float = attrs.field(default=0.1, converter=_seconds)
    deadline: float = attrs.field(default=10.0, converter=_seconds)
    budget: float = attrs.field(default=0.1, converter=_share)
