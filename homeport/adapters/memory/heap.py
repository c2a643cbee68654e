"""One table's rows: the newest version of each in a plain dict, its indexes beside it, all kept by one undo list."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeAlias

from homeport.adapters.memory.constraints import MOST_CHANGES, Changed, RowRules, copied, unique_violation
from homeport.adapters.memory.indexes import Index, KeyIndex, Lookup, UniqueIndex, fields, whole
from homeport.adapters.memory.undo import ABSENT, Undo, drop, put
from homeport.kernel.entity import Entity, hydrator
from homeport.kernel.errors import SchemaMismatch
from homeport.kernel.frozen import maker
from homeport.kernel.predicates import Field, IsNull, Operand, Predicate
from homeport.kernel.table import Table
from homeport.kernel.types import ArrayType, JsonType, UuidType

Covers = Callable[[Entity], bool]
Claim: TypeAlias = KeyIndex | UniqueIndex
"""What keeps a value for one row alone."""


class Heap:
    """Rows by key, a UUID's number for a UUID. It keeps uniqueness; the rest of what a row has to be its rules judge.

    Rows are the entities themselves. Nobody can change one, but for jsonb values: those are copied on the way in and
    by `Shower` on the way out.
    """

    def __init__(self, table: Table[Any], undo: Undo, covers: Callable[[Predicate], Covers]) -> None:
        self.table = table
        self.rules = RowRules(table)
        self.rows: dict[object, Entity] = {}
        self.covers = covers
        self.uniques = tuple(
            UniqueIndex(table, each.name or "", each.operands, None if each.where is None else covers(each.where))
            for each in table.uniques
        )
        self.key = whole(table.key_column)
        self._by_number = isinstance(table.key_column.type, UuidType)
        self._undo = undo
        self._make = _maker(table)
        self.primary = KeyIndex(table.primary_key, self.key, self.rows)
        self._lookups: dict[tuple[Operand, ...], Lookup] = {fields(table.key): self.primary}
        self._lookups |= {each.operands: each for each in self.uniques if each.covers is None}
        self.indexes = self._made_indexes()
        self._kept: tuple[UniqueIndex | Index, ...] = (*self.uniques, *self.indexes)
        self._kept_over = lru_cache(MOST_CHANGES)(self._concerned)
        self.claimants: tuple[Claim, ...] = (self.primary, *self.uniques)
        """All that keeps a value for one row alone, in the order in which it is looked at."""
        plain = (each for each in self.uniques if each.covers is None and all(map(_is_field, each.operands)))
        self.keys: frozenset[Claim] = frozenset((self.primary, *plain))
        """What foreign keys may refer to: a change of one of these values is more than a change of the row."""

    def _made_indexes(self) -> tuple[Index, ...]:
        made = []
        for columns in _indexed(self.table):
            operands = fields(*columns)
            if operands not in self._lookups:
                made.append(Index(self.table, operands))
                self._lookups[operands] = made[-1]
        return tuple(made)

    def lookups(self, conjuncts: Iterable[Predicate]) -> Iterator[tuple[tuple[Operand, ...], Lookup]]:
        """All that can find the rows of these conjuncts by equality, with the operands it takes.

        A partial unique can where its own condition is said among them and has no value in it.
        """
        yield from self._lookups.items()
        for unique, declared in zip(self.uniques, self.table.uniques, strict=True):
            if isinstance(declared.where, IsNull) and declared.where in conjuncts:
                yield unique.operands, unique

    def lookup(self, operands: tuple[Operand, ...]) -> Lookup | None:
        return self._lookups.get(operands)

    def claims(self, row: Entity) -> Iterator[tuple[Claim, object]]:
        """What no other row may have: its key first, then its value in each unique that it is in, as declared."""
        yield self.primary, self.key(row)
        for each in self.uniques:
            value = each.value(row)
            if value is not ABSENT:
                yield each, value

    def unique(self, columns: tuple[str, ...]) -> tuple[str, Lookup, Callable[[Entity], object]]:
        """The key or full unique over these columns: its name, what finds by it, and what reads its value of a row."""
        if columns == (self.table.key,):
            return self.table.primary_key, self.primary, self.key
        for each in self.uniques:
            if each.covers is None and each.operands == fields(*columns):
                return each.name, each, each.value
        raise SchemaMismatch(f"{self.table.name} has no full unique over ({', '.join(columns)})")

    def keyed(self, key: Any) -> object:  # noqa: ANN401 - as the key's column has it
        """What the row of this key stands under."""
        return key.int if self._by_number and key is not None else key

    def made(self, row: dict[str, Any]) -> Entity:
        """The entity of a row in column order."""
        return self._make(*row.values())

    def insert(self, row: Entity) -> None:
        """Raises UniqueViolation: the key first, then the uniques as declared."""
        key = self.key(row)
        if key in self.rows:
            raise unique_violation(self.table, self.table.primary_key)
        for unique in self.uniques:
            if unique.holder(row) is not ABSENT:
                raise unique_violation(self.table, unique.name)
        put(self._undo, self.rows, key, row)
        for index in self._kept:
            index.add(self._undo, row, key)

    def replace(self, old: Entity, new: Entity, changed: Changed) -> None:
        """Raises UniqueViolation: the key first, then the uniques as declared."""
        before, key = self.key(old), self.key(new)
        if key != before and key in self.rows:
            raise unique_violation(self.table, self.table.primary_key)
        kept = self._kept if key != before else self._kept_over(changed)
        for index in kept:
            if isinstance(index, UniqueIndex) and index.holder(new) not in (ABSENT, before):
                raise unique_violation(self.table, index.name)
        if key != before:
            drop(self._undo, self.rows, before)
        put(self._undo, self.rows, key, new)
        for index in kept:
            if key != before or index.value(old) != index.value(new):
                index.remove(self._undo, old, before)
                index.add(self._undo, new, key)

    def _concerned(self, changed: Changed) -> tuple[UniqueIndex | Index, ...]:
        """The indexes that a change of these columns may concern."""
        return tuple(each for each in self._kept if each.reads is None or not each.reads.isdisjoint(changed))

    def remove(self, row: Entity) -> None:
        key = self.key(row)
        drop(self._undo, self.rows, key)
        for index in self._kept:
            index.remove(self._undo, row, key)


class Shower:
    """Turns stored rows into answers: themselves, or copies where they hold jsonb or are seen through a view."""

    def __init__(self, shown: Table[Any], stored: Table[Any]) -> None:
        json = tuple(each.name for each in shown.columns if isinstance(each.type, JsonType))
        self.same = shown is stored and not json
        self._hydrate = _hydrator(shown, json)
        names = [each.name for each in shown.columns]
        for name in names:
            stored.require(name)
        self._read = attrgetter(*names) if len(names) > 1 else lambda row: (getattr(row, names[0]),)

    def shown(self, rows: list[Entity]) -> list[Any]:
        return rows if self.same else self._hydrate([self._read(row) for row in rows])


@lru_cache(maxsize=1000)
def _maker(table: Table[Any]) -> Callable[..., Entity]:
    """Made once for all engines: tests open many."""
    made: Callable[..., Entity] = maker(table.entity)
    return made


@lru_cache(maxsize=1000)
def _hydrator(table: Table[Any], json: tuple[str, ...]) -> Callable[[list[Any]], list[Any]]:
    return hydrator(table.entity, dict.fromkeys(json, copied))


def _is_field(operand: Operand) -> bool:
    return isinstance(operand, Field)


def _indexed(table: Table[Any]) -> Iterator[tuple[str, ...]]:
    """The columns that are worth a hash index: foreign keys, the owner, and what a declared index starts with."""
    yield from (each.columns for each in table.foreign_keys)
    first = [table.owner, *(each.terms[0].lstrip("-") for each in table.indexes if each.terms)]
    for name in first:
        column = table.by_name.get(name) if name is not None else None
        if column is not None and not isinstance(column.type, JsonType | ArrayType):
            yield (column.name,)
