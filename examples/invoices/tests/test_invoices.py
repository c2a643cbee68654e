"""Invoices, on every adapter."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Mapping
from decimal import Decimal

import pytest

from homeport import (
    CheckViolation,
    Deleted,
    Homeport,
    InvalidField,
    InvalidValue,
    RepositoryNotFoundError,
    UniqueViolation,
)
from homeport.testing import a_user
from homeport.testing.contract import check_collection
from invoices import INVOICES, Invoice, NotSent, Payment, Status
from invoices.repository import INVOICE, LINE

ABSENT = uuid.UUID(int=7)
MAY = dt.date(2026, 5, 1)


async def an_invoice(db: Homeport, user_id: uuid.UUID, number: str = "1", **fields: object) -> Invoice:
    data = {"number": number, "issued_on": MAY, "due_on": MAY + dt.timedelta(days=14), "total": "100", **fields}
    return await db.repository(INVOICES).create_invoice(user_id, data)


# -- create_invoice, add_line, get_invoice


async def test_an_invoice_is_a_draft_and_its_total_is_exact(db: Homeport) -> None:
    user = await a_user(db)
    made = await an_invoice(db, user.id, total="0.10")
    assert (made.status, made.total, made.currency, made.paid_at) == (Status.DRAFT, Decimal("0.10"), "USD", None)


async def test_an_invoice_is_read_with_its_lines_by_position(db: Homeport) -> None:
    user, invoices = await a_user(db), db.repository(INVOICES)
    made = await an_invoice(db, user.id)
    late = await invoices.add_line(made.id, user.id, {"position": 2, "description": "Paint", "amount": "40"})
    early = await invoices.add_line(str(made.id), str(user.id), {"position": 1, "description": "Wood", "amount": "60"})
    found = await invoices.get_invoice(made.id, user.id)
    assert found is not None
    assert (found.invoice, found.lines) == (made, (early, late))


async def test_a_number_is_the_users_own_and_free_again_after_a_deletion(db: Homeport) -> None:
    one, other = await a_user(db), await a_user(db)
    made = await an_invoice(db, one.id, "7")
    await an_invoice(db, other.id, "7")
    with pytest.raises(UniqueViolation) as refusal:
        await an_invoice(db, one.id, "7")
    assert refusal.value.constraint == "invoices_user_id_number_key"
    await db.collection(INVOICE).soft_delete(made.id)
    await an_invoice(db, one.id, "7")


async def test_nobody_sees_or_changes_anothers_invoice(db: Homeport) -> None:
    one, other, invoices = await a_user(db), await a_user(db), db.repository(INVOICES)
    made = await an_invoice(db, one.id, status="sent")
    line = {"position": 1, "description": "Wood", "amount": "60"}
    assert await invoices.get_invoice(made.id, other.id) is None
    assert await invoices.get_overdue_invoices(other.id, "2027-01-01") == []
    with pytest.raises(RepositoryNotFoundError):
        await invoices.add_line(made.id, other.id, line)
    with pytest.raises(RepositoryNotFoundError):
        await invoices.pay_invoice(made.id, other.id)


async def test_an_invoice_that_is_due_before_it_is_issued_is_refused(db: Homeport) -> None:
    user = await a_user(db)
    with pytest.raises(CheckViolation):
        await an_invoice(db, user.id, due_on=MAY - dt.timedelta(days=1))


# -- get_overdue_invoices, search_invoices


async def test_overdue_are_the_sent_ones_that_were_due_before_today_the_longest_first(db: Homeport) -> None:
    user = await a_user(db)
    later = await an_invoice(db, user.id, "1", status="sent", due_on="2026-05-20")
    first = await an_invoice(db, user.id, "2", status="sent", due_on="2026-05-10")
    await an_invoice(db, user.id, "3", status="sent", due_on="2026-06-01")
    await an_invoice(db, user.id, "4", due_on="2026-05-10")
    assert await db.repository(INVOICES).get_overdue_invoices(user.id, "2026-06-01") == [first, later]


async def test_a_search_finds_the_text_in_any_line_and_takes_it_literally(db: Homeport) -> None:
    user, invoices = await a_user(db), db.repository(INVOICES)
    one, other = await an_invoice(db, user.id, "1"), await an_invoice(db, user.id, "2")
    await invoices.add_line(one.id, user.id, {"position": 1, "description": "50% Oak", "amount": "60"})
    await invoices.add_line(one.id, user.id, {"position": 2, "description": "Nails", "amount": "5"})
    await invoices.add_line(other.id, user.id, {"position": 1, "description": "500 nails", "amount": "9"})
    assert await invoices.search_invoices(user.id, "50% OAK") == [one]
    assert {each.id for each in await invoices.search_invoices(user.id, "nails")} == {one.id, other.id}
    assert await invoices.search_invoices(user.id, "50%%") == []


# -- pay_invoice


async def test_a_sent_invoice_is_paid_once_and_says_when(db: Homeport) -> None:
    user, invoices = await a_user(db), db.repository(INVOICES)
    made = await an_invoice(db, user.id, status="sent")
    first = await invoices.pay_invoice(made.id, user.id)
    again = await invoices.pay_invoice(made.id, user.id)
    assert first == Payment(status=Status.PAID, paid_at=first.paid_at, newly_paid=True)
    assert first.paid_at is not None
    assert again == Payment(status=Status.PAID, paid_at=first.paid_at, newly_paid=False)


async def test_of_many_payments_at_once_one_is_the_newly_paid(db: Homeport) -> None:
    user, invoices = await a_user(db), db.repository(INVOICES)
    made = await an_invoice(db, user.id, status="sent")
    payments = await asyncio.gather(*(invoices.pay_invoice(made.id, user.id) for _ in range(8)))
    assert sum(each.newly_paid for each in payments) == 1
    assert len({each.paid_at for each in payments}) == 1


async def test_a_draft_is_not_paid_and_an_absent_invoice_is_not_found(db: Homeport) -> None:
    user, invoices = await a_user(db), db.repository(INVOICES)
    draft = await an_invoice(db, user.id)
    with pytest.raises(NotSent):
        await invoices.pay_invoice(draft.id, user.id)
    with pytest.raises(RepositoryNotFoundError):
        await invoices.pay_invoice(ABSENT, user.id)
    with pytest.raises(InvalidValue):
        await invoices.pay_invoice("no id", user.id)


async def test_nobody_writes_the_payment_past_the_operation(db: Homeport) -> None:
    user = await a_user(db)
    made = await an_invoice(db, user.id, status="sent")
    with pytest.raises(InvalidField):
        await db.collection(INVOICE).update(made.id, {"paid_at": dt.datetime.now(dt.UTC)})
    with pytest.raises(CheckViolation):
        await db.collection(INVOICE).update(made.id, {"status": "paid"})


# -- the base repository


async def test_invoices_keep_the_promises_of_a_base_repository(db: Homeport) -> None:
    user = await a_user(db)
    numbers = iter(range(1, 1000))

    def make() -> Mapping[str, object]:
        day = dt.date(2026, 1, 1)
        return {"user_id": user.id, "number": f"n{next(numbers)}", "issued_on": day, "due_on": day, "total": "1.50"}

    await check_collection(db.collection(INVOICE), make, {"total": "2.50"})


async def test_lines_keep_the_promises_of_a_base_repository(db: Homeport) -> None:
    user = await a_user(db)
    invoice = await an_invoice(db, user.id)
    positions = iter(range(1, 1000))

    def make() -> Mapping[str, object]:
        return {"invoice_id": invoice.id, "position": next(positions), "description": "Wood", "amount": "60"}

    await check_collection(db.collection(LINE), make, {"description": "Oak"})


async def test_a_deleted_invoice_is_gone_with_its_lines_only_when_it_is_removed_for_good(db: Homeport) -> None:
    user, invoices = await a_user(db), db.repository(INVOICES)
    made = await an_invoice(db, user.id)
    await invoices.add_line(made.id, user.id, {"position": 1, "description": "Wood", "amount": "60"})
    rows = db.collection(INVOICE)
    await rows.soft_delete(made.id)
    assert await invoices.get_invoice(made.id, user.id) is None
    assert await rows.count(deleted=Deleted.ONLY) == 1
    await rows.restore(made.id)
    assert await rows.delete(made.id)
    assert await db.collection(LINE).count() == 0
