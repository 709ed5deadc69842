"""What tests share to run a platform of their own: settings, the environment of a child process, waiting."""

import os
import secrets
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from gtc.settings import Settings, load_settings


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def service_environment(settings: Settings) -> dict[str, str]:
    """The environment in which a child process sees exactly these settings."""
    plain = {name.upper(): value for name, value in settings.model_dump(mode="json").items()}
    plain |= {name.upper(): value for name, value in settings.secrets().items()}
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
        "superset_embedded": False,
    }
    return load_settings(**{**chosen, **overrides})


def wait_until_up(settings: Settings, process: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    """Return when the warehouse answers; fail when its process ends first."""
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
