"""Marts of revenue equal the oracle and the planted truth, on the simulated company and on real invoices."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import oracle_revenue
import pyarrow.parquet as pq
import pytest
from clickhouse_connect.driver.client import Client
from marts_support import Row, differences, rows
from oracle_marts import Company

from gtc.settings import Settings

#: Each mart with its key; the oracle has a function of the same name.
MARTS = {
    "subscriptions": ("subscription_id", "span_kind", "span_number"),
    "mrr_movements": ("booking", "currency", "month"),
    "mrr_movements_total": ("booking", "month"),
    "mrr_waterfall": ("booking", "month", "step"),
    "revenue_daily": ("revenue_date", "currency", "country", "plan", "kind"),
    "revenue_cohorts": ("breakdown", "segment", "cohort_month", "months_since"),
    "ltv_summary": ("customer_id",),
}

MOVEMENTS = ("new", "reactivation", "expansion", "contraction", "churn")


def in_order(found: list[Row], mart: str) -> list[Row]:
    """By the key of the mart, which comes first in each row."""
    keyed = [{name: row[name] for name in MARTS[mart]} | row for row in found]
    return sorted(keyed, key=lambda row: tuple(row[name] for name in MARTS[mart]))


def oracle(company: Company, mart: str) -> list[Row]:
    """What a mart should hold."""
    expected: list[Row] = getattr(oracle_revenue, mart)(company)
    return in_order(expected, mart)


def truth(folder: Path, name: str) -> list[dict[str, Any]]:
    """A table of the planted truth."""
    found: list[dict[str, Any]] = pq.read_table(folder / f"{name}.parquet").to_pylist()
    return found


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_of_the_simulated_company_equals_the_oracle(
    simulated: Settings, simulated_oracle: Company, marts_client: Client, mart: str
) -> None:
    expected = oracle(simulated_oracle, mart)
    assert len(expected) > 5
    found = rows(marts_client, f"select * from {simulated.dataset.schema}.{mart}")
    assert differences(in_order(found, mart), expected) == []


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_of_online_retail_equals_the_oracle(
    retail: Settings, retail_oracle: Company, marts_client: Client, mart: str
) -> None:
    expected = oracle(retail_oracle, mart)
    assert bool(expected) == (mart in ("revenue_daily", "revenue_cohorts", "ltv_summary"))
    found = rows(marts_client, f"select * from {retail.dataset.schema}.{mart}")
    assert differences(in_order(found, mart), expected) == []


@pytest.mark.parametrize("booking", ["event", "month_end"])
def test_planted_movements_of_mrr_are_recovered_to_the_cent(
    simulated: Settings, simulated_truth: Path, marts_client: Client, booking: str
) -> None:
    planted = json.loads((simulated_truth / "truth.json").read_text())["mrr"]
    found = {
        (str(row["month"])[:7], row["currency"]): row
        for row in rows(marts_client, f"select * from {simulated.dataset.schema}.mrr_movements")
        if row["booking"] == booking
    }
    assert len(planted) > 20
    for entry in planted:
        row = found.pop((entry["month"], entry["currency"]))
        movements = {name: Decimal(value) for name, value in entry[f"movements_by_{booking}"].items()}
        signs = {name: -1 if name in ("contraction", "churn") else 1 for name in MOVEMENTS}
        assert {name: signs[name] * row[f"{name}_mrr"] for name in MOVEMENTS} == movements
        assert (row["mrr_end"], row["subscriptions_end"]) == (
            Decimal(entry["mrr_end"]),
            entry["subscriptions_end"],
        )
    # Months without revenue and without a movement are not in the truth; in the mart they are rows of zeros.
    assert {value for row in found.values() for name, value in row.items() if name.endswith("_mrr")} <= {0}


def test_planted_spans_and_trials_are_recovered(
    simulated: Settings, simulated_truth: Path, marts_client: Client
) -> None:
    found = rows(marts_client, f"select * from {simulated.dataset.schema}.subscriptions")
    columns = ("valid_from", "valid_to", "plan", "billing_period", "plan_price", "mrr", "currency", "movement")
    paid = [(row["customer_id"], *(row[name] for name in columns)) for row in found if row["span_kind"] == "paid"]
    planted = [
        tuple(value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value for value in span.values())
        for span in truth(simulated_truth, "subscriptions")
    ]
    assert sorted(paid, key=str) == sorted(planted, key=str)
    converted = {row["customer_id"] for row in found if row["status"] == "trial_converted"}
    trials = truth(simulated_truth, "trials")
    assert converted == {row["user_id"] for row in trials if row["paid_inside_range"]}
    assert len([row for row in found if row["span_kind"] == "trial"]) == len(trials)


def test_planted_repeat_purchases_are_recovered_to_the_millisecond(
    simulated: Settings, simulated_truth: Path, marts_client: Client
) -> None:
    # The truth counts each order and takes time exactly; x, t_x and T of the mart count days with an order instead.
    found = {
        row["customer_id"]: row
        for row in rows(marts_client, f"select * from {simulated.dataset.schema}.ltv_summary")
        if row["one_off_x"] is not None
    }
    buyers = truth(simulated_truth, "buyers")
    assert found.keys() == {buyer["user_id"] for buyer in buyers}
    for buyer in buyers:
        row = found[buyer["user_id"]]
        assert (row["one_off_repeat_orders"], row["one_off_exact_t_x"], row["one_off_exact_T"]) == (
            buyer["x"],
            buyer["t_x_days"],
            buyer["t_days"],
        )
        assert row["one_off_x"] <= buyer["x"]
        assert abs(row["one_off_t_x"] - buyer["t_x_days"]) < 1
        assert 0 <= buyer["t_days"] - row["one_off_T"] <= 1


def test_the_total_is_the_sum_of_its_currencies_at_the_rates_of_the_day(
    simulated: Settings, marts_client: Client
) -> None:
    schema = simulated.dataset.schema
    [found] = rows(
        marts_client,
        f"select total.mrr_end as total, (select sum(movements.mrr_end * rates.exchange_rate)"
        f" from {schema}.mrr_movements as movements inner join {schema}_intermediate.mrr_months as rates"
        f" on movements.month = rates.month and movements.currency = rates.currency"
        f" where movements.booking = 'event' and movements.month = '2026-05-01') as of_currencies"
        f" from {schema}.mrr_movements_total as total where booking = 'event' and month = '2026-05-01'",
    )
    assert found["total"] == found["of_currencies"] > 0
