"""The shape of world/geography.yml and world/channels.yml."""

from datetime import date
from typing import Literal

from pydantic import Field

from simulator.world_types import MonthDay, Part, Positive, TimeZone, Weight, Weights, Window


class Currency(Part):
    """A currency; `usd_rate` is US dollars for one unit."""

    minor_digits: int = Field(ge=0, le=4)
    usd_rate: Positive


class Region(Part):
    """A part of a country, with a time zone of its own where it differs."""

    weight: Weight
    time_zone: TimeZone | None = None


class Country(Part):
    """Where visitors come from; `sales_tax` is contained in prices."""

    weight: Weight
    currency: str
    sales_tax: float = Field(ge=0, lt=1)
    time_zone: TimeZone
    languages: Weights
    regions: dict[str, Region] = Field(min_length=1)


class Deadline(Part):
    """A filing date that returns every year."""

    country: str
    form: str
    due: MonthDay
    tax_year_offset: int
    weekend: Literal["keep", "next_business_day"] = "keep"
    peak: Weight = 1.0


class MovedDeadline(Part):
    """One year's filing date, where it was moved."""

    country: str
    form: str
    tax_year: int
    due_date: date


class Seasons(Part):
    """How traffic follows deadlines, weekdays and hours."""

    base: Positive
    peak: Weight
    lead_days: Positive
    tail_days: Positive
    in_season_above: Positive
    weekdays: list[Weight] = Field(min_length=7, max_length=7)
    hours: list[Weight] = Field(min_length=24, max_length=24)


class Source(Part):
    """One line of traffic with its tags; see channels.yml."""

    name: str
    referrer_host: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    new: Weight
    returning: Weight
    season: Positive = 1.0
    quality: Weight = 1.0
    cpc_usd: Weight = 0.0
    window: Window = (0.0, 1.0)
    terms: list[str] = Field(default_factory=list)
    contents: list[str] = Field(default_factory=list)


class Channel(Part):
    """A marketing channel and its sources."""

    sources: list[Source] = Field(min_length=1)


class Spend(Part):
    """How clicks become statements of cost."""

    unseen_clicks: float = Field(ge=1)
    click_rate: float = Field(gt=0, le=1)
    price_spread: Weight
