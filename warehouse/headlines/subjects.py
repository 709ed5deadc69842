"""One short section a subject: how far visitors come, who came back, which channel brought money, stages of life."""

from datetime import date

from clickhouse_connect.driver.client import Client

from gtc.settings import Dataset
from warehouse.headlines.headline import Headline


def purchase_journey(client: Client, dataset: Dataset) -> list[Headline]:
    """Share of visitors who reach each step of the funnel `purchase_journey`, of those whose time is over."""
    rows = client.query(
        f"select step_name, conversion_from_start, complete_entrants from {dataset.schema}.funnels"
        " where funnel = 'purchase_journey' and step > 1 order by step"
    ).result_rows
    return [
        Headline(dataset.name, f"visitors_to_{step}", rate, "ratio", f"{entrants:,} entrants")
        for step, rate, entrants in rows
    ]


def retention(client: Client, dataset: Dataset) -> list[Headline]:
    """Who is back in the month after the first one, over all complete cohorts of `cohort_averages`."""
    cohorts = {"first_activity": "people", "first_order": "customers"}
    rows = client.query(
        f"select cohort, retention_rate, cohorts from {dataset.schema}.cohort_averages"
        " where granularity = 'month' and breakdown = 'all' and period_number = 1"
    ).result_rows
    found = {cohort: (rate, f"{count} monthly cohorts") for cohort, rate, count in rows}
    return [
        Headline(dataset.name, f"{who}_back_in_month_1", rate, "ratio", period)
        for cohort, who in cohorts.items()
        for rate, period in [found.get(cohort, (None, "no complete cohort yet"))]
    ]


def channels(client: Client, dataset: Dataset, last: date) -> list[Headline]:
    """The channel with the most revenue by last touch in the 30 days to `last`, from `marketing_attribution`."""
    rows = client.query(
        f"""
        select channel, toFloat64(sum(credited_revenue)) as revenue, sum(revenue) over () as total
        from {dataset.schema}.marketing_attribution
        where
            conversion_kind = 'order' and attribution_model = 'last' and channel != 'unattributed'
            and conversion_date > {{last:Date}} - 30 and conversion_date <= {{last:Date}}
        group by channel
        order by revenue desc, channel asc
        limit 1""",
        parameters={"last": last},
    ).result_rows
    name, revenue, total = rows[0] if rows else (None, 0.0, 0.0)
    period = f"30 days to {last}"
    share = revenue / total if total > 0 else None
    return [
        Headline(dataset.name, "top_channel_by_last_touch", name, "channel", period),
        Headline(dataset.name, "its_share_of_revenue", share, "ratio", period),
    ]


def segments(client: Client, dataset: Dataset) -> list[Headline]:
    """People by stage of life at the end of the newest month of `user_segments`."""
    schema = dataset.schema
    rows = client.query(
        f"""
        select lifecycle_stage, count() as people, formatDateTime(any(period), '%Y-%m') as month
        from {schema}.user_segments
        where period = (select max(period) from {schema}.user_segments) and lifecycle_stage is not null
        group by lifecycle_stage
        order by indexOf(['new', 'active', 'resurrected', 'at_risk', 'churned'], lifecycle_stage)"""
    ).result_rows
    return [Headline(dataset.name, f"stage_{stage}", people, "people", month) for stage, people, month in rows]
