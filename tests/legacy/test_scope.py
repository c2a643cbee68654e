"""User scope on the legacy adapter: whose token and key each request carries, and what PostgREST makes of them."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import httpx
import orjson
import pytest

from homeport.adapters.supabase_legacy import open_legacy
from homeport.adapters.supabase_legacy.callers import EARLY
from homeport.adapters.supabase_legacy.store import LegacyStore
from homeport.kernel import errors as e
from homeport.kernel.catalog import Catalog
from homeport.kernel.identity import ANON, SERVICE, Identity, identity
from homeport.kernel.pages import CursorSigner
from homeport.kernel.predicates import CURRENT_USER, eq, not_
from homeport.kernel.query import Select
from homeport.kernel.units import Wait
from homeport.testing import servers
from tests.legacy.conftest import CATALOG, SECRET, Rig
from tests.support.specimens import CRATE, StoredSpecimens

USER, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
SIGNER = CursorSigner()
Sign = Callable[[Identity], str]


def claims(user: uuid.UUID, **more: object) -> dict[str, object]:
    return {"role": "authenticated", "sub": str(user), **more}


def signed(who: Identity) -> str:
    given = orjson.loads(who.claims)
    return servers.token(SECRET, given.pop("role"), given.pop("sub"), **given)


@asynccontextmanager
async def shown(
    anon_key: str | None = None, sign: Sign | None = None
) -> AsyncIterator[tuple[LegacyStore, list[Mapping[str, str]]]]:
    """A store whose requests go nowhere, and the headers of each."""
    seen: list[Mapping[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200, content=b"[]")

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        store = await open_legacy(
            "http://gateway",
            "service-key",
            catalog=CATALOG,
            cursors=SIGNER,
            http_client=client,
            anon_key=anon_key,
            sign=sign,
        )
        yield store, seen


A_USER = identity(claims(USER), token="user-token")
A_BOT = identity({"role": "service_role"}, token="bot-token")
A_VISITOR = identity({"role": "anon"}, token="visitor-token")


@pytest.mark.parametrize(
    ("who", "anon_key", "bearer", "api_key"),
    [
        (SERVICE, None, "service-key", "service-key"),
        (SERVICE, "anon-key", "service-key", "service-key"),
        (A_BOT, "anon-key", "bot-token", "service-key"),
        (A_USER, "anon-key", "user-token", "anon-key"),
        (A_USER, None, "user-token", "service-key"),
        (ANON, "anon-key", "anon-key", "anon-key"),
        (ANON, None, None, None),
        (A_VISITOR, "anon-key", "visitor-token", "anon-key"),
        (A_VISITOR, None, "visitor-token", "visitor-token"),
    ],
)
async def test_who_is_shown_to_the_server_and_to_the_gateway(
    who: Identity, anon_key: str | None, bearer: str | None, api_key: str | None
) -> None:
    async with shown(anon_key) as (store, seen):
        await StoredSpecimens(store.scoped(who)).crates.find_first()
        (headers,) = seen
        assert headers.get("authorization") == (None if bearer is None else f"Bearer {bearer}")
        assert headers.get("apikey") == api_key


async def test_the_opener_stays_itself_beside_its_scopes() -> None:
    async with shown("anon-key") as (store, seen):
        of_user = store.scoped(A_USER)
        await asyncio.gather(*(each.ping() for each in (store, of_user, store, of_user.scoped(ANON)) * 5))
        bearers = [headers["authorization"].removeprefix("Bearer ") for headers in seen]
        assert sorted(bearers) == ["anon-key"] * 5 + ["service-key"] * 10 + ["user-token"] * 5


async def test_a_users_token_is_signed_where_it_is_not_known_and_again_before_it_expires(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin = now = time.time()
    monkeypatch.setattr("time.time", lambda: now)
    made: list[Identity] = []

    def sign(who: Identity) -> str:
        made.append(who)
        return servers.token(SECRET, "authenticated", str(who.user), exp=now + 60)

    async with shown("anon-key", sign) as (store, seen):
        of_user = store.scoped(identity(claims(USER)))
        for second, signatures in ((0, 1), (44, 1), (60 - EARLY, 2), (60, 2), (90, 3), (1000, 4)):
            now = begin + second
            await of_user.ping()
            assert len(made) == signatures
        assert len({headers["authorization"] for headers in seen}) == 4
        assert {who.user for who in made} == {USER}


async def test_a_token_without_an_end_is_signed_for_every_request() -> None:
    made: list[Identity] = []

    def sign(who: Identity) -> str:
        made.append(who)
        return "no-jwt"

    async with shown("anon-key", sign) as (store, _):
        of_user = store.scoped(identity(claims(USER)))
        await of_user.ping()
        await of_user.ping()
        assert len(made) == 2


async def test_a_user_whose_token_nobody_knows_is_refused_before_anything_is_sent() -> None:
    async with shown("anon-key") as (store, seen):
        with pytest.raises(e.Unsupported, match="supabase_jwt_secret"):
            store.scoped(identity(claims(USER)))
        assert seen == []


async def test_what_has_no_form_over_requests_is_refused_before_anything_is_sent() -> None:
    async with shown() as (store, seen):
        locking = Select("s", CRATE, lock=Wait.NOWAIT)
        with pytest.raises(e.Unsupported, match="TRANSACTIONS"):
            async with store.transaction():
                pass
        with pytest.raises(e.Unsupported, match="ROW_LOCKS"):
            await store.fetch(locking)
        with pytest.raises(e.Unsupported, match="ROW_LOCKS"):
            await anext(store.stream(locking))
        assert seen == []


async def test_no_secret_is_in_what_is_printed() -> None:
    async with shown("anon-key", signed) as (store, _):
        of_user = store.scoped(A_USER)
        for text in map(repr, (store, of_user, store._shared, store._shared.keys, of_user._caller, A_USER)):
            assert not any(secret in text for secret in ("service-key", "anon-key", "user-token"))


# -- against a real PostgREST


@pytest.fixture
async def served(rig: Rig, emptied: None) -> AsyncIterator[LegacyStore]:
    anon_key = servers.token(SECRET, "anon")
    store = await open_legacy(
        rig.wide_url, rig.service, catalog=CATALOG, cursors=SIGNER, anon_key=anon_key, sign=signed
    )
    yield store
    await store.close()


async def test_each_identity_sees_its_own_rows(served: LegacyStore) -> None:
    service = StoredSpecimens(served)
    await service.specimens.create_many([{"other_id": user, "whole": user.int} for user in (USER, OTHER)])
    tokens = {user: servers.token(SECRET, "authenticated", str(user)) for user in (USER, OTHER)}
    mine = {user: StoredSpecimens(served.scoped(identity(claims(user)))) for user in (USER, OTHER)}
    bearing = StoredSpecimens(served.scoped(identity(claims(USER), token=tokens[USER])))
    anon = StoredSpecimens(served.scoped(ANON))
    callers = (service, mine[USER], anon, mine[OTHER], bearing)
    seen = await asyncio.gather(*(each.specimens.find_many(order_by="whole") for each in callers * 5))
    assert [[row.whole for row in rows] for rows in seen] == [[1, 2], [1], [], [2], [1]] * 5
    assert await anon.specimens.count() == 0
    assert await mine[USER].specimens.update_many({"whole": 2}, {"tiny": 1}) == 0
    assert await mine[USER].specimens.count(eq("other_id", CURRENT_USER)) == 1
    assert await service.specimens.count(eq("other_id", CURRENT_USER)) == 0
    assert await service.specimens.count(not_(eq("other_id", CURRENT_USER))) == 0
    with pytest.raises(e.RowSecurity):
        await mine[USER].specimens.create({"other_id": OTHER})
    await mine[USER].specimens._store.close()  # type: ignore[attr-defined]
    assert await service.specimens.count() == 2


async def test_tokens_that_are_old_or_wrong_are_told_apart(served: LegacyStore) -> None:
    expired = servers.token(SECRET, "authenticated", str(USER), exp=1)
    for token, kind in ((expired, e.AuthExpired), (servers.token("x" * 40, "authenticated"), e.AuthInvalid)):
        scope = served.scoped(identity(claims(USER), token=token))
        with pytest.raises(kind):
            await StoredSpecimens(scope).crates.find_many()
        with pytest.raises(kind):
            await scope.ping()


async def test_a_server_that_answers_gives_a_sign_of_life_to_everybody(rig: Rig, served: LegacyStore) -> None:
    for who in (SERVICE, ANON, identity(claims(USER))):
        await served.scoped(who).ping()
    empty = await open_legacy(rig.url, rig.service, catalog=Catalog.of([]), cursors=SIGNER)
    await empty.ping()
    await empty.close()
    nowhere = await open_legacy("http://127.0.0.1:1", rig.service, catalog=CATALOG, cursors=SIGNER)
    with pytest.raises(e.RepositoryUnavailableError):
        await nowhere.ping()
    await nowhere.close()
