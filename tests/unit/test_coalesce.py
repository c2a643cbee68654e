"""Concurrent gets made one statement: who is asked together with whom, and what becomes of those who leave."""

import asyncio
import contextvars
import gc
import traceback
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

import homeport
from homeport.composition import Homeport, in_memory
from homeport.domain.social import Post
from homeport.domain.users import User
from homeport.kernel import errors
from homeport.kernel.binding import live
from homeport.kernel.entity import E
from homeport.kernel.errors import (
    PoolClosed,
    RepositoryError,
    RepositoryNotFoundError,
    RepositoryUnavailableError,
    UniqueViolation,
)
from homeport.kernel.identity import identity
from homeport.kernel.observe import Observation
from homeport.kernel.predicates import Field, all_of, equal, one_of
from homeport.kernel.query import Deleted, Order, Select
from homeport.kernel.units import Wait
from homeport.middleware import coalesce
from homeport.middleware.coalesce import CoalescedStore, get_of
from homeport.middleware.observe import ObservedStore
from homeport.middleware.retry import RetriedStore, Retries
from homeport.ports.store import Session
from homeport.repositories.collection import Collection
from homeport.repositories.governance import GOVERNANCE, SYSTEM_CONFIG
from homeport.repositories.social import COMMENT, POST
from homeport.repositories.users import USER
from homeport.rollout.flags import Flag
from homeport.rollout.router import RoutedStore
from homeport.settings import Settings, SettingsError, load
from homeport.testing import FaultyStore, a_post, a_user, build
from tests.support.flaky import Flaky

SECRET = "secret@example.com"
REQUEST: contextvars.ContextVar[object] = contextvars.ContextVar("request", default=None)


class Below:
    """What stands below a coalescing session: memory, its faults, and what it was asked, in which context."""

    def __init__(self, db: Homeport, **faults: Any) -> None:
        store = FaultyStore(db.store(db.contexts[0]), **faults)
        self.faults = store.faults
        self.seen: list[Observation] = []
        self.requests: list[object] = []
        self.session: Session = ObservedStore(store, [self._seen])
        self.coalesced = CoalescedStore(self.session)
        self.users: Collection[User, uuid.UUID] = Collection(self.coalesced, USER)
        self.posts: Collection[Post, uuid.UUID] = Collection(self.coalesced, POST)

    def _seen(self, observation: Observation) -> None:
        self.seen.append(observation)
        self.requests.append(REQUEST.get())

    @property
    def told(self) -> list[tuple[str, int, str | None]]:
        return [(each.name, each.rows, each.error) for each in self.seen]


class Doors(Flaky):
    """A session whose fetches answer when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Select[Any]] = []
        self.doors: list[asyncio.Future[list[Any]]] = []

    async def fetch(self, query: Select[E], /) -> list[E]:
        self.asked.append(query)
        self.doors.append(asyncio.get_running_loop().create_future())
        return await self.doors[-1]


async def turn(times: int = 1) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


@pytest.fixture
def db() -> Homeport:
    return in_memory()


@pytest.fixture
async def users(db: Homeport) -> list[User]:
    return [await a_user(db) for _ in range(5)]


# -- who is asked together


async def test_gets_of_one_moment_are_one_call_and_everybody_gets_their_own_row(
    db: Homeport, users: list[User]
) -> None:
    below = Below(db)
    assert await asyncio.gather(*(below.users.find_by_id(each.id) for each in users)) == users
    assert below.told == [("users.find_by_id", 5, None)]


async def test_a_get_that_stays_alone_is_made_as_it_is_by_its_own_task() -> None:
    inner = Doors()
    query = Select("users.find_by_id", USER, equal(Field("id"), uuid.uuid4()))
    before = asyncio.all_tasks()
    task = asyncio.create_task(CoalescedStore(inner).fetch(query))
    await turn(3)
    assert [each is query for each in inner.asked] == [True]
    assert asyncio.all_tasks() == {task, *before}
    inner.doors[0].set_result([])
    assert await task == []


async def test_the_next_moment_is_another_statement(db: Homeport, users: list[User]) -> None:
    below = Below(db)
    for _ in range(2):
        await asyncio.gather(*(below.users.find_by_id(each.id) for each in users[:2]))
    late = asyncio.create_task(below.users.find_by_id(users[0].id))
    await turn(2)
    await asyncio.gather(below.users.find_by_id(users[1].id), late)
    assert [rows for _, rows, _ in below.told] == [2, 2, 1, 1]


async def test_absent_and_deleted_rows_are_none_among_others(db: Homeport, users: list[User]) -> None:
    below = Below(db)
    await db.users.users.delete(users[1].id)
    ids = [users[0].id, users[1].id, uuid.uuid4(), users[2].id]
    assert await asyncio.gather(*(below.users.find_by_id(each) for each in ids)) == [users[0], None, None, users[2]]
    found = await asyncio.gather(*(below.users.get_or_raise(each) for each in ids), return_exceptions=True)
    assert [type(each) for each in found] == [User, RepositoryNotFoundError, RepositoryNotFoundError, User]
    assert below.told == [("users.find_by_id", 2, None)] * 2


async def test_who_asks_for_the_same_row_gets_a_list_of_their_own_and_may_share_the_frozen_entity(
    db: Homeport, users: list[User]
) -> None:
    below = Below(db)
    query, further = (Select("users.find_by_id", USER, below.users._is(user.id)) for user in users[:2])
    first, second, other = await asyncio.gather(*(below.coalesced.fetch(each) for each in (query, query, further)))
    assert first == second == [users[0]]
    assert first is not second
    assert first[0] is second[0]
    assert other == [users[1]]
    assert below.told == [("users.find_by_id", 2, None)]


async def test_jsonb_in_a_row_is_nobody_elses(db: Homeport) -> None:
    setting = await build(db, SYSTEM_CONFIG, value={"steps": [1]})
    rows: Collection[Any, str] = Collection(CoalescedStore(db.store(GOVERNANCE)), SYSTEM_CONFIG)
    first, second = await asyncio.gather(*(rows.get_or_raise(setting.key) for _ in range(2)))
    assert first == second == setting
    first.value["steps"].append(2)
    assert second == setting


async def test_other_tables_names_and_conditions_are_not_asked_together(db: Homeport, users: list[User]) -> None:
    below = Below(db)
    post = await a_post(db, user_id=users[0].id)
    mine = below.posts.within("user_id", users[0].id)
    calls = [
        below.users.find_by_id(users[0].id),
        below.posts.find_by_id(post.id),
        below.posts.find_by_id(post.id, deleted=Deleted.ALL),
        mine.find_by_id(post.id),
        below.coalesced.fetch(Select("users.other", USER, below.users._is(users[0].id))),
    ]
    await asyncio.gather(*calls)
    assert len(below.seen) == 5
    await asyncio.gather(*(mine.find_by_id(each) for each in (post.id, uuid.uuid4())))
    assert below.told[5:] == [("posts.find_by_id", 1, None)]


def test_only_a_get_is_a_get() -> None:
    collection: Collection[User, uuid.UUID] = Collection(Flaky(), USER)
    id = uuid.uuid4()
    get = Select("users.find_by_id", USER, equal(Field("id"), id))
    assert get_of(get) == (("users.find_by_id", USER, ()), id)
    scoped = Select("users.find_by_id", USER, collection._is(id))
    assert get_of(scoped) == (("users.find_by_id", USER, (live(USER),)), id)
    others = [
        Select(get.name, USER, get.where, limit=1),
        Select(get.name, USER, get.where, offset=1),
        Select(get.name, USER, get.where, (Order("id"),)),
        Select(get.name, USER, get.where, lock=Wait.WAIT),
        Select(get.name, USER),
        collection.select({"id": [id]}),
        collection.select({"email": SECRET}, order_by=()),
    ]
    assert [get_of(each) for each in others] == [None] * 7


async def test_what_is_no_get_is_passed_on_at_once(db: Homeport, users: list[User]) -> None:
    below = Below(db)
    await asyncio.gather(below.users.find_many(), below.users.find_many(), below.users.count(), below.users.exists())
    assert len([each async for each in below.users.stream()]) == 5
    await below.users.update(users[0].id, {"first_name": "Ada"})
    assert [name.removeprefix("users.") for name, _, _ in below.told] == [
        *("find_many", "find_many", "count", "exists", "stream", "update")
    ]


async def test_one_statement_asks_for_no_more_than_its_bound(
    db: Homeport, users: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coalesce, "MOST", 2)
    below = Below(db)
    assert await asyncio.gather(*(below.users.find_by_id(each.id) for each in users)) == users
    assert sorted(rows for _, rows, _ in below.told) == [1, 2, 2]


async def test_a_batch_is_a_select_in_total_order_on_behalf_of_nobody() -> None:
    inner = Doors()
    collection: Collection[User, uuid.UUID] = Collection(CoalescedStore(inner), USER).asked_by(uuid.uuid4())
    ids = [uuid.uuid4(), uuid.uuid4()]
    tasks = [asyncio.create_task(collection.find_by_id(each)) for each in (*ids, ids[0])]
    await turn(3)
    (query,) = inner.asked
    assert query.where == all_of(live(USER), one_of("id", ids))
    assert (query.order, query.limit, query.subject) == ((Order("id"),), None, None)
    inner.doors[0].set_result([])
    assert await asyncio.gather(*tasks) == [None] * 3


# -- identities, units and contexts


async def test_two_users_are_never_in_one_statement(db: Homeport) -> None:
    below = Below(db)
    claims = [{"sub": str(uuid.uuid4()), "role": "authenticated"} for _ in range(2)]
    scopes = [below.coalesced.scoped(identity(each)) for each in claims]
    posts: list[Collection[Post, uuid.UUID]] = [Collection(each, POST) for each in (*scopes, below.coalesced)]
    id = (await a_post(db)).id
    await asyncio.gather(*(each.find_by_id(id) for each in posts for _ in range(2)))
    assert [name for name, _, _ in below.told] == ["posts.find_by_id"] * 3


async def test_a_units_gets_are_its_own(db: Homeport, users: list[User]) -> None:
    below = Below(db)
    async with below.coalesced.transaction() as unit:
        inside: Collection[User, uuid.UUID] = Collection(unit, USER)
        for each in users[:2]:
            await inside.find_by_id(each.id)
        outside = asyncio.create_task(below.users.find_by_id(users[0].id))
        await inside.find_by_id(users[1].id)
        await outside
    assert below.told == [*[("users.find_by_id", 1, None)] * 4, ("unit", 0, None)]


async def test_callers_with_other_context_variables_are_never_in_one_statement(db: Homeport, users: list[User]) -> None:
    below = Below(db)

    async def ask(request: object, user: User) -> User | None:
        REQUEST.set(request)
        return await below.users.find_by_id(user.id)

    asked = [("first", users[0]), ("second", users[1]), ("second", users[2]), ("first", users[3]), (None, users[4])]
    assert await asyncio.gather(*(ask(*each) for each in asked)) == users
    assert sorted(zip(below.requests, [rows for _, rows, _ in below.told], strict=True), key=str) == [
        ("first", 1),
        ("first", 1),
        ("second", 2),
        (None, 1),
    ]


async def test_what_a_batch_does_to_its_context_is_not_seen_by_its_callers(db: Homeport, users: list[User]) -> None:
    below = Below(db)

    def mark(_: Observation) -> None:
        REQUEST.set("marked")

    marked: Collection[User, uuid.UUID] = Collection(CoalescedStore(ObservedStore(below.session, [mark])), USER)
    REQUEST.set("before")

    async def ask(user: User) -> object:
        await marked.find_by_id(user.id)
        return REQUEST.get()

    assert await asyncio.gather(*(ask(each) for each in users)) == ["before"] * 5
    assert below.told == [("users.find_by_id", 5, None)]


async def test_context_values_that_can_not_be_compared_keep_callers_apart(db: Homeport, users: list[User]) -> None:
    class Array:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, _: object) -> bool:
            raise ValueError("the truth of an array is ambiguous")

    below = Below(db)

    async def ask(user: User) -> User | None:
        REQUEST.set(Array())
        return await below.users.find_by_id(user.id)

    assert await asyncio.gather(*(ask(each) for each in users)) == users
    assert len(below.seen) == 5


def test_a_loop_that_ended_before_its_next_turn_keeps_nobody_waiting_in_another() -> None:
    below = Below(in_memory())
    ended = asyncio.new_event_loop()
    left = below.users.find_by_id(uuid.uuid4())
    ended.call_soon(left.send, None)
    ended.call_soon(ended.stop)
    ended.run_forever()
    assert asyncio.run(below.users.find_by_id(uuid.uuid4())) is None
    left.close()
    ended.close()


# -- those who leave


async def test_who_is_cancelled_leaves_alone(db: Homeport, users: list[User]) -> None:
    inner = Doors()
    collection: Collection[User, uuid.UUID] = Collection(CoalescedStore(inner), USER)
    tasks = [asyncio.create_task(collection.find_by_id(each.id)) for each in users]
    await turn()
    tasks[0].cancel()  # before it is sent
    await turn(3)
    tasks[1].cancel()  # while it is under way
    await turn(2)
    inner.doors[0].set_result(users)
    tasks[2].cancel()  # with the answer
    await turn()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in results[:3]] == [asyncio.CancelledError] * 3
    assert results[3:] == users[3:]


async def test_a_statement_that_everybody_has_left_is_cancelled(db: Homeport, users: list[User]) -> None:
    below = Below(db, hang=True)
    before = asyncio.all_tasks()
    tasks = [asyncio.create_task(below.users.find_by_id(each.id)) for each in users]
    await turn(4)
    for each in tasks[:-1]:
        each.cancel()
    await turn(3)
    assert below.faults.struck == 1
    assert below.told == []
    tasks[-1].cancel()
    await turn(3)
    assert below.told == [("users.find_by_id", 0, "CancelledError")]
    assert all(each.cancelled() for each in tasks)
    assert asyncio.all_tasks() == before


async def test_nothing_is_asked_for_those_who_left_before(db: Homeport, users: list[User]) -> None:
    below = Below(db)
    tasks = [asyncio.create_task(below.users.find_by_id(each.id)) for each in users]
    await turn()
    for each in tasks:
        each.cancel()
    await turn(4)
    assert all(each.cancelled() for each in tasks)
    assert below.told == []
    assert await below.users.find_by_id(users[0].id) == users[0]


async def test_one_whose_time_is_up_does_not_take_the_others_along(db: Homeport, users: list[User]) -> None:
    below = Below(db, latency=0.05)
    staying = asyncio.create_task(below.users.find_by_id(users[0].id))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await below.users.find_by_id(users[1].id)
    assert await staying == users[0]
    assert below.told == [("users.find_by_id", 2, None)]


# -- failures


async def failed(below: Below, users: list[User]) -> list[BaseException]:
    found = await asyncio.gather(*(below.users.find_by_id(each.id) for each in users), return_exceptions=True)
    return [each for each in found if isinstance(each, BaseException)]


async def test_a_failure_reaches_everybody_as_an_instance_of_their_own(db: Homeport, users: list[User]) -> None:
    planned = RepositoryUnavailableError("gone", code="08006")
    planned.__cause__ = OSError("reset by peer")
    inner = Flaky(planned)
    collection: Collection[User, uuid.UUID] = Collection(CoalescedStore(inner), USER)
    found = await asyncio.gather(*(collection.find_by_id(each.id) for each in users), return_exceptions=True)
    assert len({id(each) for each in found}) == 5
    for each in found:
        assert isinstance(each, RepositoryUnavailableError)
        assert (str(each), each.code, each.__cause__) == ("gone", "08006", planned.__cause__)
        assert not each.__suppress_context__ or each.__cause__ is not None
        assert any(frame.name == "fetch" for frame in traceback.extract_tb(each.__traceback__))
    assert inner.calls == ["fetch"]


async def test_an_error_raised_again_and_again_has_its_own_traceback_alone(db: Homeport, users: list[User]) -> None:
    below = Below(db, error=RepositoryUnavailableError("gone"))
    lengths = [len(traceback.extract_tb(each.__traceback__)) for each in await failed(below, users * 20)]
    assert len(lengths) == 100
    assert len(set(lengths)) == 1


async def test_what_is_no_error_of_homeports_reaches_everybody_too(db: Homeport, users: list[User]) -> None:
    class Odd(Exception):
        def __init__(self, one: object, two: object) -> None:
            super().__init__(f"{one} {two}")  # so it can't be copied

    collection: Collection[User, uuid.UUID] = Collection(CoalescedStore(Flaky(Odd(1, 2))), USER)
    calls = [asyncio.create_task(collection.find_by_id(each.id)) for each in users]
    await asyncio.wait(calls)
    assert [type(each.exception()) for each in calls] == [Odd] * 5


def _classes(root: type[RepositoryError]) -> list[type[RepositoryError]]:
    return [root, *(each for below in root.__subclasses__() for each in _classes(below))]


@pytest.mark.parametrize("kind", [each for each in _classes(RepositoryError) if each.__module__ == errors.__name__])
def test_every_error_can_be_told_once_more(kind: type[RepositoryError]) -> None:
    error = kind("said")
    error.code = "XX000"
    own = coalesce._own(error)
    assert own is not error
    assert (type(own), str(own), vars(own)) == (kind, "said", vars(error))


def test_a_constraints_facts_are_told_once_more() -> None:
    own = coalesce._own(UniqueViolation("there is one", constraint="one", table="things", columns=["a", "b"]))
    assert isinstance(own, UniqueViolation)
    assert (own.constraint, own.table, own.columns) == ("one", "things", ("a", "b"))


async def test_a_failure_that_nobody_is_left_for_is_told_to_nobody(db: Homeport, users: list[User]) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))
    inner = Doors()
    collection: Collection[User, uuid.UUID] = Collection(CoalescedStore(inner), USER)
    tasks = [asyncio.create_task(collection.find_by_id(each.id)) for each in users]
    await turn(3)
    inner.doors[0].set_exception(RepositoryUnavailableError("gone"))
    await turn()
    for each in tasks:
        each.cancel()  # with the error
    await asyncio.wait(tasks)
    assert all(each.cancelled() for each in tasks)
    del inner, collection, tasks, each
    await turn(2)
    gc.collect()
    asyncio.get_running_loop().set_exception_handler(None)
    assert told == []


async def test_closing_meanwhile_is_told_to_those_who_wait(db: Homeport, users: list[User]) -> None:
    below = Below(db)
    tasks = [asyncio.create_task(below.users.find_by_id(each.id)) for each in users]
    await turn()
    below.faults.error = PoolClosed
    await below.coalesced.close()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in found] == [PoolClosed] * 5


# -- among the other wrappers, and how it is opened


async def test_a_batch_is_tried_again_as_one(db: Homeport, users: list[User]) -> None:
    below = Below(db, error=RepositoryUnavailableError("gone"))

    async def no_wait(_: float) -> None:
        below.faults.error = None

    retries = Retries(attempts=3, delay=0.01, deadline=5, budget=0.1, sleep=no_wait)
    collection: Collection[User, uuid.UUID] = Collection(CoalescedStore(RetriedStore(below.session, retries)), USER)
    assert await asyncio.gather(*(collection.find_by_id(each.id) for each in users)) == users
    assert below.told == [("users.find_by_id", 0, "RepositoryUnavailableError"), ("users.find_by_id", 5, None)]


async def test_below_a_router_each_adapters_gets_are_together_and_calls_that_were_drawn_stay_alone() -> None:
    flag = [Flag.parse("postgres", "users")]
    inner = {"postgres": Flaky(), "supabase_legacy": Flaky()}
    flags = SimpleNamespace(of=lambda _: flag[0])
    router = RoutedStore("users", flags, {name: CoalescedStore(each) for name, each in inner.items()})
    users: Collection[User, uuid.UUID] = Collection(router, USER)
    ids = [uuid.uuid4() for _ in range(20)]
    await asyncio.gather(*(users.asked_by(each).find_by_id(each) for each in ids))
    assert [each.calls for each in inner.values()] == [["fetch"], []]
    flag[0] = Flag.parse("canary:50", "users")
    await asyncio.gather(*(users.asked_by(each).find_by_id(each) for each in ids))
    assert sum(len(each.calls) for each in inner.values()) == 21


@pytest.mark.parametrize(("said", "statements"), [(None, 3), (True, 1), (False, 3)])
async def test_it_is_off_unless_it_is_opened(said: bool | None, statements: int) -> None:
    seen: list[Observation] = []
    settings = Settings(adapter="memory", contexts=["social"])
    async with homeport.open(settings, observers=[seen.append], coalesce=said) as db:
        user = await a_user(db)
        comments = db.collection(COMMENT)
        seen.clear()
        await asyncio.gather(*(comments.find_by_id(uuid.uuid4()) for _ in range(3)))
        mine = db.as_user({"sub": str(user.id), "role": "authenticated"}).collection(COMMENT)
        await asyncio.gather(*(mine.find_by_id(uuid.uuid4()) for _ in range(3)))
    assert len(seen) == 2 * statements


async def test_the_keyword_wins_over_the_setting() -> None:
    seen: list[Observation] = []
    settings = load({"HOMEPORT_ADAPTER": "memory", "HOMEPORT_COALESCE": "true"})
    assert settings.coalesce
    async with homeport.open(settings, contexts=["users"], observers=[seen.append], coalesce=False) as db:
        await asyncio.gather(*(db.users.users.find_by_id(uuid.uuid4()) for _ in range(3)))
    assert len(seen) == 3
    with pytest.raises(SettingsError, match="coalesce is true or false"):
        load({"HOMEPORT_COALESCE": "perhaps"})
