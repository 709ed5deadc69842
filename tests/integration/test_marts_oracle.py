"""The marts equal an independent oracle, to the penny, on real invoices and on the simulated company."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from clickhouse_connect.driver.client import Client
from marts_support import company, differences, for_dataset, mart, must_build, rows
from oracle_marts import Company, kpi_daily, rfm

from gtc.settings import PROJECT_ROOT, Settings, load_settings
from simulator.order import Order
from simulator.run import simulate
from simulator.world_file import read_world
from warehouse.client import connect
from warehouse.importer import Options, import_file, load_mapping
from warehouse.migrations import migrate

ONLINE_RETAIL = load_settings(_env_file=None).gtc_online_retail_file


@pytest.fixture(scope="module")
def etl(warehouse: Settings) -> Iterator[Client]:
    """One client for the module."""
    with connect(warehouse) as opened:
        yield opened


@pytest.fixture(scope="module")
def retail(warehouse: Settings, etl: Client) -> Settings:
    """Online Retail, imported with the mapping that ships, and built."""
    if not ONLINE_RETAIL.exists():
        pytest.skip(f"the Online Retail file is not here: {ONLINE_RETAIL} (set GTC_ONLINE_RETAIL_FILE)")
    settings = for_dataset(warehouse, "online_retail")
    migrate(etl, settings.dataset)
    mapping = load_mapping(PROJECT_ROOT / "warehouse" / "mappings" / "online_retail.yml")
    import_file(etl, settings.dataset, str(ONLINE_RETAIL), mapping, Options(settings.gtc_var_dir / "import"))
    must_build(settings)
    return settings


@pytest.fixture(scope="module")
def retail_oracle(retail: Settings, etl: Client) -> Company:
    """The oracle's view of Online Retail."""
    return company(etl, retail.dataset, time_zone="Europe/London", currency="GBP")


@pytest.fixture(scope="module")
def simulated(warehouse: Settings, etl: Client) -> Settings:
    """A small simulated company with late, repeated and corrected deliveries, built."""
    settings = for_dataset(warehouse, "simulated")
    migrate(etl, settings.dataset)
    order = Order(read_world(None), 1200, date(2026, 1, 1), date(2026, 6, 30), 5)
    simulate(etl, settings.dataset, order, truth=settings.gtc_var_dir / "truth")
    must_build(settings)
    return settings


@pytest.fixture(scope="module")
def simulated_oracle(simulated: Settings, etl: Client) -> Company:
    """The oracle's view of the simulated company."""
    return company(etl, simulated.dataset)


def test_rfm_of_online_retail_equals_the_oracle(retail: Settings, retail_oracle: Company, etl: Client) -> None:
    assert differences(mart(etl, retail.dataset.schema, "rfm"), rfm(retail_oracle)) == []


def test_kpis_of_online_retail_equal_the_oracle(retail: Settings, retail_oracle: Company, etl: Client) -> None:
    assert differences(mart(etl, retail.dataset.schema, "kpi_daily"), kpi_daily(retail_oracle)) == []


def test_every_penny_of_online_retail_is_in_the_kpis(retail: Settings, etl: Client) -> None:
    # Published: the sum of Quantity * UnitPrice of all 541,909 lines is 9,747,747.934 pounds. Here each of 374 days is
    # rounded once, so the sum of days may be off by half a penny a day and no more.
    schema = retail.dataset.schema
    [total] = rows(etl, f"select sum(reporting_amount) as exact from {schema}_intermediate.revenue_lines")
    [days] = rows(etl, f"select sum(net_revenue) as rounded, count() as days from {schema}.kpi_daily")
    assert str(total["exact"]).rstrip("0") == "9747747.934"
    assert abs(days["rounded"] - total["exact"]) * 200 <= days["days"]


def test_days_without_an_invoice_have_a_row(retail: Settings, etl: Client) -> None:
    # The shop is closed on Saturdays: 2010-12-04 is the first.
    [row] = rows(etl, f"select * from {retail.dataset.schema}.kpi_daily where kpi_date = '2010-12-04'")
    assert (row["orders"], row["aov"], str(row["net_revenue"])) == (0, None, "0.00")


def test_rfm_of_the_simulated_company_equals_the_oracle(
    simulated: Settings, simulated_oracle: Company, etl: Client
) -> None:
    expected = rfm(simulated_oracle)
    assert len(expected) > 50
    assert differences(mart(etl, simulated.dataset.schema, "rfm"), expected) == []


def test_kpis_of_the_simulated_company_equal_the_oracle(
    simulated: Settings, simulated_oracle: Company, etl: Client
) -> None:
    expected = kpi_daily(simulated_oracle)
    assert sum(row["dau"] for row in expected) > 1000
    assert differences(mart(etl, simulated.dataset.schema, "kpi_daily"), expected) == []


def test_sessions_of_the_simulated_company_equal_the_oracle(
    simulated: Settings, simulated_oracle: Company, etl: Client
) -> None:
    columns = "session_id, person_id, started_at, ended_at, events, page_views"
    columns += ", entry_page, country, device_type, channel"
    found = etl.query(f"select {columns} from {simulated.dataset.schema}_intermediate.person_sessions").result_rows
    assert sorted(found) == sorted(session.row for session in simulated_oracle.sessions)


@pytest.mark.heavy
def test_an_earlier_as_of_date_sees_nothing_of_the_future(
    simulated: Settings, simulated_oracle: Company, etl: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = date(2026, 3, 10)
    monkeypatch.setenv("DBT_SCHEMA", "dev_past")
    must_build(simulated, variables={"as_of_date": str(day)}, with_tests=False)
    past = company(etl, simulated.dataset, as_of=day)
    assert differences(mart(etl, "dev_past", "rfm"), rfm(past)) == []
    assert differences(mart(etl, "dev_past", "kpi_daily"), kpi_daily(past)) == []
    assert past.last == day < simulated_oracle.last - timedelta(days=90)
