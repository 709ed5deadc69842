"""Plain HTTP to the embedded warehouse, as the server's own tests speak it."""

import base64
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from platforms import make_settings, service_environment, wait_until_up

from gtc.settings import Settings


@dataclass
class Reply:
    status: int
    body: bytes
    headers: http.client.HTTPMessage

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> int:
        return int(self.headers.get("X-ClickHouse-Exception-Code", "0"))


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def authorization(settings: Settings, role: str = "etl") -> str:
    if role == "reader":
        return basic(settings.warehouse_reader_user, settings.warehouse_reader_password.get_secret_value())
    return basic(settings.warehouse_user, settings.warehouse_password.get_secret_value())


class Http:
    """A user of one warehouse; every call is a connection of its own."""

    def __init__(self, settings: Settings, role: str = "etl") -> None:
        self.settings = settings
        self.authorization = authorization(settings, role)

    def __call__(self, body: str | bytes | None = None, *, method: str = "POST", headers=None, path="/", **parameters):
        connection = http.client.HTTPConnection(self.settings.warehouse_host, self.settings.warehouse_port, timeout=60)
        with contextlib.closing(connection):
            target = path + ("?" + urlencode(parameters) if parameters else "")
            data = body.encode() if isinstance(body, str) else body
            connection.request(method, target, data, {"Authorization": self.authorization, **(headers or {})})
            response = connection.getresponse()
            return Reply(response.status, response.read(), response.headers)

    def raw(self, data: bytes) -> socket.socket:
        """A connection on which `data` was sent after the request line and the authorisation."""
        connection = socket.create_connection((self.settings.warehouse_host, self.settings.warehouse_port), timeout=30)
        connection.sendall(data.replace(b"\r\n", f"\r\nHost: x\r\nAuthorization: {self.authorization}\r\n".encode(), 1))
        return connection

    def count(self, table: str) -> int:
        return int(self(f"SELECT count() FROM {table}").text)


def eventually(condition, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def start_server(settings: Settings) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-m", "warehouse.server"], env=service_environment(settings), stderr=subprocess.DEVNULL
    )
    wait_until_up(settings, process)
    return process


def run_to_its_end(settings: Settings) -> "subprocess.CompletedProcess[str]":
    """Start a server that cannot start; its exit code and what it said."""
    return subprocess.run(
        [sys.executable, "-m", "warehouse.server"],
        env=service_environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextlib.contextmanager
def own_server(var_dir: Path, **overrides) -> Iterator[tuple[Settings, "subprocess.Popen[bytes]"]]:
    """A server of the test's own, which may be killed."""
    settings = make_settings(var_dir, **overrides)
    process = start_server(settings)
    try:
        yield settings, process
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGTERM)
            process.wait(30)
