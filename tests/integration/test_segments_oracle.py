"""Segments of people equal an independent oracle, month by month, and their golden edges hold."""

from datetime import date, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from marts_support import Bench, Row, differences, rows
from oracle_marts import Company
from oracle_segments import Seasons, segment_changes, segment_migration, user_segments
from test_marts_properties import charge, deliveries, events, lines, view

from gtc.settings import Settings

MARTS = ("rfm", "user_segments", "segment_changes", "segment_migration")

KEYS = {
    "user_segments": "person_id, period",
    "segment_changes": "segment_kind, period, person_id",
    "segment_migration": "segment_kind, period, is_known, from_segment, to_segment",
}


def faults(client: Client, schema: str, company: Company) -> list[str]:
    """Where the marts differ from the oracle."""
    expected = user_segments(company)
    wanted = {
        "user_segments": expected,
        "segment_changes": segment_changes(expected),
        "segment_migration": segment_migration(expected),
    }
    return [
        fault
        for name, key in KEYS.items()
        for fault in differences(rows(client, f"select * from {schema}.{name} order by {key}"), wanted[name])
    ]


def bench_faults(bench: Bench) -> list[str]:
    return faults(bench.client, bench.dataset.schema, bench.company())


def segments_of(bench: Bench, person: str, column: str) -> dict[date, Any]:
    found = bench.rows(
        f"select period, {column} as value from marts.user_segments where person_id = '{person}' order by period"
    )
    return {row["period"]: row["value"] for row in found}


def test_segments_of_the_simulated_company_equal_the_oracle(
    simulated: Settings, simulated_oracle: Company, marts_client: Client
) -> None:
    assert faults(marts_client, simulated.dataset.schema, simulated_oracle) == []
    stages = rows(marts_client, f"select distinct lifecycle_stage as s from {simulated.dataset.schema}.user_segments")
    assert {row["s"] for row in stages} >= {"new", "active", "at_risk", "churned"}


def test_segments_of_online_retail_equal_the_oracle(
    retail: Settings, retail_oracle: Company, marts_client: Client
) -> None:
    # Invoices only: customers with a country and RFM in every month, nobody with an active day.
    assert faults(marts_client, retail.dataset.schema, retail_oracle) == []


places = st.sampled_from(["", "US", "US", "GB", "DE", "QQ"])
regions = st.sampled_from(["", "", "A", "B"])
pauses = st.sampled_from([0, 1, 30, 31, 60, 100, 170, 180, 181, 340, 366, 400])


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(product=deliveries(events), money=deliveries(lines), where=st.lists(places, min_size=18, max_size=18),
       part=st.lists(regions, min_size=18, max_size=18), pause=st.lists(pauses, min_size=18, max_size=18))  # fmt: skip
@example(product=[], money=[], where=[""] * 18, part=[""] * 18, pause=[0] * 18)
def test_segments_of_made_up_companies_equal_the_oracle(
    bench: Bench, product: list[Row], money: list[Row], where: list[str], part: list[str], pause: list[int]
) -> None:
    for table in (product, money):
        for number, row in enumerate(table):
            later = timedelta(days=pause[number])
            row |= {"country": where[number], "received_at": row["received_at"] + later}
            if row["event_at"].year > 1970:  # a clock that was never set stands still
                row["event_at"] += later
    residents = [row | {"region": part[number], "tax_residence": where[-number]} for number, row in enumerate(product)]
    bench.fill({"user_events": residents, "revenue_events": money}, marts=MARTS)
    assert bench_faults(bench) == []


def test_an_empty_data_set_has_no_segments(bench: Bench) -> None:
    bench.fill({}, marts=MARTS)
    assert bench.rows("select count() as n from marts.segment_migration") == [{"n": 0}]


@pytest.mark.parametrize(
    ("country", "last_seen", "until"),
    [
        ("US", "2025-04-10", "2026-04-27"),  # in season: the same season of the next tax year (due 20 April 2026)
        ("US", "2025-02-14", "2026-04-27"),  # its first day
        ("US", "2025-02-13", "2025-04-22"),  # the day before: this season has to bring the person back
        ("US", "2025-04-22", "2026-04-27"),  # its last day
        ("US", "2025-06-01", "2026-04-27"),  # between seasons: the coming one
        ("US", "2025-10-15", "2026-10-22"),  # in the season of the extended form: its next season
        ("GB", "2024-02-29", "2025-02-07"),
        ("QQ", "2024-02-29", "2024-08-27"),  # no deadline known: 180 days
        ("US", "2035-11-20", "2036-05-18"),  # the seed ends
    ],
)
def test_the_own_filing_season_says_until_when_to_come_back(country: str, last_seen: str, until: str) -> None:
    assert Seasons().returns_until(country, date.fromisoformat(last_seen)) == date.fromisoformat(until)


def test_a_filer_is_lost_the_day_after_the_next_season_and_resurrected_by_the_next_visit(bench: Bench) -> None:
    # Last seen in the season of 31 January 2024; the next one ends on 7 February 2025.
    filer = [view(1, "2024-01-20T12:00", country="GB"), view(2, "2025-04-10T12:00", country="GB")]
    clock = [view(n, f"2025-0{n}-28T12:00", "clock", country="GB") for n in range(2, 8)]
    for number, row in enumerate(clock):
        row["event_id"] = view(90 + number, "2025-01-01T00:00")["event_id"]
    bench.fill({"user_events": [*filer, *clock]}, marts=MARTS)
    stages = segments_of(bench, "ada", "lifecycle_stage")
    assert [stages[date(2025, month, 1)] for month in range(1, 6)] == [
        "at_risk",
        "churned",
        "churned",
        "resurrected",
        "at_risk",
    ]
    moves = bench.rows(
        "select period, from_segment, from_since, to_segment from marts.segment_changes"
        " where person_id = 'ada' and segment_kind = 'lifecycle' and period >= '2025-02-01' order by period"
    )
    assert [tuple(row.values()) for row in moves][:2] == [
        (date(2025, 2, 1), "at_risk", date(2024, 2, 1), "churned"),
        (date(2025, 4, 1), "churned", date(2025, 2, 1), "resurrected"),
    ]
    assert bench_faults(bench) == []


def test_an_order_in_the_last_minute_of_a_month_counts_in_it_and_a_refund_in_its_own(bench: Bench) -> None:
    # London, summer: 22:59 UTC on 31 August is 23:59; 23:00 is September.
    money = [
        charge(1, "2025-08-31T22:59", "ada", "10", country="GB"),
        charge(2, "2025-08-31T23:00", "bob", "10", country="FR"),
        charge(3, "2025-09-30T12:00", "ada", "-4", event_type="refund", country="DE"),
    ]
    bench.fill({"revenue_events": money}, marts=MARTS)
    assert [str(value) for value in segments_of(bench, "ada", "monetary").values()] == ["10.00", "6.00"]
    assert list(segments_of(bench, "bob", "frequency")) == [date(2025, 9, 1)]
    assert list(segments_of(bench, "ada", "geographic_segment").values()) == ["uk_ireland", "dach"]
    assert bench_faults(bench) == []


#: A rule of the SQL, and the wrong one next to it.
MUTANTS = {
    "seasons begin a day early": ("due_date - 60", "due_date - 61"),
    "seasons end a day late": ("due_date + 7", "due_date + 8"),
    "a season that has begun is the next one": ("seasons.opens_on > measured.day", "seasons.closes_on > measured.day"),
    "everybody files the main form": ("days.day not between seasons.opens_on and seasons.closes_on,", "true,"),
    "lost on the last day": ("joined.returns_until < months.last_day", "joined.returns_until <= months.last_day"),
    "back on the last day": (") < active_date as is_return", ") <= active_date as is_return"),
    "new for another day": ("joined.first_active_date < 31", "joined.first_active_date <= 31"),
    "scores of all months together": ("arraySort(groupArray(monetary)) as spends",
                                      "(select arraySort(groupArray(m.monetary)) from measured as m) as spends"),
    "values at an edge score higher": ("edge -> edge < measured.", "edge -> edge <= measured."),
    "refunds count at once": ("sum(month_net_spend) over history",
                              "sum(month_net_spend) over (partition by customer_id)"),
    "days without a country forget it": ("arrayFill(country -> country != '', tupleElement(history, 2))",
                                         "tupleElement(history, 2)"),
    "a region needs no country": ("country != '' and region != ''", "region != ''"),
    "days without a region forget it": ("arrayFill(region -> region != '', tupleElement(history, 5))",
                                        "tupleElement(history, 5)"),
    "a region stays when the country changes": ("if(steps.step.6 = steps.step.2, steps.step.7, '')", "steps.step.7"),
    "customers have no country": ("nullIf(active_people.country, ''), customers.country", "active_people.country"),
}  # fmt: skip


def busy_company() -> dict[str, list[Row]]:
    """A company in which each rule of MUTANTS decides something."""
    visits = [
        ("ada", "GB", "2024-12-01"), ("ada", "GB", "2025-03-02"), ("ada", "GB", "2025-03-31"),
        ("bob", "GB", "2024-12-02"), ("bob", "", "2026-02-07"), ("cyd", "US", "2024-10-15"),
        ("cyd", "US", "2025-11-16"), ("liv", "GB", "2024-12-01"), ("max", "GB", "2024-12-01"),
        ("max", "GB", "2025-02-08"), ("dan", "GB", "2024-12-01"), ("dan", "", "2024-12-03"),
        ("eve", "QQ", "2025-02-28"), ("fay", "DE", "2025-10-01"), ("gil", "QQ", "2025-03-04"),
        ("gil", "QQ", "2025-08-31"), ("hal", "DE", "2025-01-31"), ("ivy", "GB", "2025-01-30"),
        ("jon", "US", "2025-01-30"), ("kim", "", "2024-12-31"), ("kim", "", "2025-06-29"),
        ("lou", "QQ", "2025-06-30"), ("mia", "GB", "2025-05-01"), ("mia", "", "2025-05-01"),
        ("mia", "GB", "2025-06-01"), ("mia", "FR", "2025-07-01"),
    ]  # fmt: skip
    regions = {("mia", "GB", "2025-05-01"): "GB-ENG", ("mia", "", "2025-05-01"): "US-CA"}
    product = [
        view(number, f"{day}T12:00", user, country=country, region=regions.get((user, country, day), ""))
        for number, (user, country, day) in enumerate(visits, 100)
    ]
    money = [
        charge(1, "2025-01-10T12:00", "ada", "10", country="FR"),
        charge(2, "2025-02-10T12:00", "bob", "30", country="FR"),
        charge(3, "2025-03-10T12:00", "bob", "-25", event_type="refund", country="FR"),
        charge(4, "2025-03-11T12:00", "zoe", "20", country="FR"),
        charge(5, "2025-03-12T12:00", "zoe", "20", country="FR"),
        charge(6, "2025-04-12T12:00", "yan", "20", country="FR"),
    ]
    for row in product:
        row["tax_residence"] = ""
    return {"user_events": product, "revenue_events": money}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_oracle_notices_a_wrong_rule(bench: Bench, name: str) -> None:
    assert any(MUTANTS[name][0] in model.sql for model in bench.models), (
        "the SQL has changed; change the mutant with it"
    )
    bench.fill(busy_company(), marts=MARTS)
    assert bench_faults(bench) == []
    bench.rebuild(MUTANTS[name], marts=MARTS)
    assert bench_faults(bench) != []
