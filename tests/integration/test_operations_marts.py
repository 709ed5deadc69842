"""The marts about requests, traffic and the quality of the data equal the oracle and the planted truth."""

import csv
import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest
import yaml
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marts_support import Bench, Row, differences, insert, rows, uuid_of
from oracle_events import day_cutter, each_once
from oracle_marts import SEEDS, Company
from oracle_operations import (
    REQUEST_COLUMNS,
    Limits,
    Source,
    apdex,
    latency,
    minute_of,
    performance_metrics,
    readings,
    source_days,
)

from gtc.settings import PROJECT_ROOT, Dataset, Settings

MARTS = ("performance_metrics", "performance_metrics_minutely", "traffic_minutely", "data_quality")
NOON = datetime(2025, 4, 1, 12, 0)

#: Days of which performance_live knows.
LIVE_DAYS = 7

#: Columns that should be filled, of tables whose rows this test reads.
FILLED = {
    "user_events": ("event_name", "anonymous_id", "country", "device_type", "page_path"),
    "performance_metrics": ("route", "server"),
}


def request_faults(client: Client, schema: str, raw: list[Row], company: Company) -> list[str]:
    """Where the marts about requests differ from the oracle."""
    daily, minutely = performance_metrics(raw, company.last, max(company.received), company.time_zone)
    days = rows(client, f"select * from {schema}.performance_metrics order by request_date, route, method")
    minutes = rows(client, f"select * from {schema}.performance_metrics_minutely order by route, method, minute_at")
    return [*differences(days, daily), *differences(minutes, minutely)]


#: Raw tables whose rows bear a moment: the data ends with the newest of any of them.
MOMENTS = (
    "user_events", "calculator_usage", "revenue_events", "experiment_exposures", "performance_metrics",
    "system_metrics", "competitor_pricing", "competitor_features", "competitor_seo",
)  # fmt: skip


def end_of_data(client: Client, raw_database: str, time_zone: str) -> tuple[date, datetime]:
    """The last day of any table, and what was received last."""
    day_of, days, received = day_cutter(time_zone), [], []
    for table in MOMENTS:
        raw = rows(client, f"select event_id, event_at, received_at, row_version from {raw_database}.{table}")
        days += [day_of(row["event_at"]) for row in each_once(raw)]
        received += [row["received_at"] for row in raw]
    return max(days), max(received)


def quality_faults(client: Client, dataset: Dataset, source: Source, company: Company) -> list[str]:
    """Readings of one source that differ from the oracle."""
    schema = dataset.schema
    days = source_days(source, *end_of_data(client, dataset.raw_database, company.time_zone), company.time_zone)
    found = {
        (row["quality_date"], row["check_name"], row["column_name"]): {
            name: row[name] for name in ("value", "expected", "lower_limit", "upper_limit", "severity", "sample_count")
        }
        for row in rows(client, f"select * from {schema}.data_quality where source_table = '{source.name}'")
        if row["check_name"] not in ("identity_conflict_rate", "unrated_lines")
    }
    wanted = readings(days, limits_of(source.name))
    return [f"{key}: {found.get(key)}, expected {wanted.get(key)}" for key in sorted(found.keys() | wanted.keys())
            if found.get(key) != wanted.get(key)][:10]  # fmt: skip


def limits_of(source: str) -> Limits:
    """The limits of one source, as the seeds state them."""
    with (SEEDS / "quality_checks.csv").open() as file:
        checks = {row["check_name"]: row for row in csv.DictReader(file)}
    with (SEEDS / "quality_sources.csv").open() as file:
        [own] = [row for row in csv.DictReader(file) if row["source_table"] == source]
    return Limits(
        upper={name: float(row["upper_limit"]) if row["upper_limit"] else None for name, row in checks.items()},
        minimum={name: int(row["minimum_count"]) for name, row in checks.items()},
        severity={name: row["severity"] for name, row in checks.items()},
        warn_after_hours=int(own["warn_after_hours"]),
        error_after_hours=int(own["error_after_hours"]),
        has_daily_volume=own["has_daily_volume"] == "true",
    )


def source_of(client: Client, raw_database: str, name: str, time_zone: str = "UTC") -> Source:
    """What raw holds of one table."""
    columns = ", ".join(("event_id", "event_at", "received_at", "row_version", *FILLED[name]))
    day_of = day_cutter(time_zone)
    states: dict[Any, Row] = {}
    for state in rows(
        client, f"select * from {raw_database}.load_log where target_table = '{name}' order by logged_at"
    ):
        states[state["load_id"]] = state
    loads = {load: state for load, state in states.items() if state["file_name"] and state["status"] != "running"}
    streamed, lost = set(), defaultdict(set)
    for reject in rows(client, f"select * from {raw_database}.load_rejects where target_table = '{name}'"):
        message = (reject["line_number"], reject["raw_row"])
        if reject["load_id"] in loads:
            lost[reject["load_id"]].add(message)
        else:
            streamed.add((day_of(reject["rejected_at"]), reject["load_id"], *message))
    files = [
        (day_of(state["started_at"]), max(state["rows_read"], len(lost[load])), len(lost[load]))
        for load, state in loads.items()
    ]
    raw = rows(client, f"select {columns} from {raw_database}.{name}")
    return Source(name, raw, [day for day, *_ in streamed], files, FILLED[name])


def test_requests_of_the_simulated_company_equal_the_oracle(
    simulated: Settings, simulated_oracle: Company, marts_client: Client
) -> None:
    dataset = simulated.dataset
    raw = rows(marts_client, f"select {REQUEST_COLUMNS} from {dataset.raw_database}.performance_metrics")
    assert request_faults(marts_client, dataset.schema, raw, simulated_oracle) == []


@pytest.mark.parametrize("name", FILLED)
def test_quality_of_the_simulated_company_equals_the_oracle(
    simulated: Settings, simulated_oracle: Company, marts_client: Client, name: str
) -> None:
    source = source_of(marts_client, simulated.dataset.raw_database, name, simulated_oracle.time_zone)
    assert quality_faults(marts_client, simulated.dataset, source, simulated_oracle) == []


def test_the_planted_faults_of_delivery_are_recovered(
    simulated: Settings, simulated_truth: Path, marts_client: Client
) -> None:
    planted = json.loads((simulated_truth / "truth.json").read_text())["delivery"]
    found = rows(
        marts_client,
        "select source_table, sum(days.events) as planted, sum(days.deliveries) as deliveries,"
        " sum(days.deliveries - days.events) as repeats, sum(late_events) as late, sum(rejects) as malformed"
        f" from {simulated.dataset.schema}_intermediate.source_days as days group by source_table",
    )
    counts = {row.pop("source_table"): row for row in found}
    for table, faults in planted.items():
        faults.pop("malformed_by_kind")
        assert counts[table] == faults, table


def test_traffic_of_the_simulated_company_equals_the_oracle(
    simulated: Settings, simulated_oracle: Company, marts_client: Client
) -> None:
    shown_from = simulated_oracle.last - timedelta(days=6)
    events, views, starts, people = Counter[datetime](), Counter[datetime](), Counter[datetime](), {}
    for person, seen in simulated_oracle.people.items():
        for row in seen:
            if simulated_oracle.day_of(row["event_at"]) >= shown_from:
                minute = minute_of(row["event_at"])
                events[minute] += 1
                views[minute] += row["event_name"] == "page_view"
                people.setdefault(minute, set()).add(person)
    for session in simulated_oracle.sessions:
        starts[minute_of(session.events[0]["event_at"])] += 1
    wanted = [
        {
            "minute_at": minute,
            "traffic_date": simulated_oracle.day_of(minute),
            "events": events[minute],
            "page_views": views[minute],
            "active_people": len(people[minute]),
            "sessions_started": starts[minute],
        }
        for minute in sorted(events)
    ]
    found = rows(marts_client, f"select * from {simulated.dataset.schema}.traffic_minutely order by minute_at")
    assert differences(found, wanted) == []


def test_online_retail_has_no_requests_and_its_deliveries_are_judged(retail: Settings, marts_client: Client) -> None:
    schema = retail.dataset.schema
    for name in ("performance_metrics", "performance_metrics_minutely", "performance_live", "traffic_minutely"):
        assert rows(marts_client, f"select * from {schema}.{name}") == []
    [found] = rows(
        marts_client,
        "select groupUniqArray(source_table) as sources,"
        " countIf(check_name = 'volume' and expected is not null) as judged"
        f" from {schema}.data_quality",
    )
    assert (found["sources"], found["judged"] > 300) == (["revenue_events"], True)


def test_limits_of_freshness_are_those_of_the_sources() -> None:
    document = yaml.safe_load((PROJECT_ROOT / "dbt_project" / "models" / "staging" / "_sources.yml").read_text())
    hours = {
        table["name"]: tuple(table["config"]["freshness"][limit]["count"] for limit in ("warn_after", "error_after"))
        for table in document["sources"][0]["tables"]
        if table["config"]["freshness"]
    }
    with (SEEDS / "quality_sources.csv").open() as file:
        sources = list(csv.DictReader(file))
    limits = {row["source_table"]: (int(row["warn_after_hours"]), int(row["error_after_hours"])) for row in sources}
    assert limits == {name: both for name, both in hours.items() if name != "load_log"}


def test_the_golden_apdex() -> None:
    assert apdex(60, 30, 100) == 0.75


def test_a_request_within_the_limit_stays_within_it_when_rounded() -> None:
    assert [latency(time) for time in (500.0, 500.001, 0.1, -3.0, float("nan"))] == [500, 501, 1, 0, 0]


def request(number: int, minutes: float, duration: float, status: int = 200, **more: Any) -> Row:
    """One request to the price list."""
    moment = NOON + timedelta(minutes=minutes)
    row = {
        "event_id": uuid_of(number),
        "event_at": moment,
        "received_at": moment,
        "route": "/pricing",
        "method": "GET",
        "status_code": status,
        "duration_ms": duration,
        "response_bytes": number,
        "server": "s1",
        "country": ("DE", "FR", "")[number % 3],
    }
    return row | more


def view(number: int, moment: datetime, **more: Any) -> Row:
    """One page view of ada."""
    row = {"event_id": uuid_of(number), "event_name": "page_view", "event_at": moment, "received_at": moment}
    return (
        row | {"user_id": "ada", "anonymous_id": "", "country": "DE", "device_type": "mobile", "page_path": "/"} | more
    )


def bench_faults(
    bench: Bench, requests: list[Row], views: list[Row], wrong: tuple[str, str] | None = None
) -> list[str]:
    """Fill, build and compare all of it."""
    bench.fill({"performance_metrics": requests, "user_events": views}, marts=MARTS)
    if wrong:
        bench.rebuild(wrong, marts=MARTS)
    company, raw = bench.company(), bench.dataset.raw_database
    found = request_faults(
        bench.client,
        bench.dataset.schema,
        rows(bench.client, f"select {REQUEST_COLUMNS} from {raw}.performance_metrics"),
        company,
    )
    for name in FILLED:
        source = source_of(bench.client, raw, name, company.time_zone)
        found += quality_faults(bench.client, bench.dataset, source, company)
    return found


def busy() -> tuple[list[Row], list[Row]]:
    """Requests and page views in which every rule decides something."""
    requests = [
        request(1, 0, 500),
        request(2, 0, 500.001),
        request(3, 0, 2000),
        request(4, 1, 2000.5),
        request(5, 1, 10, 503),
        request(6, 1, 10, 404),
        request(7, 1, float("nan")),
        request(8, 660 - 1 / 60_000, 70, method="POST"),  # the last millisecond of a London day
        request(9, 660, 70, method="POST"),
        request(10, 5, 80, received_at=NOON + timedelta(minutes=65)),  # late: an hour to the millisecond
        request(11, 5, 80, received_at=NOON + timedelta(minutes=65) - timedelta(milliseconds=1)),
        request(12, 0, 500),
        # Delivered again, with another time, since the engine joins rows with the same key at once.
        request(1, 1 / 60_000, 600, received_at=NOON + timedelta(minutes=3)),
        request(4, 1 + 1 / 60_000, 2000.5, received_at=NOON + timedelta(minutes=62)),  # the first one was in time
    ]
    days = [0, 7, 14, 15, 21, 28, 28, 35, 42, 49, 49, 56, 56, 63, 63, 70, 77]
    views = [view(100 + n, NOON + timedelta(days=day), country="" if n % 3 else "DE") for n, day in enumerate(days)]
    return requests, views


def test_edges_equal_the_oracle(bench: Bench) -> None:
    assert bench_faults(bench, *busy()) == []


def test_an_empty_data_set_has_empty_marts(bench: Bench) -> None:
    bench.fill({}, marts=MARTS)
    assert [bench.rows(f"select * from marts.{name}") for name in MARTS] == [[]] * len(MARTS)


def test_volumes_are_judged_by_the_median_and_by_the_weeks_before(bench: Bench) -> None:
    volumes = [60] * 8 + [121, 242, 485, 29, 60, 10]  # a Tuesday each
    requests = [
        request(number, week * 7 * 24 * 60 + number % 60, 80)
        for week, volume in enumerate(volumes)
        for number in range(1000 * week, 1000 * week + volume)
    ]
    assert bench_faults(bench, requests, [view(999_999, NOON + timedelta(days=7 * len(volumes)))]) == []
    found = bench.rows(
        "select value, severity from marts.data_quality where source_table = 'performance_metrics' and expected > 0"
        " and check_name = 'volume' order by quality_date"
    )
    # 121 is more than twice the median, 485 than twice the week before; 29 and 10 are less than half of the median, and
    # the last day is not over.
    assert [(row["value"], row["severity"]) for row in found] == [
        (60, "none"), (60, "none"), (60, "none"), (60, "none"), (121, "critical"), (242, "none"), (485, "critical"),
        (29, "critical"), (60, "none"), (10, "critical"), (0, "none"),
    ]  # fmt: skip


def test_a_feed_that_fails_is_missed_though_it_ends_the_days_of_the_marts(bench: Bench) -> None:
    # Product events, and with them the as-of date, end on the first day; requests go on for five more.
    requests = [request(n, n * 24 * 60, 80) for n in range(6)]
    assert bench_faults(bench, requests, [view(99, NOON)]) == []
    found = bench.rows(
        "select value, severity, is_partial from marts.data_quality where source_table = 'user_events'"
        " and check_name = 'freshness_hours' order by quality_date"
    )
    assert [(row["value"], row["severity"]) for row in found] == [
        (11, "none"), (35, "none"), (59, "warning"), (83, "critical"), (107, "critical"), (120, "critical"),
    ]  # fmt: skip
    assert [row["is_partial"] for row in found] == [False] * 5 + [True]
    assert bench.rows("select distinct request_date from marts.performance_metrics_minutely") == [
        {"request_date": NOON.date()}
    ]


def test_a_source_of_which_nothing_was_taken_has_rows(bench: Bench) -> None:
    rejected = [
        {"target_table": "performance_metrics", "rejected_at": NOON, "line_number": line, "raw_row": "?"}
        for line in (1, 2, 2)
    ]
    bench.fill(
        {"user_events": [view(1, NOON + timedelta(days=1))], "load_rejects": rejected},
        marts=MARTS,
    )
    source = source_of(bench.client, bench.dataset.raw_database, "performance_metrics", bench.company().time_zone)
    assert quality_faults(bench.client, bench.dataset, source, bench.company()) == []
    found = bench.rows(
        "select quality_date, check_name, value, sample_count, severity from marts.data_quality"
        " where source_table = 'performance_metrics' order by quality_date, check_name"
    )
    assert [tuple(row.values()) for row in found] == [
        (NOON.date(), "reject_rate", 1, 2, "none"),
        (NOON.date(), "volume", 0, 0, "none"),
        (NOON.date() + timedelta(days=1), "volume", 0, 0, "none"),
    ]


def test_rows_of_a_file_are_rejected_on_the_day_of_the_load_whatever_days_they_speak_of(bench: Bench) -> None:
    old, failed, daily = (uuid_of(n) for n in (901, 902, 903))
    loads = [  # history, long after the last day of the data; one that failed; one of a day on which a stream came, too
        {"load_id": old, "rows_read": 200, "started_at": NOON + timedelta(days=400), "file_name": "2011.csv"},
        {"load_id": failed, "rows_read": 0, "started_at": NOON, "file_name": "x.csv", "status": "failed"},
        {"load_id": daily, "rows_read": 50, "started_at": NOON, "file_name": "daily.csv"},
    ]
    rejected = [(old, line) for line in range(3, 53)] + [(failed, 1), (daily, 2), (daily, 2), (uuid_of(904), 1)]
    bench.fill(
        {
            "performance_metrics": [request(n, 0, 80) for n in range(3)],
            "user_events": [view(1, NOON + timedelta(days=1))],
            "load_log": [{"target_table": "performance_metrics", "status": "done"} | load for load in loads],
            "load_rejects": [
                {"target_table": "performance_metrics", "load_id": load, "line_number": line, "raw_row": "?"}
                | {"rejected_at": NOON + timedelta(days=400 if load == old else 0), "column_name": str(n % 2)}
                for n, (load, line) in enumerate(rejected)
            ],
        },
        marts=MARTS,
    )
    source = source_of(bench.client, bench.dataset.raw_database, "performance_metrics", bench.company().time_zone)
    assert quality_faults(bench.client, bench.dataset, source, bench.company()) == []
    found = bench.rows(
        "select quality_date, check_name, value, sample_count, severity from marts.data_quality"
        " where source_table = 'performance_metrics' and endsWith(check_name, 'reject_rate')"
        " order by quality_date, check_name"
    )
    assert [tuple(row.values()) for row in found] == [
        (NOON.date(), "file_reject_rate", 2 / 51, 51, "critical"),
        (NOON.date(), "reject_rate", 1 / 4, 4, "none"),
        (NOON.date() + timedelta(days=1), "file_reject_rate", 0.25, 200, "critical"),
    ]


made_up = st.builds(
    lambda number, minutes, duration, status, late: request(
        number, minutes, duration, status, received_at=NOON + timedelta(minutes=minutes + late)
    ),
    st.integers(1, 30), st.sampled_from([0, 0, 1, 30, 659, 660, 661]),
    st.sampled_from([0.0, 1.0, 499.5, 500.0, 501.0, 1999.5, 2000.0, 2001.0, 90_000.0]),
    st.sampled_from([200, 200, 200, 301, 404, 499, 500, 503]),
    st.sampled_from([0, 1, 59, 60, 61, -1440, -1441]),  # a day before it happened is believed, a minute more is not
)  # fmt: skip


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(made_up, max_size=25))
def test_made_up_requests_equal_the_oracle(bench: Bench, requests: list[Row]) -> None:
    assert bench_faults(bench, requests, [view(99, NOON + timedelta(days=1))]) == []


def test_live_figures_follow_every_insert_and_count_a_repeat_once(simulated: Settings, marts_client: Client) -> None:
    dataset, moment = simulated.dataset, datetime(2031, 1, 1, 9, 30, 30)
    at = {"event_at": moment, "received_at": moment}
    sent = [request(7_000 + n, 0, 100.5, 503 if n == 2 else 200, **at, route="/live") for n in range(3)]
    try:
        for delivery in (sent, sent[:2], [sent[1], sent[1]]):
            insert(marts_client, dataset, "performance_metrics", delivery)
        [row] = rows(marts_client, f"select * from {dataset.schema}.performance_live where route = '/live'")
        assert (row["minute_at"], row["requests"], row["server_errors"]) == (minute_of(moment), 3, 1)
        assert (row["latency_histogram"], row["apdex"]) == ({101: 3}, 2 / 3)
    finally:
        forget_live_requests(marts_client, dataset)


def forget_live_requests(client: Client, dataset: Dataset) -> None:
    """Take away what tests sent after the build."""
    for table in (f"{dataset.raw_database}.performance_metrics", f"{dataset.schema}_staging.stg_live_requests"):
        client.command(f"alter table {table} delete where startsWith(route, '/live')", settings={"mutations_sync": 2})


def test_live_figures_are_those_of_the_last_days(simulated: Settings, marts_client: Client) -> None:
    """The company's requests, moved to end now: minutes of the last `live_days` equal the oracle, older ones go."""
    dataset, now = simulated.dataset, datetime.now(UTC).replace(tzinfo=None)
    raw = rows(marts_client, f"select {REQUEST_COLUMNS} from {dataset.raw_database}.performance_metrics")
    days = timedelta(days=(now - max(row["event_at"] for row in raw)).days)
    moved = [
        row
        | {
            "event_id": uuid5(NAMESPACE_OID, str(row["event_id"])),
            "event_at": row["event_at"] + days,
            "received_at": row["received_at"] + days,
            "route": f"/live{row['route']}",
        }
        for row in each_once(raw)
        if now - row["event_at"] - days < timedelta(days=LIVE_DAYS + 3)
    ]
    sent = [{name: value for name, value in row.items() if name != "row_version"} for row in moved]
    boundary = minute_of(now) - timedelta(days=LIVE_DAYS)
    safe = boundary + timedelta(hours=1)  # what lies beside the boundary depends on the moment of the question
    try:
        for delivery in (sent, sent[::3]):
            insert(marts_client, dataset, "performance_metrics", delivery)
        live = rows(
            marts_client,
            f"select * from {dataset.schema}.performance_live where startsWith(route, '/live')"
            " order by route, method, minute_at",
        )
        _, minutely = performance_metrics(moved, now.date(), now)
        shown = [
            {name: value for name, value in row.items() if name not in ("request_date", "response_bytes")}
            for row in minutely
        ]
        assert differences(*([row for row in found if row["minute_at"] >= safe] for found in (live, shown))) == []
        assert len(live) > 100
        assert min(row["minute_at"] for row in shown) < min(row["minute_at"] for row in live) >= boundary
    finally:
        forget_live_requests(marts_client, dataset)


#: A rule of the SQL, and the wrong one next to it.
MUTANTS = {
    "T itself does not satisfy": ("latency_ms <= 500", "latency_ms < 500"),
    "4 T is not tolerated": ("latency_ms <= 4 * 500", "latency_ms < 4 * 500"),
    "a fast failure satisfies": (
        "requests_by_day.requests - requests_by_day.server_errors",
        "requests_by_day.requests",
    ),
    "latencies are cut": ("ceil(duration_ms)", "floor(duration_ms)"),
    "a minute has a histogram by country": ("arrayUniq(mapKeys(counts)) = length(counts)", "true"),
    "quantiles round down": ("passed * 100 >= 50", "passed * 100 > 50"),
    "the client's errors are ours": ("status_code >= 500", "status_code >= 400"),
    "the same weekday is the day after": ("% 7 = 6", "% 7 = 5"),
    "the median is the upper middle": ("intDiv(weekdays + 1, 2)", "intDiv(weekdays, 2) + 1"),
    "an outage excuses the week after": (
        "greatest(events_before[-7], events_before[-14])",
        "events_before[-7]",
    ),
    "the median alone is the upper limit": (
        "greatest(expected_events, toFloat64(events_before[-7]))",
        "expected_events",
    ),
    "half an expected event counts whole": (
        "floor(coalesce(expected_events, 0))",
        "ceil(coalesce(expected_events, 0))",
    ),
    "repeats are rare things": (
        "(deliveries - events) / nullIf(deliveries, 0)",
        "(deliveries - events) / nullIf(events, 0)",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_oracle_notices_a_wrong_rule(bench: Bench, name: str) -> None:
    assert any(MUTANTS[name][0] in model.sql for model in bench.models), (
        "the SQL has changed; change the mutant with it"
    )
    assert bench_faults(bench, *busy(), MUTANTS[name]) != []


def test_each_event_of_the_simulated_company_counts_once(simulated: Settings, marts_client: Client) -> None:
    raw = rows(marts_client, f"select {REQUEST_COLUMNS} from {simulated.dataset.raw_database}.performance_metrics")
    [found] = rows(marts_client, f"select sum(requests) as n from {simulated.dataset.schema}.performance_metrics")
    assert found["n"] == len(each_once(raw)) < len(raw)
