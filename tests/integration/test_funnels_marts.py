"""The funnel tables of the simulated company equal the oracle and recover what was planted."""

import json
import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from clickhouse_connect.driver.client import Client
from funnels_support import Macros
from marts_support import Row, rows, uuid_of
from oracle_events import channel_of, end_of_day, person_of
from oracle_funnel_figures import (
    benjamini_hochberg,
    complete,
    finished,
    funnel_breakdowns,
    funnel_daily,
    funnel_drivers,
    funnel_times,
    funnels,
    rate_columns,
)
from oracle_funnels import funnel_users
from oracle_marts import Company

from gtc.settings import PROJECT_ROOT, Settings

PROJECT = PROJECT_ROOT / "dbt_project"
DECLARATION = PROJECT / "models/intermediate/funnels/declared_funnels.yml"
DECLARED = yaml.safe_load(DECLARATION.read_text())["models"][0]["config"]
DECLARATIONS: list[Row] = DECLARED["meta"]["funnels"]
VARIABLES = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
MACROS = Macros({})

#: Chains of one data set by funnel, and until when its events are known.
Chains = dict[str, list[Row]]


def events_of(company: Company) -> dict[str, list[Row]]:
    """Product and revenue events by person, as a funnel sees them."""
    people: dict[str, list[Row]] = {}
    for source, found in (("events", company.events), ("revenue", company.revenue)):
        for row in found:
            if person := person_of(row, company.known):
                people.setdefault(person, []).append({"properties": {}, **row, "source": source})
    return people


@pytest.fixture(scope="module")
def chains(simulated_oracle: Company) -> Chains:
    """The oracle's rows of funnel_users, by funnel."""
    visits: dict[str, list[tuple[datetime, str]]] = {}
    for session in simulated_oracle.sessions:
        visits.setdefault(session.person, []).append((session.events[0]["event_at"], channel_of(session.events[0])))

    def channel(person: str, moment: datetime) -> str:
        return max((visit for visit in visits.get(person, []) if visit[0] <= moment), default=(moment, ""))[1]

    people = events_of(simulated_oracle)
    return {d["name"]: funnel_users(d, people, simulated_oracle.day_of, channel) for d in DECLARATIONS}


@pytest.fixture(scope="module")
def known_until(simulated_oracle: Company) -> datetime:
    """Events before this moment have been received."""
    return min(max(simulated_oracle.received), end_of_day(simulated_oracle.last, simulated_oracle.time_zone))


def unlike(found: list[Row], wanted: list[Row], *key: str) -> list[str]:
    """Rows and columns in which a table differs from what is wanted; rates may differ in the last digits."""
    left, right = ({tuple(row[name] for name in key): row for row in side} for side in (found, wanted))
    if left.keys() != right.keys():
        return [f"only one side has {sorted(map(str, left.keys() ^ right.keys()))[:5]}"]
    differing = [
        f"{place} {name}: {left[place][name]!r}, expected {value!r}"
        for place, row in right.items()
        for name, value in row.items()
        if not alike(left[place][name], value)
    ]
    return differing[:10]


def alike(found: Any, wanted: Any) -> bool:
    """Equal, or as near as two ways to compute a real number are."""
    if isinstance(wanted, float) and found is not None:
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12)
    return bool(found == wanted)


def test_each_chain_equals_the_oracle(simulated: Settings, chains: Chains, marts_client: Client) -> None:
    wanted = [row for declaration in DECLARATIONS for row in chains[declaration["name"]]]
    found = rows(marts_client, f"select * from {simulated.dataset.schema}.funnel_users")
    assert len(wanted) > 5000
    assert unlike(found, wanted, "funnel", "person_id", "entry_date") == []


def test_an_entry_is_complete_when_its_window_is_over(
    simulated: Settings, chains: Chains, known_until: datetime, marts_client: Client
) -> None:
    found = rows(
        marts_client, f"select funnel, person_id, entry_date, is_complete from {simulated.dataset.schema}.funnel_users"
    )
    complete = {(row["funnel"], row["person_id"], row["entry_date"]): row["is_complete"] for row in found}
    wanted = {
        (name, row["person_id"], row["entry_date"]): row["window_ends_at"] < known_until
        for name, mine in chains.items()
        for row in mine
    }
    assert complete == wanted
    assert set(wanted.values()) == {True, False}


def test_days_equal_the_oracle(
    simulated: Settings, simulated_oracle: Company, chains: Chains, known_until: datetime, marts_client: Client
) -> None:
    first = simulated_oracle.first
    days = [first + timedelta(days=n) for n in range((simulated_oracle.last - first).days + 1)]
    wanted = [
        row
        for declaration in DECLARATIONS
        for day in days
        for row in funnel_daily(
            declaration, chains[declaration["name"]], known_until, day, end_of_day(day, simulated_oracle.time_zone)
        )
    ]
    found = rows(marts_client, f"select * from {simulated.dataset.schema}.funnel_daily")
    assert unlike(found, wanted, "funnel", "entry_date", "step") == []


def test_totals_breakdowns_and_times_equal_the_oracle(
    simulated: Settings, chains: Chains, known_until: datetime, marts_client: Client
) -> None:
    schema, edges = simulated.dataset.schema, VARIABLES["funnel_time_edges_seconds"]
    totals: list[Row] = []
    breakdowns: list[Row] = []
    times: list[Row] = []
    for declaration in DECLARATIONS:
        mine = chains[declaration["name"]]
        totals += funnels(declaration, mine, known_until)
        breakdowns += funnel_breakdowns(declaration, mine, known_until)
        times += funnel_times(declaration, mine, known_until, edges)
    assert unlike(rows(marts_client, f"select * from {schema}.funnels"), totals, "funnel", "step") == []
    key = ("funnel", "breakdown", "value", "step")
    assert unlike(rows(marts_client, f"select * from {schema}.funnel_breakdowns"), breakdowns, *key) == []
    key = ("funnel", "from_step", "to_step", "bucket")
    assert unlike(rows(marts_client, f"select * from {schema}.funnel_times"), times, *key) == []


def test_who_does_better_in_an_open_window_stays_among_the_finished(
    simulated: Settings, chains: Chains, known_until: datetime, marts_client: Client
) -> None:
    place = f"{simulated.dataset.schema}_intermediate"
    found = rows(marts_client, f"select * from {place}.funnel_earlier_chains")
    earlier = {(row["funnel"], row["person_id"]): row["furthest_step"] for row in found if not row["is_excluded"]}
    wanted = {}
    for declaration in DECLARATIONS:
        name = declaration["name"]
        unfinished = {c["person_id"] for c in chains[name] if c["is_best"] and not complete(c, known_until)}
        over = finished(declaration, chains[name], known_until)
        wanted |= {(name, c["person_id"]): c["furthest_step"] for c in over if c["person_id"] in unfinished}
    assert earlier == wanted
    assert wanted


def test_the_oracle_of_finished_entries_by_hand() -> None:
    # Day 100 is the last. P enters on days 10 and 95 and comes to steps 3 and 5, Q on day 10 to step 1.
    letters = "abcde"
    funnel = {"name": "f", "window": "30 days", "steps": [{"name": x, "where": {"event_name": x}} for x in letters]}
    begun = datetime(2026, 1, 1)

    def events(day: int, names: str) -> list[Row]:
        return [
            {
                "source": "events",
                "event_id": uuid_of(day * 10 + n),
                "event_at": begun + timedelta(days=day, minutes=n),
                "event_name": name,
                "properties": {},
            }
            for n, name in enumerate(names)
        ]

    people = {"P": events(10, "abc") + events(95, letters), "Q": events(10, "a")}
    mine = funnel_users(funnel, people, lambda moment: moment.date())
    found = funnels(funnel, mine, begun + timedelta(days=101))
    assert [row["users"] for row in found] == [2, 1, 1, 1, 1]
    assert [(row["complete_users"], row["complete_entrants"]) for row in found] == [(n, 2) for n in (2, 1, 1, 0, 0)]


def test_drivers_equal_the_oracle(
    simulated: Settings, simulated_oracle: Company, chains: Chains, known_until: datetime, marts_client: Client
) -> None:
    first: dict[str, tuple[datetime, Any, Row]] = {}
    for session in simulated_oracle.sessions:
        entry = session.events[0]
        begun = (entry["event_at"], entry["event_id"].int & (2**64 - 1))
        if session.person not in first or begun < first[session.person][:2]:
            properties = {
                "person.first_channel": channel_of(entry),
                "person.first_country": entry["country"],
                "person.first_device_type": entry["device_type"],
            }
            first[session.person] = (*begun, properties)
    people = {person: properties for person, (*_, properties) in first.items()}
    wanted = [
        row
        for declaration in DECLARATIONS
        for row in funnel_drivers(declaration, chains[declaration["name"]], known_until, people)
    ]
    found = rows(marts_client, f"select * from {simulated.dataset.schema}.funnel_drivers")
    assert len(wanted) > 100
    assert unlike(found, wanted, "funnel", "step", "property", "value") == []


def weighted_quantile(values: list[tuple[float, int]], level: float) -> float | None:
    """The smallest value that a share `level` of the weight does not exceed."""
    total, seen = sum(weight for _, weight in values), 0
    for value, weight in sorted(values):
        seen += weight
        if weight and seen >= level * total:
            return value
    return None


def test_bottlenecks_follow_from_the_days(
    simulated: Settings, simulated_oracle: Company, chains: Chains, known_until: datetime, marts_client: Client
) -> None:
    schema, resamples = simulated.dataset.schema, VARIABLES["bottleneck_resamples"]
    daily = rows(marts_client, f"select * from {schema}.funnel_daily where is_complete")
    drawn = MACROS.bootstrap_weight("resample", "funnel, entry_date")
    weights = rows(
        marts_client,
        f"select funnel, entry_date, resample, {drawn} as weight from (select distinct funnel, entry_date"
        f" from {schema}.funnel_daily where is_complete) as days cross join"
        f" (select number as resample from numbers({resamples} + 1)) as resamples",
    )
    weight_of = {(row["funnel"], row["entry_date"], row["resample"]): row["weight"] for row in weights}
    assert 0.9 < sum(weight_of.values()) / len(weight_of) < 1.1
    orders = sorted((who, at, order) for order, (who, _, at) in simulated_oracle.orders().items())
    wanted = []
    for declaration in DECLARATIONS:
        name, steps = declaration["name"], len(declaration["steps"])
        last = max(row["entry_date"] for row in daily if row["funnel"] == name)
        by_day = {(r["entry_date"], r["step"]): r for r in daily if r["funnel"] == name}
        value = value_per_conversion(simulated_oracle, chains[name], steps, orders, known_until)
        for step in range(2, steps + 1):
            losses = [
                loss(by_day, step, steps, last, {day: weight_of[name, day, n] for day, _ in by_day})
                for n in range(resamples + 1)
            ]
            known = [(found, 1) for found in losses[1:] if found is not None]
            ends = [None if losses[0] is None else weighted_quantile(known, level) for level in (0.025, 0.975)]
            wanted.append(
                {
                    "funnel": name,
                    "step": step,
                    **intervals(by_day, step, steps, last),
                    "value_per_conversion": value,
                    **{
                        f"lost_conversions{end}": lost
                        for end, lost in zip(("", "_lower", "_upper"), (losses[0], *ends), strict=True)
                    },
                    **{
                        f"lost_value{end}": None if lost is None or value is None else lost * float(value)
                        for end, lost in zip(("", "_lower", "_upper"), (losses[0], *ends), strict=True)
                    },
                    "is_recommended": ends[0] is not None and ends[0] > 0,
                    "judged_until": last,
                }
            )
    found = rows(marts_client, f"select * from {schema}.bottlenecks")
    assert unlike(found, wanted, "funnel", "step") == []
    assert any(row["lost_conversions"] for row in wanted)


def intervals(by_day: dict[Any, Row], step: int, steps: int, last: date) -> Row:
    """The rate of a step over the judged days, and how many of those who passed it converted, on earlier days too."""
    ages = {day: (last - day).days for day, number in by_day if number == step}
    judged = [day for day, age in ages.items() if 0 <= age < VARIABLES["bottleneck_days"]]
    whole = VARIABLES["bottleneck_days"] + VARIABLES["bottleneck_benchmark_days"]
    looked_at = [day for day, age in ages.items() if 0 <= age < whole]
    entrants = sum(by_day[day, step]["previous_users"] for day in judged)
    passed = sum(by_day[day, step]["users"] for day in judged)
    near_passed = sum(by_day[day, step]["users"] for day in looked_at)
    near_converted = sum(by_day[day, steps]["users"] for day in looked_at)
    return {
        "judged_from": min(judged),
        "entrants": entrants,
        "passed": passed,
        **rate_columns("rate", passed, entrants),
        **rate_columns("conversion_after", near_converted, near_passed),
    }


def loss(by_day: dict[Any, Row], step: int, steps: int, last: date, weights: dict[date, int]) -> float | None:
    """Lost conversions of a step over the judged days, with the median of the days before as its benchmark."""
    entrants = passed = judged = drawn = near_passed = near_converted = 0
    rates = []
    for day, weight in weights.items():
        row, age = by_day[day, step], (last - day).days
        if age < VARIABLES["bottleneck_days"]:
            entrants += weight * row["previous_users"]
            passed += weight * row["users"]
            judged += 1
            drawn += weight
        elif age < VARIABLES["bottleneck_days"] + VARIABLES["bottleneck_benchmark_days"]:
            if row["previous_users"] >= VARIABLES["bottleneck_min_users"]:
                rates.append((row["users"] / row["previous_users"], weight))
        else:
            continue
        near_passed += weight * row["users"]
        near_converted += weight * by_day[day, steps]["users"]
    benchmark = weighted_quantile(rates, 0.5)
    if benchmark is None or not entrants or not near_passed:
        return None
    return entrants / drawn * judged * max(benchmark - passed / entrants, 0) * near_converted / near_passed


def value_per_conversion(
    company: Company, chains: list[Row], steps: int, orders: list[Any], known_until: datetime
) -> Decimal | None:
    """Mean of the first order within `funnel_value_days` of a conversion, over all conversions as old as that."""
    money: dict[str, Fraction] = {}
    for row in company.money:
        if row["event_type"] == "charge":
            order = row["order_id"] or str(row["event_id"])
            money[order] = money.get(order, Fraction()) + company.worth(row)
    days = timedelta(days=VARIABLES["funnel_value_days"])
    converted = [
        chain
        for chain in chains
        if chain["is_best"]
        and not chain["is_excluded"]
        and chain["furthest_step"] == steps
        and chain["step_times"][-1] + days < known_until
    ]
    found = []
    for chain in converted:
        at, person = chain["step_times"][-1], chain["person_id"]
        later = [order for order in orders if order[0] == person and order[1] >= at]
        if later and later[0][1] <= at + days:
            found.append(money[later[0][2]])
    if not found:
        return None
    return Decimal(math.floor(sum(found) * 100 / len(converted) + Fraction(1, 2))).scaleb(-2)


def test_bh_of_the_published_example() -> None:
    given = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205]
    wanted = [0.008, 0.032, 0.0672, 0.0672, 0.0672, 0.08, 0.0846, 0.205]
    assert benjamini_hochberg(given) == pytest.approx(wanted, abs=5e-5)


def test_bh_of_the_published_example_in_the_warehouse(marts_client: Client) -> None:
    given = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205]
    adjusted = MACROS.benjamini_hochberg("p", "p_rank", "family")
    sql = f"select p, {adjusted} as adjusted from (select *, count(p) over () as tests, count(p) over (order by p asc"
    sql += " range between unbounded preceding and current row) as p_rank"
    sql += f" from (select 1 as family, arrayJoin({given}) as p))"
    found = [row["adjusted"] for row in rows(marts_client, f"{sql} order by p")]
    assert found == pytest.approx([0.008, 0.032, 0.0672, 0.0672, 0.0672, 0.08, 0.0846, 0.205], abs=5e-5)


def test_no_interval_leaves_out_its_rate(marts_client: Client) -> None:
    """Every rate of up to 200 trials and some of a million: the ends are Wilson's, 0 of nobody and 1 of everybody."""
    columns = MACROS.rate_columns("rate", "successes", "trials")
    pairs = "select number as trials, arrayJoin(range(0, trials + 1)) as successes from numbers(201) union all"
    pairs += " select 1000000 as trials, arrayJoin([0, 1, trials - 1, trials]) as successes"
    found = rows(marts_client, f"select trials, successes, {columns} from ({pairs})")
    wanted = [
        {"trials": row["trials"], "successes": row["successes"]} | rate_columns("rate", row["successes"], row["trials"])
        for row in found
    ]
    assert len(found) > 20000
    assert unlike(found, wanted, "trials", "successes") == []
    for row in found:
        if row["trials"]:
            assert row["rate_lower"] <= row["rate"] <= row["rate_upper"], row
            assert (row["rate_lower"] == 0) == (row["rate"] == 0), row
            assert (row["rate_upper"] == 1) == (row["rate"] == 1), row


def planted(folder: Path) -> dict[str, Any]:
    """What the simulator says about funnels."""
    return json.loads((folder / "truth.json").read_text())["funnels"]  # type: ignore[no-any-return]


def counts(client: Client, settings: Settings, events: list[str], **more: Any) -> dict[str, int]:
    """Cumulative users of a funnel over these events with a window longer than the data."""
    steps = [{"name": event, "where": {"event_name": event}} | more for event in events]
    funnel = {"name": "planted", "title": "P", "description": "P.", "window": "900 weeks", "steps": steps}
    assert MACROS.funnel_faults([funnel]) == []
    place = f"{settings.dataset.schema}_intermediate"
    sources = {"events": f"{place}.person_events", "revenue": "", "sessions": ""}
    sql = MACROS.funnel_query(MACROS.funnel_plan(funnel), sources)
    found = rows(client, f"select furthest_step, count() as people from ({sql}) where is_best group by furthest_step")
    return {
        event: sum(row["people"] for row in found if row["furthest_step"] >= step)
        for step, event in enumerate(events, 1)
    }


def test_planted_visitors_in_order_of_first_times(
    simulated: Settings, simulated_truth: Path, marts_client: Client
) -> None:
    # The truth compares the first time of each step with that of the one before: steps with `first_time`.
    truth = planted(simulated_truth)["visitors_in_order_of_first_times"]
    assert counts(marts_client, simulated, list(truth), first_time=True) == truth


def test_planted_visitors_who_did(simulated: Settings, simulated_truth: Path, marts_client: Client) -> None:
    truth = planted(simulated_truth)["visitors_who_did"]
    assert {event: counts(marts_client, simulated, [event])[event] for event in truth} == truth


def test_planted_trials_and_their_payments(simulated: Settings, chains: Chains, simulated_truth: Path) -> None:
    people = {row["person_id"] for row in chains["trial_to_paid"]}
    assert len(people) == planted(simulated_truth)["visitors_who_did"]["trial_started"]
