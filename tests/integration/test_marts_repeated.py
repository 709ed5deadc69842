"""Building again changes nothing, data sets stay apart, and an analyst's schema is the analyst's."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
import yaml
from clickhouse_connect.driver.client import Client
from marts_support import NOT_COMPARED, for_dataset, insert, must_build, rows, uuid_of

from gtc.settings import PROJECT_ROOT, Settings
from simulator.order import Order
from simulator.run import simulate
from simulator.world_file import read_world
from warehouse.client import connect
from warehouse.dbt import BuildError, build
from warehouse.headlines import headline_kpis
from warehouse.migrations import migrate

#: Relations that a build makes and that are no model: how far builds came, and what fills stg_live_requests.
NO_NODES = {"build_marks", "stg_live_requests_mv"}


@pytest.fixture(scope="module")
def etl(warehouse: Settings) -> Iterator[Client]:
    """One client for the module."""
    with connect(warehouse) as opened:
        yield opened


@pytest.fixture(scope="module")
def built(warehouse: Settings, etl: Client) -> Settings:
    """A small simulated company, built once."""
    settings = for_dataset(warehouse, "repeated")
    order = Order(read_world(None), 400, date(2026, 1, 1), date(2026, 4, 30), 11)
    simulate(etl, settings.dataset, order, truth=settings.gtc_var_dir / "truth_repeated")
    must_build(settings)
    return settings


def contents(client: Client, prefix: str) -> dict[str, tuple[int, int]]:
    """Rows and an order-free hash of every table and view whose database begins with `prefix`.

    Tables of aggregation states are left out: equal states may differ in their bytes, and views on them are compared.
    """
    states = "select database, table from system.columns where startsWith(type, 'AggregateFunction')"
    tables = rows(
        client,
        f"select database, name from system.tables where startsWith(database, '{prefix}')"
        f" and (database, name) not in ({states}) order by database, name",
    )
    found = {}
    for table in tables:
        if table["name"] in NOT_COMPARED or table["name"].startswith("stg_"):
            continue
        name = f"{table['database']}.{table['name']}"
        [row] = rows(client, f"select count() as n, sum(cityHash64(toString(tuple(*)))) as hash from {name}")
        found[name] = (row["n"], row["hash"])
    return found


def test_building_twice_and_from_scratch_gives_the_same_rows(built: Settings, etl: Client) -> None:
    first, said = contents(etl, built.dataset.schema), []
    assert {f"{built.dataset.schema}.kpi_daily", f"{built.dataset.schema}.rfm"} <= set(first)
    result = must_build(built, threads=4, say=said.append)
    assert len(said) == len(result.nodes), "one line a node"
    assert any(line.startswith("model kpi_daily: ") for line in said)
    assert contents(etl, built.dataset.schema) == first
    must_build(built, threads=4, full_refresh=True, with_tests=False)
    assert contents(etl, built.dataset.schema) == first


def test_two_data_sets_and_an_analyst_do_not_touch_each_other(
    built: Settings, etl: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(etl, built.dataset.schema)
    other = for_dataset(built, "next_door")
    migrate(etl, other.dataset)
    sale = {
        "event_type": "charge",
        "event_at": datetime(2026, 1, 1),
        "user_id": "ada",
        "order_id": "o1",
        "currency": "USD",
    }
    row = {"event_id": uuid_of(1), "amount": Decimal("12.50"), **sale}
    insert(etl, other.dataset, "revenue_events", [row])
    monkeypatch.setenv("DBT_SCHEMA", "dev_ada")
    must_build(other, with_tests=False)
    assert contents(etl, built.dataset.schema) == before
    assert contents(etl, other.dataset.schema) == {}
    [revenue] = rows(etl, "select sum(net_revenue) as total from dev_ada.kpi_daily")
    assert revenue["total"] == Decimal("12.50")


@pytest.mark.heavy
def test_a_currency_without_a_rate_stops_the_marts_and_keeps_the_old_ones(built: Settings, etl: Client) -> None:
    other = for_dataset(built, "unrated")
    migrate(etl, other.dataset)
    sale = {"event_type": "charge", "event_at": datetime(2026, 1, 1), "user_id": "ada", "order_id": "o1"}
    insert(etl, other.dataset, "revenue_events", [{"event_id": uuid_of(1), "amount": 5, "currency": "XTS", **sale}])
    start = {"event_type": "subscription_started", "event_at": datetime(2026, 1, 1), "user_id": "ada", "plan": "plus"}
    price = {"subscription_id": "s1", "billing_period": "month", "plan_price": 12, "currency": "XTS"}
    insert(etl, other.dataset, "revenue_events", [{"event_id": uuid_of(2), **start, **price}])
    result = build(other, select="+kpi_daily +subscriptions")
    assert not result.success
    failed = {node.name for node in result.failures}
    assert "not_null_revenue_lines_exchange_rate" in failed
    assert any(name.startswith("has_rate_subscription_changes") for name in failed)
    assert {node.name for node in result.nodes if node.status == "skipped"} >= {"kpi_daily", "subscriptions"}


def test_refunds_that_take_money_stop_the_marts_until_they_are_delivered_right(
    warehouse: Settings, etl: Client
) -> None:
    settings = for_dataset(warehouse, "wrong_signs")
    migrate(etl, settings.dataset)
    day = datetime(2026, 1, 1)
    line = {"event_at": day, "received_at": day, "user_id": "ada", "currency": "USD", "event_type": "refund"}
    wrong = [line | {"event_id": uuid_of(number), "amount": Decimal(5)} for number in (1, 2)]
    insert(etl, settings.dataset, "revenue_events", wrong)
    result = build(settings, select="+sales_daily")
    assert [node.name for node in result.failures] == ["refunds_are_never_positive"]
    assert "sales_daily" in {node.name for node in result.nodes if node.status == "skipped"}
    remedies = [{"amount": Decimal(-5)}, {"event_type": "adjustment"}]
    later = [
        row | remedy | {"received_at": day + timedelta(days=1)} for row, remedy in zip(wrong, remedies, strict=True)
    ]
    insert(etl, settings.dataset, "revenue_events", later)
    must_build(settings, select="+sales_daily")
    [found] = rows(etl, f"select refunds, adjustments from {settings.dataset.schema}_intermediate.sales_daily")
    assert found == {"refunds": 5, "adjustments": 5}


def test_a_selection_that_does_not_exist_is_one_line(built: Settings) -> None:
    with pytest.raises(BuildError) as fault:
        build(built, select="no_such_model")
    assert "\n" not in str(fault.value)


def test_the_headline_is_read_from_the_marts(built: Settings, etl: Client) -> None:
    headline = {line.kpi: line for line in headline_kpis(etl, built.dataset)}
    newest = date.fromisoformat(headline["mau"].period)
    schema = built.dataset.schema
    [month] = rows(
        etl,
        f"select sum(net_revenue) as net, sum(orders) as orders from {schema}.kpi_daily"
        f" where kpi_date > toDate('{newest}') - 30 and kpi_date <= '{newest}'",
    )
    [day] = rows(etl, f"select max(kpi_date) as newest from {schema}.kpi_daily where not is_partial")
    assert (headline["net_revenue"].value, headline["orders"].value) == (month["net"], month["orders"])
    assert (headline["net_revenue"].unit, newest) == ("USD", day["newest"])


def test_the_headline_shows_the_newest_complete_month_and_its_change(built: Settings, etl: Client) -> None:
    headline = {line.kpi: line for line in headline_kpis(etl, built.dataset)}
    for kpi in ("mrr", "nrr", "grr", "churn_rate", "activation_rate", "trial_conversion_rate", "latency_p95_ms"):
        [row] = rows(
            etl,
            "select value, previous_change, previous_relative_change, toString(period_start) as month, is_complete,"
            " unit"
            f" from {built.dataset.schema}.kpi_summary where is_headline and kpi = '{kpi}' and period_type = 'month'"
            " and dimension = 'all'",
        )
        change = row["previous_change" if row["unit"] == "ratio" else "previous_relative_change"]
        assert (headline[kpi].value, headline[kpi].change, row["is_complete"]) == (row["value"], change, True)
        assert headline[kpi].period == row["month"][:7]
    # April's sign-ups may still be activated when the data ends with April; March is the newest month that is known.
    assert (headline["mrr"].period, headline["trial_conversion_rate"].period) != ("2026-04", "2026-04")


def test_the_headline_has_a_section_for_each_subject(built: Settings, etl: Client) -> None:
    headline = {line.kpi: line for line in headline_kpis(etl, built.dataset)}
    assert 0 < headline["people_back_in_month_1"].value < 1
    assert 1 > headline["visitors_to_calculator_started"].value > headline["visitors_to_paid"].value >= 0
    assert headline["top_channel_by_last_touch"].value
    [people] = rows(
        etl,
        f"select count() as people from {built.dataset.schema}.user_segments where lifecycle_stage is not null"
        f" and period = (select max(period) from {built.dataset.schema}.user_segments)",
    )
    stages = [line.value for line in headline.values() if line.kpi.startswith("stage_")]
    assert sum(stages) == people["people"]


def test_the_headline_of_an_empty_data_set_is_empty(warehouse: Settings, etl: Client) -> None:
    etl.command("create database if not exists nothing_analytics")
    etl.command("create table nothing_analytics.kpi_daily (kpi_date Date, is_partial Bool) engine = Memory")
    assert headline_kpis(etl, for_dataset(warehouse, "nothing").dataset) == []


def test_sources_describe_every_column_of_raw(built: Settings, etl: Client) -> None:
    document = yaml.safe_load((PROJECT_ROOT / "dbt_project" / "models" / "staging" / "_sources.yml").read_text())
    described = {table["name"]: {c["name"] for c in table["columns"]} for table in document["sources"][0]["tables"]}
    found = rows(
        etl,
        "select table as raw_table, groupArray(name) as names from system.columns"
        f" where database = '{built.dataset.raw_database}' group by raw_table",
    )
    raw = {row["raw_table"]: set(row["names"]) for row in found}
    raw.pop("schema_migrations")
    assert raw == described


def test_models_and_seeds_describe_every_column_of_the_warehouse(built: Settings, etl: Client) -> None:
    """The gates see the columns that are written down; a column that nobody wrote down shows in the warehouse only."""
    manifest = json.loads((built.gtc_var_dir / "dbt" / built.dataset.name / "manifest.json").read_text())
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    described = {
        (node["schema"], node["alias"]): {c["name"] for c in node["columns"].values() if c["description"]}
        for node in nodes
    }
    found = rows(
        etl,
        "select database, table as relation, groupArray(name) as names from system.columns"
        f" where startsWith(database, '{built.dataset.schema}') group by database, relation",
    )
    columns = {(row["database"], row["relation"]): set(row["names"]) for row in found}
    assert {relation for _, relation in columns.keys() ^ described.keys()} == NO_NODES
    unlike = {place: sorted(names ^ columns[place]) for place, names in described.items() if names != columns[place]}
    assert unlike == {}
