"""A unit: the statements of one operation's answer, as a database function has them. Knows no operation."""

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeAlias

from homeport.adapters.memory.engine import Engine
from homeport.adapters.memory.statements import change_all, remove_all
from homeport.kernel.binding import bind
from homeport.kernel.entity import E
from homeport.kernel.errors import InvalidField
from homeport.kernel.predicates import Predicate
from homeport.kernel.query import Moment, OrderBy, Select, total_order
from homeport.kernel.table import Row, Table


class Unit:
    """One atomic step over the engine; `now` is the same moment throughout.

    Predicates are as built, not bound. They say themselves which rows are live: soft delete is not added.

    Raises everywhere:
        InvalidField, InvalidValue: a name or value that is not the table's.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._catalog = engine.catalog
        self.now: dt.datetime = engine.now()

    def find(self, table: Table[E], predicate: Predicate, order: OrderBy = ()) -> list[E]:
        """The rows in the order, ties broken by the key; empty if none."""
        here = self._catalog.table(table)
        bound = bind(predicate, here, self._catalog)
        return self._engine.select(Select("unit.find", here, bound, total_order(here, order)))

    def insert(self, table: Table[E], row: Row) -> E:
        """The row as stored, defaults filled in. Raises RepositoryConstraintError."""
        here = self._catalog.table(table)
        heap, given = self._engine.heap(here), _admitted(here, row)
        with self._engine.statement(self.now) as work:
            written = work.add(heap, work.proposed(heap, given))
        return self._engine.shown(here, [written])[0]

    def update(self, table: Table[E], predicate: Predicate, changes: Row) -> list[E]:
        """The rows as changed, in no promised order; empty if none was meant. Raises RepositoryConstraintError."""
        here = self._catalog.table(table)
        bound = bind(predicate, here, self._catalog)
        written = change_all(self._engine, here, bound, _admitted(here, changes), self.now)
        return self._engine.shown(here, written)

    def delete(self, table: Table[Any], predicate: Predicate) -> int:
        """How many rows were meant and are gone. Raises ForeignKeyViolation."""
        here = self._catalog.table(table)
        return remove_all(self._engine, here, bind(predicate, here, self._catalog), self.now)


Answer: TypeAlias = Callable[[Unit, Any], list[Any]]
"""Memory's form of an operation: its parameter in, the result entities out, none for a function without a row."""


def _admitted(table: Table[Any], given: Row) -> dict[str, object]:
    admitted: dict[str, object] = {}
    for name, value in given.items():
        column = table.require(name)
        if not column.stored:
            raise InvalidField(f"{table.name}.{name} is computed by the database", field=name)
        admitted[name] = value if value is Moment.NOW else column.admit(value)
    return admitted
