"""Bearer tokens: a signed token in, the identity out whose claims may be believed. Fetches no keys, keeps no tokens."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Self

import attrs
import orjson

from homeport.kernel.errors import AuthExpired, AuthInvalid
from homeport.kernel.identity import Identity, Role, identity
from homeport.settings import Settings, SettingsError

try:
    import jwt
except ModuleNotFoundError as error:
    raise SettingsError("bearer tokens need PyJWT: pip install 'homeport[auth]'") from error

PublicKey = str | Mapping[str, Any]
"""A PEM text, or a JWK as in the list `keys` of a `jwks.json`."""

SIGNED_IN = (Role.ANON, Role.AUTHENTICATED)
MOST_CHARACTERS = 16_384
LEAST_SECRET = 32
_SHARED = "HS256"


@attrs.frozen
class _Verifier:
    """One key with the only algorithm it may be used with."""

    algorithm: str
    key: Any = attrs.field(repr=False)


class BearerTokens:
    """What this deployment's bearer tokens are verified with: signature, expiry, audience and role.

    Which algorithm a key is for is decided here and never by the token: HS256 for a secret, RS256 for an RSA key,
    ES256 for one on P-256. So a token that is not signed, or signed with a public key as if it were a secret, is none.

    Args:
        secrets: shared ones, of 32 characters at least. Several while one replaces another; the first one signs.
        keys: public keys of whoever issues the tokens.
        audience: whom a token has to be for. Only an anon token may leave it out, as a project's anon key does.
        roles: which a token may give its bearer. `service_role` passes every row policy: allow it on purpose only.
        leeway: seconds by which clocks may differ.

    Raises:
        SettingsError: there is nothing to verify with, or a key can't be used.
    """

    def __init__(
        self,
        secrets: str | Iterable[str] = (),
        *,
        keys: Iterable[PublicKey] = (),
        audience: str = "authenticated",
        roles: Iterable[Role | str] = SIGNED_IN,
        leeway: float = 10.0,
    ) -> None:
        self._secrets = (secrets,) if isinstance(secrets, str) else tuple(secrets)
        if any(len(each.encode()) < LEAST_SECRET for each in self._secrets):
            raise SettingsError(f"a secret of bearer tokens has at least {LEAST_SECRET} characters")
        shared = (_Verifier(_SHARED, each) for each in self._secrets)
        self._verifiers = (*shared, *(_public(each) for each in keys))
        if not self._verifiers:
            raise SettingsError("bearer tokens are verified with a secret or public keys: neither is given")
        self._audience = audience
        self._roles = frozenset(Role(each) for each in roles)
        self._leeway = leeway

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        keys: Iterable[PublicKey] = (),
        roles: Iterable[Role | str] = SIGNED_IN,
        leeway: float = 10.0,
    ) -> Self:
        """With the secret and the audience of the settings."""
        secret = settings.supabase_jwt_secret
        secrets = () if secret is None else (secret,)
        return cls(secrets, keys=keys, audience=settings.jwt_audience, roles=roles, leeway=leeway)

    def identity(self, token: str) -> Identity:
        """On whose behalf its bearer may ask.

        Raises:
            AuthExpired: it was good, and is too old.
            AuthInvalid: anything else is wrong with it. No part of the token is in the message.
        """
        claims = self._claims(token)
        role = claims.get("role", Role.AUTHENTICATED.value)
        if role not in list(self._roles):
            raise AuthInvalid("the token gives a role that is not allowed here")
        if not self._meant_for_us(claims, role):
            raise AuthInvalid("the token is for another audience")
        return identity(claims, token=token)

    def sign(self, who: Identity, seconds: float = 60.0) -> str:
        """A token of its own for that identity, good for so long from now. Raises SettingsError without a secret."""
        if not self._secrets:
            raise SettingsError("tokens are signed with a secret: supabase_jwt_secret is not set")
        now = int(time.time())
        claims = {"aud": self._audience, **orjson.loads(who.claims), "iat": now, "exp": now + int(seconds)}
        claims.pop("nbf", None)
        return jwt.encode(claims, self._secrets[0], algorithm=_SHARED)

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > MOST_CHARACTERS:
            raise AuthInvalid("the token is too long")
        for each in self._verifiers:
            try:
                return self._decoded(token, each)
            except jwt.ExpiredSignatureError:
                raise AuthExpired("the token has expired") from None
            except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
                continue
            except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
                raise AuthInvalid("the token is not valid") from None
        raise AuthInvalid("the token is not signed by anybody known here")

    def _decoded(self, token: str, verifier: _Verifier) -> dict[str, Any]:
        return jwt.decode(
            token,
            verifier.key,
            algorithms=[verifier.algorithm],
            leeway=self._leeway,
            options={"require": ["exp"], "verify_aud": False, "verify_sub": False},
        )

    def _meant_for_us(self, claims: Mapping[str, Any], role: str) -> bool:
        given = claims.get("aud")
        if given is None:
            return role == Role.ANON
        return self._audience in (given if isinstance(given, list) else [given])


def _public(given: PublicKey) -> _Verifier:
    try:
        jwk = jwt.PyJWK(dict(given) if isinstance(given, Mapping) else _jwk(given))
    except (ModuleNotFoundError, jwt.exceptions.MissingCryptographyError) as error:
        raise SettingsError("public keys need cryptography: pip install 'homeport[auth]'") from error
    except Exception:  # noqa: BLE001 - whatever is wrong with it, its text stays out of the message
        raise SettingsError("a public key of bearer tokens can't be read: give a PEM text or a JWK") from None
    if jwk.algorithm_name not in ("RS256", "ES256"):
        raise SettingsError("a public key of bearer tokens is one of RSA for RS256, or of P-256 for ES256")
    return _Verifier(jwk.algorithm_name, jwk.key)


def _jwk(pem: str) -> dict[str, Any]:
    """A PEM text's key in the one form that PyJWT tells the algorithm of."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from jwt.algorithms import ECAlgorithm, RSAAlgorithm

    key: Any = load_pem_public_key(pem.encode())
    kind = RSAAlgorithm if isinstance(key, RSAPublicKey) else ECAlgorithm
    return dict(kind.to_jwk(key, as_dict=True))
