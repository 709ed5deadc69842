"""`make setup`: a virtual environment from hash-pinned locks, `.env` with random secrets, directories.

`setup.py superset` makes the second environment, that of Superset, which `gtc up` wants when Superset is to run.
Runs on a bare Python 3.11 with the standard library only. Safe to run again: it changes only what is missing or stale.
"""

import hashlib
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

#: Superset needs an older SQLAlchemy and pandas than the platform.
SUPERSET_VENV = ROOT / ".venv-superset"
SUPERSET_LOCK = ROOT / "requirements" / "superset.lock"

#: What is in the second environment that no lock line says; a new number makes it anew.
SUPERSET_RECIPE = 1

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


def main(wanted: str = "platform") -> int:
    """Do every step, printing one line each; a failure is one line and exit status 1."""
    if sys.version_info[:2] != (3, 11):
        return fail(f"Python 3.11 is needed, this is {sys.version.split()[0]}; install python3.11 or set PYTHON=")
    started = time.monotonic()
    try:
        if wanted == "superset":
            superset_environment()
            return 0
        create_environment(VENV)
        install_packages()
    except subprocess.CalledProcessError as error:
        return fail(f"`{' '.join(map(str, error.cmd[:4]))} …` ended with status {error.returncode}; see above")
    hook_activation()
    write_env_file()
    (VENV / ".ready").touch()
    say(f"ready in {time.monotonic() - started:.0f} s")
    return 0


def superset_environment() -> None:
    """Make `.venv-superset` as its lock says, unless it stands there; two that ask at once wait for each other."""
    import fcntl

    state = f"{SUPERSET_RECIPE} {hashlib.sha256(SUPERSET_LOCK.read_bytes()).hexdigest()}"
    ready = SUPERSET_VENV / ".ready"
    with (ROOT / ".venv-superset.lock").open("w") as queue:
        fcntl.flock(queue, fcntl.LOCK_EX)
        if ready.exists() and ready.read_text() == state:
            return
        create_environment(SUPERSET_VENV)
        install(SUPERSET_VENV, "--require-hashes", "-r", str(SUPERSET_LOCK))
        ready.write_text(state)


def create_environment(environment: Path) -> None:
    """Make a virtual environment, unless a working one stands there."""
    python = environment / "bin" / "python"
    if python.exists() and subprocess.run([python, "-c", ""], check=False).returncode == 0:
        return
    say(f"creating {environment.name}")
    shutil.rmtree(environment, ignore_errors=True)
    venv.create(environment, with_pip=True)


def install_packages() -> None:
    """Install the lock and, editable, the project."""
    install(VENV, "--require-hashes", "-r", str(LOCK))
    install(VENV, "--no-deps", "--no-build-isolation", "-e", str(ROOT))


def install(environment: Path, *arguments: str) -> None:
    """Install into an environment. uv does it in seconds; pip is the way without it. Raises CalledProcessError."""
    python = environment / "bin" / "python"
    if (lock := Path(arguments[-1])).suffix == ".lock":
        say(f"installing {sum('==' in line for line in lock.open())} packages from {lock.relative_to(ROOT)}")
    uv = shutil.which("uv") or bootstrap_uv(environment)
    if not uv or run([uv, "pip", "install", "-q", "--python", str(python), *arguments]) != 0:
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-input", *arguments], check=True)


def bootstrap_uv(environment: Path) -> str | None:
    """A pinned uv of the platform's environment or of this one; None where it cannot be had, pip then does the work."""
    if (BIN / "uv").exists():
        return str(BIN / "uv")
    lock = ROOT / "requirements" / "bootstrap.lock"
    python = environment / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(lock)]
    return str(environment / "bin" / "uv") if run(command) == 0 else None


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
    """The same line, an empty password filled with 128 random bits, an empty key with 256."""
    if line.endswith("_SECRET_KEY="):
        return line + secrets.token_hex(32)
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
    sys.exit(main(*sys.argv[1:2]))
