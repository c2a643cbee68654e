"""Bearer tokens: what is believed of them, and that nothing of a bad one is believed or shown."""

import base64
import importlib
import json
import sys
import time
import uuid
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from homeport.bearer import MOST_CHARACTERS, BearerTokens, PublicKey
from homeport.kernel.errors import AuthExpired, AuthInvalid, RepositoryPermissionError
from homeport.kernel.identity import ANON, SERVICE, Identity, Role
from homeport.settings import Settings, SettingsError

SECRET, OTHER = "s" * 64, "o" * 64
ADA = uuid.uuid4()
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


RSA_PEM, EC_PEM = pem(RSA_KEY), pem(EC_KEY)


def claims(**given: object) -> dict[str, object]:
    made = {"sub": str(ADA), "role": "authenticated", "aud": "authenticated", "exp": time.time() + 3600, **given}
    return {name: value for name, value in made.items() if value is not None}


def token(key: Any = SECRET, algorithm: str = "HS256", **given: object) -> str:
    return jwt.encode(claims(**given), key, algorithm=algorithm)


def raw(header: object, payload: object, signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(each).rstrip(b"=").decode() for each in parts)


def refused(given: str, tokens: BearerTokens | None = None) -> RepositoryPermissionError:
    """The refusal of the token, none of whose parts it shows."""
    with pytest.raises((AuthInvalid, AuthExpired)) as caught:
        (tokens or BearerTokens(SECRET)).identity(given)
    for part in given.split("."):
        assert len(part) < 4 or part not in str(caught.value)
    assert str(ADA) not in str(caught.value)
    return caught.value


# -- good ones


def test_a_good_token_is_an_identity_with_its_claims() -> None:
    given = token(email="ada@example.com", app_metadata={"role": "manager"})
    found = BearerTokens(SECRET).identity(given)
    assert (found.role, found.user, found.token) == (Role.AUTHENTICATED, ADA, given)
    assert json.loads(found.claims)["app_metadata"] == {"role": "manager"}


def test_a_token_without_a_role_is_a_signed_in_users() -> None:
    assert BearerTokens(SECRET).identity(token(role=None)).role is Role.AUTHENTICATED


@pytest.mark.parametrize("key", [RSA_PEM, json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key()))])
def test_an_rsa_key_is_for_rs256(key: PublicKey) -> None:
    tokens = BearerTokens(keys=[key])
    assert tokens.identity(token(RSA_KEY, "RS256")).user == ADA
    assert isinstance(refused(token(RSA_KEY, "RS512"), tokens), AuthInvalid)
    assert isinstance(refused(token(RSA_KEY, "PS256"), tokens), AuthInvalid)


@pytest.mark.parametrize("key", [EC_PEM, json.loads(ECAlgorithm.to_jwk(EC_KEY.public_key()))])
def test_a_p256_key_is_for_es256(key: PublicKey) -> None:
    assert BearerTokens(keys=[key]).identity(token(EC_KEY, "ES256")).user == ADA


def test_any_of_several_keys_will_do_while_one_replaces_another() -> None:
    tokens = BearerTokens([SECRET, OTHER], keys=[RSA_PEM, EC_PEM])
    for given in (token(), token(OTHER), token(RSA_KEY, "RS256"), token(EC_KEY, "ES256")):
        assert tokens.identity(given).user == ADA


def test_an_audience_may_be_one_of_several() -> None:
    assert BearerTokens(SECRET).identity(token(aud=["mobile", "authenticated"])).user == ADA
    assert BearerTokens(SECRET, audience="mobile").identity(token(aud="mobile")).user == ADA


def test_a_projects_anon_key_is_anon() -> None:
    """It has no audience and no subject."""
    found = BearerTokens(SECRET).identity(token(role="anon", sub=None, aud=None))
    assert (found.role, found.user) == (Role.ANON, None)


def test_clocks_may_differ_by_the_leeway() -> None:
    tokens = BearerTokens(SECRET, leeway=10)
    assert tokens.identity(token(exp=time.time() - 5)).user == ADA
    assert tokens.identity(token(nbf=time.time() + 5)).user == ADA
    assert isinstance(refused(token(exp=time.time() - 15), tokens), AuthExpired)


def test_the_service_is_allowed_on_purpose_only() -> None:
    service = token(role="service_role", sub=None)
    assert "role" in str(refused(service))
    assert BearerTokens(SECRET, roles=["service_role"]).identity(service).role is Role.SERVICE
    assert isinstance(refused(token(), BearerTokens(SECRET, roles=["service_role"])), AuthInvalid)


# -- bad ones


def test_an_old_one_has_expired_if_it_was_good() -> None:
    assert isinstance(refused(token(exp=1)), AuthExpired)
    assert isinstance(refused(token(OTHER, exp=1)), AuthInvalid)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(token(OTHER), id="another key"),
        pytest.param(token(algorithm="HS512"), id="another algorithm"),
        pytest.param(token(RSA_KEY, "RS256"), id="an unknown public key"),
        pytest.param(raw({"alg": "none", "typ": "JWT"}, claims()), id="none"),
        pytest.param(raw({"alg": "None", "typ": "JWT"}, claims()), id="None"),
        pytest.param(raw({"alg": "HS256"}, claims()), id="no signature"),
        pytest.param(raw({"typ": "JWT"}, claims()), id="no algorithm"),
        pytest.param(raw({"alg": ["HS256"]}, claims()), id="a list of algorithms"),
        pytest.param(raw({"alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}}, claims(), b"x"), id="its own key"),
        pytest.param(token()[:-4], id="cut"),
        pytest.param(token()[:-4] + "AAAA", id="another signature"),
        pytest.param(token(nbf=time.time() + 3600), id="not yet"),
        pytest.param(token(iat=time.time() + 3600), id="from the future"),
        pytest.param(token(exp=None), id="for ever"),
        pytest.param(token(exp="tomorrow"), id="exp is text"),
        pytest.param(token(exp=[1]), id="exp is a list"),
        pytest.param(token(aud="mobile"), id="another audience"),
        pytest.param(token(aud=["mobile"]), id="other audiences"),
        pytest.param(token(aud=[]), id="no audience of several"),
        pytest.param(token(aud={"authenticated": 1}), id="audience is an object"),
        pytest.param(token(aud=None), id="no audience"),
        pytest.param(token(sub=None), id="no subject"),
        pytest.param(token(sub="ada"), id="subject is no UUID"),
        pytest.param(token(sub=7), id="subject is a number"),
        pytest.param(token(role="service_role"), id="service"),
        pytest.param(token(role="postgres"), id="unknown role"),
        pytest.param(token(role=["authenticated"]), id="roles"),
        pytest.param(token(role=None, sub=None), id="nobody"),
        pytest.param(token(nick="a\0b"), id="NUL"),
        pytest.param(token(deep=json.loads("[" * 900 + "]" * 900)), id="deep"),
        pytest.param(raw(json.loads("[" * 900 + "]" * 900), {}), id="deep header"),
        pytest.param(jwt.api_jws.encode(b"[]", SECRET), id="a list"),
        pytest.param(jwt.api_jws.encode(b"\xff\xfe", SECRET), id="no text"),
        pytest.param("", id="empty"),
        pytest.param("junk", id="junk"),
        pytest.param("..", id="dots"),
        pytest.param("a.b.c.d.e", id="encrypted"),
        pytest.param("ä.ö.ü", id="not ASCII"),
        pytest.param("\ud800.a.b", id="no UTF-8"),
        pytest.param("Bearer " + token(), id="with its scheme"),
        pytest.param("a" * 1_000_000, id="1 MB"),
        pytest.param(token(much="a" * MOST_CHARACTERS), id="signed, and too long"),
    ],
)
def test_a_bad_one_is_invalid(given: str) -> None:
    assert isinstance(refused(given), AuthInvalid)


def test_a_public_key_is_never_a_secret() -> None:
    """The classic swap: the verifier's public key, which anybody knows, taken for the secret of HS256."""
    body = token(RSA_KEY, "RS256").split(".")[1]
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()
    algorithm = jwt.get_algorithm_by_name("HS256")
    signature = algorithm.sign(f"{header}.{body}".encode(), RSA_PEM.encode())
    swapped = f"{header}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert isinstance(refused(swapped, BearerTokens(keys=[RSA_PEM])), AuthInvalid)
    assert isinstance(refused(swapped, BearerTokens(SECRET, keys=[RSA_PEM])), AuthInvalid)


def test_every_changed_character_is_noticed() -> None:
    """But those of the last one whose bits belong to no byte."""
    given = token()
    for place, letter in enumerate(given[:-1]):
        if letter != ".":
            refused(given[:place] + ("A" if letter != "A" else "B") + given[place + 1 :])


# -- signing


def test_what_is_signed_is_the_same_identity_for_a_minute() -> None:
    tokens = BearerTokens([SECRET, OTHER], audience="mobile")
    given = tokens.identity(token(aud="mobile", nbf=time.time(), app_metadata={"role": "admin"}))
    again = tokens.identity(tokens.sign(given))
    before, after = json.loads(given.claims), json.loads(again.claims)
    assert 55 <= after["exp"] - time.time() <= 60
    assert (again.role, again.user, after["app_metadata"]) == (given.role, ADA, {"role": "admin"})
    assert {**before, "exp": 0, "iat": 0} == {**after, "exp": 0, "iat": 0, "nbf": before["nbf"]}


@pytest.mark.parametrize("who", [ANON, SERVICE])
def test_anon_and_the_service_are_signed_too(who: Identity) -> None:
    tokens = BearerTokens(SECRET, roles=list(Role))
    assert tokens.identity(tokens.sign(who, 5)).role is who.role


def test_without_a_secret_nothing_is_signed() -> None:
    with pytest.raises(SettingsError, match="supabase_jwt_secret"):
        BearerTokens(keys=[EC_PEM]).sign(ANON)


# -- keys


def test_settings_make_it() -> None:
    settings = Settings(supabase_jwt_secret=SECRET, jwt_audience="mobile")
    assert BearerTokens.of(settings).identity(token(aud="mobile")).user == ADA
    assert BearerTokens.of(Settings(), keys=[EC_PEM]).identity(token(EC_KEY, "ES256")).user == ADA
    with pytest.raises(SettingsError, match="neither is given"):
        BearerTokens.of(Settings())


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(SettingsError, match="32 characters") as caught:
        BearerTokens("short")
    assert "short" not in str(caught.value)


@pytest.mark.parametrize(
    "key",
    [
        "junk",
        {},
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
        json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key())),
        {**json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key())), "alg": "PS256"},
        pem(ed25519.Ed25519PrivateKey.generate()),
        SECRET,
    ],
)
def test_other_keys_are_refused(key: PublicKey) -> None:
    with pytest.raises(SettingsError, match="public key"):
        BearerTokens(keys=[key])


def test_it_shows_no_secret() -> None:
    assert SECRET not in repr(vars(BearerTokens([SECRET]))["_verifiers"])


def test_without_pyjwt_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    monkeypatch.delitem(sys.modules, "homeport.bearer")
    with pytest.raises(SettingsError, match=r"homeport\[auth\]"):
        importlib.import_module("homeport.bearer")
