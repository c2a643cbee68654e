"""The texts of statements, each from a query or command whose values are left out.

A text starts with the statement's name in a comment, names its columns one by one, and gives each parameter its type.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from homeport.adapters.postgres.codec import (
    read_expression,
    sent_as_element,
    sent_type,
    taken_as_sent,
    taken_from_element,
    written,
)
from homeport.adapters.postgres.predicate_sql import PredicateWriter, ordered_column, quoted, table_name
from homeport.kernel.operation import Operation
from homeport.kernel.predicates import TRUE, Predicate
from homeport.kernel.query import Delete, Insert, Moment, Order, Select, Update, UpdateEach
from homeport.kernel.table import Column, Row, Table
from homeport.kernel.types import ChoiceType
from homeport.kernel.units import Wait

_UNSAFE = re.compile(r"[^a-z0-9_.]")
_ROW = quoted("t")
_LOCKS: Mapping[Wait | None, tuple[str, ...]] = {
    None: (),
    Wait.WAIT: ("FOR UPDATE",),
    Wait.NOWAIT: ("FOR UPDATE NOWAIT",),
    Wait.SKIP_LOCKED: ("FOR UPDATE SKIP LOCKED",),
}


def comment(name: str) -> str:
    """The leading comment; nothing of the name that could end it or start another is kept."""
    return f"/* {_UNSAFE.sub('', name)} */ "


def select(query: Select[Any]) -> str:
    numbers = count(1)
    parts = [f"{comment(query.name)}SELECT {_columns(query.table)} FROM {_named_rows(query.table)}"]
    parts += _where(query.table, query.where, numbers)
    if query.order:
        parts.append("ORDER BY " + ", ".join(_order(query.table, term) for term in query.order))
    return " ".join([*parts, *_limits(query, numbers), *_LOCKS[query.lock]])


def counted(query: Select[Any]) -> str:
    numbers = count(1)
    rows = " ".join([f"FROM {_named_rows(query.table)}", *_where(query.table, query.where, numbers)])
    limits = " ".join(_limits(query, numbers))
    if limits:
        return f"{comment(query.name)}SELECT count(*) FROM (SELECT {rows} {limits}) AS counted"
    return f"{comment(query.name)}SELECT count(*) {rows}"


def insert_values(command: Insert[Any], rows: Sequence[Row]) -> str:
    table, numbers = command.table, count(1)
    names = list(dict.fromkeys(name for row in rows for name in row)) or [table.key]
    lines = []
    for row in rows:
        places = {name: written(table.require(name).type, next(numbers)) for name in row}
        lines.append(f"({', '.join(places.get(name, 'DEFAULT') for name in names)})")
    return f"{_insert_into(command, names)} VALUES {', '.join(lines)}{_insert_ending(command)}"


def insert_unnest(command: Insert[Any]) -> str:
    table, names = command.table, list(command.rows[0])
    if not names:
        rows = "SELECT FROM generate_series(1, $1::bigint)"
        return f"{_insert_into(command, names)} {rows}{_insert_ending(command)}"
    kinds = [table.require(name).type for name in names]
    arrays = ", ".join(f"${number}::{sent_as_element(kind)}" for number, kind in enumerate(kinds, 1))
    columns = ", ".join(f"c{number}" for number in range(1, len(kinds) + 1))
    taken = ", ".join(taken_from_element(kind, f"u.c{number}") for number, kind in enumerate(kinds, 1))
    if table.key in names:
        rows = f"SELECT {taken} FROM unnest({arrays}) AS u({columns})"
    else:  # keys that the database gives go up along the order given
        rows = f"SELECT {taken} FROM unnest({arrays}) WITH ORDINALITY AS u({columns}, n) ORDER BY u.n"
    return f"{_insert_into(command, names)} {rows}{_insert_ending(command)}"


def stage(command: Insert[Any]) -> str:
    """Makes the temporary table for the rows, until the transaction ends: a name of its own hides no other table."""
    table, place = command.table, quoted(staged_in(command.table))
    columns = ", ".join(f"{_own(table, name)} {sent_type(table.require(name).type)}" for name in command.rows[0])
    made = f"DROP TABLE IF EXISTS pg_temp.{place}; CREATE TEMPORARY TABLE {place} ({columns}) ON COMMIT DROP"
    return f"{comment(command.name)}{made}"


def insert_staged(command: Insert[Any]) -> str:
    """In the order in which they were copied, where the database gives the keys: a new table has no gaps to fill."""
    table, names = command.table, list(command.rows[0])
    taken = ", ".join(taken_as_sent(table.require(name).type, f"s.{_own(table, name)}") for name in names)
    order = "" if table.key in names else " ORDER BY s.ctid"
    rows = f"SELECT {taken} FROM pg_temp.{quoted(staged_in(table))} AS s{order}"
    return f"{_insert_into(command, names)} {rows}{_insert_ending(command)}"


def staged_in(table: Table[Any]) -> str:
    return f"homeport {table.db_name}"


def _insert_into(command: Insert[Any], names: Iterable[str]) -> str:
    columns = ", ".join(_own(command.table, name) for name in names)
    listed = f" ({columns})" if columns else ""
    return f"{comment(command.name)}INSERT INTO {_named_rows(command.table)}{listed}"


def _insert_ending(command: Insert[Any]) -> str:
    table, conflict = command.table, command.conflict
    ending = ""
    if conflict is not None:
        ending = f" ON CONFLICT ({', '.join(_own(table, name) for name in conflict.target)}) DO "
        ending += _conflict_update(table, conflict.update) if conflict.update else "NOTHING"
    return ending + _returning(command.returning, table)


def _conflict_update(table: Table[Any], names: Iterable[str]) -> str:
    update = "UPDATE SET " + ", ".join(f"{_own(table, name)} = EXCLUDED.{_own(table, name)}" for name in names)
    if table.soft_delete is None:
        return update
    return f"{update} WHERE {_ROW}.{_own(table, table.soft_delete)} IS NULL"


def update(command: Update[Any]) -> str:
    table, numbers = command.table, count(1)
    changes = ", ".join(
        f"{_own(table, name)} = "
        + ("now()" if value is Moment.NOW else written(table.require(name).type, next(numbers)))
        for name, value in command.changes.items()
    )
    where = " ".join(_where(table, command.where, numbers))
    ending = _returning(command.returning, table)
    return f"{comment(command.name)}UPDATE {_named_rows(table)} SET {changes} {where}{ending}"


def update_each(command: UpdateEach[Any], now: Sequence[str], names: Sequence[str]) -> str:
    table, numbers = command.table, count(1)
    kinds = [table.key_column.type, *(table.require(name).type for name in names)]
    arrays = ", ".join(f"${next(numbers)}::{sent_as_element(kind)}" for kind in kinds)
    columns = ", ".join(f"c{number}" for number in range(len(kinds)))
    taken = [taken_from_element(kind, f"u.c{number}") for number, kind in enumerate(kinds)]
    changes = [f"{_own(table, name)} = {value}" for name, value in zip(names, taken[1:], strict=True)]
    changes += [f"{_own(table, name)} = now()" for name in now]
    where = PredicateWriter(_Places(numbers)).write(command.where, table, _ROW)
    return (
        f"{comment(command.name)}UPDATE {_named_rows(table)} SET {', '.join(changes)} "
        f"FROM unnest({arrays}) AS u({columns}) WHERE {_ROW}.{_own(table, table.key)} = {taken[0]} AND {where}"
    )


def delete(command: Delete[Any]) -> str:
    where = " ".join(_where(command.table, command.where, count(1)))
    return f"{comment(command.name)}DELETE FROM {_named_rows(command.table)} {where}"


def call(operation: Operation[Any, Any]) -> str:
    columns = ", ".join(read_expression(each, f"r.{quoted(each.db_name)}") for each in operation.results)
    arguments = ", ".join(
        f"{quoted(f'p_{each.name}')} => {written(each.type, number)}"
        for number, each in enumerate(operation.arguments, 1)
    )
    function = f"{quoted(operation.schema)}.{quoted(operation.function)}"
    return f"{comment(operation.name)}SELECT {columns} FROM {function}({arguments}) AS r"


class _Places:
    """Placeholders, numbered on from what the statement has used before."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers

    def one(self, column: Column, _: object, /) -> str:
        return written(column.type, next(self._numbers))

    def any(self, column: Column, _: tuple[object, ...], /) -> str:
        sent = f"${next(self._numbers)}::{sent_type(column.type)}[]"
        native = isinstance(column.type, ChoiceType) and column.type.native
        return f"= ANY({sent}::{native}[])" if native else f"= ANY({sent})"


def _named_rows(table: Table[Any]) -> str:
    return f"{table_name(table)} AS {_ROW}"


def _own(table: Table[Any], name: str) -> str:
    return quoted(table.require(name).db_name)


def _columns(table: Table[Any]) -> str:
    return ", ".join(read_expression(each, f"{_ROW}.{quoted(each.db_name)}") for each in table.columns)


def _returning(returning: bool, table: Table[Any]) -> str:
    return f" RETURNING {_columns(table)}" if returning else ""


def _where(table: Table[Any], where: Predicate, numbers: Iterator[int]) -> list[str]:
    return [] if where == TRUE else [f"WHERE {PredicateWriter(_Places(numbers)).write(where, table, _ROW)}"]


def _order(table: Table[Any], term: Order) -> str:
    """NULLs are placed only where PostgreSQL would place them otherwise, so that plain indexes serve."""
    column = table.require(term.column)
    direction = " DESC" if term.descending else ""
    nulls = ""
    if column.nullable and term.nulls_first != term.descending:
        nulls = " NULLS FIRST" if term.nulls_first else " NULLS LAST"
    return f"{ordered_column(column, f'{_ROW}.{_own(table, term.column)}')}{direction}{nulls}"


def _limits(query: Select[Any], numbers: Iterator[int]) -> list[str]:
    limits = [] if query.limit is None else [f"LIMIT ${next(numbers)}::bigint"]
    return limits if query.offset == 0 else [*limits, f"OFFSET ${next(numbers)}::bigint"]
