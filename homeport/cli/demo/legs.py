"""The adapters of a demonstration, each opened on empty tables of its own; closed and taken away at the end."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from homeport.cli.demo.host import CONTEXTS, Host
from homeport.composition import Homeport, in_memory
from homeport.composition import open as open_homeport
from homeport.settings import Adapter, Settings, SettingsError
from homeport.testing.servers import ServerMissing, start_postgrest, token

ROW_CAP = 1000
"""Hosted Supabase's: an answer is cut after so many rows, which the adapter has to make good."""


@attrs.frozen(kw_only=True)
class Leg:
    """One adapter, opened; `server` says what answers, for a person."""

    adapter: Adapter
    server: str
    db: Homeport


@asynccontextmanager
async def opened(adapter: Adapter, host: Host) -> AsyncIterator[Leg]:
    """The adapter on empty tables. Raises ServerMissing where it can't be had here, ServerFailed where it broke."""
    match adapter:
        case Adapter.MEMORY:
            yield Leg(adapter=adapter, server="no server", db=in_memory(CONTEXTS))
        case Adapter.POSTGRES:
            async with _postgres(host) as leg:
                yield leg
        case Adapter.SUPABASE_LEGACY:
            async with _legacy(host) as leg:
                yield leg


@asynccontextmanager
async def _postgres(host: Host) -> AsyncIterator[Leg]:
    server = await host.start()
    async with host.database() as database:
        settings = Settings(adapter=Adapter.POSTGRES, database_url=database.service)
        async with open_homeport(settings, contexts=CONTEXTS) as db:
            yield Leg(adapter=settings.adapter, server=server, db=db)


@asynccontextmanager
async def _legacy(host: Host) -> AsyncIterator[Leg]:
    secret = secrets.token_urlsafe(32)
    key = token(secret, "service_role")
    server = await host.start()
    async with host.database() as database:
        await host.require_service_role()
        rest = start_postgrest(database.authenticator, jwt_secret=secret, max_rows=ROW_CAP)
        try:
            settings = Settings(adapter=Adapter.SUPABASE_LEGACY, rest_url=rest.url, supabase_service_role_key=key)
            async with _client(settings) as db:
                yield Leg(adapter=settings.adapter, server=f"PostgREST {rest.version} on {server}", db=db)
        finally:
            rest.stop()


@asynccontextmanager
async def _client(settings: Settings) -> AsyncIterator[Homeport]:
    """Opened, or missing where the extra with Supabase's client is not installed."""
    try:
        db = await open_homeport(settings, contexts=CONTEXTS)
    except SettingsError as error:
        raise ServerMissing(str(error), "pip install 'homeport[supabase]'") from error
    async with db:
        yield db
