"""A database URL that names several hosts: they are tried one by one, each for a bounded time.

The driver gives the whole list one deadline, so a host that swallows packets keeps it from all behind it, for ever.
What else is in a URL is the driver's business: it gets one with a single host.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import asyncpg

from homeport.adapters.postgres.connections import Bare
from homeport.adapters.postgres.errors import sqlstate
from homeport.kernel.errors import QueryError, RepositoryUnavailableError

_ELSEWHERE = ("08", "53", "57")  # another host may be better off; a wrong password or database is wrong everywhere
_NOT_UNDERSTOOD = "the database URL or its options are not understood"


class Hosts:
    """The hosts of one URL, the last one that was good first.

    Several hosts stand for one database, of which the primary is wanted unless `target_session_attrs` says otherwise.
    One host is taken as it is.
    """

    def __init__(self, url: str, *, timeout: float, host_timeout: float) -> None:
        self._urls = single_host_urls(url)
        self._role = _role(url) if len(self._urls) > 1 else None
        self._seconds = timeout if self._role is None else min(timeout, host_timeout)
        self._good = 0

    async def connect(self, **options: Any) -> Bare:
        """A connection to the first host that accepts one and has the role.

        Raises:
            RepositoryUnavailableError: none of several hosts does.
            QueryError: the URL is none.
        """
        try:
            if self._role is None:
                return await asyncpg.connect(self._urls[0], timeout=self._seconds, **options)
            return await self._walk(self._role, options)
        except OSError:
            raise
        except ValueError:  # the driver's sentence may hold a part of the URL
            raise QueryError(_NOT_UNDERSTOOD) from None

    async def _walk(self, role: str, options: Mapping[str, Any]) -> Bare:
        order = sorted(range(len(self._urls)), key=lambda each: each != self._good)
        passed: dict[int, BaseException] = {}
        found = await self._first(order, role.removeprefix("prefer-"), options, passed)
        if found is None and role.startswith("prefer-"):
            others = [each for each in order if isinstance(passed[each], asyncpg.TargetServerAttributeNotMatched)]
            found = await self._first(others, "any", options, passed)
        if found is not None:
            return found
        last = passed[order[-1]]
        code = sqlstate(last) if isinstance(last, asyncpg.PostgresError) else None
        reasons = ", ".join(f"{each + 1}: {_reason(error, role)}" for each, error in sorted(passed.items()))
        raise RepositoryUnavailableError(f"no host of the database URL is good ({reasons})", code=code) from last

    async def _first(
        self, order: Sequence[int], role: str, options: Mapping[str, Any], passed: dict[int, BaseException]
    ) -> "Bare | None":
        """The first that is good; why the others are not, by number."""
        for each in order:
            try:
                url = self._urls[each]
                wanted: dict[str, Any] = {**options, "target_session_attrs": role}
                found: Bare = await asyncpg.connect(url, timeout=self._seconds, **wanted)
            except (OSError, asyncpg.PostgresError, asyncpg.InternalClientError) as error:
                if isinstance(error, asyncpg.PostgresError) and not sqlstate(error).startswith(_ELSEWHERE):
                    raise
                passed[each] = error
            else:
                self._good = each
                return found
        return None


def single_host_urls(url: str) -> list[str]:
    """The URL once for each host it names: `u:p@h1:p1,h2:p2/db`, or with `host=h1,h2&port=p1,p2` among its options.

    Raises:
        QueryError: a host is empty, or there are as many ports as neither one nor all hosts need.
    """
    scheme, mark, rest = url.partition("://")
    end = min((place for place in map(rest.find, "/?#") if place >= 0), default=len(rest))
    login, at, hosts = _login(rest[:end])
    if not mark or not hosts:
        return _by_option(url)
    return [f"{scheme}://{login}{at}{host}{rest[end:]}" for host in _listed(hosts)]


def _login(place: str) -> tuple[str, str, str]:
    """Up to the first @, as the driver reads it."""
    return place.partition("@") if "@" in place else ("", "", place)


def _by_option(url: str) -> list[str]:
    head, _, query = url.partition("?")
    options = dict(parse_qsl(query))
    hosts = _listed(options.pop("host", "-"))
    if len(hosts) == 1:
        return [url]
    ports = _listed(options.pop("port")) if "port" in options else []
    if len(ports) not in (0, 1, len(hosts)):
        raise QueryError("the database URL names neither one port nor one for each host")
    own = [{"port": port} for port in ports] or [{}]
    own = own * len(hosts) if len(own) == 1 else own
    return [f"{head}?{urlencode({**options, 'host': h, **port})}" for h, port in zip(hosts, own, strict=True)]


def _listed(text: str) -> list[str]:
    found = text.split(",")
    if not all(found):
        raise QueryError("the database URL names a host or port that is empty")
    return found


def _role(url: str) -> str:
    wanted = parse_qs(url.partition("?")[2]).get("target_session_attrs", ())
    return wanted[-1] if wanted else os.environ.get("PGTARGETSESSIONATTRS", "read-write")


def _reason(error: BaseException, role: str) -> str:
    """Without the host's name: of a URL whose password is not quoted, that is a part of the password."""
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return f"not {role}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return sqlstate(error) if isinstance(error, asyncpg.PostgresError) else type(error).__name__
