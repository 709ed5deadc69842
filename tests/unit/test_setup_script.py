"""`make setup` writes `.env` once, with secrets, and never changes a value that is there."""

import importlib.util
import os
import stat
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from gtc.settings import PROJECT_ROOT


@pytest.fixture
def setup(tmp_path: Path) -> ModuleType:
    """The script, its root moved to a temporary folder with our `.env.example`."""
    spec = importlib.util.spec_from_file_location("deploy_setup", PROJECT_ROOT / "deploy" / "setup.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / ".env.example").write_text((PROJECT_ROOT / ".env.example").read_text())
    module.ROOT = tmp_path
    module.BIN = tmp_path / "bin"
    return module


def values(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_a_new_env_file_is_private_and_has_a_fresh_secret_behind_every_password(setup: ModuleType) -> None:
    setup.write_env_file()
    env = setup.ROOT / ".env"
    passwords = [value for name, value in values(env).items() if name.endswith("_PASSWORD")]
    assert len(passwords) == len(set(passwords)) >= 2
    assert min(map(len, passwords)) == 32
    assert stat.S_IMODE(env.stat().st_mode) == 0o600


def test_existing_values_stay_and_new_settings_are_added(setup: ModuleType) -> None:
    env = setup.ROOT / ".env"
    env.write_text("WAREHOUSE_PORT=9999\nWAREHOUSE_PASSWORD=mine\n")
    setup.write_env_file()
    found = values(env)
    assert found["WAREHOUSE_PORT"] == "9999"
    assert found["WAREHOUSE_PASSWORD"] == "mine"  # pragma: allowlist secret
    assert set(found) == set(values(setup.ROOT / ".env.example"))


def test_a_second_run_changes_nothing(setup: ModuleType) -> None:
    setup.write_env_file()
    before = (setup.ROOT / ".env").read_text()
    setup.write_env_file()
    assert (setup.ROOT / ".env").read_text() == before


def test_the_activate_hook_is_written_once(setup: ModuleType) -> None:
    setup.BIN.mkdir()
    (setup.BIN / "activate").write_text("echo activated\n")
    setup.hook_activation()
    setup.hook_activation()
    assert (setup.BIN / "activate").read_text().count("# GlobalTaxCalc:") == 1


def activated(setup: ModuleType, script: str, **variables: str) -> list[str]:
    """Words that a strict shell prints after sourcing the hooked script."""
    ended = subprocess.run(
        ["bash", "-euc", script], cwd=setup.ROOT, env={"PATH": os.environ["PATH"], **variables},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ended.stdout.split()


def test_activation_exports_the_file_and_never_what_the_shell_had(setup: ModuleType) -> None:
    setup.BIN.mkdir()
    (setup.BIN / "activate").write_text("")
    (setup.ROOT / ".env").write_text("# a comment\n\nGTC_A=one=1\nGTC_B=two\n")
    setup.hook_activation()
    show = 'bash -c "echo \\$GTC_A \\$GTC_B"'
    assert activated(setup, f". bin/activate; {show}", GTC_B="mine") == ["one=1", "mine"]
    edit = "sed -i s/one/three/ .env"
    assert activated(setup, f". bin/activate; {edit}; . bin/activate; {show}", GTC_B="mine") == ["three=1", "mine"]


def test_another_python_is_refused_in_one_line(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup.sys, "version_info", (3, 12, 0))
    assert setup.main() == 1
    assert capsys.readouterr().err.startswith("error: Python 3.11 is needed")
