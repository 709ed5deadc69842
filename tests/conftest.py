"""Shared fixtures: the embedded services, started once a test session, on free ports, in temporary directories."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from gtc.settings import Settings, load_settings
from warehouse.client import connect


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def service_environment(settings: Settings) -> dict[str, str]:
    """The environment in which a child process sees exactly these settings."""
    plain = {name.upper(): value for name, value in settings.model_dump(mode="json").items()}
    plain["WAREHOUSE_PASSWORD"] = settings.warehouse_password.get_secret_value()
    plain["WAREHOUSE_READER_PASSWORD"] = settings.warehouse_reader_password.get_secret_value()
    return {**os.environ, **{name: str(value) for name, value in plain.items()}}


def make_settings(var_dir: Path, **overrides: object) -> Settings:
    """Settings of a throw-away platform in `var_dir`, free of what the developer's own shell has set."""
    chosen = {
        **{name: field.default for name, field in Settings.model_fields.items()},
        "_env_file": None,
        "gtc_var_dir": var_dir,
        "warehouse_host": "127.0.0.1",
        "warehouse_port": free_port(),
        "warehouse_password": secrets.token_hex(16),
        "warehouse_reader_password": secrets.token_hex(16),
    }
    return load_settings(**{**chosen, **overrides})


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


def wait_until_up(settings: Settings, process: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    """Return when the warehouse answers; fail when its process ends first."""
    import time
    import urllib.request

    deadline = time.monotonic() + seconds
    url = f"http://{settings.warehouse_host}:{settings.warehouse_port}/ping"
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the warehouse ended with status {process.returncode}"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"no answer from {url} in {seconds} s")


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
