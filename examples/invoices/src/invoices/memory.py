"""Memory's form of the operations: what the SQL function does, over the same tables."""

from collections.abc import Mapping

from homeport import all_of, eq, is_null
from homeport.adapters.memory import Answer, Step
from invoices.domain import Payment, Status
from invoices.repository import INVOICE, PAY_INVOICE, PayInvoice


def pay_invoice(step: Step, wanted: PayInvoice) -> list[Payment]:
    """Pays it if it was sent; no row where there is no such live invoice."""
    here = all_of(eq("id", wanted.invoice_id), eq("user_id", wanted.user_id), is_null("deleted_at"))
    sent = all_of(here, eq("status", Status.SENT))
    newly_paid = bool(step.update(INVOICE, sent, {"status": Status.PAID, "paid_at": step.now}))
    return [
        Payment(status=each.status, paid_at=each.paid_at, newly_paid=newly_paid) for each in step.find(INVOICE, here)
    ]


ANSWERS: Mapping[str, Answer] = {PAY_INVOICE.name: pay_invoice}
