"""Features of users equal an oracle that has seen nothing after the cut-off, and nothing later moves them."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marts_support import Bench, Row, company, differences, rows, uuid_of
from oracle_features import features_at, user_features
from oracle_marts import Company

from gtc.settings import Settings

MARTS = ("user_features",)
BOOKKEEPING = ("is_as_of", "is_partial")

#: London midnights in summer time at the ends of March and April 2025, and what lies around the session gap.
EDGES = [
    datetime(2025, 3, 30, 12, 0),
    datetime(2025, 3, 31, 22, 29, 59, 999000),
    datetime(2025, 3, 31, 22, 59, 59, 999000),
    datetime(2025, 3, 31, 23, 0),
    datetime(2025, 4, 1, 23, 0),
    datetime(2025, 4, 30, 22, 59, 59, 999000),
    datetime(2025, 4, 30, 23, 0),
    datetime(2025, 6, 29, 12, 0),
]
PAUSES = [timedelta(), timedelta(minutes=30), timedelta(minutes=30, milliseconds=1), timedelta(days=14)]

moments = st.builds(lambda edge, pause: edge + pause, st.sampled_from(EDGES), st.sampled_from(PAUSES))
users = st.sampled_from(["", "", "ada", "bob"])
devices = st.sampled_from(["", "d1", "d2"])
places = st.sampled_from(["", "US", "GB"])


def product_row(at: datetime, user: str, device: str, name: str = "page_view", **more: Any) -> Row:
    """One product event."""
    return {
        "event_name": name,
        "event_at": at,
        "user_id": user,
        "anonymous_id": device,
        "country": "",
        "tax_residence": "",
        "device_type": "",
        "utm_medium": "",
        "properties": {},
    } | more


def money_row(at: datetime, user: str, device: str, kind: str = "charge", **more: Any) -> Row:
    """One event of revenue."""
    return {
        "event_type": kind,
        "event_at": at,
        "user_id": user,
        "anonymous_id": device,
        "order_id": "",
        "refunded_order_id": "",
        "subscription_id": "",
        "plan": "",
        "billing_period": "month",
        "plan_price": Decimal(0),
        "amount": Decimal(0),
        "currency": "USD",
    } | more


product = st.builds(
    lambda at, user, device, name, place, home, kind, tool: product_row(
        at, user, device, name, country=place, tax_residence=home, device_type=kind, utm_medium=kind and "email",
        properties={"calculator": tool},
    ),
    moments, users, devices,
    st.sampled_from(["page_view", "sign_up", "calculator_started", "calculator_completed", "calculator_error",
                     "checkout_started"]),
    places, places, st.sampled_from(["", "mobile"]), st.sampled_from(["vat", "income_tax"]),
)  # fmt: skip
lines = st.builds(
    lambda at, user, device, kind, order, given_back, amount, currency: money_row(
        at, user, device, kind, order_id=order, refunded_order_id=given_back, currency=currency,
        amount=-amount if kind == "refund" else amount,
    ),
    moments, users, devices, st.sampled_from(["charge", "charge", "refund", "adjustment"]),
    st.sampled_from(["", "o1", "o2"]), st.sampled_from(["", "o1", "o2"]),
    st.sampled_from([Decimal("10"), Decimal("0.005"), Decimal("20.01")]),
    st.sampled_from(["USD", "GBP"]),
)  # fmt: skip
changes = st.builds(
    lambda at, user, device, kind, name, terms, currency: money_row(
        at, user, device, kind, subscription_id=name, currency=currency if terms[2] else "", plan=terms[0],
        billing_period=terms[1], plan_price=terms[2],
    ),
    moments, users, devices,
    st.sampled_from(["trial_started", "subscription_started", "plan_changed", "subscription_cancelled",
                     "subscription_reactivated"]),
    st.sampled_from(["s1", "s2"]),
    st.sampled_from([("pro", "month", Decimal("12")), ("plus", "year", Decimal("100")),
                     ("pro", "year", Decimal("50")), ("free", "", Decimal("0"))]),
    st.sampled_from(["USD", "GBP"]),
)  # fmt: skip


def numbered(found: list[Row], first: int) -> list[Row]:
    """Rows with ids of their own, received when they happened."""
    return [row | {"event_id": uuid_of(n), "received_at": row["event_at"]} for n, row in enumerate(found, first)]


def lists(*kinds: st.SearchStrategy[Row]) -> st.SearchStrategy[list[Row]]:
    return st.lists(st.one_of(*kinds), max_size=12)


def raw_rows(events: list[Row], money: list[Row], sightings: list[Row], first: int = 1) -> dict[str, list[Row]]:
    """Raw tables; calculator_usage only says who was seen on which device."""
    usage = [{name: row[name] for name in ("event_at", "user_id", "anonymous_id")} for row in sightings]
    tables = {"user_events": events, "revenue_events": money, "calculator_usage": usage}
    return {table: numbered(found, first) for table, found in tables.items()}


def mart_rows(client: Client, schema: str) -> list[Row]:
    return rows(client, f"select * from {schema}.user_features order by cutoff_date, user_id")


def as_of(client: Client, dataset: Any, **choices: Any) -> Callable[[date], Company]:
    return lambda day: company(client, dataset, as_of=day, **choices)


def faults(bench: Bench) -> list[str]:
    expected = user_features(lambda day: bench.company(as_of=day), bench.company())
    return differences(mart_rows(bench.client, bench.dataset.schema), expected)


def test_features_of_the_simulated_company_equal_the_oracle(simulated: Settings, marts_client: Client) -> None:
    past = as_of(marts_client, simulated.dataset)
    found = mart_rows(marts_client, simulated.dataset.schema)
    today = company(marts_client, simulated.dataset)
    days = sorted({row["cutoff_date"] for row in found})
    for day in (days[1], days[-1]):
        expected = features_at(past(day), day, today)
        assert len(expected) > 50
        assert differences([row for row in found if row["cutoff_date"] == day], expected) == []


def test_features_of_online_retail_equal_the_oracle(
    retail: Settings, retail_oracle: Company, marts_client: Client
) -> None:
    day = date(2011, 1, 31)
    found = [row for row in mart_rows(marts_client, retail.dataset.schema) if row["cutoff_date"] == day]
    past = company(marts_client, retail.dataset, as_of=day, time_zone="Europe/London", currency="GBP")
    assert differences(found, features_at(past, day, retail_oracle)) == []
    assert {row["active_days"] for row in found} == {0}


def test_the_as_of_cutoff_agrees_with_people_and_sessions(simulated: Settings, marts_client: Client) -> None:
    schema = simulated.dataset.schema
    differing = f"""
        select people.person_id as person_id from {schema}_intermediate.people as people
        full outer join (select * from {schema}.user_features where is_as_of) as features
            on people.person_id = features.user_id
        where (people.is_known or features.user_id != '') and not coalesce(people.sessions = features.sessions, false)
    """
    assert rows(marts_client, differing) == []


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(events=lists(product), money=lists(lines, changes), sightings=lists(product))
def test_features_of_made_up_companies_equal_the_oracle(
    bench: Bench, events: list[Row], money: list[Row], sightings: list[Row]
) -> None:
    bench.fill(raw_rows(events, money, sightings), marts=MARTS)
    assert faults(bench) == []


CUTOFF = date(2025, 3, 31)
MOMENT = datetime(2025, 3, 31, 23, 0)  # its end in London


def until_cutoff(bench: Bench) -> list[Row]:
    """Features up to the cut-off, without what says which of the days is the last of the data."""
    found = mart_rows(bench.client, bench.dataset.schema)
    return [
        {name: value for name, value in row.items() if name not in BOOKKEEPING}
        for row in found
        if row["cutoff_date"] <= CUTOFF
    ]


def split(found: list[Row], past: bool) -> list[Row]:
    return [row for row in found if (row["event_at"] < MOMENT) == past]


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    events=lists(product), money=lists(lines, changes), sightings=lists(product),
    later_events=lists(product), later_money=lists(lines, changes), later_sightings=lists(product),
)  # fmt: skip
def test_nothing_that_happens_after_a_cutoff_moves_a_feature_of_it(
    bench: Bench,
    events: list[Row],
    money: list[Row],
    sightings: list[Row],
    later_events: list[Row],
    later_money: list[Row],
    later_sightings: list[Row],
) -> None:
    # One event on the cut-off day makes it a cut-off whatever comes later.
    anchor = product_row(datetime(2025, 3, 31, 12, 0), "zoe", "")
    known = raw_rows([anchor, *split(events, True)], split(money, True), split(sightings, True))
    bench.fill(known, marts=MARTS)
    alone = until_cutoff(bench)
    futures = (
        raw_rows(split(events, False), split(money, False), split(sightings, False), 100),
        raw_rows(split(later_events, False), split(later_money, False), split(later_sightings, False), 100),
    )
    for future in futures:
        bench.fill({table: known[table] + future[table] for table in known}, marts=MARTS)
        assert until_cutoff(bench) == alone
    assert any(row["user_id"] == "zoe" for row in alone)


NOON = partial(datetime, 2025, hour=12)


def test_a_device_counts_from_the_day_it_is_identified_until_a_second_user_shows(bench: Bench) -> None:
    seen = [
        product_row(NOON(month=1, day=10), "", "d1", utm_medium="email"),
        product_row(NOON(month=2, day=10), "ada", "", name="sign_up"),
        product_row(NOON(month=3, day=10), "ada", "d1", name="login"),
        product_row(NOON(month=4, day=10), "bob", "d1", name="login"),
        product_row(NOON(month=5, day=1), "ada", ""),
    ]
    bench.fill(raw_rows(seen, [], []), marts=MARTS)
    found = {
        row["cutoff_date"].month: (row["events"], row["first_channel"], row["tenure_days"])
        for row in mart_rows(bench.client, bench.dataset.schema)
        if row["user_id"] == "ada"
    }
    # In January ada is not known; in February the visit by e-mail is nobody's; in March it is hers; then bob shows.
    assert found == {
        2: (1, "direct", 18),
        3: (3, "email", 80),
        4: (2, "direct", 79),
        5: (3, "direct", 80),
    }
    assert faults(bench) == []


def test_a_refund_that_names_nobody_is_whose_order_it_gives_back_as_long_as_that_is_known(bench: Bench) -> None:
    seen = [
        product_row(NOON(month=1, day=5), "zoe", ""),
        product_row(NOON(month=2, day=10), "ada", "d1", name="login"),
        product_row(NOON(month=3, day=10), "eve", "d2", name="login"),
        product_row(NOON(month=4, day=10), "fay", "d2", name="login"),
        product_row(NOON(month=5, day=10), "bob", "d1", name="login"),
        product_row(NOON(month=6, day=10), "zoe", ""),
    ]
    money = [
        money_row(NOON(month=1, day=10), "", "d1", order_id="o1", amount=Decimal(100)),
        money_row(NOON(month=1, day=12), "", "", "refund", refunded_order_id="o1", amount=Decimal(-40)),
        money_row(NOON(month=1, day=13), "", "d2", "refund", refunded_order_id="o1", amount=Decimal(-7)),
        money_row(NOON(month=1, day=9), "", "", "refund", refunded_order_id="o9", amount=Decimal(-1)),
        money_row(NOON(month=3, day=9), "cyd", "", order_id="o9", amount=Decimal(9)),
    ]
    bench.fill(raw_rows(seen, money, []), marts=MARTS)
    found = {
        (row["user_id"], row["cutoff_date"].month): float(row["net_revenue"])
        for row in mart_rows(bench.client, bench.dataset.schema)
        if row["net_revenue"]
    }
    # d1 is ada's from February to April, and d2 eve's in March: the order, and what is given back of it.
    assert found == {
        ("ada", 2): 53, ("ada", 3): 60, ("ada", 4): 53, ("eve", 3): -7,
        ("cyd", 3): 8, ("cyd", 4): 8, ("cyd", 5): 8, ("cyd", 6): 8,
    }  # fmt: skip
    assert faults(bench) == []


def test_a_visit_before_and_after_the_sign_up_is_one_session_and_one_active_day(bench: Bench) -> None:
    seen = [
        product_row(NOON(month=3, day=10, minute=0), "", "d1"),
        product_row(NOON(month=3, day=10, minute=30), "ada", "d1", name="sign_up"),
        product_row(NOON(month=3, day=10, minute=45), "", "d1"),
        product_row(NOON(month=4, day=1), "ada", "d1"),
    ]
    bench.fill(raw_rows(seen, [], []), marts=MARTS)
    row = mart_rows(bench.client, bench.dataset.schema)[0]
    assert (row["cutoff_date"], row["sessions"], row["active_days"], row["events"]) == (CUTOFF, 1, 1, 3)
    assert faults(bench) == []


#: A rule of the SQL, and the wrong one next to it.
MUTANTS = {
    "devices count from their first day": (
        "greatest(facts.active_date, coalesce(toDate(identities.first_identified_at, 'Europe/London'), "
        "toDate('2149-06-06')))",
        "facts.active_date",
    ),
    "shared devices stay": ("coalesce(toDate(identities.conflict_at, 'Europe/London'), toDate('2149-06-06'))",
                            "toDate('2149-06-06')"),
    "thirty-one days": ("day > cutoff - 30, dates", "day >= cutoff - 30, dates"),
    "sessions of each device": ("step = 1 and open = 1", "step = 1"),
    "every run is a session": ("arrayMap(edge -> edge.2, edges)", "arrayReverse(arrayMap(edge -> edge.2, edges))"),
    "refunds are negative": ("-reporting_amount, 0) as refund", "reporting_amount, 0) as refund"),
    "orders count before they are made": ("greatest(held_lines.day, held_orders.known_from)", "held_lines.day"),
    "refunds of a shared device are lost": ("greatest(held_lines.day, held_lines.known_until, held_orders.known_from)",
                                            "held_orders.known_until"),
    "plans of the past": ("spans.valid_to is null or", "true or"),
    "trials of the future": ("trials.ends_at, 'Europe/London') <=", "trials.ends_at, 'Europe/London') <"),
}  # fmt: skip


def busy_company() -> dict[str, list[Row]]:
    """A company in which each rule of MUTANTS decides something."""
    seen = [
        product_row(NOON(month=1, day=10), "", "d1"),
        product_row(NOON(month=2, day=10), "ada", "d1", name="login"),
        product_row(NOON(month=3, day=1), "", "d1"),
        product_row(NOON(month=3, day=1, minute=10), "ada", ""),
        product_row(NOON(month=3, day=1, minute=50), "ada", ""),
        product_row(NOON(month=4, day=10), "bob", "d1", name="login"),
        product_row(NOON(month=5, day=2), "ada", ""),
    ]
    price = {"subscription_id": "s1", "plan": "pro", "plan_price": Decimal("12")}
    money = [
        money_row(NOON(month=2, day=1), "ada", "", amount=Decimal(10)),
        money_row(NOON(month=2, day=2), "ada", "", "refund", amount=Decimal(-3)),
        money_row(NOON(month=1, day=2), "", "", "refund", refunded_order_id="o9", amount=Decimal(-1)),
        money_row(NOON(month=4, day=20), "", "d1", "refund", refunded_order_id="o9", amount=Decimal(-2)),
        money_row(NOON(month=2, day=1), "cyd", "", order_id="o9", amount=Decimal(7)),
        money_row(NOON(month=2, day=3), "ada", "", "subscription_started", **price),
        money_row(NOON(month=3, day=3), "ada", "", "subscription_cancelled", **price),
        money_row(NOON(month=3, day=17), "ada", "", "trial_started", **(price | {"subscription_id": "s2"})),
    ]
    return raw_rows(seen, money, [])


@pytest.mark.parametrize("name", MUTANTS)
def test_the_oracle_notices_a_wrong_rule(bench: Bench, name: str) -> None:
    assert any(MUTANTS[name][0] in model.sql for model in bench.models), (
        "the SQL has changed; change the mutant with it"
    )
    bench.fill(busy_company(), marts=MARTS)
    assert faults(bench) == []
    bench.rebuild(MUTANTS[name], marts=MARTS)
    assert faults(bench) != []
