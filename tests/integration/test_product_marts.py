"""The marts about calculators equal the oracle and the planted truth; wrong rules are noticed."""

import json
import math
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marts_support import Bench, Row, differences, rows, uuid_of
from oracle_marts import Company
from oracle_product import USAGE_COLUMNS, Usage, calculator_errors, calculator_steps, calculator_usage, quantile

from gtc.settings import Settings

MARTS = {
    "calculator_usage": (calculator_usage, "started_date, calculator, country"),
    "calculator_steps": (calculator_steps, "calculator, started_date, country, step_number"),
    "calculator_errors": (calculator_errors, "calculator, started_date, country, step_number, error_code"),
}

#: Noon of a day in London on which nothing happens to clocks; the data ends an hour after the last run below.
NOON = datetime(2025, 4, 1, 12, 0)


def faults(client: Client, schema: str, usage: Usage) -> list[str]:
    """Where the marts differ from the oracle."""
    found = []
    for name, (oracle, key) in MARTS.items():
        actual, wanted = rows(client, f"select * from {schema}.{name} order by {key}"), oracle(usage)
        found += differences(as_computed(actual, wanted), wanted)
    return found


def as_computed(actual: list[Row], wanted: list[Row]) -> list[Row]:
    """Ends of intervals as the oracle has them where only the way to compute them differs, in the last digits."""
    return [
        row
        | {
            name: end
            for name, end in (other or {}).items()
            if name.endswith(("_lower", "_upper")) and None not in (end, row[name]) and math.isclose(end, row[name])
        }
        for row, other in zip_longest(actual, wanted[: len(actual)])
    ]


def test_the_simulated_company_equals_the_oracle(
    simulated: Settings, simulated_oracle: Company, marts_client: Client
) -> None:
    raw = rows(marts_client, f"select {USAGE_COLUMNS} from {simulated.dataset.raw_database}.calculator_usage")
    usage = Usage(raw, simulated_oracle.last, max(simulated_oracle.received), simulated_oracle.time_zone)
    assert faults(marts_client, simulated.dataset.schema, usage) == []


def test_the_planted_runs_are_recovered(simulated: Settings, simulated_truth: Path, marts_client: Client) -> None:
    planted = json.loads((simulated_truth / "truth.json").read_text())["funnels"]["calculators"]
    schema, found = simulated.dataset.schema, defaultdict(Counter)
    for row in rows(
        marts_client,
        "select calculator, sum(starts) as started, sum(completions) as completed"
        f" from {schema}.calculator_usage group by 1",
    ):
        found[row["calculator"]].update(started=row["started"], completed=row["completed"])
    for row in rows(
        marts_client,
        "select calculator, step_number, sum(completed_runs) as done, sum(errors) as errors"
        f" from {schema}.calculator_steps group by 1, 2",
    ):
        number = row["step_number"]
        found[row["calculator"]].update({f"step_{number}": row["done"], f"error_{number}": row["errors"]})
    assert {name: dict(+counts) for name, counts in found.items()} == planted


def test_online_retail_has_no_calculators(retail: Settings, marts_client: Client) -> None:
    for name in MARTS:
        assert rows(marts_client, f"select * from {retail.dataset.schema}.{name}") == []


@pytest.mark.parametrize(
    ("values", "percent", "expected"), [([1, 2, 3, 4], 50, 2), ([7], 99, 7), (range(1, 101), 99, 99)]
)
def test_a_quantile_is_a_value_that_occurs(values: Any, percent: int, expected: int) -> None:
    assert quantile(values, percent) == expected


def test_the_native_function_merges_histograms_by_the_same_definition(bench: Bench) -> None:
    """What a dashboard does over a month equals the quantile of all values, up to 200 values."""
    wrong = bench.rows("""
        with arrayMap(n -> toUInt32(n), range(1, size + 1)) as keys,
        arrayMap(key -> toUInt64(1), keys) as counts
        select size, percent from (
            select
                number + 1 as size,
                arrayJoin([50, 90, 95, 99]) as percent,
                multiIf(
                    percent = 50, quantileExactWeightedArray(0.5)(keys, counts),
                    percent = 90, quantileExactWeightedArray(0.9)(keys, counts),
                    percent = 95, quantileExactWeightedArray(0.95)(keys, counts),
                    quantileExactWeightedArray(0.99)(keys, counts)
                ) as native
            from numbers(200) group by size, percent
        ) where native != intDiv(size * percent + 99, 100)""")
    assert wrong == []


def event(number: int, run: str, action: str, minutes: float, step: int = 0, **more: Any) -> Row:
    """One event of a run, by default of the VAT calculator in Germany."""
    moment = NOON + timedelta(minutes=minutes)
    row = {
        "event_id": uuid_of(number),
        "event_at": moment,
        "received_at": moment,
        "calculation_id": run,
        "calculator": "vat",
        "action": action,
        "step_number": step,
        "step_name": f"Step {step}" if step else "",
        "error_code": "timeout" if action == "error" else "",
        "duration_ms": 1234 * step,
        "country": "DE",
    }
    return row | more


def visit(number: int, moment: datetime) -> Row:
    """A page view: what the end of the data is known by."""
    return {"event_id": uuid_of(number), "event_name": "page_view", "event_at": moment, "received_at": moment,
            "user_id": "ada"}  # fmt: skip


def bench_faults(bench: Bench, wrong: tuple[str, str] | None, usage_rows: list[Row], last: datetime) -> list[str]:
    """Fill, build, compare; `last` is the end of the data."""
    bench.fill({"calculator_usage": usage_rows, "user_events": [visit(999, last)]}, marts=MARTS)
    if wrong:
        bench.rebuild(wrong, marts=MARTS)
    raw = rows(bench.client, f"select {USAGE_COLUMNS} from {bench.dataset.raw_database}.calculator_usage")
    company = bench.company()
    return faults(bench.client, bench.dataset.schema, Usage(raw, company.last, last, "Europe/London"))


def busy() -> list[Row]:
    """Runs in which every rule decides something."""
    return [
        event(1, "good", "start", 0),
        event(2, "good", "error", 1, 1),
        event(3, "good", "step", 1, 1),  # a retry in the same millisecond
        event(4, "good", "step", 2, 2),
        event(5, "good", "complete", 2, 2),
        event(6, "no start", "step", 5, 1),
        event(7, "no start", "step", 4, 2),  # out of order
        event(8, "left", "start", 100),
        event(9, "left", "abandon", 110),
        event(10, "resumed", "start", 100),
        event(11, "resumed", "abandon", 101),
        event(12, "resumed", "step", 600, 1),
        event(13, "open", "start", 600),  # exactly an hour before the end
        event(14, "silent", "start", 600 - 1 / 60_000),
        event(15, "night", "start", 659 - 24 * 60),  # 23:59 in London, summer time
        event(16, "night", "step", 661 - 24 * 60, 1),
        event(17, "night", "complete", 662 - 24 * 60, 3),  # shorter than the others say, and done
        event(18, "twice", "error", 30, 2),
        event(19, "twice", "error", 31, 2),
        event(20, "twice", "error", 31, 2, error_code="bad_number"),
        event(21, "lost", "step", 40, 2),
        event(22, "lost", "error", 41, 4),  # its events of step 3 never came
        event(23, "lost", "abandon", 42),
        event(24, "result only", "complete", 50),
        event(25, "result of an earlier step", "error", 50, 3),
        event(26, "result of an earlier step", "complete", 51, 2),
        event(27, "", "start", 55),  # these name no run
        event(28, "", "error", 56, 3, error_code="lost_id"),
        event(29, "", "complete", 57, 9, step_name="Step of no run"),
        event(1, "good", "start", 0, received_at=NOON + timedelta(hours=1)),
    ]


END = NOON + timedelta(minutes=660)


def test_edges_equal_the_oracle(bench: Bench) -> None:
    assert bench_faults(bench, None, busy(), END) == []
    [row] = bench.rows("select * from marts.calculator_usage where started_date = '2025-04-01'")
    assert (row["runs"], row["open_runs"], row["completions"], row["abandons"]) == (10, 2, 3, 5)
    [night] = bench.rows("select * from marts.calculator_usage where started_date = '2025-03-31'")
    assert (night["completions"], night["p50_duration_ms"]) == (1, 180_000)


def test_an_empty_data_set_has_empty_marts(bench: Bench) -> None:
    bench.fill({}, marts=MARTS)
    assert [bench.rows(f"select * from marts.{name}") for name in MARTS] == [[], [], []]


usage_events = st.builds(
    lambda number, run, action, minutes, step, calculator, late: event(
        number, run, action, minutes, step, calculator=calculator,
        received_at=NOON + timedelta(minutes=minutes, hours=late)
    ),
    st.integers(1, 25), st.sampled_from(["a", "b", "c", "d", ""]),
    st.sampled_from(["start", "step", "step", "error", "complete", "abandon"]),
    st.sampled_from([0, 0, 1, 30, 60, 600, 659, 660, 661]), st.integers(0, 4), st.sampled_from(["vat", "income"]),
    st.integers(0, 2),
)  # fmt: skip


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(usage_events, max_size=20))
def test_made_up_runs_equal_the_oracle(bench: Bench, found: list[Row]) -> None:
    assert bench_faults(bench, None, found, END) == []


#: A rule of the SQL, and the wrong one next to it.
MUTANTS = {
    "a run an hour silent is abandoned": ("last_event_at < least", "last_event_at <= least"),
    "abandoned for good": ("= max(event_at) as is_left", "is not null as is_left"),
    "steps count as they are reported": ("step_number < reached_step or outcome = 'completed' as is_completed",
                                         "arrayExists(e -> e.step_number = step_number, step_events) as is_completed"),
    "an error says nothing of steps before it": ("step_number < reached_step or", "step_number <= furthest_step or"),
    "a result is one of the last step": ("or outcome = 'completed' as is_completed", "as is_completed"),
    "a completed run reaches one more step": ("furthest_step + (outcome != 'completed')", "furthest_step + 1"),
    "errors take no time": ("event -> toUInt64(event.duration_ms)",
                            "event -> if(event.action = 'error', 0, toUInt64(event.duration_ms))"),
    "runs without a start have a duration": ("has_start and completed_at is not null", "completed_at is not null"),
    "quantiles round down": ("passed * 100 >= 50", "passed * 100 > 50"),
    "every error is a run of its own": ("uniqExact(calculation_id)", "count()"),
    "events that name no run are one": ("calculation_id != ''", "true"),
    "an interval is of all who came": ("/ ((completed_runs + dropped_runs) + 1.95", "/ (reached_runs + 1.95"),
    "more errors may come on a day that is over": ("any(errors.is_partial)", "true"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_the_oracle_notices_a_wrong_rule(bench: Bench, name: str) -> None:
    assert any(MUTANTS[name][0] in model.sql for model in bench.models), (
        "the SQL has changed; change the mutant with it"
    )
    extra = [
        event(30, "startless", "step", 10, 1),
        event(31, "startless", "complete", 12, 2),
        event(32, "good too", "start", 20),
        event(33, "good too", "complete", 29, 2),
        event(34, "short", "start", 20),
        event(35, "short", "step", 21, 1),
        event(36, "short", "complete", 22, 1),
        event(37, "long", "start", 20),
        event(38, "long", "complete", 31, 2),
    ]
    assert bench_faults(bench, MUTANTS[name], [*busy(), *extra], END) != []
