"""The shape of world/experiments.yml, world/disturbances.yml and world/market.yml."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from simulator.world_product import RouteKind
from simulator.world_types import Moment, Part, Positive, Prices, Share, Weight, Weights, Window


class Experiment(Part):
    """An experiment with the effects that are planted; see experiments.yml."""

    unit: Literal["visitor", "user"]
    metric: Literal["sign_up", "trial", "paid_after_trial"]
    window: Window
    weights: Weights
    actual_weights: Weights | None = None
    lift: dict[str, float] = Field(default_factory=dict)


class Incident(Part):
    """Something that breaks; which keys count depends on `kind`."""

    kind: Literal["outage", "latency", "errors", "disk"]
    at: Moment
    hours: Positive
    routes: list[RouteKind] = Field(default_factory=list)
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
    changes: list[CompetitorPrice] = Field(default_factory=list)
    features: dict[str, str] = Field(default_factory=dict)
    feature_changes: list[CompetitorFeature] = Field(default_factory=list)
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
