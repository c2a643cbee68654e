"""Gets by key: all of the query but the key is known before it is asked."""

from functools import lru_cache
from typing import Any, Generic

from homeport.kernel.binding import live
from homeport.kernel.entity import E
from homeport.kernel.frozen import maker
from homeport.kernel.predicates import Compare, Literal, Predicate, all_of, equal, field, not_
from homeport.kernel.query import Deleted, Form, Select
from homeport.kernel.table import Table
from homeport.kernel.units import Wait

_select = maker(Select)
_form = lru_cache(maxsize=2000)(Form)


class ByKey(Generic[E]):
    """The query for the row of a key, among those with these equalities."""

    __slots__ = ("_before", "_form", "_key", "_lock", "_name", "_subject", "_table", "_values")

    def __init__(
        self, table: Table[E], fixed: tuple[Compare, ...], deleted: Deleted, subject: object, lock: Wait | None
    ) -> None:
        self._name = f"{table.name}.find_by_id"
        self._table = table
        self._before = (*fixed, *of_kind(table, deleted))
        self._key = field(table.key)
        self._subject = subject
        self._lock = lock
        names = tuple([each.left.name for each in fixed])
        self._form = None if table.key in names else _form((table, names, deleted, lock), lock is None)
        self._values = tuple([each.right.value for each in fixed if isinstance(each.right, Literal)])

    def select(self, key: object) -> Select[E]:
        """`key` is admitted already."""
        same = equal(self._key, key)
        before, form = self._before, self._form
        where = all_of(*before) if form is None and same in before else all_of(*before, same)
        values = (*self._values, key)
        return _select(self._name, self._table, where, (), None, 0, self._subject, self._lock, form, values)


def of_kind(table: Table[Any], deleted: Deleted) -> tuple[Predicate, ...]:
    """That a row is of this kind; nothing where all are."""
    if table.soft_delete is None or deleted is Deleted.ALL:
        return ()
    return (live(table),) if deleted is Deleted.LIVE else (not_(live(table)),)
