"""A bounded context as a value: all that is installed, found and opened together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import attrs

from homeport.kernel.operation import Operation
from homeport.kernel.table import Table
from homeport.ports.store import Store

PortT_co = TypeVar("PortT_co", covariant=True)


@attrs.frozen(eq=False)
class Context(Generic[PortT_co]):
    """The typed key of a repository: `db.repository(EXPENSES)` is an `ExpenseRepository`.

    Attributes:
        name: lower case, unique among the installed ones; also the name of its setting, `HOMEPORT_EXPENSES`.
        build: makes the repository over a store; usually the repository class itself.
        tables: its tables and views, parents before children.
        operations: what its repository runs beyond the query algebra.
        migrations: the folder of its SQL files; None for a context without tables of its own.
        requires: names of contexts whose tables its own refer to in every installation.
        memory_answers: dotted path of the module whose ANSWERS holds memory's form of the operations.
    """

    name: str
    build: Callable[[Store], PortT_co]
    tables: tuple[Table[Any], ...] = ()
    operations: tuple[Operation[Any, Any], ...] = ()
    migrations: Path | None = None
    requires: tuple[str, ...] = ()
    memory_answers: str | None = None
