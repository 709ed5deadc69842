"""Oracle of lifecycle, stickiness, cohorts and seasons, written from the definitions and never from the SQL.

Definitions: reference page semantics.md (users, lifecycle, stickiness; retention; maturity) and docs/retention.md.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from oracle_events import Row, end_of_day
from oracle_marts import SEEDS, Company, Money, cents, share
from oracle_revenue import origins

DAY = timedelta(days=1)

#: First day of the period of a day, and the last period number of a cohort's cells.
STARTS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - DAY * day.weekday(),
    "month": lambda day: day.replace(day=1),
}
LAST = {"day": 30, "week": 12, "month": 24}

Cells = dict[str, Any]


def period_end(granularity: str, start: date) -> date:
    """Last day of the period that begins on `start`."""
    later = start + {"day": DAY, "week": 7 * DAY, "month": 31 * DAY}[granularity]
    return STARTS[granularity](later) - DAY


class Periods:
    """The days, weeks or months that a company's data touches, in order."""

    def __init__(self, company: Company, granularity: str) -> None:
        self.company, self.granularity = company, granularity
        self.over_until = last_day_over(company)
        self.starts = sorted({self.of(day) for day in all_days(company)})
        self.position = {start: number for number, start in enumerate(self.starts)}

    def of(self, day: date) -> date:
        return STARTS[self.granularity](day)

    def end(self, start: date) -> date:
        return period_end(self.granularity, start)

    def before(self, start: date) -> date:
        return self.of(start - DAY)

    def is_partial(self, start: date) -> bool:
        """Whether some of its days lie before the data, or are not over."""
        return start < self.company.first or self.end(start) > self.over_until

    def positions(self, days: Iterable[date]) -> list[int]:
        return sorted({self.position[self.of(day)] for day in days})


def all_days(company: Company) -> list[date]:
    """From the first to the as-of date."""
    if company.first is None or company.last is None:
        return []
    return [company.first + DAY * n for n in range((company.last - company.first).days + 1)]


def last_day_over(company: Company) -> date:
    """The last day, up to the as-of date, after whose end something was received."""
    newest = max(company.received, default=datetime.min)
    over = (day for day in reversed(all_days(company)) if end_of_day(day, company.time_zone) <= newest)
    return next(over, date.min)


def days_of_events(company: Company) -> dict[str, dict[str, set[date]]]:
    """The days of each person by name of an event; `activity` is any event, `order` an order, not an event so named."""
    found: dict[str, dict[str, set[date]]] = defaultdict(lambda: defaultdict(set))
    for person, events in company.people.items():
        for row in events:
            for name in {"activity", row["event_name"]} - {"order"}:
                found[name][person].add(company.day_of(row["event_at"]))
    for customer, day, _ in company.orders().values():
        if customer:
            found["order"][customer].add(day)
    return found


def lifecycle(company: Company, granularity: str) -> list[dict[str, Any]]:
    """Rows of lifecycle_daily, lifecycle_weekly or lifecycle_monthly."""
    periods = Periods(company, granularity)
    active = {person: {periods.of(day) for day in days} for person, days in days_of_events(company)["activity"].items()}
    rows = []
    for start in periods.starts:
        before = periods.before(start)
        now = [mine for mine in active.values() if start in mine]
        rows.append(
            {
                "period_start": start,
                "period_end": periods.end(start),
                "active_users": len(now),
                "new_users": sum(min(mine) == start for mine in now),
                "returning_users": sum(before in mine for mine in now),
                "resurrecting_users": sum(before not in mine and min(mine) < start for mine in now),
                "dormant_users": sum(before in mine and start not in mine for mine in active.values()),
                "is_partial": periods.is_partial(start),
                "is_comparable": before >= company.first,
            }
        )
    return rows


def stickiness(company: Company) -> list[dict[str, Any]]:
    """Rows of stickiness by granularity, period and number of days."""
    rows, people = [], days_of_events(company)["activity"].values()
    for granularity in ("month", "week"):
        periods = Periods(company, granularity)
        for start in periods.starts:
            end = periods.end(start)
            days = [sum(start <= day <= end for day in mine) for mine in people]
            active = sum(count > 0 for count in days)
            for k in range(1, (end - start).days + 2):
                exactly, at_least = days.count(k), sum(count >= k for count in days)
                rows.append(
                    {
                        "granularity": granularity,
                        "period_start": start,
                        "active_days": k,
                        "period_end": end,
                        "users_exactly": exactly,
                        "users_at_least": at_least,
                        "active_users": active,
                        "share_exactly": share(exactly, active),
                        "share_at_least": share(at_least, active),
                        "is_partial": periods.is_partial(start),
                    }
                )
    return rows


@dataclass
class Member:
    """One person's entry into one cohort: positions of periods, and money by position."""

    cohort: int
    returns: list[int]
    money: dict[int, Money] = field(default_factory=dict)


def cohort_definitions() -> list[Row]:
    """The seed, which is configuration and not a definition."""
    with (SEEDS / "cohort_definitions.csv").open() as file:
        return list(csv.DictReader(file))


def cohort_analysis(company: Company) -> list[dict[str, Any]]:
    """Rows of cohort_analysis, unordered."""
    events, whence = days_of_events(company), origins(company)
    spent: dict[str, list[tuple[date, Money]]] = defaultdict(list)
    for row in company.money:
        spent[company.customer_of(row)].append((company.day_of(row["event_at"]), company.worth(row)))
    rows = []
    for definition in cohort_definitions():
        for granularity in STARTS:
            periods = Periods(company, granularity)
            groups: dict[tuple[str, str, int], list[Member]] = defaultdict(list)
            for person, anchors in events[definition["anchor_event"]].items():
                entries = periods.positions(anchors)
                returns = periods.positions(events[definition["return_event"]].get(person, ()))
                money: dict[int, Money] = defaultdict(Fraction)
                for day, amount in spent.get(person, ()):
                    money[periods.position[periods.of(day)]] += amount
                for entry in entries if definition["anchor_type"] == "recurring" else entries[:1]:
                    member, (country, channel) = Member(entry, returns, money), whence[person]
                    for group in (("all", "all"), ("country", country), ("channel", channel)):
                        groups[(*group, entry)].append(member)
            for group, members in groups.items():
                rows += _cells(definition, periods, group, members)
    return rows


def _cells(definition: Row, periods: Periods, group: tuple[str, str, int], members: list[Member]) -> list[Cells]:
    breakdown, value, entry = group
    size, cohort_start = len(members), periods.starts[entry]
    first = cents(sum((member.money.get(entry, Fraction()) for member in members), Fraction()))
    cells = []
    for n in range(LAST[periods.granularity] + 1):
        if entry + n == len(periods.starts):
            break
        over = not periods.is_partial(periods.starts[entry + n])
        exactly = size if n == 0 else sum(entry + n in member.returns for member in members)
        or_later = size if n == 0 else sum(max(member.returns, default=-1) >= entry + n for member in members)
        revenue = cents(sum((member.money.get(entry + n, Fraction()) for member in members), Fraction()))
        figures = {
            "returned_users": exactly,
            "returned_or_later_users": or_later,
            "retention_rate": exactly / size,
            "unbounded_retention_rate": or_later / size,
            "first_revenue": first,
            "revenue": revenue,
            "revenue_retention_rate": int(revenue * 100) / int(first * 100) if first > 0 else None,
        }
        cells.append(
            {
                **definition,
                "granularity": periods.granularity,
                "breakdown": breakdown,
                "breakdown_value": value,
                "cohort_start": cohort_start,
                "period_number": n,
                "cohort_size": size,
                "eligible_users": size if over else 0,
                **{name: figure if over else None for name, figure in figures.items()},
                "is_complete": over,
                "is_cohort_partial": periods.is_partial(cohort_start),
                "period_start": periods.starts[entry + n],
            }
        )
    return cells


def cohort_averages(company: Company) -> list[dict[str, Any]]:
    """Rows of cohort_averages, unordered: sums over complete cells of whole cohorts, then one division."""
    key = ("cohort", "granularity", "breakdown", "breakdown_value", "period_number")
    groups: dict[tuple[Any, ...], list[Cells]] = defaultdict(list)
    for cell in cohort_analysis(company):
        if cell["is_complete"] and not cell["is_cohort_partial"]:
            groups[tuple(cell[name] for name in key)].append(cell)
    summed = ("eligible_users", "returned_users", "returned_or_later_users", "first_revenue", "revenue")
    rows = []
    for values, cells in groups.items():
        total = {name: sum(cell[name] for cell in cells) for name in summed}
        first, revenue = int(total["first_revenue"] * 100), int(total["revenue"] * 100)
        rates = {
            "retention_rate": total["returned_users"] / total["eligible_users"],
            "unbounded_retention_rate": total["returned_or_later_users"] / total["eligible_users"],
            "revenue_retention_rate": revenue / first if first > 0 else None,
        }
        rows.append({**dict(zip(key, values, strict=True)), "cohorts": len(cells), **total, **rates})
    return rows


def seasonal_retention(company: Company, before: int = 60, after: int = 7) -> list[dict[str, Any]]:
    """Rows of seasonal_retention, unordered."""
    with (SEEDS / "deadlines.csv").open() as file:
        main = [row for row in csv.DictReader(file) if row["is_main"] == "true"]
    due = {(row["country"], int(row["tax_year"])): (date.fromisoformat(row["due_date"]), row["form"]) for row in main}
    whence, activity, rows = origins(company), days_of_events(company)["activity"], []
    over_until = last_day_over(company)
    for (country, year), (deadline, form) in due.items():
        if (country, year + 1) not in due:
            continue
        begin, end = deadline - DAY * before, deadline + DAY * after
        following = due[country, year + 1][0]
        again, again_end = following - DAY * before, following + DAY * after
        cohort = [
            days
            for person, days in activity.items()
            if whence[person][0] == country and any(begin <= day <= end for day in days)
        ]
        if not cohort:
            continue
        returned = sum(any(again <= day <= again_end for day in days) for days in cohort)
        partial = begin < company.first or end > over_until
        complete = not partial and again_end <= over_until
        rows.append(
            {
                "country": country,
                "tax_year": year,
                "form": form,
                "cohort_size": len(cohort),
                "eligible_users": len(cohort) if complete else 0,
                "returned_users": returned if complete else None,
                "retention_rate": returned / len(cohort) if complete else None,
                "is_complete": complete,
                "is_cohort_partial": partial,
                "due_date": deadline,
                "season_start": begin,
                "season_end": end,
                "next_season_start": again,
                "next_season_end": again_end,
            }
        )
    return rows
