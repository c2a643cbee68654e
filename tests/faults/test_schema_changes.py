"""The schema changes under prepared statements: reads and units go on, and nothing has to be restarted."""

import pytest

from homeport.composition import Unit
from tests.faults.place import Place, specimen, specimens

pytestmark = pytest.mark.faults

EXPANDS = (
    "alter table specimens add column extra text",
    "alter table specimens alter column words type varchar(500)",
    "create index on specimens (words)",
)
CONTRACTS = ("alter table specimens alter column words type text", "alter table specimens drop column if exists extra")


async def restore(place: Place) -> None:
    for each in (*CONTRACTS, "drop index if exists specimens_words_idx"):
        await place.admin.execute(each)


@pytest.mark.parametrize("change", EXPANDS)
async def test_a_change_is_seen_by_no_caller(place: Place, change: str) -> None:
    async with place.open(attempts=3) as db:
        rows = specimens(db).specimens
        kept = await rows.add(specimen("old"))

        async def work(tx: Unit) -> None:
            await specimens(tx).specimens.update(kept.id, {"words": "in a unit"})

        try:
            await db.unit(work)
            await place.admin.execute(change)
            await db.unit(work)
            assert (await rows.get_or_raise(kept.id)).words == "in a unit"
            assert (await rows.update(kept.id, {"words": "new"})).words == "new"
        finally:
            await restore(place)
        assert await rows.count({"words": "new"}) == 1


async def test_a_parameter_whose_type_has_changed_heals_by_itself(place: Place) -> None:
    """The driver goes on sending the old type to a statement that it holds; only a new connection learns of it."""
    text = "alter table specimens alter column whole type {0} using whole::{0}"
    async with place.open(attempts=3) as db:
        rows = specimens(db).specimens
        await rows.add(specimen("x"))
        found = {"whole": 7}
        assert await rows.count(found) == 0
        generated = "alter table specimens drop column doubled"
        await place.admin.execute(generated)
        await place.admin.execute(text.format("bigint"))
        try:
            assert await rows.count(found) == 0
        finally:
            await place.admin.execute(text.format("integer"))
            again = "alter table specimens add column doubled bigint generated always as ((whole::bigint * 2)) stored"
            await place.admin.execute(again)
        assert await rows.count(found) == 0
        assert await rows.find_many() != []
