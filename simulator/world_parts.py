"""The shape of the world files: one pydantic model for each thing that a person may edit."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A piece of the world: immutable, and a key that nobody reads is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _window(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] >= value[1]:
        raise ValueError("the first moment must lie before the second")
    return value


def _some_weight(value: dict[str, float]) -> dict[str, float]:
    if not sum(value.values()) > 0:
        raise ValueError("at least one weight must be above 0")
    return value


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"unknown time zone: {value}") from None
    return value


def _month_day(value: str) -> str:
    if not re.fullmatch(r"\d{2}-\d{2}", value):
        raise ValueError("write month and day as MM-DD")
    date.fromisoformat(f"2023-{value}")
    return value


Share = Annotated[float, Field(ge=0, le=1)]
Moment = Annotated[float, Field(ge=0, le=1, description="part of the simulated range that has passed")]
Weight = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Window = Annotated[tuple[Moment, Moment], AfterValidator(_window)]
Weights = Annotated[dict[str, Weight], AfterValidator(_some_weight)]
TimeZone = Annotated[str, AfterValidator(_known_zone)]
Prices = Annotated[dict[str, Annotated[Decimal, Field(gt=0)]], Field(min_length=1)]


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
    due: Annotated[str, AfterValidator(_month_day)]
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
    terms: list[str] = []
    contents: list[str] = []


class Channel(Part):
    """A marketing channel and its sources."""

    sources: list[Source] = Field(min_length=1)


class Spend(Part):
    """How clicks become statements of cost."""

    unseen_clicks: float = Field(ge=1)
    click_rate: float = Field(gt=0, le=1)
    price_spread: Weight


class Plan(Part):
    """A plan with its prices per currency; the free plan has none."""

    weight: Weight = 0
    month: Prices | None = None
    year: Prices | None = None


class Subscriptions(Part):
    """How trials and subscriptions run; probabilities unless the name says days."""

    trial_days: int = Field(ge=1)
    trial: Share
    direct_purchase: Share
    trial_to_paid: Share
    annual: Share
    month_cancel: Share
    year_cancel: Share
    payment_failure: Share
    month_upgrade: Share
    month_downgrade: Share
    year_upgrade: Share
    year_downgrade: Share
    month_to_year: Share
    reactivation: Share
    reactivation_mean_days: Positive
    refund: Share
    partial_refund: Share
    refund_within_days: int = Field(ge=1)
    cancel_reasons: Weights


class BgNbd(Part):
    """Parameters of the BG/NBD law, time in days."""

    r: Positive
    alpha: Positive
    a: Positive
    b: Positive


class GammaGamma(Part):
    """Parameters of the Gamma-Gamma law, money in USD."""

    p: Positive
    q: Positive
    v: Positive


class Product(Part):
    """An article sold once."""

    id: str
    name: str
    weight: Weight = 1


class OneOff(Part):
    """One-off sales."""

    buyers: Share
    first_after_mean_days: Positive
    bgnbd: BgNbd
    gamma_gamma: GammaGamma
    refund: Share
    add_on: Share
    add_on_share: float = Field(gt=0, lt=1)
    products: list[Product] = Field(min_length=1)
    add_on_product: Product


class Visits(Part):
    """Visits before somebody decides for or against an account."""

    mean_extra: Positive
    most: int = Field(ge=1, le=20)
    gap_mean_days: Positive


Runs = Annotated[list[Share], Field(min_length=3, max_length=3)]


class CalculatorRuns(Part):
    """Probability of 0, 1 and 2 runs in a session."""

    visit: Runs
    sign_up: Runs
    account: Runs


class Behaviour(Part):
    """What people do; see product.yml for each key."""

    sign_up: Share
    visits_before_decision: Visits
    sessions_per_day: Weight
    sessions_shape: Positive
    paying_factor: Positive
    one_time_users: Share
    lifetime_mean_days: Positive
    pages: Weight
    calculators: CalculatorRuns
    abandoned_checkout: Share
    stays_logged_in: Share
    never_logs_in: Share
    two_devices: Share
    second_device_sessions: Share
    shared_devices: Share
    equal_stamps: Share
    at_midnight: Share
    other_tax_residence: Share


class Device(Part):
    """A kind of device; `sign_up` is a factor on that probability."""

    platform: Literal["web", "ios", "android", "api"]
    device_type: str
    browser: str
    operating_system: str
    weight: Weight
    sign_up: Weight = 1.0


class Calculator(Part):
    """A calculator; `error` and `abandon` are probabilities per step, `retry` of going on after an error."""

    weight: Weight
    steps: list[str] = Field(min_length=1, max_length=12)
    error: Share
    abandon: Share
    retry: Share


class Route(Part):
    """A route with its lognormal latency."""

    route: str
    method: str
    median_ms: Positive
    sigma: Positive
    kilobytes: Positive


RouteKind = Literal["page", "calculator", "result", "account", "checkout"]


class Requests(Part):
    """Requests that performance_metrics reports."""

    sample: Share
    background_errors: Share
    routes: dict[RouteKind, Route]
    servers: list[str] = Field(min_length=1)


class Gauge(Part):
    """A reading that rises with load."""

    idle: Weight
    per_load: Weight
    noise: Weight


class Disk(Part):
    """A reading that rises over the range."""

    first: Weight
    last: Weight
    noise: Weight


class Machines(Part):
    """Readings of machines."""

    every_minutes: int = Field(ge=1, le=1440)
    hosts: list[str] = Field(min_length=1)
    cpu_percent: Gauge
    memory_percent: Gauge
    disk_percent: Disk


class Experiment(Part):
    """An experiment with the effects that are planted; see experiments.yml."""

    unit: Literal["visitor", "user"]
    metric: Literal["sign_up", "trial", "paid_after_trial"]
    window: Window
    weights: Weights
    actual_weights: Weights | None = None
    lift: dict[str, float] = {}


class Incident(Part):
    """Something that breaks; which keys count depends on `kind`."""

    kind: Literal["outage", "latency", "errors", "disk"]
    at: Moment
    hours: Positive
    routes: list[RouteKind] = []
    host: str | None = None
    failing: Share = 0.0
    lost_sessions: Share = 0.0
    factor: Positive = 1.0
    calculator_errors: Positive = 1.0
    cpu_percent: float | None = None
    disk_percent: float | None = None


class Anomaly(Part):
    """A stretch of days in which people behave differently."""

    kind: Literal["traffic", "sign_up"]
    at: Moment
    days: Positive
    factor: Weight
    country: str | None = None
    device_type: str | None = None


class PriceChange(Part):
    """New prices of a plan from a moment on."""

    at: Moment
    plan: str
    month: Prices
    year: Prices


class Delivery(Part):
    """Faults on the way from the product to the warehouse; rates per raw table."""

    normal_delay_mean_seconds: Positive
    late: dict[str, Share]
    late_hours: tuple[Positive, Positive]
    duplicated: dict[str, Share]
    duplicate_within_hours: Positive
    malformed: dict[str, Share]


class CompetitorPrice(Part):
    """A competitor's price from a moment on."""

    at: Moment
    plan: str
    billing_period: Literal["month", "year", "once"]
    amount: Decimal


class CompetitorFeature(Part):
    """A competitor's feature from a moment on."""

    at: Moment
    feature: str
    value: str


class Competitor(Part):
    """A competitor as its pages show it."""

    country: str
    url: str
    currency: str
    prices: dict[str, dict[Literal["month", "year", "once"], Decimal]]
    changes: list[CompetitorPrice] = []
    features: dict[str, str] = {}
    feature_changes: list[CompetitorFeature] = []
    position: Positive


class Sightings(Part):
    """How often scrapers look."""

    missed: Share
    every_days: int = Field(ge=1)
    features_every_days: int = Field(ge=1)


class Trends(Part):
    """Search interest, which follows the seasons."""

    topics: list[str]
    interest_at_mean: Positive
    noise: Weight
