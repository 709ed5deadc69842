"""`make lock`: resolve `requirements/*.in` into hash-pinned files without any address of a registry."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements"
QUIET = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]


def main() -> int:
    """Lock core first, then dev within core's versions; Superset and the bootstrap share nothing with them."""
    within_core: list[str | Path] = ["-c", REQUIREMENTS / "core.lock"]
    for name, limits in (("core", []), ("dev", within_core), ("bootstrap", []), ("superset", [])):
        compile_lock(name, limits)
    return 0


def compile_lock(name: str, limits: list[str | Path]) -> None:
    """Write `<name>.lock` from `<name>.in`; raises CalledProcessError where nothing fits."""
    source, lock = REQUIREMENTS / f"{name}.in", REQUIREMENTS / f"{name}.lock"
    resolve = [sys.executable, "-m", "uv", "pip", "compile", "-q", "--python-version", "3.11", "--generate-hashes"]
    subprocess.run([*resolve, *QUIET, *limits, source, "-o", lock, *sys.argv[1:]], check=True)
    print(f"lock: {sum('==' in line for line in lock.open())} packages in {lock.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
