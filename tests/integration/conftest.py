"""Fixtures of tests that speak plain HTTP to the warehouse."""

import pytest
from server_http import Http

from gtc.settings import Settings


@pytest.fixture
def http(warehouse: Settings) -> Http:
    """The session's warehouse, as `etl`."""
    return Http(warehouse)
