"""The faulty session: what is planned happens to the calls that are meant, in scopes and units too, and to no other."""

import asyncio
from typing import Any

import pytest

from homeport.composition import Homeport
from homeport.domain.users import User
from homeport.kernel.errors import OutcomeUnknown, RepositoryUnavailableError, UniqueViolation
from homeport.kernel.identity import ANON
from homeport.kernel.predicates import eq
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach
from homeport.kernel.units import Wait
from homeport.ports.store import Session, Unit
from homeport.repositories.collection import Collection
from homeport.repositories.users import USER, USERS
from homeport.testing import a_user, memory
from homeport.testing.faults import FaultyStore
from tests.support.flaky import Flaky

QUERY: Select[Any] = Select("users.find_many", USER)
ADD: Insert[Any] = Insert("users.create", USER, ({"email": "a@example.com"},))
ALL: dict[str, tuple[Any, ...]] = {
    "fetch": (QUERY,),
    "count": (QUERY,),
    "insert": (ADD,),
    "update": (Update("users.update", USER, eq("email", "a"), {}),),
    "update_each": (UpdateEach("users.bulk_update", USER, ()),),
    "delete": (Delete("users.delete", USER, eq("email", "a")),),
    "execute_query": ("select 1",),
    "ping": (),
}


@pytest.fixture
def db() -> Homeport:
    return memory(["users"])


@pytest.mark.parametrize("call", ALL)
async def test_every_call_fails_as_planned_and_is_not_carried_out(call: str) -> None:
    inner = Flaky()
    store = FaultyStore(inner, error=RepositoryUnavailableError)
    with pytest.raises(RepositoryUnavailableError, match="planned"):
        await getattr(store, call)(*ALL[call])
    assert (inner.calls, store.faults.struck) == ([], 1)
    store.faults.error = None
    await getattr(store, call)(*ALL[call])
    assert inner.calls == [call]


async def test_a_stream_fails_before_its_first_row() -> None:
    store = FaultyStore(Flaky(), error=RepositoryUnavailableError)
    with pytest.raises(RepositoryUnavailableError):
        await anext(store.stream(QUERY))
    store.faults.error = None
    assert [row async for row in store.stream(QUERY)] == ["a", "b"]


async def test_a_stream_that_is_left_closes_the_one_inside() -> None:
    inner = Flaky()
    rows = FaultyStore(inner).stream(QUERY)
    await anext(rows)
    await rows.aclose()  # type: ignore[attr-defined]
    assert inner.ended == ["stream"]


async def test_an_error_is_raised_anew_each_time_with_its_fields() -> None:
    planned = UniqueViolation("x", constraint="users_email_key", columns=["email"])
    store = FaultyStore(Flaky(), error=planned)
    raised = []
    for _ in range(2):
        with pytest.raises(UniqueViolation) as caught:
            await store.insert(ADD)
        raised.append(caught.value)
    assert [each.constraint for each in raised] == ["users_email_key"] * 2
    assert len({id(each) for each in [planned, *raised]}) == 3


async def test_the_same_seed_strikes_the_same_share() -> None:
    async def struck(seed: int) -> list[bool]:
        store = FaultyStore(Flaky(), error=OutcomeUnknown, rate=0.2, seed=seed)
        answers = await asyncio.gather(*(store.count(QUERY) for _ in range(500)), return_exceptions=True)
        return [isinstance(each, OutcomeUnknown) for each in answers]

    first = await struck(7)
    assert first == await struck(7) != await struck(8)
    assert 70 < sum(first) < 130


@pytest.mark.parametrize("only", ["insert", "users.create", ["users.create", "unit"], {"insert"}])
async def test_only_what_is_named_is_struck(only: Any) -> None:
    store = FaultyStore(Flaky(), error=RepositoryUnavailableError, only=only)
    assert await store.count(QUERY) == 7
    with pytest.raises(RepositoryUnavailableError):
        await store.insert(ADD)


async def test_calls_are_late_by_the_latency() -> None:
    store = FaultyStore(Flaky(), latency=0.05)
    started = asyncio.get_running_loop().time()
    await store.count(QUERY)
    assert asyncio.get_running_loop().time() - started >= 0.05


async def test_a_call_that_hangs_ends_when_it_is_cancelled() -> None:
    store = FaultyStore(Flaky(), hang=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(store.count(QUERY), 0.01)


async def test_stale_reads_are_those_of_the_first_time(db: Homeport) -> None:
    store = FaultyStore(db.store(USERS), stale=True)
    users: Collection[User, Any] = Collection(store, USER)
    first = await a_user(db, email="a@example.com")
    assert await users.find_many() == [first]
    await a_user(db, email="b@example.com")
    assert await users.find_many() == [first]
    assert await users.count() == 2  # asked for the first time
    assert [row async for row in users.stream()] == await db.users.users.find_many()
    await db.users.users.delete(first.id)
    assert (await users.count(), len([row async for row in users.stream()])) == (2, 2)
    store.faults.stale = False
    assert await users.count() == 1


async def test_a_stale_answer_is_not_changed_by_its_reader(db: Homeport) -> None:
    store = FaultyStore(db.store(USERS), stale=True)
    await a_user(db)
    (await store.fetch(QUERY)).clear()
    assert len(await store.fetch(QUERY)) == 1


async def test_scopes_and_units_have_the_same_faults() -> None:
    inner = Flaky()
    store = FaultyStore(inner, error=RepositoryUnavailableError, only=["count", "lock"])
    scope: Session = store.scoped(ANON)
    with pytest.raises(RepositoryUnavailableError):
        await scope.count(QUERY)
    async with store.transaction() as raw:
        unit: Unit = raw
        async with unit.savepoint():
            await unit.insert(ADD)
        for call in (unit.count(QUERY), unit.lock("job", Wait.WAIT)):
            with pytest.raises(RepositoryUnavailableError):
                await call
    assert inner.scopes == [ANON]
    assert inner.calls == ["begin", "savepoint", "insert", "commit"]
    assert store.faults.struck == 3


async def test_a_unit_that_can_not_begin() -> None:
    inner = Flaky()
    store = FaultyStore(inner, error=RepositoryUnavailableError, only="unit")
    with pytest.raises(RepositoryUnavailableError):
        async with store.transaction():
            pass
    assert inner.calls == []


async def test_it_is_closed_with_the_inner_one() -> None:
    inner = Flaky()
    await FaultyStore(inner).close()
    assert inner.calls == ["close"]
