"""Household storage: what one person has, of what kind it is, and where it lies. Knows nothing of databases."""

import datetime as dt
import uuid
from decimal import Decimal

import attrs

from homeport.kernel.entity import Entity


@attrs.frozen(kw_only=True)
class StorageCategory(Entity):
    """A kind of things. A user has one of each name, whatever its capital letters."""

    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    color: str | None = None
    icon: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class StorageLocation(Entity):
    """A place for things. A user has one of each name, whatever its capital letters."""

    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    description: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class StorageItem(Entity):
    """So many of one thing. Its category and its location are its own user's."""

    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    category_id: uuid.UUID | None = None
    location_id: uuid.UUID | None = None
    quantity: int = 1
    weight_lbs: Decimal | None = None
    notes: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class PlacedItem:
    """An item with the names of its category and location; None where it has none."""

    item: StorageItem
    category_name: str | None
    location_name: str | None
