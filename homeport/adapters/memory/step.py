"""A step: the statements of one operation's answer, as a database function has them. Knows no operation."""

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeAlias

from homeport.adapters.memory.engine import Engine
from homeport.adapters.memory.policies import Access
from homeport.adapters.memory.statements import change_all, insert, remove_all, select
from homeport.kernel.binding import bind
from homeport.kernel.entity import E
from homeport.kernel.errors import InvalidField
from homeport.kernel.predicates import Predicate
from homeport.kernel.query import Insert, Moment, OrderBy, Select, total_order
from homeport.kernel.table import Row, Table


class Step:
    """One atomic step over the engine; `now` is the same moment throughout.

    Predicates are as built, not bound. They say themselves which rows are live: soft delete is not added. The caller's
    row policies apply, as in a function with its caller's rights: rows are found that it may read, and what it writes
    it has to be allowed to write.

    Raises everywhere:
        InvalidField, InvalidValue: a name or value that is not the table's.
        RepositoryPermissionError, RowSecurity: what the caller may not do.
    """

    def __init__(self, engine: Engine, access: Access | None = None) -> None:
        self._engine = engine
        self._access = access
        self._catalog = engine.catalog
        self.now: dt.datetime = engine.now()

    def find(self, table: Table[E], predicate: Predicate, order: OrderBy = ()) -> list[E]:
        """The rows in the order, ties broken by the key; empty if none."""
        here = self._catalog.table(table)
        bound = bind(predicate, here, self._catalog)
        return select(self._engine, Select("step.find", here, bound, total_order(here, order)), self._access)

    def insert(self, table: Table[E], row: Row) -> E:
        """The row as stored, defaults filled in. Raises RepositoryConstraintError."""
        here = self._catalog.table(table)
        command = Insert("step.insert", here, (_admitted(here, row),))
        return insert(self._engine, command, self._access, self.now).rows[0]

    def update(self, table: Table[E], predicate: Predicate, changes: Row) -> list[E]:
        """The rows as changed, in no promised order; empty if none was meant. Raises RepositoryConstraintError."""
        here = self._catalog.table(table)
        bound = bind(predicate, here, self._catalog)
        written = change_all(self._engine, here, bound, _admitted(here, changes), access=self._access, now=self.now)
        return self._engine.shown(here, written)

    def delete(self, table: Table[Any], predicate: Predicate) -> int:
        """How many rows were meant and are gone. Raises ForeignKeyViolation."""
        here = self._catalog.table(table)
        return remove_all(self._engine, here, bind(predicate, here, self._catalog), access=self._access, now=self.now)


Answer: TypeAlias = Callable[[Step, Any], list[Any]]
"""Memory's form of an operation: its parameter in, the result entities out, none for a function without a row."""


def _admitted(table: Table[Any], given: Row) -> dict[str, object]:
    admitted: dict[str, object] = {}
    for name, value in given.items():
        column = table.require(name)
        if not column.stored:
            raise InvalidField(f"{table.name}.{name} is computed by the database", field=name)
        admitted[name] = value if value is Moment.NOW else column.admit(value)
    return admitted
