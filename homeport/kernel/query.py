"""Queries and commands: inert values that one adapter carries out. All names and values in them are already bound."""

import enum
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Generic

import attrs

from homeport.kernel.entity import E
from homeport.kernel.errors import InvalidField, InvalidValue, RepositoryValidationError
from homeport.kernel.predicates import TRUE, Predicate, is_false, is_true
from homeport.kernel.table import Row, Table
from homeport.kernel.types import ArrayType, JsonType
from homeport.kernel.units import Wait


@attrs.frozen
class Order:
    """One sort term. NULLs stand last unless `nulls_first`, in both directions."""

    column: str
    descending: bool = False
    nulls_first: bool = False


OrderBy = str | Order | Sequence[str | Order]


class Deleted(enum.Enum):
    """Which rows of a table with soft delete are meant."""

    LIVE = "live"
    ONLY = "only"
    ALL = "all"


class Moment(enum.Enum):
    """A value for a timestamp column that only the database knows when it writes."""

    NOW = "now"


@attrs.frozen(eq=False)
class Form:
    """What conditions have in common that differ in their values alone: it says all else. Compared by identity.

    `by_key`: they ask for the row of a key, the last value, with no order, limit or lock.
    """

    common: tuple[object, ...]
    by_key: bool = False


@attrs.frozen(weakref_slot=False)
class Select(Generic[E]):
    """Rows of one table in a total order.

    Attributes:
        name: what the statement is called in logs, metrics and its leading comment: `calendar.get_user_events`.
        limit: at most so many rows; None for all of them, 0 for none.
        subject: the user on whose behalf it is asked, for sticky routing; None if nobody in particular.
        lock: the rows are locked for update until the unit ends, waiting in this way; None locks nothing.
        form, values: where queries of one form are made often, what an adapter may know them by, and the values of
            `where` in its order. They say nothing new: a copy that is changed has none.
    """

    name: str
    table: Table[E]
    where: Predicate = TRUE
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    subject: object = None
    lock: Wait | None = None
    form: Form | None = attrs.field(default=None, init=False, eq=False, repr=False)
    values: tuple[object, ...] = attrs.field(default=(), init=False, eq=False, repr=False)


@attrs.frozen
class OnConflict:
    """What an insert does with a row that is there: `update` these columns from the new row, or leave it if none.

    `target` is the key or a full unique over plain columns. To update a soft-deleted row is a UniqueViolation.
    """

    target: tuple[str, ...]
    update: tuple[str, ...]


@attrs.frozen(weakref_slot=False)
class Insert(Generic[E]):
    """New rows, all or none. Rows may have different keys: a column not given gets its default.

    Rows of an upsert all have the same keys. Without `returning` the answer has a count alone; a row left as it was
    by a conflict is neither counted nor returned.
    """

    name: str
    table: Table[E]
    rows: tuple[Row, ...]
    conflict: OnConflict | None = None
    returning: bool = True
    subject: object = None


def _filtered(_: object, __: object, where: Predicate) -> None:
    if is_true(where):
        raise RepositoryValidationError("an update or delete of all rows is refused: say which rows are meant")


@attrs.frozen(weakref_slot=False)
class Update(Generic[E]):
    """The same changes to every row that is meant; `form` and `values` are those of `where`, as a Select has them.

    Raises RepositoryValidationError without a filter.
    """

    name: str
    table: Table[E]
    where: Predicate = attrs.field(validator=_filtered)
    changes: Row
    returning: bool = True
    subject: object = None
    form: Form | None = attrs.field(default=None, init=False, eq=False, repr=False)
    values: tuple[object, ...] = attrs.field(default=(), init=False, eq=False, repr=False)


@attrs.frozen
class UpdateEach(Generic[E]):
    """Each row's own changes, by key, all or none. A key that is not there, or soft-deleted, is passed over."""

    name: str
    table: Table[E]
    changes: tuple[tuple[object, Row], ...]
    where: Predicate = TRUE
    subject: object = None


@attrs.frozen
class Delete(Generic[E]):
    """Removes rows for good. Raises RepositoryValidationError without a filter."""

    name: str
    table: Table[E]
    where: Predicate = attrs.field(validator=_filtered)
    subject: object = None


@attrs.frozen(weakref_slot=False)
class Written(Generic[E]):
    """What a command did: how many rows, and the rows where they were asked for, in the order given to an insert."""

    count: int
    rows: tuple[E, ...] = ()


def never(query: Select[E]) -> bool:
    """Whether the query has no rows whatever the table holds, so that nothing need be asked."""
    return query.limit == 0 or is_false(query.where)


def alike(rows: Sequence[Row]) -> bool:
    """Whether all rows, of which there is one at least, give the same columns, in whatever order."""
    if all(map(tuple(rows[0]).__eq__, map(tuple, rows))):
        return True  # in the same order, as nearly all are
    columns = rows[0].keys()
    return all(row.keys() == columns for row in rows)


def total_order(table: Table[Any], order_by: OrderBy) -> tuple[Order, ...]:
    """The terms checked and completed by the key, so that no two rows tie.

    Raises:
        InvalidField: an unknown column, one that has no order, or the same column twice.
    """
    if not isinstance(order_by, (str, Order, tuple, Sequence)):
        raise InvalidField(f"order_by takes column names, got {type(order_by).__name__}", field="order_by")
    given = (order_by,) if isinstance(order_by, (str, Order)) else tuple(order_by)
    for each in given:
        if not isinstance(each, (str, Order)):
            raise InvalidField(f"order_by takes column names, got {type(each).__name__}", field="order_by")
    return _total_order(table, given)


@lru_cache(maxsize=1000)
def _total_order(table: Table[Any], given: tuple[str | Order, ...]) -> tuple[Order, ...]:
    terms = [Order(each.removeprefix("-"), each.startswith("-")) if isinstance(each, str) else each for each in given]
    for term in terms:
        if isinstance(table.require(term.column).type, JsonType | ArrayType):
            raise InvalidField(f"{table.name}.{term.column} has no order", field=term.column)
    names = [term.column for term in terms]
    if len(set(names)) < len(names):
        raise InvalidField("a column is ordered by twice", field="order_by")
    return tuple(terms) if table.key in names else (*terms, Order(table.key))


def window(name: str, value: int | None) -> int | None:
    """A limit or offset as given: None, or an int not below zero. Raises InvalidValue."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise InvalidValue(f"{name} must be an int not below 0", field=name)
    return value
