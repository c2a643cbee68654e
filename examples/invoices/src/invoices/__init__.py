"""Invoices: a context of its own, beside Homeport's shipped ones. Homeport knows nothing of it."""

from invoices.domain import Invoice, InvoiceLine, InvoiceWithLines, NotSent, Payment, Status
from invoices.port import InvoiceRepository
from invoices.repository import INVOICES

__all__ = [
    "INVOICES",
    "Invoice",
    "InvoiceLine",
    "InvoiceRepository",
    "InvoiceWithLines",
    "NotSent",
    "Payment",
    "Status",
]
