"""The migration makes what the tables declare."""

import pytest

from homeport.composition import check_schema
from homeport.testing.rig import Rig, selected, without_server
from homeport.testing.servers import ServerMissing
from invoices import INVOICES


@pytest.mark.skipif("postgres" not in selected(), reason="needs PostgreSQL")
async def test_the_migrated_database_holds_what_is_declared(rig: Rig) -> None:
    try:
        url = await rig.database("postgres")
    except ServerMissing as missing:
        without_server(missing)
        raise
    assert await check_schema(url, ["users", INVOICES]) == []
