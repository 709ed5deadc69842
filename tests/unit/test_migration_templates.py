"""Migrations as text: one server, a cluster, and what a migration must look like."""

from pathlib import Path

import pytest

from gtc.settings import Dataset
from warehouse.migrations import read_migrations, read_retention
from warehouse.schema_templates import MigrationError, Renderer


def rendered(cluster: str | None = None, **days: int) -> list[str]:
    renderer = Renderer(Dataset("shop"), cluster, days)
    return [statement for migration in read_migrations() for statement in renderer.statements(migration.template)]


def test_on_one_server_each_table_is_one_plain_statement() -> None:
    statements = rendered()
    created = [statement for statement in statements if "create table if not exists shop_raw." in statement]
    assert len(created) == 13
    assert not any("on cluster" in statement or "Replicated" in statement for statement in statements)


def test_on_a_cluster_each_table_is_replicated_and_has_a_distributed_twin() -> None:
    statements = rendered("main")
    assert len([statement for statement in statements if "create table" in statement]) == 26
    assert all("on cluster 'main'" in statement for statement in statements)
    local = next(statement for statement in statements if "shop_raw.user_events_local" in statement)
    assert (
        "engine = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', row_version)" in local
    )
    assert (
        "create table if not exists shop_raw.user_events on cluster 'main' as shop_raw.user_events_local "
        "engine = Distributed('main', 'shop_raw', 'user_events_local', cityHash64(event_id))"
    ) in statements


def test_repeats_of_an_event_meet_on_one_shard() -> None:
    twins = [statement for statement in rendered("main") if "Distributed" in statement and "load_log" not in statement]
    assert all(statement.endswith(("cityHash64(event_id))", "cityHash64(load_id))")) for statement in twins)


def test_a_column_added_later_reaches_the_stored_table_and_its_distributed_twin() -> None:
    added = [statement for statement in rendered("main") if "add column if not exists ingested_at" in statement]
    for table in ("user_events_local", "user_events"):
        assert any(f"alter table shop_raw.{table} on cluster 'main' add column" in statement for statement in added)


def test_retention_becomes_a_ttl_and_zero_keeps_rows_for_ever() -> None:
    with_ttl = [statement for statement in rendered(user_events=30, revenue_events=0) if "\nttl " in statement]
    assert len(with_ttl) == 1
    assert "ttl toDateTime(event_at) + toIntervalDay(30)" in with_ttl[0]


def test_the_retention_file_names_every_table_that_can_have_one() -> None:
    renderer = Renderer(Dataset("shop"))
    for migration in read_migrations():
        renderer.statements(migration.template)
    assert set(read_retention()) == {table for table, column in renderer.tables.items() if column}


@pytest.mark.parametrize(
    "statement",
    [
        "create table x (a UInt8) engine = Memory",
        "drop table x",
        "alter table x add column b UInt8",
        "insert into x values (1)",
        "truncate table x",
    ],
)
def test_a_statement_that_is_not_harmless_when_repeated_is_refused(statement: str) -> None:
    with pytest.raises(MigrationError, match="harmless when run twice"):
        Renderer(Dataset("shop")).statements(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "alter table x add column if not exists b UInt8",
        "alter table x on cluster 'c' drop column if exists b",
        "drop table if exists x",
        "create or replace view v as select 1",
        "alter table x modify column b UInt16",
    ],
)
def test_statements_that_may_be_repeated_are_accepted(statement: str) -> None:
    assert Renderer(Dataset("shop")).statements(f"-- why\n{statement};\n") != []


def test_numbers_of_migrations_have_no_gaps(tmp_path: Path) -> None:
    (tmp_path / "0002_later.sql.j2").write_text("drop table if exists x")
    with pytest.raises(MigrationError, match="without gaps"):
        read_migrations(tmp_path)


def test_a_wrong_retention_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "retention.yml"
    path.write_text("days: {user_events: -1}")
    with pytest.raises(MigrationError, match="days of user_events must be 0 or more: -1"):
        read_retention(path)
