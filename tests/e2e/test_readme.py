"""The README, word by word: every command in it runs in a fresh clone.

`make test` is left out where it stands, since this test is a part of it; and the address of the real ClickHouse,
which nobody here has, becomes that of a second embedded one that the platform does not supervise.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from platforms import make_settings, service_environment, wait_until_up
from superset_side import Person

from gtc.settings import PROJECT_ROOT, Settings

README = (PROJECT_ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def block_with(words: str) -> str:
    found = [block for block in BLOCKS if words in block]
    assert len(found) == 1, f"{len(found)} blocks of the README contain: {words}"
    return str(found[0])


@pytest.fixture(scope="module")
def demo_output(demo) -> str:
    """The first block, as a newcomer runs it."""
    assert block_with("make demo") == "make demo\nmake test\n"
    return str(demo.stdout)


@pytest.fixture
def foreign_clickhouse(tmp_path: Path) -> Iterator[Settings]:
    """A ClickHouse that answers at an address and that `gtc up` did not start."""
    settings = make_settings(tmp_path)
    process = subprocess.Popen([sys.executable, "-m", "warehouse.server"], env=service_environment(settings))
    wait_until_up(settings, process)
    yield settings
    process.terminate()
    process.wait(30)


def mart_hashes(shell) -> str:
    """Rows and content of every table that the demo fills, by database and table.

    Repeats that wait for a merge are read merged, and the live week, whose rows merge and expire by the minute, is left
    to `live_rows`.
    """
    tables = shell(
        '.venv/bin/gtc query -f TSV "select database, name, engine from system.tables where database not in '
        "('system', 'default') and engine not like '%View' and engine <> 'AggregatingMergeTree' "
        "and lower(database) <> 'information_schema' order by all\""
    ).stdout
    places = [line.split("\t") for line in tables.splitlines()]
    assert len(places) > 100
    each = " union all ".join(
        f"select '{database}.{name}' as place, count() as n, groupBitXor(cityHash64(*)) as hash "
        f"from {database}.{name} {'final' if engine.startswith('Replacing') else ''}"
        for database, name, engine in places
    )
    return shell(f'.venv/bin/gtc query -f TSV "select * from ({each}) order by place"').stdout


def live_rows(shell, since: str) -> str:
    """Minutes of the live week from `since` on, as everybody reads them: merged."""
    return shell(
        ".venv/bin/gtc query -f TSV "
        f"\"select * from analytics_intermediate.live_requests where minute_at >= '{since}' order by all\""
    ).stdout


def test_the_demo_prints_figures_of_each_data_set_and_what_to_open_next(demo_output: str) -> None:
    for words in ("globaltaxcalc", "net revenue", "gtc query", "make down"):
        assert words in demo_output.lower() or words in demo_output, words


def test_the_administrator_of_superset_is_told_once_can_log_in_and_stands_in_no_file(
    demo, shell, newcomer, fresh_clone: Path
) -> None:
    found = re.search(r"Superset's administrator is admin, password (\S+)", demo.stderr)
    assert found
    administrator = Person(f"http://127.0.0.1:{newcomer['SUPERSET_PORT']}", "admin", found[1])
    assert "executive" in administrator.dashboards()
    again = shell("make up")
    assert "password" not in again.stdout + again.stderr
    written = [*(fresh_clone / "var" / "log").rglob("*"), *(fresh_clone / "var" / "superset").rglob("*")]
    assert [path for path in written if path.is_file() and found[1].encode() in path.read_bytes()] == []


def test_the_demo_run_twice_skips_what_is_done_and_changes_nothing(demo_output: str, shell) -> None:
    since = f"{datetime.now(UTC) - timedelta(days=6):%Y-%m-%d %H:%M}:00"
    marts, live = mart_hashes(shell), live_rows(shell, since)
    assert live
    again = shell("make demo")
    assert "already" in again.stdout + again.stderr
    assert mart_hashes(shell) == marts
    assert live_rows(shell, since) == live


@pytest.mark.parametrize(
    "words", ["make status", "gtc dashboards deploy --check", "source .venv/bin/activate", "gtc import --help"]
)
def test_the_commands_of_a_block_work(demo_output: str, shell, words: str) -> None:
    assert shell(block_with(words)).stdout


def test_the_documentation_shows_every_exposure_in_the_lineage(demo_output: str, shell, fresh_clone: Path) -> None:
    shell("make docs")
    target = fresh_clone / "dbt_project" / "target"
    manifest = json.loads((target / "manifest.json").read_text())
    catalog = json.loads((target / "catalog.json").read_text())
    assert (target / "index.html").exists()
    written = {
        entry["name"]
        for file in (fresh_clone / "dbt_project" / "models").rglob("*.yml")
        for entry in (yaml.safe_load(file.read_text()) or {}).get("exposures", [])
    }
    assert written == {exposure["name"] for exposure in manifest["exposures"].values()}
    for name, exposure in manifest["exposures"].items():
        parents = manifest["parent_map"][name]
        assert parents, f"{exposure['name']} hangs in the air"
        assert set(parents) <= set(catalog["nodes"]), f"{exposure['name']}: a parent has no columns in the warehouse"
        assert all(name in manifest["child_map"][parent] for parent in parents)


def test_a_real_clickhouse_is_a_change_of_address(demo_output: str, shell, fresh_clone, foreign_clickhouse) -> None:
    (fresh_clone / "secret-of-etl").write_text(foreign_clickhouse.warehouse_password.get_secret_value())
    (fresh_clone / "secret-of-reader").write_text(foreign_clickhouse.warehouse_reader_password.get_secret_value())
    block = block_with("clickhouse.example.com")
    for theirs, ours in (
        ("clickhouse.example.com", foreign_clickhouse.warehouse_host),
        ("8443", str(foreign_clickhouse.warehouse_port)),
        ("WAREHOUSE_SECURE=true", "WAREHOUSE_SECURE=false"),
    ):
        assert theirs in block
        block = block.replace(theirs, ours)
    assert shell(block).stdout


def test_every_block_is_executed_by_a_test_above() -> None:
    covered = (
        "make demo",
        "make status",
        "gtc dashboards",
        "source .venv/bin/activate",
        "gtc import --help",
        "clickhouse.example.com",
    )
    assert [block for block in BLOCKS if not any(words in block for words in covered)] == []


def test_every_command_is_in_the_readme_and_has_help() -> None:
    from typer.main import get_command

    from gtc.commands import app

    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert command.help, f"gtc {name} has no help"
        assert f"gtc {name}" in README or f"make {name}" in README, f"gtc {name} is not in the README"
