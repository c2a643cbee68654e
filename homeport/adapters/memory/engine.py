"""The engine: the installed tables' heaps, and statements over them that happen whole or not at all.

Synchronous and free of input and output: one call is one step on the event loop, which is what makes it atomic.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from homeport.adapters.memory.audit import faults
from homeport.adapters.memory.clock import Clock
from homeport.adapters.memory.heap import Covers, Heap, Shower
from homeport.adapters.memory.ordering import Sorter, sorter
from homeport.adapters.memory.plans import Plan, written
from homeport.adapters.memory.predicates import Filter
from homeport.adapters.memory.references import Work, tie
from homeport.adapters.memory.shapes import Shape, Values, shape_of
from homeport.adapters.memory.undo import Undo, rewind
from homeport.kernel.binding import bind
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E, Entity
from homeport.kernel.errors import QueryError, SchemaMismatch
from homeport.kernel.predicates import Predicate
from homeport.kernel.query import Order, Select
from homeport.kernel.table import Table

_MOST_SHAPES = 2000


@attrs.frozen(eq=False)
class Mark:
    """A moment to go back to."""

    position: int


class Source:
    """What a table's name stands for in a query: a heap and how its rows are shown, with all compiled for it."""

    def __init__(self, heap: Heap, shower: Shower) -> None:
        self.heap = heap
        self.shown = shower.shown
        self.converts = not shower.same
        self.plans: dict[Shape, Plan] = {}
        self.sorters: dict[tuple[Order, ...], Sorter] = {}


class Engine:
    """Rows of one deployment.

    Raises everywhere:
        SchemaMismatch: a table that is not installed.
    """

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self.catalog = catalog
        self._clock = clock
        self._undo: Undo = []
        self._depth = 0
        self._marks: list[Mark] = []
        self._sources: dict[Table[Any], Source] = {}
        for each in catalog.tables:
            if each.view_of is None:
                heap = Heap(each, self._undo, self._covering(each))
                self._sources[each] = Source(heap, Shower(each, each))
        self.heaps = tuple(each.heap for each in self._sources.values())
        for each in catalog.tables:
            if each.view_of is not None:
                self._sources[each] = self._view(each, each.view_of)
        self._ties = tie(self.heaps, self._named)

    # -- reading

    def select(self, query: Select[E], user: object = None) -> list[E]:
        """The rows in the query's order; the list is the caller's own."""
        source = self._sources.get(query.table) or self._source(query.table)
        values: Values = []
        shape = shape_of(query.where, user, values)
        plan = source.plans.get(shape) or self._compiled(source, shape, query.where)
        rows: list[Any] = plan.rows(values)
        if query.order and len(rows) > 1:
            rows = self._sorter(source, query.order)(rows)
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
        """The time of a new statement."""
        moment = self._clock()
        if moment.utcoffset() is None:
            raise QueryError("the memory engine's clock has no time zone")
        return moment.astimezone(dt.UTC)

    @contextmanager
    def statement(self, now: dt.datetime | None = None) -> Iterator[Work]:
        """One statement: its ties fire at the end; whatever fails leaves nothing of it."""
        with self.atomic():
            work = Work(self._ties, self.now() if now is None else now)
            yield work
            work.settle()

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All of it or nothing. Only identities' numbers are not given back."""
        position = len(self._undo)
        self._depth += 1
        try:
            yield
        except BaseException:
            rewind(self._undo, position)
            raise
        finally:
            self._depth -= 1
        if not self._depth and not self._marks:
            self._undo.clear()

    def mark(self) -> Mark:
        """This moment, for `restore`. From the first mark on, all that is written is remembered."""
        if not self._marks or self._marks[-1].position < len(self._undo):
            self._marks.append(Mark(len(self._undo)))
        return self._marks[-1]

    def restore(self, mark: Mark) -> None:
        """Go back to the mark, which stays good; later ones don't. Raises QueryError for a mark that is not good."""
        if mark not in self._marks:
            raise QueryError("this mark is not of this engine, or lies after one that was restored")
        rewind(self._undo, mark.position)
        del self._marks[self._marks.index(mark) + 1 :]

    def check(self) -> list[str]:
        """What of the indexes, counters and constraints does not agree with the rows; empty if all does."""
        return faults(self.heaps, self._ties)

    # -- compiling

    def _planned(self, source: Source, where: Predicate, user: object) -> tuple[Plan, Values]:
        values: Values = []
        shape = shape_of(where, user, values)
        return source.plans.get(shape) or self._compiled(source, shape, where), values

    def _compiled(self, source: Source, shape: Shape, where: Predicate) -> Plan:
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
            values: Values = []
            bound = bind(where, table, self.catalog)
            shape_of(bound, None, values)
            return Filter(*written(table, (bound,), self._plan)).test(values)

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
