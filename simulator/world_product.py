"""The shape of world/product.yml."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.world_types import Part, Positive, Share, Weight


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
