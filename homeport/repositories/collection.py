"""The base repository: one table's rows as entities, over any store."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Generic, TypeVar

from homeport.kernel.binding import Filters, bind, from_filters
from homeport.kernel.entity import E
from homeport.kernel.errors import (
    InvalidField,
    RepositoryNotFoundError,
    RepositoryValidationError,
    StaleVersion,
)
from homeport.kernel.frozen import maker
from homeport.kernel.pages import CursorPage, Keyset, Page, checked_page_size, page_number
from homeport.kernel.predicates import (
    Predicate,
    all_of,
    conjunction,
    conjuncts,
    equal,
    field,
    is_false,
    is_true,
    one_of,
)
from homeport.kernel.query import (
    Delete,
    Deleted,
    Insert,
    Moment,
    OnConflict,
    Order,
    OrderBy,
    Select,
    Update,
    UpdateEach,
    Written,
    total_order,
    window,
)
from homeport.kernel.table import Row, Table
from homeport.kernel.units import Wait
from homeport.ports.store import Store
from homeport.repositories.by_key import ByKey, of_kind
from homeport.repositories.incoming import Data, Incoming

K = TypeVar("K")

_insert_of = maker(Insert)
_update_of = maker(Update)  # unvalidated: `_meant` and `_is` see to it that some rows are meant, and not all
_select_of = maker(Select)

NOTHING_FIXED: Row = {}


class Collection(Generic[E, K]):
    """Rows of one table, of one owner where `of` was asked.

    Everywhere: soft-deleted rows don't exist unless `deleted` says so; ids may be given as text; `filters` are a
    mapping of equalities (a list means one of, None means IS NULL) or a predicate; `order_by` takes `"column"` and
    `"-column"`, the key breaks ties. `data` is refused by name where it has unknown, read-only or generated columns,
    changes a key, or gives a row to another owner.

    Raises everywhere:
        InvalidField: a column is unknown or not for this use.
        InvalidValue: a value does not fit its column exactly.
    """

    __slots__ = ("_alive", "_by_key", "_incoming", "_lock", "_scope", "_store", "_subject", "table")

    def __init__(
        self,
        store: Store,
        table: Table[E],
        *,
        fixed: Row = NOTHING_FIXED,
        subject: object = None,
        lock: Wait | None = None,
    ) -> None:
        """`fixed` values, admitted by their columns, are those of every row; see `within`, `asked_by`, `for_update`."""
        self.table = store.catalog.table(table)
        self._store = store
        self._incoming = Incoming(self.table, fixed)
        self._scope = tuple([equal(field(name), value) for name, value in fixed.items()])
        self._alive = (*self._scope, *of_kind(self.table, Deleted.LIVE))
        self._by_key: ByKey[E] | None = None
        self._subject = subject
        self._lock = lock

    def of(self, owner: object) -> "Collection[E, K]":
        """The rows of one owner: others' are as absent, new ones get this owner. Raises InvalidValue."""
        if self.table.owner is None:
            raise InvalidField(f"{self.table.name} has no owner column", field="owner")
        mine = self.table.require(self.table.owner).operand(owner)
        fixed = {**self._incoming.fixed, self.table.owner: mine}
        return Collection(self._store, self.table, fixed=fixed, subject=mine, lock=self._lock)

    def within(self, column: str, value: object) -> "Collection[E, K]":
        """The rows with this value, one parent's for example: others are as absent, new ones get it."""
        same = self.table.require(column).operand(value)
        fixed = {**self._incoming.fixed, column: same}
        return Collection(self._store, self.table, fixed=fixed, subject=self._subject, lock=self._lock)

    def asked_by(self, user: object) -> "Collection[E, K]":
        """The same rows, asked on behalf of this user: that one's bucket decides which adapter of a canary answers."""
        return Collection(self._store, self.table, fixed=self._incoming.fixed, subject=user, lock=self._lock)

    def for_update(self, wait: Wait = Wait.WAIT) -> "Collection[E, K]":
        """The same rows; those that are read are locked until the unit ends, so that nobody changes them meanwhile.

        Reading raises QueryError outside a unit of work, Unsupported without ROW_LOCKS, LockTimeout, Deadlock, and in
        a unit with a snapshot SerializationConflict for a row that has changed since.
        """
        return Collection(self._store, self.table, fixed=self._incoming.fixed, subject=self._subject, lock=wait)

    # -- reading

    def select(
        self,
        filters: Filters = None,
        *,
        order_by: OrderBy | None = None,
        limit: int | None = None,
        offset: int = 0,
        deleted: Deleted = Deleted.LIVE,
        name: str = "find_many",
    ) -> Select[E]:
        """The bound query that `find_many` asks; `name` is what logs and the statement's comment call it."""
        order = total_order(self.table, self.table.order if order_by is None else order_by)
        where, rows, skipped = self._where(filters, deleted), window("limit", limit), window("offset", offset) or 0
        return self._select(name, where, order=order, limit=rows, offset=skipped, lock=self._lock)

    async def find_by_id(self, id: K | str, *, deleted: Deleted = Deleted.LIVE) -> E | None:
        """The row, or None."""
        found = await self._store.fetch(self._of_key(deleted).select(self._key(id)))
        return found[0] if found else None

    async def get_or_raise(self, id: K | str) -> E:
        """The row. Raises RepositoryNotFoundError."""
        found = await self.find_by_id(id)
        if found is None:
            raise self._absent()
        return found

    async def find_by_ids(self, ids: Iterable[K | str]) -> list[E]:
        """The rows that are there, each once, in the order of the ids."""
        wanted = list(dict.fromkeys(self._key(each) for each in ids))
        query = self.select(one_of(self.table.key, wanted), order_by=(), name="find_by_ids")
        found = {getattr(row, self.table.key): row for row in await self._store.fetch(query)}
        return [found[each] for each in wanted if each in found]

    async def find_many(
        self,
        filters: Filters = None,
        *,
        order_by: OrderBy | None = None,
        limit: int | None = None,
        offset: int = 0,
        deleted: Deleted = Deleted.LIVE,
        name: str = "find_many",
    ) -> list[E]:
        """The rows in order, the table's own where none is given; empty if none."""
        query = self.select(filters, order_by=order_by, limit=limit, offset=offset, deleted=deleted, name=name)
        return await self._store.fetch(query)

    async def find_first(
        self, filters: Filters = None, *, order_by: OrderBy | None = None, name: str = "find_first"
    ) -> E | None:
        """The first row in order, or None."""
        found = await self.find_many(filters, order_by=order_by, limit=1, name=name)
        return found[0] if found else None

    def stream(self, filters: Filters = None, *, order_by: OrderBy | None = None) -> AsyncIterator[E]:
        """The rows in order, a bounded number of them in memory at a time."""
        return self._store.stream(self.select(filters, order_by=order_by, name="stream"))

    async def count(self, filters: Filters = None, *, deleted: Deleted = Deleted.LIVE) -> int:
        return await self._store.count(self._select("count", self._where(filters, deleted)))

    async def exists(self, filters: Filters = None) -> bool:
        return await self._store.count(self._select("exists", self._where(filters), limit=1)) > 0

    async def paginate(
        self,
        filters: Filters = None,
        *,
        page: int = 1,
        page_size: int = 50,
        order_by: OrderBy | None = None,
        total: bool = True,
    ) -> Page[E]:
        """One page by offset, numbered from 1; empty past the end. The total is counted only if it is asked for."""
        size, number = checked_page_size(page_size), page_number(page)
        query = self.select(filters, order_by=order_by, limit=size, offset=(number - 1) * size, name="paginate")
        items = tuple(await self._store.fetch(query))
        return Page(items, number, size, await self.count(filters) if total else None)

    async def paginate_cursor(
        self,
        filters: Filters = None,
        *,
        cursor: str | None = None,
        limit: int = 50,
        order_by: OrderBy | None = None,
    ) -> CursorPage[E]:
        """One page by keyset: rows inserted or deleted meanwhile neither repeat nor hide others.

        Raises:
            InvalidCursor: the cursor was not issued for these filters, this order and this owner.
        """
        name, rows = "paginate_cursor", checked_page_size(limit) + 1
        query = self.select(filters, order_by=order_by, limit=rows, name=name)
        pages = Keyset(query, self._store.cursors)
        if cursor is not None:
            where = conjunction((query.where, pages.after(cursor)))
            query = self._select(name, where, order=query.order, limit=rows, lock=self._lock)
        found = await self._store.fetch(query)
        shown = tuple(found[:limit])
        return CursorPage(shown, pages.cursor(shown[-1]) if len(found) > limit else None)

    # -- writing

    async def create(self, data: Data) -> E:
        """Insert one row and answer it as stored. Raises RepositoryConstraintError."""
        return (await self._store.insert(self._insertion("create", (self._incoming.new(data),)))).rows[0]

    async def create_many(self, data: Iterable[Data]) -> list[E]:
        """Insert all rows or none; answered in the order given. Raises RepositoryConstraintError."""
        return list((await self._insert("create_many", self._incoming.news(data))).rows)

    async def bulk_create(self, data: Iterable[Data]) -> int:
        """As `create_many`, answering only how many: the fastest way in."""
        return (await self._insert("bulk_create", self._incoming.news(data), returning=False)).count

    async def add(self, entity: E) -> E:
        """Insert the entity with every stored column as given, the database's own ones too: imports, copies, tests."""
        return (await self._store.insert(self._insertion("add", (self._incoming.whole(entity),)))).rows[0]

    async def add_many(self, entities: Iterable[E]) -> int:
        """As `add`, all or none, answering only how many."""
        return (
            await self._insert("add_many", [self._incoming.whole(each) for each in entities], returning=False)
        ).count

    async def upsert(self, data: Data, *, target: Sequence[str] | None = None) -> E:
        """Insert the row, or change the one that agrees in `target` (the key by default) to what is given.

        Raises:
            InvalidField: `target` is neither the key nor a full unique over plain columns, or another column's key
                is given, or the owner of a scoped collection is not part of it.
            UniqueViolation: another unique is in the way, or a soft-deleted row.
        """
        return (await self._upsert([data], target)).rows[0]

    async def upsert_many(self, data: Sequence[Data], *, target: Sequence[str] | None = None) -> list[E]:
        """As `upsert`, all or none. All mappings have the same keys; no two agree in the target."""
        return list((await self._upsert(data, target)).rows)

    async def insert_absent(self, data: Data, *, target: Sequence[str]) -> bool:
        """Insert the row unless one, live or soft-deleted, agrees in `target`; whether it was inserted."""
        row = self._incoming.new(data)
        conflict = OnConflict(self._incoming.target(target), ())
        return (await self._insert("insert_absent", [row], conflict=conflict, returning=False)).count > 0

    async def update(self, id: K | str, data: Data, *, version: int | None = None) -> E:
        """Change one row; answered as stored. An empty mapping changes nothing. With `version` only that one is meant.

        Raises:
            RepositoryNotFoundError: no such row.
            RepositoryConstraintError: the row stays as it was.
            StaleVersion: the row has another version: somebody has changed it since it was read.
            InvalidField: a version is given, and the table has no column of it.
        """
        changes = self._incoming.changes(data)
        if version is not None:
            return await self._update_at(id, version, changes)
        if not changes:
            return await self.get_or_raise(id)
        self._check_written()
        return self._one(await self._store.update(self._of_key().update(self._key(id), changes)))

    async def _update_at(self, id: K | str, version: int, changes: Row) -> E:
        where = self._at(id, version)
        if not changes:
            found = await self.get_or_raise(id)
            if self.table.version is not None and version != getattr(found, self.table.version):
                raise self._stale()
            return found
        written = await self._update("update", where, changes)
        if not written.rows and await self._is_newer(id, version):
            raise self._stale()
        return self._one(written)

    async def update_many(self, filters: Filters, data: Data) -> int:
        """Change all rows meant; how many. Raises RepositoryValidationError without a filter."""
        where, changes = self._meant(filters), self._incoming.changes(data)
        if not changes:
            return 0
        return (await self._update("update_many", where, changes, returning=False)).count

    async def update_returning(self, filters: Filters, data: Data) -> list[E]:
        """As `update_many`, answering the rows as stored, by their key; an empty mapping answers them unchanged."""
        where, changes = self._meant(filters), self._incoming.changes(data)
        if not changes:
            return await self.find_many(filters, order_by=(), name="update_returning")
        changed = await self._update("update_returning", where, changes)
        return sorted(changed.rows, key=lambda row: getattr(row, self.table.key))

    async def bulk_update(self, changes: Iterable[tuple[K | str, Data]]) -> int:
        """Each row's own changes, all or none; how many rows were found. Raises RepositoryConstraintError.

        Rows that change alike are one statement on every adapter.

        Raises:
            Unsupported: the changes differ, and the adapter lacks BULK_UPDATE.
        """
        given = [(self._key(id), self._incoming.changes(data)) for id, data in changes]
        given = [(id, row) for id, row in given if row]
        if len({id for id, _ in given}) < len(given):
            raise RepositoryValidationError("the same key is changed twice", field=self.table.key)
        if given and all(row == given[0][1] for _, row in given):
            where = self._where(one_of(self.table.key, [id for id, _ in given]))
            return (await self._update("bulk_update", where, given[0][1], returning=False)).count
        self._check_written()
        name, scope = f"{self.table.name}.bulk_update", self._with_scope(Deleted.LIVE)
        command = UpdateEach(name, self.table, tuple(given), scope, self._subject)
        return (await self._store.update_each(command)).count if given else 0

    async def delete(self, id: K | str) -> bool:
        """Remove one live row for good; False if there is none. Raises ForeignKeyViolation."""
        return (await self._delete("delete", self._is(id))).count > 0

    async def delete_many(self, filters: Filters) -> int:
        """Remove all live rows meant for good; how many. Raises RepositoryValidationError without a filter."""
        return (await self._delete("delete_many", self._meant(filters))).count

    async def bulk_delete(self, ids: Iterable[K | str]) -> int:
        """Remove the live rows with these ids for good; how many were there."""
        where = self._where(one_of(self.table.key, [self._key(each) for each in ids]))
        return (await self._delete("bulk_delete", where)).count

    async def soft_delete(self, id: K | str) -> E:
        """Mark one row as deleted, at the database's time. Raises RepositoryNotFoundError, InvalidField."""
        mark = self._soft_delete_column()
        return self._one(await self._update("soft_delete", self._is(id), {mark: Moment.NOW}))

    async def restore(self, id: K | str) -> E:
        """Unmark one soft-deleted row. Raises RepositoryNotFoundError, InvalidField, UniqueViolation."""
        mark = self._soft_delete_column()
        return self._one(await self._update("restore", self._is(id, Deleted.ONLY), {mark: None}))

    async def discard(self, id: K | str, *, version: int | None = None) -> bool:
        """Delete in the table's own way: softly where it has soft delete, else for good; False if there is none.

        Raises, with `version`, as `update` does: StaleVersion if it is another, InvalidField without such a column.
        """
        where, mark = self._at(id, version), self.table.soft_delete
        if mark is None:
            written = await self._delete("delete", where)
        else:
            written = await self._update("discard", where, {mark: Moment.NOW}, returning=False)
        if written.count == 0 and await self._is_newer(id, version):
            raise self._stale()
        return written.count > 0

    async def discard_many(self, filters: Filters) -> int:
        """Delete all live rows meant in the table's own way; how many. Raises RepositoryValidationError unfiltered."""
        if self.table.soft_delete is None:
            return await self.delete_many(filters)
        changes: Row = {self.table.soft_delete: Moment.NOW}
        return (await self._update("discard_many", self._meant(filters), changes, returning=False)).count

    # -- what the methods share

    def _select(
        self,
        name: str,
        where: Predicate,
        *,
        order: tuple[Order, ...] = (),
        limit: int | None = None,
        offset: int = 0,
        lock: Wait | None = None,
    ) -> Select[E]:
        name = f"{self.table.name}.{name}"
        return _select_of(name, self.table, where, order, limit, offset, self._subject, lock, None, ())

    def _where(self, filters: Filters, deleted: Deleted = Deleted.LIVE) -> Predicate:
        said = bind(from_filters(filters), self.table, self._store.catalog)
        return said if is_false(said) else self._with_scope(deleted, *conjuncts(said))

    def _with_scope(self, deleted: Deleted, *said: Predicate) -> Predicate:
        """Scope and soft delete before what was said; all of it is bound already."""
        before = self._alive if deleted is Deleted.LIVE else (*self._scope, *of_kind(self.table, deleted))
        return all_of(*before, *said)

    def _meant(self, filters: Filters) -> Predicate:
        """The filter of a write: it has to say something itself, whatever scope and soft delete add."""
        said = bind(from_filters(filters), self.table, self._store.catalog)
        if is_true(said) and not self._scope:
            raise RepositoryValidationError("an update or delete of all rows is refused: say which rows are meant")
        return said if is_false(said) else self._with_scope(Deleted.LIVE, *conjuncts(said))

    def _of_key(self, deleted: Deleted = Deleted.LIVE) -> ByKey[E]:
        found = self._by_key
        if found is None or deleted is not Deleted.LIVE:
            found = ByKey(self.table, self._scope, deleted, self._subject, self._lock)
            if deleted is Deleted.LIVE:
                self._by_key = found
        return found

    def _is(self, id: K | str, deleted: Deleted = Deleted.LIVE) -> Predicate:
        return self._of_key(deleted).where(self._key(id))

    def _at(self, id: K | str, version: int | None) -> Predicate:
        """The live row of that key, at that version alone if one is given."""
        if version is None:
            return self._is(id)
        if self.table.version is None:
            raise InvalidField(f"{self.table.name} has no version column", field="version")
        known = self.table.require(self.table.version).operand(version)
        return all_of(*conjuncts(self._is(id)), equal(field(self.table.version), known))

    def _key(self, id: K | str) -> object:
        column = self.table.key_column
        if isinstance(id, str) and column.identity and id.isascii() and id.lstrip("-").isdigit():
            return column.operand(int(id))
        return column.operand(id)

    async def _upsert(self, data: Sequence[Data], target: Sequence[str] | None) -> Written[E]:
        rows, conflict = self._incoming.upsert(data, target)
        return await self._insert("upsert", rows, conflict=conflict)

    async def _insert(
        self, name: str, rows: Sequence[Row], *, conflict: OnConflict | None = None, returning: bool = True
    ) -> Written[E]:
        command = self._insertion(name, tuple(rows), conflict, returning=returning)
        return await self._store.insert(command) if rows else Written(0)

    def _insertion(
        self, name: str, rows: tuple[Row, ...], conflict: OnConflict | None = None, *, returning: bool = True
    ) -> Insert[E]:
        self._check_written()
        return _insert_of(f"{self.table.name}.{name}", self.table, rows, conflict, returning, self._subject)

    async def _update(self, name: str, where: Predicate, changes: Row, *, returning: bool = True) -> Written[E]:
        self._check_written()
        name = f"{self.table.name}.{name}"
        command = _update_of(name, self.table, where, changes, returning, self._subject, None, ())
        return await self._store.update(command)

    async def _delete(self, name: str, where: Predicate) -> Written[E]:
        self._check_written()
        return await self._store.delete(Delete(f"{self.table.name}.{name}", self.table, where, self._subject))

    def _check_written(self) -> None:
        if self.table.view_of is not None:
            raise InvalidField(f"{self.table.name} is a projection and can't be written", field="table")

    def _one(self, written: Written[E]) -> E:
        if not written.rows:
            raise self._absent()
        return written.rows[0]

    async def _is_newer(self, id: K | str, version: int | None) -> bool:
        """Whether a row that was not found at that version is there after all."""
        if version is None:
            return False
        return await self._store.count(self._select("exists", self._is(id), limit=1)) > 0

    def _stale(self) -> StaleVersion:
        return StaleVersion(f"the row in {self.table.name} has changed since this version was read")

    def _absent(self) -> RepositoryNotFoundError:
        return RepositoryNotFoundError(f"no such row in {self.table.name}")

    def _soft_delete_column(self) -> str:
        if self.table.soft_delete is None:
            raise InvalidField(f"{self.table.name} has no soft delete", field="deleted_at")
        return self.table.soft_delete
