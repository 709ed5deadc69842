"""Marts of revenue equal the oracle on companies that hypothesis makes up, and on the edges of months and days."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import oracle_revenue
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marts_support import Bench, Row, differences, uuid_of
from test_revenue_marts import MARTS, in_order, oracle

#: Ends of months, a leap day and midnights in London, where summer time began on 31 March 2024, and a trial's length.
EDGES = [
    datetime(2024, 2, 29, 23, 59, 59, 999000),
    datetime(2024, 3, 31, 0, 30),
    datetime(2024, 3, 31, 22, 59, 59, 999000),
    datetime(2024, 3, 31, 23, 0),
    datetime(2024, 4, 14, 23, 0),
    datetime(2024, 4, 30, 22, 30),
    datetime(2024, 6, 15, 12, 0),
]

#: Rows of one table have the same columns.
BLANK: Row = {
    "event_type": "charge", "user_id": "", "anonymous_id": "", "order_id": "", "subscription_id": "", "plan": "",
    "billing_period": "", "plan_price": Decimal(0), "amount": Decimal(0), "tax_amount": Decimal(0), "currency": "USD",
    "country": "", "reason": "", "refunded_order_id": "",
}  # fmt: skip

terms = st.fixed_dictionaries(
    {
        "event_type": st.sampled_from(oracle_revenue.KINDS),
        "event_at": st.builds(
            lambda at, more: at + timedelta(days=more), st.sampled_from(EDGES), st.sampled_from([0, 0, 14])
        ),
        "user_id": st.sampled_from(["", "ada", "ada", "bob"]),
        "anonymous_id": st.sampled_from(["", "d1"]),
        "subscription_id": st.sampled_from(["s1", "s1", "s2", "s3", ""]),
        "plan": st.sampled_from(["plus", "pro"]),
        "billing_period": st.sampled_from(["month", "month", "year"]),
        "plan_price": st.sampled_from([Decimal(0), Decimal(12), Decimal(12), Decimal("29.90"), Decimal(100)]),
        "currency": st.sampled_from(["USD", "USD", "USD", "GBP"]),
        "country": st.sampled_from(["US", "GB"]),
        "reason": st.sampled_from(["", "too_expensive"]),
    }
).map(lambda row: row if row["plan_price"] or row["reason"] else row | {"currency": "", "billing_period": ""})

lines = st.fixed_dictionaries(
    {
        "event_type": st.sampled_from(["charge", "charge", "charge", "refund", "adjustment"]),
        "event_at": st.sampled_from(EDGES),
        "user_id": st.sampled_from(["", "ada", "bob"]),
        "anonymous_id": st.sampled_from(["", "d1"]),
        "order_id": st.sampled_from(["", "o1", "o2", "o3"]),
        "refunded_order_id": st.sampled_from(["", "o1", "o2", "o3"]),
        "subscription_id": st.sampled_from(["", "", "s1"]),
        "plan": st.sampled_from(["", "plus"]),
        "amount": st.sampled_from([Decimal("0.005"), Decimal(10), Decimal("-20.01"), Decimal("33.3333")]),
        "tax_amount": st.sampled_from([Decimal(0), Decimal("1.005")]),
        "currency": st.sampled_from(["USD", "GBP", "JPY"]),
        "country": st.sampled_from(["US", "GB"]),
    }
)


def delivered(contents: st.SearchStrategy[Row], numbers: tuple[int, int]) -> st.SearchStrategy[list[Row]]:
    """Rows in which an event may come again, corrected or late."""
    delivery = st.tuples(st.integers(*numbers), contents, st.sampled_from([0, 0, 50]))
    return st.lists(delivery, max_size=14).map(
        lambda found: [
            BLANK | row | {"event_id": uuid_of(number), "received_at": row["event_at"] + timedelta(days=late)}
            for number, row, late in found
        ]
    )


def faults(bench: Bench, marts: Iterable[str] = MARTS) -> list[str]:
    """Where the marts differ from the oracle, each named."""
    company = bench.company()
    return [
        f"{mart}: {fault}"
        for mart in marts
        for fault in differences(
            in_order(bench.rows(f"select * from marts.{mart}"), mart),
            oracle(company, mart) if company.last else [],
        )
    ]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def event(number: int, kind: str, moment: str, **more: Any) -> Row:
    """A change of the subscription s1 of ada, at 12 dollars a month unless told otherwise."""
    row = BLANK | {"event_type": kind, "event_at": at(moment), "received_at": at(moment), "event_id": uuid_of(number)}
    row |= {"user_id": "ada", "subscription_id": "s1", "plan": "plus", "billing_period": "month"}
    return row | {"plan_price": Decimal(12)} | more


def charge(number: int, moment: str, amount: str, **more: Any) -> Row:
    """An order of ada, of one line."""
    sold = {
        "amount": Decimal(amount),
        "order_id": f"o{number}",
        "subscription_id": "",
        "plan": "",
        "billing_period": "",
    }
    return event(number, "charge", moment, **sold, plan_price=Decimal(0)) | more


def fill(bench: Bench, *revenue: Row, marts: Iterable[str] = MARTS) -> None:
    bench.fill({"revenue_events": list(revenue)}, marts=marts)


def movements(bench: Bench, booking: str = "event") -> list[tuple[Any, ...]]:
    """Month, currency and everything but zeros, as numbers."""
    found = bench.rows(f"select * from marts.mrr_movements where booking = '{booking}' order by currency, month")
    names = ("new", "reactivation", "expansion", "contraction", "churn")
    return [
        (
            row["month"].month,
            row["currency"],
            float(row["mrr_start"]),
            {name: float(row[f"{name}_mrr"]) for name in names if row[f"{name}_mrr"]},
            float(row["mrr_end"]),
        )
        for row in found
    ]


def test_without_a_single_row_the_marts_are_empty(bench: Bench) -> None:
    bench.fill({}, marts=MARTS)
    assert [mart for mart in MARTS if bench.rows(f"select * from marts.{mart}")] == []


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(delivered(terms, (1, 20)), delivered(lines, (21, 34)))
def test_marts_equal_the_oracle_whatever_was_delivered(bench: Bench, changes: list[Row], money: list[Row]) -> None:
    fill(bench, *changes, *money)
    assert faults(bench) == []


def test_a_change_on_the_last_day_of_a_month_belongs_to_it_and_one_at_midnight_to_the_next(bench: Bench) -> None:
    fill(
        bench,
        event(1, "subscription_started", "2024-03-01T12:00"),
        event(2, "plan_changed", "2024-03-31T22:59:59.999", plan="pro", plan_price=Decimal(30)),
        event(3, "plan_changed", "2024-03-31T23:00", plan="plus"),  # midnight in London, in summer
        charge(9, "2024-04-30T12:00", "1"),
    )
    assert movements(bench) == [
        (3, "USD", 0, {"new": 12, "expansion": 18}, 30),
        (4, "USD", 30, {"contraction": 18}, 12),
    ]
    assert faults(bench) == []


def test_who_leaves_and_returns_within_a_month_moves_by_event_and_not_by_month_end(bench: Bench) -> None:
    fill(
        bench,
        event(1, "subscription_started", "2024-03-01T12:00"),
        event(2, "subscription_cancelled", "2024-04-05T12:00"),
        event(3, "subscription_reactivated", "2024-04-20T12:00", plan_price=Decimal(15)),
        event(4, "subscription_cancelled", "2024-05-10T12:00"),
        event(5, "subscription_reactivated", "2024-06-10T12:00"),
    )
    assert movements(bench)[1:] == [
        (4, "USD", 12, {"reactivation": 15, "churn": 12}, 15),
        (5, "USD", 15, {"churn": 15}, 0),
        (6, "USD", 0, {"reactivation": 12}, 12),
    ]
    assert movements(bench, "month_end")[1:2] == [(4, "USD", 12, {"expansion": 3}, 15)]
    [april] = bench.rows("select * from marts.mrr_movements where booking = 'month_end' and month = '2024-04-01'")
    assert (april["nrr"], april["grr"], april["churned_customers"]) == (1.25, 1, 0)
    assert faults(bench) == []


def test_a_customer_with_several_subscriptions_moves_as_one(bench: Bench) -> None:
    dan = {"user_id": "dan"}
    fill(
        bench,
        event(1, "subscription_started", "2024-02-01T12:00", subscription_id="d1", **dan),
        event(2, "subscription_started", "2024-03-05T12:00", subscription_id="d2", **dan, plan_price=Decimal(30)),
        event(3, "subscription_cancelled", "2024-03-07T12:00", subscription_id="d1", **dan),
        event(4, "subscription_cancelled", "2024-04-09T12:00", subscription_id="d2", **dan),
        event(5, "subscription_started", "2024-04-09T12:00", subscription_id="d3", **dan, plan_price=Decimal(45)),
        event(6, "subscription_cancelled", "2024-05-09T12:00", subscription_id="d3", **dan),
        event(7, "subscription_started", "2024-06-09T12:00", subscription_id="d4", **dan),
    )
    assert movements(bench) == [
        (2, "USD", 0, {"new": 12}, 12),
        (3, "USD", 12, {"expansion": 30, "contraction": 12}, 30),
        (4, "USD", 30, {"expansion": 15}, 45),
        (5, "USD", 45, {"churn": 45}, 0),
        (6, "USD", 0, {"reactivation": 12}, 12),
    ]
    found = bench.rows("select * from marts.mrr_movements where booking = 'month_end' order by month")
    assert [(row["nrr"], row["grr"], row["subscriptions_end"]) for row in found] == [
        (None, None, 1), (2.5, 1, 1), (1.5, 1, 1), (0, 0, 0), (None, None, 1)
    ]  # fmt: skip
    assert faults(bench) == []


def test_a_change_of_currency_loses_no_customer(bench: Bench) -> None:
    fill(
        bench,
        event(1, "subscription_started", "2024-03-01T12:00"),
        event(2, "plan_changed", "2024-04-05T12:00", currency="GBP", plan_price=Decimal(10)),
    )
    expected = [
        (3, "GBP", 0, {}, 0),
        (4, "GBP", 0, {"expansion": 10}, 10),
        (3, "USD", 0, {"new": 12}, 12),
        (4, "USD", 12, {"contraction": 12}, 0),
    ]
    assert movements(bench) == movements(bench, "month_end") == expected
    found = bench.rows("select * from marts.mrr_movements_total where month = '2024-04-01'")
    assert [(row["customers_start"], row["churned_customers"], row["customers_end"]) for row in found] == [
        (1, 0, 1)
    ] * 2
    assert faults(bench) == []


def test_a_year_counts_a_twelfth_and_months_without_a_movement_have_a_row(bench: Bench) -> None:
    fill(
        bench,
        event(1, "subscription_started", "2024-02-29T12:00", billing_period="year", plan_price=Decimal(100)),
        charge(2, "2024-05-02T12:00", "1", received_at=at("2024-06-01T12:00")),
    )
    found = bench.rows("select * from marts.mrr_movements where booking = 'event' order by month")
    assert [(row["month"].month, str(row["mrr_end"]), row["is_partial"]) for row in found] == [
        (2, "8.3333", False),
        (3, "8.3333", False),
        (4, "8.3333", False),
        (5, "8.3333", True),  # everything was received, but the data ends inside the month
    ]
    assert faults(bench) == []


def test_what_happens_to_an_ended_subscription_has_no_effect(bench: Bench) -> None:
    fill(
        bench,
        event(1, "trial_started", "2024-03-01T12:00"),
        event(2, "plan_changed", "2024-03-02T12:00", plan="pro", plan_price=Decimal(30)),
        event(3, "subscription_started", "2024-03-15T12:00"),
        event(4, "subscription_started", "2024-03-16T12:00"),
        event(5, "subscription_cancelled", "2024-03-20T12:00", reason="payment_failed"),
        event(6, "subscription_cancelled", "2024-03-21T12:00"),
        event(7, "plan_changed", "2024-03-22T12:00", plan="pro", plan_price=Decimal(30)),
    )
    found = bench.rows("select * from marts.subscriptions order by span_kind")
    assert [(row["span_kind"], row["status"], row["mrr"], row["ended_reason"]) for row in found] == [
        ("paid", "cancelled", 12, "payment_failed"),
        ("trial", "trial_converted", 0, ""),
    ]
    assert faults(bench) == []


def test_changes_of_one_moment_take_effect_in_the_order_of_their_kinds(bench: Bench) -> None:
    moment = "2024-03-31T12:00"
    fill(
        bench,
        event(9, "subscription_started", moment),
        event(8, "plan_changed", moment, plan="pro", plan_price=Decimal(30)),
        event(7, "subscription_cancelled", moment),
        event(6, "subscription_reactivated", moment, plan_price=Decimal(15)),
    )
    found = bench.rows(
        "select movement, mrr, valid_to is null as is_open from int.subscription_spans order by span_number"
    )
    assert [tuple(row.values()) for row in found] == [("new", 12, 0), ("expansion", 30, 0), ("reactivation", 15, 1)]
    assert faults(bench) == []


@pytest.mark.parametrize(
    ("paid", "received", "outcome"),
    [
        ("2024-03-15T12:00", "2024-03-15T12:00", "converted"),
        ("2024-03-15T12:00:00.001", "2024-03-20T12:00", "expired"),
        ("", "2024-03-15T12:00", "open"),
        ("", "2024-03-15T12:00:00.001", "expired"),
    ],
)
def test_a_trial_converts_by_its_very_end_and_is_open_until_that_is_observed(
    bench: Bench, paid: str, received: str, outcome: str
) -> None:
    later = event(2, "subscription_started", paid) if paid else charge(2, "2024-03-15T11:00", "1", user_id="bob")
    fill(bench, event(1, "trial_started", "2024-03-01T12:00"), later | {"received_at": at(received)})
    [trial] = bench.rows("select * from marts.subscriptions where span_kind = 'trial'")
    assert (trial["trial_outcome"], trial["valid_to"] is None) == (outcome, outcome == "open")
    assert faults(bench) == []


def test_of_two_trials_that_begin_at_once_the_newer_decides(bench: Bench) -> None:
    changes = [
        event(3 * n + part, kind, moment, subscription_id=f"s{n}", user_id=f"u{n}")
        for n in range(1, 40)
        for part, (kind, moment) in enumerate(
            [
                ("trial_started", "2024-03-01T12:00"),
                ("trial_started", "2024-03-01T12:00"),
                ("subscription_started", "2024-03-15T12:00"),
            ]
        )
    ]
    fill(bench, *changes, charge(200, "2024-04-01T12:00", "1"))
    found = bench.rows("select distinct span_kind, trial_outcome from marts.subscriptions order by all")
    assert [tuple(row.values()) for row in found] == [
        ("paid", "converted"),
        ("trial", "converted"),
        ("trial", "expired"),
    ]
    assert faults(bench) == []


def test_whoever_goes_to_a_plan_without_price_leaves_whatever_its_currency(bench: Bench) -> None:
    free = {"billing_period": "", "plan_price": Decimal(0), "plan": "free"}
    fill(
        bench,
        event(1, "subscription_started", "2024-03-01T12:00"),
        event(2, "plan_changed", "2024-03-15T12:00", currency="", **free),
        event(3, "plan_changed", "2024-03-20T12:00", currency="GBP", **free),
        event(4, "plan_changed", "2024-03-25T12:00", currency="GBP"),
    )
    found = bench.rows("select movement from marts.subscriptions order by span_number")
    assert [row["movement"] for row in found] == ["new", "churn", "none", "reactivation"]
    assert faults(bench) == []


def test_the_summary_for_lifetime_value_follows_the_rule_of_the_cdnow_data(bench: Bench) -> None:
    # frequency = repeat purchase days, recency = last - first, T = end - first, money = mean of the repeat purchases.
    fill(
        bench,
        charge(1, "2024-03-01T12:00", "90"),
        charge(2, "2024-03-08T10:00", "12"),
        charge(3, "2024-03-08T18:00", "8"),
        charge(4, "2024-03-10T12:00", "-8", event_type="refund"),
        charge(5, "2024-03-15T12:00", "10", subscription_id="s1"),
        charge(6, "2024-03-31T12:00", "5", user_id="bob"),
    )
    ada, bob = bench.rows("select * from marts.ltv_summary order by customer_id")
    assert (ada["x"], ada["t_x"], ada["T"], ada["monetary_mean"]) == (2, 14, 30, 15)
    assert (ada["one_off_x"], ada["one_off_t_x"], ada["one_off_monetary_mean"]) == (1, 7, 20)
    assert (ada["one_off_repeat_orders"], bob["x"], bob["T"], bob["monetary_mean"]) == (2, 0, 0, None)
    assert faults(bench) == []


def refund(number: int, moment: str, amount: str, order: str, **more: Any) -> Row:
    """Money given back for an order; it names nobody."""
    nobody = {"user_id": "", "order_id": "", "event_type": "refund", "refunded_order_id": order}
    return charge(number, moment, amount) | nobody | more


def test_a_refund_that_names_nobody_is_given_back_to_the_customer_of_its_order(bench: Bench) -> None:
    fill(
        bench,
        charge(1, "2024-03-05T12:00", "100"),
        refund(2, "2024-03-20T12:00", "-100", "o1"),
        charge(3, "2024-03-05T12:00", "50", user_id="bob", order_id=""),
        refund(4, "2024-03-20T12:00", "-20", str(uuid_of(3))),  # an order without an id is named by its charge
        refund(5, "2024-03-20T12:00", "-1", "unknown"),
        refund(6, "2024-03-20T12:00", "-2", "o1", user_id="bob"),  # whoever a refund names has it
        refund(7, "2024-03-20T12:00", "-4", "o1", event_type="adjustment"),
        charge(8, "2024-03-31T12:00", "0", user_id="cyd"),
        event(9, "subscription_started", "2024-02-01T12:00", plan_price=Decimal(0)),
        event(10, "subscription_cancelled", "2024-04-01T12:00"),
    )
    found = bench.rows("select net_revenue from marts.revenue_cohorts where breakdown = 'overall' and months_since = 0")
    assert [row["net_revenue"] for row in found] == [28]
    worth = bench.rows("select customer_id, net_revenue from int.customer_months order by customer_id")
    assert [tuple(row.values()) for row in worth] == [("ada", 0), ("bob", 28), ("cyd", 0)]
    assert faults(bench) == []


def test_a_cell_has_figures_where_the_data_covers_its_month_and_a_cut_cohort_is_marked(bench: Bench) -> None:
    fill(
        bench,
        charge(1, "2024-03-10T12:00", "10"),
        charge(2, "2024-04-05T12:00", "5"),
        charge(3, "2024-04-06T12:00", "7", user_id="bob"),
        charge(4, "2024-05-20T12:00", "1", user_id="cyd"),
    )
    found = bench.rows(
        "select * from marts.revenue_cohorts where breakdown = 'overall' order by cohort_month, months_since"
    )
    names = ("months_since", "customers", "active_customers", "net_revenue", "revenue_per_customer")
    assert [(row["cohort_month"].month, *(row[name] for name in names), row["is_cohort_partial"]) for row in found] == [
        (3, 0, 1, None, None, None, True),  # the data begins on 10 March
        (3, 1, 1, 1, 5, 15, True),
        (3, 2, 1, None, None, None, True),  # May goes on
        (4, 0, 1, 1, 7, 7, False),
        (4, 1, 1, None, None, None, False),
        (5, 0, 1, None, None, None, True),
    ]
    assert faults(bench) == []


#: A rule of the SQL, the wrong one next to it, and a mart that it spoils.
MUTANTS = {
    "a year counts twelve months": ("= 'year'", "= 'years'", "subscriptions"),
    "changes run an ended one": ("event_type = 'plan_changed', null", "event_type = 'plan', null", "subscriptions"),
    "announced terms open a span": ("not (runs and ran and terms = terms_before)", "true", "subscriptions"),
    "equal moments go by id": ("order by event_at asc, type_order asc", "order by event_at asc", "subscriptions"),
    "every return is new": ("had_mrr or", "0 or", "subscriptions"),
    "a late start converts": ("if(paid_at <= ends_at", "if(paid_at >= started_at", "subscriptions"),
    "midnight is UTC": ("'Europe/London'", "'UTC'", "mrr_movements"),
    "a change of currency is churn": (
        "mrr_change > 0, 'expansion',\n        'contraction'",
        "mrr_change > 0, 'expansion',\n        'churn'",
        "mrr_movements",
    ),
    "a second subscription is new": (
        "mrr_after = change_of_all, if(changed_at > first_change_at",
        "mrr_change > 0, if(mrr_after > change_of_all",
        "mrr_movements",
    ),
    "who comes back with another number is new": ("changed_at > first_change_at or", "false or", "mrr_movements"),
    "what happens at once happens twice": (
        "group by subscriber_id, currency, changed_at",
        "group by subscriber_id, currency, changed_at, edge.2 > 0",
        "mrr_movements",
    ),
    "retention counts everybody": ("sumIf(churn_amount, is_opening)", "sum(churn_amount)", "mrr_movements"),
    "rates of another year": (">= rates.valid_from", ">= rates.valid_from - 700", "mrr_movements_total"),
    "one order, many orders": ("countIf(is_first_charge)", "countIf(event_type = 'charge')", "revenue_daily"),
    "refunds count as sales": ("sum(reporting_amount)", "sum(abs(reporting_amount))", "revenue_cohorts"),
    "refunds of nobody stay nobody's": (", refunded_customers.customer_id, '')", ", '', '')", "revenue_cohorts"),
    "the month that goes on has a low number": ("not months.is_partial as", "true as", "revenue_cohorts"),
    "a cohort cut by the data is whole": ("starts.is_partial as", "false as", "revenue_cohorts"),
    "the first purchase is a repeat": ("sum(days.amount) - argMin", "sum(days.amount) - 0 * argMin", "ltv_summary"),
}


def busy_company() -> list[Row]:
    """A company in which each rule of MUTANTS decides something."""
    yen = {"currency": "JPY", "subscription_id": "s4", "user_id": "eve", "plan_price": Decimal(1500)}
    return [
        event(1, "trial_started", "2024-02-01T12:00"),
        event(2, "subscription_started", "2024-02-20T12:00"),
        event(3, "subscription_started", "2024-02-21T12:00"),
        event(4, "plan_changed", "2024-03-31T23:30", billing_period="year", plan_price=Decimal(120)),
        event(5, "subscription_cancelled", "2024-04-10T12:00"),
        event(6, "plan_changed", "2024-04-11T12:00", plan_price=Decimal(99)),
        event(7, "subscription_started", "2024-05-11T12:00"),
        event(8, "plan_changed", "2024-05-20T12:00", currency="GBP", plan_price=Decimal(10)),
        event(10, "subscription_started", "2024-03-03T12:00", subscription_id="s2", user_id="bob"),
        event(9, "subscription_cancelled", "2024-03-03T12:00", subscription_id="s2", user_id="bob"),
        event(11, "subscription_started", "2024-04-03T12:00", subscription_id="s3", user_id="cyd"),
        event(12, "subscription_cancelled", "2024-04-04T12:00", subscription_id="s3", user_id="cyd"),
        event(13, "subscription_started", "2024-03-03T12:00", **yen),
        event(14, "subscription_started", "2024-02-03T12:00", subscription_id="d1", user_id="dan"),
        event(15, "subscription_started", "2024-03-05T12:00", subscription_id="d2", user_id="dan"),
        event(16, "subscription_cancelled", "2024-03-07T12:00", subscription_id="d1", user_id="dan"),
        event(17, "subscription_cancelled", "2024-03-09T12:00", subscription_id="d2", user_id="dan"),
        event(
            18, "subscription_started", "2024-03-09T12:00", subscription_id="d3", user_id="dan", plan_price=Decimal(9)
        ),
        event(19, "subscription_cancelled", "2024-04-09T12:00", subscription_id="d3", user_id="dan"),
        event(25, "subscription_started", "2024-05-09T12:00", subscription_id="d4", user_id="dan"),
        charge(20, "2024-03-01T12:00", "10"),
        charge(21, "2024-03-01T12:00", "5", order_id="o20", country="GB"),
        charge(22, "2024-04-01T12:00", "-3", event_type="refund"),
        charge(23, "2024-05-01T12:00", "7"),
        refund(24, "2024-04-02T12:00", "-2", "o20"),
        charge(26, "2024-05-03T12:00", "1", user_id="bob"),
    ]


@pytest.fixture(scope="module")
def busy(bench: Bench) -> Bench:
    """The bench, filled with that company and right."""
    fill(bench, *busy_company())
    assert faults(bench) == []
    return bench


@pytest.mark.parametrize("name", MUTANTS)
def test_the_oracle_notices_a_wrong_rule_of_revenue(busy: Bench, name: str) -> None:
    right, wrong, spoilt = MUTANTS[name]
    assert any(right in model.sql for model in busy.models), "the SQL has changed; change the mutant with it"
    busy.rebuild((right, wrong), marts=[spoilt])
    assert faults(busy, [spoilt]) != []


def test_an_earlier_month_is_not_moved_by_a_later_one(bench: Bench) -> None:
    fill(bench, *busy_company(), marts=["mrr_movements"])
    whole = bench.rows("select * from marts.mrr_movements where month < '2024-05-01' and currency != 'GBP'")
    earlier = [row for row in busy_company() if row["event_at"].date() < date(2024, 5, 1)]
    late = charge(99, "2024-04-30T12:00", "1", received_at=at("2024-05-02T00:00"))
    fill(bench, *earlier, late, marts=["mrr_movements"])
    cut = bench.rows("select * from marts.mrr_movements where currency != 'GBP'")
    assert in_order(cut, "mrr_movements") == in_order(whole, "mrr_movements")
