"""What every base repository promises, checked on any table and any adapter. Knows no test framework.

async def test_bookings_keep_the_promises(db: Homeport) -> None:
    guest = await a_user(db)
    await check_collection(db.collection(BOOKING), lambda: {"user_id": guest.id, "room": 7}, {"room": 8})
"""

import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from homeport.kernel.binding import Filters
from homeport.kernel.entity import E
from homeport.kernel.errors import (
    InvalidField,
    InvalidValue,
    RepositoryError,
    RepositoryNotFoundError,
    RepositoryPermissionError,
    RepositoryValidationError,
)
from homeport.kernel.predicates import one_of
from homeport.kernel.query import Deleted
from homeport.kernel.table import Table
from homeport.kernel.types import UuidType
from homeport.repositories.collection import Collection

Make = Callable[[], Mapping[str, object]]
Check = Callable[["_Subject"], Awaitable[None]]

ROWS_NEEDED = 24
"""How many rows `check_collection` makes at most, for a `make` that hands out prepared ones."""


async def check_collection(collection: Collection[E, Any], make: Make, change: Mapping[str, object]) -> None:
    """Check the base promises on a table: creation, reads, pages, changes, both kinds of deletion, refusals.

    Other rows may be there before; some of the new ones stay. The collection is a table's own, not one owner's. Of an
    append-only table it is checked that changes and deletions are refused.

    Args:
        collection: `db.collection(TABLE)`.
        make: the data of a new row each time it is called, up to ROWS_NEEDED times; what it refers to is there.
        change: data that differs from what `make` gives, and that any of these rows may be changed to.

    Raises:
        AssertionError: a promise is broken.
    """
    subject = _Subject(collection, make, change)
    for check in _APPENDED if subject.table.append_only else _CHECKS:
        await check(subject)


async def check_projection(collection: Collection[E, Any]) -> None:
    """Check that a read-only projection can be read and refuses every write. Raises AssertionError."""
    found = await collection.find_many(limit=3)
    assert [await collection.find_by_id(_key(collection.table, each)) for each in found] == found
    assert await collection.count() >= len(found)
    key = uuid.uuid4()
    other = next(each.name for each in collection.table.columns if each.name != collection.table.key)
    for write in (
        lambda: collection.create({}),
        lambda: collection.update(key, {other: None}),
        lambda: collection.delete(key),
    ):
        with refused(RepositoryValidationError):
            await write()


@contextmanager
def refused(kind: type[RepositoryError]) -> Iterator[None]:
    """The block raises this error. Raises AssertionError if it raises nothing; another error goes through."""
    try:
        yield
    except kind:
        return
    raise AssertionError(f"expected {kind.__name__}, and nothing was refused")


class _Subject:
    """The table under check, and what the checks share."""

    def __init__(self, collection: Collection[Any, Any], make: Make, change: Mapping[str, object]) -> None:
        self.rows = collection
        self.table: Table[Any] = collection.table
        self.make = make
        self.change = change

    def key(self, row: object) -> Any:  # noqa: ANN401 - a key is of its column's type
        return _key(self.table, row)

    def among(self, rows: list[Any]) -> Mapping[str, object]:
        """A filter that means these rows alone."""
        return {self.table.key: [self.key(each) for each in rows]}

    def shows_change(self, row: object) -> bool:
        return all(getattr(row, name) == self.table.require(name).admit(value) for name, value in self.change.items())

    def unchanged(self, row: object) -> dict[str, object]:
        """The values that a change leaves as they are."""
        kept = [each for each in self.table.columns if each.name not in self.change and not each.touched]
        names = [each.name for each in kept if each.generated is None and each.name != self.table.version]
        return {name: getattr(row, name) for name in names}


async def _creation(subject: _Subject) -> None:
    data = dict(subject.make())
    before = await subject.rows.count()
    made = await subject.rows.create(data)
    key = subject.key(made)
    for name, value in data.items():
        assert getattr(made, name) == subject.table.require(name).admit(value), f"{name} is not stored as given"
    assert await subject.rows.count() == before + 1
    assert await subject.rows.find_by_id(key) == made
    assert await subject.rows.find_by_id(str(key)) == made
    assert await subject.rows.get_or_raise(key) == made
    assert await subject.rows.exists({subject.table.key: key})


async def _creation_of_many(subject: _Subject) -> None:
    given = [subject.make() for _ in range(3)]
    made = await subject.rows.create_many(given)
    keys = [subject.key(each) for each in made]
    for name in given[0]:
        admit = subject.table.require(name).admit
        assert [getattr(each, name) for each in made] == [admit(each[name]) for each in given], "not in the order given"
    assert await subject.rows.find_by_ids(keys) == made, "not in the order asked"
    assert await subject.rows.find_by_ids(list(reversed(keys))) == list(reversed(made)), "not in the order asked"
    assert await subject.rows.bulk_create([subject.make(), subject.make()]) == 2
    assert await subject.rows.create_many([]) == []
    before = await subject.rows.count()
    with refused(InvalidField):
        await subject.rows.create_many([subject.make(), {"no_such_column": 1}])
    assert await subject.rows.count() == before, "half of a refused command was written"


async def _absence(subject: _Subject) -> None:
    made = await subject.rows.create(subject.make())
    key = subject.key(made)
    assert await subject.rows.delete(key)
    assert not await subject.rows.delete(key)
    assert not await subject.rows.discard(key)
    assert await subject.rows.find_by_id(key) is None
    assert not await subject.rows.exists({subject.table.key: key})
    assert await subject.rows.find_by_ids([key]) == []
    assert await subject.rows.update_many({subject.table.key: key}, subject.change) == 0
    with refused(RepositoryNotFoundError):
        await subject.rows.get_or_raise(key)
    with refused(RepositoryNotFoundError):
        await subject.rows.update(key, subject.change)


async def _change(subject: _Subject) -> None:
    rows = await subject.rows.create_many([subject.make(), subject.make()])
    first, second = rows
    assert await subject.rows.update(subject.key(first), {}) == first
    changed = await subject.rows.update(subject.key(first), subject.change)
    assert subject.shows_change(changed)
    assert subject.unchanged(changed) == subject.unchanged(first)
    assert await subject.rows.find_by_id(subject.key(first)) == changed
    assert await subject.rows.find_by_id(subject.key(second)) == second
    for column in (each for each in subject.table.columns if each.touched):
        assert getattr(changed, column.name) >= getattr(first, column.name)
    if subject.table.version is not None:
        assert getattr(changed, subject.table.version) == getattr(first, subject.table.version) + 1


async def _change_of_many(subject: _Subject) -> None:
    made = await subject.rows.create(subject.make())
    assert await subject.rows.update_many(subject.among([made]), subject.change) == 1
    assert await subject.rows.bulk_update([(subject.key(made), subject.change)]) == 1
    assert subject.shows_change(await subject.rows.get_or_raise(subject.key(made)))
    assert await subject.rows.bulk_delete([subject.key(made)]) == 1


async def _refused_fields(subject: _Subject) -> None:
    made = await subject.rows.create(subject.make())
    key, unknown = subject.key(made), {"no_such_column": 1}
    by_database = [each.name for each in subject.table.columns if each.read_only]
    for call in (
        lambda: subject.rows.create({**subject.make(), **unknown}),
        lambda: subject.rows.update(key, unknown),
        lambda: subject.rows.find_many(unknown),
        lambda: subject.rows.find_many(order_by="no_such_column"),
    ):
        with refused(InvalidField):
            await call()
    for name in by_database:
        with refused(InvalidField):
            await subject.rows.update(key, {name: getattr(made, name)})
    if not subject.table.key_column.read_only:
        with refused(InvalidField):
            await subject.rows.update(key, {subject.table.key: key})
    assert await subject.rows.find_by_id(key) == made


async def _refused_writes(subject: _Subject) -> None:
    before = await subject.rows.count()
    nothing_said: tuple[Filters, ...] = (None, {})
    for filters in nothing_said:
        with refused(RepositoryValidationError):
            await subject.rows.update_many(filters, subject.change)
        with refused(RepositoryValidationError):
            await subject.rows.delete_many(filters)
    assert await subject.rows.count() == before


async def _refused_values(subject: _Subject) -> None:
    if isinstance(subject.table.key_column.type, UuidType):
        with refused(InvalidValue):
            await subject.rows.find_by_id("no id at all")
    for limit in (-1, True, "3"):
        with refused(InvalidValue):
            await subject.rows.find_many(limit=limit)  # type: ignore[arg-type]  # what a careless caller gives


async def _lists(subject: _Subject) -> None:
    rows = await subject.rows.create_many([subject.make() for _ in range(3)])
    mine = subject.among(rows)
    listed = await subject.rows.find_many(mine)
    assert sorted(map(subject.key, listed)) == sorted(map(subject.key, rows))
    by_key = await subject.rows.find_many(mine, order_by=f"-{subject.table.key}")
    assert list(map(subject.key, by_key)) == sorted(map(subject.key, rows), reverse=True)
    assert await subject.rows.find_first(mine) == listed[0]
    assert await subject.rows.find_many(mine, limit=2, offset=1) == listed[1:3]
    assert await subject.rows.find_many(mine, limit=0) == []
    assert await subject.rows.find_many(one_of(subject.table.key, [])) == []
    assert [each async for each in subject.rows.stream(mine)] == listed
    assert await subject.rows.count(mine) == 3
    await _pages(subject, mine, listed)


async def _pages(subject: _Subject, mine: Mapping[str, object], listed: list[Any]) -> None:
    first = await subject.rows.paginate(mine, page_size=2)
    second = await subject.rows.paginate(mine, page=2, page_size=2, total=False)
    past = await subject.rows.paginate(mine, page=3, page_size=2)
    assert (list(first.items), first.total) == (listed[:2], 3)
    assert (list(second.items), second.total) == (listed[2:], None)
    assert (list(past.items), past.total) == ([], 3)
    shown = await subject.rows.paginate_cursor(mine, limit=2)
    rest = await subject.rows.paginate_cursor(mine, limit=2, cursor=shown.next_cursor)
    assert [*shown.items, *rest.items] == listed
    assert (shown.next_cursor is not None, rest.next_cursor) == (True, None)


async def _soft_deletion(subject: _Subject) -> None:
    made = await subject.rows.create(subject.make())
    key, mine = subject.key(made), subject.among([made])
    if subject.table.soft_delete is None:
        with refused(InvalidField):
            await subject.rows.soft_delete(key)
        assert await subject.rows.discard(key)
        return
    marked = await subject.rows.soft_delete(key)
    assert getattr(marked, subject.table.soft_delete) is not None
    assert await subject.rows.find_by_id(key) is None
    assert await subject.rows.count(mine) == 0
    assert not await subject.rows.delete(key)
    assert await subject.rows.find_many(mine, deleted=Deleted.ONLY) == [marked]
    assert await subject.rows.find_by_id(key, deleted=Deleted.ALL) == marked
    with refused(RepositoryNotFoundError):
        await subject.rows.update(key, subject.change)
    with refused(RepositoryNotFoundError):
        await subject.rows.soft_delete(key)
    restored = await subject.rows.restore(key)
    assert getattr(restored, subject.table.soft_delete) is None
    assert await subject.rows.find_by_id(key) == restored
    assert await subject.rows.discard_many(mine) == 1


async def _refused_changes(subject: _Subject) -> None:
    made = await subject.rows.create(subject.make())
    key, mine = subject.key(made), subject.among([made])
    for call in (
        lambda: subject.rows.update(key, subject.change),
        lambda: subject.rows.update_many(mine, subject.change),
        lambda: subject.rows.bulk_update([(key, subject.change)]),
        lambda: subject.rows.delete(key),
        lambda: subject.rows.delete_many(mine),
        lambda: subject.rows.discard(key),
    ):
        with refused(RepositoryPermissionError):
            await call()
    assert await subject.rows.update(key, {}) == made
    assert await subject.rows.find_by_id(key) == made


def _key(table: Table[Any], row: object) -> Any:  # noqa: ANN401 - a key is of its column's type
    return getattr(row, table.key)


_APPENDED: tuple[Check, ...] = (
    _creation,
    _creation_of_many,
    _refused_changes,
    _refused_fields,
    _refused_writes,
    _refused_values,
    _lists,
)
_CHECKS: tuple[Check, ...] = (
    _creation,
    _creation_of_many,
    _absence,
    _change,
    _change_of_many,
    _refused_fields,
    _refused_writes,
    _refused_values,
    _lists,
    _soft_deletion,
)
