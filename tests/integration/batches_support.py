"""Raw rows that arrive in batches, and whether two data sets that were built from them are equal."""

from clickhouse_connect.driver.client import Client
from marts_support import NOT_COMPARED, rows

from gtc.settings import Dataset, Settings

#: Raw tables whose rows arrive in batches; their columns of arrival, and of the moment or day that they speak of.
ARRIVING = {
    "user_events": ("received_at", "event_at"),
    "calculator_usage": ("received_at", "event_at"),
    "revenue_events": ("received_at", "event_at"),
    "experiment_exposures": ("received_at", "event_at"),
    "performance_metrics": ("received_at", "event_at"),
    "marketing_spend": ("received_at", "spend_date"),
    "load_rejects": ("rejected_at", "rejected_at"),
}

#: States that every insert into raw collects: a corrected request counts twice there until it is built, as their
#: descriptions say.
LIVE = {".performance_live", "_intermediate.live_requests"}


def copy_batch(client: Client, source: Dataset, target: Dataset, condition: str) -> None:
    """Insert the rows of all arriving tables for which the condition on `arrived` or `happened` holds."""
    for table, (arrived, happened) in ARRIVING.items():
        names = plain_columns(client, source, table)
        client.command(
            f"insert into {target.raw_database}.{table} ({names}) select {names} from {source.raw_database}.{table}"
            f" where {condition.replace('arrived', arrived).replace('happened', happened)}",
            settings={"max_partitions_per_insert_block": 0},
        )


def contents(client: Client, settings: Settings) -> dict[str, tuple[int, int]]:
    """Rows and an order-free hash of every table and view that dbt made, by name without the prefix of the schema."""
    prefix = settings.dataset.schema
    tables = rows(
        client,
        f"select database, name from system.tables where startsWith(database, '{prefix}')"
        " and not endsWith(database, '_staging') order by database, name",
    )
    found = {}
    for table in tables:
        if table["name"] not in NOT_COMPARED:
            place = f"{table['database']}.{table['name']}"
            [row] = rows(client, f"select count() as n, sum(cityHash64(toString(tuple(*)))) as hash from {place}")
            found[place.removeprefix(prefix)] = (row["n"], row["hash"])
    return found


def differing(batched: dict[str, tuple[int, int]], full: dict[str, tuple[int, int]]) -> list[str]:
    """Names of tables that are not equal."""
    return sorted(name for name in batched.keys() | full.keys() if batched.get(name) != full.get(name))


def plain_columns(client: Client, dataset: Dataset, table: str) -> str:
    """Names of the columns that a delivery brings."""
    found = rows(
        client,
        f"select name from system.columns where database = '{dataset.raw_database}' and table = '{table}'"
        " and default_kind in ('', 'DEFAULT') order by position",
    )
    return ", ".join(row["name"] for row in found)
