"""Household storage over any store. That an item lies in a place of its own user is the foreign keys' business."""

import uuid
from collections.abc import Mapping
from typing import Any, cast

from homeport.domain.household_storage import PlacedItem, StorageCategory, StorageItem, StorageLocation
from homeport.domain.ids import Id
from homeport.kernel.binding import from_filters
from homeport.kernel.policies import owned
from homeport.kernel.predicates import Predicate, all_of, contains, eq, exists, is_null, lower
from homeport.kernel.table import (
    CREATED,
    ID,
    OWNER,
    UPDATED,
    ColumnSpec,
    OnDelete,
    Table,
    at_least,
    column,
    index,
    table,
    unique,
)
from homeport.kernel.types import NumericType
from homeport.ports.context import Context
from homeport.ports.household_storage import StorageRepository
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.repositories.migrations import shipped
from homeport.repositories.relations import one_each

CATEGORY = table(
    StorageCategory,
    "storage_categories",
    owner="user_id",
    columns={"id": ID, "user_id": OWNER, "created_at": CREATED, "updated_at": UPDATED},
    uniques=[unique("user_id", lower("name")), unique("user_id", "id")],
    policies=owned(),
    order=["name"],
)

LOCATION = table(
    StorageLocation,
    "storage_locations",
    owner="user_id",
    columns={"id": ID, "user_id": OWNER, "created_at": CREATED, "updated_at": UPDATED},
    uniques=[unique("user_id", lower("name")), unique("user_id", "id")],
    policies=owned(),
    order=["name"],
)


def _of_same_user(other: str) -> ColumnSpec:
    return column(references=other, on_delete=OnDelete.SET_NULL, sharing={"user_id": "user_id"})


ITEM = table(
    StorageItem,
    "storage_items",
    owner="user_id",
    columns={
        "id": ID,
        "user_id": OWNER,
        "category_id": _of_same_user("storage_categories"),
        "location_id": _of_same_user("storage_locations"),
        "weight_lbs": column(NumericType(8, 2)),
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    checks=[at_least("quantity", 0)],
    indexes=[index("user_id", "name"), index("category_id"), index("location_id")],
    policies=owned(),
    order=["name"],
)


class StoredHouseholdStorage:
    """Document 000's StorageRepository; each of its tables is a base repository."""

    def __init__(self, store: Store) -> None:
        self.items: Collection[StorageItem, uuid.UUID] = Collection(store, ITEM)
        self.categories: Collection[StorageCategory, uuid.UUID] = Collection(store, CATEGORY)
        self.locations: Collection[StorageLocation, uuid.UUID] = Collection(store, LOCATION)

    async def create_storage_item(self, user_id: Id, data: Mapping[str, object]) -> StorageItem:
        return await self.items.of(user_id).create(data)

    async def get_user_storage_items(
        self, user_id: Id, filters: Mapping[str, object] | None = None
    ) -> list[PlacedItem]:
        meant = _meant({} if filters is None else filters)
        items = await self.items.of(user_id).find_many(meant, name="get_user_storage_items")
        categories = await one_each(self.categories.of(user_id), (each.category_id for each in items))
        locations = await one_each(self.locations.of(user_id), (each.location_id for each in items))
        return [
            PlacedItem(
                item=each,
                category_name=_name(categories, each.category_id),
                location_name=_name(locations, each.location_id),
            )
            for each in items
        ]

    async def update_storage_item(self, item_id: Id, user_id: Id, data: Mapping[str, object]) -> StorageItem:
        return await self.items.of(user_id).update(item_id, data)

    async def delete_storage_item(self, item_id: Id, user_id: Id) -> bool:
        return await self.items.of(user_id).delete(item_id)

    async def create_storage_category(self, user_id: Id, name: str) -> StorageCategory:
        return await self.categories.of(user_id).create({"name": name})

    async def get_storage_categories(self, user_id: Id) -> list[StorageCategory]:
        return await self.categories.of(user_id).find_many(name="get_storage_categories")

    async def create_storage_location(self, user_id: Id, name: str) -> StorageLocation:
        return await self.locations.of(user_id).create({"name": name})

    async def get_storage_locations(self, user_id: Id) -> list[StorageLocation]:
        return await self.locations.of(user_id).find_many(name="get_storage_locations")


def _meant(filters: Mapping[str, object]) -> Predicate:
    equal, said = dict(filters), list[Predicate]()
    if "name" in equal:
        said.append(contains(lower("name"), cast("str", equal.pop("name"))))
    for kind, place, key in (("category", CATEGORY, "category_id"), ("location", LOCATION, "location_id")):
        if kind in equal:
            said.append(_of(place, key, equal.pop(kind)))
    return all_of(from_filters(equal), *said)


def _of(place: Table[Any], key: str, name: object) -> Predicate:
    """That the item is of the category, or in the location, of this name."""
    return is_null(key) if name is None else exists(place, {"user_id": "user_id", "id": key}, eq(lower("name"), name))


def _name(
    places: Mapping[uuid.UUID, StorageCategory] | Mapping[uuid.UUID, StorageLocation], id: uuid.UUID | None
) -> str | None:
    found = None if id is None else places.get(id)
    return None if found is None else found.name


HOUSEHOLD_STORAGE: Context[StorageRepository] = Context(
    "household_storage",
    StoredHouseholdStorage,
    tables=(CATEGORY, LOCATION, ITEM),
    migrations=shipped("household_storage"),
    requires=("users",),
)
