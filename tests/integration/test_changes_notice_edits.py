"""A model that is built by changes is built whole when a seed or a model that it is built from was edited."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from marts_support import for_dataset, insert, rows, uuid_of

from gtc.settings import PROJECT_ROOT, Settings
from warehouse.dbt import dbt_environment
from warehouse.migrations import migrate

Edit = Callable[[Path], None]


def replace(path: Path, old: str, new: str) -> None:
    """Replace one place, which must be there."""
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name}: {old}"
    path.write_text(text.replace(old, new))


def newsletters_are_lifecycle(project: Path) -> None:
    replace(project / "seeds" / "channel_rules.csv", "20,email,", "20,lifecycle,")


def newsletters_are_lifecycle_in_sql(project: Path) -> None:
    replace(
        project / "models" / "intermediate" / "people" / "traffic_sources.sql",
        "argMin(rules.channel, rules.priority) as channel",
        "if(sources.utm_medium = 'newsletter', 'lifecycle', argMin(rules.channel, rules.priority)) as channel",
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    copy = tmp_path / "dbt_project"
    shutil.copytree(PROJECT_ROOT / "dbt_project", copy, ignore=shutil.ignore_patterns("target", "logs"))
    return copy


def build(settings: Settings, project: Path) -> None:
    """Build the sessions of the copied project with dbt itself, as an analyst does."""
    environment = dbt_environment(settings) | {"DBT_PROJECT_DIR": str(project)}
    command = [Path(sys.executable).with_name("dbt"), "build", "--select", "+person_sessions"]
    command += ["--vars", "{build_whole_above_share: 1}"]
    built = subprocess.run(command, env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout


def visit(number: int, day: int, person: str) -> dict[str, object]:
    at = datetime(2026, 3, day, 12)
    row = {"event_id": uuid_of(number), "event_name": "page_view", "event_at": at, "received_at": at}
    return row | {"user_id": person, "utm_medium": "newsletter"}


@pytest.mark.parametrize(
    ("name", "edit"), [("seed", newsletters_are_lifecycle), ("model", newsletters_are_lifecycle_in_sql)]
)
def test_people_who_did_nothing_follow_an_edit(
    warehouse: Settings, client: Client, project: Path, name: str, edit: Edit
) -> None:
    settings = for_dataset(warehouse, f"edited_{name}")
    migrate(client, settings.dataset)
    insert(client, settings.dataset, "user_events", [visit(1, 1, "ada")])
    build(settings, project)
    edit(project)
    insert(client, settings.dataset, "user_events", [visit(2, 2, "bob")])
    build(settings, project)
    place = f"{settings.dataset.schema}_intermediate.person_sessions"
    found = rows(client, f"select person_id, channel from {place} order by person_id")
    assert [(row["person_id"], row["channel"]) for row in found] == [("ada", "lifecycle"), ("bob", "lifecycle")]
