"""`make setup`: a virtual environment from hash-pinned locks, `.env` with random secrets, directories.

Runs on a bare Python 3.11 with the standard library only. Safe to run again: it changes only what is missing or stale.
"""

import os
import secrets
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
BIN = VENV / "bin"
LOCK = ROOT / "requirements" / "dev.lock"

#: What `source .venv/bin/activate` adds, so that `dbt build` works from the repository root. A variable that the shell
#: had before wins over the file; one that an earlier activation set is read anew.
ACTIVATE_HOOK = """
# GlobalTaxCalc: the settings of .env, for dbt and every other tool of this shell
while IFS='=' read -r gtc_name gtc_value; do
    case "$gtc_name" in '' | '#'*) continue ;; esac
    case " ${{GTC_FROM_ENV_FILE:-}} " in
        *" $gtc_name "*) ;;
        *) eval "[ -z \\"\\${{$gtc_name+set}}\\" ]" || continue ;;
    esac
    export "$gtc_name=$gtc_value"
    GTC_FROM_ENV_FILE="${{GTC_FROM_ENV_FILE:-}} $gtc_name"
done < "{root}/.env"
unset gtc_name gtc_value
export DBT_PROJECT_DIR="{root}/dbt_project" DBT_PROFILES_DIR="{root}" DBT_SEND_ANONYMOUS_USAGE_STATS=false
"""


def main() -> int:
    """Do every step, printing one line each; a failure is one line and exit status 1."""
    if sys.version_info[:2] != (3, 11):
        return fail(f"Python 3.11 is needed, this is {sys.version.split()[0]}; install python3.11 or set PYTHON=")
    started = time.monotonic()
    try:
        create_environment()
        install_packages()
    except subprocess.CalledProcessError as error:
        return fail(f"`{' '.join(map(str, error.cmd[:4]))} …` ended with status {error.returncode}; see above")
    hook_activation()
    write_env_file()
    (VENV / ".ready").touch()
    say(f"ready in {time.monotonic() - started:.0f} s")
    return 0


def create_environment() -> None:
    """Make `.venv`, unless a working one stands there."""
    if (BIN / "python").exists() and subprocess.run([BIN / "python", "-c", ""], check=False).returncode == 0:
        return
    say("creating .venv")
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, with_pip=True)


def install_packages() -> None:
    """Install the lock and, editable, the project. uv does it in seconds; pip is the way without it."""
    say(f"installing {sum('==' in line for line in LOCK.open())} packages from {LOCK.relative_to(ROOT)}")
    locked = ["--require-hashes", "-r", str(LOCK)]
    project = ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]
    uv = shutil.which("uv") or bootstrap_uv()
    for arguments in (locked, project):
        with_uv = bool(uv) and run([str(uv), "pip", "install", "-q", "--python", str(BIN / "python"), *arguments]) == 0
        if not with_uv:
            pip(*arguments)


def bootstrap_uv() -> str | None:
    """A pinned uv inside `.venv`; None where it cannot be had, pip then does the work."""
    lock = ROOT / "requirements" / "bootstrap.lock"
    command = [str(BIN / "python"), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(lock)]
    return str(BIN / "uv") if run(command) == 0 else None


def pip(*arguments: str) -> None:
    """Run pip of the environment; raises CalledProcessError."""
    subprocess.run([BIN / "python", "-m", "pip", "install", "-q", "--no-input", *arguments], check=True)


def run(command: list[str]) -> int:
    """Exit status of a command whose failure has a way around."""
    return subprocess.run(command, check=False).returncode


def hook_activation() -> None:
    """Let `activate` export the settings, once."""
    script = BIN / "activate"
    text = script.read_text()
    hook = ACTIVATE_HOOK.format(root=ROOT)
    if hook not in text:
        script.write_text(text.split("\n# GlobalTaxCalc:")[0] + hook)


def write_env_file() -> None:
    """Copy `.env.example` to `.env` with a random secret behind every empty password; never touch an existing value."""
    target = ROOT / ".env"
    present = target.read_text() if target.exists() else ""
    known = {line.split("=")[0] for line in present.splitlines() if "=" in line and not line.startswith("#")}
    missing = [
        with_secret(line) for line in (ROOT / ".env.example").read_text().splitlines() if name_of(line) not in known
    ]
    if not present:
        write_private(target, "\n".join(missing) + "\n")
        say("wrote .env with random secrets")
    elif added := [line for line in missing if name_of(line)]:
        write_private(target, present.rstrip("\n") + "\n\n" + "\n".join(added) + "\n")
        say(f"added to .env: {', '.join(name_of(line) or '' for line in added)}")
    else:
        target.touch()


def name_of(line: str) -> str | None:
    """The variable that a line of an env file sets, None for comments and blanks."""
    return line.split("=")[0] if "=" in line and not line.startswith("#") else None


def with_secret(line: str) -> str:
    """The same line, an empty password filled with 128 random bits."""
    return line + secrets.token_hex(16) if line.endswith("_PASSWORD=") else line


def write_private(path: Path, text: str) -> None:
    """Replace the file at once, readable by its owner only."""
    draft = path.with_name(path.name + ".draft")
    draft.touch(mode=0o600)
    draft.write_text(text)
    os.replace(draft, path)


def say(text: str) -> None:
    """One line of progress."""
    print(f"setup: {text}", flush=True)


def fail(text: str) -> int:
    """One line on standard error, and the exit status."""
    print(f"error: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
