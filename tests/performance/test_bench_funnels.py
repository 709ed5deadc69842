"""An exact funnel of five steps with an exclusion and a breakdown, beside ClickHouse's windowFunnel without either.

Both read the same table of events, shaped and sorted as person_events is; GTC_BENCH_FUNNEL_EVENTS sets its size. The
funnel is the macros' own SQL, so it answers what person_funnels holds: per person and entry day the best chain, when
each step was filled, the breakdown, and whether an excluded event takes the person out.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from funnels_support import Macros

pytestmark = pytest.mark.bench

EVENTS = int(os.environ.get("GTC_BENCH_FUNNEL_EVENTS", "20000000"))

#: Events of a person; six of them make a visit.
EVENTS_OF_ONE = 45

STEPS = ("page_view", "calculator_started", "calculator_completed", "sign_up", "purchase")
FUNNEL = {
    "name": "bench",
    "title": "Bench",
    "description": "Five steps.",
    "window": "7 days",
    "steps": [{"name": f"step_{n}", "where": {"event_name": name}} for n, name in enumerate(STEPS, 1)],
    "exclusions": [{"where": {"event_name": "calculator_error"}, "from": "step_2", "to": "step_3"}],
    "breakdowns": [{"column": "country"}],
}

#: Two thirds page views, a calculator every other visit, a sign-up or a purchase in three visits of a hundred.
FILL = f"""
insert into bench_funnel_events
with
    number % {EVENTS_OF_ONE} as place,
    intDiv(number, {EVENTS_OF_ONE}) as person,
    cityHash64(person, intDiv(place, 6)) % (395 * 86400) as visit_second,
    ['calculator_started', 'calculator_step', 'login', 'calculator_completed', 'login', 'calculator_error'] as names
select
    concat('user_', leftPad(toString(person), 8, '0')) as person_id,
    generateUUIDv4() as event_id,
    toDateTime64('2025-10-24 00:00:00', 3, 'UTC')
    + toIntervalMillisecond(visit_second * 1000 + place * 40000 + cityHash64(number) % 30000) as event_at,
    multiIf(
        cityHash64(number, 1) % 1000 < 5, 'purchase',
        cityHash64(number, 1) % 1000 < 20, 'sign_up',
        cityHash64(number, 1) % 1000 < 680, 'page_view',
        names[1 + cityHash64(number, 2) % 6]
    ) as event_name,
    ['GB', 'US', 'DE', 'FR', 'IN', 'CA', 'AU'][1 + person % 7] as country
from numbers({EVENTS})
"""


@pytest.fixture
def events(client: Client) -> str:
    """A table of events, sorted and partitioned as person_events is."""
    client.command(
        "create or replace table bench_funnel_events (person_id String, event_id UUID, event_at DateTime64(3, 'UTC'),"
        " event_name LowCardinality(String), country LowCardinality(String)) engine = MergeTree"
        " order by (person_id, event_at, event_id) partition by toYYYYMM(event_at)"
    )
    client.command(FILL)
    return "bench_funnel_events"


def seconds(client: Client, queries: dict[str, str]) -> dict[str, float]:
    """Median of five rounds in which the queries take turns, so that a disturbance meets them all."""
    taken: dict[str, list[float]] = {name: [] for name in queries}
    for _ in range(5):
        for name, sql in queries.items():
            begun = time.perf_counter()
            client.query(sql)
            taken[name].append(time.perf_counter() - begun)
    return {name: statistics.median(times) for name, times in taken.items()}


def test_an_exact_funnel_takes_at_most_two_and_a_half_times_window_funnel(
    client: Client, events: str, record_figure: Callable[..., None]
) -> None:
    conditions = ", ".join(f"event_name = '{step}'" for step in STEPS)
    furthest = f"windowFunnel(604800000)(toUInt64(toUnixTimestamp64Milli(event_at)), {conditions})"
    people = f"select person_id, {furthest} as furthest from {events} where event_name in {STEPS} group by person_id"
    queries = {
        "windowFunnel": f"select furthest, count() as people from ({people}) group by furthest order by furthest",
        "exact": f"""
            select furthest_step, breakdown_values['country'] as country, is_best, is_excluded, count()
            from ({exact_funnel(FUNNEL, events)}) group by furthest_step, country, is_best, is_excluded""",
    }
    taken = seconds(client, queries)
    name = f"funnel on {EVENTS / 1e6:.0f} M events"
    record_figure(f"{name}: windowFunnel", taken["windowFunnel"], "s")
    record_figure(f"{name}: exact, with an exclusion and a breakdown", taken["exact"], "s")
    record_figure(f"{name}: exact by windowFunnel", taken["exact"] / taken["windowFunnel"], "ratio", 2.5)

    # Without repeated steps, exclusions and equal moments, the two count the same people.
    plain = exact_funnel(FUNNEL | {"exclusions": [], "breakdowns": []}, events)
    ours = f"select furthest_step, count() from ({plain}) where is_best group by furthest_step order by furthest_step"
    theirs = client.query(queries["windowFunnel"]).result_rows
    assert client.query(ours).result_rows == [row for row in theirs if row[0] > 0]


def exact_funnel(declaration: dict[str, object], events: str) -> str:
    """The SQL of a declared funnel over a table of events."""
    macros = Macros({})
    return str(macros.funnel_query(macros.funnel_plan(declaration), {"events": events, "revenue": "", "sessions": ""}))
