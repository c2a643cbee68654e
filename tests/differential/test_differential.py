"""One random history on all adapters, compared step by step: results, error classes, constraints, columns, state.

20,000 operations in all: 5,000 by Hypothesis, which shrinks what it finds, the rest from seeds. `make soak` runs more.
"""

import os
import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from homeport.testing.rig import Leg, Rig, selected, without_server
from homeport.testing.servers import ServerMissing
from tests.differential.machine import compare, compared, history
from tests.differential.outcome import World

pytestmark = pytest.mark.differential

SEEDS = 150
LENGTH = 100
BY_HYPOTHESIS = 100
LONGEST = 50
OPERATIONS = 20_000
SOAK = int(os.environ.get("HOMEPORT_SOAK_OPERATIONS", "1000000"))


@pytest_asyncio.fixture(loop_scope="session")
async def legs(rig: Rig) -> AsyncIterator[dict[str, Leg]]:
    """Each adapter that this run is to test; at least two, or there is nothing to compare."""
    names = selected()
    if len(names) < 2:
        pytest.skip("one adapter alone has nothing to be compared with")
    opened = {}
    for name in names:
        try:
            opened[name] = await rig.leg(name)
        except ServerMissing as missing:
            without_server(missing)
    yield opened
    for leg in opened.values():
        assert await leg.leaks() == []


async def worlds(legs: dict[str, Leg]) -> list[World]:
    for leg in legs.values():
        await leg.clean()
    return [World(name, leg.db) for name, leg in legs.items()]


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_seeded_histories_agree(legs: dict[str, Leg], seed: int) -> None:
    difference = await compare(await worlds(legs), history(random.Random(seed), LENGTH))
    assert difference is None, str(difference)


@settings(
    max_examples=BY_HYPOTHESIS,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(dice=st.randoms(use_true_random=False), length=st.just(LONGEST))
async def test_histories_that_shrink_agree(legs: dict[str, Leg], dice: random.Random, length: int) -> None:
    difference = await compare(await worlds(legs), history(dice, length))
    assert difference is None, str(difference)


async def test_as_many_operations_were_compared_as_is_said(
    legs: dict[str, Leg], request: pytest.FixtureRequest
) -> None:
    whole = {"test_seeded_histories_agree", "test_histories_that_shrink_agree"}
    asked = [item for item in request.session.items if getattr(item, "originalname", "") in whole]
    if len(asked) <= SEEDS:
        pytest.skip("only a part of the histories was asked for")
    assert compared["steps"] >= OPERATIONS
    print(f"{compared['steps']} operations were compared on {', '.join(legs)}")


@pytest.mark.soak
async def test_a_long_run_agrees(legs: dict[str, Leg]) -> None:
    for seed in range(10**6, 10**6 + SOAK // LENGTH):
        difference = await compare(await worlds(legs), history(random.Random(seed), LENGTH))
        assert difference is None, f"seed {seed}: {difference}"
