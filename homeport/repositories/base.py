"""Document 000's BaseRepository: tables and columns by name, rows as dicts. For code that is not yet on typed ports."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.kernel.binding import Filters
from homeport.kernel.entity import E, Entity
from homeport.kernel.errors import InvalidField, RepositoryValidationError
from homeport.kernel.table import Table
from homeport.ports.store import Session, Unit
from homeport.repositories.collection import Collection
from homeport.repositories.dicts import to_dict

Data = Mapping[str, object]


class BaseRepository:
    """The six methods over any installed table, `name` or `schema.name`.

    Names are looked up among the installed tables and their declared columns; whatever else is refused with the
    nearest known names and never becomes part of a statement. Filters are equalities, a list meaning one of, None
    meaning IS NULL, or a predicate. Soft-deleted rows don't exist. A table that is declared as withheld, such as
    `user_credentials`, is not served.

    Raises everywhere:
        InvalidField: an unknown or withheld table, an unknown column, or one that is set by the database.
        InvalidValue: a value does not fit its column exactly.
    """

    def __init__(self, session: Session | Unit) -> None:
        self._session = session

    async def insert(self, table: str, data: Data) -> dict[str, object]:
        """The row as stored. Raises RepositoryConstraintError."""
        return to_dict(await self._rows(table).create(data))

    async def select(
        self, table: str, filters: Filters = None, columns: Sequence[str] | None = None
    ) -> list[dict[str, object]]:
        """The rows in the table's own order, these columns of them in this order; empty if none."""
        rows = self._rows(table)
        names = _checked(rows, columns)
        return [_only(names, row) for row in await rows.find_many(filters, name="select")]

    async def select_one(
        self, table: str, filters: Filters = None, columns: Sequence[str] | None = None
    ) -> dict[str, object] | None:
        """The first row in the table's own order, or None."""
        rows = self._rows(table)
        names = _checked(rows, columns)
        found = await rows.find_first(filters, name="select_one")
        return None if found is None else _only(names, found)

    async def update(self, table: str, filters: Filters, data: Data) -> list[dict[str, object]]:
        """The changed rows as stored, by their key; empty if none was meant.

        Raises:
            RepositoryValidationError: the filters are empty.
            RepositoryConstraintError: no row was changed.
        """
        return [to_dict(row) for row in await self._rows(table).update_returning(_said(filters), data)]

    async def delete(self, table: str, filters: Filters) -> int:
        """How many rows were deleted: marked in a table with soft delete, removed for good in any other.

        Raises:
            RepositoryValidationError: the filters are empty.
            ForeignKeyViolation: no row was deleted.
        """
        return await self._rows(table).discard_many(_said(filters))

    async def execute_query(self, query: str, params: Sequence[object] | None = None) -> list[dict[str, object]]:
        """The rows of the caller's own SQL, `$1 ..` standing for the params.

        Raises:
            Unsupported: the adapter takes no SQL.
        """
        return await self._session.execute_query(query, () if params is None else params)

    def _rows(self, table: str) -> Collection[Any, Any]:
        return Collection(self._session, served(self._session.catalog.named(table)))


def served(table: Table[E]) -> Table[E]:
    """The table, for a caller who wrote its name as text. Raises InvalidField for one that is withheld from those."""
    if table.withheld:
        raise withheld(table.name)
    return table


def withheld(name: str) -> InvalidField:
    return InvalidField(f"{name} is never reached by its name: call its repository's methods", field="table")


def _checked(rows: Collection[Any, Any], columns: Sequence[str] | None) -> list[str]:
    """The columns asked for, all of them for None. Raises InvalidField."""
    if columns is None:
        return list(rows.table.by_name)
    if isinstance(columns, str):
        raise RepositoryValidationError("columns is a list of names, not one text", field="columns")
    return [rows.table.require(each).name for each in columns]


def _only(names: Sequence[str], row: Entity) -> dict[str, object]:
    every = to_dict(row)
    return {name: every[name] for name in names}


def _said(filters: Filters) -> Filters:
    if filters is None or (isinstance(filters, Mapping) and not filters):
        raise RepositoryValidationError("an update or delete without filters is refused", field="filters")
    return filters
