"""Figures of the newest month for which each is complete, against the month before, from `kpi_summary`."""

from clickhouse_connect.driver.client import Client

from gtc.settings import Dataset
from warehouse.headlines.headline import Headline

#: What is shown, in this order.
KPIS = (
    "active_users",
    "activation_rate",
    "trial_conversion_rate",
    "sticky_users",
    "mrr",
    "nrr",
    "grr",
    "churn_rate",
    "error_rate",
    "latency_p95_ms",
)


def newest_periods(client: Client, dataset: Dataset) -> list[Headline]:
    """One line a figure. A figure that rests on nobody and nothing is not known, rather than 0."""
    rows = client.query(
        f"""
        select
            kpi,
            if(counted = 0, null, value) as shown,
            if(unit = 'reporting_currency', reporting.currency, unit) as shown_unit,
            formatDateTime(period_start, '%Y-%m') as month,
            if(unit = 'ratio', previous_change, previous_relative_change) as change
        from {dataset.schema}.kpi_summary
        cross join (select any(reporting_currency) as currency from {dataset.schema}.kpi_daily) as reporting
        where is_headline and dimension = 'all' and period_type = 'month' and kpi in {{kpis:Array(String)}}
        order by indexOf({{kpis:Array(String)}}, kpi)""",
        parameters={"kpis": list(KPIS)},
    ).result_rows
    return [
        Headline(dataset.name, kpi, _whole(value, unit), unit, month, change)
        for kpi, value, unit, month, change in rows
    ]


def _whole(value: float | None, unit: str) -> int | float | None:
    """Counts without decimals."""
    return int(value) if value is not None and unit in ("people", "subscriptions", "milliseconds") else value
