"""What the tests on the specimens start from."""

import pytest

from homeport.composition import Homeport
from tests.support.specimens import SPECIMENS, Crate, StoredSpecimens


@pytest.fixture
def stored(db: Homeport) -> StoredSpecimens:
    return db.repository(SPECIMENS)


@pytest.fixture
async def crate(stored: StoredSpecimens) -> Crate:
    return await stored.crates.create({"code": "c1"})


@pytest.fixture
async def other(stored: StoredSpecimens) -> Crate:
    return await stored.crates.create({"code": "c2"})
