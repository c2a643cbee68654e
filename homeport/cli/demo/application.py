"""Finds the application that a demonstration runs: examples/backend/app.py, of which a wheel carries a copy."""

import importlib.util
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol, cast

from homeport.composition import Homeport

_NAME = "homeport_example_backend"
_SHIPPED = Path(__file__).parent / "examples" / "backend" / "app.py"
_IN_REPOSITORY = Path(__file__).parents[3] / "examples" / "backend" / "app.py"


class Answer(Protocol):
    """What one operation of the application answered: a value, or the error that refused it."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> object: ...
    @property
    def seconds(self) -> float: ...


class Run(Protocol):
    """The application's traffic: the same questions for the same seed, as long as the answers are the same."""

    def __call__(self, db: Homeport, *, seed: int, operations: int) -> AsyncIterator[Answer]: ...


def load() -> Run:
    """The application's `run`. Raises FileNotFoundError where neither copy is there."""
    path = _SHIPPED if _SHIPPED.exists() else _IN_REPOSITORY
    spec = importlib.util.spec_from_file_location(_NAME, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module
    spec.loader.exec_module(module)
    return cast("Run", module.run)
