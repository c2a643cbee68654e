"""The old functions by table name: both signatures, JSON's values, warnings, whose rows they are. On every adapter."""

import json
import logging
import uuid
import warnings
from collections.abc import Iterator
from typing import Literal

import pytest

from homeport import (
    CheckViolation,
    Homeport,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
    RepositoryPermissionError,
    RepositoryValidationError,
    Unsupported,
)
from homeport.domain.users import User
from homeport.legacy_map import TABLE_REPOSITORY_MAP, WITHHELD, Place
from homeport.safe_db import SafeDb
from homeport.testing import a_pam_context, a_post, a_profile, a_trip, a_user, an_expense
from homeport.testing.rig import with_units
from tests.support.refusals import refused


@pytest.fixture(autouse=True)
def _deprecations_are_known() -> Iterator[None]:
    """They have tests of their own; elsewhere they would only stop these."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@pytest.fixture
def safe(db: Homeport) -> SafeDb:
    return SafeDb(db)


@pytest.fixture
def enforced(db: Homeport) -> SafeDb:
    return SafeDb(db, user_id="enforce")


@pytest.fixture
async def ada(db: Homeport) -> User:
    return await a_user(db)


@pytest.fixture
async def bob(db: Homeport) -> User:
    return await a_user(db)


# -- insert


async def test_an_inserted_row_comes_back_as_json_has_it(safe: SafeDb, ada: User) -> None:
    spent = {"user_id": str(ada.id), "amount": 12.5, "category": "fuel", "date": "2026-04-02", "tags": ["a", "b"]}
    made = await safe.safe_db_insert("expenses", spent, str(ada.id))
    assert json.loads(json.dumps(made)) == made
    assert (made["amount"], made["date"], made["tags"]) == (12.5, "2026-04-02", ["a", "b"])
    assert made["user_id"] == str(ada.id)
    assert uuid.UUID(made["id"])
    assert made["created_at"].endswith("+00:00")
    assert made["vendor"] is None
    assert sum(each["amount"] for each in [made, made]) == 25


async def test_json_says_numbers_and_times_loosely(safe: SafeDb, ada: User) -> None:
    event = {"user_id": ada.id, "title": "x", "start_date": "2026-04-02T10:00:00", "end_date": "2026-04-02T13:00+02:00"}
    made = await safe.safe_db_insert("calendar_events", event)
    assert (made["start_date"], made["end_date"]) == ("2026-04-02T10:00:00+00:00", "2026-04-02T11:00:00+00:00")
    cents = {"user_id": ada.id, "amount": 0.1, "category": "x", "date": "2026-04-02T23:59:59Z"}
    spent = await safe.safe_db_insert("expenses", cents)
    assert (spent["amount"], spent["date"]) == (0.1, "2026-04-02")
    assert len(await safe.safe_db_select("expenses", {"amount": 0.1})) == 1


async def test_what_the_database_stamps_is_left_to_it(safe: SafeDb, ada: User) -> None:
    long_ago = "2001-01-01T00:00:00Z"
    spent = {"user_id": ada.id, "amount": 1, "category": "x", "created_at": long_ago, "updated_at": long_ago}
    made = await safe.safe_db_insert("expenses", spent)
    assert made["created_at"] > "2020"
    changed = await safe.safe_db_update("expenses", made["id"], {"vendor": "y", "updated_at": long_ago})
    assert changed["updated_at"] >= made["updated_at"]


async def test_broken_rules_and_misspelt_names_are_told(safe: SafeDb, ada: User) -> None:
    with pytest.raises(CheckViolation):
        await safe.safe_db_insert("expenses", {"user_id": ada.id, "amount": -1, "category": "x"})
    with pytest.raises(NotNullViolation):
        await safe.safe_db_insert("expenses", {"user_id": ada.id, "amount": 1})
    assert await refused(InvalidField, safe.safe_db_insert("expenses", {"amuont": 1})) == "amuont"
    assert await refused(InvalidField, safe.safe_db_insert("expense", {})) == "table"
    assert await refused(RepositoryValidationError, safe.safe_db_insert("expenses", None)) == "data"
    start = {"user_id": ada.id, "title": "x", "start_date": "tomorrow", "end_date": "2026-04-02"}
    assert await refused(InvalidValue, safe.safe_db_insert("calendar_events", start)) == "start_date"


# -- select


async def test_rows_are_selected_in_the_documents_form(safe: SafeDb, db: Homeport, ada: User, bob: User) -> None:
    mine = await an_expense(db, user_id=ada.id, date="2026-04-01")
    later = await an_expense(db, user_id=ada.id, date="2026-04-02")
    await an_expense(db, user_id=bob.id)
    found = await safe.safe_db_select("expenses", {"user_id": str(ada.id)}, str(ada.id))
    assert [each["id"] for each in found] == [str(later.id), str(mine.id)]
    assert len(await safe.safe_db_select("expenses")) == 3
    assert len(await safe.safe_db_select("expenses", {"user_id": [ada.id, bob.id], "vendor": None})) == 3
    assert await safe.safe_db_select(table_name="expenses", filters={"category": "nothing"}) == []


async def test_rows_are_selected_in_the_live_form(safe: SafeDb, db: Homeport, ada: User) -> None:
    for amount in ("3", "1", "2"):
        await an_expense(db, user_id=ada.id, amount=amount, category="fuel")
    asked = {"user_id": str(ada.id)}
    found = await safe.safe_db_select("expenses", asked, str(ada.id), "amount, category", order_by="amount")
    assert found == [{"amount": amount, "category": "fuel"} for amount in (1, 2, 3)]
    found = await safe.safe_db_select(
        "expenses", asked, columns=["amount"], order_by="amount", order_desc=True, limit=2
    )
    assert found == [{"amount": 3}, {"amount": 2}]
    one = await safe.safe_db_select("expenses", asked, columns="amount", single=True, order_by="amount")
    assert one == {"amount": 1}
    assert await safe.safe_db_select("expenses", {"amount": 4}, single=True) is None
    assert await safe.safe_db_select("expenses", asked, limit=0) == []
    assert await safe.safe_db_select("expenses", asked, single=True, limit=0) is None


async def test_a_column_is_answered_under_its_alias(safe: SafeDb, db: Homeport, ada: User) -> None:
    spent = await an_expense(db, user_id=ada.id, amount="2.50", category="fuel")
    assert await safe.safe_db_select("expenses", select="cost:amount, kind : category,amount") == [
        {"cost": 2.5, "kind": "fuel", "amount": 2.5}
    ]
    (every,) = await safe.safe_db_select("expenses", columns=["*", "cost:amount"])
    assert every == {**(await safe.safe_db_select("expenses"))[0], "cost": 2.5}
    swapped = await safe.safe_db_select("expenses", columns="amount:category, category:id", single=True)
    assert swapped == {"amount": "fuel", "category": str(spent.id)}
    profile = await a_profile(db, id=ada.id)
    assert await safe.safe_db_select("profiles", select="user_id,who:user_id") == [
        {"user_id": str(profile.id), "who": str(profile.id)}
    ]


async def test_more_than_columns_is_not_selected(safe: SafeDb) -> None:
    for asked in ("*, profiles(*)", "who:profiles(id)", "amount::text", "tags->0", "x:tags->>0", "count()", "a!inner"):
        with pytest.raises(InvalidField, match="no embedded tables, casts, JSON paths or aggregates"):
            await safe.safe_db_select("expenses", select=asked)
    for asked in (":amount", "cost:", "cost:amuont", "a:b:amount", "", "*,"):
        with pytest.raises(InvalidField, match="expenses: no column"):
            await safe.safe_db_select("expenses", select=asked)
    twice = safe.safe_db_select("expenses", columns=["*", "amount:category"])
    assert await refused(InvalidField, twice) == "amount"


async def test_a_withheld_table_is_not_served_under_any_name(db: Homeport, ada: User) -> None:
    await db.users.set_password_hash(ada.id, "x" * 40)
    places = {"keys": Place("users", "user_credentials", "credentials")}
    settings: tuple[Literal["log"], Literal["enforce"]] = ("log", "enforce")
    for user_id in settings:
        safe = SafeDb(db, user_id=user_id, tables={**TABLE_REPOSITORY_MAP, **places})
        for table in ("keys", *WITHHELD):
            for call in (
                safe.safe_db_select(table, None, ada.id),
                safe.safe_db_insert(table, {}, ada.id),
                safe.safe_db_update(table, {"user_id": ada.id}, {"failed_attempts": 1}, ada.id),
                safe.safe_db_delete(table, {"user_id": ada.id}, ada.id),
            ):
                with pytest.raises(InvalidField, match="never reached by its name"):
                    await call
    credentials = await db.users.get_credentials(ada.id)
    assert credentials is not None
    assert credentials.failed_attempts == 0


async def test_what_is_no_column_is_refused_by_name(safe: SafeDb) -> None:
    assert await refused(InvalidField, safe.safe_db_select("expenses", {"userid": 1})) == "userid"
    assert await refused(InvalidField, safe.safe_db_select("expenses", order_by="1; drop")) == "1; drop"
    assert await refused(InvalidField, safe.safe_db_select("expenses", select="*, profiles(*)")) is not None
    assert await refused(InvalidValue, safe.safe_db_select("expenses", {"id": "x"})) == "id"


# -- update


async def test_one_row_is_updated_by_its_id(safe: SafeDb, db: Homeport, ada: User) -> None:
    spent = await an_expense(db, user_id=ada.id)
    changed = await safe.safe_db_update("expenses", str(spent.id), {"amount": 2.5, "id": str(spent.id)}, str(ada.id))
    assert (changed["id"], changed["amount"]) == (str(spent.id), 2.5)
    changed = await safe.safe_db_update(table_name="expenses", record_id=spent.id, data={"vendor": "x"})
    assert changed["vendor"] == "x"
    changed = await safe.safe_db_update("expenses", str(ada.id), {"vendor": "y"}, None, "user_id")
    assert (changed["id"], changed["vendor"]) == (str(spent.id), "y")


async def test_an_id_that_no_row_has_raises(safe: SafeDb, db: Homeport) -> None:
    absent = str(uuid.uuid4())
    with pytest.raises(RepositoryNotFoundError):
        await safe.safe_db_update("expenses", absent, {"vendor": "x"})
    with pytest.raises(RepositoryNotFoundError):
        await safe.safe_db_update("expenses", absent, {"vendor": "x"}, id_column="user_id")
    other = await an_expense(db)
    changes = {"id": absent}
    assert await refused(InvalidField, safe.safe_db_update("expenses", str(other.id), changes)) == "id"
    assert await refused(InvalidValue, safe.safe_db_update("expenses", "x", {"vendor": "x"})) == "id"


async def test_rows_are_updated_by_filters(safe: SafeDb, db: Homeport, ada: User, bob: User) -> None:
    mine = [await an_expense(db, user_id=ada.id) for _ in range(2)]
    await an_expense(db, user_id=bob.id)
    changed = await safe.safe_db_update("expenses", {"user_id": str(ada.id)}, {"vendor": "x"}, str(ada.id))
    assert [each["id"] for each in changed] == sorted(str(each.id) for each in mine)
    assert {each["vendor"] for each in changed} == {"x"}
    assert await safe.safe_db_update("expenses", {"category": "nothing"}, {"vendor": "x"}) == []
    empty: list[dict[str, object] | None] = [{}, None]
    for filters in empty:
        with pytest.raises(RepositoryValidationError, match="without filters"):
            await safe.safe_db_update("expenses", filters, {"vendor": "x"})


# -- delete


async def test_one_row_is_deleted_by_its_id(
    safe: SafeDb, db: Homeport, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    spent = await an_expense(db, user_id=ada.id)
    answers = [await safe.safe_db_delete("expenses", str(spent.id), str(ada.id))]  # type: ignore[func-returns-value]
    assert caplog.records == []
    answers.append(await safe.safe_db_delete("expenses", str(spent.id), str(ada.id)))  # type: ignore[func-returns-value]
    assert answers == [None, None]
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.WARNING, "safe_db_delete: no such row in expenses")
    assert str(spent.id) not in caplog.text
    await an_expense(db, user_id=ada.id)
    await safe.safe_db_delete(table_name="expenses", record_id=ada.id, id_column="user_id")
    assert await db.expenses.expenses.count() == 0


async def test_rows_are_deleted_by_filters(safe: SafeDb, db: Homeport, ada: User) -> None:
    for _ in range(2):
        await an_expense(db, user_id=ada.id)
    assert await safe.safe_db_delete("expenses", {"user_id": str(ada.id)}, str(ada.id)) == 2
    assert await safe.safe_db_delete("expenses", {"user_id": str(ada.id)}) == 0
    empty: list[dict[str, object] | None] = [{}, None]
    for filters in empty:
        with pytest.raises(RepositoryValidationError, match="without filters"):
            await safe.safe_db_delete("expenses", filters)


async def test_a_table_with_soft_delete_is_deleted_from_softly(safe: SafeDb, db: Homeport) -> None:
    post = await a_post(db)
    await safe.safe_db_delete("posts", post.id)
    assert await safe.safe_db_select("posts") == []
    assert await db.social.posts.restore(post.id)


async def test_an_append_only_table_is_only_added_to(safe: SafeDb, ada: User) -> None:
    made = await safe.safe_db_insert("user_login_history", {"user_id": ada.id, "login_method": "oauth"})
    assert (await safe.safe_db_select("login_history", {"user_id": ada.id}))[0]["id"] == made["id"]
    with pytest.raises(RepositoryValidationError, match="only added to"):
        await safe.safe_db_update("login_history", made["id"], {"success": False})
    with pytest.raises(RepositoryValidationError, match="only added to"):
        await safe.safe_db_delete("login_history", made["id"])


# -- names


async def test_profiles_have_the_users_id_for_their_own(safe: SafeDb, db: Homeport, ada: User, bob: User) -> None:
    made = await safe.safe_db_insert("profiles", {"user_id": str(ada.id), "nickname": "ada"}, str(ada.id))
    assert made["id"] == str(ada.id)
    assert "user_id" not in made
    assert await safe.safe_db_select("profiles", {"user_id": str(ada.id)}, single=True) == made
    for column in ("id", "user_id"):
        assert (await safe.safe_db_update("profiles", ada.id, {"language": column}, id_column=column))["id"] == made[
            "id"
        ]
    kept = await safe.safe_db_update("profiles", str(ada.id), {"user_id": str(ada.id), "nickname": "a"})
    assert kept["nickname"] == "a"
    changes = {"user_id": str(bob.id)}
    assert await refused(InvalidField, safe.safe_db_update("profiles", str(ada.id), changes)) == "id"
    both = {"id": str(ada.id), "user_id": str(bob.id)}
    assert await refused(InvalidField, safe.safe_db_insert("profiles", both)) in ("id", "user_id")
    await safe.safe_db_delete("profiles", ada.id, id_column="user_id")
    assert await db.profiles.get_profile(ada.id) is None


async def test_live_names_of_tables_are_known(safe: SafeDb, db: Homeport) -> None:
    context = await a_pam_context(db)
    trip = await a_trip(db)
    changed = await safe.safe_db_update("pam_user_context", str(context.user_id), {"context_type": "x"})
    assert changed["context_type"] == "x"  # its key is user_id, and it has no id
    stop = {"trip_id": trip.id, "name": "camp", "stop_order": 1, "latitude": 47.5}
    assert (await safe.safe_db_insert("trip_waypoints", stop))["latitude"] == 47.5


async def test_an_application_names_its_own_tables(db: Homeport) -> None:
    safe = SafeDb(db, tables={**TABLE_REPOSITORY_MAP, "crates": Place("specimens", "crates", "crates")})
    made = await safe.safe_db_insert("crates", {"code": "c1"})
    assert (await safe.safe_db_update("crates", str(made["id"]), {"shelf": "x"}))["shelf"] == "x"


# -- whose rows


async def test_logged_a_user_id_means_nothing_but_a_word_in_the_log(
    safe: SafeDb, db: Homeport, ada: User, bob: User, caplog: pytest.LogCaptureFixture
) -> None:
    spent = await an_expense(db, user_id=ada.id)
    with caplog.at_level(logging.DEBUG, "homeport.safe_db"):
        assert await safe.safe_db_update("expenses", str(spent.id), {"vendor": "x"}, str(bob.id))
        with pytest.raises(CheckViolation):
            await safe.safe_db_update("expenses", str(spent.id), {"amount": -7}, str(bob.id))
    done, failed = [each for each in caplog.records if each.name == "homeport.safe_db"]
    assert (done.levelno, failed.levelno) == (logging.DEBUG, logging.ERROR)
    assert done.__dict__["user_id"] == failed.__dict__["user_id"] == str(bob.id)
    assert failed.getMessage() == "safe_db_update on expenses: CheckViolation"


async def test_enforced_others_rows_are_as_absent(enforced: SafeDb, db: Homeport, ada: User, bob: User) -> None:
    spent = await an_expense(db, user_id=ada.id)
    assert len(await enforced.safe_db_select("expenses", None, str(ada.id))) == 1
    assert await enforced.safe_db_select("expenses", {"id": spent.id}, str(bob.id)) == []
    assert await enforced.safe_db_update("expenses", {"id": spent.id}, {"vendor": "x"}, str(bob.id)) == []
    with pytest.raises(RepositoryNotFoundError):
        await enforced.safe_db_update("expenses", str(spent.id), {"vendor": "x"}, str(bob.id))
    await enforced.safe_db_delete("expenses", str(spent.id), str(bob.id))
    assert await enforced.safe_db_delete("expenses", {"id": spent.id}, str(bob.id)) == 0
    assert await db.expenses.get_expense_by_id(spent.id, ada.id) == spent
    with pytest.raises(RepositoryPermissionError):
        await enforced.safe_db_insert("expenses", {"user_id": ada.id, "amount": 1, "category": "x"}, str(bob.id))
    assert await enforced.safe_db_update("expenses", str(spent.id), {"vendor": "x"}, str(ada.id))


async def test_enforced_children_are_their_parents_owners(enforced: SafeDb, db: Homeport, ada: User, bob: User) -> None:
    trip = await a_trip(db, user_id=ada.id)
    stop = {"trip_id": str(trip.id), "name": "camp", "stop_order": 1}
    with pytest.raises(RepositoryPermissionError):
        await enforced.safe_db_insert("trip_stops", stop, str(bob.id))
    made = await enforced.safe_db_insert("trip_stops", stop, str(ada.id))
    assert await enforced.safe_db_select("trip_stops", {"trip_id": trip.id}, str(bob.id)) == []
    assert await enforced.safe_db_delete("trip_stops", {"id": made["id"]}, str(ada.id)) == 1


async def test_enforced_a_call_without_a_user_is_refused(enforced: SafeDb, db: Homeport, ada: User) -> None:
    await a_profile(db, id=ada.id)
    with pytest.raises(RepositoryPermissionError, match="without a user"):
        await enforced.safe_db_select("profiles", {"user_id": ada.id})
    assert await enforced.safe_db_select("profiles", {"user_id": ada.id}, str(ada.id))
    with pytest.raises(Unsupported, match="has its user already"):
        await SafeDb(db.as_service(), user_id="enforce").safe_db_select("profiles", {}, str(ada.id))


# -- the shim itself


async def test_each_call_warns_and_names_the_method_to_use(db: Homeport) -> None:
    safe = SafeDb(lambda: db)
    absent = str(uuid.uuid4())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", DeprecationWarning)
        await safe.safe_db_select("user_trips")
        await safe.safe_db_select("trip_stops")
        await safe.safe_db_delete("fuel_log", absent)
        await safe.safe_db_delete("posts", absent)
    assert [str(each.message) for each in told] == [
        "safe_db_select on trips is deprecated: use db.trips.get_user_trips",
        "safe_db_select on trip_stops is deprecated: use db.trips.get_trip_stops",
        "safe_db_delete on fuel_logs is deprecated: use db.vehicles.fuel.discard",
        "safe_db_delete on posts is deprecated: use db.social.delete_post",
    ]
    assert {each.filename for each in told} == {__file__}


def test_an_unknown_setting_is_refused(db: Homeport) -> None:
    with pytest.raises(RepositoryValidationError, match="either log or enforce"):
        SafeDb(db, user_id="maybe")  # type: ignore[arg-type]


@with_units
async def test_in_a_unit_of_work_the_calls_are_one_transaction(db: Homeport, ada: User) -> None:
    with pytest.raises(LookupError):
        async with db.transaction() as unit:
            await SafeDb(unit).safe_db_insert("expenses", {"user_id": ada.id, "amount": 1, "category": "x"})
            raise LookupError
    assert await db.expenses.expenses.count() == 0
