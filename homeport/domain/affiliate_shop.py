"""The affiliate shop: products that others sell, who followed a link to them, and what is wrong with them.

Nothing is sold here: products with a stock and orders are other contexts. Knows nothing of storage.
"""

import datetime as dt
import enum
import uuid
from decimal import Decimal

import attrs

from homeport.kernel.entity import Entity
from homeport.kernel.types import IpAddress


class ProductCategory(enum.StrEnum):
    RECOVERY_GEAR = "recovery_gear"
    CAMPING_EXPEDITION = "camping_expedition"
    TOOLS_MAINTENANCE = "tools_maintenance"
    PARTS_UPGRADES = "parts_upgrades"
    BOOKS_MANUALS = "books_manuals"
    APPAREL_MERCHANDISE = "apparel_merchandise"
    ELECTRONICS = "electronics"
    OUTDOOR_GEAR = "outdoor_gear"


class AffiliateProvider(enum.StrEnum):
    AMAZON = "amazon"
    EBAY = "ebay"
    CUSTOM = "custom"


class ReportReason(enum.StrEnum):
    INCORRECT_PRICE = "incorrect_price"
    OUT_OF_STOCK = "out_of_stock"
    DISCONTINUED = "discontinued"
    BROKEN_LINK = "broken_link"
    WRONG_IMAGE = "wrong_image"
    WRONG_DESCRIPTION = "wrong_description"
    OTHER = "other"


class ReportStatus(enum.StrEnum):
    PENDING = "pending"
    REVIEWED = "reviewed"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"


@attrs.frozen(kw_only=True)
class AffiliateProduct(Entity):
    """A link to something sold elsewhere. Its clicks are counted by the database; the lowest `sort_order` is first."""

    id: uuid.UUID
    title: str
    description: str | None = None
    short_description: str | None = None
    category: ProductCategory
    price: Decimal | None = None
    currency: str = "USD"
    image_url: str | None = None
    additional_images: tuple[str, ...] | None = None
    affiliate_provider: AffiliateProvider
    affiliate_url: str
    commission_rate: Decimal | None = None
    asin: str | None = None
    regional_prices: dict[str, object] | None = None
    regional_urls: dict[str, object] | None = None
    availability_status: str | None = None
    is_featured: bool = False
    is_active: bool = True
    click_count: int = 0
    sort_order: int = 0
    tags: tuple[str, ...] | None = None
    created_by: uuid.UUID | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class ProductClick(Entity):
    """That somebody followed a product's link; nobody in particular where no user is named."""

    id: uuid.UUID
    product_id: uuid.UUID
    user_id: uuid.UUID | None = None
    clicked_at: dt.datetime
    referrer: str | None = None
    user_agent: str | None = None
    ip_address: IpAddress | None = None
    metadata: dict[str, object] | None = None


@attrs.frozen(kw_only=True)
class ProductReport(Entity):
    """What a user found wrong with a product, and what became of it. The snapshot is the product as it was shown."""

    id: uuid.UUID
    product_id: uuid.UUID
    user_id: uuid.UUID | None = None
    reason: ReportReason
    notes: str | None = None
    product_snapshot: dict[str, object] | None = None
    status: ReportStatus = ReportStatus.PENDING
    admin_notes: str | None = None
    reviewed_at: dt.datetime | None = None
    reviewed_by: uuid.UUID | None = None
    created_at: dt.datetime
    updated_at: dt.datetime
