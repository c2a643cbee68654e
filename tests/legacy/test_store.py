"""The legacy store against a real PostgREST, beyond what the contract asks of every adapter."""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal

import asyncpg
import attrs
import httpx
import pytest

from homeport.adapters import supabase_legacy
from homeport.adapters.supabase_legacy import open_legacy
from homeport.adapters.supabase_legacy.store import LegacyStore
from homeport.adapters.supabase_legacy.transport import Call, Reply, Transport, Verb
from homeport.kernel import errors as e
from homeport.kernel.capabilities import Capability
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import Entity
from homeport.kernel.identity import SERVICE
from homeport.kernel.operation import many_rows, one_row
from homeport.kernel.pages import CursorSigner
from homeport.kernel.predicates import (
    Predicate,
    all_of,
    any_of,
    eq,
    exists,
    is_null,
    not_,
    one_of,
)
from homeport.kernel.query import Deleted, Order
from homeport.kernel.table import Override, column, table
from homeport.kernel.types import IntegerType, Json, JsonType, NumericType
from homeport.repositories.collection import Collection
from tests.legacy.conftest import CATALOG, Rig
from tests.support.specimens import CRATE, LABEL, SPECIMENS, Crate, StoredSpecimens

USER, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
SIGNER = CursorSigner()


@pytest.fixture
def capped(narrow: LegacyStore) -> StoredSpecimens:
    """Where an answer has 5 rows at most."""
    return StoredSpecimens(narrow)


@pytest.fixture
async def unreachable() -> AsyncIterator[StoredSpecimens]:
    """Whatever is sent fails as unavailable, so another error was raised before."""
    store = await open_legacy("http://127.0.0.1:1", "key", catalog=CATALOG, cursors=SIGNER)
    yield StoredSpecimens(store)
    await store.close()


def between(monkeypatch: pytest.MonkeyPatch, act: Callable[[Call], Awaitable[object]]) -> list[Call]:
    """Acts after each request of the adapter; the requests sent so far."""
    sent: list[Call] = []
    send = Transport.send

    async def sending(self: Transport, call: Call, token: str | None, *, api_key: str | None = None) -> Reply:
        reply = await send(self, call, token, api_key=api_key)
        sent.append(call)
        await act(call)
        return reply

    monkeypatch.setattr(Transport, "send", sending)
    return sent


async def nothing(_: Call) -> None:
    pass


# -- exists


async def test_exists_through_every_kind_of_foreign_key(stored: StoredSpecimens) -> None:
    a, b, _ = await stored.crates.create_many([{"code": "a"}, {"code": "b", "shelf": "x"}, {"code": "d"}])
    top = await stored.labels.create({"crate_id": a.id, "name": "top", "weight": 1})
    low = {"crate_id": b.id, "name": "low", "above_id": top.id, "spare_id": a.id}
    await stored.labels.create(low)

    async def codes(where: Predicate) -> str:
        found = await stored.crates.find_many(where)
        assert await stored.crates.count(where) == len(found)
        return "".join(each.code for each in found)

    async def names(where: Predicate) -> list[str]:
        return [each.name for each in await stored.labels.find_many(where)]

    of_low = exists(LABEL, {"crate_id": "id"}, eq("name", "low"))
    below_top = exists(LABEL, {"id": "above_id"}, eq("name", "top"))
    assert await codes(exists(LABEL, {"spare_id": "id"})) == "a"
    assert await codes(not_(exists(LABEL, {"crate_id": "id"}))) == "d"
    assert await codes(all_of(exists(LABEL, {"crate_id": "id"}), exists(LABEL, {"spare_id": "id"}))) == "a"
    assert await codes(any_of(exists(LABEL, {"spare_id": "id"}), not_(exists(LABEL, {"crate_id": "id"})))) == "ad"
    assert await codes(exists(LABEL, {"crate_id": "id"}, any_of(eq("weight", 1), below_top))) == "ab"
    assert (
        await codes(any_of(eq("code", "d"), not_(exists(LABEL, {"crate_id": "id"}, not_(eq("name", "low")))))) == "bd"
    )
    assert await names(exists(CRATE, {"id": "crate_id"}, of_low)) == ["low"]
    assert await names(exists(CRATE, {"id": "spare_id"}, eq("code", "a"))) == ["low"]
    assert await names(exists(LABEL, {"above_id": "id"}, eq("name", "low"))) == ["top"]
    assert await names(below_top) == ["low"]


async def test_alternatives_nest_and_join(stored: StoredSpecimens) -> None:
    await stored.crates.create_many([{"code": "a"}, {"code": "b", "shelf": "x"}, {"code": "d"}])

    async def codes(where: Predicate) -> str:
        return "".join(each.code for each in await stored.crates.find_many(where))

    ab, bd = any_of(eq("code", "a"), eq("code", "b")), any_of(eq("code", "b"), eq("code", "d"))
    assert await codes(all_of(ab, bd)) == "b"
    deep = all_of(eq("code", "a"), any_of(is_null("shelf"), eq("version", 9)))
    assert await codes(any_of(deep, not_(any_of(is_null("shelf"), eq("code", "a"))))) == "ab"


@attrs.frozen(kw_only=True)
class CrateCode(Entity):
    id: int
    code: str


async def test_a_view_has_the_foreign_keys_of_the_table_it_shows(rig: Rig, store: LegacyStore) -> None:
    view = table(CrateCode, "crate_codes", columns={"id": column(IntegerType(64))}, view_of="public.crates")
    opened = await open_legacy(rig.wide_url, rig.service, catalog=Catalog.of([*SPECIMENS.tables, view]), cursors=SIGNER)
    stored, codes = StoredSpecimens(opened), Collection[CrateCode, int](opened, view)
    a, b = await stored.crates.create_many([{"code": "a"}, {"code": "b"}])
    label = await stored.labels.create({"crate_id": a.id, "name": "x"})
    assert await codes.find_many(order_by="-code") == [CrateCode(id=b.id, code="b"), CrateCode(id=a.id, code="a")]
    assert await codes.find_many(exists(LABEL, {"crate_id": "id"})) == [CrateCode(id=a.id, code="a")]
    assert await stored.labels.find_many(exists(view, {"id": "crate_id"}, eq("code", "a"))) == [label]
    assert await stored.labels.count(exists(view, {"id": "crate_id"}, eq("code", "b"))) == 0
    await opened.close()


# -- refused before anything is sent


async def test_closed_capabilities_refuse_before_sending(unreachable: StoredSpecimens) -> None:
    labelled, shelf = exists(LABEL, {"crate_id": "id"}), any_of(eq("shelf", "s"), is_null("shelf"))
    refused: list[tuple[Capability, Awaitable[object]]] = [
        (Capability.RAW_SQL, unreachable.crates._store.execute_query("select 1")),  # type: ignore[attr-defined]
        (Capability.BULK_UPDATE, unreachable.crates.bulk_update([(1, {"code": "a"}), (2, {"code": "b"})])),
        (Capability.EXISTS_IN_WRITES, unreachable.crates.delete_many(labelled)),
        (Capability.EXISTS_IN_WRITES, unreachable.crates.update_many(labelled, {"version": 1})),
        (Capability.RETURNING_ALTERNATIVES, unreachable.crates.update_returning(shelf, {"shelf": "t"})),
        (Capability.EXISTS_WITHOUT_FOREIGN_KEY, unreachable.crates.find_many(exists(LABEL, {"weight": "version"}))),
    ]
    for capability, call in refused:
        with pytest.raises(e.Unsupported, match=str(capability.name)):
            await call
        assert capability not in unreachable.crates._store.capabilities
    with pytest.raises(e.RepositoryUnavailableError):
        await unreachable.crates.delete(1)


async def test_a_write_whose_list_fits_no_url_is_not_sent(unreachable: StoredSpecimens) -> None:
    keys = [uuid.uuid4() for _ in range(200)]
    for call in (
        unreachable.specimens.bulk_delete(keys),
        unreachable.specimens.update_many({"id": keys}, {"whole": 1}),
    ):
        with pytest.raises(e.QueryTooLarge):
            await call


# -- pages


async def test_updates_and_inserts_answer_more_rows_than_the_cap(capped: StoredSpecimens) -> None:
    made = await capped.crates.create_many([{"code": f"{number:02}", "shelf": "s"} for number in range(12)])
    assert [each.code for each in made] == [f"{number:02}" for number in range(12)]
    changed = await capped.crates.update_returning({"shelf": "s"}, {"shelf": "t"})
    assert [each.id for each in changed] == [each.id for each in made]
    again = [{"code": f"{number:02}", "shelf": "u"} for number in reversed(range(12))]
    merged = await capped.crates.upsert_many(again, target=["code"])
    assert [(each.code, each.shelf) for each in merged] == [(row["code"], "u") for row in again]


async def test_one_row_by_its_key_needs_one_request(capped: StoredSpecimens, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await capped.crates.create({"code": "a"})
    sent = between(monkeypatch, nothing)
    assert await capped.crates.find_by_id(made.id) == made
    assert await capped.crates.find_first(order_by="-code") == made
    assert await capped.crates.exists({"code": "a"})
    assert len(sent) == 3


async def test_the_cap_is_learnt_once_for_all_identities(
    rig: Rig, capped: StoredSpecimens, narrow: LegacyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = between(monkeypatch, nothing)
    other = StoredSpecimens(narrow.scoped(SERVICE))
    await asyncio.gather(*(each.crates.find_many() for each in (capped, capped, other)))
    await other.labels.find_many()
    assert [call.verb for call in sent].count(Verb.ASK) == 1


@pytest.mark.parametrize("size", [4, 5, 6, 10, 13])
async def test_without_a_probe_lists_go_on_to_an_empty_page(
    rig: Rig, emptied: None, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(supabase_legacy, "ROW_CAP_PROBE", "no_such_function")
    store = await open_legacy(rig.url, rig.service, catalog=CATALOG, cursors=SIGNER)
    crates = StoredSpecimens(store).crates
    await crates.bulk_create([{"code": f"{number:02}"} for number in range(size)])
    codes = [f"{number:02}" for number in range(size)]
    assert [each.code for each in await crates.find_many()] == codes
    assert [each.code for each in await crates.find_many(limit=7, offset=2)] == codes[2:9]
    assert [each.code async for each in crates.stream(order_by="-code")] == codes[::-1]
    await store.close()


async def test_rows_that_come_and_go_between_pages_hide_and_repeat_no_other(
    capped: StoredSpecimens, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await capped.crates.bulk_create([{"code": f"{number:02}", "position": number // 4} for number in range(20)])

    async def disturb(call: Call) -> None:
        if call.verb is Verb.READ:
            await owner.execute("delete from crates where code in ('00', '03')")
            await owner.execute("insert into crates (code, position) values ('0' || gen_random_uuid(), 0)")

    between(monkeypatch, disturb)
    found = await capped.crates.find_many(order_by=["position", "code"])
    seen = [each.code for each in found if len(each.code) == 2]
    assert seen == [f"{number:02}" for number in range(20)]


async def test_ordering_values_longer_than_a_url_are_paged_by_offset(capped: StoredSpecimens) -> None:
    texts = [f"{number:02}" + "x" * 7000 for number in range(13)]
    await capped.specimens.create_many([{"words": text} for text in texts])
    assert [each.words for each in await capped.specimens.find_many(order_by="words", offset=1)] == texts[1:]


async def test_long_lists_are_asked_for_in_parts_and_joined(capped: StoredSpecimens) -> None:
    keys = [uuid.UUID(int=number) for number in range(400)]
    made = await capped.specimens.create_many([{"id": key, "whole": key.int % 7 or None} for key in keys[::5]])
    expected = sorted(made, key=lambda row: (row.whole is None, -(row.whole or 0), row.id.bytes))
    order = [Order("whole", descending=True), Order("id")]
    meant = one_of("id", keys)
    assert await capped.specimens.find_many(meant, order_by=order) == expected
    assert await capped.specimens.find_many(meant, order_by=order, limit=20, offset=13) == expected[13:33]
    assert [row async for row in capped.specimens.stream(meant, order_by=order)] == expected
    assert await capped.specimens.count(meant) == len(made)
    assert await capped.specimens.exists(meant)
    assert (await capped.specimens.paginate(meant, page=2, page_size=30, order_by=order)).items == tuple(
        expected[30:60]
    )
    assert not await capped.specimens.exists(one_of("id", [uuid.uuid4() for _ in range(300)]))
    assert await capped.specimens.count(one_of("other_id", [*keys, None])) == len(made)


async def test_longer_urls_may_be_allowed_where_no_proxy_stands_before(rig: Rig, emptied: None) -> None:
    store = await open_legacy(rig.wide_url, rig.service, catalog=CATALOG, cursors=SIGNER, url_bytes=45_000)
    specimens = StoredSpecimens(store).specimens
    keys = [uuid.uuid4() for _ in range(900)]
    await specimens.bulk_create([{"id": key} for key in keys])
    assert await specimens.update_many(one_of("id", keys), {"whole": 1}) == 900
    assert await specimens.bulk_delete(keys) == 900
    await store.close()


# -- identity


async def test_a_clients_own_credentials_are_refused(rig: Rig) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {rig.service}"}) as client:
        with pytest.raises(e.AuthInvalid):
            await open_legacy(rig.url, rig.service, catalog=CATALOG, cursors=SIGNER, http_client=client)
    async with httpx.AsyncClient() as client:
        store = await open_legacy(rig.url, rig.service, catalog=CATALOG, cursors=SIGNER, http_client=client)
        assert await StoredSpecimens(store).crates.count() >= 0
        await store.close()
        assert not client.is_closed
        with pytest.raises(e.PoolClosed):
            await StoredSpecimens(store).crates.count()


# -- upserts and soft delete


async def test_a_row_that_is_marked_during_an_upsert_stays_deleted(
    stored: StoredSpecimens, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    crate = await stored.crates.create({"code": "a"})
    label = await stored.labels.create({"crate_id": crate.id, "name": "a"})

    async def mark(call: Call) -> None:
        if call.verb is Verb.READ:
            await owner.execute("update labels set deleted_at = now()")

    between(monkeypatch, mark)
    with pytest.raises(e.UniqueViolation):
        await stored.labels.upsert({"id": label.id, "crate_id": crate.id, "name": "b"})
    assert (await stored.labels.find_by_id(label.id, deleted=Deleted.ONLY)) is not None


async def test_an_absent_insert_leaves_a_soft_deleted_row(stored: StoredSpecimens) -> None:
    crate = await stored.crates.create({"code": "a"})
    label = await stored.labels.create({"crate_id": crate.id, "name": "a"})
    gone = await stored.labels.soft_delete(label.id)
    assert not await stored.labels.insert_absent({"id": gone.id, "crate_id": crate.id, "name": "b"}, target=["id"])
    assert await stored.labels.find_many(deleted=Deleted.ALL) == [gone]


# -- a deployment's own names


async def test_odd_names_work_everywhere_and_errors_speak_of_declared_ones(rig: Rig, owner: asyncpg.Connection) -> None:
    override = Override(name="odd, crates", columns={"code": "odd, name", "shelf": "order", "version": 'a"b'})
    catalog = Catalog.of(SPECIMENS.tables, {"crates": override})
    store = await open_legacy(rig.url, rig.service, catalog=catalog, cursors=SIGNER)
    crates: Collection[Crate, int] = Collection(store, CRATE)
    made = await crates.create_many([{"code": f"c{number}", "version": number} for number in range(7)])
    assert await crates.find_many(order_by="-version") == made[::-1]
    assert await crates.find_many(any_of(eq("code", "c1"), eq("version", 2)), order_by="shelf") == made[1:3]
    assert (await crates.upsert({"code": "c1", "shelf": 'a"b'}, target=["code"])).shelf == 'a"b'
    assert (await crates.update(made[0].id, {"shelf": "x"})).shelf == "x"
    with pytest.raises(e.NotNullViolation) as caught:
        await crates.create({"code": None, "shelf": "s"})
    assert (caught.value.table, caught.value.columns) == ("crates", ("code",))
    assert "odd" not in str(caught.value)
    assert await crates.delete_many({"version": list(range(7))}) == 7
    assert len(await crates.create_many([{}, {}])) == 2
    assert [each.version for each in await crates.create_many([{}, {"code": "a"}, {"version": 2}])] == [1, 1, 2]
    assert await crates.delete_many({"version": [1, 2]}) == 5
    await store.close()


# -- operations


@attrs.frozen(kw_only=True)
class Echo:
    facts: Json = None
    price: Decimal | None = None
    words: tuple[str, ...] | None = None
    span: dt.timedelta | None = None


@attrs.frozen(kw_only=True)
class Echoed(Entity):
    facts: Json = None
    price: Decimal | None = None
    words: tuple[str, ...] | None = None
    span: dt.timedelta | None = None


@attrs.frozen(kw_only=True)
class Number(Entity):
    n: int


@attrs.frozen(kw_only=True)
class Wanted:
    wanted: int


SPECS = {"facts": column(JsonType()), "price": column(NumericType())}
ECHO = one_row("test.echo", Echo, Echoed, writes=False, arguments=SPECS, results=SPECS)
NUMBERS = many_rows("test.numbers", Wanted, Number, writes=False)
WRITTEN_NUMBERS = many_rows("test.numbers", Wanted, Number, writes=True)


@pytest.fixture
async def runner(rig: Rig) -> AsyncIterator[LegacyStore]:
    operations = (ECHO, NUMBERS, WRITTEN_NUMBERS)
    store = await open_legacy(rig.url, rig.service, catalog=CATALOG, cursors=SIGNER, operations=operations)
    yield store
    await store.close()


@pytest.mark.parametrize(
    "given",
    [
        Echo(),
        Echo(
            facts='{"a": 1}', price=Decimal("1.500"), words=("", "NULL", 'a,"b'), span=dt.timedelta(days=-1, seconds=5)
        ),
        Echo(facts={"a": [1, None, "ü"]}, price=Decimal("12345678901234567890.1234567890"), words=()),
        Echo(facts=False),
    ],
)
async def test_operations_carry_every_kind_of_value_exactly(runner: LegacyStore, given: Echo) -> None:
    answer = await runner.run(ECHO, given)
    assert answer is not None
    assert attrs.asdict(answer) == attrs.asdict(given)
    assert str(answer.price) == str(given.price)


async def test_answers_of_operations_are_not_cut(runner: LegacyStore, owner: asyncpg.Connection) -> None:
    assert [each.n for each in await runner.run(NUMBERS, Wanted(wanted=12))] == list(range(1, 13))
    assert await runner.run(NUMBERS, Wanted(wanted=0)) == []
    whole = await runner.run(WRITTEN_NUMBERS, Wanted(wanted=5))
    assert len(whole) == 5
    before = await owner.fetchval("select last_value from runs")
    with pytest.raises(e.OutcomeUnknown):
        await runner.run(WRITTEN_NUMBERS, Wanted(wanted=6))
    assert await owner.fetchval("select last_value from runs") == before + 6, "it ran once"


async def test_an_operation_that_is_not_installed_is_refused(stored: StoredSpecimens) -> None:
    with pytest.raises(e.QueryError, match=r"test\.echo"):
        await stored.crates._store.run(ECHO, Echo())


# -- deadlines


async def test_a_write_that_is_not_answered_in_time_is_open(rig: Rig, emptied: None, owner: asyncpg.Connection) -> None:
    hurried = await open_legacy(rig.wide_url, rig.service, catalog=CATALOG, cursors=SIGNER, timeout=0.3)
    crates = StoredSpecimens(hurried).crates
    made = await crates.create({"code": "a"})
    async with owner.transaction():
        await owner.execute("update crates set version = 5")
        for call in (crates.update(made.id, {"shelf": "s"}), crates.delete(made.id), crates.create({"code": "a"})):
            with pytest.raises(e.OutcomeUnknown):
                await call
    async with owner.transaction():
        await owner.execute("lock table crates")
        with pytest.raises(e.RepositoryTimeoutError):
            await crates.find_many()
    await hurried.close()
