"""The observed store: one observation a call, never a value, and never in the way."""

import logging
from typing import Any

import pytest

from homeport.composition import Homeport, in_memory
from homeport.kernel.errors import OutcomeUnknown, UniqueViolation, Unsupported
from homeport.kernel.identity import ANON
from homeport.kernel.observe import Observation
from homeport.kernel.query import Select
from homeport.kernel.units import Wait
from homeport.middleware.observe import ObservedStore, log_calls
from homeport.ports.store import Session
from homeport.repositories.social import SOCIAL
from homeport.repositories.users import USER
from homeport.testing import a_post, a_user
from tests.support.flaky import Flaky

SECRET = "secret@example.com"
QUERY: Select[Any] = Select("users.count", USER)


@pytest.fixture
def seen() -> list[Observation]:
    return []


@pytest.fixture
def db(seen: list[Observation]) -> Homeport:
    return in_memory(observers=[seen.append])


def told(seen: list[Observation]) -> list[tuple[str, str, str, int, str | None]]:
    return [(each.name, each.table, each.adapter, each.rows, each.error) for each in seen]


async def test_every_call_is_told_once_with_its_rows(db: Homeport, seen: list[Observation]) -> None:
    users = db.users.users
    first, second = await users.create_many([{"email": "a@example.com"}, {"email": "b@example.com"}])
    await users.find_many()
    await users.count()
    await users.update(first.id, {"first_name": "Ada"})
    await users.bulk_update([(first.id, {"first_name": "A"}), (second.id, {"first_name": "B"})])
    await users.delete(second.id)
    assert len([each async for each in users.stream()]) == 1
    assert told(seen) == [
        ("users.create_many", "users", "memory", 2, None),
        ("users.find_many", "users", "memory", 2, None),
        ("users.count", "users", "memory", 1, None),
        ("users.update", "users", "memory", 1, None),
        ("users.bulk_update", "users", "memory", 2, None),
        ("users.delete", "users", "memory", 1, None),
        ("users.stream", "users", "memory", 1, None),
    ]
    assert all(0 <= each.milliseconds < 1000 for each in seen)


async def test_an_operation_is_told_by_its_name_and_function(db: Homeport, seen: list[Observation]) -> None:
    post, user = await a_post(db), await a_user(db)
    seen.clear()
    await db.social.toggle_like(post.id, user.id)
    assert ("social.toggle_like", "toggle_like", "memory", 1, None) in told(seen)


async def test_an_error_is_told_by_its_class_and_passes_as_it_is(db: Homeport, seen: list[Observation]) -> None:
    await a_user(db, email=SECRET)
    seen.clear()
    with pytest.raises(UniqueViolation):
        await db.users.users.create({"email": SECRET})
    with pytest.raises(Unsupported):
        await db.base.execute_query("select 1")
    assert told(seen) == [
        ("users.create", "users", "memory", 0, "UniqueViolation"),
        ("execute_query", "", "memory", 0, "Unsupported"),
    ]
    assert SECRET not in repr(seen)


async def test_a_stream_that_is_left_is_told_with_what_was_read(seen: list[Observation]) -> None:
    inner = Flaky()
    rows = ObservedStore(inner, [seen.append]).stream(QUERY)
    await anext(rows)
    await rows.aclose()  # type: ignore[attr-defined]
    assert inner.ended == ["stream"]
    assert told(seen) == [("users.count", "users", "postgres", 1, None)]


async def test_a_stream_that_fails_is_told(db: Homeport, seen: list[Observation]) -> None:
    await db.close()
    with pytest.raises(Exception, match="closed"):
        await anext(db.users.users.stream())
    assert told(seen) == [("users.stream", "users", "memory", 0, "PoolClosed")]


async def test_an_observer_that_raises_breaks_no_call_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Observation] = []

    def broken(_: Observation) -> None:
        raise RuntimeError("observer")

    db = in_memory(["users"], observers=[broken, seen.append])
    await db.users.users.count()
    await db.users.users.count()
    assert len(seen) == 2
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_it_is_a_session_with_the_inner_ones_properties(db: Homeport) -> None:
    observed: Session = db.store(SOCIAL)
    assert isinstance(observed, ObservedStore)
    inner = observed._session
    assert (observed.adapter, observed.capabilities, observed.catalog, observed.cursors) == (
        inner.adapter,
        inner.capabilities,
        inner.catalog,
        inner.cursors,
    )


async def test_the_log_has_names_and_figures_on_one_line(caplog: pytest.LogCaptureFixture) -> None:
    db = in_memory(["users"], observers=[log_calls])
    with caplog.at_level(logging.DEBUG, logger="homeport"):
        await a_user(db, email=SECRET)
        with pytest.raises(UniqueViolation):
            await a_user(db, email=SECRET)
    done, failed = caplog.records
    assert (done.levelname, failed.levelname) == ("DEBUG", "WARNING")
    assert done.getMessage().startswith("statement=users.create table=users adapter=memory rows=1 milliseconds=")
    assert failed.getMessage().endswith(" error=UniqueViolation")
    assert (vars(failed)["statement"], vars(failed)["rows"]) == ("users.create", 0)
    assert SECRET not in caplog.text


async def test_successful_calls_are_not_logged_in_production(caplog: pytest.LogCaptureFixture) -> None:
    db = in_memory(["users"], observers=[log_calls])
    with caplog.at_level(logging.INFO, logger="homeport"):
        await db.users.users.count()
    assert caplog.records == []


# -- units and scopes


async def test_the_calls_of_a_unit_are_told_and_its_end(seen: list[Observation]) -> None:
    inner = Flaky()
    async with ObservedStore(inner, [seen.append]).transaction() as unit:
        await unit.count(QUERY)
        async with unit.savepoint():
            assert await unit.lock("job", Wait.WAIT)
    assert inner.calls == ["begin", "count", "savepoint", "lock", "commit"]
    assert told(seen) == [
        ("users.count", "users", "postgres", 1, None),
        ("unit.lock", "", "postgres", 1, None),
        ("unit", "", "postgres", 0, None),
    ]


async def test_a_unit_that_is_rolled_back_or_not_committed_is_told_by_its_error(seen: list[Observation]) -> None:
    inner = Flaky()
    observed = ObservedStore(inner, [seen.append])
    with pytest.raises(UniqueViolation):
        async with observed.transaction() as unit:
            inner.planned = [UniqueViolation("x")]
            await unit.count(QUERY)
    inner.planned = [OutcomeUnknown("x")]
    with pytest.raises(OutcomeUnknown):
        async with observed.transaction():
            pass
    assert told(seen) == [
        ("users.count", "users", "postgres", 0, "UniqueViolation"),
        ("unit", "", "postgres", 0, "UniqueViolation"),
        ("unit", "", "postgres", 0, "OutcomeUnknown"),
    ]


async def test_a_scope_is_told_to_the_same_observers(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Observation] = []

    def broken(_: Observation) -> None:
        raise RuntimeError("observer")

    inner = Flaky()
    observed = ObservedStore(inner, [broken, seen.append])
    for _ in range(2):
        scope: Session = observed.scoped(ANON)
        await scope.count(QUERY)
        await scope.ping()
    assert inner.scopes == [ANON, ANON]
    assert [each.name for each in seen] == ["users.count", "ping"] * 2
    assert len(caplog.records) == 1
