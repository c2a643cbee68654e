"""The settings as values: each is checked however it was given, and secrets are never shown."""

import enum
import math
from collections.abc import Iterable, Mapping
from typing import TypeVar, cast

import attrs

from homeport.kernel.errors import unknown_name
from homeport.kernel.table import Override
from homeport.settings.errors import SettingsError, table_of, text_of
from homeport.settings.overrides import overrides_of

Member = TypeVar("Member", bound=enum.StrEnum)

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "contexts": ("HOMEPORT_CONTEXTS",),
    "adapter": ("HOMEPORT_ADAPTER",),
    "database_url": ("HOMEPORT_DATABASE_URL", "DATABASE_URL", "ASYNC_DATABASE_URL"),
    "supabase_url": ("HOMEPORT_SUPABASE_URL", "SUPABASE_URL"),
    "rest_url": ("HOMEPORT_REST_URL",),
    "supabase_service_role_key": ("HOMEPORT_SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SERVICE_ROLE_KEY"),
    "supabase_anon_key": ("HOMEPORT_SUPABASE_ANON_KEY", "SUPABASE_ANON_KEY"),
    "cursor_key": ("HOMEPORT_CURSOR_KEY",),
}
"""The environment's names of each attribute, the one that wins first."""


class Adapter(enum.StrEnum):
    """Which adapter serves a context."""

    POSTGRES = "postgres"
    MEMORY = "memory"
    SUPABASE_LEGACY = "supabase_legacy"


class Pooler(enum.StrEnum):
    """What stands between us and the server: nothing, or a pooler that lends a connection for one transaction."""

    NONE = "none"
    TRANSACTION = "transaction"


def _member(kind: type[Member], what: str, value: object) -> Member:
    try:
        return kind(str(value))
    except ValueError:
        raise SettingsError(unknown_name(what, value, kind)) from None


def _adapter(value: object) -> Adapter:
    return _member(Adapter, "adapter", value)


def _pooler(value: object) -> Pooler:
    return _member(Pooler, "pooler", value)


def _adapters(value: Mapping[str, object]) -> dict[str, Adapter]:
    return {name: _member(Adapter, f"adapter for {name}", each) for name, each in table_of("adapters", value).items()}


def _names(value: str | Iterable[str]) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value
    return tuple(name for name in (text_of("contexts", each).strip() for each in given) if name)


def _size(value: int | str) -> int:
    return _whole("pool.size", 1, value)


def _overflow(value: int | str) -> int:
    return _whole("pool.overflow", 0, value)


def _whole(name: str, least: int, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).strip().isdecimal():
        raise SettingsError(f"{name} is a whole number, {least} or more")
    if int(value) < least:
        raise SettingsError(f"{name} is a whole number, {least} or more")
    return int(value)


def _seconds(value: float | str) -> float:
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 < seconds < 86_400:
        raise SettingsError("a timeout is a number of seconds, more than 0 and less than a day")
    return seconds


def _plain_url(value: object) -> str:
    """The URL without SQLAlchemy's driver: `postgresql+asyncpg://` is `postgresql://`."""
    scheme, separator, rest = text_of("database_url", value).strip().partition("://")
    if scheme.partition("+")[0] not in ("postgres", "postgresql") or not separator:
        raise SettingsError("database_url begins with postgresql://")
    return f"postgresql://{rest}"


def _web_url(value: object) -> str:
    url = text_of("a URL", value).strip()
    if not url.startswith(("http://", "https://")):
        raise SettingsError("supabase_url and rest_url begin with https:// or http://")
    return url.rstrip("/")


def _secret(value: object) -> str:
    return text_of("a Supabase key", value).strip()


def _cursor_key(value: object) -> bytes:
    key = value if isinstance(value, bytes) else text_of("cursor_key", value).encode()
    if len(key) < 32:
        raise SettingsError("cursor_key has at least 32 characters")
    return key


@attrs.frozen(kw_only=True)
class Pool:
    """How many connections, or requests in flight, and how long to wait.

    Attributes:
        size, overflow: together the most there are at once; the documents count them apart.
        timeout: seconds to wait for a free connection, or for an answer of the legacy API.
        statement_timeout: seconds after which the server gives a statement up; None for the server's own.
    """

    size: int = attrs.field(default=10, converter=_size)
    overflow: int = attrs.field(default=5, converter=_overflow)
    timeout: float = attrs.field(default=30.0, converter=_seconds)
    statement_timeout: float | None = attrs.field(default=None, converter=attrs.converters.optional(_seconds))
    pooler: Pooler = attrs.field(default=Pooler.NONE, converter=_pooler)

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
class Settings:
    """One deployment's decisions.

    Attributes:
        contexts: names of shipped contexts, or `module:NAME` for an application's own.
        adapter: what serves a context that `adapters` does not name.
        supabase_url: the project's URL, without `/rest/v1`.
        rest_url: the root of a PostgREST of one's own; wins over `supabase_url`.
        cursor_key: seals page cursors. Without it every process makes its own, and a cursor is refused by any other
            process and after a restart.
        tables: names and types of this database where they differ, by declared table name.

    Raises:
        SettingsError: a value does not fit.
    """

    contexts: tuple[str, ...] = attrs.field(default=(), converter=_names)
    adapter: Adapter = attrs.field(default=Adapter.POSTGRES, converter=_adapter)
    adapters: Mapping[str, Adapter] = attrs.field(factory=dict, converter=_adapters)
    database_url: str | None = attrs.field(default=None, repr=False, converter=attrs.converters.optional(_plain_url))
    supabase_url: str | None = attrs.field(default=None, repr=False, converter=attrs.converters.optional(_web_url))
    rest_url: str | None = attrs.field(default=None, repr=False, converter=attrs.converters.optional(_web_url))
    supabase_service_role_key: str | None = attrs.field(
        default=None, repr=False, converter=attrs.converters.optional(_secret)
    )
    supabase_anon_key: str | None = attrs.field(default=None, repr=False, converter=attrs.converters.optional(_secret))
    cursor_key: bytes | None = attrs.field(default=None, repr=False, converter=attrs.converters.optional(_cursor_key))
    pool: Pool = attrs.field(factory=Pool)
    tables: Mapping[str, Override] = attrs.field(factory=dict, converter=overrides_of)

    def serving(self, context: str) -> Adapter:
        """The adapter that serves the context."""
        return self.adapters.get(context, self.adapter)

    def required(self, attribute: str) -> str:
        """The attribute's text. Raises SettingsError, naming the variables that set it."""
        value = getattr(self, attribute)
        if value is None:
            raise SettingsError(f"{attribute} is missing: set {' or '.join(VARIABLES[attribute])}")
        return cast("str", value)

    @property
    def rest_root(self) -> str:
        """Where the legacy adapter asks. Raises SettingsError if neither URL is set."""
        return self.rest_url if self.rest_url is not None else f"{self.required('supabase_url')}/rest/v1"
