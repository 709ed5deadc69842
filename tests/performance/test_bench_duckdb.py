"""The core of the marts, built by dbt on ClickHouse and on DuckDB from the same simulated rows, in turn in one run."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from duckdb_side import build as build_on_duckdb
from duckdb_side import export_raw

from gtc.settings import Settings
from simulator.order import Order
from simulator.run import simulate
from simulator.world_file import read_world
from warehouse.dbt import build

pytestmark = pytest.mark.bench

RecordFigure = Callable[..., None]

#: People who leave some two million product events in thirteen months.
TWO_MILLION = 42_000

#: Marts of the main project whose core benchmarks/duckdb computes; `+`: with all that they are made from.
CORE = ["+kpi_daily", "+rfm", "+cohort_analysis"]

ROUNDS = 2


def test_the_core_on_duckdb_beside_the_core_on_clickhouse(
    warehouse: Settings, client: Client, tmp_path: Path, record_figure: RecordFigure
) -> None:
    settings = warehouse.model_copy(update={"gtc_dataset": "bench_duckdb"})
    order = Order(read_world(), TWO_MILLION, date(2025, 1, 1), date(2026, 1, 31), 1)
    rows = simulate(client, settings.dataset, order, truth=tmp_path / "truth").rows
    export_raw(client, settings.dataset, tmp_path / "duckdb")
    on_clickhouse, on_duckdb = [], []
    for _ in range(ROUNDS):
        on_clickhouse.append(build_on_clickhouse(settings))
        (tmp_path / "duckdb" / "core.duckdb").unlink(missing_ok=True)
        on_duckdb.append(build_on_duckdb(tmp_path / "duckdb"))
    record_figure("core of the marts: product events", rows["user_events"] / 1e6, "million")
    record_figure("core of the marts on ClickHouse, all models one after the other", min(on_clickhouse), "s")
    record_figure("core of the marts on DuckDB, all models one after the other", min(on_duckdb), "s")
    record_figure("core of the marts: ClickHouse by DuckDB", min(on_clickhouse) / min(on_duckdb), "ratio")


def build_on_clickhouse(settings: Settings) -> float:
    """Seconds that the models took, built whole and one after the other, without tests and seeds."""
    result = build(settings, select=CORE, full_refresh=True, with_tests=False, threads=1)
    assert result.success, [f"{node.name}: {node.message}" for node in result.failures]
    return sum(node.seconds for node in result.nodes if node.kind == "model")
