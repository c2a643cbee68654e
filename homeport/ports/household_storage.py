"""Household storage port: document 000's StorageRepository."""

from collections.abc import Mapping
from typing import Protocol

from homeport.domain.household_storage import PlacedItem, StorageCategory, StorageItem, StorageLocation
from homeport.domain.ids import Id


class StorageRepository(Protocol):
    """Every method sees one user's rows only; another's are as absent.

    Names of categories and locations differ by more than the capital letters A to Z.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    async def create_storage_item(self, user_id: Id, data: Mapping[str, object]) -> StorageItem:
        """One piece, unless the data says otherwise.

        Raises:
            NotNullViolation: no name.
            CheckViolation: a negative quantity.
            ForeignKeyViolation: no such user, or a category or location that is absent or another user's.
        """

    async def get_user_storage_items(
        self, user_id: Id, filters: Mapping[str, object] | None = None
    ) -> list[PlacedItem]:
        """By name, then id, with the names of category and location; three queries, whatever their number.

        Filters are equalities of columns, but for `name`, which is looked for in the item's name, and `category` and
        `location`, which are the names of those or None for items without. A to Z and a to z are the same there.
        """

    async def update_storage_item(self, item_id: Id, user_id: Id, data: Mapping[str, object]) -> StorageItem:
        """Raises RepositoryNotFoundError if it is absent or another's; else as `create_storage_item`."""

    async def delete_storage_item(self, item_id: Id, user_id: Id) -> bool:
        """Removes it for good; False if it is absent or another's."""

    async def create_storage_category(self, user_id: Id, name: str) -> StorageCategory:
        """Raises UniqueViolation if the user has one of this name, ForeignKeyViolation for an unknown user."""

    async def get_storage_categories(self, user_id: Id) -> list[StorageCategory]:
        """By name; empty if there are none."""

    async def create_storage_location(self, user_id: Id, name: str) -> StorageLocation:
        """Raises UniqueViolation if the user has one of this name, ForeignKeyViolation for an unknown user."""

    async def get_storage_locations(self, user_id: Id) -> list[StorageLocation]:
        """By name; empty if there are none."""
