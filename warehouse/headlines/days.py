"""Figures of the newest finished day, of the 30 days that end on it, and of customers."""

from datetime import date
from decimal import Decimal

from clickhouse_connect.driver.client import Client

from gtc.settings import Dataset
from warehouse.headlines.headline import Headline


def newest_finished_day(client: Client, dataset: Dataset) -> date | None:
    """The newest day of `kpi_daily` that is over; None when there is none."""
    found = client.query(
        f"select maxOrNull(kpi_date) from {dataset.schema}.kpi_daily where not is_partial"
    ).result_rows[0][0]
    return found if isinstance(found, date) else None


def days_and_customers(client: Client, dataset: Dataset, newest: date) -> list[Headline]:
    """The newest finished day and the 30 days that end on it, from `kpi_daily`, and the customers of `rfm`."""
    return [*_day(client, dataset, newest), *_thirty_days(client, dataset, newest), *_customers(client, dataset)]


def _day(client: Client, dataset: Dataset, day: date) -> list[Headline]:
    """Activity; not known, rather than 0, where nobody ever was seen active: the data set has no product events."""
    names = {"dau": "people", "wau": "people", "mau": "people", "dau_mau_ratio": "ratio", "sessions": "sessions"}
    row = client.query(
        f"select (select max(mau) from {dataset.schema}.kpi_daily) as has_activity, {', '.join(names)} "
        f"from {dataset.schema}.kpi_daily where kpi_date = {{day:Date}}",
        parameters={"day": day},
    ).result_rows[0]
    values = row[1:] if row[0] else [None] * len(names)
    return [
        Headline(dataset.name, name, value, names[name], str(day)) for name, value in zip(names, values, strict=True)
    ]


def _thirty_days(client: Client, dataset: Dataset, last: date) -> list[Headline]:
    """Additive figures are summed; the average order value is the sum of money over the sum of orders."""
    row = client.query(
        f"""
        select
            any(reporting_currency) as currency,
            sum(sign_ups) as sign_ups,
            sum(conversions) as conversions,
            sum(orders) as orders,
            sum(gross_revenue) as gross_revenue,
            sum(refunds) as refunds,
            sum(net_revenue) as net_revenue,
            if(orders = 0, null, round(divideDecimal(gross_revenue, toDecimal256(greatest(orders, 1), 0), 12), 2))
                as aov
        from {dataset.schema}.kpi_daily
        where kpi_date > {{last:Date}} - 30 and kpi_date <= {{last:Date}}""",
        parameters={"last": last},
    )
    currency, *values = row.result_rows[0]
    units = {"sign_ups": "people", "conversions": "people", "orders": "orders"}
    named = zip(row.column_names[1:], values, strict=True)
    period = f"30 days to {last}"
    return [
        Headline(dataset.name, name, _cents(value), units.get(name, str(currency)), period) for name, value in named
    ]


def _customers(client: Client, dataset: Dataset) -> list[Headline]:
    total, champions, as_of = client.query(
        f"select count(), countIf(segment = 'champion'), maxOrNull(as_of_date) from {dataset.schema}.rfm"
    ).result_rows[0]
    period = f"to {as_of}" if as_of else "no orders yet"
    counts = {"customers": total, "champions": champions}
    return [Headline(dataset.name, name, count, "people", period) for name, count in counts.items()]


def _cents(value: int | Decimal | None) -> int | Decimal | None:
    """Money with its two decimals, whatever scale the engine gave it."""
    return value.quantize(Decimal("0.01")) if isinstance(value, Decimal) else value
