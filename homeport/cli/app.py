"""The commands of `homeport`. Each reads the settings, asks the composition, and prints."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table

import homeport
from homeport.cli import given
from homeport.cli.given import ContextNames, DatabaseUrl, console
from homeport.composition import maintenance
from homeport.contexts import SHIPPED, load, resolve

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Typed repositories over PostgreSQL.")
migrate = typer.Typer(no_args_is_help=True, help="The tables of the installed contexts.")
schema = typer.Typer(no_args_is_help=True, help="What the database holds, beside what is declared.")
app.add_typer(migrate, name="migrate")
app.add_typer(schema, name="schema")


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
        url, names = settings.required("database_url"), [each.name for each in resolve(settings.contexts)]
    if not yes:
        typer.confirm(f"Drop the tables of {', '.join(names)} with all their rows?", abort=True)
    with given.shown_errors():
        undone = asyncio.run(maintenance.migrate_down(url, settings.contexts))
    _lines(undone, none="nothing to undo")


@migrate.command()
def status(database_url: DatabaseUrl = None, contexts: ContextNames = None) -> None:
    """Say which migrations have run."""
    with given.shown_errors():
        settings = given.settings(database_url, contexts)
        lines = asyncio.run(maintenance.migration_status(settings.required("database_url"), settings.contexts))
    _lines(lines, none="no migrations")


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


@app.command()
def demo() -> None:
    """Show the whole way from Supabase to PostgreSQL, on this machine."""
    from homeport.cli.demo import main

    with given.shown_errors():
        main()


def _lines(lines: list[str], *, none: str) -> None:
    for line in lines or [none]:
        console.print(line, markup=False)
