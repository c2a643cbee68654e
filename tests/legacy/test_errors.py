"""Answers of PostgREST and of proxies before it, as errors by meaning."""

import json

import asyncpg
import pytest

from homeport.adapters.supabase_legacy.errors import PastTheEnd, translate
from homeport.kernel import errors as e


def answer(code: str | None, message: str = "boom", *, hint: str | None = None, details: str | None = None) -> bytes:
    return json.dumps({"code": code, "message": message, "hint": hint, "details": details}).encode()


def codes(text: str) -> list[str]:
    return text.split()


TABLE = [
    ("23505", e.UniqueViolation),
    ("23503", e.ForeignKeyViolation),
    ("23001", e.ForeignKeyViolation),
    ("23502", e.NotNullViolation),
    ("23514", e.CheckViolation),
    ("23P01", e.ExclusionViolation),
    *(
        (code, e.InvalidValue)
        for code in codes("22P02 22003 22001 22007 22008 22021 22P05 22025 2201B 42804 428C9 22000")
    ),
    *((code, e.QueryError) for code in codes("21000 42P10 42601 25006")),
    *((f"PGRST{number}", e.QueryError) for number in (100, 102, 108, 109, 115, 122)),
    *((code, e.SchemaMismatch) for code in codes("42P01 42703 42883 PGRST200 PGRST201 PGRST202 PGRST204 PGRST205")),
    *((code, e.RepositoryPermissionError) for code in codes("42501 28000 0L000")),
    ("PGRST301", e.AuthInvalid),
    ("PGRST103", PastTheEnd),
    *((code, e.Unsupported) for code in ("PGRST106", "PGRST123")),
    ("40P01", e.Deadlock),
    ("40001", e.SerializationConflict),
    ("55P03", e.LockTimeout),
    ("57014", e.StatementTimeout),
    *((code, e.RepositoryUnavailableError) for code in codes("53300 PGRST000 PGRST002 PGRST003")),
    *((code, e.OutcomeUnknown) for code in codes("08006 57P01 PGRST001")),
    *((code, e.DomainError) for code in codes("P0001 PT409 HP001")),
]


@pytest.mark.parametrize(("code", "kind"), TABLE)
def test_a_code_means_the_same_whatever_the_status(code: str, kind: type[e.RepositoryError]) -> None:
    for status in (400, 404, 409, 500):
        error = translate(status, answer(code), write=True)
        assert (type(error), error.code) == (kind, code)


@pytest.mark.parametrize("code", ["08006", "57P01", "PGRST001"])
def test_a_read_without_an_answer_has_no_open_outcome(code: str) -> None:
    assert type(translate(503, answer(code), write=False)) is e.RepositoryUnavailableError


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (answer("42501", 'new row violates row-level security policy for table "t"'), e.RowSecurity),
        (answer("22023", 'role "x" does not exist'), e.RepositoryPermissionError),
        (answer("22023", "invalid parameter"), e.InvalidValue),
        (answer("42883", "function f() does not exist"), e.SchemaMismatch),
        (answer("PGRST301", "JWT expired"), e.AuthExpired),
        (answer("PGRST303", "JWT expired"), e.AuthExpired),
        (answer("PGRST116", details="The result contains 0 rows"), e.RepositoryNotFoundError),
        (answer("PGRST116", details="The result contains 2 rows"), e.MultipleRowsError),
    ],
)
def test_codes_of_two_meanings_are_told_apart(body: bytes, kind: type[e.RepositoryError]) -> None:
    assert type(translate(400, body, write=True)) is kind


@pytest.mark.parametrize(
    ("status", "body", "write", "kind"),
    [
        (404, b"{}", True, e.SchemaMismatch),
        (404, b"", False, e.SchemaMismatch),
        (400, b"Bad Request", False, e.QueryTooLarge),
        (414, b"<html>", False, e.QueryTooLarge),
        (401, b'{"message":"No API key found in request"}', True, e.AuthInvalid),
        (302, b"", True, e.QueryError),
        *((status, b"<html>", True, e.OutcomeUnknown) for status in (429, 500, 502, 503, 504, 520)),
        *((status, b"<html>", False, e.RepositoryUnavailableError) for status in (429, 500, 502, 503, 504, 520)),
        (500, b"[1]", False, e.RepositoryUnavailableError),
        (500, b'{"code":42}', False, e.RepositoryUnavailableError),
    ],
)
def test_the_status_decides_where_no_code_came(
    status: int, body: bytes, write: bool, kind: type[e.RepositoryError]
) -> None:
    error = translate(status, body, write=write)
    assert (type(error), error.code) == (kind, str(status))


def test_a_constraint_is_named_by_the_message_and_described_by_its_table() -> None:
    body = answer("23505", 'duplicate key value violates unique constraint "uq_k_key"', details="Key (k)=(secret)")
    error = translate(409, body, write=True, describe=lambda name: ("uq", ("k",)) if name == "uq_k_key" else (None, ()))
    assert isinstance(error, e.UniqueViolation)
    assert (error.constraint, error.table, error.columns) == ("uq_k_key", "uq", ("k",))
    assert str(error) == "the write breaks constraint uq_k_key of uq"


def test_a_function_names_its_constraint_in_the_hint() -> None:
    error = translate(409, answer("23505", "taken", hint="uq_k_key"), write=True)
    assert isinstance(error, e.UniqueViolation)
    assert error.constraint == "uq_k_key"


def test_an_ordinary_hint_is_no_constraint() -> None:
    error = translate(409, answer("23505", "taken", hint="Try another one."), write=True)
    assert isinstance(error, e.UniqueViolation)
    assert error.constraint is None


def test_a_missing_value_is_named_by_table_and_column() -> None:
    body = answer(
        "23502", 'null value in column "id" of relation "uq" violates not-null constraint', details="(secret)"
    )
    error = translate(400, body, write=True)
    assert isinstance(error, e.NotNullViolation)
    assert (error.constraint, error.table, error.columns) == (None, "uq", ("id",))


@pytest.mark.parametrize(("code", "_"), TABLE)
def test_no_message_holds_details_or_hints(code: str, _: object) -> None:
    error = translate(400, answer(code, "m", hint="s3cret hint", details="s3cret detail"), write=True)
    assert "s3cret" not in str(error)


@pytest.mark.parametrize("code", ["22P02", "PGRST100", "23505", "23514", "21000", "42601"])
def test_messages_that_may_hold_values_are_not_repeated(code: str) -> None:
    assert "s3cret" not in str(translate(400, answer(code, 'bad input: "s3cret"'), write=True))


def test_a_functions_own_refusal_is_repeated() -> None:
    error = translate(409, answer("PT409", "already approved"), write=True)
    assert str(error) == "already approved"


def test_every_sqlstate_the_driver_knows_has_a_meaning() -> None:
    """Only the server's own failures (58, F0, XX) and its warnings remain the root class."""
    known = {each.sqlstate for each in vars(asyncpg.exceptions).values() if getattr(each, "sqlstate", None)}
    assert len(known) > 200
    vague = {code for code in known if type(translate(500, answer(code), write=True)) is e.RepositoryError}
    assert not vague
