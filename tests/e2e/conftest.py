"""A fresh clone in a fresh directory, with nothing of the developer's environment on the path."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from platforms import free_port

from gtc.settings import PROJECT_ROOT, load_settings

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

#: What a newcomer's shell has; everything that `make setup` or a developer has set stays out.
KEPT_VARIABLES = ("HOME", "LANG", "TERM", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
KEPT_PREFIXES = ("PIP_", "UV_")

#: Seconds for one block of commands, among them a whole `make demo`.
BLOCK_SECONDS = 600


def tracked_files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT_ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [name for name in listed.stdout.splitlines() if (PROJECT_ROOT / name).is_file()]


@pytest.fixture(scope="session")
def fresh_clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files that git would give to a newcomer. Services that tests start from it are stopped at the end."""
    clone = tmp_path_factory.mktemp("fresh") / "analytics"
    for name in tracked_files():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT_ROOT / name, clone / name)
    yield clone
    subprocess.run(["make", "down"], cwd=clone, check=False, capture_output=True)


@pytest.fixture(scope="session")
def shell(fresh_clone: Path) -> Shell:
    """Run a bash script in the clone as a newcomer would, on a free port; `check=True` shows what failed."""
    kept = {
        name: value for name, value in os.environ.items() if name in KEPT_VARIABLES or name.startswith(KEPT_PREFIXES)
    }
    here = str(PROJECT_ROOT / ".venv")
    path = [folder for folder in os.environ["PATH"].split(":") if not folder.startswith(here)]
    retail = load_settings().gtc_online_retail_file
    environment = {
        **kept,
        "PATH": ":".join(path),
        "WAREHOUSE_PORT": str(free_port()),
        "GTC_ONLINE_RETAIL_FILE": str(retail),
    }

    def run(script: str, *, check: bool = True, **variables: str) -> "subprocess.CompletedProcess[str]":
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=fresh_clone, env={**environment, **variables},
            capture_output=True, text=True, check=False, timeout=BLOCK_SECONDS,
        )  # fmt: skip
        assert not check or ended.returncode == 0, f"{script}\n{ended.stdout}\n{ended.stderr}"
        return ended

    return run
