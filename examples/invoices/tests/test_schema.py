"""The migration makes what the tables declare."""

from homeport.composition import check_schema
from invoices import INVOICES


async def test_the_migrated_database_holds_what_is_declared(migrated_url: str) -> None:
    assert await check_schema(migrated_url, ["users", INVOICES]) == []
