"""`gtc up`, `down`, `status`: real supervisord, real warehouse, on a free port in a temporary directory."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from platforms import free_port, make_settings, service_environment

from gtc.settings import Settings

GTC = str(Path(sys.executable).with_name("gtc"))


def gtc(settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [GTC, *arguments], env=service_environment(settings), capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Settings]:
    """Settings of services that do not run yet; whatever a test starts is stopped."""
    settings = make_settings(tmp_path / "var")
    yield settings
    gtc(settings, "down")


def test_without_marts_up_and_status_say_what_to_run(stopped: Settings) -> None:
    for command in ("up", "status"):
        told = gtc(stopped, command)
        assert told.returncode == 0, told.stderr
        assert "there are no marts in analytics yet" in told.stderr
        assert "run `make demo`" in told.stderr
        assert told.stderr.count("\n") == 1
    for statement in ("create database analytics", "create table analytics.some_mart (n Int32) order by n"):
        assert gtc(stopped, "query", "--as", "etl", statement).returncode == 0
    assert gtc(stopped, "status").stderr == ""


def warehouse_pid(settings: Settings) -> int:
    """The process that supervisord keeps up, from its own mouth."""
    detail = json.loads(gtc(settings, "status", "--json").stdout)[0]["detail"]
    return int(detail.split("pid ")[1].split(",")[0])


def test_up_serves_and_down_leaves_nothing_behind(stopped: Settings) -> None:
    started = gtc(stopped, "up")
    assert started.returncode == 0, started.stderr
    assert "running" in started.stdout
    pid = warehouse_pid(stopped)
    assert gtc(stopped, "query", "select 6 * 7", "--format", "TSV").stdout == "42\n"
    assert gtc(stopped, "down").returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert gtc(stopped, "status").returncode == 1


@pytest.mark.heavy
def test_up_twice_keeps_the_same_process(stopped: Settings) -> None:
    gtc(stopped, "up")
    pid = warehouse_pid(stopped)
    assert gtc(stopped, "up").returncode == 0
    assert warehouse_pid(stopped) == pid


def test_a_killed_warehouse_comes_back_by_itself_with_its_data(stopped: Settings) -> None:
    gtc(stopped, "up")
    for statement in (
        "create database kept",
        "create table kept.t (n Int32) order by n",
        "insert into kept.t values (7)",
    ):
        assert gtc(stopped, "query", "--as", "etl", statement).returncode == 0
    pid = warehouse_pid(stopped)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while gtc(stopped, "status").returncode != 0:
        assert time.monotonic() < deadline, "supervisord did not start the warehouse again"
    assert warehouse_pid(stopped) != pid
    assert gtc(stopped, "query", "select n from kept.t", "-f", "TSV").stdout == "7\n"


def test_a_taken_port_is_one_line_that_names_the_holder(stopped: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", stopped.warehouse_port))
        other.listen()
        refused = gtc(stopped, "up")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: port already in use: {stopped.warehouse_port} (")
    assert f"pid {os.getpid()}" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_commands_without_a_warehouse_say_what_to_run(stopped: Settings) -> None:
    asked = gtc(stopped, "query", "select 1")
    assert asked.returncode == 1
    assert "run `make up`" in asked.stderr
    assert asked.stderr.count("\n") == 1


def test_changed_passwords_ask_for_a_restart(stopped: Settings) -> None:
    gtc(stopped, "up")
    changed = make_settings(stopped.gtc_var_dir, warehouse_port=stopped.warehouse_port)
    refused = gtc(changed, "up")
    assert refused.returncode == 1
    assert "make down" in refused.stderr


@pytest.mark.parametrize("broker", ["", "redis://:hidden@127.0.0.1:1/0"])  # pragma: allowlist secret
def test_reports_without_a_broker_are_one_line_and_nothing_is_started(stopped: Settings, broker: str) -> None:
    settings = make_settings(
        stopped.gtc_var_dir, superset_embedded=True, superset_port=free_port(),
        superset_smtp_host="mail.example.com", superset_redis_url=broker,
    )  # fmt: skip
    refused = gtc(settings, "up")
    assert refused.returncode == 1
    assert "SUPERSET_REDIS_URL" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert "hidden" not in refused.stderr
    found = json.loads(gtc(settings, "status", "--json").stdout)
    assert [(service["name"], service["state"]) for service in found] == [
        ("warehouse", "down"), ("superset", "down"), ("superset_worker", "down"), ("superset_beat", "down"),
    ]  # fmt: skip
