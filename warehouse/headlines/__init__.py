"""The figures that the demo prints, read from the marts."""

from clickhouse_connect.driver.client import Client

from gtc.settings import Dataset
from warehouse.headlines.days import days_and_customers, newest_finished_day
from warehouse.headlines.headline import Headline
from warehouse.headlines.months import newest_periods
from warehouse.headlines.subjects import channels, purchase_journey, retention, segments

__all__ = ["Headline", "headline_kpis"]


def headline_kpis(client: Client, dataset: Dataset) -> list[Headline]:
    """Days, the newest complete months with their change, and one short section for each other subject.

    Empty when the marts are empty. Money is in the reporting currency of the data set.
    """
    newest = newest_finished_day(client, dataset)
    if newest is None:
        return []
    return [
        *days_and_customers(client, dataset, newest),
        *newest_periods(client, dataset),
        *purchase_journey(client, dataset),
        *retention(client, dataset),
        *channels(client, dataset, newest),
        *segments(client, dataset),
    ]
