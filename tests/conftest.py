"""Every contract test runs on every adapter: the rig does it, with the shipped contexts and the specimens."""

import pytest

from homeport.contexts import SHIPPED
from homeport.ports.context import Context
from tests.support.specimens import SPECIMENS

pytest_plugins = ["homeport.testing.rig"]


@pytest.fixture(scope="session")
def homeport_contexts() -> tuple[str | Context[object], ...]:
    return (*SHIPPED, SPECIMENS)
