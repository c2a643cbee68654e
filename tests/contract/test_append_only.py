"""Tables whose rows are only added: nobody changes or removes one, the service neither, on every adapter.

What becomes of upserts, and of other roles, stands in the matrix of rights.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs
import pytest

from homeport import Homeport
from homeport.adapters.postgres.predicate_sql import table_name
from homeport.contexts import SHIPPED, load
from homeport.kernel.capabilities import Capability
from homeport.kernel.errors import RepositoryPermissionError, Unsupported
from homeport.kernel.query import Insert, OnConflict
from homeport.kernel.table import Table
from homeport.kernel.units import Wait
from homeport.ports.store import Session
from homeport.repositories.access import LOGIN
from homeport.repositories.collection import Collection
from homeport.repositories.governance import AUDIT_LOG
from homeport.repositories.users import USER
from homeport.testing import a_user, build, made_up
from homeport.testing.rig import with_units

ADDED: list[Table[Any]] = [LOGIN, AUDIT_LOG]
CHANGE = {"user_agent": "forged"}
Call = Callable[[], Awaitable[object]]

on_both = pytest.mark.parametrize("table", ADDED, ids=lambda table: table.name)


def test_these_are_all_the_shipped_tables_that_are_only_added_to() -> None:
    assert [each for name in SHIPPED for each in load(name).tables if each.append_only] == ADDED


def changes(rows: Collection[Any, Any], key: object) -> Sequence[Call]:
    meant = {rows.table.key: key}
    return (
        lambda: rows.update(key, CHANGE),
        lambda: rows.update_many(meant, CHANGE),
        lambda: rows.update_returning(meant, CHANGE),
        lambda: rows.bulk_update([(key, CHANGE)]),
        lambda: rows.delete(key),
        lambda: rows.delete_many(meant),
        lambda: rows.bulk_delete([key]),
        lambda: rows.discard(key),
    )


def locking(rows: Collection[Any, Any]) -> Call:
    return lambda: rows.for_update(Wait.NOWAIT).find_many()


def store_of(db: Homeport, table: Table[Any]) -> Session:
    return db.store(next(each for each in db.contexts if table in each.tables))


@on_both
async def test_no_service_changes_or_removes_a_row(db: Homeport, table: Table[Any]) -> None:
    row, other = await build(db, table), await build(db, table)
    for scope in (db, db.as_service(), db.as_user({"role": "service_role"})):
        rows = scope.collection(table)
        for call in changes(rows, row.id):
            with pytest.raises(RepositoryPermissionError) as caught:
                await call()
            assert (type(caught.value), caught.value.code) == (RepositoryPermissionError, "42501")
        assert await rows.update(row.id, {}) == row  # what asks for no change is not refused
        assert await rows.delete_many({"id": []}) == 0
    assert await db.collection(table).find_by_ids([row.id, other.id]) == [row, other]


@on_both
async def test_rows_are_added_next_to_what_is_there(db: Homeport, table: Table[Any]) -> None:
    rows = db.collection(table)
    first = await rows.create(await made_up(db, table))
    assert len(await rows.create_many([await made_up(db, table) for _ in range(2)])) == 2
    again = Insert("again", rows.table, (rows.table.values(first),), OnConflict((table.key,), ()), returning=False)
    assert (await store_of(db, table).insert(again)).count == 0
    assert await rows.count() == 3


@with_units
@on_both
async def test_a_unit_changes_no_row_and_goes_on_from_its_savepoint(db: Homeport, table: Table[Any]) -> None:
    row, more = await build(db, table), await made_up(db, table)
    async with db.transaction() as tx:
        rows = tx.collection(table)
        for call in (*changes(rows, row.id), locking(rows)):
            with pytest.raises(RepositoryPermissionError):
                async with tx.savepoint():
                    await call()
        added = await rows.create(more)
    assert await db.collection(table).find_by_ids([row.id, added.id]) == [row, added]
    assert await db.collection(table).count() == 2


async def test_a_users_logins_go_with_them_and_the_log_keeps_what_they_did(db: Homeport) -> None:
    gone, stays = await a_user(db), await a_user(db)
    for user in (gone, stays):
        await build(db, LOGIN, user_id=user.id)
    entry = await build(db, AUDIT_LOG, actor_user_id=gone.id)
    other = await build(db, AUDIT_LOG, actor_user_id=stays.id)
    assert await db.as_service().collection(USER).delete(gone.id)
    assert [each.user_id for each in await db.collection(LOGIN).find_many()] == [stays.id]
    left = await db.collection(AUDIT_LOG).find_by_ids([entry.id, other.id])
    assert left == [attrs.evolve(entry, actor_user_id=None), other]


@on_both
async def test_the_services_own_sql_changes_no_row(db: Homeport, table: Table[Any]) -> None:
    row, store, name = await build(db, table), store_of(db, table), table_name(db.catalog.table(table))
    refusal = RepositoryPermissionError if Capability.RAW_SQL in store.capabilities else Unsupported
    for statement in (
        f"UPDATE {name} SET user_agent = 'forged'",
        f"DELETE FROM {name}",
        f"TRUNCATE {name}",
        f"SELECT id FROM {name} FOR SHARE",
    ):
        with pytest.raises(refusal):
            await store.execute_query(statement)
    assert await db.collection(table).find_many() == [row]
