"""`safe_db_insert`, `_select`, `_update`, `_delete`: the old functions by table name, now over the repositories.

    safe = SafeDb(db)                           # or SafeDb(opened), a function that answers the opened Homeport
    safe_db_insert = safe.safe_db_insert        # what the tools go on importing
    expense = await safe_db_insert("expenses", {"user_id": user_id, "amount": 12.5, "category": "fuel"}, user_id)

Nothing is kept in this module: an application makes its own SafeDb and gives its functions the old names. Every call
warns with a DeprecationWarning that names the repository method to use. For new code there is nothing here.
"""

import datetime as dt
import json
import logging
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias, cast, overload

from homeport.composition import Homeport
from homeport.composition.repositories import Repositories
from homeport.kernel.binding import Filters
from homeport.kernel.entity import Entity
from homeport.kernel.errors import (
    InvalidField,
    RepositoryError,
    RepositoryNotFoundError,
    RepositoryPermissionError,
    RepositoryValidationError,
    Unsupported,
)
from homeport.kernel.identity import identity
from homeport.kernel.query import Order
from homeport.kernel.table import NOW, Column, Table
from homeport.kernel.types import DateType, NumericType, TimestampType
from homeport.legacy_map import TABLE_REPOSITORY_MAP, Place, collection_of, place_of
from homeport.repositories.collection import Collection
from homeport.repositories.dicts import to_json

Record: TypeAlias = dict[str, Any]
"""One row as JSON has it: ids and times as text, numbers as numbers."""
RecordId: TypeAlias = str | int | uuid.UUID
Data: TypeAlias = Mapping[str, object]
Opened: TypeAlias = Repositories[Any] | Callable[[], Repositories[Any]]
UserId: TypeAlias = str | uuid.UUID

_LOG: Final = logging.getLogger("homeport.safe_db")
_LENGTH_OF_A_DAY = 10


class SafeDb:
    """The four functions over one opened Homeport, under the document's signatures and the live ones.

    Tables go by the names of `TABLE_REPOSITORY_MAP`, columns by Homeport's. `profiles` has no `user_id`: there it means
    `id`, in data and filters alike, and so it does for `users`. Values may be as JSON had them: floats for numerics,
    times without a zone (they are UTC's). What the database stamps itself, `created_at` and `updated_at`, is left to
    it whatever is given. Soft-deleted rows don't exist, and a table with soft delete is deleted from softly.

    `user_id` says what the argument of that name means:

    - "log", the default: what it always meant, which is nothing but a word in the log. The default because callers
      pass what they have, an administrator's id for another's row or none at all, and a shim may not refuse what was
      served; it is no protection, and never was.
    - "enforce": the call is made on behalf of that user, by the tables' row policies, as with `db.as_user`: others'
      rows are as absent, writing for others is refused, and so is a call without a user. Tables that only the service
      writes, `login_history` for one, then have to be written by their repositories.

    Raises everywhere, besides what a collection raises:
        InvalidField: no such table, the message has the nearest names; or one that is withheld from calls by name.
        SettingsError: the table's context is not installed.
        RepositoryPermissionError: with "enforce", there is no user, or the user may not.
        Unsupported: with "enforce", `db` is a scope or a unit, which has its user already.
    """

    def __init__(
        self,
        db: Opened,
        *,
        user_id: Literal["log", "enforce"] = "log",
        tables: Mapping[str, Place] = TABLE_REPOSITORY_MAP,
    ) -> None:
        """`tables` may have an application's own tables besides, or names of its own for these."""
        if user_id not in ("log", "enforce"):
            raise RepositoryValidationError("user_id is either log or enforce", field="user_id")
        self._db = db
        self._enforces = user_id == "enforce"
        self._tables = tables

    async def safe_db_insert(
        self, table: str | None = None, data: Data | None = None, user_id: UserId | None = None, *, table_name: str = ""
    ) -> Record:
        """The row as stored. Raises RepositoryConstraintError."""
        place = self._warned("insert", table or table_name)
        with self._logged("insert", place, user_id):
            rows = self._rows(place, user_id)
            return _record(await rows.create(_values(rows.table, _mapping(data, "data"))))

    @overload
    async def safe_db_select(
        self,
        table: str,
        filters: Filters = None,
        user_id: UserId | None = None,
        select: str = "*",
        columns: str | Sequence[str] | None = None,
        *,
        single: Literal[True],
        order_by: str | None = None,
        order_desc: bool = False,
        limit: int | None = None,
    ) -> Record | None: ...

    @overload
    async def safe_db_select(
        self,
        table: str,
        filters: Filters = None,
        user_id: UserId | None = None,
        select: str = "*",
        columns: str | Sequence[str] | None = None,
        single: Literal[False] = False,
        order_by: str | None = None,
        order_desc: bool = False,
        limit: int | None = None,
    ) -> list[Record]: ...

    @overload
    async def safe_db_select(
        self, *, table_name: str, filters: Filters = None, user_id: UserId | None = None
    ) -> list[Record]: ...

    async def safe_db_select(
        self,
        table: str | None = None,
        filters: Filters = None,
        user_id: UserId | None = None,
        select: str = "*",
        columns: str | Sequence[str] | None = None,
        single: bool = False,
        order_by: str | None = None,
        order_desc: bool = False,
        limit: int | None = None,
        *,
        table_name: str = "",
    ) -> list[Record] | Record | None:
        """The rows, in the table's own order unless `order_by` names a column; the first or None if `single`.

        `columns` stands for `select`: column names, as a list or with commas, each as `name` or `alias:name`, and `*`
        for all. Embedded tables, casts, JSON paths and aggregates are refused by name. A limit of 0 gives no rows:
        before, it gave all.
        """
        place = self._warned("select", table or table_name)
        with self._logged("select", place, user_id):
            rows = self._rows(place, user_id)
            shown = _shown(rows.table, select if columns is None else columns)
            order = None if order_by is None else [Order(_column(rows.table, order_by).name, order_desc)]
            most = 1 if single and (limit is None or limit > 0) else limit
            found = await rows.find_many(
                _filters(rows.table, filters), order_by=order, limit=most, name="safe_db_select"
            )
            records = [_record(each, shown) for each in found]
            if single:
                return records[0] if records else None
            return records

    @overload
    async def safe_db_update(
        self, table: str, filters: RecordId, data: Data, user_id: UserId | None = None, id_column: str = "id"
    ) -> Record: ...

    @overload
    async def safe_db_update(
        self, table: str, filters: Filters, data: Data, user_id: UserId | None = None
    ) -> list[Record]: ...

    @overload
    async def safe_db_update(
        self, *, table_name: str, record_id: RecordId, data: Data, user_id: UserId | None = None, id_column: str = "id"
    ) -> Record: ...

    async def safe_db_update(
        self,
        table: str | None = None,
        filters: RecordId | Filters = None,
        data: Data | None = None,
        user_id: UserId | None = None,
        id_column: str = "id",
        *,
        table_name: str = "",
        record_id: RecordId | None = None,
    ) -> Record | list[Record]:
        """The changed row, if the second argument is one row's id; the changed rows by their key, if it is filters.

        Raises:
            RepositoryNotFoundError: no row has the id. Filters that mean no row answer an empty list.
            RepositoryValidationError: the filters are empty.
            RepositoryConstraintError: no row was changed.
        """
        place = self._warned("update", table or table_name)
        with self._logged("update", place, user_id):
            rows = self._changeable(place, user_id)
            wanted = filters if record_id is None else record_id
            if not isinstance(wanted, _RECORD_ID):
                meant = _said(rows.table, wanted)
                changes = _values(rows.table, _mapping(data, "data"))
                return [_record(each) for each in await rows.update_returning(meant, changes)]
            column = _id_column(rows.table, id_column)
            changes = _changes(column, wanted, _values(rows.table, _mapping(data, "data")))
            if column.name == rows.table.key:
                return _record(await rows.update(wanted, changes))
            changed = await rows.update_returning({column.name: wanted}, changes)
            if not changed:
                raise RepositoryNotFoundError(f"no such row in {place.table}")
            return _record(changed[0])

    @overload
    async def safe_db_delete(
        self, table: str, filters: RecordId, user_id: UserId | None = None, id_column: str = "id"
    ) -> None: ...

    @overload
    async def safe_db_delete(self, table: str, filters: Filters, user_id: UserId | None = None) -> int: ...

    @overload
    async def safe_db_delete(
        self, *, table_name: str, record_id: RecordId, user_id: UserId | None = None, id_column: str = "id"
    ) -> None: ...

    async def safe_db_delete(
        self,
        table: str | None = None,
        filters: RecordId | Filters = None,
        user_id: UserId | None = None,
        id_column: str = "id",
        *,
        table_name: str = "",
        record_id: RecordId | None = None,
    ) -> int | None:
        """None, if the second argument is one row's id, and a warning in the log where no row has it; else how many.

        Raises:
            RepositoryValidationError: the filters are empty.
            ForeignKeyViolation: no row was deleted.
        """
        place = self._warned("delete", table or table_name)
        with self._logged("delete", place, user_id):
            rows = self._changeable(place, user_id)
            wanted = filters if record_id is None else record_id
            if not isinstance(wanted, _RECORD_ID):
                return await rows.discard_many(_said(rows.table, wanted))
            column = _id_column(rows.table, id_column)
            if column.name == rows.table.key:
                there = await rows.discard(wanted)
            else:
                there = await rows.discard_many({column.name: wanted}) > 0
            if not there:
                _LOG.warning("safe_db_delete: no such row in %s", place.table, extra=_facts(place, user_id))
            return None

    # -- what the four share

    def _warned(self, verb: str, table: str) -> Place:
        """The table's place, after the caller was told what to call instead."""
        place = place_of(table, self._tables)
        if verb in ("insert", "select") or not place.adds_only:
            told = f"safe_db_{verb} on {place.table} is deprecated: use {place.instead(verb)}"
            warnings.warn(told, DeprecationWarning, stacklevel=3)
        return place

    def _rows(self, place: Place, user_id: UserId | None) -> Collection[Any, Any]:
        db = self._db if isinstance(self._db, Repositories) else self._db()
        if self._enforces:
            db = _on_behalf(db, user_id)
        return collection_of(db, place.table, {place.table: place})

    def _changeable(self, place: Place, user_id: UserId | None) -> Collection[Any, Any]:
        if place.adds_only:
            raise RepositoryValidationError(f"{place.table} is only added to: no row of it is changed or deleted")
        return self._rows(place, user_id)

    @contextmanager
    def _logged(self, verb: str, place: Place, user_id: UserId | None) -> Iterator[None]:
        """One line a call, an error's with its class alone: messages of others may have values."""
        facts = _facts(place, user_id)
        try:
            yield
        except RepositoryError as error:
            _LOG.error("safe_db_%s on %s: %s", verb, place.table, type(error).__name__, extra=facts)
            raise
        _LOG.debug("safe_db_%s on %s", verb, place.table, extra=facts)


_RECORD_ID: Final = (str, int, uuid.UUID)


def _facts(place: Place, user_id: UserId | None) -> dict[str, object]:
    return {"table": place.table, "user_id": None if user_id is None else str(user_id)}


def _on_behalf(db: Repositories[Any], user_id: UserId | None) -> Repositories[Any]:
    if user_id is None:
        raise RepositoryPermissionError("a call without a user is refused: user_id is enforced")
    if not isinstance(db, Homeport):
        raise Unsupported("user_id is enforced on an opened Homeport: a scope or a unit has its user already")
    return db.as_user(identity({"sub": str(user_id)}))


def _column(table: Table[Any], name: str) -> Column:
    """The column; `user_id` stands for the key where that is the user's id, as in profiles. Raises InvalidField."""
    mine = name == "user_id" and name not in table.by_name and table.owner == table.key
    return table.require(table.key if mine else name)


def _id_column(table: Table[Any], name: str) -> Column:
    """The column; `id` stands for the key of a table that has no `id`, as pam_context."""
    return table.key_column if name == "id" and name not in table.by_name else _column(table, name)


def _values(table: Table[Any], data: Data) -> Record:
    """The data by column, as the column takes it; without what the database stamps."""
    columns = {name: _column(table, name) for name in data}
    meant = {name: each for name, each in columns.items() if not (each.read_only and each.default == NOW)}
    given: Record = {}
    for name, column in meant.items():
        value = _taken(column, data[name])
        if column.name in given and str(given[column.name]) != str(value):
            raise InvalidField(f"{table.name}.{name} differs from {column.name}", field=name)
        given[column.name] = value
    return given


def _changes(column: Column, record_id: RecordId, changes: Record) -> Record:
    """Without the id by which the row is found, if it stays the same."""
    return {name: value for name, value in changes.items() if name != column.name or str(value) != str(record_id)}


def _taken(column: Column, value: object) -> object:
    """What JSON says loosely and a column takes strictly."""
    match column.type, value:
        case NumericType(), float():
            return Decimal(repr(value))
        case TimestampType(), str():
            return _utc(value)
        case DateType(), str() if len(value) > _LENGTH_OF_A_DAY:
            return value[:_LENGTH_OF_A_DAY]
        case _:
            return value


def _utc(text: str) -> object:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return text  # the column says what is wrong with it
    return moment.replace(tzinfo=dt.UTC) if moment.utcoffset() is None else moment


def _filters(table: Table[Any], filters: Filters) -> Filters:
    """Filters by column; a predicate is taken as it is."""
    if not isinstance(filters, Mapping):
        return filters
    columns = {name: _column(table, name) for name in filters}
    return {each.name: _taken(each, filters[name]) for name, each in columns.items()}


def _said(table: Table[Any], filters: Filters) -> Filters:
    if filters is None or (isinstance(filters, Mapping) and not filters):
        raise RepositoryValidationError("an update or delete without filters is refused", field="filters")
    return _filters(table, filters)


def _mapping(given: object, name: str) -> Data:
    if not isinstance(given, Mapping):
        raise RepositoryValidationError(f"{name} is a mapping, not {type(given).__name__}", field=name)
    return cast("Data", given)


def _shown(table: Table[Any], wanted: str | Sequence[str]) -> dict[str, str]:
    """The columns that are asked for, by the name under which each is answered. Raises InvalidField."""
    shown: dict[str, str] = {}
    for each in wanted.split(",") if isinstance(wanted, str) else wanted:
        for answered, column in _pairs(table, str(each).strip()):
            if shown.setdefault(answered, column) != column:
                raise InvalidField(f"{table.name}: two columns are asked for as {answered[:80]}", field=answered[:80])
    return shown


def _pairs(table: Table[Any], asked: str) -> list[tuple[str, str]]:
    """What `*`, `column` or `alias:column` means: names under which something is answered, and their columns."""
    if asked == "*":
        return [(name, name) for name in table.by_name]
    if any(mark in asked for mark in _MORE_THAN_A_COLUMN):
        told = "only columns, their aliases and * are selected: no embedded tables, casts, JSON paths or aggregates"
        raise InvalidField(f"{table.name}: {told}", field=asked[:80])
    alias, _, column = (part.strip() for part in asked.partition(":"))
    return [(alias, _column(table, column).name)] if alias and column else [(asked, _column(table, asked).name)]


_MORE_THAN_A_COLUMN: Final = ("(", ")", "::", "->", "!", '"')


def _record(entity: Entity, shown: Mapping[str, str] | None = None) -> Record:
    """What is `shown` of the row, as the REST API had it: `to_json`, but for numerics, with which callers calculate."""
    every: Record = dict(to_json(entity))
    for name in every:
        value = getattr(entity, name)
        if isinstance(value, Decimal):
            every[name] = json.loads(format(value, "f"))
    return every if shown is None else {alias: every[name] for alias, name in shown.items()}


__all__ = ["Record", "RecordId", "SafeDb"]
