"""A build as of an earlier day says what a history that ends on it says, in every table that is compared at all."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from batches_support import LIVE, contents, copy_batch, differing
from clickhouse_connect.driver.client import Client
from marts_support import for_dataset, insert, must_build, uuid_of

from gtc.settings import Settings
from simulator.order import Order
from simulator.run import simulate
from simulator.world_file import read_world
from warehouse.client import connect
from warehouse.migrations import migrate

#: What knows later days as well, for others that look at the earlier ones: who was seen on which day, of which runs an
#: event was, and how far the data reach.
REACH_FURTHER = {
    "_intermediate.identity_sightings", "_intermediate.calculator_run_events", "_intermediate.reporting_period",
}  # fmt: skip

#: In the middle of a month and a week, with five weeks of data after it.
DAY = date(2026, 3, 26)


@pytest.fixture(scope="module")
def etl(warehouse: Settings) -> Iterator[Client]:
    """One client for the module."""
    with connect(warehouse) as opened:
        yield opened


def test_a_build_as_of_an_earlier_day_equals_a_history_that_ends_on_it(warehouse: Settings, etl: Client) -> None:
    whole, past = for_dataset(warehouse, "as_of_whole"), for_dataset(warehouse, "as_of_past")
    order = Order(read_world(None), 300, date(2026, 1, 1), date(2026, 4, 30), 23)
    simulate(etl, whole.dataset, order, truth=warehouse.gtc_var_dir / "truth_as_of")
    migrate(etl, past.dataset)
    end = datetime(DAY.year, DAY.month, DAY.day) + timedelta(days=1)
    copy_batch(etl, whole.dataset, past.dataset, f"happened < toDateTime64('{end}', 3, 'UTC')")
    # Both know the day to its end: something of it came after midnight.
    late = {
        "event_id": uuid_of(1),
        "event_name": "page_view",
        "anonymous_id": "late",
        "event_at": end - timedelta(hours=1),
    }
    for dataset in (whole.dataset, past.dataset):
        insert(etl, dataset, "user_events", [late | {"received_at": end + timedelta(hours=1)}])
    must_build(whole, with_tests=False, variables={"as_of_date": str(DAY)})
    must_build(past, with_tests=False)
    found, expected = contents(etl, whole), contents(etl, past)
    assert sum(n for n, _ in expected.values()) > 1000
    assert set(differing(found, expected)) <= LIVE | REACH_FURTHER
    must_build(whole, with_tests=False)
    assert len(differing(contents(etl, whole), expected)) > 100
