"""Sources of flags: what each reads, refuses and passes over, and when it is time to read again."""

import asyncio
import os
from pathlib import Path

import pytest

from homeport.rollout.flags import Flag, FlagError, Mode
from homeport.rollout.sources import Domains, EnvironmentSource, FileSource, TableSource
from tests.support.rollout_tables import Tables

DOMAINS = Domains.of({"expenses": "supabase_legacy", "trips": "postgres", "chat": "memory"}, known=["social"])


def texts(found: dict[str, object]) -> dict[str, str]:
    return {domain: str(each.flag) for domain, each in found.items()}  # type: ignore[attr-defined]


def test_a_domain_goes_from_its_adapter_to_postgres_and_one_on_postgres_came_from_legacy() -> None:
    pairs = {name: (str(each), each.primary, each.candidate) for name, each in DOMAINS.defaults.items()}
    assert pairs == {
        "expenses": ("supabase_legacy", "supabase_legacy", "postgres"),
        "trips": ("postgres", "supabase_legacy", "postgres"),
        "chat": ("memory", "memory", "postgres"),
    }


def test_an_unknown_domain_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(FlagError, match="no domain 'expanses'; did you mean expenses"):
        DOMAINS.parse("expanses", "postgres")
    with pytest.raises(FlagError, match="no domain 'x'; known: chat, expenses, social, trips"):
        DOMAINS.check("x")


def test_an_unknown_mode_is_refused_with_those_that_are_known_and_the_domain() -> None:
    with pytest.raises(FlagError, match=r"expenses: no mode 'canry'; known: postgres, supabase_legacy"):
        DOMAINS.parse("expenses", "canry:5")
    with pytest.raises(FlagError, match="expenses: a flag is text"):
        DOMAINS.parse("expenses", 5)


async def test_the_environment_says_each_domains_flag() -> None:
    source = EnvironmentSource(DOMAINS, {"HOMEPORT_EXPENSES": " canary:5:checkout ", "HOMEPORT_TRIPS": "", "X": "y"})
    loaded = await source.load()
    assert loaded.flags["expenses"].flag == Flag.parse("canary:5:checkout", "expenses")
    assert loaded.flags["expenses"].stage == "environment:canary:5:checkout"
    assert (set(loaded.flags), loaded.faults) == ({"expenses"}, {})


@pytest.mark.parametrize(("value", "mode"), [("true", "postgres"), ("False", "supabase_legacy"), ("shadow", "shadow")])
async def test_the_documents_switches_are_aliases_of_their_domains(value: str, mode: str) -> None:
    loaded = await EnvironmentSource(DOMAINS, {"USE_SUPABASE_CHAT": value, "USE_SUPABASE_BUSINESS": "true"}).load()
    assert texts(dict(loaded.flags)) == {"chat": mode}


async def test_a_domains_own_variable_wins_over_the_documents_switch() -> None:
    source = EnvironmentSource(DOMAINS, {"USE_SUPABASE_CHAT": "true", "HOMEPORT_CHAT": "memory"})
    assert (await source.load()).flags["chat"].flag.mode is Mode.MEMORY


async def test_a_bad_value_is_a_fault_of_its_domain_alone() -> None:
    loaded = await EnvironmentSource(DOMAINS, {"HOMEPORT_EXPENSES": "canary:101", "HOMEPORT_TRIPS": "shadow"}).load()
    assert texts(dict(loaded.flags)) == {"trips": "shadow"}
    assert "percentage" in loaded.faults["expenses"]


async def test_a_file_has_a_table_of_flags(tmp_path: Path) -> None:
    path = tmp_path / "flags.toml"
    path.write_text('[flags]\nexpenses = "canary:0.25"\nunknown = "postgres"\ntrips = 5\n[other]\n')
    loaded = await FileSource(path, DOMAINS).load()
    assert texts(dict(loaded.flags)) == {"expenses": "canary:0.25"}
    assert set(loaded.faults) == {"unknown", "trips"}


@pytest.mark.parametrize("text", ["", "[flags]\nexpenses = ", "expenses = 'postgres'", "flags = 1", "\xff"])
async def test_a_file_that_is_half_written_is_refused_as_a_whole(tmp_path: Path, text: str) -> None:
    path = tmp_path / "flags.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FlagError, match=r"flags\.toml"):
        await FileSource(path, DOMAINS).load()


async def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FlagError, match="can't be read"):
        await FileSource(tmp_path / "flags.toml", DOMAINS).load()


async def test_a_file_is_read_again_when_it_has_changed_and_then_rests(tmp_path: Path) -> None:
    path = tmp_path / "flags.toml"
    path.write_text("[flags]\n")
    source = FileSource(path, DOMAINS, seconds=0.02)
    await source.load()
    waiting = asyncio.create_task(source.changes())
    await asyncio.sleep(0.1)
    assert not waiting.done()
    for number in range(1, 5):  # while somebody writes it is let alone
        path.write_text("[flags]\n" + "#" * number)
        os.utime(path, ns=(number, number))
        await asyncio.sleep(0.015)
    async with asyncio.timeout(2):
        await waiting


async def test_a_table_is_followed_row_by_row_and_unknown_domains_are_faults() -> None:
    tables = Tables()
    tables.put("expenses", "canary:5")
    tables.put("trips", "supabase_legacy", held=True)
    tables.put("elsewhere", "postgres")
    loaded = await TableSource(tables, DOMAINS).load()
    assert texts(dict(loaded.flags)) == {"expenses": "canary:5", "trips": "supabase_legacy"}
    assert (loaded.flags["trips"].held, loaded.flags["expenses"].stage) == (True, "1")
    assert set(loaded.faults) == {"elsewhere"}


async def test_a_table_is_asked_when_it_tells_and_after_a_while_in_any_case() -> None:
    tables = Tables()
    source = TableSource(tables, DOMAINS, seconds=30)
    waiting = asyncio.create_task(source.changes())
    await asyncio.sleep(0)
    tables.put("expenses", "postgres")
    async with asyncio.timeout(1):
        await waiting
        await TableSource(tables, DOMAINS, seconds=0.01).changes()
