"""One session over several: scopes reach all of them, a sign of life asks all, and a unit is refused."""

import pytest

from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import RepositoryUnavailableError, Unsupported
from homeport.kernel.identity import SERVICE
from homeport.kernel.query import Select
from homeport.middleware.by_table import ByTable
from homeport.ports.store import Session
from homeport.repositories.calendar import EVENT
from homeport.repositories.users import USER
from tests.support.flaky import Flaky

CATALOG = Catalog.of([USER, EVENT])


@pytest.fixture
def users() -> Flaky:
    return Flaky()


@pytest.fixture
def events() -> Flaky:
    return Flaky()


@pytest.fixture
def session(users: Flaky, events: Flaky) -> Session:
    return ByTable(events, {USER: users, EVENT: events}, CATALOG)


async def test_a_scope_is_the_same_scope_everywhere(session: Session, users: Flaky, events: Flaky) -> None:
    scope = session.scoped(SERVICE)
    await scope.fetch(Select("users.find_many", USER))
    await scope.fetch(Select("calendar_events.find_many", EVENT))
    assert (users.calls, events.calls) == (["fetch"], ["fetch"])
    assert (users.scopes, events.scopes) == ([SERVICE], [SERVICE])


async def test_there_is_no_unit_over_several_adapters(session: Session, users: Flaky, events: Flaky) -> None:
    with pytest.raises(Unsupported, match="one adapter"):
        async with session.transaction():
            pass
    assert users.calls == events.calls == []


async def test_every_session_is_asked_for_a_sign_of_life_once(session: Session, users: Flaky, events: Flaky) -> None:
    await session.ping()
    assert users.calls == events.calls == ["ping"]
    users.planned = [RepositoryUnavailableError("x")]
    with pytest.raises(RepositoryUnavailableError):
        await session.ping()
