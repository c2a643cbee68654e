"""Queries and commands taken apart into shape and values; each shape's text is compiled once and kept.

A text never depends on a value. The number of texts kept is bounded: the oldest goes first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from homeport.adapters.postgres import statements
from homeport.adapters.postgres.bulk import records
from homeport.adapters.postgres.codec import RowCodec
from homeport.adapters.postgres.shape import take_apart
from homeport.kernel.entity import E
from homeport.kernel.errors import QueryError
from homeport.kernel.operation import Operation, P, R
from homeport.kernel.query import Delete, Form, Insert, Moment, Select, Update, UpdateEach
from homeport.kernel.table import Row, Table

K = TypeVar("K")
V = TypeVar("V")
Hydrate: TypeAlias = Callable[[Iterable[Any]], list[E]]
Bound: TypeAlias = tuple[str, list[Any]]
"""A statement's text and its values."""
Read: TypeAlias = tuple[str, Sequence[Any], Hydrate[E]]
"""A query's text, its values, and what makes entities of the rows."""

MAX_TEXTS = 2000


class Compiler:
    """One adapter's texts and row codecs. Raises QueryError for an operation that is not installed."""

    def __init__(self, operations: Iterable[Operation[Any, Any]] = (), *, max_texts: int = MAX_TEXTS) -> None:
        self.texts: dict[tuple[Any, ...], str] = {}
        self._max_texts = max_texts
        self._forms: dict[Form, tuple[str, Hydrate[Any]]] = {}
        self._codecs: dict[Table[Any], RowCodec[Any]] = {}
        self._operations = {each: _Call(each) for each in operations}

    def codec(self, table: Table[E]) -> RowCodec[E]:
        found = self._codecs.get(table)
        if found is None:
            found = self._codecs[table] = RowCodec(table.entity, table.columns, table.name)
        return found

    # -- reading

    def read(self, query: Select[E]) -> Read[E]:
        """As `select`, and what makes entities of the rows. A query of a known form is not taken apart."""
        found = None if query.form is None else self._forms.get(query.form)
        if found is not None:
            return found[0], query.values, found[1]
        text, values = self.select(query)
        hydrate = self.codec(query.table).hydrate
        if query.form is not None:
            self._keep(self._forms, query.form, (text, hydrate))
        return text, values, hydrate

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
        row, encoders = command.rows[0], self.codec(command.table).encoders
        shape = ("insert", command.name, command.table, command.returning, command.conflict, *row)
        values = _encoded(row, encoders) if encoders else list(row.values())
        return self._text(shape, statements.insert_values, command, command.rows), values

    def insert_alike(self, command: Insert[Any]) -> Bound:
        """Rows of the same columns, one array parameter a column."""
        names = tuple(command.rows[0])
        shape = ("unnest", command.name, command.table, command.returning, command.conflict, *names)
        values: list[Any] = _columnwise(command.rows, names, self.codec(command.table).element_encoders)
        return self._text(shape, statements.insert_unnest, command), values or [len(command.rows)]

    def insert_staged(self, command: Insert[Any]) -> tuple[str, str, Iterable[Sequence[Any]]]:
        """Rows of the same columns by way of a temporary table: what makes it, what inserts from it, and its rows."""
        names = tuple(command.rows[0])
        shape = (command.name, command.table, *names)
        made = self._text(("stage", *shape), statements.stage, command)
        text = self._text(("staged", *shape), statements.insert_staged, command)
        return made, text, zip(*_columnwise(command.rows, names, self.codec(command.table).encoders), strict=True)

    def insert_unlike(self, command: Insert[Any], rows: Sequence[Row]) -> Bound:
        """Rows of different columns, DEFAULT where one is missing. The text is as long as the rows, and not kept."""
        encoders = self.codec(command.table).encoders
        values: list[Any] = []
        for row in rows:
            values += _encoded(row, encoders)
        return statements.insert_values(command, rows), values

    def update(self, command: Update[Any]) -> Bound:
        shape: list[Any] = ["update", command.name, command.table, command.returning]
        values: list[Any] = []
        _take_changes(command.changes, self.codec(command.table).encoders, shape, values)
        if command.form is None:
            shape.append(len(command.changes))
            take_apart(command.where, shape, values)
        else:
            shape.append(command.form)
            values += command.values
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

    def _text(self, shape: Iterable[Any], compile_: Callable[..., str], *parts: Any) -> str:
        key = tuple(shape)
        found = self.texts.get(key)
        if found is None:
            found = compile_(*parts)
            self._keep(self.texts, key, found)
        return found

    def _keep(self, kept: dict[K, V], key: K, made: V) -> None:
        if len(kept) >= self._max_texts:
            del kept[next(iter(kept))]
        kept[key] = made


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


def _encoded(row: Row, encoders: Mapping[str, Any]) -> list[Any]:
    return [encoders[name](value) if name in encoders else value for name, value in row.items()]


def _take_changes(changes: Row, encoders: Mapping[str, Any], shape: list[Any], values: list[Any]) -> None:
    for name, value in changes.items():
        shape.append(name)
        if value is Moment.NOW:
            shape.append(Moment)
        else:
            values.append(encoders[name](value) if name in encoders else value)


def _columnwise(rows: Sequence[Row], names: Sequence[str], encoders: Mapping[str, Any]) -> list[list[Any]]:
    columns = zip(*records(rows, names), strict=True) if names else ()
    return [
        list(map(encoders[name], values) if name in encoders else values)
        for name, values in zip(names, columns, strict=True)
    ]


def _now_columns(changes: Row) -> tuple[str, ...]:
    return tuple(name for name, value in changes.items() if value is Moment.NOW)
