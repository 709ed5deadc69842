"""Migrations on a real engine: idempotent, safe at once, honest about changed files, retention as a variable."""

import shutil
import threading
import uuid
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from gtc.settings import Dataset, Settings
from warehouse.client import connect
from warehouse.migrations import SCHEMA_DIR, migrate, read_migrations
from warehouse.schema_templates import MigrationError

TABLES = {
    "user_events", "calculator_usage", "revenue_events", "experiment_exposures", "marketing_spend",
    "performance_metrics",
    "competitor_pricing", "competitor_features", "competitor_seo", "market_trends", "system_metrics", "load_rejects",
    "load_log", "schema_migrations",
}  # fmt: skip


@pytest.fixture
def dataset() -> Dataset:
    return Dataset(f"m{uuid.uuid4().hex[:12]}")


def tables(client: Client, dataset: Dataset) -> dict[str, str]:
    query = "select name, engine_full from system.tables where database = {a:String}"
    return dict(client.query(query, parameters={"a": dataset.raw_database}).result_rows)


def test_migrate_creates_every_raw_table_and_the_second_run_changes_nothing(client: Client, dataset: Dataset) -> None:
    assert [migration.number for migration in migrate(client, dataset)] == [m.number for m in read_migrations()]
    first = tables(client, dataset)
    assert set(first) == TABLES
    assert migrate(client, dataset) == []
    assert tables(client, dataset) == first


def test_databases_are_atomic_and_every_column_and_table_has_a_comment(client: Client, dataset: Dataset) -> None:
    migrate(client, dataset)
    names = f"('{dataset.raw_database}', '{dataset.ml_database}')"
    assert client.query(f"select engine from system.databases where name in {names}").result_rows == [("Atomic",)] * 2
    for catalogue in ("columns where comment = '' and", "tables where comment = '' and"):
        assert client.query(f"select * from system.{catalogue} database in {names}").result_rows == []


def test_two_runs_at_once_are_harmless(warehouse: Settings, client: Client, dataset: Dataset) -> None:
    faults: list[Exception] = []

    def run() -> None:
        try:
            migrate(connect(warehouse), dataset)
        except Exception as error:  # noqa: BLE001 - any failure fails the test
            faults.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert set(tables(client, dataset)) == TABLES
    applied = client.query(f"select number from {dataset.raw_database}.schema_migrations final order by 1").result_rows
    assert applied == [(migration.number,) for migration in read_migrations()]


def test_a_file_that_changed_after_it_was_applied_is_an_error_that_says_what_to_do(
    client: Client, dataset: Dataset, tmp_path: Path
) -> None:
    folder = tmp_path / "schema"
    shutil.copytree(SCHEMA_DIR, folder)
    migrate(client, dataset, folder=folder)
    changed = folder / "0002_operations.sql.j2"
    changed.write_text(changed.read_text() + "\n-- one more line\n")

    with pytest.raises(MigrationError, match="0002_operations was applied and has changed since: restore the file"):
        migrate(client, dataset, folder=folder)
    changed.unlink()
    with pytest.raises(MigrationError, match="without gaps"):
        migrate(client, dataset, folder=folder)


def test_a_new_file_is_applied_on_top(client: Client, dataset: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "schema"
    shutil.copytree(SCHEMA_DIR, folder)
    migrate(client, dataset, folder=folder)
    added = "alter table {{ raw }}.user_events add column if not exists referrer_path String default '' comment 'Path'"
    (folder / f"{len(read_migrations()) + 1:04}_referrer_path.sql.j2").write_text(added)

    assert [migration.name for migration in migrate(client, dataset, folder=folder)] == ["referrer_path"]
    client.command(f"select referrer_path from {dataset.raw_database}.user_events")


def test_retention_is_set_changed_and_removed_on_tables_that_exist(client: Client, dataset: Dataset) -> None:
    migrate(client, dataset, ttl_days={"system_metrics": 30})
    assert "TTL toDateTime(event_at) + toIntervalDay(30)" in tables(client, dataset)["system_metrics"]
    client.command(
        f"insert into {dataset.raw_database}.system_metrics (event_id, event_at, host, metric, value) "
        "select generateUUIDv4(), now64(3) - toIntervalDay(number * 10), 'h', 'm', 1 from numbers(10)"
    )

    migrate(client, dataset, ttl_days={"system_metrics": 15, "load_rejects": 7})
    assert "TTL toDateTime(event_at) + toIntervalDay(15)" in tables(client, dataset)["system_metrics"]
    assert "toIntervalDay(7)" in tables(client, dataset)["load_rejects"]
    client.command(f"optimize table {dataset.raw_database}.system_metrics final")
    assert client.query(f"select count() from {dataset.raw_database}.system_metrics").result_rows == [(2,)]

    migrate(client, dataset, ttl_days={"system_metrics": 0})
    assert not any("TTL" in engine for engine in tables(client, dataset).values())


def test_retention_of_an_unknown_table_is_an_error(client: Client, dataset: Dataset) -> None:
    with pytest.raises(MigrationError, match="no ttl in warehouse/schema/: user_event"):
        migrate(client, dataset, ttl_days={"user_event": 3})
