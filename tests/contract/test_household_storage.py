"""Household storage: what one person has and where it lies, on every adapter."""

import uuid
from decimal import Decimal

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.household_storage import PlacedItem, StorageCategory, StorageItem, StorageLocation
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
    UniqueViolation,
)
from homeport.testing import a_storage_category, a_storage_item, a_storage_location, a_user
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)


def placed(item: StorageItem, category: str | None = None, location: str | None = None) -> PlacedItem:
    return PlacedItem(item=item, category_name=category, location_name=location)


# -- create_storage_item


async def test_a_created_item_has_its_defaults_and_can_be_read_back(db: Homeport) -> None:
    user = await a_user(db)
    made = await db.household_storage.create_storage_item(user.id, {"name": "Saw"})
    assert made == StorageItem(
        id=made.id, user_id=user.id, name="Saw", quantity=1, created_at=made.created_at, updated_at=made.created_at
    )
    assert await db.household_storage.get_user_storage_items(user.id) == [placed(made)]


async def test_an_item_keeps_every_field_that_was_given(db: Homeport) -> None:
    category = await a_storage_category(db)
    location = await a_storage_location(db, user_id=category.user_id)
    given = {
        "name": 'O\'Hara "& sons"',
        "category_id": category.id,
        "location_id": location.id,
        "quantity": 0,
        "weight_lbs": Decimal("999999.99"),
        "notes": "",
    }
    made = await db.household_storage.create_storage_item(str(category.user_id), given)
    assert {name: getattr(made, name) for name in given} == given


async def test_an_item_that_breaks_a_rule_is_refused(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    create = db.household_storage.create_storage_item
    negative = create(user.id, {"name": "Saw", "quantity": -1})
    assert await violated(CheckViolation, negative) == ("storage_items_quantity_check", ("quantity",))
    assert await violated(NotNullViolation, create(user.id, {"quantity": 1})) == (None, ("name",))
    unknown = create(ABSENT, {"name": "Saw"})
    assert await violated(ForeignKeyViolation, unknown) == ("storage_items_user_id_fkey", ("user_id",))
    assert await refused(InvalidField, create(user.id, {"name": "Saw", "user_id": other.id})) == "user_id"
    assert await refused(InvalidField, create(user.id, {"name": "Saw", "colour": "red"})) == "colour"
    assert await refused(InvalidValue, create(user.id, {"name": "Saw", "weight_lbs": 1.5})) == "weight_lbs"
    assert await refused(InvalidValue, create(user.id, {"name": "Saw", "category_id": "Tools"})) == "category_id"


async def test_an_item_lies_only_where_its_own_user_has_a_place(db: Homeport) -> None:
    user, theirs, there = await a_user(db), await a_storage_category(db), await a_storage_location(db)
    item = await a_storage_item(db, user_id=user.id)
    storage = db.household_storage
    wrong = [
        ("category_id", theirs.id),
        ("location_id", there.id),
        ("category_id", ABSENT),
        ("location_id", ABSENT),
    ]
    for name, id in wrong:
        said = (f"storage_items_{name}_fkey", ("user_id", name))
        create = storage.create_storage_item(user.id, {"name": "Saw", name: id})
        assert await violated(ForeignKeyViolation, create) == said
        update = storage.update_storage_item(item.id, user.id, {name: id})
        assert await violated(ForeignKeyViolation, update) == said
    assert await storage.get_user_storage_items(user.id) == [placed(item)]


# -- get_user_storage_items


async def test_items_are_by_name_and_id_with_the_names_of_their_places(db: Homeport) -> None:
    user = await a_user(db)
    tools = await a_storage_category(db, user_id=user.id, name="Tools")
    attic = await a_storage_location(db, user_id=user.id, name="Attic")
    last = await a_storage_item(db, user_id=user.id, name="b", category_id=tools.id, location_id=attic.id)
    twins = [await a_storage_item(db, user_id=user.id, name="a", location_id=attic.id) for _ in range(3)]
    capital = await a_storage_item(db, user_id=user.id, name="Z")
    await a_storage_item(db)
    assert await db.household_storage.get_user_storage_items(str(user.id)) == [
        placed(capital),
        *(placed(each, None, "Attic") for each in sorted(twins, key=lambda one: one.id)),
        placed(last, "Tools", "Attic"),
    ]
    assert await db.household_storage.get_user_storage_items(ABSENT) == []


async def test_items_are_found_by_name_category_and_location(db: Homeport) -> None:
    user = await a_user(db)
    tools = await a_storage_category(db, user_id=user.id, name="Tools")
    attic = await a_storage_location(db, user_id=user.id, name="Attic")
    saw = await a_storage_item(db, user_id=user.id, name="Band Saw", category_id=tools.id, location_id=attic.id)
    axe = await a_storage_item(db, user_id=user.id, name="Axe", category_id=tools.id, quantity=2)
    rug = await a_storage_item(db, user_id=user.id, name="Rug_1", location_id=attic.id)
    namesake = await a_storage_category(db, name="tools")
    await a_storage_item(db, user_id=namesake.user_id, category_id=namesake.id)

    async def found(**filters: object) -> list[StorageItem]:
        return [each.item for each in await db.household_storage.get_user_storage_items(user.id, filters)]

    assert await found(category="TOOLS") == [axe, saw]
    assert await found(category=None) == [rug]
    assert await found(location="attic") == [saw, rug]
    assert await found(location="attic", category="tools", name="SAW") == [saw]
    assert await found(category="tool") == []
    assert await found(location=None) == [axe]
    assert await found(name="a") == [axe, saw]
    assert await found(name="_") == [rug]
    assert await found(name="") == [axe, saw, rug]
    assert await found(category_id=str(tools.id), quantity=[1, 3]) == [saw]
    assert await found() == [axe, saw, rug]


async def test_a_filter_that_makes_no_sense_is_refused(db: Homeport) -> None:
    user = await a_user(db)
    for field, value in (("colour", "red"), ("user", 1)):
        unknown = db.household_storage.get_user_storage_items(user.id, {field: value})
        assert await refused(InvalidField, unknown) == field
    for field, named in (("name", "name"), ("category", "name"), ("location", "name"), ("quantity", "quantity")):
        odd = db.household_storage.get_user_storage_items(user.id, {field: {}})
        assert await refused(InvalidValue, odd) == named
    assert await refused(InvalidValue, db.household_storage.get_user_storage_items("me")) == "user_id"


# -- update_storage_item, delete_storage_item


async def test_an_update_changes_what_is_given(db: Homeport) -> None:
    category = await a_storage_category(db)
    item = await a_storage_item(db, user_id=category.user_id, notes="x")
    changes = {"category_id": str(category.id), "notes": None, "quantity": 0}
    changed = await db.household_storage.update_storage_item(item.id, item.user_id, changes)
    assert changed == attrs.evolve(item, category_id=category.id, notes=None, quantity=0, updated_at=changed.updated_at)
    negative = db.household_storage.update_storage_item(item.id, item.user_id, {"quantity": -1})
    assert await violated(CheckViolation, negative) == ("storage_items_quantity_check", ("quantity",))
    assert await db.household_storage.get_user_storage_items(item.user_id) == [placed(changed, category.name)]


async def test_an_item_of_another_is_as_absent(db: Homeport) -> None:
    item, user = await a_storage_item(db), await a_user(db)
    for id in (item.id, ABSENT):
        assert await db.household_storage.delete_storage_item(id, user.id) is False
        with pytest.raises(RepositoryNotFoundError):
            await db.household_storage.update_storage_item(id, user.id, {"name": "x"})
    assert await refused(InvalidValue, db.household_storage.delete_storage_item("1", user.id)) == "id"
    assert await db.household_storage.delete_storage_item(str(item.id), str(item.user_id)) is True
    assert await db.household_storage.delete_storage_item(item.id, item.user_id) is False


# -- categories and locations


async def test_a_category_has_a_name_of_its_own(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    made = await db.household_storage.create_storage_category(user.id, "Tools")
    assert made == StorageCategory(
        id=made.id, user_id=user.id, name="Tools", created_at=made.created_at, updated_at=made.created_at
    )
    twin = db.household_storage.create_storage_category(user.id, "tOOLS")
    assert await violated(UniqueViolation, twin) == ("storage_categories_user_id_name_key", ("user_id", "name"))
    accented = await db.household_storage.create_storage_category(user.id, "Éclairs")
    small = await db.household_storage.create_storage_category(user.id, "éclairs")
    await db.household_storage.create_storage_category(other.id, "tools")
    assert await db.household_storage.get_storage_categories(str(user.id)) == [made, accented, small]
    assert await db.household_storage.get_storage_categories(ABSENT) == []


async def test_a_location_has_a_name_of_its_own(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    made = await db.household_storage.create_storage_location(user.id, "Shed")
    assert made == StorageLocation(
        id=made.id, user_id=user.id, name="Shed", created_at=made.created_at, updated_at=made.created_at
    )
    twin = db.household_storage.create_storage_location(user.id, "shed")
    assert await violated(UniqueViolation, twin) == ("storage_locations_user_id_name_key", ("user_id", "name"))
    attic = await db.household_storage.create_storage_location(user.id, "Attic")
    await db.household_storage.create_storage_location(other.id, "shed")
    assert await db.household_storage.get_storage_locations(user.id) == [attic, made]
    assert await db.household_storage.get_storage_locations(ABSENT) == []


async def test_a_place_of_an_unknown_user_or_without_a_name_is_refused(db: Homeport) -> None:
    user, storage = await a_user(db), db.household_storage
    for kind, create in (
        ("storage_categories", storage.create_storage_category),
        ("storage_locations", storage.create_storage_location),
    ):
        unknown = create(ABSENT, "x")
        assert await violated(ForeignKeyViolation, unknown) == (f"{kind}_user_id_fkey", ("user_id",))
        assert await violated(NotNullViolation, create(user.id, None)) == (None, ("name",))  # type: ignore[arg-type]
        assert await refused(InvalidValue, create("me", "x")) == "user_id"


async def test_a_place_that_is_removed_leaves_its_items_to_their_user(db: Homeport) -> None:
    category = await a_storage_category(db)
    location = await a_storage_location(db, user_id=category.user_id)
    item = await a_storage_item(db, user_id=category.user_id, category_id=category.id, location_id=location.id)
    storage = db.household_storage
    assert await storage.categories.of(category.user_id).delete(category.id)
    left = attrs.evolve(item, category_id=None)
    assert await storage.get_user_storage_items(item.user_id) == [placed(left, None, location.name)]
    assert await storage.locations.of(category.user_id).delete(location.id)
    assert await storage.get_user_storage_items(item.user_id) == [placed(attrs.evolve(left, location_id=None))]


async def test_all_goes_with_its_user(db: Homeport) -> None:
    category, other = await a_storage_category(db), await a_storage_item(db)
    await a_storage_item(db, user_id=category.user_id, category_id=category.id)
    await db.users.users.delete(category.user_id)
    assert await db.household_storage.categories.count() == 0
    assert await db.household_storage.items.find_many() == [other]
