"""The simulated range: its days, its moments, its time zones and its filing deadlines."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np

from simulator.draws import Ints
from simulator.world_file import World

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

#: A disturbance is cut to this part of the range, so that a range of a few days keeps ordinary days.
LONGEST_DISTURBANCE = 0.1


@dataclass(frozen=True)
class Horizon:
    """All days from `first` to `last`, both included, in UTC; moments are milliseconds since 1970."""

    first: date
    last: date

    @cached_property
    def start(self) -> int:
        """The first moment."""
        return _midnight(self.first)

    @cached_property
    def end(self) -> int:
        """The first moment after the range."""
        return _midnight(self.last) + DAY_MS

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    def moment(self, part: float) -> int:
        """The moment when this part of the range has passed, on a whole minute."""
        return self.start + round(part * (self.end - self.start)) // MINUTE_MS * MINUTE_MS

    def stretch(self, part: float, length: float) -> tuple[int, int]:
        """A disturbance of `length` ms from that moment on, cut to a tenth of the range."""
        begin = self.moment(part)
        longest = LONGEST_DISTURBANCE * (self.end - self.start)
        return begin, min(begin + int(min(length, longest)), self.end)

    def day_of(self, moments: Ints) -> Ints:
        """Number of the UTC day from 0."""
        return (moments - self.start) // DAY_MS

    def date_of(self, day: int) -> date:
        """Date of a day's number."""
        return self.first + timedelta(days=day)

    def zone_offsets(self, zone: str) -> Ints:
        """For each day, local time minus UTC in ms at local noon."""
        place = ZoneInfo(zone)
        noons = [
            datetime.combine(self.date_of(day), datetime.min.time(), place).replace(hour=12) for day in range(self.days)
        ]
        return np.array([noon.utcoffset() // timedelta(milliseconds=1) for noon in noons], dtype=np.int64)  # type: ignore[operator]


@dataclass(frozen=True)
class FilingDate:
    """One deadline of one year; `moved_from` is the nominal day where it was moved."""

    country: str
    form: str
    tax_year: int
    due_date: date
    moved_from: date | None
    peak: float


def filing_dates(world: World, years: range) -> list[FilingDate]:
    """All deadlines that fall due in these years, by country and date."""
    granted = {(m.country, m.form, m.tax_year): m.due_date for m in world.moved}
    found = []
    for rule in world.deadlines:
        for year in years:
            nominal = date.fromisoformat(f"{year}-{rule.due}")
            tax_year = year + rule.tax_year_offset
            due = _working_day(nominal) if rule.weekend == "next_business_day" else nominal
            due = granted.get((rule.country, rule.form, tax_year), due)
            moved_from = nominal if due != nominal else None
            found.append(FilingDate(rule.country, rule.form, tax_year, due, moved_from, rule.peak))
    return sorted(found, key=lambda filing: (filing.country, filing.due_date, filing.form))


def _working_day(day: date) -> date:
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() >= 5 else day


def _midnight(day: date) -> int:
    return int(datetime.combine(day, datetime.min.time(), UTC).timestamp()) * 1000


def add_months(moments: Ints, months: Ints) -> Ints:
    """The same time of day so many calendar months later; the 31st becomes the last day of a shorter month."""
    days = moments // DAY_MS
    dates = days.astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    day_of_month = (dates - month.astype("datetime64[D]")).astype(np.int64)
    target = month + months.astype("timedelta64[M]")
    first = target.astype("datetime64[D]").astype(np.int64)
    length = (target + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - first
    later: Ints = (first + np.minimum(day_of_month, length - 1)) * DAY_MS + moments % DAY_MS
    return later
