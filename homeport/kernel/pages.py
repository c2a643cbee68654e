"""Pages: by offset with a total on request, or by keyset with a signed cursor.

A cursor holds the ordering values of the last row that was shown and a hash of the query it belongs to. It only says
where to go on: filters and row policies apply to the next page all the same.
"""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Generic

import attrs
import orjson

from homeport.kernel.entity import E
from homeport.kernel.errors import InvalidCursor, InvalidField, InvalidValue
from homeport.kernel.predicates import FALSE, Predicate, conjunction, disjunction, eq, ge, gt, is_null, le, lt, not_
from homeport.kernel.query import Order, Select
from homeport.kernel.table import Column, Table
from homeport.kernel.types import (
    BooleanType,
    ChoiceType,
    DateType,
    DoubleType,
    IntegerType,
    NumericType,
    RealType,
    TextType,
    TimestampType,
    UuidType,
)

MAX_PAGE_SIZE = 1000
_VERSION = b"\x01"
_MAC_BYTES = 16
_LONGEST_CURSOR = 1024
_PAGEABLE = (
    TextType,
    BooleanType,
    IntegerType,
    NumericType,
    DoubleType,
    RealType,
    DateType,
    TimestampType,
    UuidType,
    ChoiceType,
)


@attrs.frozen
class Page(Generic[E]):
    """One page by offset. `total` counts all rows of the query; None where it was not asked for."""

    items: tuple[E, ...]
    page: int
    page_size: int
    total: int | None


@attrs.frozen
class CursorPage(Generic[E]):
    """One page by keyset. `next_cursor` is None after the last row."""

    items: tuple[E, ...]
    next_cursor: str | None


@attrs.frozen
class CursorSigner:
    """Seals cursors so that a changed or foreign one is refused. All processes of a deployment need the same key."""

    key: bytes = attrs.field(repr=False, factory=lambda: secrets.token_bytes(32))

    def seal(self, payload: bytes) -> str:
        body = _VERSION + payload
        return base64.urlsafe_b64encode(body + self._mac(body)).decode().rstrip("=")

    def open(self, cursor: str) -> bytes:
        """The payload. Raises InvalidCursor, without saying which part was wrong."""
        body, mac = self._split(cursor)
        if not hmac.compare_digest(mac, self._mac(body)) or body[:1] != _VERSION:
            raise _invalid()
        return body[1:]

    def _split(self, cursor: object) -> tuple[bytes, bytes]:
        if not isinstance(cursor, str) or not cursor.isascii() or len(cursor) > _LONGEST_CURSOR:
            raise _invalid()
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _invalid() from None
        if base64.urlsafe_b64encode(raw).decode().rstrip("=") != cursor or len(raw) <= _MAC_BYTES:
            raise _invalid()
        return raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self.key, body, "sha256")[:_MAC_BYTES]


def checked_page_size(value: int) -> int:
    """A page size as given, 1 to 1000. Raises InvalidValue."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_PAGE_SIZE:
        raise InvalidValue(f"a page has 1 to {MAX_PAGE_SIZE} rows", field="page_size")
    return value


def page_number(value: int) -> int:
    """A page number as given, from 1. Raises InvalidValue."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 1 << 53:
        raise InvalidValue("pages are numbered from 1", field="page")
    return value


class Keyset(Generic[E]):
    """One query's pages by keyset: which cursor stands behind a row, and what comes after a cursor.

    Raises InvalidField, when first asked for either, where the order can't be carried in a cursor.
    """

    def __init__(self, query: Select[E], signer: CursorSigner) -> None:
        self._query = query
        self._signer = signer
        self._known: str | None = None

    def _said(self) -> str:
        """What tells the query from all others: a hash, so that a cursor gives nothing away."""
        if self._known is None:
            query = self._query
            said = f"{query.table.full_name} {query.where} {_order_said(query.order)} {query.subject!r}"
            self._known = hashlib.sha256(said.encode()).hexdigest()[:24]
        return self._known

    def cursor(self, last: E) -> str:
        """The cursor that goes on after `last`. Raises InvalidField where its values are too long for one."""
        columns = _ordering(self._query.table, self._query.order)
        values = [_plain(getattr(last, column.name)) for column in columns]
        cursor = self._signer.seal(orjson.dumps([self._said(), *values]))
        if len(cursor) > _LONGEST_CURSOR:
            said = "the ordering values are too long for a cursor; order by shorter columns"
            raise InvalidField(said, field="order_by")
        return cursor

    def after(self, cursor: str) -> Predicate:
        """The condition, bound, that keeps the rows after the cursor. Raises InvalidCursor for another query's."""
        table, order = self._query.table, self._query.order
        columns = _ordering(table, order)
        try:
            said, *values = orjson.loads(self._signer.open(cursor))
            if said != self._said() or len(values) != len(columns):
                raise _invalid()
            position = [
                None if given is None else column.operand(given) for column, given in zip(columns, values, strict=True)
            ]
        except (ValueError, TypeError):
            raise _invalid() from None
        return after(table, order, position)


def after(table: Table[Any], terms: Sequence[Order], position: Sequence[object]) -> Predicate:
    """That a row stands behind the position, which has one admitted value a term, in this total order. It is bound."""
    term, value = terms[0], position[0]
    beyond = _beyond(table, term, value)
    if len(terms) == 1:
        return beyond
    rest = after(table, terms[1:], position[1:])
    either = disjunction((beyond, conjunction((eq(term.column, value), rest))))
    if table.require(term.column).nullable or value is None:
        return either
    # says the same once more as a plain range, which an index on the first column can serve
    return conjunction((le(term.column, value) if term.descending else ge(term.column, value), either))


def _beyond(table: Table[Any], term: Order, value: object) -> Predicate:
    if value is None:
        return not_(is_null(term.column)) if term.nulls_first else FALSE
    further = lt(term.column, value) if term.descending else gt(term.column, value)
    if term.nulls_first or not table.require(term.column).nullable:
        return further
    return disjunction((further, is_null(term.column)))


_order_said = lru_cache(maxsize=1000)(repr)


@lru_cache(maxsize=1000)
def _ordering(table: Table[Any], order: tuple[Order, ...]) -> tuple[Column, ...]:
    columns = tuple([table.require(term.column) for term in order])
    for column in columns:
        if not isinstance(column.type, _PAGEABLE):
            raise InvalidField(f"a cursor can't carry {column.name}: {column.type.sql}", field=column.name)
    return columns


def _plain(value: object) -> object:
    match value:
        case dt.date():
            return value.isoformat()
        case Decimal() | uuid.UUID():
            return str(value)
        case _:
            return value


def _invalid() -> InvalidCursor:
    return InvalidCursor("the cursor was not issued for this query", field="cursor")
