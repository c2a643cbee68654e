"""What every command may be given: the database and the contexts, over the settings. And how an error is shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import attrs
import typer
from rich.console import Console

from homeport.kernel.errors import RepositoryError
from homeport.settings import Settings, load

console = Console(highlight=False, soft_wrap=True, emoji=False)  # `canary:100:` is a flag's beginning
errors = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", help="The owner's URL; HOMEPORT_DATABASE_URL if not given.")
]
ContextNames = Annotated[
    str | None,
    typer.Option("--contexts", help="Names or module:NAME, with commas; HOMEPORT_CONTEXTS if not given."),
]


@contextmanager
def shown_errors() -> Iterator[None]:
    """An error of Homeport's as one line, and exit status 1; any other with its traceback."""
    try:
        yield
    except RepositoryError as error:
        errors.print(f"[red]{type(error).__name__}[/red]:", end=" ")
        errors.print(str(error), markup=False)
        raise typer.Exit(1) from error


def settings(database_url: str | None, contexts: str | None) -> Settings:
    """The settings with what the command line gives over them."""
    found = load()
    if database_url is not None:
        found = attrs.evolve(found, database_url=database_url)
    if contexts is not None:
        found = attrs.evolve(found, contexts=contexts)
    return found
