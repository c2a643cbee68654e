"""The legacy adapter: PostgREST through the official client, kept for rollback. Knows nothing of the other adapters."""

from collections.abc import Iterable
from typing import Any

import httpx

from homeport.adapters.supabase_legacy.callers import Keys, Sign
from homeport.adapters.supabase_legacy.compiler import Compiler
from homeport.adapters.supabase_legacy.reading import RowCap
from homeport.adapters.supabase_legacy.store import LegacyStore, Shared
from homeport.adapters.supabase_legacy.transport import Limits, Transport
from homeport.kernel.catalog import Catalog
from homeport.kernel.operation import Operation
from homeport.kernel.pages import CursorSigner

ROW_CAP_PROBE = "homeport_row_cap_probe"
"""The platform migration's function in schema public: `(wanted int) returns table (n int)`, as many rows as wanted."""


async def open_legacy(  # noqa: PLR0913  the adapters' common form, and what a proxy asks for
    url: str,
    key: str,
    *,
    catalog: Catalog,
    cursors: CursorSigner,
    operations: Iterable[Operation[Any, Any]] = (),
    http_client: httpx.AsyncClient | None = None,
    timeout: float = 30.0,
    max_in_flight: int = 20,
    url_bytes: int = 6000,
    anon_key: str | None = None,
    sign: Sign | None = None,
) -> LegacyStore:
    """A store of the catalog's tables at this REST root; nothing is sent before the first call.

    Args:
        url: PostgREST's root: `https://<project>.supabase.co/rest/v1`, or its own address.
        key: a JWT, the service key by default: who calls are made by, and what the gateway is shown.
        anon_key: what the gateway is shown by users and anon, and anon's bearer token. Without it users show `key`
            beside their own token, and anon shows nothing, which a hosted gateway refuses.
        sign: makes a short-lived token for a user whose own is not known.
        http_client: one of the caller's own, without credentials, which stays open.
        url_bytes: the longest query string; the default fits the proxies before hosted PostgREST, which itself takes
            some 50,000.

    Raises:
        AuthInvalid: the http client has credentials of its own.
    """
    limits = Limits(timeout=timeout, in_flight=max_in_flight, url_bytes=url_bytes)
    transport = Transport(url, api_key=key, limits=limits, describe=catalog.constraint, http_client=http_client)

    async def ask() -> int | None:
        return await transport.row_cap(key, function=ROW_CAP_PROBE)

    shared = Shared(transport, catalog, cursors, RowCap(ask), Keys(key, anon_key, sign))
    return LegacyStore.opened(shared, Compiler(catalog, operations))
