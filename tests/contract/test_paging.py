"""Pages by keyset: complete, without repetition, whatever happens between two of them; signed and bound to a query."""

import datetime as dt
import uuid

import pytest

from homeport.kernel.errors import InvalidCursor, InvalidField, InvalidValue
from homeport.kernel.predicates import not_, one_of
from homeport.kernel.query import Order, OrderBy
from tests.support.specimens import Size, Specimen, StoredSpecimens

pytestmark = pytest.mark.row_cap
UTC = dt.UTC


async def walk(stored: StoredSpecimens, order_by: OrderBy, limit: int) -> list[Specimen]:
    """All pages, one after the other."""
    seen: list[Specimen] = []
    cursor: str | None = None
    while True:
        page = await stored.specimens.paginate_cursor(cursor=cursor, limit=limit, order_by=order_by)
        seen += page.items
        if page.next_cursor is None:
            return seen
        assert len(page.items) == limit
        cursor = page.next_cursor


ORDERS: list[OrderBy] = [
    "whole",
    "-whole",
    Order("whole", nulls_first=True),
    Order("whole", descending=True, nulls_first=True),
    ["words", "-whole"],
    ["-moment", "words"],
    ["size", "-id"],
    ["flag", "-price", "words"],
]


@pytest.mark.parametrize("order_by", ORDERS, ids=[str(number) for number in range(len(ORDERS))])
async def test_pages_join_to_the_whole_list_with_nulls_and_ties(stored: StoredSpecimens, order_by: OrderBy) -> None:
    sizes = [*Size, None]
    await stored.specimens.create_many(
        [
            {
                "whole": None if number % 4 == 0 else number % 3,
                "words": None if number % 5 == 0 else "ab"[number % 2],
                "moment": dt.datetime(2024, 1, 1 + number % 2, tzinfo=UTC),
                "size": sizes[number % 4],
                "flag": [True, False, None][number % 3],
                "price": None if number % 7 == 0 else number,
            }
            for number in range(23)
        ]
    )
    whole = await stored.specimens.find_many(order_by=order_by)
    for limit in (1, 4, 23, 24):
        assert await walk(stored, order_by, limit) == whole


async def test_an_empty_table_has_one_empty_page(stored: StoredSpecimens) -> None:
    page = await stored.specimens.paginate_cursor()
    assert (page.items, page.next_cursor) == ((), None)


async def test_rows_that_come_and_go_neither_repeat_nor_hide_others(stored: StoredSpecimens) -> None:
    made = await stored.specimens.create_many([{"whole": number * 10} for number in range(6)])
    first = await stored.specimens.paginate_cursor(order_by="whole", limit=2)
    await stored.specimens.create({"whole": 5})
    await stored.specimens.create({"whole": 25})
    await stored.specimens.delete(made[1].id)
    await stored.specimens.delete(made[4].id)
    second = await stored.specimens.paginate_cursor(order_by="whole", limit=9, cursor=first.next_cursor)
    assert [row.whole for row in first.items] == [0, 10]
    assert [row.whole for row in second.items] == [20, 25, 30, 50]


async def test_a_cursor_works_for_its_own_query_only(stored: StoredSpecimens) -> None:
    await stored.specimens.create_many([{"whole": number, "flag": True} for number in range(3)])
    page = await stored.specimens.paginate_cursor({"flag": True}, limit=1, order_by="whole")
    assert page.next_cursor is not None
    for filters, order_by in (({"flag": False}, "whole"), ({"flag": True}, "-whole"), (None, "whole")):
        with pytest.raises(InvalidCursor):
            await stored.specimens.paginate_cursor(filters, limit=1, order_by=order_by, cursor=page.next_cursor)
    for forged in ("", "x", page.next_cursor[:-1], page.next_cursor + "A"):
        with pytest.raises(InvalidCursor):
            await stored.specimens.paginate_cursor({"flag": True}, limit=1, order_by="whole", cursor=forged)


async def test_page_sizes_and_orders_are_checked(stored: StoredSpecimens) -> None:
    for limit in (0, -1, 1001, True, "5"):
        with pytest.raises(InvalidValue):
            await stored.specimens.paginate_cursor(limit=limit)  # type: ignore[arg-type]
    await stored.specimens.create_many([{}, {}])
    with pytest.raises(InvalidField):
        await stored.specimens.paginate_cursor(order_by="span", limit=1)


async def test_no_list_is_cut_by_a_row_cap(stored: StoredSpecimens) -> None:
    keys = [uuid.UUID(int=number) for number in range(1, 43)]
    made = await stored.specimens.create_many([{"id": key, "whole": key.int % 4} for key in keys])
    assert len(made) == 42
    by_whole = sorted(made, key=lambda row: (row.whole, row.id.bytes))
    assert await stored.specimens.find_many(order_by="whole") == by_whole
    assert await stored.specimens.find_many(order_by="whole", limit=20, offset=7) == by_whole[7:27]
    assert (
        await stored.specimens.find_many(order_by="-whole", limit=11)
        == sorted(made, key=lambda row: (-(row.whole or 0), row.id.bytes))[:11]
    )
    assert await stored.specimens.find_by_ids(keys) == made
    assert [row async for row in stored.specimens.stream(order_by="whole")] == by_whole
    assert await stored.specimens.count() == 42
    assert await stored.specimens.exists(not_(one_of("id", keys[:-1])))
    assert (await stored.specimens.paginate(page=3, page_size=12, order_by="whole")).items == tuple(by_whole[24:36])
    assert await walk(stored, "whole", 10) == by_whole
    assert await stored.specimens.update_many(one_of("id", keys), {"whole": 1}) == 42
    assert await stored.specimens.bulk_delete(keys) == 42
