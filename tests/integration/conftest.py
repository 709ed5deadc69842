"""Fixtures of tests that speak plain HTTP to the warehouse, and of tests that read marts.

What takes long is built once a session: `simulated`, a small company with its truth; `retail`, the real invoices;
`bench`, a data set that is filled and built again example by example.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from marts_support import CHOICES, Bench, company, compiled_models, for_dataset, must_build
from oracle_marts import Company
from other_company import SETTING, SimulatedCompany
from server_http import Http

from gtc.settings import PROJECT_ROOT, Settings, load_settings
from simulator.run import simulate
from warehouse.client import connect
from warehouse.importer import Options, import_file, load_mapping
from warehouse.migrations import migrate

ONLINE_RETAIL = load_settings(_env_file=None).gtc_online_retail_file


@pytest.fixture
def http(warehouse: Settings) -> Http:
    """The session's warehouse, as `etl`."""
    return Http(warehouse)


@pytest.fixture(scope="session")
def marts_client(warehouse: Settings) -> Iterator[Client]:
    """One client, as `etl`, for all tests of marts."""
    with connect(warehouse) as opened:
        yield opened


@pytest.fixture(scope="session")
def retail(warehouse: Settings, marts_client: Client) -> Settings:
    """Online Retail, imported with the mapping that ships, and built with all its tests."""
    if not ONLINE_RETAIL.exists():
        pytest.skip(f"the Online Retail file is not here: {ONLINE_RETAIL} (set GTC_ONLINE_RETAIL_FILE)")
    settings = for_dataset(warehouse, "online_retail")
    migrate(marts_client, settings.dataset)
    mapping = load_mapping(PROJECT_ROOT / "warehouse" / "mappings" / "online_retail.yml")
    import_file(marts_client, settings.dataset, str(ONLINE_RETAIL), mapping, Options(settings.gtc_var_dir / "import"))
    must_build(settings)
    return settings


@pytest.fixture(scope="session")
def retail_oracle(retail: Settings, marts_client: Client) -> Company:
    """The oracle's view of Online Retail."""
    return company(marts_client, retail.dataset, time_zone="Europe/London", currency="GBP")


@pytest.fixture(scope="session")
def simulated_truth(warehouse: Settings) -> Path:
    """The folder of the truth about `simulated`."""
    return warehouse.gtc_var_dir / "truth"


@pytest.fixture(scope="session")
def simulated_company() -> SimulatedCompany:
    """Which company is simulated: the usual one, unless test_other_companies.py asks for another."""
    return SimulatedCompany.read(os.environ.get(SETTING, ""))


@pytest.fixture(scope="session")
def simulated(
    warehouse: Settings, marts_client: Client, simulated_truth: Path, simulated_company: SimulatedCompany
) -> Settings:
    """A small simulated company with late, repeated and corrected deliveries, built with all its tests."""
    settings = for_dataset(warehouse, "simulated")
    migrate(marts_client, settings.dataset)
    simulate(marts_client, settings.dataset, simulated_company.order(), truth=simulated_truth)
    must_build(settings, **simulated_company.build_options())
    return settings


@pytest.fixture(scope="session")
def simulated_oracle(simulated: Settings, marts_client: Client, simulated_company: SimulatedCompany) -> Company:
    """The oracle's view of the simulated company."""
    choices = {"time_zone": simulated_company.time_zone, "currency": simulated_company.currency}
    return company(marts_client, simulated.dataset, **choices)


@pytest.fixture(scope="session")
def bench(warehouse: Settings) -> Iterator[Bench]:
    """dbt's build of a data set without a single row, in London's time zone."""
    chosen = for_dataset(warehouse, "made_up")
    entry = {"time_zone": CHOICES["time_zone"], "reporting_currency": CHOICES["currency"]}
    with connect(chosen) as client:
        migrate(client, chosen.dataset)
        must_build(chosen, variables={"datasets": {"default": entry}}, with_tests=False)
        yield Bench(client, chosen.dataset, compiled_models(chosen))
