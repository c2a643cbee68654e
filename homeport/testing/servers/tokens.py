"""Access tokens as Supabase's auth server would sign them, for a PostgREST whose secret is known."""

from homeport.testing.servers.errors import ServerMissing


def token(secret: str, role: str, sub: str | None = None, **claims: object) -> str:
    """An HS256 token. It does not expire unless `exp` is given; PostgREST grants 30 seconds beyond that.

    Raises:
        ServerMissing: if PyJWT is not installed.
    """
    try:
        import jwt
    except ModuleNotFoundError:
        raise ServerMissing("PyJWT, which signs tokens, is not installed", "pip install 'homeport[embedded]'") from None
    subject = {} if sub is None else {"sub": sub}
    return jwt.encode({"role": role, **subject, **claims}, secret, algorithm="HS256")
