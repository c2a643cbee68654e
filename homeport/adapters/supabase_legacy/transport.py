"""One request to PostgREST over the official client's session; what is sent and how the answer is read is ours.

The client's own parsing makes floats of numerics and takes an HTML page for data, its retries hide failures, its
`auth()` changes headers that other tasks share, and its builders take longer than the server does for a row. So only
its session and its headers are used, which hold no identity, and each call is a request of its own.
"""

import asyncio
import enum
import re
from collections.abc import Mapping
from functools import cached_property
from typing import TypeAlias
from urllib.parse import quote, urlencode

import attrs
import httpx
import orjson
from postgrest import AsyncPostgrestClient

from homeport.adapters.supabase_legacy.errors import Describe, PastTheEnd, translate, undescribed
from homeport.kernel.errors import (
    AuthInvalid,
    OutcomeUnknown,
    PoolClosed,
    PoolTimeout,
    QueryError,
    QueryTooLarge,
    RepositoryError,
    RepositoryTimeoutError,
    RepositoryUnavailableError,
)

JsonRow: TypeAlias = Mapping[str, object]
Parameters: TypeAlias = tuple[tuple[str, str], ...]
_Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

_PLAIN = "*,:()"  # mean the same encoded or not; each that is encoded makes the URL longer, and slower to check
_RANGE = re.compile(r"(?:(?P<first>\d+)-(?P<last>\d+)|\*)/(?:(?P<total>\d+)|\*)")
_IDENTITY = frozenset(("authorization", "apikey"))
_JSON = {"Accept": "application/json", "Content-Type": "application/json"}
_ONE_OBJECT = "application/vnd.pgrst.object+json"


class Verb(enum.StrEnum):
    """What is done to the path. CALL runs a function, ASK one that only reads."""

    READ = "GET"
    INSERT = "POST"
    UPDATE = "PATCH"
    DELETE = "DELETE"
    CALL = "POST rpc/"
    ASK = "GET rpc/"


@attrs.frozen
class Call:
    """One request.

    Attributes:
        target: the table's or the function's name.
        schema: an exposed schema.
        params: the query string before percent-encoding, in order; a name may occur twice.
        body: rows of an insert, changes of an update, arguments of a function; JSON values only.
        prefer: preferences, such as `count=exact`.
        writes: whether a lost answer leaves the outcome open. A function that only reads says False.
        one_row: exactly one row is written or read; anything else is refused by the server and undone.
    """

    verb: Verb
    target: str
    schema: str = "public"
    params: Parameters = attrs.field(default=(), repr=False)
    body: JsonRow | list[JsonRow] | None = attrs.field(default=None, repr=False)
    prefer: tuple[str, ...] = ()
    writes: bool = attrs.field()
    one_row: bool = False

    @writes.default
    def _writes_by_verb(self) -> bool:
        return self.verb not in (Verb.READ, Verb.ASK)

    @cached_property
    def query(self) -> str:
        """The encoded query string; its length is what is held against `Limits.url_bytes`."""
        return urlencode(self.params, safe=_PLAIN)


@attrs.frozen
class Reply:
    """What the server answered to a call that went well.

    Attributes:
        rows: the rows as JSON has them; none where none were asked for.
        total: how many rows there are in all, or were written; None unless `count=exact` was asked for.
        shown: how many rows the server gave, by its own account; None where it gives none.
    """

    status: int
    rows: tuple[JsonRow, ...] = attrs.field(default=(), repr=False)
    total: int | None = None
    shown: int | None = None


@attrs.frozen
class Limits:
    """What one process may ask of the server.

    Attributes:
        timeout: seconds from call to answer, waiting for a turn included.
        connect_timeout: seconds for a connection; a call that got none was certainly not sent.
        in_flight: requests at the same time.
        url_bytes: longest query string; proxies before hosted PostgREST stop at 8 KB with everything else in it.
    """

    timeout: float = 30.0
    connect_timeout: float = 5.0
    in_flight: int = 20
    url_bytes: int = 6000


DEFAULT_LIMITS = Limits()


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        pass


class _Session(httpx.AsyncClient):
    """Keeps no cookie: there is nobody to keep one for, and to look for them takes a twentieth of a call."""

    cookies = _NoCookies()  # type: ignore[override]  # nothing sets it


class Transport:
    """Sends calls to one PostgREST. Belongs to the event loop it was opened in.

    Never retries, never follows a redirect, and keeps no identity: the token comes with each call.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        limits: Limits = DEFAULT_LIMITS,
        describe: Describe = undescribed,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        """`url` is PostgREST's root (`https://<project>/rest/v1`); `api_key` goes to the gateway, not to PostgREST.

        An `http_client` of the caller's stays open after `aclose`; its headers, timeouts and redirects are its own,
        its cookies and default parameters are not sent. It must hold no identity: with a default `Authorization`,
        calls without a token would be made by whoever that is.

        Raises:
            AuthInvalid: the client holds an identity.
        """
        if http_client is not None and (http_client.auth or not _IDENTITY.isdisjoint(http_client.headers)):
            raise AuthInvalid(
                "the http client has credentials of its own, which calls of other users would be sent with"
            )
        self._url = url.rstrip("/")
        self._key = None if api_key is None else _header_value(api_key)
        self._limits = limits
        self._describe = describe
        self._turns = asyncio.Semaphore(limits.in_flight)
        self._closed = False
        self._own_session = http_client is None
        self._session = http_client or _Session(
            timeout=httpx.Timeout(limits.timeout, connect=min(limits.connect_timeout, limits.timeout)),
            # The turns are the bound. In httpcore 1.0 a call that is cancelled between getting a new connection and
            # using it leaves that one taken for ever, so a bound there would in the end let nobody through.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=limits.in_flight),
            follow_redirects=False,
        )
        self._timeouts = {"timeout": self._session.timeout.as_dict()}
        self._headers: dict[tuple[Verb, str, bool], _Headers] = {}

    async def send(self, call: Call, token: str | None, *, api_key: str | None = None) -> Reply:
        """The server's answer to the call, made with this bearer token; None is anon.

        `api_key` is shown to the gateway in the place of the transport's own.

        Raises:
            RepositoryUnavailableError: the server was not reached or did not execute the call.
            OutcomeUnknown: a write was sent and its answer did not come, or can't be read.
            RepositoryTimeoutError: a read was not answered in time; PoolTimeout: the call was not even sent.
            QueryTooLarge: the query string is too long; nothing was sent.
            RepositoryError: any other class, for the server's refusal.
        """
        return self._read(await self._sent(self._build(call, token, api_key), call), call)

    async def row_cap(
        self, token: str | None, *, function: str, schema: str = "public", probe: int = 20_000
    ) -> int | None:
        """How many rows the server gives at most in one answer (`db-max-rows`); None where it gives `probe` or more.

        `function(wanted integer)` is one that returns as many rows as it is asked for. They are fetched: after a HEAD
        PostgREST 12 often breaks the connection, under whoever uses it next.
        """
        reply = await self.send(Call(Verb.ASK, function, schema, (("wanted", str(probe)),)), token)
        return len(reply.rows) if len(reply.rows) < probe else None

    async def aclose(self) -> None:
        """Closes its own connections; later calls raise PoolClosed."""
        self._closed = True
        if self._own_session:
            await self._session.aclose()

    @property
    def url_bytes(self) -> int:
        """The longest query string it sends."""
        return self._limits.url_bytes

    def _build(self, call: Call, token: str | None, api_key: str | None) -> httpx.Request:
        if len(call.query) > self._limits.url_bytes:
            raise QueryTooLarge(f"{call.target}: the query takes {len(call.query)} bytes of {self._limits.url_bytes}")
        headers = [*self._usual(call)]
        if token is not None:  # nor a key without a token: some gateways would make a token of it
            shown = self._key if api_key is None else _header_value(api_key)
            headers += () if shown is None else ((b"apikey", shown),)
            headers.append((b"Authorization", b"Bearer " + _header_value(token)))
        if call.prefer:
            headers.append((b"Prefer", ",".join(call.prefer).encode()))
        method, _, folder = call.verb.partition(" ")
        url = f"{self._url}/{folder}{quote(call.target, safe='')}"
        try:
            return httpx.Request(
                method,
                f"{url}?{call.query}" if call.params else url,
                headers=headers,
                content=None if call.body is None else orjson.dumps(call.body),
                extensions=self._timeouts,
            )
        except httpx.InvalidURL as cause:
            raise _transport_error(call, cause) from cause

    def _usual(self, call: Call) -> _Headers:
        """What all calls of a kind send: the session's headers, the official client's, and the schema."""
        kind = (call.verb, call.schema, call.one_row)
        found = self._headers.get(kind)
        if found is None:
            made = httpx.Headers(self._session.headers)
            made.update(
                AsyncPostgrestClient(self._url, schema=call.schema, headers=_JSON, http_client=self._session).headers
            )
            if call.verb in (Verb.READ, Verb.ASK, Verb.DELETE):
                del made["Content-Type"]
            del made["Content-Profile" if call.verb in (Verb.READ, Verb.ASK) else "Accept-Profile"]
            if call.one_row:
                made["Accept"] = _ONE_OBJECT
            found = self._headers[kind] = tuple(made.raw)
        return found

    async def _sent(self, request: httpx.Request, call: Call) -> httpx.Response:
        if self._closed:
            raise PoolClosed("the connection to PostgREST is closed")
        waiting = True
        try:
            async with asyncio.timeout(self._limits.timeout), self._turns:
                waiting = False
                return await self._session.send(request)
        except TimeoutError as cause:
            if waiting:
                raise PoolTimeout(f"no turn within {self._limits.timeout} s; nothing was sent") from cause
            raise _lost(call, RepositoryTimeoutError, "was not answered in time") from cause
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as cause:
            raise _transport_error(call, cause) from cause

    def _read(self, response: httpx.Response, call: Call) -> Reply:
        total, shown = _content_range(response.headers.get("content-range", ""))
        if response.is_success:
            return Reply(response.status_code, _rows(response, call), total, shown)
        error = translate(response.status_code, response.content, write=call.writes, describe=self._describe)
        if isinstance(error, PastTheEnd):
            return Reply(response.status_code, (), total, 0)
        raise error


def _rows(response: httpx.Response, call: Call) -> tuple[JsonRow, ...]:
    if response.status_code == httpx.codes.NO_CONTENT or not response.content:
        return ()
    try:
        given = orjson.loads(response.content)
    except orjson.JSONDecodeError as cause:
        raise _lost(call, RepositoryUnavailableError, "was answered with something that is no JSON") from cause
    rows = [given] if call.one_row else given
    if not isinstance(rows, list) or not {dict}.issuperset(map(type, rows)):
        raise _lost(call, RepositoryUnavailableError, "was answered with something that is no list of rows")
    return tuple(rows)


def _content_range(text: str) -> tuple[int | None, int | None]:
    """Total and number shown, of `0-1/3000`, `*/3000` or `0-1/*`."""
    found = _RANGE.fullmatch(text)
    if found is None:
        return None, None
    total = int(found["total"]) if found["total"] else None
    shown = int(found["last"]) - int(found["first"]) + 1 if found["first"] else None
    return total, shown


_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)


def _transport_error(call: Call, cause: Exception) -> RepositoryError:
    match cause:
        case httpx.InvalidURL():
            return QueryTooLarge(f"{call.target}: not a URL the client can send")
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return QueryError(f"{call.target}: the client refused to send the request")
        case httpx.PoolTimeout():
            return PoolTimeout(f"{call.target}: no connection became free; nothing was sent")
        case _ if isinstance(cause, _NOT_SENT):
            return RepositoryUnavailableError(f"{call.target}: PostgREST was not reached; nothing was sent")
        case httpx.TimeoutException():
            return _lost(call, RepositoryTimeoutError, "was not answered in time")
        case _:
            return _lost(call, RepositoryUnavailableError, "lost its connection before the answer")


def _lost(call: Call, read: type[RepositoryError], what: str) -> RepositoryError:
    """A call whose answer did not come: harmless for a read, an open outcome for a write."""
    if call.writes:
        return OutcomeUnknown(f"the write to {call.target} {what}; it may have happened")
    return read(f"the read of {call.target} {what}")


def _header_value(text: str) -> bytes:
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise AuthInvalid("the key or bearer token has characters that no header takes")
    return text.encode()
