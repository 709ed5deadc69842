"""The marts equal the oracle on companies that hypothesis makes up, edges first.

dbt builds the empty data set once; each example then fills raw and runs the SQL that dbt compiled, model by model, in
dbt's order, through the same warehouse. Staging is the views that dbt made.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from marts_support import (
    Bench,
    Row,
    differences,
    insert,
    mart,
    rows,
    uuid_of,
)
from oracle_marts import kpi_daily, quantile_bins, rfm

#: Moments around which days, windows and clocks turn in London, UTC: the summer-time changes of 2025 and midnights.
EDGES = [
    datetime(2025, 3, 29, 23, 59, 59, 999000),
    datetime(2025, 3, 30, 0, 59, 59, 999000),
    datetime(2025, 3, 30, 1, 0),
    datetime(2025, 3, 30, 22, 59, 59, 999000),
    datetime(2025, 3, 30, 23, 0),
    datetime(2025, 4, 1, 12, 0),
    datetime(2025, 4, 4, 22, 30),
    datetime(2025, 4, 5, 23, 0),
    datetime(2025, 4, 28, 23, 0),
    datetime(2025, 4, 29, 22, 59),
]

#: Pauses around the session gap and none at all.
PAUSES = [timedelta(), timedelta(milliseconds=1), timedelta(minutes=30), timedelta(minutes=30, milliseconds=1)]

moments = st.builds(lambda edge, pause, times: edge + pause * times, st.sampled_from(EDGES), st.sampled_from(PAUSES),
                    st.integers(0, 3))  # fmt: skip
people = st.sampled_from(["", "", "ada", "bob", "cyd"])
devices = st.sampled_from(["", "d1", "d2", "d3"])
amounts = st.one_of(
    st.sampled_from([Decimal("0"), Decimal("10"), Decimal("0.005"), Decimal("20.01"), Decimal("0.0001")]),
    st.decimals(0, 5000, places=4),
)

events = st.builds(
    lambda name, at, user, device, medium: {
        "event_name": name,
        "event_at": at,
        "user_id": user,
        "anonymous_id": device,
        "page_path": f"/{name}",
        "utm_medium": medium,
        "referrer_host": "www.google.com" if device == "d1" else "",
    },
    st.sampled_from(["page_view", "page_view", "sign_up", "login"]),
    moments,
    people,
    devices,
    st.sampled_from(["", "email", "cpc", "whatever"]),
)

lines = st.builds(
    lambda kind, at, user, device, order, given_back, amount, currency: {
        "event_type": kind,
        "event_at": at,
        "user_id": user,
        "anonymous_id": device,
        "order_id": order,
        "refunded_order_id": given_back,
        "amount": -amount if kind == "refund" else amount,
        "currency": currency if amount or order else "",
    },
    st.sampled_from(["charge", "charge", "charge", "refund", "adjustment", "trial_started"]),
    moments,
    people,
    devices,
    st.sampled_from(["", "o1", "o2", "o3", "o4"]),
    st.sampled_from(["", "o1", "o2", "o3", "o4"]),
    amounts,
    st.sampled_from(["USD", "GBP", "JPY"]),
)


#: Clocks of senders: right, a day ahead of the receipt, which is believed, a millisecond more, and never set.
CLOCKS: list[Callable[[Row], datetime]] = [
    *[lambda row: row["event_at"]] * 9,
    lambda row: row["received_at"] + timedelta(hours=24),
    lambda row: row["received_at"] + timedelta(hours=24, milliseconds=1),
    lambda row: datetime(1970, 1, 1),
]  # fmt: skip


def deliveries(contents: st.SearchStrategy[Row]) -> st.SearchStrategy[list[Row]]:
    """Rows of a raw table in which an event may come again: as it was, corrected, late, at the same time, misdated."""

    def delivered(number: int, row: Row, late: int, clock: Callable[[Row], datetime]) -> Row:
        row = row | {"event_id": uuid_of(number), "received_at": row["event_at"] + timedelta(hours=30 * late)}
        return row | {"event_at": clock(row)}

    delivery = st.builds(delivered, st.integers(1, 12), contents, st.integers(0, 3), st.sampled_from(CLOCKS))
    return st.lists(delivery, max_size=18)


def faults(bench: Bench, **choices: Any) -> list[str]:
    """Where kpi_daily, rfm and sessions differ from the oracle."""
    expected = bench.company(**choices)
    visits = bench.rows(
        "select session_id, person_id, started_at, ended_at, events, page_views, entry_page, country, device_type,"
        " channel from int.person_sessions"
    )
    sessions = sorted(tuple(visit.values()) for visit in visits)
    wanted = sorted(session.row for session in expected.sessions)
    return [
        *differences(mart(bench.client, bench.dataset.schema, "kpi_daily"), kpi_daily(expected)),
        *differences(mart(bench.client, bench.dataset.schema, "rfm"), rfm(expected)),
        *([] if sessions == wanted else [f"sessions: {sessions}, expected {wanted}"]),
    ]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def charge(number: int, moment: str, user: str, amount: str = "10", **more: Any) -> Row:
    """One charge, an order of its own unless told otherwise."""
    row = {
        "event_type": "charge",
        "event_at": at(moment),
        "user_id": user,
        "anonymous_id": "",
        "order_id": f"o{number}",
    }
    row |= {"amount": Decimal(amount), "currency": "USD", "event_id": uuid_of(number), "received_at": at(moment)}
    return row | more


def view(number: int, moment: str, user: str = "ada", **more: Any) -> Row:
    """One page view."""
    row = {"event_name": "page_view", "event_at": at(moment), "user_id": user, "anonymous_id": "", "page_path": "/"}
    row |= {"utm_medium": "", "referrer_host": "", "event_id": uuid_of(number), "received_at": at(moment)}
    return row | more


def test_an_empty_data_set_builds_to_empty_marts(bench: Bench) -> None:
    bench.fill({})
    assert faults(bench) == []
    assert mart(bench.client, bench.dataset.schema, "kpi_daily") == []


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(product=deliveries(events), money=deliveries(lines), usage=deliveries(events))
@example(product=[], money=[charge(1, "2025-03-30T00:30", "ada")], usage=[])
def test_marts_of_made_up_companies_equal_the_oracle(
    bench: Bench, product: list[Row], money: list[Row], usage: list[Row]
) -> None:
    wanted = ("event_id", "event_at", "received_at", "user_id", "anonymous_id")
    calculator_usage = [{name: row[name] for name in wanted} for row in usage]
    bench.fill({"user_events": product, "revenue_events": money, "calculator_usage": calculator_usage})
    assert faults(bench) == []


def test_merging_the_parts_of_raw_changes_no_figure(bench: Bench) -> None:
    first = [view(n, f"2025-04-01T12:0{n}", "ada") for n in range(5)]
    again = [row | {"received_at": row["received_at"] + timedelta(days=1), "user_id": "bob"} for row in first[:3]]
    for delivery in (first, first, again):
        insert(bench.client, bench.dataset, "user_events", delivery)
    bench.fill({"user_events": [*first, *first, *again]})
    before = mart(bench.client, bench.dataset.schema, "kpi_daily")
    bench.client.command(f"optimize table {bench.dataset.raw_database}.user_events final")
    bench.rebuild()
    assert mart(bench.client, bench.dataset.schema, "kpi_daily") == before
    assert (faults(bench), before[0]["dau"]) == ([], 2)


def test_a_clock_that_cannot_be_right_counts_when_its_event_was_received(bench: Bench) -> None:
    received = at("2025-04-02T12:00")
    clocks = [
        "2100-01-01T00:00",
        "2025-04-03T12:00:00.001",
        "2025-04-03T12:00",
        "1970-12-31T23:59:59.999",
        "1971-01-01",
    ]
    bench.fill({"user_events": [view(n, clock, received_at=received) for n, clock in enumerate(clocks, 1)]})
    found = {row["event_id"]: row["event_at"] for row in bench.rows("select event_id, event_at from int.person_events")}
    believed = [uuid_of(3), uuid_of(5)]
    assert found == {uuid_of(n): at(c) if uuid_of(n) in believed else received for n, c in enumerate(clocks, 1)}
    [period] = bench.rows("select first_date, as_of_date from int.reporting_period")
    assert period == {"first_date": date(1971, 1, 1), "as_of_date": date(2025, 4, 3)}


def test_a_correction_moves_an_event_to_its_new_time_and_leaves_nothing_behind(bench: Bench) -> None:
    wrong = view(1, "2025-04-01T12:00")
    right = wrong | {"event_at": at("2025-04-03T12:00"), "received_at": at("2025-04-04T00:00")}
    bench.fill({"user_events": [right, wrong, view(2, "2025-04-01T12:00", "bob")]})
    found = mart(bench.client, bench.dataset.schema, "kpi_daily")
    assert [(row["kpi_date"].day, row["dau"]) for row in found] == [(1, 1), (2, 0), (3, 1)]
    assert faults(bench) == []


def test_an_event_an_hour_before_london_midnight_in_summer_belongs_to_the_next_day(bench: Bench) -> None:
    bench.fill({"user_events": [view(1, "2025-03-29T23:30"), view(2, "2025-03-30T23:30", "bob")]})
    found = mart(bench.client, bench.dataset.schema, "kpi_daily")
    assert [(row["kpi_date"], row["dau"]) for row in found] == [
        (date(2025, 3, 29), 1),  # winter: 23:30 in London
        (date(2025, 3, 30), 0),
        (date(2025, 3, 31), 1),  # summer: 00:30 in London
    ]
    assert faults(bench) == []


@pytest.mark.parametrize(("pause", "sessions"), [("12:30:00.000", 1), ("12:30:00.001", 2)])
def test_a_pause_longer_than_the_gap_begins_a_session_and_one_as_long_does_not(
    bench: Bench, pause: str, sessions: int
) -> None:
    bench.fill({"user_events": [view(1, "2025-04-01T12:00"), view(2, f"2025-04-01T{pause}")]})
    assert (mart(bench.client, bench.dataset.schema, "kpi_daily")[0]["sessions"], faults(bench)) == (sessions, [])


def test_a_user_counts_in_the_month_for_thirty_days_and_not_longer(bench: Bench) -> None:
    bench.fill({"user_events": [view(1, "2025-04-01T12:00"), view(2, "2025-05-02T12:00", "bob")]})
    mau = {row["kpi_date"]: row["mau"] for row in mart(bench.client, bench.dataset.schema, "kpi_daily")}
    assert (mau[date(2025, 4, 30)], mau[date(2025, 5, 1)]) == (1, 0)
    assert faults(bench) == []


def test_a_device_belongs_to_its_only_user_and_a_shared_one_to_nobody(bench: Bench) -> None:
    seen = [
        view(1, "2025-04-01T12:00", "", anonymous_id="own"),
        view(2, "2025-04-02T12:00", "ada", anonymous_id="own"),
        view(3, "2025-04-01T12:00", "", anonymous_id="shared"),
        view(4, "2025-04-02T12:00", "ada", anonymous_id="shared"),
        view(5, "2025-04-02T13:00", "bob", anonymous_id="shared"),
    ]
    bench.fill({"user_events": seen})
    people_seen = rows(
        bench.client,
        f"select distinct person_id from {bench.dataset.schema}_intermediate.user_days order by person_id",
    )
    assert [row["person_id"] for row in people_seen] == ["ada", "anonymous:shared", "bob"]
    conflicts = (
        f"select anonymous_id, user_ids from {bench.dataset.schema}_intermediate.user_identities where is_conflict"
    )
    assert rows(bench.client, conflicts) == [{"anonymous_id": "shared", "user_ids": ["ada", "bob"]}]
    assert faults(bench) == []


def test_a_day_is_partial_until_something_is_received_after_its_end(bench: Bench) -> None:
    # In summer a London day ends at 23:00 UTC.
    for received, partial in (("2025-04-01T22:59:59.999", True), ("2025-04-01T23:00", False)):
        bench.fill({"user_events": [view(1, "2025-04-01T12:00", received_at=at(received))]})
        assert mart(bench.client, bench.dataset.schema, "kpi_daily")[0]["is_partial"] is partial
        assert faults(bench) == []


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 7))
def test_quantile_scores_are_a_matter_of_the_value_alone(values: list[int], bins: int) -> None:
    scored = quantile_bins(dict(enumerate(values)), bins)  # type: ignore[arg-type]
    closed = {n: 1 + bins * sum(other < value for other in values) // len(values) for n, value in enumerate(values)}
    assert scored == closed  # the edges of the definition and the closed form of the macro are the same rule


def test_customers_who_only_got_money_back_have_no_row_and_heavy_refunds_count_below_zero(bench: Bench) -> None:
    money = [
        charge(1, "2025-04-01T12:00", "ada", "10"),
        charge(2, "2025-04-02T12:00", "ada", "-25", event_type="refund"),
        charge(3, "2025-04-02T12:00", "bob", "-5", event_type="refund"),
        charge(4, "2025-04-03T12:00", "", "99"),
        charge(5, "2025-04-03T12:00", "cyd", "0"),
    ]
    bench.fill({"revenue_events": money})
    found = mart(bench.client, bench.dataset.schema, "rfm")
    assert [(row["customer_id"], str(row["monetary"])) for row in found] == [("ada", "-15.00"), ("cyd", "0.00")]
    assert faults(bench) == []


#: A rule of the SQL, and the wrong one next to it.
MUTANTS = {
    "sessions end at the gap": ("event.1 > previous.1", "event.1 >= previous.1"),
    "a month has 31 days": ("active_date + 30", "active_date + 31"),
    "stickiness forgets the window": ("sticky_run_start_date + 7", "sticky_run_start_date + 70"),
    "days are cut in UTC": ("'Europe/London'", "'UTC'"),
    "ties are broken by chance": ("rank() over (order by frequency", "row_number() over (order by frequency"),
    "recency is not reversed": ("5 + 1 - (", "0 + ("),
    "refunds are not subtracted": ("sum(reporting_amount) as net_spend", "sum(abs(reporting_amount)) as net_spend"),
    "refunds are orders": ("where event_type = 'charge'", "where event_type != 'x'"),
    "devices are nobody's": ("identities.user_id, concat(", "null, concat("),
    "newest rate for every day": (">= rates.valid_from", ">= rates.valid_from - 20000"),
    "rounded to the tenth": ("round(exact_net_revenue, 2)", "round(exact_net_revenue, 1)"),
}


def busy_company() -> dict[str, list[Row]]:
    """A company in which each rule of MUTANTS decides something."""
    product = [
        view(1, "2025-04-01T12:00"),
        view(2, "2025-04-01T12:30"),
        view(3, "2025-04-01T23:30"),
        view(4, "2025-04-02T12:00"),
        view(5, "2025-04-03T12:00"),
        view(6, "2025-05-20T12:00", "bob"),
        view(7, "2025-05-20T12:00", "", anonymous_id="shared"),
        view(8, "2025-05-20T13:00", "bob", anonymous_id="shared"),
        view(9, "2025-05-20T13:00", "cyd", anonymous_id="shared"),
        view(10, "2025-05-21T12:00", "", anonymous_id="own"),
        view(20, "2025-05-22T12:00", "ada", anonymous_id="own"),
    ]
    money = [
        charge(11, "2025-04-01T12:00", "ada", "10.04"),
        charge(12, "2025-04-02T12:00", "ada", "-3.01", event_type="refund"),
        charge(13, "2025-04-02T12:00", "bob", "20"),
        charge(14, "2025-04-03T12:00", "bob", "20", currency="JPY"),
        charge(15, "2025-04-04T12:00", "cyd", "30"),
        charge(16, "2019-04-04T12:00", "dan", "3000", currency="JPY"),
        charge(17, "2025-04-05T12:00", "eve", "-5", event_type="refund"),
    ]
    return {"user_events": product, "revenue_events": money}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_oracle_notices_a_wrong_rule(bench: Bench, name: str) -> None:
    assert any(MUTANTS[name][0] in model.sql for model in bench.models), (
        "the SQL has changed; change the mutant with it"
    )
    bench.fill(busy_company())
    assert faults(bench) == []
    bench.rebuild(MUTANTS[name])
    assert faults(bench) != []
