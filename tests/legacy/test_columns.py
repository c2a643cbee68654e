"""How columns are asked for: by name until they are known to be there, then by `*`, while the table changes."""

from collections.abc import AsyncIterator
from decimal import Decimal

import asyncpg
import attrs
import pytest

from homeport.adapters.supabase_legacy import open_legacy
from homeport.adapters.supabase_legacy.transport import Call, Reply, Transport
from homeport.kernel import errors as e
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import Entity
from homeport.kernel.pages import CursorSigner
from homeport.kernel.table import column, table
from homeport.kernel.types import IntegerType, NumericType
from homeport.repositories.collection import Collection
from tests.legacy import schema
from tests.legacy.conftest import Rig

NAMED, ALL = "id,code,_t1:price::text,note", "*,_t1:price::text"


@attrs.frozen(kw_only=True)
class Grown(Entity):
    id: int
    code: str
    price: Decimal | None = None
    note: str | None = None


GROWN = table(Grown, "growing", columns={"id": column(IntegerType(32)), "price": column(NumericType())})
FIRST, SECOND = Grown(id=1, code="a", price=Decimal("1.50")), Grown(id=2, code="b")

Growing = Collection[Grown, int]


@pytest.fixture
async def growing(rig: Rig, owner: asyncpg.Connection) -> AsyncIterator[Growing]:
    await owner.execute(schema.GROWING)
    await owner.execute("insert into growing values (1, 'a', 1.50), (2, 'b', null)")
    store = await open_legacy(rig.wide_url, rig.service, catalog=Catalog.of([GROWN]), cursors=CursorSigner())
    yield Collection(store, GROWN)
    await store.close()
    await owner.execute(schema.GROWING)


@pytest.fixture
def selected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has been selected by each request so far."""
    found: list[str] = []
    send = Transport.send

    async def sending(self: Transport, call: Call, token: str | None, *, api_key: str | None = None) -> Reply:
        found.append(dict(call.params)["select"])
        return await send(self, call, token, api_key=api_key)

    monkeypatch.setattr(Transport, "send", sending)
    return found


async def test_columns_are_named_until_they_are_known_to_be_there(growing: Growing, selected: list[str]) -> None:
    assert await growing.find_by_id(1) == FIRST
    assert await growing.find_by_id(2) == SECOND
    assert await growing.create({"id": 3, "code": "c", "price": Decimal("0.10")}) == await growing.find_by_id(3)
    assert selected == [NAMED, ALL, ALL, ALL]


async def test_an_answer_without_rows_has_shown_the_columns_too(growing: Growing, selected: list[str]) -> None:
    assert await growing.find_by_id(9) is None
    assert await growing.find_by_id(1) == FIRST
    assert selected == [NAMED, ALL]


async def test_a_column_that_comes_to_the_table_does_no_harm_and_is_not_asked_for_again(
    growing: Growing, selected: list[str], owner: asyncpg.Connection
) -> None:
    assert await growing.find_by_id(1) == FIRST
    await owner.execute("alter table growing add column _t1 text default 'x', add column more jsonb default '{}'")
    assert await growing.find_by_id(1) == FIRST
    assert await growing.update(2, {"price": Decimal("2.00")}) == attrs.evolve(SECOND, price=Decimal("2.00"))
    assert selected == [NAMED, ALL, NAMED]


async def test_a_column_that_was_never_there_fails_a_write_before_it_is_done(
    growing: Growing, owner: asyncpg.Connection
) -> None:
    await owner.execute("alter table growing rename note to remark")
    with pytest.raises(e.SchemaMismatch, match="note"):
        await growing.create({"id": 3, "code": "c"})
    assert await owner.fetchval("select count(*) from growing") == 2


@pytest.mark.parametrize("renamed", ["note", "price"])
async def test_a_column_that_goes_meanwhile_is_a_mismatch_of_each_read(
    growing: Growing, owner: asyncpg.Connection, renamed: str
) -> None:
    assert await growing.find_by_id(1) == FIRST
    await owner.execute(f"alter table growing rename {renamed} to other")
    for _ in range(2):
        with pytest.raises(e.SchemaMismatch, match=renamed):
            await growing.find_by_id(1)


async def test_a_write_in_whose_answer_a_column_is_gone_is_known_to_be_done_and_the_next_one_is_not(
    growing: Growing, owner: asyncpg.Connection
) -> None:
    assert await growing.find_by_id(1) == FIRST
    await owner.execute("alter table growing rename note to remark")
    with pytest.raises(e.OutcomeUnknown, match=r"was carried out.*note"):
        await growing.create({"id": 3, "code": "c"})
    with pytest.raises(e.SchemaMismatch, match="note"):
        await growing.create({"id": 4, "code": "d"})
    assert [row["id"] for row in await owner.fetch("select id from growing order by id")] == [1, 2, 3]


async def test_where_a_column_is_not_granted_the_others_are_named(
    growing: Growing, selected: list[str], owner: asyncpg.Connection
) -> None:
    await owner.execute("alter table growing add column secret text default 's3cret'")
    await owner.execute("revoke select on growing from service_role")
    await owner.execute("grant select (id, code, price, note) on growing to service_role")
    assert await growing.find_by_id(1) == FIRST
    assert await growing.update(1, {"note": "n"}) == attrs.evolve(FIRST, note="n")
    assert await growing.find_by_id(2) == SECOND
    assert selected == [NAMED, ALL, NAMED, NAMED]


async def test_who_may_not_read_at_all_is_refused_and_changes_nothing_for_others(
    growing: Growing, selected: list[str], owner: asyncpg.Connection
) -> None:
    assert await growing.find_by_id(1) == FIRST
    await owner.execute("revoke select on growing from service_role")
    with pytest.raises(e.RepositoryPermissionError):
        await growing.find_by_id(1)
    await owner.execute("grant select on growing to service_role")
    assert await growing.find_by_id(1) == FIRST
    assert selected == [NAMED, ALL, NAMED, ALL]
