"""Every test that takes `db` runs on memory, PostgreSQL and the legacy API: Homeport's rig does it."""

import pytest

from homeport import Context
from invoices import INVOICES

pytest_plugins = ["homeport.testing.rig"]


@pytest.fixture(scope="session")
def homeport_contexts() -> tuple[str | Context[object], ...]:
    return ("users", INVOICES)
