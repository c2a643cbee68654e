"""The histories call every method of every port, or it is said why not."""

import random

import pytest

from homeport.contexts import SHIPPED
from tests.differential.histories import OWN
from tests.differential.methods import UNDRAWN, callable_methods, methods
from tests.differential.ports import BY_HAND

pytestmark = pytest.mark.differential

DRAWS = 400
"""Enough for the rarest step of those that are written by hand."""


def test_every_port_method_is_drawn() -> None:
    dice = random.Random(1)
    by_hand = {kind(dice).path for kind in (*OWN, *dict.fromkeys(BY_HAND.values())) for _ in range(DRAWS)}
    by_name = {f"{context}.{name}" for context in BY_HAND for name in callable_methods(context)}
    every = {f"{context}.{name}" for context in SHIPPED for name in methods(context)}
    assert every - by_hand - by_name == UNDRAWN.keys()
