"""Superset before it serves: its environment, its metadata, its first administrator."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from gtc.services.config import SUPERSET_PYTHON, environment, prepare_directories
from gtc.services.errors import ServiceError
from gtc.settings import PROJECT_ROOT, Settings
from gtc.settings.settings import SHORTEST_KEY

SETUP = PROJECT_ROOT / "deploy" / "setup.py"
PREPARE = PROJECT_ROOT / "bi" / "superset" / "prepare.py"


@dataclass(frozen=True)
class NewAdministrator:
    """The first administrator, at the only moment at which anybody knows the password."""

    username: str
    password: str

    def __str__(self) -> str:
        return f"Superset's administrator is {self.username}, password {self.password} (shown this once; write it down)"


OnAdministrator = Callable[[NewAdministrator], None]


def install() -> None:
    """Install Superset as its lock says, unless that stands already. Raises ServiceError."""
    ended = subprocess.run([sys.executable, SETUP, "superset"], check=False, stdout=sys.stderr)
    if ended.returncode != 0:
        raise ServiceError("Superset could not be installed; see above, or set SUPERSET_EMBEDDED=false in `.env`")


def require_key(settings: Settings) -> None:
    """Raises ServiceError while there is no key to sign and encrypt with."""
    if len(settings.superset_secret_key.get_secret_value()) < SHORTEST_KEY:
        raise ServiceError(
            f"SUPERSET_SECRET_KEY is unset or shorter than {SHORTEST_KEY} characters; run `make setup` to create it"
        )


def prepare(settings: Settings, on_administrator: OnAdministrator) -> None:
    """Install, migrate and make the first administrator, each where it is needed. Raises ServiceError."""
    require_key(settings)
    install()
    prepare_directories(settings)
    log = settings.log_dir / "superset_prepare.log"
    with log.open("w") as complaints:
        ended = subprocess.run(
            [SUPERSET_PYTHON, PREPARE], env=environment(settings), stdout=subprocess.PIPE, stderr=complaints,
            check=False, text=True,
        )  # fmt: skip
    if ended.returncode != 0:
        raise ServiceError(f"Superset's metadata could not be brought up to date; {last_line(log.read_text())} ({log})")
    answer = json.loads(ended.stdout)
    if "password" in answer:
        on_administrator(NewAdministrator(answer["username"], answer["password"]))


def last_line(text: str) -> str:
    """The last line that says something, empty when there is none."""
    return next((line.strip() for line in reversed(text.split("\n")) if line.strip()), "")
