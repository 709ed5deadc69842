"""The worked example of docs/models.md, step by step, in a copy of the project: it builds, and it passes every gate."""

import re
import shutil
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from gtc.settings import PROJECT_ROOT, Settings
from warehouse.dbt import dbt_environment
from warehouse.migrations import migrate

MANUAL = (PROJECT_ROOT / "docs" / "models.md").read_text()


def block(language: str) -> str:
    """The only code block of the manual in a language, without the indentation of its list."""
    [found] = re.findall(rf"^   ```{language}\n(.*?)^   ```$", MANUAL, re.MULTILINE | re.DOTALL)
    return "".join(line.removeprefix("   ") for line in found.splitlines(keepends=True))


def edit(path: Path, old: str, new: str) -> None:
    """Replace one place, which must be there."""
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name}: {old}"
    path.write_text(text.replace(old, new))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project after steps 1 to 4."""
    copy = tmp_path / "dbt_project"
    shutil.copytree(PROJECT_ROOT / "dbt_project", copy, ignore=shutil.ignore_patterns("target", "logs"))
    models = copy / "models"
    (models / "marts" / "revenue").mkdir(exist_ok=True)
    (models / "marts" / "revenue" / "revenue_by_country.sql").write_text(block("sql"))
    (models / "marts" / "revenue" / "revenue_by_country.yml").write_text(block("yaml"))
    edit(
        models / "marts" / "exposures.yml",
        "      - ref('rfm')\n",
        "      - ref('rfm')\n      - ref('revenue_by_country')\n",
    )
    return copy


def test_the_worked_example_builds_and_passes_every_gate(warehouse: Settings, client: Client, project: Path) -> None:
    settings = warehouse.model_copy(update={"gtc_dataset": "worked_example"})
    migrate(client, settings.dataset)
    sale = [
        "00000000-0000-0000-0000-000000000001",
        "charge",
        datetime(2026, 1, 31, 12),
        "ada",
        Decimal("10"),
        "USD",
        "DE",
    ]
    names = ["event_id", "event_type", "event_at", "user_id", "amount", "currency", "country"]
    client.insert("revenue_events", [sale], column_names=names, database=settings.dataset.raw_database)
    environment = dbt_environment(settings) | {
        "DBT_PROJECT_DIR": str(project),
        "DBT_PROFILES_DIR": str(PROJECT_ROOT),
        "DBT_SCHEMA": "dev_ann",
    }
    dbt = Path(sys.executable).with_name("dbt")
    built = subprocess.run(
        [dbt, "build", "--select", "+revenue_by_country"],
        env=environment,
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout
    assert client.query("select * from dev_ann.revenue_by_country").result_rows == [
        ("DE", Decimal("10.00"), date(2026, 1, 1))
    ]
    gates = [sys.executable, project / "checks" / "gates.py", project / "target" / "manifest.json"]
    checked = subprocess.run(gates, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout.splitlines()[-1].split(", ")[1]) == (0, "0 faults")
