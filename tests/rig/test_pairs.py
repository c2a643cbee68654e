"""A primary and its standby: who follows whom, who takes over, and that nothing is left."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from homeport.testing.rig import without_server
from homeport.testing.servers import Pair, ServerFailed, ServerMissing, clusters, pairs, processes, start_pair


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    try:
        started = await asyncio.to_thread(start_pair)
    except ServerMissing as missing:
        without_server(missing)
        raise
    yield started
    await asyncio.to_thread(started.close)


async def answer(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_the_standby_has_what_was_acknowledged_and_takes_over(pair: Pair) -> None:
    first, second = pair.ports
    await answer(pair.url("postgres"), "create table numbers as select 1 as number")
    await asyncio.to_thread(pair.join)
    assert await answer(pair.url("postgres", [second]), "select pg_is_in_recovery()") is True
    await answer(pair.url("postgres"), "insert into numbers values (2)")
    await asyncio.to_thread(pair.fail)
    await asyncio.to_thread(pair.promote)
    assert pair.primary == second
    assert await answer(pair.url("postgres"), "insert into numbers values (3) returning number") == 3
    await asyncio.to_thread(pair.join)
    assert await answer(pair.url("postgres", [first]), "select sum(number)::int from numbers") == 6
    assert pair.primary == second


async def test_one_url_leads_to_both(pair: Pair) -> None:
    await asyncio.to_thread(pair.join, synchronous=False)
    for role, is_standby in (("primary", False), ("standby", True)):
        url = pair.url("postgres", pair.ports) + f"?target_session_attrs={role}"
        assert await answer(url, "select pg_is_in_recovery()") is is_standby


async def test_a_closed_pair_is_gone_with_its_folders(pair: Pair) -> None:
    await asyncio.to_thread(pair.join)
    found = [await answer(pair.url("postgres", [each]), "show data_directory") for each in pair.ports]
    await asyncio.to_thread(pair.close)
    await asyncio.to_thread(pair.close)
    assert [Path(str(each)).parent.exists() for each in found] == [False, False]
    with pytest.raises(ServerFailed, match="both servers of the pair are down"):
        pair.url("postgres")


async def test_a_standby_that_cannot_start_leaves_the_primary_as_it_was(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = list[Path]()

    def noted(account: str | None) -> Path:
        made.append(processes.new_folder(account))
        return made[-1]

    monkeypatch.setattr(clusters, "new_folder", noted)
    monkeypatch.setattr(pairs, "SETTINGS", {"max_connections": "-1"})
    with pytest.raises(ServerFailed, match="ended while starting") as caught:
        await asyncio.to_thread(pair.join)
    assert "max_connections" in caught.value.log
    assert [each.exists() for each in made] == [False]
    assert await answer(pair.url("postgres"), "select 1") == 1


def test_a_pair_is_made_from_programs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEPORT_TEST_POSTGRES", "testcontainers")
    with pytest.raises(ServerMissing, match="asks for 'testcontainers'"):
        start_pair()
