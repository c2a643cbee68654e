"""Calendar on a deployment's own table: another name, a renamed owner column, numbers as ids. On every adapter."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator, Mapping

import attrs
import pytest
import pytest_asyncio

from homeport.composition import Homeport, check_schema
from homeport.domain.calendar import CalendarEvent
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
)
from homeport.kernel.table import Override
from homeport.kernel.types import IntegerType
from homeport.repositories.calendar import EVENT
from homeport.testing import a_user, an_event, check_collection
from homeport.testing.rig import Contexts, Rig, clean
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)
AGENDA = {
    "calendar_events": Override(
        name="agenda",
        columns={"user_id": "owner_id", "start_date": "begins", "title": "order"},
        types={"id": IntegerType(64)},
    )
}


def at(hour: int) -> dt.datetime:
    return dt.datetime(2026, 5, 1, hour, tzinfo=dt.UTC)


@pytest_asyncio.fixture(loop_scope="session")
async def deployed(adapter: str, rig: Rig) -> AsyncIterator[Homeport]:
    async with clean(rig.deployed(adapter, "agenda", AGENDA)) as opened:
        assert opened.catalog.table(EVENT).db_name == "agenda"
        yield opened


async def test_a_created_event_has_a_number_and_the_declared_names(deployed: Homeport) -> None:
    user = await a_user(deployed)
    given = {"title": "Ferry", "start_date": at(9), "end_date": at(11), "reminder_minutes": (60, 15)}
    first = await deployed.calendar.create_event(str(user.id), given)
    second = await deployed.calendar.create_event(user.id, given)
    assert isinstance(first.id, int)
    assert int(second.id) == first.id + 1
    assert {name: getattr(first, name) for name in given} == given
    assert first.user_id == user.id


async def test_events_are_listed_by_start_and_then_by_number(deployed: Homeport) -> None:
    user, other = await a_user(deployed), await a_user(deployed)
    late = await an_event(deployed, user_id=user.id, start_date=at(12), end_date=at(13))
    twins = [await an_event(deployed, user_id=user.id, start_date=at(9), end_date=at(10)) for _ in range(11)]
    await an_event(deployed, user_id=other.id, start_date=at(9), end_date=at(10))
    assert await deployed.calendar.get_user_events(str(user.id)) == [*twins, late]
    assert await deployed.calendar.get_user_events(user.id, at(11), at(12)) == [late]
    assert await deployed.calendar.get_user_events(user.id, end_date="2026-05-01T08:00:00Z") == []


async def test_an_event_is_found_by_its_number_and_by_the_text_of_it(deployed: Homeport) -> None:
    event = await an_event(deployed)
    assert await deployed.calendar.get_event_by_id(event.id, event.user_id) == event
    assert await deployed.calendar.get_event_by_id(str(event.id), str(event.user_id)) == event
    assert await deployed.calendar.get_event_by_id(str(int(event.id) + 1), event.user_id) is None


@pytest.mark.parametrize("malformed", ["one", "1.0", "", str(ABSENT), ABSENT, str(2**63), True])
async def test_what_is_no_number_is_refused_as_an_id(deployed: Homeport, malformed: uuid.UUID | str) -> None:
    user = await a_user(deployed)
    assert await refused(InvalidValue, deployed.calendar.get_event_by_id(malformed, user.id)) == "id"
    assert await refused(InvalidValue, deployed.calendar.delete_event(malformed, user.id)) == "id"


async def test_an_event_is_updated_by_number_or_text_under_the_declared_names(deployed: Homeport) -> None:
    event = await an_event(deployed, start_date=at(9), end_date=at(10))
    moved = await deployed.calendar.update_event(event.id, event.user_id, {"start_date": at(8)})
    assert moved == attrs.evolve(event, start_date=at(8), updated_at=moved.updated_at)
    renamed = await deployed.calendar.update_event(str(event.id), str(event.user_id), {"title": "Bridge"})
    assert renamed == attrs.evolve(moved, title="Bridge", updated_at=renamed.updated_at)
    assert event.updated_at < moved.updated_at < renamed.updated_at
    assert await deployed.calendar.get_event_by_id(event.id, event.user_id) == renamed


async def test_an_event_is_deleted_by_number_or_text_and_once(deployed: Homeport) -> None:
    event = await an_event(deployed)
    other = await an_event(deployed, user_id=event.user_id)
    assert await deployed.calendar.delete_event(event.id, event.user_id) is True
    assert await deployed.calendar.delete_event(event.id, event.user_id) is False
    assert await deployed.calendar.get_user_events(event.user_id) == [other]
    assert await deployed.calendar.delete_event(str(other.id), str(other.user_id)) is True
    assert await deployed.calendar.get_user_events(event.user_id) == []


async def test_another_users_event_is_as_absent(deployed: Homeport) -> None:
    event, other = await an_event(deployed), await a_user(deployed)
    assert await deployed.calendar.get_user_events(other.id) == []
    assert await deployed.calendar.get_event_by_id(event.id, other.id) is None
    with pytest.raises(RepositoryNotFoundError):
        await deployed.calendar.update_event(event.id, other.id, {"title": "mine"})
    assert await deployed.calendar.delete_event(str(event.id), other.id) is False
    assert await deployed.calendar.get_event_by_id(event.id, event.user_id) == event


async def test_violations_name_what_is_declared(deployed: Homeport) -> None:
    user = await a_user(deployed)
    data = {"title": "t", "start_date": at(10), "end_date": at(9)}
    said = await violated(CheckViolation, deployed.calendar.create_event(user.id, data))
    assert said == ("calendar_events_end_date_check", ("end_date", "start_date"))
    said = await violated(ForeignKeyViolation, deployed.calendar.create_event(ABSENT, {**data, "end_date": at(11)}))
    assert said == ("calendar_events_user_id_fkey", ("user_id",))
    said = await violated(NotNullViolation, deployed.calendar.create_event(user.id, {"title": "t", "end_date": at(9)}))
    assert said == (None, ("start_date",))


@pytest.mark.parametrize(("field", "value"), [("owner_id", "x"), ("begins", at(9)), ("order", "x"), ("id", 5)])
async def test_the_databases_names_and_its_numbers_are_not_the_callers(
    deployed: Homeport, field: str, value: object
) -> None:
    event = await an_event(deployed)
    data = {"title": "t", "start_date": at(9), "end_date": at(10), field: value}
    assert await refused(InvalidField, deployed.calendar.create_event(event.user_id, data)) == field
    assert await refused(InvalidField, deployed.calendar.update_event(event.id, event.user_id, {field: value})) == field


async def test_pages_go_on_after_a_number(deployed: Homeport) -> None:
    user = await a_user(deployed)
    made = [await an_event(deployed, user_id=user.id, start_date=at(9), end_date=at(10)) for _ in range(5)]
    mine, seen, cursor = deployed.calendar.events.of(user.id), list[CalendarEvent](), None
    while not seen or cursor is not None:
        page = await mine.paginate_cursor(cursor=cursor, limit=2)
        seen, cursor = [*seen, *page.items], page.next_cursor
    assert seen == made


async def test_the_events_keep_the_promises_of_a_base_repository(deployed: Homeport) -> None:
    user = await a_user(deployed)

    def make() -> Mapping[str, object]:
        return {"user_id": user.id, "title": "Ferry", "start_date": at(9), "end_date": at(10)}

    await check_collection(deployed.collection(EVENT), make, {"title": "Bridge"})


async def test_the_database_holds_the_table_as_it_is_deployed(
    migrated_url: str, homeport_contexts: Contexts, rig: Rig
) -> None:
    await rig.deployed("postgres", "agenda", AGENDA)
    assert await check_schema(await rig.database("agenda_postgres"), homeport_contexts, AGENDA) == []
    missing = [line for line in await check_schema(migrated_url, homeport_contexts, AGENDA) if "agenda" in line]
    assert missing != []
