"""The core of the marts on DuckDB (benchmarks/duckdb): raw as Parquet, dbt's build, the resulting tables."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
from clickhouse_connect.driver.client import Client

from gtc.settings import PROJECT_ROOT, Dataset

PROJECT = PROJECT_ROOT / "benchmarks" / "duckdb"
SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"

#: What the models of benchmarks/duckdb read of each raw table.
EXPORTED = {
    "user_events": "toString(event_id) as event_id, toString(event_name) as event_name, event_at, user_id,"
    " anonymous_id, row_version",
    "calculator_usage": "toString(event_id) as event_id, event_at, user_id, anonymous_id, row_version",
    "revenue_events": "toString(event_id) as event_id, toString(event_type) as event_type, event_at, user_id,"
    " anonymous_id, order_id, refunded_order_id, amount, toString(currency) as currency, row_version",
}


def export_raw(client: Client, dataset: Dataset, folder: Path) -> None:
    """Write the raw tables of a data set as Parquet files, repeated deliveries included."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, columns in EXPORTED.items():
        sql = f"select {columns} from {dataset.raw_database}.{table}"
        with client.raw_stream(sql, fmt="Parquet") as stream, (folder / f"{table}.parquet").open("wb") as file:
            while piece := stream.read(1 << 20):
                file.write(piece)


def build(folder: Path) -> float:
    """Run dbt on what `export_raw` left in a folder; returns the seconds that its models took, one after the other."""
    environment = {**os.environ, "GTC_DUCKDB_FOLDER": str(folder), "GTC_DUCKDB_SEEDS": str(SEEDS)}
    environment |= {"DBT_TARGET_PATH": str(folder / "target"), "DBT_LOG_PATH": str(folder / "logs")}
    command = [Path(sys.executable).with_name("dbt"), "build", "--project-dir", PROJECT, "--profiles-dir", PROJECT]
    ended = subprocess.run([*command, "--quiet"], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return sum(float(result["execution_time"]) for result in results)


def table(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """The answer to a query of the built database."""
    with duckdb.connect(str(folder / "core.duckdb"), read_only=True) as opened:
        return opened.execute(sql).fetchall()
