"""Reads raw rows and marts for the tests that compare the two, and fills raw with rows of a test's own."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
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
    "user_events": "event_id, event_name, event_at, received_at, user_id, anonymous_id, page_path, country, region,"
    " tax_residence, platform, device_type, language, utm_source, utm_medium, utm_campaign, referrer_host, properties,"
    " row_version",
    "calculator_usage": "event_id, event_at, received_at, user_id, anonymous_id, row_version",
    "revenue_events": "event_id, event_type, event_at, received_at, user_id, anonymous_id, order_id, refunded_order_id,"
    " subscription_id, plan, previous_plan, billing_period, plan_price, product_id, amount, tax_amount, currency,"
    " country, reason, row_version",
    "experiment_exposures": "event_id, event_at, received_at, user_id, anonymous_id, row_version",
    "performance_metrics": "event_id, event_at, received_at, country, status_code, duration_ms, row_version",
}

#: Raw tables that tests fill.
FILLED_TABLES = (*RAW_COLUMNS, "marketing_spend", "load_log", "load_rejects")

#: Tables that differ between two builds of the same data: how a build went, and what counts or names deliveries as
#: they stand in raw, of which merging parts removes repeats at any time. `shared_purchases` only says whom a build of
#: changes looks at: whoever any delivery names, also one that was corrected since.
NOT_COMPARED = {
    "build_marks", "event_changes", "person_changes", "shared_purchases", "delivery_days", "source_days",
    "data_quality",
}  # fmt: skip

#: Marts that a bench builds unless told otherwise.
CORE_MARTS = ("kpi_daily", "rfm")

#: Under which choices made-up companies are looked at.
CHOICES = {"time_zone": "Europe/London", "currency": "USD"}

MART_KEYS = {
    "kpi_daily": "kpi_date",
    "kpi_breakdown_daily": "dimension, dimension_value, kpi_date",
    "kpi_summary": "kpi, period_type, period_start, dimension, dimension_value",
    "revenue_weekly": "dimension, week, dimension_value",
    "rfm": "customer_id",
}


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


@dataclass(frozen=True)
class Model:
    """A model that dbt materialises as a table: its relation, its compiled SQL for a full build, what it reads."""

    name: str
    relation: str
    sql: str
    parents: frozenset[str]


def compiled_models(settings: Settings) -> list[Model]:
    """Models of the last build that are tables, in an order that can be run; views stay as dbt made them."""
    folder: Path = settings.gtc_var_dir / "dbt" / settings.dataset.name
    manifest = json.loads((folder / "manifest.json").read_text())["nodes"]
    results = json.loads((folder / "run_results.json").read_text())["results"]
    ran = [result["unique_id"] for result in results if result["unique_id"].startswith("model.")]
    return [
        Model(
            manifest[name]["name"],
            f"{manifest[name]['schema']}.{manifest[name]['alias']}" if is_table(manifest[name]) else "",
            manifest[name]["compiled_code"],
            frozenset(parent.split(".")[-1] for parent in manifest[name]["depends_on"]["nodes"]),
        )
        for name in ran
    ]


def is_table(node: Row) -> bool:
    """Whether a node of the manifest has rows of its own."""
    return node["config"]["materialized"] not in ("view", "ephemeral")


def with_ancestors(models: list[Model], wanted: Iterable[str]) -> list[Model]:
    """The wanted models that are tables and every table they are made from, in the order of `models`."""
    by_name, found, waiting = {model.name: model for model in models}, set(), list(wanted)
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in found:
            found.add(name)
            waiting += by_name[name].parents
    return [model for model in models if model.name in found and model.relation]


@dataclass(frozen=True)
class Bench:
    """A data set that dbt built once while it was empty, and what it takes to fill and build it again without dbt."""

    client: Client
    dataset: Dataset
    models: list[Model]

    def fill(self, raw: dict[str, list[Row]], marts: Iterable[str] = CORE_MARTS) -> None:
        """Replace all raw rows, and every table of these marts and of what they are made from."""
        assert set(raw) <= set(FILLED_TABLES)
        for table in FILLED_TABLES:
            self.client.command(f"truncate table {self.dataset.raw_database}.{table}")
            insert(self.client, self.dataset, table, raw.get(table, []))
        self.rebuild(marts=marts)

    def rebuild(self, wrong: tuple[str, str] | None = None, marts: Iterable[str] = CORE_MARTS) -> None:
        """Run the models again; `wrong` replaces a piece of their SQL, to see whether an oracle notices."""
        for model in with_ancestors(self.models, marts):
            self.client.command(
                f"create or replace table {model.relation} engine = MergeTree order by tuple() as"
                f" {model.sql.replace(*wrong) if wrong else model.sql}",
                settings={"join_use_nulls": 1},
            )

    def rows(self, sql: str) -> list[Row]:
        """The result of a query in which `marts.` stands for the schema of marts, `int.` for that of intermediates."""
        schema = self.dataset.schema
        return rows(self.client, sql.replace("marts.", f"{schema}.").replace("int.", f"{schema}_intermediate."))

    def company(self, **choices: Any) -> Company:
        """The oracle's view of what was filled in."""
        return company(self.client, self.dataset, **{**CHOICES, **choices})


def insert(client: Client, dataset: Dataset, table: str, raw_rows: list[Row]) -> None:
    """Insert rows that all have the same columns."""
    if raw_rows:
        names = list(raw_rows[0])
        data = [[row[name] for name in names] for row in raw_rows]
        client.insert(table, data, column_names=names, database=dataset.raw_database)


def uuid_of(number: int) -> UUID:
    """A UUID whose two halves sort differently, so that a wrong order of ids shows."""
    return UUID(int=(number * 0x9E3779B97F4A7C15 % 2**64 << 64) | number)
