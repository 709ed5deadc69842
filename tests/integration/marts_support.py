"""Reads raw rows and marts for the tests that compare the two, and fills raw with rows of a test's own."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from clickhouse_connect.driver.client import Client
from oracle_marts import Company

from gtc.settings import Dataset, Settings
from warehouse.dbt import BuildResult, build

Row = dict[str, Any]

#: What the oracle reads of each raw table.
RAW_COLUMNS = {
    "user_events": "event_id, event_name, event_at, received_at, user_id, anonymous_id, page_path, country,"
    " device_type, utm_source, utm_medium, referrer_host, row_version",
    "calculator_usage": "event_id, event_at, received_at, user_id, anonymous_id, row_version",
    "revenue_events": "event_id, event_type, event_at, received_at, user_id, anonymous_id, order_id, amount, currency,"
    " row_version",
}

MART_KEYS = {"kpi_daily": "kpi_date", "rfm": "customer_id"}


def for_dataset(settings: Settings, name: str) -> Settings:
    """The same warehouse, another data set."""
    return settings.model_copy(update={"gtc_dataset": name})


def rows(client: Client, sql: str) -> list[Row]:
    """The result as dictionaries."""
    return list(client.query(sql).named_results())


def company(client: Client, dataset: Dataset, **choices: Any) -> Company:
    """Everything that stands in raw, repeated deliveries included."""
    raw = {
        table: rows(client, f"select {columns} from {dataset.raw_database}.{table}")
        for table, columns in RAW_COLUMNS.items()
    }
    return Company(**raw, **choices)


def mart(client: Client, schema: str, name: str) -> list[Row]:
    """A mart in the order of its key."""
    return rows(client, f"select * from {schema}.{name} order by {MART_KEYS[name]}")


def differences(actual: list[Row], expected: list[Row]) -> list[str]:
    """The first few columns that differ, named by row; empty when the tables are equal."""
    if len(actual) != len(expected):
        return [f"{len(actual)} rows, expected {len(expected)}"]
    found = [
        f"row {number} {next(iter(wanted.values()))} {column}: {got.get(column)!r}, expected {value!r}"
        for number, (got, wanted) in enumerate(zip(actual, expected, strict=True))
        for column, value in wanted.items()
        if got.get(column) != value or set(got) != set(wanted)
    ]
    return found[:10]


def must_build(settings: Settings, **options: Any) -> BuildResult:
    """Build, and fail with dbt's own words when a node failed."""
    result = build(settings, **options)
    assert result.success, [f"{node.name}: {node.message}" for node in result.failures]
    return result


def compiled_tables(settings: Settings) -> list[tuple[str, str]]:
    """Relation and compiled SQL of each model that dbt materialises as a table, in an order that can be run."""
    folder: Path = settings.gtc_var_dir / "dbt" / settings.dataset.name
    manifest = json.loads((folder / "manifest.json").read_text())["nodes"]
    results = json.loads((folder / "run_results.json").read_text())["results"]
    ran = [result["unique_id"] for result in results if result["unique_id"].startswith("model.")]
    models = [manifest[name] for name in ran if manifest[name]["config"]["materialized"] == "table"]
    return [(f"{model['schema']}.{model['alias']}", model["compiled_code"]) for model in models]


def insert(client: Client, dataset: Dataset, table: str, raw_rows: list[Row]) -> None:
    """Insert rows that all have the same columns."""
    if raw_rows:
        names = list(raw_rows[0])
        data = [[row[name] for name in names] for row in raw_rows]
        client.insert(table, data, column_names=names, database=dataset.raw_database)


def uuid_of(number: int) -> UUID:
    """A UUID whose two halves sort differently, so that a wrong order of ids shows."""
    return UUID(int=(number * 0x9E3779B97F4A7C15 % 2**64 << 64) | number)
