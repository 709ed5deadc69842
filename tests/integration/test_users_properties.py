"""Users, lifecycle, stickiness and cohorts equal the oracle on made-up companies: edges, examples, wrong rules."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marts_support import Bench, Row, uuid_of
from test_users_marts import MARTS
from test_users_marts import faults as faults_of

#: Ends of weeks, months, seasons and tax years in London, a leap day, both changes of the clock; some UTC days differ.
EDGES = [
    datetime(2024, 2, 14, 12),
    datetime(2024, 2, 28, 23, 59, 59, 999000),
    datetime(2024, 2, 29, 12),
    datetime(2024, 3, 31, 0, 59, 59, 999000),
    datetime(2024, 3, 31, 23, 0),
    datetime(2024, 4, 22, 22, 59),
    datetime(2024, 4, 22, 23, 0),
    datetime(2024, 10, 27, 0, 30),
    datetime(2024, 10, 27, 23, 30),
    datetime(2025, 2, 13, 23, 30),
    datetime(2025, 2, 14, 0, 0),
]

moments = st.builds(
    lambda edge, days, pause: edge + timedelta(days=days) + pause,
    st.sampled_from(EDGES),
    st.sampled_from([0, 0, 1, 7, 30]),
    st.sampled_from([timedelta(), timedelta(milliseconds=1), timedelta(hours=1)]),
)
people = st.sampled_from(["", "", "ada", "bob", "cyd"])
devices = st.sampled_from(["", "d1", "d2", "d3"])

events = st.builds(
    lambda name, at, user, device, medium, country, residence: {
        "event_name": name,
        "event_at": at,
        "user_id": user,
        "anonymous_id": device,
        "utm_medium": medium,
        "utm_campaign": f"{medium}s",
        "country": country,
        "region": f"{country}-{residence}" if residence else "",
        "tax_residence": residence,
    },
    st.sampled_from(["page_view", "sign_up", "calculator_completed", "activity", "order"]),
    moments,
    people,
    devices,
    st.sampled_from(["", "email"]),
    st.sampled_from(["US", "US", "GB", ""]),
    st.sampled_from(["", "FR", "DE"]),
)

KINDS = ["charge", "charge", "charge", "refund", "trial_started", "subscription_started", "subscription_cancelled"]
lines = st.builds(
    lambda kind, at, user, device, name, amount, country: {
        "event_type": kind,
        "event_at": at,
        "user_id": user,
        "anonymous_id": device,
        "order_id": name if kind == "charge" else "",
        "refunded_order_id": name if kind == "refund" else "",
        "subscription_id": name if kind not in ("charge", "refund") else "",
        "plan": f"plan {name}",
        "billing_period": "month",
        "plan_price": Decimal(10),
        "amount": {"charge": amount, "refund": -amount}.get(kind, Decimal(0)),
        "currency": "USD",
        "country": country,
    },
    st.sampled_from(KINDS),
    moments,
    people,
    devices,
    st.sampled_from(["n1", "n2", "n3"]),
    st.sampled_from([Decimal("10"), Decimal("0.005"), Decimal("3.33")]),
    st.sampled_from(["US", "GB", ""]),
)


def deliveries(contents: st.SearchStrategy[Row], most: int) -> st.SearchStrategy[list[Row]]:
    """Rows of a raw table; an event may come again, corrected or late."""
    delivery = st.tuples(st.integers(1, most), contents, st.integers(0, 2))
    return st.lists(delivery, max_size=most + 2).map(
        lambda found: [
            {**row, "event_id": uuid_of(number), "received_at": row["event_at"] + timedelta(hours=30 * late)}
            for number, row, late in found
        ]
    )


def faults(bench: Bench) -> list[str]:
    """Where any of the marts differs from the oracle."""
    company = bench.company()
    return [fault for mart in MARTS for fault in faults_of(bench.client, bench.dataset.schema, company, mart)]


def event(number: int, moment: str, user: str, name: str = "page_view", **more: Any) -> Row:
    """One product event."""
    row = {"event_id": uuid_of(number), "event_name": name, "event_at": datetime.fromisoformat(moment)}
    row |= {"received_at": row["event_at"], "user_id": user, "anonymous_id": "", "country": "US", "tax_residence": ""}
    return row | more


def charge(number: int, moment: str, user: str, amount: str, **more: Any) -> Row:
    """One charge, an order of its own."""
    row = {"event_id": uuid_of(number), "event_type": "charge", "event_at": datetime.fromisoformat(moment)}
    row |= {"received_at": row["event_at"], "user_id": user, "anonymous_id": "", "amount": Decimal(amount)}
    return row | {"currency": "USD", "order_id": "", "country": "GB"} | more


def test_an_empty_data_set_has_no_users_periods_or_cohorts(bench: Bench) -> None:
    bench.fill({}, marts=MARTS)
    assert [bench.rows(f"select count() as n from marts.{mart}")[0]["n"] for mart in MARTS] == [0] * len(MARTS)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(product=deliveries(events, 24), money=deliveries(lines, 10))
def test_marts_of_made_up_companies_equal_the_oracle(bench: Bench, product: list[Row], money: list[Row]) -> None:
    bench.fill({"user_events": product, "revenue_events": money}, marts=MARTS)
    assert faults(bench) == []


def test_three_users_who_return_on_day_1_on_day_5_and_never(bench: Bench) -> None:
    signed_up = [event(n, "2025-04-01T12:00", user, "sign_up") for n, user in enumerate(("ada", "bob", "cyd"), 1)]
    back = [event(11, "2025-04-02T12:00", "ada"), event(12, "2025-04-06T12:00", "bob")]
    late = [event(13, "2025-04-07T12:00", "somebody else")]
    bench.fill({"user_events": [*signed_up, *back, *late]}, marts=MARTS)
    cells = bench.rows(
        "select * from marts.cohort_analysis where cohort = 'sign_up' and granularity = 'day' and breakdown = 'all'"
        " order by period_number"
    )
    percent = [
        [None if cell[rate] is None else round(100 * cell[rate]) for cell in cells]
        for rate in ("retention_rate", "unbounded_retention_rate")
    ]
    assert percent == [[100, 33, 0, 0, 0, 33, None], [100, 67, 33, 33, 33, 33, None]]  # the last day is still open
    assert [cell["is_complete"] for cell in cells] == [True] * 6 + [False]
    assert faults(bench) == []


def test_an_average_is_no_mean_of_percentages(bench: Bench) -> None:
    # One of one returns on the next day, then none of three: a quarter, not a half.
    first = [event(1, "2025-04-01T12:00", "ada"), event(2, "2025-04-02T12:00", "ada")]
    second = [event(10 + n, "2025-04-03T12:00", f"user {n}") for n in range(3)]
    bench.fill({"user_events": [*first, *second, event(20, "2025-04-06T12:00", "ada")]}, marts=MARTS)
    [row] = bench.rows(
        "select * from marts.cohort_averages where cohort = 'first_activity' and granularity = 'day'"
        " and breakdown = 'all' and period_number = 1"
    )
    assert (row["cohorts"], row["returned_users"], row["eligible_users"], row["retention_rate"]) == (2, 1, 4, 0.25)


def test_whoever_comes_just_before_and_after_midnight_on_sunday_returns_in_the_next_week(bench: Bench) -> None:
    # In summer the London week ends at 23:00 UTC on Sunday, 6 April 2025.
    seen = [event(1, "2025-04-06T22:59:59.999", "ada"), event(2, "2025-04-06T23:00", "ada")]
    bench.fill({"user_events": [*seen, event(3, "2025-04-21T12:00", "ada")]}, marts=MARTS)
    found = bench.rows("select * from marts.lifecycle_weekly order by period_start")
    states = ("new_users", "returning_users", "dormant_users", "resurrecting_users")
    assert [[row[state] for state in states] for row in found] == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
    ]
    assert faults(bench) == []


def test_a_device_that_signs_up_later_is_one_user_from_its_first_visit_on(bench: Bench) -> None:
    seen = [
        event(1, "2025-03-01T12:00", "", anonymous_id="d1", utm_medium="email"),
        event(2, "2025-04-01T12:00", "ada", "sign_up", anonymous_id="d1", utm_medium=""),
        event(3, "2025-04-08T12:00", "ada", "calculator_completed", anonymous_id="d1", utm_medium=""),
    ]
    bench.fill({"user_events": seen}, marts=MARTS)
    [user] = bench.rows("select * from marts.users")
    assert (user["person_id"], user["first_channel"], user["active_days"], user["devices"]) == ("ada", "email", 3, 1)
    assert user["is_activated"] is True  # exactly seven days after the sign-up is inside the window
    assert faults(bench) == []


def rich_company() -> dict[str, list[Row]]:
    """A company in which each rule of MUTANTS decides something."""
    product = [
        event(1, "2024-03-01T12:00", "ada", "sign_up", tax_residence="FR"),
        event(2, "2024-03-01T12:30", "ada", "calculator_completed"),
        event(3, "2024-03-02T12:00", "ada", "calculator_completed", tax_residence="DE"),
        event(4, "2024-03-31T23:30", "ada"),
        event(5, "2024-05-20T12:00", "bob", "sign_up"),
        event(6, "2024-05-28T12:00", "bob", "calculator_completed"),
        event(7, "2024-05-28T12:01", "", anonymous_id="shared"),
        event(8, "2024-05-28T12:02", "bob", anonymous_id="shared"),
        event(9, "2024-05-28T12:03", "cyd", anonymous_id="shared"),
        event(10, "2025-02-14T12:00", "ada"),
        event(11, "2025-05-02T12:00", "bob"),
        event(12, "2024-05-28T12:04", "eve", anonymous_id="shown"),
    ]
    money = [
        charge(21, "2024-03-01T13:00", "ada", "10"),
        charge(22, "2024-03-02T13:00", "ada", "-3", event_type="refund"),
        charge(23, "2024-04-02T13:00", "ada", "7"),
        charge(24, "2024-04-02T13:00", "dan", "7"),
    ]
    # A device of eve's by its events, and dan's too by what it was shown.
    shown = {"event_id": uuid_of(31), "event_at": datetime(2024, 5, 28, 13), "received_at": datetime(2024, 5, 28, 13)}
    shown |= {"user_id": "dan", "anonymous_id": "shown", "experiment_id": "trial_offer", "arm": "control"}
    return {"user_events": product, "revenue_events": money, "experiment_exposures": [shown]}


#: A rule of the SQL, and the wrong one next to it.
MUTANTS = {
    "weeks begin on Sunday": ("toMonday(day)", "toStartOfWeek(day)"),
    "whoever was away returns": ("'resurrecting'", "'returning'"),
    "nobody is dormant": ("'dormant')", "'new')"),
    "the current period is over": ("period_end > bounds.last_finished_day", "period_end > bounds.last_day"),
    "at least means at most": ("possible.active_days desc", "possible.active_days asc"),
    "only the first anchor counts": ("anchor_type = 'recurring'", "anchor_type = 'never'"),
    "every anchor counts": ("anchor_type = 'recurring'", "anchor_type != 'never'"),
    "unbounded means exactly": ("last -> last >= number", "last -> last = number"),
    "open cells count": ("not periods.is_partial as is_complete", "true as is_complete"),
    "refunds are forgotten": ("assumeNotNull(reporting_amount)", "abs(reporting_amount)"),
    "a season ends with the deadline": ("due_date + 7", "due_date"),
    "the first tax residence stays": ("argMaxIf(tax_residence", "argMinIf(tax_residence"),
    "a result long after still activates": ("toIntervalHour(24 * 7)", "toIntervalHour(24 * 9)"),
    "exposures identify nobody": ("select * from experiment_exposures_seen",
                                  "select * from experiment_exposures_seen where false"),
    "a shared device is nobody's": ("countIf(is_conflict) as shared_devices", "countIf(false) as shared_devices"),
}  # fmt: skip


def test_the_company_of_the_mutants_equals_the_oracle(bench: Bench) -> None:
    bench.fill(rich_company(), marts=MARTS)
    assert faults(bench) == []


@pytest.mark.parametrize("name", MUTANTS)
def test_the_oracle_notices_a_wrong_rule(bench: Bench, name: str) -> None:
    assert any(MUTANTS[name][0] in model.sql for model in bench.models), (
        "the SQL has changed; change the mutant with it"
    )
    bench.fill(rich_company(), marts=())
    bench.rebuild(MUTANTS[name], marts=MARTS)
    assert faults(bench) != []
