"""Metadata in PostgreSQL and caches in Redis: two settings, and everything else stays the same."""

import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from platforms import free_port
from superset_side import Platform

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1500)]

#: A page that is checked there: the others ask nothing else of metadata and caches.
SLUG = "operations"


def keys_of(redis_url: str) -> list[str]:
    """The names of everything in a Redis, asked in its own protocol."""
    found = urlsplit(redis_url)
    with socket.create_connection((found.hostname, found.port), timeout=10) as there, there.makefile("rb") as answers:
        there.sendall(b"KEYS *\r\n")
        count = int(answers.readline()[1:])
        return [(answers.readline(), answers.readline())[1].decode().strip() for _ in range(count)]


def test_dashboards_are_deployed_and_checked_with_postgresql_and_redis(
    platform: Platform, postgres_uri: str, redis_url: str, tmp_path: Path
) -> None:
    variables = {
        "GTC_VAR_DIR": str(tmp_path / "var"), "WAREHOUSE_EMBEDDED": "false", "SUPERSET_PORT": str(free_port()),
        "SUPERSET_METADATA_URI": postgres_uri, "SUPERSET_REDIS_URL": redis_url,
    }  # fmt: skip
    try:
        up = platform.gtc("up", **variables)
        assert "Superset's administrator is admin" in up.stderr
        first = platform.gtc("dashboards", "deploy", "--check", "--json", check=False, **variables)
        assert first.returncode == 1
        assert len(json.loads(first.stdout)["changed"]) > 100
        platform.gtc("dashboards", "deploy", **variables)
        assert platform.gtc("dashboards", "deploy", "--check", **variables).stdout.strip() == "files and server agree"
        checked = platform.gtc("dashboards", "check", "--dashboard", SLUG, "--json", **variables)
        runs = json.loads(checked.stdout)
        assert runs
        assert [run for run in runs if run["fault"]] == []
        assert any(key.startswith("data_") for key in keys_of(redis_url))
        assert list((tmp_path / "var" / "superset").glob("*.db")) == []
        assert not (tmp_path / "var" / "superset" / "cache").exists()
    finally:
        platform.gtc("down", **variables)
