"""Invoices over any store: the tables, the operation, and the one implementation of the port."""

import datetime as dt
import uuid
from collections.abc import Mapping
from pathlib import Path

import attrs

from homeport import (
    Collection,
    Context,
    RepositoryNotFoundError,
    Store,
    all_of,
    contains,
    eq,
    exists,
    is_null,
    lower,
    lt,
)
from homeport.domain.ids import Id
from homeport.kernel.operation import one_row
from homeport.kernel.policies import owned, parent
from homeport.kernel.table import (
    CREATED,
    DELETED,
    ID,
    OWNER,
    UPDATED,
    OnDelete,
    Row,
    at_least,
    check,
    column,
    index,
    not_before,
    table,
    unique,
)
from homeport.kernel.types import NumericType, TextType
from invoices.domain import Invoice, InvoiceLine, InvoiceWithLines, NotSent, Payment, Status
from invoices.port import InvoiceRepository

MONEY = column(NumericType(12, 2))


def _paid_has_its_time(row: Row) -> bool:
    return (row["status"] == Status.PAID) == (row["paid_at"] is not None)


INVOICE = table(
    Invoice,
    "invoices",
    owner="user_id",
    soft_delete="deleted_at",
    columns={
        "id": ID,
        "user_id": OWNER,
        "total": MONEY,
        "currency": column(TextType(3)),
        "paid_at": column(read_only=True),
        "created_at": CREATED,
        "updated_at": UPDATED,
        "deleted_at": DELETED,
    },
    uniques=[unique("user_id", "number", where=is_null("deleted_at"))],
    checks=[
        not_before("due_on", "issued_on"),
        at_least("total", 0),
        check("paid", "({status} = 'paid') = ({paid_at} IS NOT NULL)", _paid_has_its_time),
    ],
    indexes=[index("user_id", "status", "due_on")],
    policies=owned(),
    order=["-issued_on"],
)

LINE = table(
    InvoiceLine,
    "invoice_lines",
    columns={
        "id": ID,
        "invoice_id": column(references="invoices", on_delete=OnDelete.CASCADE),
        "amount": MONEY,
    },
    uniques=[unique("invoice_id", "position")],
    checks=[at_least("position", 1)],
    policies=parent(INVOICE, "invoice_id"),
    order=["position"],
)


@attrs.frozen(kw_only=True)
class PayInvoice:
    """Which invoice of which user."""

    invoice_id: uuid.UUID
    user_id: uuid.UUID


PAY_INVOICE = one_row("invoices.pay_invoice", PayInvoice, Payment, writes=True)
"""Pays a sent invoice under a lock of its row; no row where there is no such live invoice."""


class StoredInvoices:
    """The port over a store; each of its tables is a base repository."""

    def __init__(self, store: Store) -> None:
        self.invoices: Collection[Invoice, uuid.UUID] = Collection(store, INVOICE)
        self.lines: Collection[InvoiceLine, uuid.UUID] = Collection(store, LINE)
        self._store = store

    async def create_invoice(self, user_id: Id, data: Mapping[str, object]) -> Invoice:
        return await self.invoices.of(user_id).create(data)

    async def add_line(self, invoice_id: Id, user_id: Id, data: Mapping[str, object]) -> InvoiceLine:
        invoice = await self.invoices.of(user_id).get_or_raise(invoice_id)
        return await self.lines.within("invoice_id", invoice.id).asked_by(invoice.user_id).create(data)

    async def get_invoice(self, invoice_id: Id, user_id: Id) -> InvoiceWithLines | None:
        invoice = await self.invoices.of(user_id).find_by_id(invoice_id)
        if invoice is None:
            return None
        of_invoice = self.lines.within("invoice_id", invoice.id).asked_by(invoice.user_id)
        return InvoiceWithLines(invoice=invoice, lines=tuple(await of_invoice.find_many(name="get_invoice")))

    async def get_overdue_invoices(self, user_id: Id, today: dt.date | str) -> list[Invoice]:
        overdue = all_of(eq("status", Status.SENT), lt("due_on", today))
        return await self.invoices.of(user_id).find_many(overdue, order_by="due_on", name="get_overdue_invoices")

    async def search_invoices(self, user_id: Id, text: str) -> list[Invoice]:
        with_text = exists(LINE, {"invoice_id": "id"}, contains(lower("description"), text))
        return await self.invoices.of(user_id).find_many(with_text, name="search_invoices")

    async def pay_invoice(self, invoice_id: Id, user_id: Id) -> Payment:
        wanted = PAY_INVOICE.parameter(invoice_id=invoice_id, user_id=user_id)
        payment = await self._store.run(PAY_INVOICE, wanted)
        if payment is None:
            raise RepositoryNotFoundError("no such row in invoices")
        if payment.status is not Status.PAID:
            raise NotSent(f"the invoice is a {payment.status}")
        return payment


INVOICES: Context[InvoiceRepository] = Context(
    "invoices",
    StoredInvoices,
    tables=(INVOICE, LINE),
    operations=(PAY_INVOICE,),
    migrations=Path(__file__).parent / "migrations",
    requires=("users",),
    memory_answers="invoices.memory",
)
