"""On whose behalf calls are made: a role and the claims that row policies read. Verifies no signature."""

import enum
import uuid
from collections.abc import Mapping

import attrs
import orjson

from homeport.kernel.errors import AuthInvalid


class Role(enum.StrEnum):
    """Supabase's roles."""

    ANON = "anon"
    AUTHENTICATED = "authenticated"
    SERVICE = "service_role"


_ROLES = {each.value: each for each in Role}


@attrs.frozen
class Identity:
    """One caller. Made by `identity`, or ANON and SERVICE.

    Attributes:
        claims: the token's claims as canonical JSON text, as policies see them.
        user: the signed-in user, the claim `sub`; None for anon and service.
        token: the caller's own bearer token, which the legacy API is shown; None where there is none.
    """

    role: Role
    claims: str = attrs.field(repr=False)
    user: uuid.UUID | None = None
    token: str | None = attrs.field(default=None, repr=False, eq=False)


def identity(claims: Mapping[str, object], *, token: str | None = None) -> Identity:
    """The identity that verified claims speak of. Without a role it is a signed-in user's.

    Raises:
        AuthInvalid: the role is none of Supabase's three, the claims are no JSON, or a signed-in user has no UUID.
    """
    role = claims.get("role", Role.AUTHENTICATED.value)
    if not isinstance(role, str) or role not in _ROLES:
        raise AuthInvalid(f"claims: the role is none of {', '.join(Role)}")
    try:
        text = orjson.dumps({**claims, "role": role}, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        raise AuthInvalid("claims: not JSON values") from None
    if "\\u0000" in text:
        raise AuthInvalid("claims: a NUL, which the database can't take")
    user = _user(claims.get("sub")) if role == Role.AUTHENTICATED else None
    return Identity(_ROLES[role], text, user, token)


def _user(subject: object) -> uuid.UUID:
    try:
        return uuid.UUID(str(subject))
    except ValueError:
        raise AuthInvalid("claims: `sub` is no UUID") from None


ANON = identity({"role": Role.ANON.value})
SERVICE = identity({"role": Role.SERVICE.value})
