"""What document 000 names, read from `tests/data`: its methods with their parameters, and its tables."""

import ast
from collections.abc import Mapping
from pathlib import Path

import attrs

DATA = Path(__file__).parents[1] / "data"
PORTS = {
    "BaseRepository": "base",
    "ExpenseRepository": "expenses",
    "TripRepository": "trips",
    "VehicleRepository": "vehicles",
    "ProfileRepository": "profiles",
    "SocialRepository": "social",
    "ShopRepository": "affiliate_shop",
    "BudgetRepository": "budgets",
    "CalendarRepository": "calendar",
    "StorageRepository": "household_storage",
    "PamRepository": "pam",
    "AuthRepository": "access",
    "TransitionRepository": "transition_plan",
    "LaunchRepository": "transition_launch",
}
"""The contexts of the document's classes; the second half of the transition tables has a port of its own."""


@attrs.frozen
class Documented:
    """One method as the document writes it. `defaults` are those of the parameters that have one there."""

    port: str
    name: str
    parameters: tuple[str, ...]
    defaults: Mapping[str, object]
    answer: str

    @property
    def context(self) -> str:
        return PORTS[self.port]

    def __str__(self) -> str:
        return f"{self.port}.{self.name}"


def methods() -> list[Documented]:
    found, port = [], ""
    for line in _lines("document_000_methods.txt"):
        if line.endswith(":"):
            port = line.removesuffix(":")
        else:
            found.append(_method(port, line.strip()))
    return found


def tables() -> dict[str, str]:
    """The class that the document's map names, by table."""
    return dict(line.split() for line in _lines("document_000_tables.txt"))


def _lines(name: str) -> list[str]:
    text = (DATA / name).read_text(encoding="utf-8")
    return [line.rstrip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _method(port: str, signature: str) -> Documented:
    (made,) = ast.parse(f"def {signature}: ...").body
    assert isinstance(made, ast.FunctionDef)
    assert made.returns is not None
    names = tuple(each.arg for each in made.args.args)
    optional = names[len(names) - len(made.args.defaults) :]
    defaults = dict(zip(optional, map(ast.literal_eval, made.args.defaults), strict=True))
    return Documented(port, made.name, names, defaults, ast.unparse(made.returns))
