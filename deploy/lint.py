"""`make lint`: every check that needs no running service. All run, then failures are named; exit status 1 if any."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

#: Files whose long random-looking strings are hashes, not secrets.
HASH_FILES = r"requirements/.*\.lock$"

#: dbt parses without a warehouse, but wants its variables.
PARSE_ENVIRONMENT = {
    "DBT_PROJECT_DIR": str(ROOT / "dbt_project"),
    "DBT_PROFILES_DIR": str(ROOT),
    "DBT_TARGET_PATH": str(ROOT / "var" / "lint" / "target"),
    "DBT_LOG_PATH": str(ROOT / "var" / "lint" / "logs"),
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "WAREHOUSE_PASSWORD": "not-used-for-parsing",  # pragma: allowlist secret
}

CHECKS: dict[str, list[str]] = {
    "ruff, rules": ["ruff", "check", "--output-format", "concise", "."],
    "ruff, format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    "import rules": ["lint-imports", "--no-cache"],
    "yaml": ["yamllint", "--strict", "."],
    "sql style": ["sqlfluff", "lint", "dbt_project", "--processes", "2", "--disable-progress-bar"],
    "dbt parses": ["dbt", "--quiet", "parse", "--no-partial-parse"],
    "dbt gates": ["python", "dbt_project/checks/gates.py", "var/lint/target/manifest.json"],
    "dashboards": ["gtc", "dashboards", "validate", "--manifest", "var/lint/target/manifest.json"],
    "secrets": ["detect-secrets-hook", "--exclude-files", HASH_FILES],
}


def main() -> int:
    """Run the checks named on the command line, or all."""
    wanted = sys.argv[1:] or list(CHECKS)
    if unknown := [name for name in wanted if name not in CHECKS]:
        print(f"error: no such check: {unknown[0]} (there are: {', '.join(CHECKS)})", file=sys.stderr)
        return 2
    failed = [name for name in wanted if not passes(name, [*CHECKS[name], *operands(name)])]
    print(f"lint: {len(wanted) - len(failed)} of {len(wanted)} checks passed")
    return 1 if failed else 0


def operands(name: str) -> list[str]:
    """The files that a check wants to be handed."""
    if name != "secrets":
        return []
    return subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()


def passes(name: str, command: list[str]) -> bool:
    """Run one check; its output is shown only when it fails."""
    started = time.monotonic()
    executable, *arguments = command
    environment = {**os.environ, **PARSE_ENVIRONMENT}
    ended = subprocess.run(
        [BIN / executable, *arguments], cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )
    good = ended.returncode == 0
    print(f"lint: {'ok    ' if good else 'FAILED'} {name} ({time.monotonic() - started:.1f} s)", flush=True)
    if not good:
        print(ended.stdout + ended.stderr, flush=True)
    return good


if __name__ == "__main__":
    sys.exit(main())
