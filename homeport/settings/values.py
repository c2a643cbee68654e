"""The settings as values: each is checked however it was given, and secrets are never shown."""

import enum
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import attrs

from homeport.kernel.table import Override
from homeport.settings.errors import SettingsError, member_of, table_of, text_of
from homeport.settings.limits import Pool, Retry
from homeport.settings.overrides import overrides_of

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "contexts": ("HOMEPORT_CONTEXTS",),
    "adapter": ("HOMEPORT_ADAPTER",),
    "database_url": ("HOMEPORT_DATABASE_URL", "DATABASE_URL", "ASYNC_DATABASE_URL"),
    "scoped_database_url": ("HOMEPORT_SCOPED_DATABASE_URL",),
    "supabase_url": ("HOMEPORT_SUPABASE_URL", "SUPABASE_URL"),
    "rest_url": ("HOMEPORT_REST_URL",),
    "supabase_service_role_key": ("HOMEPORT_SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SERVICE_ROLE_KEY"),
    "supabase_anon_key": ("HOMEPORT_SUPABASE_ANON_KEY", "SUPABASE_ANON_KEY"),
    "supabase_jwt_secret": ("HOMEPORT_SUPABASE_JWT_SECRET", "SUPABASE_JWT_SECRET"),
    "jwt_audience": ("HOMEPORT_JWT_AUDIENCE",),
    "cursor_key": ("HOMEPORT_CURSOR_KEY",),
    "unscoped": ("HOMEPORT_UNSCOPED",),
    "units": ("HOMEPORT_UNITS",),
    "coalesce": ("HOMEPORT_COALESCE",),
    "flags": ("HOMEPORT_FLAGS",),
    "flags_file": ("HOMEPORT_FLAGS_FILE",),
    "rollout_policy": ("HOMEPORT_ROLLOUT_POLICY",),
}
"""The environment's names of each attribute, the one that wins first."""


class Adapter(enum.StrEnum):
    """Which adapter serves a context."""

    POSTGRES = "postgres"
    MEMORY = "memory"
    SUPABASE_LEGACY = "supabase_legacy"


class Unscoped(enum.StrEnum):
    """What a call on behalf of nobody does: as the service, or refused until a user or the service is named."""

    ALLOW = "allow"
    REFUSE = "refuse"


class Units(enum.StrEnum):
    """What a unit of work does over contexts on the legacy adapter, which has no transactions."""

    AUTO = "auto"
    """It runs on postgres where flags have seen that both adapters are one database, and is refused elsewhere."""
    REFUSE = "refuse"
    POSTGRES = "postgres"
    """It runs on postgres: the deployer's word that both are one database, where that could not be asked."""


class RolloutPolicy(enum.StrEnum):
    """By what a canary is judged. The rates are those of simulated healthy canaries, in docs/rollout.md."""

    SEQUENTIAL = "sequential"
    """Tests that may be looked at after every call: at most 1 % of the healthy are rolled back."""
    LITERAL = "literal"
    """The documents' rule, errors up by 10 % or p95 by 20 %: more than 80 % of the healthy are rolled back."""


def _adapter(value: object) -> Adapter:
    return member_of(Adapter, "adapter", value)


def _unscoped(value: object) -> Unscoped:
    return member_of(Unscoped, "answer to unscoped calls", value)


def _units(value: object) -> Units:
    return member_of(Units, "answer to units over contexts on the legacy adapter", value)


def _rollout_policy(value: object) -> RolloutPolicy:
    return member_of(RolloutPolicy, "rollout policy", value)


def _adapters(value: Mapping[str, object]) -> dict[str, Adapter]:
    return {name: member_of(Adapter, f"adapter for {name}", each) for name, each in table_of("adapters", value).items()}


def _names(value: str | Iterable[str]) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value
    return tuple(name for name in (text_of("contexts", each).strip() for each in given) if name)


def _plain_url(value: object) -> str:
    """The URL without SQLAlchemy's driver: `postgresql+asyncpg://` is `postgresql://`."""
    scheme, separator, rest = text_of("a database URL", value).strip().partition("://")
    if scheme.partition("+")[0] not in ("postgres", "postgresql") or not separator:
        raise SettingsError("a database URL begins with postgresql://")
    return f"postgresql://{rest}"


def _web_url(value: object) -> str:
    url = text_of("a URL", value).strip()
    if not url.startswith(("http://", "https://")):
        raise SettingsError("supabase_url and rest_url begin with https:// or http://")
    return url.rstrip("/")


def _secret(value: object) -> str:
    return text_of("a Supabase key", value).strip()


def _audience(value: object) -> str:
    audience = text_of("jwt_audience", value).strip()
    if not audience:
        raise SettingsError("jwt_audience is not empty")
    return audience


def _coalesce(value: object) -> bool:
    return _switch("coalesce", value)


def _flags(value: object) -> bool:
    return _switch("flags", value)


def _switch(name: str, value: object) -> bool:
    found = {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().lower())
    if found is None:
        raise SettingsError(f"{name} is true or false")
    return found


def _cursor_key(value: object) -> bytes:
    key = value if isinstance(value, bytes) else text_of("cursor_key", value).encode()
    if len(key) < 32:
        raise SettingsError("cursor_key has at least 32 characters")
    return key


@attrs.frozen(kw_only=True)
class Settings:
    """One deployment's decisions.

    Attributes:
        contexts: names of shipped contexts, or `module:NAME` for an application's own.
        adapter: what serves a context that `adapters` does not name.
        database_url: the login for unscoped calls, and for scoped ones where there is no other.
        scoped_database_url: the authenticator's login, for calls on behalf of a user: it may do nothing by itself.
        supabase_url: the project's URL, without `/rest/v1`.
        rest_url: the root of a PostgREST of one's own; wins over `supabase_url`.
        supabase_jwt_secret: what bearer tokens are signed with, where that is a shared secret.
        jwt_audience: whom a bearer token has to be for.
        cursor_key: seals page cursors. Without it every process makes its own, and a cursor is refused by any other
            process and after a restart.
        coalesce: whether concurrent gets of one moment are asked for in one statement.
        flags: whether flags choose each context's adapter while the process runs: both server adapters are opened.
        flags_file: a TOML file of flags, watched; the environment and the table of the database come before it.
        rollout_policy: by what canaries are judged, and rolled back where they fail.
        unscoped, units: what may be done without a user, and what a unit does over contexts on the legacy adapter.
        tables: names and types of this database where they differ, by declared table name.

    Raises:
        SettingsError: a value does not fit.
    """

    contexts: tuple[str, ...] = attrs.field(default=(), converter=_names)
    adapter: Adapter = attrs.field(default=Adapter.POSTGRES, converter=_adapter)
    adapters: Mapping[str, Adapter] = attrs.field(factory=dict, converter=_adapters)
    database_url: str | None = attrs.field(default=None, repr=False, converter=attrs.converters.optional(_plain_url))
    scoped_database_url: str | None = attrs.field(
        default=None, repr=False, converter=attrs.converters.optional(_plain_url)
    )
    supabase_url: str | None = attrs.field(default=None, repr=False, converter=attrs.converters.optional(_web_url))
    rest_url: str | None = attrs.field(default=None, repr=False, converter=attrs.converters.optional(_web_url))
    supabase_service_role_key: str | None = attrs.field(
        default=None, repr=False, converter=attrs.converters.optional(_secret)
    )
    supabase_anon_key: str | None = attrs.field(default=None, repr=False, converter=attrs.converters.optional(_secret))
    supabase_jwt_secret: str | None = attrs.field(
        default=None, repr=False, converter=attrs.converters.optional(_secret)
    )
    jwt_audience: str = attrs.field(default="authenticated", converter=_audience)
    cursor_key: bytes | None = attrs.field(default=None, repr=False, converter=attrs.converters.optional(_cursor_key))
    unscoped: Unscoped = attrs.field(default=Unscoped.ALLOW, converter=_unscoped)
    units: Units = attrs.field(default=Units.AUTO, converter=_units)
    coalesce: bool = attrs.field(default=False, converter=_coalesce)
    flags: bool = attrs.field(default=False, converter=_flags)
    flags_file: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    rollout_policy: RolloutPolicy = attrs.field(default=RolloutPolicy.SEQUENTIAL, converter=_rollout_policy)
    pool: Pool = attrs.field(factory=Pool)
    retry: Retry = attrs.field(factory=Retry)
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
