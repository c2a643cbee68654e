"""Queries and commands taken apart into shape and values; each shape's text is compiled once and kept.

A text never depends on a value. The number of texts kept is bounded: the oldest goes first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from homeport.adapters.postgres import statements
from homeport.adapters.postgres.codec import RowCodec
from homeport.adapters.postgres.shape import take_apart
from homeport.kernel.entity import E
from homeport.kernel.errors import QueryError
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.query import Delete, Insert, Moment, OnConflict, Select, Update, UpdateEach
from homeport.kernel.table import Row, Table

Hydrate: TypeAlias = Callable[[Iterable[Any]], list[E]]
Bound: TypeAlias = tuple[str, list[Any]]
"""A statement's text and its values."""

MAX_TEXTS = 2000


class Compiler:
    """One adapter's texts and row codecs. Raises QueryError for an operation that is not installed."""

    def __init__(self, operations: Iterable[Operation[Any, Any]] = (), *, max_texts: int = MAX_TEXTS) -> None:
        self.texts: dict[tuple[Any, ...], str] = {}
        self._max_texts = max_texts
        self._codecs: dict[Table[Any], RowCodec[Any]] = {}
        self._operations = {each: _Call(each) for each in operations}

    def codec(self, table: Table[E]) -> RowCodec[E]:
        found = self._codecs.get(table)
        if found is None:
            found = self._codecs[table] = RowCodec(table.entity, table.columns, table.name)
        return found

    # -- reading

    def select(self, query: Select[Any]) -> Bound:
        shape: list[Any] = ["select", query.name, query.table, query.limit is None, query.offset == 0, query.lock]
        values: list[Any] = []
        for term in query.order:
            shape += (term.column, term.descending, term.nulls_first)
        take_apart(query.where, shape, values)
        _window(query, values)
        return self._text(shape, statements.select, query), values

    def count(self, query: Select[Any]) -> Bound:
        shape: list[Any] = ["count", query.name, query.table, query.limit is None, query.offset == 0]
        values: list[Any] = []
        take_apart(query.where, shape, values)
        _window(query, values)
        return self._text(shape, statements.counted, query), values

    # -- writing

    def insert_one(self, command: Insert[Any]) -> Bound:
        """A single row, in a text that the next one of its kind shares."""
        encoders = self.codec(command.table).encoders
        shape: list[Any] = ["insert", command.name, command.table, command.returning, _conflict(command.conflict)]
        values: list[Any] = []
        _take_changes(command.rows[0], encoders, shape, values)
        return self._text(shape, statements.insert_values, command, command.rows), values

    def insert_alike(self, command: Insert[Any]) -> Bound:
        """Rows of the same columns, one array parameter a column."""
        names = tuple(command.rows[0])
        shape = ["unnest", command.name, command.table, command.returning, _conflict(command.conflict), *names]
        values: list[Any] = _columnwise(command.rows, names, self.codec(command.table).element_encoders)
        return self._text(shape, statements.insert_unnest, command), values or [len(command.rows)]

    def insert_unlike(self, command: Insert[Any], rows: Sequence[Row]) -> Bound:
        """Rows of different columns, DEFAULT where one is missing. The text is as long as the rows, and not kept."""
        encoders = self.codec(command.table).encoders
        values: list[Any] = []
        for row in rows:
            _take_changes(row, encoders, [], values)
        return statements.insert_values(command, rows), values

    def update(self, command: Update[Any]) -> Bound:
        shape: list[Any] = ["update", command.name, command.table, command.returning]
        values: list[Any] = []
        _take_changes(command.changes, self.codec(command.table).encoders, shape, values)
        shape.append(len(command.changes))
        take_apart(command.where, shape, values)
        return self._text(shape, statements.update, command), values

    def update_each(self, command: UpdateEach[Any], group: Sequence[tuple[object, Row]]) -> Bound:
        """Those of the command's changes that set the same columns."""
        first = group[0][1]
        now, names = _now_columns(first), tuple(name for name in first if first[name] is not Moment.NOW)
        shape: list[Any] = ["update_each", command.name, command.table, now, names]
        rows = [row for _, row in group]
        values: list[Any] = [[key for key, _ in group]]
        values += _columnwise(rows, names, self.codec(command.table).element_encoders)
        take_apart(command.where, shape, values)
        return self._text(shape, statements.update_each, command, now, names), values

    def delete(self, command: Delete[Any]) -> Bound:
        shape: list[Any] = ["delete", command.name, command.table]
        values: list[Any] = []
        take_apart(command.where, shape, values)
        return self._text(shape, statements.delete, command), values

    # -- operations

    def call(self, operation: Operation[P, R], parameter: P) -> tuple[str, list[Any], Hydrate[Any]]:
        found = self._operations.get(operation)
        if found is None:
            raise QueryError(f"operation {operation.name} is not installed: add its context")
        return found.text, found.values(operation.admit(parameter)), found.codec.hydrate

    def _text(self, shape: list[Any], compile_: Callable[..., str], *parts: Any) -> str:
        key = tuple(shape)
        found = self.texts.get(key)
        if found is None:
            found = compile_(*parts)
            if len(self.texts) >= self._max_texts:
                del self.texts[next(iter(self.texts))]
            self.texts[key] = found
        return found


class _Call:
    """An operation's statement."""

    def __init__(self, operation: Operation[Any, Any]) -> None:
        self.codec: RowCodec[Any] = RowCodec(operation.gives, operation.results, operation.name)
        self._encoders = {
            f"p_{name}": encode
            for name, encode in RowCodec(operation.takes, operation.arguments, operation.name).encoders.items()
        }
        self.text = statements.call(operation)

    def values(self, arguments: Mapping[str, object]) -> list[Any]:
        return [self._encoders[name](value) if name in self._encoders else value for name, value in arguments.items()]


# -- shapes and values


def _window(query: Select[Any], values: list[Any]) -> None:
    if query.limit is not None:
        values.append(query.limit)
    if query.offset != 0:
        values.append(query.offset)


def _conflict(conflict: OnConflict | None) -> object:
    return None if conflict is None else (conflict.target, conflict.update)


def _take_changes(changes: Row, encoders: Mapping[str, Any], shape: list[Any], values: list[Any]) -> None:
    for name, value in changes.items():
        shape.append(name)
        if value is Moment.NOW:
            shape.append(Moment)
        else:
            values.append(encoders[name](value) if name in encoders else value)


def _columnwise(rows: Sequence[Row], names: Iterable[str], encoders: Mapping[str, Any]) -> list[list[Any]]:
    columns = []
    for name in names:
        encode = encoders.get(name)
        columns.append([row[name] for row in rows] if encode is None else [encode(row[name]) for row in rows])
    return columns


def _now_columns(changes: Row) -> tuple[str, ...]:
    return tuple(name for name, value in changes.items() if value is Moment.NOW)
