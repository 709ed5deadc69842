"""Shared fixtures: the embedded services, started once a test session, on free ports, in temporary directories."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client
from platforms import make_settings, service_environment, wait_until_up

from gtc.settings import Settings
from warehouse.client import connect


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the session's own warehouse."""
    return make_settings(tmp_path_factory.mktemp("var"))


@pytest.fixture(scope="session")
def warehouse(settings: Settings) -> Iterator[Settings]:
    """A running embedded warehouse; the value is the settings with which to reach it."""
    process = subprocess.Popen([sys.executable, "-m", "warehouse.server"], env=service_environment(settings))
    try:
        wait_until_up(settings, process)
        yield settings
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def client(warehouse: Settings) -> Iterator[Client]:
    """A client as `etl`."""
    opened = connect(warehouse)
    yield opened
    opened.close()


@pytest.fixture
def reader(warehouse: Settings) -> Iterator[Client]:
    """A client as `reader`."""
    opened = connect(warehouse, "reader")
    yield opened
    opened.close()
