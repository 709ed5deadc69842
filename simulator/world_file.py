"""Reads simulator/world/*.yml into one checked World."""

from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, get_args

import yaml
from pydantic import Field, ValidationError, model_validator

from simulator import world_parts as parts

WORLD_DIR = Path(__file__).parent / "world"

#: Raw tables that products send, and that therefore know late, repeated and malformed deliveries.
DELIVERED = ("user_events", "calculator_usage", "revenue_events", "experiment_exposures", "performance_metrics")


class WorldError(Exception):
    """A world file cannot be used; each line of the text names a key."""


class World(parts.Part):
    """Everything that is planted, except size, range and seed."""

    currencies: dict[str, parts.Currency]
    countries: dict[str, parts.Country] = Field(min_length=1)
    deadlines: list[parts.Deadline]
    moved: list[parts.MovedDeadline] = Field(default_factory=list)
    seasons: parts.Seasons
    channels: dict[str, parts.Channel] = Field(min_length=1)
    spend: parts.Spend
    plans: dict[str, parts.Plan] = Field(min_length=2)
    subscriptions: parts.Subscriptions
    one_off: parts.OneOff
    behaviour: parts.Behaviour
    devices: list[parts.Device] = Field(min_length=1)
    app_versions: list[str] = Field(min_length=1)
    pages: parts.Weights
    calculators: dict[str, parts.Calculator] = Field(min_length=1)
    error_codes: parts.Weights
    requests: parts.Requests
    machines: parts.Machines
    experiments: dict[str, parts.Experiment]
    crossovers: parts.Share
    incidents: dict[str, parts.Incident]
    anomalies: dict[str, parts.Anomaly]
    price_changes: dict[str, parts.PriceChange]
    delivery: parts.Delivery
    competitors: dict[str, parts.Competitor]
    sightings: parts.Sightings
    keywords: list[str]
    trends: parts.Trends

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        checks = (_unknown_names, _wrong_prices, _wrong_experiments, _wrong_delivery, _missing_routes)
        faults = [line for check in checks for line in check(self)]
        if faults:
            raise ValueError("\n".join(faults))
        return self


def read_world(path: Path | None = None) -> World:
    """Read a folder of YAML files, or one file, that together name every key once. Default: simulator/world/.

    Raises WorldError.
    """
    place = path or WORLD_DIR
    files = sorted(place.glob("*.yml")) if place.is_dir() else [place]
    if not files:
        raise WorldError(f"no world files: {place}")
    merged: dict[str, Any] = {}
    for file in files:
        merged.update(_read_file(file, merged))
    try:
        return World.model_validate(merged)
    except ValidationError as error:
        raise WorldError("\n".join(_lines(error))) from None


def _read_file(file: Path, before: dict[str, Any]) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WorldError(f"cannot read {file.name}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise WorldError(f"{file.name}: expected keys such as `countries`, found {type(content).__name__}")
    twice = sorted(set(content) & set(before))
    if twice:
        raise WorldError(f"{file.name}: key stands in another file already: {', '.join(twice)}")
    return content


def _lines(error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors():
        key = ".".join(str(step) for step in fault["loc"])
        text = fault["msg"].removeprefix("Value error, ")
        lines += [f"{key}: {text}" if key else line for line in ([text] if key else text.splitlines())]
    return lines


def _unknown_names(world: World) -> list[str]:
    known: list[tuple[str, str, Collection[str]]]
    known = [(f"countries.{code}.currency", c.currency, world.currencies) for code, c in world.countries.items()]
    known += [(f"deadlines.{i}.country", d.country, world.countries) for i, d in enumerate(world.deadlines)]
    known += [(f"moved.{i}.country", m.country, world.countries) for i, m in enumerate(world.moved)]
    known += [(f"anomalies.{n}.country", a.country, world.countries) for n, a in world.anomalies.items() if a.country]
    known += [(f"competitors.{n}.country", c.country, world.countries) for n, c in world.competitors.items()]
    known += [(f"competitors.{n}.currency", c.currency, world.currencies) for n, c in world.competitors.items()]
    known += [(f"price_changes.{n}.plan", p.plan, list(world.plans)[1:]) for n, p in world.price_changes.items()]
    known += [(f"incidents.{n}.host", i.host, world.machines.hosts) for n, i in world.incidents.items() if i.host]
    return [f"{key}: unknown name: {name}" for key, name, names in known if name not in names]


def _wrong_prices(world: World) -> list[str]:
    faults: list[str] = []
    free, *paid = world.plans
    if world.plans[free].month or world.plans[free].year:
        faults.append(f"plans.{free}: the first plan is the free one and has no prices")
    lists = [(f"plans.{name}", world.plans[name].month, world.plans[name].year) for name in paid]
    lists += [(f"price_changes.{name}", change.month, change.year) for name, change in world.price_changes.items()]
    needed = {country.currency for country in world.countries.values()}
    for key, month, year in lists:
        for period, prices, parts_of in (("month", month, 1), ("year", year, 12)):
            missing = sorted(needed - set(prices or {}))
            faults += [f"{key}.{period}: no price in {', '.join(missing)}"] if missing else []
            faults += [
                f"{key}.{period}.{code}: must be a whole multiple of {parts_of} minor units: {price}"
                for code, price in (prices or {}).items()
                if code in world.currencies and not _divides(price, world.currencies[code].minor_digits, parts_of)
            ]
    return faults


def _divides(price: Decimal, minor_digits: int, parts_of: int) -> bool:
    return price.scaleb(minor_digits) % parts_of == 0


def _wrong_experiments(world: World) -> list[str]:
    faults = []
    for name, experiment in world.experiments.items():
        for key in ("actual_weights", "lift"):
            unknown = sorted(set(getattr(experiment, key) or {}) - set(experiment.weights))
            faults += [f"experiments.{name}.{key}: unknown arm: {', '.join(unknown)}"] if unknown else []
        fits = {"visitor": {"sign_up"}, "user": {"trial", "paid_after_trial"}}[experiment.unit]
        if experiment.metric not in fits:
            faults.append(
                f"experiments.{name}.metric: a {experiment.unit} can be measured by: {', '.join(sorted(fits))}"
            )
    return faults


def _missing_routes(world: World) -> list[str]:
    missing = [kind for kind in get_args(parts.RouteKind) if kind not in world.requests.routes]
    return [f"requests.routes: missing: {', '.join(missing)}"] if missing else []


def _wrong_delivery(world: World) -> list[str]:
    rates = {key: getattr(world.delivery, key) for key in ("late", "duplicated", "malformed")}
    return [
        f"delivery.{key}.{table}: not a table that products send: choose from {', '.join(DELIVERED)}"
        for key, tables in rates.items()
        for table in tables
        if table not in DELIVERED
    ]
