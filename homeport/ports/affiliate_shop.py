"""Affiliate shop port: document 000's ShopRepository."""

from collections.abc import Mapping
from typing import Protocol

from homeport.domain.affiliate_shop import AffiliateProduct, ProductCategory, ProductClick, ProductReport
from homeport.domain.ids import Id


class ShopRepository(Protocol):
    """Products are everybody's; an inactive one is neither listed nor found by search.

    A product's clicks are counted with every row of a click that comes or goes, whoever writes it.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    async def get_active_products(self, filters: Mapping[str, object] | None = None) -> list[AffiliateProduct]:
        """Those that equal the filters, featured ones first, then by sort order, then id; empty if none."""

    async def get_product_by_id(self, product_id: Id) -> AffiliateProduct | None:
        """An inactive one too; None if it is absent."""

    async def search_products(
        self, query: str, category: ProductCategory | str | None = None
    ) -> list[AffiliateProduct]:
        """Active ones with every word of the query in title, tags or descriptions, A-Z and a-z being the same.

        The best first: a word in the title weighs 3, in a tag 2, in a description 1. Then by sort order, then id.
        Words are what stands between white space, and match inside of others too; no character has a meaning of its
        own. Empty for a query without words.

        Raises:
            InvalidValue: the query is longer than 1000 characters or has more than 32 words, or no such category.
        """

    async def track_product_click(self, product_id: Id, user_id: Id | None = None) -> ProductClick:
        """Adds a click, which the product then counts; of nobody in particular where no user is named.

        Raises:
            ForeignKeyViolation: no such product or user.
            RowSecurity: asked as a user, for somebody else or for nobody: what is answered could not be read.
        """

    async def report_product(self, product_id: Id, user_id: Id, reason: str) -> ProductReport:
        """A new report. What is none of the listed reasons, letter for letter, is kept in the notes of an `other` one.

        Raises:
            ForeignKeyViolation: no such product or user.
        """

    async def get_product_clicks(self, product_id: Id) -> int:
        """As many as the product has counted; 0 if it is absent."""
