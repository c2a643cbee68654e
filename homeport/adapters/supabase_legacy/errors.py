"""What PostgREST answers when it refuses, as Homeport's errors.

One table by code; the HTTP status decides only where no code came. A server's own words are repeated only where they
name things: `details` and the like hold rows.

PastTheEnd never leaves the adapter: an offset behind the last row is an empty page.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs
import orjson

from homeport.kernel.errors import (
    AuthExpired,
    AuthInvalid,
    Deadlock,
    DomainError,
    InvalidValue,
    LockTimeout,
    MultipleRowsError,
    OutcomeUnknown,
    QueryError,
    QueryTooLarge,
    RepositoryConstraintError,
    RepositoryError,
    RepositoryNotFoundError,
    RepositoryPermissionError,
    RepositoryUnavailableError,
    RowSecurity,
    SchemaMismatch,
    SerializationConflict,
    StatementTimeout,
    Unsupported,
)
from homeport.kernel.sqlstate import lost, meaning

Describe: TypeAlias = Callable[[str | None], tuple[str | None, tuple[str, ...]]]


class PastTheEnd(RepositoryError):
    """The offset lies behind the last row, and a count was asked for (PGRST103)."""


@attrs.frozen
class Refusal:
    """The server's answer, as far as it may be looked at. `code` is the HTTP status where the body had none."""

    code: str
    message: str
    hint: str
    empty_details: bool
    status: int


def undescribed(_: str | None) -> tuple[str | None, tuple[str, ...]]:
    """The answer for a constraint nobody declared."""
    return None, ()


def translate(status: int, body: bytes, *, write: bool, describe: Describe = undescribed) -> RepositoryError:
    """The error that an answer with this status and body stands for; never raises.

    Args:
        write: whether the request may have changed something, so that a lost answer leaves its outcome open.
        describe: table and columns of a constraint.
    """
    refusal = _read(status, body)
    kind = _kind(refusal)
    if issubclass(kind, RepositoryConstraintError):
        return _constraint(kind, refusal, describe)
    if kind is OutcomeUnknown and not write:
        kind = RepositoryUnavailableError
    return kind(_sentence(kind, refusal), code=refusal.code)


# The codes whose message names tables, columns, functions and roles, and never a value
_TELLING = re.compile(r"28000|0L000|42(?:501|703|883|P01|P10)|PGRST(?:10[689]|12[23]|20[01245])")

_BY_CODE: Mapping[str, type[RepositoryError]] = {
    "PGRST000": RepositoryUnavailableError,  # no connection was had
    "PGRST001": OutcomeUnknown,  # a connection was lost
    "PGRST002": RepositoryUnavailableError,
    "PGRST003": RepositoryUnavailableError,  # no connection of its pool became free
    "PGRST103": PastTheEnd,
    "PGRST106": Unsupported,
    "PGRST116": RepositoryNotFoundError,
    "PGRST123": Unsupported,
    "PGRST200": SchemaMismatch,
    "PGRST201": SchemaMismatch,
    "PGRST202": SchemaMismatch,
    "PGRST203": SchemaMismatch,
    "PGRST204": SchemaMismatch,
    "PGRST205": SchemaMismatch,
    "PGRST300": AuthInvalid,
    "PGRST301": AuthInvalid,
    "PGRST302": AuthInvalid,
    "PGRST303": AuthInvalid,
}

# A proxy's answer, or PostgREST's without a code
_BY_STATUS: Mapping[str, type[RepositoryError]] = {
    "400": QueryTooLarge,
    "401": AuthInvalid,
    "403": RepositoryPermissionError,
    "404": SchemaMismatch,
    "405": QueryError,
    "406": QueryError,
    "408": OutcomeUnknown,
    "413": QueryTooLarge,
    "414": QueryTooLarge,
    "416": PastTheEnd,
    "431": QueryTooLarge,
}

_NAMED_CONSTRAINT = re.compile(r'constraint "(.*?)"(?: |$)')
_NULL_COLUMN = re.compile(r'^null value in column "(.*?)" of relation "(.*?)"')
_HINTED = re.compile(r"[\w$.-]{1,63}")
_SQLSTATE = re.compile(r"[0-9A-Z]{5}|PGRST\d{3}|PT\d{3}")


def _read(status: int, body: bytes) -> Refusal:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        given = None
    fields = given if isinstance(given, dict) else {}
    text = {key: value if isinstance(value, str) else "" for key, value in fields.items()}
    code = text.get("code", "")
    return Refusal(
        code=code if _SQLSTATE.fullmatch(code) else str(status),
        message=text.get("message", ""),
        hint=text.get("hint", ""),
        empty_details="0 rows" in text.get("details", ""),
        status=status,
    )


def _kind(refusal: Refusal) -> type[RepositoryError]:
    match refusal.code:
        case "42501" if "row-level security" in refusal.message:
            return RowSecurity
        case "22023" if refusal.message.startswith("role "):
            return RepositoryPermissionError
        case "PGRST116" if not refusal.empty_details:
            return MultipleRowsError
        case "PGRST301" | "PGRST303" if "expired" in refusal.message:
            return AuthExpired
        case code if code in _BY_CODE:
            return _BY_CODE[code]
        case code if code.isdecimal() and len(code) == 3:
            return _without_code(refusal.status)
        case code if code.startswith("PGRST"):
            return QueryError
        case code:
            return OutcomeUnknown if lost(code) else meaning(code)


def _without_code(status: int) -> type[RepositoryError]:
    if status < 400:
        return QueryError
    return _BY_STATUS.get(str(status), OutcomeUnknown)


def _constraint(kind: type[RepositoryConstraintError], refusal: Refusal, describe: Describe) -> RepositoryError:
    if null := _NULL_COLUMN.match(refusal.message):
        column, table = null.groups()
        return kind(f"{table}.{column} has no value", table=table, columns=(column,), code=refusal.code)
    constraint = _constraint_name(refusal)
    table_of_it, columns = describe(constraint)
    place = f" of {table_of_it}" if table_of_it else ""
    message = f"the write breaks constraint {constraint}{place}" if constraint else "the write breaks a constraint"
    return kind(message, constraint=constraint, table=table_of_it, columns=columns, code=refusal.code)


def _constraint_name(refusal: Refusal) -> str | None:
    """The server's own errors name it in the message, our functions' in the hint."""
    if named := _NAMED_CONSTRAINT.search(refusal.message):
        return named[1]
    return refusal.hint if _HINTED.fullmatch(refusal.hint) else None


def _sentence(kind: type[RepositoryError], refusal: Refusal) -> str:
    if kind is DomainError or _TELLING.fullmatch(refusal.code):
        return refusal.message or f"refused by code {refusal.code}"
    if refusal.code == str(refusal.status):
        return f"the server answered HTTP {refusal.status}: {_MEANING.get(kind, 'refused')}"
    return f"{_MEANING.get(kind, 'the server refused the call')} ({refusal.code})"


_MEANING: Mapping[type[RepositoryError], str] = {
    AuthExpired: "the bearer token has expired",
    AuthInvalid: "the bearer token or the key is not valid",
    Deadlock: "chosen as the victim of a deadlock",
    InvalidValue: "a value does not fit its column",
    LockTimeout: "a row lock could not be had in time",
    MultipleRowsError: "several rows where one was asked for",
    OutcomeUnknown: "the answer to a write was lost; it may have happened",
    PastTheEnd: "the offset lies behind the last row",
    QueryError: "the server does not accept the query",
    QueryTooLarge: "the query is larger than the server takes",
    RepositoryNotFoundError: "no row",
    RepositoryPermissionError: "permission denied",
    RepositoryUnavailableError: "the server is not available",
    SchemaMismatch: "the server does not know the table, column or function",
    SerializationConflict: "another transaction came first",
    StatementTimeout: "the server cancelled the statement",
    Unsupported: "the server does not offer this",
}
