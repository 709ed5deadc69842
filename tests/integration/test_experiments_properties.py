"""Marts of experiments equal the oracle on made-up companies; published values follow; wrong rules are noticed."""

import math
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from experiment_statistics import cuped, sequential_relative, welch_relative
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from marts_experiments import MARTS, differences_of, exposures_of, mart_rows
from marts_support import Bench, Row, rows, uuid_of
from oracle_experiments import Experiments, chi_square_p_value

from gtc.settings import PROJECT_ROOT

START = datetime(2025, 3, 29, 22, 30)

#: Moments around an exposure at START: itself, ends of windows of 28 days to the millisecond, turning clocks.
AFTER = [
    timedelta(), timedelta(milliseconds=1), timedelta(hours=-3), timedelta(days=2), timedelta(days=28),
    timedelta(days=28, milliseconds=1), timedelta(days=-28), timedelta(days=-28, milliseconds=-1), timedelta(days=60),
]  # fmt: skip

moments = st.builds(lambda gap, shift: START + gap + shift, st.sampled_from(AFTER), st.sampled_from(AFTER[:4]))
users = st.sampled_from(["", "ada", "bob", "cyd"])
devices = st.sampled_from(["", "d1", "d2"])


def deliveries(contents: st.SearchStrategy[Row], size: int) -> st.SearchStrategy[list[Row]]:
    """Rows of a raw table in which an event may come again, late or corrected."""
    delivery = st.tuples(st.integers(1, size), contents, st.integers(0, 2))
    return st.lists(delivery, max_size=size).map(
        lambda found: [
            {**row, "event_id": uuid_of(number), "received_at": row["event_at"] + timedelta(hours=20 * late)}
            for number, row, late in found
        ]
    )


exposures = st.builds(
    lambda name, arm, at, user, device, country: exposure(0, at, user, device, name, arm, country=country),
    st.sampled_from(["trial_offer", "somebody_elses", "renewal_reminder"]),
    st.sampled_from(["control", "headline", "discount"]),
    moments,
    users,
    devices,
    st.sampled_from(["US", "NL", ""]),
)
events = st.builds(
    lambda name, at, user, device: event(0, name, at, user, device),
    st.sampled_from(["page_view", "sign_up", "calculator_completed"]),
    moments,
    users,
    devices,
)
lines = st.builds(
    lambda kind, at, user, order, amount: line(0, kind, at, user, order, amount),
    st.sampled_from(["charge", "refund", "adjustment", "trial_started", "subscription_started"]),
    moments,
    users,
    st.sampled_from(["o1", "o2", ""]),
    st.decimals(0, 500, places=4),
)


def exposure(
    number: int, at: datetime, user: str, device: str = "", name: str = "trial_offer", arm: str = "control", **more: Any
) -> Row:
    """One exposure."""
    row = {"event_id": uuid_of(number), "experiment_id": name, "arm": arm, "event_at": at, "received_at": at}
    return row | {"user_id": user, "anonymous_id": device, "country": "US", "device_type": "mobile"} | more


def event(number: int, name: str, at: datetime, user: str = "ada", device: str = "") -> Row:
    """One product event."""
    row = {"event_id": uuid_of(number), "event_name": name, "event_at": at, "received_at": at}
    return row | {"user_id": user, "anonymous_id": device}


def line(number: int, kind: str, at: datetime, user: str, subject: str, amount: Any = 0) -> Row:
    """One line of revenue: of an order, or of a subscription named by the same text."""
    of_subscription = kind in ("trial_started", "subscription_started")
    row = {"event_id": uuid_of(number), "event_type": kind, "event_at": at, "received_at": at, "user_id": user}
    row |= {"order_id": "" if of_subscription else subject, "subscription_id": subject if of_subscription else ""}
    row |= {"refunded_order_id": subject if kind == "refund" else ""}
    return row | {"amount": -amount if kind == "refund" else amount, "currency": "USD"}


def faults(bench: Bench) -> list[str]:
    """Where the marts differ from the oracle."""
    expected = Experiments(bench.company(), exposures_of(bench.client, bench.dataset))
    return [
        f"{name}: {fault}"
        for name, mart in MARTS.items()
        for fault in differences_of(mart_rows(bench.client, bench.dataset, name), mart.oracle(expected))
    ]


def fill(bench: Bench, shown: list[Row], product: list[Row] = (), money: list[Row] = ()) -> None:  # type: ignore[assignment]
    """Replace the company; a last page view of somebody else sets the as-of date."""
    late = event(999, "page_view", START + timedelta(days=90), "zoe")
    bench.fill(
        {"experiment_exposures": shown, "user_events": [*product, late], "revenue_events": list(money)}, marts=MARTS
    )


@settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
@given(shown=deliveries(exposures, 14), product=deliveries(events, 14), money=deliveries(lines, 10))
def test_marts_of_made_up_experiments_equal_the_oracle(
    bench: Bench, shown: list[Row], product: list[Row], money: list[Row]
) -> None:
    fill(bench, shown, product, money)
    assert faults(bench) == []


def test_without_a_row_in_raw_the_marts_are_empty(bench: Bench) -> None:
    bench.fill({}, marts=MARTS)
    assert {name: mart_rows(bench.client, bench.dataset, name) for name in MARTS} == {name: [] for name in MARTS}


def sums(bench: Bench, metric: str, horizon: str = "window", arm: str = "control") -> tuple[int, Decimal, Decimal]:
    """People, outcome and pre-period of all people of an arm of trial_offer."""
    [row] = [
        row
        for row in mart_rows(bench.client, bench.dataset, "experiment_metrics")
        if (row["experiment_id"], row["metric"], row["horizon"], row["breakdown"], row["arm"])
        == ("trial_offer", metric, horizon, "all", arm)
    ]
    return row["people"], row["outcome_sum"], row["pre_sum"]


def test_the_moment_of_exposure_is_neither_before_nor_after_and_the_end_of_the_window_is_inside(bench: Bench) -> None:
    at = [START, START + timedelta(days=28), START + timedelta(days=28, milliseconds=1), START - timedelta(days=28)]
    product = [event(n, "calculator_completed", moment) for n, moment in enumerate(at, 1)]
    fill(bench, [exposure(1, START, "ada")], product)
    assert sums(bench, "calculators_completed") == (1, 1, 1)
    assert sums(bench, "calculators_completed", "to_date") == (1, 2, 1)
    assert faults(bench) == []


def test_of_two_exposures_in_one_millisecond_the_lower_id_names_the_arm_and_the_person_counts_for_none(
    bench: Bench,
) -> None:
    fill(bench, [exposure(2, START, "ada", arm="headline"), exposure(1, START, "ada", arm="discount")])
    [row] = mart_rows(bench.client, bench.dataset, "experiment_exposures")
    assert (row["arms"], row["is_crossover"]) == (["discount", "headline"], True)
    assert mart_rows(bench.client, bench.dataset, "experiment_metrics") == []
    assert faults(bench) == []


def test_a_visitor_who_signs_up_later_is_one_person_with_the_exposure_of_the_device(bench: Bench) -> None:
    signed_up = event(1, "sign_up", START + timedelta(hours=1), "ada", "d1")
    fill(bench, [exposure(1, START, "", "d1"), exposure(2, START + timedelta(days=1), "ada")], [signed_up])
    [row] = mart_rows(bench.client, bench.dataset, "experiment_exposures")
    assert (row["person_id"], row["exposures"]) == ("ada", 2)
    assert sums(bench, "sign_up") == (1, 1, 0)
    assert faults(bench) == []


def test_people_with_an_open_window_are_counted_apart(bench: Bench) -> None:
    fill(bench, [exposure(1, START, "ada"), exposure(2, START + timedelta(days=80), "bob")])
    [arm] = [row for row in mart_rows(bench.client, bench.dataset, "experiment_arms") if row["arm"] == "control"]
    assert (arm["people"], arm["immature_people"]) == (2, 1)
    assert (sums(bench, "sessions")[0], sums(bench, "sessions", "to_date")[0]) == (1, 2)
    assert faults(bench) == []


def test_a_session_that_goes_on_after_the_exposure_lies_after_it(bench: Bench) -> None:
    # An exposure on the landing page has the moment of the session's begin: what follows in it happened in a session.
    landed = [event(1, "page_view", START), event(2, "calculator_completed", START + timedelta(minutes=5))]
    gone = [event(3, "page_view", START, "bob")]
    fill(bench, [exposure(1, START, "ada"), exposure(2, START, "bob")], [*landed, *gone])
    assert sums(bench, "sessions", "to_date") == (2, 1, 0)
    assert sums(bench, "calculators_completed_per_session", "to_date")[:2] == (2, 1)
    assert faults(bench) == []


def test_an_exposure_that_carries_both_ids_says_whose_the_device_is(bench: Bench) -> None:
    shown = [exposure(1, START + timedelta(days=1), "ada", "d1", arm="headline"), exposure(2, START, "", "d1")]
    fill(bench, shown, [event(1, "page_view", START, "", "d1")])
    [row] = mart_rows(bench.client, bench.dataset, "experiment_exposures")
    assert (row["person_id"], row["arms"], row["is_crossover"]) == ("ada", ["control", "headline"], True)
    assert faults(bench) == []
    # Seen with a second user, it is nobody's: what was shown to the device alone is the device's.
    fill(bench, shown, [event(1, "page_view", START, "bob", "d1")])
    found = mart_rows(bench.client, bench.dataset, "experiment_exposures")
    assert [(row["person_id"], row["arms"]) for row in found] == [("ada", ["headline"]), ("anonymous:d1", ["control"])]
    assert faults(bench) == []


def test_exposures_outside_the_dates_of_the_decision_record_are_counted_and_left_out(bench: Bench) -> None:
    inside = datetime(2027, 2, 1)
    shown = [
        exposure(n, at, "ada", name="renewal_reminder", arm=arm)
        for n, (at, arm) in enumerate([(datetime(2027, 1, 10, 12), "reminder"), (inside, "control")], 1)
    ]
    bench.fill(
        {"experiment_exposures": shown, "user_events": [event(1, "page_view", inside + timedelta(days=60))]},
        marts=MARTS,
    )
    [health] = mart_rows(bench.client, bench.dataset, "experiment_health")
    assert (health["exposures"], health["exposures_outside_dates"], health["people"], health["crossovers"]) == (
        2,
        1,
        1,
        0,
    )
    assert faults(bench) == []


def test_an_experiment_that_nobody_declared_has_default_windows_and_equal_weights(bench: Bench) -> None:
    people = [("ada", "x"), ("bob", "x"), ("cyd", "y")]
    fill(bench, [exposure(n, START, user, name="secret", arm=arm) for n, (user, arm) in enumerate(people, 1)])
    [health] = mart_rows(bench.client, bench.dataset, "experiment_health")
    assert (health["is_declared"], health["has_planned_weights"], health["outcome_window_days"]) == (False, False, 28)
    assert health["chi_square"] == pytest.approx(1 / 3)
    assert faults(bench) == []


def p_values(client: Client, pairs: list[tuple[float, int]]) -> list[float]:
    """The macro's p-value of each chi-square and number of degrees."""
    macros: Any = Environment().from_string((PROJECT_ROOT / "dbt_project/macros/experiments.sql").read_text()).module
    sql = str(macros.chi_square_p_value("pair.1", "pair.2"))
    return [row["p"] for row in rows(client, f"select {sql} as p from (select arrayJoin({pairs}) as pair)")]


def test_the_published_sample_ratio_is_found_in_sql(marts_client: Client) -> None:
    observed = (821_588, 815_482)
    chi_square = sum((count - sum(observed) / 2) ** 2 / (sum(observed) / 2) for count in observed)
    assert f"{p_values(marts_client, [(chi_square, 1)])[0]:.1e}" == "1.8e-06"


def test_p_values_equal_the_tables_of_chi_square(marts_client: Client) -> None:
    # Percentage points as every table of the distribution prints them.
    table = {1: (3.841, 10.828), 2: (5.991, 13.816), 3: (7.815, 16.266), 4: (9.488, 18.467), 5: (11.070, 20.515)}
    table |= {6: (12.592, 22.458), 7: (14.067, 24.322), 10: (18.307, 29.588), 19: (30.144, 43.820)}
    pairs = [(point, degrees) for degrees, points in table.items() for point in points]
    found = p_values(marts_client, pairs)
    assert found == pytest.approx([0.05, 0.001] * len(table), rel=1e-3)


def test_p_values_of_any_size_equal_an_incomplete_gamma_function(marts_client: Client) -> None:
    pairs = [
        (point, degrees) for degrees in (1, 2, 3, 4, 7, 8, 25) for point in (0.0, 1e-9, 0.3, 2.0, 17.5, 90.0, 600.0)
    ]
    for (point, degrees), found in zip(pairs, p_values(marts_client, pairs), strict=True):
        wanted = chi_square_p_value(point, degrees)
        assert wanted is not None
        assert math.isclose(found, wanted, rel_tol=1e-8), (point, degrees)


def from_sums(bench: Bench, metric: str, *arms: tuple[str, int, str, str, list[str]]) -> list[Row]:
    """Rows of experiment_metrics that the mart makes of given sums: arm, people, Σ, Σ², and three of the pre-period."""
    schema = bench.dataset.schema
    cells = [
        f"('e', '{arm}', '{metric}', 'window', {people}, {total}, {squares}, {', '.join(pre or ['0', '0', '0'])})"
        for arm, people, total, squares, pre in arms
    ]
    [model] = [model for model in bench.models if model.name == "experiment_metrics"]
    bench.client.command(f"truncate table {schema}_intermediate.experiment_cells")
    bench.client.command(
        f"insert into {schema}_intermediate.experiment_cells (experiment_id, arm, metric, horizon, people, outcome_sum,"
        f" outcome_square_sum, pre_sum, pre_square_sum, pre_outcome_sum) values {', '.join(cells)}"
    )
    bench.client.command(
        f"create or replace table {model.relation} engine = MergeTree order by tuple() as {model.sql}",
        settings={"join_use_nulls": 1},
    )
    found = mart_rows(bench.client, bench.dataset, "experiment_metrics")
    return [row for row in found if row["breakdown"] == "all"]


def test_the_published_welch_test_follows_from_the_mart(bench: Bench) -> None:
    arms = from_sums(
        bench, "net_revenue", ("a", 3407, "1396.87", "52377.9767", []), ("b", 3461, "2422.7", "134698.29", [])
    )
    assert [round(value, 5) for value in welch_relative(*arms)] == [0.70732, -0.03526, 1.44989, 0.06191]


def test_the_published_sequential_test_follows_from_the_mart(bench: Bench) -> None:
    arms = from_sums(bench, "sign_up", ("a", 3000, "1396", "1396", []), ("b", 3461, "2422", "2422", []))
    assert [round(value, 5) for value in sequential_relative(*arms)] == [0.50386, 0.40098, 0.60675]


def test_cuped_of_four_people_a_side_follows_from_the_mart(bench: Bench) -> None:
    # Control: pre 0 1 2 3, outcome 1 2 3 4; treatment: pre 1 2 3 4, outcome 3 4 5 6. Over all eight people the
    # means are 2 and 3.5: Σ(x-2)² = 12, Σ(x-2)(y-3.5) = 14.
    # θ = 7/6, and the adjusted means are 2.5 + θ/2 and 4.5 - θ/2.
    arms = from_sums(bench, "orders", ("a", 4, "10", "30", ["6", "14", "20"]), ("b", 4, "18", "86", ["10", "30", "50"]))
    theta = 7 / 6
    assert cuped(*arms) == pytest.approx((theta, 2.5 + theta / 2, 4.5 - theta / 2))


def test_a_large_mean_does_not_drown_the_spread(bench: Bench) -> None:
    # 1,000,000.00 and 1,000,000.02: in floats Σx² - (Σx)²/n has lost the difference.
    [row] = from_sums(bench, "net_revenue", ("a", 2, "2000000.02", "2000000040000.0004", []))
    assert row["outcome_centred_squares"] == pytest.approx(0.0002)


#: A rule of the SQL, and the wrong one next to it.
MUTANTS = {
    "the exposure is an outcome": ("ended_at > people.exposed_at", "ended_at >= people.exposed_at"),
    "the exposure is before itself": ("facts.began_at < people.exposed_at", "facts.began_at <= people.exposed_at"),
    "the window's end is outside": (
        "facts.began_at <= people.window_ends_at",
        "facts.began_at < people.window_ends_at",
    ),
    "the pre-period has no begin": ("and facts.ended_at >= people.pre_period_begins_at", ""),
    "crossovers are counted": ("where not is_crossover", ""),
    "the last exposure names the arm": ("argMin(exposures.arm", "argMax(exposures.arm"),
    "open windows are closed": ("outcomes.window_ends_at <= complete.observed_until", "true"),
    "a proportion counts twice": ("_calculators_completed > 0", "_calculators_completed"),
    "crossovers are split": ("countIf(not is_crossover) as people", "count() as people"),
    "any country's deadline": ("countries.country = due_dates.country", "true"),
    "a ratio's halves change places": ("observed.6[metrics.below_above]", "observed.6[metrics.above_below]"),
    "a ratio's denominators do not meet": ("observed.6[metrics.below_below]", "observed.6[metrics.above_below]"),
}


def busy_company() -> tuple[list[Row], list[Row], list[Row]]:
    """Experiments in which each rule of MUTANTS decides something."""
    day, pre = timedelta(days=1), START - timedelta(days=40)
    shown = [
        exposure(1, START, "ada"),
        exposure(2, START + day, "ada"),
        exposure(3, START, "bob", arm="headline"),
        exposure(4, START + day, "bob", arm="discount"),
        exposure(5, START + timedelta(days=80), "cyd", country="NL"),
        exposure(6, START + day, "dan", arm="discount"),
    ]
    at = [pre, START, START + timedelta(days=28), START + day, START + day, START - 2 * day, START - 2 * day]
    product = [event(n, "calculator_completed", moment) for n, moment in enumerate(at, 1)]
    money = [
        line(1, "subscription_started", START + day, "dan", "s1"),
        line(2, "trial_started", START + 2 * day, "dan", "s1"),
        line(3, "charge", START + 2 * day, "dan", "o1", Decimal("9.995")),
    ]
    return shown, product, money


@pytest.mark.parametrize("name", MUTANTS)
def test_the_oracle_notices_a_wrong_rule(bench: Bench, name: str) -> None:
    assert any(MUTANTS[name][0] in model.sql for model in bench.models), (
        "the SQL has changed; change the mutant with it"
    )
    if name == next(iter(MUTANTS)):
        fill(bench, *busy_company())
        assert faults(bench) == []
    bench.rebuild(MUTANTS[name], marts=MARTS)
    assert faults(bench) != []
