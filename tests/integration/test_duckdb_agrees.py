"""The core of the marts on DuckDB gives the same figures as on ClickHouse, row by row and to the cent."""

from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from duckdb_side import build, export_raw, table

from gtc.settings import Settings

#: Tables of benchmarks/duckdb, and the query that the marts answer with the same rows. No tolerance: counts are whole
#: numbers, money is decimal on both sides.
SAME = {
    "kpi_daily": "select kpi_date, dau, wau, mau, sessions, sign_ups, orders, gross_revenue, net_revenue"
    " from {marts}.kpi_daily",
    "rfm": "select customer_id, frequency, first_order_date, last_order_date, recency_days, monetary, recency_score,"
    " frequency_score, monetary_score, segment from {marts}.rfm",
}


@pytest.fixture(scope="module")
def duckdb_folder(simulated: Settings, marts_client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated company in DuckDB."""
    folder = tmp_path_factory.mktemp("duckdb")
    export_raw(marts_client, simulated.dataset, folder)
    build(folder)
    return folder


@pytest.mark.parametrize("name", SAME)
def test_both_engines_give_the_same_rows(
    simulated: Settings, marts_client: Client, duckdb_folder: Path, name: str
) -> None:
    expected = marts_client.query(SAME[name].format(marts=simulated.dataset.schema)).result_rows
    assert len(expected) > 50
    assert sorted(table(duckdb_folder, f"select * from {name}")) == sorted(expected)


def test_both_engines_see_the_same_people_come_back_month_by_month(
    simulated: Settings, marts_client: Client, duckdb_folder: Path
) -> None:
    # The mart shows no figure of a month that is not over, and a 0 where nobody came back.
    found = marts_client.query(
        "select cohort_start, period_start, returned_users, is_complete"
        f" from {simulated.dataset.schema}.cohort_analysis"
        " where cohort = 'first_activity' and granularity = 'month' and breakdown = 'all'"
    ).result_rows
    finished = {month for _, month, _, is_complete in found if is_complete}
    expected = {(cohort, month, people) for cohort, month, people, is_complete in found if is_complete and people}
    sql = "select cohort_month, (cohort_month + to_months(month_number))::date as month, people from retention_monthly"
    assert len(expected) >= 10
    assert {row for row in table(duckdb_folder, sql) if row[1] in finished} == expected


def test_both_engines_see_the_same_people_on_each_step_of_the_purchase_journey(
    simulated: Settings, marts_client: Client, duckdb_folder: Path
) -> None:
    expected = marts_client.query(
        f"select step, users from {simulated.dataset.schema}.funnels where funnel = 'purchase_journey' order by step"
    ).result_rows
    assert len(expected) == 5
    assert min(people for _, people in expected) > 10
    found = table(duckdb_folder, "select step_number, people from purchase_funnel order by step_number")
    assert [tuple(row) for row in found] == [tuple(row) for row in expected]
