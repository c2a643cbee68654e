"""Where the shipped contexts' migrations lie."""

from pathlib import Path

import homeport.migrations


def shipped(context: str) -> Path:
    """The folder with the SQL files of a shipped context."""
    return Path(homeport.migrations.__file__).parent / context
