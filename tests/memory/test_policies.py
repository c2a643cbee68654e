"""Row policies in the memory engine: as PostgreSQL has them, also where policies are odder than the shipped ones."""

import asyncio
import uuid
from typing import Any

import attrs
import pytest

from homeport.adapters.memory import MemoryStore, Step, open_memory
from homeport.kernel.catalog import Catalog
from homeport.kernel.errors import (
    PoolClosed,
    QueryError,
    RepositoryPermissionError,
    RowSecurity,
    SchemaMismatch,
)
from homeport.kernel.identity import ANON, SERVICE
from homeport.kernel.operation import many_rows
from homeport.kernel.pages import CursorSigner
from homeport.kernel.policies import parent
from homeport.kernel.predicates import CURRENT_USER, eq, exists, gt
from homeport.kernel.query import Insert, Select
from homeport.kernel.table import Policy, Table, Verb
from tests.support.guarded import (
    CASES,
    CATALOG,
    LEAF,
    ME,
    MINE,
    NOTE,
    OTHER,
    THEIRS,
    VAULT,
    Note,
    became,
    change,
    fill,
    found,
    gone,
    new,
    note,
    state,
    user,
)


@pytest.fixture
async def store() -> MemoryStore:
    made = open_memory(catalog=CATALOG, cursors=CursorSigner())
    await fill(made)
    return made


@pytest.mark.parametrize("name", CASES)
async def test_a_user_may_what_policies_give(store: MemoryStore, name: str) -> None:
    call, expected = CASES[name]
    before = await state(store)
    assert await became(store.scoped(user(ME)), call) == expected
    if isinstance(expected, str):
        assert await state(store) == before
    assert store.engine.check() == []


async def test_the_service_is_not_limited_scoped_or_not(store: MemoryStore) -> None:
    for service in (store, store.scoped(SERVICE), store.scoped(user(ME)).scoped(SERVICE)):
        assert await became(service, found(NOTE)) == [1, 2, 3]
        assert await became(service, found(VAULT)) == [1]
        assert await became(service, change(NOTE, gt("id", 0), body="y")) == 3


@pytest.mark.parametrize("table", CATALOG.tables, ids=lambda table: table.name)
async def test_anon_may_nothing(store: MemoryStore, table: Table[Any]) -> None:
    anon = store.scoped(ANON)
    row = {"id": 9}
    for call in (found(table), new(table, row), gone(table, eq("id", 9)), change(table, eq("id", 9), id=10)):
        assert await became(anon, call) == "RepositoryPermissionError"


async def test_a_scope_ends_with_its_opener_and_not_before(store: MemoryStore) -> None:
    mine = store.scoped(user(ME))
    await mine.close()
    assert await became(mine, found(NOTE)) == [MINE]
    await store.close()
    with pytest.raises(PoolClosed):
        await mine.fetch(Select("x", NOTE))


async def test_scopes_don_t_mix(store: MemoryStore) -> None:
    stores = [store.scoped(user(ME)), store, store.scoped(user(OTHER)), store.scoped(user(uuid.UUID(int=3)))] * 3
    assert await asyncio.gather(*(became(each, found(NOTE)) for each in stores)) == [[1], [1, 2, 3], [2], []] * 3


async def test_errors_name_the_table_and_no_value(store: MemoryStore) -> None:
    mine = store.scoped(user(ME))
    for call, name in ((new(NOTE, note(owner=OTHER, body="s3cret")), "notes"), (found(VAULT), "vaults")):
        with pytest.raises(RepositoryPermissionError, match=name) as caught:
            await call(mine)
        assert caught.value.code == "42501"
        assert "s3cret" not in str(caught.value)
        assert str(OTHER) not in str(caught.value)


# -- operations


@attrs.frozen(kw_only=True)
class Ask:
    """What the answer is to do."""

    what: str


ASK = many_rows("guarded.ask", Ask, Note, writes=True)


def answer(step: Step, wanted: Ask) -> list[Note]:
    match wanted.what:
        case "find":
            return step.find(NOTE, eq("owner", CURRENT_USER))
        case "find all":
            return step.find(NOTE, gt("id", 0))
        case "insert":
            return [step.insert(NOTE, note(owner=OTHER))]
        case "insert hidden":
            return [step.insert(NOTE, note(hidden=True))]
        case "update":
            return step.update(NOTE, gt("id", 0), {"body": "y"})
        case "give away":
            return step.update(NOTE, eq("id", MINE), {"owner": OTHER})
        case "delete":
            step.delete(LEAF, eq("id", 1))
        case "delete theirs":
            assert step.delete(NOTE, eq("id", THEIRS)) == 0
    return []


async def asked(store: MemoryStore, what: str) -> object:
    try:
        return [each.id for each in await store.run(ASK, Ask(what=what))]
    except RepositoryPermissionError as error:
        return type(error)


async def test_an_operation_has_the_rights_of_its_caller() -> None:
    store = open_memory(catalog=CATALOG, cursors=CursorSigner(), operations=[ASK], answers={ASK.name: answer})
    await fill(store)
    mine = store.scoped(user(ME))
    assert await asked(mine, "find") == [MINE]
    assert await asked(mine, "find all") == [MINE]
    assert await asked(store, "find all") == [1, 2, 3]
    assert await asked(store, "find") == []
    assert await asked(mine, "update") == [MINE]
    assert await asked(mine, "insert") is RowSecurity
    assert await asked(mine, "insert hidden") is RowSecurity
    assert await asked(mine, "give away") is RowSecurity
    assert await asked(mine, "delete") is RepositoryPermissionError
    assert await asked(mine, "delete theirs") == []
    assert await asked(store.scoped(ANON), "find") is RepositoryPermissionError
    assert await asked(store, "give away") == [MINE]


async def test_no_operation_changes_rows_that_are_only_added() -> None:
    kept = attrs.evolve(LEAF, append_only=True)

    def answer(step: Step, wanted: Ask) -> list[Note]:
        step.insert(kept, {"id": 9, "note_id": MINE})
        if wanted.what == "update":
            step.update(kept, eq("id", 9), {"open": True})
        if wanted.what == "delete":
            step.delete(kept, eq("id", 9))
        return []

    catalog = Catalog.of([NOTE, kept])
    store = open_memory(catalog=catalog, cursors=CursorSigner(), operations=[ASK], answers={ASK.name: answer})
    await store.insert(Insert("fill", NOTE, (note(MINE),)))
    for what in ("update", "delete"):
        assert await asked(store, what) is RepositoryPermissionError
        assert await became(store, found(kept)) == []
    assert await asked(store, "insert") == []
    assert await became(store, found(kept)) == [9]


# -- policies that can't be


async def test_policies_that_look_into_each_other_are_refused_where_postgresql_would_loop() -> None:
    around = attrs.evolve(LEAF, policies=parent(NOTE, "note_id", "owner"))
    looking = attrs.evolve(NOTE, policies=(Policy(Verb.SELECT, using=exists(LEAF, {"note_id": "id"})),))
    catalog = Catalog((looking, around), {NOTE: looking, LEAF: around}, {}, {})
    mine = open_memory(catalog=catalog, cursors=CursorSigner()).scoped(user(ME))
    for _ in range(2):
        with pytest.raises(SchemaMismatch, match="look into"):
            await mine.fetch(Select("x", looking))
    assert issubclass(SchemaMismatch, QueryError)
