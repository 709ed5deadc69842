"""Key figures of made-up companies equal the oracle, edges first: clocks, leap days, years' ends, plans, deadlines."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marts_support import Bench, Row, differences, mart, uuid_of
from oracle_kpi import kpi_breakdown_daily
from oracle_kpi_summary import PERIODS, kpi_summary
from oracle_marts import cents, kpi_daily

MARTS = ("kpi_daily", "kpi_breakdown_daily", "kpi_summary")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def seen(number: int, moment: str, who: str, name: str = "page_view", **more: Any) -> Row:
    """One product event."""
    row = {"event_id": uuid_of(number), "event_name": name, "event_at": at(moment), "user_id": who, "anonymous_id": ""}
    row |= {"country": "US", "device_type": "mobile", "utm_medium": "", "received_at": at(moment) + timedelta(days=1)}
    return row | more


def money(number: int, moment: str, who: str, kind: str = "charge", amount: str = "10", **more: Any) -> Row:
    """One event of revenue."""
    row = {"event_id": uuid_of(number), "event_type": kind, "event_at": at(moment), "user_id": who, "anonymous_id": ""}
    row |= {
        "subscription_id": "",
        "order_id": "",
        "refunded_order_id": "",
        "plan": "",
        "billing_period": "",
        "plan_price": Decimal(0),
    }
    row |= {
        "amount": Decimal(amount),
        "currency": "USD",
        "country": "US",
        "received_at": at(moment) + timedelta(days=1),
    }
    return row | more


def terms(number: int, moment: str, who: str, kind: str, plan: str, price: str, **more: Any) -> Row:
    """One change of a subscription, the user's own unless told otherwise."""
    known = {"subscription_id": f"s-{who}", "plan": plan, "plan_price": Decimal(price), "billing_period": "month"}
    return money(number, moment, who, kind, "0", **known | more)


def asked(number: int, moment: str, country: str, duration: float = 100.0, status: int = 200) -> Row:
    """One request."""
    row = {
        "event_id": uuid_of(number),
        "event_at": at(moment),
        "received_at": at(moment),
        "route": "/",
        "method": "GET",
    }
    return row | {"country": country, "duration_ms": duration, "status_code": status}


def faults(bench: Bench, kinds: tuple[str, ...] = PERIODS) -> list[str]:
    """Where the marts differ from the oracle."""
    company, schema = bench.company(), bench.dataset.schema
    summary = [row for row in mart(bench.client, schema, "kpi_summary") if row["period_type"] in kinds]
    return [
        *differences(mart(bench.client, schema, "kpi_daily"), kpi_daily(company)),
        *differences(mart(bench.client, schema, "kpi_breakdown_daily"), kpi_breakdown_daily(company, cents)),
        *differences(summary, kpi_summary(company, cents, kinds)),
    ]


def summary_of(bench: Bench, kpi: str, period_type: str, start: str, **where: str) -> Row:
    """One row of kpi_summary."""
    where = {"dimension": "all", "dimension_value": ""} | where
    conditions = " and ".join(f"{name} = '{value}'" for name, value in where.items())
    [row] = bench.rows(
        f"select * from marts.kpi_summary where kpi = '{kpi}' and period_type = '{period_type}'"
        f" and period_start = '{start}' and {conditions}"
    )
    return row


def test_an_empty_data_set_builds_to_empty_marts(bench: Bench) -> None:
    bench.fill({}, marts=MARTS)
    assert [mart(bench.client, bench.dataset.schema, name) for name in MARTS] == [[], [], []]


EDGES = ["2025-03-29T23:59:59.999", "2025-03-30T00:59:59.999", "2025-03-30T01:00", "2025-03-30T23:00",
         "2025-03-31T22:59:59.999", "2025-04-01T12:00", "2025-04-06T23:00", "2025-04-28T23:00"]  # fmt: skip
moments = st.builds(
    lambda edge, minutes: (at(edge) + timedelta(minutes=minutes)).isoformat(),
    st.sampled_from(EDGES),
    st.sampled_from([0, 20, 45]),
)
who = st.sampled_from(["ada", "bob", "cyd"])
events = st.builds(
    lambda n, moment, user, name, country, medium, device, anonymous: seen(
        n, moment, "" if anonymous else user, name, anonymous_id=f"d-{user}", country=country, utm_medium=medium,
        device_type=device,
    ),
    st.integers(1, 40), moments, who,
    st.sampled_from(["page_view", "sign_up", "calculator_completed", "login"]),
    st.sampled_from(["US", "GB", ""]), st.sampled_from(["", "email"]), st.sampled_from(["mobile", "desktop"]),
    st.booleans(),
)  # fmt: skip
changes = st.builds(
    lambda n, moment, user, kind, plan, price, period, currency, country: terms(
        n, moment, user, kind, plan, price, billing_period=period, currency=currency, country=country
    ),
    st.integers(50, 80), moments, who,
    st.sampled_from(["trial_started", "subscription_started", "subscription_started", "plan_changed",
                     "subscription_cancelled", "subscription_reactivated"]),
    st.sampled_from(["plus", "pro"]), st.sampled_from(["0", "10", "100.0001"]), st.sampled_from(["month", "year"]),
    st.sampled_from(["USD", "GBP"]), st.sampled_from(["US", "GB"]),
)  # fmt: skip
charges = st.builds(
    lambda n, moment, user, kind, amount, plan, country, order: money(
        n, moment, user, kind, amount, plan=plan, country=country, refunded_order_id=order
    ),
    st.integers(90, 120), moments, st.sampled_from(["", "ada", "bob"]),
    st.sampled_from(["charge", "charge", "refund", "adjustment"]), st.sampled_from(["0.005", "10", "19.99"]),
    st.sampled_from(["", "plus", "pro"]), st.sampled_from(["US", "GB"]),
    st.integers(90, 120).map(lambda n: str(uuid_of(n))),
)  # fmt: skip


requests = st.builds(
    asked, st.integers(130, 160), moments, st.sampled_from(["US", "GB", "FR", ""]),
    st.sampled_from([0.5, 100.0, 100.5, 900.0]), st.sampled_from([200, 404, 500]),
)  # fmt: skip


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    product=st.lists(events, max_size=14),
    revenue=st.lists(st.one_of(changes, charges), max_size=14),
    performance=st.lists(requests, max_size=14),
)
def test_key_figures_of_made_up_companies_equal_the_oracle(
    bench: Bench, product: list[Row], revenue: list[Row], performance: list[Row]
) -> None:
    raw = {"user_events": product, "revenue_events": revenue, "performance_metrics": performance}
    bench.fill(raw, marts=MARTS)
    assert faults(bench) == []


def two_years() -> dict[str, list[Row]]:
    """Three years of visits on a few days, a request each, and subscriptions that change at the ends of months."""
    product, revenue, performance, number = [], [], [], 0
    for year, visitors in ((2023, 3), (2024, 6), (2025, 9)):
        for month, day, more in ((1, 1, 0), (2, 28, 0), (4, 15, 0), (7, 28, 3), (9, 10, 0), (12, 30, 0)):
            for n in range(visitors + more):
                number += 1
                country, moment = ("US", "IN", "FR")[n % 3], f"{year}-{month:02}-{day:02}T12:00"
                product.append(seen(number, moment, f"u{n}", country=country))
                performance.append(asked(number, moment, country, 90.5 * n + month, 503 if n % 4 == 1 else 200))
                if n % 2:
                    revenue.append(money(1000 + number, moment, f"u{n}", country=country, amount=f"{n}.55"))
    days = ("2024-02-29", "2024-12-29", "2025-01-03", "2025-12-31")
    product += [seen(900 + n, f"{day}T23:00", "leaper") for n, day in enumerate(days)]
    yearly = {"billing_period": "year", "country": "IN"}
    revenue += [
        terms(2001, "2024-01-31T12:00", "u0", "subscription_started", "plus", "12"),
        terms(2002, "2024-02-29T12:00", "u0", "plan_changed", "pro", "24"),
        terms(2003, "2024-12-31T23:59:59", "u0", "subscription_cancelled", "pro", "24"),
        terms(2004, "2024-03-01T12:00", "u1", "trial_started", "plus", "120", **yearly),
        terms(2005, "2024-03-15T12:00", "u1", "subscription_started", "plus", "120", **yearly),
        terms(2006, "2025-03-30T00:30", "u1", "plan_changed", "plus", "60", **yearly),
    ]
    return {"user_events": product, "revenue_events": revenue, "performance_metrics": performance}


def test_two_filing_seasons_equal_the_oracle(bench: Bench) -> None:
    bench.fill(two_years(), marts=MARTS)
    assert faults(bench, ("month", "quarter")) == []
    week = summary_of(bench, "active_users", "week", "2024-12-30")
    assert (week["value"], week["year_before_value"], str(week["period_end"])) == (10.0, 6.0, "2025-01-05")
    leap = summary_of(bench, "sessions", "day", "2024-02-29")
    assert (leap["value"], leap["previous_value"], leap["year_before_value"]) == (1.0, 6.0, 3.0)


def test_a_month_is_compared_with_the_days_as_far_from_the_countrys_own_deadline(bench: Bench) -> None:
    # India filed until 15 September 2025, moved from 31 July, and until 31 July 2024: September 2025, which begins 14
    # days before, stands beside the thirty days from 17 July 2024.
    bench.fill(two_years(), marts=MARTS)
    where = "country = 'IN' and period_type = 'month' and period_start = '2025-09-01'"
    [window] = bench.rows(f"select days_to_deadline, from_day, to_day from int.kpi_deadline_windows where {where}")
    assert window == {"days_to_deadline": 14, "from_day": date(2024, 7, 17), "to_day": date(2024, 8, 15)}
    september = summary_of(bench, "sessions", "month", "2025-09-01", dimension="country", dimension_value="IN")
    assert (september["value"], september["year_before_value"], september["deadline_value"]) == (3.0, 2.0, 3.0)
    whole = summary_of(bench, "sessions", "month", "2025-09-01")
    assert (whole["value"], whole["year_before_value"], whole["deadline_value"]) == (9.0, 6.0, 7.0)


def test_requests_count_under_their_own_country_and_an_unknown_one_is_a_value(bench: Bench) -> None:
    performance = [asked(n, f"2025-03-{n:02}T12:00", "US", 100.0 * n) for n in range(3, 13)]
    performance += [asked(2, "2025-03-11T12:00", "US", 50, 500), asked(20, "2025-03-11T12:00", "", 7000)]
    performance += [asked(21, "2025-03-12T12:00", "IS", 3000)]  # where nobody was seen, and nothing sold
    product = [seen(1, "2025-03-01T12:00", "ada"), seen(2, "2025-04-10T12:00", "ada")]
    bench.fill({"user_events": product, "performance_metrics": performance}, marts=MARTS)
    names = ("requests", "failed_requests", "error_rate", "latency_p50_ms", "latency_p95_ms")

    def march(value: str | None = None) -> tuple[float | None, ...]:
        where = {} if value is None else {"dimension": "country", "dimension_value": value}
        return tuple(summary_of(bench, name, "month", "2025-03-01", **where)["value"] for name in names)

    assert march() == (13, 1, 1 / 13, 800, 7000)
    assert march("US") == (11, 1, 1 / 11, 700, 1200)
    assert march("") == (1, 0, 0, 7000, 7000)
    assert march("IS") == (1, 0, 0, 3000, 3000)
    days = mart(bench.client, bench.dataset.schema, "kpi_breakdown_daily")
    eleventh = {
        (row["dimension"], row["dimension_value"]): (row["requests"], row["latency_p95_ms"])
        for row in days
        if row["kpi_date"] == date(2025, 3, 11) and row["dimension"] in ("all", "country", "plan")
    }
    assert eleventh == {
        ("all", ""): (3, 7000), ("country", "US"): (2, 1100), ("country", ""): (1, 7000), ("country", "IS"): (0, None),
        ("plan", "none"): (None, None),
    }  # fmt: skip
    assert faults(bench) == []


def test_the_companys_latency_beside_the_deadline_is_of_the_days_of_every_country(bench: Bench) -> None:
    # September 2025 stands beside the thirty days from 17 July 2024 in India, and beside September 2024 elsewhere.
    bench.fill(two_years(), marts=MARTS)
    indian = summary_of(bench, "latency_p95_ms", "month", "2025-09-01", dimension="country", dimension_value="IN")
    assert (indian["value"], indian["year_before_value"], indian["deadline_value"]) == (643, 371, 641)
    whole = summary_of(bench, "latency_p95_ms", "month", "2025-09-01")
    assert (whole["value"], whole["year_before_value"], whole["deadline_value"]) == (733, 462, 641)
    counted = summary_of(bench, "requests", "month", "2025-09-01")
    assert (counted["value"], counted["year_before_value"], counted["deadline_value"]) == (9, 6, 7)


def test_days_that_were_nearer_to_another_deadline_are_no_reference(bench: Bench) -> None:
    # India's deadline of 2025 was moved to 15 September, that of 2026 is 31 July. Counted from the one after, September
    # 2026 would stand beside September 2025, in which India filed.
    days = ["2025-06-01", "2025-08-05", "2025-09-10", "2025-11-20", "2026-07-20", "2026-08-05", "2026-09-10"]
    product = [seen(n, f"{day}T12:00", "ada", country="IN") for n, day in enumerate([*days, "2026-11-30"])]
    bench.fill({"user_events": product}, marts=MARTS)
    windows = bench.rows(
        "select toMonth(period_start) as month, has_deadline from int.kpi_deadline_windows"
        " where country = 'IN' and period_type = 'month' and toYear(period_start) = 2026 order by period_start"
    )
    assert [row["month"] for row in windows if not row["has_deadline"]] == [8, 9]
    november = summary_of(bench, "sessions", "month", "2026-10-01", dimension="country", dimension_value="IN")
    assert (november["is_deadline_comparable"], november["deadline_value"]) == (True, 0.0)
    september = summary_of(bench, "sessions", "month", "2026-09-01", dimension="country", dimension_value="IN")
    assert (september["value"], september["deadline_value"], september["is_deadline_comparable"]) == (1.0, None, False)
    assert faults(bench) == []


def test_whoever_changes_the_currency_stays_a_customer(bench: Bench) -> None:
    revenue = [
        terms(1, "2025-03-01T12:00", "ada", "subscription_started", "plus", "100"),
        terms(2, "2025-03-01T12:00", "bob", "subscription_started", "plus", "10"),
        terms(3, "2025-03-20T12:00", "ada", "plan_changed", "plus", "200", currency="GBP"),
        terms(4, "2025-03-20T12:00", "bob", "subscription_cancelled", "plus", "10"),
    ]
    bench.fill({"user_events": [seen(9, "2025-04-10T12:00", "cyd")], "revenue_events": revenue}, marts=MARTS)
    days = {row["kpi_date"]: row for row in mart(bench.client, bench.dataset.schema, "kpi_daily")}
    day = days[date(2025, 4, 5)]
    assert (day["opening_customers"], day["churned_customers"], day["opening_mrr"], day["kept_mrr"]) == (2, 1, 110, 0)
    assert day["retained_mrr"] == day["mrr"] > 200
    assert faults(bench) == []


def test_a_change_of_currency_at_equal_value_cancels_in_nrr_and_is_a_contraction_in_grr(bench: Bench) -> None:
    # A pound is worth 1.31 dollars throughout: nothing is gained or lost.
    revenue = [
        terms(1, "2025-02-10T12:00", "ada", "subscription_started", "plus", "131"),
        terms(2, "2025-02-10T12:00", "bob", "subscription_started", "plus", "131"),
        terms(3, "2025-03-20T12:00", "ada", "plan_changed", "plus", "100", currency="GBP"),
    ]
    raw = {"user_events": [seen(9, "2025-04-10T12:00", "cyd")], "revenue_events": revenue}
    bench.fill(raw, marts=(*MARTS, "mrr_movements", "mrr_movements_total"))
    days = {row["kpi_date"]: row for row in mart(bench.client, bench.dataset.schema, "kpi_daily")}
    day = days[date(2025, 4, 5)]
    assert (day["opening_mrr"], day["retained_mrr"], day["kept_mrr"], day["nrr"], day["grr"]) == (262, 262, 131, 1, 0.5)
    ratios = "select nrr, grr from marts.{} where month = '2025-03-01' order by booking, currency"
    total = bench.rows(ratios.format("mrr_movements_total").replace(", currency", ""))
    assert total == [{"nrr": 1, "grr": 0.5}] * 2
    by_currency = bench.rows(ratios.format("mrr_movements"))
    assert by_currency == [{"nrr": None, "grr": None}, {"nrr": 0.5, "grr": 0.5}] * 2
    assert faults(bench) == []


def test_a_figure_that_waits_has_no_references_either(bench: Bench) -> None:
    product = [seen(n, f"2025-{month:02}-{day:02}T12:00", f"u{n}", "sign_up") for n, month, day in (
        (1, 1, 5), (2, 1, 6), (3, 2, 5), (4, 3, 5), (5, 3, 8),
    )]  # fmt: skip
    product += [seen(10 + n, f"2025-{month:02}-{day:02}T13:00", f"u{n}", "calculator_completed") for n, month, day in (
        (1, 1, 5), (3, 2, 5), (4, 3, 5),
    )]  # fmt: skip
    bench.fill({"user_events": product}, marts=MARTS)
    march = summary_of(bench, "activated_sign_ups", "month", "2025-03-01")
    assert (march["value"], march["previous_value"], march["is_previous_comparable"]) == (None, None, False)
    assert faults(bench) == []


def test_an_unfinished_month_is_compared_with_as_many_days(bench: Bench) -> None:
    product = [seen(n, f"2025-03-{n:02}T12:00", "ada") for n in range(1, 32)]
    product += [seen(40 + n, f"2025-04-{n:02}T12:00", "bob") for n in range(1, 11)]
    product[-1] = product[-1] | {"received_at": at("2025-04-10T12:00")}  # the tenth is not over
    bench.fill({"user_events": product}, marts=MARTS)
    april = summary_of(bench, "sessions", "month", "2025-04-01")
    assert (april["value"], april["previous_value"], april["is_partial"], str(april["counted_until"])) == (
        9.0,
        9.0,
        True,
        "2025-04-09",
    )
    march = summary_of(bench, "sessions", "month", "2025-03-01")
    assert (march["is_complete"], march["is_headline"], march["previous_value"]) == (True, True, None)
    today = summary_of(bench, "sessions", "day", "2025-04-10")
    assert (today["value"], today["is_partial"], today["is_previous_comparable"]) == (1.0, True, False)
    assert faults(bench) == []


@pytest.mark.parametrize(("completed", "activated"), [("2025-04-08T12:00", 1), ("2025-04-08T12:00:00.001", 0)])
def test_activation_counts_to_the_last_moment_of_its_window_and_not_before_the_sign_up(
    bench: Bench, completed: str, activated: int
) -> None:
    product = [
        seen(1, "2025-04-01T11:59", "ada", "calculator_completed"),
        seen(2, "2025-04-01T12:00", "ada", "sign_up"),
        seen(3, completed, "ada", "calculator_completed"),
        seen(4, "2025-04-08T23:30", "bob"),
    ]
    bench.fill({"user_events": product}, marts=MARTS)
    days = {row["kpi_date"]: row for row in mart(bench.client, bench.dataset.schema, "kpi_daily")}
    found = [days[date(2025, 4, day)]["activated_sign_ups"] for day in (1, 2, 3)]
    assert found == [activated, 0, None]  # the window of 2 April closed when 9 April did
    assert faults(bench) == []


#: A rule of the SQL, and the wrong one next to it.
MUTANTS = {
    "people leave windows a day late": (
        "tails[windows.until_day - windows.day + 1]",
        "tails[greatest(windows.until_day - windows.day, 1)]",
    ),
    "a week's year before is on another day of the week": ("toMonday(day) - 364", "toMonday(day) - 365"),
    "deadlines do not move": ("next_deadline.1 - earlier_deadline.1 as days_between", "365 as days_between"),
    "every request comes from one country": (
        "country as dimension_value,\n    -- numbers\n    latency_ms",
        "'US' as dimension_value,\n    -- numbers\n    latency_ms",
    ),
    "latency of a country is that of all": ("and stretch_days.cell_value = durations.dimension_value", ""),
    "expansion counts as kept": ("least(opening, closing)", "greatest(opening, closing)"),
    "people of a period are sums of days": (
        "rules.over_period = 'distinct', toDecimal128(measures.people, 12)",
        "rules.over_period = 'distinct', measures.total",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_oracle_notices_a_wrong_rule(bench: Bench, name: str) -> None:
    assert any(MUTANTS[name][0] in model.sql for model in bench.models), (
        "the SQL has changed; change the mutant with it"
    )
    bench.fill(two_years(), marts=MARTS)
    bench.rebuild(MUTANTS[name], marts=MARTS)
    assert faults(bench, ("week", "quarter")) != []
