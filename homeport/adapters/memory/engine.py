"""The engine: the installed tables' heaps, and statements over them that happen whole or not at all.

Synchronous and free of input and output: one call is one step on the event loop, which is what makes it atomic.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

from homeport.adapters.memory.audit import faults
from homeport.adapters.memory.clock import Clock
from homeport.adapters.memory.heap import Covers, Heap, Shower
from homeport.adapters.memory.journal import Journal
from homeport.adapters.memory.locks import Locks
from homeport.adapters.memory.ordering import Sorter, sorter
from homeport.adapters.memory.parties import Party
from homeport.adapters.memory.plans import Plan, written
from homeport.adapters.memory.predicates import Filter, Probe
from homeport.adapters.memory.references import Statement, Work
from homeport.adapters.memory.serial import Notes
from homeport.adapters.memory.shapes import Shape, Values, shape_of
from homeport.adapters.memory.ties import tie
from homeport.kernel.binding import bind
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E, Entity
from homeport.kernel.errors import QueryError, SchemaMismatch
from homeport.kernel.predicates import Predicate
from homeport.kernel.query import Form, Order, Select
from homeport.kernel.table import Table
from homeport.kernel.units import Wait

_MOST_SHAPES = 2000


class Source:
    """What a table's name stands for in a query: a heap and how its rows are shown, with all compiled for it."""

    def __init__(self, heap: Heap, shower: Shower) -> None:
        self.heap = heap
        self.shown = shower.shown
        self.converts = not shower.same
        self.plans: dict[Shape | Form, Plan] = {}
        self.sorters: dict[tuple[Order, ...], Sorter] = {}


class Engine:
    """Rows of one deployment: what is committed, and on top of it what one unit at a time sees.

    Raises everywhere:
        SchemaMismatch: a table that is not installed.
    """

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self.catalog = catalog
        self._clock = clock
        self.journal = Journal()
        self.locks = Locks()
        self.party: Party | None = None
        """Whose step it is; None while no unit is open."""
        self.notes: Notes | None = None
        """Where the step's reads are noted, if anybody asks for them."""
        self._sources: dict[Table[Any], Source] = {}
        for each in catalog.tables:
            if each.view_of is None:
                heap = Heap(each, self.journal.undo, self._covering(each))
                self._sources[each] = Source(heap, Shower(each, each))
        self.heaps = tuple(each.heap for each in self._sources.values())
        self.journal.about(self.heaps)
        for each in catalog.tables:
            if each.view_of is not None:
                self._sources[each] = self._view(each, each.view_of)
        self._ties = tie(self.heaps, self._named)

    # -- reading

    def select(self, query: Select[E], user: object = None) -> list[E]:
        """The rows in the query's order; the list is the caller's own."""
        try:
            source = self._sources[query.table]
        except KeyError:
            source = self._source(query.table)
        shape: Shape | Form | None = query.form
        values: Values = query.values
        if shape is None:
            taken: list[Any] = []
            shape, values = shape_of(query.where, user, taken), taken
        try:
            plan = source.plans[shape]
        except KeyError:
            plan = self._compiled(source, shape, query.where)
        if self.notes is not None:
            self.notes.rows(plan, values)
        rows: list[Any] = plan.rows(values)
        if query.order and len(rows) > 1:
            rows = self._sorter(source, query.order)(rows)
        if query.lock is not None:
            rows = self._locked(source.heap, rows, query, query.lock)
        if query.offset or query.limit is not None:
            rows = rows[query.offset : None if query.limit is None else query.offset + query.limit]
        return source.shown(rows) if source.converts else rows

    def count(self, query: Select[Any], user: object = None) -> int:
        """How many rows `select` answers."""
        plan, values = self._planned(self._source(query.table), query.where, user)
        most = None if query.limit is None else query.offset + query.limit
        return max(0, plan.count(values, most) - query.offset)

    def matching(self, table: Table[Any], where: Predicate, user: object = None) -> list[Entity]:
        """The stored rows that are meant."""
        plan, values = self._planned(self._source(table), where, user)
        return plan.rows(values)

    def test(self, table: Table[Any], where: Predicate, user: object = None) -> Probe:
        """A function that says of a row, stored or not, whether it is meant; good for one statement.

        A row may lack what its table requires: policies are asked before constraints.
        """
        plan, values = self._planned(self._source(table), where, user, own=False)
        return plan.loose.test(values)

    def shown(self, table: Table[E], rows: list[Entity]) -> list[E]:
        """Stored rows as answers."""
        return self._source(table).shown(rows)

    # -- writing

    def heap(self, table: Table[Any]) -> Heap:
        """The heap to write to. Raises QueryError for a view."""
        if table.view_of is not None:
            raise QueryError(f"{table.name} is a projection and can't be written")
        return self._source(table).heap

    def now(self) -> dt.datetime:
        """The time of a new statement: its unit's, if it is in one."""
        if self.party is not None and self.party.now is not None:
            return self.party.now
        moment = self._clock()
        if moment.tzinfo is dt.UTC:
            return moment
        if moment.utcoffset() is None:
            raise QueryError("the memory engine's clock has no time zone")
        return moment.astimezone(dt.UTC)

    def statement(self, now: dt.datetime | None = None) -> Statement:
        """One statement that writes: its ties fire at the end; whatever fails leaves nothing of it."""
        if self.party is not None:
            self.party.writing()
        return Statement(self.journal, Work(self._ties, self.now() if now is None else now, self.party))

    def check(self) -> list[str]:
        """What of the indexes, counters and constraints does not agree with the rows, and what units left behind.

        Empty if all is well.
        """
        self.journal.lift()
        left = [f"{self.journal.units} units are open"] if self.journal.units else []
        return [*faults(self.heaps, self._ties), *left, *self.locks.left()]

    def _locked(self, heap: Heap, rows: list[Entity], query: Select[Any], wait: Wait) -> list[Entity]:
        """The first rows that could be locked, as many as the query needs."""
        if self.party is None or not self.party.keeps:
            raise QueryError("rows are locked until a unit ends: there is no unit here")
        self.party.writing()
        most = len(rows) if query.limit is None else query.offset + query.limit
        locked: list[Entity] = []
        for row in rows:
            if len(locked) == most:
                break
            if self.party.holding(heap, row, wait):
                locked.append(row)
        return locked

    # -- compiling

    def _planned(self, source: Source, where: Predicate, user: object, *, own: bool = True) -> tuple[Plan, Values]:
        """`own` says that the table's rows are looked at, not just those of other tables."""
        values: list[Any] = []
        shape = shape_of(where, user, values)
        plan = source.plans.get(shape) or self._compiled(source, shape, where)
        if self.notes is not None:
            (self.notes.rows if own else self.notes.inside)(plan, values)
        return plan, values

    def _compiled(self, source: Source, shape: Shape | Form, where: Predicate) -> Plan:
        if len(source.plans) >= _MOST_SHAPES:
            source.plans.clear()
        plan = source.plans[shape] = Plan(source.heap, where, self._plan)
        return plan

    def _plan(self, table: Table[Any], where: Predicate) -> Plan:
        return Plan(self._source(table).heap, where, self._plan)

    def _sorter(self, source: Source, order: tuple[Order, ...]) -> Sorter:
        found = source.sorters.get(order)
        if found is None:
            found = source.sorters[order] = sorter(source.heap.table, order)
        return found

    def _covering(self, table: Table[Any]) -> Callable[[Predicate], Covers]:
        """Compiles a partial unique's predicate: to a function of a row."""

        def covers(where: Predicate) -> Covers:
            values: list[Any] = []
            bound = bind(where, table, self.catalog)
            shape_of(bound, None, values)
            pieces, writer = written(table, (bound,), self._plan)
            return Filter(pieces, writer.names).test(values)

        return covers

    # -- finding tables

    def _source(self, table: Table[Any]) -> Source:
        found = self._sources.get(table) or self._sources.get(self.catalog.table(table))
        if found is None:
            raise SchemaMismatch(f"table {table.full_name} is not installed")
        return found

    def _named(self, schema: str, name: str) -> Heap | None:
        full = name if "." in name else f"{schema}.{name}"
        return self._source(self.catalog.named(full)).heap if self.catalog.has(full) else None

    def _view(self, view: Table[Any], of: str) -> Source:
        heap = self._named(view.schema, of)
        if heap is None:
            raise SchemaMismatch(f"{view.name} shows {of}, which is not installed")
        return Source(heap, Shower(view, heap.table))
