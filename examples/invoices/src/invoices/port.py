"""Invoices port: what the application may ask."""

import datetime as dt
from collections.abc import Mapping
from typing import Protocol

from homeport.domain.ids import Id
from invoices.domain import Invoice, InvoiceLine, InvoiceWithLines, Payment


class InvoiceRepository(Protocol):
    """Every method sees one user's live invoices only; another's are as absent.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    async def create_invoice(self, user_id: Id, data: Mapping[str, object]) -> Invoice:
        """A draft, unless the data says otherwise.

        Raises:
            UniqueViolation: a live invoice of the user has this number.
            CheckViolation: it is due before it is issued, or its total is negative.
            ForeignKeyViolation: no such user.
        """

    async def add_line(self, invoice_id: Id, user_id: Id, data: Mapping[str, object]) -> InvoiceLine:
        """Raises RepositoryNotFoundError without such an invoice, UniqueViolation if the position is taken."""

    async def get_invoice(self, invoice_id: Id, user_id: Id) -> InvoiceWithLines | None:
        """The invoice with its lines, in two queries whatever their number; None if it is absent or another's."""

    async def get_overdue_invoices(self, user_id: Id, today: dt.date | str) -> list[Invoice]:
        """Sent ones that were due before today, the longest due first, then by id; empty if there are none."""

    async def search_invoices(self, user_id: Id, text: str) -> list[Invoice]:
        """Those with the text in a line, A-Z and a-z being the same; latest issue first, then by id."""

    async def pay_invoice(self, invoice_id: Id, user_id: Id) -> Payment:
        """Marks a sent invoice as paid. Of several calls at the same time one is the newly paid.

        Raises:
            RepositoryNotFoundError: the invoice is absent or another's.
            NotSent: it is a draft.
        """
