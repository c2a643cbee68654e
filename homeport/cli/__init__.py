"""The command `homeport`. It needs the extra `cli`; without it, it says how to get it."""

import sys


def main() -> None:
    """Runs the command line and ends the process."""
    try:
        from homeport.cli.app import app
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("rich", "typer"):
            raise
        sys.exit(f"homeport's command line needs {missing}: pip install 'homeport[cli]'")
    app()
