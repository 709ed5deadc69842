"""The marketing marts equal the oracle on companies that hypothesis makes up, and at every edge of the definitions."""

import itertools
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import oracle_marketing
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marketing_support import KEYS, SPEND_COLUMNS, faults
from marts_support import Bench, Row, rows, uuid_of
from oracle_marketing import MODELS, Touch, in_millionths, shares
from path_models import markov

MARTS = (*KEYS, "touchpoints")
START = datetime(2025, 3, 1, 12)
MONTH, TICK = timedelta(days=30), timedelta(milliseconds=1)

#: Steps from the start around the edges of look-back, session and months, over the change to summer time.
STEPS = [timedelta(), TICK, timedelta(minutes=31), timedelta(days=7), MONTH - TICK, MONTH, MONTH + TICK, 2 * MONTH]

moments = st.builds(lambda one, other: START + one + other, st.sampled_from(STEPS), st.sampled_from(STEPS))
users = st.sampled_from(["", "", "ada", "bob"])
devices = st.sampled_from(["", "d1", "d1", "d2"])

events = st.builds(
    lambda name, at, user, device, medium, campaign, country: {
        "event_name": name,
        "event_at": at,
        "user_id": user,
        "anonymous_id": device,
        "utm_medium": medium,
        "utm_campaign": campaign,
        "country": country,
    },
    st.sampled_from(["page_view", "page_view", "page_view", "sign_up", "trial_started"]),
    moments,
    users,
    devices,
    st.sampled_from(["", "email", "cpc", "display"]),
    st.sampled_from(["", "spring"]),
    st.sampled_from(["DE", "FR"]),
)

lines = st.builds(
    lambda kind, at, user, device, order, refunded, amount, currency: {
        "event_type": kind,
        "event_at": at,
        "user_id": user,
        "anonymous_id": device,
        "order_id": order,
        "refunded_order_id": refunded if kind == "refund" else "",
        "amount": -amount if kind == "refund" else amount,
        "currency": currency,
    },
    st.sampled_from(["charge", "charge", "charge", "refund", "adjustment"]),
    moments,
    users,
    devices,
    st.sampled_from(["", "o1", "o2", "o3"]),
    st.sampled_from(["", "o1", "o2"]),
    st.sampled_from([Decimal("10"), Decimal("0.0001"), Decimal("33.33")]),
    st.sampled_from(["USD", "GBP"]),
)

spend = st.builds(
    lambda day, channel, country, currency, amount, clicks: {
        "spend_date": (START + day).date(),
        "channel": channel,
        "campaign": "spring",
        "country": country,
        "currency": currency,
        "spend": amount,
        "impressions": clicks * 40,
        "clicks": clicks,
    },
    st.sampled_from(STEPS),
    st.sampled_from(["email", "paid_search"]),
    st.sampled_from(["DE", "FR"]),
    st.sampled_from(["USD", "EUR"]),
    st.sampled_from([Decimal("0"), Decimal("1.0050"), Decimal("7.7777")]),
    st.integers(0, 3),
)


def deliveries(contents: st.SearchStrategy[Row], size: int) -> st.SearchStrategy[list[Row]]:
    """Rows of a raw table in which an event may come again, as it was or corrected, and late."""
    delivery = st.tuples(st.integers(1, size), contents, st.integers(0, 2))
    return st.lists(delivery, max_size=size).map(
        lambda found: [
            {**row, "event_id": uuid_of(number), "received_at": START + 3 * MONTH + timedelta(hours=late)}
            for number, row, late in found
        ]
    )


def differing(bench: Bench) -> list[str]:
    """Where the marts of what was filled in differ from the oracle."""
    raw = rows(bench.client, f"select {SPEND_COLUMNS}, row_version from {bench.dataset.raw_database}.marketing_spend")
    return faults(bench.rows, bench.company(), raw)


def fill(bench: Bench, product: list[Row], money: list[Row] | None = None, cost: list[Row] | None = None) -> None:
    bench.fill({"user_events": product, "revenue_events": money or [], "marketing_spend": cost or []}, marts=MARTS)


def event(number: int, at: datetime, channel: str = "", name: str = "page_view", **more: Any) -> Row:
    """An event of ada; the medium names the channel."""
    row = {"event_id": uuid_of(number), "event_name": name, "event_at": at, "received_at": at, "user_id": "ada"}
    return row | {"anonymous_id": "", "utm_medium": channel, "utm_campaign": "", "country": "DE"} | more


def line(number: int, at: datetime, amount: str = "90", **more: Any) -> Row:
    """A charge of ada, an order of its own unless told otherwise."""
    row = {"event_id": uuid_of(number), "event_type": "charge", "event_at": at, "received_at": at, "user_id": "ada"}
    row |= {"anonymous_id": "", "order_id": f"o{number}", "refunded_order_id": "", "amount": Decimal(amount)}
    return row | {"currency": "USD"} | more


def credit(bench: Bench, kind: str, model: str) -> dict[str, tuple[str, str]]:
    """Conversions and revenue by channel, as short text."""
    found = bench.rows(
        "select channel, sum(credited_conversions) as conversions, sum(credited_revenue) as revenue"
        " from marts.marketing_attribution"
        f" where conversion_kind = '{kind}' and attribution_model = '{model}' group by 1"
    )
    return {row["channel"]: (f"{row['conversions'].normalize():f}", f"{row['revenue'].normalize():f}") for row in found}


def test_an_empty_data_set_builds_to_empty_marts(bench: Bench) -> None:
    fill(bench, [])
    assert differing(bench) == []
    assert bench.rows("select count() as n from marts.marketing_performance") == [{"n": 0}]


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(product=deliveries(events, 16), money=deliveries(lines, 8), cost=deliveries(spend, 4))
def test_marts_of_made_up_companies_equal_the_oracle(
    bench: Bench, product: list[Row], money: list[Row], cost: list[Row]
) -> None:
    fill(bench, product, money, cost)
    assert differing(bench) == []


@pytest.mark.parametrize(
    ("before", "channel"),
    [
        (MONTH, "email"),  # exactly the look-back
        (MONTH + TICK, "unattributed"),
        (timedelta(), "email"),  # at the very moment
        (-TICK, "unattributed"),  # after the conversion
    ],
)
def test_a_touch_counts_from_the_look_back_to_the_moment_of_the_conversion(
    bench: Bench, before: timedelta, channel: str
) -> None:
    at = START + MONTH + TICK
    fill(bench, [event(1, at - before, "email"), event(2, at + MONTH)], [line(3, at)])
    assert credit(bench, "order", "linear") == {channel: ("1", "90")}
    assert differing(bench) == []


def test_the_session_in_which_somebody_signs_up_is_a_touch(bench: Bench) -> None:
    fill(bench, [event(1, START, "email"), event(2, START + timedelta(minutes=20), name="sign_up")])
    assert credit(bench, "sign_up", "last") == {"email": ("1", "0")}


def test_two_devices_at_the_same_millisecond_are_one_session_and_one_touch(bench: Bench) -> None:
    seen = [
        event(1, START, "email", user_id="", anonymous_id="d1"),
        event(2, START, "display", user_id="", anonymous_id="d2"),
        event(3, START + timedelta(minutes=1), name="sign_up", anonymous_id="d1"),
        event(4, START + timedelta(minutes=2), name="login", anonymous_id="d2"),
    ]
    fill(bench, seen)
    assert bench.rows("select count() as n from marts.touchpoints") == [{"n": 1}]
    assert sum(Decimal(conversions) for conversions, _ in credit(bench, "sign_up", "linear").values()) == 1
    assert differing(bench) == []


def test_touches_of_a_device_count_once_it_has_a_user_and_never_when_it_has_two(bench: Bench) -> None:
    day = timedelta(days=1)
    seen = [
        event(1, START, "email", user_id="", anonymous_id="own"),
        event(2, START + day, "display", user_id="", anonymous_id="shared"),
        event(3, START + 2 * day, "cpc", name="login", anonymous_id="own"),
        event(4, START + 3 * day, "cpc", name="login", anonymous_id="shared"),
        event(5, START + 3 * day, "cpc", name="login", anonymous_id="shared", user_id="bob"),
    ]
    money = [
        line(6, START + 4 * day),
        line(7, START + 4 * day, user_id="", anonymous_id="shared"),
        line(8, START + 4 * day, user_id="", anonymous_id=""),
    ]
    fill(bench, seen, money)
    assert credit(bench, "order", "first") == {
        "email": ("1", "90"), "display": ("1", "90"), "unattributed": ("1", "90")
    }  # fmt: skip
    assert credit(bench, "first_purchase", "first") == {"email": ("1", "90")}
    assert differing(bench) == []


def test_each_order_looks_back_on_its_own_and_the_first_one_is_the_first_purchase(bench: Bench) -> None:
    week = timedelta(days=7)
    fill(
        bench,
        [event(1, START, "email"), event(2, START + 2 * week, "display")],
        [line(3, START + week, "10"), line(4, START + 3 * week, "20"), line(5, START + 9 * week, "30")],
    )
    assert credit(bench, "order", "linear") == {
        "email": ("1.5", "20"), "display": ("0.5", "10"), "unattributed": ("1", "30")
    }  # fmt: skip
    assert credit(bench, "first_purchase", "last") == {"email": ("1", "10")}
    assert differing(bench) == []


def test_a_refund_takes_from_whom_its_order_gave_on_the_day_of_the_refund(bench: Bench) -> None:
    later = START + 2 * MONTH
    refund = {"event_type": "refund", "order_id": ""}
    fill(
        bench,
        [event(1, START, "email"), event(2, later, "display")],
        [
            line(3, START, "90"),
            line(4, later, "-40", refunded_order_id="o3", **refund),
            line(5, later, "-1", refunded_order_id="unknown", **refund),
            line(6, later, "7", event_type="adjustment", order_id="o3"),
        ],
    )
    found = bench.rows(
        "select conversion_date, channel, credited_conversions as n, credited_revenue as money"
        " from marts.marketing_attribution where conversion_kind = 'order' and attribution_model = 'last' order by 1, 2"
    )
    assert [tuple(row.values()) for row in found] == [
        (START.date(), "email", 1, 90), (later.date(), "email", 0, -33), (later.date(), "unattributed", 0, -1)
    ]  # fmt: skip
    assert differing(bench) == []


def test_last_non_direct_falls_back_on_the_last_touch_when_all_are_direct(bench: Bench) -> None:
    day = timedelta(days=1)
    visits = [event(1, START, country="FR"), event(2, START + day), event(3, START + 2 * day, name="sign_up")]
    fill(bench, visits)
    found = bench.rows(
        "select country from marts.marketing_attribution"
        " where conversion_kind = 'sign_up' and attribution_model = 'last_non_direct'"
    )
    assert (found, differing(bench)) == ([{"country": "DE"}], [])


@pytest.mark.parametrize(
    ("touches", "percent"),
    [(1, [100]), (2, [50, 50]), (3, [40, 20, 40]), (4, [40, 10, 10, 40]), (6, [40, 5, 5, 5, 5, 40])],
)
def test_position_gives_forty_to_both_ends_and_parts_the_rest(bench: Bench, touches: int, percent: list[int]) -> None:
    visits = [event(n, START + timedelta(days=n), "email", utm_campaign=f"c{n}") for n in range(1, touches + 1)]
    fill(bench, visits, [line(99, START + timedelta(days=touches, minutes=1))])
    found = bench.rows(
        "select credited_conversions as n from marts.marketing_attribution"
        " where conversion_kind = 'order' and attribution_model = 'position' order by campaign"
    )
    assert [row["n"] * 100 for row in found] == percent


@pytest.mark.parametrize(("older", "wanted"), [(0, {"email": "1"}), (7, {"email": "0.666667", "display": "0.333333"})])
def test_time_decay_shares_out_paths_whose_touches_are_all_old(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, older: int, wanted: dict[str, str]
) -> None:
    visits = [event(1, START, "email"), event(2, START - timedelta(days=older), "display")]
    money = [line(3, START + timedelta(days=221))]
    fill(bench, visits if older else visits[:1], money)
    monkeypatch.setattr(oracle_marketing, "LOOK_BACK", timedelta(days=365))
    bench.rebuild(("toIntervalDay(30)", "toIntervalDay(365)"), marts=MARTS)
    found = credit(bench, "order", "time_decay")
    assert {channel: conversions for channel, (conversions, _) in found.items()} == wanted
    assert differing(bench) == []


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 400 * 86_400_000), min_size=1, max_size=30))
def test_millionths_add_up_to_one_and_are_never_a_millionth_off(ages: list[int]) -> None:
    path = [Touch(START - timedelta(milliseconds=age), "email", "", "") for age in sorted(ages, reverse=True)]
    for model in MODELS:
        exact = shares(model, path)
        parts = in_millionths(exact)
        assert (sum(exact), sum(parts)) == (1, 1_000_000)
        assert all(abs(part - share * 1_000_000) < 1 for part, share in zip(parts, exact, strict=True))


def visits_of(person: str, number: int, path: str, *, converts: bool) -> list[Row]:
    """A visit a day for each letter, and a sign-up in the last one."""
    medium = {"A": "email", "B": "display", "C": "cpc"}
    found = [
        event(100 * number + n, START + timedelta(days=n), medium[letter], user_id=person)
        for n, letter in enumerate(path)
    ]
    opened = found[-1]["event_at"] + timedelta(minutes=1)
    return [*found, event(100 * number + 99, opened, name="sign_up", user_id=person)] if converts else found


#: An event so late that every path before it has had its time.
MUCH_LATER = event(9999, START + 4 * MONTH, "", user_id="zoe")


@pytest.mark.parametrize(
    ("paths", "converts", "effects", "credits"),
    [
        (["ABC", "A", "BC"], [True, False, False], ["1/2", "1", "1"], ["0.2", "0.4", "0.4"]),
        (["ABABBA", "ABBAA", "AA"], [True, True, True], ["1", "1/2"], ["2", "1"]),
    ],
)
def test_published_markov_figures_follow_from_the_rows_of_attribution_paths(
    bench: Bench, paths: list[str], converts: list[bool], effects: list[str], credits: list[str]
) -> None:
    people = zip(paths, converts, strict=True)
    visits = [visits_of(f"p{n}", n, path, converts=does) for n, (path, does) in enumerate(people, 1)]
    fill(bench, [*itertools.chain(*visits), MUCH_LATER])
    found = bench.rows(
        "select path, sum(conversions) as conversions, sum(null_paths) as null_paths from marts.attribution_paths"
        " where conversion_kind = 'sign_up' group by path"
    )
    finished = [row for row in found if row["conversions"] + row["null_paths"]]
    model = markov([(row["path"].split(" > "), row["conversions"], row["null_paths"]) for row in finished])
    channels = ["email", "display", "paid_search"][: len(effects)]
    assert model.probability == Fraction(sum(converts), len(converts))
    assert [model.removal_effects[channel] for channel in channels] == [Fraction(effect) for effect in effects]
    assert [model.credits[channel] for channel in channels] == [Fraction(wanted) for wanted in credits]
    assert differing(bench) == []


def test_a_path_that_did_not_convert_ends_with_a_touch_that_did_and_with_a_pause(bench: Bench) -> None:
    day = timedelta(days=1)
    visits = [
        event(1, START, "email"),  # 40 days before the order: led nowhere
        event(2, START + 10 * day, "display"),  # exactly 30 days before: converts
        event(3, START + 45 * day, "cpc"),
        event(4, START + 75 * day, "email"),  # 30 days later: the same path
        event(5, START + 105 * day + TICK, "display"),  # a tick more: a path of its own, still open
    ]
    fill(bench, visits, [line(6, START + 40 * day)])
    found = bench.rows(
        "select path, conversions, null_paths, open_paths from marts.attribution_paths"
        " where conversion_kind = 'order' order by month"
    )
    assert sorted(tuple(row.values()) for row in found) == [
        ("display", 0, 0, 1),
        ("display", 1, 0, 0),
        ("email", 0, 1, 0),
        ("paid_search > email", 0, 1, 0),
    ]
    assert differing(bench) == []


def test_a_path_is_open_until_the_look_back_of_its_last_touch_is_over(bench: Bench) -> None:
    for after, wanted in ((MONTH, (0, 1)), (MONTH + TICK, (1, 0))):
        fill(bench, [event(1, START, "email"), event(2, START + after, user_id="bob")])
        [found] = bench.rows(
            "select null_paths, open_paths from marts.attribution_paths"
            " where conversion_kind = 'order' and path = 'email'"
        )
        assert (tuple(found.values()), differing(bench)) == (wanted, [])


def test_spend_is_converted_at_the_rate_of_the_day_and_meets_the_credit_of_its_channel(bench: Bench) -> None:
    cost = {
        "event_id": uuid_of(7),
        "received_at": START,
        "spend_date": START.date(),
        "channel": "email",
        "country": "DE",
    }
    cost |= {"campaign": "", "currency": "EUR", "spend": Decimal("10"), "impressions": 200, "clicks": 4}
    fill(bench, [event(1, START, "email"), event(2, START + MONTH)], [line(3, START, "44")], [cost])
    [found] = bench.rows(
        "select marketing_spend, new_customers, attributed_revenue, cac, roas, cpc, ctr"
        " from marts.marketing_performance"
        " where period_type = 'month' and attribution_model = 'first' and channel = 'email' and clicks > 0"
    )
    spent = found["marketing_spend"]
    assert (found["new_customers"], found["attributed_revenue"], found["cac"]) == (1, 44, spent)
    assert (found["cpc"], found["ctr"]) == (spent / 4, Decimal("0.02"))
    assert found["roas"] == round(44 / spent, 4)
    assert differing(bench) == []


#: A rule of the SQL, and the wrong one next to it.
MUTANTS = {
    "the look-back is open": (">= conversions.converted_at -", "> conversions.converted_at -"),
    "touches after the conversion count": (
        "touch.1 <= conversions.converted_at",
        "touch.1 <= conversions.converted_at + 1",
    ),
    "credit halves in a day": ("/ 604800000", "/ 86400000"),
    "position gives thirty percent": ("40 * (length", "30 * (length"),
    "direct is a channel like any other": ("touch.channel != 'direct'", "touch.channel != 'nobody'"),
    "refunds have no order": ("event_type = 'refund' and refunded_order_id != ''", "event_type = 'nothing'"),
    "every sign-up counts": (") = 1 as is_counted", ") >= 1 as is_counted"),
    "a look-back without a touch splits": ("touch.1 > previous.1 +", "touch.1 >= previous.1 +"),
    "touches after the only conversion count": ("or touch.1 <= moments.conversions_at[1]", "or true"),
    "a path is over at once": ("< period.known_until", "< period.known_until + toIntervalDay(31)"),
}


def busy_company() -> dict[str, list[Row]]:
    """A company in which each rule of MUTANTS decides something."""
    day = timedelta(days=1)
    product = [
        event(1, START, "email"),
        event(2, START + 10 * day, "display"),
        event(3, START + 20 * day, "cpc"),
        event(4, START + 29 * day),
        event(5, START + 29 * day, name="sign_up"),
        event(6, START + 30 * day + TICK, "email"),
        event(7, START + 60 * day + TICK, "cpc", name="sign_up"),
        event(8, START + 90 * day, "cpc", user_id="bob"),
        event(9, START + 120 * day, "email", user_id="bob"),
    ]
    money = [
        line(11, START + 30 * day),
        line(12, START + 31 * day, "-5", event_type="refund", order_id="", refunded_order_id="o11"),
    ]
    return {"user_events": product, "revenue_events": money}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_oracle_notices_a_wrong_rule(bench: Bench, name: str) -> None:
    assert any(MUTANTS[name][0] in model.sql for model in bench.models), (
        "the SQL has changed; change the mutant with it"
    )
    bench.fill(busy_company(), marts=MARTS)
    assert differing(bench) == []
    bench.rebuild(MUTANTS[name], marts=MARTS)
    assert differing(bench) != []


def test_dates_are_days_of_the_reporting_time_zone(bench: Bench) -> None:
    fill(bench, [event(1, datetime(2025, 3, 31, 23, 30), "email", name="sign_up")])
    [found] = bench.rows("select distinct conversion_date from marts.marketing_attribution")
    assert found["conversion_date"] == date(2025, 4, 1)
    assert bench.rows("select distinct month from marts.attribution_paths where conversions > 0") == [
        {"month": date(2025, 4, 1)}
    ]
