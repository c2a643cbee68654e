"""The commands over the engine: insert with its conflict rule, update, delete. Each is one statement."""

import datetime as dt
from typing import Any

from homeport.adapters.memory.constraints import unique_violation
from homeport.adapters.memory.engine import Engine
from homeport.adapters.memory.heap import Heap
from homeport.adapters.memory.policies import OPEN, REFUSED, Access, Guard, Guards
from homeport.adapters.memory.references import Work
from homeport.kernel.entity import E, Entity
from homeport.kernel.errors import QueryError, RepositoryPermissionError
from homeport.kernel.predicates import AllOf, Predicate, is_false, one_of
from homeport.kernel.query import Delete, Insert, OnConflict, Select, Update, UpdateEach, Written
from homeport.kernel.table import Row, Table, Verb


def select(engine: Engine, query: Select[E], access: Access | None = None) -> list[E]:
    """The rows in the query's order."""
    if query.lock is not None:
        _permit(Verb.UPDATE, query.table)
    return engine.select(query) if access is None else engine.select(access.reading(query), access.user)


def count(engine: Engine, query: Select[Any], access: Access | None = None) -> int:
    """How many rows `select` answers."""
    return engine.count(query) if access is None else engine.count(access.reading(query), access.user)


def insert(
    engine: Engine, command: Insert[E], access: Access | None = None, now: dt.datetime | None = None
) -> Written[E]:
    """Raises RepositoryConstraintError, QueryError for an upsert of two rows that agree in the target."""
    if not command.rows:
        return Written(0)
    heap = engine.heap(command.table)
    with engine.statement(now) as work:
        guards = OPEN if access is None else access.inserting(engine, command)
        if command.conflict is None:
            written = [work.add(heap, _proposed(work, heap, each, guards.new)) for each in command.rows]
        else:
            written = _merged(work, heap, command, command.conflict, guards)
    return _answer(engine, command, written)


def update(engine: Engine, command: Update[E], access: Access | None = None) -> Written[E]:
    """Raises RepositoryConstraintError."""
    if is_false(command.where):
        return Written(0)
    return _answer(engine, command, change_all(engine, command.table, command.where, command.changes, access=access))


def update_each(engine: Engine, command: UpdateEach[E], access: Access | None = None) -> Written[E]:
    """Raises RepositoryConstraintError. Which rows are meant is decided before the first is changed."""
    if is_false(command.where) or not command.changes:
        return Written(0)
    heap = engine.heap(command.table)
    _permit(Verb.UPDATE, command.table)
    with engine.statement() as work:
        keys = tuple(key for key, _ in command.changes)
        meant: Predicate = AllOf((one_of(heap.table.key, keys), command.where))
        allowed, user = None, None
        if access is not None:
            meant = access.changing(command.table, meant, (name for _, row in command.changes for name in row))
            allowed, user = access.written(engine, command.table), access.user
        rows = {heap.key(row): row for row in engine.matching(command.table, meant, user)}
        for key, changes in command.changes:
            there = rows.get(heap.keyed(key))
            if there is not None:
                _change(work, heap, there, heap.rules.admitted(changes, work.now), allowed)
    return Written(len(rows))


def delete(engine: Engine, command: Delete[E], access: Access | None = None) -> Written[E]:
    """Raises RepositoryConstraintError."""
    if is_false(command.where):
        return Written(0)
    return Written(remove_all(engine, command.table, command.where, access=access))


def change_all(  # noqa: PLR0913 - a statement, and who makes it when
    engine: Engine,
    table: Table[Any],
    where: Predicate,
    changes: Row,
    *,
    access: Access | None = None,
    now: dt.datetime | None = None,
) -> list[Entity]:
    """Change the rows that are meant; as they were written."""
    heap = engine.heap(table)
    _permit(Verb.UPDATE, table)
    with engine.statement(now) as work:
        admitted = heap.rules.admitted(changes, work.now)
        if access is None:
            return [work.change(heap, row, admitted) for row in engine.matching(table, where)]
        meant, allowed = access.changing(table, where, changes), access.written(engine, table)
        return [_change(work, heap, row, admitted, allowed) for row in engine.matching(table, meant, access.user)]


def remove_all(
    engine: Engine,
    table: Table[Any],
    where: Predicate,
    *,
    access: Access | None = None,
    now: dt.datetime | None = None,
) -> int:
    """Remove the rows that are meant; how many, without the ones removed with them."""
    heap = engine.heap(table)
    _permit(Verb.DELETE, table)
    with engine.statement(now) as work:
        if access is None:
            rows = engine.matching(table, where)
        else:
            rows = engine.matching(table, access.removing(table, where), access.user)
        for row in rows:
            work.remove(heap, row)
    return len(rows)


def _permit(verb: Verb, table: Table[Any]) -> None:
    """Raises RepositoryPermissionError for what not even the service is granted."""
    if verb not in table.verbs:
        raise RepositoryPermissionError(f"nobody may {verb.value} in {table.name}", code=REFUSED)


def _proposed(work: Work, heap: Heap, given: Row, allowed: Guard | None) -> dict[str, Any]:
    """The row to insert, complete. Policies judge it before its own rules do."""
    if allowed is None:
        return work.proposed(heap, given)
    row = heap.rules.new(given, work.now)
    allowed(heap.made(row))
    heap.rules.judge(row)
    return row


def _change(work: Work, heap: Heap, old: Entity, changes: Row, allowed: Guard | None) -> Entity:
    if allowed is not None:
        allowed(heap.made(heap.rules.changed(old, changes, work.now)))
    return work.change(heap, old, changes)


def _merged(work: Work, heap: Heap, command: Insert[Any], conflict: OnConflict, guards: Guards) -> list[Entity]:
    """The rows inserted or changed. A soft-deleted row in the way is reported once all others have been judged."""
    if conflict.update:
        _permit(Verb.UPDATE, heap.table)
    name, lookup, value_of = heap.unique(conflict.target)
    mark = heap.table.soft_delete
    written: dict[object, Entity] = {}
    blocked = False
    for given in command.rows:
        row = _proposed(work, heap, given, guards.new)
        there = next(iter(lookup.keys(value_of(heap.made(row)))), None)
        if there is None:
            new = work.add(heap, row, name)
        elif there in written:
            if conflict.update:
                raise QueryError(f"{command.name}: two rows of one upsert agree in {', '.join(conflict.target)}")
            continue
        elif not conflict.update:
            work.keep(heap, there)
            continue
        elif mark is not None and getattr(heap.rows[there], mark) is not None:
            work.keep(heap, there)
            blocked = True
            continue
        else:
            if guards.there is not None:
                guards.there(heap.rows[there])
            new = _change(work, heap, heap.rows[there], {each: row[each] for each in conflict.update}, guards.changed)
        written[heap.key(new)] = new
    work.settle()
    if blocked:
        raise unique_violation(heap.table, name)
    return list(written.values())


def _answer(engine: Engine, command: Insert[E] | Update[E], written: list[Entity]) -> Written[E]:
    return Written(len(written), tuple(engine.shown(command.table, written)) if command.returning else ())
