"""Start, stop, crash, and what stands in the way of a start."""

import contextlib
import itertools
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from http.client import HTTPException

import pytest
from platforms import make_settings
from server_http import Http, eventually, own_server, run_to_its_end, start_server

from warehouse.server.users import HASHER


def test_sigterm_ends_cleanly_and_soon(tmp_path):
    with own_server(tmp_path) as (settings, process):
        Http(settings)("CREATE TABLE kept (a Int8) ENGINE = MergeTree ORDER BY a")
        Http(settings)("INSERT INTO kept VALUES (1)")
        began = time.monotonic()
        process.terminate()
        assert process.wait(20) == 0
        assert time.monotonic() - began < 5
        with own_server_again(settings) as http:
            assert http.count("kept") == 1


def test_sigterm_ends_running_queries_too(tmp_path):
    with own_server(tmp_path) as (settings, process):
        endless = threading.Thread(target=try_to_ask, args=(settings, "SELECT count() FROM system.numbers"))
        endless.start()
        http = Http(settings)
        assert eventually(lambda: "system.numbers" in http("SELECT query FROM system.processes").text)
        process.terminate()
        assert process.wait(20) == 0
        endless.join(5)


def test_after_kill_9_everything_acknowledged_is_served(tmp_path):
    with own_server(tmp_path) as (settings, process):
        http, acknowledged = Http(settings), []
        http("CREATE TABLE acknowledged (a UInt64) ENGINE = MergeTree ORDER BY a")
        writer = threading.Thread(target=insert_until_it_dies, args=(http, acknowledged))
        writer.start()
        assert eventually(lambda: len(acknowledged) > 50)
        process.kill()
        process.wait(10)
        writer.join(10)
        with own_server_again(settings) as http:
            kept = {int(line) for line in http("SELECT a FROM acknowledged").text.split()}
            assert set(acknowledged) <= kept
            assert http("INSERT INTO acknowledged VALUES (1)").status == 200
            assert http("SELECT count() FROM system.query_log").status == 200


def test_a_second_server_on_the_directory_says_who_holds_it(tmp_path):
    with own_server(tmp_path) as (settings, process):
        second = run_to_its_end(make_settings(tmp_path))
        assert second.returncode == 1
        assert f"in use by process {process.pid}" in second.stderr
        assert second.stderr.count("\n") == 1
        assert Http(settings)("SELECT 1").text == "1\n"


def test_a_port_in_use_is_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run_to_its_end(make_settings(tmp_path, warehouse_port=taken.getsockname()[1]))
    assert result.returncode == 1
    assert result.stderr.startswith("error: cannot listen on 127.0.0.1:")
    assert result.stderr.count("\n") == 1


def test_an_address_for_others_needs_secrets(tmp_path):
    settings = make_settings(tmp_path)
    environment = {**os.environ, "WAREHOUSE_HOST": "0.0.0.0", "GTC_VAR_DIR": str(tmp_path)}
    environment |= {
        "WAREHOUSE_PORT": str(settings.warehouse_port),
        "WAREHOUSE_PASSWORD": "",
        "WAREHOUSE_READER_PASSWORD": "",
    }
    result = subprocess.run(
        [sys.executable, "-m", "warehouse.server"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert "WAREHOUSE_PASSWORD" in result.stderr


def test_without_any_password_nobody_is_served(tmp_path):
    result = run_to_its_end(make_settings(tmp_path, warehouse_password="", warehouse_reader_password=""))
    assert result.returncode == 1
    assert "no user of the warehouse has a password" in result.stderr


def test_a_broken_users_file_is_one_line(tmp_path):
    for text in ("users: [", "users: {x: {colour: red}}", "server: {max_concurrent_queries: many}", "just text"):
        (tmp_path / "warehouse_users.yml").write_text(text)
        result = run_to_its_end(make_settings(tmp_path))
        assert (result.returncode, result.stderr.count("\n")) == (1, 1), (text, result.stderr)
        assert "warehouse_users.yml" in result.stderr


def test_the_users_file_holds_hashes_and_is_private(tmp_path):
    with own_server(tmp_path) as (settings, _):
        path = settings.warehouse_users_file
        text = path.read_text()
        assert settings.warehouse_password.get_secret_value() not in text
        assert text.count("$argon2id$") == 2
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_password_of_the_settings_counts_after_a_restart_and_other_users_stay(tmp_path):
    with own_server(tmp_path) as (settings, process):
        path = settings.warehouse_users_file
        path.write_text(path.read_text() + other_user("guest", "guest's word"))
        process.terminate()
        process.wait(20)
    with own_server(tmp_path, warehouse_password="a new one") as (settings, _):  # pragma: allowlist secret
        assert Http(settings)("SELECT 1").status == 200
        guest = Http(settings)
        guest.authorization = ""
        assert guest("SELECT 1", user="guest", password="guest's word").text == "1\n"


@pytest.fixture
def small_disk(tmp_path):
    """A directory with room for 300 MB."""
    if os.geteuid() != 0:
        pytest.skip("a small disk is mounted as root")
    directory = tmp_path / "small"
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", directory], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"mount is not allowed here: {mounted.stderr.decode().strip()}")
    yield directory
    subprocess.run(["umount", "-l", directory], check=True)


def test_a_full_disk_is_a_clear_error_and_loses_nothing(small_disk):
    with own_server(small_disk) as (settings, _):
        http = Http(settings)
        http("CREATE TABLE filling (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
        kept, reply = 0, None
        for _ in range(40):
            reply = http("INSERT INTO filling SELECT number, randomString(1000) FROM numbers(20000)")
            if reply.status != 200:
                break
            kept += 20_000
        assert reply is not None
        assert reply.status == 500
        assert re_full(reply.text)
        assert http.count("filling") == kept
        assert http("SELECT 1").text == "1\n"
        assert http("TRUNCATE TABLE filling").status == 200
        assert eventually(lambda: http("INSERT INTO filling VALUES (1, 'x')").status == 200, 30)


def re_full(text: str) -> bool:
    return "No space left" in text or "NOT_ENOUGH_SPACE" in text or "Cannot reserve" in text


def other_user(name: str, password: str) -> str:
    return f"  {name}: {{password_hash: '{HASHER.hash(password)}', read_only: true}}\n"


def insert_until_it_dies(http: Http, acknowledged: list[int]) -> None:
    with contextlib.suppress(OSError, HTTPException):
        for number in itertools.count(10):
            if http(f"INSERT INTO acknowledged VALUES ({number})").status == 200:
                acknowledged.append(number)


def try_to_ask(settings, sql: str) -> None:
    with contextlib.suppress(OSError, HTTPException):
        Http(settings)(sql)


@contextlib.contextmanager
def own_server_again(settings):
    """The same directory and port served by a new process."""
    process = start_server(settings)
    try:
        yield Http(settings)
    finally:
        process.terminate()
        process.wait(20)
