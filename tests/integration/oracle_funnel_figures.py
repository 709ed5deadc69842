"""Oracle of the tables that are counted from chains, in plain Python; `chains` are rows of oracle_funnels."""

import math
from collections import defaultdict
from datetime import datetime, timedelta
from statistics import mean, median
from typing import Any

from oracle_events import Row
from oracle_funnels import duration

Z = 1.959963984540054


def wilson(successes: int, trials: int) -> tuple[float, float] | tuple[None, None]:
    """Wilson's interval at 95 %, by the roots of its quadratic equation; nothing of nothing."""
    if not trials:
        return None, None
    rate = successes / trials
    a, b, c = 1 + Z * Z / trials, -2 * rate - Z * Z / trials, rate * rate
    root = math.sqrt(max(b * b - 4 * a * c, 0))
    lower, upper = (-b - root) / (2 * a), (-b + root) / (2 * a)
    return lower if successes else 0.0, upper if successes < trials else 1.0


def rate_columns(name: str, successes: int, trials: int) -> Row:
    """A rate with its interval."""
    lower, upper = wilson(successes, trials)
    return {name: successes / trials if trials else None, f"{name}_lower": lower, f"{name}_upper": upper}


def complete(chain: Row, known_until: datetime) -> bool:
    """Whether nothing that may still be received falls into the chain's window, whose last moment belongs to it."""
    return bool(chain["window_ends_at"] < known_until)


def counted(chains: list[Row]) -> list[Row]:
    """One chain per person, without excluded ones."""
    return [chain for chain in chains if chain["is_best"] and not chain["is_excluded"]]


def finished(declaration: Row, chains: list[Row], known_until: datetime) -> list[Row]:
    """One chain per person, the best of those whose window is over; who is excluded in that one is left out."""
    first = declaration.get("reentry", "best") == "first"
    mine: dict[str, list[Row]] = defaultdict(list)
    for chain in chains:
        if complete(chain, known_until):
            mine[chain["person_id"]].append(chain)
    found = [
        min(
            some,
            key=lambda c: (c["entered_at"],) if first else (-c["furthest_step"], c["is_excluded"], c["entered_at"]),
        )
        for some in mine.values()
    ]
    return [chain for chain in found if not chain["is_excluded"]]


def reached(chains: list[Row], step: int) -> int:
    """Cumulative count."""
    return sum(chain["furthest_step"] >= step for chain in chains)


def funnels(declaration: Row, chains: list[Row], known_until: datetime) -> list[Row]:
    """Rows of funnels, without titles and settings."""
    people, old = counted(chains), finished(declaration, chains, known_until)
    return [
        {
            "funnel": declaration["name"],
            "step": step,
            "entrants": len(people),
            "users": reached(people, step),
            "users_done": sum(chain["steps_done"] >> step - 1 & 1 for chain in people),
            "excluded_users": sum(chain["is_best"] and chain["is_excluded"] for chain in chains),
            "complete_entrants": len(old),
            "complete_previous_users": reached(old, max(step - 1, 1)),
            "complete_users": reached(old, step),
            **rate_columns("conversion_from_start", reached(old, step), len(old)),
            **rate_columns("conversion_from_previous", reached(old, step), reached(old, max(step - 1, 1))),
        }
        for step in range(1, len(declaration["steps"]) + 1)
    ]


def funnel_daily(
    declaration: Row, chains: list[Row], known_until: datetime, day: Any, day_ends_at: datetime
) -> list[Row]:
    """Rows of funnel_daily of one day: the funnel with the day as its date range."""
    mine = [chain for chain in chains if chain["entry_date"] == day]
    people = [chain for chain in mine if not chain["is_excluded"]]
    over = day_ends_at + duration(declaration["window"]) <= known_until
    rows = []
    for step in range(1, len(declaration["steps"]) + 1):
        users, before = reached(people, step), reached(people, max(step - 1, 1))
        rows.append(
            {
                "funnel": declaration["name"],
                "step": step,
                "step_title": declaration["steps"][step - 1].get("title", declaration["steps"][step - 1]["name"]),
                "entrants": len(people),
                "previous_users": before,
                "users": users,
                "users_done": sum(chain["steps_done"] >> step - 1 & 1 for chain in people),
                "excluded_users": len(mine) - len(people),
                "open_users": sum(not complete(chain, known_until) for chain in people),
                **rate_columns("conversion_from_start", users, len(people) if over else 0),
                **rate_columns("conversion_from_previous", users, before if over else 0),
                "is_complete": over,
                "entry_date": day,
            }
        )
    return rows


def p_value(successes: int, trials: int, others: int, other_trials: int) -> float | None:
    """Two-sided, pooled two-proportion z-test."""
    if not trials or not other_trials or successes + others in (0, trials + other_trials):
        return None
    pooled = (successes + others) / (trials + other_trials)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / trials + 1 / other_trials))
    return math.erfc(abs(successes / trials - others / other_trials) / deviation / math.sqrt(2))


def benjamini_hochberg(p_values: list[float]) -> list[float]:
    """Adjusted p-values in the order given, by the step-up procedure from the largest down."""
    adjusted, smallest = [0.0] * len(p_values), 1.0
    for rank, place in sorted(enumerate(sorted(range(len(p_values)), key=p_values.__getitem__), 1), reverse=True):
        smallest = min(smallest, p_values[place] * len(p_values) / rank)
        adjusted[place] = smallest
    return adjusted


def funnel_breakdowns(declaration: Row, chains: list[Row], known_until: datetime) -> list[Row]:
    """Rows of funnel_breakdowns."""
    people, over, found = counted(chains), finished(declaration, chains, known_until), []
    at = {breakdown.get("name") or breakdown["column"]: breakdown.get("at") for breakdown in declaration["breakdowns"]}
    for name in (people + over)[0]["breakdown_values"] if people + over else []:
        rows, is_known_at_entry = [], at[name] in (None, "first", declaration["steps"][0]["name"])
        for value in {chain["breakdown_values"][name] for chain in people + over}:
            mine = [chain for chain in people if chain["breakdown_values"][name] == value]
            old = [chain for chain in over if chain["breakdown_values"][name] == value]
            others = [chain for chain in over if chain["breakdown_values"][name] != value]
            for step in range(1, len(declaration["steps"]) + 1):
                here = reached(old, step)
                rows.append(
                    {
                        "funnel": declaration["name"],
                        "breakdown": name,
                        "value": value,
                        "step": step,
                        "entrants": len(mine),
                        "users": reached(mine, step),
                        "complete_entrants": len(old),
                        "complete_users": here,
                        **rate_columns("conversion_from_start", here, len(old)),
                        **rate_columns("conversion_from_previous", here, reached(old, max(step - 1, 1))),
                        **rate_columns("other_conversion_from_start", reached(others, step), len(others)),
                        "p_value": p_value(here, len(old), reached(others, step), len(others))
                        if is_known_at_entry and (old or others)
                        else None,
                    }
                )
        tested = [row for row in rows if row["p_value"] is not None]
        adjusted = benjamini_hochberg([row["p_value"] for row in tested])
        for row in rows:
            row["adjusted_p_value"] = None
        for row, value in zip(tested, adjusted, strict=True):
            row["adjusted_p_value"] = value
        for row in rows:
            row["is_different"] = row["adjusted_p_value"] is not None and row["adjusted_p_value"] <= 0.05
        found += rows
    return found


def funnel_times(declaration: Row, chains: list[Row], known_until: datetime, edges: list[int]) -> list[Row]:
    """Rows of funnel_times."""
    steps, found = len(declaration["steps"]), []
    pairs = {(step - 1, step) for step in range(2, steps + 1)} | ({(1, steps)} if steps > 1 else set())
    for begin, end in sorted(pairs):
        times = [
            chain["step_times"][end - 1] - chain["step_times"][begin - 1]
            for chain in finished(declaration, chains, known_until)
            if chain["furthest_step"] >= end
            and chain["step_times"][end - 1] is not None
            and chain["step_times"][begin - 1] is not None
        ]
        seconds = [time / timedelta(seconds=1) for time in times]
        for bucket, lower in enumerate(edges, 1) if seconds else ():
            upper = edges[bucket] if bucket < len(edges) else math.inf
            found.append(
                {
                    "funnel": declaration["name"],
                    "from_step": begin,
                    "to_step": end,
                    "bucket": bucket,
                    "bucket_users": sum(lower <= time < upper for time in seconds),
                    "users": len(seconds),
                    "median_seconds": median(seconds),
                    "mean_seconds": mean(seconds),
                }
            )
    return found


def funnel_drivers(declaration: Row, chains: list[Row], known_until: datetime, people: dict[str, Row]) -> list[Row]:
    """Rows of funnel_drivers; `people` maps a person to the properties of the first session."""
    old, found = finished(declaration, chains, known_until), []
    holders: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for chain in old:
        for pair in (chain["breakdown_values"] | people.get(chain["person_id"], {})).items():
            if pair[1]:
                holders[pair].append(chain)
    for step in range(2, len(declaration["steps"]) + 1):
        s_tot = reached(old, step)
        f_tot = reached(old, step - 1) - s_tot
        for (name, value), mine in holders.items():
            s_v = reached(mine, step)
            f_v = reached(mine, step - 1) - s_v
            if s_v + f_v >= 25 and (s_v + f_v) / (s_tot + f_tot) >= 0.02:
                ratio = (s_v + 1) * (f_tot - f_v + 1) / ((f_v + 1) * (s_tot - s_v + 1))
                found.append(
                    {
                        "funnel": declaration["name"],
                        "step": step,
                        "property": name,
                        "value": value,
                        "successes": s_v,
                        "failures": f_v,
                        "all_successes": s_tot,
                        "all_failures": f_tot,
                        "odds_ratio": ratio,
                    }
                )
    return found
