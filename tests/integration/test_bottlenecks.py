"""Intervals and benchmarks of bottlenecks, on days and segments declared here; no build is needed."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client
from funnels_support import answers, rendered_model
from marts_support import Row

#: 28 judged days and 84 before them, as in dbt_project.yml.
JUDGED, BEFORE = 28, 84
FIRST = date(2026, 1, 1)
LAST = FIRST + timedelta(days=JUDGED + BEFORE - 1)

VARIABLES: dict[str, Any] = {
    "bottleneck_days": JUDGED,
    "bottleneck_benchmark_days": BEFORE,
    "bottleneck_benchmark": "trailing_median",
    "bottleneck_min_users": 5,
    "bottleneck_resamples": 200,
}

#: What a conversion is worth.
VALUE = 10

#: Which share of all possible resamples may lie beyond an end of the interval. The ends are the 5th and the 195th of
#: 200 losses in order, so the shares are Beta(5, 196) and Beta(6, 195) variables: 2.5 and 3 % in the mean, and below or
#: above these two in one of a thousand cases each.
NEAR = (0.0037, 0.08)

#: People of each day by furthest step, 1 to 3.
Days = np.ndarray[Any, np.dtype[np.int64]]


def made_days(people: int, seed: int = 1) -> Days:
    """Of `people` a day half came to step 2 and 0.35 do on the judged days; half of them go on to step 3, always."""
    random = np.random.default_rng(seed)
    second = random.binomial(people, [0.5] * BEFORE + [0.35] * JUDGED)
    third = random.binomial(second, 0.5)
    return np.stack([people - second, second - third, third], axis=1)


def given(days: Days) -> dict[str, str]:
    """The tables that `bottlenecks` reads."""
    users = np.cumsum(days[:, ::-1], axis=1)[:, ::-1]
    daily = ", ".join(
        f"('f', {step}, 's', 'S', '{FIRST + timedelta(days=number)}', {row[max(step - 2, 0)]}, {row[step - 1]})"
        for number, row in enumerate(users.tolist())
        for step in (1, 2, 3)
    )
    columns = "funnel String, step UInt8, step_name String, step_title String, entry_date Date, previous_users UInt64"
    return {
        "funnel_daily": f"select * from values('{columns}, users UInt64', {daily})",
        "funnel_judged_days": f"select 'f' as funnel, number >= {BEFORE} as is_judged, toDate('{FIRST}') + number as"
        f" entry_date, toDate('{LAST}') as last_date from numbers({JUDGED + BEFORE})",
        "funnel_conversion_values": "select 'f' as funnel,"
        f" toNullable(toDecimal64({VALUE}, 2)) as value_per_conversion",
        "funnel_segment_benchmarks": "select '' as funnel, 0 as step, 0 as resample, 0.5 as benchmark_rate where false",
    }


def rendered(path: str, **variables: Any) -> str:
    """The SQL of a model under these variables."""
    return rendered_model(path, VARIABLES | variables)


def bottlenecks(client: Client, days: Days, wrong: tuple[str, str] = ("", ""), **variables: Any) -> dict[int, Row]:
    """Rows by step; `wrong` replaces a piece of the SQL."""
    sql = rendered("marts/funnels/bottlenecks.sql", **variables)
    assert wrong[0] in sql, "the SQL has changed; change the mutant with it"
    found = answers(client, given(days), sql.replace(*wrong) if wrong[0] else sql)
    return {row["step"]: row for row in found}


def losses(days: Days, step: int, resamples: int, seed: int = 2) -> list[float]:
    """Lost conversions of a step over as many entry days, each stretch drawn from its own with replacement."""
    users = np.cumsum(days[:, ::-1], axis=1)[:, ::-1]
    before, passed, converted = users[:, step - 2], users[:, step - 1], users[:, -1]
    rates, found = passed / np.maximum(before, 1), []
    says = (before >= VARIABLES["bottleneck_min_users"])[:BEFORE]
    random = np.random.default_rng(seed)
    earlier = random.multinomial(BEFORE, np.full(BEFORE, 1 / BEFORE), resamples)
    judged = random.multinomial(JUDGED, np.full(JUDGED, 1 / JUDGED), resamples)
    for weights in np.concatenate([earlier, judged], axis=1):
        drawn = np.sort(np.repeat(rates[:BEFORE], weights[:BEFORE] * says))
        benchmark = drawn[-(-len(drawn) // 2) - 1]
        now = weights[BEFORE:]
        entrants = now @ before[BEFORE:]
        short = max(benchmark - (now @ passed[BEFORE:]) / entrants, 0)
        found.append(float(entrants * short * (weights @ converted) / (weights @ passed)))
    return found


def unlike_a_bootstrap(found: dict[int, Row], days: Days) -> list[str]:
    """Where the intervals do not fit 4,000 resamples that numpy draws."""
    faults = []
    for step, row in found.items():
        drawn = np.array(losses(days, step, 4000))
        lower, upper = row["lost_conversions_lower"], row["lost_conversions_upper"]
        below, above = float(np.mean(drawn < lower)), float(np.mean(drawn > upper))
        if not lower <= row["lost_conversions"] <= upper:
            faults.append(f"step {step}: {row['lost_conversions']} is not within {lower} to {upper}")
        if lower > 0 and not NEAR[0] <= below <= NEAR[1]:
            faults.append(f"step {step}: {below:.3f} lie below {lower}")
        if lower == 0 and np.mean(drawn <= 0) < NEAR[0]:
            faults.append(f"step {step}: the lower end is 0, and hardly a resample is")
        if not NEAR[0] <= above <= NEAR[1]:
            faults.append(f"step {step}: {above:.3f} lie above {upper}")
        for end in ("", "_lower", "_upper"):
            if row[f"lost_value{end}"] != pytest.approx(row[f"lost_conversions{end}"] * VALUE):
                faults.append(f"step {step}: lost_value{end} is {row[f'lost_value{end}']}")
        if row["is_recommended"] != (lower > 0):
            faults.append(f"step {step}: recommended is {row['is_recommended']} with {lower}")
    return faults


@pytest.mark.parametrize("people", [10, 40, 1000])
def test_the_interval_is_near_an_independent_bootstrap(marts_client: Client, people: int) -> None:
    days = made_days(people)
    found = bottlenecks(marts_client, days)
    assert set(found) == {2, 3}
    assert found[2]["is_recommended"]
    assert unlike_a_bootstrap(found, days) == []


def test_the_ends_are_those_of_the_resamples_in_order(marts_client: Client) -> None:
    """Of 40 resamples 2.5 % are one and 97.5 % are 39: the smallest loss and the largest but one."""
    sql = rendered("marts/funnels/bottlenecks.sql", bottleneck_resamples=40)
    head, _ = sql.split("resampled as (")
    days = made_days(40)
    drawn = answers(
        marts_client, given(days), f"{head.rstrip().rstrip(',')} select * from compared where step = 2 and resample > 0"
    )
    ordered = sorted(row["lost_conversions"] for row in drawn)
    row = bottlenecks(marts_client, days, bottleneck_resamples=40)[2]
    assert len(ordered) == 40
    assert (row["lost_conversions_lower"], row["lost_conversions_upper"]) == (ordered[0], ordered[38])


def test_more_people_narrow_the_interval(marts_client: Client) -> None:
    widths = []
    for people in (10, 100, 1000):
        row = bottlenecks(marts_client, made_days(people))[2]
        widths.append((row["lost_conversions_upper"] - row["lost_conversions_lower"]) / row["lost_conversions"])
    # A hundred times as many people, a tenth of the width; 200 resamples know a width to within a fifth or so.
    assert 1 / 20 < widths[2] / widths[0] < 1 / 5
    assert widths == sorted(widths, reverse=True)


#: A rule of the SQL, and the wrong one next to it.
MUTANTS = {
    "the interval of half of the resamples": ("(0.025, 0.975)", "(0.25, 0.75)"),
    "the interval of nearly all resamples": ("(0.025, 0.975)", "(0, 1)"),
    "the number of judged days is drawn": ("* measured.judged_per_drawn_day", ""),
    "days are not drawn": ("resample > 0)", "resample = 0)"),
    "all days are drawn together": ("days.funnel, days.entry_date, resamples", "days.funnel, resamples"),
    "only entrants are drawn": ("sumIf(weight * users, is_judged)", "sumIf(users, is_judged)"),
    "the ends are exchanged": ("ends[1]", "ends[2]"),
    "the lower end is worth the upper one": ("lost_conversions_lower * value", "lost_conversions_upper * value"),
    "recommended by the loss itself": ("lost_conversions_lower > 0", "lost_conversions > 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_interval_is_noticed(marts_client: Client, name: str) -> None:
    days = made_days(40)
    assert unlike_a_bootstrap(bottlenecks(marts_client, days, MUTANTS[name]), days) != []


#: Who entered on the judged days: country, device, plan, and people by furthest step, 1 to 3. The unknown country is a
#: segment; Luxembourg has fewer people than `bottleneck_min_users` at every step, Malta at step 3.
SEGMENTS = [
    ("AT", "phone", "pro", (5, 3, 2)),
    ("BE", "phone", "plus", (6, 2, 4)),
    ("CH", "phone", "pro", (8, 10, 7)),
    ("DE", "desktop", "plus", (20, 11, 9)),
    ("ES", "desktop", "pro", (30, 4, 6)),
    ("FR", "desktop", "plus", (15, 25, 20)),
    ("GB", "tablet", "pro", (2, 2, 16)),
    ("IT", "tablet", "plus", (12, 7, 1)),
    ("MT", "tablet", "pro", (7, 1, 3)),
    ("", "tablet", "plus", (3, 6, 14)),
    ("LU", "desktop", "pro", (0, 0, 4)),
]

#: The plan is known of those who came to step 2, so it says nothing about the way to it.
BREAKDOWNS_BEFORE = {2: ("country", "device"), 3: ("country", "device", "plan")}

#: Values and furthest step of each of them.
PEOPLE = [
    ({"country": country, "device": device, "plan": plan if furthest > 1 else ""}, furthest)
    for country, device, plan, counts in SEGMENTS
    for furthest, count in enumerate(counts, 1)
    for _ in range(count)
]


def segment_tables() -> dict[str, str]:
    """The people spread over the judged days, and some who convert always: on an earlier day, or excluded."""
    chains = [(LAST - timedelta(days=n % JUDGED), *person, False) for n, person in enumerate(PEOPLE)]
    for number, country in enumerate(["NO", "PL", "SE"]):
        best = {"country": country, "device": f"watch {number}", "plan": "max"}
        chains += [(LAST, best, 3, True), (FIRST, best, 3, False)] * 9
    listed = ", ".join(
        f"('{day}', map{sum(values.items(), ())!r}, {furthest}, {is_excluded})"
        for day, values, furthest, is_excluded in chains
    )
    columns = "entry_date Date, breakdown_values Map(String, String), furthest_step UInt8, is_excluded Bool"
    return {
        "person_funnels": f"select 'f' as funnel, * from values('{columns}', {listed})",
        "declared_funnels": "select 'f' as funnel, step, if(step < 3, ['plan'], []) as late_breakdowns"
        " from (select arrayJoin([1, 2, 3]) as step)",
    }


def wanted_benchmark(step: int) -> float:
    """The smallest rate that nine tenths of the segments do not exceed."""
    rates = []
    for name in BREAKDOWNS_BEFORE[step]:
        for value in {values[name] for values, _ in PEOPLE}:
            came = [furthest for values, furthest in PEOPLE if values[name] == value and furthest >= step - 1]
            if len(came) >= VARIABLES["bottleneck_min_users"]:
                rates.append(sum(furthest >= step for furthest in came) / len(came))
    return sorted(rates)[-(-9 * len(rates) // 10) - 1]


def best_decile(client: Client, wrong: tuple[str, str] = ("", "")) -> dict[int, Row]:
    """Rows of bottlenecks by step, compared with the best tenth of segments; `wrong` replaces a piece of the SQL."""
    segments = rendered("intermediate/funnels/funnel_segment_benchmarks.sql", bottleneck_benchmark="best_decile")
    assert wrong[0] in segments, "the SQL has changed; change the mutant with it"
    tables = segment_tables() | given(made_days(40))
    tables["funnel_segment_benchmarks"] = segments.replace(*wrong) if wrong[0] else segments
    sql = rendered("marts/funnels/bottlenecks.sql", bottleneck_benchmark="best_decile")
    return {row["step"]: row for row in answers(client, tables, sql)}


def test_the_best_decile_is_the_rate_that_a_tenth_of_segments_reaches(marts_client: Client) -> None:
    found = best_decile(marts_client)
    assert {step: row["benchmark_rate"] for step, row in found.items()} == {
        2: wanted_benchmark(2),
        3: wanted_benchmark(3),
    }
    for row in found.values():
        short = row["benchmark_rate"] - row["rate"]
        assert row["benchmark"] == "best_decile"
        assert row["lost_conversions"] == pytest.approx(row["entrants"] * short * row["conversion_after"])
        assert row["lost_conversions_lower"] <= row["lost_conversions"] <= row["lost_conversions_upper"]


def test_without_a_best_decile_no_segment_is_looked_at(marts_client: Client) -> None:
    sql = rendered("intermediate/funnels/funnel_segment_benchmarks.sql")
    assert answers(marts_client, segment_tables() | given(made_days(40)), sql) == []


#: A rule of the best decile, and the wrong one next to it.
WRONG_DECILES = {
    "the best segment": ("quantileExactWeighted(0.9)", "quantileExactWeighted(1)"),
    "the median segment": ("quantileExactWeighted(0.9)", "quantileExactWeighted(0.5)"),
    "segments count by their people": ("groupArray(1)", "groupArray(entrants)"),
    "small segments count": ("entrants >= 5", "entrants > 0"),
    "a value of a later step is looked at": ("not has(steps.late_breakdowns, weighted.segment.1)", "true"),
    "earlier days are looked at": ("where is_judged and", "where"),
    "excluded people are looked at": ("where not chains.is_excluded", ""),
    "an unknown value is no segment": ("having entrants", "having segment.2 != '' and entrants"),
}


@pytest.mark.parametrize("name", WRONG_DECILES)
def test_a_wrong_best_decile_is_noticed(marts_client: Client, name: str) -> None:
    found = {step: row["benchmark_rate"] for step, row in best_decile(marts_client, WRONG_DECILES[name]).items()}
    assert found != {2: wanted_benchmark(2), 3: wanted_benchmark(3)}
