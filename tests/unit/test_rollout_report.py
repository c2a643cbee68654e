"""What a person sees of a rollout: the page, the status, the commands; over tables in memory."""

import datetime as dt
import io
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import attrs
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from homeport.cli import rollout_commands, rollout_report, rollout_screen
from homeport.cli.app import app
from homeport.composition import rollout
from homeport.contexts import resolve
from homeport.ports.rollout import CountRow, EventRow, StageRow
from homeport.rollout.live import Flags
from homeport.rollout.overview import overview
from homeport.rollout.plan import PlanError
from homeport.settings import Settings
from tests.support.rollout_tables import START, Tables

END = START + dt.timedelta(hours=2)


def minutes(adapter: str, *, errors: int, bucket: int, count: int = 60) -> list[CountRow]:
    row = CountRow(minute=START, domain="expenses", adapter=adapter, stage="1", calls=100, errors=errors)
    return [
        attrs.evolve(row, minute=START + dt.timedelta(minutes=n), times={bucket: 95, bucket + 20: 5})
        for n in range(count)
    ]


def event(minute: int, kind: str, said: str = "..") -> EventRow:
    return EventRow(at=START + dt.timedelta(minutes=minute), domain="expenses", kind=kind, said=said, by="me@host")


def page(rows: list[CountRow], events: list[EventRow], stage: StageRow | None = None) -> str:
    return rollout_report.page("expenses", rows, events, stage, begin=START, end=END)


class Balanced(HTMLParser):
    """Every element that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(text: str) -> list[str]:
    parser = Balanced()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser.texts


def test_the_page_has_lines_by_adapter_and_every_decision() -> None:
    rows = minutes("postgres", errors=4, bucket=90) + minutes("supabase_legacy", errors=1, bucket=80)
    text = page(rows, [event(5, "started"), event(50, "rolled_back", "faults <1> & more")])
    texts = read(text)
    assert text.count("<polyline") == 2 + 2 * 3
    assert text.count('stroke="#b2182b"') == 2
    assert {"postgres p95", "supabase_legacy p99"} <= {each.strip() for each in texts}
    assert "faults <1> & more" in texts
    assert "6,000" in texts


def test_decisions_that_are_close_share_a_number_and_a_minute_is_drawn_in_its_middle() -> None:
    events = [event(5, "started"), event(50, "aborted"), event(51, "resumed"), event(52, "rolled_back")]
    texts = read(page(minutes("postgres", errors=0, bucket=90, count=1), events))
    assert (texts.count("2-4"), texts.count("3")) == (2, 1)  # over both figures; and in the table
    text = page(minutes("postgres", errors=0, bucket=90, count=1), [])
    (middle, *_) = re.findall(r'<circle cx="([\d.]+)"', text)
    assert float(middle) == pytest.approx(64 + 880 * 0.5 / 120, abs=0.1)


def test_the_page_asks_nobody_for_anything() -> None:
    text = page(minutes("postgres", errors=0, bucket=90, count=1), [])
    assert re.findall(r"https?:|src=|href=|<script|url\(", text) == []
    assert "<circle" in text
    read(text)


def test_a_page_without_counts_says_so_and_has_the_decisions() -> None:
    texts = read(page([], [event(1, "set", "flag set to shadow")]))
    assert {"Nothing was counted in this time.", "flag set to shadow"} <= set(texts)
    assert "None in this time." in read(page([], []))


def test_points_stay_on_the_paper_and_long_times_are_put_together() -> None:
    rows = minutes("postgres", errors=100, bucket=0, count=120) + minutes("memory", errors=0, bucket=201, count=120)
    begin = START - dt.timedelta(days=7)
    text = rollout_report.page("expenses", rows, [], None, begin=begin, end=END)
    places = re.findall(r"(-?[\d.]+),(-?[\d.]+)", " ".join(re.findall(r'points="([^"]*)"', text)))
    assert 0 < len(places) < 120
    assert all(0 <= float(x) <= 960 and 0 <= float(y) <= 260 for x, y in places)


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Tables:
    found = Tables()
    monkeypatch.setattr(rollout, "rollout_tables", lambda _: found)
    monkeypatch.setattr(rollout_commands, "utc_now", lambda: found.now)
    for name in ("HOMEPORT_CONTEXTS", "HOMEPORT_CONFIG", "HOMEPORT_EXPENSES", "HOMEPORT_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return found


@pytest.fixture
def run(tables: Tables) -> "Run":
    return Run()


class Run:
    def __call__(self, *words: str, environment: Mapping[str, str] | None = None) -> Result:
        given = {"COLUMNS": "300", "HOMEPORT_ADAPTER": "supabase_legacy", "HOMEPORT_CONTEXTS": "users,expenses"}
        return CliRunner().invoke(app, words, env={**given, **(environment or {})})

    def lines(self, *words: str) -> list[str]:
        ended = self(*words)
        assert ended.exit_code == 0, ended.output
        return ended.stdout.splitlines()


def test_flags_are_set_listed_and_cleared(run: Run, tables: Tables) -> None:
    assert run.lines("flags", "set", "expenses", "canary:5") == ["expenses: canary:5"]
    listed = run("flags", "list").stdout
    row = next(line for line in listed.splitlines() if "expenses" in line)
    assert [cell.strip() for cell in row.split("│")[1:5]] == ["expenses", "canary:5", "table", "canary:5"]
    assert run.lines("flags", "clear", "expenses") == ["expenses: cleared"]
    assert run.lines("flags", "clear", "expenses") == ["expenses: nothing to clear"]
    assert [each.kind for each in tables.told] == ["set", "cleared"]
    assert "@" in tables.told[0].by


def test_commands_know_the_flags_of_the_file_as_processes_do(run: Run, tables: Tables, tmp_path: Path) -> None:
    file = tmp_path / "flags.toml"
    given = {"HOMEPORT_FLAGS_FILE": str(file)}
    file.write_text('[flags]\nexpenses = "shadow"\nusers = "canary:5"\n')
    tables.put("users", "postgres")

    def listed() -> list[list[str]]:
        rows = [line.split("│")[1:4] for line in run("flags", "list", environment=given).stdout.splitlines()]
        return [[cell.strip() for cell in row] for row in rows if row]

    assert listed() == [["expenses", "shadow", "file"], ["users", "postgres", "table"]]
    assert json.loads(run("status", "--json", environment=given).stdout)[0]["source"] == "file"
    file.write_text('[flags]\nexpanses = "shadow"\n')
    for words in (("flags", "list"), ("status",)):
        ended = run(*words, environment=given)
        assert (ended.exit_code, ended.stdout) == (1, "")
        assert "file: no domain 'expanses'; did you mean expenses" in ended.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("flags", "set", "expanses", "postgres"), "did you mean expenses"),
        (("flags", "set", "expenses", "canry:5"), "known: postgres, supabase_legacy, memory, canary:PERCENT"),
        (("flags", "clear", "xyz"), "known: "),
        (("canary", "start", "expenses", "--to", "memory"), "from supabase_legacy to postgres"),
        (("canary", "start", "expenses", "--steps", "50,5"), "each more than the one before"),
        (("canary", "start", "expenses", "--steps", "5,x"), "percentage"),
        (("canary", "start", "expenses", "--hold", "2"), "90s, 30m, 2h or 1d"),
        (("canary", "abort", "expenses"), "follows no plan"),
        (("canary", "resume", "expenses"), "follows no plan"),
    ],
)
def test_a_mistake_is_one_line_and_exit_1(run: Run, words: tuple[str, ...], said: str) -> None:
    ended = run(*words)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_canary_is_started_aborted_resumed_and_shown(run: Run, tables: Tables) -> None:
    started = run.lines("canary", "start", "expenses", "--steps", "5,25,100", "--hold", "30m", "--group", "money")
    assert started == ["expenses: 5 % to postgres, held until 2026-05-01 12:30:00 UTC or longer"]
    assert tables.rows["expenses"].flag == "canary:5:money"
    assert run.lines("canary", "abort", "expenses") == ["expenses: aborted at 5 %"]
    assert tables.rows["expenses"].flag == "canary:0:money"
    tables.tick(60)
    assert run.lines("canary", "resume", "expenses")[0].startswith("expenses: 5 %, held until 2026-05-01 12:31:00")
    assert tables.rows["expenses"].flag == "canary:5:money"
    shown = run.lines("canary", "status", "expenses")
    assert shown[0] == "plan: running, steps [5] 25 100 % to postgres: resumed"
    assert [line.split(" by ")[0].split(" ")[-1] for line in shown[-3:]] == ["started", "aborted", "resumed"]
    assert run.lines("canary", "status", "users") == ["no canary"]


def test_a_domain_under_a_plan_takes_no_flag_and_a_held_one_nothing_but_clear(run: Run, tables: Tables) -> None:
    run.lines("canary", "start", "expenses")
    assert "follows a plan" in run("flags", "set", "expenses", "postgres").stderr
    assert "follows a plan" in run("canary", "start", "expenses").stderr
    run.lines("flags", "clear", "expenses")
    tables.put("expenses", "supabase_legacy", held=True)
    for words in (("flags", "set", "expenses", "postgres"), ("canary", "start", "expenses")):
        assert "was rolled back at 2026-05-01 12:00 UTC" in run(*words).stderr
    run.lines("flags", "clear", "expenses")
    run.lines("canary", "start", "expenses")


def test_status_is_lines_for_a_pipe_and_json_for_a_program(run: Run, tables: Tables) -> None:
    run.lines("canary", "start", "expenses")
    tables.counted = {(n,): each for n, each in enumerate(minutes("postgres", errors=4, bucket=90, count=2))}
    heads, expenses, users = run.lines("status")
    named = dict(zip(heads.split("\t"), expenses.split("\t"), strict=True))
    last = named.pop("last event")
    assert last.startswith("05-01 12:00:00 started: canary:5; steps 5 %, 25 %, 50 %, 100 %")
    assert named == {
        "domain": "expenses",
        "mode": "canary",
        "percent": "5",
        "state": "warming",
        "requests": "200",
        "errors": "4.00%",
        "error ratio": "",
        "p95 ratio": "",
        "mismatches": "",
    }
    assert users.split("\t")[:5] == ["users", "supabase_legacy", "", "", "0"]
    as_json = json.loads(run("status", "--json").stdout)
    assert [(each["domain"], each["requests"], each["source"]) for each in as_json] == [
        ("expenses", 200, "table"),
        ("users", 0, "settings"),
    ]
    assert {each["units"].partition(":")[0] for each in as_json} == {"no units of work"}


async def test_status_of_a_held_domain_is_rolled_back(tables: Tables) -> None:
    domains = rollout.domains(Settings(adapter="supabase_legacy"))
    tables.put("expenses", "supabase_legacy", held=True)
    flags = Flags(domains, rollout.sources(domains, table=tables, environment={}))
    await flags.refresh()
    await flags.close()
    lines = {each.domain: each for each in await overview(tables, flags.current(), tables.now)}
    assert (lines["expenses"].state, lines["users"].state) == ("rolled_back", "")
    assert rollout_screen.status_table(list(lines.values())).row_count == len(lines)


@pytest.mark.parametrize("width", [80, 160])
async def test_the_table_of_a_terminal_has_every_field_on_a_line_of_its_domain(tables: Tables, width: int) -> None:
    domains = rollout.domains(Settings(adapter="supabase_legacy", contexts="users,expenses"), resolve(["expenses"]))
    tables.put("expenses", "canary:12.25")
    facts = {"fault_ratio": 1.254, "p95_ratio": 0.5}
    tables.staged["expenses"] = StageRow(
        domain="expenses", plan=None, stage="1", since=START, state="inconclusive", facts=facts, judged_at=START
    )
    row = attrs.evolve(minutes("postgres", errors=4, bucket=90, count=1)[0], compared=9000, mismatches=1)
    tables.counted = {("one",): attrs.evolve(row, calls=123_456)}
    await tables.record("expenses", "set", f"flag [set] to canary:100: {'x' * 200}", by="me", facts={})
    flags = Flags(domains, rollout.sources(domains, table=tables, environment={}))
    await flags.refresh()
    await flags.close()
    target = io.StringIO()
    view = rollout_screen.status_view(await overview(tables, flags.current(), tables.now), "units: here")
    Console(file=target, width=width, emoji=False).print(view)
    lines = [line.rstrip() for line in target.getvalue().splitlines()]
    cells = ["expenses", "canary", "12.25", "%", "inconclusive", "123456", "0.00%", "1.25", "0.50", "1/9000"]
    assert next(line.split() for line in lines if line.startswith("expenses ")) == cells
    assert next(line for line in lines if line.startswith("expenses: ")).startswith(
        "expenses: 05-01 12:00:00 set: flag [set] to canary:100: xx"
    )
    assert (lines[-1], max(map(len, lines)) <= width) == ("units: here", True)


def test_a_report_is_one_file(run: Run, tables: Tables, tmp_path: Path) -> None:
    run.lines("canary", "start", "expenses")
    tables.counted = {(n,): each for n, each in enumerate(minutes("postgres", errors=4, bucket=90, count=2))}
    tables.tick(180)
    target = tmp_path / "report.html"
    assert run.lines("canary", "report", "expenses", "--since", "2h", "--output", str(target)) == [str(target)]
    assert "started" in read(target.read_text())


def test_times_have_units() -> None:
    given = {"90s": 90, "30m": 1800, "2h": 7200, "1.5d": 129_600}
    assert {text: rollout_commands.seconds(text) for text in given} == given
    for wrong in ("2", "h", "-1h", "1w", ""):
        with pytest.raises(PlanError):
            rollout_commands.seconds(wrong)
