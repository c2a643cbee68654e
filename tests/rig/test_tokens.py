"""Tokens as Supabase's auth server signs them."""

import sys

import jwt
import pytest

from homeport.testing.servers import ServerMissing, token

SECRET = "x" * 32


def test_a_token_holds_role_subject_and_further_claims() -> None:
    read = jwt.decode(token(SECRET, "authenticated", "u1", aal="aal2"), SECRET, algorithms=["HS256"])
    assert read == {"role": "authenticated", "sub": "u1", "aal": "aal2"}


def test_a_token_of_nobody_has_no_subject() -> None:
    assert jwt.decode(token(SECRET, "anon"), SECRET, algorithms=["HS256"]) == {"role": "anon"}


def test_without_pyjwt_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(ServerMissing, match="PyJWT") as caught:
        token(SECRET, "anon")
    assert "homeport[embedded]" in caught.value.how_to_get_it
