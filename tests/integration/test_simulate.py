"""`gtc simulate` against a real warehouse: once is enough, interruptions are mended, other parameters are refused."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from platforms import service_environment
from typer.testing import CliRunner

from gtc.commands import app
from gtc.settings import Dataset, Settings
from simulator import loads
from simulator.order import Order
from simulator.people import CELL
from simulator.run import simulate
from simulator.world_file import read_world
from warehouse.migrations import migrate

ORDER = Order(read_world(), 2 * CELL + 300, date(2025, 3, 25), date(2025, 4, 20), 9)


def hashes(client: Client, dataset: Dataset) -> dict[str, tuple[int, int]]:
    """Rows of each raw table as readers get them, each event once, with a hash that no order disturbs."""
    found = {}
    for table in loads.FILLED:
        query = f"select count(), sum(cityHash64(* except(row_version))) from {dataset.raw_database}.{table} final"
        if table == "load_rejects":
            query = query.replace("* except(row_version)", "*")
        found[table] = tuple(client.query(query).result_rows[0])
    return found


@pytest.fixture(scope="module")
def clean(warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Path]:
    """A data set into which ORDER was loaded without trouble, and the folder of its truth."""
    from warehouse.client import connect

    dataset, folder = Dataset("sim_clean"), tmp_path_factory.mktemp("truth")
    with connect(warehouse) as client:
        simulate(client, dataset, ORDER, truth=folder)
    return dataset, folder


def test_each_planted_event_reaches_the_readers_once(client: Client, clean: tuple[Dataset, Path]) -> None:
    dataset, folder = clean
    truth = json.loads((folder / "truth.json").read_text())
    found = hashes(client, dataset)
    for table, counts in truth["delivery"].items():
        assert found[table][0] == counts["planted"], table
    assert found["load_rejects"][0] == sum(counts["malformed"] for counts in truth["delivery"].values())
    for table in ("marketing_spend", "system_metrics", "competitor_pricing", "market_trends"):
        assert found[table][0] == truth["rows_delivered"][table] > 0


def test_the_newest_delivery_of_a_repeated_event_wins(client: Client, clean: tuple[Dataset, Path]) -> None:
    raw = clean[0].raw_database
    differing = client.query(f"""
        with sent as (select event_id, max(received_at) as newest from {raw}.user_events group by event_id),
        kept as (select event_id, received_at from {raw}.user_events final)
        select count() from sent inner join kept on sent.event_id = kept.event_id
        where newest != received_at""").result_rows
    assert differing == [(0,)]


def test_money_is_exact_to_the_last_digit(client: Client, clean: tuple[Dataset, Path]) -> None:
    truth = json.loads((clean[1] / "truth.json").read_text())
    found = client.query(f"""
        select toString(toDate(event_at)), currency, toString(sum(amount))
        from {clean[0].raw_database}.revenue_events final
        where event_type = 'charge' group by all""").result_rows
    said = {(day["date"], code): Decimal(amount) for day in truth["days"] for code, amount in day["gross"].items()}
    assert {(day, code): Decimal(amount) for day, code, amount in found} == said


def test_the_load_is_logged_once_with_its_counts(client: Client, clean: tuple[Dataset, Path]) -> None:
    rows = client.query(f"""
        select status, rows_loaded, rows_rejected, content_hash, toString(load_id)
        from {clean[0].raw_database}.load_log final where source = 'simulator'""").result_rows
    assert [row[0] for row in rows] == ["done"]
    truth = json.loads((clean[1] / "truth.json").read_text())
    assert rows[0][1] + rows[0][2] == sum(truth["rows_delivered"].values())
    assert rows[0][3:] == (ORDER.content_hash, str(ORDER.load_id)) == (truth["content_hash"], truth["load_id"])


def test_the_same_order_again_changes_nothing(client: Client, clean: tuple[Dataset, Path]) -> None:
    before = hashes(client, clean[0])
    summary = simulate(client, clean[0], ORDER, truth=clean[1])
    assert summary.already_there
    assert hashes(client, clean[0]) == before


def test_a_lost_truth_is_drawn_again_without_loading(
    client: Client, clean: tuple[Dataset, Path], tmp_path: Path
) -> None:
    simulate(client, clean[0], ORDER, truth=tmp_path)
    assert json.loads((tmp_path / "truth.json").read_text()) == json.loads((clean[1] / "truth.json").read_text())
    assert (tmp_path / "people.parquet").read_bytes() == (clean[1] / "people.parquet").read_bytes()


def test_an_interrupted_simulation_run_again_equals_a_clean_one(
    client: Client, clean: tuple[Dataset, Path], tmp_path: Path
) -> None:
    dataset = Dataset("sim_interrupted")

    def interrupt(done: int, _: int) -> None:
        if done >= 2 * CELL:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(client, dataset, ORDER, truth=tmp_path, progress=interrupt, block_users=CELL)
    assert not (tmp_path / "truth.json").exists()
    assert [load.status for load in loads.known_loads(client, dataset)] == ["failed"]
    assert not simulate(client, dataset, ORDER, truth=tmp_path).already_there
    assert hashes(client, dataset) == hashes(client, clean[0])


def test_a_killed_simulation_run_again_equals_a_clean_one(
    warehouse: Settings, client: Client, clean: tuple[Dataset, Path], tmp_path: Path
) -> None:
    dataset = Dataset("sim_killed")
    script = f"""
import os
from pathlib import Path
from test_simulate import ORDER
from gtc.settings import Dataset, load_settings
from simulator.people import CELL
from simulator.run import simulate
from warehouse.client import connect
def die(done, _):
    if done > CELL:
        os._exit(9)
target, truth = Dataset("{dataset.name}"), Path(r"{tmp_path}")
simulate(connect(load_settings()), target, ORDER, truth=truth, progress=die, block_users=CELL)
"""
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parent)])
    environment = {**service_environment(warehouse), "PYTHONPATH": path}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 9
    assert [load.status for load in loads.known_loads(client, dataset)] == ["running"]
    simulate(client, dataset, ORDER, truth=tmp_path)
    assert hashes(client, dataset) == hashes(client, clean[0])
    assert [load.status for load in loads.known_loads(client, dataset)] == ["done"]


@pytest.fixture
def gtc(warehouse: Settings, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Runs `gtc` with the settings of the test's warehouse."""
    for name, value in service_environment(warehouse).items():
        monkeypatch.setenv(name, value)
    return CliRunner()


SMALL = ["simulate", "--users", "40", "--from", "2026-01-30", "--to", "2026-02-02", "--dataset", "sim_command"]


def test_other_parameters_are_refused_until_replace_is_given(gtc: CliRunner, client: Client) -> None:
    raw = Dataset("sim_command").raw_database
    first = gtc.invoke(app, [*SMALL, "--seed", "1", "--json"])
    assert first.exit_code == 0, first.output
    summary = json.loads(first.stdout)
    assert summary["rows"]["user_events"] > 40
    assert Path(summary["truth"]).exists()
    again = gtc.invoke(app, [*SMALL, "--seed", "1"])
    assert again.exit_code == 0
    assert "already simulated with these parameters, nothing to do" in again.stdout
    other = gtc.invoke(app, [*SMALL, "--seed", "2"])
    assert other.exit_code == 1
    assert "--dataset NAME, or drop the old one with --replace" in other.stderr
    assert len(other.stderr.splitlines()) == 1
    replaced = gtc.invoke(app, [*SMALL, "--seed", "2", "--replace", "--json"])
    assert replaced.exit_code == 0, replaced.output
    loads_left = client.query(f"select distinct toString(load_id) from {raw}.user_events").result_rows
    assert loads_left == [(json.loads(replaced.stdout)["load_id"],)]


def test_rows_that_others_loaded_survive_a_replacement(client: Client, tmp_path: Path) -> None:
    dataset = Dataset("sim_beside")
    migrate(client, dataset)
    columns = ["event_id", "event_name", "event_at", "source"]
    values = "toUUID('7d9b1f9e-0000-4000-8000-000000000001'), 'page_view', '2026-01-30 10:00:00', 'collector'"
    client.command(f"insert into {dataset.raw_database}.user_events ({', '.join(columns)}) values ({values})")
    order = replace(ORDER, users=20, last=ORDER.first)
    simulate(client, dataset, order, truth=tmp_path)
    simulate(client, dataset, replace(order, seed=10), truth=tmp_path, replace=True)
    found = client.query(
        f"select count() from {dataset.raw_database}.user_events where source = 'collector'"
    ).result_rows
    assert found == [(1,)]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--from", "yesterday"], "error: --from must be a day such as 2026-01-31: yesterday"),
        (["--users", "0"], "error: --users must be 1 or more: 0"),
        (["--world", "nowhere.yml"], "error: cannot read nowhere.yml"),
    ],
)
def test_wrong_options_are_one_line(gtc: CliRunner, arguments: list[str], line: str) -> None:
    result = gtc.invoke(app, ["simulate", "--dataset", "sim_none", *arguments])
    assert result.exit_code == 1
    assert result.stderr.startswith(line)
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_exported_files_imported_by_the_shipped_mappings_are_the_simulated_rows(
    gtc: CliRunner, client: Client, tmp_path: Path, form: str
) -> None:
    loaded, imported = Dataset("sim_loaded"), Dataset(f"sim_import_{form}")
    order = ["simulate", "--users", "60", "--from", "2026-01-30", "--to", "2026-02-20", "--seed", "3"]
    assert gtc.invoke(app, [*order, "--dataset", loaded.name, "--truth", str(tmp_path / "a")]).exit_code == 0
    result = gtc.invoke(app, [*order, "--export", str(tmp_path), "--format", form])
    assert result.exit_code == 0, result.output
    tables = loads.FILLED[:-1] if form == "csv" else ("user_events", "revenue_events")  # all but load_rejects
    for table in tables:
        mapping = f"warehouse/mappings/simulator_{table}.yml"
        file = str(tmp_path / f"{table}.{form}")
        result = gtc.invoke(
            app, ["import", file, "--mapping", mapping, "--dataset", imported.name, "--max-rejects", "0"]
        )
        assert result.exit_code == 0, result.output
        query = "select * except(row_version, source, load_id) from {raw}.{table} final order by event_id"
        ours, theirs = (
            client.query(query.format(raw=d.raw_database, table=table)).result_rows for d in (loaded, imported)
        )
        assert theirs == ours, table


def test_a_second_simulation_into_the_same_truth_waits_for_nobody(client: Client, tmp_path: Path) -> None:
    with loads.alone(tmp_path), pytest.raises(loads.SimulationRunsError, match="wait for it, or choose --truth DIR"):
        simulate(client, Dataset("sim_twice"), ORDER, truth=tmp_path)


def test_a_warehouse_that_is_gone_is_one_line(gtc: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_PORT", "9")
    result = gtc.invoke(app, SMALL)
    assert result.exit_code == 1
    assert "does not answer; run `make up`" in str(result.exception or result.stderr)
