"""What tests of experiments share: the marts with their keys and oracles, raw exposures, a comparison."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import oracle_experiments as oracle
from clickhouse_connect.driver.client import Client
from marts_support import Row, differences, rows

from gtc.settings import Dataset


class Mart(NamedTuple):
    """How a mart is sorted, and who says what is in it."""

    key: str
    oracle: Callable[[oracle.Experiments], list[Row]]


MARTS = {
    "experiment_exposures": Mart("experiment_id, person_id", oracle.experiment_exposures),
    "experiment_arms": Mart("experiment_id, arm", oracle.experiment_arms),
    "experiment_health": Mart("experiment_id", oracle.experiment_health),
    "experiment_metrics": Mart(
        "experiment_id, metric, horizon, breakdown, breakdown_value, arm", oracle.experiment_metrics
    ),
    "experiment_daily": Mart("experiment_id, metric, arm, day", oracle.experiment_daily),
}

EXPOSURE_COLUMNS = (
    "event_id, experiment_id, arm, event_at, received_at, user_id, anonymous_id, country, platform, device_type,"
    " row_version"
)


def exposures_of(client: Client, dataset: Dataset) -> list[Row]:
    """Raw exposures, repeated deliveries included."""
    return rows(client, f"select {EXPOSURE_COLUMNS} from {dataset.raw_database}.experiment_exposures")


def mart_rows(client: Client, dataset: Dataset, name: str) -> list[Row]:
    """A mart in the order of its key."""
    return rows(client, f"select * from {dataset.schema}.{name} order by {MARTS[name].key}")


def differences_of(found: list[Row], expected: list[Row]) -> list[str]:
    """As `differences`, but a float may differ in its last digits: sums of floats are rounded in another order."""
    if len(found) != len(expected):
        return differences(found, expected)
    near = [
        {name: _settled(value, wanted.get(name)) for name, value in row.items()}
        for row, wanted in zip(found, expected, strict=True)
    ]
    return differences(near, expected)


def _settled(value: Any, wanted: Any) -> Any:
    close = isinstance(value, float) and isinstance(wanted, float) and math.isclose(value, wanted, rel_tol=1e-9)
    return wanted if close else value
