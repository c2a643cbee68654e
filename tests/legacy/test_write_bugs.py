"""Two ways in which PostgREST 12 writes other than asked, planted to be seen; and that ours go round them."""

import asyncpg
import pytest

from homeport.adapters.supabase_legacy.transport import Call, Transport, Verb
from homeport.kernel.errors import Unsupported
from homeport.kernel.predicates import all_of, any_of, eq, exists, is_null, not_
from tests.legacy.conftest import Rig
from tests.support.specimens import LABEL, StoredSpecimens

EMBED = ("select", "code,labels!labels_crate_id_fkey!inner()")
ANSWERED = ("return=representation",)


@pytest.fixture
async def crates(stored: StoredSpecimens) -> StoredSpecimens:
    made = await stored.crates.create_many([{"code": code, "shelf": "s"} for code in "abc"])
    await stored.labels.create({"crate_id": made[0].id, "name": "x"})
    return stored


async def test_an_embed_in_a_write_filters_nothing(
    rig: Rig, transport: Transport, crates: StoredSpecimens, owner: asyncpg.Connection
) -> None:
    filters = (EMBED, ("labels.name", "eq.x"), ("shelf", "eq.s"))
    planted = Call(Verb.UPDATE, "crates", params=filters, body={"version": 9}, prefer=ANSWERED)
    reply = await transport.send(planted, rig.service)
    assert len(reply.rows) == 1, "the answer looks right"
    assert await owner.fetchval("select count(*) from crates where version = 9") == 3, "every row was changed"

    labelled = exists(LABEL, {"crate_id": "id"}, eq("name", "x"))
    for where in (labelled, not_(labelled), all_of(eq("shelf", "s"), labelled), any_of(eq("code", "b"), labelled)):
        for call in (
            crates.crates.update_many(where, {"version": 1}),
            crates.crates.update_returning(where, {"version": 1}),
            crates.crates.delete_many(where),
        ):
            with pytest.raises(Unsupported, match="EXISTS_IN_WRITES"):
                await call
    assert await owner.fetchval("select count(*) from crates where version = 9") == 3


async def test_a_tree_is_asked_again_of_the_changed_rows(
    rig: Rig, transport: Transport, crates: StoredSpecimens, owner: asyncpg.Connection
) -> None:
    tree = (("or", "(version.eq.1,version.eq.7)"), ("select", "code,version"))
    planted = Call(Verb.UPDATE, "crates", params=tree, body={"version": 2}, prefer=ANSWERED)
    assert (await transport.send(planted, rig.service)).rows == ()
    assert await owner.fetchval("select count(*) from crates where version = 2") == 3, "written, but not answered"

    either = any_of(eq("version", 2), is_null("shelf"))
    with pytest.raises(Unsupported, match="RETURNING_ALTERNATIVES"):
        await crates.crates.update_returning(either, {"version": 3})
    assert await crates.crates.update_many(either, {"version": 3}) == 3
    assert await crates.crates.delete_many(any_of(eq("code", "c"), eq("version", 9))) == 1
    # One column's values, its NULLs excepted, and negations need no tree
    moved = await crates.crates.update_returning({"version": [3, 4], "shelf": "s"}, {"version": 5, "shelf": "t"})
    assert [each.code for each in moved] == ["a", "b"]
    moved = await crates.crates.update_returning(not_(any_of(eq("version", 3), is_null("shelf"))), {"version": 6})
    assert [each.version for each in moved] == [6, 6]
    other = await crates.crates.update_returning(any_of(eq("code", "a"), eq("shelf", "?")), {"version": 7})
    assert [(each.code, each.version) for each in other] == [("a", 7)]
