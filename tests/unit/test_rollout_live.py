"""The flags as they are now: precedence, rollbacks, broken sources, and what is told of it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from homeport.rollout.flags import FlagError
from homeport.rollout.live import Flags
from homeport.rollout.sources import Domains, EnvironmentSource, FileSource, Source, TableSource
from tests.support.rollout_tables import Tables

DOMAINS = Domains.of({"expenses": "supabase_legacy", "trips": "supabase_legacy"})


class Place:
    """An environment, a table and a file, and what was told."""

    def __init__(self, folder: Path, *, environment: dict[str, str] | None = None, file: str = "[flags]\n") -> None:
        self.tables = Tables()
        self.path = folder / "flags.toml"
        self.path.write_text(file)
        self.told: list[tuple[str, str]] = []
        table = TableSource(self.tables, DOMAINS, seconds=0.02)
        sources: list[Source] = [
            EnvironmentSource(DOMAINS, environment or {}),
            table,
            FileSource(self.path, DOMAINS, seconds=0.01),
        ]
        self.flags = Flags(DOMAINS, sources, tell=lambda *said: self.told.append(said))

    def now(self) -> str:
        return str(self.flags.of("expenses"))

    async def becomes(self, text: str) -> None:
        async with asyncio.timeout(2):
            while self.now() != text:
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def opened(place: Place) -> AsyncIterator[Place]:
    await place.flags.open()
    try:
        yield place
    finally:
        await place.flags.close()


async def test_the_environment_wins_over_the_table_and_that_over_the_file_and_that_over_the_settings(
    tmp_path: Path,
) -> None:
    file = '[flags]\nexpenses = "shadow"\n'
    async with opened(Place(tmp_path)) as place:
        assert place.now() == "supabase_legacy"
        place.path.write_text(file)
        await place.becomes("shadow")
        place.tables.put("expenses", "canary:5")
        await place.becomes("canary:5")
        current = place.flags.current()["expenses"]
        assert (current.source, current.stage) == ("table", "1")
    async with opened(Place(tmp_path, environment={"HOMEPORT_EXPENSES": "postgres"}, file=file)) as place:
        place.tables.put("expenses", "canary:5")
        await place.flags.refresh()
        assert (place.now(), place.flags.current()["expenses"].source) == ("postgres", "environment")


async def test_a_flag_is_the_same_object_until_it_changes(tmp_path: Path) -> None:
    async with opened(Place(tmp_path)) as place:
        place.tables.put("trips", "shadow")
        before = place.flags.of("expenses")
        await place.flags.refresh()
        assert str(place.flags.of("trips")) == "shadow"
        assert place.flags.of("expenses") is before


async def test_a_flag_of_an_unknown_domain_is_refused(tmp_path: Path) -> None:
    async with opened(Place(tmp_path)) as place:
        with pytest.raises(FlagError, match="no domain 'trip'; did you mean trips"):
            place.flags.of("trip")


async def test_following_begins_with_the_first_look(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.tables.put("expenses", "postgres")
    assert place.now() == "supabase_legacy"
    await place.becomes("postgres")
    await place.flags.close()
    place.tables.put("expenses", "shadow")
    await asyncio.sleep(0.05)
    assert place.now() == "postgres"


@pytest.mark.parametrize(
    ("environment", "file"),
    [({"HOMEPORT_EXPENSES": "canry"}, "[flags]\n"), ({}, '[flags]\nexpanses = "shadow"\n'), ({}, "[fla")],
)
async def test_a_mistake_in_environment_or_file_keeps_a_process_from_starting(
    tmp_path: Path, environment: dict[str, str], file: str
) -> None:
    with pytest.raises(FlagError):
        await Place(tmp_path, environment=environment, file=file).flags.open()


async def test_a_table_that_is_down_keeps_the_last_state_is_told_once_and_found_again(tmp_path: Path) -> None:
    async with opened(Place(tmp_path)) as place:
        place.tables.put("expenses", "canary:5")
        await place.becomes("canary:5")
        place.tables.down = True
        place.tables.put("expenses", "postgres")
        await asyncio.sleep(0.1)
        await place.flags.refresh()
        assert place.now() == "canary:5"
        assert place.flags.events["broken"] == 1
        place.tables.down = False
        await place.becomes("postgres")
        assert place.flags.events["mended"] == 1
        subjects = [(subject, text.partition(",")[0]) for subject, text in place.told]
        assert ("table", "can't be read") in subjects


async def test_canaries_wait_on_their_primary_until_the_table_of_rollbacks_was_read_once(tmp_path: Path) -> None:
    place = Place(tmp_path, environment={"HOMEPORT_EXPENSES": "canary:5", "HOMEPORT_TRIPS": "shadow"})
    place.tables.down = True
    async with opened(place):
        assert (place.now(), str(place.flags.of("trips"))) == ("supabase_legacy", "shadow")
        place.tables.down = False
        await place.becomes("canary:5")


async def test_a_half_written_file_keeps_the_last_state(tmp_path: Path) -> None:
    async with opened(Place(tmp_path, file='[flags]\nexpenses = "shadow"\n')) as place:
        for half in ("", "[flags]\nexpenses = ", "[fl"):
            place.path.write_text(half)
            await asyncio.sleep(0.06)
            assert place.now() == "shadow"
        assert place.flags.events["broken"] == 1
        place.path.unlink()
        await asyncio.sleep(0.05)
        assert place.now() == "shadow"
        place.path.write_text('[flags]\nexpenses = "postgres"\n')
        await place.becomes("postgres")


async def test_a_row_that_cant_be_followed_keeps_its_domain_and_holds_up_no_other(tmp_path: Path) -> None:
    async with opened(Place(tmp_path)) as place:
        place.tables.put("expenses", "canary:5")
        await place.becomes("canary:5")
        place.tables.put("expenses", "canry:7")
        place.tables.put("trips", "shadow")
        await place.flags.refresh()
        await place.flags.refresh()
        assert (place.now(), str(place.flags.of("trips"))) == ("canary:5", "shadow")
        assert place.flags.events["not_followed"] == 1


async def test_a_rolled_back_domain_goes_into_no_canary_whoever_says_so_and_an_operator_may_still_move_it(
    tmp_path: Path,
) -> None:
    async with opened(Place(tmp_path, environment={"HOMEPORT_EXPENSES": "canary:5"})) as place:
        assert place.now() == "canary:5"
        place.tables.put("expenses", "supabase_legacy", held=True)
        await place.becomes("supabase_legacy")
        assert place.flags.current()["expenses"].held
        del place.tables.rows["expenses"]
        await place.becomes("canary:5")
    async with opened(Place(tmp_path, environment={"HOMEPORT_EXPENSES": "postgres"})) as place:
        place.tables.put("expenses", "supabase_legacy", held=True)
        await place.flags.refresh()
        assert place.now() == "postgres"


async def test_what_is_counted_is_taken_before_a_flag_changes(tmp_path: Path) -> None:
    async with opened(Place(tmp_path)) as place:
        seen: list[str] = []
        place.flags.before_change.append(lambda: seen.append(place.now()))
        place.tables.put("expenses", "canary:5")
        await place.becomes("canary:5")
        assert seen == ["supabase_legacy"]


async def test_a_listener_that_raises_stops_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path)

    def refuse(*_: str) -> None:
        raise RuntimeError

    place.flags._tell = refuse
    async with opened(place):
        place.tables.put("expenses", "canary:5")
        await place.becomes("canary:5")


async def test_a_look_costs_next_to_nothing(tmp_path: Path) -> None:
    async with opened(Place(tmp_path)) as place:
        of = place.flags.of
        started = time.process_time()
        for _ in range(10_000):
            of("expenses")
        assert (time.process_time() - started) / 10_000 < 5e-6
