"""The affiliate shop over any store."""

import uuid
from collections.abc import Mapping

import attrs

from homeport.domain.affiliate_shop import (
    AffiliateProduct,
    ProductCategory,
    ProductClick,
    ProductReport,
    ReportReason,
    ReportStatus,
)
from homeport.domain.ids import Id
from homeport.kernel.binding import from_filters
from homeport.kernel.operation import many_rows
from homeport.kernel.policies import catalogue
from homeport.kernel.predicates import CURRENT_USER, all_of, any_of, eq, is_null
from homeport.kernel.search import Searched, words_of
from homeport.kernel.table import (
    CREATED,
    ID,
    UPDATED,
    USER_OR_NULL,
    Counter,
    OnDelete,
    Policy,
    Verb,
    at_least,
    column,
    index,
    table,
)
from homeport.kernel.types import NumericType
from homeport.ports.affiliate_shop import ShopRepository
from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.repositories.migrations import shipped
from homeport.repositories.money import CURRENCY, MONEY, currency_code

_PRODUCT_COLUMNS = {
    "id": ID,
    "price": MONEY,
    "currency": CURRENCY,
    "commission_rate": column(NumericType(5, 2)),
    "created_by": USER_OR_NULL,
    "created_at": CREATED,
    "updated_at": UPDATED,
}
_OF_PRODUCT = column(references="affiliate_products", on_delete=OnDelete.CASCADE)
_MINE = eq("user_id", CURRENT_USER)
_REVIEW = ("admin_notes", "reviewed_at", "reviewed_by")

PRODUCT = table(
    AffiliateProduct,
    "affiliate_products",
    columns=_PRODUCT_COLUMNS,
    checks=[currency_code(), at_least("click_count", 0)],
    counters=[Counter("click_count", "public.product_clicks", "product_id")],
    # none for the search: it matches inside of words, which no index of words serves
    indexes=[index("category", "sort_order", where=eq("is_active", True)), index("created_by")],
    policies=catalogue(eq("is_active", True)),
    order=["-is_featured", "sort_order"],
)

CLICK = table(
    ProductClick,
    "product_clicks",
    owner="user_id",
    columns={"id": ID, "product_id": _OF_PRODUCT, "user_id": USER_OR_NULL, "clicked_at": CREATED},
    indexes=[index("product_id", "clicked_at"), index("user_id")],
    # whoever clicks reads it again, for that is the answer of an insert
    policies=[
        Policy(Verb.SELECT, using=_MINE),
        Policy(Verb.INSERT, check=any_of(_MINE, is_null("user_id"))),
    ],
    order=["-clicked_at"],
)

REPORT = table(
    ProductReport,
    "product_reports",
    owner="user_id",
    columns={
        "id": ID,
        "product_id": _OF_PRODUCT,
        "user_id": USER_OR_NULL,
        "reviewed_by": USER_OR_NULL,
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    indexes=[index("product_id"), index("status"), index("user_id"), index("reviewed_by")],
    # what becomes of a report is the service's to say
    policies=[
        Policy(Verb.SELECT, using=_MINE),
        Policy(Verb.INSERT, check=all_of(_MINE, eq("status", ReportStatus.PENDING), *map(is_null, _REVIEW))),
    ],
    order=["-created_at"],
)


@attrs.frozen(kw_only=True)
class SearchProducts:
    """Which words, in which category; any for None."""

    words: tuple[str, ...]
    category: ProductCategory | None = None


PRODUCT_TEXTS = Searched(PRODUCT, {"title": 3, "tags": 2, "short_description": 1, "description": 1})

SEARCH_PRODUCTS = many_rows(
    "affiliate_shop.search_affiliate_products",
    SearchProducts,
    AffiliateProduct,
    writes=False,
    results=_PRODUCT_COLUMNS,
)
"""The active products that have every word, by rank, then sort order, then id."""


class StoredShop:
    """Document 000's ShopRepository; each of its tables is a base repository."""

    def __init__(self, store: Store) -> None:
        self.products: Collection[AffiliateProduct, uuid.UUID] = Collection(store, PRODUCT)
        self.clicks: Collection[ProductClick, uuid.UUID] = Collection(store, CLICK)
        self.reports: Collection[ProductReport, uuid.UUID] = Collection(store, REPORT)
        self._store = store

    async def get_active_products(self, filters: Mapping[str, object] | None = None) -> list[AffiliateProduct]:
        active = all_of(eq("is_active", True), from_filters(filters))
        return await self.products.find_many(active, name="get_active_products")

    async def get_product_by_id(self, product_id: Id) -> AffiliateProduct | None:
        return await self.products.find_by_id(product_id)

    async def search_products(
        self, query: str, category: ProductCategory | str | None = None
    ) -> list[AffiliateProduct]:
        wanted = SEARCH_PRODUCTS.parameter(words=words_of(query), category=category)
        return await self._store.run(SEARCH_PRODUCTS, wanted) if wanted.words else []

    async def track_product_click(self, product_id: Id, user_id: Id | None = None) -> ProductClick:
        of_product = self.clicks.within("product_id", product_id)
        return await (of_product if user_id is None else of_product.of(user_id)).create({})

    async def report_product(self, product_id: Id, user_id: Id, reason: str) -> ProductReport:
        return await self.reports.within("product_id", product_id).of(user_id).create(_said(reason))

    async def get_product_clicks(self, product_id: Id) -> int:
        # the product's count and not the clicks: users may read the one and not the others
        product = await self.products.find_by_id(product_id)
        return 0 if product is None else product.click_count


def _said(reason: str) -> Mapping[str, object]:
    """A listed reason as it is; free text as the notes of another one."""
    if not isinstance(reason, str) or reason in list(ReportReason):
        return {"reason": reason}
    return {"reason": ReportReason.OTHER, "notes": reason}


AFFILIATE_SHOP: Context[ShopRepository] = Context(
    "affiliate_shop",
    StoredShop,
    tables=(PRODUCT, CLICK, REPORT),
    operations=(SEARCH_PRODUCTS,),
    migrations=shipped("affiliate_shop"),
    requires=("users",),
    memory_answers="homeport.adapters.memory.affiliate_shop",
)
