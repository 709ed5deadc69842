"""A fresh clone in a fresh directory, with nothing of the developer's environment on the path."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from platforms import free_port
from superset_side import Person, Platform

from gtc.settings import PROJECT_ROOT, load_settings

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

#: What a newcomer's shell has; everything that `make setup` or a developer has set stays out.
KEPT_VARIABLES = ("HOME", "LANG", "TERM", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
KEPT_PREFIXES = ("PIP_", "UV_")

#: Seconds for one block of commands, among them a whole `make demo`.
BLOCK_SECONDS = 1200

#: People of the tests, with their roles.
ROLES = {
    "boss": ["Admin"],
    "ann": ["Analyst"],
    "vic": ["Viewer"],
    "dora": ["Country manager DE"],
    "dan": ["Country manager DE", "Analyst"],
    "nobody": ["Public"],
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of the folder waits for the demo, on a machine that may be busy."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(BLOCK_SECONDS + 300))


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
def newcomer() -> dict[str, str]:
    """The environment of a newcomer's shell, on free ports."""
    kept = {
        name: value for name, value in os.environ.items() if name in KEPT_VARIABLES or name.startswith(KEPT_PREFIXES)
    }
    here = str(PROJECT_ROOT / ".venv")
    path = [folder for folder in os.environ["PATH"].split(":") if not folder.startswith(here)]
    retail = load_settings().gtc_online_retail_file
    return {
        **kept,
        "PATH": ":".join(path),
        "WAREHOUSE_PORT": str(free_port()),
        "SUPERSET_PORT": str(free_port()),
        "GTC_ONLINE_RETAIL_FILE": str(retail),
    }


@pytest.fixture(scope="session")
def shell(fresh_clone: Path, newcomer: dict[str, str]) -> Shell:
    """Run a bash script in the clone as a newcomer would; `check=True` shows what failed."""

    def run(script: str, *, check: bool = True, **variables: str) -> "subprocess.CompletedProcess[str]":
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=fresh_clone, env={**newcomer, **variables},
            capture_output=True, text=True, check=False, timeout=BLOCK_SECONDS,
        )  # fmt: skip
        assert not check or ended.returncode == 0, f"{script}\n{ended.stdout}\n{ended.stderr}"
        return ended

    return run


@pytest.fixture(scope="session")
def demo(shell: Shell) -> "subprocess.CompletedProcess[str]":
    """`make demo` in the fresh clone: what all tests of this folder start from."""
    return shell("make demo")


@pytest.fixture(scope="session")
def platform(request: pytest.FixtureRequest) -> Platform:
    """The platform of the demo with its dashboards. GTC_TEST_PLATFORM names one that runs already, while you edit."""
    if running := os.environ.get("GTC_TEST_PLATFORM"):
        root = Path(running)
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("WAREHOUSE_", "SUPERSET_"))
        }
        return Platform(root, environment, load_settings(_env_file=root / ".env").superset_url)
    request.getfixturevalue("demo")
    environment = request.getfixturevalue("newcomer")
    url = f"http://127.0.0.1:{environment['SUPERSET_PORT']}"
    return Platform(request.getfixturevalue("fresh_clone"), environment, url)


@pytest.fixture(scope="session")
def passwords(platform: Platform) -> dict[str, tuple[str, str]]:
    """Name and password by person, each new to the platform."""
    mark = secrets.token_hex(4)
    people = {person: (f"{person}-{mark}", secrets.token_urlsafe(12)) for person in ROLES}
    platform.make_users({name: (password, ROLES[person]) for person, (name, password) in people.items()})
    return people


@pytest.fixture(scope="session")
def people(platform: Platform, passwords: dict[str, tuple[str, str]]) -> dict[str, Person]:
    """Everybody, logged in at the REST API; `stranger` is not."""
    found = {person: Person(platform.url, name, password) for person, (name, password) in passwords.items()}
    return {**found, "stranger": Person(platform.url)}


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of the test's own."""
    if not shutil.which("redis-server"):
        pytest.skip("there is no redis-server; on Debian: apt-get install redis-server")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(30)


@pytest.fixture
def postgres_uri() -> Iterator[str]:
    """A PostgreSQL of the test's own. It never runs as root, so root runs it as Debian's user for it."""
    for program in ("initdb", "postgres"):
        if not shutil.which(program):
            pytest.skip(f"there is no {program}; on Debian: apt-get install postgresql, its programs on the path")
    is_root = os.geteuid() == 0
    owner: dict[str, Any] = {"user": "postgres", "group": "postgres"} if is_root else {}
    with tempfile.TemporaryDirectory() as folder:
        if is_root:
            shutil.chown(folder, "postgres", "postgres")
        data, port = f"{folder}/data", free_port()
        make = ["initdb", "--pgdata", data, "--username", "superset", "--auth", "trust", "--no-sync"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder, **owner)
        serve = ["postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder]
        process = subprocess.Popen(serve, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **owner)
        wait_for_port(port)
        yield f"postgresql+psycopg2://superset@127.0.0.1:{port}/postgres"
        process.send_signal(signal.SIGINT)  # what PostgreSQL calls a fast shutdown
        process.wait(60)


def wait_for_port(port: int, seconds: float = 60) -> None:
    """Return when somebody listens there."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on {port}"
            time.sleep(0.1)
        else:
            return
