"""Queries, commands and operations as calls of PostgREST. What is kept between two is tables' codecs, and no values."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from homeport.adapters.supabase_legacy import literals
from homeport.adapters.supabase_legacy.codec import RowCodec, body, json_value
from homeport.adapters.supabase_legacy.conditions import Conditions, conditions, normal
from homeport.adapters.supabase_legacy.transport import Call, JsonRow, Parameters, Verb
from homeport.kernel.capabilities import Capability, require
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import E
from homeport.kernel.errors import QueryError, RepositoryValidationError
from homeport.kernel.operation import Operation, P
from homeport.kernel.predicates import Predicate
from homeport.kernel.query import Delete, Insert, OnConflict, Order, Select, Update
from homeport.kernel.table import Row, Table

ADAPTER = "supabase_legacy"
CAPABILITIES = Capability(0)


class Compiler:
    """One store's calls. Its codecs and operations are shared by the stores of other identities."""

    def __init__(
        self, catalog: Catalog, operations: Iterable[Operation[Any, Any]] = (), user: str | None = None
    ) -> None:
        """`user` is who is signed in; None for nobody, as for the service."""
        self._catalog = catalog
        self._user = user
        self._codecs: dict[Table[Any], RowCodec[Any]] = {}
        self._operations: Mapping[Operation[Any, Any], RowCodec[Any]] = {
            each: RowCodec(each.gives, each.results, each.name) for each in operations
        }

    def signed_in(self, user: str | None) -> "Compiler":
        """The same for another user."""
        other = Compiler(self._catalog, (), user)
        other._codecs, other._operations = self._codecs, self._operations
        return other

    def codec(self, table: Table[E]) -> RowCodec[E]:
        found = self._codecs.get(table)
        if found is None:
            found = self._codecs[table] = RowCodec(table.entity, table.columns, table.name, whole=True)
        return found

    def named(self, call: Call, table: Table[Any]) -> Call | None:
        """The call with the table's columns named; None for one that names them already."""
        selected = dict(call.params).get("select", "")
        named = self.codec(table).named(selected)
        if named is None:
            return None
        params = (("select", named) if each == ("select", selected) else each for each in call.params)
        return attrs.evolve(call, params=tuple(params))

    def normal(self, predicate: Predicate) -> Predicate:
        """The predicate as the other methods want it; FALSE for one that no row can meet."""
        return normal(predicate, self._user)

    # -- reading

    def select(self, query: Select[Any]) -> Call:
        found = self._conditions(query.where, query.table)
        selected = ",".join((self.codec(query.table).select, *found.embeds))
        return self._read(query, selected, found, (("order", _order(query.table, query.order)),) if query.order else ())

    def keys(self, query: Select[Any]) -> Call:
        """As `select`, but only the keys and in no order."""
        found = self._conditions(query.where, query.table)
        return self._read(query, ",".join((_own(query.table, query.table.key), *found.embeds)), found)

    def count(self, query: Select[Any]) -> Call:
        """The number of all rows, whatever the limit and offset, in the reply's total."""
        return attrs.evolve(self.keys(attrs.evolve(query, limit=0, offset=0)), prefer=("count=exact",))

    def _read(self, query: Select[Any], selected: str, found: Conditions, order: Parameters = ()) -> Call:
        params = [("select", selected), *found.params, *order]
        if query.limit is not None:
            params.append(("limit", str(query.limit)))
        if query.offset:
            params.append(("offset", str(query.offset)))
        return _call(Verb.READ, query.table, tuple(params))

    # -- writing

    def insert(self, command: Insert[Any]) -> Call:
        """Raises Unsupported for an upsert that would give rows away, QueryError for one of rows that differ."""
        table, conflict = command.table, command.conflict
        names = list(dict.fromkeys(name for row in command.rows for name in row))
        alike = all(len(row) == len(names) for row in command.rows)
        params: list[tuple[str, str]] = []
        if names and len(command.rows) > 1:  # one row says its columns itself
            params.append(("columns", _names(table, names)))
        prefer = [] if alike else ["missing=default"]
        if conflict is not None:
            _check_conflict(command, conflict, names, alike=alike)
            params.append(("on_conflict", _names(table, conflict.target)))
            prefer.append(f"resolution={'merge' if conflict.update else 'ignore'}-duplicates")
        rows = [body(table.by_name, row) for row in command.rows]
        given = rows[0] if len(rows) == 1 else rows
        return self._write(_call(Verb.INSERT, table, tuple(params)), command, prefer, given)

    def update(self, command: Update[Any]) -> Call:
        """Raises Unsupported for what PATCH would do otherwise than asked."""
        if not command.changes:
            raise QueryError(f"{command.name}: an update without changes")
        found = self._meant(command.where, command.table)
        if command.returning and not found.tree_columns.isdisjoint(_moved(command.table, command.changes)):
            # PostgREST would look for the rows once more by their new values, and answer none
            require(CAPABILITIES, Capability.RETURNING_ALTERNATIVES, ADAPTER)
        call = _call(Verb.UPDATE, command.table, found.params)
        return self._write(call, command, [], body(command.table.by_name, command.changes))

    def delete(self, command: Delete[Any]) -> Call:
        found = self._meant(command.where, command.table)
        return attrs.evolve(_call(Verb.DELETE, command.table, found.params), prefer=("return=minimal", "count=exact"))

    def _write(
        self, call: Call, command: Insert[Any] | Update[Any], prefer: list[str], given: JsonRow | list[JsonRow]
    ) -> Call:
        if not command.returning:
            return attrs.evolve(call, body=given, prefer=("return=minimal", "count=exact", *prefer))
        params = (*call.params, ("select", self.codec(command.table).select))
        return attrs.evolve(call, params=params, body=given, prefer=("return=representation", *prefer))

    def _meant(self, where: Predicate, table: Table[Any]) -> Conditions:
        """The filter of a write. An embed in it would not filter at all, and no filter mean every row."""
        found = self._conditions(where, table)
        if found.embeds:
            require(CAPABILITIES, Capability.EXISTS_IN_WRITES, ADAPTER)
        if not found.params:
            raise RepositoryValidationError("an update or delete of all rows is refused: say which rows are meant")
        return found

    # -- operations

    def call(self, operation: Operation[P, Any], parameter: P) -> tuple[Call, RowCodec[Any]]:
        """Raises QueryError for an operation that is not installed, InvalidValue for its parameter."""
        codec = self._operations.get(operation)
        if codec is None:
            raise QueryError(f"operation {operation.name} is not installed: add its context")
        kinds = {f"p_{each.name}": each.type for each in operation.arguments}
        arguments = {name: json_value(kinds[name], value) for name, value in operation.admit(parameter).items()}
        call = Call(
            Verb.CALL,
            operation.function,
            operation.schema,
            params=(("select", codec.select),),
            body=arguments,
            prefer=("count=exact",) if operation.many else (),
            writes=operation.writes,
        )
        return call, codec

    def _conditions(self, where: Predicate, table: Table[Any]) -> Conditions:
        return conditions(where, table, self._catalog)


def _call(verb: Verb, table: Table[Any], params: Parameters) -> Call:
    return Call(verb, table.db_name, table.schema, params)


def _own(table: Table[Any], name: str) -> str:
    return literals.name(table.require(name).db_name)


def _names(table: Table[Any], names: Iterable[str]) -> str:
    return ",".join(_own(table, name) for name in names)


def _order(table: Table[Any], terms: Iterable[Order]) -> str:
    return ",".join(_term(table, each) for each in terms)


def _term(table: Table[Any], term: Order) -> str:
    """NULLs are placed only where PostgreSQL would place them otherwise, so that plain indexes serve."""
    nulls = ""
    if table.require(term.column).nullable and term.nulls_first != term.descending:
        nulls = ".nullsfirst" if term.nulls_first else ".nullslast"
    return f"{_own(table, term.column)}{'.desc' if term.descending else ''}{nulls}"


def _check_conflict(command: Insert[Any], conflict: OnConflict, names: list[str], *, alike: bool) -> None:
    """PostgREST changes every column that is sent, to the default where a row has none."""
    if not conflict.update:
        return
    if not alike:
        raise QueryError(f"{command.name}: the rows of an upsert have different columns")
    kept = set(names) - set(conflict.target) - set(conflict.update)
    if command.table.owner in kept:
        require(CAPABILITIES, Capability.UPSERT_KEEPS_OWNER, ADAPTER)
    if kept:
        raise QueryError(f"{command.name}: an upsert can't give {', '.join(sorted(kept))} and leave it")


def _moved(table: Table[Any], changes: Row) -> frozenset[str]:
    """The columns that may have another value after the update."""
    moved = {*changes, *(each.name for each in table.columns if each.touched)}
    if table.version is not None:
        moved.add(table.version)
    moved |= {
        each.name
        for each in table.columns
        if each.generated is not None and not moved.isdisjoint(each.generated.columns)
    }
    return frozenset(moved)
