"""A store of its own for each test, and the levels at which a test of units holds."""

import pytest

from homeport.adapters.memory import MemoryStore
from homeport.kernel.units import Isolation
from tests.memory.hands import LEVELS
from tests.memory.shop import opened
from tests.support.specimens import StoredSpecimens


@pytest.fixture(params=LEVELS, ids=lambda level: level.name)
def level(request: pytest.FixtureRequest) -> Isolation:
    """Each level: what a test says holds at all of them."""
    found: Isolation = request.param
    return found


@pytest.fixture
def store() -> MemoryStore:
    return opened()


@pytest.fixture
def stored(store: MemoryStore) -> StoredSpecimens:
    return StoredSpecimens(store)
