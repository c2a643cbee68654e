"""The affiliate shop: products, clicks, reports and the search, on every adapter."""

import asyncio
import datetime as dt
import ipaddress
import uuid
from decimal import Decimal

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.affiliate_shop import (
    AffiliateProduct,
    ProductCategory,
    ProductClick,
    ProductReport,
    ReportReason,
    ReportStatus,
)
from homeport.domain.users import User
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RowSecurity,
)
from homeport.testing import a_product_click, a_product_report, a_user, an_affiliate_product
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)
CALLERS = 200
NEEDED = {"title": "Winch", "category": "recovery_gear", "affiliate_provider": "amazon", "affiliate_url": "https://x"}


@pytest.fixture
async def user(db: Homeport) -> User:
    return await a_user(db)


@pytest.fixture
async def product(db: Homeport) -> AffiliateProduct:
    return await an_affiliate_product(db)


async def counted(db: Homeport, product: AffiliateProduct) -> int:
    return (await db.affiliate_shop.products.get_or_raise(product.id)).click_count


# -- products


async def test_a_product_has_its_defaults_and_can_be_read_back(db: Homeport) -> None:
    made = await db.affiliate_shop.products.create(NEEDED)
    assert (made.currency, made.is_featured, made.is_active, made.click_count) == ("USD", False, True, 0)
    assert (made.sort_order, made.tags, made.price) == (0, None, None)
    assert await db.affiliate_shop.get_product_by_id(made.id) == made
    assert await db.affiliate_shop.get_product_by_id(str(made.id)) == made


async def test_a_product_keeps_every_field_that_was_given(db: Homeport, user: User) -> None:
    given = {
        **NEEDED,
        "category": ProductCategory.ELECTRONICS,
        "price": Decimal("9999999999.99"),
        "commission_rate": Decimal("4.50"),
        "additional_images": ("a,b.png", ""),
        "regional_prices": {"DE": "1,50"},
        "regional_urls": {},
        "tags": ("#a", "{b}"),
        "created_by": user.id,
    }
    made = await db.affiliate_shop.products.create(given)
    assert {name: getattr(made, name) for name in given} == given


async def test_a_product_that_makes_no_sense_is_refused(db: Homeport) -> None:
    create = db.affiliate_shop.products.create
    assert await violated(NotNullViolation, create({**NEEDED, "affiliate_url": None})) == (None, ("affiliate_url",))
    assert await refused(InvalidValue, create({**NEEDED, "category": "boats"})) == "category"
    assert await refused(InvalidField, create({**NEEDED, "click_count": 5})) == "click_count"
    euro = create({**NEEDED, "currency": "eur"})
    assert await violated(CheckViolation, euro) == ("affiliate_products_currency_check", ("currency",))


async def test_an_absent_product_is_none_and_a_malformed_id_an_error(db: Homeport) -> None:
    assert await db.affiliate_shop.get_product_by_id(ABSENT) is None
    assert await refused(InvalidValue, db.affiliate_shop.get_product_by_id("1")) == "id"


async def test_an_inactive_product_is_got_and_not_listed(db: Homeport, product: AffiliateProduct) -> None:
    hidden = await an_affiliate_product(db, is_active=False)
    assert await db.affiliate_shop.get_product_by_id(hidden.id) == hidden
    assert await db.affiliate_shop.get_active_products() == [product]
    assert await db.affiliate_shop.get_active_products({"is_active": False}) == []


async def test_active_products_are_featured_first_then_by_sort_order_then_by_id(db: Homeport) -> None:
    kinds = [(False, 1), (True, 2), (False, 0), (True, 1), (False, 1), (True, 1)]
    made = [await an_affiliate_product(db, is_featured=featured, sort_order=order) for featured, order in kinds]
    in_order = sorted(made, key=lambda each: (not each.is_featured, each.sort_order, each.id))
    assert await db.affiliate_shop.get_active_products() == in_order


async def test_active_products_are_filtered_by_any_column(db: Homeport) -> None:
    book = await an_affiliate_product(db, category="books_manuals", price="5")
    other = await an_affiliate_product(db, category="electronics", price="5")
    assert await db.affiliate_shop.get_active_products({"category": "books_manuals"}) == [book]
    both = {"price": "5.00", "category": ["electronics", ProductCategory.OUTDOOR_GEAR]}
    assert await db.affiliate_shop.get_active_products(both) == [other]
    assert await refused(InvalidField, db.affiliate_shop.get_active_products({"colour": "red"})) == "colour"
    assert await refused(InvalidValue, db.affiliate_shop.get_active_products({"category": "boats"})) == "category"


# -- search_products


async def test_a_search_wants_every_word_in_some_text(db: Homeport) -> None:
    winch = await an_affiliate_product(db, title="Steel winch", description="pulls a truck")
    await an_affiliate_product(db, title="Steel pot")
    for query in ("winch", "STEEL Winch", "truck steel", " trUCK\n", "tee inc"):
        assert await db.affiliate_shop.search_products(query) == [winch], query
    assert await db.affiliate_shop.search_products("winch pot") == []
    assert await db.affiliate_shop.search_products("sail") == []


async def test_the_best_hits_are_first_then_the_sort_order_then_the_id(db: Homeport) -> None:
    kinds: list[dict[str, object]] = [
        {"title": "x", "description": "a rope"},
        {"title": "rope", "sort_order": 2},
        {"title": "x", "tags": ["knot", "long rope"]},
        {"title": "ROPE", "sort_order": 1},
        {"title": "x", "short_description": "Rope"},
        {"title": "roped", "sort_order": 1, "tags": ["rope"], "description": "rope rope rope"},
    ]
    made = [await an_affiliate_product(db, **kind) for kind in kinds]
    first, second = sorted([made[3], made[5]], key=lambda each: each.id)
    fifth, sixth = sorted([made[0], made[4]], key=lambda each: each.id)
    assert await db.affiliate_shop.search_products("rope") == [first, second, made[1], made[2], fifth, sixth]


async def test_ranks_of_several_words_add_up(db: Homeport) -> None:
    both_below = await an_affiliate_product(db, title="x", description="rope and hook")
    one_above = await an_affiliate_product(db, title="rope", description="hook")
    both_above = await an_affiliate_product(db, title="hook and rope")
    tagged = await an_affiliate_product(db, title="x", tags=["hook", "rope"], sort_order=-1)
    found = await db.affiliate_shop.search_products("rope hook rope")
    assert found[0] == both_above
    assert found[1:3] == [tagged, one_above]
    assert found[3] == both_below


async def test_only_active_products_of_the_category_are_found(db: Homeport) -> None:
    await an_affiliate_product(db, title="rope", is_active=False)
    rope = await an_affiliate_product(db, title="rope", category="outdoor_gear")
    other = await an_affiliate_product(db, title="rope", category="electronics", sort_order=1)
    search = db.affiliate_shop.search_products
    assert await search("rope") == [rope, other]
    assert await search("rope", "outdoor_gear") == [rope]
    assert await search("rope", category=ProductCategory.ELECTRONICS) == [other]
    assert await search("rope", "books_manuals") == []
    assert await refused(InvalidValue, search("rope", "boats")) == "category"
    assert await refused(InvalidValue, search("", "boats")) == "category"


async def test_hostile_texts_are_found_as_they_are(db: Homeport) -> None:
    texts = [each for each in HOSTILE_TEXTS if each.split()]
    data = [{**NEEDED, "title": "x", "tags": [text], "sort_order": at} for at, text in enumerate(texts)]
    made = await db.affiliate_shop.products.create_many([*data, {**NEEDED, "title": "plain"}])
    for text in texts:
        words = [ascii_lower(word) for word in text.split()]
        wanted = [
            each
            for each in made
            if all(any(word in ascii_lower(one) for one in (each.title, *(each.tags or ()))) for word in words)
        ]
        found = await db.affiliate_shop.search_products(text)
        assert {each.id for each in found} == {each.id for each in wanted}, text
        assert made[texts.index(text)] in found


def ascii_lower(text: str) -> str:
    return "".join(each.lower() if each.isascii() else each for each in text)


async def test_a_query_without_words_finds_nothing(db: Homeport, product: AffiliateProduct) -> None:
    for query in ("", "  ", "\t\n\u2003"):
        assert await db.affiliate_shop.search_products(query) == []


async def test_a_query_too_long_or_of_no_text_is_refused(db: Homeport) -> None:
    search = db.affiliate_shop.search_products
    many = " ".join(str(number) for number in range(33))
    for query in ("x" * 1001, many, "a\x00b", None, 5):
        assert await refused(InvalidValue, search(query)) == "query"  # type: ignore[arg-type]
    longest = await an_affiliate_product(db, title="y" * 1000)
    assert await search("y" * 1000) == [longest]


async def test_words_do_not_lie_across_two_texts(db: Homeport) -> None:
    await an_affiliate_product(db, title="ab", tags=["cd", "ef"], short_description="gh", description="ij")
    for query in ("bc", "de", "fg", "hi", "b,c", "d\\ne"):
        assert await db.affiliate_shop.search_products(query) == [], query


@pytest.mark.row_cap
async def test_a_search_is_not_cut_at_a_row_cap(db: Homeport) -> None:
    made = await db.affiliate_shop.products.create_many([{**NEEDED, "sort_order": number} for number in range(23)])
    assert await db.affiliate_shop.search_products("winch") == made


# -- track_product_click, get_product_clicks


async def test_a_click_is_answered_and_counted_and_does_not_touch_the_product(
    db: Homeport, product: AffiliateProduct, user: User
) -> None:
    made = await db.affiliate_shop.track_product_click(product.id, user.id)
    assert made == ProductClick(id=made.id, product_id=product.id, user_id=user.id, clicked_at=made.clicked_at)
    anonymous = await db.affiliate_shop.track_product_click(str(product.id))
    assert anonymous.user_id is None
    assert await db.affiliate_shop.get_product_by_id(product.id) == attrs.evolve(product, click_count=2)
    assert await db.affiliate_shop.get_product_clicks(product.id) == 2
    assert await db.affiliate_shop.clicks.count({"product_id": product.id}) == 2


async def test_a_click_keeps_every_field_that_was_given(db: Homeport, product: AffiliateProduct) -> None:
    given = {
        "product_id": product.id,
        "referrer": "https://x/?a=1&b=%20",
        "user_agent": 'Browser "1", (x)',
        "ip_address": ipaddress.ip_address("2001:db8::1"),
        "metadata": {"page": 3},
    }
    made = await db.affiliate_shop.clicks.create(given)
    assert {name: getattr(made, name) for name in given} == given
    network = await db.affiliate_shop.clicks.create({"product_id": product.id, "ip_address": "10.1.2.3/8"})
    assert network.ip_address == ipaddress.ip_interface("10.1.2.3/8")
    host = await db.affiliate_shop.clicks.create({"product_id": product.id, "ip_address": "10.1.2.3/32"})
    assert host.ip_address == ipaddress.ip_address("10.1.2.3")
    assert await db.affiliate_shop.clicks.find_many({"ip_address": "10.1.2.3"}) == [host]


async def test_a_click_of_nothing_or_by_an_unknown_user_is_refused(
    db: Homeport, product: AffiliateProduct, user: User
) -> None:
    track = db.affiliate_shop.track_product_click
    said = await violated(ForeignKeyViolation, track(ABSENT, user.id))
    assert said == ("product_clicks_product_id_fkey", ("product_id",))
    said = await violated(ForeignKeyViolation, track(product.id, ABSENT))
    assert said == ("product_clicks_user_id_fkey", ("user_id",))
    assert await refused(InvalidValue, track("1")) == "product_id"
    assert await refused(InvalidValue, track(product.id, "me")) == "user_id"
    assert await counted(db, product) == 0


async def test_clicks_that_go_are_counted_off_and_outlive_their_user(
    db: Homeport, product: AffiliateProduct, user: User
) -> None:
    clicks = [await a_product_click(db, product_id=product.id, user_id=user.id) for _ in range(3)]
    other = await an_affiliate_product(db)
    assert await db.affiliate_shop.clicks.delete(clicks[0].id) is True
    assert await counted(db, product) == 2
    await db.affiliate_shop.clicks.update(clicks[1].id, {"product_id": other.id})
    assert (await counted(db, product), await counted(db, other)) == (1, 1)
    await db.users.users.delete(user.id)
    assert (await counted(db, product), await counted(db, other)) == (1, 1)
    assert await db.affiliate_shop.clicks.get_or_raise(clicks[2].id) == attrs.evolve(clicks[2], user_id=None)
    await db.affiliate_shop.products.delete(other.id)
    assert await db.affiliate_shop.clicks.count() == 1


async def test_clicks_of_an_absent_product_are_none(db: Homeport) -> None:
    assert await db.affiliate_shop.get_product_clicks(ABSENT) == 0
    assert await refused(InvalidValue, db.affiliate_shop.get_product_clicks("1")) == "id"


async def test_clicks_at_once_are_all_counted_and_so_are_deletes(db: Homeport) -> None:
    hot, cold = await an_affiliate_product(db), await an_affiliate_product(db)
    there = [await a_product_click(db, product_id=hot.id) for _ in range(50)]
    clicking = [db.affiliate_shop.track_product_click(each.id) for each in (hot, cold) for _ in range(CALLERS // 2)]
    removing = [db.affiliate_shop.clicks.delete(each.id) for each in there]
    both = [each for pair in zip(clicking[:50], removing, strict=True) for each in pair]
    await asyncio.gather(*both, *clicking[50:])
    for product in (hot, cold):
        assert await db.affiliate_shop.get_product_clicks(product.id) == CALLERS // 2
        assert await db.affiliate_shop.clicks.count({"product_id": product.id}) == CALLERS // 2


# -- report_product


@pytest.mark.parametrize("reason", list(ReportReason))
async def test_a_listed_reason_is_kept_as_it_is(
    db: Homeport, product: AffiliateProduct, user: User, reason: ReportReason
) -> None:
    made = await db.affiliate_shop.report_product(product.id, user.id, reason.value)
    assert made == ProductReport(
        id=made.id,
        product_id=product.id,
        user_id=user.id,
        reason=reason,
        status=ReportStatus.PENDING,
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert await db.affiliate_shop.reports.find_by_id(made.id) == made


@pytest.mark.parametrize("reason", ["The link's price is 5% off", "Other", "broken link", " other ", "", "中文"])
async def test_free_text_is_another_reason_and_kept_in_the_notes(
    db: Homeport, product: AffiliateProduct, user: User, reason: str
) -> None:
    made = await db.affiliate_shop.report_product(str(product.id), str(user.id), reason)
    assert (made.reason, made.notes) == (ReportReason.OTHER, reason)


async def test_a_report_that_makes_no_sense_is_refused(db: Homeport, product: AffiliateProduct, user: User) -> None:
    report = db.affiliate_shop.report_product
    said = await violated(ForeignKeyViolation, report(ABSENT, user.id, "other"))
    assert said == ("product_reports_product_id_fkey", ("product_id",))
    said = await violated(ForeignKeyViolation, report(product.id, ABSENT, "other"))
    assert said == ("product_reports_user_id_fkey", ("user_id",))
    assert await violated(NotNullViolation, report(product.id, user.id, None)) == (None, ("reason",))  # type: ignore[arg-type]
    assert await refused(InvalidValue, report(product.id, user.id, 5)) == "reason"  # type: ignore[arg-type]
    assert await refused(InvalidValue, report(product.id, user.id, "a\x00b")) == "notes"
    assert await refused(InvalidValue, report("1", user.id, "other")) == "product_id"
    assert await refused(InvalidValue, report(product.id, "1", "other")) == "user_id"
    assert await db.affiliate_shop.reports.count() == 0


async def test_a_report_is_reviewed_by_the_base_repository(db: Homeport, user: User) -> None:
    report = await a_product_report(db, reason="broken_link", product_snapshot={"title": "Winch"})
    seen = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    changes = {"status": "resolved", "reviewed_by": user.id, "reviewed_at": seen, "admin_notes": "mended"}
    done = await db.affiliate_shop.reports.update(report.id, changes)
    assert {name: getattr(done, name) for name in changes} == {**changes, "status": ReportStatus.RESOLVED}
    assert await refused(InvalidValue, db.affiliate_shop.reports.update(report.id, {"status": "done"})) == "status"


# -- as a user


async def test_a_user_sees_the_count_of_a_product_and_not_the_clicks(
    db: Homeport, product: AffiliateProduct, user: User
) -> None:
    await a_product_click(db, product_id=product.id)
    shop = db.as_user({"sub": str(user.id)}).affiliate_shop
    mine = await shop.track_product_click(product.id, user.id)
    assert await shop.get_product_clicks(product.id) == 2
    assert await shop.clicks.find_many() == [mine]
    for somebody in (None, (await a_user(db)).id):
        with pytest.raises(RowSecurity):
            await shop.track_product_click(product.id, somebody)
    assert await shop.clicks.bulk_create([{"product_id": product.id}]) == 1
    assert await counted(db, product) == 3


async def test_a_user_finds_active_products_alone_and_reviews_no_report(
    db: Homeport, product: AffiliateProduct, user: User
) -> None:
    hidden = await an_affiliate_product(db, title=product.title, is_active=False)
    shop = db.as_user({"sub": str(user.id)}).affiliate_shop
    assert await shop.search_products(product.title) == [product]
    assert await shop.get_product_by_id(hidden.id) is None
    mine = await shop.report_product(product.id, user.id, "other")
    assert await shop.reports.find_many() == [mine]
    for review in ({"status": "resolved"}, {"admin_notes": "fine"}, {"reviewed_by": user.id}):
        with pytest.raises(RowSecurity):
            await shop.reports.of(user.id).create({"product_id": product.id, "reason": "other", **review})
