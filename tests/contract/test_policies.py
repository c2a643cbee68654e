"""The allow and deny matrix: everybody, every verb, every shipped table, the same on every adapter.

What is right stands here as the requirements say it, and is not read from the tables: a wrong policy is found.
"""

import asyncio
import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs
import pytest

from homeport import Homeport
from homeport.adapters.postgres.predicate_sql import table_name
from homeport.kernel.capabilities import Capability
from homeport.kernel.errors import (
    ForeignKeyViolation,
    InvalidField,
    RepositoryConstraintError,
    RepositoryNotFoundError,
    RepositoryPermissionError,
    RowSecurity,
    UniqueViolation,
)
from homeport.kernel.predicates import exists
from homeport.kernel.query import Delete, Deleted, Insert, OnConflict, Select, Update
from homeport.kernel.table import Row, Table
from homeport.kernel.units import Wait
from homeport.ports.store import Session
from homeport.repositories.budgets import BUDGET, RECURRING_EXPENSE
from homeport.repositories.governance import SYSTEM_CONFIG
from homeport.repositories.social import COMMENT, POST
from homeport.repositories.vehicles import VEHICLE
from homeport.testing.builders import a_post, a_profile, a_user, build, made_up
from homeport.testing.rig import selected, with_units
from tests.support.rights import (
    CATALOGUE,
    DENIED,
    DONE,
    GAP,
    NONE,
    NOTHING,
    ROW,
    RULES,
    TABLES,
    UNDER,
    Outcome,
    Rights,
    Stage,
    a_claim,
    admitted,
    outcome,
    rule_of,
    staged,
)


def test_every_table_has_its_rule() -> None:
    assert RULES.keys() == {each.name for each in TABLES}


# -- reading


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_who_reads(db: Homeport, table: Table[Any]) -> None:
    stage = await staged(db, table)
    where = stage.is_(stage.key)
    one, first = Select("one", stage.table, where), Select("first", stage.table, where, limit=1)

    async def streamed(store: Session) -> list[Any]:
        return [each async for each in store.stream(one)]

    reads: Mapping[str, Callable[[Session], Awaitable[Any]]] = {
        "fetch": lambda store: store.fetch(one),
        "stream": streamed,
        "count": lambda store: store.count(one),
        "exists": lambda store: store.count(first),
    }
    asked = [(name, read) for name in stage.rights for read in reads]
    answers = await asyncio.gather(*(outcome(reads[read](stage.rights[name][0])) for name, read in asked))
    assert dict(zip(asked, answers, strict=True)) == {
        (name, read): stage.rights[name][1].select for name, read in asked
    }


# -- writing

WRITTEN = [each for each in TABLES if each.view_of is None]


@attrs.frozen
class Write:
    """One call, and what of the rights it asks for. `absent` wants the row away first."""

    call: Callable[[Session], Awaitable[Any]]
    right: Callable[[Rights], Outcome]
    absent: bool = False


def inserting(stage: Stage, *, returning: bool, row: Row | None = None) -> Write:
    def insert(store: Session) -> Awaitable[Any]:
        given = stage.another() if row is None else row
        return store.insert(Insert("insert", stage.table, (given,), returning=returning))

    return Write(insert, lambda rights: rights.insert, absent=True)


def upserting(stage: Stage, row: Row, target: tuple[str, ...], *, returning: bool) -> Write:
    """As the base repository's upsert: neither the key nor the owner of a row is changed."""
    table = stage.table
    given = {name: value for name, value in row.items() if name != table.key or name in target}
    kept = {*target, table.key, table.owner}
    update = tuple(name for name in given if name not in kept) or target[:1]
    command = Insert("upsert", table, (given,), OnConflict(target, update), returning)
    gap = table.owner in given.keys() - {*target} and Capability.UPSERT_KEEPS_OWNER not in stage.service.capabilities
    return Write(lambda store: store.insert(command), lambda rights: GAP if gap else rights.upsert)


def updating(stage: Stage, changes: Mapping[str, object], *, returning: bool) -> Write:
    given = admitted(stage.table, changes)
    command = Update("update", stage.table, stage.is_(stage.key), given, returning)
    return Write(lambda store: store.update(command), lambda rights: rights.update)


def writes(stage: Stage) -> dict[str, Write]:
    table, target = stage.table, stage.upserted
    gone = Delete("delete", table, stage.is_(stage.key))
    made = {"delete": Write(lambda store: store.delete(gone), lambda rights: rights.delete)}
    same = {**stage.row, **{name: getattr(stage.entity, name) for name in target}}
    change = stage.rule.change or {name: getattr(stage.entity, name) for name in target[:1]}
    for returning in (False, True):
        answered = " returning" if returning else ""
        made["insert" + answered] = inserting(stage, returning=returning)
        made["update" + answered] = updating(stage, change, returning=returning)
        made["upsert" + answered] = upserting(stage, same, target, returning=returning)
    return made


async def refused(stage: Stage, made: Mapping[str, Write]) -> dict[tuple[str, str], Outcome]:
    """What becomes of the tries that are to be refused. Nothing may have changed."""
    before = await stage.rows()
    tries = [
        (what, name)
        for what, write in made.items()
        for name, (_, rights) in stage.rights.items()
        if write.right(rights) is not DONE
    ]
    answers = await asyncio.gather(*(outcome(made[what].call(stage.rights[name][0])) for what, name in tries))
    assert await stage.rows() == before
    return dict(zip(tries, answers, strict=True))


async def allowed(stage: Stage, made: Mapping[str, Write]) -> dict[tuple[str, str], Outcome]:
    """What becomes of the others, each undone afterwards."""
    found: dict[tuple[str, str], Outcome] = {}
    for what, write in made.items():
        for name, (store, rights) in stage.rights.items():
            if write.right(rights) is DONE:
                found[what, name] = await outcome(write.call(store))
                await (stage.remove(stage.row[stage.table.key]) if write.absent else stage.restore())
    return found


@pytest.mark.parametrize("table", WRITTEN, ids=lambda table: table.name)
async def test_who_writes(db: Homeport, table: Table[Any]) -> None:
    stage = await staged(db, table)
    first = await stage.rows()
    made = writes(stage)
    inserts = {what: write for what, write in made.items() if write.absent}
    others = {what: write for what, write in made.items() if not write.absent}
    found = await refused(stage, others) | await allowed(stage, others)
    await stage.remove(stage.key)
    found |= await refused(stage, inserts) | await allowed(stage, inserts)
    await stage.restore()
    assert [each for each in await stage.rows() if not stage.stays or each in first] == first
    rights = stage.rights.items()
    assert found == {(what, name): made[what].right(each) for what in made for name, (_, each) in rights}


# -- what is refused of a row that is one's own


@pytest.mark.parametrize("table", [each for each in WRITTEN if rule_of(each).refused], ids=lambda table: table.name)
async def test_what_the_owner_may_not_set(db: Homeport, table: Table[Any]) -> None:
    stage = await staged(db, table)
    before = await stage.rows()
    owner = stage.rights["owner"][0]
    for changes, refusal in stage.rule.refused:
        for returning in (False, True):
            assert await outcome(updating(stage, changes, returning=returning).call(owner)) is refusal, changes
    assert await stage.rows() == before


OWNED = [each for each in WRITTEN if rule_of(each).owner is not None and rule_of(each).kind.owner is not NONE]


@pytest.mark.parametrize("table", OWNED, ids=lambda table: table.name)
async def test_nobody_gives_a_row_away(db: Homeport, table: Table[Any]) -> None:
    stage = await staged(db, table)
    before = await stage.rows()
    somebody = await a_user(db)
    given = {stage.rule.owner or "": somebody.id}
    before = await stage.rows()
    for returning in (False, True):
        write = updating(stage, given, returning=returning)
        assert await outcome(write.call(stage.rights["owner"][0])) is stage.rule.kind.given_away
        assert await outcome(write.call(stage.rights["manager"][0])) in (NOTHING, DENIED)
    assert await stage.rows() == before


@pytest.mark.parametrize("table", OWNED, ids=lambda table: table.name)
async def test_nobody_takes_a_row_by_an_upsert_of_its_key(db: Homeport, table: Table[Any]) -> None:
    stage = await staged(db, table)
    if stage.rule.owner == table.key:
        return
    before = await stage.rows()
    thief = await a_user(db)
    own = {**stage.row, table.key: stage.key, stage.rule.owner or "": thief.id}
    store = db.as_user(a_claim(thief)).store(next(each for each in db.contexts if table in each.tables))
    for returning in (False, True):
        write = upserting(stage, own, (table.key,), returning=returning)
        assert await outcome(write.call(store)) is write.right(stage.rule.kind.others)
    ignoring = Insert("absent", stage.table, (own,), OnConflict((table.key,), ()))
    found = await outcome(store.insert(ignoring))
    assert found is stage.rule.kind.met
    assert await stage.rows() == before


CHILDREN = [each for each in WRITTEN if rule_of(each).kind is UNDER]


@pytest.mark.parametrize("table", CHILDREN, ids=lambda table: table.name)
async def test_no_row_is_written_under_a_parent_of_somebody_else(db: Homeport, table: Table[Any]) -> None:
    stage = await staged(db, table)
    owner = stage.rights["owner"][0]
    theirs = [(column, (await build(db, parent)).id) for column, parent in stage.rule.parents.items()]
    nobodys = [(column, uuid.uuid4()) for column in stage.rule.parents]
    before = await stage.rows()
    for column, elsewhere in (*theirs, *nobodys):
        row = {**stage.row, column: elsewhere}
        for returning in (False, True):
            assert await outcome(inserting(stage, returning=returning, row=row).call(owner)) is ROW
            assert await outcome(updating(stage, {column: elsewhere}, returning=returning).call(owner)) is ROW
        ignoring = Insert("absent", stage.table, ({**row, table.key: stage.key},), OnConflict((table.key,), ()))
        assert await outcome(owner.insert(ignoring)) is ROW
    assert await stage.rows() == before


async def test_a_recurring_expense_may_have_no_budget(db: Homeport) -> None:
    me = await a_user(db)
    mine = db.as_user(a_claim(me)).collection(RECURRING_EXPENSE)
    row = await made_up(db, RECURRING_EXPENSE, user_id=me.id)
    assert row.get("budget_id") is None
    made = await mine.create(row)
    assert (await mine.update(made.id, {"description": "x"})).description == "x"


# -- rows that not everybody sees


@pytest.mark.parametrize("table", [POST, COMMENT], ids=lambda table: table.name)
async def test_a_deleted_row_is_its_owners_alone(db: Homeport, table: Table[Any]) -> None:
    stage = await staged(db, table)
    await db.collection(table).discard(stage.key)
    query = Select("all", stage.table, stage.is_(stage.key))
    seen = {name: await outcome(store.fetch(query)) for name, (store, _) in stage.rights.items()}
    others = {"another user": NOTHING, "manager": NOTHING}
    assert seen == {"anon": DENIED, "owner": DONE, "service": DONE, **others}


async def test_a_secret_setting_is_the_services_alone(db: Homeport) -> None:
    user = await a_user(db)
    await db.collection(SYSTEM_CONFIG).create({"key": "open", "value": 1})
    await db.collection(SYSTEM_CONFIG).create({"key": "shut", "value": 2, "is_secret": True})
    scope = db.as_user(a_claim(user, app_metadata={"role": "admin"}))
    assert [each.key for each in await scope.governance.list(reveal=True)] == ["open"]
    assert await scope.governance.get_value("shut", "absent", reveal=True) == "absent"
    assert await scope.collection(SYSTEM_CONFIG).count() == 1
    assert [each.key for each in await db.as_service().governance.list()] == ["open", "shut"]


ACTIVE = [each for each in WRITTEN if rule_of(each).kind is CATALOGUE and "is_active" in each.by_name]


@pytest.mark.parametrize("table", ACTIVE, ids=lambda table: table.name)
async def test_what_is_not_active_is_the_services_alone(db: Homeport, table: Table[Any]) -> None:
    user = await a_user(db)
    off = await build(db, table, is_active=False)
    assert await db.as_user(a_claim(user)).collection(table).find_by_id(off.id) is None
    assert await db.collection(table).find_by_id(off.id) == off


async def test_a_sub_query_sees_no_more_than_its_user(db: Homeport) -> None:
    me, other = await a_user(db), await a_user(db)
    shown, hidden = await a_post(db, user_id=other.id), await a_post(db, user_id=other.id)
    for post in (shown, hidden):
        await db.social.create_comment(post.id, me.id, {"content": "x"})
    scope, of_post = db.as_user(a_claim(me)).social.comments, {"id": "post_id"}
    assert await scope.count(exists(POST, of_post)) == 2
    await db.social.posts.discard(hidden.id)
    assert [each.post_id for each in await scope.find_many(exists(POST, of_post))] == [shown.id]


# -- what policies don't stand before


async def test_uniques_hold_against_rows_that_are_not_seen(db: Homeport) -> None:
    me, other = await a_user(db), await a_user(db)
    await a_profile(db, id=other.id, email="taken@example.org", username="Taken")
    await build(db, VEHICLE, user_id=other.id, vin="WDB0001")
    scope = db.as_user(a_claim(me))
    mine = await scope.vehicles.create_vehicle(me.id, {"name": "mine"})
    for call, constraint in (
        (scope.profiles.create_profile(me.id, {"email": "taken@example.org"}), "profiles_email_key"),
        (scope.profiles.create_profile(me.id, {"username": "tAKEN"}), "profiles_username_key"),
        (scope.vehicles.create_vehicle(me.id, {"name": "x", "vin": "WDB0001"}), "vehicles_vin_key"),
        (scope.vehicles.update_vehicle(mine.id, me.id, {"vin": "WDB0001"}), "vehicles_vin_key"),
    ):
        with pytest.raises(UniqueViolation) as caught:
            await call
        assert caught.value.constraint == constraint
        assert not any(each in str(caught.value).lower() for each in ("taken", "wdb0001", str(other.id)))


async def test_counters_and_foreign_keys_are_nobodys_but_the_databases(db: Homeport) -> None:
    me, other = await a_user(db), await a_user(db)
    post = await a_post(db, user_id=other.id)
    scope = db.as_user(a_claim(me)).social
    assert (await scope.toggle_like(post.id, me.id)).likes_count == 1
    comment = await scope.create_comment(post.id, me.id, {"content": "x"})
    assert (await db.collection(POST).get_or_raise(post.id)).comments_count == 1
    await scope.comments.discard(comment.id)
    assert (await scope.posts.get_or_raise(post.id)).comments_count == 0
    assert await db.as_user(a_claim(other)).social.posts.delete(post.id)
    assert await db.collection(COMMENT).find_many(deleted=Deleted.ALL) == []
    with pytest.raises(ForeignKeyViolation):
        await scope.follow_user(me.id, uuid.uuid4())


async def test_policies_are_asked_before_constraints(db: Homeport) -> None:
    me, other = await a_user(db), await a_user(db)
    theirs, mine = await a_post(db, user_id=other.id), await a_post(db, user_id=me.id)
    store = db.as_user(a_claim(me)).store(next(each for each in db.contexts if POST in each.tables))
    posts = db.catalog.table(POST)

    async def insert(*rows: Row, conflict: OnConflict | None = None) -> Outcome | str:
        try:
            return await outcome(store.insert(Insert("x", posts, rows, conflict, returning=False)))
        except RepositoryConstraintError as error:
            return type(error).__name__

    ignore, new = OnConflict(("id",), ()), uuid.uuid4()
    assert await insert({"id": new, "user_id": other.id}) is ROW
    assert await insert({"id": new, "user_id": me.id}) == "NotNullViolation"
    assert await insert({"id": theirs.id, "user_id": other.id, "content": "x"}) is ROW
    assert await insert({"id": theirs.id, "user_id": me.id, "content": "x"}) == "UniqueViolation"
    assert await insert({"id": theirs.id, "user_id": me.id, "content": "x"}, conflict=ignore) is NOTHING
    assert await insert({"id": theirs.id, "user_id": me.id}, conflict=ignore) == "NotNullViolation"
    assert await insert({"id": mine.id, "user_id": other.id, "content": "x"}, conflict=ignore) is ROW
    assert await insert({"id": new, "content": "x"}) is ROW
    assert await insert({"id": new, "user_id": me.id, "content": "x", "likes_count": 0}) is DENIED
    rows = ({"id": mine.id, "user_id": me.id, "content": "x"}, {"id": new, "user_id": other.id, "content": "x"})
    assert await insert(*rows) == "UniqueViolation"
    assert await insert(*reversed(rows)) is ROW
    assert [each.id for each in await db.collection(POST).find_many(order_by="created_at")] == [theirs.id, mine.id]


async def test_what_asks_for_nothing_is_not_refused(db: Homeport) -> None:
    for scope in (db.as_user(None), db.as_user(a_claim(await a_user(db)))):
        admins = scope.collection(next(each for each in TABLES if each.name == "admin_users"))
        assert await admins.find_many({"id": []}) == []
        assert await admins.find_many(limit=0) == []
        assert await admins.count({"id": []}) == 0
        assert await admins.update_many({"id": []}, {"region": "x"}) == 0
        assert await admins.delete_many({"id": []}) == 0
        assert await admins.create_many([]) == []


# -- past Homeport: whoever has a token may ask the database in their own words


class _Undone(Exception):
    def __init__(self, rows: int) -> None:
        self.rows = rows


async def touched(store: Session, statement: str, *values: object) -> int | Outcome:
    """How many rows the statement would touch. It names no column that is read, so no policy for reading helps."""
    try:
        async with store.transaction() as unit:
            (row,) = await unit.execute_query(
                f"WITH w AS ({statement} RETURNING 1) SELECT count(*) AS n FROM w", values
            )
            raise _Undone(row["n"])  # type: ignore[arg-type]
    except _Undone as undone:
        return undone.rows
    except RepositoryPermissionError as error:
        return ROW if isinstance(error, RowSecurity) else DENIED


@pytest.mark.skipif("postgres" not in selected(), reason="the postgres adapter was not selected")
@pytest.mark.parametrize("adapter", ["postgres"], indirect=True)
@pytest.mark.parametrize("table", WRITTEN, ids=lambda table: table.name)
async def test_a_statement_without_a_filter_touches_no_more_rows(db: Homeport, table: Table[Any]) -> None:
    stage = await staged(db, table)
    name = table_name(stage.table)
    column, value = next(iter(stage.rule.change.items()), ("created_at", dt.datetime.now(dt.UTC)))
    given = stage.table.require(column).admit(value)
    mine = 1 if table.name == "users" else 0  # everybody's own row

    def rows(right: Outcome) -> int | Outcome:
        return DENIED if right is DENIED else 1 if right is DONE else mine

    for who, (store, rights) in stage.rights.items():
        if who != "service" or stage.stays:  # elsewhere it touches every row
            assert await touched(store, f"UPDATE {name} SET {column} = $1", given) == rows(rights.update), who
            assert await touched(store, f"DELETE FROM {name}") == rows(rights.delete), who
    if stage.rule.owner is not None:
        giving = f"UPDATE {name} SET {stage.rule.owner} = $1"
        stranger = (await a_user(db)).id
        assert await touched(stage.rights["owner"][0], giving, stranger) == stage.rule.kind.given_away


# -- operations, and who else may ask


async def test_an_operation_has_its_callers_rights(db: Homeport) -> None:
    me, other = await a_user(db), await a_user(db)
    post, deleted = await a_post(db, user_id=other.id), await a_post(db, user_id=other.id)
    await db.social.posts.discard(deleted.id)
    scope = db.as_user(a_claim(me)).social
    assert (await scope.toggle_like(post.id, me.id)).liked
    assert not (await scope.toggle_like(post.id, me.id)).liked
    await db.social.toggle_like(post.id, other.id)
    for someone in (other.id, (await a_user(db)).id):
        assert await outcome(scope.toggle_like(post.id, someone)) is ROW
    with pytest.raises(RepositoryNotFoundError):
        await scope.toggle_like(deleted.id, me.id)
    assert await outcome(db.as_user(None).social.toggle_like(post.id, me.id)) is DENIED
    assert [each.user_id for each in await db.social.likes.find_many()] == [other.id]


async def locked(store: Session, query: Select[Any]) -> list[Any]:
    async with store.transaction() as unit:
        return await unit.fetch(query)


@with_units
@pytest.mark.parametrize("table", WRITTEN, ids=lambda table: table.name)
async def test_who_locks_rows_may_change_them(db: Homeport, table: Table[Any]) -> None:
    stage = await staged(db, table)
    one = Select("lock", stage.table, stage.is_(stage.key), lock=Wait.NOWAIT)
    found = {name: await outcome(locked(store, one)) for name, (store, _) in stage.rights.items()}
    expected = {}
    for name, (_, rights) in stage.rights.items():
        needed = (rights.select, rights.update)
        expected[name] = DENIED if DENIED in needed else NOTHING if NOTHING in needed else DONE
    assert found == expected


@with_units
async def test_a_unit_has_its_users_rights(db: Homeport) -> None:
    me, other = await a_user(db), await a_user(db)
    theirs = await build(db, BUDGET, user_id=other.id)
    scope = db.as_user(a_claim(me))
    async with scope.transaction() as tx:
        mine = await tx.budgets.create_budget(me.id, await made_up(db, BUDGET, user_id=me.id))
        assert await tx.budgets.budgets.find_many() == [mine]
        assert await tx.budgets.budgets.find_by_id(theirs.id) is None
        for call in (
            lambda: tx.budgets.create_budget(other.id, {"category": "x", "amount": 1, "start_date": "2024-01-01"}),
            lambda: tx.budgets.create_budget_category(mine.id, {"name": "x", "user_id": other.id}),
        ):
            with pytest.raises((RowSecurity, InvalidField)):
                async with tx.savepoint():
                    await call()
        with pytest.raises(RepositoryPermissionError):
            async with tx.savepoint():
                await tx.users.users.update(me.id, {"role": "admin"})
        assert not await tx.budgets.budgets.delete(theirs.id)
        post = await a_post(db)
        assert (await tx.social.toggle_like(post.id, me.id)).liked
    assert await scope.budgets.budgets.find_many() == [mine]
    assert await db.budgets.budgets.count() == 2


async def test_many_scopes_at_once_are_kept_apart(db: Homeport) -> None:
    users = [await a_user(db) for _ in range(4)]
    for user in users:
        await build(db, BUDGET, user_id=user.id)
    scopes = [(user, db.as_user(a_claim(user))) for user in users] * 5
    found = await asyncio.gather(*(scope.budgets.budgets.find_many() for _, scope in scopes))
    assert [[each.user_id for each in rows] for rows in found] == [[user.id] for user, _ in scopes]
    assert await db.budgets.budgets.count() == 4
