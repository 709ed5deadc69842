"""What could be wrong on this machine, each finding with what to do."""

import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from gtc.services import states
from gtc.settings import PROJECT_ROOT, Settings
from warehouse.client import WarehouseUnavailableError, connect

#: Below this the engine may fail to merge parts: a merge needs room for what it rewrites.
LEAST_FREE_BYTES = 2 * 1024**3

_PIN = re.compile(r"^([a-zA-Z0-9._-]+)==([^ ;\\]+)")


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, whether it is well, what was seen, and what to do if not."""

    subject: str
    is_well: bool
    seen: str
    advice: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Run every check, cheap ones first; a check never changes anything."""
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _python, _packages, _env_file, _disk, _services, _reader_cannot_write,
    )  # fmt: skip
    for check in checks:
        yield check(settings)


def _python(_: Settings) -> Finding:
    running = sys.version.split()[0]
    return Finding("Python", sys.version_info[:2] == (3, 11), running, "install Python 3.11 and run `make setup`")


def _packages(_: Settings) -> Finding:
    lock = (PROJECT_ROOT / "requirements" / "dev.lock").read_text().splitlines()
    pins = [found.groups() for line in lock if (found := _PIN.match(line))]
    stale = [name for name, pinned in pins if _installed(name) != pinned]
    seen = f"{len(pins)} as locked" if not stale else f"{len(stale)} differ from the lock: {', '.join(stale[:5])}"
    return Finding("packages", not stale, seen, "run `make setup`")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _env_file(_: Settings) -> Finding:
    path = PROJECT_ROOT / ".env"
    if not path.exists():
        return Finding(".env", False, "missing", "run `make setup`")
    private = not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return Finding(".env", private, "private" if private else "readable by others", "run `chmod 600 .env`")


def _disk(settings: Settings) -> Finding:
    home = next(path for path in (settings.gtc_var_dir, *settings.gtc_var_dir.parents) if path.exists())
    free = shutil.disk_usage(home).free
    advice = "free some space or set GTC_VAR_DIR to a larger disk"
    return Finding("disk", free >= LEAST_FREE_BYTES, f"{free / 1024**3:.1f} GiB free", advice)


def _services(settings: Settings) -> Finding:
    down = [f"{service.name}: {service.detail}" for service in states(settings) if not service.is_healthy]
    return Finding("services", not down, "; ".join(down) or "all answer", "run `make up`")


def _reader_cannot_write(settings: Settings) -> Finding:
    """The user that people and dashboards read with is refused a write."""
    advice = "give WAREHOUSE_READER_USER no right but reading"
    try:
        with connect(settings, "reader") as client:
            readonly = client.command("select getSetting('readonly')")
    except WarehouseUnavailableError as error:
        return Finding("reader", False, str(error), "run `make up`")
    return Finding("reader", str(readonly) != "0", f"readonly = {readonly}", advice)
