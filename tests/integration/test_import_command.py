"""`gtc import` as a user meets it: exit status, one line for an error, JSON, and the worked example of the manual."""

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from importing import Importing, environment_of
from typer.testing import CliRunner

from gtc.commands import app
from gtc.settings import PROJECT_ROOT, Settings

GTC = Path(sys.executable).parent / "gtc"
MANUAL = (PROJECT_ROOT / "docs" / "importing.md").read_text()
TRENDS = "table: market_trends\ncolumns: {period_start: day, topic: topic, metric: \"'m'\", value: n}\n"
CONTENT = "day,topic,n\n2024-01-01,tax,1\n2024-01-02,tax,oops\n"


@pytest.fixture
def importing(client: Client, tmp_path: Path) -> Importing:
    return Importing.fresh(client, tmp_path)


def gtc(importing: Importing, settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `gtc` in the test's folder, on the test's data set."""
    environment = {**environment_of(settings), "GTC_DATASET": importing.dataset.name}
    return subprocess.run(
        [str(GTC), *arguments], cwd=importing.folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_the_worked_example_of_the_manual_prints_what_the_manual_says(
    importing: Importing, warehouse: Settings
) -> None:
    files = re.findall(r"```\w+ file=(\S+)\n(.*?)```", MANUAL, re.S)
    assert [name for name, _ in files] == ["payments.csv", "payments.yml"]
    for name, content in files:
        importing.file(name, content)
    examples = re.findall(r"```console\n\$ gtc (.*?)\n(.*?)```", MANUAL, re.S)
    assert len(examples) == 2
    for command, expected in examples:
        ran = gtc(importing, warehouse, *shlex.split(command.replace("raw.", f"{importing.dataset.raw_database}.")))
        shown = ran.stdout.replace(f"{importing.dataset.raw_database}.", "raw.")
        shown = re.sub(r", [\d.]+ s \([\d,]+ rows a minute\)", "", shown).partition("all of them:")[0]
        assert (ran.returncode, shown) == (0, expected), ran.stderr


def test_json_is_one_document_on_standard_output(importing: Importing, warehouse: Settings) -> None:
    importing.file("trends.csv", CONTENT)
    importing.file("trends.yml", TRENDS)
    ran = gtc(importing, warehouse, "import", "trends.csv", "--mapping", "trends.yml", "--json")
    summary = json.loads(ran.stdout)

    counts = [summary[name] for name in ("rows_read", "rows_loaded", "rows_rejected")]
    assert (summary["status"], counts) == ("done", [2, 1, 1])
    assert summary["first_rejects"][0]["line"] == 3
    assert "loading" in ran.stderr
    again = gtc(importing, warehouse, "import", "trends.csv", "--mapping", "trends.yml")
    assert again.returncode == 0
    assert "already loaded" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["absent.csv"], 1, "cannot open the file: absent.csv"),
        (["."], 1, "a directory, not a file: ."),
        (["empty.csv"], 1, "the file is empty: empty.csv"),
        (["binary.csv"], 1, "not a text file"),
        (["cut.csv.gz"], 1, "the archive is damaged or ends too early: cut.csv.gz"),
        (["trends.csv", "--max-rejects", "0"], 1, "more than --max-rejects 0"),
        (["trends.csv", "--max-rejects", "many"], 2, "--max-rejects"),
    ],
)
def test_what_goes_wrong_is_one_line_and_an_honest_exit_status(
    importing: Importing,
    warehouse: Settings,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(importing.folder)
    for name, value in {**environment_of(warehouse), "GTC_DATASET": importing.dataset.name}.items():
        monkeypatch.setenv(name, value)
    importing.file("trends.yml", TRENDS)
    importing.file("trends.csv", CONTENT)
    importing.file("empty.csv", b"")
    importing.file("binary.csv", bytes(range(256)) * 20)
    importing.file("cut.csv.gz", b"\x1f\x8b\x08\0\0\0\0\0")
    ran = CliRunner().invoke(app, ["import", *arguments, "--mapping", "trends.yml"])

    assert ran.exit_code == status, ran.stderr
    assert message in ran.stderr
    errors = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert status == 2 or len(errors) == 1
    assert "Traceback" not in ran.stderr
    assert importing.rows("select count() from raw.market_trends") == [(0,)]


def test_an_unknown_column_is_named_with_the_nearest_one(importing: Importing, warehouse: Settings) -> None:
    importing.file("trends.csv", CONTENT)
    importing.file("wrong.yml", TRENDS.replace("topic: topic", "topic: topik"))
    ran = gtc(importing, warehouse, "import", "trends.csv", "--mapping", "wrong.yml")

    assert ran.returncode == 1
    assert "error: wrong: column `topic`: the file has no column `topik`; did you mean `topic`?" in ran.stderr


def test_ctrl_c_ends_with_130_and_leaves_nothing(importing: Importing, warehouse: Settings) -> None:
    rows = "".join(f"2024-01-01,tax,{number}\n" for number in range(3_000_000))
    importing.file("trends.csv", "day,topic,n\n" + rows)
    importing.file("trends.yml", TRENDS)
    environment = {**environment_of(warehouse), "GTC_DATASET": importing.dataset.name}
    process = subprocess.Popen(
        [str(GTC), "import", "trends.csv", "--mapping", "trends.yml"],
        cwd=importing.folder, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    begun = f"select count() > 0 from system.parts where rows and database = '{importing.dataset.raw_database}' "
    deadline = time.monotonic() + 60
    while importing.rows(begun + "and endsWith(table, '_rows')") != [(1,)] and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130, errors
    assert "interrupted; nothing was loaded" in errors
    assert importing.rows("select count() from raw.market_trends") == [(0,)]
    assert importing.rows("select status from raw.load_log final") == [("failed",)]
