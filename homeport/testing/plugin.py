"""Pytest fixtures for an application's tests, for those who say `pytest_plugins = ["homeport.testing.plugin"]`."""

import pytest

from homeport.composition import Contexts, Homeport, in_memory


@pytest.fixture
def homeport_contexts() -> Contexts | None:
    """The contexts that `homeport_memory` installs: all shipped ones. Override it to name one's own."""
    return None


@pytest.fixture
def homeport_memory(homeport_contexts: Contexts | None) -> Homeport:
    """An empty Homeport on the memory adapter, a new one for each test."""
    return in_memory(homeport_contexts)
