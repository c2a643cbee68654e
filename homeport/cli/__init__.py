"""The command `homeport`. It needs the extra `cli`; without it, it says how to get it."""

import sys


def main() -> None:
    """Runs the command line and ends the process."""
    try:
        from homeport.cli.app import app
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("rich", "typer"):
            raise
        sys.exit(f"homeport's command line needs {error.name}: pip install 'homeport[cli]'")
    app()
