"""The command line: what it reads, asks for, prints, and how it ends. What runs on a server is tested there."""

import subprocess
import sys
from collections.abc import Mapping

import pytest
from typer.testing import CliRunner, Result

import homeport
from homeport.cli.app import app
from homeport.composition import maintenance
from homeport.contexts import SHIPPED
from homeport.kernel.errors import RepositoryUnavailableError

URL = "postgresql://owner:secret@host/db"
WITH_DATABASE = {"HOMEPORT_DATABASE_URL": URL, "HOMEPORT_CONTEXTS": "calendar"}


class Asked:
    """Stands for a server: what was asked of it, and what it answers."""

    def __init__(self, *answer: str, error: Exception | None = None) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.answer, self.error = list(answer), error

    async def __call__(self, *given: object, **named: object) -> list[str]:
        self.calls.append((*given, named) if named else given)
        if self.error is not None:
            raise self.error
        return self.answer


def run(*words: str, environment: Mapping[str, str] | None = None, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, words, env={"COLUMNS": "200", **(environment or {})}, input=typed)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOMEPORT_DATABASE_URL", "DATABASE_URL", "ASYNC_DATABASE_URL", "HOMEPORT_CONTEXTS", "HOMEPORT_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def test_version_is_the_packages() -> None:
    assert run("version").stdout == f"{homeport.__version__}\n"


def test_contexts_lists_all_shipped_ones_with_their_tables() -> None:
    listed = run("contexts").stdout
    assert all(name in listed for name in SHIPPED)
    assert "calendar_events" in listed


def test_contexts_lists_those_that_are_set_with_what_they_require_and_their_adapters() -> None:
    listed = run("contexts", "--contexts", "calendar", environment={"HOMEPORT_CALENDAR": "memory"}).stdout
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in listed.splitlines() if line.startswith("│")]
    assert rows == [
        ["users", "postgres", "users, user_credentials", ""],
        ["calendar", "memory", "calendar_events", "users"],
    ]


@pytest.mark.parametrize(
    ("words", "function", "none"),
    [
        (("migrate", "up"), "migrate_up", "up to date"),
        (("migrate", "down", "--yes"), "migrate_down", "nothing to undo"),
        (("migrate", "status"), "migration_status", "no migrations"),
        (("schema", "check"), "check_schema", "as declared"),
    ],
)
def test_each_command_asks_the_database_that_is_set(
    words: tuple[str, ...], function: str, none: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked()
    monkeypatch.setattr(maintenance, function, asked)
    ended = run(*words, environment=WITH_DATABASE)
    assert (ended.exit_code, ended.stdout) == (0, f"{none}\n")
    assert asked.calls[0][:2] == (URL, ("calendar",))


def test_options_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "migrate_up", asked := Asked("users 0001_users", "[bold]"))
    ended = run("migrate", "up", "--database-url", "postgresql://x/y", "--contexts", "users", environment=WITH_DATABASE)
    assert asked.calls == [("postgresql://x/y", ("users",))]
    assert ended.stdout == "users 0001_users\n[bold]\n"


def test_down_asks_first_and_names_what_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "migrate_down", asked := Asked("undone"))
    refused = run("migrate", "down", environment=WITH_DATABASE, typed="n\n")
    assert (refused.exit_code, asked.calls) == (1, [])
    assert "Drop the tables of calendar with all their rows?" in refused.stdout
    assert run("migrate", "down", environment=WITH_DATABASE, typed="y\n").stdout.endswith("undone\n")


def test_logins_asks_for_passwords_and_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "create_logins", asked := Asked("homeport_service"))
    ended = run("migrate", "logins", environment=WITH_DATABASE, typed="pass word\n\n")
    assert asked.calls == [(URL, {"service": "pass word", "authenticator": None})]
    assert ended.stdout.endswith("homeport_service\n")
    assert "pass word" not in ended.output


def test_a_schema_that_differs_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "check_schema", Asked("users.email: text, not varchar(255)"))
    ended = run("schema", "check", environment=WITH_DATABASE)
    assert (ended.exit_code, ended.stdout) == (1, "users.email: text, not varchar(255)\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("migrate", "up", "--contexts", "users"), "SettingsError: database_url is missing: set HOMEPORT_DATABASE_URL"),
        (("contexts", "--contexts", "calender"), "SettingsError: no context 'calender'; did you mean calendar?"),
        (("migrate", "down", "--database-url", URL), "SettingsError: no contexts"),
    ],
)
def test_a_mistake_is_one_line_and_ends_with_1(words: tuple[str, ...], message: str) -> None:
    ended = run(*words)
    assert ended.exit_code == 1
    assert ended.stderr.startswith(message)
    assert ended.stderr.count("\n") == 1
    assert "secret" not in ended.output


def test_a_server_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "migration_status", Asked(error=RepositoryUnavailableError("not reached")))
    ended = run("migrate", "status", environment=WITH_DATABASE)
    assert (ended.exit_code, ended.stderr) == (1, "RepositoryUnavailableError: not reached\n")


def test_the_demo_is_imported_when_it_runs() -> None:
    program = "import sys, homeport.cli.app; sys.exit('homeport.cli.demo' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert "operations" in run("demo", "--help").stdout


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_it_says_how_to_get_it(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from homeport.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr == f"homeport's command line needs {missing}: pip install 'homeport[cli]'\n"


def test_it_runs_as_a_module() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "homeport.cli", "version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout.strip()) == (0, homeport.__version__)
