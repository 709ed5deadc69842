"""Where supervisord finds its configuration, socket and environment."""

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from gtc.settings import PROJECT_ROOT, Settings

CONFIG_FILE = PROJECT_ROOT / "deploy" / "supervisord.conf"

#: Superset runs in an environment of its own; see deploy/setup.py.
SUPERSET_PYTHON = PROJECT_ROOT / ".venv-superset" / "bin" / "python"
SUPERSET_CONFIG = PROJECT_ROOT / "bi" / "superset" / "superset_config.py"

#: Linux refuses paths of Unix sockets that are longer, with the closing zero byte.
LONGEST_SOCKET_PATH = 107


def socket_path(settings: Settings) -> Path:
    """The control socket: in the var directory, or in the temporary one where that path would be too long."""
    wanted = settings.gtc_var_dir / "run" / "supervisor.sock"
    if len(str(wanted)) <= LONGEST_SOCKET_PATH:
        return wanted
    digest = hashlib.sha256(str(wanted).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"gtc-{digest}.sock"


def environment(settings: Settings) -> dict[str, str]:
    """What supervisord and its children see: this process's environment plus the settings in force.

    Settings go down explicitly, so that services agree with the command that started them.
    """
    plain = settings.model_dump(mode="json")
    chosen = {name.upper(): str(value) for name, value in {**plain, **settings.secrets()}.items()}
    paths = {
        "GTC_PYTHON": sys.executable,
        "GTC_SUPERVISOR_SOCKET": str(socket_path(settings)),
        "GTC_SUPERSET_PYTHON": str(SUPERSET_PYTHON),
        "SUPERSET_CONFIG_PATH": str(SUPERSET_CONFIG),
        "SUPERSET_HOME": str(settings.superset_dir),
    }
    return {**os.environ, **chosen, **paths}


def prepare_directories(settings: Settings) -> None:
    """Create the directories that services write to, closed to other users."""
    for directory in (settings.gtc_var_dir / "run", settings.log_dir, settings.superset_dir):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
