"""What building the marts costs in the warehouse, beside one scan of raw; what an ordinary day costs beside that.

One run on a warehouse of its own: a simulated company of thirteen months without its last day, built whole; then the
last day arrives and is built. Query time is the engine's own, from its query log. GTC_BENCH_USERS sets the size,
440,000 people by default, who leave some 21 million product events.
"""

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import psutil
import pytest
from clickhouse_connect.driver.client import Client

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from dashboard_queries import QUERIES
from pydantic import SecretStr
from server_http import own_server

from bi.check import check
from bi.deploy import deploy
from bi.servers import InApp
from bi.tree import TREE, read_tree
from gtc.services.superset import prepare
from gtc.settings import Settings
from simulator.order import Order
from simulator.run import simulate
from simulator.world_file import read_world
from warehouse.client import connect
from warehouse.dbt import build

pytestmark = pytest.mark.bench

RecordFigure = Callable[..., None]

USERS = int(os.environ.get("GTC_BENCH_USERS", "440000"))
FIRST, LAST = date(2025, 10, 24), date(2026, 11, 22)

#: Raw tables of events, and when a row of each arrived.
RAW_EVENTS = (
    "user_events", "calculator_usage", "revenue_events", "experiment_exposures", "performance_metrics",
    "marketing_spend", "system_metrics",
)  # fmt: skip

MEGABYTE = 1_000_000


@dataclass
class Cost:
    """What queries of a stretch of time cost in the engine. Housekeeping is whatever neither writes nor removes rows:
    tables made, exchanged and dropped, comments, questions about the catalogue."""

    seconds: float
    processor_seconds: float
    largest_query_bytes: int
    housekeeping_seconds: float
    by_node: dict[str, float]


@dataclass
class Company:
    """A warehouse with the benchmark's company, and the process that serves it."""

    settings: Settings
    client: Client
    process: psutil.Process

    @property
    def raw(self) -> str:
        return self.settings.dataset.raw_database

    def now(self) -> datetime:
        """The warehouse's clock, before anything that is about to be measured."""
        time.sleep(1.1)
        moment = self.client.query("select now()").result_rows[0][0]
        assert isinstance(moment, datetime)
        return moment

    def wait_until_merged(self) -> None:
        """Return when the engine has merged what was just stored, as it has by the next morning."""
        while self.client.query("select count() from system.merges").result_rows[0][0]:
            time.sleep(1)

    def cost_since(self, moment: datetime) -> Cost:
        """Queries of dbt that began since then."""
        self.client.command("system flush logs")
        mine = f"type = 'QueryFinish' and event_time >= '{moment}' and query like '/* {{\"app\": \"dbt\"%'"
        rows = self.client.query(
            'select extract(query, \'"node_id": "([^"]*)"\') as node, sum(query_duration_ms) / 1000,'
            " sum(ProfileEvents['UserTimeMicroseconds'] + ProfileEvents['SystemTimeMicroseconds']) / 1e6,"
            " max(memory_usage),"
            " sumIf(query_duration_ms, written_rows = 0 and query_kind not in ('Insert', 'Delete')) / 1000"
            f" from system.query_log where {mine} group by node"
        ).result_rows
        return Cost(
            sum(row[1] for row in rows),
            sum(row[2] for row in rows),
            max((int(row[3]) for row in rows), default=0),
            sum(row[4] for row in rows),
            {str(row[0]).split(".")[-1]: float(row[1]) for row in rows},
        )


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Thirteen months, of which the rows that arrived on the last day wait in tables `_later`."""
    with own_server(tmp_path_factory.mktemp("bench_marts")) as (settings, process), connect(settings) as client:
        company = Company(settings, client, psutil.Process(process.pid))
        order = Order(read_world(None), USERS, FIRST, LAST, 3)
        simulate(client, settings.dataset, order, truth=settings.gtc_var_dir / "truth")
        for table in RAW_EVENTS:
            last_day = f"received_at >= '{LAST}'"
            place = f"{company.raw}.{table}"
            client.command(f"create table {place}_later as {place} engine = MergeTree order by tuple()")
            names = plain_columns(client, company.raw, table)
            client.command(f"insert into {place}_later ({names}) select {names} from {place} where {last_day}")
            client.command(f"alter table {place} delete where {last_day}", settings={"mutations_sync": 2})
        yield company


def plain_columns(client: Client, database: str, table: str) -> str:
    """Names of the columns that a row brings."""
    rows = client.query(
        f"select name from system.columns where database = '{database}' and table = '{table}'"
        " and default_kind in ('', 'DEFAULT') order by position"
    ).result_rows
    return ", ".join(str(row[0]) for row in rows)


def seconds_of_one_scan(company: Company) -> float:
    """One pass over all columns of all raw events, in the engine."""
    began = company.now()
    for table in RAW_EVENTS:
        company.client.query(f"select sum(cityHash64(*)) from {company.raw}.{table}")
    company.client.command("system flush logs")
    found = company.client.query(
        "select sum(query_duration_ms) / 1000 from system.query_log where type = 'QueryFinish'"
        f" and event_time >= '{began}' and query like 'select sum(cityHash64(*)) from {company.raw}.%'"
    ).result_rows
    return float(found[0][0])


def built(company: Company, threads: int = 1) -> Cost:
    """Build all models, one after the other so that query times add up, and say what it cost."""
    began = company.now()
    result = build(company.settings, with_tests=False, threads=threads)
    assert result.success, [f"{node.name}: {node.message}" for node in result.failures]
    return company.cost_since(began)


def test_building_all_marts_and_an_ordinary_day(company: Company, record_figure: RecordFigure) -> None:
    events = company.client.query(f"select count() from {company.raw}.user_events").result_rows[0][0]
    record_figure("marts: product events", events / 1e6, "million")
    scans = [seconds_of_one_scan(company)]
    time.sleep(31)  # what was stored in the last half minute before a build is looked at again (ingest_overlap_seconds)
    whole = built(company)
    scans.append(seconds_of_one_scan(company))
    scan = min(scans)
    peak = peak_memory(company.process)
    record_figure("marts: one scan of all raw event columns", scan, "s")
    record_figure("marts: full build, query time", whole.seconds, "s")
    say_where_time_goes("full build", whole)

    for table in RAW_EVENTS:
        names = plain_columns(company.client, company.raw, table)
        place = f"{company.raw}.{table}"
        company.client.command(f"insert into {place} ({names}) select {names} from {place}_later")
    company.wait_until_merged()
    day = built(company)
    say_where_time_goes("ordinary day", day)
    record_figure("marts: an ordinary day, query time", day.seconds, "s")
    record_figure("marts: of which dbt's housekeeping", day.housekeeping_seconds, "s")
    record_figure("marts: full build by one scan of raw", whole.seconds / scan, "ratio", 30)
    record_figure("marts: peak memory of the warehouse in the full build", peak / MEGABYTE, "MB", 6000)
    record_figure("marts: an ordinary day by the full build", day.seconds / whole.seconds, "ratio", 0.03)


def test_what_dashboards_ask_is_answered_at_once(company: Company, record_figure: RecordFigure) -> None:
    """Each query five times, in the engine; its median counts. The test before has built the marts."""
    schema = company.settings.dataset.schema
    [[as_of]] = company.client.query(f"select toString(max(kpi_date)) from {schema}.kpi_daily").result_rows
    days = {"{as_of}": f"toDate('{as_of}')", "{year_ago}": f"(toDate('{as_of}') - 365)"}
    took = {}
    for page, queries in QUERIES.items():
        for chart, query in queries.items():
            for name, value in days.items():
                query = query.replace(name, value)
            answers = [company.client.query(query, settings={"database": schema}) for _ in range(5)]
            assert answers[0].result_rows, f"{page}, {chart}: no rows"
            took[f"{page}, {chart}"] = sorted(int(answer.summary["elapsed_ns"]) / 1e6 for answer in answers)[2]
    for chart, milliseconds in sorted(took.items(), key=lambda item: -item[1])[:10]:
        print(f"  {milliseconds:8.1f} ms  {chart}")
    slowest = max(took, key=lambda chart: took[chart])
    record_figure(f"marts: slowest of {len(took)} queries of dashboards ({slowest})", took[slowest], "ms", 100)


def test_charts_of_superset_are_answered_at_once(company: Company, record_figure: RecordFigure) -> None:
    """Every query that Superset makes of the pages, with each filter changed too, in the engine; the faster of two."""
    settings = company.settings.model_copy(update={"superset_secret_key": SecretStr(secrets.token_hex(32))})
    prepare(settings, lambda administrator: None)
    tree = read_tree(TREE)
    with InApp(settings) as server:
        deploy(server, tree, settings, print)
        began = company.now()
        runs = [run for _ in range(2) for run in check(server, tree, settings, lambda words: None)]
    assert not [run for run in runs if run.fault]
    company.client.command("system flush logs")
    took = company.client.query(
        "select min(query_duration_ms) as fastest, query from system.query_log where type = 'QueryFinish'"
        f" and event_time >= '{began}' and user = '{settings.warehouse_reader_user}'"
        f" and has(databases, '{settings.dataset.schema}') group by query order by fastest desc"
    ).result_rows
    for milliseconds, query in took[:10]:
        print(f"  {milliseconds:8} ms  {' '.join(query.split())[:200]}")
    record_figure(f"marts: slowest of {len(took)} queries that Superset makes of the pages", took[0][0], "ms", 100)


def peak_memory(process: psutil.Process) -> int:
    """The largest resident memory that the server process ever had, bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def say_where_time_goes(what: str, cost: Cost) -> None:
    """The most expensive models on standard output, for whoever makes them cheaper."""
    print(f"\n{what}: {cost.seconds:.1f} s, processor {cost.processor_seconds:.1f} s")
    for name, seconds in sorted(cost.by_node.items(), key=lambda item: -item[1])[:25]:
        print(f"  {seconds:8.2f} s  {name or 'beside the models'}")
