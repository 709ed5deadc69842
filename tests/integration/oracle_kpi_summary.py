"""Oracle of kpi_summary, in plain Python, written from docs/kpis.md and never from the SQL."""

import csv
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml
from oracle_events import Row
from oracle_kpi import ACTIVATION, BALANCES, BALANCES_OF_MONEY, DIMENSIONS, TRIAL, Figures, Part, money_ratio

PROJECT = Path(__file__).parents[2] / "dbt_project"
PERIODS = ("day", "week", "month", "quarter")
REFERENCES = ("previous", "year_before", "deadline")
LOOK_BACK = {"weekly_window_days": 7, "monthly_window_days": 30, "opening_balance": 31, None: 0}
OPEN_WINDOW = {"activation_days": ACTIVATION, "trial_days": TRIAL}


def catalogue() -> dict[str, Row]:
    """The metric catalogue by column of kpi_daily; it is configuration."""
    document = yaml.safe_load((PROJECT / "models" / "marts" / "kpi" / "kpi_metrics.yml").read_text())
    columns = {metric["name"]: metric["config"]["meta"]["column"] for metric in document["metrics"]}
    return {
        columns[metric["name"]]: {
            "label": metric["config"]["meta"].get("label_over_period", metric["label"]),
            **{part: columns.get(name, name) for part, name in metric["type_params"].items()},
            **metric["config"]["meta"],
        }
        for metric in document["metrics"]
    }


def deadlines() -> dict[str, list[tuple[date, str, int]]]:
    """Main deadlines by country: day, form, tax year."""
    found: dict[str, list[tuple[date, str, int]]] = {}
    with (PROJECT / "seeds" / "deadlines.csv").open() as file:
        for row in csv.DictReader(file):
            if row["is_main"] == "true":
                entry = (date.fromisoformat(row["due_date"]), row["form"], int(row["tax_year"]))
                found.setdefault(row["country"], []).append(entry)
    return {country: sorted(entries) for country, entries in found.items()}


def month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def months_later(day: date, months: int) -> date:
    """The same day of another month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def period_of(kind: str, day: date) -> tuple[date, date]:
    """First and last day of the period that a day belongs to."""
    if kind == "day":
        return day, day
    if kind == "week":
        start = day - timedelta(days=day.weekday())
        return start, start + timedelta(days=6)
    months = 1 if kind == "month" else 3
    start = date(day.year, (day.month - 1) // months * months + 1, 1)
    return start, months_later(start, months) - timedelta(days=1)


def year_before(kind: str, start: date) -> tuple[date, date]:
    """The same period a year before; a week on the same days of the week."""
    return period_of(kind, start - timedelta(days=364) if kind == "week" else months_later(start, -12))


@dataclass(frozen=True)
class Period:
    """One period of a data set, and the days that are counted."""

    kind: str
    start: date
    end: date
    to: date
    first: date
    last_finished: date | None

    @property
    def is_partial(self) -> bool:
        return self.last_finished is None or self.end > self.last_finished or self.start < self.first

    def cut(self, start: date, end: date) -> tuple[date, date]:
        """A reference period, after as many days as this one has."""
        return start, min(end, start + (self.to - self.start)) if self.to < self.end else end

    def may_be_compared(self) -> bool:
        return self.start >= self.first and self.last_finished is not None and self.start <= self.last_finished

    def is_inside(self, start: date, end: date) -> bool:
        return start >= self.first and self.last_finished is not None and end <= self.last_finished


class Summary:
    """Rows of kpi_summary of one company."""

    def __init__(self, company: Any, cents: Callable[[Fraction], Decimal]) -> None:
        self.figures, self.cents, self.metrics, self.deadlines = Figures.of(company), cents, catalogue(), deadlines()
        self.countries = self.figures.values_of("country") if self.figures.days else []

    def rows(self, kinds: tuple[str, ...]) -> list[Row]:
        found = []
        for kind in kinds:
            for start, end in sorted({period_of(kind, day) for day in self.figures.days}):
                period = self.period(kind, start, end)
                for dimension in DIMENSIONS if kind != "day" else ("all",):
                    for value in self.figures.values_of(dimension):
                        found += self.rows_of(period, dimension, value)
        newest = {}
        for row in found:
            if row["is_complete"]:
                name = (row["kpi"], row["period_type"])
                newest[name] = max(row["period_start"], newest.get(name, row["period_start"]))
        for row in found:
            row["is_headline"] = newest.get((row["kpi"], row["period_type"])) == row["period_start"]
        order = ("kpi", "period_type", "period_start", "dimension", "dimension_value")
        return sorted(found, key=lambda row: tuple(row[name] for name in order))

    def period(self, kind: str, start: date, end: date) -> Period:
        last = max(self.figures.finished, default=None)
        to = min(end, last if last and last >= start else self.figures.days[-1])
        return Period(kind, start, end, to, self.figures.days[0], last)

    def windows(self, period: Period, dimension: str, value: str) -> dict[str, list[Part]]:
        """The days of the period and of its references; none where there is nothing to align."""
        before = period_of(period.kind, period.start - timedelta(days=1))
        found = {"current": [(dimension, value, period.start, period.to)]}
        found["previous"] = [(dimension, value, *period.cut(*before))]
        found["year_before"] = [(dimension, value, *period.cut(*year_before(period.kind, period.start)))]
        if dimension == "country":
            shifted = self.aligned(period, value)
            found["deadline"] = [(dimension, value, *shifted)] if shifted else []
        elif dimension == "all":
            calendar = period.cut(*year_before(period.kind, period.start))
            shifts = {country: self.aligned(period, country) for country in self.countries}
            parts: list[Part] = [("country", country, *(days or calendar)) for country, days in shifts.items()]
            found["deadline"] = parts if any(shifts.values()) else []
        else:
            found["deadline"] = []
        return found

    def aligned(self, period: Period, country: str) -> tuple[date, date] | None:
        """The days that were as far from the deadline of the same form a tax year before."""
        for due, form, tax_year in self.deadlines.get(country, []):
            if due >= period.start:
                earlier = [e for e in self.deadlines[country] if e[1:] == (form, tax_year - 1)]
                shift = due - earlier[0][0] if earlier else None
                if shift and any(period.start - shift <= e[0] < earlier[0][0] for e in self.deadlines[country]):
                    shift = None  # another deadline lies between: those days were nearer to it
                return (period.start - shift, period.to - shift) if shift else None
        return None

    def amount(self, name: str, parts: list[Part], days: bool = False) -> Fraction:
        """A measure over windows; `days` adds up days whatever the measure is."""
        figures, rule = self.figures, self.metrics[name]["over_period"]
        found = Fraction()
        for dimension, value, start, end in parts:
            here = (dimension, value)
            if rule == "sum" or days:
                found += figures.total(name, start, end, *here)
            elif rule == "distinct":
                found += figures.distinct(name, start, end, *here)
            elif name in (*BALANCES, *BALANCES_OF_MONEY):
                found += figures.balance(name, end, *here)
            elif name in ("wau", "mau"):
                found += figures.distinct("dau", end - timedelta(days=6 if name == "wau" else 29), end, *here)
            else:
                week = [end - timedelta(days=n) for n in range(7)]
                found += sum(sum(day in days for day in week) >= 3 for days in figures.active.values())
        return found

    def value(self, name: str, parts: list[Part]) -> float | None:
        """A figure over windows."""
        metric = self.metrics[name]
        rule = metric["over_period"]
        if rule == "quantile":
            found = self.figures.quantile(95 if "95" in name else 50, *parts)
            return None if found is None else float(found)
        if "numerator" not in metric:
            amount = self.amount(name, parts)
            return float(self.cents(amount) if metric["unit"] == "reporting_currency" else amount)
        above, below = (
            self.amount(metric[part], parts, rule == "ratio_of_days") for part in ("numerator", "denominator")
        )
        if not below:
            return None
        if self.metrics[metric["numerator"]]["unit"] != "reporting_currency":
            return int(above) / int(below)
        return money_ratio(above, below) if metric["unit"] == "ratio" else float(self.cents(above / below))

    def rows_of(self, period: Period, dimension: str, value: str) -> list[Row]:
        windows = self.windows(period, dimension, value)
        drilled = {
            name: m for name, m in self.metrics.items() if dimension == "all" or m["drill"] in ("all", dimension)
        }
        return [self.row(name, period, windows, dimension, value) for name in drilled]

    def is_mature(self, name: str, parts: list[Part]) -> bool:
        window = OPEN_WINDOW.get(self.metrics[name]["open_window"])
        days = {part[3] for part in parts}
        return window is None or all(self.figures.is_mature(day, window) for day in days)

    def looks_back_into_data(self, name: str, period: Period, parts: list[Part]) -> bool:
        """Whether the data is old enough for every part: a part's own first or last day and so many before it."""
        metric = self.metrics[name]
        back = LOOK_BACK[metric["look_back"]]
        day = 2 if metric["over_period"] == "ratio_of_days" else 3
        return not back or all(part[day] - timedelta(days=back - 1) >= period.first for part in parts)

    def row(self, name: str, period: Period, windows: dict[str, list[Part]], dimension: str, value: str) -> Row:
        metric = self.metrics[name]
        minimum = metric["minimum_count"]
        counted = int(self.amount(minimum["of"], windows["current"]))
        mature, enough = self.is_mature(name, windows["current"]), counted >= minimum["count"]
        here = self.value(name, windows["current"]) if mature else None
        row = {
            "kpi": metric.get("name_over_period", name),
            "label": metric["label"],
            "unit": metric["unit"],
            "good_direction": metric["good_direction"],
            "period_type": period.kind,
            "dimension": dimension,
            "dimension_value": value,
            "value": here,
            "counted": counted,
            "is_partial": period.is_partial,
            "is_complete": not period.is_partial
            and mature
            and self.looks_back_into_data(name, period, windows["current"]),
            "is_noise": not enough,
            "period_start": period.start,
            "period_end": period.end,
            "counted_until": period.to,
        }
        for reference in REFERENCES:
            row |= self.compared(name, period, reference, windows[reference], here, mature, enough)
        return row

    def compared(
        self,
        name: str,
        period: Period,
        reference: str,
        parts: list[Part],
        here: float | None,
        mature: bool,
        enough: bool,
    ) -> Row:
        """The columns about one reference."""
        metric = self.metrics[name]
        known = bool(parts) and period.may_be_compared() and self.is_mature(name, parts)
        known = known and not (reference == "deadline" and metric["drill"] == "none")
        known = known and all(period.is_inside(start, end) for *_, start, end in parts)
        known = known and self.looks_back_into_data(name, period, parts)
        there = self.value(name, parts) if known and mature else None
        change = None
        if known and mature and enough and here is not None and there is not None:
            minimum = metric["minimum_count"]
            if self.amount(minimum["of"], parts) >= minimum["count"]:
                change = here - there
                change = round(change, 2) if metric["unit"] == "reporting_currency" else change
        return {
            f"{reference}_value": there,
            f"{reference}_change": change,
            f"{reference}_relative_change": change / abs(there) if change is not None and there else None,
            f"is_{reference}_comparable": known and mature,
        }


def kpi_summary(company: Any, cents: Callable[[Fraction], Decimal], kinds: tuple[str, ...] = PERIODS) -> list[Row]:
    """Rows of kpi_summary in the order of its key, for some types of period."""
    return Summary(company, cents).rows(kinds)


def revenue_weekly(company: Any, cents: Callable[[Fraction], Decimal]) -> list[Row]:
    """Rows of revenue_weekly in the order of its key; by plan the main deadlines of every country count."""
    due = [(country, day) for country, entries in deadlines().items() for day, _, _ in entries]

    def deadlines_in(country: str | None, week: date) -> int:
        return sum(country in (None, one) and week <= day < week + timedelta(days=7) for one, day in due)

    weeks = [
        {
            "dimension": row["dimension"],
            "dimension_value": row["dimension_value"],
            "net_revenue": cents(Fraction(row["value"] or 0)),
            "year_before_net_revenue": None
            if row["year_before_value"] is None
            else cents(Fraction(row["year_before_value"])),
            "deadlines": deadlines_in(
                row["dimension_value"] if row["dimension"] == "country" else None, row["period_start"]
            ),
            "is_complete": row["is_complete"],
            "week": row["period_start"],
        }
        for row in kpi_summary(company, cents, ("week",))
        if row["kpi"] == "net_revenue" and row["dimension"] in ("country", "plan")
    ]
    return sorted(weeks, key=lambda row: (row["dimension"], row["week"], row["dimension_value"]))
