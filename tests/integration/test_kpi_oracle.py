"""The key figures by day, dimension and period equal an independent oracle, and the truth of the simulation."""

import json
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from clickhouse_connect.driver.client import Client
from marts_support import differences, mart, rows
from oracle_kpi import Figures, kpi_breakdown_daily
from oracle_kpi_summary import kpi_summary, revenue_weekly
from oracle_marts import Company, cents

from gtc.settings import Settings


def test_the_breakdown_of_the_simulated_company_equals_the_oracle(
    simulated: Settings, simulated_oracle: Company, marts_client: Client
) -> None:
    found = mart(marts_client, simulated.dataset.schema, "kpi_breakdown_daily")
    assert {row["dimension"] for row in found} == {"all", "country", "channel", "plan", "device_type"}
    assert differences(found, kpi_breakdown_daily(simulated_oracle, cents)) == []


def test_the_summary_of_the_simulated_company_equals_the_oracle(
    simulated: Settings, simulated_oracle: Company, marts_client: Client
) -> None:
    found = mart(marts_client, simulated.dataset.schema, "kpi_summary")
    assert sum(row["previous_change"] is not None for row in found) > 1000
    assert differences(found, kpi_summary(simulated_oracle, cents)) == []


def test_the_summary_of_online_retail_equals_the_oracle(
    retail: Settings, retail_oracle: Company, marts_client: Client
) -> None:
    periods = ("month", "quarter")
    found = [row for row in mart(marts_client, retail.dataset.schema, "kpi_summary") if row["period_type"] in periods]
    sold_to = {row["country"] for row in retail_oracle.money}
    assert {row["dimension_value"] for row in found if row["dimension"] == "country"} == sold_to
    assert differences(found, kpi_summary(retail_oracle, cents, periods)) == []
    [december] = [
        row
        for row in found
        if (row["kpi"], row["period_start"], row["dimension"]) == ("orders", date(2010, 12, 1), "all")
    ]
    assert (december["previous_value"], december["is_previous_comparable"]) == (None, False)


def test_weeks_of_revenue_of_the_simulated_company_equal_the_oracle(
    simulated: Settings, simulated_oracle: Company, marts_client: Client
) -> None:
    found = mart(marts_client, simulated.dataset.schema, "revenue_weekly")
    assert {row["deadlines"] for row in found if row["dimension"] == "country"} == {0, 1}
    assert differences(found, revenue_weekly(simulated_oracle, cents)) == []


def test_recurring_revenue_at_the_end_of_each_month_is_the_planted_one(
    simulated: Settings, simulated_oracle: Company, simulated_truth: Path, marts_client: Client
) -> None:
    figures = Figures.of(simulated_oracle)
    truth = json.loads((simulated_truth / "truth.json").read_text())["mrr"]
    found = {
        row["kpi_date"]: (row["mrr"], row["active_subscriptions"])
        for row in rows(
            marts_client,
            f"select kpi_date, mrr, active_subscriptions from {simulated.dataset.schema}.kpi_daily",
        )
    }
    for month in sorted({entry["month"] for entry in truth}):
        month_end = (date.fromisoformat(f"{month}-28") + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        last = min(month_end, simulated_oracle.last)
        entries = [entry for entry in truth if entry["month"] == month]
        worth = sum(
            (Fraction(entry["mrr_end"]) * figures.rate(entry["currency"], last) for entry in entries), Fraction()
        )
        assert found[last] == (cents(worth), sum(entry["subscriptions_end"] for entry in entries))


def test_sign_ups_of_the_simulation_are_in_the_days_on_which_they_were_planted(
    simulated: Settings, simulated_truth: Path, marts_client: Client
) -> None:
    truth = json.loads((simulated_truth / "truth.json").read_text())["days"]
    planted = {date.fromisoformat(day["date"]): (day["sign_ups"], day["visitors"]) for day in truth}
    found = rows(
        marts_client,
        "select kpi_date, sum(sign_ups) as sign_ups, sum(dau) as dau"
        f" from {simulated.dataset.schema}.kpi_breakdown_daily where dimension = 'channel' group by kpi_date",
    )
    assert {row["kpi_date"]: (row["sign_ups"], row["dau"]) for row in found if row["kpi_date"] in planted} == planted


def test_retention_of_a_month_agrees_with_the_movements_of_recurring_revenue(
    simulated: Settings, marts_client: Client
) -> None:
    # April has thirty days: the opening customers of its last day are those of the end of March.
    [row] = rows(
        marts_client,
        "select opening_mrr, retained_mrr, kept_mrr, opening_customers"
        f" from {simulated.dataset.schema}.kpi_daily where kpi_date = '2026-04-30'",
    )
    assert row["opening_customers"] > 0
    assert Decimal(0) < row["kept_mrr"] <= min(row["opening_mrr"], row["retained_mrr"])
