"""The router: which adapter a call is on, by flag and subject; and what stays where it is."""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from homeport.contexts import SHIPPED, load
from homeport.kernel.capabilities import Capability
from homeport.kernel.entity import Entity
from homeport.kernel.errors import RepositoryUnavailableError, Unsupported
from homeport.kernel.identity import ANON, identity
from homeport.kernel.operation import one_row
from homeport.kernel.predicates import eq
from homeport.kernel.query import Delete, Insert, Select, Update, UpdateEach
from homeport.middleware.observe import ObservedStore
from homeport.ports.store import Session
from homeport.repositories.expenses import EXPENSES
from homeport.repositories.users import USER
from homeport.rollout.buckets import chosen
from homeport.rollout.counts import Counts
from homeport.rollout.flags import Flag, FlagError
from homeport.rollout.one_database import Apart, OneDatabase
from homeport.rollout.router import RoutedStore
from homeport.rollout.shadow import Shadow
from homeport.rollout.subjects import DRAWN, canonical, named_in
from homeport.testing import a_user, memory
from homeport.testing.faults import FaultyStore
from tests.support.flaky import Flaky


@attrs.frozen(kw_only=True)
class Nobody(Entity):
    id: int = 1


@attrs.frozen(kw_only=True)
class Somebody(Entity):
    id: int = 1
    follower_id: uuid.UUID
    user_id: uuid.UUID | None = None


READ_FOR_NOBODY = one_row("users.look", Nobody, Nobody, writes=False)
WRITE_FOR_NOBODY = one_row("users.change", Nobody, Nobody, writes=True)
READ_FOR_SOMEBODY = one_row("users.look_at", Somebody, Nobody, writes=False)
WRITE_FOR_SOMEBODY = one_row("users.follow", Somebody, Nobody, writes=True)


def _users() -> tuple[uuid.UUID, uuid.UUID]:
    """One that is in a canary of 5 %, and one that is not."""
    flag, rng = Flag.parse("canary:5", "users"), random.Random(5)
    found = [uuid.UUID(int=rng.getrandbits(128)) for _ in range(300)]
    return next(each for each in found if chosen(flag, each, False, rng)), next(
        each for each in found if not chosen(flag, each, False, rng)
    )


INSIDE, OUTSIDE = _users()


class Live:
    """Flags that a test may change."""

    def __init__(self, text: str) -> None:
        self.set(text)

    def set(self, text: str, **given: Any) -> None:
        self.flag = Flag.parse(text, "users", **given)

    def of(self, domain: str, /) -> Flag:
        assert domain == "users"
        return self.flag


class Adapter(Flaky):
    def __init__(self, adapter: str, *planned: BaseException) -> None:
        super().__init__(*planned)
        self.adapter = adapter
        self.scoped_ones: list[Adapter] = []

    def scoped(self, identity: Any, /) -> "Adapter":
        super().scoped(identity)
        self.scoped_ones.append(Adapter(self.adapter))
        return self.scoped_ones[-1]


@attrs.define
class Rig:
    flags: Live
    postgres: Adapter = attrs.field(factory=lambda: Adapter("postgres"))
    legacy: Adapter = attrs.field(factory=lambda: Adapter("supabase_legacy"))
    told: list[tuple[str, str]] = attrs.field(factory=list)

    def store(self, **given: Any) -> RoutedStore:
        sessions: dict[str, Session] = {"postgres": self.postgres, "supabase_legacy": self.legacy}
        tell = lambda domain, text: self.told.append((domain, text))  # noqa: E731
        return RoutedStore("users", self.flags, sessions, **{"tell": tell, **given})

    async def where(self, call: Awaitable[object]) -> str:
        """The adapter that the call reaches: one of them, once."""
        for each in (self.postgres, self.legacy):
            each.calls.clear()
        await call
        (found,) = [each.adapter for each in (self.postgres, self.legacy) for _ in each.calls]
        return found


def rig(text: str) -> Rig:
    return Rig(Live(text))


def every_call(store: Session, subject: object) -> dict[str, Callable[[], Awaitable[object]]]:
    query: Select[Any] = Select("users.find_many", USER, subject=subject)
    rows = ({"email": "a"},)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "fetch": lambda: store.fetch(query),
        "count": lambda: store.count(query),
        "stream": lambda: _read(store, query),
        "insert": lambda: store.insert(Insert("users.create", USER, rows, subject=subject)),
        "update": lambda: store.update(Update("users.update", USER, eq("email", "a"), {}, subject=subject)),
        "update_each": lambda: store.update_each(UpdateEach("users.bulk_update", USER, (), subject=subject)),
        "delete": lambda: store.delete(Delete("users.delete", USER, eq("email", "a"), subject=subject)),
    }
    if isinstance(subject, uuid.UUID):
        calls["run, reading"] = lambda: store.run(READ_FOR_SOMEBODY, Somebody(follower_id=subject))
        calls["run, writing"] = lambda: store.run(WRITE_FOR_SOMEBODY, Somebody(follower_id=subject))
    if subject is None:
        calls["run, reading"] = lambda: store.run(READ_FOR_NOBODY, Nobody())
        calls["run, writing"] = lambda: store.run(WRITE_FOR_NOBODY, Nobody())
        calls["execute_query"] = lambda: store.execute_query("select 1")
    return calls


async def _read(store: Session, query: Select[Any]) -> list[Any]:
    return [row async for row in store.stream(query)]


CALLS = [*every_call(Flaky(), INSIDE)]
WRITES = {"insert", "update", "update_each", "delete", "run, writing", "execute_query"}


async def reached(rig: Rig, store: Session, subject: object) -> dict[str, str]:
    return {name: await rig.where(call()) for name, call in every_call(store, subject).items()}


# -- which adapter


@pytest.mark.parametrize("text", ["postgres", "supabase_legacy"])
async def test_a_fixed_adapter_has_every_call(text: str) -> None:
    one = rig(text)
    store: Session = one.store()
    for subject in (INSIDE, OUTSIDE, None):
        assert set((await reached(one, store, subject)).values()) == {text}
    assert store.adapter == text


@pytest.mark.parametrize(("subject", "adapter"), [(INSIDE, "postgres"), (OUTSIDE, "supabase_legacy")])
@pytest.mark.parametrize("spelt", [lambda id: id, str, lambda id: str(id).upper()])
async def test_a_subject_of_a_canary_has_all_calls_on_one_adapter(
    subject: uuid.UUID, adapter: str, spelt: Callable[[uuid.UUID], object]
) -> None:
    one = rig("canary:5")
    for _ in range(2):
        assert set((await reached(one, one.store(), spelt(subject))).values()) == {adapter}


async def test_nobody_reads_by_chance_and_writes_on_the_primary() -> None:
    one = rig("canary:50")
    store = one.store(rng=random.Random(3))
    seen: dict[str, set[str]] = {}
    for _ in range(30):
        for call, adapter in (await reached(one, store, None)).items():
            seen.setdefault(call, set()).add(adapter)
    for call, adapters in seen.items():
        assert adapters == ({"supabase_legacy"} if call in WRITES else {"postgres", "supabase_legacy"}), call


async def test_at_100_percent_every_call_is_on_the_candidate() -> None:
    one = rig("canary:100")
    for subject in (INSIDE, OUTSIDE, None, "anything", 7):
        assert set((await reached(one, one.store(), subject)).values()) == {"postgres"}
    assert one.store().adapter == "postgres"


@pytest.mark.parametrize("text", ["canary:0", "shadow"])
async def test_nothing_is_on_the_candidate_before(text: str) -> None:
    one = rig(text)
    for subject in (INSIDE, OUTSIDE, None):
        assert set((await reached(one, one.store(), subject)).values()) == {"supabase_legacy"}
    assert one.store().adapter == "supabase_legacy"


async def test_primary_and_candidate_may_be_the_other_way_round() -> None:
    one = rig("postgres")
    one.flags.set("canary:5", primary="postgres", candidate="supabase_legacy")
    assert set((await reached(one, one.store(), INSIDE)).values()) == {"supabase_legacy"}


async def test_errors_pass_as_they_are() -> None:
    one = rig("canary:100")
    failure = RepositoryUnavailableError("x")
    for kind in (failure, asyncio.CancelledError()):
        for call in every_call(one.store(), INSIDE).values():
            one.postgres.planned = [kind]
            with pytest.raises(type(kind)) as caught:
                await call()
            assert caught.value is kind
    assert DRAWN.get() is None


# -- whose call


def test_one_user_is_one_subject_however_spelt() -> None:
    id = uuid.uuid4()
    assert len({canonical(each) for each in (id, str(id), str(id).upper(), id.hex, f"{{{id}}}")}) == 1
    assert len({canonical(each) for each in (7, "7", "auth0|7", id, uuid.uuid4())}) == 4


def test_an_operation_is_asked_by_the_first_user_it_names() -> None:
    assert named_in(READ_FOR_SOMEBODY, Somebody(follower_id=INSIDE, user_id=OUTSIDE)) == INSIDE
    assert named_in(READ_FOR_NOBODY, Nobody()) is None


def test_every_shipped_operation_names_the_user_who_acts_or_is_for_anybody() -> None:
    operations = [each for name in SHIPPED for each in load(name).operations]
    marks = {each.name: {field.name: field.name for field in attrs.fields(each.takes)} for each in operations}
    named = {each.name: named_in(each, SimpleNamespace(**marks[each.name])) for each in operations}
    for_anybody = {"pam.search_pam_knowledge", "affiliate_shop.search_affiliate_products"}
    assert {name for name, field in named.items() if field is None} == for_anybody
    assert {field for field in named.values() if field is not None} == {"user_id"}


async def test_an_operation_that_names_no_user_is_the_callers() -> None:
    one = rig("canary:5")
    for subject, adapter in ((INSIDE, "postgres"), (None, "supabase_legacy")):
        answer: Awaitable[Nobody | None] = one.store(subject=subject).run(WRITE_FOR_NOBODY, Nobody())
        assert await one.where(answer) == adapter


def user(id: uuid.UUID) -> Any:
    return identity({"sub": str(id)})


def made(adapter: Adapter) -> Adapter:
    """The only scoped session that was made of it."""
    (scoped,) = adapter.scoped_ones
    return scoped


async def test_a_scope_is_its_users_and_has_scoped_sessions() -> None:
    one = rig("canary:5")
    scope: Session = one.store().scoped(user(INSIDE))
    for call in every_call(scope, None).values():
        await call()
    assert one.postgres.calls == one.legacy.calls == []
    assert len(made(one.postgres).calls) == len(CALLS)
    assert made(one.legacy).calls == ["execute_query"]
    assert one.postgres.scopes == [user(INSIDE)]


async def test_a_subject_that_is_said_wins_over_the_scopes() -> None:
    one = rig("canary:5")
    scope = one.store().scoped(user(OUTSIDE))
    await scope.count(Select("users.count", USER, subject=INSIDE))
    assert (made(one.postgres).calls, made(one.legacy).calls) == (["count"], [])


async def test_anon_is_nobody_in_particular() -> None:
    one = rig("canary:99.99")
    scope = one.store(subject=INSIDE).scoped(ANON)
    await scope.insert(Insert("users.create", USER, ({"email": "a"},)))
    assert made(one.legacy).calls == ["insert"]


async def test_an_adapter_that_no_call_reaches_is_not_scoped() -> None:
    one = rig("postgres")
    scope = one.store().scoped(user(INSIDE))
    assert one.postgres.scopes == []
    for _ in range(3):
        await scope.count(Select("users.count", USER))
    assert (len(one.postgres.scopes), len(one.legacy.scopes)) == (1, 0)


# -- changes while it runs


async def test_a_changed_flag_is_followed_by_the_next_call_in_scopes_too() -> None:
    one = rig("supabase_legacy")
    store = one.store()
    scope = store.scoped(user(INSIDE))
    for text, adapter in (("canary:5", "postgres"), ("canary:0", "supabase_legacy"), ("postgres", "postgres")):
        one.flags.set(text)
        assert await one.where(store.count(Select("users.count", USER, subject=INSIDE))) == adapter
        await scope.count(Select("users.count", USER))
    assert (made(one.postgres).calls, made(one.legacy).calls) == (["count"] * 2, ["count"])


@pytest.mark.parametrize("text", ["supabase_legacy", "canary:5"])
async def test_a_stream_stays_where_it_began(text: str) -> None:
    one = rig(text)
    query: Select[Any] = Select("users.stream", USER, subject=OUTSIDE)
    rows = one.store().stream(query)
    assert await anext(rows) == "a"
    one.flags.set("postgres")
    assert [row async for row in rows] == ["b"]
    assert (one.postgres.calls, one.legacy.ended) == ([], ["stream"])


@pytest.mark.parametrize("text", ["supabase_legacy", "canary:5"])
async def test_a_stream_that_is_left_is_closed(text: str) -> None:
    one = rig(text)
    rows = one.store().stream(Select("users.stream", USER, subject=OUTSIDE))
    await anext(rows)
    await rows.aclose()  # type: ignore[attr-defined]
    assert one.legacy.ended == ["stream"]


async def test_a_flag_for_what_is_not_open_is_refused_at_the_start() -> None:
    with pytest.raises(FlagError, match="users: the flag memory needs memory, which is not open here"):
        rig("memory").store()
    one = rig("canary:5")
    one.flags.set("shadow", candidate="memory")
    with pytest.raises(FlagError, match="memory"):
        one.store()


async def test_later_it_is_told_once_and_the_last_good_flag_stays() -> None:
    one = rig("supabase_legacy")
    store = one.store()
    one.flags.set("memory")
    for scope in (store, store, store.scoped(user(INSIDE))):
        await scope.count(Select("users.count", USER))
    assert one.legacy.calls + made(one.legacy).calls == ["count"] * 3
    told = "the flag memory needs memory, which is not open here: it goes on as supabase_legacy"
    assert one.told == [("users", told)]
    one.flags.set("postgres")
    assert await one.where(store.count(Select("users.count", USER))) == "postgres"


async def test_a_canary_without_a_group_is_salted_with_its_domain() -> None:
    one = rig("postgres")
    one.flags.flag = Flag.parse("canary:5")
    assert await one.where(one.store().count(Select("users.count", USER, subject=INSIDE))) == "postgres"


# -- units


async def test_a_unit_is_where_units_are_whatever_the_flag_says_and_becomes() -> None:
    one = rig("canary:5")
    units = Adapter("postgres")
    store: Session = one.store(units=units)
    async with store.transaction() as unit:
        await unit.count(Select("users.count", USER, subject=OUTSIDE))
        one.flags.set("supabase_legacy")
        await unit.count(Select("users.count", USER, subject=OUTSIDE))
    assert units.calls == ["begin", "count", "count", "commit"]
    async with store.scoped(ANON).transaction():
        pass
    assert (made(units).calls, units.scopes) == (["begin", "commit"], [ANON])
    assert one.postgres.calls == one.legacy.calls == []


async def test_without_a_place_for_units_there_are_none() -> None:
    with pytest.raises(Unsupported, match="users: no adapter is chosen"):
        rig("postgres").store().transaction()


def test_it_can_do_what_all_can_and_units_what_theirs_can() -> None:
    one = rig("postgres")
    one.postgres.capabilities = Capability.RAW_SQL | Capability.BULK_UPDATE | Capability.TRANSACTIONS
    one.legacy.capabilities = Capability.BULK_UPDATE | Capability.TRANSACTIONS
    assert one.store().capabilities == Capability.BULK_UPDATE
    units = Adapter("postgres")
    units.capabilities = Capability.RAW_SQL | Capability.TRANSACTIONS | Capability.ROW_LOCKS
    with_units = Capability.BULK_UPDATE | Capability.TRANSACTIONS | Capability.ROW_LOCKS
    store = one.store(units=units)
    assert store.capabilities == store.scoped(ANON).capabilities == with_units


# -- two databases


@pytest.mark.parametrize("text", ["canary:5", "canary:100"])
async def test_canary_writes_stay_on_the_primary_where_the_databases_differ(text: str) -> None:
    one = rig(text)
    store = one.store(one=OneDatabase(Apart("their markers differ")))
    for subject in (INSIDE, None):
        for call, adapter in (await reached(one, store, subject)).items():
            if call in WRITES or subject is not None:
                assert adapter == ("supabase_legacy" if call in WRITES else "postgres"), call
    store.scoped(user(INSIDE))
    assert one.told == [("users", f"under {text} writes stay on supabase_legacy: their markers differ")]
    assert store.adapter == "supabase_legacy"


async def test_an_adapter_that_is_chosen_by_name_has_all_calls_all_the_same() -> None:
    one = rig("postgres")
    store = one.store(one=OneDatabase(Apart("their markers differ")))
    assert set((await reached(one, store, INSIDE)).values()) == {"postgres"}
    assert one.told == []
    one.flags.set("canary:1")
    await store.count(Select("users.count", USER))
    assert len(one.told) == 1


async def test_where_nobody_could_be_asked_it_is_asked_again_and_writes_follow_the_answer() -> None:
    one, answers = rig("canary:100"), [Apart("still nobody"), None]
    known = OneDatabase(Apart("it could not be asked"))
    store = one.store(one=known)
    write = Insert("users.create", USER, ({"email": "a"},))
    assert await one.where(store.insert(write)) == "supabase_legacy"

    async def ask() -> Apart | None:
        return answers.pop(0)

    said: list[str] = []
    await known.settle(ask, lambda _, text: said.append(text), seconds=0)
    assert said == ["both adapters are one database"]
    assert await one.where(store.insert(write)) == "postgres"
    assert store.scoped(user(INSIDE)).one is known


async def test_what_was_seen_is_not_asked_again() -> None:
    async def ask() -> Apart | None:
        raise AssertionError

    for apart in (None, Apart("different databases", seen=True)):
        known = OneDatabase(apart)
        await known.settle(ask, lambda *_: None, seconds=0)
        assert known.apart is apart


# -- what the counts see


@pytest.fixture
def counts() -> Counts:
    return Counts()


def observed(of: Rig, counts: Counts, **given: Any) -> RoutedStore:
    sessions = {each.adapter: ObservedStore(each, [counts.observer("users")]) for each in (of.postgres, of.legacy)}
    return RoutedStore("users", of.flags, sessions, **given)


def arms(counts: Counts) -> dict[str, tuple[int, int]]:
    return {each.adapter: (each.outcomes, each.faults) for each in counts.drain().arms}


@pytest.mark.parametrize(("subject", "adapter"), [(INSIDE, "postgres"), (OUTSIDE, "supabase_legacy")])
async def test_drawn_calls_are_outcomes_of_their_adapter(counts: Counts, subject: uuid.UUID, adapter: str) -> None:
    one = rig("canary:5")
    store = observed(one, counts)
    for call in every_call(store, subject).values():
        await call()
    assert arms(counts) == {adapter: (1, 0)}
    assert DRAWN.get() is None


async def test_nobodys_reads_are_outcomes_each_and_nobodys_writes_are_none(counts: Counts) -> None:
    store = observed(rig("canary:50"), counts)
    for name, call in every_call(store, None).items():
        if name in WRITES:
            await call()
    assert arms(counts) == {}
    for _ in range(40):
        await store.count(Select("users.count", USER))
    found = arms(counts)
    assert found.keys() == {"postgres", "supabase_legacy"}
    assert sum(outcomes for outcomes, _ in found.values()) == 40


async def test_each_step_of_a_canary_begins_with_nobody_seen(counts: Counts) -> None:
    one = rig("canary:5")
    store = observed(one, counts)
    for text, outcomes in (("canary:5", 1), ("canary:5", 0), ("canary:25", 1)):
        one.flags.set(text)
        await store.count(Select("users.count", USER, subject=INSIDE))
        assert arms(counts) == ({"postgres": (1, 0)} if outcomes else {})


@pytest.mark.parametrize("text", ["postgres", "shadow", "canary:0"])
async def test_calls_that_are_not_drawn_are_calls_and_no_outcomes(counts: Counts, text: str) -> None:
    store = observed(rig(text), counts)
    for call in every_call(store, INSIDE).values():
        await call()
    drained = counts.drain()
    assert (sum(each.calls for each in drained.calls), drained.arms) == (len(CALLS), ())


async def test_writes_that_may_not_be_drawn_are_no_outcomes(counts: Counts) -> None:
    store = observed(rig("canary:5"), counts, one=OneDatabase(Apart("two databases")), tell=lambda *_: None)
    await store.insert(Insert("users.create", USER, ({"email": "a"},), subject=INSIDE))
    assert arms(counts) == {}


async def test_at_100_percent_outcomes_go_on(counts: Counts) -> None:
    store = observed(rig("canary:100"), counts)
    await store.count(Select("users.count", USER, subject=OUTSIDE))
    assert arms(counts) == {"postgres": (1, 0)}


async def test_a_failing_stream_is_a_fault_and_no_time(counts: Counts) -> None:
    one = rig("canary:5")
    store = observed(one, counts)
    rows = store.stream(Select("users.stream", USER, subject=INSIDE))
    await anext(rows)
    assert DRAWN.get() is None  # between two rows the reader's other calls are not of this draw
    one.postgres.planned = [RepositoryUnavailableError("x")]
    with pytest.raises(RepositoryUnavailableError):
        await anext(rows)
    (arm,) = counts.drain().arms
    assert (arm.adapter, arm.outcomes, arm.faults, arm.buckets) == ("postgres", 1, 1, {})


async def test_calls_of_several_tasks_are_not_mixed_up(counts: Counts) -> None:
    one = rig("canary:5")
    slow = FaultyStore(one.postgres, latency=0.01, error=RepositoryUnavailableError)
    sessions = {
        "postgres": ObservedStore(slow, [counts.observer("users")]),
        "supabase_legacy": ObservedStore(one.legacy, [counts.observer("users")]),
    }
    store = RoutedStore("users", one.flags, sessions)
    queries = [Select("users.count", USER, subject=each) for each in (INSIDE, OUTSIDE, INSIDE, OUTSIDE)]
    await asyncio.gather(*(store.count(each) for each in queries), return_exceptions=True)
    assert arms(counts) == {"supabase_legacy": (1, 0), "postgres": (1, 1)}


# -- the shadow


async def test_reads_are_repeated_in_the_shadow_and_writes_are_not() -> None:
    one, shadow = rig("shadow"), Shadow("users")
    store = one.store(shadow=shadow)
    for subject in (INSIDE, None):
        for call in every_call(store, subject).values():
            await call()
    await shadow.settled()
    reads = ["fetch", "count", "run"]
    assert [each for each in one.postgres.calls if each not in ("begin", "commit")] == reads * 2
    assert (shadow.totals.offered, shadow.totals.equal) == (6, 6)
    one.flags.set("supabase_legacy")
    await store.count(Select("users.count", USER))
    assert shadow.totals.offered == 6
    await shadow.close()


async def test_the_flags_sample_is_the_shadows() -> None:
    one, shadow = rig("shadow:0.1"), Shadow("users", rng=random.Random(1), waiting=1000)
    store = one.store(shadow=shadow)
    for _ in range(1000):
        await store.count(Select("users.count", USER))
    assert 70 < shadow.totals.offered < 130
    await shadow.close()


@pytest.mark.parametrize("trouble", [{"hang": True}, {"latency": 5.0}, {"error": RepositoryUnavailableError}])
async def test_no_caller_waits_for_a_candidate_in_trouble(trouble: dict[str, Any]) -> None:
    one, shadow = rig("shadow"), Shadow("users", waiting=10, deadline=0.05)
    candidate = FaultyStore(one.postgres, **trouble)
    store = RoutedStore("users", one.flags, {"postgres": candidate, "supabase_legacy": one.legacy}, shadow=shadow)
    before = time.perf_counter()
    for _ in range(100):
        await store.count(Select("users.count", USER))
    assert time.perf_counter() - before < 0.05
    assert len(one.legacy.calls) == 100
    await shadow.close()


async def test_a_failed_read_is_not_repeated() -> None:
    one, shadow = rig("shadow"), Shadow("users")
    one.legacy.planned = [RepositoryUnavailableError("x")]
    with pytest.raises(RepositoryUnavailableError):
        await one.store(shadow=shadow).count(Select("users.count", USER))
    assert shadow.totals.offered == 0


async def test_a_scope_is_compared_with_the_same_scope() -> None:
    one, shadow = rig("shadow"), Shadow("users")
    await one.store(shadow=shadow).scoped(user(INSIDE)).count(Select("users.count", USER))
    await shadow.settled()
    assert made(one.postgres).calls == ["begin", "count", "commit"]
    assert one.postgres.calls == []
    await shadow.close()


# -- the rest of a session


async def test_those_that_callers_may_meet_are_asked_for_a_sign_of_life() -> None:
    for text, both in (("canary:5", True), ("supabase_legacy", False), ("shadow", False)):
        one = rig(text)
        await one.store().ping()
        assert (one.legacy.calls, one.postgres.calls) == (["ping"], ["ping"] if both else [])


async def test_closing_it_closes_nothing() -> None:
    one = rig("canary:5")
    await one.store().close()
    assert one.postgres.calls == one.legacy.calls == []


async def test_a_repository_works_on_it() -> None:
    databases = {"postgres": memory(["expenses"]), "supabase_legacy": memory(["expenses"])}
    sessions = {adapter: db.store(EXPENSES) for adapter, db in databases.items()}

    class Both:
        def of(self, domain: str, /) -> Flag:
            return flags.flag

    flags = Live("canary:5")
    expenses = EXPENSES.build(RoutedStore("expenses", Both(), sessions))
    for id, adapter in ((INSIDE, "postgres"), (OUTSIDE, "supabase_legacy")):
        for db in databases.values():
            await a_user(db, id=id)
        expense = await expenses.create_expense(id, {"amount": "3", "category": "fuel", "date": "2026-05-01"})
        assert await expenses.get_expense_by_id(expense.id, id) == expense
        found = {name: await db.expenses.get_user_expenses(id) for name, db in databases.items()}
        assert found == {name: [expense] if name == adapter else [] for name in databases}
