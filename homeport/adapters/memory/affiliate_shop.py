"""Memory's form of the affiliate shop's operation."""

from collections.abc import Mapping

from homeport.adapters.memory.step import Answer, Step
from homeport.domain.affiliate_shop import AffiliateProduct
from homeport.kernel.predicates import TRUE, all_of, eq
from homeport.repositories.affiliate_shop import PRODUCT, PRODUCT_TEXTS, SEARCH_PRODUCTS, SearchProducts


def search_products(step: Step, wanted: SearchProducts) -> list[AffiliateProduct]:
    """The active products that have every word, by rank, then sort order, then id."""
    of_category = TRUE if wanted.category is None else eq("category", wanted.category)
    active = step.find(PRODUCT, all_of(eq("is_active", True), of_category), "sort_order")
    return PRODUCT_TEXTS.best_first(active, wanted.words)


ANSWERS: Mapping[str, Answer] = {SEARCH_PRODUCTS.name: search_products}
