"""The world, laid over a range of dates: names become codes, moments become milliseconds, laws become arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

import numpy as np

from simulator.draws import AnyArray, Flags, Floats, Ints
from simulator.horizon import DAY_MS, HOUR_MS, FilingDate, Horizon, filing_dates
from simulator.world_file import World
from simulator.world_parts import Anomaly, Experiment, Incident, Source


@dataclass(frozen=True)
class Stretch:
    """A named stretch of time, [begin, end) in ms."""

    name: str
    begin: int
    end: int

    def holds(self, moments: Ints) -> Flags:
        """Which moments lie in it."""
        return (moments >= self.begin) & (moments < self.end)


@dataclass(frozen=True)
class Scenario:
    """A world, a range and a seed: all that a cell of users needs."""

    world: World
    horizon: Horizon
    seed: int

    @cached_property
    def countries(self) -> list[str]:
        """Codes of countries, in the order of their numbers."""
        return list(self.world.countries)

    @cached_property
    def currencies(self) -> list[str]:
        """Codes of currencies, in the order of their numbers."""
        return list(self.world.currencies)

    @cached_property
    def country_currency(self) -> Ints:
        """Number of each country's currency."""
        return np.array([self.currencies.index(c.currency) for c in self.world.countries.values()], dtype=np.int64)

    @cached_property
    def regions(self) -> list[tuple[int, str, float, str]]:
        """All regions: country number, code, weight, time zone."""
        return [
            (number, code, region.weight, region.time_zone or country.time_zone)
            for number, country in enumerate(self.world.countries.values())
            for code, region in country.regions.items()
        ]

    @cached_property
    def zone_offsets(self) -> Ints:
        """Local time minus UTC in ms, by region and day."""
        zones = {zone: self.horizon.zone_offsets(zone) for *_, zone in self.regions}
        return np.stack([zones[zone] for *_, zone in self.regions])

    @cached_property
    def filing_dates(self) -> list[FilingDate]:
        """Deadlines of the range and of the year around it."""
        return filing_dates(self.world, range(self.horizon.first.year - 1, self.horizon.last.year + 2))

    @cached_property
    def intensity(self) -> Floats:
        """Traffic by country and day, mean about 1, before anomalies: deadlines and weekdays."""
        rules, horizon = self.world.seasons, self.horizon
        days = np.arange(horizon.days)
        weekday = np.array(rules.weekdays)[(days + horizon.first.weekday()) % 7]
        rows = []
        for code in self.countries:
            row = np.full(horizon.days, rules.base)
            for filing in (f for f in self.filing_dates if f.country == code):
                left = (filing.due_date - horizon.first).days - days
                slope = np.where(left >= 0, np.exp(-left / rules.lead_days), np.exp(left / rules.tail_days))
                row += rules.peak * filing.peak * slope
            rows.append(row * weekday)
        return np.stack(rows)

    @cached_property
    def season(self) -> Flags:
        """Which days are season, by country."""
        year_mean = self.world.seasons.base + self.world.seasons.peak * self.world.seasons.lead_days / 365
        return self.intensity > self.world.seasons.in_season_above * year_mean

    @cached_property
    def arrivals(self) -> Floats:
        """Traffic of new visitors by country and day, with the traffic anomalies."""
        arrivals = self.intensity.copy()
        starts = self.horizon.start + np.arange(self.horizon.days) * DAY_MS
        for stretch, anomaly in self.anomalies:
            if anomaly.kind == "traffic":
                covered = np.clip(
                    np.minimum(starts + DAY_MS, stretch.end) - np.maximum(starts, stretch.begin), 0, DAY_MS
                )
                factor = 1 + (anomaly.factor - 1) * covered / DAY_MS
                rows = [self.countries.index(anomaly.country)] if anomaly.country else slice(None)
                arrivals[rows] *= factor
        return arrivals

    @cached_property
    def sources(self) -> list[tuple[str, Source]]:
        """All lines of traffic: channel and source, in the order of their numbers."""
        return [(name, source) for name, channel in self.world.channels.items() for source in channel.sources]

    def source_weights(self, kind: str) -> Floats:
        """Cumulative weights of sources by country, day and source, for `new` or `returning` visits."""
        horizon = self.horizon
        days = horizon.start + np.arange(horizon.days) * DAY_MS
        columns = []
        for _, source in self.sources:
            begin, end = horizon.moment(source.window[0]), horizon.moment(source.window[1])
            runs = (days + DAY_MS > begin) & (days < end)
            columns.append(getattr(source, kind) * runs * np.where(self.season, source.season, 1.0))
        return np.cumsum(np.stack(columns, axis=2), axis=2)

    @cached_property
    def new_sources(self) -> Floats:
        """Cumulative weights of sources among first visits."""
        return self.source_weights("new")

    @cached_property
    def returning_sources(self) -> Floats:
        """Cumulative weights of sources among later visits."""
        return self.source_weights("returning")

    @cached_property
    def experiments(self) -> list[tuple[Stretch, Experiment]]:
        """Experiments and when they run."""
        moment = self.horizon.moment
        return [
            (Stretch(name, moment(e.window[0]), moment(e.window[1])), e) for name, e in self.world.experiments.items()
        ]

    @cached_property
    def incidents(self) -> list[tuple[Stretch, Incident]]:
        """Incidents and when they happen."""
        stretch = self.horizon.stretch
        return [(Stretch(name, *stretch(i.at, i.hours * HOUR_MS)), i) for name, i in self.world.incidents.items()]

    @cached_property
    def anomalies(self) -> list[tuple[Stretch, Anomaly]]:
        """Anomalies and when they happen."""
        stretch = self.horizon.stretch
        return [(Stretch(name, *stretch(a.at, a.days * DAY_MS)), a) for name, a in self.world.anomalies.items()]

    @cached_property
    def price_moments(self) -> Ints:
        """Moments from which each generation of prices holds, the first being 0."""
        moments = {self.horizon.moment(change.at) for change in self.world.price_changes.values()}
        return np.array([0, *sorted(moments)], dtype=np.int64)

    @cached_property
    def prices(self) -> Ints:
        """Price in 1/10000 of the currency by generation, plan, period (0 month, 1 year) and currency."""
        plans = list(self.world.plans)
        table = np.zeros((len(self.price_moments), len(plans), 2, len(self.currencies)), dtype=np.int64)
        for number, plan in enumerate(self.world.plans.values()):
            self._fill(table[:, number], plan.month or {}, plan.year or {})
        for change in sorted(self.world.price_changes.values(), key=lambda change: change.at):
            first = int(np.searchsorted(self.price_moments, self.horizon.moment(change.at)))
            self._fill(table[first:, plans.index(change.plan)], change.month, change.year)
        return table

    def _fill(self, table: Ints, month: Mapping[str, Decimal], year: Mapping[str, Decimal]) -> None:
        for period, prices in enumerate((month, year)):
            for code, price in prices.items():
                table[:, period, self.currencies.index(code)] = int(price * 10_000)

    def price_at(self, moments: Ints, plan: Ints, period: Ints, currency: Ints) -> Ints:
        """List price in 1/10000 of the currency."""
        generation = np.searchsorted(self.price_moments, moments, side="right") - 1
        return self.prices[generation, plan, period, currency]

    @cached_property
    def minor_unit(self) -> Ints:
        """Smallest coin of each currency in 1/10000."""
        return np.array([10 ** (4 - c.minor_digits) for c in self.world.currencies.values()], dtype=np.int64)

    @cached_property
    def usd_rates(self) -> Floats:
        """US dollars for one unit of each currency."""
        return np.array([c.usd_rate for c in self.world.currencies.values()])

    @cached_property
    def sales_tax(self) -> Ints:
        """Sales tax of each country in 1/10000."""
        return np.array([round(c.sales_tax * 10_000) for c in self.world.countries.values()], dtype=np.int64)

    def contained_tax(self, amount: Ints, country: Ints, currency: Ints) -> Ints:
        """Sales tax contained in an amount (both 1/10000 of the currency), rounded half up to the smallest coin."""
        rate, coin = self.sales_tax[country], self.minor_unit[currency]
        coins = amount // coin
        return (2 * coins * rate + 10_000 + rate) // (2 * (10_000 + rate)) * coin

    def names(self, kind: str) -> AnyArray:
        """Names behind the numbers of countries, plans, currencies or calculators."""
        return np.array(list(getattr(self.world, kind)))


def versions_until(horizon: Horizon, versions: list[str]) -> Ints:
    """Moments at which each further app version replaces the one before."""
    edges = [horizon.moment(part / len(versions)) for part in range(len(versions) + 1)]
    return np.array([begin for begin, _ in pairwise(edges)][1:], dtype=np.int64)
