"""How many rows get in at once: by what the command asks back, and what COPY can carry. Knows no SQL text."""

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from homeport.adapters.postgres.codec import plain_on_the_wire
from homeport.kernel.entity import E
from homeport.kernel.errors import UniqueViolation
from homeport.kernel.query import Insert, Moment, UpdateEach
from homeport.kernel.table import Row

COPY_FROM_ROWS = 100
STAGE_FROM_ROWS = 5000
"""From here on a temporary table costs less than it saves."""
MAX_PARAMETERS = 32_767  # of one statement, in asyncpg


def records(rows: Iterable[Row], names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows' values in the order of the names, of which there is at least one."""
    if len(names) == 1:
        return ((row[names[0]],) for row in rows)
    return map(itemgetter(*names), rows)


def worth_copying(command: Insert[Any]) -> bool:
    """Whether COPY can do it: nothing comes back, nothing gives way, every value goes in without a cast.

    Rows that are all defaults name no column, which COPY can't.
    """
    names = command.rows[0]
    return (
        not command.returning
        and command.conflict is None
        and len(command.rows) >= COPY_FROM_ROWS
        and bool(names)
        and all(plain_on_the_wire(command.table.by_name[name].type) for name in names)
    )


def worth_staging(command: Insert[Any]) -> bool:
    """Whether so many rows come back that they are copied into a temporary table, and inserted from there."""
    names = command.rows[0]
    return command.returning and command.conflict is None and len(command.rows) >= STAGE_FROM_ROWS and bool(names)


def chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows in order, in pieces whose values fit one statement."""
    start, values = 0, 0
    for place, row in enumerate(rows):
        values += len(row)
        if values > MAX_PARAMETERS:
            yield rows[start:place]
            start, values = place, len(row)
    yield rows[start:]


def by_columns(command: UpdateEach[Any]) -> list[list[tuple[object, Row]]]:
    """The changes grouped by the columns they set, and by which of these get the database's time."""
    groups: dict[frozenset[tuple[str, bool]], list[tuple[object, Row]]] = {}
    for key, changes in command.changes:
        kind = frozenset((name, value is Moment.NOW) for name, value in changes.items())
        groups.setdefault(kind, []).append((key, changes))
    return list(groups.values())


def in_given_order(command: Insert[E], entities: list[E]) -> list[E]:
    """The returned rows in the order given.

    PostgreSQL inserts and returns rows in the order of their SELECT or VALUES, which is the order given. The standard
    does not promise it, so where the rows' keys are known the answer is held to it; where the database makes them, the
    statement says the order, and they go up along it.
    """
    key = command.table.key
    if key not in command.rows[0]:
        return entities
    wanted = [row.get(key) for row in command.rows]
    if [getattr(each, key) for each in entities] == wanted:
        return entities
    places = {value: place for place, value in enumerate(wanted)}
    return sorted(entities, key=lambda each: places.get(getattr(each, key), len(wanted)))


def spares_deleted_rows(command: Insert[Any]) -> bool:
    """Whether its conflict rule changes rows of a table with soft delete: then each given row has to be written."""
    conflict = command.conflict
    return conflict is not None and bool(conflict.update) and command.table.soft_delete is not None


def meets_a_deleted_row(command: Insert[Any]) -> UniqueViolation:
    """The error of an upsert that would change a soft-deleted row."""
    table, conflict = command.table, command.conflict
    target = conflict.target if conflict is not None else (table.key,)
    named = (each.name for each in table.uniques if each.plain and each.columns == target)
    name = table.primary_key if target == (table.key,) else next(named, None)
    message = f"a soft-deleted row with the same value exists: {name}"
    return UniqueViolation(message, constraint=name, table=table.name, columns=target, code="23505")
