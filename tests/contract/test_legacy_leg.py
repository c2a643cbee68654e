"""The contract suite's legacy leg really runs in another time zone and under a row cap: else it would prove little."""

import datetime as dt

import pytest

from homeport.adapters.supabase_legacy.transport import Call, Verb
from homeport.testing.rig import ROW_CAP, SMALL_ROW_CAP, Rig, selected
from tests.support.specimens import SPECIMENS

pytestmark = pytest.mark.skipif("supabase_legacy" not in selected(), reason="the legacy adapter was not selected")
MOMENT = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize("capped", [False, True])
async def test_the_server_answers_in_tokyos_time_and_at_most_its_cap(rig: Rig, capped: bool) -> None:
    leg = await rig.leg("supabase_legacy", capped=capped)
    await leg.clean()
    cap = SMALL_ROW_CAP if capped else ROW_CAP
    rows = [{"moment": MOMENT} for _ in range(cap + 1)]
    specimens = leg.db.repository(SPECIMENS).specimens
    await specimens.bulk_create(rows)
    store = leg.db.store(SPECIMENS)._session  # type: ignore[attr-defined]  # what is behind the retries
    raw = await store._send(Call(Verb.READ, "specimens", params=(("select", "moment"),)))
    assert {row["moment"] for row in raw.rows} == {"2024-01-01T21:00:00+09:00"}
    assert len(raw.rows) == cap
    found = await specimens.find_many()
    assert {row.moment for row in found} == {MOMENT}
    assert len(found) == cap + 1
