"""The commands of `homeport`. Each reads the settings, asks the composition, and prints."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

import homeport
from homeport.cli import demo_command, given, rollout_commands
from homeport.cli.given import ContextNames, DatabaseUrl, console
from homeport.composition import maintenance
from homeport.composition.drafting import draft_migrations
from homeport.contexts import SHIPPED, load, resolve
from homeport.settings import SettingsError

_HELP = "Typed repositories over PostgreSQL, memory and the legacy Supabase API."
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False, help=_HELP)
migrate = typer.Typer(no_args_is_help=True, help="The tables of the installed contexts.")
schema = typer.Typer(no_args_is_help=True, help="What the database holds, beside what is declared.")
app.add_typer(migrate, name="migrate")
app.add_typer(schema, name="schema")
app.add_typer(rollout_commands.flags, name="flags")
app.add_typer(rollout_commands.canary, name="canary")
app.command()(rollout_commands.status)
app.command()(demo_command.demo)


@migrate.command()
def up(database_url: DatabaseUrl = None, contexts: ContextNames = None) -> None:
    """Bring the tables up to date."""
    with given.shown_errors():
        settings = given.settings(database_url, contexts)
        ran = asyncio.run(maintenance.migrate_up(settings.required("database_url"), settings.contexts))
    _lines(ran, none="up to date")


@migrate.command()
def down(
    database_url: DatabaseUrl = None,
    contexts: ContextNames = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Take the tables of the contexts away, with all rows in them."""
    with given.shown_errors():
        settings = given.settings(database_url, contexts)
        url = settings.required("database_url")
        names = [load(each).name for each in settings.contexts]
        if not names:
            raise SettingsError("no contexts: name those whose tables are to go")
    if not yes:
        typer.confirm(f"Drop the tables of {', '.join(names)} with all their rows?", abort=True)
    with given.shown_errors():
        undone = asyncio.run(maintenance.migrate_down(url, settings.contexts))
    _lines(undone, none="nothing to undo")


@migrate.command()
def generate(
    context: Annotated[str, typer.Argument(help="module:NAME of the context, or a shipped one's name.")],
    folder: Annotated[Path | None, typer.Option("--folder", help="Where to; the context's own if not given.")] = None,
) -> None:
    """Draft a new context's first migration from its tables. It is to be read before it is committed."""
    with given.shown_errors():
        found = load(context)
        files, target = draft_migrations(found), folder or found.migrations
        if target is None:
            raise SettingsError(f"{found.name} names no folder of migrations: give --folder")
        if any(target.glob("*.sql")):
            raise SettingsError(f"{found.name} has migrations already: write the next one by hand, or give --folder")
    target.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (target / name).write_text(text, encoding="utf-8")
    _lines([f"{target / name}" for name in files], none="nothing to draft")


@migrate.command()
def status(database_url: DatabaseUrl = None, contexts: ContextNames = None) -> None:
    """Say which migrations have run."""
    with given.shown_errors():
        settings = given.settings(database_url, contexts)
        lines = asyncio.run(maintenance.migration_status(settings.required("database_url"), settings.contexts))
    _lines(lines, none="no migrations")


@migrate.command()
def logins(database_url: DatabaseUrl = None) -> None:
    """Make the two logins that serve and own nothing. Passwords are asked for; an empty one skips its login."""
    with given.shown_errors():
        url = given.settings(database_url, None).required("database_url")
    service, authenticator = (
        typer.prompt(f"Password for {name}", default="", show_default=False, hide_input=True)
        for name in ("homeport_service", "authenticator")
    )
    with given.shown_errors():
        made = asyncio.run(maintenance.create_logins(url, authenticator=authenticator or None, service=service or None))
    _lines(made, none="none made")


@schema.command()
def check(database_url: DatabaseUrl = None, contexts: ContextNames = None) -> None:
    """Compare the database with the declared tables; exit with 1 where they differ."""
    with given.shown_errors():
        settings = given.settings(database_url, contexts)
        url = settings.required("database_url")
        differences = asyncio.run(maintenance.check_schema(url, settings.contexts, settings.tables))
    _lines(differences, none="as declared")
    if differences:
        raise typer.Exit(1)


@app.command()
def contexts(names: ContextNames = None) -> None:
    """List the contexts: those that are set, or else all shipped ones."""
    with given.shown_errors():
        settings = given.settings(None, names)
        listed = resolve(settings.contexts) if settings.contexts else [load(name) for name in SHIPPED]
        shown = Table("context", "adapter", "tables", "requires")
        for each in listed:
            tables = ", ".join(table.name for table in each.tables)
            shown.add_row(each.name, settings.serving(each.name), tables, ", ".join(each.requires))
    console.print(shown)


@app.command()
def version() -> None:
    """Print Homeport's version."""
    console.print(homeport.__version__)


def _lines(lines: list[str], *, none: str) -> None:
    for line in lines or [none]:
        console.print(line, markup=False)
