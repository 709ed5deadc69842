"""Oracle of the marts about segments, in plain Python, written from the definitions and never from the SQL."""

import calendar
import copy
import csv
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from oracle_events import Row, end_of_day, engine_order
from oracle_marts import SEEDS, Company, rfm


@dataclass(frozen=True)
class Thresholds:
    """The variables of dbt_project.yml, as they ship."""

    season_before: int = 60
    season_after: int = 7
    new: int = 31
    active: int = 31
    resurrected: int = 31
    churn: int = 180


@dataclass
class Seasons:
    """When people of a country file, by the seed `deadlines`."""

    thresholds: Thresholds = field(default_factory=Thresholds)

    def __post_init__(self) -> None:
        self.of_country: dict[str, list[tuple[str, bool, date]]] = defaultdict(list)
        with (SEEDS / "deadlines.csv").open() as file:
            for row in csv.DictReader(file):
                due = date.fromisoformat(row["due_date"])
                self.of_country[row["country"]].append((row["form"], row["is_main"] == "true", due))

    def span(self, due: date) -> tuple[date, date]:
        """First and last day of the season of a deadline."""
        return due - timedelta(self.thresholds.season_before), due + timedelta(self.thresholds.season_after)

    def own_form(self, country: str, day: date) -> str:
        """The form in whose season the day lies; of several or none the main one; then the nearest, then the first."""

        def rank(deadline: tuple[str, bool, date]) -> tuple[bool, bool, int, str]:
            form, is_main, due = deadline
            opens, closes = self.span(due)
            return (not opens <= day <= closes, not is_main, abs((due - day).days), form)

        return min(self.of_country[country], key=rank)[0]

    def returns_until(self, country: str, day: date) -> date:
        """Until when somebody of the country who was last seen on the day has to come back."""
        if country in self.of_country:
            own = self.own_form(country, day)
            spans = [self.span(due) for form, _, due in self.of_country[country] if form == own]
            if later := [closes for opens, closes in spans if opens > day]:
                return min(later)
        return day + timedelta(self.thresholds.churn)


def moment_key(row: Row) -> Any:
    """Events in order of time, ties by id."""
    return (row["event_at"], engine_order(row["event_id"]))


def markets() -> dict[str, tuple[str, str]]:
    """The seed: country to market and continent."""
    with (SEEDS / "country_markets.csv").open() as file:
        return {row["country"]: (row["market"], row["continent"]) for row in csv.DictReader(file)}


def month_ends(company: Company) -> Iterator[tuple[date, date, bool]]:
    """First day, last day looked at, and whether unfinished, of every month of the data."""
    if company.first is None or company.last is None:
        return
    month = company.first.replace(day=1)
    while month <= company.last:
        end = month.replace(day=calendar.monthrange(month.year, month.month)[1])
        seen = min(end, company.last)
        over = end_of_day(end, company.time_zone) <= max(company.received)
        yield month, seen, seen < end or not over
        month = end + timedelta(1)


def stage(days: list[date], countries: dict[date, str], end: date, seasons: Seasons) -> str:
    """Lifecycle stage at the end of a day, from the active days up to it, sorted."""
    limits = seasons.thresholds
    until = {day: seasons.returns_until(countries[day], day) for day in days}
    returns = [day for before, day in itertools.pairwise(days) if day > until[before]]
    if end > until[days[-1]]:
        return "churned"
    if (end - days[0]).days < limits.new:
        return "new"
    if returns and (end - returns[-1]).days < limits.resurrected:
        return "resurrected"
    return "active" if (end - days[-1]).days < limits.active else "at_risk"


def newest(rows: list[Row], column: str) -> str:
    """Value of the newest row that has one."""
    return next((row[column] for row in sorted(rows, key=moment_key, reverse=True) if row[column]), "")


def user_segments(company: Company, seasons: Seasons | None = None) -> list[Row]:
    """Rows of user_segments by person and period."""
    seasons, places = seasons or Seasons(), markets()
    lines: dict[str, list[Row]] = defaultdict(list)
    for row in company.money:
        if customer := company.customer_of(row):
            lines[customer].append(row)
    found = []
    for month, end, partial in month_ends(company):
        scores = {row["customer_id"]: row for row in rfm(as_of(company, end))}
        for person in company.people.keys() | lines.keys():
            events = [row for row in company.people.get(person, []) if company.day_of(row["event_at"]) <= end]
            money = [row for row in lines.get(person, []) if company.day_of(row["event_at"]) <= end]
            if not events and not money:
                continue
            days = sorted({company.day_of(row["event_at"]) for row in events})
            known = {d: newest([r for r in events if company.day_of(r["event_at"]) <= d], "country") for d in days}
            country = newest(events, "country") or newest(money, "country")
            placed = max((row for row in events if row["country"] and row["region"]), key=moment_key, default=None)
            market, continent = places.get(country, ("unknown", "unknown"))
            score = scores.get(person, {})
            found.append(
                {
                    "person_id": person,
                    "period": month,
                    "last_day": end,
                    "is_partial": partial,
                    "is_known": not person.startswith("anonymous:"),
                    "rfm_segment": score.get("segment"),
                    "lifecycle_stage": stage(days, known, end, seasons) if days else None,
                    "geographic_segment": market,
                    "continent": continent,
                    "country": country,
                    "region": placed["region"] if placed and placed["country"] == country else "",
                    "tax_residence": newest(events, "tax_residence"),
                    "last_active_date": days[-1] if days else None,
                    **{
                        name: score.get(name)
                        for name in (
                            "recency_days",
                            "frequency",
                            "monetary",
                            "recency_score",
                            "frequency_score",
                            "monetary_score",
                        )
                    },
                }
            )
    return sorted(found, key=lambda row: (row["person_id"], row["period"]))


def as_of(company: Company, end: date) -> Company:
    """The company's money as of an earlier day; who is who stays as it is known today."""
    past = copy.copy(company)
    past.money = [row for row in company.money if company.day_of(row["event_at"]) <= end]
    past.last = end
    return past


KINDS = {"rfm": "rfm_segment", "lifecycle": "lifecycle_stage", "geographic": "geographic_segment"}


def segment_changes(segments: list[Row]) -> list[Row]:
    """Rows of segment_changes by kind, period and person, from rows of user_segments."""
    found, since = [], {}
    partial = {row["period"]: row["is_partial"] for row in segments}
    by_key = {(row["person_id"], row["period"]): row for row in segments}
    people = sorted({row["person_id"] for row in segments})
    for kind, column in KINDS.items():
        for person in people:
            before = ""
            for period in sorted(partial):
                now = by_key.get((person, period), {}).get(column) or ""
                if now != before:
                    movement = "entry" if not before else "move" if now else "exit"
                    found.append(
                        {
                            "person_id": person,
                            "segment_kind": kind,
                            "period": period,
                            "from_segment": before,
                            "to_segment": now,
                            "movement": movement,
                            "from_since": since[kind, person] if before else None,
                            "is_known": not person.startswith("anonymous:"),
                            "is_partial": partial[period],
                        }
                    )
                    since[kind, person] = period
                before = now
    return sorted(found, key=lambda row: (row["segment_kind"], row["period"], row["person_id"]))


def segment_migration(segments: list[Row]) -> list[Row]:
    """Rows of segment_migration by kind, period, known, from and to, from rows of user_segments."""
    partial = {row["period"]: row["is_partial"] for row in segments}
    periods = sorted(partial)
    cells: Counter[tuple[str, date, bool, str, str]] = Counter()
    by_key = {(row["person_id"], row["period"]): row for row in segments}
    for kind, column in KINDS.items():
        for person in {row["person_id"] for row in segments}:
            known = not person.startswith("anonymous:")
            for number, period in enumerate(periods):
                now = by_key.get((person, period), {}).get(column) or ""
                last = (by_key.get((person, periods[number - 1]), {}).get(column) or "") if number else ""
                if now or last:
                    cells[kind, period, known, last, now] += 1
    size = Counter[tuple[str, date, bool, str]]()
    for (kind, period, known, last, _), people in cells.items():
        size[kind, period, known, last] += people
    return [
        {
            "segment_kind": kind,
            "from_segment": last,
            "to_segment": now,
            "movement": "entry" if not last else "exit" if not now else "stay" if last == now else "move",
            "people": people,
            "share_of_from": people / size[kind, period, known, last] if last else None,
            "is_known": known,
            "is_partial": partial[period],
            "period": period,
        }
        for (kind, period, known, last, now), people in sorted(cells.items())
    ]
