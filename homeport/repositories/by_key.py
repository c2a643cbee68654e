"""The row of a key, read or changed: all that is asked but the key is known before."""

from functools import lru_cache
from typing import Any, Generic

from homeport.kernel.binding import live
from homeport.kernel.entity import E
from homeport.kernel.frozen import maker
from homeport.kernel.predicates import Compare, Literal, Predicate, all_of, equal, field, not_
from homeport.kernel.query import Deleted, Form, Select, Update
from homeport.kernel.table import Row, Table
from homeport.kernel.units import Wait

_select = maker(Select)
_update = maker(Update)  # unvalidated: its key is what some rows are meant by
_form = lru_cache(maxsize=2000)(Form)


class ByKey(Generic[E]):
    """Queries and commands for the row of a key, among those with these equalities. Keys are admitted already."""

    __slots__ = ("_before", "_form", "_key", "_lock", "_select_name", "_subject", "_table", "_update_name", "_values")

    def __init__(
        self, table: Table[E], fixed: tuple[Compare, ...], deleted: Deleted, subject: object, lock: Wait | None
    ) -> None:
        self._select_name = f"{table.name}.find_by_id"
        self._update_name = f"{table.name}.update"
        self._table = table
        self._before = (*fixed, *of_kind(table, deleted))
        self._key = field(table.key)
        self._subject = subject
        self._lock = lock
        names = tuple([each.left.name for each in fixed])
        self._form = None if table.key in names else _form((table, names, deleted, lock), lock is None)
        self._values = tuple([each.right.value for each in fixed if isinstance(each.right, Literal)])

    def select(self, key: object) -> Select[E]:
        values = (*self._values, key)
        where, form, name = self.where(key), self._form, self._select_name
        return _select(name, self._table, where, (), None, 0, self._subject, self._lock, form, values)

    def update(self, key: object, changes: Row) -> Update[E]:
        values = (*self._values, key)
        where, form, name = self.where(key), self._form, self._update_name
        return _update(name, self._table, where, changes, True, self._subject, form, values)

    def where(self, key: object) -> Predicate:
        """The condition alone; a key that is fixed is said once."""
        same, before = equal(self._key, key), self._before
        if not before:
            return same
        return all_of(*before) if self._form is None and same in before else all_of(*before, same)


def of_kind(table: Table[Any], deleted: Deleted) -> tuple[Predicate, ...]:
    """That a row is of this kind; nothing where all are."""
    if table.soft_delete is None or deleted is Deleted.ALL:
        return ()
    return (live(table),) if deleted is Deleted.LIVE else (not_(live(table)),)
