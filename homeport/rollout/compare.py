"""Reads that can be asked twice, and how two answers to one read differ. Says which fields differ, never how."""

import asyncio
import datetime as dt
import enum
import math
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

import attrs

from homeport.kernel.columns import Column
from homeport.kernel.operation import Operation
from homeport.kernel.query import Select
from homeport.kernel.types import RealType, single
from homeport.ports.store import Store
from homeport.rollout.shapes import shape_of

Hash = Callable[[str], str]
_PIECE = 50
_PLAIN = frozenset({str, int, bool, bytes, uuid.UUID, dt.date, dt.datetime, dt.timedelta, Decimal, type(None)})


class Kind(enum.StrEnum):
    """How an answer differs from the one that callers were given."""

    MISSING_ROW = "missing row"
    EXTRA_ROW = "extra row"
    ORDER = "order"
    FIELD = "field"
    COUNT = "count"
    ERROR = "error"


@attrs.frozen
class Difference:
    """`key` is a hash of the row's key, empty where no row is meant; `fields` are names, of an error its class."""

    kind: Kind
    key: str = ""
    fields: tuple[str, ...] = ()


class Read(Protocol):
    """A read as it was asked once, and may be asked again."""

    @property
    def statement(self) -> str: ...

    @property
    def comparable(self) -> bool:
        """Whether two right answers are the same."""

    def shape(self) -> str:
        """What was asked, without any value of the caller's."""

    async def ask(self, store: Store, /) -> object:
        """The answer of this store."""

    async def differences(self, first: object, second: object, hashed: Hash, /) -> list[Difference]:
        """What the second answer has otherwise than the first one; the loop gets its turn in long ones."""


@attrs.frozen
class Fetch:
    """`fetch`. Rows without an order are a set; a part of a set, or rows to be locked, can't be compared."""

    query: Select[Any]

    @property
    def statement(self) -> str:
        return self.query.name

    @property
    def comparable(self) -> bool:
        query = self.query
        return query.lock is None and (query.order != () or (query.limit is None and query.offset == 0))

    def shape(self) -> str:
        return shape_of(self.query)

    async def ask(self, store: Store, /) -> object:
        return await store.fetch(self.query)

    async def differences(self, first: object, second: object, hashed: Hash, /) -> list[Difference]:
        table = self.query.table
        return await _rows(first, second, _Form(table.columns, table.key, self.query.order != ()), hashed)


@attrs.frozen
class Count:
    """`count`."""

    query: Select[Any]
    comparable: bool = attrs.field(default=True, init=False)

    @property
    def statement(self) -> str:
        return self.query.name

    def shape(self) -> str:
        return shape_of(self.query)

    async def ask(self, store: Store, /) -> object:
        return await store.count(self.query)

    async def differences(self, first: object, second: object, _: Hash, /) -> list[Difference]:
        return [] if first == second else [Difference(Kind.COUNT)]


@attrs.frozen
class Run:
    """An operation that reads. Its rows are in the function's order; without an `id` they are told by all they hold."""

    operation: Operation[Any, Any]
    parameter: object

    @property
    def statement(self) -> str:
        return self.operation.name

    @property
    def comparable(self) -> bool:
        return not self.operation.writes

    def shape(self) -> str:
        return self.operation.name

    async def ask(self, store: Store, /) -> object:
        answer: object = await store.run(self.operation, self.parameter)
        return answer

    async def differences(self, first: object, second: object, hashed: Hash, /) -> list[Difference]:
        columns = self.operation.results
        key = "id" if any(each.name == "id" for each in columns) else None
        return await _rows(first, second, _Form(columns, key, ordered=True), hashed)


def size_of(answer: object) -> int:
    """How many rows it has; a number counts as one."""
    return len(answer) if isinstance(answer, list) else 1


# -- rows


@attrs.frozen
class _Form:
    """How rows are told apart and compared. Without a key a row is told by all that it holds."""

    columns: Sequence[Column]
    key: str | None
    ordered: bool

    def key_of(self, row: object) -> object:
        if self.key is None:
            return tuple(canonical(getattr(row, each.name)) for each in self.columns)
        return getattr(row, self.key)

    def keyed(self, rows: Sequence[object]) -> dict[tuple[object, int], object]:
        """The rows by key and by how many of that key came before."""
        seen: Counter[object] = Counter()
        found: dict[tuple[object, int], object] = {}
        for row in rows:
            key = self.key_of(row)
            found[key, seen[key]] = row
            seen[key] += 1
        return found

    def differing(self, first: object, second: object) -> tuple[str, ...]:
        found = []
        for column in self.columns:
            one, other = getattr(first, column.name), getattr(second, column.name)
            if one is not other and not _alike(column, one, other):
                found.append(column.name)
        return tuple(found)


async def _rows(first: object, second: object, form: _Form, hashed: Hash) -> list[Difference]:
    ours = form.keyed(_listed(first))
    await asyncio.sleep(0)
    theirs = form.keyed(_listed(second))
    await asyncio.sleep(0)

    def named(key: tuple[object, int]) -> str:
        return hashed(canonical(key[0]))

    found = [Difference(Kind.MISSING_ROW, named(key)) for key in ours if key not in theirs]
    found += [Difference(Kind.EXTRA_ROW, named(key)) for key in theirs if key not in ours]
    if form.ordered and [key for key in ours if key in theirs] != [key for key in theirs if key in ours]:
        found.append(Difference(Kind.ORDER))
    for done, (key, row) in enumerate(ours.items(), start=1):
        if done % _PIECE == 0:
            await asyncio.sleep(0)
        if key in theirs and (fields := form.differing(row, theirs[key])):
            found.append(Difference(Kind.FIELD, named(key), fields))
    return found


def _listed(answer: object) -> Sequence[object]:
    if isinstance(answer, list):
        return answer
    return [] if answer is None else [answer]


# -- values


def _alike(column: Column, first: object, second: object) -> bool:
    if isinstance(column.type, RealType) and isinstance(first, float) and isinstance(second, float):
        return single(first) == single(second)
    return same(first, second)


def same(first: object, second: object) -> bool:
    """Whether two values are one, however written: digits after the point, time zones, the last bits of a float."""
    if type(first) is type(second) and type(first) in _PLAIN:
        return first == second
    match first, second:
        case (bool(), _) | (_, bool()):
            return first is second
        case (float() | int() | Decimal(), float() | int() | Decimal()) if float in (type(first), type(second)):
            return math.isclose(float(first), float(second), rel_tol=1e-12)
        case (list() | tuple(), list() | tuple()):
            return len(first) == len(second) and all(map(same, first, second))
        case Mapping(), Mapping():
            return first.keys() == second.keys() and all(same(value, second[name]) for name, value in first.items())
        case _:
            return bool(first == second)


def canonical(value: object) -> str:
    """One text for all forms of a value; for hashes and for rows without a key."""
    match value:
        case bool() | None:
            return str(value)
        case float():
            return format(value, ".12g")
        case Decimal():
            return format(value.normalize(), "f")
        case dt.datetime() if value.utcoffset() is not None:
            return value.astimezone(dt.UTC).isoformat()
        case list() | tuple():
            return f"[{','.join(map(canonical, value))}]"
        case Mapping():
            return f"{{{','.join(f'{name!r}:{canonical(value[name])}' for name in sorted(value))}}}"
        case str():
            return repr(str(value))
        case _:
            return str(value)
