"""Hash indexes over one table: from the operands' values to the keys of rows. Rows with a NULL are not in them."""

from collections.abc import Callable, Collection, Mapping
from operator import attrgetter
from typing import Any, Protocol

from homeport.adapters.memory.undo import ABSENT, Undo, drop, put
from homeport.kernel.binding import fold_ascii
from homeport.kernel.entity import Entity
from homeport.kernel.predicates import Field, Lower, Operand
from homeport.kernel.table import Column, Table
from homeport.kernel.types import UuidType

Read = Callable[[Entity], Any]
"""A value of a row; ABSENT where it is not to be found by it."""


class Lookup(Protocol):
    """What finds keys by an equality."""

    def keys(self, value: object) -> Collection[object]:
        """The keys of the rows with this value; none for NULL."""


class KeyIndex:
    """The rows themselves, which are found by their key."""

    def __init__(self, name: str, value: Read, rows: Mapping[object, Entity]) -> None:
        self.name = name
        self.value = value
        self._rows = rows

    def keys(self, value: object) -> Collection[object]:
        return (value,) if value in self._rows else ()


class UniqueIndex:
    """At most one key a value, among the rows that `covers` holds for; among all where it is None."""

    def __init__(
        self, table: Table[Any], name: str, operands: tuple[Operand, ...], covers: Callable[[Entity], bool] | None
    ) -> None:
        self.name = name
        self.operands = operands
        self.covers = covers
        self.reads = frozenset(each.name for each in operands) if covers is None else None
        """The columns that it depends on; None for who knows which."""
        self.entries: dict[object, object] = {}
        self.value = reader(reads(table, operands), covers)

    def keys(self, value: object) -> Collection[object]:
        found = self.entries.get(value, ABSENT)
        return () if found is ABSENT else (found,)

    def holder(self, row: Entity) -> object:
        """The key of the row that agrees with this one, which may be the row itself; ABSENT if none does."""
        return self.entries.get(self.value(row), ABSENT)

    def add(self, undo: Undo, row: Entity, key: object) -> None:
        value = self.value(row)
        if value is not ABSENT:
            put(undo, self.entries, value, key)

    def remove(self, undo: Undo, row: Entity, key: object) -> None:
        value = self.value(row)
        if value is not ABSENT:
            drop(undo, self.entries, value)


class Index:
    """Any number of keys a value, in the order in which they came."""

    def __init__(self, table: Table[Any], operands: tuple[Operand, ...]) -> None:
        self.operands = operands
        self.reads = frozenset(each.name for each in operands)
        self.entries: dict[object, dict[object, None]] = {}
        self.value = reader(reads(table, operands), None)

    def keys(self, value: object) -> Collection[object]:
        return self.entries.get(value, ())

    def add(self, undo: Undo, row: Entity, key: object) -> None:
        value = self.value(row)
        if value is ABSENT:
            return
        bucket = self.entries.get(value)
        if bucket is None:
            put(undo, self.entries, value, {key: None})
        else:
            put(undo, bucket, key, None)

    def remove(self, undo: Undo, row: Entity, key: object) -> None:
        value = self.value(row)
        if value is ABSENT:
            return
        bucket = self.entries[value]
        if len(bucket) == 1:
            drop(undo, self.entries, value)
        else:
            drop(undo, bucket, key)


def fields(*names: str) -> tuple[Operand, ...]:
    return tuple(Field(name) for name in names)


def reads(table: Table[Any], operands: tuple[Operand, ...]) -> list[Read]:
    """What reads each operand of a row in the form in which values are looked up; None for NULL."""
    return [_operand(table.by_name[each.name], each) for each in operands]


def reader(reads: list[Read], covers: Callable[[Entity], bool] | None = None) -> Read:
    """Reads a row's value: itself for one operand, a tuple for several; ABSENT with a NULL in it."""
    read = _present(reads[0]) if len(reads) == 1 else _several(reads)
    if covers is None:
        return read
    return lambda row: read(row) if covers(row) else ABSENT


def _operand(column: Column, operand: Operand) -> Read:
    read = attrgetter(column.name)
    if isinstance(operand, Lower):
        return lambda row: None if (text := read(row)) is None else fold_ascii(text)
    if not isinstance(column.type, UuidType):
        return read
    return (lambda row: None if (id := read(row)) is None else id.int) if column.nullable else whole(column)


def whole(column: Column) -> Read:
    """Reads a column that is never NULL: a UUID as its number, which costs no call to be hashed."""
    return attrgetter(f"{column.name}.int" if isinstance(column.type, UuidType) else column.name)


def _present(read: Read) -> Read:
    def value(row: Entity) -> object:
        found = read(row)
        return ABSENT if found is None else found

    return value


def _several(reads: list[Read]) -> Read:
    def value(row: Entity) -> object:
        found = tuple([read(row) for read in reads])
        return ABSENT if None in found else found

    return value
