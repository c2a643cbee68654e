"""Every exception of the driver has a meaning, and no message holds a value."""

import inspect
import uuid
from collections.abc import Iterator

import asyncpg
import attrs
import pytest
from asyncpg import exceptions
from asyncpg.pgproto import types as pgproto_types

from homeport.adapters.postgres import PostgresStore
from homeport.adapters.postgres.errors import not_reached, translated
from homeport.adapters.postgres.ways import told
from homeport.kernel import errors
from homeport.kernel.binding import bind
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import (
    CheckViolation,
    Deadlock,
    DomainError,
    ForeignKeyViolation,
    InvalidValue,
    LockTimeout,
    NotNullViolation,
    OutcomeUnknown,
    PoolClosed,
    QueryError,
    QueryTooLarge,
    RepositoryConflictError,
    RepositoryConstraintError,
    RepositoryError,
    RepositoryPermissionError,
    RepositoryUnavailableError,
    RowSecurity,
    SchemaMismatch,
    SerializationConflict,
    StatementTimeout,
    UniqueViolation,
    UnitAborted,
)
from homeport.kernel.predicates import eq
from homeport.kernel.query import Delete, Insert
from homeport.kernel.sqlstate import BY_CLASS, BY_CODE
from homeport.kernel.table import Row
from tests.postgres.tables import CRATE, FOREIGN, LABEL, LIGHTEN, SAMPLE, Sought

CATALOG = Catalog.of([SAMPLE, CRATE, LABEL])
NOT_RAISED = {exceptions.PostgresWarning, exceptions.InterfaceWarning, exceptions.PostgresLogMessage}


def classes() -> Iterator[type[Exception]]:
    for module in (exceptions, pgproto_types):
        for _, each in inspect.getmembers(module, inspect.isclass):
            if issubclass(each, Exception) and not issubclass(each, Warning) and each not in NOT_RAISED:
                yield each


def raised(code: str, message: str = "m", **fields: str) -> asyncpg.PostgresError:
    letters = {name: letter for letter, name in type(asyncpg.PostgresError)._field_map.items()}  # type: ignore[attr-defined]
    given = {letters[name]: value for name, value in fields.items()}
    made: asyncpg.PostgresError = asyncpg.PostgresError.new({"C": code, "M": message, **given})
    return made


def meaning(error: BaseException, *, sent: bool = False, alive: bool = True) -> RepositoryError:
    found = translated(error, CATALOG, sent=sent, alive=alive)
    assert found is not None
    return found


@pytest.mark.parametrize("each", list(classes()), ids=lambda each: each.__name__)
def test_every_class_of_the_driver_is_mapped(each: type[Exception]) -> None:
    code = getattr(each, "sqlstate", None)
    if code is not None:
        assert code in BY_CODE or code[:2] in BY_CLASS
    error = each("m")
    assert type(meaning(error)) is not RepositoryError
    assert not_reached(error) is not None


def test_every_code_of_the_table_is_one_that_the_driver_knows() -> None:
    known = {each.sqlstate for each in classes() if issubclass(each, asyncpg.PostgresError)}
    assert set(BY_CODE) - known <= {"25P04"}  # transaction_timeout, of PostgreSQL 17
    assert set(BY_CLASS) - {code[:2] for code in known if code} <= {"00", "01", "02"}  # success, warning, no data


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("23505", UniqueViolation),
        ("23503", ForeignKeyViolation),
        ("23001", ForeignKeyViolation),
        ("23514", CheckViolation),
        ("23P01", errors.ExclusionViolation),
        ("23000", RepositoryConstraintError),
        ("22P02", InvalidValue),
        ("22003", InvalidValue),
        ("42804", InvalidValue),
        ("428C9", InvalidValue),
        ("21000", QueryError),
        ("42P10", QueryError),
        ("42601", QueryError),
        ("42883", SchemaMismatch),
        ("42P01", SchemaMismatch),
        ("42703", SchemaMismatch),
        ("42501", RepositoryPermissionError),
        ("28000", RepositoryPermissionError),
        ("0L000", RepositoryPermissionError),
        ("40P01", Deadlock),
        ("40001", SerializationConflict),
        ("40000", RepositoryConflictError),
        ("55P03", LockTimeout),
        ("57014", StatementTimeout),
        ("53300", RepositoryUnavailableError),
        ("57P01", RepositoryUnavailableError),
        ("08006", RepositoryUnavailableError),
        ("25006", QueryError),
        ("25P02", UnitAborted),
        ("54001", QueryTooLarge),
        ("P0001", DomainError),
        ("P0002", DomainError),
        ("PT409", DomainError),
        ("HP001", DomainError),
        ("ZZ999", DomainError),
    ],
)
def test_codes_by_meaning(code: str, wanted: type[RepositoryError]) -> None:
    found = meaning(raised(code))
    assert type(found) is wanted
    assert found.code == code


def test_a_function_speaks_for_itself() -> None:
    assert str(meaning(raised("PT409", "too light"))) == "too light"


def test_row_policies_are_told_from_grants() -> None:
    in_any_language = raised("42501", "nein", server_source_function="ExecWithCheckOptions")
    assert type(meaning(in_any_language)) is RowSecurity
    assert type(meaning(raised("42501", 'new row violates row-level security policy for table "x"'))) is RowSecurity


def test_a_lost_answer_of_a_write_is_an_unknown_outcome() -> None:
    for error in (
        exceptions.ConnectionDoesNotExistError("m"),
        raised("57P01"),
        exceptions.InterfaceError("the underlying connection is closed"),
        exceptions.InternalClientError("cannot switch to state"),
        ConnectionResetError(),
        TimeoutError(),
    ):
        assert type(meaning(error, sent=True, alive=False)) is OutcomeUnknown
    for error in (raised("57014"), raised("40001"), raised("53300")):
        assert type(meaning(error, sent=True)) is not OutcomeUnknown


def test_the_cause_behind_the_outer_error_decides() -> None:
    outer = exceptions.InterfaceError("cannot call Transaction.__aexit__()")
    outer.__context__ = raised("57P01")
    found = meaning(outer, sent=True, alive=True)
    assert type(found) is OutcomeUnknown
    assert found.code == "57P01"


def test_a_constraint_may_be_named_in_a_functions_hint() -> None:
    found = meaning(raised("23505", hint="crates_code_key"))
    assert isinstance(found, UniqueViolation)
    assert (found.constraint, found.table, found.columns) == ("crates_code_key", "crates", ("code",))
    unnamed = meaning(raised("23505", hint="try again"))
    assert isinstance(unnamed, UniqueViolation)
    assert (unnamed.constraint, unnamed.table, unnamed.columns) == (None, None, ())


def test_an_unknown_role_is_a_matter_of_permission() -> None:
    assert type(meaning(raised("22023", 'role "x" does not exist', server_source_function="check_role"))) is (
        RepositoryPermissionError
    )


def test_what_is_not_the_drivers_is_left_alone() -> None:
    assert translated(KeyError("x"), CATALOG, sent=True, alive=True) is None
    assert translated(GeneratorExit(), CATALOG, sent=True, alive=True) is None
    ours = QueryError("x")
    assert translated(ours, CATALOG, sent=True, alive=True) is ours
    assert not_reached(ours) is None
    assert type(not_reached(exceptions.InterfaceError("pool is closed"), closed=True)) is PoolClosed


SECRET = "my secret value"


@pytest.mark.parametrize(
    ("row", "wanted", "constraint", "columns"),
    [
        ({"code": SECRET}, UniqueViolation, "crates_code_key", ("code",)),
        ({"code": "b", "id": 100}, UniqueViolation, "crates_pkey", ("id",)),
        ({"code": "b", "note": SECRET, "weight": -1}, CheckViolation, "crates_weight_check", ("weight",)),
        ({"code": "b", "above_id": 424242}, ForeignKeyViolation, "crates_above_id_fkey", ("above_id",)),
        ({"note": SECRET}, NotNullViolation, None, ("code",)),
    ],
)
async def test_constraints_are_named_and_values_are_not(
    store: PostgresStore, row: Row, wanted: type[RepositoryConstraintError], constraint: str | None, columns: object
) -> None:
    await store.insert(Insert("crates.add", CRATE, ({"id": 100, "code": SECRET},)))
    with pytest.raises(wanted) as caught:
        await store.insert(Insert("crates.add", CRATE, (row,)))
    assert (caught.value.constraint, caught.value.table, caught.value.columns) == (constraint, "crates", columns)
    assert SECRET not in str(caught.value)
    assert "424242" not in str(caught.value)


async def test_a_referenced_row_is_a_foreign_key_violation(store: PostgresStore) -> None:
    await store.insert(Insert("crates.add", CRATE, ({"id": 1, "code": "a"}, {"id": 2, "code": "b", "above_id": 1})))
    with pytest.raises(ForeignKeyViolation) as caught:
        await store.delete(Delete("crates.delete", CRATE, bind(eq("id", 1), CRATE, store.catalog)))
    assert caught.value.constraint == "crates_above_id_fkey"


async def test_deployed_columns_are_named_as_declared(store: PostgresStore, url: str) -> None:
    catalog = Catalog.of([CRATE, LABEL], FOREIGN)
    foreign = PostgresStore(attrs.evolve(store._shared, catalog=catalog))
    row: Row = {"id": uuid.uuid4(), "crate_id": 1}
    with pytest.raises(NotNullViolation) as caught:
        await foreign.insert(Insert("labels.add", catalog.table(LABEL), (row,)))
    assert (caught.value.table, caught.value.columns) == ("labels", ("name",))


async def test_a_functions_refusal_is_a_domain_error(store: PostgresStore) -> None:
    with pytest.raises(DomainError, match="too light already") as caught:
        await store.run(LIGHTEN, Sought(least=-1, facts={}))
    assert caught.value.code == "PT409"


@pytest.mark.parametrize(
    ("query", "params", "wanted"),
    [
        ("select * from nowhere", (), SchemaMismatch),
        ("select nothing from crates", (), SchemaMismatch),
        ("selekt", (), QueryError),
        ("select $1::int", ("x",), InvalidValue),
        ("select $1::int", (), QueryError),
        ("select 'x'::text::int", (), InvalidValue),
        ("select 1/0", (), InvalidValue),
        ("set local statement_timeout = 1; select 1", (), QueryError),
    ],
)
async def test_raw_sql_fails_in_the_same_classes(
    store: PostgresStore, query: str, params: tuple[object, ...], wanted: type[RepositoryError]
) -> None:
    with pytest.raises(wanted):
        await store.execute_query(query, params)


def test_an_answer_that_cannot_be_read_leaves_a_write_done_and_a_read_to_be_asked_again() -> None:
    error = asyncpg.OutdatedSchemaCacheError("the type has changed")
    catalog = Catalog.of([CRATE])
    for raw in (False, True):
        written = told(error, catalog, sent=True, alive=True, raw=raw)
        read = told(error, catalog, sent=False, alive=True, raw=raw)
        assert (type(written), type(read)) == (OutcomeUnknown, RepositoryUnavailableError)
