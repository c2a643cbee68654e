"""Relations loaded in batches: one query a level, however many rows it has. Knows nothing of any context."""

from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

from homeport.kernel.entity import E
from homeport.kernel.predicates import one_of
from homeport.kernel.query import OrderBy
from homeport.repositories.collection import Collection

K = TypeVar("K", bound=Hashable)


async def one_each(collection: Collection[E, K], ids: Iterable[K | str | None]) -> dict[K, E]:
    """The rows with these keys, by key, in the order asked; absent ones and None are left out. No ids ask nothing."""
    wanted = [each for each in ids if each is not None]
    if not wanted:
        return {}
    return {getattr(row, collection.table.key): row for row in await collection.find_by_ids(wanted)}


async def many_each(
    collection: Collection[E, Any],
    column: str,
    ids: Iterable[K | str | None],
    *,
    order_by: OrderBy | None = None,
    name: str = "many_each",
) -> dict[K, list[E]]:
    """The rows whose column is one of these, by its value; a value without rows has an empty list.

    Each list is in the order given, the table's own where none is. The values are as the column has them, also where
    ids were given as text. No ids ask nothing.
    """
    asked = collection.table.require(column)
    rows: dict[Any, list[E]] = {asked.operand(each): [] for each in ids if each is not None}
    if rows:
        for row in await collection.find_many(one_of(column, list(rows)), order_by=order_by, name=name):
            rows[getattr(row, column)].append(row)
    return rows
