"""Who a request is made by: the bearer token that PostgREST judges, and the key that a gateway before it is shown."""

import base64
import binascii
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, assert_never

import attrs
import orjson

from homeport.kernel.errors import Unsupported
from homeport.kernel.identity import Identity, Role

Sign: TypeAlias = Callable[[Identity], str]
"""Makes a bearer token that speaks for the identity, for a minute or so."""

EARLY = 15.0
"""How many seconds before its end a signed token is replaced: a request may have to wait for its turn."""


@attrs.frozen
class Caller:
    """One caller's credentials.

    Attributes:
        bearer: gives the token for the next request; None for a request without one, which is anon's.
        api_key: None for the opener's own.
    """

    bearer: Callable[[], str | None]
    api_key: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Keys:
    """What the opener was given to speak with.

    Attributes:
        own: who calls are made by where nobody else is named; the service key by default.
        anon: the project's anon key.
        sign: signs for users whose own token is not known.
    """

    own: str = attrs.field(repr=False)
    anon: str | None = attrs.field(default=None, repr=False)
    sign: Sign | None = None

    @property
    def opener(self) -> Caller:
        return Caller(lambda: self.own)

    def caller(self, identity: Identity) -> Caller:
        """The identity's credentials: its own token where there is one.

        A hosted gateway makes a role of the key that it is shown. So a user's requests show the anon key, and the
        opener's only where no anon key was given; anon's never show the opener's.

        Raises:
            Unsupported: a user's token is not known, and nothing signs one.
        """
        match identity.role:
            case Role.SERVICE:
                return self.opener if identity.token is None else Caller(lambda: identity.token)
            case Role.ANON:
                shown = self.anon if identity.token is None else identity.token
                return Caller(lambda: shown, shown if self.anon is None else self.anon)
            case Role.AUTHENTICATED:
                return Caller(self._signed_in(identity), self.anon)
            case _:
                assert_never(identity.role)

    def _signed_in(self, identity: Identity) -> Callable[[], str]:
        token, sign = identity.token, self.sign
        if token is not None:
            return lambda: token
        if sign is None:
            raise Unsupported(
                "supabase_legacy acts for a user by their bearer token: give the identity its token, or set"
                " supabase_jwt_secret, which signs one"
            )
        return Signed(identity, sign)


class Signed:
    """One identity's token, signed again shortly before it expires. One without `exp` is signed for every request."""

    def __init__(self, identity: Identity, sign: Sign) -> None:
        self._identity = identity
        self._sign = sign
        self._token = ""
        self._until = 0.0

    def __call__(self) -> str:
        if time.time() >= self._until:
            self._token = self._sign(self._identity)
            expires = claims(self._token).get("exp")
            self._until = expires - EARLY if isinstance(expires, int | float) else 0.0
        return self._token


def subject(token: str) -> str | None:
    """Who the token says is signed in, unverified; None for nobody, and for a key that is no JWT."""
    given = claims(token).get("sub")
    return given if isinstance(given, str) and given else None


def claims(token: str) -> Mapping[str, Any]:
    """What the token says, unverified; nothing for a key that is no JWT."""
    try:
        given = orjson.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return given if isinstance(given, dict) else {}
