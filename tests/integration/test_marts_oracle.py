"""The marts equal an independent oracle, to the penny, on real invoices and on the simulated company."""

from datetime import date, timedelta

import pytest
from clickhouse_connect.driver.client import Client
from marts_support import company, differences, mart, must_build, rows
from oracle_marts import Company, kpi_daily, rfm

from gtc.settings import Settings


def test_rfm_of_online_retail_equals_the_oracle(retail: Settings, retail_oracle: Company, marts_client: Client) -> None:
    assert differences(mart(marts_client, retail.dataset.schema, "rfm"), rfm(retail_oracle)) == []


def test_kpis_of_online_retail_equal_the_oracle(retail: Settings, retail_oracle: Company, marts_client: Client) -> None:
    assert differences(mart(marts_client, retail.dataset.schema, "kpi_daily"), kpi_daily(retail_oracle)) == []


def test_every_penny_of_online_retail_is_in_the_kpis(retail: Settings, marts_client: Client) -> None:
    # Published: the sum of Quantity * UnitPrice of all 541,909 lines is 9,747,747.934 pounds. Here each of 374 days is
    # rounded once, so the sum of days may be off by half a penny a day and no more.
    schema = retail.dataset.schema
    [total] = rows(marts_client, f"select sum(reporting_amount) as exact from {schema}_intermediate.revenue_lines")
    [days] = rows(marts_client, f"select sum(net_revenue) as rounded, count() as days from {schema}.kpi_daily")
    assert str(total["exact"]).rstrip("0") == "9747747.934"
    assert abs(days["rounded"] - total["exact"]) * 200 <= days["days"]


def test_days_without_an_invoice_have_a_row(retail: Settings, marts_client: Client) -> None:
    # The shop is closed on Saturdays: 2010-12-04 is the first.
    [row] = rows(marts_client, f"select * from {retail.dataset.schema}.kpi_daily where kpi_date = '2010-12-04'")
    assert (row["orders"], row["aov"], str(row["net_revenue"])) == (0, None, "0.00")


def test_rfm_of_the_simulated_company_equals_the_oracle(
    simulated: Settings, simulated_oracle: Company, marts_client: Client
) -> None:
    expected = rfm(simulated_oracle)
    assert len(expected) > 50
    assert differences(mart(marts_client, simulated.dataset.schema, "rfm"), expected) == []


def test_kpis_of_the_simulated_company_equal_the_oracle(
    simulated: Settings, simulated_oracle: Company, marts_client: Client
) -> None:
    expected = kpi_daily(simulated_oracle)
    assert sum(row["dau"] for row in expected) > 1000
    assert differences(mart(marts_client, simulated.dataset.schema, "kpi_daily"), expected) == []


def test_sessions_of_the_simulated_company_equal_the_oracle(
    simulated: Settings, simulated_oracle: Company, marts_client: Client
) -> None:
    columns = "session_id, person_id, started_at, ended_at, events, page_views"
    columns += ", entry_page, country, device_type, channel"
    found = marts_client.query(
        f"select {columns} from {simulated.dataset.schema}_intermediate.person_sessions"
    ).result_rows
    assert sorted(found) == sorted(session.row for session in simulated_oracle.sessions)


@pytest.mark.heavy
def test_an_earlier_as_of_date_sees_nothing_of_the_future(
    simulated: Settings, simulated_oracle: Company, marts_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = date(2026, 3, 10)
    monkeypatch.setenv("DBT_SCHEMA", "dev_past")
    must_build(simulated, variables={"as_of_date": str(day)}, with_tests=False)
    past = company(marts_client, simulated.dataset, as_of=day)
    assert differences(mart(marts_client, "dev_past", "rfm"), rfm(past)) == []
    assert differences(mart(marts_client, "dev_past", "kpi_daily"), kpi_daily(past)) == []
    assert past.last == day < simulated_oracle.last - timedelta(days=90)
