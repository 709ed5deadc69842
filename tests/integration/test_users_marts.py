"""Users, lifecycle, stickiness and cohorts equal the oracle and the planted truth, made up and on real invoices."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import oracle_retention
import oracle_users
import pyarrow.parquet as pq
import pytest
from clickhouse_connect.driver.client import Client
from marts_support import Row, differences, rows
from oracle_marts import Company

from gtc.settings import Settings

#: Each mart with its key and what the oracle says of it.
MARTS: dict[str, tuple[tuple[str, ...], Any]] = {
    "users": (("person_id",), oracle_users.users),
    "lifecycle_daily": (("period_start",), lambda company: oracle_retention.lifecycle(company, "day")),
    "lifecycle_weekly": (("period_start",), lambda company: oracle_retention.lifecycle(company, "week")),
    "lifecycle_monthly": (("period_start",), lambda company: oracle_retention.lifecycle(company, "month")),
    "stickiness": (("granularity", "period_start", "active_days"), oracle_retention.stickiness),
    "cohort_analysis": (
        ("cohort", "granularity", "breakdown", "breakdown_value", "cohort_start", "period_number"),
        oracle_retention.cohort_analysis,
    ),
    "cohort_averages": (
        ("cohort", "granularity", "breakdown", "breakdown_value", "period_number"),
        oracle_retention.cohort_averages,
    ),
    "seasonal_retention": (("country", "tax_year"), oracle_retention.seasonal_retention),
}


def faults(client: Client, schema: str, company: Company, mart: str) -> list[str]:
    """Where a mart differs from the oracle."""
    key, oracle = MARTS[mart]
    found, expected = (
        sorted(
            ({name: row[name] for name in key} | row for row in table), key=lambda row: tuple(row[name] for name in key)
        )
        for table in (rows(client, f"select * from {schema}.{mart}"), oracle(company))
    )
    return [f"{mart} {fault}" for fault in differences(found, expected)]


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_of_the_simulated_company_equals_the_oracle(
    simulated: Settings, simulated_oracle: Company, marts_client: Client, mart: str
) -> None:
    assert faults(marts_client, simulated.dataset.schema, simulated_oracle, mart) == []


@pytest.mark.parametrize("mart", ["users", "lifecycle_monthly", "stickiness", "cohort_analysis", "cohort_averages"])
def test_a_mart_of_online_retail_equals_the_oracle(
    retail: Settings, retail_oracle: Company, marts_client: Client, mart: str
) -> None:
    assert faults(marts_client, retail.dataset.schema, retail_oracle, mart) == []


def test_online_retail_has_cohorts_of_customers_and_none_of_visitors(retail: Settings, marts_client: Client) -> None:
    found = rows(marts_client, f"select distinct cohort from {retail.dataset.schema}.cohort_analysis")
    assert [row["cohort"] for row in found] == ["first_order"]
    assert rows(marts_client, f"select * from {retail.dataset.schema}.seasonal_retention") == []


def test_active_people_of_every_day_are_the_visitors_that_were_planted(
    simulated: Settings, simulated_truth: Path, marts_client: Client
) -> None:
    planted = json.loads((simulated_truth / "truth.json").read_text())["days"]
    found = rows(
        marts_client,
        f"select period_start, active_users from {simulated.dataset.schema}.lifecycle_daily order by period_start",
    )
    assert [(str(row["period_start"]), row["active_users"]) for row in found] == [
        (day["date"], day["visitors"]) for day in planted
    ]


def test_accounts_tax_residence_and_orders_of_users_are_those_that_were_planted(
    simulated: Settings, simulated_truth: Path, marts_client: Client
) -> None:
    people = [row for row in _planted(simulated_truth, "people") if row["user_id"]]
    orders = [row["user_id"] for row in _planted(simulated_truth, "orders") if not row["refunded_order_id"]]
    found = {
        row["user_id"]: (row["signed_up_at"], row["tax_residence"], row["orders"])
        for row in rows(marts_client, f"select * from {simulated.dataset.schema}.users where is_known")
    }
    assert found == {
        row["user_id"]: (
            row["signed_up_at"].replace(tzinfo=None),
            row["tax_residence"],
            orders.count(row["user_id"]),
        )
        for row in people
    }


def test_a_heat_map_reads_little_enough_to_be_fast(simulated: Settings, marts_client: Client) -> None:
    # The filters of a heat map are the beginning of the sorting key, so it reads its own rows and few others.
    [plan] = rows(
        marts_client,
        f"select sorting_key from system.tables where database = '{simulated.dataset.schema}'"
        " and name = 'cohort_analysis'",
    )
    assert plan["sorting_key"].startswith("cohort, granularity, breakdown, breakdown_value, cohort_start")


def _planted(folder: Path, name: str) -> list[Row]:
    found: list[Row] = pq.read_table(folder / f"{name}.parquet").to_pylist()
    return found


def test_the_first_period_is_not_comparable_and_the_last_one_is_partial(
    simulated: Settings, marts_client: Client
) -> None:
    # Data begins on Thursday, 1 January 2026: the second week is the first whole one, the third the first to compare.
    found = rows(
        marts_client, f"select * from {simulated.dataset.schema}.lifecycle_weekly order by period_start limit 3"
    )
    assert [(row["period_start"], row["is_partial"], row["is_comparable"]) for row in found] == [
        (date(2025, 12, 29), True, False),
        (date(2026, 1, 5), False, False),
        (date(2026, 1, 12), False, True),
    ]
