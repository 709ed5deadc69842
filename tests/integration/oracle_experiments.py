"""Oracle of the marts of experiments, in plain Python, written from the definitions and never from the SQL.

Definitions: reference page semantics.md (experiments, maturity, season) and docs/experiments.md. Seeds are
configuration.
"""

import csv
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from oracle_events import Row, each_once, end_of_day, engine_order, person_of
from oracle_marts import SEEDS, Company, cents

MEASURES = (
    "sign_ups", "trials", "paid_trials", "calculators_completed", "sessions", "active_days", "orders", "net_revenue",
)  # fmt: skip
DEFAULT_DAYS = 28
TRIAL = timedelta(days=14)

#: Changes of a subscription, in the order in which those of one moment take effect.
CHANGES = (
    "trial_started",
    "subscription_started",
    "plan_changed",
    "subscription_cancelled",
    "subscription_reactivated",
)
ALERT = 0.001

#: Columns of experiment_metrics that only ratios have.
OF_RATIOS = [
    *(
        f"{name}_{figure}"
        for name in ("denominator", "pre_denominator")
        for figure in ("sum", "square_sum", "mean", "centred_squares")
    ),
    *(
        f"{pair}_{figure}"
        for pair in (
            "outcome_denominator", "pre_pre_denominator", "outcome_pre_denominator", "denominator_pre",
            "denominator_pre_denominator",
        )
        for figure in ("sum", "centred_products")
    ),
]  # fmt: skip


def seed(name: str) -> list[dict[str, str]]:
    """Rows of a seed file."""
    with (SEEDS / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Settings:
    """Under which terms an experiment is analysed."""

    plan: dict[str, str] | None
    weights: dict[str, tuple[float, bool]]

    def days(self, name: str) -> timedelta:
        """Length of a window."""
        return timedelta(days=int(self.plan[name]) if self.plan else DEFAULT_DAYS)

    def day(self, name: str) -> date | None:
        """Start or end, None when the plan has none."""
        return date.fromisoformat(self.plan[name]) if self.plan and self.plan[name] else None

    def holds(self, day: date) -> bool:
        """Whether exposures of a day count."""
        start, end = self.day("start_date"), self.day("end_date")
        return (start is None or day >= start) and (end is None or day <= end)


@dataclass
class Person:
    """One person in one experiment: the first exposure, and the facts of the person's life."""

    experiment: str
    person: str
    seen: list[Row]
    settings: Settings
    company: Company

    def __post_init__(self) -> None:
        self.seen.sort(key=lambda row: (row["event_at"], engine_order(row["event_id"])))
        self.first = self.seen[0]
        self.at: datetime = self.first["event_at"]
        self.ends = self.at + self.settings.days("outcome_window_days")
        self.begins = self.at - self.settings.days("pre_period_days")
        self.arms = sorted({row["arm"] for row in self.seen})
        self.crossed = len(self.arms) > 1
        self.on, self.ends_on = self.company.day_of(self.at), self.company.day_of(self.ends)

    def phase(self, horizon: str, moment: datetime) -> bool:
        """Whether a moment belongs to `pre`, `window` or `to_date`."""
        if horizon == "pre":
            return self.begins <= moment < self.at
        return moment > self.at and (horizon == "to_date" or moment <= self.ends)


class Experiments:
    """All experiments of a company, from its raw rows and its raw exposures."""

    def __init__(self, company: Company, exposures: Iterable[Row]) -> None:
        self.company = company
        rows = [row for row in each_once(exposures) if company.last and company.day_of(row["event_at"]) <= company.last]
        self.rows = [row for row in rows if row["experiment_id"] and person_of(row, company.known)]
        plans = {row["experiment_id"]: row for row in seed("experiments")}
        weights: dict[str, dict[str, tuple[float, bool]]] = defaultdict(dict)
        for row in seed("experiment_arm_weights"):
            weights[row["experiment_id"]][row["arm"]] = (float(row["weight"]), row["is_control"] == "true")
        self.settings = {
            name: Settings(plans.get(name), weights.get(name, {}))
            for name in {row["experiment_id"] for row in self.rows}
        }
        self.due = [(row["country"], date.fromisoformat(row["due_date"])) for row in seed("deadlines")]
        self.metrics = seed("experiment_metric_catalogue")
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self.rows:
            if self.settings[row["experiment_id"]].holds(company.day_of(row["event_at"])):
                groups[row["experiment_id"], str(person_of(row, company.known))].append(row)
        self.people = [Person(e, p, seen, self.settings[e], company) for (e, p), seen in sorted(groups.items())]
        if company.last:
            end = end_of_day(company.last, company.time_zone)
            self.until = min(end, max(company.received))
        self.facts = self._facts()
        self.measured: dict[tuple[str, str, str, str], Any] = {}

    def _facts(self) -> dict[str, dict[str, list[tuple[datetime, Any]]]]:
        """Per person and measure: moments with what counts; active days and sessions come from all events."""
        found: dict[str, dict[str, list[tuple[datetime, Any]]]] = defaultdict(lambda: defaultdict(list))
        company = self.company
        for person, events in company.people.items():
            for event in events:
                found[person]["active_days"].append((event["event_at"], company.day_of(event["event_at"])))
                if event["event_name"] in ("sign_up", "calculator_completed"):
                    name = {"sign_up": "sign_ups"}.get(event["event_name"], "calculators_completed")
                    found[person][name].append((event["event_at"], 1))
        for session in company.sessions:
            begun = session.events[0]["event_at"]
            found[session.person]["sessions"] += [(event["event_at"], begun) for event in session.events]
        for customer, _, moment in company.orders().values():
            found[customer]["orders"].append((moment, 1))
        for row in company.money:
            found[company.customer_of(row)]["net_revenue"].append((row["event_at"], company.worth(row)))
        for customer, began, paid in self.trials():
            found[customer]["trials"].append((began, 1))
            if paid:
                found[customer]["paid_trials"].append((paid, 1))
        return found

    def trials(self) -> Iterator[tuple[str, datetime, datetime | None]]:
        """Customer, begin and conversion of each trial: paid within 14 days, before the subscription's next trial."""
        kinds = ("trial_started", "subscription_started")
        by_subscription: dict[str, list[Row]] = defaultdict(list)
        for row in self.company.revenue:
            if row["event_type"] in CHANGES:
                by_subscription[row["subscription_id"] or str(row["event_id"])].append(row)
        for rows in by_subscription.values():
            rows.sort(key=lambda r: (r["event_at"], CHANGES.index(r["event_type"]), engine_order(r["event_id"])))
            customer = next(filter(None, map(self.company.customer_of, rows)), "")
            changes = [row for row in rows if row["event_type"] in kinds]
            begins = [n for n, row in enumerate(changes) if row["event_type"] == "trial_started"]
            for begin, end in itertools.pairwise([*begins, len(changes)]):
                began = changes[begin]["event_at"]
                paid = min((row["event_at"] for row in changes[begin + 1 : end]), default=None)
                yield customer, began, paid if paid and paid <= began + TRIAL else None

    def measure(self, person: Person, name: str, horizon: str) -> Any:
        """What one person did in one stretch of time."""
        key = (person.experiment, person.person, name, horizon)
        if key not in self.measured:
            self.measured[key] = self._measure(person, name, horizon)
        return self.measured[key]

    def _measure(self, person: Person, name: str, horizon: str) -> Any:
        facts = self.facts[person.person][name] if person.person in self.facts else []
        inside = [value for moment, value in facts if person.phase(horizon, moment)]
        if name in ("active_days", "sessions"):
            return len(set(inside))
        return cents(sum(inside, Fraction())) if name == "net_revenue" else len(inside)

    def mature(self, person: Person) -> bool:
        """Whether the outcome window has closed."""
        return person.ends <= self.until

    def may_grow(self, name: str) -> bool:
        """Whether the last day of exposures is not over."""
        last = self.settings[name].day("end_date")
        return last is not None and end_of_day(last, self.company.time_zone) > self.until

    def due_in(self, country: str, first: date, last: date) -> bool:
        """Whether a form of the country is due between two days."""
        return any(c == country and first <= day <= last for c, day in self.due)


def experiment_exposures(experiments: Experiments) -> list[Row]:
    """Rows by experiment and person."""
    return [
        {
            "experiment_id": p.experiment,
            "person_id": p.person,
            "arm": p.first["arm"],
            "arms": p.arms,
            "country": p.first["country"],
            "platform": p.first["platform"],
            "device_type": p.first["device_type"],
            "exposures": len(p.seen),
            "is_crossover": p.crossed,
            "is_mature": experiments.mature(p),
            "spans_deadline": experiments.due_in(p.first["country"], p.on, p.ends_on),
            "exposed_on": p.on,
            "last_exposed_on": experiments.company.day_of(p.seen[-1]["event_at"]),
            "window_ends_on": p.ends_on,
            "exposed_at": p.at,
            "window_ends_at": p.ends,
        }
        for p in experiments.people
    ]


def experiment_arms(experiments: Experiments) -> list[Row]:
    """Rows by experiment and arm."""
    rows = []
    for name, settings in sorted(experiments.settings.items()):
        people = [p for p in experiments.people if p.experiment == name]
        seen = {p.first["arm"] for p in people}
        arms = sorted(seen | set(settings.weights))
        control = "control" if "control" in seen else min(seen, default="")
        plan = settings.weights or {arm: (1.0, arm == control) for arm in arms}
        count = Counter(p.first["arm"] for p in people if not p.crossed)
        split = [arm for arm in arms if plan.get(arm, (0,))[0] > 0]
        everybody, weights = sum(count[arm] for arm in split), sum(plan[arm][0] for arm in split)
        for arm in arms:
            weight, is_control = plan.get(arm, (0.0, False))
            expected = everybody * weight / weights if weights else None
            rows.append(
                {
                    "experiment_id": name,
                    "arm": arm,
                    "weight": weight,
                    "people": count[arm],
                    "immature_people": sum(
                        p.first["arm"] == arm and not p.crossed and not experiments.mature(p) for p in people
                    ),
                    "crossovers": sum(p.first["arm"] == arm and p.crossed for p in people),
                    "expected_people": expected,
                    "chi_square_term": (count[arm] - expected) ** 2 / expected if arm in split and expected else None,
                    "is_control": is_control,
                    "has_planned_weights": bool(settings.weights),
                }
            )
    return rows


def experiment_health(experiments: Experiments) -> list[Row]:
    """Rows by experiment."""
    rows, all_arms = [], experiment_arms(experiments)
    for name, settings in sorted(experiments.settings.items()):
        people = [p for p in experiments.people if p.experiment == name]
        counted = [p for p in people if not p.crossed]
        arms = [row for row in all_arms if row["experiment_id"] == name]
        terms = [row["chi_square_term"] for row in arms if row["weight"] > 0]
        chi_square = sum(sorted(terms)) if terms and None not in terms else None
        p_value = chi_square_p_value(chi_square, len(terms) - 1)
        stretches: dict[str, list[Person]] = defaultdict(list)
        for p in people:
            stretches[p.first["country"]].append(p)
        plan = settings.plan or defaultdict(str)
        immature = sum(not experiments.mature(p) for p in counted)
        shown = [experiments.company.day_of(r["event_at"]) for r in experiments.rows if r["experiment_id"] == name]
        rows.append(
            {
                "experiment_id": name,
                "unit": plan["unit"],
                "primary_metric": plan["primary_metric"],
                "guardrail_metrics": [metric for metric in plan["guardrail_metrics"].split(";") if metric],
                "pre_period_days": settings.days("pre_period_days").days,
                "outcome_window_days": settings.days("outcome_window_days").days,
                "exposures": len(shown),
                "exposures_outside_dates": sum(not settings.holds(day) for day in shown),
                "people": len(counted),
                "crossovers": len(people) - len(counted),
                "unplanned_people": sum(row["people"] for row in arms if row["weight"] == 0),
                "immature_people": immature,
                "people_spanning_deadline": sum(
                    experiments.due_in(p.first["country"], p.on, p.ends_on) for p in counted
                ),
                "chi_square": chi_square,
                "degrees_of_freedom": len(terms) - 1 if terms else None,
                "sample_ratio_p_value": p_value,
                "is_sample_ratio_mismatch": p_value is not None and p_value < ALERT,
                "is_declared": settings.plan is not None,
                "has_planned_weights": bool(settings.weights),
                "spans_deadline": any(
                    experiments.due_in(country, min(p.on for p in group), max(p.ends_on for p in group))
                    for country, group in stretches.items()
                ),
                "is_complete": bool(counted) and immature == 0 and not experiments.may_grow(name),
                "start_date": settings.day("start_date"),
                "end_date": settings.day("end_date"),
                "first_exposed_on": min((p.on for p in people), default=None),
                "last_exposed_on": max(
                    (experiments.company.day_of(p.seen[-1]["event_at"]) for p in people), default=None
                ),
            }
        )
    return rows


def experiment_metrics(experiments: Experiments) -> list[Row]:
    """Rows by experiment, metric, horizon, breakdown, value and arm."""
    cells: dict[tuple[str, ...], list[Person]] = defaultdict(list)
    for p in experiments.people:
        parts = [("all", "all"), ("country", p.first["country"]), ("device_type", p.first["device_type"])]
        for part in parts if not p.crossed else []:
            cells[(p.experiment, *part, p.first["arm"])].append(p)
    rows = []
    for metric in experiments.metrics:
        for (name, breakdown, value, arm), people in cells.items():
            for horizon in ("to_date", "window"):
                counted = [p for p in people if horizon == "to_date" or experiments.mature(p)]
                row = {
                    "experiment_id": name,
                    "metric": metric["metric"],
                    "horizon": horizon,
                    "breakdown": breakdown,
                    "breakdown_value": value,
                    "arm": arm,
                    "kind": metric["kind"],
                    "people": len(counted),
                    "immature_people": sum(not experiments.mature(p) for p in people),
                    "is_complete": horizon == "window"
                    and len(counted) == len(people)
                    and not experiments.may_grow(name),
                }
                rows.append(row | _sums(experiments, counted, metric, horizon))
    keys = ("experiment_id", "metric", "horizon", "breakdown", "breakdown_value", "arm")
    return sorted(rows, key=lambda row: [row[key] for key in keys])


def _sums(experiments: Experiments, people: list[Person], metric: dict[str, str], horizon: str) -> Row:
    def values(name: str, phase: str) -> list[Fraction]:
        found = [Fraction(experiments.measure(p, name, phase)) for p in people]
        return [min(value, Fraction(1)) for value in found] if metric["kind"] == "proportion" else found

    outcome, pre = values(metric["numerator"], horizon), values(metric["numerator"], "pre")
    found = {
        "outcome_sum": exact(sum(outcome)),
        "outcome_square_sum": exact(product_sum(outcome, outcome)),
        "pre_sum": exact(sum(pre)),
        "pre_square_sum": exact(product_sum(pre, pre)),
        "pre_outcome_sum": exact(product_sum(pre, outcome)),
        "outcome_mean": mean(outcome),
        "pre_mean": mean(pre),
        "outcome_centred_squares": centred(outcome, outcome),
        "pre_centred_squares": centred(pre, pre),
        "pre_outcome_centred_products": centred(pre, outcome),
    }
    if metric["kind"] != "ratio":
        return found | dict.fromkeys(OF_RATIOS)
    below, before = values(metric["denominator"], horizon), values(metric["denominator"], "pre")
    pairs = {
        "outcome_denominator": (outcome, below),
        "pre_pre_denominator": (pre, before),
        "outcome_pre_denominator": (outcome, before),
        "denominator_pre": (below, pre),
        "denominator_pre_denominator": (below, before),
    }
    for name, numbers in (("denominator", below), ("pre_denominator", before)):
        found[f"{name}_sum"] = exact(sum(numbers))
        found[f"{name}_square_sum"] = exact(product_sum(numbers, numbers))
        found[f"{name}_mean"] = mean(numbers)
        found[f"{name}_centred_squares"] = centred(numbers, numbers)
    for name, (left, right) in pairs.items():
        found[f"{name}_sum"] = exact(product_sum(left, right))
        found[f"{name}_centred_products"] = centred(left, right)
    return found


def exact(value: Fraction | int) -> Decimal:
    """A sum of cents or of products of cents, as a Decimal."""
    scaled = Fraction(value) * 10**4
    assert scaled.denominator == 1
    return Decimal(scaled.numerator).scaleb(-4)


def product_sum(left: list[Fraction], right: list[Fraction]) -> Fraction:
    """Σ left · right."""
    return sum((x * y for x, y in zip(left, right, strict=True)), Fraction())


def mean(values: list[Fraction]) -> float | None:
    """None of nobody."""
    return float(sum(values) / len(values)) if values else None


def centred(left: list[Fraction], right: list[Fraction]) -> float | None:
    """Σ (left - mean) · (right - mean), by its definition."""
    if not left:
        return None
    middle_left, middle_right = sum(left) / len(left), sum(right) / len(right)
    return float(product_sum([x - middle_left for x in left], [y - middle_right for y in right]))


def experiment_daily(experiments: Experiments) -> list[Row]:
    """Rows by experiment, metric, arm and day."""
    company, rows = experiments.company, []
    newest = max(company.received, default=None)
    for name in sorted(experiments.settings):
        people = [p for p in experiments.people if p.experiment == name and not p.crossed]
        if not people:
            continue
        first, last = min(p.on for p in people), min(max(p.ends_on for p in people), company.last)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        for metric in experiments.metrics:
            if metric["kind"] != "proportion":
                continue
            when = {
                id(p): min(
                    (m for m, _ in experiments.facts[p.person][metric["numerator"]] if p.phase("window", m)),
                    default=None,
                )
                for p in people
            }
            for arm in {p.first["arm"] for p in people}:
                group = [p for p in people if p.first["arm"] == arm]
                joined = [p.on for p in group]
                hits = [company.day_of(hit) for hit in (when[id(p)] for p in group) if hit]
                for day in days:
                    converted = sum(hit <= day for hit in hits)
                    rows.append(
                        {
                            "experiment_id": name,
                            "metric": metric["metric"],
                            "arm": arm,
                            "day": day,
                            "days_since_start": (day - first).days,
                            "people": sum(on <= day for on in joined),
                            "immature_people": sum(
                                p.on <= day and p.ends > end_of_day(day, company.time_zone) for p in group
                            ),
                            "outcome_sum": converted,
                            "outcome_square_sum": converted,
                            "is_partial": end_of_day(day, company.time_zone) > newest,
                        }
                    )
    return sorted(rows, key=lambda row: [row[key] for key in ("experiment_id", "metric", "arm", "day")])


def chi_square_p_value(chi_square: float | None, degrees: int) -> float | None:
    """Q(degrees/2, chi_square/2) by series or continued fraction (Press et al., Numerical Recipes, 6.2)."""
    if chi_square is None or degrees < 1:
        return None
    a, x = degrees / 2, chi_square / 2
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for n in range(1, 1000):
            term *= x / (a + n)
            total += term
        return 1 - front * total
    tiny, b = 1e-300, x + 1 - a
    c, d = 1 / tiny, 1 / b
    fraction = d
    for n in range(1, 1000):
        b += 2
        d = 1 / ((-n * (n - a) * d + b) or tiny)
        c = b - n * (n - a) / c
        fraction *= d * c
    return front * fraction
