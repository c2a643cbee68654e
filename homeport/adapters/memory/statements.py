"""The commands over the engine: insert with its conflict rule, update, delete. Each is one statement."""

import datetime as dt
from typing import Any

from homeport.adapters.memory.constraints import unique_violation
from homeport.adapters.memory.engine import Engine
from homeport.adapters.memory.heap import Heap
from homeport.adapters.memory.references import Work
from homeport.kernel.entity import E, Entity
from homeport.kernel.errors import QueryError
from homeport.kernel.predicates import AllOf, Predicate, one_of
from homeport.kernel.query import Delete, Insert, OnConflict, Update, UpdateEach, Written
from homeport.kernel.table import Row, Table


def insert(engine: Engine, command: Insert[E]) -> Written[E]:
    """Raises RepositoryConstraintError, QueryError for an upsert of two rows that agree in the target."""
    heap = engine.heap(command.table)
    with engine.statement() as work:
        if command.conflict is None:
            written = [work.add(heap, work.proposed(heap, each)) for each in command.rows]
        else:
            written = _merged(work, heap, command, command.conflict)
    return _answer(engine, command, written)


def update(engine: Engine, command: Update[E]) -> Written[E]:
    """Raises RepositoryConstraintError."""
    return _answer(engine, command, change_all(engine, command.table, command.where, command.changes))


def update_each(engine: Engine, command: UpdateEach[E]) -> Written[E]:
    """Raises RepositoryConstraintError. Which rows are meant is decided before the first is changed."""
    heap = engine.heap(command.table)
    with engine.statement() as work:
        keys = tuple(key for key, _ in command.changes)
        meant = AllOf((one_of(heap.table.key, keys), command.where))
        rows = {heap.key(row): row for row in engine.matching(command.table, meant)}
        for key, changes in command.changes:
            if key in rows:
                work.change(heap, rows[key], heap.rules.admitted(changes, work.now))
    return Written(len(rows))


def delete(engine: Engine, command: Delete[E]) -> Written[E]:
    """Raises RepositoryConstraintError."""
    return Written(remove_all(engine, command.table, command.where))


def change_all(
    engine: Engine, table: Table[Any], where: Predicate, changes: Row, now: dt.datetime | None = None
) -> list[Entity]:
    """Change the rows that are meant; as they were written."""
    heap = engine.heap(table)
    with engine.statement(now) as work:
        admitted = heap.rules.admitted(changes, work.now)
        return [work.change(heap, row, admitted) for row in engine.matching(table, where)]


def remove_all(engine: Engine, table: Table[Any], where: Predicate, now: dt.datetime | None = None) -> int:
    """Remove the rows that are meant; how many, without the ones removed with them."""
    heap = engine.heap(table)
    with engine.statement(now) as work:
        rows = engine.matching(table, where)
        for row in rows:
            work.remove(heap, row)
    return len(rows)


def _merged(work: Work, heap: Heap, command: Insert[Any], conflict: OnConflict) -> list[Entity]:
    """The rows inserted or changed. A soft-deleted row in the way is reported once all others have been judged."""
    name, lookup, value_of = heap.unique(conflict.target)
    mark = heap.table.soft_delete
    written: dict[object, Entity] = {}
    blocked = False
    for given in command.rows:
        row = work.proposed(heap, given)
        there = next(iter(lookup.keys(value_of(heap.made(row)))), None)
        if there is None:
            new = work.add(heap, row)
        elif there in written:
            if conflict.update:
                raise QueryError(f"{command.name}: two rows of one upsert agree in {', '.join(conflict.target)}")
            continue
        elif not conflict.update:
            continue
        elif mark is not None and getattr(heap.rows[there], mark) is not None:
            blocked = True
            continue
        else:
            new = work.change(heap, heap.rows[there], {each: row[each] for each in conflict.update})
        written[heap.key(new)] = new
    work.settle()
    if blocked:
        raise unique_violation(heap.table, name)
    return list(written.values())


def _answer(engine: Engine, command: Insert[E] | Update[E], written: list[Entity]) -> Written[E]:
    return Written(len(written), tuple(engine.shown(command.table, written)) if command.returning else ())
