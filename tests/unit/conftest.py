"""What tests of the dbt project share: its manifest, parsed once without any warehouse."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gtc.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"


@pytest.fixture(scope="session")
def manifest_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `dbt parse` writes, without any warehouse."""
    target = tmp_path_factory.mktemp("parse")
    environment = {
        **os.environ,
        "DBT_PROJECT_DIR": str(DBT_PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT_ROOT),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target),
        "WAREHOUSE_PORT": "1",
    }
    dbt = Path(sys.executable).with_name("dbt")
    subprocess.run([dbt, "--quiet", "parse"], env=environment, cwd=PROJECT_ROOT, check=True)
    return target / "manifest.json"


@pytest.fixture
def manifest(manifest_file: Path) -> dict[str, Any]:
    """A copy that a test may break."""
    return json.loads(manifest_file.read_text())
