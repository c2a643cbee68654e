"""`check_collection` notices a base repository that breaks a promise."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import attrs
import pytest

from homeport.kernel.binding import Filters
from homeport.kernel.pages import Page
from homeport.kernel.query import Deleted
from homeport.repositories.collection import Collection
from homeport.repositories.social import POST
from homeport.testing import a_user, check_collection, memory


class CountsOneMore(Collection[Any, Any]):
    async def count(self, filters: Filters = None, *, deleted: Deleted = Deleted.LIVE) -> int:
        return await super().count(filters, deleted=deleted) + 1


class FindsInTableOrder(Collection[Any, Any]):
    async def find_by_ids(self, ids: Iterable[Any]) -> list[Any]:
        return await self.find_many({"id": list(ids)})


class DeletesTwice(Collection[Any, Any]):
    async def delete(self, id: Any) -> bool:
        await super().delete(id)
        return True


class ShowsTheDeleted(Collection[Any, Any]):
    async def find_by_id(self, id: Any, *, deleted: Deleted = Deleted.LIVE) -> Any:
        return await super().find_by_id(id, deleted=Deleted.ALL)


class WritesWithoutFilter(Collection[Any, Any]):
    async def update_many(self, filters: Filters, data: Mapping[str, object]) -> int:
        return await super().update_many(filters, data) if filters else 0


class PassesOverUnknownFields(Collection[Any, Any]):
    async def create(self, data: Mapping[str, object]) -> Any:
        return await super().create({name: value for name, value in data.items() if name in self.table.by_name})


class WritesHalf(Collection[Any, Any]):
    async def create_many(self, data: Iterable[Mapping[str, object]]) -> list[Any]:
        return [await self.create(each) for each in data]


class ChangesAll(Collection[Any, Any]):
    async def update(self, id: Any, data: Mapping[str, object], *, version: int | None = None) -> Any:
        await super().update_many({"id": [row.id for row in await self.find_many()]}, data)
        return await super().update(id, data, version=version)


class LosesTheTotal(Collection[Any, Any]):
    async def paginate(self, filters: Filters = None, **given: Any) -> Page[Any]:
        return attrs.evolve(await super().paginate(filters, **given), total=None)


class StreamsBackwards(Collection[Any, Any]):
    async def stream(self, filters: Filters = None, **given: Any) -> AsyncIterator[Any]:
        for row in reversed(await self.find_many(filters, **given)):
            yield row


BROKEN = [
    CountsOneMore,
    FindsInTableOrder,
    DeletesTwice,
    ShowsTheDeleted,
    WritesWithoutFilter,
    PassesOverUnknownFields,
    WritesHalf,
    ChangesAll,
    LosesTheTotal,
    StreamsBackwards,
]


@pytest.mark.parametrize("broken", [Collection, *BROKEN], ids=lambda kind: kind.__name__)
async def test_a_broken_promise_is_noticed(broken: type[Collection[Any, Any]]) -> None:
    db = memory(["social"])
    user = await a_user(db)
    rows = broken(db.store(db.contexts[-1]), POST)

    def make() -> Mapping[str, object]:
        return {"user_id": user.id, "content": "text"}

    if broken is Collection:
        await check_collection(rows, make, {"content": "other"})
        return
    with pytest.raises(AssertionError):
        await check_collection(rows, make, {"content": "other"})
