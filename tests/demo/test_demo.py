"""`homeport demo`: what it compares, what it says, how it ends, and that it leaves nothing behind."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from homeport.cli import demo
from homeport.cli.app import app
from homeport.cli.demo import Wanted, demonstrate
from homeport.cli.demo.host import Host
from homeport.cli.demo.journey import Journey
from homeport.cli.demo.legs import Leg
from homeport.cli.demo.report import Screen
from homeport.composition import Homeport, in_memory
from homeport.settings import Adapter
from homeport.testing.rig import Rig, selected, without_server
from homeport.testing.servers import ServerMissing

ALL = (Adapter.MEMORY, Adapter.POSTGRES, Adapter.SUPABASE_LEGACY)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["demo", "--operations", "150", *words], env={"COLUMNS": "200"})


def legs(monkeypatch: pytest.MonkeyPatch, **homes: Homeport | ServerMissing) -> None:
    """Adapters that are memory, but for those given."""

    @asynccontextmanager
    async def opened(adapter: Adapter, host: Host) -> AsyncIterator[Leg]:
        home = homes.get(adapter, in_memory())
        if isinstance(home, ServerMissing):
            raise home
        yield Leg(adapter=adapter, server="a test's", db=home)

    async def nowhere(*_: object) -> Journey:
        raise ServerMissing("no PostgREST is here", "fetch one")

    monkeypatch.setattr(demo, "opened", opened)
    monkeypatch.setattr(demo, "travelled", nowhere)


class Faulty:
    """A Homeport in memory whose lists of comments come in the wrong order."""

    def __init__(self) -> None:
        self.db = in_memory()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.db, name)

    @property
    def social(self) -> Any:
        right = self.db.social

        async def newest_first(post_id: Any) -> Any:
            return list(reversed(await right.get_post_comments(post_id)))

        others = {name: getattr(right, name) for name in dir(right) if not name.startswith("_")}
        return SimpleNamespace(**{**others, "get_post_comments": newest_first})


def test_on_one_adapter_it_says_that_nothing_was_compared() -> None:
    ended = run("--adapter", "memory")
    assert ended.exit_code == 0
    assert ended.output.splitlines()[-2:] == [
        "the rollout was left out: it goes from the legacy API to postgres; postgres, supabase_legacy did not run",
        "nothing was compared: only one adapter ran",
    ]
    assert "150 operations done" in ended.output


def test_away_from_a_terminal_it_prints_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    legs(monkeypatch)
    output = run().output
    assert "\x1b" not in output
    assert output.isascii()


def test_equal_answers_end_with_saying_so(monkeypatch: pytest.MonkeyPatch) -> None:
    legs(monkeypatch)
    ended = run()
    assert ended.exit_code == 0
    assert ended.output.splitlines()[-1] == "all answers equal"
    assert [line.split()[0] for line in ended.output.splitlines() if line.rstrip().endswith("equal")] == [
        "postgres",
        "supabase_legacy",
        "all",
    ]


def test_a_difference_is_shown_where_it_is_and_ends_with_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    legs(monkeypatch, postgres=cast("Homeport", Faulty()))
    ended = run("--seed", "2")
    assert ended.exit_code == 1
    assert ended.output.splitlines()[-1] == "answers differ: postgres"
    assert "postgres differs in operation " in ended.output
    assert ", read_comments (select) at [0].comment.id:\n  memory " in ended.output


def test_a_missing_server_is_named_with_its_reason_and_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    legs(monkeypatch, supabase_legacy=ServerMissing("no PostgREST is here", "fetch one"))
    ended = run()
    assert ended.exit_code == 0
    assert ended.output.splitlines()[-3:] == [
        "supabase_legacy did not run: no PostgREST is here. To get it: fetch one",
        "the rollout was left out: it goes from the legacy API to postgres; supabase_legacy did not run",
        "answers equal on memory and postgres; did not run: supabase_legacy",
    ]


def test_a_missing_server_that_was_asked_for_by_name_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    legs(monkeypatch, postgres=ServerMissing("no PostgreSQL is here", "install one"))
    assert run("--adapter", "memory", "--adapter", "postgres").exit_code == 1


def test_as_json_the_outcome_alone_is_on_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    legs(monkeypatch, supabase_legacy=ServerMissing("none", "fetch one"))
    outcome = json.loads(run("--json").stdout)
    assert [(each["adapter"], each["operations"], each["difference"]) for each in outcome["adapters"]] == [
        ("memory", 150, None),
        ("postgres", 150, None),
    ]
    assert outcome["equal"] is True
    assert list(outcome["missing"]) == ["supabase_legacy"]
    assert "supabase_legacy did not run" in outcome["rollout"]["left_out"]
    assert outcome["adapters"][1]["p50_ms"] <= outcome["adapters"][1]["p95_ms"]


def test_a_difference_is_in_the_json_too(monkeypatch: pytest.MonkeyPatch) -> None:
    legs(monkeypatch, postgres=cast("Homeport", Faulty()))
    ended = run("--seed", "2", "--json")
    assert ended.exit_code == 1
    outcome = json.loads(ended.stdout)
    assert outcome["equal"] is False
    assert outcome["adapters"][1]["difference"]["name"] == "read_comments"


def test_an_url_that_is_none_is_refused_before_anything_starts() -> None:
    ended = run("--database-url", "mysql://here")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "a database URL begins with postgresql://" in ended.stderr


@pytest.mark.skipif(len(selected()) < 2, reason="only one adapter is to be tested")
async def test_the_adapters_answer_alike_on_a_server_of_ones_own(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def elsewhere(*_: object) -> Journey:
        raise ServerMissing("it has a test of its own", "look there")

    monkeypatch.setattr(demo, "travelled", elsewhere)
    wanted = Wanted(adapters=adapters(), operations=150, seed=11, database_url=server(rig))
    before = await databases(rig)
    outcome = await demonstrate(wanted, Screen(Console(quiet=True)))
    if outcome.missing:
        pytest.skip(str(outcome.missing))
    assert outcome.differences == {}
    assert outcome.verdict == "all answers equal"
    assert [each.adapter for each in outcome.measured] == wanted.adapters
    assert await databases(rig) == before


@pytest.mark.skipif("postgres" not in selected(), reason="the adapter is not to be tested")
async def test_an_error_in_the_middle_leaves_no_database_behind(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(db: Homeport, *, seed: int, operations: int) -> AsyncIterator[Any]:
        assert len(await databases(rig)) == len(before) + 1
        raise ZeroDivisionError
        yield

    before = await databases(rig)
    monkeypatch.setattr(demo, "load_application", lambda: breaks)
    wanted = Wanted(adapters=[Adapter.POSTGRES], operations=10, seed=1, database_url=server(rig))
    with pytest.raises(ZeroDivisionError):
        await demonstrate(wanted, Screen(Console(quiet=True)))
    assert await databases(rig) == before


def adapters() -> list[Adapter]:
    return [each for each in ALL if each in selected()]


def server(rig: Rig) -> str:
    try:
        return rig.server().url()
    except ServerMissing as missing:
        without_server(missing)
        raise


async def databases(rig: Rig) -> list[str]:
    connection = await asyncpg.connect(server(rig))
    try:
        rows = await connection.fetch("select datname from pg_database where datname like 'homeport_demo%' order by 1")
    finally:
        await connection.close()
    return [row["datname"] for row in rows]
