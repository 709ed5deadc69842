"""What must never be committed, and what must agree."""

import re
import subprocess

from gtc.settings import PROJECT_ROOT

TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
).stdout.split()
LOCKS = sorted((PROJECT_ROOT / "requirements").glob("*.lock"))


def test_locks_pin_every_package_by_hash_and_name_no_address() -> None:
    assert len(LOCKS) == 4
    for lock in LOCKS:
        text = lock.read_text()
        pins = re.findall(r"^[a-zA-Z0-9._-]+(?:\[[a-z0-9,_-]+\])?==\S+ (?:; [^\\]+)?\\$", text, re.MULTILINE)
        others = [line for line in text.splitlines() if line and not line.startswith("    --hash=sha256:")]
        assert len(pins) == len(others) > 0
        assert "://" not in text


def test_no_lock_with_addresses_no_data_and_no_secrets_are_tracked() -> None:
    forbidden = re.compile(r"(^|/)(uv\.lock|pylock.*\.toml|\.env)$|\.(xz|parquet|sqlite3?|db|duckdb)$")
    assert [path for path in TRACKED if forbidden.search(path)] == []


def test_only_python_311_is_asked_for() -> None:
    assert 'requires-python = ">=3.11,<3.12"' in (PROJECT_ROOT / "pyproject.toml").read_text()
