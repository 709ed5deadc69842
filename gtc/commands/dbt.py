"""`gtc dbt`."""

import os
import subprocess
import sys
from pathlib import Path

import typer

from gtc.services.config import environment
from gtc.settings import PROJECT_ROOT, load_settings


def command(context: typer.Context) -> None:
    """Run dbt with the settings of `.env`, for example: gtc dbt build --select kpi_daily"""
    paths = {"DBT_PROJECT_DIR": str(PROJECT_ROOT / "dbt_project"), "DBT_PROFILES_DIR": str(PROJECT_ROOT)}
    executable = Path(sys.executable).with_name("dbt")
    settings = environment(load_settings())
    ended = subprocess.run([executable, *context.args], env={**settings, **paths, **_own_choices()}, check=False)
    raise typer.Exit(ended.returncode)


def _own_choices() -> dict[str, str]:
    """What the caller set for dbt stays as it is."""
    return {name: value for name, value in os.environ.items() if name.startswith("DBT_")}
