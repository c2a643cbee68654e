"""What callers give, turned into rows that any store can write, or refused by name. Knows no store."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Generic

import attrs

from homeport.kernel.entity import E
from homeport.kernel.errors import InvalidField, RepositoryValidationError
from homeport.kernel.query import OnConflict, alike
from homeport.kernel.table import Row, Table

Data = Mapping[str, object]


@attrs.frozen(eq=False)
class Incoming(Generic[E]):
    """Rows for one table, or for those of its rows that have the `fixed` values.

    Raises everywhere:
        InvalidField: a column is unknown, set by the database, or differs from a fixed value.
        InvalidValue: a value does not fit its column exactly.
    """

    table: Table[E]
    fixed: Row

    def new(self, data: Data) -> Row:
        """A row to insert. A key that is to be a new UUID is made here, so that the caller's call can be repeated."""
        row = self._admitted(data)
        self._give_keys((row,))
        return row

    def news(self, data: Iterable[Data]) -> Sequence[Row]:
        """As `new`, for many. Raises what is wrong with the first that can't be; values come before what is fixed."""
        rows = self._admitted_each(data)
        self._give_keys(rows)
        return rows

    def whole(self, entity: E) -> Row:
        """Every stored column of the entity, as it is. Raises RepositoryValidationError for one of another table."""
        if not isinstance(entity, self.table.entity):
            raise RepositoryValidationError(f"expected {self.table.entity.__name__}, got {type(entity).__name__}")
        values = self.table.values(entity)
        row = {each.name: each.admit(values[each.name]) for each in self.table.columns if each.stored}
        self._check_fixed(row)
        return row

    def changes(self, data: Data) -> Row:
        """What an update sets: neither key nor owner, nor what is fixed anyway."""
        table, fixed = self.table, self.fixed
        changes = table.admission.row(data)
        if fixed:
            self._check_fixed(changes)
        for name in (table.key, table.owner):
            if name in changes and name not in fixed:
                raise InvalidField(f"{table.name}.{name} can't be changed", field=name)
        return {name: value for name, value in changes.items() if name not in fixed} if fixed else changes

    def upsert(self, data: Sequence[Data], target: Sequence[str] | None) -> tuple[Sequence[Row], OnConflict]:
        """Rows of one upsert, all with the same columns, and the rule that changes neither key nor owner of a row."""
        wanted = self.target(target)
        rows = self._admitted_each(data)
        if rows:
            self._check_upsert(rows, wanted)
        kept = {*wanted, self.table.key, self.table.owner}
        update = tuple(name for name in (rows[0] if rows else ()) if name not in kept) or wanted[:1]
        return rows, OnConflict(wanted, update)

    def target(self, target: Sequence[str] | None) -> tuple[str, ...]:
        """The columns by which an upsert knows a row again. Raises InvalidField for what no adapter can name."""
        wanted = (self.table.key,) if target is None else tuple(target)
        full = {each.columns for each in self.table.uniques if each.plain} | {(self.table.key,)}
        if wanted not in full:
            raise InvalidField(f"{self.table.name} has no full unique over ({', '.join(wanted)})", field="target")
        if not self.fixed.keys() <= set(wanted):
            raise InvalidField("an upsert within one owner's rows needs the owner in its target", field="target")
        return wanted

    def _admitted(self, data: Data) -> dict[str, object]:
        return self._with_fixed(self.table.admission.row(data))

    def _admitted_each(self, data: Iterable[Data]) -> list[dict[str, object]]:
        rows = self.table.admission.rows(data)
        return [self._with_fixed(each) for each in rows] if self.fixed else rows

    def _give_keys(self, rows: Iterable[dict[str, object]]) -> None:
        if self.table.makes_keys:
            for row in rows:
                if row.get(self.table.key) is None:
                    row[self.table.key] = uuid.uuid4()

    def _with_fixed(self, row: dict[str, object]) -> dict[str, object]:
        if self.fixed:
            self._check_fixed(row)
            row.update(self.fixed)
        return row

    def _check_fixed(self, row: Row) -> None:
        for name, value in self.fixed.items():
            if name in row and row[name] != value:
                raise InvalidField(f"{self.table.name}.{name} differs from the one asked for", field=name)

    def _check_upsert(self, rows: Sequence[Row], target: tuple[str, ...]) -> None:
        if not alike(rows):
            raise RepositoryValidationError("the rows of an upsert have different fields", field="data")
        for name in target:
            if any(row.get(name) is None for row in rows):
                raise InvalidField(f"an upsert needs {self.table.name}.{name}", field=name)
        if self.table.key not in target and self.table.key in rows[0]:
            raise InvalidField(f"an upsert on another target can't set {self.table.key}", field=self.table.key)
